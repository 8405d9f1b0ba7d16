/* SPDX-License-Identifier: MIT */
#ifndef TR_RUNTIME_H
#define TR_RUNTIME_H

#include "runtime/actor/context.h"
#include "runtime/actor/options.h"
#include "runtime/engine/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <troupe.h>

/*
 * runtime -- a set of actors, the threads that run them, and when they are
 * all done.
 *
 * Threads    Fields are constant while it is open but where said otherwise.
 *
 * Quiet means: no pool worker runs or has anything to run, no dedicated
 * actor has, no hold is held, and no deadline is armed.  `outside` counts
 * those at work beside the pool (dedicated actors, threads while they fire what
 * is due) and holds, and how often that count was raised; a check that finds
 * it at zero and unchanged around a quiet pool has found a moment in which
 * all was quiet.  Deadlines are counted in the same way, see timing.h.
 *
 * Ordering edges
 *   RT-A  outside lowered (seq_cst) -> is_quiet (seq_cst): what the dedicated
 *         actor or the holder put into the pool before.
 *   RT-B  waiters (seq_cst) against the idle word, outside and holds (seq_cst):
 *         who makes the runtime quiet sees a waiter, or the waiter sees it
 *         quiet.  Who lowers outside while a worker is not parked leaves it to
 *         the last that parks, which comes after in the order of the idle
 *         word: each unparked worker, one on the bench too (GV-B), passes
 *         tr_idle_park again.
 *   RT-C  endings lowered (release) -> the closer (acquire): a thread that let
 *         the runtime come to its end looks at it no more.
 */

#define TR_OUTSIDE_RAISED (UINT64_C(1) << 32 | 1)

struct troupe {
	uint8_t number;
	troupe_options options; /* effective: every default and variable resolved */
	tr_pool pool;
	tr_context *contexts;   /* of the workers */
	tr_worker **workers;
	_Atomic bool closing; /* written under the lock */
	_Atomic bool shutdown;
	_Atomic uint64_t outside; /* times raised:32 | dedicated actors at work, threads that fire, and holds:32 */
	_Atomic uint32_t holds;   /* of those in outside */
	_Atomic uint32_t endings; /* calls from outside under way after which it may be closed */
	_Atomic uint32_t waiters;
	_Atomic(struct tr_timing *) timing; /* NULL before the first deadline: see timing.h */
	struct tr_registry *registry;       /* see registry.h */
	pthread_mutex_t lock;     /* for what follows */
	pthread_cond_t changed;
	bool driven;              /* a thread is driving it */
	bool being_closed;
	struct tr_dedicated *dedicated; /* all whose threads have not been joined */
	struct tr_call *calls;          /* threads that wait for an answer */
	troupe_totals departed;   /* counted by threads that have ended; under the context list's lock */
};

/* The scheduler's time, virtual or not. */
TR_INLINE int64_t
tr_runtime_now(const troupe *t)
{
	return t->pool.scheduler->now(&t->pool);
}

/*
 * Open a runtime with options that were resolved, in a process where
 * tr_process_init was called.  All or nothing; what failed is remembered by
 * tr_fail.
 */
TR_MUST_USE troupe *tr_runtime_open(const troupe_options *options);

/* Something at work outside the pool keeps the runtime from being quiet. */
void tr_runtime_raise(troupe *t);
void tr_runtime_lower(troupe *t);

/* See above. */
bool tr_runtime_is_quiet(troupe *t);

/* The same but for deadlines and holds: whatever was accepted has been handled. */
bool tr_runtime_is_drained(troupe *t);

bool tr_runtime_is_shut_down(troupe *t);
bool tr_runtime_is_closing(troupe *t); /* under the lock: whether it is; else a hint */

/* Whether a thread from outside is about to let the runtime come to its end.  For the closer. */
bool tr_runtime_is_being_ended(const troupe *t);

/* Whether a thread waits for the runtime, or drives it for that.  For the closer. */
bool tr_runtime_is_waited_for(troupe *t);

/*
 * A call of a thread from outside that may make the runtime quiet or end it,
 * or that waits for it: from begin to finish, closing it waits for this one.
 */
void tr_runtime_begin_ending(troupe *t);
void tr_runtime_finish_ending(troupe *t);

/*
 * Drive a runtime that its callers drive until done(argument), or the
 * deadline (of tr_clock_now), or, when it is simulated, until timeout_ns of
 * virtual time have passed.  false: another thread drives it.
 */
TR_MUST_USE bool tr_runtime_drive_until(troupe *t, bool (*done)(void *argument), void *argument, int64_t timeout_ns,
    int64_t deadline);

/* Wait, or drive, until is_reached(argument) or shutdown: the statuses of troupe_wait, but for those about the caller. */
troupe_status tr_runtime_wait_until(troupe *t, bool (*is_reached)(void *argument), void *argument, int64_t timeout_ns);

/* Wake whoever waits for quiet or shutdown, if anybody does. */
void tr_runtime_notify(troupe *t);

/* Whether the runtime has no threads of its own and is driven by the caller's. */
bool tr_runtime_is_driven(const troupe *t);
bool tr_runtime_is_simulated(const troupe *t);

/* Give back what troupe_open made, but for the actors.  All threads have ended. */
void tr_runtime_destroy(troupe *t);

/* OK when a call on the whole of t makes sense here; else INVALID, DEADLOCK or FORKED, remembered by tr_fail. */
troupe_status tr_runtime_check_call(const troupe *t, const char *call);

#endif /* TR_RUNTIME_H */
