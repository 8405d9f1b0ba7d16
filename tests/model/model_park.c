/* SPDX-License-Identifier: MIT */
#include "runtime/engine/pool.h"
#include "runtime/memory/depot.h"
#include "tests/model/model.h"

#include <string.h>

/*
 * Park and wake: the pool's own workers, from worker.c, with threads outside
 * that queue actors, stop the pool, or change the governor's limit.
 *
 * An actor is a word in `done`, written plainly before it is queued and changed
 * plainly by the worker that runs it.  A worker's first sleep, which ends by
 * time, does not end by itself but in the cases that say so: what would only be
 * late is lost.
 */

enum { WORKERS = 2, ACTORS = 8, RING = 4 };

static char actors[ACTORS * TR_UNIT];
static char messages[ACTORS * TR_UNIT];
static tr_worker worker_of[WORKERS];
static tr_worker *workers[WORKERS];
static tr_pool pool;
static _Atomic uint64_t handled, sent;
static uint32_t done[ACTORS];
static _Atomic bool has_run[ACTORS];
static bool is_stalling;

/* The harness's own books. */
static uint32_t queued[ACTORS], ran[ACTORS];

static MODEL_UNSEEN void
note_queued(uint32_t actor)
{
	queued[actor]++;
}

static MODEL_UNSEEN void
note_ran(uint32_t actor)
{
	MODEL_CHECK(actor > 0 && actor < ACTORS && ++ran[actor] <= queued[actor]);
}

static void
work(tr_worker *worker)
{
	(void)worker;
}

static void
all_parked(tr_pool *of)
{
	(void)of;
	model_outcome(0);
}

static const tr_worker_hooks hooks = { .work = work, .all_parked = all_parked };

static void
open_pool(void)
{
	tr_arenas[TR_ACTORS] = (tr_arena){ .base = actors, .limit = ACTORS };
	tr_arenas[TR_MESSAGES] = (tr_arena){ .base = messages, .limit = ACTORS };
	MODEL_CHECK(tr_depot_init());
	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i] = &worker_of[i];
		worker_of[i].handled = &handled;
		worker_of[i].sent = &sent;
	}
	MODEL_CHECK(tr_pool_init(&pool, workers, WORKERS, RING, &tr_pool_scheduler, &hooks, NULL) == 0);
	model_name(&pool.idle, 8, "idle word");
	model_name(&pool.overflow.lock, sizeof pool.overflow.lock, "overflow lock");
	model_name(&pool.overflow.count, 4, "overflow count");
	model_name(&pool.stopping, 1, "stopping");
	model_name(&pool.governor.limit, 4, "limit");
	model_name(&pool.governor.benched, 4, "benched");
	model_name(&worker_of[0].parker, 4, "parker of worker 1");
	model_name(&worker_of[1].parker, 4, "parker of worker 2");
	model_name(&worker_of[0].ring, sizeof worker_of[0].ring, "ring of worker 1");
	model_name(&worker_of[1].ring, sizeof worker_of[1].ring, "ring of worker 2");
	model_name(done, sizeof done, "actor");
}

static void
put(uint32_t actor)
{
	done[actor] = actor * 100;
	note_queued(actor);
	tr_pool_put(&pool, actor);
}

static void
make_runnable(tr_worker *worker, uint32_t actor)
{
	done[actor] = actor * 100;
	note_queued(actor);
	worker->scheduler->put(worker, actor);
}

/* A callback that takes as long as it takes another worker to run that actor. */
static void
wait_for(uint32_t actor)
{
	while (!atomic_load_explicit(&has_run[actor], memory_order_relaxed))
		sched_yield();
}

static MODEL_UNSEEN void
check_says_running(const tr_worker *worker)
{
	MODEL_CHECK(atomic_load_explicit(&worker->parker.word, memory_order_relaxed) == TR_RUNNING);
}

static void
run(tr_worker *worker, uint32_t actor)
{
	check_says_running(worker);
	MODEL_CHECK(done[actor] == actor * 100);
	note_ran(actor);
	done[actor]++;
	atomic_store_explicit(&has_run[actor], true, memory_order_relaxed);
	if (actor == 3)
		wait_for(2);
	/* The last one makes others runnable. */
	if (actor == ACTORS - 1) {
		make_runnable(worker, 4);
		make_runnable(worker, 5);
		if (is_stalling)
			wait_for(4);
	}
}

static void
run_all(uint32_t index)
{
	uint32_t actor;

	while ((actor = tr_worker_next(&worker_of[index])) != 0)
		run(&worker_of[index], actor);
}

static void
work_1(void)
{
	run_all(0);
}

static void
work_2(void)
{
	run_all(1);
}

static void
put_1(void)
{
	put(1);
}

static void
put_2(void)
{
	put(2);
}

static void
put_3_and_2(void)
{
	put(3);
	put(2);
}

static void
open_stalling(void)
{
	open_pool();
	is_stalling = true;
}

