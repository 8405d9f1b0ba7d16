/* SPDX-License-Identifier: MIT */
/*
 * quiet -- when a runtime is quiet, and who says so to those that wait for it
 * (runtime/actor/runtime.[ch]: raise, lower, is_quiet, notify; wait.c:
 * wait_for_workers; runtime/engine/pool.c: is_quiet; timing.c and deadlines.c:
 * what firing raises, takes and lowers), beside the workers of park.pml.
 *
 * A thread outside holds the runtime, puts an actor on the overflow queue, and
 * releases.  The actor, when it runs, may rouse a dedicated actor (TIMER: may
 * arm a timer), which puts another actor.  A thread waits; when it has been
 * told that all is quiet, the pool is stopped.
 *
 * Proves
 *   - is_quiet says so only if there was a moment in the call in which no
 *     actor ran or was queued, nothing was held, armed, or being fired;
 *   - a waiter that nobody tells more is not left asleep when all is quiet
 *     (RT-B, ID-A): when all is still it has returned; ltl `told`: it returns.
 *   The loads and stores of RT-B are seq_cst in the C; a weaker one trades
 *   places with its neighbour (see park.pml).
 *
 * Bounds     1 worker, one holder, one dedicated actor or one timer, one waiter;
 *            TWO: 2 workers and 2 actors that are put, without the others.
 * Leaves out rings, the bench (GV-B), drain and shutdown, a driven runtime,
 *            time-outs of the waiter.
 *
 * Runs
 *   holds safety
 *   holds safety -DTIMER
 *   holds safety -DTWO
 *   holds ltl:told
 *   fails safety -DWEAK_RT_B_WAITER
 *   fails safety -DWEAK_RT_B_LOWER
 *   fails safety -DWEAK_RT_B_IDLE
 *   fails safety -DWEAK_RT_B_PARK
 *   fails safety -DLOWER_IS_SILENT
 *   fails safety -DPARK_IS_SILENT
 *   fails safety -DOUTSIDE_ONCE
 *   fails safety -DOUTSIDE_UNCOUNTED
 *   fails safety -DTIMER -DCHANGES_IGNORED
 *   fails safety -DTIMER -DTAKE_BEFORE_RAISE
 *   fails safety -DLOWER_BEFORE_PUT
 *   fails safety -DPARKED_IGNORED
 *   fails safety -DNOTIFY_WITHOUT_LOCK
 *   fails ltl:told -DLOWER_IS_SILENT
 */

#ifdef TWO
#define WORKERS 2
#else
#define WORKERS 1
#endif
#ifdef TIMER
#define TIMERS    1
#define DEDICATED 0
#elif defined TWO
#define TIMERS    0
#define DEDICATED 0
#else
#define TIMERS    0
#define DEDICATED 1
#endif
#define RINGS 0

#include "workers.pml"

byte outside, raised;  /* one word */
byte armed, changes;   /* of the deadlines */
byte waiters;
bit lock_is_held;      /* the runtime's */
bit is_waiting;        /* on its condition */
bit is_roused;         /* the dedicated actor */
bit began, over, told;
byte left;

/* What the proof looks at: actors queued or running, holds, timers armed or being fired, dedicated at work. */
byte live;
bit was_silent;

inline begin_live() { live++ }
inline end_live()
{
	assert(live > 0);
	live--;
	was_silent = was_silent | (live == 0)
}

inline lock_runtime() { d_step { !lock_is_held -> lock_is_held = 1 } }

inline tr_runtime_raise()
{
	d_step { outside++; raised++; begin_live() } /* RT-A */
}

inline notify(nobody_waits)
{
	if
	:: nobody_waits /* RT-B */
	:: else ->
#ifdef NOTIFY_WITHOUT_LOCK
		is_waiting = 0
#else
		lock_runtime();
		is_waiting = 0;
		lock_is_held = 0
#endif
	fi
}

inline tr_runtime_lower()
{
#ifdef WEAK_RT_B_LOWER
	if
	:: early = (waiters == 0)
	:: skip
	fi;
#endif
#ifdef WEAK_RT_B_IDLE
	if
	:: early = (parked != WORKERS)
	:: skip
	fi;
#endif
	d_step { outside--; end_live() } /* RT-A, RT-B */
#ifndef LOWER_IS_SILENT
	if
	:: parked == WORKERS && !early -> notify(waiters == 0)
	:: else
	fi;
#endif
	early = 0
}

