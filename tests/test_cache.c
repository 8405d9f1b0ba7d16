/* SPDX-License-Identifier: MIT */

/* The source and not the header: nothing else holds a depot's lock as long as a test wants it held. */
#include "runtime/memory/depot.c"

#include "runtime/memory/cache.h"
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>
#include <stdlib.h>

static tr_cache cache;

static void
hold_lock(enum tr_arena_kind kind, unsigned size_class, bool held)
{
	atomic_store_explicit(&find_depot(kind, size_class)->locked, held, memory_order_relaxed);
}

static void
init_cache(void)
{
	uint32_t unit;

	tr_fault_arm(0);
	init_memory();
	/* What the case before left, when all run in one process. */
	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++)
		while (tr_depot_take(TR_MESSAGES, i, &unit, 1) == 1)
			;
	tr_cache_init(&cache);
}

static void
fini_cache(void)
{
	tr_cache_fini(&cache);
}

static uint32_t
load_top(enum tr_arena_kind kind)
{
	return atomic_load_explicit(&tr_arenas[kind].top, memory_order_relaxed);
}

/* --- One thread. --- */

/* Take slots of all sizes in turn, mark every byte, and see that the marks of none disturb another's. */
START_TEST(test_cache_slots_do_not_overlap)
{
	enum { PER_SIZE = 40, ALL = PER_SIZE * TR_MESSAGE_SIZES };
	uint32_t units[ALL];

	for (unsigned i = 0; i < ALL; i++) {
		const size_t size = TR_UNIT << i % TR_MESSAGE_SIZES;

		units[i] = tr_cache_take_message(&cache, i % TR_MESSAGE_SIZES);
		memset(tr_message_at(units[i]), (int)(i % 251), size);
	}
	unsigned wrong = 0;
	for (unsigned i = 0; i < ALL; i++) {
		const size_t size = TR_UNIT << i % TR_MESSAGE_SIZES;
		const unsigned char *bytes = tr_message_at(units[i]);

		for (size_t at = 0; at < size; at++)
			wrong += bytes[at] != i % 251;
	}
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(test_cache_keeps_actors_and_messages_apart)
{
	const uint32_t actor = tr_cache_take_actor(&cache, 0);

	tr_cache_give_actor(&cache, 0, actor);
	ck_assert_uint_eq(cache.messages[0].count, 0);
	ck_assert_uint_eq(tr_cache_take_actor(&cache, 0), actor);
}
END_TEST

START_TEST(test_cache_hands_out_first_what_was_given_last)
{
	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++) {
		const uint32_t first = tr_cache_take_message(&cache, i);
		const uint32_t second = tr_cache_take_message(&cache, i);

		tr_cache_give_message(&cache, i, first);
		tr_cache_give_message(&cache, i, second);
		ck_assert_uint_eq(tr_cache_take_message(&cache, i), second);
		ck_assert_uint_eq(tr_cache_take_message(&cache, i), first);
	}
}
END_TEST

START_TEST(test_cache_leaves_the_content_of_a_slot)
{
	const uint32_t unit = tr_cache_take_message(&cache, 2);
	uint64_t *words = tr_message_at(unit);

	words[5] = UINT64_C(0x1234567890);
	tr_cache_give_message(&cache, 2, unit);
	ck_assert_uint_eq(tr_cache_take_message(&cache, 2), unit);
	ck_assert_uint_eq(words[5], UINT64_C(0x1234567890));
}
END_TEST

START_TEST(test_cache_says_when_it_lacks_a_small_message)
{
	ck_assert(tr_cache_lacks_message(&cache));
	tr_cache_give_message(&cache, 0, tr_cache_take_message(&cache, 0));
	ck_assert(!tr_cache_lacks_message(&cache));
}
END_TEST

START_TEST(test_cache_uses_all_of_a_block)
{
	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++) {
		const uint32_t slots = TR_BLOCK_UNITS >> i > 0 ? TR_BLOCK_UNITS >> i : 1;
		uint32_t top = 0;

		for (uint32_t n = 0; n < slots; n++) {
			ck_assert_uint_ne(tr_cache_take_message(&cache, i), 0);
			if (n == 0)
				top = load_top(TR_MESSAGES);
		}
		ck_assert_uint_eq(load_top(TR_MESSAGES), top);
		ck_assert_uint_ne(tr_cache_take_message(&cache, i), 0);
		ck_assert_uint_gt(load_top(TR_MESSAGES), top);
	}
}
END_TEST

