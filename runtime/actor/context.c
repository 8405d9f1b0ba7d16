/* SPDX-License-Identifier: MIT */
#include "runtime/actor/context.h"

#include "runtime/actor/error.h"
#include "runtime/actor/runtime.h"
#include "runtime/memory/depot.h"
#include "runtime/memory/fault.h"

#include <stdlib.h>
#include <string.h>

_Thread_local tr_context *tr_current_context;

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static tr_context *all_contexts;               /* under list_lock */
static troupe *owners[TR_RUNTIMES];             /* of the numbers; under list_lock */
static _Atomic(troupe *) enterable[TR_RUNTIMES]; /* those that may be entered */

static pthread_mutex_t init_lock = PTHREAD_MUTEX_INITIALIZER;
static bool initialized; /* under init_lock */
static pthread_key_t outside_key;
static _Atomic bool forked;

/* --- The process. --- */

static void
mark_forked(void)
{
	/* CX-none: the child of fork has one thread, this one. */
	atomic_store_explicit(&forked, true, memory_order_relaxed);
	tr_current_context = NULL;
}

bool
tr_process_is_forked(void)
{
	/* CX-none: set by this very thread or its parent before fork. */
	return atomic_load_explicit(&forked, memory_order_relaxed);
}

/* The thread from outside ends: give back what it holds. */
static void
end_outside_context(void *context)
{
	/* The depots may be locked for ever by threads that are not here. */
	if (tr_process_is_forked())
		return;
	tr_current_context = NULL;
	tr_context_fini(context);
	free(context);
}

static bool
init_once(void)
{
	if (!tr_arena_init() || !tr_depot_init())
		return false;
	if (pthread_key_create(&outside_key, end_outside_context) != 0)
		return false;
	if (pthread_atfork(NULL, NULL, mark_forked) != 0) {
		pthread_key_delete(outside_key);
		return false;
	}
	return true;
}

troupe_status
tr_process_init(void)
{
	if (tr_process_is_forked())
		return tr_fail(TROUPE_FORKED, "troupe was opened before fork: its threads and memory stayed with the parent");
	pthread_mutex_lock(&init_lock);
	if (!initialized)
		initialized = init_once();
	bool ready = initialized;
	pthread_mutex_unlock(&init_lock);
	return ready ? TROUPE_OK : tr_fail(TROUPE_NOMEM, "the system refuses the address space for actors and messages");
}

/* --- Contexts. --- */

bool
tr_context_init(tr_context *context, troupe *runtime)
{
	context->visits = tr_fault_due() ? NULL : aligned_alloc(TR_CACHE_LINE, TR_RUNTIMES * sizeof(tr_visit));
	if (context->visits == NULL)
		return false;
	memset(context->visits, 0, TR_RUNTIMES * sizeof(tr_visit));
	context->runtime = runtime;
	tr_cache_init(&context->cache);

	pthread_mutex_lock(&list_lock);
	context->before = NULL;
	context->after_it = all_contexts;
	if (all_contexts != NULL)
		all_contexts->before = context;
	all_contexts = context;
	pthread_mutex_unlock(&list_lock);
	return true;
}

static void
add_tally(troupe_totals *totals, tr_tally *tally)
{
	/* CX-none: eight counters, each as it comes (INV-CX-2). */
	totals->accepted += atomic_load_explicit(&tally->accepted, memory_order_relaxed);
	totals->handled += atomic_load_explicit(&tally->handled, memory_order_relaxed);
	totals->dead += atomic_load_explicit(&tally->dead, memory_order_relaxed);
	totals->unhandled += atomic_load_explicit(&tally->unhandled, memory_order_relaxed);
	totals->spawned += atomic_load_explicit(&tally->spawned, memory_order_relaxed);
	totals->stopped += atomic_load_explicit(&tally->stopped, memory_order_relaxed);
	totals->failed += atomic_load_explicit(&tally->failed, memory_order_relaxed);
	totals->restarted += atomic_load_explicit(&tally->restarted, memory_order_relaxed);
}

void
tr_context_fini(tr_context *context)
{
	tr_cache_fini(&context->cache);

	pthread_mutex_lock(&list_lock);
	for (unsigned i = 1; i < TR_RUNTIMES; i++)
		if (owners[i] != NULL)
			add_tally(&owners[i]->departed, &context->visits[i].tally);
	if (context->before != NULL)
		context->before->after_it = context->after_it;
	else
		all_contexts = context->after_it;
	if (context->after_it != NULL)
		context->after_it->before = context->before;
	pthread_mutex_unlock(&list_lock);
	free(context->visits);
	context->visits = NULL;
}

