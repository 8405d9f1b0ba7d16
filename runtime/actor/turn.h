/* SPDX-License-Identifier: MIT */
#ifndef TR_TURN_H
#define TR_TURN_H

#include "runtime/actor/actor.h"

/*
 * turn -- an owned actor handles messages until there are none or its credit
 * is used up.
 *
 * A turn begins with a credit: the quantum, or the backlog if that is more.
 * Handling a message costs 1, and so does sending one.  So producers yield
 * early and consumers catch up, without anybody being held back; queues stay
 * short and their messages warm.  Each take of new messages raises the credit
 * to their number, so that a consumer clears what had come before it took.
 * turn_clock.h bounds it in time, and a closer ends it after the callback in hand.
 *
 * Threads    The thread that owns the actor, with its context.
 * Order      Control before urgent before normal.  What comes in on the two
 *            upper lanes is noticed after TR_LANE_TICKS messages at the
 *            latest; after as many of the upper lanes, one normal is handled.
 */

#define TR_LANE_TICKS 32

/* Messages that an actor which waits for its children puts to rest in one turn. */
#define TR_STOPPING_STEPS 256

enum tr_turn_end {
	TR_TURN_IDLE, /* nobody owns the actor any more */
	TR_TURN_MORE, /* the caller still does, and must put it back */
	TR_TURN_GONE, /* the actor has stopped */
	TR_TURN_ON    /* inside a turn: it goes on */
};

enum tr_turn_end tr_turn_run(tr_context *context, uint32_t actor);

/* The same for a worker, which puts the actor back if there is more to do. */
void tr_turn_of_worker(tr_worker *worker, uint32_t actor);

/* One after the other, until the worker's pool stops. */
void tr_turns_of_worker(tr_worker *worker);

#endif /* TR_TURN_H */
