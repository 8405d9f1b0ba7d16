/* SPDX-License-Identifier: MIT */

/* The source and not the header: nothing else holds a depot's lock as long as a test wants it held. */
#include "runtime/memory/depot.c"

#include "tests/support.h"

#include <check.h>
#include <stdlib.h>

#define BATCH 64

static void
hold_lock(enum tr_arena_kind kind, unsigned size_class, bool held)
{
	atomic_store_explicit(&find_depot(kind, size_class)->locked, held, memory_order_relaxed);
}

/* Give first, first + 1, ... */
static void
give_range(enum tr_arena_kind kind, unsigned size_class, uint32_t first, uint32_t count)
{
	uint32_t units[BATCH];

	for (uint32_t i = 0; i < count; i++)
		units[i] = first + i;
	ck_assert(tr_depot_give(kind, size_class, units, count));
}

static void
empty_depots(void)
{
	uint32_t units[BATCH];

	init_memory();
	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		while (tr_depot_take(TR_ACTORS, i, units, BATCH) > 0)
			;
	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++)
		while (tr_depot_take(TR_MESSAGES, i, units, BATCH) > 0)
			;
}

START_TEST(test_depot_has_nothing_at_first)
{
	uint32_t unit;

	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++) {
		ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, i), 0);
		ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, i, &unit, 1), 0);
	}
}
END_TEST

START_TEST(test_depot_hands_over_what_was_given)
{
	uint32_t units[BATCH];

	give_range(TR_MESSAGES, 0, 1000, BATCH);
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 0), BATCH);
	ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 0, units, BATCH), BATCH);
	for (uint32_t i = 0; i < BATCH; i++)
		ck_assert_uint_eq(units[i], 1000 + i);
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 0), 0);
}
END_TEST

START_TEST(test_depot_hands_over_no_more_than_is_wanted)
{
	uint32_t units[BATCH];

	give_range(TR_MESSAGES, 0, 1000, 10);
	units[3] = 7;
	ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 0, units, 3), 3);
	ck_assert_uint_eq(units[3], 7);
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 0), 7);
}
END_TEST

START_TEST(test_depot_hands_over_no_more_than_it_has)
{
	uint32_t units[BATCH];

	give_range(TR_MESSAGES, 0, 1000, 10);
	ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 0, units, BATCH), 10);
}
END_TEST

START_TEST(test_depot_hands_over_the_warmest_first)
{
	uint32_t units[BATCH];

	give_range(TR_MESSAGES, 0, 1000, BATCH);
	give_range(TR_MESSAGES, 0, 2000, BATCH);
	ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 0, units, BATCH), BATCH);
	ck_assert_uint_eq(units[0], 2000);
	ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 0, units, BATCH), BATCH);
	ck_assert_uint_eq(units[0], 1000);
}
END_TEST

START_TEST(test_depot_keeps_kinds_and_sizes_apart)
{
	uint32_t units[BATCH];

	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		give_range(TR_ACTORS, i, 1000 + i, 1);
	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++)
		give_range(TR_MESSAGES, i, 2000 + i, 1);
	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++) {
		ck_assert_uint_eq(tr_depot_take(TR_ACTORS, i, units, BATCH), 1);
		ck_assert_uint_eq(units[0], 1000 + i);
	}
	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++) {
		ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, i, units, BATCH), 1);
		ck_assert_uint_eq(units[0], 2000 + i);
	}
}
END_TEST

START_TEST(test_depot_init_again_keeps_what_is_there)
{
	give_range(TR_ACTORS, 2, 1000, 5);
	ck_assert(tr_depot_init());
	ck_assert_uint_eq(tr_depot_count(TR_ACTORS, 2), 5);
}
END_TEST

START_TEST(test_depot_take_refuses_while_the_lock_is_held)
{
	uint32_t unit = 7;

	give_range(TR_MESSAGES, 1, 1000, 2);
	hold_lock(TR_MESSAGES, 1, true);
	ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 1, &unit, 1), 0);
	ck_assert_uint_eq(unit, 7);
	hold_lock(TR_MESSAGES, 1, false);
	ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 1, &unit, 1), 1);
	ck_assert_uint_eq(unit, 1001);
}
END_TEST

