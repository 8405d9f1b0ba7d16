/* SPDX-License-Identifier: MIT */
/*
 * timer -- a deadline's way: armed in a shard, cancelled in time or too late,
 * fired by the event thread or by a worker that helps it, posted, opened by its
 * owner, given back and used again (runtime/engine/deadlines.[ch]: arm, disarm,
 * expire, sleep_until_next, stop; runtime/actor/cells.c: end, drop; timing.c:
 * fire_cell; timer.c: open; cell.h: the generation of a token).
 *
 * An actor arms two timers, cancels either at any time by its token, which may
 * be stale, opens what comes from its mailbox, and stops at any time after it;
 * another arms one in a shard of its own.  A clock goes on at any time.  The
 * lock of a shard is an exchange and a store; what is done under it is one
 * step, the wheel being a set.  sleeps_until, which the event thread stores
 * relaxed, may stay in its store buffer until its next release (an unlock), as
 * C11 allows.
 *
 * Proves
 *   - a cancelled timer never fires, even if its tick was queued;
 *   - a token cancels the timer that it was made for, or none;
 *   - a cell is given back exactly once, when it is in no wheel, no mailbox
 *     and nobody's hands; none is lost;
 *   - the event thread, asleep, sleeps no longer than until the earliest
 *     deadline armed (INV-DL-1), whenever nobody is about to rouse it;
 *   - DL-A, DL-B: wheels and cells are accessed in order (order.pml), and a
 *     stop is not missed;
 *   - ltl `over`: what is armed and not cancelled fires in the end, and the
 *     event thread ends when it is told to.
 *
 * Bounds     2 timers in one shard, 2 cells; TWO_SHARDS: one timer in each of
 *            two; HELPED: one timer, and a helper that expires once; PATIENT:
 *            one timer, for which its owner waits.  Times 0 to 2.
 * Leaves out periodic and idle timers, the closer's return of cells, the
 *            hierarchy of the wheel, the mailbox word (mailbox.pml).
 *
 * Runs
 *   holds safety
 *   holds safety -DTWO_SHARDS
 *   holds safety -DHELPED
 *   holds ltl:over -DPATIENT
 *   fails safety -DWEAK_DL_A_UNLOCK
 *   fails safety -DWEAK_DL_A_LOCK
 *   fails safety -DWEAK_DL_A_SAID
 *   fails safety -DWEAK_DL_B_ROUSE
 *   fails safety -DSAY_AFTER_LOOK
 *   fails safety -DCOMPARE_BEFORE_LOCK
 *   fails safety -DARM_IS_SILENT
 *   fails safety -DCLEAR_AFTER_LOOK
 *   fails safety -DSLEEP_WITHOUT_COMPARE
 *   fails safety -DCANCEL_GIVES_ALWAYS
 *   fails safety -DCANCEL_GIVES_NEVER
 *   fails safety -DENDED_AFTER_DISARM
 *   fails safety -DOPEN_IGNORES_ENDED
 *   fails safety -DGENERATION_STAYS
 *   fails safety -DDROP_WITHOUT_LOCK
 *   fails safety -DDISARM_WITHOUT_LOCK
 *   fails ltl:over -DPATIENT -DARM_IS_SILENT
 */

#define LAST_TIME 2
#if defined TWO_SHARDS || defined HELPED || defined PATIENT
#define TIMERS 1
#else
#define TIMERS 2
#endif
#ifdef TWO_SHARDS
#define OTHERS 1
#else
#define OTHERS 0
#endif
#ifdef HELPED
#define HELPERS 1
#else
#define HELPERS 0
#endif
#define NEVER     9

/* Threads: the owners, the event thread, the helper. */
#define EVENT    2
#define HELPER   3
#define LOCK_AT  4 /* + shard */
#define MAIL_AT  6
#define POOL_AT  7
#define ENTITIES 8

/* Each cell's link and deadline, for who has it; and what its owner alone writes.  The wheels. */
#define link_bit(cell)   (1 << (cell))      /* 2, 4, 8 */
#define owned_bit(cell)  (8 << (cell))      /* 16, 32, 64 */
#define wheel_bit(shard) (128 << (shard))   /* 128, 256 */
#define FACTS 511

#include "order.pml"

