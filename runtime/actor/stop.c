/* SPDX-License-Identifier: MIT */
#include "runtime/actor/stop.h"

#include "runtime/actor/behavior.h"
#include "runtime/actor/children.h"
#include "runtime/actor/ending.h"
#include "runtime/actor/error.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/monitor.h"
#include "runtime/actor/name.h"
#include "runtime/actor/post.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/stash.h"
#include "runtime/actor/supervise.h"
#include "runtime/memory/fault.h"

#include <inttypes.h>

/* --- Stopping. --- */

/*
 * Tell the newest child; one that is gone already has said so, or will.  When
 * the runtime is being closed, nobody can be told any more: the closer ends
 * the children, which it finds in the list.
 */
static void
stop_next_child(tr_context *context, troupe_actor *actor)
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
	stop_next_child(context, actor);
	return true;
}

/* While an actor waits for its supervisor, what it hears of its children is kept, in order, for after that. */
static bool
holds_news(const troupe_actor *actor)
{
	return (actor->flags & (TR_ACTOR_WAITING | TR_ACTOR_STOPPING)) == TR_ACTOR_WAITING &&
	       tr_actor_extra(actor)->order == 0;
}

static void
hold_news(troupe_actor *actor, troupe_msg *msg)
{
	msg->next_unit = 0;
	tr_chain_append(&tr_actor_extra(actor)->held, (tr_chain){ tr_message_unit(msg), tr_message_unit(msg) });
}

static bool
is_news(const troupe_msg *msg)
{
	return msg->type == TR_TYPE_CHILD_GONE || msg->type == TR_TYPE_CHILD_FAILED || msg->type == TR_TYPE_ORDER_DONE;
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

		msg->next_unit = 0;
		if (!(msg->flag_bits & TR_MSG_CONTROL)) {
			tr_chain_append(&extra->held, (tr_chain){ unit, unit });
			continue;
		}
		if (msg->type == TR_TYPE_CHILD_GONE)
			tr_children_remove(context, actor, ((const tr_extra *)(const void *)msg)->record);
		tr_letter_drop_control(context, msg);
	}
}

void
tr_stop_end_under_way(tr_context *context, troupe *t, troupe_actor *actor, troupe_status status)
{
	const tr_extra *extra = tr_actor_extra(actor);

	if (extra != NULL && extra->cells != 0)
		tr_ending_run(context, t, actor, status);
}

bool
tr_stop_begin(tr_context *context, troupe *t, troupe_actor *actor, troupe_reason reason)
{
	tr_stop_set_reason(actor, reason);
	if (actor->flags & TR_ACTOR_WAITING)
		tr_stop_settle_news(context, actor);
	actor->flags |= TR_ACTOR_STOPPING;
	/* Before anything that comes in is buried: see timing.h. */
	tr_stop_end_under_way(context, t, actor, TROUPE_CANCELLED);
	/* One that halts stops them already. */
	if (actor->flags & TR_ACTOR_WAITING && tr_actor_extra(actor)->order != 0)
		return tr_actor_extra(actor)->child_count == 0;
	return !tr_stop_children(context, actor);
}

/* Whether the actor's children are being stopped, one after the other. */
static bool
is_stopping_children(const troupe_actor *actor)
{
	return actor->flags & TR_ACTOR_STOPPING ||
	       (actor->flags & TR_ACTOR_WAITING && tr_actor_extra(actor)->order != 0);
}

/* A child has gone; `gone` is its extra. */
static void
handle_child_gone(tr_context *context, troupe *t, troupe_actor *actor, const tr_extra *gone)
{
	tr_extra *extra = tr_actor_extra(actor);

	if (!is_stopping_children(actor)) {
		tr_children_remove(context, actor, gone->record);
		tr_supervise_child_left(context, t, actor);
		return;
	}
	/* One that went by itself has a record in the list yet, which will find it dead. */
	extra->child_count--;
	if (gone->msg.sender == extra->told)
		stop_next_child(context, actor);
	if (extra->child_count == 0 && !(actor->flags & TR_ACTOR_STOPPING))
		tr_restart_children_gone(context, t, actor);
}