START_TEST(test_depot_give_refuses_while_the_lock_is_held)
{
	const uint32_t unit = 7;

	hold_lock(TR_MESSAGES, 1, true);
	ck_assert(!tr_depot_give(TR_MESSAGES, 1, &unit, 1));
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 1), 0);
	hold_lock(TR_MESSAGES, 1, false);
	ck_assert(tr_depot_give(TR_MESSAGES, 1, &unit, 1));
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 1), 1);
}
END_TEST

START_TEST(test_depot_lock_of_one_size_holds_up_no_other)
{
	hold_lock(TR_MESSAGES, 1, true);
	give_range(TR_MESSAGES, 2, 1000, 2);
	give_range(TR_ACTORS, 1, 1000, 2);
	hold_lock(TR_MESSAGES, 1, false);
}
END_TEST

/* --- Sorting. --- */

#define SORTED 5000

/* Give units of all magnitudes, each once, in no order. */
static void
give_many(uint64_t *random)
{
	for (uint32_t i = 1; i <= SORTED; i++) {
		const uint32_t unit = i << test_below(random, 3) * 9 | (i & 1) << 31;

		ck_assert(tr_depot_give(TR_MESSAGES, 0, &unit, 1));
	}
}

static int
compare_units(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

START_TEST(test_depot_sort_brings_the_lowest_to_the_top)
{
	static uint32_t expected[SORTED], units[SORTED];
	const uint32_t *slots = find_depot(TR_MESSAGES, 0)->slots;
	uint64_t random = test_seed("test_depot_sort_brings_the_lowest_to_the_top");

	give_many(&random);
	memcpy(expected, slots, sizeof expected);
	qsort(expected, SORTED, sizeof *expected, compare_units);
	tr_depot_sort(TR_MESSAGES, 0);
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 0), SORTED);
	for (uint32_t i = 0; i < SORTED; i++)
		ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 0, &units[i], 1), 1);
	ck_assert_mem_eq(units, expected, sizeof units);
}
END_TEST

START_TEST(test_depot_sort_takes_few_or_none)
{
	uint32_t units[2];

	tr_depot_sort(TR_MESSAGES, 0);
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 0), 0);
	give_range(TR_MESSAGES, 0, 7, 1);
	tr_depot_sort(TR_MESSAGES, 0);
	ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 0, units, 2), 1);
	ck_assert_uint_eq(units[0], 7);
}
END_TEST

START_TEST(test_depot_sort_does_nothing_while_the_lock_is_held)
{
	uint32_t units[2];

	give_range(TR_MESSAGES, 0, 7, 2);
	hold_lock(TR_MESSAGES, 0, true);
	tr_depot_sort(TR_MESSAGES, 0);
	hold_lock(TR_MESSAGES, 0, false);
	ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, 0, units, 2), 2);
	ck_assert_uint_eq(units[0], 7);
	ck_assert_uint_eq(units[1], 8);
}
END_TEST

/* --- Several threads. --- */

#define TRADERS    3
#define HELD_MAX   256
#define ALL_UNITS  (TRADERS * 100)
#define FIRST_UNIT 1000

/* What lies in the slots: written by whoever holds a slot, with nothing but the depot's order. */
static uint32_t owner_of[ALL_UNITS];

struct trader {
	uint64_t random;
	uint32_t number;
	uint32_t held[HELD_MAX];
	uint32_t count;
	uint32_t wrong; /* slots that were somebody else's */
	uint32_t exchanged;
};

