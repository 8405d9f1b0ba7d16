/* SPDX-License-Identifier: MIT */
#ifndef TR_MISHAP_H
#define TR_MISHAP_H

#include "runtime/actor/actor.h"

/*
 * mishap -- what befalls a turn of a simulated runtime: allocations that fail,
 * and a callback that does.
 *
 * A callback that is to fail is called by, or not called by, another in its
 * place, which calls troupe_fail as any behavior may: what follows is what
 * follows any failure.  Other runtimes pay for it one look at a byte, in turns
 * that are no plain ones.
 *
 * Threads    The thread that drives the runtime, with its context.
 */

/* The turn of the actor begins, and has ended.  Only for simulated runtimes. */
void tr_mishap_begin(tr_context *context, troupe *t, const troupe_actor *actor);
void tr_mishap_end(tr_context *context);

/* What to call in place of the actor's behavior, when context->mishap is not 0. */
troupe_receive *tr_mishap_receive(const tr_context *context);

#endif /* TR_MISHAP_H */
