/* SPDX-License-Identifier: MIT */
#ifndef TR_POST_H
#define TR_POST_H

#include "runtime/actor/actor.h"

/*
 * post -- an owned message goes to an actor, from any thread.
 *
 * Threads    The calling thread's own context.
 * Ownership  On TROUPE_OK the message is the receiver's, and may be gone
 *            already; on any other status it is still the caller's.
 */

/* Make an actor that the caller has claimed run. */
void tr_schedule(tr_context *context, troupe *t, troupe_actor *actor);

TR_INLINE uint32_t
tr_post_urgent_bit(const troupe_msg *msg)
{
	return msg->flag_bits & TR_MSG_LANES ? TR_MAILBOX_URGENT : 0;
}

/* The unusual ends of tr_post_small; each returns TROUPE_OK, or the status it was given. */
troupe_status tr_post_displaced(tr_context *context, uint32_t displaced);
troupe_status tr_post_overrun(tr_context *context, uint32_t displaced);
troupe_status tr_post_dedicated(tr_context *context, troupe_actor *actor);
troupe_status tr_post_refused(tr_context *context, uint32_t unit, troupe_status status);
troupe_status tr_post_small_outside(tr_context *context, troupe_ref to, uint32_t unit);

/*
 * Sending is work too: a producer's turn ends sooner, and its consumers catch
 * up.  Returns the credit that is left: when it has come to 0, and whenever a
 * callback without credit makes another actor runnable, it is an overrun once
 * that actor is scheduled, since it shall not wait for the callback's end.
 */
TR_INLINE int32_t
tr_post_account(tr_context *context)
{
	tr_count(&context->tally->accepted, 1);
	return --context->worker.credit;
}

/* The runtime's own messages are not counted, since the program did not send them; what they bring is, when it is handled. */
TR_INLINE bool
tr_post_is_counted(const troupe_msg *msg)
{
	return !(msg->flag_bits & (TR_MSG_CONTROL | TR_MSG_CELL)) &&
	       !(msg->type == TROUPE_DOWN && msg->flag_bits & TR_MSG_REPLY);
}

/*
 * The way of nearly every message: a plain one in the smallest slot, from one
 * actor to another of the same pool.  Refused, it is discarded.
 *
 * Every call in here is the last thing done, so that the common way saves no
 * registers and needs no stack.
 */
TR_INLINE troupe_status
tr_post_small(tr_context *context, troupe_ref to, troupe_msg *msg, uint32_t unit)
{
	if (TR_UNLIKELY(!tr_ref_is_handle(to)))
		return tr_post_refused(context, unit, TROUPE_INVALID);
	troupe_actor *actor = tr_ref_slot(to);
	/*
	 * CX-none: if the push succeeds, the actor lived throughout, and this
	 * was its home (INV-AC-1); if not, it does not matter.
	 */
	uint8_t home = atomic_load_explicit(&actor->home, memory_order_relaxed);
	/* CX-none: only the closer writes it, to send the worker the slow way. */
	if (TR_UNLIKELY(home != atomic_load_explicit(&context->home, memory_order_relaxed)))
		return tr_post_small_outside(context, to, unit);

	enum tr_push pushed = tr_mailbox_push(&actor->mailbox, tr_ref_generation(to), unit, &msg->next_unit, 0);
	if (TR_UNLIKELY(pushed == TR_PUSH_DEAD))
		return tr_post_refused(context, unit, TROUPE_DEAD);
	int32_t credit = tr_post_account(context);
	bool overrun = credit == 0;
	uint32_t displaced = 0;

	if (pushed == TR_PUSH_CLAIMED) {
		if (TR_UNLIKELY(actor->flags & TR_ACTOR_DEDICATED))
			return tr_post_dedicated(context, actor);
		displaced = context->worker.lifo;
		context->worker.lifo = (uint32_t)to;
		overrun = credit <= 0;
	}
	if (TR_UNLIKELY(overrun))
		return tr_post_overrun(context, displaced);
	if (displaced != 0)
		return tr_post_displaced(context, displaced);
	return TROUPE_OK;
}

/* Any message, from anywhere. */
TR_MUST_USE troupe_status tr_post(tr_context *context, troupe_ref to, troupe_msg *msg);

#endif /* TR_POST_H */
