/* SPDX-License-Identifier: MIT */
#include "runtime/actor/ask.h"

#include "runtime/actor/error.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/post.h"
#include "runtime/actor/registry.h"
#include "runtime/actor/request.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/suspect.h"
#include "runtime/actor/timing.h"

#include <inttypes.h>
#include <stdio.h>

/* --- Its end. --- */

static const char *
explain_status(troupe_status status)
{
	return status == TROUPE_OK           ? ""
	       : status == TROUPE_FAILED     ? "the actor that was asked failed"
	       : status == TROUPE_DEAD       ? "the actor that was asked has stopped"
	       : status == TROUPE_UNANSWERED ? "the request came to its end without an answer"
	       : status == TROUPE_CLOSING    ? "the runtime is being closed"
	       : status == TROUPE_CANCELLED  ? "the asker stops or is restarted"
	                                     : "the request was not answered";
}

/* The cell is unlinked and may be gone; the answer has what was in it. */
static void
call_back(tr_context *context, troupe_actor *actor, troupe_on_answer *on_answer, const troupe_answer *answer,
    troupe_msg *in_hand)
{
	bool was_in_answer = context->in_answer;

	context->in_answer = true;
	context->msg = in_hand;
	/* CX-none: for reports as it comes. */
	atomic_store_explicit(&context->running_type, answer->type, memory_order_relaxed);
	on_answer(actor, tr_actor_state(actor), answer);
	if (in_hand != NULL && context->msg != NULL)
		tr_message_release(&context->cache, context->msg);
	context->msg = NULL;
	context->in_answer = was_in_answer;
}

static troupe_answer
answer_of(const tr_ask *ask, troupe_status status)
{
	return (troupe_answer){
		.status = status,
		.text = explain_status(status),
		.target = ask->target,
		.type = ask->type,
		.context = ask->context,
	};
}

/* What the cell refers to, and the cell. */
static void
give_up(tr_context *context, troupe *t, troupe_actor *actor, tr_ask *ask)
{
	if (ask->cell.msg.type == TR_TYPE_AWAIT)
		tr_registry_end_wait(context, t, ask, NULL);
	tr_cells_end(context, t, actor, &ask->cell);
}

void
tr_ask_end(tr_context *context, troupe *t, troupe_actor *actor, tr_ask *ask, troupe_status status)
{
	troupe_answer answer = answer_of(ask, status);
	troupe_on_answer *on_answer = ask->on_answer;

	give_up(context, t, actor, ask);
	call_back(context, actor, on_answer, &answer, NULL);
}

void
tr_ask_take_due(tr_context *context, troupe *t, troupe_actor *actor, tr_ask *ask)
{
	if (ask->cell.period == TR_CELL_ENDED) {
		tr_cells_give(context, &ask->cell);
		return;
	}
	troupe_answer answer = answer_of(ask, TROUPE_TIMEOUT);
	troupe_on_answer *on_answer = ask->on_answer;
	int64_t timeout = ask->cell.period;
	char text[TR_SUSPECT_TEXT];

	if (ask->cell.msg.type == TR_TYPE_AWAIT) {
		char name[TROUPE_NAME_MAX + 1];

		tr_registry_end_wait(context, t, ask, name);
		snprintf(text, sizeof text, "nobody took the name \"%s\" within %" PRId64 " ms", name, timeout / TROUPE_MS);
	} else {
		tr_suspect_describe(context, text, answer.target, answer.type, timeout);
	}
	answer.text = text;
	tr_cells_remove(context, actor, &ask->cell);
	call_back(context, actor, on_answer, &answer, NULL);
}

static void
bury_late(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *reply)
{
	troupe_dead_letter form = tr_letter_form(context, actor);

	form.reason = TROUPE_LATE;
	reply->next_unit = 0;
	tr_letter_bury(context, t, &form, tr_message_unit(reply));
}

bool
tr_ask_take_reply(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *reply)
{
	tr_ask *ask = (tr_ask *)tr_cell_find(tr_message_ticket(reply)->token, tr_context_self(context));
	bool is_error = reply->flag_bits & TR_MSG_ERROR;

	if (ask == NULL) {
		bury_late(context, t, actor, reply);
		return false;
	}
	troupe_answer answer = answer_of(ask, is_error ? (troupe_status)reply->type : TROUPE_OK);
	troupe_on_answer *on_answer = ask->on_answer;

	/* Kept by the callback, it is a message like any other. */
	reply->flag_bits &= ~(uint32_t)(TR_MSG_REPLY | TR_MSG_ERROR);
	if (is_error) {
		answer.code = tr_message_ticket(reply)->code;
		if (answer.status == TROUPE_FAILED && reply->size > 0)
			answer.text = reply->body;
	} else if (ask->cell.msg.type == TR_TYPE_AWAIT) {
		answer.target = reply->sender;
	} else {
		answer.msg = reply;
	}
	give_up(context, t, actor, ask);
	if (answer.msg != NULL) {
		call_back(context, actor, on_answer, &answer, reply);
	} else {
		call_back(context, actor, on_answer, &answer, NULL);
		tr_message_release(&context->cache, reply);
	}
	return true;
}

