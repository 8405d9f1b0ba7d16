/* SPDX-License-Identifier: MIT */
#include "runtime/engine/mailbox.h"
#include "runtime/memory/arena.h"
#include "runtime/memory/fault.h"
#include "runtime/platform/platform.h"
#include "tests/support.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const enum tr_arena_kind kinds[] = { TR_ACTORS, TR_MESSAGES };
static const unsigned sizes_of[] = { TR_ACTOR_SIZES, TR_MESSAGE_SIZES };

static void
init_arenas(void)
{
	tr_fault_arm(0);
	ck_assert(tr_arena_init());
}

static uint32_t
load_top(enum tr_arena_kind kind)
{
	return atomic_load_explicit(&tr_arenas[kind].top, memory_order_relaxed);
}

/* As if all below `top` had been carved. */
static void
set_top(enum tr_arena_kind kind, uint32_t top)
{
	atomic_store_explicit(&tr_arenas[kind].top, top, memory_order_relaxed);
}

START_TEST(test_arena_is_reserved_once)
{
	char *actors = tr_arenas[TR_ACTORS].base;
	char *messages = tr_arenas[TR_MESSAGES].base;

	ck_assert(tr_arena_init());
	ck_assert_ptr_eq(tr_arenas[TR_ACTORS].base, actors);
	ck_assert_ptr_eq(tr_arenas[TR_MESSAGES].base, messages);
}
END_TEST

START_TEST(test_arena_blocks_have_room_for_one_slot_at_least)
{
	for (int k = 0; k < 2; k++)
		for (unsigned i = 0; i < sizes_of[k]; i++) {
			const uint32_t slot = UINT32_C(1) << i;
			uint32_t units = 0;

			ck_assert_uint_ne(tr_arena_carve(kinds[k], i, &units), 0);
			ck_assert_uint_eq(units, slot > TR_BLOCK_UNITS ? slot : TR_BLOCK_UNITS);
		}
}
END_TEST

START_TEST(test_arena_blocks_do_not_overlap)
{
	for (int k = 0; k < 2; k++) {
		uint32_t end = 1; /* 0 is never handed out */

		for (unsigned i = 0; i < 3 * sizes_of[k]; i++) {
			uint32_t units = 0;
			const uint32_t first = tr_arena_carve(kinds[k], i % sizes_of[k], &units);

			ck_assert_uint_ge(first, end);
			end = first + units;
		}
		ck_assert_uint_le(end, tr_arenas[kinds[k]].limit);
	}
}
END_TEST

START_TEST(test_arena_blocks_are_zeroed)
{
	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++) {
		uint32_t units = 0;
		const uint32_t first = tr_arena_carve(TR_MESSAGES, i, &units);
		const unsigned char *bytes = tr_message_at(first);
		unsigned all = 0;

		for (size_t at = 0; at < units * TR_UNIT; at++)
			all |= bytes[at];
		ck_assert_uint_eq(all, 0);
	}
}
END_TEST

START_TEST(test_arena_units_are_cache_lines)
{
	uint32_t units = 0;
	const uint32_t first = tr_arena_carve(TR_ACTORS, 0, &units);

	for (uint32_t i = 0; i < units; i++) {
		const char *at = tr_actor_at(first + i);

		ck_assert_uint_eq((uintptr_t)at % TR_CACHE_LINE, 0);
		ck_assert_ptr_eq(at, (const char *)tr_actor_at(first) + (size_t)i * TR_CACHE_LINE);
	}
}
END_TEST

START_TEST(test_arena_address_tells_its_unit)
{
	for (uint32_t unit = 1; unit < tr_arenas[TR_MESSAGES].limit / 2; unit = unit * 2 + 1) {
		ck_assert_uint_eq(tr_actor_unit(tr_actor_at(unit)), unit);
		ck_assert_uint_eq(tr_message_unit(tr_message_at(unit)), unit);
	}
}
END_TEST

START_TEST(test_arena_remembers_the_size_of_actors)
{
	uint32_t first[TR_ACTOR_SIZES], units = 0;

	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		first[i] = tr_arena_carve(TR_ACTORS, i, &units);
	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		ck_assert_uint_eq(tr_arena_size_class(first[i] / TR_BLOCK_UNITS), i);
}
END_TEST

START_TEST(test_arena_knows_what_is_not_carved)
{
	ck_assert_uint_eq(tr_arena_size_class(load_top(TR_ACTORS) / TR_BLOCK_UNITS), TR_NOT_CARVED);
}
END_TEST

