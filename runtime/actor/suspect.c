/* SPDX-License-Identifier: MIT */
#include "runtime/actor/suspect.h"

#include "runtime/actor/dedicated.h"
#include "runtime/actor/name.h"
#include "runtime/actor/runtime.h"

#include <inttypes.h>
#include <stdio.h>

/* Who runs an actor now. */
typedef struct runner {
	uint32_t running_type;
	char name[TROUPE_NAME_MAX + 1];
} runner;

static void
note_runner(tr_context *context, void *who_)
{
	runner *who = who_;

	tr_name_copy_running(context, who->name);
	/* CX-none: as it comes. */
	who->running_type = atomic_load_explicit(&context->running_type, memory_order_relaxed);
}

static bool
find_runner(troupe *t, troupe_ref target, runner *who)
{
	for (uint32_t i = 0; i < t->pool.count; i++)
		if (tr_context_self(&t->contexts[i]) == target) {
			note_runner(&t->contexts[i], who);
			return true;
		}
	return tr_dedicated_visit(t, target, note_runner, who);
}

/* What it does, for the end of the sentence. */
static void
describe_activity(char *text, size_t size, troupe *t, troupe_ref target)
{
	const troupe_actor *actor = tr_ref_slot(target);
	uint32_t queued = tr_mailbox_waiting(&actor->mailbox);
	bool is_idle = tr_mailbox_is_idle(&actor->mailbox);
	const char *more = tr_mailbox_has_new(&actor->mailbox) ? ", and newer ones" : "";
	runner who;

	if (tr_actor_phase(actor) != TR_PHASE_NONE)
		snprintf(text, size, "it has failed and waits for its supervisor, with its messages queued");
	else if (is_idle)
		snprintf(text, size, "it is idle, with 0 messages queued: it may have kept the request");
	else if (!find_runner(t, target, &who))
		snprintf(text, size, "it waits for its turn, with %" PRIu32 " messages queued when it last looked%s", queued, more);
	else
		snprintf(text, size, "it%s%.60s%s is running type %" PRIu32 ", with %" PRIu32
		    " messages queued when it last looked%s", *who.name != '\0' ? " (\"" : "", who.name,
		    *who.name != '\0' ? "\")" : "", who.running_type, queued, more);
}

void
tr_suspect_describe(tr_context *context, char text[TR_SUSPECT_TEXT], troupe_ref target, uint32_t type,
    int64_t timeout_ns)
{
	const troupe_actor *actor = tr_ref_slot(target);
	/* CX-none: what was read was its home and its class if it lives yet. */
	uint8_t home = atomic_load_explicit(&actor->home, memory_order_relaxed);
	const troupe_class *class_ = tr_actor_class(actor);
	int64_t ms = timeout_ns / TROUPE_MS;
	char activity[TR_SUSPECT_TEXT / 2];
	troupe *t = tr_runtime_enter(context, home);

	if (t == NULL || tr_mailbox_alive(&actor->mailbox) != tr_ref_generation(target)) {
		snprintf(text, TR_SUSPECT_TEXT, "request of type %" PRIu32 " to actor %" PRIx64 " not answered within %" PRId64
		    " ms; the actor has stopped since", type, target, ms);
	} else {
		describe_activity(activity, sizeof activity, t, target);
		snprintf(text, TR_SUSPECT_TEXT, "request of type %" PRIu32 " to actor %" PRIx64
		    " of class %.60s not answered within %" PRId64 " ms; %s", type, target, tr_class_name(class_), ms, activity);
	}
	if (t != NULL)
		tr_runtime_leave(context, home);
}