/* One more actor on the overflow queue, which lives from then on. */
inline put_actor()
{
	begin_live();
	tr_pool_put()
}

inline run_actor(me)
{
	got = 0;
	if
	:: !began ->
		began = 1;
		if
#if TIMERS
		:: d_step { armed++; changes++; begin_live() } /* DL-none */
#endif
#if DEDICATED
		:: tr_runtime_raise(); is_roused = 1
#endif
		:: over = 1
		fi
	:: else
	fi;
	d_step { end_live() }
}

inline before_park()
{
#ifdef WEAK_RT_B_PARK
	if
	:: early = (waiters == 0)
	:: skip
	fi
#else
	skip
#endif
}

inline on_all_parked()
{
#ifdef PARK_IS_SILENT
	skip
#elif defined WEAK_RT_B_PARK
	notify(waiters == 0 || early);
	early = 0
#else
	notify(waiters == 0)
#endif
}

proctype worker(byte me)
{
	bit got, is_searching, ticket, early_count, early_stop, early, last;
	byte i, seen;

	next_slow(me);
	left++
}

proctype holder()
{
	bit ticket, early;
	byte i;

	tr_runtime_raise();
#ifdef LOWER_BEFORE_PUT
	tr_runtime_lower();
	put_actor()
#else
	put_actor();
#ifdef TWO
	put_actor();
#endif
	tr_runtime_lower()
#endif
}

#if DEDICATED
proctype dedicated()
{
	bit ticket, early;
	byte i;

end:	is_roused;
	put_actor();
	tr_runtime_lower();
	over = 1
}
#endif

#if TIMERS
proctype event_thread()
{
	bit ticket, early;
	byte i;

end:	armed > 0;
#ifdef TAKE_BEFORE_RAISE
	d_step { armed--; changes++ }
	tr_runtime_raise();
	d_step { end_live() }
#else
	tr_runtime_raise();
	d_step { armed--; changes++; end_live() } /* DL-none */
#endif
	put_actor();
	tr_runtime_lower();
	over = 1
}
#endif

inline is_quiet()
{
	d_step { was_silent = (live == 0); quiet = 0 }
	if
	:: early -> early = 0
	:: else -> d_step { outside_seen = outside; raised_seen = raised } /* RT-A, RT-B */
	fi;
	d_step { armed_seen = armed; changes_seen = changes }
	if
	:: outside_seen == 0 && armed_seen == 0 ->
		d_step { !locked -> locked = 1 } /* OV-A */
		quiet = (count == 0);
#ifndef PARKED_IGNORED
		quiet = (quiet && parked == WORKERS); /* ID-A */
#endif
		locked = 0;
#ifndef CHANGES_IGNORED
		quiet = (quiet && changes == changes_seen);
#endif
#ifdef OUTSIDE_ONCE
		skip;
#elif defined OUTSIDE_UNCOUNTED
		quiet = (quiet && outside == outside_seen);
#else
		quiet = (quiet && outside == outside_seen && raised == raised_seen);
#endif
		assert(!quiet || was_silent)
	:: else
	fi;
	d_step { outside_seen = 0; raised_seen = 0; armed_seen = 0; changes_seen = 0 }
}

proctype waiter()
{
	byte outside_seen, raised_seen, armed_seen, changes_seen;
	bit quiet, early;

	lock_runtime();
#ifdef WEAK_RT_B_WAITER
	if
	:: d_step { outside_seen = outside; raised_seen = raised; early = 1 }
	:: skip
	fi;
#endif
	waiters++; /* RT-B */
	do
	:: is_quiet();
		if
		:: quiet -> break
		:: else ->
			d_step { is_waiting = 1; lock_is_held = 0 }
			!is_waiting;
			lock_runtime()
		fi
	od;
	waiters--;
	lock_is_held = 0;
	told = 1
}

proctype stopper()
{
	bit ticket;
	byte i;

	told && live == 0 && began && over;
	stopping = 1;
	wake_all()
}

init {
	atomic {
		i_ = 0;
		do
		:: i_ < WORKERS -> run worker(i_); i_++
		:: else -> break
		od;
		i_ = 0;
		run holder();
#if DEDICATED
		run dedicated();
#endif
#if TIMERS
		run event_thread();
#endif
		run waiter();
		run stopper()
	}
	timeout;
	assert(told && live == 0 && left == WORKERS)
}

ltl told { <> told }
