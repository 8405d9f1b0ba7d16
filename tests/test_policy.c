/* SPDX-License-Identifier: MIT */
#include "runtime/engine/policy.h"
#include "tests/support.h"

#include <check.h>
#include <math.h>
#include <string.h>

/* Actors 1 to ACTORS, born in that order, that are all runnable until each has had its turns. */
#define ACTORS 5
#define TURNS  8
#define STEPS  (ACTORS * TURNS)

static const uint32_t births[ACTORS + 1] = { 0, 1, 2, 3, 4, 5 };

/* Who ran in each step. */
typedef struct run {
	uint32_t ran[STEPS];
	uint32_t ranks[STEPS];
} run;

static run
make_run(troupe_policy kind, uint64_t seed, uint32_t depth, const tr_choices *choices)
{
	tr_policy policy;
	tr_runnable set;
	uint32_t turns[ACTORS + 1] = { 0 };
	run made;

	tr_policy_init(&policy, kind, seed, depth, STEPS, choices);
	ck_assert_int_eq(tr_runnable_init(&set, ACTORS), 0);
	for (uint32_t actor = 1; actor <= ACTORS; actor++)
		tr_runnable_put(&set, actor);
	for (int i = 0; i < STEPS; i++) {
		made.ranks[i] = (uint32_t)tr_policy_choose(&policy, &set, births);
		ck_assert_uint_lt(made.ranks[i], set.count);
		made.ran[i] = tr_runnable_take(&set, made.ranks[i]);
		if (++turns[made.ran[i]] < TURNS)
			tr_runnable_put(&set, made.ran[i]);
	}
	ck_assert_uint_eq(policy.steps, STEPS);
	tr_runnable_fini(&set);
	return made;
}

START_TEST(test_policy_round_robin_is_fair)
{
	const run made = make_run(TROUPE_POLICY_ROUND_ROBIN, 5, 1, NULL);

	for (uint32_t i = 0; i < STEPS; i++)
		ck_assert_uint_eq(made.ran[i], 1 + i % ACTORS);
}
END_TEST

START_TEST(test_policy_same_seed_is_the_same_run)
{
	for (troupe_policy kind = TROUPE_POLICY_RANDOM; kind <= TROUPE_POLICY_PCT; kind++) {
		int others = 0;

		for (uint64_t seed = 0; seed < 50; seed++) {
			const run first = make_run(kind, seed, 3, NULL),
				  second = make_run(kind, seed, 3, NULL);
			const run other = make_run(kind, seed + 1, 3, NULL);

			ck_assert_mem_eq(&first, &second, sizeof first);
			others += memcmp(&first, &other, sizeof first) != 0;
		}
		ck_assert_int_ge(others, 45);
	}
}
END_TEST

START_TEST(test_policy_replay_is_the_run_that_was_recorded)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		const run first = make_run(seed % 2 ? TROUPE_POLICY_RANDOM : TROUPE_POLICY_PCT, seed, 3,
		    NULL);
		tr_choices choices = { 0 };

		for (int i = 0; i < STEPS; i++)
			tr_choices_append(&choices, first.ranks[i], 1);
		const run second = make_run(TROUPE_POLICY_REPLAY, 0, 1, &choices);

		ck_assert_mem_eq(&first, &second, sizeof first);
		tr_choices_fini(&choices);
	}
}
END_TEST

START_TEST(test_policy_replay_takes_the_last_for_a_rank_that_nobody_has)
{
	tr_choices choices = { 0 };

	tr_choices_append(&choices, 1000, 3);
	const run made = make_run(TROUPE_POLICY_REPLAY, 0, 1, &choices);

	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(made.ran[i], ACTORS);
	/* And the first beyond the end. */
	for (uint32_t i = 3; i < 8; i++)
		ck_assert_uint_eq(made.ran[i], 1 + (i - 3) % ACTORS);
	tr_choices_fini(&choices);
}
END_TEST

/* How often somebody else runs before the one that did is done. */
static uint32_t
interruptions(const run *made)
{
	uint32_t turns[ACTORS + 1] = { 0 }, count = 0;

	for (int i = 0; i < STEPS; i++) {
		if (i > 0 && made->ran[i] != made->ran[i - 1] && turns[made->ran[i - 1]] < TURNS)
			count++;
		turns[made->ran[i]]++;
	}
	return count;
}

START_TEST(test_policy_pct_changes_priorities_less_often_than_its_depth)
{
	for (uint32_t depth = 1; depth <= 6; depth++) {
		uint32_t most = 0;

		for (uint64_t seed = 0; seed < 300; seed++) {
			const run made = make_run(TROUPE_POLICY_PCT, seed, depth, NULL);
			uint32_t count = interruptions(&made);

			most = count > most ? count : most;
		}
		/* A change is one interruption, or none: and in 300 runs each of them is seen. */
		ck_assert_uint_eq(most, depth - 1);
	}
}
END_TEST

