/* SPDX-License-Identifier: MIT */
/*
 * ring -- the run ring (runtime/engine/ring.[ch]): push, spill, pop and steal,
 * each load, store and exchange of head, tail or a slot one step, but that a
 * thief's copy of an entry into its own ring is one step with the read.
 *
 * The owner pushes, spills when it is full, and pops; one thief steals from it,
 * the other from it or from the first's ring, and both pop what they got.
 * Indices are bytes that begin at 255, so that they wrap.
 *
 * Proves
 *   - each entry is taken exactly once, and all are, when the rings are empty
 *     (INV-RG-2);
 *   - head <= tail <= head + size (INV-RG-1), and a thief copies no more than
 *     its own ring has room for;
 *   - the owner pops in the order it pushed;
 *   - RG-A, RG-B: who moved head over an entry had read it after it was
 *     written, and it is overwritten only after that read (order.pml).
 *
 * Bounds     Owner: ring of 4, 5 entries, 2 pops before the last push, any
 *            number after it; thieves: rings of 1 entry (a lap at each append);
 *            the first steals twice from the owner, the second once from the
 *            first.  BOTH_FROM_OWNER: 4 entries, 1 pop before the last push,
 *            and each thief steals once from the owner.
 * Leaves out The release of RG-B in pop: nobody but the owner overwrites what it
 *            read there, so the model holds without it too (WEAK_RG_B_POP).
 *            RG-C: head is changed by exchanges alone, so a release sequence
 *            carries RG-B whether they acquire or not; and a tail older than
 *            head, against which steal checks the count, is a matter of loads
 *            that trade places, which Spin does not do.  Half a ring that goes
 *            to the overflow queue counts as taken.
 *
 * Runs
 *   holds safety
 *   holds safety -DBOTH_FROM_OWNER
 *   fails safety -DWEAK_RG_A_PUSH
 *   fails safety -DWEAK_RG_A_STEAL
 *   fails safety -DWEAK_RG_A_APPEND
 *   fails safety -DWEAK_RG_B_MOVE
 *   fails safety -DWEAK_RG_B_PUSH
 *   fails safety -DWEAK_RG_B_OWN
 *   fails safety -DMOVE_WITHOUT_COMPARE
 *   fails safety -DPOP_WITHOUT_COMPARE
 *   fails safety -DREAD_AFTER_MOVE
 *   fails safety -DCOUNT_UNCHECKED
 *   fails safety -DPUSH_BEYOND_SIZE
 *   fails safety -DSPILL_WITHOUT_COMPARE
 *   fails safety -DTAIL_BEFORE_SLOT
 */

#ifdef BOTH_FROM_OWNER
#define ENTRIES 4
#define POPS    1
#define STEALS  1
#else
#define ENTRIES 5
#define POPS    2
#define STEALS  2
#endif
#define SIZE    4 /* of the owner's ring */
#define HALF    2

/* Threads: the owner and the thieves; then where each ring's words are. */
#define HEAD     3 /* + ring */
#define TAIL     6
#define ENTITIES 9

/* The owner's slots, then the thieves' one each; a bit for each. */
#define place_of(ring, at) (((ring) == 0) * ((at) & (SIZE - 1)) + ((ring) != 0) * (SIZE - 1 + (ring)))
#define slot_bit(ring, at) (1 << place_of(ring, at))
#define FACTS    63

#include "order.pml"

byte head[3] = 255;
byte tail[3] = 255;
byte slot[SIZE + 2];
#define slot_of(ring, at) slot[place_of(ring, at)]
#define size_of(ring) ((ring) == 0 -> SIZE : 1)

bit taken[ENTRIES + 1];
byte pushed;

inline take_entry(which)
{
	assert(which != 0 && !taken[which]);
	taken[which] = 1
}

/* The access was the read before; only whoever overwrites it must come after. */
inline touch_after_read(me, entry_bit)
{
	knows[me] = knows[me] | (entry_bit);
	touch(me, entry_bit)
}

