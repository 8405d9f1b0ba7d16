/* SPDX-License-Identifier: MIT */
#ifndef TR_CELLS_H
#define TR_CELLS_H

#include "runtime/actor/actor.h"
#include "runtime/engine/cell.h"

/*
 * cells -- what an actor has under way, in one list: timers, asks, what it
 * monitors, its registered names.
 *
 * Threads    The thread that runs the actor, with its context.
 * Ownership  A cell is its actor's from take to give.  One that has ended
 *            while it was due, on its way from the event thread, is the
 *            mailbox's: marked as ended, and given back by whoever gets it.
 */

/* In cell->period of a cell that has ended on its way. */
#define TR_CELL_ENDED INT64_MIN

/* A cell in the actor's list.  type: the program's for a timer, else TR_TYPE_.  NULL: out of memory. */
TR_MUST_USE tr_cell *tr_cells_take(tr_context *context, troupe_actor *actor, unsigned size_class, uint32_t type);

/* Arm a cell that was just taken, by its deadline.  false: no memory, and the cell is gone. */
TR_MUST_USE bool tr_cells_arm_or_remove(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell);

/* Into the list as the newest, and out of it. */
void tr_cells_link(tr_extra *extra, tr_cell *cell);
void tr_cells_delist(tr_extra *extra, tr_cell *cell);

/* Out of the list, and its tokens are stale: the first half of its end. */
void tr_cells_unlink(troupe_actor *actor, tr_cell *cell);

/* The second half, for a cell that is nowhere else. */
void tr_cells_give(tr_context *context, tr_cell *cell);

/* Both, for a cell that is not armed and not on its way. */
void tr_cells_remove(tr_context *context, troupe_actor *actor, tr_cell *cell);

/*
 * Unlink a cell that may be armed, and give it back, or leave it to whoever
 * gets it when it is on its way.  Only the cell: what it refers to is the
 * caller's to end before.
 */
void tr_cells_end(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell);

/* A cell that came from a mailbox of an actor that has gone, or was never delivered. */
void tr_cells_drop(tr_context *context, tr_cell *cell);

/* The message that a timer carries; NULL when it has none. */
TR_INLINE troupe_msg *
tr_cell_payload(const tr_cell *cell)
{
	return (troupe_msg *)(uintptr_t)cell->msg.body;
}

#endif /* TR_CELLS_H */