byte now;
bit locked[2];
bit in_wheel[4];
byte deadline[4];
bit ended[4];             /* period is ENDED */
byte generation[4];
#define shard_of(cell) ((cell) == 3)
byte sleeps_until = NEVER;
bit buffered;             /* in the event thread's store buffer: */
byte said;
bit stopping, roused, in_kernel;
byte until;

chan mail = [3] of { byte }; /* the first owner's */
bit is_dead;
bit other_fired, other_armed;

/* What the proof looks at. */
bit in_use[4];
bit cancelled[4];
byte arm_of[4];           /* which timer the cell is */
byte arming;              /* threads between their insert and the end of arm */
byte finished;

inline lock(me, shard)
{
	d_step { /* DL-A */
		!locked[shard] -> locked[shard] = 1;
#ifndef WEAK_DL_A_LOCK
		acquire(me, LOCK_AT + shard)
#endif
	}
}

inline unlock(me, shard)
{
	d_step { /* DL-A */
#ifndef WEAK_DL_A_SAID
		if
		:: me == EVENT && buffered -> sleeps_until = said; buffered = 0; said = 0
		:: else
		fi;
#endif
#ifdef WEAK_DL_A_UNLOCK
		relaxed_store(LOCK_AT + shard);
#else
		release(me, LOCK_AT + shard);
#endif
		locked[shard] = 0
	}
}

inline rouse_thread()
{
	roused = 1; /* DL-B */
	in_kernel = 0
}

inline give_cell(me, cell)
{
	assert(in_use[cell] && !in_wheel[cell]);
	touch(me, link_bit(cell));
	touch(me, owned_bit(cell));
	release_change(me, POOL_AT);
	in_use[cell] = 0; arm_of[cell] = 0; cancelled[cell] = 0;
	ended[cell] = 0; deadline[cell] = 0
}

inline arm(me, cell, when)
{
	d_step {
		deadline[cell] = when;
		touch(me, link_bit(cell));
		touch(me, owned_bit(cell));
		arming++
	}
#ifdef COMPARE_BEFORE_LOCK
	is_earliest = (when < sleeps_until);
#endif
	atomic {
		lock(me, shard_of(cell));
		d_step {
			touch(me, wheel_bit(shard_of(cell)));
			touch(me, link_bit(cell));
			in_wheel[cell] = 1
		}
	}
#ifndef COMPARE_BEFORE_LOCK
	is_earliest = (when < sleeps_until);
#endif
	unlock(me, shard_of(cell));
	if
#ifndef ARM_IS_SILENT
	:: is_earliest -> rouse_thread()
#endif
	:: else
	fi;
	d_step { arming--; is_earliest = 0 }
}

inline disarm(me, cell)
{
	atomic {
#ifndef DISARM_WITHOUT_LOCK
		lock(me, shard_of(cell));
#endif
		d_step {
			look(me, link_bit(cell) * in_wheel[cell]);
			was_armed = in_wheel[cell];
			if
			:: was_armed ->
				touch(me, wheel_bit(shard_of(cell)));
				touch(me, link_bit(cell));
				in_wheel[cell] = 0
			:: else
			fi
		}
	}
#ifndef DISARM_WITHOUT_LOCK
	unlock(me, shard_of(cell))
#endif
}

/* --- Who fires. --- */

#define next_of_first ((in_wheel[1] && in_wheel[2]) -> (deadline[1] <= deadline[2] -> deadline[1] : deadline[2]) : \
	(in_wheel[1] -> deadline[1] : (in_wheel[2] -> deadline[2] : NEVER)))
#define next_of_other (in_wheel[3] -> deadline[3] : NEVER)
inline ask_wheel(me, shard)
{
	atomic {
		lock(me, shard);
		d_step {
			look(me, wheel_bit(shard));
#if OTHERS
			time = (shard == 0 -> next_of_first : next_of_other)
#else
			time = next_of_first
#endif
		}
	}
	unlock(me, shard)
}

