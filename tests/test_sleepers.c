/* SPDX-License-Identifier: MIT */
#include "runtime/actor/runtime.h"
#include "tests/crew.h"

#include <check.h>

/*
 * One thread goes to sleep at the moment in which another has a reason for it
 * to be awake.  That they miss each other is a matter of nanoseconds, so there
 * are many rounds; who is missed sleeps for ever, and the case times out.
 */

#define ROUNDS TEST_SCALED(16000)

struct pair {
	void (*rest)(void);
	void (*wake)(void);
	void (*prepare)(void); /* while both are awake, in the sleeper's thread; may be NULL */
	_Atomic uint64_t arrived;
};

struct side {
	struct pair *pair;
	bool is_sleeper;
	uint64_t random;
};

/* Wait for the other; awake for some time, so that both go on at once. */
static void
meet(struct pair *pair, uint64_t times)
{
	atomic_fetch_add_explicit(&pair->arrived, 1, memory_order_relaxed);
	for (unsigned i = 1; atomic_load_explicit(&pair->arrived, memory_order_relaxed) < 2 * times; i++)
		if (i % 1024 == 0)
			sched_yield();
}

static void
dawdle(uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++)
		tr_spin_hint();
}

static void *
do_rounds(void *argument)
{
	struct side *side = argument;
	struct pair *pair = side->pair;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		if (side->is_sleeper && pair->prepare != NULL)
			pair->prepare();
		meet(pair, 2 * round + 1);
		dawdle(test_below(&side->random, 8));
		if (side->is_sleeper)
			pair->rest();
		else
			pair->wake();
		meet(pair, 2 * round + 2);
	}
	return NULL;
}

static void
run_rounds(struct pair pair, const char *test)
{
	uint64_t random = test_seed(test);
	struct side sides[] = {
		{ .pair = &pair, .is_sleeper = true, .random = test_random(&random) },
		{ .pair = &pair, .random = test_random(&random) },
	};

	run_together(2, do_rounds, sides, sizeof *sides);
}

/* --- Who stops a pool, and its worker. --- */

static struct crew all;

static bool
may_sleep(void *unused)
{
	(void)unused;
	return true;
}

static void
sleep_as_worker(void)
{
	tr_worker_sleep(all.workers[0], -1, may_sleep, NULL);
}

static void
stop_pool(void)
{
	tr_pool_stop(&all.pool);
}

static void
let_pool_go_on(void)
{
	atomic_store_explicit(&all.pool.stopping, false, memory_order_relaxed);
}

START_TEST(test_sleepers_worker_does_not_sleep_through_the_stop_of_its_pool)
{
	crew_init(&all, 1, 256, NULL);
	run_rounds((struct pair){ sleep_as_worker, stop_pool, let_pool_go_on, 0 },
	    "test_sleepers_worker_does_not_sleep_through_the_stop_of_its_pool");
	crew_fini(&all);
}
END_TEST

/* --- Who queues an actor, and the worker that shall run it. --- */

static void
queue_actor(void)
{
	tr_pool_put(&all.pool, 1);
}

static void
take_actor(void)
{
	uint32_t actor;

	(void)tr_overflow_take(&all.pool.overflow, &actor, 1);
}

START_TEST(test_sleepers_worker_does_not_sleep_while_an_actor_waits)
{
	crew_init(&all, 1, 256, NULL);
	run_rounds((struct pair){ sleep_as_worker, queue_actor, take_actor, 0 },
	    "test_sleepers_worker_does_not_sleep_while_an_actor_waits");
	crew_fini(&all);
}
END_TEST

/* --- Who raises the limit, and the worker on the bench. --- */

/* The last worker: others may be looked after by the first on the bench. */
static void
sit_on_bench(void)
{
	(void)tr_worker_next(all.workers[2]);
}

static void
raise_limit(void)
{
	tr_governor_reset(&all.pool.governor);
	tr_pool_call_back(&all.pool);
}

/* What it has to do when it comes back is there already. */
static void
lower_limit(void)
{
	atomic_store_explicit(&all.pool.governor.limit, 1, memory_order_relaxed);
	tr_pool_put(&all.pool, 1);
}

START_TEST(test_sleepers_worker_does_not_stay_on_the_bench_when_the_limit_is_raised)
{
	crew_init(&all, 3, 256, NULL);
	run_rounds((struct pair){ sit_on_bench, raise_limit, lower_limit, 0 },
	    "test_sleepers_worker_does_not_stay_on_the_bench_when_the_limit_is_raised");
	ck_assert_uint_eq(tr_governor_benched(&all.pool.governor), 0);
	crew_fini(&all);
}
END_TEST

static void
stop_with_bench(void)
{
	tr_pool_stop(&all.pool);
}

static void
lower_limit_and_go_on(void)
{
	let_pool_go_on();
	atomic_store_explicit(&all.pool.governor.limit, 1, memory_order_relaxed);
}

START_TEST(test_sleepers_worker_does_not_stay_on_the_bench_when_its_pool_stops)
{
	crew_init(&all, 3, 256, NULL);
	run_rounds((struct pair){ sit_on_bench, stop_with_bench, lower_limit_and_go_on, 0 },
	    "test_sleepers_worker_does_not_stay_on_the_bench_when_its_pool_stops");
	ck_assert_uint_eq(tr_governor_benched(&all.pool.governor), 0);
	crew_fini(&all);
}
END_TEST

/* --- Who shuts a runtime down, or makes it quiet, and who waits for that. --- */

static troupe *runtime;

static void
wait_for_runtime(void)
{
	(void)troupe_wait(runtime, TROUPE_FOREVER);
}

static void
shut_down(void)
{
	troupe_shutdown(runtime);
}

static void
undo_shutdown(void)
{
	atomic_store_explicit(&runtime->shutdown, false, memory_order_relaxed);
}

static void
hold(void)
{
	(void)troupe_hold(runtime);
}

static void
let_go(void)
{
	(void)troupe_release(runtime);
}

static void
open_runtime(void)
{
	runtime = troupe_open(&(troupe_options){ .workers = 1 });
	ck_assert_ptr_nonnull(runtime);
}

START_TEST(test_sleepers_wait_does_not_miss_a_shutdown)
{
	open_runtime();
	hold();
	run_rounds((struct pair){ wait_for_runtime, shut_down, undo_shutdown, 0 },
	    "test_sleepers_wait_does_not_miss_a_shutdown");
	let_go();
	ck_assert_int_eq(troupe_close(runtime, TROUPE_FOREVER, NULL, NULL), TROUPE_OK);
}
END_TEST

START_TEST(test_sleepers_wait_does_not_miss_the_last_release)
{
	open_runtime();
	run_rounds((struct pair){ wait_for_runtime, let_go, hold, 0 },
	    "test_sleepers_wait_does_not_miss_the_last_release");
	ck_assert_int_eq(troupe_close(runtime, TROUPE_FOREVER, NULL, NULL), TROUPE_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sleepers");
	TCase *tc = tcase_create("sleepers");

	tcase_add_test(tc, test_sleepers_worker_does_not_sleep_through_the_stop_of_its_pool);
	tcase_add_test(tc, test_sleepers_worker_does_not_sleep_while_an_actor_waits);
	tcase_add_test(tc, test_sleepers_worker_does_not_stay_on_the_bench_when_the_limit_is_raised);
	tcase_add_test(tc, test_sleepers_worker_does_not_stay_on_the_bench_when_its_pool_stops);
	tcase_add_test(tc, test_sleepers_wait_does_not_miss_a_shutdown);
	tcase_add_test(tc, test_sleepers_wait_does_not_miss_the_last_release);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
