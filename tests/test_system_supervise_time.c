/* SPDX-License-Identifier: MIT */

/* Backoffs, limits and windows of supervisors, in virtual time. */

#include "tests/kin.h"
#include "tests/suite.h"

#define SEEDS 12

/* It fails, and everything is done about it; how long it was away. */
static int64_t
fail_and_wait(kin_family *f, kin *k)
{
	kin_fail(k, 1);
	house_settle(&f->h);
	return k->started_at[(k->starts - 1) % KIN_LIVES] - k->failed_at[(k->fails - 1) % KIN_LIVES];
}

/* --- How long. --- */

KIN_CLASS_OF(default_class, .strategy = TROUPE_ONE_FOR_ONE);

START_TEST(test_system_supervise_time_doubles_from_a_tenth_of_a_second)
{
	kin_family *f = kin_family_begin(&default_class, _i);

	for (int i = 0; i < 5; i++)
		assert_backoff(fail_and_wait(f, &f->a[1]), (100 * TROUPE_MS) << i);
	/* Another child has its own. */
	assert_backoff(fail_and_wait(f, &f->a[0]), 100 * TROUPE_MS);
	ck_assert_uint_eq(f->a[2].starts, 1);
	kin_family_end(f);
}
END_TEST

/* Chance fills a quarter on each side, and is of the seed. */
START_TEST(test_system_supervise_time_is_by_chance)
{
	int64_t least = INT64_MAX, most = 0, other = 0;

	for (int seed = 0; seed < 60; seed++) {
		for (int again = 0; again < 2; again++) {
			kin_family *f = kin_family_begin(&default_class, seed);
			int64_t passed = fail_and_wait(f, &f->a[0]);

			assert_backoff(passed, 100 * TROUPE_MS);
			if (again)
				ck_assert_int_eq(passed, other);
			other = passed;
			least = passed < least ? passed : least;
			most = passed > most ? passed : most;
			/* Two that fail together do not come back together. */
			ck_assert_int_ne(fail_and_wait(f, &f->a[1]), passed);
			kin_family_end(f);
		}
	}
	ck_assert_int_lt(least, 80 * TROUPE_MS);
	ck_assert_int_gt(most, 120 * TROUPE_MS);
}
END_TEST

KIN_CLASS_OF(patient_class, .restarts = 100, .window_ns = 1000000 * TROUPE_SECOND);

START_TEST(test_system_supervise_time_is_ten_seconds_at_most)
{
	kin_family *f = kin_family_begin(&patient_class, _i);

	for (int i = 0; i < 12; i++)
		assert_backoff(fail_and_wait(f, &f->a[0]),
		    i < 7 ? (100 * TROUPE_MS) << i : 10 * TROUPE_SECOND);
	kin_family_end(f);
}
END_TEST

KIN_CLASS_OF(capped_class, .restarts = 100, .backoff_ns = 2 * TROUPE_MS, .backoff_max_ns = 7 * TROUPE_MS);
KIN_CLASS_OF(crossed_class, .restarts = 100, .backoff_ns = 9 * TROUPE_MS, .backoff_max_ns = 7 * TROUPE_MS);
KIN_CLASS_OF(huge_class, .restarts = 3, .backoff_ns = INT64_MAX / 2, .backoff_max_ns = INT64_MAX);

START_TEST(test_system_supervise_time_is_what_the_class_says)
{
	kin_family *f = kin_family_begin(&capped_class, _i);

	for (int i = 0; i < 6; i++)
		assert_backoff(fail_and_wait(f, &f->a[0]), i < 2 ? (2 * TROUPE_MS) << i : 7 * TROUPE_MS);
	kin_family_end(f);
	f = kin_family_begin(&crossed_class, _i);
	for (int i = 0; i < 3; i++)
		assert_backoff(fail_and_wait(f, &f->a[0]), 7 * TROUPE_MS);
	kin_family_end(f);
	/* As good as for ever. */
	f = kin_family_begin(&huge_class, _i);
	kin_fail(&f->a[0], 1);
	house_pass(&f->h, 1000 * TROUPE_SECOND);
	ck_assert_uint_eq(f->a[0].stops, 1);
	ck_assert_uint_eq(f->a[0].starts, 1);
	house_close(&f->h);
	ck_assert_uint_eq(f->a[0].stops, 1);
}
END_TEST

