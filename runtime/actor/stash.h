/* SPDX-License-Identifier: MIT */
#ifndef TR_STASH_H
#define TR_STASH_H

#include "runtime/actor/lanes.h"

/*
 * stash -- messages that an actor has set aside.  Each counts as accepted and
 * not handled.
 *
 * Threads    The thread that runs the actor, with its context.
 */

/* Put back in front of the lanes what the callback in hand has unstashed; returns how many. */
uint32_t tr_stash_return(tr_context *context, tr_lanes *lanes);

/* All of it, oldest first, out of the stash: for a restart or the end. */
tr_chain tr_stash_take_all(tr_extra *extra);

#endif /* TR_STASH_H */
