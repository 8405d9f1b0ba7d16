/* SPDX-License-Identifier: MIT */
#include "runtime/actor/actor.h"
#include "runtime/actor/call.h"
#include "runtime/actor/error.h"
#include "runtime/actor/mishap.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/timing.h"
#include "runtime/actor/turn.h"
#include "runtime/engine/simulated.h"

#include <sched.h>

/*
 * wait -- threads outside that wait until a runtime is quiet, and that drive
 * one which has no threads of its own.
 */

static void
count_waiter(troupe *t, uint32_t by)
{
	/* RT-B: seq_cst, before quiet is looked at. */
	atomic_fetch_add_explicit(&t->waiters, by, memory_order_seq_cst);
}

bool
tr_runtime_is_waited_for(troupe *t)
{
	/* Under the lock, so that a waiter that has counted itself out has let go of it too. */
	pthread_mutex_lock(&t->lock);
	/* RT-none: changed under the lock. */
	bool waited_for = atomic_load_explicit(&t->waiters, memory_order_relaxed) != 0;
	pthread_mutex_unlock(&t->lock);
	return waited_for;
}

/*
 * Make the calling thread the worker of a driven runtime; DEADLOCK when another
 * thread is, CLOSING when one closes it, which then need not look for drivers.
 */
static troupe_status
begin_driving(troupe *t, tr_context **before)
{
	troupe_status status = TROUPE_OK;

	pthread_mutex_lock(&t->lock);
	if (tr_runtime_is_closing(t))
		status = TROUPE_CLOSING;
	else if (t->driven)
		status = tr_fail(TROUPE_DEADLOCK, "another thread drives this runtime");
	else
		t->driven = true;
	pthread_mutex_unlock(&t->lock);
	if (status == TROUPE_OK) {
		*before = tr_current_context;
		tr_current_context = &t->contexts[0];
	}
	return status;
}

static void
end_driving(troupe *t, tr_context *before)
{
	/* What a turn leaves behind: the next user of the context is the next driver. */
	t->contexts[0].current = NULL;
	tr_current_context = before;
	pthread_mutex_lock(&t->lock);
	t->driven = false;
	tr_call_rouse_all(t);
	pthread_mutex_unlock(&t->lock);
}

/* --- What is waited for. --- */

typedef struct goal {
	troupe *t;
	bool (*is_reached)(void *argument);
	void *argument;
	int64_t virtual_timeout; /* negative: none */
	int64_t virtual_limit; /* what follows from it when driving begins: the simulated clock does not go beyond */
	bool is_silence;       /* cannot be reached while anything runs */
} goal;

static bool
is_quiet(void *t)
{
	return tr_runtime_is_quiet(t);
}

static bool
is_drained(void *t)
{
	return tr_runtime_is_drained(t);
}

static bool
is_over(const goal *what)
{
	return what->is_reached(what->argument) || tr_runtime_is_shut_down(what->t);
}

static bool
is_not_over(void *what)
{
	return !is_over(what);
}

static bool
is_not_shut_down(void *t)
{
	return !tr_runtime_is_shut_down(t);
}

/* --- Those who are inside. --- */

/*
 * A thread that sends from outside owns the actor between its push and its
 * queueing of it.  What others send to that actor is accepted meanwhile, and
 * is nowhere to be seen: so while anybody is inside nothing is said to be
 * quiet.  To be asked before the look at the queues: who has left has queued
 * what it had (CX-B).  That the look is not older than the claim behind which
 * a message of the waiter's own waits is for the processor, which keeps the
 * sender's seq_cst store before its exchange; C11 by itself does not say it.
 */
static bool
is_anybody_inside(const goal *what)
{
	return what->is_silence && tr_runtime_is_entered(what->t->number);
}

/* Who leaves tells nobody: so whoever waits for that looks again, at first soon. */
#define QUICK_LOOKS    100
#define SLOW_LOOKS_NS  INT64_C(1000000)

/* How long a wait may last before the next look, when `left` remains; negative: for ever. */
static int64_t
until_next_look(int64_t left)
{
	return left >= 0 && left < SLOW_LOOKS_NS ? left : SLOW_LOOKS_NS;
}

/* Negative: there is no deadline. */
static int64_t
time_left(int64_t deadline)
{
	int64_t left = deadline < 0 ? -1 : deadline - tr_clock_now();

	return deadline >= 0 && left < 0 ? 0 : left;
}