/* --- Its beginning. --- */

tr_ask *
tr_ask_begin(tr_context *context, troupe_actor *self, uint32_t type, int64_t timeout_ns, troupe_on_answer *on_answer,
    void *user)
{
	if (timeout_ns < 0 || on_answer == NULL || tr_actor_is_ending(self)) {
		tr_fail(TROUPE_INVALID, "an ask needs a deadline and a callback, and an actor that goes on; its timeout is %"
		    PRId64 " ns", timeout_ns);
		return NULL;
	}
	tr_ask *ask = (tr_ask *)tr_cells_take(context, self, TR_LARGE_CELL, type);
	if (ask == NULL) {
		tr_fail(TROUPE_NOMEM, "no memory for an ask");
		return NULL;
	}
	ask->cell.period = timeout_ns;
	ask->cell.deadline = tr_timing_about_after(context->current_runtime, timeout_ns);
	ask->on_answer = on_answer;
	ask->context = user;
	ask->target = 0;
	ask->type = 0;
	return tr_cells_arm_or_remove(context, context->current_runtime, self, &ask->cell) ? ask : NULL;
}

void
tr_ask_withdraw(tr_context *context, troupe_actor *self, tr_ask *ask)
{
	tr_cells_end(context, context->current_runtime, self, &ask->cell);
}

/* The request is the caller's until OK. */
static troupe_status
send_request(tr_context *context, troupe_actor *self, troupe_ref to, troupe_msg *request, int64_t timeout_ns,
    troupe_on_answer *on_answer, void *user, tr_ask **begun)
{
	tr_ask *ask = tr_ask_begin(context, self, TR_TYPE_ASK, timeout_ns, on_answer, user);

	if (ask == NULL)
		return troupe_last_error();
	ask->target = to;
	ask->type = request->type;
	request->sender = tr_context_self(context);
	tr_message_ticket(request)->token = tr_cell_token(&ask->cell, request->sender);
	request->flag_bits |= TR_MSG_REQUEST;
	troupe_status status = tr_post(context, to, request);
	if (status != TROUPE_OK)
		tr_ask_withdraw(context, self, ask);
	*begun = ask;
	return status;
}

troupe_status
tr_ask_send(tr_context *context, troupe_actor *self, const troupe_request *what, int64_t timeout_ns,
    troupe_on_answer *on_answer, void *user, tr_ask **ask)
{
	if (!tr_message_is_sendable(what->type, what->data, what->size) || !tr_ref_is_handle(what->to))
		return tr_fail(TROUPE_INVALID, "cannot ask with %zu bytes at %p as type %" PRIu32 " handle %" PRIx64,
		    what->size, what->data, what->type, what->to);
	troupe_msg *request = tr_message_take_ticket(&context->cache, what->type, what->data, what->size);
	if (request == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for a request of %zu bytes", what->size);
	troupe_status status = send_request(context, self, what->to, request, timeout_ns, on_answer, user, ask);
	if (status != TROUPE_OK)
		tr_message_release(&context->cache, request);
	return status;
}

troupe_status
troupe_ask(troupe_actor *self, troupe_ref to, uint32_t type, const void *data, size_t size, int64_t timeout_ns,
    troupe_on_answer *on_answer, void *user)
{
	troupe_request what = { .to = to, .type = type, .data = data, .size = size };
	tr_ask *ask;

	return tr_ask_send(tr_require_self(self, __func__), self, &what, timeout_ns, on_answer, user, &ask);
}

troupe_status
troupe_ask_msg(troupe_actor *self, troupe_ref to, troupe_msg **msg, int64_t timeout_ns, troupe_on_answer *on_answer,
    void *user)
{
	tr_context *context = tr_require_self(self, __func__);

	if (!tr_message_may_be_wrapped(msg))
		return tr_fail(TROUPE_INVALID, "%s: no message, or itself a request or the runtime's own", __func__);
	troupe_msg *request = tr_message_wrap(&context->cache, *msg);
	tr_ask *ask;
	if (request == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for a request");
	troupe_status status = send_request(context, self, to, request, timeout_ns, on_answer, user, &ask);
	if (status != TROUPE_OK)
		tr_message_discard(&context->cache, request); /* and what it wraps stays */
	else
		*msg = NULL;
	return status;
}