tr_context *
tr_context_make(void)
{
	if (tr_process_init() != TROUPE_OK)
		return NULL;
	tr_context *context = tr_fault_due() ? NULL : aligned_alloc(TR_CACHE_LINE, sizeof *context);
	if (context == NULL)
		goto fail;
	memset(context, 0, sizeof *context);
	if (!tr_context_init(context, NULL))
		goto fail_context;
	if (pthread_setspecific(outside_key, context) != 0)
		goto fail_init;
	tr_current_context = context;
	return context;

fail_init:
	tr_context_fini(context);
fail_context:
	free(context);
fail:
	tr_fail(TROUPE_NOMEM, "no memory for this thread's context");
	return NULL;
}

bool
tr_context_is_alone(void)
{
	pthread_mutex_lock(&list_lock);
	bool alone = all_contexts == tr_current_context && (all_contexts == NULL || all_contexts->after_it == NULL);
	pthread_mutex_unlock(&list_lock);
	return alone;
}

/* --- Runtimes. --- */

uint8_t
tr_runtime_publish(troupe *t)
{
	unsigned number = TR_RUNTIMES - 1;

	pthread_mutex_lock(&list_lock);
	while (number > 0 && owners[number] != NULL)
		number--;
	t->number = (uint8_t)number;
	if (number != 0) {
		owners[number] = t;
		/* CX-C: release, publishes the runtime. */
		atomic_store_explicit(&enterable[number], t, memory_order_release);
	}
	pthread_mutex_unlock(&list_lock);
	return (uint8_t)number;
}

void
tr_runtime_bar(uint8_t number)
{
	/* CX-A: seq_cst, before anybody is looked for inside. */
	atomic_store_explicit(&enterable[number], NULL, memory_order_seq_cst);
}

static void
clear_tally(tr_tally *tally)
{
	/* CX-none: eight counters that their writer has no more business with. */
	atomic_store_explicit(&tally->accepted, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->handled, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->dead, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->unhandled, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->spawned, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->stopped, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->failed, 0, memory_order_relaxed);
	atomic_store_explicit(&tally->restarted, 0, memory_order_relaxed);
}

void
tr_runtime_forget(uint8_t number)
{
	pthread_mutex_lock(&list_lock);
	owners[number] = NULL;
	for (tr_context *context = all_contexts; context != NULL; context = context->after_it)
		clear_tally(&context->visits[number].tally);
	pthread_mutex_unlock(&list_lock);
}

static void
change_inside(tr_context *context, uint8_t number, uint32_t by, memory_order order)
{
	_Atomic uint32_t *inside = &context->visits[number].inside;
	/* CX-none: only this thread writes it. */
	uint32_t value = atomic_load_explicit(inside, memory_order_relaxed);

	/* CX-A going in, CX-B going out: the order is the caller's. */
	atomic_store_explicit(inside, value + by, order);
}

troupe *
tr_runtime_enter(tr_context *context, uint8_t number)
{
	/* CX-A: seq_cst, before the table is looked at. */
	change_inside(context, number, 1, memory_order_seq_cst);
	/* CX-A: seq_cst.  CX-C: acquire. */
	troupe *t = atomic_load_explicit(&enterable[number], memory_order_seq_cst);

	if (t == NULL)
		tr_runtime_leave(context, number);
	return t;
}

void
tr_runtime_leave(tr_context *context, uint8_t number)
{
	/* CX-B: release, all that was done inside. */
	change_inside(context, number, -UINT32_C(1), memory_order_release);
}

bool
tr_runtime_is_entered(uint8_t number)
{
	bool entered = false;

	pthread_mutex_lock(&list_lock);
	for (tr_context *context = all_contexts; context != NULL && !entered; context = context->after_it)
		/* CX-A, CX-B: seq_cst, after the runtime was barred. */
		entered = atomic_load_explicit(&context->visits[number].inside, memory_order_seq_cst) != 0;
	pthread_mutex_unlock(&list_lock);
	return entered;
}

void
tr_tally_sum(uint8_t number, troupe_totals *totals)
{
	pthread_mutex_lock(&list_lock);
	*totals = owners[number]->departed;
	for (tr_context *context = all_contexts; context != NULL; context = context->after_it)
		add_tally(totals, &context->visits[number].tally);
	pthread_mutex_unlock(&list_lock);
	/* What is stashed is taken back from the count, sometimes before the turn has added to it. */
	if (totals->handled > INT64_MAX)
		totals->handled = 0;
}
