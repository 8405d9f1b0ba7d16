/* SPDX-License-Identifier: MIT */
#ifndef TR_FULL_TURN_H
#define TR_FULL_TURN_H

#include "runtime/actor/lanes.h"
#include "runtime/actor/turn.h"

/*
 * full_turn -- a turn with all that can come up in one: lanes, stopping,
 * failing, waiting for a supervisor, what a callback asked for.  The plain
 * turn (turn.c) goes over into it when something does.
 *
 * Threads    The thread that owns the actor, with its context.
 */

typedef struct tr_turn {
	tr_context *context;
	troupe *t;
	troupe_actor *actor;
	troupe_receive *receive;
	void *state;
	uint32_t generation;
	uint32_t handled;
	int32_t pending;     /* messages taken and not handled */
	uint32_t looks;      /* at the lanes and the clock */
	unsigned passed_over; /* turns in a row before this one that ended with upper lanes left */
	bool normal_is_due;  /* one normal message goes before the urgent ones */
	tr_lanes lanes;
} tr_turn;

/* So that this turn can clear what was taken; but a quantum of 1 means one message a turn. */
TR_INLINE void
tr_turn_raise_credit(tr_context *context, int32_t pending)
{
	tr_worker *worker = &context->worker;

	if (worker->quantum > 1 && worker->credit < pending)
		worker->credit = pending;
	if (pending >= TR_FLOOD && worker->pool != NULL)
		tr_governor_flood(&worker->pool->governor);
}

/* A closer does not let a turn go on. */
TR_INLINE bool
tr_turn_must_leave(const tr_context *context)
{
	/* CX-none: seen when it is. */
	return atomic_load_explicit(&context->leave, memory_order_relaxed) != 0;
}

/* The turn of an actor that is not a plain one; `todo` is the first message of it. */
enum tr_turn_end tr_full_turn(tr_context *context, troupe_actor *actor, uint32_t generation, uint32_t todo);

/* Why a plain turn stops being one. */
enum tr_unusual { TR_CALLBACK_ASKED, TR_CLOSER_WAITS, TR_OUT_OF_CREDIT, TR_TIME_TO_LOOK, TR_LANES_CAME };

/*
 * A plain turn goes on, with everything that one has not: what it has done so
 * far is in *turn but for t, receive and state.  `taken` is new when
 * TR_LANES_CAME.
 */
enum tr_turn_end tr_full_turn_resume(tr_turn *turn, enum tr_unusual why, uint32_t taken);

#endif /* TR_FULL_TURN_H */