static void
put_last(void)
{
	put(ACTORS - 1);
}

static void
stop(void)
{
	tr_pool_stop(&pool);
}

/* --- A worker that is the caller's own thread. --- */

static _Atomic bool is_told;
static bool told; /* plain: is_told hands it over */

static bool
may_sleep(void *argument)
{
	(void)argument;
	return !atomic_load_explicit(&is_told, memory_order_seq_cst);
}

static void
drive(void)
{
	while (may_sleep(NULL)) {
		uint32_t actor = pool.scheduler->try_next(&worker_of[0]);

		if (actor != 0)
			run(&worker_of[0], actor);
		else
			tr_worker_sleep(&worker_of[0], -1, may_sleep, NULL);
	}
	MODEL_CHECK(told);
}

static void
tell(void)
{
	told = true;
	atomic_store_explicit(&is_told, true, memory_order_seq_cst);
	tr_pool_wake_one(&pool);
}

static void
open_driven(void)
{
	open_pool();
	pool.count = 1;
}

/* --- The last searcher has found something, while more comes: the end of search(), by itself. --- */

static void
open_searching(void)
{
	open_pool();
	atomic_store_explicit(&pool.idle.word, TR_IDLE_SEARCHING + TR_IDLE_PARKED, memory_order_relaxed);
}

static void
find_something(void)
{
	if (tr_idle_end_search(&pool.idle) && tr_overflow_count(&pool.overflow) > 0)
		model_outcome(tr_idle_take_ticket(&pool.idle) ? 0 : 1);
}

static void
put_and_look(void)
{
	uint32_t actor = 1;

	tr_overflow_put(&pool.overflow, &actor, 1);
	model_outcome(tr_idle_take_ticket(&pool.idle) ? 2 : 3);
}

static MODEL_UNSEEN void
check_ticket(void)
{
	MODEL_CHECK(tr_idle_parked(tr_idle_load(&pool.idle)) == 0);
}

/* --- The bench. --- */

static void
open_with_limit(void)
{
	open_pool();
	atomic_store_explicit(&pool.governor.limit, 1, memory_order_relaxed);
}

static void
raise_limit(void)
{
	tr_governor_reset(&pool.governor);
	tr_pool_call_back(&pool);
}

static void
raise_limit_and_put(void)
{
	raise_limit();
	put_1();
}

/* --- The end. --- */

/* No worker is awake, so nothing may be left to do. */
static MODEL_UNSEEN void
check_rest(void)
{
	for (uint32_t actor = 0; actor < ACTORS; actor++)
		MODEL_CHECK(ran[actor] == queued[actor]);
	MODEL_CHECK(tr_pool_is_quiet(&pool));
	MODEL_CHECK(tr_idle_searching(tr_idle_load(&pool.idle)) == 0); /* INV-ID-2 */
}

static MODEL_UNSEEN void
check_has_run(void)
{
	MODEL_CHECK(ran[1] == 1);
}

/* Not on the bench. */
static MODEL_UNSEEN void
check_called_back(void)
{
	MODEL_CHECK(
	    tr_idle_parked(tr_idle_load(&pool.idle)) == 1 && tr_governor_benched(&pool.governor) == 0);
}

static MODEL_UNSEEN void
check_books(void)
{
	MODEL_CHECK(
	    tr_idle_parked(tr_idle_load(&pool.idle)) == 0 && tr_governor_benched(&pool.governor) == 0);
	MODEL_CHECK(tr_idle_searching(tr_idle_load(&pool.idle)) == 0);
}

#define NONE_LOST        "no wake-up is lost: nothing is queued when all workers are parked, and who runs it sees it"
#define OUTSIDE          .gives_up = true, .set_up = open_pool, .at_rest = check_rest, .outcomes = 0x1
#define WORKERS_AND(...) .threads = { { "worker 1", work_1 }, { "worker 2", work_2 }, __VA_ARGS__ }

