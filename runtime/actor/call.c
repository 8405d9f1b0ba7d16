/* SPDX-License-Identifier: MIT */
#include "runtime/actor/call.h"

#include "runtime/actor/cells.h"
#include "runtime/actor/error.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/post.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/suspect.h"

#include <inttypes.h>
#include <sched.h>

enum { WAITING, TAKEN, DONE, GIVEN_UP };
enum { ASLEEP, ROUSED };

/* A late answer looks at the state whatever the cell is by then: so it is where no other cell has anything. */
typedef struct call_cell {
	tr_cell cell;
	char others[TR_LARGE_CELL_USE - sizeof(tr_cell)];
	_Atomic uint64_t state; /* generation:32 | WAITING and so on */
	struct tr_call *waiting;
} call_cell;

_Static_assert(sizeof(call_cell) == 2 * TR_UNIT, "a call fills a large cell");

/* On the caller's stack. */
typedef struct tr_call {
	call_cell *cell;
	troupe *t;
	tr_parker parker;
	troupe_msg *reply;      /* NULL with CLOSING */
	struct tr_call *next;   /* in the runtime's list, under its lock */
	struct tr_call **link;
} tr_call;

static uint64_t
state_of(const call_cell *cell, uint32_t state)
{
	return (uint64_t)tr_cell_generation(&cell->cell) << 32 | state;
}

/* --- Whoever answers. --- */

/* NULL when nobody waits with that generation any more. */
static tr_call *
take_caller(call_cell *cell, uint32_t generation)
{
	uint64_t waiting = (uint64_t)generation << 32 | WAITING;

	/* CL-D: seq_cst, before a driver is looked for.  CL-A: relaxed on failure; what is looked at is here already. */
	if (!atomic_compare_exchange_strong_explicit(&cell->state, &waiting, (uint64_t)generation << 32 | TAKEN,
	        memory_order_seq_cst, memory_order_relaxed))
		return NULL;
	return cell->waiting;
}

static void
rouse_caller(tr_call *call)
{
	/*
	 * CL-C: release, that the call is taken or the runtime may be driven; an answer is read by way of DONE.  An
	 * exchange, since the caller may find only the last of several, which must bring what the others brought.
	 */
	(void)atomic_exchange_explicit(&call->parker.word, ROUSED, memory_order_release);
	tr_parker_wake(&call->parker);
}

static void
hand_over(call_cell *cell, uint32_t generation, tr_call *call, troupe_msg *reply)
{
	call->reply = reply;
	rouse_caller(call);
	/* CL-D: it may be driving, and sleep as a worker; looked for after TAKEN. */
	if (tr_runtime_is_driven(call->t))
		tr_pool_wake_one(&call->t->pool);
	/* CL-B: release, the answer, and that we are done with the caller's stack. */
	atomic_store_explicit(&cell->state, (uint64_t)generation << 32 | DONE, memory_order_release);
}

static void
bury_late(tr_context *context, uint8_t number, troupe_msg *reply)
{
	troupe *t = number != 0 ? tr_runtime_enter(context, number) : NULL;
	troupe_dead_letter form = { .reason = TROUPE_LATE, .class_name = "thread", .actor_name = "" };

	if (t == NULL) {
		tr_message_release(&context->cache, reply);
		return;
	}
	tr_count(&context->visits[number].tally.accepted, 1);
	reply->next_unit = 0;
	tr_letter_bury(context, t, &form, tr_message_unit(reply));
	tr_runtime_leave(context, number);
}

troupe_status
tr_call_deliver(tr_context *context, uint64_t token, troupe_msg *reply)
{
	call_cell *cell = (call_cell *)tr_cell_at((uint32_t)token);
	uint32_t generation = (uint32_t)(token >> 32);
	tr_call *call = take_caller(cell, generation);

	if (call == NULL) {
		bury_late(context, context->current_runtime != NULL ? context->current_runtime->number : 0, reply);
		return TROUPE_OK;
	}
	/* The caller keeps its runtime open. */
	tr_count(&context->visits[call->t->number].tally.accepted, 1);
	tr_count(&context->visits[call->t->number].tally.handled, 1);
	hand_over(cell, generation, call, reply);
	return TROUPE_OK;
}

void
tr_call_rouse_all(troupe *t)
{
	for (tr_call *call = t->calls; call != NULL; call = call->next)
		rouse_caller(call);
}

void
tr_call_end_all(troupe *t)
{
	pthread_mutex_lock(&t->lock);
	for (tr_call *call = t->calls, *next; call != NULL; call = next) {
		call_cell *cell = call->cell;
		uint32_t generation = tr_cell_generation(&cell->cell);

		/* It leaves the list only under the lock. */
		next = call->next;
		if (take_caller(cell, generation) != NULL)
			hand_over(cell, generation, call, NULL);
	}
	pthread_mutex_unlock(&t->lock);
}

/* --- The caller. --- */

