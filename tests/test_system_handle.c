/* SPDX-License-Identifier: MIT */

/*
 * A handle is a plain number.  That of a stopped actor is safe for ever: a
 * send to it is DEAD, and never reaches another life.
 */

#include "tests/suite.h"
#include "tests/system.h"

/* What every actor here knows, and what it saw. */
struct world {
	troupe *t;
	sys_counter delivered, strayed, failed;
};

struct inhabitant {
	struct world *world;
};

/* Every message says for whom it is. */
static void
check_address(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct inhabitant *i = state;
	const troupe_ref *meant = troupe_body(msg, sizeof *meant);

	sys_add(&i->world->delivered, 1);
	if (meant == NULL || *meant != troupe_self(self))
		sys_add(&i->world->strayed, 1);
}

static int
start_inhabitant(troupe_actor *self, void *state, const void *argument)
{
	struct inhabitant *i = state;

	(void)self;
	i->world = *(struct world *const *)argument;
	return 0;
}

static const troupe_class inhabitant_class = {
	.name = "inhabitant",
	.state_size = sizeof(struct inhabitant),
	.start = start_inhabitant,
	.receive = check_address,
};

static const troupe_class large_class = {
	.name = "large inhabitant",
	.state_size = 500,
	.start = start_inhabitant,
	.receive = check_address,
};

static const troupe_class dedicated_class = {
	.name = "dedicated inhabitant",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct inhabitant),
	.start = start_inhabitant,
	.receive = check_address,
};

static troupe_status
send_address(troupe_ref to)
{
	return troupe_send(to, 1, &to, sizeof to);
}

static troupe_status
send_address_urgently(troupe_ref to)
{
	return troupe_send_urgent(to, 1, &to, sizeof to);
}

static troupe_status
move_address(troupe_ref to)
{
	troupe_msg *msg = troupe_msg_new(1, sizeof to, NULL);

	memcpy(troupe_msg_fill(msg), &to, sizeof to);
	troupe_status status = troupe_send_msg(to, &msg);
	troupe_msg_free(&msg);
	return status;
}

static troupe_status
share_address(troupe_ref to)
{
	troupe_shared *block = troupe_shared_new(sizeof to, NULL);

	memcpy(troupe_shared_bytes(block), &to, sizeof to);
	troupe_status status = troupe_send_shared(to, 1, block);
	troupe_shared_release(&block);
	return status;
}

static troupe_status
stop_now(troupe_ref who)
{
	return troupe_stop(who, TROUPE_STOP_NOW);
}

static troupe_status
stop_drained(troupe_ref who)
{
	return troupe_stop(who, TROUPE_STOP_DRAIN);
}

static troupe_status (*const calls[])(troupe_ref to) = {
	send_address,
	send_address_urgently,
	move_address,
	share_address,
	stop_now,
	stop_drained,
};
#define CALLS (sizeof calls / sizeof *calls)

/* --- One after the other. --- */

START_TEST(test_system_handle_of_the_dead_stays_dead)
{
	static const troupe_class *const classes[] = { &inhabitant_class, &large_class, &dedicated_class };
	enum { LIVES = 200 };
	const troupe_class *class_ = classes[_i];
	struct world world = { 0 }, *pointer = &world;
	troupe_ref life[LIVES];
	troupe *t = sys_open(1, NULL);

	for (int i = 0; i < LIVES; i++) {
		life[i] = sys_spawn(t, class_, &pointer);
		/* The living one is reached, its forerunners, likely in the same place, are not. */
		sys_assert_status(send_address(life[i]), TROUPE_OK);
		for (int k = i - 1; k >= 0 && k > i - 20; k--)
			for (size_t c = 0; c < CALLS; c++)
				sys_assert_status(calls[c](life[k]), TROUPE_DEAD);
		for (int k = 0; k < i; k++)
			ck_assert_uint_ne(life[k], life[i]);
		sys_assert_status(i % 2 ? stop_drained(life[i]) : (sys_wait(t), stop_now(life[i])),
		    TROUPE_OK);
		sys_wait(t);
	}
	sys_close(t, NULL);
	sys_assert_count(world.delivered, LIVES);
	sys_assert_count(world.strayed, 0);
	for (int i = 0; i < LIVES; i++)
		for (size_t c = 0; c < CALLS; c++)
			sys_assert_status(calls[c](life[i]), TROUPE_DEAD);
}
END_TEST

