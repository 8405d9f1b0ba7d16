/* SPDX-License-Identifier: MIT */
#include "runtime/engine/runnable.h"
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static tr_runnable set;

static void
open_set(size_t most)
{
	ck_assert_int_eq(tr_runnable_init(&set, most), 0);
}

START_TEST(test_runnable_takes_by_rank)
{
	open_set(10);
	for (uint32_t actor = 1; actor <= 5; actor++)
		tr_runnable_put(&set, actor * 10);
	ck_assert_uint_eq(tr_runnable_take(&set, 2), 30);
	ck_assert_uint_eq(tr_runnable_take(&set, 2), 40);
	tr_runnable_put(&set, 60);
	ck_assert_uint_eq(tr_runnable_take(&set, 3), 60);
	ck_assert_uint_eq(tr_runnable_take(&set, 0), 10);
	ck_assert_uint_eq(tr_runnable_take(&set, 1), 50);
	ck_assert_uint_eq(tr_runnable_take(&set, 0), 20);
	ck_assert_uint_eq(set.count, 0);
	tr_runnable_fini(&set);
}
END_TEST

#define MOST  20000
#define STEPS 60000

/* The same in a plain array, and the run that both make. */
static uint32_t model[MOST];
static size_t model_count;

static void
put_both(uint32_t actor)
{
	tr_runnable_put(&set, actor);
	model[model_count++] = actor;
}

static bool
takes_alike(size_t rank)
{
	uint32_t wanted = model[rank];

	model_count--;
	memmove(model + rank, model + rank + 1, (model_count - rank) * sizeof *model);
	return tr_runnable_take(&set, rank) == wanted;
}

static bool
lists_alike(void)
{
	size_t position = 0, i = 0;
	uint32_t actor;

	for (; (actor = tr_runnable_next(&set, &position)) != 0; i++)
		if (i >= model_count || model[i] != actor)
			return false;
	return i == model_count && set.count == model_count;
}

START_TEST(test_runnable_is_like_an_array)
{
	uint64_t random = test_seed("test_runnable_is_like_an_array");
	uint32_t wrong = 0;

	/* It grows and becomes less again, so that there are holes of all kinds; and it is full at times. */
	static const size_t targets[] = { 3, 200, 5, MOST, 100, MOST, 2000, 1 };

	open_set(MOST);
	model_count = 0;
	for (uint32_t step = 0; step < STEPS; step++) {
		size_t target = targets[step / (STEPS / 8) % 8];
		bool grow = model_count < target ? test_below(&random, 4) > 0 : test_below(&random, 4) == 0;

		if ((grow && model_count < MOST) || model_count == 0)
			put_both(1 + step);
		else
			wrong += !takes_alike(test_below(&random, (uint32_t)model_count));
		if (step % 5000 == 0)
			wrong += !lists_alike();
	}
	ck_assert(lists_alike());
	ck_assert_uint_eq(wrong, 0);
	tr_runnable_fini(&set);
}
END_TEST

START_TEST(test_runnable_holds_as_many_as_was_said)
{
	enum { FULL = 5000 };

	open_set(FULL);
	model_count = 0;
	for (uint32_t actor = 1; actor <= FULL; actor++)
		put_both(actor);
	/* Full all the time, and each put has its place. */
	for (uint32_t i = 0; i < 10 * FULL; i++) {
		ck_assert(takes_alike(i * 7919 % FULL));
		put_both(i + 1);
	}
	ck_assert(lists_alike());
	tr_runnable_fini(&set);
}
END_TEST

/* Its memory is that of one before it, which was full. */
START_TEST(test_runnable_begins_empty)
{
	open_set(MOST);
	for (uint32_t actor = 1; actor <= MOST; actor++)
		tr_runnable_put(&set, actor);
	tr_runnable_fini(&set);
	open_set(MOST);
	model_count = 0;
	for (uint32_t actor = 1; actor <= MOST; actor++) {
		put_both(actor);
		put_both(actor + MOST);
		ck_assert(takes_alike(model_count / 2));
		ck_assert(takes_alike(model_count / 3));
		put_both(actor + 2 * MOST);
		if (model_count > MOST / 2)
			ck_assert(takes_alike(0));
	}
	ck_assert(lists_alike());
	tr_runnable_fini(&set);
}
END_TEST

START_TEST(test_runnable_says_when_there_is_no_memory)
{
	tr_fault_arm(1);
	ck_assert_int_ne(tr_runnable_init(&set, 100), 0);
	tr_fault_arm(0);
	tr_runnable_fini(&set);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("runnable");
	TCase *tc = tcase_create("runnable");

	tcase_add_test(tc, test_runnable_takes_by_rank);
	tcase_add_test(tc, test_runnable_is_like_an_array);
	tcase_add_test(tc, test_runnable_holds_as_many_as_was_said);
	tcase_add_test(tc, test_runnable_begins_empty);
	tcase_add_test(tc, test_runnable_says_when_there_is_no_memory);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
