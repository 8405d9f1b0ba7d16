/* SPDX-License-Identifier: MIT */
#include "tests/support.h"

#include "runtime/memory/depot.h"
#include "runtime/platform/platform.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t
test_seed(const char *test)
{
	const char *given = getenv("TROUPE_SEED");
	const uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)tr_clock_now();

	printf("%s: TROUPE_SEED=%" PRIu64 "\n", test, seed);
	(void)fflush(stdout);
	return seed;
}

uint64_t
test_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t
test_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)((test_random(state) >> 32) * limit >> 32);
}

struct starter {
	void *(*work)(void *);
	void *argument;
	_Atomic unsigned *arrived;
	unsigned count;
};

static void *
start_together(void *argument)
{
	const struct starter *starter = argument;

	atomic_fetch_add_explicit(starter->arrived, 1, memory_order_relaxed);
	while (atomic_load_explicit(starter->arrived, memory_order_relaxed) < starter->count)
		sched_yield();
	return starter->work(starter->argument);
}

void
run_together(unsigned count, void *(*work)(void *), void *arguments, size_t size)
{
	struct starter starters[TEST_THREADS_MAX];
	pthread_t threads[TEST_THREADS_MAX];
	_Atomic unsigned arrived = 0;

	ck_assert_uint_le(count, TEST_THREADS_MAX);
	for (unsigned i = 0; i < count; i++) {
		starters[i] = (struct starter){ work, (char *)arguments + i * size, &arrived, count };
		ck_assert_int_eq(tr_thread_start(&threads[i], "test", start_together, &starters[i]), 0);
	}
	for (unsigned i = 0; i < count; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

void
init_memory(void)
{
	ck_assert(tr_arena_init());
	ck_assert(tr_depot_init());
}