/* --- Driving. --- */

/* Turns between two looks at the deadline. */
#define CLOCK_TURNS 64

static uint32_t
next_simulated(troupe *t, tr_worker *worker)
{
	if (tr_simulation_is_used_up(&t->pool)) {
		troupe_shutdown(t);
		return 0;
	}
	(void)tr_timing_expire(t);
	return worker->scheduler->try_next(worker);
}

static bool
run_one_simulated(troupe *t, tr_context *context)
{
	uint32_t actor = next_simulated(t, &context->worker);

	if (actor == 0)
		return false;
	tr_mishap_begin(context, t, tr_actor_at(actor));
	tr_turn_of_worker(&context->worker, actor);
	tr_mishap_end(context);
	return true;
}

static bool
run_one(troupe *t)
{
	tr_worker *worker = &t->contexts[0].worker;

	if (tr_runtime_is_simulated(t))
		return run_one_simulated(t, &t->contexts[0]);
	uint32_t actor = worker->scheduler->try_next(worker);

	if (actor != 0)
		tr_turn_of_worker(worker, actor);
	return actor != 0;
}

/* The next deadline, or when an actor that is late may run. */
static int64_t
next_event(const troupe *t)
{
	int64_t deadline = tr_timing_next(t), late = tr_simulation_next_late(&t->pool);

	return deadline < late ? deadline : late;
}

/* Nothing can be done before something becomes due: let it be then.  false: there is nothing. */
static bool
jump_to_next_event(troupe *t, int64_t limit)
{
	int64_t next = tr_runtime_is_simulated(t) ? next_event(t) : INT64_MAX;

	if (next == INT64_MAX || next > limit)
		return false;
	tr_simulation_jump(&t->pool, next);
	(void)tr_timing_expire(t);
	return true;
}

static bool
is_beyond_limit(const goal *what)
{
	return tr_runtime_is_simulated(what->t) && tr_runtime_now(what->t) > what->virtual_limit;
}

/* There is nothing before the virtual limit, unless another thread is about to send something. */
static bool
pass_limit(const goal *what)
{
	/* In this order: who has left has queued it. */
	if (tr_runtime_is_entered(what->t->number) || tr_overflow_count(&what->t->pool.overflow) > 0) {
		sched_yield();
		return false;
	}
	tr_simulation_jump(&what->t->pool, what->virtual_limit);
	return true;
}

/*
 * Nobody can say that it is quiet, since somebody is inside: sleep until
 * something is queued or the next look is due, however quiet it seems.
 */
static void
await_next_look(troupe *t, uint32_t looks, int64_t left)
{
	if (looks < QUICK_LOOKS)
		sched_yield();
	else
		tr_worker_sleep(&t->contexts[0].worker, until_next_look(left), is_not_shut_down, t);
}

/* OK when the goal is reached or the runtime is shut down; TIMEOUT. */
static troupe_status
drive_to(const goal *what, int64_t deadline)
{
	troupe *t = what->t;
	uint32_t looks = 0;

	for (uint32_t turns = 1; !tr_runtime_is_shut_down(t); turns++) {
		bool ran = run_one(t);
		bool inside = !ran && is_anybody_inside(what);

		if (!(ran && what->is_silence) && !inside && is_over(what))
			break;
		if (is_beyond_limit(what))
			return TROUPE_TIMEOUT;
		if (ran && turns % CLOCK_TURNS != 0)
			continue;
		int64_t left = time_left(deadline);
		if (left == 0)
			return TROUPE_TIMEOUT;
		if (inside) {
			await_next_look(t, looks++, left);
			continue;
		}
		if (ran || jump_to_next_event(t, what->virtual_limit))
			continue;
		if (what->virtual_limit != INT64_MAX && pass_limit(what))
			return TROUPE_TIMEOUT;
		tr_worker_sleep(&t->contexts[0].worker, left, is_not_over, (void *)(uintptr_t)what);
	}
	return TROUPE_OK;
}

static troupe_status
drive_runtime(goal *what, int64_t deadline)
{
	tr_context *before;
	troupe_status status = begin_driving(what->t, &before);

	if (status != TROUPE_OK)
		return status;
	/* Only now: the clock is the driver's. */
	what->virtual_limit = what->virtual_timeout >= 0 ? tr_timing_after(what->t, what->virtual_timeout) : INT64_MAX;
	count_waiter(what->t, 1);
	status = drive_to(what, deadline);
	count_waiter(what->t, -UINT32_C(1));
	end_driving(what->t, before);
	return status;
}

