/* SPDX-License-Identifier: MIT */
#include "runtime/actor/suspect.h"

#include "runtime/actor/dedicated.h"
#include "runtime/actor/name.h"
#include "runtime/actor/runtime.h"

#include <inttypes.h>
#include <stdio.h>

/* Whose callback runs the target now; NULL when nobody's does. */
static tr_context *
find_runner(troupe *t, troupe_ref target)
{
	tr_context *context;

	for (uint32_t i = 0; i < t->pool.count; i++)
		if (tr_context_self(&t->contexts[i]) == target)
			return &t->contexts[i];
	for (uint32_t i = 0; (context = tr_dedicated_running(t, i)) != NULL; i++)
		if (tr_context_self(context) == target)
			return context;
	return NULL;
}

/* What it does, for the end of the sentence. */
static void
describe_activity(char *text, size_t size, troupe *t, troupe_ref target)
{
	const troupe_actor *actor = tr_ref_slot(target);
	tr_context *runner = tr_mailbox_is_idle(&actor->mailbox) ? NULL : find_runner(t, target);
	char name[TROUPE_NAME_MAX + 1] = "";

	if (runner != NULL) {
		tr_name_copy_running(runner, name);
		/* CX-none: as it comes. */
		uint32_t running = atomic_load_explicit(&runner->running_type, memory_order_relaxed);
		snprintf(text, size, "it%s%.60s%s is running type %" PRIu32 ", with about %" PRIu32 " messages queued",
		    name[0] != '\0' ? " (\"" : "", name, name[0] != '\0' ? "\")" : "", running,
		    tr_mailbox_waiting(&actor->mailbox));
	} else if (tr_mailbox_is_idle(&actor->mailbox)) {
		snprintf(text, size, "it is idle, with 0 messages queued: it may have kept the request");
	} else {
		snprintf(text, size, "it waits for its turn, with about %" PRIu32 " messages queued",
		    tr_mailbox_waiting(&actor->mailbox));
	}
}

void
tr_suspect_describe(char text[TR_SUSPECT_TEXT], troupe *t, troupe_ref target, uint32_t type, int64_t timeout_ns)
{
	const troupe_actor *actor = tr_ref_slot(target);
	const char *class_name = tr_class_name(tr_actor_class(actor));
	char activity[TR_SUSPECT_TEXT / 2];

	/* What was read was its class if it lives yet. */
	if (tr_mailbox_alive(&actor->mailbox) != tr_ref_generation(target)) {
		snprintf(text, TR_SUSPECT_TEXT, "request of type %" PRIu32 " to actor %" PRIx64 " not answered within %" PRId64
		    " ms; the actor has stopped since", type, target, timeout_ns / INT64_C(1000000));
		return;
	}
	describe_activity(activity, sizeof activity, t, target);
	snprintf(text, TR_SUSPECT_TEXT, "request of type %" PRIu32 " to actor %" PRIx64 " of class %.60s not answered within %"
	    PRId64 " ms; %s", type, target, class_name, timeout_ns / INT64_C(1000000), activity);
}
