/* SPDX-License-Identifier: MIT */

/*
 * Same seed, same run: with the simulated scheduler a program makes the same
 * deliveries each time, in one process and in many; another seed makes others.
 */

#include "runtime/actor/runtime.h"
#include "runtime/engine/simulated.h"
#include "tests/suite.h"
#include "tests/system.h"

#include <stdio.h>
#include <unistd.h>

#define ACTORS 12
#define LONG   4000 /* deliveries of a long run, about */

/* A digest of all that happened, in order; and how much that was. */
struct diary {
	uint64_t digest, entries;
};

/* A run: everything in it is decided by its program seed and the scheduler's choices. */
struct run {
	troupe *t;
	struct diary diary;
	troupe_ref actor[ACTORS];
	uint32_t next_actor; /* creation number of the next actor: the log must not hang on handles */
	uint32_t budget;     /* messages that may yet be sent */
};

struct player {
	struct run *run;
	uint32_t number, handled;
	troupe_msg *kept;
};

struct note {
	uint64_t seed;
	uint32_t number;
};

static void
enter(struct run *r, uint32_t what, uint64_t a, uint64_t b)
{
	struct diary *d = &r->diary;
	sys_random random = { d->digest ^ ((uint64_t)what << 56) ^ (a << 28) ^ b ^
			      (uint64_t)troupe_now(r->t) << 8 };

	d->digest = sys_next(&random);
	d->entries++;
}

enum { DELIVERED = 1, STARTED, STOPPED, BURIED, STATUS };

static const troupe_class player_class, dedicated_class;

static void
play_on(struct run *r, sys_random *random)
{
	struct note n = { sys_next(random), r->budget };
	troupe_ref to = r->actor[sys_below(random, ACTORS)];
	troupe_status status;

	if (r->budget == 0)
		return;
	r->budget--;
	if (sys_below(random, 4) == 0) {
		status = troupe_send_urgent(to, 1, &n, sizeof n);
	} else if (sys_below(random, 4) == 0) {
		troupe_msg *msg = troupe_msg_new(1, 100 + sizeof n, NULL);

		memcpy(troupe_msg_fill(msg), &n, sizeof n);
		status = troupe_send_msg(to, &msg);
		troupe_msg_free(&msg);
	} else {
		status = troupe_send(to, 1, &n, sizeof n);
	}
	enter(r, STATUS, (uint64_t)status, n.number);
}

static void
play(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct player *p = state;
	struct run *r = p->run;
	struct note n = *(const struct note *)msg->body;
	sys_random random = { n.seed + p->handled++ };
	uint32_t sends = sys_below(&random, 4), what = sys_below(&random, 30);

	enter(r, DELIVERED, p->number, n.number);
	for (uint32_t i = 0; i < sends; i++)
		play_on(r, &random);
	if (what == 0) {
		troupe_stop_self(self, sys_below(&random, 2) ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN);
	} else if (what == 1) {
		(void)troupe_stop(r->actor[sys_below(&random, ACTORS)], TROUPE_STOP_DRAIN);
	} else if (what < 4) {
		r->actor[sys_below(&random, ACTORS)] = troupe_spawn_child(self, &player_class, &r);
	} else if (what < 6) {
		r->actor[sys_below(&random, ACTORS)] = troupe_spawn(r->t,
		    what == 4 ? &dedicated_class : &player_class, &r);
	} else if (what == 6) {
		troupe_msg_free(&p->kept);
		p->kept = troupe_keep(self);
	} else if (what == 7 && r->budget > 0) {
		r->budget--;
		(void)troupe_forward(self, r->actor[sys_below(&random, ACTORS)]);
	}
}

static int
start_player(troupe_actor *self, void *state, const void *argument)
{
	struct player *p = state;

	(void)self;
	p->run = *(struct run *const *)argument;
	p->number = p->run->next_actor++;
	enter(p->run, STARTED, p->number, 0);
	return 0;
}

static void
stop_player(troupe_actor *self, void *state, troupe_reason reason)
{
	struct player *p = state;

	(void)self;
	troupe_msg_free(&p->kept);
	/* The order in which a close ends what has no parent is not promised. */
	if (reason != TROUPE_REASON_CLOSING)
		enter(p->run, STOPPED, p->number, (uint64_t)reason);
}

static const troupe_class player_class = {
	.name = "player",
	.state_size = sizeof(struct player),
	.start = start_player,
	.receive = play,
	.stop = stop_player,
};

