/* SPDX-License-Identifier: MIT */
/*
 * call -- the cell of a thread that waits for an answer
 * (runtime/actor/call.[ch]): take_cell, drive_or_sleep, wait_for_answer,
 * give_cell for the caller; take_caller and hand_over for who answers and for
 * a closer (end_all); the parker's wait and wake as the system makes them:
 * compare and fall asleep in one step, wake in another.
 *
 * A caller makes two calls, with the same cell, and each may give up at any
 * time.  The first request is answered twice over (a late answer, and one with
 * a token of the first call while the second waits); the second may be
 * answered, or the closer ends what waits.  The list of calls is a lock.
 *
 * Proves
 *   - nobody looks at the caller's stack (its parker, where the answer goes)
 *     after the call has returned;
 *   - each answer is either the caller's or late, exactly once; the caller
 *     returns an answer of its own call, CLOSING, or that it gave up;
 *   - no answer is missed: a caller that nobody lets go sleeps only while
 *     nobody has answered; ltl `returns`: each call returns;
 *   - CL-A (the request, and the list's lock) and CL-B: no stack, reply or cell
 *     is accessed without being ordered after the access before (order.pml).
 *
 * Bounds     one caller, 2 calls, one cell, 2 threads that answer the first
 *            call, one the second, one closer.
 * Leaves out CL-C, CL-D and the driving of a runtime without threads, which
 *            model_call.c has; what is done
 *            with an answer that is late.
 *
 * Runs
 *   holds safety
 *   holds ltl:returns
 *   fails safety -DWEAK_CL_A_SEND
 *   fails safety -DWEAK_CL_A_RECEIVE
 *   fails safety -DWEAK_CL_B_DONE
 *   fails safety -DWEAK_CL_B_LOOK
 *   fails safety -DANY_GENERATION
 *   fails safety -DTAKE_WITHOUT_COMPARE
 *   fails safety -DGIVE_UP_WITHOUT_COMPARE
 *   fails safety -DRETURN_WHEN_TAKEN
 *   fails safety -DDONE_BEFORE_ROUSE
 *   fails safety -DLOOK_BEFORE_ASLEEP
 *   fails safety -DSLEEP_WITHOUT_COMPARE
 *   fails safety -DEND_WITHOUT_LOCK
 *   fails ltl:returns -DLOOK_BEFORE_ASLEEP
 */

/* Threads: the caller, who answers (1 to 3), the closer. */
#define CALLER   0
#define CLOSER   4
#define STATE_AT 5 /* locations: the cell's state, the runtime's lock, the request */
#define LOCK_AT  6
#define SENT_AT  7 /* the request */
#define ENTITIES 8

#define STACK    1 /* the call on the caller's stack: where the answer goes */
#define CELL     2 /* cell->waiting */
#define REPLY_1  4 /* the messages of answerers 1 and 3 */
#define REPLY_3  8
#define FACTS    15

#include "order.pml"

#define WAITING  0
#define TAKEN    1
#define DONE     2
#define GIVEN_UP 3
#define ASLEEP   0
#define ROUSED   1

#define NO_REPLY 9 /* what CLOSING gives */

byte generation;            /* the cell's */
byte state_generation;      /* the state: one word with its generation */
byte state = GIVEN_UP;

/* The caller's stack. */
byte stack_of;              /* the call that lives there: 0 is none */
byte reply;
bit parker;
bit in_kernel;              /* asleep there */

bit listed, locked, closing;
byte sent;                  /* requests: answerable */
byte token[4];
bit handed[4];              /* the answer was taken, and is the caller's */
bit late[4];
byte returned;              /* calls */

inline lock(me)
{
	d_step { !locked -> locked = 1; acquire(me, LOCK_AT) }
}

inline unlock(me)
{
	d_step { release(me, LOCK_AT); locked = 0 }
}

#define stack_lives(call) assert(stack_of == (call))

inline take_caller(me, wanted)
{
	d_step {
		if
#ifdef TAKE_WITHOUT_COMPARE
		:: state != GIVEN_UP ->
#elif defined ANY_GENERATION
		:: state == WAITING ->
#else
		:: state == WAITING && state_generation == wanted ->
#endif
			state = TAKEN;
			took = 1
		:: else -> took = 0
		fi
	}
	if
	:: took -> d_step { look(me, CELL); stack_lives(wanted) }
	:: else
	fi
}

inline say_done(me, wanted)
{
	d_step { /* CL-B */
		state = DONE;
		state_generation = wanted;
#ifdef WEAK_CL_B_DONE
		relaxed_store(STATE_AT)
#else
		release(me, STATE_AT)
#endif
	}
}

inline hand_over(thread, wanted, given)
{
	d_step { stack_lives(wanted); touch(thread, STACK); reply = given }
#ifdef DONE_BEFORE_ROUSE
	say_done(thread, wanted);
#endif
	d_step { stack_lives(wanted); parker = ROUSED } /* CL-C */
	d_step { stack_lives(wanted); in_kernel = 0 }
#ifndef DONE_BEFORE_ROUSE
	say_done(thread, wanted)
#endif
}

