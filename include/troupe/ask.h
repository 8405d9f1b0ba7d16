/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_ASK_H
#define TROUPE_ASK_H

#include <troupe/types.h>

TROUPE_BEGIN

/*
 * A request is a message that carries the right to one answer.  Whoever owns
 * the message owns that right: the actor that has it in hand, the one it is
 * forwarded to, or whoever keeps it to answer later.  When a request comes to
 * its end without an answer, its asker is told at once.  So each ask ends
 * exactly once, with
 *
 *   OK          an answer
 *   FAILED      an answer that is an error, or the target failed over the request
 *   DEAD        the target stopped before it handled the request
 *   UNANSWERED  the request was handled, or freed, and not answered
 *   TIMEOUT     the deadline passed first
 *   CLOSING     the runtime is being closed
 *   CANCELLED   the asker itself stopped, or was restarted
 */
typedef struct troupe_answer {
	troupe_status status;
	const troupe_msg *msg; /* OK: the answer, the message in hand; else NULL */
	int code;              /* FAILED: what the failing actor gave; else 0 */
	const char *text;      /* a sentence about what went wrong; "" for OK */
	troupe_ref target;     /* who was asked */
	uint32_t type;         /* of the request */
	void *context;         /* the ask's */
} troupe_answer;

/* Called in the asker, between its messages.  All of answer is borrowed. */
typedef void troupe_on_answer(troupe_actor *self, void *state, const troupe_answer *answer);

/*
 * Ask `to` and go on: `on_answer` is called exactly once, at the latest when
 * `timeout_ns` has passed (from half a second up to a fiftieth more) and self
 * has come to it; an answer that comes later is a dead letter with reason LATE.  The bytes at `data` are copied.
 * `context` is the caller's, and handed to on_answer.
 *
 * OK; or as for troupe_send (DEAD, CLOSING, NOMEM, INVALID), or INVALID when
 * timeout_ns is negative, on_answer is NULL or self is stopping: then nothing
 * was asked and on_answer is not called.
 */
troupe_status troupe_ask(troupe_actor *self, troupe_ref to, uint32_t type, const void *data, size_t size,
    int64_t timeout_ns, troupe_on_answer *on_answer, void *context);

/* The same with an owned message.  On OK *msg is NULL; else the caller still owns it.  A request in *msg is INVALID. */
troupe_status troupe_ask_msg(troupe_actor *self, troupe_ref to, troupe_msg **msg, int64_t timeout_ns,
    troupe_on_answer *on_answer, void *context);

/*
 * Ask and wait: for threads outside the pool, and for dedicated actors.  On
 * OK the answer is in *answer (owned by the caller, to be freed; or NULL for
 * "answer" if it does not matter).
 *
 * Returns how the ask ended (see above; troupe_last_error_text says more, and
 * for FAILED *code, which may be NULL, is set), or DEADLOCK at once in a pool
 * worker's callback and for a dedicated actor that asks itself, or what
 * troupe_ask may return.  Without workers the thread of a caller outside drives
 * the runtime meanwhile, unless another thread does, and it is CLOSING once
 * troupe_shutdown was called; under the simulated scheduler the deadline is
 * virtual time, which another thread that drives it lets pass only while it has
 * something to do.  An answer that a thread outside gives too late is freed, and
 * counted nowhere.
 */
troupe_status troupe_call(troupe_ref to, uint32_t type, const void *data, size_t size, int64_t timeout_ns,
    troupe_msg **answer, int *code);

/* Whether msg is a request that has not been answered. */
bool troupe_is_request(const troupe_msg *msg);

/*
 * Answer the request in hand; the behavior may go on reading it.  When the
 * message in hand was no request, an ordinary message goes to its sender.
 *
 * OK; INVALID when there is no message in hand, it has no sender, or it was
 * answered before; DEAD or CLOSING when the asker is gone; NOMEM, and the
 * request is still to be answered.  OK does not say that the answer is in time.
 */
troupe_status troupe_reply(troupe_actor *self, uint32_t type, const void *data, size_t size);

/* The same with an owned message.  On OK *msg is NULL; else the caller still owns it.  A request in *msg is INVALID. */
troupe_status troupe_reply_msg(troupe_actor *self, troupe_msg **msg);

/*
 * Answer the request in hand with an error: the asker sees FAILED, `code` and
 * the formatted text, cut at TROUPE_ERROR_MAX bytes.  INVALID also when the
 * message in hand is no request.
 */
troupe_status troupe_reply_error(troupe_actor *self, int code, const char *format, ...) TROUPE_PRINTF(3, 4);

#define TROUPE_ERROR_MAX 239

/*
 * Answer a request that was kept (troupe_keep), from any thread.  On OK, DEAD
 * and CLOSING the request has come to its end and *request is NULL; on NOMEM
 * and INVALID (*request is NULL or no request) nothing has changed.
 */
troupe_status troupe_answer_kept(troupe_msg **request, uint32_t type, const void *data, size_t size);
troupe_status troupe_answer_kept_error(troupe_msg **request, int code, const char *format, ...) TROUPE_PRINTF(3, 4);

/* One of the requests of a gather. */
typedef struct troupe_request {
	troupe_ref to;
	uint32_t type;
	const void *data; /* copied */
	size_t size;
} troupe_request;

/* What became of them.  All of it is borrowed. */
typedef struct troupe_gathered {
	troupe_status status;         /* OK: as many as wanted were answered; else that of the last one that was not */
	size_t count;                 /* of the requests */
	size_t answered;              /* of these, with OK */
	const troupe_answer *answers; /* in the order of the requests; those that were not waited for are CANCELLED */
	void *context;
} troupe_gathered;

typedef void troupe_on_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered);

/*
 * Ask several at once: `on_gathered` is called exactly once, as soon as `want`
 * of the `count` requests were answered with OK (count: all; 1: the first), or
 * so many can no longer be.  Answers after that are dead letters with reason
 * LATE.  A request that cannot even be sent counts as one that ended so.  The
 * text of an answer that is not OK is the name of its status.
 *
 * OK; INVALID (count is 0, want is 0 or over count, a negative timeout, no
 * on_gathered, or self is stopping) or NOMEM; or, when fewer than `want` can
 * be sent, the status of the last that cannot.  Unless it is OK, on_gathered
 * is not called, and no answer counts.
 */
troupe_status troupe_gather(troupe_actor *self, const troupe_request *requests, size_t count, size_t want,
    int64_t timeout_ns, troupe_on_gathered *on_gathered, void *context);

TROUPE_END

#endif /* TROUPE_ASK_H */
