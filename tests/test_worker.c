/* SPDX-License-Identifier: MIT */
#include "tests/crew.h"

#include <check.h>
#include <string.h>

/* The workers have no threads here: the test is each of them in turn. */
static struct crew all;
static tr_pool *const pool = &all.pool;

static void
init_crew(uint32_t count, uint32_t ring_size)
{
	crew_init(&all, count, ring_size, NULL);
}

static void
fini_crew(void)
{
	crew_fini(&all);
}

static tr_worker *
worker(uint32_t index)
{
	return all.workers[index];
}

static uint32_t
try_next(uint32_t index)
{
	return pool->scheduler->try_next(worker(index));
}

/* The worker says that it is parked, and is counted. */
static void
pretend_parked(uint32_t index)
{
	atomic_store_explicit(&worker(index)->parker.word, TR_PARKED, memory_order_relaxed);
	(void)tr_idle_park(&pool->idle, false);
}

static uint32_t
said_by(uint32_t index)
{
	return atomic_load_explicit(&worker(index)->parker.word, memory_order_relaxed);
}

#define assert_idle(searching, parked) \
	do { \
		const uint64_t idle_word = tr_idle_load(&pool->idle); \
		ck_assert_uint_eq(tr_idle_searching(idle_word), (searching)); \
		ck_assert_uint_eq(tr_idle_parked(idle_word), (parked)); \
	} while (0)

/* --- Which is next. --- */

START_TEST(test_worker_runs_first_what_was_put_last)
{
	init_crew(1, 256);
	tr_worker_put(worker(0), 1);
	tr_worker_put(worker(0), 2);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 2);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 1);
	fini_crew();
}
END_TEST

START_TEST(test_worker_runs_the_others_in_the_order_they_came)
{
	init_crew(1, 256);
	for (uint32_t i = 1; i <= 10; i++)
		tr_worker_put(worker(0), i);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 10);
	for (uint32_t i = 1; i <= 9; i++)
		ck_assert_uint_eq(tr_worker_next(worker(0)), i);
	fini_crew();
}
END_TEST

START_TEST(test_worker_runs_what_it_put_back_after_the_others)
{
	init_crew(1, 256);
	tr_worker_put(worker(0), 1);
	tr_worker_put(worker(0), 2);
	pool->scheduler->put_back(worker(0), 3);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 2);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 1);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 3);
	fini_crew();
}
END_TEST

START_TEST(test_worker_runs_what_came_from_outside_when_it_has_nothing)
{
	init_crew(1, 256);
	tr_pool_put(pool, 7);
	tr_pool_put(pool, 8);
	tr_worker_put(worker(0), 1);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 1);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 7);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 8);
	fini_crew();
}
END_TEST

START_TEST(test_worker_has_nothing_at_first)
{
	init_crew(1, 256);
	ck_assert_uint_eq(try_next(0), 0);
	fini_crew();
}
END_TEST

/* However small the ring is. */
START_TEST(test_worker_loses_nothing_that_its_ring_has_no_room_for)
{
	enum { ACTORS = 1000 };
	static const uint32_t sizes[] = { 4, 8, 256 };
	uint32_t seen[ACTORS + 1] = { 0 };

	init_crew(1, sizes[_i]);
	for (uint32_t i = 1; i <= ACTORS; i++)
		tr_worker_put(worker(0), i);
	for (uint32_t i = 1; i <= ACTORS; i++)
		seen[try_next(0)]++;
	ck_assert_uint_eq(try_next(0), 0);
	uint32_t wrong = 0;
	for (uint32_t i = 1; i <= ACTORS; i++)
		wrong += seen[i] != 1;
	ck_assert_uint_eq(wrong, 0);
	fini_crew();
}
END_TEST

START_TEST(test_worker_leaves_some_of_what_waits_to_the_others)
{
	init_crew(2, 256);
	for (uint32_t i = 1; i <= 100; i++)
		tr_pool_put(pool, i);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 1);
	ck_assert(tr_ring_has_any(&worker(0)->ring));
	ck_assert_uint_ge(tr_overflow_count(&pool->overflow), 40);
	fini_crew();
}
END_TEST

