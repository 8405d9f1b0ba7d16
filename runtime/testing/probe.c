/* SPDX-License-Identifier: MIT */
#include <troupe/test.h>

#include "runtime/actor/error.h"
#include "runtime/actor/lanes.h"
#include "runtime/actor/post.h"
#include "runtime/actor/request.h"
#include "runtime/actor/runtime.h"
#include "runtime/memory/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * probe -- an actor that keeps what comes, and the thread that expects it.
 *
 * Threads    The list is under the lock: the actor appends, the test's thread
 *            takes.  Both hold the probe; who lets go of it last frees it.
 * Ownership  What waits in the list is the probe's; what was expected last is
 *            its `current`.
 */

struct troupe_probe {
	troupe *t;
	troupe_ref ref;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t came;
	unsigned holders; /* the test's thread and the actor */
	bool destroyed;
	tr_chain waiting;
	uint32_t *ignored;
	size_t ignored_count;
	/* The test's thread's. */
	troupe_msg *current;
};

/* Asks the actor to monitor whom the body names. */
#define TYPE_MONITOR UINT32_C(0xffff0180)

/* --- The actor. --- */

static void
let_go(troupe_probe *probe)
{
	pthread_mutex_lock(&probe->lock);
	bool last = --probe->holders == 0;
	pthread_mutex_unlock(&probe->lock);
	if (!last)
		return;
	pthread_cond_destroy(&probe->came);
	pthread_mutex_destroy(&probe->lock);
	free(probe->ignored);
	free(probe);
}

static bool
is_ignored(const troupe_probe *probe, uint32_t type)
{
	for (size_t i = 0; i < probe->ignored_count; i++)
		if (probe->ignored[i] == type)
			return true;
	return false;
}

static int
start_probe(troupe_actor *self, void *state, const void *argument)
{
	troupe_probe *probe = *(troupe_probe *const *)argument;

	(void)self;
	*(troupe_probe **)state = probe;
	probe->holders++;
	return 0;
}

static void
stop_probe(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	let_go(*(troupe_probe **)state);
}

static void
monitor_for_test(troupe_actor *self, const troupe_msg *msg)
{
	if (troupe_monitor(self, *(const troupe_ref *)msg->body) != 0 || troupe_last_error() != TROUPE_NOMEM)
		return;
	/* Without memory now there may be some in the next turn. */
	troupe_msg *again = troupe_keep(self);

	if (tr_post(tr_current_context, troupe_self(self), again) != TROUPE_OK)
		troupe_msg_free(&again);
}

static void
receive_for_test(troupe_actor *self, void *state, const troupe_msg *msg)
{
	troupe_probe *probe = *(troupe_probe **)state;

	if (msg->type == TYPE_MONITOR) {
		monitor_for_test(self, msg);
		return;
	}
	pthread_mutex_lock(&probe->lock);
	if (!probe->destroyed && !is_ignored(probe, msg->type)) {
		tr_chain_append_one(&probe->waiting, tr_message_unit(troupe_keep(self)));
		pthread_cond_signal(&probe->came);
	}
	pthread_mutex_unlock(&probe->lock);
}

static const troupe_class probe_class = {
	.name = "probe",
	.state_size = sizeof(troupe_probe *),
	.receive = receive_for_test,
	.start = start_probe,
	.stop = stop_probe,
};

/* --- Its life. --- */

static troupe_probe *
allocate(troupe *t)
{
	troupe_probe *probe = tr_heap_take_zeroed(sizeof *probe);

	if (probe == NULL)
		return NULL;
	probe->t = t;
	probe->holders = 1;
	if (pthread_mutex_init(&probe->lock, NULL) != 0)
		goto fail;
	if (tr_cond_init(&probe->came) != 0)
		goto fail_lock;
	return probe;

fail_lock:
	pthread_mutex_destroy(&probe->lock);
fail:
	free(probe);
	return NULL;
}

troupe_probe *
troupe_probe_create(troupe *t)
{
	if (tr_runtime_check_call(t, __func__) != TROUPE_OK)
		return NULL;
	troupe_probe *probe = allocate(t);
	if (probe == NULL) {
		tr_fail(TROUPE_NOMEM, "no memory for a probe");
		return NULL;
	}
	probe->ref = troupe_spawn(t, &probe_class, &probe);
	if (probe->ref == 0) {
		let_go(probe);
		return NULL;
	}
	return probe;
}

