/* SPDX-License-Identifier: MIT */
#include "runtime/memory/cache.h"
#include "runtime/memory/depot.h"
#include "runtime/platform/platform.h"
#include "tests/crew.h"

#include <stdlib.h>
#include <string.h>

/* 12.8 MB of messages: well over what trim keeps. */
#define UNITS 200000

static tr_cache cache;
static uint32_t units[UNITS];

static void
use_and_give_back(void)
{
	tr_cache_init(&cache);
	for (uint32_t i = 0; i < UNITS; i++) {
		units[i] = tr_cache_take_message(&cache, 0);
		ck_assert_uint_ne(units[i], 0);
		memset(tr_message_at(units[i]), 0xab, TR_UNIT);
	}
	for (uint32_t i = 0; i < UNITS; i++)
		tr_cache_give_message(&cache, 0, units[i]);
	tr_cache_fini(&cache);
}

static void
set_up(void)
{
	ck_assert(tr_arena_init());
	ck_assert(tr_depot_init());
	use_and_give_back();
}

START_TEST(test_depot_trim_gives_back_all_but_what_it_keeps)
{
	size_t page = tr_page_size();
	size_t given = tr_depot_trim(0);

	ck_assert_uint_ge(given + TR_DEPOT_KEEP + 2 * page, UNITS * TR_UNIT);
	ck_assert_uint_le(given, UNITS * TR_UNIT + TR_BLOCK_UNITS * TR_UNIT - TR_DEPOT_KEEP);
}
END_TEST

START_TEST(test_depot_trim_does_the_work_once)
{
	ck_assert_uint_gt(tr_depot_trim(0), 0);
	ck_assert_uint_eq(tr_depot_trim(0), 0);
}
END_TEST

START_TEST(test_depot_trim_does_it_again_after_the_slots_were_used)
{
	ck_assert_uint_gt(tr_depot_trim(0), 0);
	use_and_give_back();
	ck_assert_uint_gt(tr_depot_trim(0), 0);
}
END_TEST

/* As a pool does whose caches took the slots that were trimmed last, and gave them back used. */
START_TEST(test_depot_trim_does_it_again_after_some_were_taken_and_given_back)
{
	enum { TAKEN = UNITS - TR_DEPOT_KEEP / TR_UNIT / 2 };

	ck_assert_uint_gt(tr_depot_trim(0), 0);
	uint32_t count = 0;
	for (uint32_t got; count < TAKEN && (got = tr_depot_take(TR_MESSAGES, 0, units + count, 64)) != 0;)
		count += got;
	ck_assert_uint_ge(count, TAKEN);
	for (uint32_t i = 0; i < count; i += 64)
		ck_assert(tr_depot_give(TR_MESSAGES, 0, units + i, count - i < 64 ? count - i : 64));
	ck_assert_uint_gt(tr_depot_trim(0), 0);
}
END_TEST

START_TEST(test_depot_trim_leaves_every_slot_usable)
{
	uint32_t before = tr_depot_count(TR_MESSAGES, 0);
	uint32_t top = atomic_load_explicit(&tr_arenas[TR_MESSAGES].top, memory_order_relaxed);
	uint8_t *seen = calloc(top, 1);
	uint32_t zeroed = 0;

	ck_assert_uint_gt(tr_depot_trim(0), 0);
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 0), before);
	tr_cache_init(&cache);
	for (uint32_t i = 0; i < UNITS; i++) {
		uint32_t unit = tr_cache_take_message(&cache, 0);
		const unsigned char *bytes = tr_message_at(unit);

		ck_assert_uint_eq(seen[unit]++, 0);
		/* All of a slot was given back, or nothing. */
		ck_assert(bytes[8] == 0xab || bytes[8] == 0);
		ck_assert_uint_eq(bytes[8], bytes[TR_UNIT - 1]);
		zeroed += bytes[8] == 0;
	}
	ck_assert_uint_gt(zeroed, UNITS / 2);
	free(seen);
}
END_TEST

/* All of a slot was given back.  Nobody writes to it; its content is nobody's business, but for this. */
static __attribute__((noinline, no_sanitize_address, no_sanitize_thread)) bool
is_zero(uint32_t unit)
{
	const volatile unsigned char *bytes = tr_message_at(unit);

	return bytes[TR_UNIT - 1] == 0;
}

static bool
any_is_zero(void)
{
	for (uint32_t i = 0; i < UNITS; i += 1000)
		if (is_zero(units[i]))
			return true;
	return false;
}

static struct crew crew;

/* Without being asked: when all its workers have had nothing to do for a while. */
START_TEST(test_depot_trim_is_what_an_idle_pool_does)
{
	ck_assert(!any_is_zero());
	crew_init(&crew, 2, 256, NULL);
	crew_start(&crew);
	/* If that never comes, the limit of the case ends it. */
	while (!any_is_zero())
		sched_yield();
	crew_stop(&crew);
	crew_fini(&crew);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("depot_trim");
	TCase *tcase = tcase_create("trim");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, test_depot_trim_gives_back_all_but_what_it_keeps);
	tcase_add_test(tcase, test_depot_trim_does_the_work_once);
	tcase_add_test(tcase, test_depot_trim_does_it_again_after_the_slots_were_used);
	tcase_add_test(tcase, test_depot_trim_does_it_again_after_some_were_taken_and_given_back);
	tcase_add_test(tcase, test_depot_trim_leaves_every_slot_usable);
	tcase_add_test(tcase, test_depot_trim_is_what_an_idle_pool_does);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
