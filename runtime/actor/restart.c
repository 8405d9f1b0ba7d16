/* SPDX-License-Identifier: MIT */
#include "runtime/actor/restart.h"

#include "runtime/actor/behavior.h"
#include "runtime/actor/ending.h"
#include "runtime/actor/failure.h"
#include "runtime/actor/lanes.h"
#include "runtime/actor/order.h"
#include "runtime/actor/post.h"
#include "runtime/actor/report.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/stash.h"
#include "runtime/actor/stop.h"

#include <stdio.h>

/* --- Waiting. --- */

bool
tr_restart_wait(tr_context *context, troupe_actor *child)
{
	tr_extra *extra = tr_actor_extra(child);

	if (extra == NULL || extra->report == 0 || extra->parent == 0)
		return false;
	tr_report *report = tr_report_at(extra->report);

	/* An unsupervised child's report names no charge. */
	if (report->charge == 0)
		return false;
	report->msg.sender = tr_context_self(context);
	if (tr_post(context, extra->parent, &report->msg) != TROUPE_OK)
		return false;
	extra->report = 0;
	child->flags |= TR_ACTOR_WAITING;
	tr_actor_set_phase(child, TR_PHASE_FAILED);
	return true;
}

/* The order goes back to where it came from; without a supervisor the child is about to be stopped. */
static void
send_back(tr_context *context, const tr_extra *extra, tr_order *order)
{
	order->msg.type = TR_TYPE_ORDER_DONE;
	order->msg.sender = tr_context_self(context);
	if (tr_post(context, extra->parent, &order->msg) != TROUPE_OK)
		tr_order_give(context, tr_message_unit(&order->msg));
}

static void
take_report(tr_context *context, tr_extra *extra, tr_order *order)
{
	if (order->report == 0)
		return;
	/* One that was written meanwhile, while the child came to its end, names no charge. */
	tr_report_give(context, extra->report);
	extra->report = order->report;
	order->report = 0;
}

static void
go_on(troupe_actor *child)
{
	child->flags &= (uint16_t)~TR_ACTOR_WAITING;
	tr_actor_set_phase(child, TR_PHASE_NONE);
}

/* --- The end of a life. --- */

static void
end_life(tr_context *context, troupe *t, troupe_actor *child)
{
	tr_extra *extra = tr_actor_extra(child);
	const troupe_class *class_ = tr_actor_class(child);

	tr_ending_run_for_restart(context, t, child);
	tr_context_empty_hand(context);
	if (class_->stop != NULL)
		class_->stop(child, tr_actor_state(child), TROUPE_REASON_RESTART);
	tr_ending_settle(context, t, child);
	tr_behavior_reset(context, extra);
	/* The stash goes before what came in meanwhile. */
	tr_chain_prepend(&extra->held, tr_stash_take_all(extra));
}

void
tr_restart_children_gone(tr_context *context, troupe *t, troupe_actor *child)
{
	tr_extra *extra = tr_actor_extra(child);
	tr_order *order = tr_order_at(extra->order);

	extra->order = 0;
	if (tr_actor_phase(child) == TR_PHASE_HALTING)
		end_life(context, t, child);
	tr_actor_set_phase(child, TR_PHASE_HALTED);
	send_back(context, extra, order);
}

static void
halt_life(tr_context *context, troupe *t, troupe_actor *child, tr_order *order)
{
	tr_extra *extra = tr_actor_extra(child);

	tr_stop_settle_news(context, child);
	child->flags |= TR_ACTOR_WAITING;
	tr_actor_set_phase(child, tr_actor_phase(child) < TR_PHASE_HALTING_AGAIN ? TR_PHASE_HALTING : TR_PHASE_HALTING_AGAIN);
	extra->order = tr_message_unit(&order->msg);
	if (!tr_stop_children(context, child))
		tr_restart_children_gone(context, t, child);
}

/* --- The beginning of one. --- */

static void
write_refusal(tr_context *context, troupe *t, troupe_actor *child, int refusal)
{
	char text[64];

	snprintf(text, sizeof text, "start refused with %d", refusal);
	if (!(context->after & TR_AFTER_FAIL))
		tr_failure_declare(context, refusal, text);
	tr_failure_settle(context, t, child);
}

/* Whether start went well; if not, the report says why. */
static bool
call_start(tr_context *context, troupe *t, troupe_actor *child, const void *argument)
{
	const troupe_class *class_ = tr_actor_class(child);
	int refusal = 0;

	tr_context_empty_hand(context);
	/* What it begins is not refused. */
	child->flags &= (uint16_t)~TR_ACTOR_WAITING;
	if (class_->start != NULL)
		refusal = class_->start(child, tr_actor_state(child), argument);
	if (refusal == 0 && !(context->after & TR_AFTER_FAIL))
		return true;
	child->flags |= TR_ACTOR_WAITING;
	write_refusal(context, t, child, refusal);
	context->after = 0;
	tr_ending_run_for_restart(context, t, child);
	tr_behavior_reset(context, tr_actor_extra(child));
	return false;
}

static void
begin_life(tr_context *context, troupe *t, troupe_actor *child, tr_order *order)
{
	tr_extra *extra = tr_actor_extra(child);

	memset(tr_actor_state(child), 0, tr_actor_class(child)->state_size);
	if (call_start(context, t, child, order->argument)) {
		go_on(child);
		tr_count(&context->visits[t->number].tally.restarted, 1);
	} else {
		order->failed = true;
		order->report = extra->report;
		extra->report = 0;
	}
	send_back(context, extra, order);
}

/* --- Orders. --- */

void
tr_restart_take_order(tr_context *context, troupe *t, troupe_actor *child, troupe_msg *msg)
{
	tr_order *order = (tr_order *)msg;
	tr_extra *extra = tr_actor_extra(child);

	take_report(context, extra, order);
	order->failed = false;
	switch (order->kind) {
	case TR_ORDER_RESUME:
		go_on(child);
		send_back(context, extra, order);
		break;
	case TR_ORDER_HALT:
		halt_life(context, t, child, order);
		break;
	case TR_ORDER_BEGIN:
		begin_life(context, t, child, order);
		break;
	case TR_ORDER_STOP:
		tr_order_give(context, tr_message_unit(msg));
		tr_actor_set_reason(child, TROUPE_REASON_FAILED);
		context->after |= TR_AFTER_STOP_NOW;
		break;
	}
}