/* All that waits, or all of it that is ignored by now. */
static tr_chain
take_waiting(troupe_probe *probe, bool only_ignored)
{
	tr_chain all, taken = { 0, 0 }, kept = { 0, 0 };

	pthread_mutex_lock(&probe->lock);
	all = probe->waiting;
	while (all.first != 0) {
		uint32_t unit = tr_chain_take(&all);
		bool is_taken = !only_ignored || is_ignored(probe, tr_message_from(unit)->type);

		tr_chain_append_one(is_taken ? &taken : &kept, unit);
	}
	probe->waiting = kept;
	pthread_mutex_unlock(&probe->lock);
	return taken;
}

/* Not under the lock: destructors are the program's. */
static void
free_all(tr_chain all)
{
	while (all.first != 0) {
		troupe_msg *msg = tr_message_from(tr_chain_take(&all));

		troupe_msg_free(&msg);
	}
}

void
troupe_probe_destroy(troupe_probe **which)
{
	troupe_probe *probe = *which;

	*which = NULL;
	if (probe == NULL || tr_process_is_forked())
		return;
	pthread_mutex_lock(&probe->lock);
	probe->destroyed = true;
	pthread_mutex_unlock(&probe->lock);
	free_all(take_waiting(probe, false));
	troupe_msg_free(&probe->current);
	/* Without memory for that it stays until its runtime is closed. */
	(void)troupe_stop(probe->ref, TROUPE_STOP_NOW);
	let_go(probe);
}

troupe_ref
troupe_probe_ref(const troupe_probe *probe)
{
	return probe->ref;
}

/* --- Waiting. --- */

static bool
has_message(troupe_probe *probe)
{
	pthread_mutex_lock(&probe->lock);
	bool has = probe->waiting.first != 0;
	pthread_mutex_unlock(&probe->lock);
	return has;
}

static bool
is_there(void *probe)
{
	return has_message(probe);
}

/* Under simulation it is known when nothing can come any more. */
static bool
is_there_or_never(void *probe_)
{
	troupe_probe *probe = probe_;

	return has_message(probe) || tr_runtime_is_quiet(probe->t);
}

/* false: another thread drives the runtime. */
static bool
drive_for(troupe_probe *probe, int64_t within_ns)
{
	bool to_the_end = within_ns < 0 && tr_runtime_is_simulated(probe->t);

	return tr_runtime_drive_until(probe->t, to_the_end ? is_there_or_never : is_there, probe, within_ns,
	    tr_clock_deadline(within_ns));
}

static void
wait_for(troupe_probe *probe, int64_t within_ns)
{
	int64_t deadline = tr_clock_deadline(within_ns);

	pthread_mutex_lock(&probe->lock);
	while (probe->waiting.first == 0 && tr_cond_wait_until(&probe->came, &probe->lock, deadline))
		;
	pthread_mutex_unlock(&probe->lock);
}

/* OK: there may be something; or why nobody can wait here. */
static troupe_status
await_message(troupe_probe *probe, int64_t within_ns, const char *call)
{
	troupe_status status = tr_runtime_check_call(probe->t, call);

	if (status != TROUPE_OK)
		return status;
	troupe_msg_free(&probe->current);
	if (has_message(probe))
		return TROUPE_OK;
	if (!tr_runtime_is_driven(probe->t))
		wait_for(probe, within_ns);
	else if (!drive_for(probe, within_ns))
		return TROUPE_DEADLOCK;
	return TROUPE_OK;
}

/* What the next message is; false: there is none. */
static bool
look_at_next(troupe_probe *probe, troupe_msg *next)
{
	pthread_mutex_lock(&probe->lock);
	bool any = probe->waiting.first != 0;
	if (any)
		*next = *tr_message_from(probe->waiting.first);
	pthread_mutex_unlock(&probe->lock);
	return any;
}

static troupe_msg *
take_next(troupe_probe *probe)
{
	pthread_mutex_lock(&probe->lock);
	uint32_t unit = tr_chain_take(&probe->waiting);
	pthread_mutex_unlock(&probe->lock);
	return tr_message_from(unit);
}

#define TIME_TEXT 40