/* --- Waking. --- */

START_TEST(test_worker_wakes_nobody_for_what_it_runs_next)
{
	init_crew(2, 256);
	pretend_parked(1);
	tr_worker_put(worker(0), 1);
	ck_assert_uint_eq(said_by(1), TR_PARKED);
	assert_idle(0, 1);
	fini_crew();
}
END_TEST

START_TEST(test_worker_wakes_one_for_what_others_may_run)
{
	init_crew(3, 256);
	pretend_parked(1);
	pretend_parked(2);
	tr_worker_put(worker(0), 1);
	tr_worker_put(worker(0), 2);
	assert_idle(1, 1);
	ck_assert_int_ne(said_by(1) == TR_SEARCH, said_by(2) == TR_SEARCH);
	fini_crew();
}
END_TEST

START_TEST(test_worker_that_overruns_its_turn_lets_others_run_what_it_made_runnable)
{
	init_crew(2, 256);
	pretend_parked(1);
	tr_worker_put(worker(0), 1);
	tr_worker_overrun(worker(0));
	ck_assert_uint_eq(said_by(1), TR_SEARCH);
	ck_assert_uint_eq(tr_ring_pop(&worker(0)->ring), 1);
	ck_assert_uint_eq(try_next(0), 0);
	fini_crew();
}
END_TEST

START_TEST(test_worker_that_overruns_its_turn_with_nobody_runnable_wakes_nobody)
{
	init_crew(2, 256);
	pretend_parked(1);
	tr_worker_overrun(worker(0));
	ck_assert_uint_eq(said_by(1), TR_PARKED);
	fini_crew();
}
END_TEST

START_TEST(test_worker_is_woken_for_what_comes_from_outside)
{
	init_crew(2, 256);
	pretend_parked(0);
	pretend_parked(1);
	tr_pool_put(pool, 1);
	assert_idle(1, 1);
	fini_crew();
}
END_TEST

START_TEST(test_worker_is_woken_with_all_others)
{
	init_crew(4, 256);
	for (uint32_t i = 1; i < 4; i++)
		pretend_parked(i);
	tr_pool_wake_all(pool);
	for (uint32_t i = 1; i < 4; i++)
		ck_assert_uint_eq(said_by(i), TR_SEARCH);
	ck_assert_uint_eq(said_by(0), TR_RUNNING);
	assert_idle(3, 0);
	fini_crew();
}
END_TEST

/* --- Searching. --- */

START_TEST(test_worker_steals_when_it_has_nothing)
{
	init_crew(2, 256);
	for (uint32_t i = 1; i <= 6; i++)
		tr_worker_share(worker(0), i);
	ck_assert_uint_eq(tr_worker_next(worker(1)), 3);
	assert_idle(0, 0);
	ck_assert_uint_eq(tr_worker_next(worker(1)), 1);
	ck_assert_uint_eq(tr_worker_next(worker(1)), 2);
	for (uint32_t i = 4; i <= 6; i++)
		ck_assert_uint_eq(tr_worker_next(worker(0)), i);
	fini_crew();
}
END_TEST

START_TEST(test_worker_steals_from_each_of_the_others)
{
	for (uint32_t victim = 0; victim < 3; victim++) {
		init_crew(4, 256);
		tr_worker_share(worker(victim), 5);
		ck_assert_uint_eq(tr_worker_next(worker(3)), 5);
		fini_crew();
	}
}
END_TEST

START_TEST(test_worker_that_finds_more_than_it_takes_wakes_the_next)
{
	init_crew(3, 256);
	for (uint32_t i = 1; i <= 6; i++)
		tr_worker_share(worker(0), i);
	pretend_parked(2);
	ck_assert_uint_eq(tr_worker_next(worker(1)), 3);
	ck_assert_uint_eq(said_by(2), TR_SEARCH);
	assert_idle(1, 0);
	fini_crew();
}
END_TEST