inline fire(me)
{
	if
#if OTHERS
	:: cell == 3 -> /* the second shard's */
		d_step { other_fired = 1; give_cell(me, 3) } /* unreached: by the first shard's cells */
#endif
	:: else ->
		d_step {
			posted = !is_dead;
			if
			:: posted -> touch(me, link_bit(cell)); release_change(me, MAIL_AT); mail!cell
			:: else
			fi
		}
		if
		:: posted
		:: else ->
#ifndef DROP_WITHOUT_LOCK
			disarm(me, cell);
#endif
			d_step {
				assert(ended[cell]);
				look(me, owned_bit(cell));
				give_cell(me, cell)
			}
		fi
	fi;
	d_step { cell = 0; posted = 0; was_armed = 0 }
}

inline expire_shard(me, shard)
{
	time = NEVER;
	if /* DL-none: a hint of what is armed */
	:: (shard == 0 && (in_wheel[1] || in_wheel[2])) || (shard == 1 && in_wheel[3]) -> ask_wheel(me, shard)
	:: else
	fi;
	if
	:: time <= at ->
		do
		:: atomic {
				lock(me, shard);
				d_step {
					touch(me, wheel_bit(shard));
					if
					:: shard == 0 && in_wheel[1] && deadline[1] <= at -> cell = 1
					:: shard == 0 && !(in_wheel[1] && deadline[1] <= at) && in_wheel[2] && deadline[2] <= at -> cell = 2
					:: shard == 1 && in_wheel[3] && deadline[3] <= at -> cell = 3
					:: else -> cell = 0
					fi;
					if
					:: cell != 0 -> touch(me, link_bit(cell)); in_wheel[cell] = 0
					:: else
					fi
				}
			}
			unlock(me, shard);
			if
			:: cell == 0 -> break
			:: else -> fire(me)
			fi
		od
	:: else
	fi
}

inline expire(me)
{
	expire_shard(me, 0);
#if OTHERS
	expire_shard(me, 1)
#endif
}

inline say_sleeps_until(when)
{
	d_step { /* in its order with the one before, and seen now or later */
		if
		:: buffered -> sleeps_until = said
		:: else
		fi;
		said = when; buffered = 1
	}
}

proctype store_buffer()
{
end:	do
	:: d_step { buffered -> sleeps_until = said; buffered = 0; said = 0 }
	od
}

proctype event_thread()
{
	byte time, at, cell, next;
	bit posted, was_armed;

	do
	:: stopping -> break
	:: !stopping ->
		at = now;
		expire(EVENT);
#ifndef CLEAR_AFTER_LOOK
		roused = 0; /* DL-B */
#endif
		if
		:: stopping -> break
		:: else
		fi;
#ifndef SAY_AFTER_LOOK
		say_sleeps_until(NEVER);
#endif
		ask_wheel(EVENT, 0);
		next = time;
#if OTHERS
		ask_wheel(EVENT, 1);
		next = (time < next -> time : next);
#endif
#ifdef SAY_AFTER_LOOK
		say_sleeps_until(NEVER);
#endif
#ifdef CLEAR_AFTER_LOOK
		roused = 0;
#endif
		at = now;
		say_sleeps_until(next);
		if
		:: next > at ->
			d_step { /* compares and falls asleep */
#ifdef SLEEP_WITHOUT_COMPARE
				in_kernel = 1;
#else
				in_kernel = !roused;
#endif
				until = next
			}
			if
			:: !in_kernel
			:: in_kernel && next <= now -> in_kernel = 0
			fi
		:: else
		fi;
		say_sleeps_until(0); /* awake: before every deadline */
		d_step { next = 0; at = 0; until = 0; time = 0 }
	od;
	finished++
}

/* A worker, once. */
#if HELPERS
proctype helper()
{
	byte time, at, cell;
	bit posted, was_armed;

	at = now;
	if
	:: sleeps_until <= at -> expire(HELPER) /* DL-none */
	:: else
	fi;
	finished++
}
#endif

/* --- The owners. --- */

inline end_cell(cell)
{
#ifndef GENERATION_STAYS
	generation[cell]++; /* CE-none */
#endif
#ifndef ENDED_AFTER_DISARM
	d_step { touch(0, owned_bit(cell)); ended[cell] = 1 }
#endif
	disarm(0, cell);
#ifdef ENDED_AFTER_DISARM
	d_step {
		if
		:: !was_armed -> touch(0, owned_bit(cell)); ended[cell] = 1
		:: else
		fi
	}
#endif
	d_step {
		if
#ifdef CANCEL_GIVES_ALWAYS
		:: true -> give_cell(0, cell)
#endif
#ifndef CANCEL_GIVES_NEVER
		:: was_armed -> give_cell(0, cell)
#endif
		:: else
		fi;
		was_armed = 0
	}
}

