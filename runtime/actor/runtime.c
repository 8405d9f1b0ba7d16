/* SPDX-License-Identifier: MIT */
#include "runtime/actor/runtime.h"

#include "runtime/actor/actor.h"
#include "runtime/actor/crash.h"
#include "runtime/actor/error.h"
#include "runtime/actor/registry.h"
#include "runtime/actor/timing.h"
#include "runtime/actor/turn.h"
#include "runtime/engine/policy.h"
#include "runtime/engine/simulated.h"
#include "runtime/memory/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- What the workers call. --- */

static tr_context *
context_of(tr_worker *worker)
{
	/* The worker is the first member of its context. */
	return (tr_context *)worker;
}

static void
work(tr_worker *worker)
{
	tr_context *context = context_of(worker);

	tr_current_context = context;
	tr_turns_of_worker(worker);
	/* CX-none: nothing runs here any more, for reports. */
	atomic_store_explicit(&context->self, 0, memory_order_relaxed);
	tr_current_context = NULL;
}

static void
all_parked(tr_pool *pool)
{
	troupe *t = pool->owner;

	/* A driven runtime's worker looks for itself whether it is quiet. */
	if (!tr_runtime_is_driven(t))
		tr_runtime_notify(t);
}

static void
fair_tick(tr_worker *worker)
{
	tr_timing_help(worker->pool->owner);
}

static const tr_worker_hooks hooks = {
	.work = work,
	.all_parked = all_parked,
	.fair_tick = fair_tick,
};

/* --- Open. --- */

static void
fini_contexts(troupe *t, uint32_t count)
{
	while (count-- > 0)
		tr_context_fini(&t->contexts[count]);
	free(t->contexts);
	free(t->workers);
}

static bool
init_contexts(troupe *t, uint32_t count)
{
	uint32_t ready = 0;

	t->contexts = tr_fault_due() ? NULL : aligned_alloc(TR_CACHE_LINE, count * sizeof *t->contexts);
	t->workers = tr_heap_take_zeroed(count * sizeof(tr_worker *));
	if (t->contexts != NULL)
		memset(t->contexts, 0, count * sizeof *t->contexts);
	while (t->contexts != NULL && t->workers != NULL && ready < count && tr_context_init(&t->contexts[ready], t)) {
		t->workers[ready] = &t->contexts[ready].worker;
		ready++;
	}
	if (ready == count)
		return true;
	fini_contexts(t, ready);
	return false;
}

static void
settle_contexts(troupe *t)
{
	/* The short way of a message is the pool's; others go by the scheduler's table. */
	bool pooled = t->pool.scheduler == &tr_pool_scheduler;

	for (uint32_t i = 0; i < t->pool.count; i++) {
		tr_context *context = &t->contexts[i];

		context->tally = &context->visits[t->number].tally;
		context->current_runtime = t;
		context->worker.handled = &context->tally->handled;
		context->worker.sent = &context->tally->accepted;
		context->worker.quantum = t->options.quantum;
		/* Another seed is another chance, of backoffs too. */
		context->worker.random ^= (uint32_t)(t->options.seed ^ t->options.seed >> 32) * UINT32_C(2246822519);
		/* CX-none: the worker does not run yet. */
		atomic_store_explicit(&context->home, pooled ? t->number : 0, memory_order_relaxed);
	}
}

static bool
init_sync(troupe *t)
{
	if (pthread_mutex_init(&t->lock, NULL) != 0)
		return false;
	if (tr_cond_init(&t->changed) != 0) {
		pthread_mutex_destroy(&t->lock);
		return false;
	}
	return true;
}

static void
fini_sync(troupe *t)
{
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
}

static void *
create_simulation(const troupe_options *options)
{
	return tr_simulation_create(&(tr_simulation_plan){
	    .seed = options->seed,
	    .policy = options->policy,
	    .depth = (uint32_t)options->depth,
	    .length = options->length,
	    .choices = options->choices,
	    .faults = options->faults,
	});
}

