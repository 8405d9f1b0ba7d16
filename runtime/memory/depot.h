/* SPDX-License-Identifier: MIT */
#ifndef TR_DEPOT_H
#define TR_DEPOT_H

#include "runtime/memory/arena.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * depot -- the free slots of one kind and size that no thread holds.
 *
 * A stack of unit numbers in reserved memory, exchanged in batches with the
 * threads' caches: one short critical section per batch, and no slot's own
 * memory is touched.
 *
 * Threads    Any.
 * Ownership  give takes the slots, take hands them over.
 * Waiting    The lock is tried for about a microsecond.  A holder that lost
 *            its CPU can hold it for milliseconds: then both calls refuse,
 *            and the caller has a way of its own (carve, or keep the slots).
 * Limits     Room for every slot that the arena can ever hold, so give never
 *            fails for lack of it; pages are touched up to the high-water mark.
 *
 * Ordering edges
 *   DP-A  unlock (release) -> lock (acquire): the stack, and what the giver
 *         last wrote into the slots.
 */

/* Reserve the depots of both arenas, once they are there.  false: refused by the system. */
TR_MUST_USE bool tr_depot_init(void);

/* Up to `most` slots into units[]; returns how many, 0 when there are none or the lock is held. */
TR_MUST_USE uint32_t tr_depot_take(enum tr_arena_kind kind, unsigned size_class, uint32_t *units, uint32_t most);

/* Give `count` slots; false when the lock is held: the caller keeps them. */
TR_MUST_USE bool tr_depot_give(enum tr_arena_kind kind, unsigned size_class, const uint32_t *units, uint32_t count);

/*
 * Put the slots in order of address, lowest to be taken first.  Slots that
 * went through several threads come back in any order, and memory that is
 * used in order is much faster.  Holds the lock for some ns per slot: for
 * when there is nobody to wait for it.  Does nothing when memory for the work
 * is refused.
 */
void tr_depot_sort(enum tr_arena_kind kind, unsigned size_class);

/* Bytes of free messages of one size that trim leaves in memory. */
#define TR_DEPOT_KEEP ((size_t)2 << 20)

/*
 * Give the memory of free messages back to the system, if there are more than
 * twice TR_DEPOT_KEEP bytes of them beyond what was given back before.  The
 * slots stay, and their pages come back as they are used.  Sorts, so it holds
 * the lock for some ns per slot: for an idle pool.  Returns the bytes given
 * back.  (Actors keep theirs: stale handles are looked up in it.)
 */
size_t tr_depot_trim(unsigned size_class);

/* Slots in the depot: for tests, when nobody else is at work. */
uint32_t tr_depot_count(enum tr_arena_kind kind, unsigned size_class);

#endif /* TR_DEPOT_H */
