/* SPDX-License-Identifier: MIT */
#ifndef TR_CELL_H
#define TR_CELL_H

#include "runtime/memory/cache.h"

#include <stdatomic.h>
#include <stdint.h>
#include <troupe.h>

/*
 * cell -- what an actor has under way: a timer, an ask, a monitoring, a name.
 * It can be in a wheel, and when its time has come it is the message that
 * says so to its owner, so that firing cannot fail for lack of memory.
 *
 * Threads    The owner actor's, but for the fields that a wheel uses, which
 *            are under the lock of its shard (see deadlines.h), and the
 *            generation.
 * Limits     A token is stale for ever only until its slot has been used
 *            2^32 times since.
 *
 * Invariants
 *   INV-CE-1  nothing but a cell writes into a cell's slot beyond its message
 *             header (see arena.h; a tick may go on as a message), so the
 *             generation of any token's slot can be read at any time.
 *
 * Ordering edges
 *   CE-none  the generation: if it is a token's, the cell is the token's
 *            owner's, who wrote it; if it is not, it does not matter.
 */

typedef struct tr_cell {
	/*
	 * next_unit: link in the wheel, then in a mailbox.  sender: the owner.
	 * size: the place in the wheel while it is there, else 0.  body: what
	 * the module that made the cell keeps there.
	 */
	troupe_msg msg;
	_Atomic uint32_t generation;
	uint32_t previous;     /* in the wheel */
	uint32_t newer, older; /* in the owner's list of cells */
	int64_t deadline;      /* in ns of the scheduler's clock */
	int64_t period;        /* of a timer */
} tr_cell;

_Static_assert(sizeof(tr_cell) == TR_UNIT, "a timer is one unit");

/*
 * Bytes of a large cell for what is more than a timer.  The rest is for one
 * that other threads look at by its token (see call.c), and for nothing else.
 */
#define TR_LARGE_CELL_USE 112

TR_INLINE tr_cell *
tr_cell_at(uint32_t unit)
{
	return tr_message_at(unit);
}

TR_INLINE uint32_t
tr_cell_unit(const tr_cell *cell)
{
	return tr_message_unit(cell);
}

TR_INLINE uint32_t
tr_cell_generation(const tr_cell *cell)
{
	/* CE-none */
	return atomic_load_explicit(&cell->generation, memory_order_relaxed);
}

/* Every token of the cell is stale from now on. */
TR_INLINE void
tr_cell_expire_tokens(tr_cell *cell)
{
	/* CE-none: only the owner changes it. */
	atomic_store_explicit(&cell->generation, tr_cell_generation(cell) + 1, memory_order_relaxed);
}

/*
 * What names a cell outside: its unit and generation, mixed with its owner's
 * handle, so that another actor's token is as good as none.  Owners are near
 * to each other, and so are the generations of a cell: what is mixed in must
 * be far apart for them (multiplicative hash, Knuth).
 */
TR_INLINE uint32_t
tr_cell_mix(troupe_ref owner)
{
	return (uint32_t)(owner * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

TR_INLINE uint64_t
tr_cell_token(const tr_cell *cell, troupe_ref owner)
{
	return (uint64_t)(tr_cell_generation(cell) ^ tr_cell_mix(owner)) << 32 | tr_cell_unit(cell);
}

/* The owner's cell of that token, or NULL. */
TR_INLINE tr_cell *
tr_cell_find(uint64_t token, troupe_ref owner)
{
	uint32_t unit = (uint32_t)token;

	if (unit == 0 || !tr_arena_is_carved(TR_MESSAGES, unit))
		return NULL;
	tr_cell *cell = tr_cell_at(unit);

	return tr_cell_generation(cell) == ((uint32_t)(token >> 32) ^ tr_cell_mix(owner)) ? cell : NULL;
}

#endif /* TR_CELL_H */
