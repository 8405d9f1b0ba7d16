/* SPDX-License-Identifier: MIT */
#include "runtime/engine/overflow.h"
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ACTOR 1000

static tr_overflow queue;

static void
init_queue(void)
{
	tr_fault_arm(0);
	init_memory();
	ck_assert_int_eq(tr_overflow_init(&queue), 0);
}

static void
fini_queue(void)
{
	tr_overflow_fini(&queue);
}

/* Actors FIRST_ACTOR + first, ... */
static void
put_range(uint32_t first, uint32_t count)
{
	uint32_t actors[128] = { 0 };

	for (uint32_t i = 0; i < count; i++)
		actors[i] = FIRST_ACTOR + first + i;
	tr_overflow_put(&queue, actors, count);
}

static void
expect_range(uint32_t first, uint32_t count)
{
	uint32_t actors[128];

	ck_assert_uint_eq(tr_overflow_take(&queue, actors, count), count);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_eq(actors[i], FIRST_ACTOR + first + i);
}

START_TEST(test_overflow_is_empty_at_first)
{
	uint32_t actor = 7;

	ck_assert_uint_eq(tr_overflow_count(&queue), 0);
	ck_assert_uint_eq(tr_overflow_take(&queue, &actor, 1), 0);
	ck_assert_uint_eq(actor, 7);
}
END_TEST

START_TEST(test_overflow_gives_the_oldest_first)
{
	put_range(0, 1);
	put_range(1, 128);
	put_range(129, 3);
	expect_range(0, 2);
	expect_range(2, 128);
	expect_range(130, 2);
}
END_TEST

START_TEST(test_overflow_gives_no_more_than_is_wanted)
{
	uint32_t actors[4] = { 7, 7, 7, 7 };

	put_range(0, 10);
	ck_assert_uint_eq(tr_overflow_take(&queue, actors, 3), 3);
	ck_assert_uint_eq(actors[3], 7);
	ck_assert_uint_eq(tr_overflow_take(&queue, actors, 0), 0);
	expect_range(3, 7);
}
END_TEST

START_TEST(test_overflow_gives_no_more_than_there_are)
{
	uint32_t actors[128];

	put_range(0, 10);
	ck_assert_uint_eq(tr_overflow_take(&queue, actors, 128), 10);
	ck_assert_uint_eq(tr_overflow_take(&queue, actors, 128), 0);
}
END_TEST

START_TEST(test_overflow_put_of_none_changes_nothing)
{
	put_range(0, 2);
	put_range(2, 0);
	ck_assert_uint_eq(tr_overflow_count(&queue), 2);
	expect_range(0, 2);
}
END_TEST

START_TEST(test_overflow_counts_who_waits)
{
	put_range(0, 100);
	ck_assert_uint_eq(tr_overflow_count(&queue), 100);
	expect_range(0, 30);
	ck_assert_uint_eq(tr_overflow_count(&queue), 70);
	put_range(100, 5);
	ck_assert_uint_eq(tr_overflow_count(&queue), 75);
	expect_range(30, 75);
	ck_assert_uint_eq(tr_overflow_count(&queue), 0);
}
END_TEST

START_TEST(test_overflow_can_be_used_again_when_it_was_emptied)
{
	for (uint32_t i = 0; i < 1000; i++) {
		put_range(3 * i, 3);
		expect_range(3 * i, 3);
	}
}
END_TEST

START_TEST(test_overflow_init_says_when_there_is_no_memory)
{
	tr_overflow another;

	tr_fault_arm(1);
	ck_assert_int_ne(tr_overflow_init(&another), 0);
}
END_TEST

/* However many wait, and wherever the oldest lies. */
START_TEST(test_overflow_does_what_its_model_does)
{
	uint64_t random = test_seed("test_overflow_does_what_its_model_does");
	uint32_t first = 0, end = 0;

	for (int step = 0; step < 20000; step++) {
		/* Tides: for some time more come than go, then more go. */
		const uint32_t put_most = step / 2000 % 2 == 0 ? 129 : 30;

		if (test_below(&random, 2) == 0) {
			const uint32_t count = test_below(&random, put_most);

			put_range(end, count);
			end += count;
		} else {
			const uint32_t most = test_below(&random, 60);

			expect_range(first, most < end - first ? most : end - first);
			first += most < end - first ? most : end - first;
		}
	}
	ck_assert_uint_eq(tr_overflow_count(&queue), end - first);
}
END_TEST

