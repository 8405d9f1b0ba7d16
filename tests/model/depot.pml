/* SPDX-License-Identifier: MIT */
/*
 * depot -- the stack of free slots (runtime/memory/depot.c): try_lock, take,
 * give and trim, and what a cache does when it is refused (cache.c: it keeps
 * the slots, and gives them later).  Each load, store and exchange is a step,
 * each copy of units to or from the stack is one.
 *
 * Two threads take one or two slots, write into them, and give them; a third
 * trims: it sorts the stack and gives the pages of the lower slots back.
 *
 * Proves
 *   - each slot is at one place, in the depot or with one thread (INV-CA-1),
 *     always, and none is lost;
 *   - trimmed <= count when nobody has the lock; only free slots lose pages;
 *   - DP-A: the stack and what was last written into a slot is ordered before
 *     whatever the next to have it does (order.pml);
 *   - nobody waits: a thread that is refused goes on (no state is stuck).
 *
 * Bounds     3 slots, 2 threads with 2 rounds each, one trim, 1 slot kept;
 *            try_lock tries once (more tries repeat the same steps).
 * Leaves out the radix sort itself (any order: reversed here), carving.
 *
 * Runs
 *   holds safety
 *   fails safety -DWEAK_DP_A_UNLOCK
 *   fails safety -DWEAK_DP_A_LOCK
 *   fails safety -DLOCK_WITHOUT_EXCHANGE
 *   fails safety -DTRUST_HINT
 *   fails safety -DUNLOCK_BEFORE_COUNT
 *   fails safety -DREFUSED_IS_GIVEN
 *   fails safety -DGIVEN_IS_KEPT
 *   fails safety -DTRIMMED_NOT_LOWERED
 *   fails safety -DDISCARD_AFTER_UNLOCK
 */

#define SLOTS 3
#define KEEP  1
#define TRIMMER  2
#define LOCK_AT  3 /* threads 0 to 2, and the lock */
#define ENTITIES 4

#define STACK 1
#define slot_bit(u) (1 << (u)) /* 2, 4, 8 */
#define FACTS 15

#include "order.pml"

bit locked;
byte count = SLOTS;
byte trimmed;
byte stack[SLOTS];
#define NOBODY 9
byte user[SLOTS + 1] = NOBODY;

inline try_lock(me)
{
	has_lock = !locked; /* DP-none */
	if
	:: has_lock ->
		d_step { /* DP-A */
#ifdef LOCK_WITHOUT_EXCHANGE
			has_lock = 1;
#else
			has_lock = !locked;
#endif
			locked = 1;
			if
			:: has_lock ->
#ifndef WEAK_DP_A_LOCK
				acquire(me, LOCK_AT)
#else
				skip
#endif
			:: else
			fi
		}
	:: else
	fi
}

inline unlock(me)
{
	d_step { /* DP-A */
		assert(trimmed <= count);
		locked = 0;
#ifdef WEAK_DP_A_UNLOCK
		relaxed_store(LOCK_AT)
#else
		release(me, LOCK_AT)
#endif
	}
}

inline use_slot(me, slot)
{
	if
	:: slot != 0 ->
		assert(user[slot] == NOBODY);
		user[slot] = me;
		touch(me, slot_bit(slot))
	:: else
	fi
}

/* Up to two slots into first and second. */
inline take(me, most)
{
	seen = count; /* DP-none */
	if
	:: seen == 0 -> has_lock = 0
	:: else -> try_lock(me)
	fi;
	if
	:: has_lock ->
#ifndef TRUST_HINT
		seen = count; /* DP-none */
#endif
		d_step {
			look(me, STACK);
			taken = (seen < most -> seen : most);
			if
			:: taken > 0 -> first = stack[seen - taken]
			:: else
			fi;
			if
			:: taken > 1 -> second = stack[seen - 1]
			:: else
			fi
		}
#ifdef UNLOCK_BEFORE_COUNT
		unlock(me);
#endif
		count = seen - taken; /* DP-none */
#ifndef TRIMMED_NOT_LOWERED
		d_step { /* DP-none */
			if
			:: seen - taken < trimmed -> trimmed = seen - taken
			:: else
			fi
		}
#endif
#ifndef UNLOCK_BEFORE_COUNT
		unlock(me);
#endif
		/* The taker's own from here. */
		d_step { use_slot(me, first); use_slot(me, second); taken = 0 }
	:: else
	fi;
	seen = 0
}

inline leave_slot(slot)
{
	assert(user[slot] != NOBODY);
	user[slot] = NOBODY
}

/* What first and second hold; what is refused stays there. */
inline give(me)
{
	try_lock(me);
	if
	:: has_lock ->
		seen = count; /* DP-none */
		d_step {
			touch(me, STACK);
			stack[seen] = first;
			leave_slot(first);
			if
			:: second != 0 -> stack[seen + 1] = second; leave_slot(second)
			:: else
			fi
		}
		count = seen + 1 + (second != 0); /* DP-none */
		unlock(me);
#ifndef GIVEN_IS_KEPT
		first = 0; second = 0;
#endif
		seen = 0
	:: else ->
#ifdef REFUSED_IS_GIVEN
		first = 0; second = 0
#else
		skip
#endif
	fi
}

proctype thread(byte me)
{
	byte first, second, seen, taken, rounds;
	bit has_lock;

	do
	:: first == 0 && rounds < 2 ->
		rounds++;
		if
		:: take(me, 1)
		:: take(me, 2)
		fi
	:: first != 0 ->
		give(me);
		if
		:: first != 0 -> !locked /* it goes on; here it has nothing else to do */
		:: else
		fi
	:: first == 0 && rounds == 2 -> break
	od
}

inline discard(end)
{
	each = 0;
	do
	:: each < end ->
		assert(user[stack[each]] == NOBODY);
		touch(TRIMMER, slot_bit(stack[each]));
		each++
	:: else -> break
	od;
	each = 0
}

proctype trimmer()
{
	byte seen, each;
	bit has_lock;

	seen = count; /* DP-none */
	if
	:: seen >= trimmed + 2 * KEEP -> try_lock(TRIMMER)
	:: else
	fi;
	if
	:: has_lock ->
		seen = count; /* DP-none */
		if
		:: seen >= trimmed + 2 * KEEP ->
			d_step { /* sorts */
				touch(TRIMMER, STACK);
				each = stack[0];
				stack[0] = stack[seen - 1];
				stack[seen - 1] = each;
				each = 0
			}
#ifdef DISCARD_AFTER_UNLOCK
			trimmed = seen - KEEP;
			unlock(TRIMMER);
			d_step { discard(seen - KEEP) }
#else
			d_step { discard(seen - KEEP) }
			trimmed = seen - KEEP; /* DP-none */
			unlock(TRIMMER)
#endif
		:: else -> unlock(TRIMMER)
		fi
	:: else
	fi
}

init {
	d_step {
		everybody_knows();
		stack[0] = 1;
		stack[1] = 2;
		stack[2] = 3
	}
	atomic {
		run thread(0);
		run thread(1);
		run trimmer()
	}
	_nr_pr == 1;
	assert(count == SLOTS && !locked && trimmed <= count);
	assert(user[1] == NOBODY && user[2] == NOBODY && user[3] == NOBODY);
	assert(stack[0] + stack[1] + stack[2] == 6 && stack[0] * stack[1] * stack[2] == 6)
}
