/* SPDX-License-Identifier: MIT */
#include "runtime/actor/failure.h"

#include "runtime/actor/letter.h"
#include "runtime/actor/report.h"
#include "runtime/actor/request.h"
#include "runtime/actor/runtime.h"
#include "runtime/memory/fault.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* --- Telling. --- */

static void
write_report(tr_context *context, troupe_actor *actor, const troupe_failure *failure)
{
	tr_extra *extra = tr_actor_extra(actor);

	if (extra == NULL)
		return;
	if (extra->report == 0) {
		tr_report *fresh = tr_report_take(context);

		if (fresh == NULL)
			return;
		extra->report = tr_message_unit(fresh);
	}
	tr_report *report = tr_report_at(extra->report);
	size_t text_size = strlen(failure->text) + 1, name_size = strlen(failure->actor_name) + 1;

	tr_heap_give(report->text);
	report->text = tr_heap_take(text_size + name_size);
	report->code = failure->code;
	report->msg_type = failure->msg_type;
	if (report->text == NULL)
		return;
	memcpy(report->text, failure->text, text_size);
	memcpy(report->text + text_size, failure->actor_name, name_size);
}

static void
log_failure(const troupe *t, const troupe_failure *failure)
{
	tr_log(&t->options, TROUPE_LOG_WARNING,
	    "actor %" PRIx64 " \"%s\" of class %s failed over type %" PRIu32 " with code %d: %s", failure->who,
	    failure->actor_name, failure->class_name, failure->msg_type, failure->code, failure->text);
}

static void
tell_of_failure(tr_context *context, troupe *t, troupe_actor *actor, const troupe_failure *failure)
{
	const troupe_class *class_ = tr_actor_class(actor);

	context->failing = true;
	if (class_->failed != NULL)
		class_->failed(actor, tr_actor_state(actor), failure);
	if (t->options.failure != NULL)
		t->options.failure(t->options.context, failure);
	else
		log_failure(t, failure);
	context->failing = false;
	/* What these callbacks asked for themselves changes nothing any more. */
	context->after &= (uint8_t)~(unsigned)TR_AFTER_FAIL;
}

/* The message becomes a dead letter, but it was handled: it is not counted again. */
static void
bury_failed(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *msg, const troupe_failure *failure)
{
	troupe_dead_letter letter = tr_letter_form(context, actor);
	tr_request_end end = {
		.status = TROUPE_FAILED,
		.target = failure->who,
		.code = failure->code,
		.text = failure->text,
	};

	letter.reason = TROUPE_FAILED;
	letter.msg = msg;
	if (t->options.dead_letter != NULL)
		t->options.dead_letter(t->options.context, &letter);
	tr_request_release(context, msg, &end);
}

/* Not what comes while it ends for another reason already; but a start that failed is one. */
static bool
is_reported(const troupe_actor *actor)
{
	return !tr_actor_is_ending(actor) ||
	       (!(actor->flags & TR_ACTOR_STOPPING) && tr_actor_phase(actor) == TR_PHASE_HALTED);
}

void
tr_failure_settle(tr_context *context, troupe *t, troupe_actor *actor)
{
	troupe_msg *msg = context->failed_msg;
	char text[TROUPE_FAILURE_MAX + 1];
	troupe_failure failure = {
		.who = tr_context_self(context),
		.class_name = tr_class_name(tr_actor_class(actor)),
		.actor_name = tr_actor_name(actor),
		.msg_type = msg != NULL ? msg->type : 0,
		.code = context->failure_code,
		.text = text,
	};

	memcpy(text, context->failure_text, sizeof text);
	context->failed_msg = NULL;
	context->msg = NULL;
	context->after &= (uint8_t)~(unsigned)TR_AFTER_FAIL;
	tr_count(&context->visits[t->number].tally.failed, 1);
	tell_of_failure(context, t, actor, &failure);
	if (is_reported(actor))
		write_report(context, actor, &failure);
	if (msg != NULL)
		bury_failed(context, t, actor, msg, &failure);
}

/* --- Declaring. --- */

void
tr_failure_declare(tr_context *context, int code, const char *text)
{
	if (context->after & TR_AFTER_FAIL)
		return;
	context->after |= TR_AFTER_FAIL;
	context->failure_code = code;
	snprintf(context->failure_text, sizeof context->failure_text, "%s", text);
	context->failed_msg = context->msg;
	context->msg = NULL;
}

void
troupe_fail(troupe_actor *self, int code, const char *format, ...)
{
	tr_context *context = tr_require_self(self, __func__);
	char text[TROUPE_FAILURE_MAX + 1];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	tr_failure_declare(context, code, text);
}
