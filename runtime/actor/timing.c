/* SPDX-License-Identifier: MIT */
#include "runtime/actor/timing.h"

#include "runtime/actor/cells.h"
#include "runtime/actor/error.h"
#include "runtime/actor/post.h"
#include "runtime/actor/runtime.h"
#include "runtime/memory/fault.h"

#include <stdlib.h>
#include <string.h>

struct tr_timing {
	tr_context context; /* of the event thread */
	troupe *t;
	tr_deadlines *deadlines;
	pthread_t thread;
	bool threaded;      /* there is an event thread; the closer's */
	uint32_t returned;  /* cells that were not delivered, linked by next_unit; under the runtime's lock */
};

static tr_timing *
timing_of(const troupe *t)
{
	/* TM-A: acquire, receives the wheels. */
	return atomic_load_explicit(&t->timing, memory_order_acquire);
}

/* Each worker has a shard, and all others have one; when simulated, one is all, so that its order is exact. */
static uint32_t
shared_shard(const troupe *t)
{
	return tr_runtime_is_simulated(t) ? 0 : t->pool.count;
}

/* --- What becomes due. --- */

/* Work is on its way to the pool that nobody there knows of. */
static void
begin_firing(void *timing)
{
	tr_runtime_raise(((tr_timing *)timing)->t);
}

static void
end_firing(void *timing)
{
	tr_runtime_lower(((tr_timing *)timing)->t);
}

static void
return_cell(tr_timing *timing, tr_cell *cell)
{
	pthread_mutex_lock(&timing->t->lock);
	cell->msg.next_unit = timing->returned;
	timing->returned = tr_cell_unit(cell);
	pthread_mutex_unlock(&timing->t->lock);
}

static void
fire_cell(void *owner, tr_cell *cell)
{
	tr_timing *timing = owner;
	tr_context *context = tr_current_context;

	troupe_status status = tr_post(context, cell->msg.sender, &cell->msg);

	if (status == TROUPE_CLOSING)
		return_cell(timing, cell);
	else if (status != TROUPE_OK) {
		/* Its owner has ended it; by the lock of its shard, all that it did to it is done. */
		(void)tr_deadlines_disarm(timing->deadlines, cell);
		tr_cells_drop(context, cell);
	}
}

static const tr_deadlines_hooks hooks = {
	.begin = begin_firing,
	.end = end_firing,
	.fire = fire_cell,
};

static void *
run_event_thread(void *argument)
{
	tr_timing *timing = argument;

	tr_current_context = &timing->context;
	tr_deadlines_run(timing->deadlines);
	tr_current_context = NULL;
	return NULL;
}

/* --- Beginning and end. --- */

static void
destroy_timing(tr_timing *timing)
{
	tr_deadlines_destroy(timing->deadlines);
	tr_context_fini(&timing->context);
	free(timing);
}

static tr_timing *
create_timing(troupe *t)
{
	tr_timing *timing = tr_fault_due() ? NULL : aligned_alloc(TR_CACHE_LINE, sizeof *timing);

	if (timing == NULL)
		return NULL;
	memset(timing, 0, sizeof *timing);
	timing->t = t;
	if (!tr_context_init(&timing->context, NULL)) {
		free(timing);
		return NULL;
	}
	timing->deadlines = tr_runtime_is_simulated(t)
	                     ? tr_deadlines_create(1, 0, tr_runtime_now(t), &hooks, timing)
	                     : tr_deadlines_create(t->pool.count + 1, TR_DEADLINES_SHIFT, tr_runtime_now(t), &hooks, timing);
	if (timing->deadlines == NULL) {
		destroy_timing(timing);
		return NULL;
	}
	return timing;
}

/* With its thread, if it needs one: when the runtime is being closed, nothing becomes due.  NULL: no memory or no thread. */
static tr_timing *
create_and_start(troupe *t)
{
	tr_timing *timing = create_timing(t);

	if (timing == NULL || tr_runtime_is_simulated(t) || tr_runtime_is_closing(t))
		return timing;
	timing->threaded = !tr_fault_due() && tr_thread_start(&timing->thread, "troupe/events", run_event_thread, timing) == 0;
	if (timing->threaded)
		return timing;
	destroy_timing(timing);
	return NULL;
}

