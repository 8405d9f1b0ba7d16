/* SPDX-License-Identifier: MIT */
/*
 * mailbox -- the mailbox word (runtime/engine/mailbox.h): push, take,
 * try_idle, close, try_close, seize, open and alive, each load and each
 * exchange of the word one step.
 *
 * Two senders push to two lives of one slot; two workers, through a run queue
 * with an edge of its own, run, put back, stop and respawn the actor; a
 * closer seizes.  A unit that was freed is used again, so that a sender can
 * meet in the word the unit that it read there, in another message (ABA).
 *
 * Proves
 *   - each message is handled, buried, seized or refused, exactly once, and
 *     none is left behind when all is still;
 *   - one worker at a time has the actor, and the word says IDLE or CLOSED
 *     when none has (INV-MB-1);
 *   - a message for one life never comes to another (INV-MB-2);
 *   - messages of one sender and lane are handled in their order;
 *   - the urgent bit is set just when the chain has an urgent message;
 *   - MB-A, MB-B, MB-C: no message, private state or home is accessed without
 *     being ordered after the access before (order.pml).
 *
 * Bounds     2 senders with 2 messages each, 3 units, 2 lives, 2 workers, one
 *            closer that seizes once.
 * Leaves out spurious failures of weak exchanges (they repeat a step), the
 *            backlog and the has_ hints, the wrap of generations.
 *
 * Runs
 *   holds safety
 *   fails safety -DWEAK_MB_A_PUSH
 *   fails safety -DWEAK_MB_A_TAKE
 *   fails safety -DWEAK_MB_A_CLOSE
 *   fails safety -DWEAK_MB_A_SEIZE
 *   fails safety -DWEAK_MB_B_IDLE
 *   fails safety -DWEAK_MB_B_CLAIM
 *   fails safety -DWEAK_MB_C_OPEN
 *   fails safety -DWEAK_MB_C_ALIVE
 *   fails safety -DPUSH_TO_ANY_LIFE
 *   fails safety -DIDLE_WITHOUT_COMPARE
 *   fails safety -DCLAIM_WITHOUT_COMPARE
 *   fails safety -DPUSH_WITHOUT_COMPARE
 *   fails safety -DTRY_CLOSE_WITHOUT_COMPARE
 *   fails safety -DPUSH_DROPS_URGENT
 *   fails safety -DLINK_AFTER_PUSH
 *   fails safety -DCHAIN_NOT_REVERSED
 */

#define UNITS    3
#define MESSAGES 4

/* Threads: senders 0 and 1, workers 2 and 3, the closer. */
#define CLOSER   4
#define WORD     5 /* locations */
#define QUEUE    6
#define POOL     7
#define ENTITIES 8

#define unit_bit(u) (1 << (u)) /* 2, 4, 8 */
#define STATE    1  /* the actor's private state, todo too */
#define HOME     16 /* what is written only when a life begins */
#define FACTS    31

#include "order.pml"

/* newest, beside the units */
#define EMPTY  0
#define CLOSED 4
#define IDLE   5

byte generation = 1, newest = IDLE; /* the word */
bit urgent;
byte next[UNITS + 1];
byte todo;                          /* the actor's */

bit queued;                         /* the run queue */
bit slot_is_free;

/* What the proof looks at. */
bit in_use[UNITS + 1];
byte message_in[UNITS + 1];
byte meant_for[MESSAGES];
bit over[MESSAGES];
byte last_handled[2];
bit owned;

#define is_urgent(message) ((message) == 2)
#define sender_of(message) ((message) / 2)

#define QUEUED 0
#define CLAIMED 1
#define DEAD 2

inline load_word() { generation_seen = generation; newest_seen = newest; urgent_seen = urgent }
#define word_is_as_seen (generation == generation_seen && newest == newest_seen && urgent == urgent_seen)

/* Fewer states: it is not looked at again. */
inline forget_what_was_seen()
{
	d_step { generation_seen = 0; newest_seen = 0; urgent_seen = 0; exchanged = 0; result = 0; unit = 0 }
}

inline end_message(message)
{
	assert(!over[message]);
	over[message] = 1
}

inline free_unit(me, unit)
{
	touch(me, unit_bit(unit));
	release_change(me, POOL);
	knows[me] = knows[me] & ~unit_bit(unit); /* and takes nothing but from the pool */
	next[unit] = 0;
	message_in[unit] = 0;
	in_use[unit] = 0
}

