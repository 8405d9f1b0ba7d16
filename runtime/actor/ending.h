/* SPDX-License-Identifier: MIT */
#ifndef TR_ENDING_H
#define TR_ENDING_H

#include "runtime/actor/actor.h"

/*
 * ending -- what an actor has under way ends when its life does.
 *
 * Threads    The thread that runs the actor, with its context.
 * Order      Before the mailbox closes: see timing.h.  The actor is marked as
 *            ending, so that the callbacks begin nothing new.
 */

/* Each timer, ask (which is called back with `status`), monitoring and, unless it is kept, name. */
void tr_ending_run(tr_context *context, troupe *t, troupe_actor *actor, troupe_status status);
/* The same for a life that another follows: names stay. */
void tr_ending_run_for_restart(tr_context *context, troupe *t, troupe_actor *actor);

/* What a callback asked for that was called in the end changes nothing but what is said about it. */
void tr_ending_settle(tr_context *context, troupe *t, troupe_actor *actor);

#endif /* TR_ENDING_H */
