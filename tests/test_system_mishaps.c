/* SPDX-License-Identifier: MIT */

/*
 * What a simulated runtime can be told to let go wrong: allocations and
 * behaviors, and with late deliveries (see test_system_late.c) all of it at
 * once.  Whatever it is, it is the same with the same seed, and each message,
 * payload and actor has one end.
 */

#include "tests/storm.h"
#include "tests/suite.h"
#include "tests/units.h"


#include <stdio.h>

static sys_ledger ledger;

static troupe *
open_with(troupe_faults faults, uint64_t seed)
{
	memset(&ledger, 0, sizeof ledger);
	return sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED,
				 .seed = seed,
				 .faults = faults,
				 .failure = sys_ignore_failure },
	    &ledger);
}

/* --- Allocations. --- */

static uint64_t made, destroyed, statuses[TROUPE_TAKEN + 1], asks_begun, asks_ended;

static void
note_status(troupe_status status)
{
	statuses[status]++;
}

/* Of a call that returns nothing when it fails. */
static void
note_result(bool worked)
{
	note_status(worked ? TROUPE_OK : troupe_last_error());
}

static void
count_end(void *body, size_t size)
{
	(void)body;
	(void)size;
	destroyed++;
}

static void
note_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	(void)self;
	(void)state;
	(void)answer;
	asks_ended++;
}

static void
note_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	(void)self;
	(void)state;
	(void)gathered;
	asks_ended++;
}

static void
send_payload(troupe_ref to, size_t size)
{
	troupe_msg *msg = troupe_msg_new(2, size, count_end);

	note_result(msg != NULL);
	made += msg != NULL;
	if (msg != NULL)
		note_status(troupe_send_msg(to, &msg));
	troupe_msg_free(&msg);
}

static void
send_block(troupe_ref to)
{
	troupe_shared *block = troupe_shared_new(5000, count_end);

	note_result(block != NULL);
	made += block != NULL;
	if (block != NULL)
		note_status(troupe_send_shared(to, 2, block));
	troupe_shared_release(&block);
}

static const troupe_class tough_class, large_class;

/* Everything that allocates, and may say so. */
static void
try_everything(troupe_actor *self, void *state, const troupe_msg *msg)
{
	static const char bytes[3000];
	troupe_ref me = troupe_self(self);
	troupe_status status;

	(void)state;
	if (msg->type != 1) {
		if (troupe_is_request(msg))
			note_status(troupe_reply(self, 3, bytes, sizeof bytes));
		if (msg->size == 100)
			(void)troupe_stash(self);
		return;
	}
	note_status(troupe_send(me, 2, NULL, 0));
	note_status(troupe_send(me, 2, bytes, sizeof bytes));
	note_status(troupe_send_urgent(me, 2, bytes, 100));
	send_payload(me, 20);
	send_payload(me, 100000);
	send_block(me);
	note_result(troupe_spawn(troupe_of(self), &large_class, NULL) != 0);
	note_result(troupe_spawn_child(self, &tough_class, bytes) != 0);
	status = troupe_ask(self, me, 2, bytes, 50, TROUPE_SECOND, note_answer, NULL);
	note_status(status);
	asks_begun += status == TROUPE_OK;
	status = troupe_gather(self, &(troupe_request){ .to = me, .type = 2 }, 1, 1, TROUPE_SECOND,
	    note_gathered, NULL);
	note_status(status);
	asks_begun += status == TROUPE_OK;
	note_result(troupe_send_after(self, 1000, 2, bytes, 60) != 0);
	note_result(troupe_monitor(self, me + 1) != 0 || troupe_last_error() == TROUPE_INVALID);
	note_status(troupe_register(self, "tough"));
	note_status(troupe_set_name(self, "a tough one"));
	note_status(troupe_become(self, try_everything));
	(void)troupe_unstash(self, SIZE_MAX);
}

static const troupe_supervisor restart_soon = { .backoff_ns = 1000, .restarts = 1000000 };

static const troupe_class tough_class = {
	.name = "tough",
	.receive = try_everything,
	.supervisor = &restart_soon,
	.argument_size = 10,
};
static const troupe_class large_class = { .name = "large", .state_size = 100000, .receive = try_everything };

