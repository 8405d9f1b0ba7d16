/* SPDX-License-Identifier: MIT */
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

static void
disarm(void)
{
	tr_fault_arm(0);
}

START_TEST(test_fault_lets_everything_pass_when_nothing_is_armed)
{
	for (int i = 0; i < 1000; i++)
		ck_assert(!tr_fault_due());
	ck_assert(!tr_fault_struck());
}
END_TEST

START_TEST(test_fault_strikes_the_allocation_it_was_armed_for)
{
	for (long n = 1; n <= 20; n++) {
		tr_fault_arm(n);
		for (long i = 1; i < n; i++)
			ck_assert_msg(!tr_fault_due(), "armed for %ld, it struck at %ld", n, i);
		ck_assert_msg(tr_fault_due(), "armed for %ld, it did not strike", n);
	}
}
END_TEST

/* --- By chance. --- */

START_TEST(test_fault_by_chance_strikes_as_often_as_it_says)
{
	tr_fault_source source = { .random = 1, .odds = 10 };
	int strikes = 0;

	tr_fault_draw_from(&source);
	for (int i = 0; i < 10000; i++)
		strikes += tr_fault_due();
	tr_fault_draw_from(NULL);
	/* 1000, with a standard deviation of 30; the seed is fixed, so that this cannot fail by chance. */
	ck_assert_int_gt(strikes, 900);
	ck_assert_int_lt(strikes, 1100);
	for (int i = 0; i < 100; i++)
		ck_assert(!tr_fault_due());
}
END_TEST

START_TEST(test_fault_by_chance_is_the_same_with_the_same_seed)
{
	tr_fault_source first = { .random = 5, .odds = 3 }, second = first;

	for (int i = 0; i < 1000; i++) {
		tr_fault_draw_from(&first);
		bool struck = tr_fault_due();

		tr_fault_draw_from(&second);
		ck_assert(tr_fault_due() == struck);
	}
	tr_fault_draw_from(NULL);
}
END_TEST

START_TEST(test_fault_by_chance_does_not_strike_what_is_only_counted)
{
	tr_fault_source source = { .random = 1, .odds = 1 };
	const tr_fault_source before = source;

	tr_fault_draw_from(&source);
	for (int i = 0; i < 100; i++)
		ck_assert(!tr_fault_is_counted_down());
	ck_assert_uint_eq(source.random, before.random);
	ck_assert(tr_fault_due());
	tr_fault_draw_from(NULL);
	tr_fault_arm(1);
	ck_assert(tr_fault_is_counted_down());
}
END_TEST

static int elsewhere;

static void *
allocate_elsewhere(void *unused)
{
	(void)unused;
	for (int i = 0; i < 1000; i++)
		elsewhere += tr_fault_due();
	return NULL;
}

