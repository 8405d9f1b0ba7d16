/* SPDX-License-Identifier: MIT */

/* Timers in real time: the event thread beside workers, dedicated actors, drivers and closers. */

#include "tests/suite.h"
#include "tests/system.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>

enum { GO = 1, TICK, SPIN, ARM, ARM_AND_DROP, QUIT };

/* --- An actor for most of them. --- */

struct clock {
	troupe *t;
	sys_counter ticks, early, failed, spun;
	sys_gate gate;
	troupe_ref spinner, other;
	uint64_t left; /* ticks until it stops arming */
	int64_t due;
};

static void
arm_next(troupe_actor *self, struct clock *c, int64_t delay)
{
	c->due = troupe_now(troupe_of(self)) + delay;
	if (troupe_send_after(self, delay, TICK, NULL, 0) == 0)
		sys_add(&c->failed, 1);
}

static void
run_clock(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct clock *c = *(struct clock **)state;

	if (msg->type == TICK) {
		sys_add(&c->early, troupe_now(troupe_of(self)) < c->due);
		sys_add(&c->ticks, 1);
		if (c->left-- > 1)
			arm_next(self, c, (int64_t)(c->left % 3) * 100000);
	} else if (msg->type == GO) {
		arm_next(self, c, TROUPE_MS);
		if (c->spinner != 0 && troupe_send(c->spinner, SPIN, NULL, 0) != TROUPE_OK)
			sys_add(&c->failed, 1);
	} else {
		/* Until the other's timer has come: else for ever. */
		while (sys_get(&c->ticks) == 0)
			sys_add(&c->spun, 1);
	}
}

static const troupe_class clock_class = {
	.name = "clock",
	.state_size = sizeof(struct clock *),
	.start = sys_start_with_pointer,
	.receive = run_clock,
};

static const troupe_class own_class = {
	.name = "clock with a thread",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct clock *),
	.start = sys_start_with_pointer,
	.receive = run_clock,
};

START_TEST(test_system_timers_threads_wait_for_what_is_armed)
{
	struct clock c = { .left = 20 };
	troupe *t = sys_open_shape(&sys_shapes[_i / 2], NULL);

	sys_send(sys_spawn(t, _i % 2 ? &own_class : &clock_class, &c), GO, NULL, 0);
	troupe_totals totals = sys_wait(t);
	sys_assert_count(c.ticks, 20);
	sys_assert_count(c.early, 0);
	sys_assert_count(c.failed, 0);
	ck_assert_uint_eq(totals.handled, 21);
	sys_assert_status(troupe_wait(t, 0), TROUPE_OK);
	sys_close(t, NULL);
}
END_TEST

/* A drain does not wait for timers, and a close ends them. */
static void
arm_for_an_hour(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct clock *c = *(struct clock **)state;

	if (msg->type == TICK) {
		sys_add(&c->ticks, 1);
		return;
	}
	for (int i = 0; i < 300; i++)
		sys_add(&c->failed, troupe_send_after(self, 3600 * TROUPE_SECOND + i, TICK, "data",
					4 * (size_t)(i % 2)) == 0);
	for (int i = 0; i < 300; i++)
		sys_add(&c->failed,
		    troupe_send_every(self, 3600 * TROUPE_SECOND, TROUPE_MISSED_SKIP, TICK, "data", 4) == 0);
	sys_add(&c->failed, troupe_set_idle_timeout(self, 3600 * TROUPE_SECOND) != TROUPE_OK);
}

static const troupe_class hour_class = {
	.state_size = sizeof(struct clock *),
	.start = sys_start_with_pointer,
	.receive = arm_for_an_hour,
};

