/* SPDX-License-Identifier: MIT */
#include "runtime/actor/letter.h"

#include "runtime/actor/cells.h"
#include "runtime/actor/lanes.h"
#include "runtime/actor/monitor.h"
#include "runtime/actor/order.h"
#include "runtime/actor/post.h"
#include "runtime/actor/report.h"
#include "runtime/actor/request.h"
#include "runtime/actor/runtime.h"

void
tr_letter_drop_control(tr_context *context, troupe_msg *msg)
{
	switch (msg->type) {
	case TR_TYPE_CHILD_FAILED:
		tr_report_give(context, tr_message_unit(msg));
		break;
	case TR_TYPE_ORDER:
	case TR_TYPE_ORDER_DONE:
		tr_order_give(context, tr_message_unit(msg));
		break;
	case TR_TYPE_MONITOR:
		tr_monitor_drop(context, msg);
		break;
	default:
		tr_message_discard(&context->cache, msg);
	}
}

/* What the program did not send. */
static void
bury_own(tr_context *context, const troupe_dead_letter *form, troupe_msg *msg)
{
	if (msg->flag_bits & TR_MSG_CELL)
		tr_cells_drop(context, (tr_cell *)msg);
	else if (!(msg->flag_bits & TR_MSG_CONTROL))
		tr_message_release(&context->cache, msg);
	else if (msg->type == TR_TYPE_MONITOR)
		/* The actor is the caller's yet: it tells whom it has to when it finishes. */
		tr_monitor_add(context, tr_ref_slot(form->target), msg);
	else
		tr_letter_drop_control(context, msg);
}

static void
bury_one(tr_context *context, troupe *t, const troupe_dead_letter *form, troupe_msg *msg)
{
	tr_request_end end = { .status = form->reason, .target = form->target };

	if (!tr_post_is_counted(msg)) {
		bury_own(context, form, msg);
		return;
	}
	troupe_dead_letter letter = *form;

	letter.msg = msg;
	tr_count(&context->visits[t->number].tally.dead, 1);
	if (t->options.dead_letter != NULL)
		t->options.dead_letter(t->options.context, &letter);
	tr_request_release(context, msg, &end);
}

void
tr_letter_bury(tr_context *context, troupe *t, const troupe_dead_letter *form, uint32_t oldest)
{
	for (uint32_t unit = oldest, next; unit != 0; unit = next) {
		troupe_msg *msg = tr_message_from(unit);

		next = msg->next_unit;
		bury_one(context, t, form, msg);
	}
}

uint32_t
tr_letter_bury_taken(tr_context *context, troupe *t, const troupe_dead_letter *form, uint32_t newest)
{
	tr_lanes lanes = { 0 };
	uint32_t count = tr_lanes_take_in(&lanes, newest & TR_MAILBOX_NEWEST);

	tr_lanes_mix(&lanes);
	tr_letter_bury(context, t, form, lanes.normal.first);
	return count;
}