START_TEST(test_worker_that_takes_all_there_is_wakes_nobody)
{
	init_crew(3, 256);
	tr_worker_share(worker(0), 1);
	pretend_parked(2);
	ck_assert_uint_eq(tr_worker_next(worker(1)), 1);
	ck_assert_uint_eq(said_by(2), TR_PARKED);
	assert_idle(0, 1);
	fini_crew();
}
END_TEST

START_TEST(test_worker_of_a_pool_that_stops_has_no_next)
{
	init_crew(2, 256);
	tr_pool_stop(pool);
	ck_assert_uint_eq(tr_worker_next(worker(0)), 0);
	ck_assert_uint_eq(tr_worker_next(worker(1)), 0);
	assert_idle(0, 0);
	fini_crew();
}
END_TEST

/* --- Quiet. --- */

START_TEST(test_worker_that_runs_keeps_the_pool_from_being_quiet)
{
	init_crew(2, 256);
	ck_assert(!tr_pool_is_quiet(pool));
	pretend_parked(0);
	ck_assert(!tr_pool_is_quiet(pool));
	pretend_parked(1);
	ck_assert(tr_pool_is_quiet(pool));
	fini_crew();
}
END_TEST

START_TEST(test_worker_that_has_been_woken_keeps_the_pool_from_being_quiet)
{
	init_crew(2, 256);
	pretend_parked(0);
	pretend_parked(1);
	tr_pool_put(pool, 1);
	ck_assert(!tr_pool_is_quiet(pool));
	ck_assert_uint_eq(try_next(0), 1);
	ck_assert(!tr_pool_is_quiet(pool));
	fini_crew();
}
END_TEST

START_TEST(test_worker_actor_that_waits_keeps_the_pool_from_being_quiet)
{
	const uint32_t actor = 1;

	init_crew(2, 256);
	pretend_parked(0);
	pretend_parked(1);
	/* As if its putter had not come to wake anybody yet. */
	tr_overflow_put(&pool->overflow, &actor, 1);
	ck_assert(!tr_pool_is_quiet(pool));
	fini_crew();
}
END_TEST

/* --- The bench. --- */

struct benched {
	bool sits;
	/* While the other sat: */
	uint32_t waiting; /* on the overflow queue */
	uint32_t said;    /* by the one that had been parked */
};

static void *
sit_or_look(void *argument)
{
	struct benched *benched = argument;

	if (benched->sits) {
		(void)tr_worker_next(worker(2));
		return NULL;
	}
	while (said_by(2) != TR_BENCHED)
		sched_yield();
	benched->waiting = tr_overflow_count(&pool->overflow);
	benched->said = said_by(1);
	tr_pool_stop(pool);
	return NULL;
}

/* The last of three, when one may run: not the first on the bench, which would look round now and then. */
START_TEST(test_worker_on_the_bench_has_left_its_actors_to_another)
{
	struct benched benched[] = { { .sits = true }, { .sits = false } };

	init_crew(3, 256);
	atomic_store_explicit(&pool->governor.limit, 1, memory_order_relaxed);
	worker(2)->tick = TR_FAIR_TICKS;
	tr_worker_share(worker(2), 1);
	tr_worker_share(worker(2), 2);
	tr_worker_put(worker(2), 3);
	pretend_parked(1);
	run_together(2, sit_or_look, benched, sizeof *benched);
	ck_assert_uint_eq(benched[1].waiting, 3);
	ck_assert_uint_eq(benched[1].said, TR_SEARCH);
	fini_crew();
}
END_TEST

/* --- The caller's own thread. --- */

static bool
say_argument(void *may)
{
	return *(bool *)may;
}

START_TEST(test_worker_sleep_ends_with_its_time)
{
	static const int64_t times[] = { 0, 1, 1000000 };
	bool may = true;

	init_crew(1, 256);
	for (int i = 0; i < 3; i++) {
		tr_worker_sleep(worker(0), times[i], say_argument, &may);
		assert_idle(0, 0);
		ck_assert_uint_eq(said_by(0), TR_RUNNING);
	}
	fini_crew();
}
END_TEST