/* --- Garbage. --- */

START_TEST(test_system_handle_garbage_reaches_nobody)
{
	enum { LIVING = 300 };
	sys_random random = { sys_seed("garbage") };
	struct world world = { 0 }, *pointer = &world;
	troupe_ref living[LIVING];
	troupe *t = sys_open(2, NULL);

	for (int i = 0; i < LIVING; i++)
		living[i] = sys_spawn(t, &inhabitant_class, &pointer);
	for (int i = 0; i < SYS_SCALED(100000); i++) {
		troupe_ref garbage = sys_next(&random);
		troupe_status status;

		/* Some of it looks like a handle: the place of an actor, with another generation. */
		if (i % 4 == 1)
			garbage = living[sys_below(&random, LIVING)] ^
				  (troupe_ref)sys_below(&random, UINT32_MAX) << 32;
		else if (i % 4 == 2)
			garbage &= UINT64_C(0xffffffff);
		bool is_living = false;
		for (int k = 0; k < LIVING; k++)
			is_living |= garbage == living[k];
		if (is_living)
			continue;
		status = calls[(size_t)i % CALLS](garbage);
		ck_assert_msg(status == TROUPE_INVALID || status == TROUPE_DEAD, "%s for %" PRIx64,
		    troupe_status_name(status), garbage);
	}
	/* Nobody was hurt. */
	for (int i = 0; i < LIVING; i++)
		sys_assert_status(send_address(living[i]), TROUPE_OK);
	sys_wait(t);
	sys_close(t, NULL);
	sys_assert_count(world.delivered, LIVING);
	sys_assert_count(world.strayed, 0);
}
END_TEST

/* --- A closed runtime, and another one in its place. --- */

START_TEST(test_system_handle_does_not_reach_the_next_runtime)
{
	enum { ACTORS = 500, RUNTIMES = 20 };
	struct world world = { 0 }, *pointer = &world;
	static troupe_ref old[RUNTIMES][ACTORS];
	uint64_t expected = 0;

	for (int r = 0; r < RUNTIMES; r++) {
		troupe *t = sys_open(r % 3 == 0 ? TROUPE_WORKERS_NONE : r % 3, NULL);

		for (int i = 0; i < ACTORS; i++)
			old[r][i] = sys_spawn(t, &inhabitant_class, &pointer);
		for (int before = 0; before < r; before++)
			for (int i = 0; i < ACTORS; i += 7)
				sys_assert_status(calls[(size_t)i % CALLS](old[before][i]), TROUPE_DEAD);
		for (int i = 0; i < ACTORS; i++, expected++)
			sys_assert_status(send_address(old[r][i]), TROUPE_OK);
		sys_wait(t);
		sys_close(t, NULL);
		for (int i = 0; i < ACTORS; i += 7) {
			troupe_status status = send_address(old[r][i]);

			ck_assert(status == TROUPE_DEAD || status == TROUPE_CLOSING);
		}
	}
	sys_assert_count(world.delivered, expected);
	sys_assert_count(world.strayed, 0);
}
END_TEST

/* --- A storm of spawns and stops, with senders that hold handles of all ages. --- */

#define PLACES  64
#define AGES    8
#define THREADS 4

struct storm {
	struct world world;
	sys_counter refs[PLACES][AGES]; /* a troupe_ref each: now one of these lives, now none */
	sys_counter accepted, undefined;
};

struct storm_thread {
	struct storm *storm;
	uint64_t seed;
};

static void
count_status(struct storm *s, troupe_status status)
{
	if (status == TROUPE_OK)
		sys_add(&s->accepted, 1);
	else if (status != TROUPE_DEAD && status != TROUPE_INVALID)
		sys_add(&s->undefined, 1);
}

static void *
replace_and_send(void *thread)
{
	struct storm_thread *th = thread;
	struct storm *s = th->storm;
	struct world *world = &s->world;
	sys_random random = { th->seed };
	static const troupe_class *const classes[] = { &inhabitant_class, &inhabitant_class, &large_class };

	for (int i = 0; i < SYS_SCALED(30000); i++) {
		sys_counter *place = &s->refs[sys_below(&random, PLACES)][sys_below(&random, AGES)];
		troupe_ref ref = sys_get(place);

		if (sys_below(&random, 4) != 0) {
			count_status(s, calls[sys_below(&random, 4)](ref));
			continue;
		}
		(void)calls[4 + sys_below(&random, 2)](ref);
		troupe_ref next = troupe_spawn(world->t, classes[sys_below(&random, 3)], &world);
		if (next == 0)
			sys_add(&world->failed, 1);
		/* The stopped one may be kept as well, to be sent to later. */
		if (sys_below(&random, 2))
			place = &s->refs[sys_below(&random, PLACES)][sys_below(&random, AGES)];
		sys_set(place, next);
	}
	return NULL;
}