inline push(me, life, unit, is_urgent_now)
{
	d_step { load_word() } /* MB-none */
	do
#ifndef PUSH_TO_ANY_LIFE
	:: generation_seen != life -> result = DEAD; break
#endif
	:: (generation_seen == life) && newest_seen == CLOSED -> result = DEAD; break
#ifdef PUSH_TO_ANY_LIFE
	:: generation_seen != life && newest_seen == CLOSED -> result = DEAD; break
	:: newest_seen == IDLE ->
#else
	:: generation_seen == life && newest_seen == IDLE ->
#endif
		d_step { /* MB-B, MB-C: the claim */
			if
#ifdef CLAIM_WITHOUT_COMPARE
			:: true ->
#else
			:: word_is_as_seen ->
#endif
				newest = EMPTY;
				urgent = 0;
#ifndef WEAK_MB_B_CLAIM
				acquire(me, WORD);
#endif
				exchanged = 1;
				assert(!owned);
				owned = 1
			:: else -> load_word(); exchanged = 0
			fi
		}
		if
		:: exchanged ->
			d_step {
				assert(generation == life);
				next[unit] = 0;
				touch(me, STATE);
				todo = unit
			}
			result = CLAIMED;
			break
		:: else
		fi
#ifdef PUSH_TO_ANY_LIFE
	:: newest_seen < CLOSED ->
#else
	:: generation_seen == life && newest_seen < CLOSED ->
#endif
#ifndef LINK_AFTER_PUSH
		next[unit] = newest_seen;
#endif
		d_step { /* MB-A: the push */
			if
#ifdef PUSH_WITHOUT_COMPARE
			:: generation == generation_seen && newest < CLOSED ->
#else
			:: word_is_as_seen ->
#endif
				newest = unit;
#ifdef PUSH_DROPS_URGENT
				urgent = is_urgent_now;
#else
				urgent = urgent | is_urgent_now;
#endif
#ifndef WEAK_MB_A_PUSH
				release_change(me, WORD);
#endif
				exchanged = 1
			:: else -> load_word(); exchanged = 0
			fi
		}
		if
		:: exchanged ->
#ifdef LINK_AFTER_PUSH
			next[unit] = newest_seen;
#endif
			result = QUEUED;
			break
		:: else
		fi
	od
}

inline send(me, message, life)
{
	atomic { /* a unit from the allocator, and the message in it */
		if
		:: !in_use[1] -> unit = 1
		:: in_use[1] && !in_use[2] -> unit = 2
		:: in_use[1] && in_use[2] && !in_use[3] -> unit = 3
		fi;
		d_step {
			in_use[unit] = 1;
			acquire(me, POOL);
			touch(me, unit_bit(unit));
			message_in[unit] = message;
			meant_for[message] = life
		}
	}
	push(me, life, unit, is_urgent(message));
	if
	:: result == DEAD -> d_step { end_message(message); free_unit(me, unit) }
		forget_what_was_seen()
	:: result == CLAIMED -> d_step { assert(!queued); release(me, QUEUE); queued = 1 }
		forget_what_was_seen()
	:: result == QUEUED -> forget_what_was_seen()
	fi
}

proctype sender(byte me)
{
	byte generation_seen, newest_seen, unit;
	bit urgent_seen, exchanged;
	byte result;

	if
	:: me == 0 ->
		send(0, 0, 1);
		send(0, 1, 1)
	:: me == 1 ->
		send(1, 2, 1);
		d_step { /* MB-C: alive */
			generation_seen = generation;
#ifndef WEAK_MB_C_ALIVE
			acquire(1, WORD)
#endif
		}
		d_step {
			if
			:: generation_seen == 3 -> look(1, HOME)
			:: else
			fi;
			generation_seen = 0
		}
		send(1, 3, 3)
	fi
}

/* A chain that was taken, newest first: the owner's own, so one step. */
inline walk(me, chain, chain_is_urgent)
{
	has_urgent = 0;
	before = 0;
	do
	:: chain != 0 ->
		look(me, unit_bit(chain));
		has_urgent = has_urgent | is_urgent(message_in[chain]);
#ifdef CHAIN_NOT_REVERSED
		if
		:: before == 0 -> todo = chain
		:: else
		fi;
		before = chain;
		chain = next[chain]
#else
		after = next[chain];
		next[chain] = before;
		before = chain;
		chain = after
#endif
	:: else -> break
	od;
	assert(has_urgent == chain_is_urgent);
	after = 0
}

inline bury(me, chain)
{
	do
	:: chain != 0 ->
		look(me, unit_bit(chain));
		after = next[chain];
		end_message(message_in[chain]);
		free_unit(me, chain);
		chain = after
	:: else -> break
	od;
	after = 0
}