static const troupe_class dedicated_class = {
	.name = "dedicated player",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct player),
	.start = start_player,
	.receive = play,
	.stop = stop_player,
};

static void
note_letter(void *context, const troupe_dead_letter *letter)
{
	struct run *r = context;
	const struct note *n = letter->msg->body;

	if (letter->reason != TROUPE_CLOSING)
		enter(r, BURIED, (uint64_t)letter->reason, n->number);
}

/* Choices that are given are replayed; those that are made are left in *made, from malloc, unless it is NULL. */
static struct diary
run_with_choices(uint64_t seed, int quantum, uint32_t length, const char *choices, char **made)
{
	struct run r = { .budget = length };
	struct run *pointer = &r;
	sys_random random = { 4711 };
	sys_ledger ledger = { .letter = note_letter, .context = &r };

	r.t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED,
				.seed = seed,
				.quantum = quantum,
				.policy = choices != NULL ? TROUPE_POLICY_REPLAY : TROUPE_POLICY_RANDOM,
				.choices = choices },
	    &ledger);
	if (made != NULL)
		tr_simulation_record(&r.t->pool);
	for (int i = 0; i < ACTORS; i++)
		r.actor[i] = sys_spawn(r.t, &player_class, &pointer);
	/* Interrupted now and then by the outside, at moments that the run itself decides. */
	while (r.budget > 0) {
		for (int i = 0; i < 5; i++)
			play_on(&r, &random);
		while (troupe_run_once(r.t) == TROUPE_OK)
			if (r.budget % 97 == 0)
				break;
	}
	sys_wait(r.t);
	if (made != NULL) {
		tr_choices record = tr_simulation_take_record(&r.t->pool);

		*made = tr_choices_write(&record);
		tr_choices_fini(&record);
	}
	sys_close(r.t, &ledger);
	return r.diary;
}

static struct diary
run_once_through(uint64_t seed, int quantum, uint32_t length)
{
	return run_with_choices(seed, quantum, length, NULL, NULL);
}

static const int quanta[] = { 0, 1, 3, 1000 };

START_TEST(test_system_same_run_again_in_one_process)
{
	uint32_t length = SYS_SCALED(LONG);
	struct diary first = run_once_through(42, quanta[_i], length);

	ck_assert_uint_gt(first.entries, length);
	for (int i = 1; i < 100; i++) {
		struct diary again = run_once_through(42, quanta[_i], length);

		ck_assert_uint_eq(again.entries, first.entries);
		ck_assert_uint_eq(again.digest, first.digest);
	}
}
END_TEST

START_TEST(test_system_same_run_when_its_choices_are_replayed)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		char *made, *again;
		struct diary first = run_with_choices(seed, quanta[_i], 500, NULL, &made);
		struct diary second = run_with_choices(seed, quanta[_i], 500, made, &again);

		ck_assert_ptr_nonnull(made);
		ck_assert_uint_gt(strlen(made), 100);
		ck_assert_uint_eq(second.entries, first.entries);
		ck_assert_uint_eq(second.digest, first.digest);
		ck_assert_str_eq(again, made);
		/* They, and not the seed, made it: with none of them it is another run. */
		ck_assert_uint_ne(run_with_choices(seed, quanta[_i], 500, "", NULL).digest, first.digest);
		free(made);
		free(again);
	}
}
END_TEST

/* How this program was called: a child runs it anew, so that nothing lies where it lay before. */
static const char *program;

struct child {
	uint64_t seed;
	int quantum;
	int result; /* write end of a pipe */
	int before; /* runs in the same process before it */
};

/* What a child was told. */
static struct child told;

START_TEST(test_system_same_run_in_a_child)
{
	/* What else a process did must not matter. */
	for (int i = 0; i < told.before; i++)
		(void)run_once_through((uint64_t)i, 0, 100);
	struct diary diary = run_once_through(told.seed, told.quantum, SYS_SCALED(LONG));

	ck_assert_int_eq((int)write(told.result, &diary, sizeof diary), (int)sizeof diary);
}
END_TEST

static int
become_child(void *argument)
{
	const struct child *c = argument;
	char text[4][24];

	snprintf(text[0], sizeof text[0], "%" PRIu64, c->seed);
	snprintf(text[1], sizeof text[1], "%d", c->quantum);
	snprintf(text[2], sizeof text[2], "%d", c->result);
	snprintf(text[3], sizeof text[3], "%d", c->before);
	execl(program, program, text[0], text[1], text[2], text[3], (char *)NULL);
	perror(program);
	return 2;
}

