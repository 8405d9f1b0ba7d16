/* SPDX-License-Identifier: MIT */
#include "runtime/memory/depot.h"

#include "runtime/platform/platform.h"

#include <pthread.h>
#include <string.h>

/* Tries before giving up: an honest holder needs well under a microsecond. */
#define PATIENCE 256

typedef struct depot {
	_Alignas(TR_CACHE_LINE) _Atomic bool locked;
	_Atomic uint32_t count; /* written under the lock; read before it as a hint */
	uint32_t *slots;
} depot;

static depot actor_depots[TR_ACTOR_SIZES];
static depot message_depots[TR_MESSAGE_SIZES];
static pthread_mutex_t init_lock = PTHREAD_MUTEX_INITIALIZER;

static depot *
find_depot(enum tr_arena_kind kind, unsigned size_class)
{
	return kind == TR_ACTORS ? &actor_depots[size_class] : &message_depots[size_class];
}

static bool
reserve_slots(depot *d, enum tr_arena_kind kind, unsigned size_class)
{
	if (d->slots == NULL)
		d->slots = tr_pages_reserve(((size_t)tr_arenas[kind].limit >> size_class) * sizeof *d->slots);
	return d->slots != NULL;
}

bool
tr_depot_init(void)
{
	bool ready = true;

	pthread_mutex_lock(&init_lock);
	for (unsigned i = 0; ready && i < TR_ACTOR_SIZES; i++)
		ready = reserve_slots(&actor_depots[i], TR_ACTORS, i);
	for (unsigned i = 0; ready && i < TR_MESSAGE_SIZES; i++)
		ready = reserve_slots(&message_depots[i], TR_MESSAGES, i);
	pthread_mutex_unlock(&init_lock);
	return ready;
}

static bool
try_lock(depot *d)
{
	for (int tries = 0; tries < PATIENCE; tries++) {
		/*
		 * DP-none: looked at before the exchange, so that waiting does
		 * not take the line from the holder.
		 * DP-A: acquire, receives the stack from the last holder.
		 */
		if (!atomic_load_explicit(&d->locked, memory_order_relaxed) &&
		    !atomic_exchange_explicit(&d->locked, true, memory_order_acquire))
			return true;
		tr_spin_hint();
	}
	return false;
}

static void
unlock(depot *d)
{
	/* DP-A: release, publishes the stack and the slots given. */
	atomic_store_explicit(&d->locked, false, memory_order_release);
}

uint32_t
tr_depot_take(enum tr_arena_kind kind, unsigned size_class, uint32_t *units, uint32_t most)
{
	depot *d = find_depot(kind, size_class);

	/* DP-none: a hint that saves the lock of an empty depot. */
	if (atomic_load_explicit(&d->count, memory_order_relaxed) == 0 || !try_lock(d))
		return 0;
	/* DP-none: under the lock. */
	uint32_t count = atomic_load_explicit(&d->count, memory_order_relaxed);
	uint32_t taken = count < most ? count : most;

	memcpy(units, d->slots + (count - taken), taken * sizeof *units);
	/* DP-none: under the lock. */
	atomic_store_explicit(&d->count, count - taken, memory_order_relaxed);
	unlock(d);
	return taken;
}

bool
tr_depot_give(enum tr_arena_kind kind, unsigned size_class, const uint32_t *units, uint32_t count)
{
	depot *d = find_depot(kind, size_class);

	if (!try_lock(d))
		return false;
	/* DP-none: under the lock. */
	uint32_t held = atomic_load_explicit(&d->count, memory_order_relaxed);

	memcpy(d->slots + held, units, count * sizeof *units);
	/* DP-none: under the lock. */
	atomic_store_explicit(&d->count, held + count, memory_order_relaxed);
	unlock(d);
	return true;
}

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)

static unsigned
digit_of(uint32_t unit, unsigned shift)
{
	return ~unit >> shift & (DIGITS - 1); /* inverted: the highest comes first, the top of the stack last */
}

/* One pass of a radix sort: stable, by one digit. */
static void
sort_by_digit(const uint32_t *from, uint32_t *to, size_t count, unsigned shift)
{
	uint32_t start[DIGITS] = { 0 };
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++)
		start[digit_of(from[i], shift)]++;
	for (unsigned digit = 0; digit < DIGITS; digit++) {
		uint32_t here = start[digit];

		start[digit] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		to[start[digit_of(from[i], shift)]++] = from[i];
}

void
tr_depot_sort(enum tr_arena_kind kind, unsigned size_class)
{
	depot *d = find_depot(kind, size_class);

	if (!try_lock(d))
		return;
	/* DP-none: under the lock. */
	size_t count = atomic_load_explicit(&d->count, memory_order_relaxed);
	size_t bytes = count * sizeof *d->slots;
	uint32_t *other = count > 1 ? tr_pages_reserve(bytes) : NULL;

	if (other != NULL) {
		sort_by_digit(d->slots, other, count, 0);
		sort_by_digit(other, d->slots, count, DIGIT_BITS);
		sort_by_digit(d->slots, other, count, 2 * DIGIT_BITS);
		memcpy(d->slots, other, bytes);
		tr_pages_release(other, bytes);
	}
	unlock(d);
}

uint32_t
tr_depot_count(enum tr_arena_kind kind, unsigned size_class)
{
	/* DP-none: for tests, when nobody else is at work. */
	return atomic_load_explicit(&find_depot(kind, size_class)->count, memory_order_relaxed);
}