/* --- Several threads. --- */

#define HANDS 3
#define ALL   ((uint32_t)TEST_SCALED(120000))

struct hand {
	uint64_t random;
	uint32_t number;
	uint32_t taken, wrong;
};

static struct {
	uint32_t *body; /* of each actor: written by who puts it */
	uint32_t *seen; /* how often: written by who takes it */
	_Atomic uint32_t next, taken;
} table;

static void
put_some(struct hand *hand)
{
	uint32_t actors[64];
	const uint32_t count = 1 + test_below(&hand->random, 64);
	const uint32_t first = atomic_fetch_add_explicit(&table.next, count, memory_order_relaxed);
	uint32_t some = 0;

	for (uint32_t i = first; i < first + count && i < ALL; i++) {
		table.body[i] = ~i;
		actors[some++] = FIRST_ACTOR + i;
	}
	tr_overflow_put(&queue, actors, some);
}

static void
take_some(struct hand *hand)
{
	uint32_t actors[64];
	const uint32_t taken = tr_overflow_take(&queue, actors, 1 + test_below(&hand->random, 64));

	for (uint32_t i = 0; i < taken; i++) {
		const uint32_t actor = actors[i] - FIRST_ACTOR;

		hand->wrong += table.body[actor] != ~actor;
		table.seen[actor]++;
	}
	hand->taken += taken;
	atomic_fetch_add_explicit(&table.taken, taken, memory_order_relaxed);
}

static void *
put_and_take(void *argument)
{
	struct hand *hand = argument;

	while (atomic_load_explicit(&table.taken, memory_order_relaxed) < ALL)
		if (test_below(&hand->random, 2) == 0)
			put_some(hand);
		else
			take_some(hand);
	return NULL;
}

START_TEST(test_overflow_gives_each_actor_once)
{
	struct hand hands[HANDS];
	uint64_t random = test_seed("test_overflow_gives_each_actor_once");
	uint32_t wrong = 0;

	table.body = calloc(ALL, sizeof *table.body);
	table.seen = calloc(ALL, sizeof *table.seen);
	ck_assert_ptr_nonnull(table.body);
	ck_assert_ptr_nonnull(table.seen);
	for (uint32_t i = 0; i < HANDS; i++)
		hands[i] = (struct hand){ .random = test_random(&random), .number = i };
	run_together(HANDS, put_and_take, hands, sizeof *hands);

	for (uint32_t i = 0; i < HANDS; i++)
		wrong += hands[i].wrong;
	for (uint32_t i = 0; i < ALL; i++)
		wrong += table.seen[i] != 1;
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(tr_overflow_count(&queue), 0);
	free(table.body);
	free(table.seen);
}
END_TEST

static TCase *
case_overflow(void)
{
	TCase *tc = tcase_create("overflow");

	tcase_add_checked_fixture(tc, init_queue, fini_queue);
	tcase_add_test(tc, test_overflow_is_empty_at_first);
	tcase_add_test(tc, test_overflow_gives_the_oldest_first);
	tcase_add_test(tc, test_overflow_gives_no_more_than_is_wanted);
	tcase_add_test(tc, test_overflow_gives_no_more_than_there_are);
	tcase_add_test(tc, test_overflow_put_of_none_changes_nothing);
	tcase_add_test(tc, test_overflow_counts_who_waits);
	tcase_add_test(tc, test_overflow_can_be_used_again_when_it_was_emptied);
	tcase_add_test(tc, test_overflow_init_says_when_there_is_no_memory);
	tcase_add_test(tc, test_overflow_does_what_its_model_does);
	tcase_add_test(tc, test_overflow_gives_each_actor_once);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("overflow");

	suite_add_tcase(suite, case_overflow());
	return run_suite(suite);
}