bool
tr_runtime_drive_until(troupe *t, bool (*done)(void *), void *argument, int64_t timeout_ns, int64_t deadline)
{
	bool simulated = tr_runtime_is_simulated(t);
	goal what = {
		.t = t,
		.is_reached = done,
		.argument = argument,
		.virtual_timeout = simulated ? timeout_ns : -1,
	};

	return drive_runtime(&what, simulated ? -1 : deadline) != TROUPE_DEADLOCK;
}

/* --- The public calls. --- */

/* Under the lock, which is let go of meanwhile: somebody is inside. */
static void
await_change_or_look(troupe *t, uint32_t looks, int64_t left)
{
	if (looks >= QUICK_LOOKS) {
		(void)tr_cond_wait_until(&t->changed, &t->lock, tr_clock_now() + until_next_look(left));
		return;
	}
	pthread_mutex_unlock(&t->lock);
	sched_yield();
	pthread_mutex_lock(&t->lock);
}

/* Under the lock: CLOSING, OK or TIMEOUT. */
static troupe_status
await_goal(const goal *what, int64_t deadline)
{
	troupe *t = what->t;

	for (uint32_t looks = 0; !tr_runtime_is_closing(t);) {
		bool inside = is_anybody_inside(what);
		int64_t left = time_left(deadline);

		if (inside ? tr_runtime_is_shut_down(t) : is_over(what))
			return TROUPE_OK;
		if (inside && left != 0)
			await_change_or_look(t, looks++, left);
		else if (inside || !tr_cond_wait_until(&t->changed, &t->lock, deadline))
			return tr_runtime_is_closing(t) ? TROUPE_CLOSING : TROUPE_TIMEOUT;
	}
	return TROUPE_CLOSING;
}

static troupe_status
wait_for_workers(const goal *what, int64_t deadline)
{
	troupe *t = what->t;

	pthread_mutex_lock(&t->lock);
	count_waiter(t, 1);
	troupe_status status = await_goal(what, deadline);
	count_waiter(t, -UINT32_C(1));
	pthread_mutex_unlock(&t->lock);
	return status;
}

static troupe_status
wait_or_drive(goal *what, int64_t timeout_ns)
{
	int64_t deadline = tr_clock_deadline(timeout_ns);

	what->virtual_timeout = -1;
	return tr_runtime_is_driven(what->t) ? drive_runtime(what, deadline) : wait_for_workers(what, deadline);
}

troupe_status
tr_runtime_wait_until(troupe *t, bool (*is_reached)(void *), void *argument, int64_t timeout_ns)
{
	return wait_or_drive(&(goal){ .t = t, .is_reached = is_reached, .argument = argument }, timeout_ns);
}

static troupe_status
wait_for_silence(troupe *t, bool (*is_reached)(void *), int64_t timeout_ns, const char *call)
{
	troupe_status status = tr_runtime_check_call(t, call);

	return status != TROUPE_OK
	           ? status
	           : wait_or_drive(&(goal){ .t = t, .is_reached = is_reached, .argument = t, .is_silence = true }, timeout_ns);
}

troupe_status
troupe_wait(troupe *t, int64_t timeout_ns)
{
	return wait_for_silence(t, is_quiet, timeout_ns, __func__);
}

troupe_status
troupe_drain(troupe *t, int64_t timeout_ns)
{
	return wait_for_silence(t, is_drained, timeout_ns, __func__);
}

troupe_status
troupe_run_once(troupe *t)
{
	troupe_status status = tr_runtime_check_call(t, __func__);
	tr_context *before;

	if (status != TROUPE_OK)
		return status;
	if (!tr_runtime_is_driven(t))
		return tr_fail(TROUPE_INVALID, "%s: the runtime has workers of its own", __func__);
	if ((status = begin_driving(t, &before)) != TROUPE_OK)
		return status;
	bool ran = run_one(t);
	/* More than once: what is next is not due before that time, and may be due after it. */
	while (!ran && jump_to_next_event(t, INT64_MAX))
		ran = run_one(t);
	end_driving(t, before);
	return ran ? TROUPE_OK : TROUPE_TIMEOUT;
}