static void
ask_to_stop(tr_context *context, troupe_actor *actor, troupe_reason reason, unsigned after)
{
	tr_stop_set_reason(actor, reason);
	context->after |= (uint8_t)after;
}

static void
take_child_news(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *msg)
{
	if (tr_actor_is_ending(actor)) {
		tr_letter_drop_control(context, msg);
	} else if (msg->type == TR_TYPE_CHILD_FAILED) {
		tr_supervise_child_failed(context, t, actor, msg);
	} else {
		tr_supervise_order_done(context, t, actor, msg);
	}
}

static void
take_order(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *msg)
{
	tr_restart_take_order(context, t, actor, msg);
	if (!(actor->flags & TR_ACTOR_WAITING) && context->after == 0)
		tr_supervise_go_on(context, t, actor);
}

/* The ways to stop, for an actor that does not yet. */
static void
take_stop(tr_context *context, troupe_actor *actor, const troupe_msg *msg)
{
	if (msg->type == TR_TYPE_STOP_CHILD)
		ask_to_stop(context, actor, TROUPE_REASON_PARENT, TR_AFTER_STOP_NOW);
	else
		/* One that waits for its supervisor has no next message to drain to. */
		ask_to_stop(context, actor, TROUPE_REASON_ASKED,
		    msg->type == TR_TYPE_STOP_NOW || actor->flags & TR_ACTOR_WAITING ? TR_AFTER_STOP_NOW : TR_AFTER_DRAIN);
}

bool
tr_stop_control(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *msg)
{
	bool stopping = actor->flags & TR_ACTOR_STOPPING;

	if (is_news(msg) && holds_news(actor)) {
		hold_news(actor, msg);
		return false;
	}
	switch (msg->type) {
	case TR_TYPE_MONITOR:
		tr_monitor_add(context, actor, msg);
		return false;
	case TR_TYPE_CHILD_FAILED:
	case TR_TYPE_ORDER_DONE:
		take_child_news(context, t, actor, msg);
		return false;
	case TR_TYPE_ORDER:
		if (stopping)
			tr_letter_drop_control(context, msg);
		else
			take_order(context, t, actor, msg);
		return false;
	case TR_TYPE_DEMONITOR:
		tr_monitor_remove(context, actor, msg);
		break;
	case TR_TYPE_LINK_DOWN:
		if (!stopping)
			tr_monitor_link_down(context, actor, msg);
		break;
	case TR_TYPE_CHILD_GONE:
		handle_child_gone(context, t, actor, (const tr_extra *)(const void *)msg);
		break;
	default:
		if (!stopping)
			take_stop(context, actor, msg);
	}
	/* A demonitor's ticket names a slot that is not its own. */
	tr_message_discard(&context->cache, msg);
	return stopping && tr_actor_extra(actor)->child_count == 0;
}

static void
call_stop(tr_context *context, troupe *t, troupe_actor *actor)
{
	if (tr_actor_class(actor)->stop == NULL || actor->flags & TR_ACTOR_REFUSED ||
	    tr_actor_phase(actor) >= TR_PHASE_HALTING_AGAIN)
		return;
	tr_context_empty_hand(context);
	context->after = 0;
	tr_actor_class(actor)->stop(actor, tr_actor_state(actor), tr_stop_reason(actor));
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
	if (tr_stop_reason(actor) == TROUPE_REASON_CLOSING)
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
			tr_monitor_tell(context, actor, self, tr_stop_reason(actor));
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
	tr_stop_set_reason(self, TROUPE_REASON_SELF);
	context->after |= mode == TROUPE_STOP_DRAIN ? TR_AFTER_DRAIN : TR_AFTER_STOP_NOW;
}
