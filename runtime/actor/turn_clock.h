/* SPDX-License-Identifier: MIT */
#ifndef TR_TURN_CLOCK_H
#define TR_TURN_CLOCK_H

#include "runtime/actor/context.h"

#include <stdbool.h>

/*
 * turn_clock -- whether a turn has lasted too long.  The clock is read seldom:
 * no turn of fewer messages than TR_LANE_TICKS (see turn.h) reads it.
 *
 * Threads    The thread that runs the turn, with its context.
 */

/* A turn that clears a backlog ends when it has lasted this long, as far as it looks. */
#define TR_TURN_NS     INT64_C(1000000)
/* Looks at the lanes between two looks at the clock, once a turn is long. */
#define TR_CLOCK_LOOKS 32

/* Of the looks at the lanes, the first, second, fourth ... and every TR_CLOCK_LOOKS are also at the clock. */
TR_INLINE bool
tr_turn_is_clock_look(uint32_t looks)
{
	return (looks & (looks - 1)) == 0 || looks % TR_CLOCK_LOOKS == 0;
}

/* The first look of a turn (whose turn_deadline is 0) sets the bound; later ones tell whether it has passed. */
bool tr_turn_is_late(tr_context *context);

#endif /* TR_TURN_CLOCK_H */
