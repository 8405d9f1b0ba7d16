/* SPDX-License-Identifier: MIT */
#include "runtime/memory/census.h"

#include "runtime/memory/depot.h"

/* Slots that wait in the magazine's spill, linked as cache.c links them: by the third word of an actor's slot. */
static uint64_t
spilled_slots(const tr_magazine *magazine, enum tr_arena_kind kind)
{
	uint64_t count = 0;

	for (uint32_t unit = magazine->spill; unit != 0; count++)
		unit = kind == TR_ACTORS ? ((const uint32_t *)tr_actor_at(unit))[2]
					 : *(const uint32_t *)tr_message_at(unit);
	return count;
}

/* Free units of one size. */
static uint64_t
free_units(const tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class)
{
	uint64_t slots = (uint64_t)magazine->count + spilled_slots(magazine, kind) +
			 tr_depot_count(kind, size_class);

	return (slots << tr_slot_shift(size_class)) + (magazine->fresh_end - magazine->fresh);
}

uint64_t
tr_census_units(const tr_cache *cache)
{
	uint64_t units = 0;

	for (unsigned kind = 0; kind < TR_ARENAS; kind++)
		/* AR-none: nobody else carves. */
		units += atomic_load_explicit(&tr_arenas[kind].top, memory_order_relaxed);
	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		units -= free_units(&cache->actors[i], TR_ACTORS, i);
	for (unsigned i = 0; i < TR_MESSAGE_CLASSES; i++)
		units -= free_units(&cache->messages[i], TR_MESSAGES, i);
	return units;
}
