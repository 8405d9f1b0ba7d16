/* SPDX-License-Identifier: MIT */
#include "runtime/actor/dedicated.h"

#include "runtime/actor/runtime.h"
#include "runtime/actor/turn.h"
#include "runtime/memory/fault.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { ASLEEP, ROUSED, DISMISSED };

struct tr_dedicated {
	tr_context context;
	tr_parker parker;
	troupe_actor *actor;
	pthread_t thread;
	_Atomic uint32_t rousing; /* threads in tr_dedicated_rouse */
	/* Under the runtime's lock. */
	bool ended;
	tr_dedicated *next;
};

/* Wait for what the parker's word says next; ROUSED is consumed, DISMISSED stays. */
static uint32_t
wait_for_word(tr_dedicated *dedicated)
{
	for (;;) {
		uint32_t word = ROUSED;

		/* DE-A: acquire, receives the claimed actor.  Relaxed on failure: there is none. */
		if (atomic_compare_exchange_strong_explicit(&dedicated->parker.word, &word, ASLEEP,
		        memory_order_acquire, memory_order_relaxed))
			return ROUSED;
		if (word == DISMISSED)
			return DISMISSED;
		tr_parker_wait(&dedicated->parker, ASLEEP, -1);
	}
}

static bool
is_dismissed(const tr_dedicated *dedicated)
{
	/* DE-none: a hint; what is dismissed is said again by wait_for_word. */
	return atomic_load_explicit(&dedicated->parker.word, memory_order_relaxed) == DISMISSED;
}

static enum tr_turn_end
run_turns(tr_dedicated *dedicated)
{
	enum tr_turn_end end;

	do
		end = tr_turn_run(&dedicated->context, tr_actor_unit(dedicated->actor));
	while (end == TR_TURN_MORE && !is_dismissed(dedicated));
	/* CX-none: nothing runs here now, for reports. */
	atomic_store_explicit(&dedicated->context.self, 0, memory_order_relaxed);
	return end;
}