KIN_CLASS_OF(at_once_class, .restarts = 1000, .backoff_ns = -5, .backoff_max_ns = INT64_MAX);
KIN_CLASS_OF(never_long_class, .restarts = 1000, .backoff_max_ns = -1);

START_TEST(test_system_supervise_time_is_none_when_negative)
{
	kin_family *f = kin_family_begin(_i % 2 ? &at_once_class : &never_long_class, _i);

	for (int i = 0; i < 20; i++)
		ck_assert_int_le(fail_and_wait(f, &f->a[0]), 100000);
	kin_family_end(f);
}
END_TEST

/* --- How often. --- */

START_TEST(test_system_supervise_time_five_restarts_in_half_a_minute)
{
	kin_family *f = kin_family_begin(&default_class, _i);

	for (int i = 0; i < 5; i++) {
		(void)fail_and_wait(f, &f->a[0]);
		/* The window is the child's own. */
		(void)fail_and_wait(f, &f->a[1]);
	}
	ck_assert_uint_eq(f->a[0].starts, 6);
	ck_assert_uint_eq(f->s.fails, 0);
	kin_fail(&f->a[0], 9);
	troupe_totals totals = house_settle(&f->h);
	ck_assert_uint_eq(f->a[0].starts, 6);
	ck_assert_uint_eq(f->s.fails, 1);
	ck_assert_int_eq(f->s.reason, TROUPE_REASON_FAILED);
	ck_assert_int_eq(f->a[0].reason, TROUPE_REASON_PARENT);
	ck_assert_int_eq(f->a[2].reason, TROUPE_REASON_PARENT);
	ck_assert_uint_eq(totals.restarted, 10);
	ck_assert_uint_eq(totals.spawned, totals.stopped);
	kin_family_end(f);
}
END_TEST

START_TEST(test_system_supervise_time_forgets_after_half_a_minute)
{
	kin_family *f = kin_family_begin(&default_class, _i);

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 5; i++)
			assert_backoff(fail_and_wait(f, &f->a[0]), (100 * TROUPE_MS) << i);
		house_pass(&f->h, 30 * TROUPE_SECOND);
	}
	ck_assert_uint_eq(f->a[0].starts, 21);
	ck_assert_uint_eq(f->s.fails, 0);
	kin_family_end(f);
}
END_TEST

/* Whatever has passed before the first failure. */
START_TEST(test_system_supervise_time_begins_with_the_first_failure)
{
	kin_family *f = kin_family_begin(&default_class, _i);

	house_pass(&f->h, 25 * TROUPE_SECOND);
	for (int i = 0; i < 5; i++)
		(void)fail_and_wait(f, &f->a[0]);
	house_pass(&f->h, 10 * TROUPE_SECOND);
	kin_fail(&f->a[0], 1);
	house_settle(&f->h);
	ck_assert_uint_eq(f->a[0].starts, 6);
	ck_assert_int_eq(f->s.reason, TROUPE_REASON_FAILED);
	ck_assert_uint_eq(f->s.stops, 1);
	kin_family_end(f);
}
END_TEST

KIN_CLASS_OF(narrow_class, .restarts = 2, .window_ns = TROUPE_SECOND, .backoff_ns = -1);

/* The window begins with its first failure, and its length is the class's. */
START_TEST(test_system_supervise_time_counts_within_the_window)
{
	kin_family *f = kin_family_begin(&narrow_class, _i);

	(void)fail_and_wait(f, &f->a[0]);
	house_pass(&f->h, 600 * TROUPE_MS);
	(void)fail_and_wait(f, &f->a[0]);
	house_pass(&f->h, 600 * TROUPE_MS);
	/* A new one. */
	(void)fail_and_wait(f, &f->a[0]);
	house_pass(&f->h, 300 * TROUPE_MS);
	(void)fail_and_wait(f, &f->a[0]);
	ck_assert_uint_eq(f->a[0].starts, 5);
	house_pass(&f->h, 600 * TROUPE_MS);
	kin_fail(&f->a[0], 1);
	house_settle(&f->h);
	ck_assert_uint_eq(f->a[0].starts, 5);
	ck_assert_int_eq(f->s.reason, TROUPE_REASON_FAILED);
	ck_assert_uint_eq(f->s.stops, 1);
	kin_family_end(f);
}
END_TEST

KIN_CLASS_OF(never_class, .restarts = -1);

