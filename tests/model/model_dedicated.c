/* SPDX-License-Identifier: MIT */
#include "tests/model/model.h"

#include <pthread.h>
#include <stdlib.h>

/* Memory that is given back is written to, and a thread here is no thread of the system's. */
static void retire(void *memory);
static int join(pthread_t thread, void **result);
#undef free
#define free         retire
#define pthread_join join

#include "runtime/actor/dedicated.c"

/*
 * The thread of a dedicated actor: others hand it over, dismiss it, and give
 * back what belongs to it when it has ended.
 *
 * What the actor's turn looks at is plain, and so is the end of the memory.
 */

static char actors[2 * TR_UNIT];
static troupe runtime;
static struct tr_dedicated dedicated;
static uint32_t letters;       /* plain: handed over by rousing */
static _Atomic bool has_ended; /* what a join waits for */

_Thread_local tr_context *tr_current_context;

void
tr_context_fini(tr_context *context)
{
	(void)context;
}

/* The count of those at work outside the pool gives no order here. */
void
tr_runtime_raise(troupe *t)
{
	atomic_fetch_add_explicit(&t->outside, TR_OUTSIDE_RAISED, memory_order_relaxed);
}

void
tr_runtime_lower(troupe *t)
{
	atomic_fetch_sub_explicit(&t->outside, 1, memory_order_relaxed);
}

/* The one letter is its last. */
enum tr_turn_end
tr_turn_run(tr_context *context, uint32_t actor)
{
	(void)context;
	(void)actor;
	MODEL_CHECK(letters == 1);
	letters = 0;
	return TR_TURN_GONE;
}

static void
retire(void *memory)
{
	MODEL_CHECK(memory == &dedicated);
	memset(&dedicated.parker, 0xde, sizeof dedicated.parker);
	memset((void *)(uintptr_t)&dedicated.rousing, 0xde, sizeof dedicated.rousing);
	dedicated.actor = NULL;
}

static int
join(pthread_t thread, void **result)
{
	(void)thread;
	(void)result;
	while (!atomic_load_explicit(&has_ended, memory_order_acquire))
		sched_yield();
	return 0;
}

static void
open_runtime(void)
{
	tr_arenas[TR_ACTORS] = (tr_arena){ .base = actors, .limit = 2 };
	MODEL_CHECK(pthread_mutex_init(&runtime.lock, NULL) == 0);
	MODEL_CHECK(pthread_cond_init(&runtime.changed, NULL) == 0);
	MODEL_CHECK(tr_parker_init(&dedicated.parker, ASLEEP) == 0);
	dedicated.actor = tr_actor_at(1);
	dedicated.context.runtime = &runtime;
	runtime.dedicated = &dedicated;
	model_name(&dedicated.parker, 4, "parker");
	model_name(&dedicated.rousing, 4, "rousing");
	model_name(&runtime.lock, sizeof runtime.lock, "lock");
	model_name(&runtime.changed, sizeof runtime.changed, "changed");
	model_name(&letters, sizeof letters, "letters");
}

static void
run_thread(void)
{
	(void)work(&dedicated);
	atomic_store_explicit(&has_ended, true, memory_order_release);
}

static void
rouse(void)
{
	letters = 1;
	tr_dedicated_rouse(&runtime, &dedicated);
}

static void
reap(void)
{
	MODEL_CHECK(tr_dedicated_wait_all(&runtime, -1));
	tr_dedicated_reap(&runtime);
	MODEL_CHECK(runtime.dedicated == NULL);
}

static void
dismiss(void)
{
	tr_dedicated_dismiss_all(&runtime);
	MODEL_CHECK(tr_dedicated_wait_all(&runtime, -1));
}

static MODEL_UNSEEN void
check_outside(void)
{
	uint64_t outside = atomic_load_explicit(&runtime.outside, memory_order_relaxed);

	MODEL_CHECK((uint32_t)outside == 0);
}

static const model_case cases[] = {
	{
	    .name = "rouse",
	    .proves = "the thread gets the actor as it was handed over, and is given back when nobody looks at it any more",
	    .bounds = "1 thread that hands the actor over; 1 that waits for the end and gives back",
	    .gives_up = true,
	    .set_up = open_runtime,
	    .threads = { { "actor's", run_thread }, { "rouser", rouse }, { "reaper", reap } },
	    .at_end = check_outside,
	},
	{
	    .name = "dismiss",
	    .proves = "a thread that is dismissed ends, asleep or about to be roused",
	    .bounds = "1 thread that hands the actor over; 1 that dismisses it",
	    .gives_up = true,
	    .set_up = open_runtime,
	    .threads = { { "actor's", run_thread }, { "rouser", rouse }, { "closer", dismiss } },
	},
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "dedicated", cases, sizeof cases / sizeof *cases);
}