/* The first deadline of a runtime. */
static TR_COLD tr_timing *
begin_timing(troupe *t)
{
	pthread_mutex_lock(&t->lock);
	tr_timing *timing = timing_of(t);
	if (timing == NULL && (timing = create_and_start(t)) != NULL)
		/* TM-A: release, publishes the wheels. */
		atomic_store_explicit(&t->timing, timing, memory_order_release);
	pthread_mutex_unlock(&t->lock);
	return timing;
}

void
tr_timing_stop(troupe *t)
{
	/* Under the lock, so that the first deadline either has its thread by now or sees that the runtime closes. */
	pthread_mutex_lock(&t->lock);
	tr_timing *timing = timing_of(t);
	pthread_mutex_unlock(&t->lock);

	if (timing == NULL || !timing->threaded)
		return;
	tr_deadlines_stop(timing->deadlines);
	pthread_join(timing->thread, NULL);
	timing->threaded = false;
}

void
tr_timing_return(troupe *t, tr_cell *cell)
{
	return_cell(timing_of(t), cell);
}

void
tr_timing_reclaim(tr_context *context, troupe *t)
{
	tr_timing *timing = timing_of(t);

	for (uint32_t unit = timing != NULL ? timing->returned : 0, next; unit != 0; unit = next) {
		tr_cell *cell = tr_cell_at(unit);

		next = cell->msg.next_unit;
		if (cell->period == TR_CELL_ENDED)
			tr_cells_drop(context, cell);
		else
			tr_deadlines_arm(timing->deadlines, shared_shard(t), cell);
	}
	if (timing != NULL)
		timing->returned = 0;
}

void
tr_timing_destroy(troupe *t)
{
	tr_timing *timing = timing_of(t);

	if (timing != NULL)
		destroy_timing(timing);
}

/* --- Arming. --- */

bool
tr_timing_arm(tr_context *context, troupe *t, tr_cell *cell)
{
	tr_timing *timing = timing_of(t);

	if (TR_UNLIKELY(timing == NULL) && (timing = begin_timing(t)) == NULL) {
		tr_fail(TROUPE_NOMEM, "no memory or no thread for timers");
		return false;
	}
	bool has_own = context->worker.pool == &t->pool && !tr_runtime_is_simulated(t);

	tr_deadlines_arm(timing->deadlines, has_own ? context->worker.index : shared_shard(t), cell);
	return true;
}

bool
tr_timing_disarm(troupe *t, tr_cell *cell)
{
	return tr_deadlines_disarm(timing_of(t)->deadlines, cell);
}

int64_t
tr_timing_after(const troupe *t, int64_t delay)
{
	return tr_time_after(tr_runtime_now(t), delay);
}

int64_t
tr_timing_about_after(const troupe *t, int64_t delay)
{
	bool is_long = delay >= 50 * TR_CLOCK_SLACK_NS && !tr_runtime_is_simulated(t);

	return is_long ? tr_time_after(tr_clock_about(), delay) : tr_timing_after(t, delay);
}

/* --- For the runtime. --- */

tr_deadlines_load
tr_timing_load(const troupe *t)
{
	tr_timing *timing = timing_of(t);

	return timing != NULL ? tr_deadlines_get_load(timing->deadlines) : (tr_deadlines_load){ 0, 0 };
}

int64_t
tr_timing_next(const troupe *t)
{
	tr_timing *timing = timing_of(t);

	return timing != NULL ? tr_deadlines_first_deadline(timing->deadlines) : INT64_MAX;
}

void
tr_timing_help(troupe *t)
{
	tr_timing *timing = timing_of(t);

	if (timing == NULL || tr_runtime_is_simulated(t))
		return;
	int64_t now = tr_clock_now();
	if (tr_deadlines_is_late(timing->deadlines, now))
		(void)tr_deadlines_expire(timing->deadlines, now);
}

bool
tr_timing_expire(troupe *t)
{
	tr_timing *timing = timing_of(t);

	return timing != NULL && tr_deadlines_expire(timing->deadlines, tr_runtime_now(t));
}
