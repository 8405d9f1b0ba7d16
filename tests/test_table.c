/* SPDX-License-Identifier: MIT */
#include "runtime/memory/fault.h"
#include "runtime/memory/table.h"
#include "tests/support.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE ((size_t)1 << 24)

static char *
take_table(size_t bytes)
{
	char *table = tr_table_take(bytes);

	ck_assert_ptr_nonnull(table);
	return table;
}

START_TEST(test_table_can_be_used_from_end_to_end)
{
	char *table = take_table(SIZE);

	table[0] = 1;
	table[SIZE / 2] = 2;
	table[SIZE - 1] = 3;
	ck_assert_int_eq(table[0] + table[SIZE / 2] + table[SIZE - 1], 6);
	tr_table_give(table, SIZE, 0);
}
END_TEST

START_TEST(test_table_given_back_is_taken_again)
{
	char *table = take_table(SIZE);

	tr_table_give(table, SIZE, 0);
	ck_assert_ptr_eq(take_table(SIZE), table);
	tr_table_give(table, SIZE, 0);
}
END_TEST

START_TEST(test_table_is_handed_to_one_at_a_time)
{
	char *first = take_table(SIZE);
	char *second = take_table(SIZE);

	tr_table_give(first, SIZE, 0);
	tr_table_give(second, SIZE, 0);
	first = take_table(SIZE);
	second = take_table(SIZE);
	ck_assert_ptr_ne(first, second);
	tr_table_give(first, SIZE, 0);
	tr_table_give(second, SIZE, 0);
}
END_TEST

START_TEST(test_table_of_another_size_is_left_for_who_wants_it)
{
	char *small = take_table(SIZE / 2);
	char *large = take_table(SIZE);

	tr_table_give(small, SIZE / 2, 0);
	tr_table_give(large, SIZE, 0);
	ck_assert_ptr_eq(take_table(SIZE), large);
	ck_assert_ptr_eq(take_table(SIZE / 2), small);
	tr_table_give(small, SIZE / 2, 0);
	tr_table_give(large, SIZE, 0);
}
END_TEST

static bool
is_mapped(void *table)
{
	unsigned char in_core;

	return mincore(table, 1, &in_core) == 0;
}

START_TEST(test_table_with_much_in_it_is_not_kept)
{
	char *little = take_table(SIZE), *much = take_table(SIZE);

	tr_table_give(little, SIZE, SIZE / 64);
	tr_table_give(much, SIZE, SIZE / 2);
	ck_assert(is_mapped(little));
	ck_assert(!is_mapped(much));
}
END_TEST

START_TEST(test_table_makes_room_for_one_of_a_new_size)
{
	char *tables[8];

	for (int i = 0; i < 8; i++)
		tables[i] = take_table(SIZE);
	for (int i = 0; i < 8; i++)
		tr_table_give(tables[i], SIZE, 0);

	char *small = take_table(SIZE / 2);

	tr_table_give(small, SIZE / 2, 0);
	ck_assert_ptr_eq(take_table(SIZE / 2), small);
	tr_table_give(small, SIZE / 2, 0);
}
END_TEST

/* More than any number of runtimes would want back at once. */
#define MANY 64

START_TEST(test_table_is_not_kept_beside_many)
{
	char *tables[MANY];
	int kept = 0;

	for (int i = 0; i < MANY; i++)
		tables[i] = take_table(SIZE);
	for (int i = 0; i < MANY; i++)
		tr_table_give(tables[i], SIZE, 0);
	for (int i = 0; i < MANY; i++)
		kept += is_mapped(tables[i]);
	ck_assert_int_gt(kept, 0);
	ck_assert_int_lt(kept, MANY / 2);
}
END_TEST

START_TEST(test_table_fails_when_a_fault_is_due)
{
	tr_table_give(take_table(SIZE), SIZE, 0);
	tr_fault_arm(1);
	ck_assert_ptr_null(tr_table_take(SIZE));
	tr_fault_arm(0);
	ck_assert_ptr_null(tr_table_take((size_t)1 << 60));
}
END_TEST

/* --- Threads, and no order but the tables' own. --- */

#define TAKERS 4
#define ROUNDS TEST_SCALED(40000)

struct taker {
	uint32_t number;
	int wrong;
};

/* Two at a time, each written by its holder and by nobody else meanwhile. */
static void *
take_and_give(void *argument)
{
	struct taker *self = argument;

	for (uint32_t round = 0; round < (uint32_t)ROUNDS; round++) {
		uint32_t *tables[2];

		for (uint32_t i = 0; i < 2; i++) {
			tables[i] = tr_table_take(SIZE);
			if (tables[i] == NULL) {
				self->wrong++;
				return NULL;
			}
			memset(tables[i], 0, 64);
			tables[i][4] = self->number * 2 + i;
		}
		if (round % 64 == 0)
			sched_yield();
		for (uint32_t i = 0; i < 2; i++) {
			self->wrong += tables[i][4] != self->number * 2 + i;
			tr_table_give(tables[i], SIZE, 0);
		}
	}
	return NULL;
}

START_TEST(test_table_is_one_threads_at_a_time)
{
	struct taker takers[TAKERS] = { { 0, 0 }, { 1, 0 }, { 2, 0 }, { 3, 0 } };

	run_together(TAKERS, take_and_give, takers, sizeof *takers);
	for (int i = 0; i < TAKERS; i++)
		ck_assert_int_eq(takers[i].wrong, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("table");
	TCase *tc = tcase_create("table");

	tcase_add_test(tc, test_table_can_be_used_from_end_to_end);
	tcase_add_test(tc, test_table_given_back_is_taken_again);
	tcase_add_test(tc, test_table_is_handed_to_one_at_a_time);
	tcase_add_test(tc, test_table_of_another_size_is_left_for_who_wants_it);
	tcase_add_test(tc, test_table_with_much_in_it_is_not_kept);
	tcase_add_test(tc, test_table_makes_room_for_one_of_a_new_size);
	tcase_add_test(tc, test_table_is_not_kept_beside_many);
	tcase_add_test(tc, test_table_fails_when_a_fault_is_due);
	tcase_add_test(tc, test_table_is_one_threads_at_a_time);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