START_TEST(test_arena_ends_at_its_limit)
{
	for (int k = 0; k < 2; k++) {
		const tr_arena *arena = &tr_arenas[kinds[k]];
		const uint32_t before = load_top(kinds[k]);
		uint32_t units = 0;

		set_top(kinds[k], (arena->limit - 2 * TR_BLOCK_UNITS) & ~(TR_BLOCK_UNITS - 1));
		for (uint32_t first, blocks = 0; (first = tr_arena_carve(kinds[k], 0, &units)) != 0;
		     blocks++) {
			ck_assert_uint_le(first + (units - 1), arena->limit - 1);
			ck_assert_uint_lt(blocks, 3);
		}
		ck_assert_uint_eq(tr_arena_carve(kinds[k], 0, &units), 0);
		set_top(kinds[k], before);
	}
}
END_TEST

START_TEST(test_arena_refuses_only_what_does_not_fit)
{
	const uint32_t before = load_top(TR_MESSAGES);
	uint32_t units = 0;

	set_top(TR_MESSAGES, (tr_arenas[TR_MESSAGES].limit - 2 * TR_BLOCK_UNITS) & ~(TR_BLOCK_UNITS - 1));
	ck_assert_uint_eq(tr_arena_carve(TR_MESSAGES, 10, &units), 0);
	ck_assert_uint_ne(tr_arena_carve(TR_MESSAGES, 0, &units), 0);
	set_top(TR_MESSAGES, before);
}
END_TEST

START_TEST(test_arena_hands_out_no_unit_that_a_mailbox_takes_for_a_mark)
{
	const uint32_t before = load_top(TR_MESSAGES);
	uint32_t units = 0, first;

	set_top(TR_MESSAGES, (tr_arenas[TR_MESSAGES].limit - 4 * TR_BLOCK_UNITS) & ~(TR_BLOCK_UNITS - 1));
	while ((first = tr_arena_carve(TR_MESSAGES, 0, &units)) != 0)
		ck_assert_uint_lt(first + (units - 1), TR_MAILBOX_CLOSED);
	set_top(TR_MESSAGES, before);
}
END_TEST

START_TEST(test_arena_carves_nothing_when_a_fault_is_due)
{
	const uint32_t before = load_top(TR_ACTORS);
	uint32_t units = 7;

	tr_fault_arm(1);
	ck_assert_uint_eq(tr_arena_carve(TR_ACTORS, 0, &units), 0);
	ck_assert_uint_eq(units, 7);
	ck_assert_uint_eq(load_top(TR_ACTORS), before);
	ck_assert_uint_ne(tr_arena_carve(TR_ACTORS, 0, &units), 0);
}
END_TEST

/* --- Several threads. --- */

#define CARVES 500

struct carver {
	uint32_t first[CARVES], units[CARVES];
};

static void *
carve_many(void *argument)
{
	struct carver *carver = argument;

	for (unsigned i = 0; i < CARVES; i++)
		carver->first[i] = tr_arena_carve(TR_MESSAGES, i % TR_MESSAGE_SIZES, &carver->units[i]);
	return NULL;
}

START_TEST(test_arena_gives_each_block_to_one_thread)
{
	static struct carver carvers[3];
	const uint32_t before = load_top(TR_MESSAGES);

	run_together(3, carve_many, carvers, sizeof *carvers);

	const uint32_t carved = load_top(TR_MESSAGES) - before;
	bool *taken = calloc(carved / TR_BLOCK_UNITS, sizeof *taken);
	uint32_t sum = 0;

	ck_assert_ptr_nonnull(taken);
	for (unsigned c = 0; c < 3; c++)
		for (unsigned i = 0; i < CARVES; i++) {
			const uint32_t first = carvers[c].first[i], units = carvers[c].units[i];

			ck_assert_uint_ge(first, before);
			for (uint32_t at = first; at < first + units; at += TR_BLOCK_UNITS) {
				ck_assert(!taken[(at - before) / TR_BLOCK_UNITS]);
				taken[(at - before) / TR_BLOCK_UNITS] = true;
			}
			sum += units;
		}
	ck_assert_uint_eq(sum, carved);
	free(taken);
}
END_TEST

/* --- Little address space. --- */

#if TR_LINUX && !TEST_SANITIZED
#include <stdio.h>

