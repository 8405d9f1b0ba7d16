/* SPDX-License-Identifier: MIT */
#include "runtime/actor/message.h"
#include "runtime/memory/depot.h"
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_SLOT (TR_UNIT << (TR_MESSAGE_SIZES - 1))
#define HEAD         sizeof(troupe_msg)
#define TAIL         sizeof(tr_tail)

static tr_cache cache;

/* What destructors were called with. */
static int destroyed;
static void *destroyed_body;
static size_t destroyed_size;

static void
destroy(void *body, size_t size)
{
	destroyed++;
	destroyed_body = body;
	destroyed_size = size;
}

static void
init_cache(void)
{
	tr_fault_arm(0);
	init_memory();
	tr_cache_init(&cache);
	destroyed = 0;
}

static void
fini_cache(void)
{
	tr_fault_arm(0);
	tr_cache_fini(&cache);
}

static void *
body_of(const troupe_msg *msg)
{
	return (void *)(uintptr_t)msg->body;
}

/* Sizes round which something changes: with and without a tail. */
static const size_t sizes[] = { 0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 95, 96, 97, 223, 224, 225, 1000,
	4096, 30000, LARGEST_SLOT - HEAD - TAIL - 1, LARGEST_SLOT - HEAD - TAIL,
	LARGEST_SLOT - HEAD - TAIL + 1, LARGEST_SLOT - HEAD - 1, LARGEST_SLOT - HEAD, LARGEST_SLOT - HEAD + 1,
	LARGEST_SLOT, 300000 };
#define SIZES ((int)(sizeof sizes / sizeof *sizes))

/* --- One message. --- */

START_TEST(test_message_is_what_was_asked_for)
{
	for (int i = 0; i < SIZES; i++) {
		troupe_msg *msg = tr_message_take(&cache, 7, sizes[i], NULL);

		ck_assert_ptr_nonnull(msg);
		ck_assert_uint_eq(msg->type, 7);
		ck_assert_uint_eq(msg->size, sizes[i]);
		ck_assert_uint_eq(msg->sender, 0);
		ck_assert_uint_eq(msg->next_unit, 0);
		ck_assert_uint_eq(msg->flag_bits & TR_MSG_LANES, 0);
		tr_message_release(&cache, msg);
	}
}
END_TEST

START_TEST(test_message_of_no_size_has_no_body)
{
	troupe_msg *plain = tr_message_take(&cache, 1, 0, NULL),
		   *marked = tr_message_take(&cache, 1, 0, destroy);

	ck_assert_ptr_null(plain->body);
	ck_assert_ptr_null(marked->body);
	tr_message_release(&cache, plain);
	tr_message_release(&cache, marked);
	ck_assert_ptr_null(destroyed_body);
}
END_TEST

START_TEST(test_message_body_is_aligned_to_16)
{
	for (int i = 1; i < SIZES; i++)
		for (int marked = 0; marked < 2; marked++) {
			troupe_msg *msg = tr_message_take(&cache, 1, sizes[i], marked ? destroy : NULL);

			ck_assert_uint_eq((uintptr_t)msg->body % 16, 0);
			tr_message_release(&cache, msg);
		}
}
END_TEST

START_TEST(test_message_of_the_smallest_slot_has_no_flags)
{
	for (size_t size = 0; size <= TR_SMALL_MAX; size++) {
		troupe_msg *msg = tr_message_take(&cache, 1, size, NULL);

		ck_assert_uint_eq(msg->flag_bits, 0);
		tr_message_release(&cache, msg);
	}
}
END_TEST

