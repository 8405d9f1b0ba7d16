/* SPDX-License-Identifier: MIT */
#ifndef TR_ASK_H
#define TR_ASK_H

#include "runtime/actor/cells.h"

/*
 * ask -- the asker's side of a request: a cell that waits for the reply with
 * its token, and is armed for the deadline.
 *
 * A reply, the deadline's tick and the asker's own end all come to the thread
 * that runs the asker; the first of them ends the ask, and its token is stale
 * then: so it ends exactly once, and a late reply finds nothing.
 *
 * Threads    The thread that runs the actor, with its context.
 */

typedef struct tr_ask {
	tr_cell cell; /* period: the timeout */
	troupe_on_answer *on_answer;
	void *context;
	troupe_ref target;
	uint32_t type;
} tr_ask;

_Static_assert(sizeof(tr_ask) <= TR_LARGE_CELL_USE, "an ask fits a large cell");

/* An ask that is armed; NULL is remembered by tr_fail.  type: TR_TYPE_ASK or _AWAIT. */
TR_MUST_USE tr_ask *tr_ask_begin(tr_context *context, troupe_actor *self, uint32_t type, int64_t timeout_ns,
    troupe_on_answer *on_answer, void *user);

/* troupe_ask; *ask is what it began, on OK. */
troupe_status tr_ask_send(tr_context *context, troupe_actor *self, const troupe_request *what, int64_t timeout_ns,
    troupe_on_answer *on_answer, void *user, tr_ask **ask);

/* Undo tr_ask_begin: the callback is not called. */
void tr_ask_withdraw(tr_context *context, troupe_actor *self, tr_ask *ask);

/* A reply came out of the mailbox; false: it was late, and is buried. */
bool tr_ask_take_reply(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *reply);

/* So did the cell of an ask. */
void tr_ask_take_due(tr_context *context, troupe *t, troupe_actor *actor, tr_ask *ask);

/* End an ask whose asker ends: with CANCELLED or CLOSING. */
void tr_ask_end(tr_context *context, troupe *t, troupe_actor *actor, tr_ask *ask, troupe_status status);

#endif /* TR_ASK_H */