/* head of a ring moved over `count` entries that `me` has read: ordered after their writes, and before others'. */
inline move_head(me, ring, from, count)
{
	if
#ifdef MOVE_WITHOUT_COMPARE
	:: true ->
#else
	:: head[ring] == from ->
#endif
		i = 0;
		do
		:: i < count ->
			assert(was_ordered & (1 << i));
			touch_after_read(me, slot_bit(ring, from + i));
			i++
		:: else -> break
		od;
		i = 0;
		head[ring] = from + count;
		assert(((tail[ring] + 256 - head[ring]) & 255) <= size_of(ring));
		acquire(me, HEAD + ring); /* RG-C */
#ifndef WEAK_RG_B_MOVE
		release_change(me, HEAD + ring);
#endif
		moved = 1
	:: else -> moved = 0
	fi
}

#define is_ordered(me, ring, at) ((knows[me] & slot_bit(ring, at)) != 0)

/* Owners' words: read by the owner alone as they are. */
inline pop(me, ring)
{
	head_seen = head[ring]; /* RG-none */
	do
	:: tail[ring] == head_seen -> entry = 0; break
	:: tail[ring] != head_seen ->
#ifndef READ_AFTER_MOVE
		entry = slot_of(ring, head_seen);
#endif
		d_step { /* RG-B, RG-C */
			if
#ifdef POP_WITHOUT_COMPARE
			:: true ->
#else
			:: head[ring] == head_seen ->
#endif
				head[ring] = head_seen + 1;
				/* Its own writes, or an appended entry that it wrote. */
				touch(me, slot_bit(ring, head_seen));
				acquire(me, HEAD + ring);
#ifndef WEAK_RG_B_POP
				release_change(me, HEAD + ring);
#endif
				moved = 1
			:: else -> head_seen = head[ring]; moved = 0
			fi
		}
		if
		:: moved ->
#ifdef READ_AFTER_MOVE
			entry = slot_of(ring, head_seen);
#endif
			break
		:: else
		fi
	od;
	atomic { head_seen = 0; moved = 0 }
}

inline push(which)
{
	d_step { /* RG-B; tail is the owner's */
		head_seen = head[0];
#ifndef WEAK_RG_B_PUSH
		acquire(0, HEAD);
#endif
	}
	d_step {
#ifdef PUSH_BEYOND_SIZE
		has_room = ((tail[0] + 256 - head_seen) & 255) <= SIZE;
#else
		has_room = ((tail[0] + 256 - head_seen) & 255) < SIZE;
#endif
		head_seen = 0
	}
	if
	:: has_room ->
#ifdef TAIL_BEFORE_SLOT
		d_step { tail[0] = tail[0] + 1; release(0, TAIL) }
		d_step { touch(0, slot_bit(0, tail[0] - 1)); slot_of(0, tail[0] - 1) = which }
#else
		d_step { touch(0, slot_bit(0, tail[0])); slot_of(0, tail[0]) = which }
		d_step { /* RG-A */
			tail[0] = tail[0] + 1;
			assert(((tail[0] + 256 - head[0]) & 255) <= SIZE);
#ifdef WEAK_RG_A_PUSH
			relaxed_store(TAIL)
#else
			release(0, TAIL)
#endif
		}
#endif
	:: else
	fi
}

inline spill()
{
	head_seen = head[0]; /* RG-none */
	if
	:: ((tail[0] + 256 - head_seen) & 255) == SIZE ->
		d_step { entry = slot_of(0, head_seen); was_ordered = is_ordered(0, 0, head_seen) }
		d_step { second = slot_of(0, head_seen + 1); was_ordered = was_ordered | (is_ordered(0, 0, head_seen + 1) << 1) }
		d_step {
#ifdef SPILL_WITHOUT_COMPARE
			head_seen = head[0];
#endif
			move_head(0, 0, head_seen, HALF);
			if
			:: moved -> take_entry(entry); take_entry(second); last_popped = second
			:: else
			fi;
			entry = 0; second = 0; was_ordered = 0; moved = 0
		}
	:: else
	fi;
	head_seen = 0
}