static uint32_t
batch_of(unsigned size_class)
{
	const size_t fit = (size_t)16384 / (TR_UNIT << size_class);

	return fit > TR_BATCH_SLOTS ? TR_BATCH_SLOTS : fit < 1 ? 1 : (uint32_t)fit;
}

/* Take `count` slots and give them back, in the order in which they were taken. */
static void
take_and_give(unsigned size_class, uint32_t count)
{
	uint32_t units[4 * TR_BATCH_SLOTS];

	for (uint32_t i = 0; i < count; i++)
		units[i] = tr_cache_take_message(&cache, size_class);
	for (uint32_t i = 0; i < count; i++)
		tr_cache_give_message(&cache, size_class, units[i]);
}

/* Take more than three batches, and all that the magazine has.  Returns how many. */
static uint32_t
take_out(unsigned size_class, uint32_t units[4 * TR_BATCH_SLOTS])
{
	uint32_t count = 0;

	while (count <= 3 * batch_of(size_class) || cache.messages[size_class].count > 0)
		units[count++] = tr_cache_take_message(&cache, size_class);
	return count;
}

START_TEST(test_cache_keeps_two_batches_of_a_size)
{
	uint32_t units[4 * TR_BATCH_SLOTS];

	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++) {
		(void)take_out(i, units);
		for (uint32_t n = 0; n < 2 * batch_of(i); n++)
			tr_cache_give_message(&cache, i, units[n]);
		ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, i), 0);
	}
}
END_TEST

START_TEST(test_cache_gives_the_coldest_batch_to_the_depot_when_it_is_full)
{
	uint32_t units[4 * TR_BATCH_SLOTS], given[TR_BATCH_SLOTS];

	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++) {
		const uint32_t batch = batch_of(i);

		(void)take_out(i, units);
		for (uint32_t n = 0; n <= 2 * batch; n++)
			tr_cache_give_message(&cache, i, units[n]);
		ck_assert_uint_eq(tr_depot_take(TR_MESSAGES, i, given, TR_BATCH_SLOTS), batch);
		ck_assert_mem_eq(given, units, batch * sizeof *given);
		for (uint32_t n = 2 * batch + 1; n-- > batch;)
			ck_assert_uint_eq(tr_cache_take_message(&cache, i), units[n]);
	}
}
END_TEST

START_TEST(test_cache_takes_from_the_depot_before_it_carves)
{
	take_and_give(0, 4 * TR_BATCH_SLOTS);
	const uint32_t top = load_top(TR_MESSAGES);

	for (int i = 0; i < 4 * TR_BATCH_SLOTS; i++)
		ck_assert_uint_ne(tr_cache_take_message(&cache, 0), 0);
	ck_assert_uint_eq(load_top(TR_MESSAGES), top);
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 0), 0);
}
END_TEST

START_TEST(test_cache_carves_when_the_depot_is_locked)
{
	take_and_give(0, 4 * TR_BATCH_SLOTS);
	hold_lock(TR_MESSAGES, 0, true);
	for (int i = 0; i < 4 * TR_BATCH_SLOTS; i++)
		ck_assert_uint_ne(tr_cache_take_message(&cache, 0), 0);
	hold_lock(TR_MESSAGES, 0, false);
	ck_assert_uint_gt(tr_depot_count(TR_MESSAGES, 0), 0);
}
END_TEST

/* Fill the magazine while the depot is locked, so that a batch spills. */
static void
spill_a_batch(void)
{
	hold_lock(TR_MESSAGES, 0, true);
	take_and_give(0, 2 * TR_BATCH_SLOTS + 1);
	hold_lock(TR_MESSAGES, 0, false);
	ck_assert_uint_ne(cache.messages[0].spill, 0);
}

START_TEST(test_cache_keeps_what_the_depot_refuses)
{
	spill_a_batch();
	const uint32_t top = load_top(TR_MESSAGES);

	/* One block has 256 slots; all of them are in this cache. */
	for (uint32_t i = 0; i < TR_BLOCK_UNITS; i++)
		ck_assert_uint_ne(tr_cache_take_message(&cache, 0), 0);
	ck_assert_uint_eq(load_top(TR_MESSAGES), top);
}
END_TEST

