/* SPDX-License-Identifier: MIT */
#ifndef TR_LANES_H
#define TR_LANES_H

#include "runtime/actor/actor.h"

#include <stdbool.h>

/*
 * lanes -- messages that were taken from a mailbox and wait to be handled,
 * sorted by lane.
 *
 * Threads    The thread that owns the actor.
 * Order      Within a lane that of the mailbox: oldest first.
 */

typedef struct tr_lanes {
	tr_chain control, urgent, normal;
} tr_lanes;

/* Take the oldest of a chain that has one. */
TR_INLINE uint32_t
tr_chain_take(tr_chain *from)
{
	uint32_t unit = from->first;

	from->first = tr_message_from(unit)->next_unit;
	if (from->first == 0)
		from->last = 0;
	return unit;
}

TR_INLINE bool
tr_lanes_have_upper(const tr_lanes *lanes)
{
	return (lanes->control.first | lanes->urgent.first) != 0;
}

/* The last of the messages that begin with `unit`, by going along them. */
uint32_t tr_chain_find_last(uint32_t unit);

/* Append a chain, or one message, and put a chain in front. */
void tr_chain_append(tr_chain *to, tr_chain what);
void tr_chain_append_one(tr_chain *to, uint32_t unit);
void tr_chain_prepend(tr_chain *to, tr_chain what);

/* Append messages linked newest first, as a mailbox gives them, each to its lane.  Returns how many. */
uint32_t tr_lanes_take_in(tr_lanes *lanes, uint32_t newest);
/* The same when all are of the normal lane. */
uint32_t tr_lanes_take_in_normal(tr_lanes *lanes, uint32_t newest);

/* Make one chain of all, in normal, to be kept in an actor; and sort it again. */
void tr_lanes_mix(tr_lanes *lanes);
void tr_lanes_sort(tr_lanes *lanes);

#endif /* TR_LANES_H */
