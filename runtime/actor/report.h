/* SPDX-License-Identifier: MIT */
#ifndef TR_REPORT_H
#define TR_REPORT_H

#include "runtime/actor/actor.h"

/*
 * report -- why an actor has failed: for its supervisor, and for the notices
 * of its end.  A supervised child has one from its spawn on.
 *
 * Threads    Its owner's: see supervise.h.
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

#endif /* TR_REPORT_H */