static void
give_some(struct trader *trader)
{
	const uint32_t count = test_below(&trader->random, trader->count + 1);

	for (uint32_t i = 0; i < count; i++)
		owner_of[trader->held[trader->count - 1 - i] - FIRST_UNIT] = 0;
	if (tr_depot_give(TR_MESSAGES, 0, trader->held + (trader->count - count), count)) {
		trader->count -= count;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		owner_of[trader->held[trader->count - 1 - i] - FIRST_UNIT] = trader->number;
}

static void
take_some(struct trader *trader)
{
	const uint32_t most = test_below(&trader->random, HELD_MAX - trader->count + 1);
	const uint32_t taken = tr_depot_take(TR_MESSAGES, 0, trader->held + trader->count, most);

	for (uint32_t i = 0; i < taken; i++) {
		uint32_t *owner = &owner_of[trader->held[trader->count + i] - FIRST_UNIT];

		trader->wrong += *owner != 0;
		*owner = trader->number;
	}
	trader->count += taken;
	trader->exchanged += taken;
}

static void *
trade(void *argument)
{
	struct trader *trader = argument;

	for (int round = 0; round < TEST_SCALED(40000); round++)
		if (test_below(&trader->random, 2) == 0)
			give_some(trader);
		else if (test_below(&trader->random, 64) == 0)
			tr_depot_sort(TR_MESSAGES, 0);
		else
			take_some(trader);
	return NULL;
}

static void
deal_out(struct trader *traders)
{
	uint64_t random = test_seed("test_depot_gives_each_slot_to_one_thread");

	for (uint32_t t = 0; t < TRADERS; t++) {
		traders[t] = (struct trader){ .random = test_random(&random), .number = t + 1 };
		for (uint32_t i = 0; i < ALL_UNITS / TRADERS; i++) {
			const uint32_t unit = t * (ALL_UNITS / TRADERS) + i;

			owner_of[unit] = t + 1;
			traders[t].held[traders[t].count++] = FIRST_UNIT + unit;
		}
	}
}

START_TEST(test_depot_gives_each_slot_to_one_thread)
{
	static struct trader traders[TRADERS];
	uint32_t seen[ALL_UNITS] = { 0 }, units[ALL_UNITS], left;

	deal_out(traders);
	run_together(TRADERS, trade, traders, sizeof *traders);

	for (uint32_t t = 0; t < TRADERS; t++) {
		ck_assert_uint_eq(traders[t].wrong, 0);
		ck_assert_uint_gt(traders[t].exchanged, 0);
		for (uint32_t i = 0; i < traders[t].count; i++)
			seen[traders[t].held[i] - FIRST_UNIT]++;
	}
	left = tr_depot_take(TR_MESSAGES, 0, units, ALL_UNITS);
	for (uint32_t i = 0; i < left; i++)
		seen[units[i] - FIRST_UNIT]++;
	for (uint32_t i = 0; i < ALL_UNITS; i++)
		ck_assert_msg(seen[i] == 1, "slot %u is there %u times", i, seen[i]);
}
END_TEST

static TCase *
case_depot(void)
{
	TCase *tc = tcase_create("depot");

	tcase_add_checked_fixture(tc, empty_depots, NULL);
	tcase_add_test(tc, test_depot_has_nothing_at_first);
	tcase_add_test(tc, test_depot_hands_over_what_was_given);
	tcase_add_test(tc, test_depot_hands_over_no_more_than_is_wanted);
	tcase_add_test(tc, test_depot_hands_over_no_more_than_it_has);
	tcase_add_test(tc, test_depot_hands_over_the_warmest_first);
	tcase_add_test(tc, test_depot_keeps_kinds_and_sizes_apart);
	tcase_add_test(tc, test_depot_init_again_keeps_what_is_there);
	tcase_add_test(tc, test_depot_take_refuses_while_the_lock_is_held);
	tcase_add_test(tc, test_depot_give_refuses_while_the_lock_is_held);
	tcase_add_test(tc, test_depot_lock_of_one_size_holds_up_no_other);
	tcase_add_test(tc, test_depot_sort_brings_the_lowest_to_the_top);
	tcase_add_test(tc, test_depot_sort_takes_few_or_none);
	tcase_add_test(tc, test_depot_sort_does_nothing_while_the_lock_is_held);
	tcase_add_test(tc, test_depot_gives_each_slot_to_one_thread);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("depot");

	suite_add_tcase(suite, case_depot());
	return run_suite(suite);
}
