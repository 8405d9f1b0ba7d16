/* SPDX-License-Identifier: MIT */
#include "tests/rounds.h"

#include "runtime/platform/platform.h"
#include "tests/support.h"

#define ROUNDS TEST_SCALED(16000)

struct side {
	const rounds_pair *pair;
	_Atomic uint64_t *arrived;
	bool is_sleeper;
	uint64_t random;
};

/* Wait for the other; awake for some time, so that both go on at once. */
static void
meet(_Atomic uint64_t *arrived, uint64_t times)
{
	atomic_fetch_add_explicit(arrived, 1, memory_order_relaxed);
	for (unsigned i = 1; atomic_load_explicit(arrived, memory_order_relaxed) < 2 * times; i++)
		if (i % 1024 == 0)
			sched_yield();
}

static void
dawdle(uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++)
		tr_spin_hint();
}

static void *
do_rounds(void *argument)
{
	struct side *side = argument;
	const rounds_pair *pair = side->pair;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		if (side->is_sleeper && pair->prepare != NULL)
			pair->prepare();
		meet(side->arrived, 2 * round + 1);
		dawdle(test_below(&side->random, 8));
		if (side->is_sleeper)
			pair->rest();
		else
			pair->wake();
		meet(side->arrived, 2 * round + 2);
	}
	return NULL;
}

void
run_rounds(const rounds_pair *pair, const char *test)
{
	uint64_t random = test_seed(test);
	_Atomic uint64_t arrived = 0;
	struct side sides[] = {
		{ .pair = pair, .arrived = &arrived, .is_sleeper = true, .random = test_random(&random) },
		{ .pair = pair, .arrived = &arrived, .random = test_random(&random) },
	};

	run_together(2, do_rounds, sides, sizeof *sides);
}
