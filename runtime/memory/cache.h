/* SPDX-License-Identifier: MIT */
#ifndef TR_CACHE_H
#define TR_CACHE_H

#include "runtime/memory/arena.h"
#include "runtime/memory/poison.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * cache -- the free slots that one thread holds: a magazine per kind and size.
 *
 * take and give move a unit number in an array and touch no slot, so the
 * slot given last, still warm, is the one taken next.  An empty magazine is
 * filled from the thread's spill, the depot or a fresh block, in this order;
 * a full one gives half to the depot.  (Magazines and depot: Bonwick and
 * Adams, "Magazines and Vmem", USENIX 2001.)
 *
 * Threads    One owner; no atomics.
 * Ownership  A slot taken is the caller's until it is given, by any thread,
 *            to that thread's own cache.
 * Limits     Per size: two batches, a batch being 64 slots or 16 KiB,
 *            whichever is less, plus what the depot refused (the spill) and
 *            the rest of one carved block.
 *
 * Invariants
 *   INV-CA-1  a slot is in one magazine, spill or depot, or in use.
 */

#define TR_BATCH_SLOTS 64

typedef struct tr_magazine {
	uint32_t count;
	uint32_t capacity; /* two batches; 0 when nothing is to be kept, so that every take can fail */
	uint32_t batch;
	uint32_t spill;    /* slots that the depot refused, linked by their first word; 0 ends */
	uint32_t fresh;    /* the carved units not yet used: fresh .. fresh_end */
	uint32_t fresh_end;
	uint32_t slots[2 * TR_BATCH_SLOTS];
} tr_magazine;

typedef struct tr_cache {
	tr_magazine actors[TR_ACTOR_SIZES];
	tr_magazine messages[TR_MESSAGE_CLASSES];
} tr_cache;

/* An empty cache.  Cannot fail: it obtains memory when slots are taken. */
void tr_cache_init(tr_cache *cache);

/* Give every slot to the depots.  Waits for a depot's lock if it must. */
void tr_cache_fini(tr_cache *cache);

/* From now on keep nothing, so that every take can fail. */
void tr_cache_keep_nothing(tr_cache *cache);

/* The same while faults are armed; else keep as usual. */
void tr_cache_follow_faults(tr_cache *cache);

uint32_t tr_cache_take_slow(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class);
void tr_cache_give_slow(tr_magazine *magazine, enum tr_arena_kind kind, unsigned size_class, uint32_t unit);

/* A slot of the size class, or 0: out of memory.  Its content is that of its last use, or zero. */
TR_INLINE uint32_t
tr_cache_take_message(tr_cache *cache, unsigned size_class)
{
	tr_magazine *magazine = &cache->messages[size_class];
	uint32_t unit = TR_LIKELY(magazine->count > 0)
	                    ? magazine->slots[--magazine->count]
	                    : tr_cache_take_slow(magazine, TR_MESSAGES, size_class);

	if (unit != 0)
		tr_unpoison(tr_message_at(unit), TR_UNIT << tr_slot_shift(size_class));
	return unit;
}

/* Whether the next take of a smallest message slot would take long. */
TR_INLINE bool
tr_cache_lacks_message(const tr_cache *cache)
{
	return cache->messages[0].count == 0;
}

TR_INLINE void
tr_cache_give_message(tr_cache *cache, unsigned size_class, uint32_t unit)
{
	tr_magazine *magazine = &cache->messages[size_class];

	/* All but the first word, where a spilled slot is linked; and cells stay readable. */
	if (size_class < TR_MESSAGE_SIZES)
		tr_poison((char *)tr_message_at(unit) + sizeof(uint32_t),
		    (TR_UNIT << size_class) - sizeof(uint32_t));
	if (TR_LIKELY(magazine->count < magazine->capacity))
		magazine->slots[magazine->count++] = unit;
	else
		tr_cache_give_slow(magazine, TR_MESSAGES, size_class, unit);
}

/* The same for actors; their memory is never poisoned, since stale handles are looked up in it. */
TR_INLINE uint32_t
tr_cache_take_actor(tr_cache *cache, unsigned size_class)
{
	tr_magazine *magazine = &cache->actors[size_class];

	if (TR_LIKELY(magazine->count > 0))
		return magazine->slots[--magazine->count];
	return tr_cache_take_slow(magazine, TR_ACTORS, size_class);
}

/* Whether the next take of a smallest actor slot would take long. */
TR_INLINE bool
tr_cache_lacks_actor(const tr_cache *cache)
{
	return cache->actors[0].count == 0;
}

TR_INLINE void
tr_cache_give_actor(tr_cache *cache, unsigned size_class, uint32_t unit)
{
	tr_magazine *magazine = &cache->actors[size_class];

	if (TR_LIKELY(magazine->count < magazine->capacity))
		magazine->slots[magazine->count++] = unit;
	else
		tr_cache_give_slow(magazine, TR_ACTORS, size_class, unit);
}

#endif /* TR_CACHE_H */