static void *
work(void *argument)
{
	tr_dedicated *dedicated = argument;
	troupe *t = dedicated->context.runtime;
	enum tr_turn_end end = TR_TURN_IDLE;

	tr_current_context = &dedicated->context;
	while (end != TR_TURN_GONE && wait_for_word(dedicated) == ROUSED) {
		end = run_turns(dedicated);
		tr_runtime_lower(t);
	}
	tr_current_context = NULL;

	pthread_mutex_lock(&t->lock);
	dedicated->ended = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static tr_dedicated *
allocate(troupe *t, troupe_actor *actor)
{
	tr_dedicated *dedicated = tr_fault_due() ? NULL : aligned_alloc(TR_CACHE_LINE, sizeof *dedicated);

	if (dedicated == NULL)
		return NULL;
	memset(dedicated, 0, sizeof *dedicated);
	dedicated->actor = actor;
	dedicated->context.worker.scheduler = &tr_pool_scheduler;
	/* Each has its own chances. */
	dedicated->context.worker.random = tr_actor_unit(actor) * UINT32_C(2654435761);
	if (tr_parker_init(&dedicated->parker, ASLEEP) != 0)
		goto fail;
	if (!tr_context_init(&dedicated->context, t))
		goto fail_parker;
	dedicated->context.current_runtime = t;
	dedicated->context.worker.quantum = t->options.quantum;
	dedicated->context.tally = &dedicated->context.visits[t->number].tally;
	return dedicated;

fail_parker:
	tr_parker_fini(&dedicated->parker);
fail:
	free(dedicated);
	return NULL;
}

static void
deallocate(tr_dedicated *dedicated)
{
	tr_context_fini(&dedicated->context);
	tr_parker_fini(&dedicated->parker);
	free(dedicated);
}

tr_dedicated *
tr_dedicated_create(troupe *t, troupe_actor *actor)
{
	/* CX-none: a closer reaps for itself, when nobody can need them. */
	if (!atomic_load_explicit(&t->closing, memory_order_relaxed))
		tr_dedicated_reap(t);
	tr_dedicated *dedicated = allocate(t, actor);
	if (dedicated == NULL)
		return NULL;
	if (tr_fault_due() || tr_thread_start(&dedicated->thread, "troupe/own", work, dedicated) != 0) {
		deallocate(dedicated);
		return NULL;
	}
	pthread_mutex_lock(&t->lock);
	dedicated->next = t->dedicated;
	t->dedicated = dedicated;
	pthread_mutex_unlock(&t->lock);
	return dedicated;
}

void
tr_dedicated_rouse(troupe *t, tr_dedicated *dedicated)
{
	uint32_t asleep = ASLEEP;

	tr_runtime_raise(t);
	/* DE-none: seen by whoever finds that it ended, which is by this rousing, or by a closer when nobody is inside. */
	atomic_fetch_add_explicit(&dedicated->rousing, 1, memory_order_relaxed);
	/* DE-A: release, publishes the claimed actor.  Relaxed on failure: it was dismissed. */
	if (atomic_compare_exchange_strong_explicit(&dedicated->parker.word, &asleep, ROUSED, memory_order_release,
	        memory_order_relaxed))
		tr_parker_wake(&dedicated->parker);
	/* DE-B: release, this thread is done with it. */
	atomic_fetch_sub_explicit(&dedicated->rousing, 1, memory_order_release);
}

void
tr_dedicated_dismiss(tr_dedicated *dedicated)
{
	/* DE-none: it brings nothing along; the thread ends. */
	atomic_store_explicit(&dedicated->parker.word, DISMISSED, memory_order_relaxed);
	/* CX-none: a turn ends with the callback in hand. */
	atomic_store_explicit(&dedicated->context.leave, 1, memory_order_relaxed);
	tr_parker_wake(&dedicated->parker);
}

void
tr_dedicated_reap(troupe *t)
{
	tr_dedicated *ended = NULL;

	pthread_mutex_lock(&t->lock);
	for (tr_dedicated **at = &t->dedicated; *at != NULL;) {
		tr_dedicated *dedicated = *at;

		if (!dedicated->ended) {
			at = &dedicated->next;
			continue;
		}
		*at = dedicated->next;
		dedicated->next = ended;
		ended = dedicated;
	}
	pthread_mutex_unlock(&t->lock);

	while (ended != NULL) {
		tr_dedicated *dedicated = ended;

		ended = dedicated->next;
		pthread_join(dedicated->thread, NULL);
		/* DE-B: acquire. */
		while (atomic_load_explicit(&dedicated->rousing, memory_order_acquire) != 0)
			sched_yield();
		deallocate(dedicated);
	}
}

static bool
all_ended(const troupe *t)
{
	for (const tr_dedicated *dedicated = t->dedicated; dedicated != NULL; dedicated = dedicated->next)
		if (!dedicated->ended)
			return false;
	return true;
}

void
tr_dedicated_dismiss_all(troupe *t)
{
	pthread_mutex_lock(&t->lock);
	for (tr_dedicated *dedicated = t->dedicated; dedicated != NULL; dedicated = dedicated->next)
		tr_dedicated_dismiss(dedicated);
	pthread_mutex_unlock(&t->lock);
}

bool
tr_dedicated_wait_all(troupe *t, int64_t deadline)
{
	bool all;

	pthread_mutex_lock(&t->lock);
	while (!(all = all_ended(t)) && tr_cond_wait_until(&t->changed, &t->lock, deadline))
		;
	pthread_mutex_unlock(&t->lock);
	return all;
}

tr_context *
tr_dedicated_running(troupe *t, uint32_t index)
{
	tr_context *found = NULL;

	pthread_mutex_lock(&t->lock);
	for (tr_dedicated *dedicated = t->dedicated; dedicated != NULL && found == NULL; dedicated = dedicated->next)
		if (!dedicated->ended && index-- == 0)
			found = &dedicated->context;
	pthread_mutex_unlock(&t->lock);
	return found;
}

bool
tr_dedicated_visit(troupe *t, troupe_ref actor, void (*visit)(tr_context *, void *), void *argument)
{
	bool found = false;

	pthread_mutex_lock(&t->lock);
	for (tr_dedicated *dedicated = t->dedicated; dedicated != NULL && !found; dedicated = dedicated->next) {
		found = !dedicated->ended && tr_context_self(&dedicated->context) == actor;
		if (found)
			visit(&dedicated->context, argument);
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}