proctype owner()
{
	byte head_seen, entry, second, was_ordered, i, last_popped, pops;
	bit moved, has_room;

	do
	:: pushed < ENTRIES ->
		push(pushed + 1);
		if
		:: has_room -> d_step { pushed++; has_room = 0 }
		:: else -> spill()
		fi
	:: pops < POPS || pushed == ENTRIES ->
		pop(0, 0);
		d_step {
			if
			:: entry != 0 ->
				take_entry(entry);
				assert(entry > last_popped); /* in order */
				last_popped = entry
			:: else
			fi;
		}
		if
		:: entry == 0 && pushed == ENTRIES -> break
		:: else -> d_step { entry = 0; pops = (pushed < ENTRIES -> pops + 1 : pops) }
		fi
	od
}

inline steal(me, own, victim)
{
	d_step { /* RG-B: its own slots may be written again */
		own_tail = tail[own];
#ifndef WEAK_RG_B_OWN
		acquire(me, HEAD + own)
#endif
	}
	do
	:: atomic { head_seen = head[victim]; acquire(me, HEAD + victim) } /* RG-C */
		d_step { /* RG-A */
			count = tail[victim] - head_seen;
#ifndef WEAK_RG_A_STEAL
			acquire(me, TAIL + victim)
#endif
		}
		if
		:: count == 0 -> newest = 0; break
#ifndef COUNT_UNCHECKED
		:: count > size_of(victim) -> skip
		:: count != 0 && count <= size_of(victim) ->
#else
		:: count != 0 ->
#endif
			d_step { count = count - count / 2; was_ordered = 0; i = 0 }
			do
			:: i + 1 < count ->
				d_step { /* unreached: by the second thief, where the first has one entry at most */
					assert(i < size_of(own)); /* it fits */
					touch(me, slot_bit(own, own_tail + i));
					slot_of(own, own_tail + i) = slot_of(victim, head_seen + i);
					was_ordered = was_ordered | (is_ordered(me, victim, head_seen + i) << i);
					i++
				}
			:: else -> break
			od;
			atomic {
				newest = slot_of(victim, head_seen + i);
				was_ordered = was_ordered | (is_ordered(me, victim, head_seen + i) << i);
				i = 0
			}
			d_step { move_head(me, victim, head_seen, count); was_ordered = 0 }
			if
			:: moved ->
#ifdef READ_AFTER_MOVE
				newest = slot_of(victim, head_seen + count - 1);
#endif
				d_step { /* RG-A */
					tail[own] = own_tail + count - 1;
#ifdef WEAK_RG_A_APPEND
					relaxed_store(TAIL + own)
#else
					release(me, TAIL + own)
#endif
				}
				break
			:: else
			fi
		fi
	od;
	atomic {
		if
		:: newest != 0 -> take_entry(newest)
		:: else
		fi;
		head_seen = 0; count = 0; newest = 0; moved = 0; own_tail = 0
	}
}

/* What it stole beyond the one that it runs. */
inline run_own(me)
{
	do
	:: pop(me, me);
		if
		:: entry == 0 -> break
		:: else -> d_step { take_entry(entry); entry = 0 }
		fi
	od
}

proctype thief(byte me)
{
	byte head_seen, own_tail, count, newest, entry, was_ordered, i, steals;
	bit moved;

	do
	:: me == 1 && steals < STEALS -> steals++;
		steal(1, 1, 0);
		run_own(1)
#ifdef BOTH_FROM_OWNER
	:: me == 2 && steals < 1 -> steals++;
		steal(2, 2, 0);
		run_own(2)
#else
	:: me == 2 && steals < 1 -> steals++;
		steal(2, 2, 1) /* one entry at most: nothing is appended */
#endif
	:: else -> break
	od
}

init {
	d_step { everybody_knows() }
	atomic {
		run owner();
		run thief(1);
		run thief(2)
	}
	_nr_pr == 1;
	assert(pushed == ENTRIES && tail[0] == head[0]);
	assert(taken[1] && taken[2] && taken[3] && taken[4] && taken[ENTRIES])
}
