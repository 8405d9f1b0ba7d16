/* SPDX-License-Identifier: MIT */
#ifndef TR_RESTART_H
#define TR_RESTART_H

#include "runtime/actor/actor.h"

/*
 * restart -- a supervised child that has failed, and carries out what its
 * supervisor decides: see supervise.h for both sides.
 *
 * Threads    The thread that runs the child, with its context.
 */

/* The child, whose report is written, waits for its supervisor from now on; false: it has none. */
TR_MUST_USE bool tr_restart_wait(tr_context *context, troupe_actor *child);

/* An order came. */
void tr_restart_take_order(tr_context *context, troupe *t, troupe_actor *child, troupe_msg *order);

/* The last child of a halting one has gone. */
void tr_restart_children_gone(tr_context *context, troupe *t, troupe_actor *child);

#endif /* TR_RESTART_H */
