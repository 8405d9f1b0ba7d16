/* SPDX-License-Identifier: MIT */
#include "runtime/actor/control.h"

#include "runtime/actor/children.h"
#include "runtime/actor/lanes.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/monitor.h"
#include "runtime/actor/restart.h"
#include "runtime/actor/stop.h"
#include "runtime/actor/supervise.h"

/* While an actor waits for its supervisor, what it hears of its children is kept, in order, for after that. */
static bool
holds_news(const troupe_actor *actor)
{
	return (actor->flags & (TR_ACTOR_WAITING | TR_ACTOR_STOPPING)) == TR_ACTOR_WAITING &&
	       tr_actor_extra(actor)->order == 0;
}

static bool
is_news(const troupe_msg *msg)
{
	return msg->type == TR_TYPE_CHILD_GONE || msg->type == TR_TYPE_CHILD_FAILED || msg->type == TR_TYPE_ORDER_DONE;
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
		tr_stop_next_child(context, actor);
	if (extra->child_count == 0 && !(actor->flags & TR_ACTOR_STOPPING))
		tr_restart_children_gone(context, t, actor);
}

static void
ask_to_stop(tr_context *context, troupe_actor *actor, troupe_reason reason, unsigned after)
{
	tr_actor_set_reason(actor, reason);
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
tr_control_take(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *msg)
{
	bool stopping = actor->flags & TR_ACTOR_STOPPING;

	if (is_news(msg) && holds_news(actor)) {
		tr_chain_append_one(&tr_actor_extra(actor)->held, tr_message_unit(msg));
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
