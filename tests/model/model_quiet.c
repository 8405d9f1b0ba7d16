/* SPDX-License-Identifier: MIT */
#include "runtime/actor/runtime.h"
#include "runtime/memory/depot.h"
#include "tests/model/model.h"

#include <sched.h>

/*
 * Quiescence: threads that wait until a runtime is quiet, while its worker
 * parks and others hold it, put work into it, let go of it or shut it down.
 *
 * The calls are those of runtime.c, wait.c and timing.c; what these would need
 * to open a runtime is not linked, and is not called.  What a worker and the
 * holder did is plain, and the waiter looks at it: so "quiet" that comes
 * without it is a race.
 */

enum { ACTORS = 4 };

static char actors[ACTORS * TR_UNIT];
static char messages[ACTORS * TR_UNIT];
static troupe runtime;
static tr_worker worker;
static tr_worker *workers[1] = { &worker };
static _Atomic uint64_t handled, sent;
static uint32_t done[ACTORS];
static uint32_t held; /* what the holder did */

/* The worker's context, which wait.c looks at when it drives: no thread here does. */
_Thread_local tr_context *tr_current_context;

bool
tr_process_is_forked(void)
{
	return false;
}

troupe_status
tr_process_init(void)
{
	return TROUPE_OK;
}

static _Atomic uint32_t inside; /* threads that send from outside */
static _Atomic bool is_claimed;

bool
tr_runtime_is_entered(uint8_t number)
{
	(void)number;
	/* As in context.c. */
	return atomic_load_explicit(&inside, memory_order_seq_cst) != 0;
}

static void
work(tr_worker *of)
{
	(void)of;
}

/* As in runtime.c. */
static void
all_parked(tr_pool *pool)
{
	tr_runtime_notify(pool->owner);
}

static const tr_worker_hooks hooks = { .work = work, .all_parked = all_parked };

static void
open_runtime(void)
{
	tr_arenas[TR_ACTORS] = (tr_arena){ .base = actors, .limit = ACTORS };
	tr_arenas[TR_MESSAGES] = (tr_arena){ .base = messages, .limit = ACTORS };
	worker.handled = &handled;
	worker.sent = &sent;
	runtime.options.workers = 1;
	MODEL_CHECK(tr_depot_init());
	MODEL_CHECK(tr_pool_init(&runtime.pool, workers, 1, 4, &tr_pool_scheduler, &hooks, &runtime) == 0);
	model_name(&runtime, sizeof runtime, "runtime");
	model_name(&runtime.pool.idle, 8, "idle word");
	model_name(&runtime.pool.overflow, sizeof runtime.pool.overflow, "overflow");
	model_name(&runtime.outside, 8, "outside");
	model_name(&inside, sizeof inside, "inside");
	model_name(&is_claimed, sizeof is_claimed, "claimed");
	model_name(&runtime.holds, 4, "holds");
	model_name(&runtime.waiters, 4, "waiters");
	model_name(&runtime.shutdown, 1, "shutdown");
	model_name(&runtime.endings, 4, "endings");
	model_name(&runtime.lock, sizeof runtime.lock, "lock");
	model_name(&runtime.changed, sizeof runtime.changed, "changed");
	model_name(&worker.parker, 4, "parker");
	model_name(done, sizeof done, "actor");
}

static void
put(uint32_t actor)
{
	done[actor] = actor * 100;
	tr_pool_put(&runtime.pool, actor);
}

static void
open_with_actor(void)
{
	open_runtime();
	put(1);
}

static void
open_with_hold(void)
{
	open_runtime();
	tr_runtime_raise(&runtime);
	atomic_store_explicit(&runtime.holds, 1, memory_order_relaxed);
}

static void
run_worker(void)
{
	uint32_t actor;

	while ((actor = tr_worker_next(&worker)) != 0) {
		MODEL_CHECK(done[actor] == actor * 100);
		done[actor]++;
	}
}

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

static void
wait_for(bool (*is_reached)(void *))
{
	troupe_status status = tr_runtime_wait_until(&runtime, is_reached, &runtime, -1);

	MODEL_CHECK(status == TROUPE_OK);
}

static void
wait_for_actor(void)
{
	wait_for(is_quiet);
	MODEL_CHECK(done[1] == 101);
}

static void
wait_for_holder(void)
{
	wait_for(is_quiet);
	MODEL_CHECK(done[1] == 101 && held == 1);
}

static void
wait_until_drained(void)
{
	wait_for(is_drained);
	model_outcome(done[1] == 101);
}

/* The actor may have come after the waiter was told, but what was told of is seen. */
static void
wait_for_shutdown(void)
{
	wait_for(is_quiet);
	MODEL_CHECK(tr_runtime_is_shut_down(&runtime));
	/* As the closer does before it destroys it. */
	while (tr_runtime_is_being_ended(&runtime))
		sched_yield();
	runtime.options.workers = 0;
	held = 2;
}

static void
put_and_let_go(void)
{
	held = 1;
	put(1);
	tr_runtime_lower(&runtime);
}

