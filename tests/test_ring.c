/* SPDX-License-Identifier: MIT */
#include "runtime/engine/ring.h"
#include "tests/support.h"

#include <check.h>
#include <string.h>

static tr_ring ring, other;

/* As if so many entries had come and gone. */
static void
init_ring_at(tr_ring *which, uint32_t size, uint32_t at)
{
	memset(which, 0xab, sizeof *which);
	tr_ring_init(which, size);
	atomic_store_explicit(&which->head, at, memory_order_relaxed);
	atomic_store_explicit(&which->tail, at, memory_order_relaxed);
}

/* Every single-thread case runs with each size, from zero and across the wrap of the indices. */
static const struct {
	uint32_t size, at;
} starts[] = {
	{ 4, 0 },
	{ 4, UINT32_MAX - 1 },
	{ 8, 0 },
	{ 8, UINT32_MAX - 4 },
	{ 256, 0 },
	{ 256, UINT32_MAX - 100 },
	{ 2, UINT32_MAX },
};
#define STARTS ((int)(sizeof starts / sizeof *starts))

static uint32_t
start_rings(int which)
{
	init_ring_at(&ring, starts[which].size, starts[which].at);
	init_ring_at(&other, starts[which].size, starts[which].at + 7);
	return starts[which].size;
}

static void
push_range(tr_ring *to, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ck_assert(tr_ring_push(to, first + i));
}

START_TEST(test_ring_is_empty_at_first)
{
	start_rings(_i);
	ck_assert(!tr_ring_has_any(&ring));
	ck_assert_uint_eq(tr_ring_pop(&ring), 0);
	ck_assert_uint_eq(tr_ring_steal(&ring, &other), 0);
	ck_assert(!tr_ring_has_any(&other));
}
END_TEST

/* Whatever was there before. */
START_TEST(test_ring_begins_at_zero)
{
	memset(&ring, 0xab, sizeof ring);
	tr_ring_init(&ring, 8);
	ck_assert_uint_eq(atomic_load_explicit(&ring.head, memory_order_relaxed), 0);
	ck_assert_uint_eq(atomic_load_explicit(&ring.tail, memory_order_relaxed), 0);
}
END_TEST

START_TEST(test_ring_gives_the_oldest_first)
{
	const uint32_t size = start_rings(_i);

	push_range(&ring, 1, size);
	for (uint32_t i = 1; i <= size; i++)
		ck_assert_uint_eq(tr_ring_pop(&ring), i);
	ck_assert_uint_eq(tr_ring_pop(&ring), 0);
}
END_TEST

START_TEST(test_ring_has_room_for_its_size)
{
	const uint32_t size = start_rings(_i);

	push_range(&ring, 1, size);
	ck_assert(!tr_ring_push(&ring, size + 1));
	ck_assert_uint_eq(tr_ring_pop(&ring), 1);
	ck_assert(tr_ring_push(&ring, size + 1));
	ck_assert(!tr_ring_push(&ring, size + 2));
}
END_TEST

START_TEST(test_ring_goes_round)
{
	const uint32_t size = start_rings(_i);

	push_range(&ring, 1, size / 2);
	for (uint32_t i = 1; i <= 1000; i++) {
		ck_assert(tr_ring_has_any(&ring));
		ck_assert(tr_ring_push(&ring, size / 2 + i));
		ck_assert_uint_eq(tr_ring_pop(&ring), i);
	}
}
END_TEST

START_TEST(test_ring_steal_takes_half)
{
	const uint32_t size = start_rings(_i);

	push_range(&ring, 1, size);
	/* The newest of those stolen is run; the others go to the thief's ring. */
	ck_assert_uint_eq(tr_ring_steal(&ring, &other), size / 2);
	for (uint32_t i = 1; i < size / 2; i++)
		ck_assert_uint_eq(tr_ring_pop(&other), i);
	ck_assert_uint_eq(tr_ring_pop(&other), 0);
	for (uint32_t i = size / 2 + 1; i <= size; i++)
		ck_assert_uint_eq(tr_ring_pop(&ring), i);
	ck_assert_uint_eq(tr_ring_pop(&ring), 0);
}
END_TEST

START_TEST(test_ring_steal_takes_the_larger_half)
{
	const uint32_t size = start_rings(_i);

	push_range(&ring, 1, size - 1);
	ck_assert_uint_eq(tr_ring_steal(&ring, &other), size / 2);
}
END_TEST

START_TEST(test_ring_steal_takes_the_only_one)
{
	start_rings(_i);
	push_range(&ring, 9, 1);
	ck_assert_uint_eq(tr_ring_steal(&ring, &other), 9);
	ck_assert(!tr_ring_has_any(&ring));
	ck_assert(!tr_ring_has_any(&other));
}
END_TEST

START_TEST(test_ring_spill_takes_the_older_half_of_a_full_one)
{
	const uint32_t size = start_rings(_i);
	uint32_t entries[TR_RING_SIZE / 2];

	push_range(&ring, 1, size);
	ck_assert_uint_eq(tr_ring_spill(&ring, entries), size / 2);
	for (uint32_t i = 0; i < size / 2; i++)
		ck_assert_uint_eq(entries[i], i + 1);
	for (uint32_t i = size / 2 + 1; i <= size; i++)
		ck_assert_uint_eq(tr_ring_pop(&ring), i);
	ck_assert_uint_eq(tr_ring_pop(&ring), 0);
}
END_TEST