START_TEST(test_system_mishaps_of_allocation_are_said_and_harm_nothing)
{
	static const uint32_t odds[] = { 1, 2, 3, 10, 50 };
	troupe *t = open_with((troupe_faults){ .alloc = odds[_i] }, 7);
	troupe_ref who = sys_spawn(t, &tough_class, NULL);
	const uint32_t rounds = SYS_SCALED(200);

	/* Outside a callback all of it works. */
	for (uint32_t i = 0; i < rounds; i++) {
		sys_send(who, 1, NULL, 0);
		/* What waits in a stash has no outcome yet. */
		sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	}
	sys_assert_status(troupe_stop(who, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	sys_close(t, &ledger);
	ck_assert_uint_gt(statuses[TROUPE_NOMEM], rounds / 10);
	if (odds[_i] > 1)
		ck_assert_uint_gt(statuses[TROUPE_OK], rounds);
	for (int status = 0; status <= TROUPE_TAKEN; status++)
		if (status != TROUPE_OK && status != TROUPE_NOMEM)
			ck_assert_msg(statuses[status] == 0 || status == TROUPE_DEAD ||
					  status == TROUPE_INVALID,
			    "%s came", troupe_status_name((troupe_status)status));
	ck_assert_uint_eq(made, destroyed);
	ck_assert_uint_eq(asks_begun, asks_ended);
}
END_TEST

static void
send_to_itself(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	note_status(troupe_send(troupe_self(self), 1, NULL, 0));
}

START_TEST(test_system_mishaps_of_allocation_are_the_runtimes_own)
{
	static const troupe_class class_ = { .receive = send_to_itself };
	troupe *faulty = open_with((troupe_faults){ .alloc = 1 }, 1);
	troupe *other = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, NULL);
	troupe_ref a = sys_spawn(faulty, &class_, NULL), b = sys_spawn(other, &class_, NULL);

	for (int i = 0; i < 100; i++) {
		sys_send(a, 1, NULL, 0);
		sys_wait(faulty);
	}
	ck_assert_uint_eq(statuses[TROUPE_NOMEM], 100);
	ck_assert_uint_eq(statuses[TROUPE_OK], 0);
	sys_send(b, 1, NULL, 0);
	for (int i = 0; i < 100; i++)
		sys_assert_status(troupe_run_once(other), TROUPE_OK);
	ck_assert_uint_eq(statuses[TROUPE_OK], 100);
	sys_close(faulty, &ledger);
	sys_close(other, NULL);
}
END_TEST

/* --- Behaviors that fail. --- */

#define CHILDREN 3

struct boss {
	uint64_t received[CHILDREN + 1]; /* the last is not supervised */
	uint64_t failed[CHILDREN + 1];
	troupe_ref child[CHILDREN + 1];
	uint32_t wrong;
};

static struct boss boss;

struct worker {
	uint32_t number;
};

static void
do_work(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct worker *w = state;

	(void)self;
	(void)msg;
	boss.received[w->number]++;
}

static void
note_failed(troupe_actor *self, void *state, const troupe_failure *failure)
{
	const struct worker *w = state;

	(void)self;
	boss.failed[w->number]++;
	boss.wrong += failure->code != TROUPE_CODE_INJECTED || strcmp(failure->text, "injected") != 0 ||
		      failure->msg_type != 5;
}

static int
start_worker(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(struct worker));
	return 0;
}

static const troupe_class worker_class = {
	.name = "worker",
	.state_size = sizeof(struct worker),
	.start = start_worker,
	.receive = do_work,
	.failed = note_failed,
	.argument_size = sizeof(struct worker),
};

static void
hire(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	for (uint32_t i = 0; i < CHILDREN; i++)
		boss.child[i] = troupe_spawn_child(self, &worker_class, &(struct worker){ i });
}

static const troupe_class boss_class = { .name = "boss", .receive = hire, .supervisor = &restart_soon };

#define JOBS 400

START_TEST(test_system_mishaps_of_behaviors_are_failures_of_the_supervised)
{
	memset(&boss, 0, sizeof boss);
	troupe *t = open_with((troupe_faults){ .restart = 10 }, 11);
	uint64_t failed = 0;

	sys_send(sys_spawn(t, &boss_class, NULL), 1, NULL, 0);
	sys_wait(t);
	boss.child[CHILDREN] = sys_spawn(t, &worker_class, &(struct worker){ CHILDREN });
	for (int i = 0; i < JOBS; i++)
		for (int k = 0; k <= CHILDREN; k++)
			sys_send(boss.child[k], 5, NULL, 0);
	troupe_totals totals = sys_wait(t);

	ck_assert_uint_eq(boss.wrong, 0);
	ck_assert_uint_eq(boss.failed[CHILDREN], 0);
	ck_assert_uint_eq(boss.received[CHILDREN], JOBS);
	for (int k = 0; k < CHILDREN; k++) {
		ck_assert_uint_gt(boss.failed[k], JOBS / 20);
		ck_assert_uint_lt(boss.failed[k], JOBS / 5);
		/* Some failed before they had done anything, and others after. */
		ck_assert_uint_lt(boss.received[k], JOBS);
		ck_assert_uint_gt(boss.received[k], JOBS - boss.failed[k]);
		failed += boss.failed[k];
	}
	ck_assert_uint_eq(totals.failed, failed);
	ck_assert_uint_eq(totals.restarted, failed);
	sys_assert_count(ledger.dead[TROUPE_FAILED], failed);
	sys_close(t, &ledger);
}
END_TEST

/* --- A storm with all of it. --- */

static storm now;

