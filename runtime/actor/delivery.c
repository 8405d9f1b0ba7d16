/* SPDX-License-Identifier: MIT */
#include "runtime/actor/delivery.h"

#include "runtime/actor/ask.h"
#include "runtime/actor/monitor.h"
#include "runtime/actor/request.h"
#include "runtime/actor/supervise.h"
#include "runtime/actor/timer.h"

/* What came was none of the behavior's. */
static troupe_msg *
take_back_count(tr_context *context)
{
	tr_count(&context->tally->handled, -UINT64_C(1));
	return NULL;
}

static troupe_msg *
open_tick(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell)
{
	troupe_msg *msg = tr_timer_open(context, t, actor, cell);

	if (msg == NULL)
		return take_back_count(context);
	/* A tick is accepted when it is handled: until then it could be cancelled. */
	tr_count(&context->tally->accepted, 1);
	return msg;
}

static troupe_msg *
open_cell(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell)
{
	switch (cell->msg.type) {
	case TR_TYPE_ASK:
	case TR_TYPE_AWAIT:
		tr_ask_take_due(context, t, actor, (tr_ask *)cell);
		return take_back_count(context);
	case TR_TYPE_BACKOFF:
		tr_supervise_backoff_over(context, t, actor, cell);
		return take_back_count(context);
	default:
		return open_tick(context, t, actor, cell);
	}
}

static troupe_msg *
open_notice(tr_context *context, troupe_actor *actor, troupe_msg *msg)
{
	msg = tr_monitor_open(context, actor, msg);
	if (msg == NULL)
		return take_back_count(context);
	tr_count(&context->tally->accepted, 1);
	return msg;
}

/* The message for the behavior; NULL when there is none. */
static troupe_msg *
open_special(tr_context *context, troupe_actor *actor, troupe_msg *msg)
{
	troupe *t = context->current_runtime;

	if (msg->flag_bits & TR_MSG_CELL)
		return open_cell(context, t, actor, (tr_cell *)msg);
	if (msg->type == TROUPE_DOWN && !(msg->flag_bits & TR_MSG_ERROR))
		return open_notice(context, actor, msg);
	return tr_ask_take_reply(context, t, actor, msg) ? NULL : take_back_count(context);
}

void
tr_deliver_unusual(tr_context *context, troupe_actor *actor, troupe_receive *receive, void *state, troupe_msg *msg)
{
	context->msg = NULL;
	if (msg->flag_bits & TR_MSG_SPECIAL && (msg = open_special(context, actor, msg)) == NULL)
		return;
	context->msg = msg;
	/* CX-none: for reports as it comes. */
	atomic_store_explicit(&context->running_type, msg->type, memory_order_relaxed);
	receive(actor, state, msg);
	if (context->msg != NULL)
		tr_request_release(context, msg,
		    &(tr_request_end){ .status = TROUPE_UNANSWERED, .target = tr_context_self(context) });
}
