/* SPDX-License-Identifier: MIT */
#include "runtime/actor/post.h"

#include "runtime/actor/dedicated.h"
#include "runtime/actor/runtime.h"

void
tr_schedule(tr_context *context, troupe *t, troupe_actor *actor)
{
	if (actor->flags & TR_ACTOR_DEDICATED)
		tr_dedicated_rouse(t, tr_actor_extra(actor)->dedicated);
	/* CX-none: as in tr_post. */
	else if (atomic_load_explicit(&context->home, memory_order_relaxed) == t->number)
		tr_worker_put(&context->worker, tr_actor_unit(actor));
	else
		tr_pool_put(&t->pool, tr_actor_unit(actor));
}

troupe_status
tr_post_outside(tr_context *context, troupe_ref to, troupe_msg *msg)
{
	troupe_actor *actor = tr_ref_slot(to);
	/* CX-none: as in tr_post; 0 when no actor has lived there yet. */
	uint8_t home = atomic_load_explicit(&actor->home, memory_order_relaxed);
	troupe *t = tr_runtime_enter(context, home);

	if (t == NULL)
		return tr_mailbox_alive(&actor->mailbox) == tr_ref_generation(to) ? TROUPE_CLOSING : TROUPE_DEAD;

	enum tr_push pushed = tr_mailbox_push(&actor->mailbox, tr_ref_generation(to), tr_message_unit(msg),
	    &msg->next_unit, tr_post_urgent_bit(msg));
	if (pushed == TR_PUSH_CLAIMED)
		tr_schedule(context, t, actor);
	if (pushed != TR_PUSH_DEAD)
		tr_count(&context->visits[home].tally.accepted, 1);
	tr_runtime_leave(context, home);
	return pushed == TR_PUSH_DEAD ? TROUPE_DEAD : TROUPE_OK;
}
