/* SPDX-License-Identifier: MIT */
#include "runtime/memory/arena.h"

#include "runtime/memory/fault.h"
#include "runtime/platform/platform.h"

#include <pthread.h>

tr_arena tr_arenas[TR_ARENAS];

static pthread_mutex_t init_lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * What to ask for first, and the least that is worth having.  Message units
 * end at 2^31 because the mailbox word keeps one bit beside the unit.
 */
static const size_t most_units[TR_ARENAS] = {
	[TR_ACTORS] = (size_t)1 << 32,
	[TR_MESSAGES] = (size_t)1 << 31,
};
#define LEAST_UNITS ((size_t)TR_BLOCK_UNITS * 16)

/*
 * Under a limit on address space the stacks of the threads and the program's
 * own heap need room too: take a quarter of what would be granted.
 */
static char *
reserve_fair_share(size_t *units)
{
	for (; *units >= LEAST_UNITS; *units /= 2) {
		size_t all = *units * TR_UNIT * 4;
		void *probe = tr_pages_reserve(all);

		if (probe == NULL)
			continue;
		tr_pages_release(probe, all);
		return tr_pages_reserve(*units * TR_UNIT);
	}
	return NULL;
}

static bool
reserve_arena(enum tr_arena_kind kind)
{
	tr_arena *arena = &tr_arenas[kind];
	size_t units = most_units[kind];

	if (arena->base != NULL)
		return true;

	char *base = tr_pages_reserve(units * TR_UNIT);
	if (base == NULL)
		base = reserve_fair_share(&units);
	if (base == NULL)
		return false;

	_Atomic uint8_t *block_size = tr_pages_reserve(units / TR_BLOCK_UNITS);
	if (block_size == NULL) {
		tr_pages_release(base, units * TR_UNIT);
		return false;
	}
	tr_pages_advise_huge(base, units * TR_UNIT);
	arena->block_size = block_size;
	/*
	 * The last block is never carved: of all actors it would make one
	 * more than 32 bits count, and of all messages it has the units that
	 * a mailbox word takes for IDLE and CLOSED.
	 */
	arena->limit = (uint32_t)(units - TR_BLOCK_UNITS);
	/* AR-none: nobody else can carve yet. */
	atomic_store_explicit(&arena->top, TR_BLOCK_UNITS, memory_order_relaxed);
	arena->base = base;
	return true;
}

bool
tr_arena_init(void)
{
	pthread_mutex_lock(&init_lock);
	bool ready = reserve_arena(TR_ACTORS) && reserve_arena(TR_MESSAGES);
	pthread_mutex_unlock(&init_lock);
	return ready;
}

uint32_t
tr_arena_carve(enum tr_arena_kind kind, unsigned size_class, uint32_t *units)
{
	tr_arena *arena = &tr_arenas[kind];
	uint32_t slot = UINT32_C(1) << tr_slot_shift(size_class);
	uint32_t want = slot > TR_BLOCK_UNITS ? slot : TR_BLOCK_UNITS;

	if (tr_fault_is_counted_down())
		return 0;

	/* AR-none: a first guess, validated by the exchange below. */
	uint32_t top = atomic_load_explicit(&arena->top, memory_order_relaxed);
	do {
		if (arena->limit - top < want)
			return 0;
		/* AR-none: the block is ours by the number alone. */
	} while (!atomic_compare_exchange_weak_explicit(&arena->top, &top, top + want, memory_order_relaxed,
	    memory_order_relaxed));

	for (uint32_t block = 0; block < want / TR_BLOCK_UNITS; block++)
		/* AR-none */
		atomic_store_explicit(&arena->block_size[top / TR_BLOCK_UNITS + block], (uint8_t)(size_class + 1),
		    memory_order_relaxed);
	*units = want;
	return top;
}
