/* SPDX-License-Identifier: MIT */
#ifndef TR_DEDICATED_H
#define TR_DEDICATED_H

#include "runtime/actor/actor.h"
#include "runtime/platform/platform.h"

/*
 * dedicated -- the thread of an actor that may block.
 *
 * Threads    create and reap are for spawners and the closer, dismiss too;
 *            rouse is for whoever claimed the actor.
 * Ownership  A dedicated is listed in its runtime until it is reaped.
 *
 * Ordering edges
 *   DE-A  rouse (release on the parker's word) -> the thread (acquire): the
 *         claimed actor.
 *   DE-B  rousing lowered (release) -> reap (acquire): who roused it is done
 *         with it.
 *   RT-A  see runtime.h.
 */

typedef struct tr_dedicated tr_dedicated;

/* A thread that waits to be roused for the first time.  NULL: no memory or no thread. */
TR_MUST_USE tr_dedicated *tr_dedicated_create(troupe *t, troupe_actor *actor);

/* The actor has been claimed, and the caller hands it over. */
void tr_dedicated_rouse(troupe *t, tr_dedicated *dedicated);

/* The thread shall end after the callback in hand, or now. */
void tr_dedicated_dismiss(tr_dedicated *dedicated);

/* Join and free those whose thread has ended. */
void tr_dedicated_reap(troupe *t);

/* For the closer: dismiss all that are listed. */
void tr_dedicated_dismiss_all(troupe *t);

/* Wait until all that are listed have ended; false when the deadline passed first. */
TR_MUST_USE bool tr_dedicated_wait_all(troupe *t, int64_t deadline);

/* The context of the index-th that has not ended, or NULL.  For the closer: nobody else reaps while it closes. */
tr_context *tr_dedicated_running(troupe *t, uint32_t index);

/* Call visit, under the runtime's lock, for the one whose thread runs the actor; false: there is none. */
bool tr_dedicated_visit(troupe *t, troupe_ref actor, void (*visit)(tr_context *context, void *argument), void *argument);

#endif /* TR_DEDICATED_H */