/* All at once, each filled to its last byte: no body reaches into another message. */
START_TEST(test_message_bodies_do_not_overlap)
{
	troupe_msg *msgs[2 * SIZES];
	unsigned wrong = 0;

	for (int i = 0; i < 2 * SIZES; i++) {
		msgs[i] = tr_message_take(&cache, (uint32_t)i, sizes[i / 2], i % 2 ? destroy : NULL);
		if (sizes[i / 2] > 0)
			memset(body_of(msgs[i]), i, sizes[i / 2]);
	}
	for (int i = 0; i < 2 * SIZES; i++) {
		const unsigned char *bytes = msgs[i]->body;

		wrong += msgs[i]->type != (uint32_t)i || msgs[i]->size != sizes[i / 2];
		for (size_t at = 0; at < sizes[i / 2]; at++)
			wrong += bytes[at] != i;
		tr_message_release(&cache, msgs[i]);
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_int_eq(destroyed, SIZES);
}
END_TEST

START_TEST(test_message_gives_its_slot_back)
{
	for (int i = 0; i < SIZES; i++)
		for (int marked = 0; marked < 2; marked++) {
			troupe_msg *first = tr_message_take(&cache, 1, sizes[i], marked ? destroy : NULL);
			tr_message_release(&cache, first);
			troupe_msg *second = tr_message_take(&cache, 1, sizes[i], marked ? destroy : NULL);

			ck_assert_ptr_eq(second, first);
			tr_message_release(&cache, second);
		}
}
END_TEST

START_TEST(test_message_release_destroys_the_body_once)
{
	for (int i = 0; i < SIZES; i++) {
		troupe_msg *msg = tr_message_take(&cache, 1, sizes[i], destroy);
		const void *body = msg->body;

		destroyed = 0;
		tr_message_release(&cache, msg);
		ck_assert_int_eq(destroyed, 1);
		ck_assert_ptr_eq(destroyed_body, body);
		ck_assert_uint_eq(destroyed_size, sizes[i]);
	}
}
END_TEST

START_TEST(test_message_discard_destroys_nothing)
{
	for (int i = 0; i < SIZES; i++) {
		troupe_msg *msg = tr_message_take(&cache, 1, sizes[i], destroy);

		tr_message_discard(&cache, msg);
		ck_assert_ptr_eq(tr_message_take(&cache, 1, sizes[i], destroy), msg);
		tr_message_discard(&cache, msg);
	}
	ck_assert_int_eq(destroyed, 0);
}
END_TEST

START_TEST(test_message_copy_small_copies_what_it_is_told_to)
{
	static const char from[TR_SMALL_MAX + 1] = "0123456789abcdefghijklmnopqrstuv";

	for (size_t n = 0; n <= TR_SMALL_MAX; n++) {
		char to[TR_SMALL_MAX + 1];

		memset(to, '.', sizeof to);
		tr_copy_small(to, from, n);
		ck_assert_mem_eq(to, from, n);
		for (size_t at = n; at < sizeof to; at++)
			ck_assert_int_eq(to[at], '.');
	}
}
END_TEST

/* --- Shared blocks. --- */

START_TEST(test_message_shared_block_is_what_was_asked_for)
{
	for (int i = 1; i < SIZES; i++) {
		troupe_shared *block = tr_shared_take(&cache, sizes[i], NULL);

		ck_assert_ptr_nonnull(block);
		ck_assert_uint_eq(tr_shared_size(block), sizes[i]);
		ck_assert_uint_eq((uintptr_t)tr_shared_bytes(block) % 16, 0);
		memset(tr_shared_bytes(block), 0xff, sizes[i]);
		tr_shared_release(&cache, block);
	}
}
END_TEST

START_TEST(test_message_shared_block_ends_with_its_last_holder)
{
	for (int i = 1; i < SIZES; i++) {
		troupe_shared *block = tr_shared_take(&cache, sizes[i], destroy);
		const void *bytes = tr_shared_bytes(block);

		destroyed = 0;
		tr_shared_retain(block);
		tr_shared_retain(block);
		tr_shared_release(&cache, block);
		tr_shared_release(&cache, block);
		ck_assert_int_eq(destroyed, 0);
		tr_shared_release(&cache, block);
		ck_assert_int_eq(destroyed, 1);
		ck_assert_ptr_eq(destroyed_body, bytes);
		ck_assert_uint_eq(destroyed_size, sizes[i]);
	}
}
END_TEST

START_TEST(test_message_shared_block_gives_its_slot_back)
{
	troupe_shared *block = tr_shared_take(&cache, 100, NULL);

	tr_shared_release(&cache, block);
	ck_assert_ptr_eq(tr_shared_take(&cache, 100, NULL), block);
	tr_shared_release(&cache, block);
}
END_TEST

START_TEST(test_message_carries_a_shared_block)
{
	troupe_shared *block = tr_shared_take(&cache, 1000, NULL);
	troupe_msg *msg = tr_message_take_shared(&cache, 9, block);

	ck_assert_uint_eq(msg->type, 9);
	ck_assert_uint_eq(msg->size, 1000);
	ck_assert_ptr_eq(msg->body, tr_shared_bytes(block));
	ck_assert_ptr_eq(troupe_msg_shared(msg), block);
	tr_message_discard(&cache, msg);
	tr_shared_release(&cache, block);
}
END_TEST

START_TEST(test_message_of_its_own_carries_no_shared_block)
{
	for (int i = 0; i < SIZES; i++) {
		troupe_msg *msg = tr_message_take(&cache, 1, sizes[i], destroy);

		ck_assert_ptr_null(troupe_msg_shared(msg));
		tr_message_release(&cache, msg);
	}
}
END_TEST

START_TEST(test_message_release_gives_one_count_of_the_block_back)
{
	troupe_shared *block = tr_shared_take(&cache, 1000, destroy);

	for (int i = 0; i < 5; i++) {
		tr_shared_retain(block);
		tr_message_release(&cache, tr_message_take_shared(&cache, 1, block));
	}
	ck_assert_int_eq(destroyed, 0);
	tr_message_release(&cache, tr_message_take_shared(&cache, 1, block));
	ck_assert_int_eq(destroyed, 1);
}
END_TEST

START_TEST(test_message_discard_gives_no_count_of_the_block_back)
{
	troupe_shared *block = tr_shared_take(&cache, 1000, destroy);

	tr_message_discard(&cache, tr_message_take_shared(&cache, 1, block));
	ck_assert_int_eq(destroyed, 0);
	tr_shared_release(&cache, block);
	ck_assert_int_eq(destroyed, 1);
}
END_TEST

/* --- Out of memory. --- */

static void *
take_message(size_t size)
{
	return tr_message_take(&cache, 1, size, destroy);
}

static void
give_message(void *msg)
{
	tr_message_discard(&cache, msg);
}

static void *
take_block(size_t size)
{
	return tr_shared_take(&cache, size, NULL);
}

static void
give_block(void *block)
{
	tr_shared_release(&cache, block);
}

static void *
take_carrier(size_t size)
{
	troupe_shared *block = tr_shared_take(&cache, size, NULL);
	troupe_msg *msg = block != NULL ? tr_message_take_shared(&cache, 1, block) : NULL;

	if (block != NULL && msg == NULL)
		tr_shared_release(&cache, block);
	return msg;
}

static void
give_carrier(void *msg)
{
	tr_message_release(&cache, msg);
}

static uint32_t
units_in_depots(void)
{
	uint32_t units = 0;

	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++)
		units += tr_depot_count(TR_MESSAGES, i) << i;
	return units;
}

