/* SPDX-License-Identifier: MIT */
#include "runtime/actor/stop.h"

#include "runtime/actor/error.h"
#include "runtime/actor/name.h"
#include "runtime/actor/post.h"
#include "runtime/actor/runtime.h"
#include "runtime/memory/fault.h"

#include <inttypes.h>

/* --- The parent's list of children. --- */

static void
link_newest(tr_extra *extra, tr_record *record)
{
	record->newer = 0;
	record->older = extra->children;
	if (extra->children != 0)
		((tr_record *)tr_message_at(extra->children))->newer = tr_message_unit(record);
	extra->children = tr_message_unit(record);
}

tr_record *
tr_stop_add_child(tr_context *context, troupe_actor *parent, troupe_ref child)
{
	tr_extra *extra = tr_actor_make_extra(&context->cache, parent);
	troupe_msg *msg = extra != NULL
	                      ? tr_message_take(&context->cache, TR_TYPE_STOP_CHILD,
	                            sizeof(tr_record) - sizeof(troupe_msg), NULL)
	                      : NULL;

	if (msg == NULL)
		return NULL;
	tr_record *record = (tr_record *)msg;

	msg->flag_bits |= TR_MSG_CONTROL;
	record->child = child;
	link_newest(extra, record);
	extra->child_count++;
	return record;
}

/* Take a record out of the list; its child stays counted. */
static void
unlink_record(tr_extra *extra, tr_record *record)
{
	if (record->newer != 0)
		((tr_record *)tr_message_at(record->newer))->older = record->older;
	else
		extra->children = record->older;
	if (record->older != 0)
		((tr_record *)tr_message_at(record->older))->newer = record->newer;
}

void
tr_stop_remove_child(tr_context *context, troupe_actor *parent, uint32_t unit)
{
	tr_extra *extra = tr_actor_extra(parent);
	tr_record *record = tr_message_at(unit);

	unlink_record(extra, record);
	extra->child_count--;
	tr_message_release(&context->cache, &record->msg);
}

/* --- Stopping. --- */

/*
 * Tell the newest child; one that is gone already has said so, or will.  When
 * the runtime is being closed, nobody can be told any more: the closer ends
 * the children, which it finds in the list.
 */
static void
stop_next_child(tr_context *context, tr_extra *extra)
{
	extra->told = 0;
	while (extra->children != 0) {
		tr_record *record = tr_message_at(extra->children);
		troupe_ref child = record->child;

		unlink_record(extra, record);
		troupe_status status = tr_post(context, child, &record->msg);

		if (status == TROUPE_OK) {
			extra->told = child;
			return;
		}
		if (status == TROUPE_CLOSING) {
			link_newest(extra, record);
			return;
		}
		tr_message_release(&context->cache, &record->msg);
	}
}

bool
tr_stop_begin(tr_context *context, troupe *t, troupe_actor *actor, troupe_reason reason)
{
	tr_extra *extra = tr_actor_extra(actor);

	(void)t;
	tr_stop_set_reason(actor, reason);
	actor->flags |= TR_ACTOR_STOPPING;
	if (extra == NULL || extra->child_count == 0)
		return true;
	stop_next_child(context, extra);
	return false;
}

/* A child has gone; `gone` is its extra. */
static void
handle_child_gone(tr_context *context, troupe_actor *actor, const tr_extra *gone)
{
	tr_extra *extra = tr_actor_extra(actor);

	if (!(actor->flags & TR_ACTOR_STOPPING)) {
		tr_stop_remove_child(context, actor, gone->record);
		return;
	}
	/* One that went by itself has a record in the list yet, which will find it dead. */
	extra->child_count--;
	if (gone->msg.sender == extra->told)
		stop_next_child(context, extra);
}

bool
tr_stop_control(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *msg)
{
	bool stopping = actor->flags & TR_ACTOR_STOPPING;

	(void)t;
	switch (msg->type) {
	case TR_TYPE_STOP_DRAIN:
	case TR_TYPE_STOP_NOW:
		if (!stopping) {
			tr_stop_set_reason(actor, TROUPE_REASON_ASKED);
			context->after |= msg->type == TR_TYPE_STOP_NOW ? TR_AFTER_STOP_NOW : TR_AFTER_DRAIN;
		}
		break;
	case TR_TYPE_STOP_CHILD:
		if (!stopping) {
			tr_stop_set_reason(actor, TROUPE_REASON_PARENT);
			context->after |= TR_AFTER_STOP_NOW;
		}
		break;
	case TR_TYPE_CHILD_GONE:
		handle_child_gone(context, actor, (const tr_extra *)(const void *)msg);
		break;
	default:
		TR_ASSERT(msg->type == TR_TYPE_CHILD_GONE); /* there are no others */
	}
	tr_message_release(&context->cache, msg);
	return stopping && tr_actor_extra(actor)->child_count == 0;
}

static void
call_stop(tr_context *context, troupe_actor *actor)
{
	if (tr_actor_class(actor)->stop == NULL || actor->flags & TR_ACTOR_REFUSED)
		return;
	context->msg = NULL;
	tr_actor_class(actor)->stop(actor, tr_actor_state(actor), tr_stop_reason(actor));
}

/* The extra goes to the parent, or back. */
static void
leave_extra(tr_context *context, troupe_actor *actor, troupe_ref self)
{
	tr_extra *extra = tr_actor_extra(actor);

	if (extra == NULL)
		return;
	actor->extra = 0;
	extra->msg.type = TR_TYPE_CHILD_GONE;
	extra->msg.sender = self;
	extra->msg.flag_bits = TR_EXTRA_CLASS | TR_MSG_CONTROL;
	if (extra->parent == 0 ||
	    tr_post(context, extra->parent, &extra->msg) != TROUPE_OK)
		tr_message_discard(&context->cache, &extra->msg);
}

void
tr_stop_finish_parts(tr_context *context, troupe_actor *actor, uint32_t generation)
{
	call_stop(context, actor);
	if (actor->extra != 0)
		tr_name_drop(context, actor);
	if (actor->flags & TR_ACTOR_HEAP_STATE)
		tr_heap_give(tr_actor_state(actor));
	leave_extra(context, actor, tr_actor_ref(actor, generation));
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

	if (self->flags & TR_ACTOR_STOPPING)
		return;
	tr_stop_set_reason(self, TROUPE_REASON_SELF);
	context->after |= mode == TROUPE_STOP_DRAIN ? TR_AFTER_DRAIN : TR_AFTER_STOP_NOW;
}
