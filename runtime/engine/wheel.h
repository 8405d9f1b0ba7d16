/* SPDX-License-Identifier: MIT */
#ifndef TR_WHEEL_H
#define TR_WHEEL_H

#include "runtime/engine/cell.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * wheel -- cells by deadline: insert, remove and the next one due in constant
 * time.
 *
 * A hierarchy of rings of 64 slots (Varghese and Lauck, "Hashed and
 * Hierarchical Timing Wheels", SOSP 1987), scheme 6: a cell lies on the level
 * of the highest 6-bit digit in which its tick differs from now, so each cell
 * moves down at most once a level, and each level has a bitmap of its slots.
 *
 * Threads    One at a time: the owner holds the lock of the shard.
 * Order      Of ticks; within a tick, of insertion: a slot comes down to the
 *            levels below before anything can be inserted into those.
 *
 * Invariants
 *   INV-WH-1  a cell's size field is its place + 1 while it is in a wheel.
 *   INV-WH-2  no cell lies in a slot that is before now, and none of a higher
 *             level in one that holds now.
 */

#define TR_WHEEL_DIGIT  6
#define TR_WHEEL_SLOTS  (1u << TR_WHEEL_DIGIT)
#define TR_WHEEL_LEVELS 11 /* 66 bits: every tick */

typedef struct tr_wheel {
	uint64_t now;    /* the first tick that has not been taken yet */
	uint32_t count;  /* cells in it */
	unsigned shift;  /* a tick is 1 << shift ns */
	uint32_t levels; /* bitmap of those that hold cells */
	uint64_t occupied[TR_WHEEL_LEVELS];
	uint32_t first[TR_WHEEL_LEVELS][TR_WHEEL_SLOTS]; /* its previous is the slot's last; 0 is none */
} tr_wheel;

/* An empty wheel that begins at time `now_ns`, not negative. */
void tr_wheel_init(tr_wheel *wheel, unsigned shift, int64_t now_ns);

/* A cell that is in no wheel, by its deadline; one in the past is due at once. */
void tr_wheel_insert(tr_wheel *wheel, tr_cell *cell);

TR_INLINE bool
tr_wheel_holds(const tr_cell *cell)
{
	return cell->msg.size != 0;
}

/* A cell that the wheel holds. */
void tr_wheel_remove(tr_wheel *wheel, tr_cell *cell);

/* No cell is due before this time, in ns; INT64_MAX when the wheel is empty. */
int64_t tr_wheel_next(const tr_wheel *wheel);

/*
 * When the first cell is due; INT64_MAX when the wheel is empty.  It looks
 * at all cells of the slots that begin first, which the next take at that time
 * moves down: so each cell is looked at once a level.
 */
int64_t tr_wheel_first_deadline(const tr_wheel *wheel);

/*
 * Take cells that are due at `now_ns`, in order, linked by next_unit; the
 * first one's unit, or 0.  It stops when it has taken `most` or a little
 * more: call it again until it gives 0.
 */
uint32_t tr_wheel_take_due(tr_wheel *wheel, int64_t now_ns, uint32_t most);

#endif /* TR_WHEEL_H */
