/* SPDX-License-Identifier: MIT */
#include "runtime/actor/actor.h"

#include "runtime/actor/error.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/post.h"
#include "runtime/actor/runtime.h"

tr_extra *
tr_actor_make_extra(tr_cache *cache, troupe_actor *actor)
{
	if (actor->extra != 0)
		return tr_actor_extra(actor);
	uint32_t unit = tr_cache_take_message(cache, TR_EXTRA_CLASS);
	if (unit == 0)
		return NULL;
	tr_extra *extra = tr_message_at(unit);

	*extra = (tr_extra){ .msg.flag_bits = TR_EXTRA_CLASS };
	actor->extra = unit;
	return extra;
}

const char *
tr_class_name(const troupe_class *class_)
{
	return class_->name != NULL ? class_->name : "actor";
}

/* --- The public calls of a behavior about itself and its message. --- */

troupe_ref
troupe_self(const troupe_actor *self)
{
	return tr_context_self(tr_require_self(self, __func__));
}

troupe *
troupe_of(const troupe_actor *self)
{
	return tr_require_self(self, __func__)->current_runtime;
}

troupe_ref
troupe_parent(const troupe_actor *self)
{
	tr_require_self(self, __func__);
	return self->extra != 0 ? tr_actor_extra(self)->parent : 0;
}

troupe_ref
troupe_sender(const troupe_actor *self)
{
	const troupe_msg *msg = tr_require_self(self, __func__)->msg;

	return msg != NULL ? msg->sender : 0;
}

troupe_status
troupe_forward(troupe_actor *self, troupe_ref to)
{
	tr_context *context = tr_require_self(self, __func__);
	troupe_msg *msg = context->msg;

	if (msg == NULL || msg->type >= TROUPE_TYPE_RESERVED)
		return tr_fail(TROUPE_INVALID, "there is no message in hand to forward, or it is one of the runtime's own");
	troupe_status status = tr_post(context, to, msg);
	if (status == TROUPE_OK)
		context->msg = NULL;
	return status;
}

troupe_msg *
troupe_keep(troupe_actor *self)
{
	tr_context *context = tr_require_self(self, __func__);
	troupe_msg *msg = context->msg;

	context->msg = NULL;
	return msg;
}

void
troupe_unhandled(troupe_actor *self, const troupe_msg *msg)
{
	tr_context *context = tr_require_self(self, __func__);
	const troupe *t = context->current_runtime;

	tr_count(&context->visits[t->number].tally.unhandled, 1);
	if (t->options.dead_letter == NULL)
		return;
	troupe_dead_letter letter = tr_letter_form(context, self);

	letter.reason = TROUPE_UNHANDLED;
	letter.msg = msg;
	t->options.dead_letter(t->options.context, &letter);
}