/* Let the process take `more` bytes of address space; then reserve the arenas anew. */
static bool
init_within(size_t more)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;
	const bool read = file && fscanf(file, "%lu", &pages) == 1;

	if (file)
		(void)fclose(file);
	const rlim_t now = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
	const struct rlimit limit = { now + more, RLIM_INFINITY };

	if (!read || setrlimit(RLIMIT_AS, &limit) != 0)
		_exit(99);
	return tr_arena_init();
}

static int
exit_status_of(int (*work)(void))
{
	int status = 0;
	const pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		/* The old reservations stay where they are. */
		memset(tr_arenas, 0, sizeof tr_arenas);
		_exit(work());
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define MIB ((size_t)1 << 20)

static int
reserve_little(void)
{
	uint32_t units = 0;

	if (!init_within(1024 * MIB))
		return 1;
	for (int k = 0; k < 2; k++) {
		const uint32_t first = tr_arena_carve(kinds[k], 0, &units);

		if (first == 0)
			return 2;
		*(volatile char *)(k == 0 ? tr_actor_at(first) : tr_message_at(first)) = 1;
	}
	/* The rest of the program needs room too. */
	void *rest = tr_pages_reserve(512 * MIB);
	return rest != NULL ? 0 : 3;
}

START_TEST(test_arena_takes_a_fair_share_of_little_address_space)
{
	ck_assert_int_eq(exit_status_of(reserve_little), 0);
}
END_TEST

static int
carve_all_of_little(void)
{
	uint32_t units = 0;

	if (!init_within(1024 * MIB))
		return 1;
	for (int k = 0; k < 2; k++) {
		const uint32_t blocks = tr_arenas[kinds[k]].limit / TR_BLOCK_UNITS;

		/* The first block has unit 0. */
		for (uint32_t i = 1; i < blocks; i++)
			if (tr_arena_carve(kinds[k], 0, &units) == 0)
				return 2;
		if (tr_arena_carve(kinds[k], 0, &units) != 0)
			return 3;
	}
	return 0;
}

START_TEST(test_arena_gives_all_of_little_address_space_and_no_more)
{
	ck_assert_int_eq(exit_status_of(carve_all_of_little), 0);
}
END_TEST

static int
reserve_nothing_and_then_little(void)
{
	if (init_within(MIB / 4))
		return 1;
	return init_within(1024 * MIB) ? 0 : 2;
}

START_TEST(test_arena_init_says_when_it_cannot_and_can_be_tried_again)
{
	ck_assert_int_eq(exit_status_of(reserve_nothing_and_then_little), 0);
}
END_TEST

static TCase *
case_little(void)
{
	TCase *tc = tcase_create("little address space");

	tcase_add_checked_fixture(tc, init_arenas, NULL);
	tcase_add_test(tc, test_arena_takes_a_fair_share_of_little_address_space);
	tcase_add_test(tc, test_arena_gives_all_of_little_address_space_and_no_more);
	tcase_add_test(tc, test_arena_init_says_when_it_cannot_and_can_be_tried_again);
	return tc;
}
#else
static TCase *
case_little(void)
{
	return tcase_create("little address space (cannot be had here)");
}
#endif

static TCase *
case_arena(void)
{
	TCase *tc = tcase_create("arena");

	tcase_add_checked_fixture(tc, init_arenas, NULL);
	tcase_add_test(tc, test_arena_is_reserved_once);
	tcase_add_test(tc, test_arena_blocks_have_room_for_one_slot_at_least);
	tcase_add_test(tc, test_arena_blocks_do_not_overlap);
	tcase_add_test(tc, test_arena_blocks_are_zeroed);
	tcase_add_test(tc, test_arena_units_are_cache_lines);
	tcase_add_test(tc, test_arena_address_tells_its_unit);
	tcase_add_test(tc, test_arena_remembers_the_size_of_actors);
	tcase_add_test(tc, test_arena_knows_what_is_not_carved);
	tcase_add_test(tc, test_arena_ends_at_its_limit);
	tcase_add_test(tc, test_arena_refuses_only_what_does_not_fit);
	tcase_add_test(tc, test_arena_hands_out_no_unit_that_a_mailbox_takes_for_a_mark);
	tcase_add_test(tc, test_arena_carves_nothing_when_a_fault_is_due);
	tcase_add_test(tc, test_arena_gives_each_block_to_one_thread);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("arena");

	suite_add_tcase(suite, case_arena());
	suite_add_tcase(suite, case_little());
	return run_suite(suite);
}
