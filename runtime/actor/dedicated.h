/* SPDX-License-Identifier: MIT */
#ifndef TR_DEDICATED_H
#define TR_DEDICATED_H

#include "runtime/actor/actor.h"
#include "runtime/platform/platform.h"

/*
 * dedicated -- the thread of an actor that may block.
 *
 * Threads    create, abandon and reap are for spawners and the closer; rouse
 *            is for whoever claimed the actor.
 * Ownership  A dedicated is listed in its runtime until it is reaped.
 *
 * Ordering edges
 *   DE-A  rouse, dismiss (release on the parker's word) -> the thread
 *         (acquire): the claimed actor.
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

/* Dismiss all and wait for their end, then reap; false when the deadline passed first. */
TR_MUST_USE bool tr_dedicated_dismiss_all(troupe *t, int64_t deadline);

/* Call `visit` for the context of each thread that has not ended. */
void tr_dedicated_each(troupe *t, void (*visit)(void *argument, tr_context *context), void *argument);

#endif /* TR_DEDICATED_H */
