/* SPDX-License-Identifier: MIT */
#ifndef TR_IDLE_H
#define TR_IDLE_H

#include "runtime/platform/base.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * idle -- how many workers look for work and how many sleep: one word, and
 * the proof that no wake-up is lost.
 *
 *   searching:32 | parked:32
 *
 * A worker is running, searching or parked.  Whoever makes an actor runnable
 * and finds nobody searching and somebody parked takes a wake ticket: the
 * ticket turns one parked worker into a searching one in the word, and its
 * holder then picks any worker whose parker says PARKED, says SEARCH to it,
 * and rouses it (worker.c).  A searcher that finds work and was the last one
 * takes the next ticket if there is more to do, so that a burst wakes the
 * pool as a chain and not as a herd.
 *
 * Threads    Any.
 *
 * Invariants
 *   INV-ID-1  parked + tickets held = workers whose parker says PARKED, once
 *             each worker between its two steps of parking (say PARKED; count)
 *             or of unparking is counted by the step it has taken.  A worker
 *             says PARKED before it is counted, so a ticket holder always
 *             finds one, at the latest when another holder lets go.
 *   INV-ID-2  searching = workers that search, plus tickets held.
 *
 * No wake-up is lost.  X is put on the overflow queue (OV-B: store count,
 * then load the word), while worker P parks (change the word, then load
 * count); all four are seq_cst, so not both loads miss the other's store.
 *   (i)   The putter sees parked > 0 and searching = 0: it takes a ticket, or
 *         its exchange fails and it looks again.
 *   (ii)  It sees searching > 0: each searcher later leaves that state, by
 *         parking (then it sees X, by OV-B, and unparks itself) or by finding
 *         other work; the last one to do so looks for more and takes the next
 *         ticket, or nobody is parked, which is (iii).
 *   (iii) It sees nobody searching and nobody parked: all run.  Each looks at
 *         the overflow queue when it has nothing of its own, and every 61
 *         dispatches even if it has; the next to park sees X by OV-B.
 * So "all parked while X waits" cannot be reached.
 *
 * What a running worker holds itself (ring, LIFO slot) needs no such proof:
 * its owner cannot park before it has run it.  There the relaxed look of
 * tr_idle_wants_wake can only miss help, for as long as a store stays in a
 * store buffer; the parking worker's first sleep is short, and it looks at
 * the rings after it, so the help is late and not lost.
 *
 * Ordering edges
 *   OV-B  see overflow.h; the word's side: its load by who put something, and
 *         the changes by who parks or ends a search.  Tickets and beginnings
 *         are seq_cst for the letter of C11 alone, which lets a seq_cst load
 *         read a change that is not, though the last one that is came before.
 *   ID-A  the last to park (seq_cst) -> tr_idle_load (seq_cst) by who waits for
 *         quiet: all that the workers did.
 */

typedef struct tr_idle {
	_Alignas(TR_CACHE_LINE) _Atomic uint64_t word;
} tr_idle;

#define TR_IDLE_SEARCHING (UINT64_C(1) << 32)
#define TR_IDLE_PARKED    UINT64_C(1)

TR_INLINE uint32_t
tr_idle_searching(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

TR_INLINE uint32_t
tr_idle_parked(uint64_t word)
{
	return (uint32_t)word;
}

/* All workers start out running. */
void tr_idle_init(tr_idle *idle);

/* For the way of a message: whether there may be somebody to wake. */
TR_INLINE bool
tr_idle_wants_wake(const tr_idle *idle)
{
	/* ID-none: a hint; what it can miss is said above. */
	uint64_t word = atomic_load_explicit(&idle->word, memory_order_relaxed);

	return tr_idle_parked(word) > 0 && tr_idle_searching(word) == 0;
}

/* The word, ordered after what the caller put on the overflow queue (OV-B), and acquiring ID-A. */
uint64_t tr_idle_load(const tr_idle *idle);

/* Take a wake ticket if nobody searches and somebody is parked. */
TR_MUST_USE bool tr_idle_take_ticket(tr_idle *idle);

/* Take a ticket if anybody is parked, even if others search: to unpark oneself, or all at the end. */
TR_MUST_USE bool tr_idle_take_any_ticket(tr_idle *idle);

/* A running worker begins to search; false when `most` do already. */
TR_MUST_USE bool tr_idle_begin_search(tr_idle *idle, uint32_t most);

/* A searcher found work.  true: it was the last one, and somebody is parked. */
bool tr_idle_end_search(tr_idle *idle);

/* Count the caller, who has said PARKED, as parked; was_searching: and no longer as searching.  Returns the word after. */
uint64_t tr_idle_park(tr_idle *idle, bool was_searching);

#endif /* TR_IDLE_H */