static bool
init_pool(troupe *t)
{
	bool simulated = t->options.scheduler == TROUPE_SCHEDULER_SIMULATED;
	int threads = tr_options_threads(&t->options);
	uint32_t count = threads > 0 ? (uint32_t)threads : 1;

	if (!init_contexts(t, count))
		return false;
	t->pool.simulation = simulated ? create_simulation(&t->options) : NULL;
	if (simulated && t->pool.simulation == NULL)
		goto fail_contexts;
	if (tr_pool_init(&t->pool, t->workers, count, (uint32_t)t->options.ring,
	        simulated ? &tr_simulated_scheduler : &tr_pool_scheduler, &hooks, t) != 0)
		goto fail_simulation;
	return true;

fail_simulation:
	tr_simulation_destroy(t->pool.simulation);
fail_contexts:
	fini_contexts(t, count);
	return false;
}

static void
fini_pool(troupe *t)
{
	uint32_t count = t->pool.count;

	tr_pool_fini(&t->pool);
	tr_simulation_destroy(t->pool.simulation);
	fini_contexts(t, count);
}

void
tr_runtime_destroy(troupe *t)
{
	tr_timing_destroy(t);
	tr_registry_destroy(t->registry);
	fini_pool(t);
	tr_runtime_forget(t->number);
	fini_sync(t);
	tr_heap_give(t);
}

troupe *
tr_runtime_open(const troupe_options *options)
{
	troupe *t = tr_fault_due() ? NULL : aligned_alloc(TR_CACHE_LINE, sizeof *t);

	if (t == NULL)
		goto fail;
	memset(t, 0, sizeof *t);
	t->options = *options;
	t->registry = tr_registry_create();
	if (t->registry == NULL)
		goto fail_memory;
	if (!init_sync(t))
		goto fail_registry;
	if (!init_pool(t))
		goto fail_sync;
	if (tr_runtime_publish(t) == 0) {
		tr_fail(TROUPE_NOMEM, "%d runtimes are open, and there is room for no more", TR_RUNTIMES - 1);
		fini_pool(t);
		fini_sync(t);
		tr_registry_destroy(t->registry);
		tr_heap_give(t);
		return NULL;
	}
	settle_contexts(t);
	if (tr_simulation_faults(&t->pool) != NULL)
		tr_cache_keep_nothing(&t->contexts[0].cache);
	int error = tr_options_threads(options) > 0 ? tr_pool_start(&t->pool) : 0;
	if (error != 0) {
		tr_runtime_bar(t->number);
		tr_runtime_destroy(t);
		tr_fail(TROUPE_NOMEM, "cannot start %d worker threads: %s", options->workers, strerror(error));
		return NULL;
	}
	if (options->crash_report == TROUPE_CRASH_REPORT_ON)
		tr_crash_install();
	return t;

fail_sync:
	fini_sync(t);
fail_registry:
	tr_registry_destroy(t->registry);
fail_memory:
	tr_heap_give(t);
fail:
	tr_fail(TROUPE_NOMEM, "no memory for a runtime of %d workers", options->workers);
	return NULL;
}

troupe *
troupe_open(const troupe_options *given)
{
	troupe_options effective;
	troupe *t = NULL;

	if (tr_options_resolve(given, &effective) == TROUPE_OK && tr_process_init() == TROUPE_OK)
		t = tr_runtime_open(&effective);
	if (t == NULL)
		tr_log(&effective, TROUPE_LOG_ERROR, "%s", troupe_last_error_text());
	return t;
}

/* --- Quiet. --- */

void
tr_runtime_raise(troupe *t)
{
	/* RT-A: seq_cst; see the check below. */
	atomic_fetch_add_explicit(&t->outside, TR_OUTSIDE_RAISED, memory_order_seq_cst);
}

void
tr_runtime_lower(troupe *t)
{
	/* RT-A: release, what was put into the pool before.  RT-B: seq_cst, before the waiters are looked at. */
	atomic_fetch_sub_explicit(&t->outside, 1, memory_order_seq_cst);
	/* While a worker runs it is not quiet: the last to park, after this, says so. */
	if (tr_runtime_is_driven(t) || tr_idle_parked(tr_idle_load(&t->pool.idle)) == t->pool.count)
		tr_runtime_notify(t);
}