/* Fail each allocation in turn; in the end every slot is back.  (A block from the heap is ASan's to miss.) */
static void
fail_each(void *(*take)(size_t size), void (*give)(void *what), size_t size)
{
	const uint32_t top = atomic_load_explicit(&tr_arenas[TR_MESSAGES].top, memory_order_relaxed);
	const uint32_t free_before = units_in_depots();
	void *what = NULL;

	for (long n = 1; what == NULL; n++) {
		ck_assert_int_lt(n, 20);
		tr_fault_arm(n);
		tr_cache_follow_faults(&cache);
		what = take(size);
		ck_assert_int_eq(what == NULL, tr_fault_struck());
	}
	give(what);
	tr_fault_arm(0);
	tr_cache_follow_faults(&cache);
	tr_cache_fini(&cache);
	ck_assert_int_eq(destroyed, 0);
	ck_assert_uint_eq(units_in_depots() - free_before,
	    atomic_load_explicit(&tr_arenas[TR_MESSAGES].top, memory_order_relaxed) - top);
	tr_cache_init(&cache);
}

START_TEST(test_message_take_fails_without_a_trace)
{
	for (int i = 0; i < SIZES; i++)
		fail_each(take_message, give_message, sizes[i]);
}
END_TEST

START_TEST(test_message_shared_take_fails_without_a_trace)
{
	for (int i = 1; i < SIZES; i++)
		fail_each(take_block, give_block, sizes[i]);
}
END_TEST

START_TEST(test_message_take_shared_fails_without_a_trace)
{
	for (int i = 1; i < SIZES; i++)
		fail_each(take_carrier, give_carrier, sizes[i]);
}
END_TEST

/* --- Several threads. --- */

