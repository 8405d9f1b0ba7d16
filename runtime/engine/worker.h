/* SPDX-License-Identifier: MIT */
#ifndef TR_WORKER_H
#define TR_WORKER_H

#include "runtime/engine/governor.h"
#include "runtime/engine/idle.h"
#include "runtime/engine/mailbox.h"
#include "runtime/engine/overflow.h"
#include "runtime/engine/ring.h"
#include "runtime/platform/platform.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * worker -- one thread's share of the runnable actors: which to run next,
 * where to look when there is none, and when to sleep.
 *
 * An actor made runnable by the running one goes to the LIFO slot: it runs
 * next, while its message is warm, and nobody is woken for it.  Whom it
 * displaces goes to the ring, where others may steal, and then a sleeping
 * worker is woken if nobody searches.
 *
 * Threads    A worker is its own thread's, but for what thieves do to its
 *            ring and wakers to its parker.
 * Ownership  A runnable actor is owned by where it is: one LIFO slot, ring,
 *            overflow queue, or the hands of one worker.
 * Order      The LIFO slot, then the ring, then the overflow queue; the other
 *            way round every TR_FAIR_TICKS dispatches, so that whatever is
 *            queued is run.
 *
 * Invariants
 *   INV-WK-1  a parked worker's LIFO slot and ring are empty; so are those of
 *             one on the governor's bench.
 *
 * Ordering edges
 *   WK-A  unpark (release on the parker's word) -> park (acquire): what the
 *         waker did before.
 *   WK-B  stopping (seq_cst) against the idle word (seq_cst): who stops the
 *         pool sees a worker parked, or that worker, before it sleeps, sees
 *         stopping.
 */

typedef struct tr_worker tr_worker;
typedef struct tr_pool tr_pool;

/*
 * Once in so many dispatches the overflow queue and the ring come before the
 * LIFO slot: more would starve them.  A prime, so as not to beat with programs.
 */
#define TR_FAIR_TICKS 61
/* Messages of one turn that count as another dispatch. */
#define TR_TICK_MESSAGES 64

/* How runnable actors are kept and chosen. */
typedef struct tr_scheduler {
	const char *name;
	/* An actor that the running one made runnable; the worker may run it next. */
	void (*put)(tr_worker *worker, uint32_t actor);
	/* An actor whose turn is over but that has more to do; others come first. */
	void (*put_back)(tr_worker *worker, uint32_t actor);
	/* The actor to run now, or 0.  Never waits. */
	uint32_t (*try_next)(tr_worker *worker);
	int64_t (*now)(const tr_pool *pool);
} tr_scheduler;

extern const tr_scheduler tr_pool_scheduler;

enum tr_parker_word { TR_RUNNING, TR_PARKED, TR_SEARCH, TR_BENCHED };

struct tr_worker {
	/* The owner's. */
	_Alignas(TR_CACHE_LINE) uint32_t lifo; /* the actor to run next; 0 is none */
	int32_t credit;                        /* what the turn may still spend: see turn.h */
	int32_t quantum;                       /* what each turn may spend at least; constant */
	const tr_scheduler *scheduler;
	tr_pool *pool;
	uint32_t index;
	uint32_t tick;  /* dispatches since the last fair one */
	uint32_t random;
	/* Messages that it has handled, and sent; set by the layer above. */
	const _Atomic uint64_t *handled, *sent;
	pthread_t thread;
	/* Written by wakers. */
	_Alignas(TR_CACHE_LINE) tr_parker parker;
	/* Read and written by thieves. */
	tr_ring ring;
};

/* What the layer above does for a worker. */
typedef struct tr_worker_hooks {
	/* All that the worker's thread does: run what tr_worker_next gives until it gives 0. */
	void (*work)(tr_worker *worker);
	/* All workers are parked. */
	void (*all_parked)(tr_pool *pool);
	/* A busy worker has come to a fair dispatch: what else is due?  May make actors runnable; NULL is nothing. */
	void (*fair_tick)(tr_worker *worker);
} tr_worker_hooks;

struct tr_pool {
	/* Set before the workers start. */
	const tr_worker_hooks *hooks;
	const tr_scheduler *scheduler;
	void *owner;
	void *simulation;    /* of the simulated scheduler */
	tr_worker **workers;
	uint32_t count;
	uint32_t started;    /* threads; 0 when the caller's thread is the only worker */
	_Atomic bool stopping;
	/* Changed by everybody. */
	tr_idle idle;
	tr_governor governor;
	_Alignas(TR_CACHE_LINE) tr_overflow overflow;
	/* Threads that have left. */
	pthread_mutex_t exit_lock;
	pthread_cond_t exit_changed;
	uint32_t exited;
};

/* 0, or an errno value. */
int tr_worker_init(tr_worker *worker, tr_pool *pool, uint32_t index, uint32_t ring_size);
void tr_worker_fini(tr_worker *worker);

/* The same when the worker has nothing, or it is time to be fair. */
uint32_t tr_worker_next_slow(tr_worker *worker);

/* Xorshift (Marsaglia 2003), for what only has to be spread. */
TR_INLINE uint32_t
tr_worker_random(tr_worker *worker)
{
	uint32_t x = worker->random != 0 ? worker->random : 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return worker->random = x;
}

/* The next actor to run; sleeps while there is none.  0: the pool stops. */
TR_INLINE uint32_t
tr_worker_next(tr_worker *worker)
{
	if (TR_LIKELY(++worker->tick < TR_FAIR_TICKS)) {
		uint32_t actor = worker->lifo;

		worker->lifo = 0;
		if (TR_LIKELY(actor != 0) || (actor = tr_ring_pop(&worker->ring)) != 0)
			return actor;
	}
	return tr_worker_next_slow(worker);
}

/* A turn handled or sent many messages: it counts as several dispatches. */
TR_INLINE void
tr_worker_count_turn(tr_worker *worker, uint32_t messages)
{
	if (TR_UNLIKELY(messages >= TR_TICK_MESSAGES))
		worker->tick += messages / TR_TICK_MESSAGES;
}

/*
 * For a worker that is the caller's own thread: sleep until there may be
 * something to run, tr_pool_wake_one is called, or timeout_ns (negative: no
 * limit) is over.  may_sleep is asked once the worker counts as parked, so
 * that what it looks at, if that is changed before tr_pool_wake_one (both in
 * seq_cst), is not missed.
 */
void tr_worker_sleep(tr_worker *worker, int64_t timeout_ns, bool (*may_sleep)(void *argument), void *argument);

/* Append to the ring, or make room in it through the overflow queue; wake a worker if one sleeps. */
void tr_worker_share(tr_worker *worker, uint32_t actor);

/*
 * The running actor has used up its credit in one callback: whom it made
 * runnable shall not wait for its end.
 */
void tr_worker_overrun(tr_worker *worker);

/* For threads outside the pool: queue a runnable actor that the caller owns. */
void tr_pool_put(tr_pool *pool, uint32_t actor);

/* Rouse one parked worker if nobody searches, or all of them. */
void tr_pool_wake_one(tr_pool *pool);
void tr_pool_wake_all(tr_pool *pool);

/* Let those on the governor's bench look whether they may leave it. */
void tr_pool_call_back(tr_pool *pool);

/* For a worker of the pool: an actor that the running one made runnable. */
TR_INLINE void
tr_worker_put(tr_worker *worker, uint32_t actor)
{
	uint32_t displaced = worker->lifo;

	worker->lifo = actor;
	if (displaced != 0)
		tr_worker_share(worker, displaced);
}

#endif /* TR_WORKER_H */
