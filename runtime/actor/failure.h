/* SPDX-License-Identifier: MIT */
#ifndef TR_FAILURE_H
#define TR_FAILURE_H

#include "runtime/actor/actor.h"

/*
 * failure -- a callback that has declared that its actor failed.
 *
 * What it said lies in the context until the callback has returned; after
 * that in the actor's report (report.h), if there is one.
 *
 * Threads    The thread that runs the actor, with its context.
 */

/*
 * The callback in hand has failed: call who wants to know, bury the message,
 * and write the report, if the actor has an extra and there is memory for it.
 * TR_AFTER_FAIL is taken back.
 */
void tr_failure_settle(tr_context *context, troupe *t, troupe_actor *actor);

/* As if the callback in hand had called troupe_fail. */
void tr_failure_declare(tr_context *context, int code, const char *text);

#endif /* TR_FAILURE_H */
