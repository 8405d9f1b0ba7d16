/* SPDX-License-Identifier: MIT */
#ifndef TR_SUPERVISE_H
#define TR_SUPERVISE_H

#include "runtime/actor/cells.h"

/*
 * supervise -- what becomes of a child that has failed; restart.h is its side.
 *
 *   child                              supervisor
 *   fails, waits: report ------------> decides
 *                 <------------------- order: resume, halt or stop
 *   halt: its children stop, its life
 *   ends: order back ----------------> backoff
 *                 <------------------- order: begin
 *   begin: start is called:
 *   order back ----------------------> done, or failed again
 *
 * The report is the child's while it runs, and the supervisor's from the
 * failure until the next order, which takes it back.  The order is the
 * supervisor's but while it is under way or carried out; there is one for each
 * child.  Both are allocated with the child, so nothing of this can fail for
 * lack of memory.  Each step ends with a message, since the two never run in
 * the same turn, and the child may be stopped at any moment between: then its
 * end (see stop.h) is what the supervisor hears.
 *
 * A group (all for one, rest for one) goes the same way: each child is marked,
 * they are halted from the newest to the oldest, one after the other, and
 * begun from the oldest to the newest.
 *
 * Threads    The thread that runs the actor, with its context.
 */

/* A child has left: a group may have waited for it. */
void tr_supervise_child_left(tr_context *context, troupe *t, troupe_actor *parent);

/* Control messages, and the cell of a backoff that is over: each is the callee's. */
void tr_supervise_child_failed(tr_context *context, troupe *t, troupe_actor *parent, troupe_msg *report);
void tr_supervise_order_done(tr_context *context, troupe *t, troupe_actor *parent, troupe_msg *order);
void tr_supervise_backoff_over(tr_context *context, troupe *t, troupe_actor *parent, tr_cell *cell);

/* The actor, which had failed itself, goes on. */
void tr_supervise_go_on(tr_context *context, troupe *t, troupe_actor *parent);

#endif /* TR_SUPERVISE_H */
