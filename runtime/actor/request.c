/* SPDX-License-Identifier: MIT */
#include "runtime/actor/request.h"

#include "runtime/actor/call.h"
#include "runtime/actor/error.h"
#include "runtime/actor/post.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* --- Replies. --- */

troupe_msg *
tr_request_take_error(tr_context *context, int code, const char *text)
{
	troupe_msg *reply = tr_message_take_ticket(&context->cache, TROUPE_FAILED, text, strlen(text) + 1);

	if (reply == NULL)
		return NULL;
	reply->flag_bits |= TR_MSG_ERROR;
	tr_message_ticket(reply)->code = code;
	return reply;
}

/* Where a request came from. */
typedef struct origin {
	troupe_ref asker;
	uint64_t token;
	bool is_call;
} origin;

static origin
origin_of(const troupe_msg *request)
{
	return (origin){
		.asker = request->sender,
		.token = tr_message_ticket(request)->token,
		.is_call = request->flag_bits & TR_MSG_CALL,
	};
}

/* The reply has its sender; it is the caller's unless the status is OK. */
static troupe_status
try_reply(tr_context *context, origin to, troupe_msg *reply)
{
	tr_message_ticket(reply)->token = to.token;
	reply->flag_bits |= TR_MSG_REPLY;
	return to.is_call ? tr_call_deliver(context, to.token, reply) : tr_post(context, to.asker, reply);
}

/* The same, and the reply no longer belongs to the caller, whatever comes of it. */
static troupe_status
send_reply(tr_context *context, origin to, troupe_msg *reply)
{
	troupe_status status = try_reply(context, to, reply);

	if (status != TROUPE_OK)
		tr_message_release(&context->cache, reply);
	return status;
}

/* The request counts as answered from here on. */
static origin
mark_answered(tr_context *context, troupe_msg *request, troupe_msg *reply)
{
	reply->sender = tr_context_self(context);
	request->flag_bits |= TR_MSG_ANSWERED;
	return origin_of(request);
}

troupe_status
tr_request_answer(tr_context *context, troupe_msg *request, troupe_msg *reply)
{
	return send_reply(context, mark_answered(context, request, reply), reply);
}

/* --- The end of a request. --- */

/* Text beside the code, if there is memory for it. */
static bool
answer_with_text(tr_context *context, const troupe_msg *request, const tr_request_end *end)
{
	troupe_msg *reply = tr_request_take_error(context, end->code, end->text);

	if (reply == NULL)
		return false;
	reply->sender = end->target;
	(void)send_reply(context, origin_of(request), reply);
	return true;
}

/* The request becomes its own reply. */
static void
answer_in_place(tr_context *context, troupe_msg *request, const tr_request_end *end)
{
	origin to = origin_of(request);

	if (request->flag_bits & TR_MSG_NESTED)
		tr_message_release(&context->cache, tr_message_from(tr_message_ticket(request)->inner));
	*request = (troupe_msg){
		.flag_bits = (request->flag_bits & TR_MSG_SIZE_CLASS) | TR_MSG_ERROR,
		.type = end->status,
		.sender = end->target,
	};
	*tr_message_ticket(request) = (tr_ticket){ .code = end->code };
	(void)send_reply(context, to, request);
}

void
tr_request_release_slow(tr_context *context, troupe_msg *msg, const tr_request_end *end)
{
	if (end->status == TROUPE_FAILED && answer_with_text(context, msg, end)) {
		msg->flag_bits |= TR_MSG_ANSWERED;
		tr_message_release(&context->cache, msg);
		return;
	}
	answer_in_place(context, msg, end);
}

/* --- The public calls. --- */

bool
troupe_is_request(const troupe_msg *msg)
{
	return msg != NULL && tr_request_is_open(msg);
}

/* A reply with a copy of the data; NULL is remembered by tr_fail. */
static troupe_msg *
take_reply(tr_context *context, uint32_t type, const void *data, size_t size)
{
	if (!tr_message_is_sendable(type, data, size)) {
		tr_fail(TROUPE_INVALID, "cannot answer with %zu bytes at %p as type %" PRIu32, size, data, type);
		return NULL;
	}
	troupe_msg *reply = tr_message_take_ticket(&context->cache, type, data, size);
	if (reply == NULL)
		tr_fail(TROUPE_NOMEM, "no memory for an answer of %zu bytes", size);
	return reply;
}