inline take_turn(me)
{
	do
	:: todo != 0 ->
		d_step {
			look(me, STATE);
			look(me, unit_bit(todo));
			chain = todo;
			todo = next[todo];
			end_message(message_in[chain]);
			assert(meant_for[message_in[chain]] == generation);
			if
			:: !is_urgent(message_in[chain]) ->
				assert(message_in[chain] + 1 > last_handled[sender_of(message_in[chain])]);
				last_handled[sender_of(message_in[chain])] = message_in[chain] + 1
			:: else
			fi;
			free_unit(me, chain);
			chain = 0
		}
	:: todo == 0 ->
		d_step { /* MB-A: take */
			chain = newest;
			chain_is_urgent = urgent;
			newest = EMPTY;
			urgent = 0;
#ifndef WEAK_MB_A_TAKE
			acquire(me, WORD)
#endif
		}
		d_step {
			walk(me, chain, chain_is_urgent);
#ifndef CHAIN_NOT_REVERSED
			todo = before;
#endif
			before = 0;
			has_urgent = 0;
			chain_is_urgent = 0
		}
	:: todo == 0 ->
		d_step { /* MB-B: try_idle */
			touch(me, STATE);
			if
#ifdef IDLE_WITHOUT_COMPARE
			:: true ->
#else
			:: newest == EMPTY && !urgent ->
#endif
				newest = IDLE;
				urgent = 0;
#ifndef WEAK_MB_B_IDLE
				release_change(me, WORD);
#endif
				owned = 0;
				exchanged = 1
			:: else -> exchanged = 0
			fi
		}
		if
		:: exchanged -> break
		:: else
		fi
	:: todo != 0 -> /* its turn is over, but it has more to do */
		d_step { assert(!queued); release(me, QUEUE); queued = 1 }
		break
	:: generation == 1 -> /* it stops */
		d_step { /* MB-A: close */
			chain = newest;
			newest = CLOSED;
			urgent = 0;
			generation++;
			owned = 0;
#ifndef WEAK_MB_A_CLOSE
			acquire(me, WORD)
#endif
		}
		d_step {
			bury(me, todo);
			bury(me, chain);
			touch(me, STATE);
			release_change(me, POOL);
			slot_is_free = 1
		}
		break
	:: generation == 1 && todo == 0 -> /* it stops if it has nothing to do */
		d_step { /* MB-none: try_close */
			if
#ifdef TRY_CLOSE_WITHOUT_COMPARE
			:: true ->
#else
			:: newest == EMPTY && !urgent ->
#endif
				newest = CLOSED;
				urgent = 0;
				generation++;
				owned = 0;
				exchanged = 1
			:: else -> exchanged = 0
			fi
		}
		if
		:: exchanged -> d_step { touch(me, STATE); release_change(me, POOL); slot_is_free = 1 }
			break
		:: else
		fi
	od;
	exchanged = 0
}

proctype worker(byte me)
{
	byte chain, before, after;
	bit chain_is_urgent, has_urgent, exchanged;

end:	do
	:: d_step { queued -> queued = 0; acquire(me, QUEUE); assert(owned); touch(me, STATE) }
		take_turn(me)
	:: d_step { slot_is_free ->
			slot_is_free = 0;
			acquire(me, POOL);
			touch(me, STATE);
			touch(me, HOME);
			todo = 0
		}
		if
		:: /* MB-C: open, as owner or complete */
			d_step {
				generation++;
				newest = IDLE;
#ifdef WEAK_MB_C_OPEN
				relaxed_store(WORD)
#else
				release(me, WORD)
#endif
			}
		:: d_step {
				generation++;
				newest = EMPTY;
				owned = 1;
#ifdef WEAK_MB_C_OPEN
				relaxed_store(WORD)
#else
				release(me, WORD)
#endif
			}
			d_step { assert(!queued); release(me, QUEUE); queued = 1 }
		fi
	od
}

proctype closer()
{
	byte generation_seen, newest_seen, chain, after;
	bit urgent_seen, exchanged;

	d_step { load_word() } /* MB-none */
	do
	:: generation_seen != 1 || newest_seen == EMPTY || newest_seen >= CLOSED -> break
	:: else ->
		d_step { /* MB-A: seize */
			if
			:: word_is_as_seen ->
				newest = EMPTY;
				urgent = 0;
#ifndef WEAK_MB_A_SEIZE
				acquire(CLOSER, WORD);
#endif
				exchanged = 1
			:: else -> load_word(); exchanged = 0
			fi
		}
		if
		:: exchanged -> d_step { chain = newest_seen; bury(CLOSER, chain) }
			break
		:: else
		fi
	od
}

init {
	d_step { everybody_knows() }
	atomic {
		run worker(2);
		run worker(3);
		run sender(0);
		run sender(1);
		run closer()
	}
	timeout;
	/* All is still. */
	assert(_nr_pr == 3);
	assert(over[0] && over[1] && over[2] && over[3]);
	assert(!in_use[1] && !in_use[2] && !in_use[3]);
	assert(newest == IDLE || newest == CLOSED);
	assert(!owned && !queued && todo == 0)
}