START_TEST(test_ring_spill_leaves_one_that_is_not_full)
{
	const uint32_t size = start_rings(_i);
	uint32_t entries[TR_RING_SIZE / 2];

	push_range(&ring, 1, size - 1);
	ck_assert_uint_eq(tr_ring_spill(&ring, entries), 0);
	for (uint32_t i = 1; i < size; i++)
		ck_assert_uint_eq(tr_ring_pop(&ring), i);
}
END_TEST

/* --- Against a model. --- */

struct queue {
	uint32_t entries[TR_RING_SIZE];
	uint32_t count;
};

static void
append(struct queue *queue, uint32_t entry)
{
	queue->entries[queue->count++] = entry;
}

static void
drop_oldest(struct queue *queue, uint32_t count)
{
	queue->count -= count;
	memmove(queue->entries, queue->entries + count, queue->count * sizeof *queue->entries);
}

static void
compare_steal(struct queue *model, struct queue *model_of_other)
{
	const uint32_t half = model->count - model->count / 2;

	ck_assert_uint_eq(tr_ring_steal(&ring, &other), half > 0 ? model->entries[half - 1] : 0);
	for (uint32_t i = 0; i + 1 < half; i++)
		append(model_of_other, model->entries[i]);
	drop_oldest(model, half);
}

static void
compare_spill(struct queue *model, uint32_t size)
{
	uint32_t entries[TR_RING_SIZE / 2];
	const uint32_t spilled = tr_ring_spill(&ring, entries);

	ck_assert_uint_eq(spilled, model->count == size ? size / 2 : 0);
	for (uint32_t i = 0; i < spilled; i++)
		ck_assert_uint_eq(entries[i], model->entries[i]);
	drop_oldest(model, spilled);
}

static void
compare_pop(tr_ring *which, struct queue *model)
{
	ck_assert_uint_eq(tr_ring_pop(which), model->count > 0 ? model->entries[0] : 0);
	if (model->count > 0)
		drop_oldest(model, 1);
}

START_TEST(test_ring_does_what_its_model_does)
{
	struct queue model = { .count = 0 }, model_of_other = { .count = 0 };
	const uint32_t size = start_rings(_i);
	uint64_t random = test_seed("test_ring_does_what_its_model_does");

	for (uint32_t step = 1; step <= 2000; step++) {
		const uint32_t choice = test_below(&random, 32);

		if (choice < 20) {
			const bool fits = model.count < size;

			ck_assert_int_eq(tr_ring_push(&ring, step), fits);
			if (fits)
				append(&model, step);
		} else if (choice < 28) {
			compare_pop(&ring, &model);
		} else if (choice < 29) {
			compare_spill(&model, size);
		} else if (model_of_other.count == 0) {
			compare_steal(&model, &model_of_other);
		} else {
			compare_pop(&other, &model_of_other);
		}
		ck_assert_int_eq(tr_ring_has_any(&ring), model.count > 0);
		ck_assert_int_eq(tr_ring_has_any(&other), model_of_other.count > 0);
	}
}
END_TEST

#if TROUPE_CHECKS >= 1
#include <signal.h>

START_TEST(test_ring_has_a_size_that_is_a_power_of_two)
{
	tr_ring_init(&ring, 6);
}
END_TEST

START_TEST(test_ring_has_no_more_than_its_most)
{
	tr_ring_init(&ring, 2 * TR_RING_SIZE);
}
END_TEST

static void
add_death_tests(TCase *tc)
{
	tcase_add_test_raise_signal(tc, test_ring_has_a_size_that_is_a_power_of_two, SIGABRT);
	tcase_add_test_raise_signal(tc, test_ring_has_no_more_than_its_most, SIGABRT);
}
#else
static void
add_death_tests(TCase *tc)
{
	(void)tc;
}
#endif

static TCase *
case_ring(void)
{
	TCase *tc = tcase_create("ring");

	tcase_add_loop_test(tc, test_ring_is_empty_at_first, 0, STARTS);
	tcase_add_test(tc, test_ring_begins_at_zero);
	tcase_add_loop_test(tc, test_ring_gives_the_oldest_first, 0, STARTS);
	tcase_add_loop_test(tc, test_ring_has_room_for_its_size, 0, STARTS);
	tcase_add_loop_test(tc, test_ring_goes_round, 0, STARTS);
	tcase_add_loop_test(tc, test_ring_steal_takes_half, 0, STARTS);
	tcase_add_loop_test(tc, test_ring_steal_takes_the_larger_half, 0, STARTS);
	tcase_add_loop_test(tc, test_ring_steal_takes_the_only_one, 0, STARTS);
	tcase_add_loop_test(tc, test_ring_spill_takes_the_older_half_of_a_full_one, 0, STARTS);
	tcase_add_loop_test(tc, test_ring_spill_leaves_one_that_is_not_full, 0, STARTS);
	tcase_add_loop_test(tc, test_ring_does_what_its_model_does, 0, STARTS);
	add_death_tests(tc);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("ring");

	suite_add_tcase(suite, case_ring());
	return run_suite(suite);
}
