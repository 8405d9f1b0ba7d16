/* SPDX-License-Identifier: MIT */
#include "runtime/actor/stop.h"

#include "runtime/actor/behavior.h"
#include "runtime/actor/children.h"
#include "runtime/actor/ending.h"
#include "runtime/actor/error.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/monitor.h"
#include "runtime/actor/name.h"
#include "runtime/actor/order.h"
#include "runtime/actor/post.h"
#include "runtime/actor/report.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/stash.h"
#include "runtime/memory/fault.h"

#include <inttypes.h>

/* --- Stopping. --- */

void
tr_stop_next_child(tr_context *context, troupe_actor *actor)
{
	tr_extra *extra = tr_actor_extra(actor);

	extra->told = 0;
	while (extra->children != 0) {
		tr_record *record = tr_message_at(extra->children);
		troupe_ref child = record->child;

		tr_children_unlink(context, actor, record);
		troupe_status status = tr_post(context, child, &record->msg);

		if (status == TROUPE_OK) {
			extra->told = child;
			return;
		}
		if (status == TROUPE_CLOSING) {
			tr_children_link(extra, record);
			return;
		}
		tr_message_release(&context->cache, &record->msg);
	}
}

bool
tr_stop_children(tr_context *context, troupe_actor *actor)
{
	const tr_extra *extra = tr_actor_extra(actor);

	if (extra == NULL || extra->child_count == 0)
		return false;
	tr_stop_next_child(context, actor);
	return true;
}

void
tr_stop_settle_news(tr_context *context, troupe_actor *actor)
{
	tr_extra *extra = tr_actor_extra(actor);
	tr_chain all = extra->held;

	extra->held = (tr_chain){ 0, 0 };
	while (all.first != 0) {
		uint32_t unit = tr_chain_take(&all);
		troupe_msg *msg = tr_message_from(unit);

		if (!(msg->flag_bits & TR_MSG_CONTROL)) {
			tr_chain_append_one(&extra->held, unit);
			continue;
		}
		if (msg->type == TR_TYPE_CHILD_GONE)
			tr_children_remove(context, actor, ((const tr_extra *)(const void *)msg)->record);
		tr_letter_drop_control(context, msg);
	}
}

bool
tr_stop_begin(tr_context *context, troupe *t, troupe_actor *actor, troupe_reason reason)
{
	tr_actor_set_reason(actor, reason);
	if (actor->flags & TR_ACTOR_WAITING)
		tr_stop_settle_news(context, actor);
	actor->flags |= TR_ACTOR_STOPPING;
	/* Before anything that comes in is buried: see timing.h. */
	tr_ending_run(context, t, actor, TROUPE_CANCELLED);
	/* One that halts stops them already. */
	if (actor->flags & TR_ACTOR_WAITING && tr_actor_extra(actor)->order != 0)
		return tr_actor_extra(actor)->child_count == 0;
	return !tr_stop_children(context, actor);
}

static void
call_stop(tr_context *context, troupe *t, troupe_actor *actor)
{
	if (tr_actor_class(actor)->stop == NULL || actor->flags & TR_ACTOR_REFUSED ||
	    tr_actor_phase(actor) >= TR_PHASE_HALTING_AGAIN)
		return;
	tr_context_empty_hand(context);
	context->after = 0;
	tr_actor_class(actor)->stop(actor, tr_actor_state(actor), tr_actor_reason(actor));
	tr_ending_settle(context, t, actor);
}

/* Its stash, and what came in while it waited for its supervisor. */
static void
bury_aside(tr_context *context, troupe *t, troupe_actor *actor, troupe_ref self)
{
	tr_extra *extra = tr_actor_extra(actor);
	troupe_dead_letter form = tr_letter_form(context, actor);
	tr_chain aside = tr_stash_take_all(extra);

	tr_chain_append(&aside, extra->held);
	extra->held = (tr_chain){ 0, 0 };
	form.target = self;
	if (tr_actor_reason(actor) == TROUPE_REASON_CLOSING)
		form.reason = TROUPE_CLOSING;
	tr_letter_bury(context, t, &form, aside.first);
}

/* The extra goes to the parent, or back. */
static void
leave_extra(tr_context *context, troupe_actor *actor, troupe_ref self)
{
	tr_extra *extra = tr_actor_extra(actor);

	if (extra == NULL)
		return;
	tr_behavior_reset(context, extra);
	tr_order_give(context, extra->order);
	tr_report_give(context, extra->report);
	actor->extra = 0;
	extra->msg.type = TR_TYPE_CHILD_GONE;
	extra->msg.sender = self;
	extra->msg.flag_bits = TR_EXTRA_CLASS | TR_MSG_CONTROL;
	if (extra->parent == 0 ||
	    tr_post(context, extra->parent, &extra->msg) != TROUPE_OK)
		tr_message_discard(&context->cache, &extra->msg);
}

void
tr_stop_finish_parts(tr_context *context, troupe *t, troupe_actor *actor, uint32_t generation)
{
	troupe_ref self = tr_actor_ref(actor, generation);

	call_stop(context, t, actor);
	if (actor->extra != 0) {
		if (tr_actor_extra(actor)->watchers != 0)
			tr_monitor_tell(context, actor, self, tr_actor_reason(actor));
		tr_name_drop(context, actor);
	}
	if (actor->flags & TR_ACTOR_HEAP_STATE)
		tr_heap_give(tr_actor_state(actor));
	leave_extra(context, actor, self);
}

void
tr_stop_bury_aside(tr_context *context, troupe *t, troupe_actor *actor, uint32_t generation)
{
	const tr_extra *extra = tr_actor_extra(actor);

	if (extra != NULL && (extra->stash.first | extra->held.first) != 0)
		bury_aside(context, t, actor, tr_actor_ref(actor, generation));
}

/* --- The public calls. --- */

troupe_status
troupe_stop(troupe_ref who, troupe_stop_mode mode)
{
	tr_context *context = tr_context_mine();

	if (context == NULL)
		return troupe_last_error();
	if (!tr_ref_is_handle(who) || (mode != TROUPE_STOP_DRAIN && mode != TROUPE_STOP_NOW))
		return tr_fail(TROUPE_INVALID, "cannot stop handle %" PRIx64 " in mode %d", who, (int)mode);
	troupe_msg *msg = tr_message_take(&context->cache,
	    mode == TROUPE_STOP_NOW ? TR_TYPE_STOP_NOW : TR_TYPE_STOP_DRAIN, 0, NULL);
	if (msg == NULL)
		return TROUPE_NOMEM;
	msg->flag_bits |= TR_MSG_CONTROL;
	troupe_status status = tr_post(context, who, msg);
	if (status != TROUPE_OK)
		tr_message_discard(&context->cache, msg);
	return status;
}

void
troupe_stop_self(troupe_actor *self, troupe_stop_mode mode)
{
	tr_context *context = tr_require_self(self, __func__);

	if (tr_actor_is_ending(self))
		return;
	tr_actor_set_reason(self, TROUPE_REASON_SELF);
	context->after |= mode == TROUPE_STOP_DRAIN ? TR_AFTER_DRAIN : TR_AFTER_STOP_NOW;
}
