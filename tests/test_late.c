/* SPDX-License-Identifier: MIT */
#include "runtime/engine/late.h"
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>

static tr_late late;

START_TEST(test_late_actors_come_when_their_time_has_come)
{
	ck_assert_int_eq(tr_late_init(&late), 0);
	ck_assert_int_eq(tr_late_next(&late), INT64_MAX);
	ck_assert_uint_eq(tr_late_take(&late, INT64_MAX), 0);
	ck_assert(tr_late_add(&late, 1, 300));
	ck_assert(tr_late_add(&late, 2, 100));
	ck_assert(tr_late_add(&late, 3, 200));
	ck_assert_int_eq(tr_late_next(&late), 100);
	ck_assert_uint_eq(tr_late_take(&late, 99), 0);
	ck_assert_uint_eq(tr_late_take(&late, 100), 2);
	ck_assert_uint_eq(tr_late_take(&late, 199), 0);
	ck_assert_uint_eq(tr_late_take(&late, 1000), 3);
	ck_assert_uint_eq(tr_late_take(&late, 1000), 1);
	ck_assert_uint_eq(tr_late_take(&late, 1000), 0);
	tr_late_fini(&late);
}
END_TEST

START_TEST(test_late_actors_come_in_the_order_of_their_times)
{
	static int64_t times[TR_LATE_MOST + 1];
	static bool seen[TR_LATE_MOST + 1];
	uint64_t random = test_seed("test_late_actors_come_in_the_order_of_their_times");
	uint32_t actor, before = 0, wrong = 0, count = 0;

	ck_assert_int_eq(tr_late_init(&late), 0);
	for (uint32_t i = 1; i <= TR_LATE_MOST; i++) {
		times[i] = test_below(&random, 500);
		ck_assert(tr_late_add(&late, i, times[i]));
	}
	ck_assert(!tr_late_add(&late, 1, 0));
	for (; (actor = tr_late_take(&late, 500)) != 0; before = actor, count++) {
		/* Of equals the first that was added. */
		wrong += seen[actor] ||
			 (before != 0 && (times[before] > times[actor] ||
					     (times[before] == times[actor] && before > actor)));
		seen[actor] = true;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(count, TR_LATE_MOST);
	tr_late_fini(&late);
}
END_TEST

START_TEST(test_late_says_when_there_is_no_memory)
{
	tr_fault_arm(1);
	ck_assert_int_ne(tr_late_init(&late), 0);
	tr_fault_arm(0);
	tr_late_fini(&late);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("late");
	TCase *tc = tcase_create("late");

	tcase_add_test(tc, test_late_actors_come_when_their_time_has_come);
	tcase_add_test(tc, test_late_actors_come_in_the_order_of_their_times);
	tcase_add_test(tc, test_late_says_when_there_is_no_memory);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