static uint64_t
load_outside(troupe *t)
{
	/* RT-A, RT-B: seq_cst. */
	return atomic_load_explicit(&t->outside, memory_order_seq_cst);
}

bool
tr_runtime_is_driven(const troupe *t)
{
	return tr_options_threads(&t->options) == 0;
}

bool
tr_runtime_is_simulated(const troupe *t)
{
	return t->options.scheduler == TROUPE_SCHEDULER_SIMULATED;
}

/* Whether there was a moment in which no worker ran or had anything to run. */
static bool
is_pool_quiet(troupe *t)
{
	/* A driven pool is asked by its own worker, which has found nothing to run. */
	return tr_runtime_is_driven(t)
	           ? tr_overflow_count(&t->pool.overflow) == 0 && !tr_simulation_has_work(&t->pool)
	           : tr_pool_is_quiet(&t->pool);
}

bool
tr_runtime_is_quiet(troupe *t)
{
	uint64_t outside = load_outside(t);
	tr_deadlines_load before = tr_timing_load(t);

	/* Nothing was armed, disarmed or fired around the look at the pool: so both were quiet then. */
	return (uint32_t)outside == 0 && before.armed == 0 && is_pool_quiet(t) &&
	       tr_timing_load(t).changes == before.changes && load_outside(t) == outside;
}

bool
tr_runtime_is_drained(troupe *t)
{
	uint64_t outside = load_outside(t);

	/* RT-B: seq_cst, after the waiter was counted. */
	uint32_t holds = atomic_load_explicit(&t->holds, memory_order_seq_cst);

	return (uint32_t)outside <= holds && is_pool_quiet(t) && load_outside(t) == outside;
}

bool
tr_runtime_is_shut_down(troupe *t)
{
	/* RT-B: seq_cst. */
	return atomic_load_explicit(&t->shutdown, memory_order_seq_cst);
}

bool
tr_runtime_is_closing(troupe *t)
{
	/* RT-none: changed under the lock. */
	return atomic_load_explicit(&t->closing, memory_order_relaxed);
}