proctype answerer(byte me)
{
	byte wanted;
	bit took;

	wanted = (me == 3 -> 2 : 1);
end:	d_step { /* CL-A */
		sent >= wanted ->
#ifndef WEAK_CL_A_RECEIVE
		acquire(me, SENT_AT)
#else
		skip
#endif
	}
	if /* its answer */
	:: me == 1 -> d_step { touch(me, REPLY_1) }
	:: me == 3 -> d_step { touch(me, REPLY_3) }
	:: else
	fi;
	take_caller(me, wanted);
	if
	:: took -> handed[me] = 1; hand_over(me, wanted, me)
	:: else -> late[me] = 1
	fi
}

proctype closer()
{
	byte wanted;
	bit took;

	closing = 1;
#ifndef END_WITHOUT_LOCK
	lock(CLOSER);
#endif
	if
	:: listed ->
		d_step { stack_lives(generation); wanted = generation }
		take_caller(CLOSER, wanted);
		if
		:: took -> hand_over(CLOSER, wanted, NO_REPLY)
		:: else
		fi
	:: else
	fi;
#ifndef END_WITHOUT_LOCK
	unlock(CLOSER)
#endif
}

inline call_and_wait(number)
{
	d_step { /* take_cell */
		generation = number;
		stack_of = number;
		parker = ASLEEP;
		reply = 0;
		touch(CALLER, STACK);
		touch(CALLER, CELL)
	}
	d_step {
		state = WAITING;
		state_generation = number;
		relaxed_store(STATE_AT)
	}
	lock(CALLER);
	d_step { is_listed = !closing; listed = !closing }
	unlock(CALLER);
	if
	:: is_listed ->
		d_step { /* CL-A */
			sent = number;
#ifdef WEAK_CL_A_SEND
			relaxed_store(SENT_AT)
#else
			release(CALLER, SENT_AT)
#endif
		}
		do
		:: true ->
#ifdef LOOK_BEFORE_ASLEEP
			seen = state;
			parker = ASLEEP;
#else
			parker = ASLEEP; /* CL-C */
			d_step { /* CL-B */
				seen = state;
#ifndef WEAK_CL_B_LOOK
				acquire(CALLER, STATE_AT)
#endif
			}
#endif
			if
			:: seen != WAITING -> break
			:: seen == WAITING -> skip
			fi;
			/* The wait. */
			d_step {
#ifdef SLEEP_WITHOUT_COMPARE
				in_kernel = 1
#else
				in_kernel = (parker == ASLEEP)
#endif
			}
			if
			:: !in_kernel
			:: patience == 0 -> in_kernel = 0; break /* its time is over */
			fi
		od;
		seen = 0;
		d_step { /* CL-none */
			if
#ifdef GIVE_UP_WITHOUT_COMPARE
			:: true ->
#else
			:: state == WAITING && state_generation == number ->
#endif
				state = GIVEN_UP;
				gave_up = 1
			:: else
			fi
		}
		if
		:: gave_up
		:: else ->
			do
			:: d_step { /* CL-B */
					seen = state;
#ifndef WEAK_CL_B_LOOK
					acquire(CALLER, STATE_AT)
#endif
				}
				if
				:: seen == DONE -> break
#ifdef RETURN_WHEN_TAKEN
				:: seen == TAKEN -> break
#endif
				:: else -> state == DONE /* yields until it may be */
				fi
			od;
			seen = 0;
			d_step {
				look(CALLER, STACK);
				assert(reply != 0 && state_generation == number);
				if
				:: reply == NO_REPLY -> assert(closing)
				:: reply == 1 -> look(CALLER, REPLY_1); assert(handed[1])
				:: reply == 3 -> look(CALLER, REPLY_3); assert(handed[3])
				:: else -> assert(reply == 2 && handed[2])
				fi;
				assert((number == 1) == (reply == 1 || reply == 2) || reply == NO_REPLY)
			}
		fi;
		gave_up = 0;
		lock(CALLER);
		listed = 0;
		unlock(CALLER)
	:: else
	fi;
	is_listed = 0;
	atomic { /* give_cell: its tokens are stale, and the stack is another's */
		touch(CALLER, STACK);
		touch(CALLER, CELL);
		generation = 0;
		stack_of = 0;
		returned++
	}
}

proctype caller()
{
	byte seen;
	bit is_listed, gave_up, patience;

	if
	:: patience = 1
	:: patience = 0
	fi;
	call_and_wait(1);
	call_and_wait(2)
}

init {
	d_step { everybody_knows() }
	atomic {
		run answerer(2);
		run answerer(3);
		run closer();
		run answerer(1);
		run caller()
	}
}

ltl returns { <> (returned == 2) }