static uint32_t
look_at_state(const tr_call *call)
{
	/* CL-B: acquire.  CL-D: seq_cst, after a driver's change of the idle word. */
	return (uint32_t)atomic_load_explicit(&call->cell->state, memory_order_seq_cst);
}

static bool
is_answered(void *call)
{
	return look_at_state(call) != WAITING;
}

/* Put it on the runtime's list; false when that is closing. */
static bool
list_call(tr_call *call)
{
	troupe *t = call->t;

	pthread_mutex_lock(&t->lock);
	/* RT-none: set before the closer takes the lock to look at the list. */
	bool open = !atomic_load_explicit(&t->closing, memory_order_relaxed);
	if (open) {
		call->next = t->calls;
		call->link = &t->calls;
		if (call->next != NULL)
			call->next->link = &call->next;
		t->calls = call;
	}
	pthread_mutex_unlock(&t->lock);
	return open;
}

static void
unlist_call(tr_call *call)
{
	pthread_mutex_lock(&call->t->lock);
	*call->link = call->next;
	if (call->next != NULL)
		call->next->link = call->link;
	pthread_mutex_unlock(&call->t->lock);
}

/* false: the deadline has passed. */
static bool
sleep_until_roused(tr_call *call, int64_t deadline)
{
	int64_t left = deadline < 0 ? -1 : deadline - tr_clock_now();

	if (deadline >= 0 && left <= 0)
		return false;
	tr_parker_wait(&call->parker, ASLEEP, left);
	return true;
}

/*
 * Where callers drive, one of those that wait does, until it has its answer;
 * then the next one.  Not a dedicated actor, which would keep the program's own
 * thread from it.
 */
static void
drive_or_sleep(tr_call *call, int64_t timeout_ns)
{
	bool may_drive = tr_current_context->runtime == NULL && tr_runtime_is_driven(call->t);
	bool simulated = tr_runtime_is_simulated(call->t);
	int64_t deadline = tr_clock_deadline(timeout_ns);

	do {
		/* CL-C: acquire, that it is taken or nobody drives any more; whoever rouses it after this is not missed. */
		(void)atomic_exchange_explicit(&call->parker.word, ASLEEP, memory_order_acquire);
		if (may_drive && tr_runtime_drive_until(call->t, is_answered, call, timeout_ns, deadline))
			return;
		/* A simulated one's time is the driver's; when that ends, it is for this thread to drive. */
	} while (!is_answered(call) && sleep_until_roused(call, simulated ? -1 : deadline));
}

/* Wait until it is answered or its time is over, and see to it that nobody looks at the call any more. */
static bool
wait_for_answer(tr_call *call, int64_t timeout_ns)
{
	drive_or_sleep(call, timeout_ns);
	uint64_t waiting = state_of(call->cell, WAITING);

	/* CL-none: nobody has taken it, and nobody will. */
	if (atomic_compare_exchange_strong_explicit(&call->cell->state, &waiting, state_of(call->cell, GIVEN_UP),
	        memory_order_relaxed, memory_order_relaxed))
		return false;
	while (look_at_state(call) != DONE)
		sched_yield();
	return true;
}

/* NULL is remembered by tr_fail. */
static call_cell *
take_cell(tr_context *context, tr_call *call)
{
	uint32_t unit = tr_cache_take_message(&context->cache, TR_LARGE_CELL);

	if (unit == 0 || tr_parker_init(&call->parker, ASLEEP) != 0) {
		if (unit != 0)
			tr_cache_give_message(&context->cache, TR_LARGE_CELL, unit);
		tr_fail(TROUPE_NOMEM, "no memory for a call");
		return NULL;
	}
	call_cell *cell = (call_cell *)tr_cell_at(unit);

	cell->cell.msg.flag_bits = TR_LARGE_CELL;
	cell->waiting = call;
	/* CL-A: relaxed, since the request and the list of calls carry it. */
	atomic_store_explicit(&cell->state, state_of(cell, WAITING), memory_order_relaxed);
	return cell;
}

static void
give_cell(tr_context *context, tr_call *call)
{
	tr_cell_expire_tokens(&call->cell->cell);
	tr_cache_give_message(&context->cache, TR_LARGE_CELL, tr_cell_unit(&call->cell->cell));
	tr_parker_fini(&call->parker);
}

static troupe_status
take_result(tr_context *context, const tr_call *call, troupe_msg **answer, int *code)
{
	troupe_msg *reply = call->reply;

	if (reply == NULL)
		return tr_fail(TROUPE_CLOSING, "the runtime is being closed");
	if (reply->flag_bits & TR_MSG_ERROR) {
		troupe_status status = (troupe_status)reply->type;

		if (code != NULL && status == TROUPE_FAILED)
			*code = tr_message_ticket(reply)->code;
		tr_fail(status, "%s", status == TROUPE_FAILED && reply->size > 0 ? (const char *)reply->body
		                                                                 : "the request was not answered");
		tr_message_release(&context->cache, reply);
		return status;
	}
	reply->flag_bits &= ~(uint32_t)TR_MSG_REPLY;
	if (answer != NULL)
		*answer = reply;
	else
		tr_message_release(&context->cache, reply);
	return TROUPE_OK;
}

