/* SPDX-License-Identifier: MIT */
#ifndef TR_FAILURE_H
#define TR_FAILURE_H

#include "runtime/actor/actor.h"

/*
 * failure -- a callback that has declared that its actor failed.
 *
 * What it said lies in the context until the callback has returned; after
 * that in the actor's report, if there is one, which is what goes to the
 * supervisor and into the notices of its end.
 *
 * Threads    The thread that runs the actor, with its context.
 */

typedef struct tr_report {
	troupe_msg msg;     /* to the supervisor */
	uint32_t charge;    /* the supervisor's record of the child */
	uint32_t msg_type;
	int code;
	char *text;         /* from the heap, and after its NUL the actor's name; NULL: no memory, or nothing yet */
} tr_report;

_Static_assert(sizeof(tr_report) <= TR_UNIT, "a report fits the smallest slot");

/* NULL: out of memory. */
TR_MUST_USE tr_report *tr_report_take(tr_context *context);
void tr_report_give(tr_context *context, uint32_t unit);

TR_INLINE tr_report *
tr_report_at(uint32_t unit)
{
	return tr_message_at(unit);
}

const char *tr_report_text(const tr_report *report);
const char *tr_report_name(const tr_report *report);

/*
 * The callback in hand has failed: call who wants to know, bury the message,
 * and write the report, if the actor has an extra and there is memory for it.
 * TR_AFTER_FAIL is taken back.
 */
void tr_failure_settle(tr_context *context, troupe *t, troupe_actor *actor);

/* As if the callback in hand had called troupe_fail. */
void tr_failure_declare(tr_context *context, int code, const char *text);

#endif /* TR_FAILURE_H */
