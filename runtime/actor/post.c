/* SPDX-License-Identifier: MIT */
#include "runtime/actor/post.h"

#include "runtime/actor/dedicated.h"
#include "runtime/actor/runtime.h"

void
tr_schedule(tr_context *context, troupe *t, troupe_actor *actor)
{
	if (actor->flags & TR_ACTOR_DEDICATED)
		tr_dedicated_rouse(t, tr_actor_extra(actor)->dedicated);
	else if (context->worker.pool == &t->pool)
		t->pool.scheduler->put(&context->worker, tr_actor_unit(actor));
	else
		tr_pool_put(&t->pool, tr_actor_unit(actor));
}

troupe_status
tr_post_displaced(tr_context *context, uint32_t displaced)
{
	tr_worker_share(&context->worker, displaced);
	return TROUPE_OK;
}

troupe_status
tr_post_overrun(tr_context *context, uint32_t displaced)
{
	if (displaced != 0)
		tr_worker_share(&context->worker, displaced);
	tr_worker_overrun(&context->worker);
	return TROUPE_OK;
}

troupe_status
tr_post_dedicated(tr_context *context, troupe_actor *actor)
{
	tr_schedule(context, context->runtime, actor);
	return TROUPE_OK;
}

troupe_status
tr_post_refused(tr_context *context, uint32_t unit, troupe_status status)
{
	tr_message_discard(&context->cache, tr_message_from(unit));
	return status;
}

troupe_status
tr_post_small_outside(tr_context *context, troupe_ref to, uint32_t unit)
{
	troupe_status status = tr_post(context, to, tr_message_from(unit));

	return status == TROUPE_OK ? TROUPE_OK : tr_post_refused(context, unit, status);
}

/* The push made the caller the owner, and msg the actor's todo. */
static void
schedule_claimed(tr_context *context, troupe *t, troupe_actor *actor, const troupe_msg *msg)
{
	/* A turn takes todo for messages of the normal lane unless it is told otherwise. */
	if (msg->flag_bits & TR_MSG_LANES)
		actor->flags |= TR_ACTOR_MIXED;
	tr_schedule(context, t, actor);
}

/* From a worker of the actor's own pool. */
static troupe_status
post_at_home(tr_context *context, troupe_ref to, troupe_msg *msg)
{
	troupe_actor *actor = tr_ref_slot(to);
	bool counted = tr_post_is_counted(msg);
	enum tr_push pushed = tr_mailbox_push(&actor->mailbox, tr_ref_generation(to), tr_message_unit(msg),
	    &msg->next_unit, tr_post_urgent_bit(msg));

	if (pushed == TR_PUSH_DEAD)
		return TROUPE_DEAD;
	bool overrun = counted && tr_post_account(context) <= 0;

	if (pushed == TR_PUSH_CLAIMED)
		schedule_claimed(context, context->runtime, actor, msg);
	if (overrun)
		tr_worker_overrun(&context->worker);
	return TROUPE_OK;
}

/* From anywhere else: the runtime is held while it is needed. */
static troupe_status
post_outside(tr_context *context, uint8_t home, troupe_ref to, troupe_msg *msg)
{
	troupe_actor *actor = tr_ref_slot(to);
	troupe *t = tr_runtime_enter(context, home);

	if (t == NULL)
		return tr_mailbox_alive(&actor->mailbox) == tr_ref_generation(to) ? TROUPE_CLOSING : TROUPE_DEAD;

	bool counted = tr_post_is_counted(msg);
	enum tr_push pushed = tr_mailbox_push(&actor->mailbox, tr_ref_generation(to), tr_message_unit(msg),
	    &msg->next_unit, tr_post_urgent_bit(msg));
	if (pushed != TR_PUSH_DEAD && counted) {
		tr_count(&context->visits[home].tally.accepted, 1);
		context->worker.credit--;
	}
	if (pushed == TR_PUSH_CLAIMED)
		schedule_claimed(context, t, actor, msg);
	tr_runtime_leave(context, home);
	return pushed == TR_PUSH_DEAD ? TROUPE_DEAD : TROUPE_OK;
}

troupe_status
tr_post(tr_context *context, troupe_ref to, troupe_msg *msg)
{
	if (!tr_ref_is_handle(to))
		return TROUPE_INVALID;
	/* CX-none: as in tr_post_small; 0 when no actor has lived there yet. */
	uint8_t home = atomic_load_explicit(&tr_ref_slot(to)->home, memory_order_relaxed);

	/* CX-none: as in tr_post_small. */
	if (home != 0 && home == atomic_load_explicit(&context->home, memory_order_relaxed))
		return post_at_home(context, to, msg);
	return post_outside(context, home, to, msg);
}
