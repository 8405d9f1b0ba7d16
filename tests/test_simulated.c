/* SPDX-License-Identifier: MIT */
#include "runtime/engine/pool.h"
#include "runtime/engine/simulated.h"
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const tr_scheduler *const simulated = &tr_simulated_scheduler;
static const tr_worker_hooks no_hooks;
static tr_pool pool;
static tr_worker worker;
static tr_worker *workers[] = { &worker };

static void
open_simulation(uint64_t seed)
{
	pool.simulation = tr_simulation_create(&(tr_simulation_plan){ .seed = seed });
	ck_assert_ptr_nonnull(pool.simulation);
	ck_assert_int_eq(tr_pool_init(&pool, workers, 1, 256, simulated, &no_hooks, NULL), 0);
}

static void
close_simulation(void)
{
	tr_pool_fini(&pool);
	tr_simulation_destroy(pool.simulation);
}

static void
put_range(uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		simulated->put(&worker, first + i);
}

#define LENGTH 1000

/*
 * A run: 20 actors, of which each that is drawn makes others runnable or is
 * put back, as its number and the step say.
 */
static void
run_program(uint64_t seed, uint32_t drawn[LENGTH])
{
	open_simulation(seed);
	put_range(1, 20);
	for (int step = 0; step < LENGTH; step++) {
		drawn[step] = simulated->try_next(&worker);
		if (step % 3 == 0)
			simulated->put_back(&worker, drawn[step]);
		else if (step % 3 == 1)
			put_range(100 + (uint32_t)step, 2);
	}
	close_simulation();
}

START_TEST(test_simulated_has_nothing_at_first)
{
	open_simulation(1);
	ck_assert_uint_eq(simulated->try_next(&worker), 0);
	close_simulation();
}
END_TEST

START_TEST(test_simulated_same_seed_is_the_same_run)
{
	static const uint64_t seeds[] = { 0, 1, 42, UINT64_MAX };
	static uint32_t first[LENGTH], second[LENGTH];

	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		run_program(seeds[i], first);
		run_program(seeds[i], second);
		ck_assert_mem_eq(first, second, sizeof first);
	}
}
END_TEST

START_TEST(test_simulated_other_seeds_are_other_runs)
{
	static uint32_t first[LENGTH], second[LENGTH];

	for (uint64_t seed = 0; seed < 20; seed++) {
		run_program(seed, first);
		run_program(seed + 1, second);
		ck_assert_mem_ne(first, second, sizeof first);
	}
}
END_TEST

START_TEST(test_simulated_draws_each_actor_once)
{
	enum { ACTORS = 5000 };
	static uint32_t seen[ACTORS + 1];

	open_simulation(test_seed("test_simulated_draws_each_actor_once"));
	put_range(1, ACTORS);
	for (uint32_t actor; (actor = simulated->try_next(&worker)) != 0;)
		seen[actor]++;
	uint32_t wrong = 0;
	for (uint32_t i = 1; i <= ACTORS; i++)
		wrong += seen[i] != 1;
	ck_assert_uint_eq(wrong, 0);
	close_simulation();
}
END_TEST

START_TEST(test_simulated_draws_all_alike)
{
	enum { ACTORS = 10, DRAWS = 20000 };
	uint32_t drawn[ACTORS + 1] = { 0 };

	open_simulation(7);
	put_range(1, ACTORS);
	for (int i = 0; i < DRAWS; i++) {
		const uint32_t actor = simulated->try_next(&worker);

		drawn[actor]++;
		simulated->put_back(&worker, actor);
	}
	/* 2000 each, with a standard deviation of 42; the seed is fixed, so that this cannot fail by chance. */
	for (int i = 1; i <= ACTORS; i++) {
		ck_assert_uint_gt(drawn[i], 1800);
		ck_assert_uint_lt(drawn[i], 2200);
	}
	close_simulation();
}
END_TEST