/* The message in hand, to be replied to; NULL is remembered by tr_fail. */
static troupe_msg *
find_in_hand(tr_context *context, const char *call)
{
	troupe_msg *msg = context->msg;

	/* A request of a thread outside has no sender, but is to be answered. */
	if (msg == NULL || (msg->sender == 0 && !(msg->flag_bits & TR_MSG_REQUEST))) {
		tr_fail(TROUPE_INVALID, "%s: there is no message in hand that has a sender", call);
		return NULL;
	}
	if (msg->flag_bits & TR_MSG_ANSWERED) {
		tr_fail(TROUPE_INVALID, "%s: the request was answered before", call);
		return NULL;
	}
	return msg;
}

troupe_status
troupe_reply(troupe_actor *self, uint32_t type, const void *data, size_t size)
{
	tr_context *context = tr_require_self(self, __func__);
	troupe_msg *request = find_in_hand(context, __func__);

	if (request == NULL)
		return TROUPE_INVALID;
	if (!(request->flag_bits & TR_MSG_REQUEST))
		return troupe_send(request->sender, type, data, size);
	troupe_msg *reply = take_reply(context, type, data, size);
	return reply != NULL ? tr_request_answer(context, request, reply) : troupe_last_error();
}

troupe_status
troupe_reply_msg(troupe_actor *self, troupe_msg **msg)
{
	tr_context *context = tr_require_self(self, __func__);
	troupe_msg *request = find_in_hand(context, __func__);

	if (request == NULL)
		return TROUPE_INVALID;
	if (!tr_message_may_be_wrapped(msg))
		return tr_fail(TROUPE_INVALID, "%s: no message, or itself a request or the runtime's own", __func__);
	if (!(request->flag_bits & TR_MSG_REQUEST))
		return troupe_send_msg(request->sender, msg);
	troupe_msg *reply = tr_message_wrap(&context->cache, *msg);
	if (reply == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for an answer");
	troupe_status status = try_reply(context, mark_answered(context, request, reply), reply);
	if (status != TROUPE_OK)
		tr_message_discard(&context->cache, reply); /* and what it wraps stays */
	else
		*msg = NULL;
	return status;
}

static TROUPE_PRINTF(4, 0) troupe_status
answer_with_error(tr_context *context, troupe_msg *request, int code, const char *format, va_list arguments)
{
	char text[TROUPE_ERROR_MAX + 1];

	vsnprintf(text, sizeof text, format, arguments);
	troupe_msg *reply = tr_request_take_error(context, code, text);
	if (reply == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for an answer");
	return tr_request_answer(context, request, reply);
}

troupe_status
troupe_reply_error(troupe_actor *self, int code, const char *format, ...)
{
	tr_context *context = tr_require_self(self, __func__);
	va_list arguments;

	if (context->msg == NULL || !tr_request_is_open(context->msg))
		return tr_fail(TROUPE_INVALID, "%s: the message in hand is no request that waits for an answer", __func__);
	va_start(arguments, format);
	troupe_status status = answer_with_error(context, context->msg, code, format, arguments);
	va_end(arguments);
	return status;
}

/* NULL is remembered by tr_fail. */
static tr_context *
require_kept(troupe_msg **request, const char *call)
{
	tr_context *context = tr_context_mine();

	if (context == NULL)
		return NULL;
	if (request == NULL || *request == NULL || !tr_request_is_open(*request)) {
		tr_fail(TROUPE_INVALID, "%s: there is no request, or it was answered before", call);
		return NULL;
	}
	return context;
}

static troupe_status
finish_kept(tr_context *context, troupe_msg **request, troupe_status status)
{
	if (status != TROUPE_NOMEM && status != TROUPE_INVALID) {
		tr_message_release(&context->cache, *request);
		*request = NULL;
	}
	return status;
}

troupe_status
troupe_answer_kept(troupe_msg **request, uint32_t type, const void *data, size_t size)
{
	tr_context *context = require_kept(request, __func__);

	if (context == NULL)
		return troupe_last_error();
	troupe_msg *reply = take_reply(context, type, data, size);
	if (reply == NULL)
		return troupe_last_error();
	return finish_kept(context, request, tr_request_answer(context, *request, reply));
}

troupe_status
troupe_answer_kept_error(troupe_msg **request, int code, const char *format, ...)
{
	tr_context *context = require_kept(request, __func__);
	va_list arguments;

	if (context == NULL)
		return troupe_last_error();
	va_start(arguments, format);
	troupe_status status = answer_with_error(context, *request, code, format, arguments);
	va_end(arguments);
	return finish_kept(context, request, status);
}
