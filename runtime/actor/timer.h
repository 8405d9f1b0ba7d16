/* SPDX-License-Identifier: MIT */
#ifndef TR_TIMER_H
#define TR_TIMER_H

#include "runtime/actor/cells.h"

/*
 * timer -- messages that an actor sends itself for later; the calls for it are
 * in runtime/events.
 *
 * A timer is a cell; the owner looks at it when its tick comes out of the
 * mailbox, so what was cancelled before cannot fire after: both happen in the
 * thread that runs the actor.
 *
 *   period 0            once
 *   period > 0          again and again; ticks that are missed are left out
 *   period < 0          the same; they are caught up with
 *   TROUPE_IDLE         deadline is when the actor has been idle long enough,
 *                       if it has not been active since `active`
 *
 * Threads    The thread that runs the actor, with its context.
 */

/*
 * A tick has come out of the mailbox: the message for the behavior, or NULL
 * when there is none.  The cell is no longer the caller's.
 */
TR_MUST_USE troupe_msg *tr_timer_open(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell);

/* Arm one; `data` is copied.  0 is NOMEM, remembered by tr_fail. */
troupe_timer tr_timer_begin(tr_context *context, troupe_actor *self, int64_t deadline, int64_t period, uint32_t type,
    const void *data, size_t size);

/* Begin to look whether the actor is idle, in place of an idle timer that the caller ends.  OK or NOMEM. */
troupe_status tr_timer_begin_idle(tr_context *context, troupe_actor *self, int64_t timeout_ns);

/* End a timer that is armed or on its way. */
void tr_timer_end(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell);

/* The actor, which has an idle timer, has handled something. */
void tr_timer_note_activity(const troupe *t, const tr_extra *extra);

#endif /* TR_TIMER_H */
