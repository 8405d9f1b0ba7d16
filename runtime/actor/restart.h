/* SPDX-License-Identifier: MIT */
#ifndef TR_RESTART_H
#define TR_RESTART_H

#include "runtime/actor/failure.h"
#include "runtime/actor/stop.h"

/*
 * restart -- a supervised child that has failed, and carries out what its
 * supervisor decides: see supervise.h for both sides.
 *
 * Threads    The thread that runs the child, with its context.
 */

typedef enum tr_order_kind {
	TR_ORDER_RESUME, /* go on */
	TR_ORDER_HALT,   /* end this life */
	TR_ORDER_BEGIN,  /* begin another */
	TR_ORDER_STOP    /* stop for having failed; never comes back */
} tr_order_kind;

typedef struct tr_order {
	troupe_msg msg;
	uint32_t charge;      /* the supervisor's record of the child */
	uint32_t report;      /* to the child's; or, in the answer, from a life that could not begin; 0 is none */
	void *argument;       /* of start: a copy, from the heap, which goes with the order; NULL is none */
	tr_order_kind kind;
	bool failed;          /* the answer to BEGIN */
} tr_order;

_Static_assert(sizeof(tr_order) <= TR_UNIT, "an order fits the smallest slot");

TR_INLINE tr_order *
tr_order_at(uint32_t unit)
{
	return tr_message_at(unit);
}

/* The child, whose report is written, waits for its supervisor from now on; false: it has none. */
TR_MUST_USE bool tr_restart_wait(tr_context *context, troupe_actor *child);

/* An order came. */
void tr_restart_take_order(tr_context *context, troupe *t, troupe_actor *child, troupe_msg *order);

/* The last child of a halting one has gone. */
void tr_restart_children_gone(tr_context *context, troupe *t, troupe_actor *child);

/* The end of an order wherever it is, with what it carries. */
void tr_order_give(tr_context *context, uint32_t unit);

#endif /* TR_RESTART_H */