START_TEST(test_cache_gives_what_was_refused_with_the_next_batch)
{
	uint32_t units[4 * TR_BATCH_SLOTS];
	const uint32_t count = take_out(0, units);

	hold_lock(TR_MESSAGES, 0, true);
	for (int i = 0; i <= 2 * TR_BATCH_SLOTS; i++)
		tr_cache_give_message(&cache, 0, units[i]);
	hold_lock(TR_MESSAGES, 0, false);
	ck_assert_uint_ne(cache.messages[0].spill, 0);
	/* Nothing is taken meanwhile: the spill would go first. */
	for (uint32_t i = 2 * TR_BATCH_SLOTS + 1; i < count; i++)
		tr_cache_give_message(&cache, 0, units[i]);
	ck_assert_uint_ge(tr_depot_count(TR_MESSAGES, 0), 2 * TR_BATCH_SLOTS);
	ck_assert_uint_eq(cache.messages[0].spill, 0);
}
END_TEST

START_TEST(test_cache_fini_gives_everything_back)
{
	const uint32_t before = load_top(TR_MESSAGES);

	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++)
		tr_cache_give_message(&cache, i, tr_cache_take_message(&cache, i));
	spill_a_batch();
	tr_cache_fini(&cache);

	uint32_t units = 0;
	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++)
		units += tr_depot_count(TR_MESSAGES, i) << i;
	ck_assert_uint_eq(units, load_top(TR_MESSAGES) - before);
	tr_cache_init(&cache);
}
END_TEST

START_TEST(test_cache_fini_gives_no_slot_twice)
{
	static bool seen[4 * TR_BLOCK_UNITS];
	uint32_t units[TR_BATCH_SLOTS], count;
	const uint32_t first = load_top(TR_MESSAGES);

	take_and_give(0, 4 * TR_BATCH_SLOTS);
	spill_a_batch();
	tr_cache_fini(&cache);
	while ((count = tr_depot_take(TR_MESSAGES, 0, units, TR_BATCH_SLOTS)) > 0)
		for (uint32_t i = 0; i < count; i++) {
			ck_assert(!seen[units[i] - first]);
			seen[units[i] - first] = true;
		}
	tr_cache_init(&cache);
}
END_TEST

START_TEST(test_cache_hands_out_nothing_when_the_arena_is_used_up)
{
	const uint32_t before = load_top(TR_MESSAGES);

	atomic_store_explicit(&tr_arenas[TR_MESSAGES].top, tr_arenas[TR_MESSAGES].limit,
	    memory_order_relaxed);
	ck_assert_uint_eq(tr_cache_take_message(&cache, 3), 0);
	atomic_store_explicit(&tr_arenas[TR_MESSAGES].top, before, memory_order_relaxed);
	ck_assert_uint_ne(tr_cache_take_message(&cache, 3), 0);
}
END_TEST

/* --- Faults. --- */

START_TEST(test_cache_can_fail_every_take_while_faults_are_armed)
{
	take_and_give(0, 2 * TR_BATCH_SLOTS);
	for (long n = 1; n <= 20; n++) {
		uint32_t unit = 1;
		long takes = 0;

		tr_fault_arm(n);
		tr_cache_follow_faults(&cache);
		while (takes < n && (unit = tr_cache_take_message(&cache, 0)) != 0) {
			tr_cache_give_message(&cache, 0, unit);
			takes++;
		}
		ck_assert_uint_eq(unit, 0);
		ck_assert(tr_fault_struck());
		tr_cache_follow_faults(&cache);
	}
}
END_TEST

START_TEST(test_cache_loses_nothing_while_faults_are_armed)
{
	const uint32_t before = load_top(TR_MESSAGES);

	take_and_give(0, 2 * TR_BATCH_SLOTS);
	tr_fault_arm(1000);
	tr_cache_follow_faults(&cache);
	take_and_give(0, 3 * TR_BATCH_SLOTS);
	tr_fault_arm(0);
	tr_cache_follow_faults(&cache);
	take_and_give(0, 3 * TR_BATCH_SLOTS);
	tr_cache_fini(&cache);
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 0), load_top(TR_MESSAGES) - before);
	tr_cache_init(&cache);
}
END_TEST

START_TEST(test_cache_keeps_slots_again_when_faults_are_disarmed)
{
	tr_fault_arm(1000);
	tr_cache_follow_faults(&cache);
	tr_fault_arm(0);
	tr_cache_follow_faults(&cache);
	take_and_give(0, TR_BATCH_SLOTS);
	ck_assert_uint_ge(cache.messages[0].count, TR_BATCH_SLOTS);
}
END_TEST

