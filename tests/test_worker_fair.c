/* SPDX-License-Identifier: MIT */
#include "tests/crew.h"

#include <check.h>

/* Fairness: whoever is runnable runs before long.  The workers have no threads: the test is each of them. */
static struct crew crew;

/* Dispatches until `actor` comes, while each that is run makes another one runnable, which would run next. */
static int
dispatches_until(uint32_t actor)
{
	tr_worker_put(crew.workers[0], 1);
	for (int n = 1; n <= 10 * TR_FAIR_TICKS; n++) {
		const uint32_t next = tr_worker_next(crew.workers[0]);

		if (next == actor)
			return n;
		tr_worker_put(crew.workers[0], next == 1 ? 2 : 1);
	}
	return 10 * TR_FAIR_TICKS;
}

START_TEST(test_worker_runs_what_came_from_outside_before_long)
{
	crew_init(&crew, 1, 256, NULL);
	tr_pool_put(&crew.pool, 9);
	ck_assert_int_le(dispatches_until(9), TR_FAIR_TICKS + 1);
	crew_fini(&crew);
}
END_TEST

START_TEST(test_worker_runs_what_is_in_its_ring_before_long)
{
	crew_init(&crew, 1, 256, NULL);
	tr_worker_share(crew.workers[0], 9);
	ck_assert_int_le(dispatches_until(9), TR_FAIR_TICKS + 1);
	crew_fini(&crew);
}
END_TEST

START_TEST(test_worker_counts_a_turn_of_many_messages_as_many_dispatches)
{
	crew_init(&crew, 1, 256, NULL);
	tr_pool_put(&crew.pool, 9);
	tr_worker_count_turn(crew.workers[0], TR_FAIR_TICKS * TR_TICK_MESSAGES);
	ck_assert_int_eq(dispatches_until(9), 1);
	crew_fini(&crew);
}
END_TEST

START_TEST(test_worker_counts_a_turn_of_few_messages_as_one_dispatch)
{
	crew_init(&crew, 1, 256, NULL);
	for (int i = 0; i < 1000; i++)
		tr_worker_count_turn(crew.workers[0], TR_TICK_MESSAGES - 1);
	tr_pool_put(&crew.pool, 9);
	ck_assert_int_gt(dispatches_until(9), TR_FAIR_TICKS / 2);
	crew_fini(&crew);
}
END_TEST

/* Of what came from outside, one in TR_FAIR_TICKS dispatches, and not more. */
START_TEST(test_worker_prefers_its_own_but_for_one_in_so_many)
{
	int from_outside = 0;

	crew_init(&crew, 1, 256, NULL);
	for (uint32_t i = 0; i < 100; i++)
		tr_pool_put(&crew.pool, 1000 + i);
	tr_worker_put(crew.workers[0], 1);
	for (int n = 0; n < 3 * (TR_FAIR_TICKS + 1); n++) {
		if (tr_worker_next(crew.workers[0]) >= 1000)
			from_outside++;
		else
			tr_worker_put(crew.workers[0], 1);
	}
	ck_assert_int_eq(from_outside, 3);
	crew_fini(&crew);
}
END_TEST

static int fair_ticks;

static void
count_fair_tick(tr_worker *of)
{
	ck_assert_ptr_eq(of, crew.workers[0]);
	fair_ticks++;
}

/* Its owner's regular work, and the governor's, are done however busy a worker is. */
START_TEST(test_worker_does_now_and_then_what_is_to_be_done_regularly)
{
	static tr_worker_hooks hooks;

	crew_init(&crew, 2, 256, NULL);
	hooks = *crew.pool.hooks;
	hooks.fair_tick = count_fair_tick;
	crew.pool.hooks = &hooks;
	tr_worker_put(crew.workers[0], 1);
	for (int n = 0; n < TR_FAIR_TICKS - 1; n++) {
		ck_assert_uint_eq(tr_worker_next(crew.workers[0]), 1);
		tr_worker_put(crew.workers[0], 1);
	}
	ck_assert_int_eq(fair_ticks, 0);
	ck_assert_int_eq(crew.pool.governor.began, 0);
	for (int n = 0; n < 2; n++) {
		ck_assert_uint_eq(tr_worker_next(crew.workers[0]), 1);
		tr_worker_put(crew.workers[0], 1);
	}
	ck_assert_int_eq(fair_ticks, 1);
	ck_assert_int_ne(crew.pool.governor.began, 0);
	crew_fini(&crew);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("worker_fair");
	TCase *tc = tcase_create("fairness");

	tcase_add_test(tc, test_worker_runs_what_came_from_outside_before_long);
	tcase_add_test(tc, test_worker_runs_what_is_in_its_ring_before_long);
	tcase_add_test(tc, test_worker_counts_a_turn_of_many_messages_as_many_dispatches);
	tcase_add_test(tc, test_worker_counts_a_turn_of_few_messages_as_one_dispatch);
	tcase_add_test(tc, test_worker_prefers_its_own_but_for_one_in_so_many);
	tcase_add_test(tc, test_worker_does_now_and_then_what_is_to_be_done_regularly);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