/* The other end of become_child: a suite of the one case, since there is nobody else to assert to. */
static int
be_child(char **argument)
{
	Suite *suite = suite_create("a child");
	TCase *tc = tcase_create("a child");
	SRunner *runner = srunner_create(suite);

	told = (struct child){
		.seed = strtoull(argument[1], NULL, 10),
		.quantum = atoi(argument[2]),
		.result = atoi(argument[3]),
		.before = atoi(argument[4]),
	};
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, test_system_same_run_in_a_child);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}

static struct diary
diary_of_child(uint64_t seed, int quantum, int before)
{
	struct child c = { seed, quantum, -1, before };
	struct diary diary;
	sys_ending ending;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	c.result = ends[1];
	sys_run_child(&ending, become_child, &c);
	ck_assert_msg(ending.status == 0, "the child ended with %x: %s", (unsigned)ending.status,
	    ending.text);
	ck_assert_int_eq((int)read(ends[0], &diary, sizeof diary), (int)sizeof diary);
	close(ends[0]);
	close(ends[1]);
	return diary;
}

START_TEST(test_system_same_run_again_in_other_processes)
{
	struct diary first = diary_of_child(42, quanta[_i], 0);

	for (int i = 1; i < SYS_SCALED(100); i++) {
		struct diary again = diary_of_child(42, quanta[_i], i % 3);

		ck_assert_uint_eq(again.entries, first.entries);
		ck_assert_uint_eq(again.digest, first.digest);
	}
}
END_TEST

START_TEST(test_system_same_run_only_with_the_same_seed)
{
	enum { SEEDS = 50 };
	uint64_t digest[SEEDS];
	static const uint64_t large[] = { UINT64_MAX, UINT64_C(1) << 63, UINT64_C(1) << 32 };

	for (uint64_t i = 0; i < SEEDS; i++) {
		digest[i] = run_once_through(i < 3 ? large[i] : i - 3, quanta[_i], 300).digest;
		for (uint64_t k = 0; k < i; k++)
			ck_assert_uint_ne(digest[i], digest[k]);
	}
}
END_TEST

/* The virtual clock: it starts anew, never goes back, and stands still while nothing runs. */
static void
look_at_clock(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *last = *(int64_t **)state, now = troupe_now(troupe_of(self));

	(void)msg;
	if (now < *last)
		*last = INT64_MAX;
	else if (*last != INT64_MAX)
		*last = now;
}

START_TEST(test_system_same_run_has_a_virtual_clock)
{
	static const troupe_class class_ = {
		.state_size = sizeof(int64_t *),
		.start = sys_start_with_pointer,
		.receive = look_at_clock,
	};
	int64_t ends[2];

	for (int i = 0; i < 2; i++) {
		int64_t last = -1;
		troupe *t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, NULL);
		troupe_ref who = sys_spawn(t, &class_, &last);

		int64_t before = troupe_now(t);
		for (int k = 0; k < 1000; k++)
			ck_assert_int_eq(troupe_now(t), before);
		for (int k = 0; k < 1000; k++)
			sys_send(who, 1, NULL, 0);
		sys_wait(t);
		ck_assert_int_ge(last, before);
		ck_assert_int_ne(last, INT64_MAX);
		ck_assert_int_gt(troupe_now(t), before);
		ends[i] = troupe_now(t);
		sys_close(t, NULL);
	}
	ck_assert_int_eq(ends[0], ends[1]);
}
END_TEST

int
main(int count, char **argument)
{
	if (count == 5)
		return be_child(argument);
	program = argument[0];
	Suite *suite = suite_create("system_same_run");
	TCase *tc = tcase_create("same run");

	tcase_add_loop_test(tc, test_system_same_run_again_in_one_process, 0, 4);
	tcase_add_loop_test(tc, test_system_same_run_when_its_choices_are_replayed, 0, 4);
	tcase_add_loop_test(tc, test_system_same_run_again_in_other_processes, 0, 4);
	tcase_add_loop_test(tc, test_system_same_run_only_with_the_same_seed, 0, 4);
	tcase_add_test(tc, test_system_same_run_has_a_virtual_clock);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