START_TEST(test_policy_pct_draws_each_order_of_priorities_alike)
{
	enum { RUNS = 6000, ORDERS = 120 };
	int seen[ORDERS] = { 0 };

	for (uint64_t seed = 0; seed < RUNS; seed++) {
		const run made = make_run(TROUPE_POLICY_PCT, seed, 1, NULL);
		uint32_t number = 0;

		for (uint32_t i = 0; i < ACTORS; i++) {
			uint32_t later = 0;

			for (uint32_t k = i + 1; k < ACTORS; k++)
				later += made.ran[k * TURNS] < made.ran[i * TURNS];
			number = number * (ACTORS - i) + later;
		}
		ck_assert_uint_lt(number, ORDERS);
		seen[number]++;
	}
	/* 50 each, with a standard deviation of 7; the seeds are fixed, so that this cannot fail by chance. */
	for (int i = 0; i < ORDERS; i++) {
		ck_assert_int_gt(seen[i], 20);
		ck_assert_int_lt(seen[i], 85);
	}
}
END_TEST

START_TEST(test_policy_pct_changes_priorities_at_each_step_alike)
{
	enum { RUNS = 4000 };
	int at[STEPS] = { 0 }, all = 0;

	for (uint64_t seed = 0; seed < RUNS; seed++) {
		const run made = make_run(TROUPE_POLICY_PCT, seed, 2, NULL);

		for (int i = 1; i < STEPS; i++)
			if (i % TURNS != 0 && made.ran[i] != made.ran[i - 1]) {
				at[i]++;
				break;
			}
	}
	for (int i = 1; i < STEPS - TURNS; i++)
		if (i % TURNS != 0) {
			/* 100 each, with a standard deviation of 10. */
			ck_assert_int_gt(at[i], 60);
			ck_assert_int_lt(at[i], 140);
			all += at[i];
		}
	ck_assert_int_gt(all, 0);
}
END_TEST

START_TEST(test_policy_pct_changes_the_priority_of_who_ran_in_the_step_that_was_drawn)
{
	for (uint64_t seed = 0; seed < 100; seed++) {
		tr_policy policy;
		tr_runnable set;
		uint32_t ran[4];

		/* Of one step the first is drawn: who ran in it is the last of all from then on. */
		tr_policy_init(&policy, TROUPE_POLICY_PCT, seed, 2, 1, NULL);
		ck_assert_int_eq(tr_runnable_init(&set, 2), 0);
		tr_runnable_put(&set, 1);
		tr_runnable_put(&set, 2);
		for (int i = 0; i < 4; i++) {
			ran[i] = tr_runnable_take(&set, tr_policy_choose(&policy, &set, births));
			tr_runnable_put(&set, ran[i]);
		}
		for (int i = 1; i < 4; i++)
			ck_assert_uint_eq(ran[i], 3 - ran[0]);
		tr_runnable_fini(&set);
	}
}
END_TEST

START_TEST(test_policy_bound_is_the_one_of_the_paper)
{
	ck_assert(fabs(tr_policy_bound(4, 23, 2) - 1.0 / (4 * 23)) < 1e-12);
	ck_assert(fabs(tr_policy_bound(2, 10, 4) - 1.0 / 2000) < 1e-12);
	ck_assert(fabs(tr_policy_bound(7, 1000, 1) - 1.0 / 7) < 1e-12);
	ck_assert(tr_policy_bound(0, 0, 3) == 1);
}
END_TEST

START_TEST(test_policy_names)
{
	ck_assert_str_eq(tr_policy_name(TROUPE_POLICY_RANDOM), "random");
	ck_assert_str_eq(tr_policy_name(TROUPE_POLICY_PCT), "pct");
	ck_assert_str_eq(tr_policy_name(TROUPE_POLICY_ROUND_ROBIN), "round-robin");
	ck_assert_str_eq(tr_policy_name(TROUPE_POLICY_REPLAY), "replay");
	ck_assert_ptr_null(tr_policy_name((troupe_policy)4));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_add_test(tc, test_policy_round_robin_is_fair);
	tcase_add_test(tc, test_policy_same_seed_is_the_same_run);
	tcase_add_test(tc, test_policy_replay_is_the_run_that_was_recorded);
	tcase_add_test(tc, test_policy_replay_takes_the_last_for_a_rank_that_nobody_has);
	tcase_add_test(tc, test_policy_pct_changes_priorities_less_often_than_its_depth);
	tcase_add_test(tc, test_policy_pct_draws_each_order_of_priorities_alike);
	tcase_add_test(tc, test_policy_pct_changes_priorities_at_each_step_alike);
	tcase_add_test(tc, test_policy_pct_changes_the_priority_of_who_ran_in_the_step_that_was_drawn);
	tcase_add_test(tc, test_policy_bound_is_the_one_of_the_paper);
	tcase_add_test(tc, test_policy_names);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