START_TEST(test_worker_does_not_sleep_while_something_waits)
{
	bool may = true;

	init_crew(1, 256);
	tr_pool_put(pool, 1);
	tr_worker_sleep(worker(0), -1, say_argument, &may);
	assert_idle(0, 0);
	ck_assert_uint_eq(try_next(0), 1);
	fini_crew();
}
END_TEST

START_TEST(test_worker_does_not_sleep_when_it_may_not)
{
	bool may = false;

	init_crew(1, 256);
	tr_worker_sleep(worker(0), -1, say_argument, &may);
	assert_idle(0, 0);
	fini_crew();
}
END_TEST

static bool
is_counted_as_parked(void *counted)
{
	*(bool *)counted = tr_idle_parked(tr_idle_load(&pool->idle)) == 1;
	return false;
}

START_TEST(test_worker_asks_whether_it_may_sleep_once_it_counts_as_parked)
{
	bool counted = false;

	init_crew(1, 256);
	tr_worker_sleep(worker(0), -1, is_counted_as_parked, &counted);
	ck_assert(counted);
	fini_crew();
}
END_TEST

static TCase *
case_next(void)
{
	TCase *tc = tcase_create("next");

	tcase_add_test(tc, test_worker_has_nothing_at_first);
	tcase_add_test(tc, test_worker_runs_first_what_was_put_last);
	tcase_add_test(tc, test_worker_runs_the_others_in_the_order_they_came);
	tcase_add_test(tc, test_worker_runs_what_it_put_back_after_the_others);
	tcase_add_test(tc, test_worker_runs_what_came_from_outside_when_it_has_nothing);
	tcase_add_loop_test(tc, test_worker_loses_nothing_that_its_ring_has_no_room_for, 0, 3);
	tcase_add_test(tc, test_worker_leaves_some_of_what_waits_to_the_others);
	return tc;
}

static TCase *
case_waking(void)
{
	TCase *tc = tcase_create("waking and searching");

	tcase_add_test(tc, test_worker_wakes_nobody_for_what_it_runs_next);
	tcase_add_test(tc, test_worker_wakes_one_for_what_others_may_run);
	tcase_add_test(tc, test_worker_that_overruns_its_turn_lets_others_run_what_it_made_runnable);
	tcase_add_test(tc, test_worker_that_overruns_its_turn_with_nobody_runnable_wakes_nobody);
	tcase_add_test(tc, test_worker_is_woken_for_what_comes_from_outside);
	tcase_add_test(tc, test_worker_is_woken_with_all_others);
	tcase_add_test(tc, test_worker_steals_when_it_has_nothing);
	tcase_add_test(tc, test_worker_steals_from_each_of_the_others);
	tcase_add_test(tc, test_worker_that_finds_more_than_it_takes_wakes_the_next);
	tcase_add_test(tc, test_worker_that_takes_all_there_is_wakes_nobody);
	tcase_add_test(tc, test_worker_of_a_pool_that_stops_has_no_next);
	return tc;
}

static TCase *
case_rest(void)
{
	TCase *tc = tcase_create("rest");

	tcase_add_test(tc, test_worker_that_runs_keeps_the_pool_from_being_quiet);
	tcase_add_test(tc, test_worker_that_has_been_woken_keeps_the_pool_from_being_quiet);
	tcase_add_test(tc, test_worker_actor_that_waits_keeps_the_pool_from_being_quiet);
	tcase_add_test(tc, test_worker_on_the_bench_has_left_its_actors_to_another);
	tcase_add_test(tc, test_worker_sleep_ends_with_its_time);
	tcase_add_test(tc, test_worker_does_not_sleep_while_something_waits);
	tcase_add_test(tc, test_worker_does_not_sleep_when_it_may_not);
	tcase_add_test(tc, test_worker_asks_whether_it_may_sleep_once_it_counts_as_parked);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("worker");

	suite_add_tcase(suite, case_next());
	suite_add_tcase(suite, case_waking());
	suite_add_tcase(suite, case_rest());
	return run_suite(suite);
}