static troupe_status
explain_timeout(tr_context *context, troupe *t, troupe_ref to, uint32_t type, int64_t timeout_ns)
{
	char text[TR_SUSPECT_TEXT];

	/* Who drives it itself waits no longer than the runtime works. */
	if (tr_runtime_is_driven(t) && (tr_runtime_is_shut_down(t) || tr_runtime_is_closing(t)))
		return tr_fail(TROUPE_CLOSING, "the runtime is shut down");
	tr_suspect_describe(context, text, to, type, timeout_ns);
	return tr_fail(TROUPE_TIMEOUT, "%s", text);
}

/* The request is this function's. */
static troupe_status
call_and_wait(tr_context *context, troupe *t, troupe_ref to, troupe_msg *request, int64_t timeout_ns,
    troupe_msg **answer, int *code)
{
	tr_call call = { .t = t };
	uint32_t type = request->type;
	troupe_status status = TROUPE_CLOSING;

	call.cell = take_cell(context, &call);
	if (call.cell == NULL) {
		tr_message_release(&context->cache, request);
		return TROUPE_NOMEM;
	}
	tr_message_ticket(request)->token = tr_cell_token(&call.cell->cell, 0);
	request->flag_bits |= TR_MSG_REQUEST | TR_MSG_CALL;
	request->sender = tr_context_self(context);
	bool listed = list_call(&call);
	if (listed)
		status = tr_post(context, to, request);
	if (status != TROUPE_OK) {
		request->flag_bits |= TR_MSG_ANSWERED; /* nobody waits */
		tr_message_release(&context->cache, request);
		tr_fail(status, status == TROUPE_DEAD ? "the actor that was called has stopped" : "the runtime is being closed");
	} else if (wait_for_answer(&call, timeout_ns)) {
		status = take_result(context, &call, answer, code);
	} else {
		status = explain_timeout(context, t, to, type, timeout_ns);
	}
	if (listed)
		unlist_call(&call);
	give_cell(context, &call);
	return status;
}

/* OK, or why the thread must not wait. */
static troupe_status
check_caller(const tr_context *context, troupe_ref to)
{
	if (!tr_context_may_wait(context))
		return tr_fail(TROUPE_DEADLOCK, "troupe_call: a pool worker must not wait; use troupe_ask");
	if (context->current != NULL && tr_context_self(context) == to)
		return tr_fail(TROUPE_DEADLOCK, "troupe_call: an actor would wait for itself");
	return TROUPE_OK;
}

static troupe_status
call_inside(tr_context *context, troupe *t, troupe_ref to, troupe_msg *request, int64_t timeout_ns,
    troupe_msg **answer, int *code)
{
	uint8_t number = t->number;

	/* Not inside while it waits, since the closer would wait for it; but t stays until it is done. */
	tr_runtime_begin_ending(t);
	tr_runtime_leave(context, number);
	troupe_status status = call_and_wait(context, t, to, request, timeout_ns, answer, code);
	tr_runtime_finish_ending(t);
	return status;
}

troupe_status
troupe_call(troupe_ref to, uint32_t type, const void *data, size_t size, int64_t timeout_ns, troupe_msg **answer,
    int *code)
{
	tr_context *context = tr_context_mine();

	if (context == NULL)
		return troupe_last_error();
	troupe_status status = check_caller(context, to);
	if (status != TROUPE_OK)
		return status;
	if (!tr_message_is_sendable(type, data, size) || timeout_ns < 0 || !tr_ref_is_handle(to))
		return tr_fail(TROUPE_INVALID, "cannot call handle %" PRIx64 " with %zu bytes at %p as type %" PRIu32
		    " and a timeout of %" PRId64 " ns", to, size, data, type, timeout_ns);
	/* CX-none: as in tr_post. */
	uint8_t home = atomic_load_explicit(&tr_ref_slot(to)->home, memory_order_relaxed);
	troupe *t = home != 0 ? tr_runtime_enter(context, home) : NULL;
	if (t == NULL)
		return tr_mailbox_alive(&tr_ref_slot(to)->mailbox) == tr_ref_generation(to)
		           ? tr_fail(TROUPE_CLOSING, "the runtime is being closed")
		           : tr_fail(TROUPE_DEAD, "the actor that was called has stopped");
	troupe_msg *request = tr_message_take_ticket(&context->cache, type, data, size);
	if (request == NULL) {
		tr_runtime_leave(context, home);
		return tr_fail(TROUPE_NOMEM, "no memory for a request of %zu bytes", size);
	}
	return call_inside(context, t, to, request, timeout_ns, answer, code);
}