START_TEST(test_system_handle_storm_delivers_to_nobody_else)
{
	struct storm *s = calloc(1, sizeof *s);
	uint64_t seed = sys_seed("handle");
	sys_ledger ledger = { 0 };
	struct storm_thread arguments[THREADS];
	pthread_t threads[THREADS];

	s->world.t = sys_open_shape(&sys_shapes[_i], &ledger);
	for (uint32_t i = 0; i < THREADS; i++) {
		arguments[i] = (struct storm_thread){ s, seed + i };
		threads[i] = sys_start(replace_and_send, &arguments[i]);
	}
	for (int i = 0; i < THREADS; i++)
		sys_join(threads[i]);
	troupe_totals totals = sys_wait(s->world.t);
	sys_close(s->world.t, &ledger);

	sys_assert_count(s->world.strayed, 0);
	sys_assert_count(s->world.failed, 0);
	sys_assert_count(s->undefined, 0);
	ck_assert_uint_eq(totals.accepted, sys_get(&s->accepted));
	ck_assert_uint_eq(totals.handled, sys_get(&s->world.delivered));
	ck_assert_uint_eq(totals.dead, sys_get(&ledger.dead[TROUPE_DEAD]));
	free(s);
}
END_TEST

/* --- The same with whole runtimes that come and go. --- */

#define RUNTIMES 3

struct tides {
	struct world world[RUNTIMES];
	sys_counter refs[PLACES];
	sys_counter stop, unexpected;
};

static void *
send_to_any(void *tides)
{
	struct tides *d = tides;
	sys_random random = { (uint64_t)(uintptr_t)&random };

	while (sys_get(&d->stop) == 0) {
		troupe_status status = calls[sys_below(&random, CALLS)](
		    sys_get(&d->refs[sys_below(&random, PLACES)]));

		if (status != TROUPE_OK && status != TROUPE_DEAD && status != TROUPE_CLOSING &&
		    status != TROUPE_INVALID)
			sys_add(&d->unexpected, 1);
	}
	return NULL;
}

START_TEST(test_system_handle_survives_runtimes_that_come_and_go)
{
	struct tides *d = calloc(1, sizeof *d);
	sys_random random = { sys_seed("tides") };
	sys_ledger ledger = { 0 };
	pthread_t threads[2];
	troupe *open[RUNTIMES] = { NULL };

	for (int i = 0; i < 2; i++)
		threads[i] = sys_start(send_to_any, d);
	for (int i = 0; i < SYS_SCALED(200); i++) {
		int at = (int)sys_below(&random, RUNTIMES);
		struct world *world = &d->world[at];

		if (open[at] != NULL)
			sys_close(open[at], &ledger);
		open[at] = sys_open(at, &ledger); /* one of them with the default number */
		for (int k = 0; k < PLACES / 2; k++)
			sys_set(&d->refs[sys_below(&random, PLACES)],
			    sys_spawn(open[at], k % 8 == 0 ? &dedicated_class : &inhabitant_class, &world));
	}
	sys_set(&d->stop, 1);
	for (int i = 0; i < 2; i++)
		sys_join(threads[i]);
	for (int i = 0; i < RUNTIMES; i++) {
		if (open[i] != NULL)
			sys_close(open[i], &ledger);
		sys_assert_count(d->world[i].strayed, 0);
	}
	sys_assert_count(d->unexpected, 0);
	free(d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_handle");
	TCase *tc = tcase_create("handles");

	tcase_add_loop_test(tc, test_system_handle_of_the_dead_stays_dead, 0, 3);
	tcase_add_test(tc, test_system_handle_garbage_reaches_nobody);
	tcase_add_test(tc, test_system_handle_does_not_reach_the_next_runtime);
	tcase_add_loop_test(tc, test_system_handle_storm_delivers_to_nobody_else, 0, sys_shape_count);
	tcase_add_test(tc, test_system_handle_survives_runtimes_that_come_and_go);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
