/* SPDX-License-Identifier: MIT */
#include "runtime/memory/cache.h"

#include "runtime/memory/depot.h"
#include "runtime/memory/fault.h"

#include <sched.h>

#define BATCH_BYTES ((size_t)16 * 1024)

static uint32_t *
slot_link(enum tr_arena_kind kind, uint32_t unit)
{
	/*
	 * An actor's first word is the low half of its mailbox word, which
	 * stale senders read: link it by the second unit-sized field instead.
	 * The third word of both is private to whoever owns the slot.
	 */
	return kind == TR_ACTORS ? (uint32_t *)tr_actor_at(unit) + 2 : (uint32_t *)tr_message_at(unit);
}

static void
init_magazine(tr_magazine *magazine, unsigned size_class)
{
	size_t fit = BATCH_BYTES / (TR_UNIT << tr_slot_shift(size_class));
	uint32_t batch = fit > TR_BATCH_SLOTS ? TR_BATCH_SLOTS : fit < 1 ? 1 : (uint32_t)fit;

	*magazine = (tr_magazine){ .batch = batch, .capacity = 2 * batch };
}

void
tr_cache_init(tr_cache *cache)
{
	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		init_magazine(&cache->actors[i], i);
	for (unsigned i = 0; i < TR_MESSAGE_CLASSES; i++)
		init_magazine(&cache->messages[i], i);
}

static void
spill_one(tr_magazine *magazine, enum tr_arena_kind kind, uint32_t unit)
{
	*slot_link(kind, unit) = magazine->spill;
	magazine->spill = unit;
}

static uint32_t
take_spilled(tr_magazine *magazine, enum tr_arena_kind kind)
{
	uint32_t unit = magazine->spill;

	if (unit != 0)
		magazine->spill = *slot_link(kind, unit);
	return unit;
}

/* The next unused slot of the carved block; carves when there is none. */
static uint32_t
take_fresh(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class)
{
	if (magazine->fresh == magazine->fresh_end) {
		uint32_t units;
		uint32_t first = tr_arena_carve(kind, size_class, &units);

		if (first == 0)
			return 0;
		magazine->fresh = first;
		magazine->fresh_end = first + units;
	}
	uint32_t unit = magazine->fresh;
	magazine->fresh += UINT32_C(1) << tr_slot_shift(size_class);
	return unit;
}

/* A batch of what is left of the carved block, so that the next takes are short; the lowest is taken first. */
static void
fill_from_block(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class)
{
	uint32_t left = (magazine->fresh_end - magazine->fresh) >> tr_slot_shift(size_class);

	magazine->count = left < magazine->batch ? left : magazine->batch;
	for (uint32_t i = magazine->count; i > 0; i--)
		magazine->slots[i - 1] = take_fresh(magazine, kind, size_class);
}

uint32_t
tr_cache_take_slow(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class)
{
	if (TR_UNLIKELY(tr_fault_due()))
		return 0;
	uint32_t unit = take_spilled(magazine, kind);
	if (unit != 0)
		return unit;
	if (magazine->capacity == 0) {
		if (tr_depot_take(kind, size_class, &unit, 1) == 1)
			return unit;
	} else {
		magazine->count = tr_depot_take(kind, size_class, magazine->slots, magazine->batch);
		if (magazine->count > 0)
			return magazine->slots[--magazine->count];
	}
	unit = take_fresh(magazine, kind, size_class);
	if (unit != 0 && magazine->capacity != 0)
		fill_from_block(magazine, kind, size_class);
	return unit;
}

/* Move `count` slots from the end of the magazine to the depot, or to the spill if it refuses. */
static bool
give_batch(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class, uint32_t count)
{
	const uint32_t *first = magazine->slots + (magazine->count - count);
	bool given = tr_depot_give(kind, size_class, first, count);

	if (!given)
		for (uint32_t i = 0; i < count; i++)
			spill_one(magazine, kind, first[i]);
	magazine->count -= count;
	return given;
}

static void
give_spill(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class)
{
	while (magazine->spill != 0) {
		uint32_t at = magazine->count, unit;

		while (magazine->count - at < magazine->batch && (unit = take_spilled(magazine, kind)) != 0)
			magazine->slots[magazine->count++] = unit;
		if (!give_batch(magazine, kind, size_class, magazine->count - at))
			return;
	}
}

void
tr_cache_give_slow(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class, uint32_t unit)
{
	if (magazine->capacity == 0) {
		spill_one(magazine, kind, unit);
		return;
	}
	/*
	 * The older half goes: the slots given last are still in this core's
	 * cache and are the ones to take next.
	 */
	uint32_t batch = magazine->batch;
	bool given = tr_depot_give(kind, size_class, magazine->slots, batch);

	if (!given)
		for (uint32_t i = 0; i < batch; i++)
			spill_one(magazine, kind, magazine->slots[i]);
	magazine->count -= batch;
	for (uint32_t i = 0; i < magazine->count; i++)
		magazine->slots[i] = magazine->slots[i + batch];
	if (given && TR_UNLIKELY(magazine->spill != 0))
		give_spill(magazine, kind, size_class);
	magazine->slots[magazine->count++] = unit;
}

static void
empty_magazine(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class)
{
	while (magazine->count > 0)
		if (!give_batch(magazine, kind, size_class,
		        magazine->count < magazine->batch ? magazine->count : magazine->batch))
			sched_yield();
	/* The slots of a carved block that were never used are given like used ones. */
	while (magazine->fresh != magazine->fresh_end) {
		magazine->slots[magazine->count++] = take_fresh(magazine, kind, size_class);
		if (magazine->count == 2 * magazine->batch || magazine->fresh == magazine->fresh_end)
			give_batch(magazine, kind, size_class, magazine->count);
	}
	while (give_spill(magazine, kind, size_class), magazine->spill != 0)
		sched_yield();
}

void
tr_cache_fini(tr_cache *cache)
{
	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		empty_magazine(&cache->actors[i], TR_ACTORS, i);
	for (unsigned i = 0; i < TR_MESSAGE_CLASSES; i++)
		empty_magazine(&cache->messages[i], TR_MESSAGES, i);
}

static void
keep(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class, bool nothing)
{
	if (nothing && magazine->capacity != 0)
		empty_magazine(magazine, kind, size_class);
	magazine->capacity = nothing ? 0 : 2 * magazine->batch;
}

static void
keep_of_all(tr_cache *cache, bool nothing)
{
	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		keep(&cache->actors[i], TR_ACTORS, i, nothing);
	for (unsigned i = 0; i < TR_MESSAGE_CLASSES; i++)
		keep(&cache->messages[i], TR_MESSAGES, i, nothing);
}

void
tr_cache_keep_nothing(tr_cache *cache)
{
	keep_of_all(cache, true);
}

void
tr_cache_follow_faults(tr_cache *cache)
{
	keep_of_all(cache, tr_fault_armed());
}