START_TEST(test_fault_by_chance_is_the_threads_own)
{
	tr_fault_source source = { .random = 1, .odds = 1 };
	pthread_t thread;

	tr_fault_draw_from(&source);
	ck_assert_int_eq(pthread_create(&thread, NULL, allocate_elsewhere, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(elsewhere, 0);
	ck_assert(tr_fault_due());
	tr_fault_draw_from(NULL);
}
END_TEST

START_TEST(test_fault_strikes_once)
{
	tr_fault_arm(3);
	int strikes = 0;
	for (int i = 0; i < 100; i++)
		strikes += tr_fault_due();
	ck_assert_int_eq(strikes, 1);
}
END_TEST

START_TEST(test_fault_is_armed_until_it_strikes)
{
	tr_fault_arm(2);
	ck_assert(tr_fault_armed());
	ck_assert(!tr_fault_due());
	ck_assert(tr_fault_armed());
	ck_assert(tr_fault_due());
	ck_assert(!tr_fault_armed());
}
END_TEST

START_TEST(test_fault_tells_that_it_has_struck)
{
	tr_fault_arm(2);
	ck_assert(!tr_fault_due());
	ck_assert(!tr_fault_struck());
	ck_assert(tr_fault_due());
	ck_assert(tr_fault_struck());
	ck_assert(!tr_fault_due());
	ck_assert(tr_fault_struck());
}
END_TEST

START_TEST(test_fault_armed_anew_has_not_struck)
{
	tr_fault_arm(1);
	ck_assert(tr_fault_due());
	tr_fault_arm(2);
	ck_assert(!tr_fault_struck());
}
END_TEST

START_TEST(test_fault_can_be_disarmed)
{
	tr_fault_arm(2);
	tr_fault_arm(0);
	ck_assert(!tr_fault_armed());
	for (int i = 0; i < 10; i++)
		ck_assert(!tr_fault_due());
	ck_assert(!tr_fault_struck());
}
END_TEST

START_TEST(test_fault_fails_tr_heap_take)
{
	tr_fault_arm(1);
	ck_assert_ptr_null(tr_heap_take(100));
	void *block = tr_heap_take(100);
	ck_assert_ptr_nonnull(block);
	tr_heap_give(block);
}
END_TEST

START_TEST(test_fault_fails_tr_heap_take_zeroed)
{
	tr_fault_arm(1);
	ck_assert_ptr_null(tr_heap_take_zeroed(100));
	void *block = tr_heap_take_zeroed(100);
	ck_assert_ptr_nonnull(block);
	tr_heap_give(block);
}
END_TEST

START_TEST(test_fault_tr_heap_take_zeroed_zeroes)
{
	unsigned all = 0;

	/* Dirty memory is likely to come again. */
	for (int round = 0; round < 100; round++) {
		unsigned char *block = tr_heap_take_zeroed(1000);

		ck_assert_ptr_nonnull(block);
		for (size_t i = 0; i < 1000; i++) {
			all |= block[i];
			block[i] = 0xff;
		}
		tr_heap_give(block);
	}
	ck_assert_uint_eq(all, 0);
}
END_TEST

START_TEST(test_fault_tr_heap_give_takes_null)
{
	tr_heap_give(NULL);
}
END_TEST

#define ALLOCATIONS TEST_SCALED(40000)

static void *
count_strikes(void *argument)
{
	int *strikes = argument;

	for (int i = 0; i < ALLOCATIONS; i++)
		*strikes += tr_fault_due();
	return NULL;
}

/* Armed for the last of all allocations: if any were not counted, it would not strike. */
START_TEST(test_fault_counts_the_allocations_of_all_threads)
{
	for (int round = 0; round < 10; round++) {
		int strikes[4] = { 0 };

		tr_fault_arm(ALLOCATIONS * 4);
		run_together(4, count_strikes, strikes, sizeof *strikes);
		ck_assert_int_eq(strikes[0] + strikes[1] + strikes[2] + strikes[3], 1);
	}
}
END_TEST

static TCase *
case_fault(void)
{
	TCase *tc = tcase_create("fault");

	tcase_add_checked_fixture(tc, disarm, disarm);
	tcase_add_test(tc, test_fault_lets_everything_pass_when_nothing_is_armed);
	tcase_add_test(tc, test_fault_strikes_the_allocation_it_was_armed_for);
	tcase_add_test(tc, test_fault_by_chance_strikes_as_often_as_it_says);
	tcase_add_test(tc, test_fault_by_chance_is_the_same_with_the_same_seed);
	tcase_add_test(tc, test_fault_by_chance_does_not_strike_what_is_only_counted);
	tcase_add_test(tc, test_fault_by_chance_is_the_threads_own);
	tcase_add_test(tc, test_fault_strikes_once);
	tcase_add_test(tc, test_fault_is_armed_until_it_strikes);
	tcase_add_test(tc, test_fault_tells_that_it_has_struck);
	tcase_add_test(tc, test_fault_armed_anew_has_not_struck);
	tcase_add_test(tc, test_fault_can_be_disarmed);
	tcase_add_test(tc, test_fault_fails_tr_heap_take);
	tcase_add_test(tc, test_fault_fails_tr_heap_take_zeroed);
	tcase_add_test(tc, test_fault_tr_heap_take_zeroed_zeroes);
	tcase_add_test(tc, test_fault_tr_heap_give_takes_null);
	tcase_add_test(tc, test_fault_counts_the_allocations_of_all_threads);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("fault");

	suite_add_tcase(suite, case_fault());
	return run_suite(suite);
}
