/* SPDX-License-Identifier: MIT */
#ifndef TR_DELIVERY_H
#define TR_DELIVERY_H

#include "runtime/actor/actor.h"

/*
 * delivery -- one message comes to its behavior, and to its end.
 *
 * What waits in a mailbox need not be what the behavior sees: the cell of a
 * timer brings its message, a reply goes to the callback of its ask.
 *
 * Threads    The thread that runs the actor, with its context.
 */

/* Whether it was a message of the program's, and counts as handled: a tick that was cancelled, say, was none. */
bool tr_deliver_unusual(tr_context *context, troupe_actor *actor, troupe_receive *receive, void *state,
    troupe_msg *msg);

TR_INLINE bool
tr_deliver(tr_context *context, troupe_actor *actor, troupe_receive *receive, void *state, uint32_t unit)
{
	troupe_msg *msg = tr_message_from(unit);

	if (TR_UNLIKELY(msg->flag_bits != 0))
		return tr_deliver_unusual(context, actor, receive, state, msg);
	context->msg = msg;
	/* CX-none: for reports as it comes. */
	atomic_store_explicit(&context->running_type, msg->type, memory_order_relaxed);
	receive(actor, state, msg);
	/* Unless it was kept, forwarded, stashed or failed over. */
	if (TR_LIKELY(context->msg == msg))
		tr_cache_give_message(&context->cache, 0, unit);
	return true;
}

#endif /* TR_DELIVERY_H */
