/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_ACTOR_H
#define TROUPE_ACTOR_H

#include <troupe/types.h>

TROUPE_BEGIN

/*
 * Spawn an actor that nobody is the parent of.  Its start callback, if any,
 * runs before this returns, with `argument` (borrowed, may be NULL).  An
 * actor lives until it is stopped or its runtime is closed.
 *
 * Returns its handle, or 0: NOMEM, INVALID (t, class or its receive is NULL,
 * unknown flags, a state over 1 GiB), REFUSED (by start), CLOSING, FORKED.
 */
troupe_ref troupe_spawn(troupe *t, const troupe_class *class_, const void *argument);

/*
 * The same as a child of self: it is stopped when self stops, before self's
 * own stop callback; and supervised by self, if self's class has a supervisor
 * (see troupe/failure.h).  Also 0 with DEAD when self is stopping.
 */
troupe_ref troupe_spawn_child(troupe_actor *self, const troupe_class *class_, const void *argument);

/* How an actor comes to its end. */
typedef enum troupe_stop_mode {
	TROUPE_STOP_DRAIN, /* handle all that was accepted, and stop when the mailbox is empty; timers tick until then */
	TROUPE_STOP_NOW    /* stop after the message in hand; the others become dead letters */
} troupe_stop_mode;

/*
 * Stop an actor.  Goes before the messages that wait, and may be called
 * again: NOW overrides an earlier DRAIN.  One that has failed and waits for its
 * supervisor stops now.  OK means that it will stop; DEAD,
 * CLOSING, INVALID, NOMEM and FORKED are as for sends.
 */
troupe_status troupe_stop(troupe_ref who, troupe_stop_mode mode);

/*
 * The calls below are for an actor's own callbacks, and `self` is the one
 * that the callback was given.  In start and stop there is no message in
 * hand: there troupe_sender is 0, troupe_keep returns NULL, and
 * troupe_reply, troupe_forward and troupe_stash return INVALID.
 */

/* Stop self.  Cannot fail; the callback goes on to its end. */
void troupe_stop_self(troupe_actor *self, troupe_stop_mode mode);

troupe_ref troupe_self(const troupe_actor *self);
troupe *troupe_of(const troupe_actor *self);
/* 0 when it has none. */
troupe_ref troupe_parent(const troupe_actor *self);

/* Who sent the message in hand; 0 when nobody did, or it was kept or forwarded (then see its sender field). */
troupe_ref troupe_sender(const troupe_actor *self);

/*
 * Pass the message in hand on, without a copy and with its sender.  On OK
 * the receiver owns it, and the behavior must not touch it again.  INVALID
 * when there is no message in hand or it was kept or forwarded before.
 */
troupe_status troupe_forward(troupe_actor *self, troupe_ref to);

/*
 * Become the owner of the message in hand: it outlives the call, and is to
 * be sent on with troupe_send_msg or ended with troupe_msg_free; a request is
 * to be answered (see troupe/ask.h).  NULL when there is none, or it was kept
 * or forwarded before.
 */
troupe_msg *troupe_keep(troupe_actor *self);

/*
 * Set the message in hand aside, to be handled later: it counts as accepted
 * and not yet handled.  OK, FULL when the class's stash_limit is reached,
 * INVALID when there is no message in hand (or it was kept or forwarded, or
 * is an answer to an ask), NOMEM.  When the actor stops, what is stashed
 * becomes dead letters, before the messages that wait.
 */
troupe_status troupe_stash(troupe_actor *self);

/*
 * Put up to `most` stashed messages (SIZE_MAX: all), the oldest first, back in
 * front of those that wait, each in its lane.  Returns how many: 0 when
 * nothing was stashed.
 */
size_t troupe_unstash(troupe_actor *self, size_t most);

/* Report that the behavior does not know msg, the one in hand: a dead letter with reason UNHANDLED. */
void troupe_unhandled(troupe_actor *self, const troupe_msg *msg);

/* Handle messages with `receive`, in place of the behavior so far, from the next one on.  OK, INVALID for NULL, or NOMEM. */
troupe_status troupe_become(troupe_actor *self, troupe_receive *receive);

#define TROUPE_BEHAVIORS_MAX 12

/*
 * The same, but troupe_unbecome comes back to the behavior so far.  FULL when
 * TROUPE_BEHAVIORS_MAX wait to be come back to.
 */
troupe_status troupe_become_over(troupe_actor *self, troupe_receive *receive);

/* Come back.  OK, or INVALID when there is nothing to come back to. */
troupe_status troupe_unbecome(troupe_actor *self);

#define TROUPE_NAME_MAX 255

/*
 * Name this actor for reports; NULL or "" takes the name away.  Names need
 * not be unique.  The text is copied.  OK, INVALID when it is longer than
 * TROUPE_NAME_MAX bytes, or NOMEM.
 */
troupe_status troupe_set_name(troupe_actor *self, const char *name);
/* "" when it has none.  Borrowed until the next set_name. */
const char *troupe_name(const troupe_actor *self);

TROUPE_END

#endif /* TROUPE_ACTOR_H */
