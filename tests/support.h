/* SPDX-License-Identifier: MIT */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include "tests/scale.h"
#include "tests/suite.h"

#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * support -- what the tests of single modules share.
 *
 * Threads    ck_assert is for the main test thread only: it takes a lock, and
 *            the order that this makes hides races.  Other threads record in
 *            plain variables, and what they wait with is relaxed, so that no
 *            order is there but the tested code's own.
 */

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define TEST_SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED 0
#endif

/* A count that costs much time: less of it where each costs ten times as much, or where it is asked for. */
#define TEST_SCALED(n) (((TEST_SANITIZED ? (n) / 8 : (n)) / test_scale + (test_scale > 1)) & INT_MAX)

/* The variable TROUPE_SEED if it is set, else one that differs from run to run; printed with the test's name. */
uint64_t test_seed(const char *test);
/* SplitMix64. */
uint64_t test_random(uint64_t *state);
/* From 0 to limit - 1. */
uint32_t test_below(uint64_t *state, uint32_t limit);

#define TEST_THREADS_MAX 8

/*
 * Run work in `count` threads that begin together, each with one of the
 * arguments, `size` bytes apart.  Returns when all have ended.
 */
void run_together(unsigned count, void *(*work)(void *), void *arguments, size_t size);

/* Reserve the arenas and depots, as opening a runtime does. */
void init_memory(void);

/* Wait for another thread, without ordering anything. */
static inline bool
flag_is_up(_Atomic bool *flag)
{
	return atomic_load_explicit(flag, memory_order_relaxed);
}

static inline void
raise_flag(_Atomic bool *flag)
{
	atomic_store_explicit(flag, true, memory_order_relaxed);
}

static inline void
await_flag(_Atomic bool *flag)
{
	while (!flag_is_up(flag))
		sched_yield();
}

#endif /* TEST_SUPPORT_H */
