/* SPDX-License-Identifier: MIT */
#include "runtime/actor/runtime.h"
#include "tests/crew.h"
#include "tests/rounds.h"

#include <check.h>

/*
 * Who goes to sleep and who has a reason for it not to: see rounds.h.  Two
 * pairs of the kind have a name of their own, in test_bugs_wake.c.
 */

static struct crew all;

static void
let_pool_go_on(void)
{
	atomic_store_explicit(&all.pool.stopping, false, memory_order_relaxed);
}

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
	run_rounds(&(rounds_pair){ sit_on_bench, raise_limit, lower_limit },
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
	run_rounds(&(rounds_pair){ sit_on_bench, stop_with_bench, lower_limit_and_go_on },
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
	run_rounds(&(rounds_pair){ wait_for_runtime, shut_down, undo_shutdown },
	    "test_sleepers_wait_does_not_miss_a_shutdown");
	let_go();
	ck_assert_int_eq(troupe_close(runtime, TROUPE_FOREVER, NULL, NULL), TROUPE_OK);
}
END_TEST

START_TEST(test_sleepers_wait_does_not_miss_the_last_release)
{
	open_runtime();
	run_rounds(&(rounds_pair){ wait_for_runtime, let_go, hold },
	    "test_sleepers_wait_does_not_miss_the_last_release");
	ck_assert_int_eq(troupe_close(runtime, TROUPE_FOREVER, NULL, NULL), TROUPE_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sleepers");
	TCase *tc = tcase_create("sleepers");

	tcase_add_test(tc, test_sleepers_worker_does_not_stay_on_the_bench_when_the_limit_is_raised);
	tcase_add_test(tc, test_sleepers_worker_does_not_stay_on_the_bench_when_its_pool_stops);
	tcase_add_test(tc, test_sleepers_wait_does_not_miss_a_shutdown);
	tcase_add_test(tc, test_sleepers_wait_does_not_miss_the_last_release);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
