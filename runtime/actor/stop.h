/* SPDX-License-Identifier: MIT */
#ifndef TR_STOP_H
#define TR_STOP_H

#include "runtime/actor/actor.h"
#include "runtime/actor/runtime.h"

/*
 * stop -- how an actor comes to its end: its children first, one after the
 * other, newest first; then its mailbox closes, its stop callback is called,
 * its memory goes back, and its parent is told.
 *
 * Threads    The thread that owns the actor, with its context.
 *
 * A child is told with the record that its parent keeps of it, and tells with
 * the extra that it needs no more (see actor.h): neither can fail for lack of
 * memory.
 */

/*
 * Begin to stop for `reason`.  true: there are no children, and the caller
 * goes on to tr_stop_finish; false: the actor is TR_ACTOR_STOPPING and goes
 * on to handle control messages.
 */
TR_MUST_USE bool tr_stop_begin(tr_context *context, troupe *t, troupe_actor *actor, troupe_reason reason);

/*
 * Whose mailbox was closed: call the stop callback and give everything back.
 * The actor must not be touched any more.
 */
TR_INLINE void tr_stop_finish(tr_context *context, troupe *t, troupe_actor *actor, uint32_t generation);

/* Of this, what most actors have not: a stop callback, an extra, a state on the heap. */
void tr_stop_finish_parts(tr_context *context, troupe *t, troupe_actor *actor, uint32_t generation);

/* Once it is closed, before what waited in it: bury what was stashed or held. */
void tr_stop_bury_aside(tr_context *context, troupe *t, troupe_actor *actor, uint32_t generation);

/* The actor, which waited for its supervisor, ends: what it has heard of its children meanwhile is done with. */
void tr_stop_settle_news(tr_context *context, troupe_actor *actor);

/* Begin to stop the children, the newest first; false: there are none. */
TR_MUST_USE bool tr_stop_children(tr_context *context, troupe_actor *actor);

/*
 * Tell the newest child; one that is gone already has said so, or will.  When
 * the runtime is being closed, nobody can be told any more: the closer ends
 * the children, which it finds in the list.
 */
void tr_stop_next_child(tr_context *context, troupe_actor *actor);

TR_INLINE void
tr_stop_finish(tr_context *context, troupe *t, troupe_actor *actor, uint32_t generation)
{
	const troupe_class *class_ = tr_actor_class(actor);

	if (TR_UNLIKELY(class_->stop != NULL || actor->extra != 0 || actor->flags & TR_ACTOR_HEAP_STATE))
		tr_stop_finish_parts(context, t, actor, generation);
	if (TR_LIKELY(!(actor->flags & TR_ACTOR_REFUSED)))
		tr_count(&context->visits[t->number].tally.stopped, 1);
	if (TR_LIKELY(tr_mailbox_can_reopen(generation)))
		tr_cache_give_actor(&context->cache, tr_arena_size_class(tr_actor_unit(actor) / TR_BLOCK_UNITS),
		    tr_actor_unit(actor));
}

#endif /* TR_STOP_H */