#define HOLDERS 4
#define ROUNDS  TEST_SCALED(8000)

struct holder {
	tr_cache cache;
	troupe_shared **blocks;
	uint64_t sum;
};

static _Atomic uint32_t ends;

/* Writes what all others have read: no read may come after it. */
static void
overwrite(void *bytes, size_t size)
{
	memset(bytes, 0xff, size);
	atomic_fetch_add_explicit(&ends, 1, memory_order_relaxed);
}

static void *
read_and_release(void *argument)
{
	struct holder *holder = argument;

	for (int i = 0; i < ROUNDS; i++) {
		const uint64_t *word = tr_shared_bytes(holder->blocks[i]);

		holder->sum += *word;
		tr_shared_release(&holder->cache, holder->blocks[i]);
	}
	tr_cache_fini(&holder->cache);
	return NULL;
}

START_TEST(test_message_shared_block_ends_after_all_have_read_it)
{
	static struct holder holders[HOLDERS];
	troupe_shared **blocks = calloc((size_t)ROUNDS, sizeof(troupe_shared *));

	ck_assert_ptr_nonnull(blocks);
	for (int i = 0; i < ROUNDS; i++) {
		blocks[i] = tr_shared_take(&cache, sizeof(uint64_t), overwrite);
		*(uint64_t *)tr_shared_bytes(blocks[i]) = (uint64_t)i;
		for (int n = 1; n < HOLDERS; n++)
			tr_shared_retain(blocks[i]);
	}
	for (int i = 0; i < HOLDERS; i++) {
		holders[i].blocks = blocks;
		tr_cache_init(&holders[i].cache);
	}
	run_together(HOLDERS, read_and_release, holders, sizeof *holders);

	for (int i = 0; i < HOLDERS; i++)
		ck_assert_uint_eq(holders[i].sum, (uint64_t)ROUNDS * (ROUNDS - 1) / 2);
	ck_assert_uint_eq(atomic_load_explicit(&ends, memory_order_relaxed), ROUNDS);
	free(blocks);
}
END_TEST

static TCase *
case_message(void)
{
	TCase *tc = tcase_create("message");

	tcase_add_checked_fixture(tc, init_cache, fini_cache);
	tcase_add_test(tc, test_message_is_what_was_asked_for);
	tcase_add_test(tc, test_message_of_no_size_has_no_body);
	tcase_add_test(tc, test_message_body_is_aligned_to_16);
	tcase_add_test(tc, test_message_of_the_smallest_slot_has_no_flags);
	tcase_add_test(tc, test_message_bodies_do_not_overlap);
	tcase_add_test(tc, test_message_gives_its_slot_back);
	tcase_add_test(tc, test_message_release_destroys_the_body_once);
	tcase_add_test(tc, test_message_discard_destroys_nothing);
	tcase_add_test(tc, test_message_copy_small_copies_what_it_is_told_to);
	return tc;
}

static TCase *
case_shared(void)
{
	TCase *tc = tcase_create("shared blocks");

	tcase_add_checked_fixture(tc, init_cache, fini_cache);
	tcase_add_test(tc, test_message_shared_block_is_what_was_asked_for);
	tcase_add_test(tc, test_message_shared_block_ends_with_its_last_holder);
	tcase_add_test(tc, test_message_shared_block_gives_its_slot_back);
	tcase_add_test(tc, test_message_carries_a_shared_block);
	tcase_add_test(tc, test_message_of_its_own_carries_no_shared_block);
	tcase_add_test(tc, test_message_release_gives_one_count_of_the_block_back);
	tcase_add_test(tc, test_message_discard_gives_no_count_of_the_block_back);
	tcase_add_test(tc, test_message_shared_block_ends_after_all_have_read_it);
	return tc;
}

static TCase *
case_no_memory(void)
{
	TCase *tc = tcase_create("out of memory");

	tcase_add_checked_fixture(tc, init_cache, fini_cache);
	tcase_add_test(tc, test_message_take_fails_without_a_trace);
	tcase_add_test(tc, test_message_shared_take_fails_without_a_trace);
	tcase_add_test(tc, test_message_take_shared_fails_without_a_trace);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("message");

	suite_add_tcase(suite, case_message());
	suite_add_tcase(suite, case_shared());
	suite_add_tcase(suite, case_no_memory());
	return run_suite(suite);
}