START_TEST(test_system_supervise_time_never_restarts_when_negative)
{
	kin_family *f = kin_family_begin(&never_class, _i);

	kin_fail(&f->a[0], 1);
	house_settle(&f->h);
	ck_assert_uint_eq(f->a[0].starts, 1);
	ck_assert_int_eq(f->a[0].reason, TROUPE_REASON_PARENT);
	ck_assert_int_eq(f->s.reason, TROUPE_REASON_FAILED);
	kin_family_end(f);
}
END_TEST

/* --- Groups. --- */

KIN_CLASS_OF(all_class, .strategy = TROUPE_ALL_FOR_ONE);
KIN_CLASS_OF(rest_class, .strategy = TROUPE_REST_FOR_ONE);

START_TEST(test_system_supervise_time_of_a_group_is_that_of_who_failed)
{
	kin_family *f = kin_family_begin(&all_class, _i);

	for (int i = 0; i < 4; i++)
		assert_backoff(fail_and_wait(f, &f->a[0]), (100 * TROUPE_MS) << i);
	/* What another had to wait for before is not to be waited for again. */
	assert_backoff(fail_and_wait(f, &f->a[1]), 100 * TROUPE_MS);
	ck_assert_uint_eq(f->a[2].starts, 6);
	ck_assert_uint_eq(f->a[2].fails, 0);
	kin_family_end(f);
}
END_TEST

static void
fail_in(troupe_actor *self, kin *k, void *delay)
{
	const int code = 3;

	kin_expect(k->home, troupe_send_after(self, *(const int64_t *)delay, KIN_FAIL, &code, sizeof code) != 0);
}

/* While one backs off, another fails: nobody begins before each has waited for its own time. */
START_TEST(test_system_supervise_time_of_a_group_is_long_enough_for_each)
{
	kin_family *f = kin_family_begin(&rest_class, _i);
	int64_t delay = 60 * TROUPE_MS;

	kin_let(&f->a[0], fail_in, &delay);
	kin_fail(&f->a[2], 1);
	house_settle(&f->h);
	ck_assert_uint_eq(f->a[0].starts, 2);
	ck_assert_uint_eq(f->a[1].starts, 2);
	ck_assert_uint_eq(f->a[2].starts, 2);
	ck_assert_int_ge(f->a[0].started_at[1] - f->a[0].failed_at[0], 75 * TROUPE_MS);
	ck_assert_int_ge(f->a[2].started_at[1] - f->a[2].failed_at[0], 75 * TROUPE_MS);
	ck_assert_int_le(f->a[0].started_at[1], f->a[1].started_at[1]);
	ck_assert_int_le(f->a[1].started_at[1], f->a[2].started_at[1]);
	ck_assert_uint_eq(f->a[2].stops, 1);
	kin_family_end(f);
}
END_TEST

/* In one for one each waits by itself. */
START_TEST(test_system_supervise_time_of_one_is_not_the_others)
{
	kin_family *f = kin_family_begin(&default_class, _i);
	int64_t delay = 50 * TROUPE_MS;

	kin_let(&f->a[1], fail_in, &delay);
	kin_fail(&f->a[0], 1);
	house_settle(&f->h);
	for (int i = 0; i < 2; i++)
		assert_backoff(f->a[i].started_at[1] - f->a[i].failed_at[0], 100 * TROUPE_MS);
	ck_assert_uint_eq(f->a[2].starts, 1);
	kin_family_end(f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_supervise_time");
	TCase *tc = tcase_create("backoff");

	tcase_add_loop_test(tc, test_system_supervise_time_doubles_from_a_tenth_of_a_second, 0, SEEDS);
	tcase_add_test(tc, test_system_supervise_time_is_by_chance);
	tcase_add_loop_test(tc, test_system_supervise_time_is_ten_seconds_at_most, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_time_is_what_the_class_says, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_time_is_none_when_negative, 0, SEEDS);
	suite_add_tcase(suite, tc);
	tc = tcase_create("limit");
	tcase_add_loop_test(tc, test_system_supervise_time_five_restarts_in_half_a_minute, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_time_forgets_after_half_a_minute, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_time_begins_with_the_first_failure, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_time_counts_within_the_window, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_time_never_restarts_when_negative, 0, SEEDS);
	suite_add_tcase(suite, tc);
	tc = tcase_create("groups");
	tcase_add_loop_test(tc, test_system_supervise_time_of_a_group_is_that_of_who_failed, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_time_of_a_group_is_long_enough_for_each, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_time_of_one_is_not_the_others, 0, SEEDS);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
