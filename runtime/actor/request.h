/* SPDX-License-Identifier: MIT */
#ifndef TR_REQUEST_H
#define TR_REQUEST_H

#include "runtime/actor/actor.h"

/*
 * request -- messages that carry the right to one answer, and their end.
 *
 *   request  troupe_msg | ticket | body     token: the asker's cell, or a waiting thread's
 *   reply    troupe_msg | ticket | body     the same token; an error has text for a body
 *
 * Whoever owns a request owns that right.  A request that ends unanswered
 * becomes, in its own slot, the reply that says so: that cannot fail for lack
 * of memory.  Answering and ending are the owner's, one thread's at a time, so
 * that no request is answered twice.
 *
 * Threads    The owner of the message, with its own context.
 */

TR_INLINE bool
tr_request_is_open(const troupe_msg *msg)
{
	return (msg->flag_bits & (TR_MSG_REQUEST | TR_MSG_ANSWERED)) == TR_MSG_REQUEST;
}

/* Why a request ends without an answer. */
typedef struct tr_request_end {
	troupe_status status;
	troupe_ref target;  /* who should have answered */
	int code;           /* FAILED */
	const char *text;   /* FAILED: why */
} tr_request_end;

/* End an owned message; a request that is open is answered with `end`. */
void tr_request_release_slow(tr_context *context, troupe_msg *msg, const tr_request_end *end);

TR_INLINE void
tr_request_release(tr_context *context, troupe_msg *msg, const tr_request_end *end)
{
	if (TR_UNLIKELY(tr_request_is_open(msg)))
		tr_request_release_slow(context, msg, end);
	else
		tr_message_release(&context->cache, msg);
}

/*
 * Send the reply, which the caller owns, to where the request came from.  On
 * OK, DEAD and CLOSING the request counts as answered, and the reply is gone.
 */
troupe_status tr_request_answer(tr_context *context, troupe_msg *request, troupe_msg *reply);

/* An error reply with text; NULL: out of memory. */
TR_MUST_USE troupe_msg *tr_request_take_error(tr_context *context, int code, const char *text);

#endif /* TR_REQUEST_H */
