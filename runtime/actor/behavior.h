/* SPDX-License-Identifier: MIT */
#ifndef TR_BEHAVIOR_H
#define TR_BEHAVIOR_H

#include "runtime/actor/actor.h"

/*
 * behavior -- what an actor handles messages with, and what it comes back to.
 *
 * Threads    The thread that runs the actor, with its context.
 */

/* Back to the class's, with nothing to come back to: for a restart and the end. */
void tr_behavior_reset(tr_context *context, tr_extra *extra);

#endif /* TR_BEHAVIOR_H */
