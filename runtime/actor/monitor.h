/* SPDX-License-Identifier: MIT */
#ifndef TR_MONITOR_H
#define TR_MONITOR_H

#include "runtime/actor/cells.h"

/*
 * monitor -- who is told when an actor stops.
 *
 * A watcher is one slot for all of its life: the control message that asks to
 * be told, then an entry in the watched actor's list, then the message that
 * tells.  So telling cannot fail for lack of memory.  It brings the extra that
 * the watched actor may need for its list.
 *
 * The monitoring actor has a cell for each; a notice whose token finds none
 * has been revoked, and is dropped when it comes out of the mailbox.
 *
 * Threads    The thread that runs the actor, with its context.
 */

/* A request to be told came to the actor, which lives or is just ending. */
void tr_monitor_add(tr_context *context, troupe_actor *actor, troupe_msg *msg);

/* It came too late, and there is nobody to tell. */
void tr_monitor_drop(tr_context *context, troupe_msg *msg);

/* The actor is closed, and the caller does not own it. */
void tr_monitor_tell_closed(tr_context *context, troupe_msg *msg, troupe_ref who);

/* So did one to be told no more. */
void tr_monitor_remove(tr_context *context, troupe_actor *actor, const troupe_msg *msg);

/* The actor has stopped: tell all. */
void tr_monitor_tell(tr_context *context, troupe_actor *actor, troupe_ref self, troupe_reason reason);

/* A TROUPE_DOWN came out of the mailbox; NULL: it was revoked. */
TR_MUST_USE troupe_msg *tr_monitor_open(tr_context *context, troupe_actor *actor, troupe_msg *msg);

/* A linked actor has stopped: what it means for this one is left in context->after. */
void tr_monitor_link_down(tr_context *context, troupe_actor *actor, const troupe_msg *msg);

/* End a monitoring of the actor's. */
void tr_monitor_end(tr_context *context, troupe_actor *actor, tr_cell *cell);

#endif /* TR_MONITOR_H */
