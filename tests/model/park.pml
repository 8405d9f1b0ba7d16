/* SPDX-License-Identifier: MIT */
/*
 * park -- how workers sleep and are woken: the idle word (runtime/engine/
 * idle.[ch]), the overflow queue's count (overflow.[ch]), and what workers do
 * with both (worker.c): next_slow, search, park, begin_park, unpark_self,
 * use_ticket, wake_one, wake_all; the parker as the systems make it
 * (platform/linux.c; posix.c by a lock): compare and fall asleep in one step,
 * wake in another.  Each atomic operation is a step; what is done under the
 * overflow queue's lock is steps under a lock.
 *
 * Threads outside put actors on the overflow queue (tr_pool_put).  A worker
 * that runs the first of them makes another actor runnable in its own ring
 * (tr_worker_share), from where the others steal.  Then somebody stops the
 * pool.
 *
 * Proves
 *   - all parked while something is queued cannot be reached, nor a worker
 *     asleep once the pool is stopped: when all is still, everything has run
 *     and every worker has left;
 *   - the counts of the idle word are what INV-ID-1 and INV-ID-2 say, when all
 *     is still, and never less than none or more than all;
 *   - each actor is run once;
 *   - ltl `taken` and `stopped`: what is queued is taken, and a stopped pool
 *     comes to its end, whoever is slow, as long as nobody stops for ever;
 *   - LONG_RUN: nor does it wait for a worker in a long callback while
 *     another is parked.
 *   OV-B and WK-B: a store that is not seq_cst may wait in its thread's store
 *   buffer (of one place), and a load that is not may be done before the step
 *   in front of it.  Where they are seq_cst, as in the C, neither happens.
 *
 * Bounds     2 workers, of which one may search, and 2 putters; 3 workers with
 *            one putter and nothing in rings.  A search is one round, the stop
 *            comes after the last run.
 * Leaves out the governor's bench, LIFO slots, WK-A (what a waker did before
 *            reaches the woken by the overflow queue's lock too), the fair
 *            dispatch, time: the short first sleep may end at any time.
 *
 * Runs
 *   holds safety
 *   holds safety -DLONG_RUN -DNO_SHARE -DNO_STOP
 *   holds safety -DWORKERS=3 -DPUTTERS=1 -DNO_SHARE -DNO_STOP
 *   holds ltl:taken -DPUTTERS=1
 *   holds ltl:stopped -DPUTTERS=1
 *   fails safety -DWEAK_OV_B_PUT
 *   fails safety -DWEAK_OV_B_WORD
 *   fails safety -DWEAK_OV_B_PARK
 *   fails safety -DWEAK_WK_B_STOP
 *   fails safety -DWEAK_WK_B_LOOK
 *   fails safety -DPARK_WITHOUT_LOOK
 *   fails safety -DPARK_LOOKS_FIRST
 *   fails safety -DTICKET_NOT_PASSED_ON
 *   fails safety -DSLEEP_WITHOUT_COMPARE
 *   fails safety -DWAKE_BEFORE_SEARCH
 *   fails safety -DSTOP_WAKES_ONE
 *   fails safety -DLONG_RUN -DNO_SHARE -DNO_STOP -DLAST_SEARCHER_IS_SILENT
 *   fails safety -DPUTTER_IS_SILENT
 *   fails safety -DUSE_TICKET_WITHOUT_COMPARE
 *   fails safety -DPARK_COUNTS_BUT_SEARCHES
 *   fails ltl:taken -DPUTTERS=1 -DWEAK_OV_B_PUT
 *   fails ltl:stopped -DPUTTERS=1 -DSTOP_WAKES_ONE
 */

#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef PUTTERS
#define PUTTERS 2
#endif

#include "workers.pml"

#ifdef NO_SHARE
#define SHARED 0
#else
#define SHARED 1
#endif
#define ACTORS (PUTTERS + SHARED)

byte runs;                 /* of actors */
bit shared;
bit long_runs, may_end;     /* of one actor whose callback does not end */
byte left;                 /* workers */

inline run_actor(me)
{
	d_step { got = 0; runs++; assert(runs <= ACTORS) }
#ifdef LONG_RUN
	if
	:: long_runs == 0 -> long_runs = 1; may_end
	:: skip
	fi;
#endif
	if
	:: d_step { SHARED && !shared -> shared = 1; ring[me]++ }
		if
		:: wake_one() /* the look is relaxed: it may see what was */
		:: skip
		fi
	:: else
	fi
}

inline before_park() { skip }
inline on_all_parked() { skip }

proctype worker(byte me)
{
	bit got, is_searching, ticket, early_count, early_stop, early, last;
	byte i, seen;

	next_slow(me);
	left++
}

proctype putter()
{
	bit ticket, early;
	byte i;

	tr_pool_put()
}

#ifndef NO_STOP
proctype stopper()
{
	bit ticket;
	byte i;

	/* When all has been run: what a stopped pool leaves is not its business. */
	runs == ACTORS;
#ifdef WEAK_WK_B_STOP
	if /* the store waits in the buffer until the next exchange */
	:: parked == 0 -> stopping = 1
	:: parked > 0 -> stopping = 1; wake_all()
	fi
#else
	stopping = 1; /* WK-B */
#ifdef STOP_WAKES_ONE
	wake_one()
#else
	wake_all()
#endif
#endif
}
#endif

init {
	atomic {
		i_ = 0;
		do
		:: i_ < WORKERS -> run worker(i_); i_++
		:: else -> break
		od;
		i_ = 0;
		do
		:: i_ < PUTTERS -> run putter(); i_++
		:: else -> break
		od;
		i_ = 0;
#ifndef NO_STOP
		run stopper()
#endif
#ifdef WEAK_OV_B_PUT
		run store_buffer()
#endif
	}
#ifdef LONG_RUN
	timeout;
	/* All is still, but for the actor that is in its callback. */
	assert(count == 0 || parked == 0);
	may_end = 1;
#endif
	timeout;
	/* All is still. */
	assert(runs == ACTORS && count == 0 && !locked);
	assert(searching == 0);
#ifdef NO_STOP
	assert(left == 0 && parked == WORKERS)
#else
	assert(left == WORKERS && parked == 0)
#endif
}

ltl taken { [] (count > 0 -> <> (count == 0)) }
ltl stopped { <> (left == WORKERS) }
