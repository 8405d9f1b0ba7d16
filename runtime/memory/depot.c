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
	_Atomic uint32_t trimmed; /* slots at the bottom whose pages were given back; like count */
	uint32_t *slots;
} depot;

static depot actor_depots[TR_ACTOR_SIZES];
static depot message_depots[TR_MESSAGE_CLASSES];
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
		d->slots = tr_pages_reserve(((size_t)tr_arenas[kind].limit >> tr_slot_shift(size_class)) * sizeof *d->slots);
	return d->slots != NULL;
}

bool
tr_depot_init(void)
{
	bool ready = true;

	pthread_mutex_lock(&init_lock);
	for (unsigned i = 0; ready && i < TR_ACTOR_SIZES; i++)
		ready = reserve_slots(&actor_depots[i], TR_ACTORS, i);
	for (unsigned i = 0; ready && i < TR_MESSAGE_CLASSES; i++)
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

static uint32_t
load_trimmed(const depot *d)
{
	/* DP-none: under the lock, or a hint. */
	return atomic_load_explicit(&d->trimmed, memory_order_relaxed);
}

static void
store_trimmed(depot *d, uint32_t trimmed)
{
	/* DP-none: under the lock. */
	atomic_store_explicit(&d->trimmed, trimmed, memory_order_relaxed);
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
	if (TR_UNLIKELY(count - taken < load_trimmed(d)))
		store_trimmed(d, count - taken);
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

/* Under the lock.  false: no memory to do it with. */
static bool
sort_slots(depot *d, size_t count)
{
	size_t bytes = count * sizeof *d->slots;
	uint32_t *other = count > 1 ? tr_pages_reserve(bytes) : NULL;

	if (other == NULL)
		return false;
	sort_by_digit(d->slots, other, count, 0);
	sort_by_digit(other, d->slots, count, DIGIT_BITS);
	sort_by_digit(d->slots, other, count, 2 * DIGIT_BITS);
	memcpy(d->slots, other, bytes);
	tr_pages_release(other, bytes);
	return true;
}

void
tr_depot_sort(enum tr_arena_kind kind, unsigned size_class)
{
	depot *d = find_depot(kind, size_class);

	if (!try_lock(d))
		return;
	/* DP-none: under the lock. */
	(void)sort_slots(d, atomic_load_explicit(&d->count, memory_order_relaxed));
	unlock(d);
}

/* Give back the whole pages within the bytes from `from` to `to` of the message arena; returns how many bytes. */
static size_t
discard_pages(size_t from, size_t to)
{
	size_t page = tr_page_size();
	size_t first = (from + page - 1) / page * page;
	size_t last = to / page * page;

	if (first >= last)
		return 0;
	tr_pages_discard(tr_arenas[TR_MESSAGES].base + first, last - first);
	return last - first;
}

/* Under the lock, sorted: the slots from the bottom up to `end`, the highest addresses, run by run. */
static size_t
discard_runs(const uint32_t *slots, size_t end, unsigned size_class)
{
	size_t slot_bytes = TR_UNIT << size_class;
	size_t discarded = 0;

	for (size_t i = 0; i < end;) {
		size_t to = slots[i] * TR_UNIT + slot_bytes;
		size_t from = slots[i] * TR_UNIT;

		for (i++; i < end && slots[i] * TR_UNIT + slot_bytes == from; i++)
			from -= slot_bytes;
		discarded += discard_pages(from, to);
	}
	return discarded;
}

size_t
tr_depot_trim(unsigned size_class)
{
	depot *d = &message_depots[size_class];
	size_t keep = TR_DEPOT_KEEP / (TR_UNIT << size_class);
	size_t discarded = 0;

	/* DP-none: hints that save the lock when there is nothing to gain. */
	if (atomic_load_explicit(&d->count, memory_order_relaxed) < load_trimmed(d) + 2 * keep || !try_lock(d))
		return 0;
	/* DP-none: under the lock. */
	size_t count = atomic_load_explicit(&d->count, memory_order_relaxed);

	if (count >= load_trimmed(d) + 2 * keep && sort_slots(d, count)) {
		discarded = discard_runs(d->slots, count - keep, size_class);
		store_trimmed(d, (uint32_t)(count - keep));
	}
	unlock(d);
	return discarded;
}

uint32_t
tr_depot_count(enum tr_arena_kind kind, unsigned size_class)
{
	/* DP-none: for tests, when nobody else is at work. */
	return atomic_load_explicit(&find_depot(kind, size_class)->count, memory_order_relaxed);
}