static void
weather(uint64_t seed, uint32_t actions, storm_end end)
{
	memset(&now, 0, sizeof now);
	now.seed = seed;
	now.actions = actions;
	now.end = end;
	now.is_scarce = getenv("TROUPE_FAULTS") != NULL && strstr(getenv("TROUPE_FAULTS"), "alloc") != NULL;
	sys_join(sys_start(run_storm, &now));
	ck_assert_msg(sys_get(&now.wrong) == 0, "seed %" PRIu64 ": promises were not kept", seed);
	for (uint64_t i = 0; i < sys_get(&now.asks) && i < STORM_ASKS; i++)
		ck_assert_uint_eq(sys_get(&now.ask_ends[i]), 1);
	ck_assert_uint_eq(sys_get(&now.made), sys_get(&now.destroyed));
}

static const char *const faults[] = { "late=10", "restart=20", "late=3,restart=5", "alloc=30",
	"alloc=4,late=20,restart=20" };
#define FAULTS ((int)(sizeof faults / sizeof *faults))
static const char *const policies[] = { "random", "pct", "round-robin" };

START_TEST(test_system_mishaps_leave_nothing_behind_after_a_storm)
{
	uint64_t out = 0;

	setenv("TROUPE_FAULTS", faults[_i], 1);
	for (uint64_t seed = 0; seed < SYS_SCALED(60); seed++) {
		setenv("TROUPE_POLICY", policies[seed % 3], 1);
		weather(seed, 2000, (storm_end)(seed % STORM_ENDS));
		uint64_t units = units_out();

		if (seed > 0)
			ck_assert_msg(units == out, "seed %" PRIu64 ": %" PRId64 " units were lost", seed,
			    (int64_t)(units - out));
		out = units;
	}
}
END_TEST

START_TEST(test_system_mishaps_are_the_same_with_the_same_seed)
{
	uint64_t before = 0;

	setenv("TROUPE_FAULTS", faults[_i], 1);
	for (uint64_t seed = 0; seed < SYS_SCALED(40); seed++) {
		setenv("TROUPE_POLICY", policies[seed % 3], 1);
		weather(seed, 400, (storm_end)(seed % STORM_ENDS));
		uint64_t digest = now.digest, entries = now.entries;

		/* In between, another: what lies where in memory is to make no difference. */
		weather(seed + 1, 100, STORM_IS_CUT);
		weather(seed, 400, (storm_end)(seed % STORM_ENDS));
		ck_assert_msg(now.digest == digest && now.entries == entries, "seed %" PRIu64 " with %s",
		    seed, faults[_i]);
		ck_assert_uint_ne(digest, before);
		before = digest;
	}
	/* They have something to do with it. */
	weather(1, 400, STORM_STOPS_ALL);
	uint64_t digest = now.digest;

	ck_assert_int_eq(unsetenv("TROUPE_FAULTS"), 0);
	weather(1, 400, STORM_STOPS_ALL);
	ck_assert_uint_ne(now.digest, digest);
}
END_TEST

/* The storm expects that there is memory: this is for the one that has none at times. */
static uint64_t
digest_of_tough_run(uint64_t seed)
{
	troupe *t = open_with((troupe_faults){ .alloc = 4, .late = 6, .restart = 9 }, seed);
	troupe_ref who = sys_spawn(t, &tough_class, NULL);
	uint64_t digest = 0;

	memset(statuses, 0, sizeof statuses);
	for (int i = 0; i < 40; i++) {
		sys_send(who, 1, NULL, 0);
		sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	}
	for (int status = 0; status <= TROUPE_TAKEN; status++)
		digest = digest * 1000003 + statuses[status];
	digest = digest * 1000003 + (uint64_t)troupe_now(t);
	sys_close(t, &ledger);
	return digest;
}

START_TEST(test_system_mishaps_of_allocation_are_the_same_with_the_same_seed)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		uint64_t first = digest_of_tough_run(seed), other = digest_of_tough_run(seed + 1);

		ck_assert_uint_ne(first, other);
		ck_assert_uint_eq(digest_of_tough_run(seed), first);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_mishaps");
	TCase *tc = tcase_create("mishaps");

	tcase_set_timeout(tc, 200);
	tcase_add_loop_test(tc, test_system_mishaps_of_allocation_are_said_and_harm_nothing, 0, 5);
	tcase_add_test(tc, test_system_mishaps_of_allocation_are_the_runtimes_own);
	tcase_add_test(tc, test_system_mishaps_of_behaviors_are_failures_of_the_supervised);
	tcase_add_loop_test(tc, test_system_mishaps_leave_nothing_behind_after_a_storm, 0, FAULTS);
	tcase_add_loop_test(tc, test_system_mishaps_are_the_same_with_the_same_seed, 0, FAULTS);
	tcase_add_test(tc, test_system_mishaps_of_allocation_are_the_same_with_the_same_seed);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