inline begin_timer(number, when)
{
	d_step {
		cell = (in_use[1] -> 2 : 1);
		in_use[cell] = 1;
		acquire(0, POOL_AT);
		arm_of[cell] = number
	}
	token[number] = cell; token_generation[number] = generation[cell];
	is_listed[cell] = 1;
	arm(0, cell, when);
	cell = 0
}

inline cancel(number)
{
	if
	:: token_generation[number] == generation[token[number]] ->
		assert(arm_of[token[number]] == number);
		d_step { cell = token[number]; cancelled[cell] = 1; is_listed[cell] = 0 }
		end_cell(cell); cell = 0
	:: else /* stale */
	fi;
	has_cancelled[number] = 1
}

inline open_tick()
{
	d_step {
		mail?cell;
		acquire(0, MAIL_AT);
		look(0, link_bit(cell));
		look(0, owned_bit(cell));
		if
#ifdef OPEN_IGNORES_ENDED
		:: false
#else
		:: ended[cell]
#endif
		:: else -> /* it fires */
			assert(!cancelled[cell] && !is_dead);
#ifndef GENERATION_STAYS
			generation[cell]++;
#endif
			is_listed[cell] = 0
		fi;
		give_cell(0, cell);
		cell = 0
	}
}

proctype owner()
{
	byte cell, arms;
	byte token[3], token_generation[3];
	bit has_cancelled[3], is_listed[3];
	bit is_earliest, was_armed;

	do
	:: arms == 0 -> begin_timer(1, 2); arms = 1
#if TIMERS == 2
	:: arms == 1 ->
		if
		:: begin_timer(2, 1)
		:: begin_timer(2, 2)
		fi;
		arms = 2
	:: arms == 2 && !has_cancelled[2] -> cancel(2)
#endif
#ifdef PATIENT
	:: arms == 1 && !in_use[1] -> break /* when the timer has fired */
#else
	:: arms >= 1 && !has_cancelled[1] -> cancel(1)
	:: arms == TIMERS -> break /* it stops */
#endif
	:: nempty(mail) -> open_tick()
	od;
	if
	:: is_listed[1] -> end_cell(1)
	:: else
	fi;
#if TIMERS == 2
	if
	:: is_listed[2] -> end_cell(2)
	:: else
	fi;
#endif
	d_step { is_dead = 1; acquire(0, MAIL_AT) }
	do
	:: nempty(mail) -> d_step { mail?cell; assert(ended[cell]); look(0, owned_bit(cell)); give_cell(0, cell); cell = 0 }
	:: empty(mail) -> break
	od;
	finished++
}

#if OTHERS
proctype other_owner()
{
	bit is_earliest;

	in_use[3] = 1;
	arm(1, 3, 1);
	other_armed = 1;
	finished++
}
#endif

proctype clock()
{
	do
	:: now < LAST_TIME -> now++
	:: else -> break
	od
}

#define is_over (is_dead && !in_use[1] && !in_use[2] && other_fired == OTHERS)

/* When all has come to pass. */
proctype stopper()
{
	is_over;
#ifdef WEAK_DL_B_ROUSE
	if /* the stores trade places */
	:: stopping = 1; rouse_thread()
	:: rouse_thread(); stopping = 1
	fi
#else
	stopping = 1; /* DL-B */
	rouse_thread()
#endif
}

#define armed_before(cell) (in_wheel[cell] && deadline[cell] < until)

/* INV-DL-1 */
proctype watch()
{
end:	d_step {
		in_kernel && !roused && arming == 0 && (armed_before(1) || armed_before(2) || armed_before(3)) ->
		assert(false) /* unreached: that is what is proved */
	}
}

init {
	d_step { everybody_knows() }
	atomic {
		run watch();
		run store_buffer();
		run event_thread();
#if HELPERS
		run helper();
#endif
		run owner();
#if OTHERS
		run other_owner();
#endif
		run clock();
		run stopper()
	}
	timeout;
	assert(finished == 2 + HELPERS + OTHERS && is_over && !in_use[3])
}

ltl over { <> (is_over && finished == 2 + HELPERS + OTHERS) }