START_TEST(test_system_timers_threads_drain_does_not_wait)
{
	struct clock c = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	for (int i = 0; i < 10; i++)
		sys_send(sys_spawn(t, &hour_class, &c), GO, NULL, 0);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_count(c.failed, 0);
	if (sys_shapes[_i].scheduler == TROUPE_SCHEDULER_POOL)
		sys_assert_status(troupe_wait(t, 5 * TROUPE_MS), TROUPE_TIMEOUT);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	sys_close(t, NULL);
	if (sys_shapes[_i].scheduler == TROUPE_SCHEDULER_POOL)
		sys_assert_count(c.ticks, 0);
}
END_TEST

/* --- Who delays whom. --- */

/* One worker spins until the timer of an actor that was on that same worker has come: the other brings it. */
START_TEST(test_system_timers_threads_are_not_held_up_by_a_long_behavior)
{
	const troupe_class *spins = _i == 1 ? &own_class : &clock_class,
			   *ticks = _i == 2 ? &own_class : &clock_class;

	for (int round = 0; round < SYS_SCALED(60); round++) {
		struct clock c = { .left = 1 };
		troupe *t = sys_open(2, NULL);

		c.spinner = sys_spawn(t, spins, &c);
		sys_send(sys_spawn(t, ticks, &c), GO, NULL, 0);
		sys_wait(t);
		sys_assert_count(c.ticks, 1);
		sys_assert_count(c.early, 0);
		sys_assert_count(c.failed, 0);
		sys_close(t, NULL);
	}
}
END_TEST

/* The program's own thread drives, and is woken for a timer. */
START_TEST(test_system_timers_threads_wake_a_driver)
{
	struct clock c = { .left = 50 };
	troupe *t = sys_open(TROUPE_WORKERS_NONE, NULL);
	uint64_t turns = 0;

	sys_send(sys_spawn(t, &clock_class, &c), GO, NULL, 0);
	if (_i == 0) {
		sys_assert_status(troupe_run(t), TROUPE_OK);
	} else {
		/* A loop of its own never waits. */
		while (sys_get(&c.ticks) < 50)
			if (troupe_run_once(t) == TROUPE_OK)
				turns++;
		ck_assert_uint_le(turns, 51);
		ck_assert_uint_ge(turns, 1);
		sys_wait(t);
		sys_close(t, NULL);
	}
	sys_assert_count(c.ticks, 50);
	sys_assert_count(c.early, 0);
}
END_TEST

/* --- Threads. --- */

static bool
is_named_troupe(const char *number)
{
	char path[320], name[32] = "";

	snprintf(path, sizeof path, "/proc/self/task/%s/comm", number);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return false;
	bool is_read = fgets(name, sizeof name, file) != NULL;
	fclose(file);
	return is_read && strncmp(name, "troupe", 6) == 0;
}

/* Those of the runtimes, by their names; -1 where the system does not say. */
static int
count_threads(void)
{
	DIR *all = opendir("/proc/self/task");
	int count = 0;

	if (all == NULL)
		return -1;
	for (const struct dirent *one; (one = readdir(all)) != NULL;)
		count += one->d_name[0] != '.' && is_named_troupe(one->d_name);
	closedir(all);
	return count;
}

/* One that was joined may be listed for a moment yet. */
static void
await_no_threads(void)
{
	while (count_threads() > 0)
		sched_yield();
}

START_TEST(test_system_timers_threads_begin_with_the_first_timer)
{
	struct clock c = { .left = 1 };

	if (count_threads() < 0)
		return;
	await_no_threads();
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	int workers = sys_shapes[_i].workers > 0 ? sys_shapes[_i].workers : 0;
	int simulated = sys_shapes[_i].scheduler == TROUPE_SCHEDULER_SIMULATED;
	struct clock none = { 0 };

	sys_set(&none.ticks, 1);
	for (int i = 0; i < 100; i++)
		sys_send(sys_spawn(t, &clock_class, &none), SPIN, NULL, 0);
	sys_wait(t);
	ck_assert_int_eq(count_threads(), workers);
	sys_send(sys_spawn(t, &clock_class, &c), GO, NULL, 0);
	sys_wait(t);
	/* And then there is one. */
	ck_assert_int_eq(count_threads(), workers + !simulated);
	c.left = 30;
	sys_send(sys_spawn(t, &clock_class, &c), GO, NULL, 0);
	sys_wait(t);
	ck_assert_int_eq(count_threads(), workers + !simulated);
	sys_close(t, NULL);
	await_no_threads();
}
END_TEST

