/* SPDX-License-Identifier: MIT */
#include "runtime/actor/delivery.h"

#include "runtime/actor/ask.h"
#include "runtime/actor/monitor.h"
#include "runtime/actor/post.h"
#include "runtime/actor/request.h"
#include "runtime/actor/supervise.h"
#include "runtime/actor/timer.h"

static troupe_msg *
open_cell(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell)
{
	switch (cell->msg.type) {
	case TR_TYPE_ASK:
	case TR_TYPE_AWAIT:
		tr_ask_take_due(context, t, actor, (tr_ask *)cell);
		return NULL;
	case TR_TYPE_BACKOFF:
		tr_supervise_backoff_over(context, t, actor, cell);
		return NULL;
	default:
		return tr_timer_open(context, t, actor, cell);
	}
}

/* What it brings is accepted when it is handled: until then it could be revoked.  NULL: it was, or it is none. */
static troupe_msg *
open_own(tr_context *context, troupe_actor *actor, troupe_msg *msg)
{
	if (msg->flag_bits & TR_MSG_CELL)
		msg = open_cell(context, context->current_runtime, actor, (tr_cell *)msg);
	else
		msg = tr_monitor_open(context, actor, msg);
	if (msg != NULL)
		tr_count(&context->tally->accepted, 1);
	return msg;
}

bool
tr_deliver_unusual(tr_context *context, troupe_actor *actor, troupe_receive *receive, void *state, troupe_msg *msg)
{
	context->msg = NULL;
	if (!tr_post_is_counted(msg) && (msg = open_own(context, actor, msg)) == NULL)
		return false;
	if (msg->flag_bits & TR_MSG_REPLY)
		return tr_ask_take_reply(context, context->current_runtime, actor, msg);
	context->msg = msg;
	/* CX-none: for reports as it comes. */
	atomic_store_explicit(&context->running_type, msg->type, memory_order_relaxed);
	receive(actor, state, msg);
	if (context->msg != NULL)
		tr_request_release(context, msg,
		    &(tr_request_end){ .status = TROUPE_UNANSWERED, .target = tr_context_self(context) });
	return true;
}