static const model_case cases[] = {
	{
	    .name = "put-to-parked",
	    .proves = NONE_LOST,
	    .bounds = "2 workers, parked at first; 1 thread outside that queues an actor",
	    OUTSIDE,
	    .settled = 2,
	    WORKERS_AND({ "putter", put_1 }),
	},
	{
	    .name = "put-to-parking",
	    .proves = NONE_LOST,
	    .bounds = "2 workers, one of them parked at first; 1 thread outside that queues an actor",
	    OUTSIDE,
	    .settled = 1,
	    WORKERS_AND({ "putter", put_1 }),
	},
	{
	    .name = "put-to-running",
	    .proves = NONE_LOST,
	    .preemptions = 1,
	    .bounds = "2 workers; 1 thread outside that queues an actor; at most 1 preemption",
	    .is_deep = true,
	    OUTSIDE,
	    WORKERS_AND({ "putter", put_1 }),
	},
	{
	    .name = "put-two",
	    .proves = NONE_LOST,
	    .preemptions = 1,
	    .bounds =
		"2 workers, parked at first; 2 threads outside that queue an actor each; at most 1 preemption",
	    .is_deep = true,
	    OUTSIDE,
	    .settled = 2,
	    WORKERS_AND({ "putter 1", put_1 }, { "putter 2", put_2 }),
	},
	{
	    .name = "chain",
	    .proves = "what a running actor makes runnable is run once, by it or by whom it wakes",
	    .bounds = "2 workers, parked at first; an actor from outside that makes 2 others runnable",
	    OUTSIDE,
	    .settled = 2,
	    WORKERS_AND({ "putter", put_last }),
	},
	{
	    .name = "stall",
	    .is_deep = true,
	    .proves =
		"while a callback lasts, what is queued after it is run by another worker: a burst wakes the pool as a chain",
	    .preemptions = 1,
	    .bounds =
		"2 workers, parked at first; 1 thread outside that queues 2 actors, of which the first waits for the second; at most 1 preemption",
	    OUTSIDE,
	    .settled = 2,
	    WORKERS_AND({ "putter", put_3_and_2 }),
	},
	{
	    .name = "stall-ring",
	    .proves = "while a callback lasts, another worker steals what it made runnable",
	    .bounds =
		"2 workers, parked at first; an actor from outside that makes 2 others runnable and waits for the first",
	    .gives_up = true,
	    .set_up = open_stalling,
	    .at_rest = check_rest,
	    .outcomes = 0x1,
	    .settled = 2,
	    WORKERS_AND({ "putter", put_last }),
	},
	{
	    .name = "early",
	    .proves = "a sleep that ends too early or by time does no harm",
	    .bounds =
		"2 workers, parked at first; 1 thread outside; 1 early return; each first sleep ends by time when all wait",
	    OUTSIDE,
	    .settled = 2,
	    .early = 1,
	    .times_out = true,
	    WORKERS_AND({ "putter", put_1 }),
	},
	{
	    .name = "stop",
	    .proves = "a pool that is stopped ends, whatever its workers were about to do",
	    .bounds = "2 workers, parked at first",
	    .gives_up = true,
	    .set_up = open_pool,
	    .settled = 2,
	    .at_end = check_books,
	    .outcomes = 0x1,
	    WORKERS_AND({ "stopper", stop }),
	},
	{
	    .name = "stop-parking",
	    .proves = "a pool that is stopped ends, whatever its workers were about to do",
	    .bounds = "1 worker that runs",
	    .gives_up = true,
	    .set_up = open_driven,
	    .at_end = check_books,
	    .outcomes = 0x1,
	    .threads = { { "worker", work_1 }, { "stopper", stop } },
	},
	{
	    .name = "found",
	    .proves =
		"what is queued while the last searcher ends its search wakes another, by one of the two",
	    .bounds =
		"1 searcher that has found something, 1 thread that queues an actor; 1 worker is parked",
	    .set_up = open_searching,
	    .threads = { { "searcher", find_something }, { "putter", put_and_look } },
	    .at_end = check_ticket,
	    .outcomes = 0xf,
	},
	{
	    .name = "driven",
	    .proves =
		"a caller's own worker that sleeps is roused by what is queued and by what it waits for",
	    .bounds = "1 worker; 1 thread outside that queues an actor, 1 that tells it to end",
	    .set_up = open_driven,
	    .outcomes = 0x1,
	    .threads = { { "driver", drive }, { "putter", put_1 }, { "teller", tell } },
	},
	{
	    .name = "bench",
	    .proves = "an idle pool has nobody on the bench: the last to park sees who sits down, or is seen",
	    .bounds = "2 workers, a limit of 1",
	    .gives_up = true,
	    .set_up = open_with_limit,
	    .at_rest = check_rest,
	    .outcomes = 0x1,
	    WORKERS_AND(),
	},
	{
	    .name = "bench-limit",
	    .proves = "who sits down sees a limit that is raised, or is called back",
	    .bounds = "1 worker that sits down while the limit is raised",
	    .gives_up = true,
	    .set_up = open_with_limit,
	    .at_rest = check_called_back,
	    .threads = { { "worker 2", work_2 }, { "raiser", raise_limit } },
	},
	{
	    .name = "bench-run",
	    .proves = "who has left the bench runs what there is, and says so",
	    .bounds = "1 worker that sits down while the limit is raised; then an actor is queued",
	    .gives_up = true,
	    .set_up = open_with_limit,
	    .at_rest = check_has_run,
	    .threads = { { "worker 2", work_2 }, { "raiser", raise_limit_and_put } },
	},
	{
	    .name = "bench-stop",
	    .proves = "a pool that is stopped ends, from the bench too",
	    .bounds = "2 workers, a limit of 1; 1 worker runs, which sits down on the bench",
	    .gives_up = true,
	    .set_up = open_with_limit,
	    .at_end = check_books,
	    .threads = { { "worker 2", work_2 }, { "stopper", stop } },
	},
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "park", cases, sizeof cases / sizeof *cases);
}
