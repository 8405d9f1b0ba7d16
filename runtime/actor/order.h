/* SPDX-License-Identifier: MIT */
#ifndef TR_ORDER_H
#define TR_ORDER_H

#include "runtime/actor/actor.h"

/*
 * order -- what a supervisor tells a child to do, and the child's answer: the
 * same message, back.
 *
 * Threads    Its owner's: see supervise.h.
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

/* The end of an order wherever it is, with what it carries. */
void tr_order_give(tr_context *context, uint32_t unit);

#endif /* TR_ORDER_H */