START_TEST(test_simulated_can_draw_in_any_order)
{
	bool seen[6] = { false };

	for (uint64_t seed = 0; seed < 200; seed++) {
		open_simulation(seed);
		put_range(1, 3);
		const uint32_t first = simulated->try_next(&worker), second = simulated->try_next(&worker);

		seen[(first - 1) * 2 + (second - (second > first) - 1)] = true;
		close_simulation();
	}
	for (int i = 0; i < 6; i++)
		ck_assert(seen[i]);
}
END_TEST

START_TEST(test_simulated_draws_what_comes_from_outside)
{
	bool seen[4] = { false };

	open_simulation(3);
	put_range(1, 1);
	tr_pool_put(&pool, 2);
	tr_pool_put(&pool, 3);
	for (int i = 0; i < 3; i++)
		seen[simulated->try_next(&worker)] = true;
	ck_assert(seen[1] && seen[2] && seen[3]);
	ck_assert_uint_eq(simulated->try_next(&worker), 0);
	close_simulation();
}
END_TEST

START_TEST(test_simulated_time_goes_on_with_each_dispatch)
{
	open_simulation(1);
	ck_assert_int_eq(simulated->now(&pool), 0);
	put_range(1, 10);
	ck_assert_int_eq(simulated->now(&pool), 0);
	for (int i = 1; i <= 10; i++) {
		(void)simulated->try_next(&worker);
		ck_assert_int_eq(simulated->now(&pool), i * TR_SIMULATED_STEP_NS);
	}
	close_simulation();
}
END_TEST

START_TEST(test_simulated_time_stands_still_when_nothing_runs)
{
	open_simulation(1);
	for (int i = 0; i < 10; i++)
		(void)simulated->try_next(&worker);
	ck_assert_int_eq(simulated->now(&pool), 0);
	close_simulation();
}
END_TEST

/* With nothing but a seed, and with all that there can be. */
START_TEST(test_simulated_create_says_when_there_is_no_memory)
{
	const tr_simulation_plan plans[] = {
		{ .seed = 1 },
		{ .seed = 1, .policy = TROUPE_POLICY_REPLAY, .choices = "0,1*56", .faults = { 1, 1, 1 } },
	};

	for (long n = 1;; n++) {
		tr_fault_arm(n);
		void *simulation = tr_simulation_create(&plans[_i]);

		ck_assert_int_eq(simulation == NULL, tr_fault_struck());
		tr_simulation_destroy(simulation);
		if (simulation != NULL) {
			ck_assert_int_gt(n, 1);
			break;
		}
	}
	tr_fault_arm(0);
}
END_TEST

START_TEST(test_simulated_destroy_takes_null)
{
	tr_simulation_destroy(NULL);
}
END_TEST

static TCase *
case_simulated(void)
{
	TCase *tc = tcase_create("simulated");

	tcase_add_checked_fixture(tc, init_memory, NULL);
	tcase_add_test(tc, test_simulated_has_nothing_at_first);
	tcase_add_test(tc, test_simulated_same_seed_is_the_same_run);
	tcase_add_test(tc, test_simulated_other_seeds_are_other_runs);
	tcase_add_test(tc, test_simulated_draws_each_actor_once);
	tcase_add_test(tc, test_simulated_draws_all_alike);
	tcase_add_test(tc, test_simulated_can_draw_in_any_order);
	tcase_add_test(tc, test_simulated_draws_what_comes_from_outside);
	tcase_add_test(tc, test_simulated_time_goes_on_with_each_dispatch);
	tcase_add_test(tc, test_simulated_time_stands_still_when_nothing_runs);
	tcase_add_loop_test(tc, test_simulated_create_says_when_there_is_no_memory, 0, 2);
	tcase_add_test(tc, test_simulated_destroy_takes_null);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("simulated");

	suite_add_tcase(suite, case_simulated());
	return run_suite(suite);
}