static void
wake_waiters(troupe *t)
{
	pthread_mutex_lock(&t->lock);
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

void
tr_runtime_notify(troupe *t)
{
	/* RT-B: seq_cst, after what may have made it quiet. */
	if (atomic_load_explicit(&t->waiters, memory_order_seq_cst) == 0)
		return;
	if (tr_runtime_is_driven(t))
		tr_pool_wake_one(&t->pool); /* the driver: there is no other */
	else
		wake_waiters(t);
}

/* --- The end. --- */

troupe_status
tr_runtime_check_call(const troupe *t, const char *call)
{
	troupe_status status = tr_process_init();

	if (status != TROUPE_OK)
		return status;
	if (t == NULL)
		return tr_fail(TROUPE_INVALID, "%s: there is no runtime", call);
	if (tr_current_context != NULL && tr_current_context->current != NULL)
		return tr_fail(TROUPE_DEADLOCK, "%s: a callback would wait for itself", call);
	return TROUPE_OK;
}

void
tr_runtime_begin_ending(troupe *t)
{
	/* RT-none: what the call does next publishes it to whoever finds the end. */
	atomic_fetch_add_explicit(&t->endings, 1, memory_order_relaxed);
}

void
tr_runtime_finish_ending(troupe *t)
{
	/* RT-C: release, all that the call did; t may be gone after it. */
	atomic_fetch_sub_explicit(&t->endings, 1, memory_order_release);
}

bool
tr_runtime_is_being_ended(const troupe *t)
{
	/* RT-C: acquire. */
	return atomic_load_explicit(&t->endings, memory_order_acquire) != 0;
}

void
troupe_shutdown(troupe *t)
{
	if (t == NULL || tr_process_is_forked())
		return;
	tr_runtime_begin_ending(t);
	/* RT-B: seq_cst, before the waiters are looked at. */
	atomic_store_explicit(&t->shutdown, true, memory_order_seq_cst);
	tr_runtime_notify(t);
	tr_runtime_finish_ending(t);
}

/* --- Holds and reports. --- */

troupe_status
troupe_hold(troupe *t)
{
	if (tr_process_init() != TROUPE_OK)
		return troupe_last_error();
	if (t == NULL)
		return tr_fail(TROUPE_INVALID, "%s: there is no runtime", __func__);
	/* CX-none: a hint; a hold does not outlive the runtime. */
	if (atomic_load_explicit(&t->closing, memory_order_relaxed))
		return TROUPE_CLOSING;
	tr_runtime_raise(t);
	/* RT-B: seq_cst, before the waiters are looked at. */
	atomic_fetch_add_explicit(&t->holds, 1, memory_order_seq_cst);
	/* Who waits for a drained runtime may have seen the one without the other. */
	tr_runtime_notify(t);
	return TROUPE_OK;
}

/* false: there is no hold. */
static bool
give_hold_back(troupe *t)
{
	/* RT-none: a first guess; outside is lowered after it. */
	uint32_t holds = atomic_load_explicit(&t->holds, memory_order_relaxed);

	while (holds > 0)
		/* RT-none */
		if (atomic_compare_exchange_weak_explicit(&t->holds, &holds, holds - 1, memory_order_relaxed,
		        memory_order_relaxed))
			return true;
	return false;
}

troupe_status
troupe_release(troupe *t)
{
	if (tr_process_init() != TROUPE_OK)
		return troupe_last_error();
	if (t == NULL)
		return tr_fail(TROUPE_INVALID, "%s: there is no runtime", __func__);
	tr_runtime_begin_ending(t);
	bool held = give_hold_back(t);
	if (held)
		tr_runtime_lower(t);
	tr_runtime_finish_ending(t);
	return held ? TROUPE_OK : tr_fail(TROUPE_INVALID, "%s: nothing is held", __func__);
}

void
troupe_get_totals(troupe *t, troupe_totals *totals)
{
	if (t != NULL && !tr_process_is_forked())
		tr_tally_sum(t->number, totals);
}

int64_t
troupe_now(const troupe *t)
{
	return t != NULL && !tr_process_is_forked() ? tr_runtime_now(t) : 0;
}

/* As snprintf. */
static int
write_simulation(const troupe *t, char *text, size_t size)
{
	const troupe_options *options = &t->options;
	char *choices = tr_simulation_write_choices(&t->pool);
	int length = snprintf(text, size,
	    "policy = %s\ndepth = %d\nlength = %" PRIu64 "\nchoices = %s\nfaults = alloc=%" PRIu32 ",late=%" PRIu32
	    ",restart=%" PRIu32 "\n",
	    tr_policy_name(options->policy), options->depth, options->length, choices != NULL ? choices : "?",
	    options->faults.alloc, options->faults.late, options->faults.restart);

	free(choices);
	return length;
}

size_t
troupe_config_text(const troupe *t, char *text, size_t size)
{
	if (t == NULL || tr_process_is_forked()) {
		if (size > 0)
			*text = '\0';
		return 0;
	}
	int length = snprintf(text, size,
	    "scheduler = %s\nworkers = %d\nseed = %" PRIu64 "\nquantum = %d\nring = %d\nclose_ms = %d\n"
	    "crash_report = %s\nactor_arena_mib = %" PRIu64 "\nmessage_arena_mib = %" PRIu64 "\n",
	    t->pool.scheduler->name, tr_options_threads(&t->options), t->options.seed, t->options.quantum,
	    t->options.ring, t->options.close_ms, t->options.crash_report == TROUPE_CRASH_REPORT_ON ? "on" : "off",
	    (uint64_t)tr_arenas[TR_ACTORS].limit * TR_UNIT >> 20,
	    (uint64_t)tr_arenas[TR_MESSAGES].limit * TR_UNIT >> 20);
	size_t written = length > 0 ? (size_t)length : 0;

	if (tr_runtime_is_simulated(t)) {
		size_t at = written < size ? written : size;

		length = write_simulation(t, text + at, size - at);
		written += length > 0 ? (size_t)length : 0;
	}
	return written;
}