/* --- Closing. --- */

/* Arms the first timer of its runtime while that is being closed, sooner or later. */
static void
arm_while_closing(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct clock *c = *(struct clock **)state;

	(void)msg;
	sys_gate_pass(&c->gate);
	while (troupe_send(c->other, TICK, NULL, 0) != TROUPE_CLOSING)
		;
	for (uint64_t i = 0; i < c->left; i++)
		sched_yield();
	(void)troupe_send_after(self, 0, TICK, NULL, 0);
	(void)troupe_send_every(self, 100000, TROUPE_MISSED_SKIP, TICK, NULL, 0);
}

START_TEST(test_system_timers_threads_armed_while_closing)
{
	static const troupe_class pooled = {
		.state_size = sizeof(struct clock *),
		.start = sys_start_with_pointer,
		.receive = arm_while_closing,
	};
	static const troupe_class dedicated = {
		.flags = TROUPE_DEDICATED,
		.state_size = sizeof(struct clock *),
		.start = sys_start_with_pointer,
		.receive = arm_while_closing,
	};
	struct clock other = { 0 };

	for (int round = 0; round < SYS_SCALED(100); round++) {
		struct clock c = { .left = (uint64_t)round % 20 };
		sys_ledger ledger = { 0 };
		troupe *t = sys_open(1, &ledger);

		sys_gate_init(&c.gate);
		sys_set(&other.ticks, 1);
		c.other = sys_spawn(t, &clock_class, &other);
		sys_send(sys_spawn(t, _i ? &dedicated : &pooled, &c), GO, NULL, 0);
		sys_gate_await(&c.gate, 1);
		if (round % 2)
			sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_TIMEOUT);
		sys_gate_open(&c.gate);
		sys_close(t, &ledger);
	}
	/* None was left behind. */
	await_no_threads();
}
END_TEST

/* Ticks come as fast as they can, and go where they went while the runtime is closed. */
static void
run_wild(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct clock *c = *(struct clock **)state;

	sys_add(&c->ticks, 1);
	(void)troupe_set_idle_timeout(self, 1000 + (int64_t)sys_get(&c->ticks) % 100000);
	troupe_timer mine = troupe_send_after(self, (int64_t)sys_get(&c->ticks) % 500000, TICK, "0123456789",
	    msg->size);
	if (msg->type == GO) {
		for (int i = 0; i < 50; i++)
			(void)troupe_send_every(self, 1000 * (i + 1), (troupe_missed)(i % 2), TICK,
			    "0123456789", (size_t)i % 10);
	} else if (sys_get(&c->ticks) % 7 == 0) {
		(void)troupe_cancel(self, mine);
	} else if (sys_get(&c->ticks) % 1001 == 0) {
		troupe_stop_self(self, TROUPE_STOP_NOW);
	}
}

static const troupe_class wild_class = {
	.state_size = sizeof(struct clock *),
	.start = sys_start_with_pointer,
	.receive = run_wild,
};

static const troupe_class wild_dedicated_class = {
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct clock *),
	.start = sys_start_with_pointer,
	.receive = run_wild,
};

START_TEST(test_system_timers_threads_end_with_their_runtime)
{
	for (int round = 0; round < SYS_SCALED(16); round++) {
		struct clock c = { 0 };
		sys_ledger ledger = { 0 };
		troupe *t = sys_open(sys_shapes[_i].workers, &ledger);
		troupe_ref who[20];

		for (int i = 0; i < 20; i++) {
			who[i] = sys_spawn(t, i % 10 == 0 ? &wild_dedicated_class : &wild_class, &c);
			sys_send(who[i], GO, NULL, 0);
		}
		while (sys_get(&c.ticks) < 3000)
			if (sys_shapes[_i].workers == TROUPE_WORKERS_NONE)
				(void)troupe_run_once(t);
			else
				sched_yield();
		for (int i = 0; i < 10; i++)
			(void)troupe_stop(who[i], i % 2 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN);
		/* The closer's sums are checked: an error would be logged. */
		sys_close(t, &ledger);
	}
}
END_TEST