/* --- Under AddressSanitizer. --- */

#if TR_ASAN
START_TEST(test_cache_poisons_free_messages)
{
	const uint32_t unit = tr_cache_take_message(&cache, 1);
	const char *slot = tr_message_at(unit);

	ck_assert(!__asan_address_is_poisoned(slot));
	ck_assert(!__asan_address_is_poisoned(slot + 2 * TR_UNIT - 1));
	tr_cache_give_message(&cache, 1, unit);
	ck_assert(__asan_address_is_poisoned(slot + 8));
	ck_assert(__asan_address_is_poisoned(slot + 2 * TR_UNIT - 1));
	ck_assert_uint_eq(tr_cache_take_message(&cache, 1), unit);
	ck_assert(!__asan_address_is_poisoned(slot + 8));
}
END_TEST

static void
add_asan_tests(TCase *tc)
{
	tcase_add_test(tc, test_cache_poisons_free_messages);
}
#else
static void
add_asan_tests(TCase *tc)
{
	(void)tc;
}
#endif

/* --- Several threads. --- */

#define USERS    3
#define HELD_MAX 512

struct user {
	tr_cache cache;
	enum tr_arena_kind kind;
	uint64_t random;
	uint32_t number;
	uint32_t held[HELD_MAX];
	uint32_t count;
	uint32_t wrong;
	uint32_t failed;
};

/* In an actor's slot and in a message's: who has it.  Plain: the depot orders it. */
static uint32_t *
owner_in(enum tr_arena_kind kind, uint32_t unit)
{
	return (uint32_t *)(kind == TR_ACTORS ? tr_actor_at(unit) : tr_message_at(unit)) + 1;
}

static void
take_one(struct user *user)
{
	const uint32_t unit = user->kind == TR_ACTORS ? tr_cache_take_actor(&user->cache, 0)
						      : tr_cache_take_message(&user->cache, 0);

	if (unit == 0) {
		user->failed++;
		return;
	}
	user->wrong += *owner_in(user->kind, unit) != 0;
	*owner_in(user->kind, unit) = user->number;
	user->held[user->count++] = unit;
}

static void
give_one(struct user *user)
{
	const uint32_t unit = user->held[--user->count];

	user->wrong += *owner_in(user->kind, unit) != user->number;
	*owner_in(user->kind, unit) = 0;
	if (user->kind == TR_ACTORS)
		tr_cache_give_actor(&user->cache, 0, unit);
	else
		tr_cache_give_message(&user->cache, 0, unit);
}

/* Take and give in strides long enough that batches go through the depot. */
static void *
use_memory(void *argument)
{
	struct user *user = argument;

	for (int stride = 0; stride < TEST_SCALED(400); stride++) {
		const uint32_t aim = test_below(&user->random, HELD_MAX);

		while (user->count < aim && user->failed == 0)
			take_one(user);
		while (user->count > aim)
			give_one(user);
	}
	while (user->count > 0)
		give_one(user);
	tr_cache_fini(&user->cache);
	return NULL;
}

START_TEST(test_cache_gives_each_slot_to_one_thread)
{
	static struct user users[USERS];
	const enum tr_arena_kind kind = _i == 0 ? TR_ACTORS : TR_MESSAGES;
	const uint32_t before = load_top(kind), free_before = tr_depot_count(kind, 0);
	uint64_t random = test_seed("test_cache_gives_each_slot_to_one_thread");

	for (uint32_t i = 0; i < USERS; i++) {
		users[i] = (struct user){ .kind = kind, .random = test_random(&random), .number = i + 1 };
		tr_cache_init(&users[i].cache);
	}
	run_together(USERS, use_memory, users, sizeof *users);
	for (uint32_t i = 0; i < USERS; i++) {
		ck_assert_uint_eq(users[i].wrong, 0);
		ck_assert_uint_eq(users[i].failed, 0);
	}
	ck_assert_uint_eq(tr_depot_count(kind, 0) - free_before, load_top(kind) - before);
}
END_TEST

/* Slots that one thread takes and another gives, as messages do. */
#define PASSED 20000
#define AHEAD  1024

struct pipe {
	tr_cache source, sink;
	uint32_t units[PASSED];
	_Atomic uint32_t sent, received;
	uint32_t wrong;
};