static const char *
write_time(char text[TIME_TEXT], int64_t ns)
{
	if (ns < 0)
		snprintf(text, TIME_TEXT, "before nothing was left to do");
	else if (ns % TROUPE_MS == 0)
		snprintf(text, TIME_TEXT, "within %" PRId64 " ms", ns / TROUPE_MS);
	else
		snprintf(text, TIME_TEXT, "within %" PRId64 " ns", ns);
	return text;
}

const troupe_msg *
troupe_probe_expect(troupe_probe *probe, uint32_t type, int64_t within_ns)
{
	char text[TIME_TEXT];
	troupe_msg next;

	if (await_message(probe, within_ns, __func__) != TROUPE_OK)
		return NULL;
	if (!look_at_next(probe, &next))
		tr_fail(TROUPE_TIMEOUT, "a message of type %" PRIu32 " was expected, but none came %s", type,
		    write_time(text, within_ns));
	else if (next.type != type)
		tr_fail(TROUPE_FAILED,
		    "a message of type %" PRIu32 " was expected, but one of type %" PRIu32 " with %" PRIu32
		    " bytes from %" PRIx64 " is next",
		    type, next.type, next.size, next.sender);
	else
		probe->current = take_next(probe);
	return probe->current;
}

bool
troupe_probe_expect_none(troupe_probe *probe, int64_t within_ns)
{
	troupe_msg next;

	if (await_message(probe, within_ns, __func__) != TROUPE_OK)
		return false;
	if (!look_at_next(probe, &next))
		return true;
	tr_fail(TROUPE_FAILED,
	    "no message was expected, but one of type %" PRIu32 " with %" PRIu32 " bytes from %" PRIx64
	    " came",
	    next.type, next.size, next.sender);
	return false;
}

troupe_status
troupe_probe_ignore(troupe_probe *probe, uint32_t type)
{
	pthread_mutex_lock(&probe->lock);
	uint32_t *more = tr_fault_due() ? NULL
					: realloc(probe->ignored, (probe->ignored_count + 1) * sizeof *more);
	if (more != NULL) {
		probe->ignored = more;
		probe->ignored[probe->ignored_count++] = type;
	}
	pthread_mutex_unlock(&probe->lock);
	if (more == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for a type that is to be ignored");
	free_all(take_waiting(probe, true));
	return TROUPE_OK;
}

/* --- Sending. --- */

static troupe_status
send_as(troupe_probe *probe, troupe_ref to, uint32_t type, const void *data, size_t size)
{
	tr_context *context = tr_context_mine();
	troupe_msg *msg = context != NULL ? tr_message_take_copy(&context->cache, type, data, size) : NULL;

	if (msg == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for a message of %zu bytes", size);
	msg->sender = probe->ref;
	troupe_status status = tr_post(context, to, msg);
	if (status != TROUPE_OK)
		tr_message_discard(&context->cache, msg);
	return status;
}

troupe_status
troupe_probe_send(troupe_probe *probe, troupe_ref to, uint32_t type, const void *data, size_t size)
{
	if (tr_process_init() != TROUPE_OK)
		return troupe_last_error();
	if (!tr_message_is_sendable(type, data, size) || !tr_ref_is_handle(to))
		return tr_fail(TROUPE_INVALID,
		    "cannot send %zu bytes at %p as type %" PRIu32 " to handle %" PRIx64, size, data, type,
		    to);
	return send_as(probe, to, type, data, size);
}

troupe_status
troupe_probe_reply(troupe_probe *probe, uint32_t type, const void *data, size_t size)
{
	if (probe->current == NULL)
		return tr_fail(TROUPE_INVALID, "%s: nothing was expected, or it was answered", __func__);
	if (tr_request_is_open(probe->current))
		return troupe_answer_kept(&probe->current, type, data, size);
	troupe_status status = troupe_probe_send(probe, probe->current->sender, type, data, size);
	if (status == TROUPE_OK)
		troupe_msg_free(&probe->current);
	return status;
}

troupe_status
troupe_probe_monitor(troupe_probe *probe, troupe_ref who)
{
	if (tr_process_init() != TROUPE_OK)
		return troupe_last_error();
	if (!tr_ref_is_handle(who))
		return tr_fail(TROUPE_INVALID, "%s: %" PRIx64 " is no handle", __func__, who);
	return send_as(probe, probe->ref, TYPE_MONITOR, &who, sizeof who);
}