/* Each alone stops, and is waited for: what was under way leaves nothing armed. */
START_TEST(test_system_timers_threads_end_with_their_actors)
{
	for (int round = 0; round < SYS_SCALED(16); round++) {
		struct clock c = { 0 };
		troupe *t = sys_open(sys_shapes[_i].workers, NULL);
		troupe_ref who[20];

		for (int i = 0; i < 20; i++) {
			who[i] = sys_spawn(t, i % 10 == 0 ? &wild_dedicated_class : &wild_class, &c);
			sys_send(who[i], GO, NULL, 0);
		}
		while (sys_get(&c.ticks) < 1000)
			if (sys_shapes[_i].workers == TROUPE_WORKERS_NONE)
				(void)troupe_run_once(t);
			else
				sched_yield();
		for (int i = 0; i < 20; i++)
			(void)troupe_stop(who[i], TROUPE_STOP_NOW);
		troupe_totals totals = sys_wait(t);
		ck_assert_uint_eq(totals.stopped, 20);
		sys_close(t, NULL);
	}
}
END_TEST

/* --- From one runtime to another. --- */

static int
arm_in_start(troupe_actor *self, void *state, const void *argument)
{
	memcpy(state, &argument, sizeof argument);
	arm_next(self, *(struct clock **)state, 100000);
	return 0;
}

static const troupe_class early_class = {
	.state_size = sizeof(struct clock *),
	.start = arm_in_start,
	.receive = run_clock,
};

static void
spawn_elsewhere(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct clock *c = *(struct clock **)state;

	(void)self;
	(void)msg;
	if (troupe_spawn(c->t, &early_class, c) == 0)
		sys_add(&c->failed, 1);
}

/* A timer belongs to the runtime of its actor, whoever's thread spawned that. */
START_TEST(test_system_timers_threads_of_another_runtime)
{
	static const troupe_class spawner_class = {
		.state_size = sizeof(struct clock *),
		.start = sys_start_with_pointer,
		.receive = spawn_elsewhere,
	};

	for (int round = 0; round < SYS_SCALED(50); round++) {
		struct clock c = { .left = 5 };
		troupe *here = sys_open(8, NULL), *there = sys_open(_i ? TROUPE_WORKERS_NONE : 1, NULL);

		c.t = there;
		sys_send(sys_spawn(here, &spawner_class, &c), GO, NULL, 0);
		sys_wait(here);
		sys_close(here, NULL);
		sys_wait(there);
		sys_assert_count(c.failed, 0);
		sys_assert_count(c.early, 0);
		sys_assert_count(c.ticks, 5);
		sys_close(there, NULL);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_timers_threads");
	TCase *tc = tcase_create("threads");

	tcase_add_loop_test(tc, test_system_timers_threads_wait_for_what_is_armed, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_timers_threads_drain_does_not_wait, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_timers_threads_are_not_held_up_by_a_long_behavior, 0, 3);
	tcase_add_loop_test(tc, test_system_timers_threads_wake_a_driver, 0, 2);
	tcase_add_loop_test(tc, test_system_timers_threads_begin_with_the_first_timer, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_timers_threads_armed_while_closing, 0, 2);
	tcase_add_loop_test(tc, test_system_timers_threads_end_with_their_runtime, 0, 9);
	tcase_add_loop_test(tc, test_system_timers_threads_end_with_their_actors, 0, 9);
	tcase_add_loop_test(tc, test_system_timers_threads_of_another_runtime, 0, 2);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
