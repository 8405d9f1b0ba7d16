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

/* From a thread that is no worker of the receiver's runtime, or when that is closing. */
troupe_status tr_post_outside(tr_context *context, troupe_ref to, troupe_msg *msg);

/* Make an actor that the caller has claimed run. */
void tr_schedule(tr_context *context, troupe *t, troupe_actor *actor);

TR_INLINE uint32_t
tr_post_urgent_bit(const troupe_msg *msg)
{
	return TR_UNLIKELY(msg->flag_bits & TR_MSG_LANES) ? TR_MAILBOX_URGENT : 0;
}

TR_INLINE TR_MUST_USE troupe_status
tr_post(tr_context *context, troupe_ref to, troupe_msg *msg, uint32_t unit)
{
	troupe_actor *actor = tr_ref_slot(to);

	if (TR_UNLIKELY(actor == NULL))
		return TROUPE_INVALID;
	/*
	 * CX-none: if the push succeeds, the actor lived throughout, and this
	 * was its home (INV-AC-1); if not, it does not matter.
	 */
	uint8_t home = atomic_load_explicit(&actor->home, memory_order_relaxed);
	/* CX-none: only the closer writes it, to send the worker the slow way. */
	if (TR_UNLIKELY(home != atomic_load_explicit(&context->home, memory_order_relaxed)))
		return tr_post_outside(context, to, msg);

	switch (tr_mailbox_push(&actor->mailbox, tr_ref_generation(to), unit, &msg->next_unit, tr_post_urgent_bit(msg))) {
	case TR_PUSH_DEAD:
		return TROUPE_DEAD;
	case TR_PUSH_CLAIMED:
		if (TR_UNLIKELY(actor->flags & TR_ACTOR_DEDICATED))
			tr_schedule(context, context->runtime, actor);
		else
			tr_worker_put(&context->worker, (uint32_t)to);
		break;
	case TR_PUSH_QUEUED:
		break;
	}
	tr_count(&context->tally->accepted, 1);
	/* Sending is work too: a producer's turn ends sooner, and its consumers catch up. */
	if (TR_UNLIKELY(--context->worker.credit == 0))
		tr_worker_overrun(&context->worker);
	return TROUPE_OK;
}

#endif /* TR_POST_H */