static void
wait_for_let_go(void)
{
	wait_for(is_quiet);
	MODEL_CHECK(held == 1);
}

static void
shut_down(void)
{
	troupe_shutdown(&runtime);
}

/* While another waits for a drained runtime, which holds do not keep from being one. */
static void
hold(void)
{
	MODEL_CHECK(troupe_hold(&runtime) == TROUPE_OK);
}

static void
release(void)
{
	held = 1;
	MODEL_CHECK(troupe_release(&runtime) == TROUPE_OK);
}

/* As a send does that claims an actor. */
static void
send_from_outside(void)
{
	atomic_store_explicit(&inside, 1, memory_order_seq_cst);
	atomic_store_explicit(&is_claimed, true, memory_order_release);
	put(1);
	atomic_store_explicit(&inside, 0, memory_order_release);
}

/* What it has sent waits behind that. */
static void
wait_behind(void)
{
	if (!atomic_load_explicit(&is_claimed, memory_order_acquire))
		return;
	MODEL_CHECK(troupe_wait(&runtime, -1) == TROUPE_OK);
	model_outcome(0);
	MODEL_CHECK(done[1] == 101);
}

static void
wait_for_close(void)
{
	troupe_status status = tr_runtime_wait_until(&runtime, is_quiet, &runtime, -1);

	MODEL_CHECK(status == TROUPE_CLOSING);
}

/* As a closer begins: see close.c. */
static void
begin_to_close(void)
{
	pthread_mutex_lock(&runtime.lock);
	atomic_store_explicit(&runtime.closing, true, memory_order_relaxed);
	pthread_mutex_unlock(&runtime.lock);
	tr_runtime_notify(&runtime);
}

/* Only the worker sleeps for ever. */
static MODEL_UNSEEN void
check_rest(void)
{
	MODEL_CHECK(tr_pool_is_quiet(&runtime.pool));
	MODEL_CHECK(atomic_load_explicit(&runtime.waiters, memory_order_relaxed) == 0);
}

#define OUTSIDE .gives_up = true, .at_rest = check_rest

static const model_case cases[] = {
	{
	    .name = "park",
	    .proves = "who waits until it is quiet is told, and sees what the workers did",
	    .bounds = "1 worker that runs an actor and parks; 1 waiter",
	    OUTSIDE,
	    .set_up = open_with_actor,
	    .threads = { { "worker", run_worker }, { "waiter", wait_for_actor } },
	},
	{
	    .name = "lower",
	    .proves =
		"who waits is told when the last that kept it busy from outside lets go, and sees what that did",
	    .bounds = "1 worker, which runs at first; 1 holder that lets go; 1 waiter",
	    OUTSIDE,
	    .set_up = open_with_hold,
	    .threads = { { "worker", run_worker }, { "waiter", wait_for_let_go }, { "holder", release } },
	},
	{
	    .name = "put-lower",
	    .proves = "what was put into the pool before letting go is done before it is quiet",
	    .bounds = "1 worker, parked at first; 1 holder that puts an actor and lets go; 1 waiter",
	    OUTSIDE,
	    .set_up = open_with_hold,
	    .settled = 1,
	    .threads = { { "worker", run_worker }, { "waiter", wait_for_holder },
		{ "holder", put_and_let_go } },
	},
	{
	    .name = "drain",
	    .proves = "a hold that comes while one waits for a drained runtime does not keep him",
	    .bounds = "1 worker that runs an actor; 1 waiter; 1 thread that takes a hold",
	    OUTSIDE,
	    .set_up = open_with_actor,
	    .settled = 1,
	    .threads = { { "worker", run_worker }, { "waiter", wait_until_drained }, { "holder", hold } },
	    .outcomes = 0x2,
	},
	{
	    .name = "behind",
	    .proves = "what waits behind a send that is under way is waited for, and who waits is told",
	    .bounds = "1 worker, parked at first; 1 thread that sends from outside; 1 waiter",
	    OUTSIDE,
	    .times_out = true,
	    .set_up = open_runtime,
	    .settled = 1,
	    .threads = { { "worker", run_worker }, { "sender", send_from_outside }, { "waiter", wait_behind } },
	    .outcomes = 0x1,
	},
	{
	    .name = "shutdown",
	    .proves =
		"who waits is told of the shutdown, and may destroy the runtime when the call says that it is done",
	    .bounds = "no worker; a hold; 1 waiter that then destroys it; 1 thread that shuts it down",
	    .set_up = open_with_hold,
	    .threads = { { "waiter", wait_for_shutdown }, { "ender", shut_down } },
	},
	{
	    .name = "close",
	    .proves = "who waits is told that the runtime is being closed",
	    .bounds = "no worker; a hold; 1 waiter; 1 thread that begins to close it",
	    .set_up = open_with_hold,
	    .threads = { { "waiter", wait_for_close }, { "closer", begin_to_close } },
	},
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "quiet", cases, sizeof cases / sizeof *cases);
}