struct pipe_end {
	struct pipe *pipe;
	void (*work)(struct pipe *pipe);
};

static void
be_source(struct pipe *pipe)
{
	for (uint32_t i = 0; i < PASSED; i++) {
		/* Relaxed: what comes back is ordered by the depot or not at all. */
		while (i - atomic_load_explicit(&pipe->received, memory_order_relaxed) >= AHEAD)
			sched_yield();
		pipe->units[i] = tr_cache_take_message(&pipe->source, 0);
		*owner_in(TR_MESSAGES, pipe->units[i]) = i;
		atomic_store_explicit(&pipe->sent, i + 1, memory_order_release);
	}
	tr_cache_fini(&pipe->source);
}

static void
be_sink(struct pipe *pipe)
{
	for (uint32_t i = 0; i < PASSED; i++) {
		while (atomic_load_explicit(&pipe->sent, memory_order_acquire) <= i)
			sched_yield();
		pipe->wrong += *owner_in(TR_MESSAGES, pipe->units[i]) != i;
		tr_cache_give_message(&pipe->sink, 0, pipe->units[i]);
		atomic_store_explicit(&pipe->received, i + 1, memory_order_relaxed);
	}
	tr_cache_fini(&pipe->sink);
}

static void *
be_pipe_end(void *argument)
{
	const struct pipe_end *end = argument;

	end->work(end->pipe);
	return NULL;
}

START_TEST(test_cache_slots_come_round_from_giver_to_taker)
{
	static struct pipe pipe;
	struct pipe_end ends[] = { { &pipe, be_source }, { &pipe, be_sink } };
	const uint32_t before = load_top(TR_MESSAGES);

	tr_cache_init(&pipe.source);
	tr_cache_init(&pipe.sink);
	run_together(2, be_pipe_end, ends, sizeof *ends);

	ck_assert_uint_eq(pipe.wrong, 0);
	ck_assert_uint_lt(load_top(TR_MESSAGES) - before, PASSED / 2);
	ck_assert_uint_eq(tr_depot_count(TR_MESSAGES, 0), load_top(TR_MESSAGES) - before);
}
END_TEST

static TCase *
case_one_thread(void)
{
	TCase *tc = tcase_create("one thread");

	tcase_add_checked_fixture(tc, init_cache, fini_cache);
	tcase_add_test(tc, test_cache_slots_do_not_overlap);
	tcase_add_test(tc, test_cache_keeps_actors_and_messages_apart);
	tcase_add_test(tc, test_cache_hands_out_first_what_was_given_last);
	tcase_add_test(tc, test_cache_leaves_the_content_of_a_slot);
	tcase_add_test(tc, test_cache_says_when_it_lacks_a_small_message);
	tcase_add_test(tc, test_cache_uses_all_of_a_block);
	tcase_add_test(tc, test_cache_keeps_two_batches_of_a_size);
	tcase_add_test(tc, test_cache_gives_the_coldest_batch_to_the_depot_when_it_is_full);
	tcase_add_test(tc, test_cache_takes_from_the_depot_before_it_carves);
	tcase_add_test(tc, test_cache_carves_when_the_depot_is_locked);
	tcase_add_test(tc, test_cache_keeps_what_the_depot_refuses);
	tcase_add_test(tc, test_cache_gives_what_was_refused_with_the_next_batch);
	tcase_add_test(tc, test_cache_fini_gives_everything_back);
	tcase_add_test(tc, test_cache_fini_gives_no_slot_twice);
	tcase_add_test(tc, test_cache_hands_out_nothing_when_the_arena_is_used_up);
	tcase_add_test(tc, test_cache_can_fail_every_take_while_faults_are_armed);
	tcase_add_test(tc, test_cache_loses_nothing_while_faults_are_armed);
	tcase_add_test(tc, test_cache_keeps_slots_again_when_faults_are_disarmed);
	add_asan_tests(tc);
	return tc;
}

static TCase *
case_several_threads(void)
{
	TCase *tc = tcase_create("several threads");

	tcase_add_checked_fixture(tc, init_cache, fini_cache);
	tcase_add_loop_test(tc, test_cache_gives_each_slot_to_one_thread, 0, 2); /* actors, messages */
	tcase_add_test(tc, test_cache_slots_come_round_from_giver_to_taker);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("cache");

	suite_add_tcase(suite, case_one_thread());
	suite_add_tcase(suite, case_several_threads());
	return run_suite(suite);
}
