/* SPDX-License-Identifier: MIT */
#ifndef TR_MAILBOX_H
#define TR_MAILBOX_H

#include "runtime/memory/arena.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * mailbox -- the messages that wait for one actor, whether somebody runs it,
 * and whether it is alive: one 64-bit word.
 *
 *   generation:32 | urgent:1 | newest:31
 *
 * newest is the unit of the newest message, which links to the one before
 * it; or EMPTY (owned, nothing new), IDLE (owned by nobody, nothing waits),
 * CLOSED (no actor lives here).  urgent says that the chain holds a message
 * that is not of the normal lane.  Generations are odd in a living actor's
 * handle and even between two lives.
 *
 * Threads    Any thread may push, with a handle of any age.  The rest is for
 *            the owner: whoever claimed the mailbox, opened it, or was handed
 *            it by a run queue.
 * Ownership  push takes the message unless it returns DEAD.  A push that
 *            finds IDLE claims the actor: the message becomes todo without
 *            passing through the word, and the pusher, now the owner, must
 *            schedule the actor.  take gives the whole chain back.
 * Order      Messages of one sender leave in the order they came in.
 * Limits     2^31 lives of a slot: after the last its owner must not open it
 *            again, so that a generation never comes back.
 *
 * Invariants
 *   INV-MB-1  newest is IDLE if and only if nobody owns the actor: it is on
 *             no run queue and in nobody's hands.  Only the push that
 *             replaces IDLE makes an owner; only try_idle and close unmake one.
 *   INV-MB-2  the generation in the word is the actor's: a push with another
 *             changes nothing, since it compares in the word that it replaces.
 *   INV-MB-3  nobody follows a link but the owner, and only in a chain that
 *             it took: a unit that was recycled meanwhile is compared, never
 *             read.
 *
 * Ordering edges (the tags stand at every atomic operation)
 *   MB-A  push (release)     -> take (acquire), close (acquire): what the
 *         sender wrote into the message.  A push is a read-modify-write, so
 *         it continues the release sequences of the pushes before it.
 *   MB-B  try_idle (release) -> claim (acquire): the owner's private state,
 *         left by the worker that ran the actor last.
 *   MB-C  open (release) -> claim, alive (acquire): the private state that
 *         the spawner made, and whose the actor is.
 */

#define TR_MAILBOX_EMPTY  UINT32_C(0)
#define TR_MAILBOX_IDLE   UINT32_C(0x7fffffff)
#define TR_MAILBOX_CLOSED UINT32_C(0x7ffffffe)
#define TR_MAILBOX_NEWEST UINT32_C(0x7fffffff) /* mask */
#define TR_MAILBOX_URGENT UINT32_C(0x80000000)

typedef struct tr_mailbox {
	_Atomic uint64_t word;
	uint32_t todo;    /* owner's: the oldest message taken and not yet handled; 0 is none */
	/*
	 * Owner's: between turns, messages in todo beyond the first; in a turn,
	 * how many it had when it last took some.  For others a hint.
	 */
	_Atomic uint32_t backlog;
} tr_mailbox;

enum tr_push { TR_PUSH_QUEUED, TR_PUSH_CLAIMED, TR_PUSH_DEAD };

TR_INLINE uint32_t
tr_mailbox_generation(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

TR_INLINE uint64_t
tr_mailbox_word(uint32_t generation, uint32_t newest)
{
	return (uint64_t)generation << 32 | newest;
}

/*
 * Hand the message `unit`, whose link is *next, to the actor's life
 * `generation`.  urgent is 0 or TR_MAILBOX_URGENT.
 *
 * QUEUED: its owner will find it.  CLAIMED: the caller owns the actor now and
 * must schedule it.  DEAD: that life is over; the caller keeps the message.
 */
TR_INLINE TR_MUST_USE enum tr_push
tr_mailbox_push(tr_mailbox *mailbox, uint32_t generation, uint32_t unit, uint32_t *next, uint32_t urgent)
{
	/* MB-none: a first guess; the exchanges below validate it. */
	uint64_t seen = atomic_load_explicit(&mailbox->word, memory_order_relaxed);

	for (;;) {
		uint32_t newest = (uint32_t)seen & TR_MAILBOX_NEWEST;

		if (TR_UNLIKELY(tr_mailbox_generation(seen) != generation))
			return TR_PUSH_DEAD; /* INV-MB-2 */
		if (newest >= TR_MAILBOX_CLOSED) {
			if (TR_UNLIKELY(newest == TR_MAILBOX_CLOSED))
				return TR_PUSH_DEAD;
			/*
			 * MB-B, MB-C: acquire, receives the private state.  Not
			 * release: the message is handed over through todo, and
			 * the run queue publishes that.
			 */
			if (atomic_compare_exchange_weak_explicit(&mailbox->word, &seen,
			        tr_mailbox_word(generation, TR_MAILBOX_EMPTY), memory_order_acquire,
			        memory_order_relaxed)) {
				*next = 0;
				mailbox->todo = unit;
				return TR_PUSH_CLAIMED;
			}
			continue;
		}
		*next = newest;
		/*
		 * MB-A: release, publishes the message to take.  Relaxed on
		 * failure: seen is compared and linked, never followed
		 * (INV-MB-3), so a recycled unit does no harm.
		 */
		if (atomic_compare_exchange_weak_explicit(&mailbox->word, &seen,
		        tr_mailbox_word(generation, unit | ((uint32_t)seen & TR_MAILBOX_URGENT) | urgent),
		        memory_order_release, memory_order_relaxed))
			return TR_PUSH_QUEUED;
	}
}

/* Whether take would return anything, or a little while ago would not have. */
TR_INLINE bool
tr_mailbox_has_new(const tr_mailbox *mailbox)
{
	/* MB-none: a hint. */
	return ((uint32_t)atomic_load_explicit(&mailbox->word, memory_order_relaxed) & TR_MAILBOX_NEWEST) !=
	       TR_MAILBOX_EMPTY;
}

/* The same for messages of the lanes above the normal one. */
TR_INLINE bool
tr_mailbox_has_urgent(const tr_mailbox *mailbox)
{
	/* MB-none: a hint. */
	return ((uint32_t)atomic_load_explicit(&mailbox->word, memory_order_relaxed) & TR_MAILBOX_URGENT) != 0;
}

TR_INLINE void
tr_mailbox_set_backlog(tr_mailbox *mailbox, uint32_t messages)
{
	/* MB-none: the owner's own, and a hint for others. */
	atomic_store_explicit(&mailbox->backlog, messages, memory_order_relaxed);
}

/* About how many messages wait, as far as the owner has seen. */
TR_INLINE uint32_t
tr_mailbox_waiting(const tr_mailbox *mailbox)
{
	/* MB-none: as above. */
	return atomic_load_explicit(&mailbox->backlog, memory_order_relaxed);
}

/* Whether nobody owns the actor: a hint. */
TR_INLINE bool
tr_mailbox_is_idle(const tr_mailbox *mailbox)
{
	/* MB-none: a hint. */
	return ((uint32_t)atomic_load_explicit(&mailbox->word, memory_order_relaxed) & TR_MAILBOX_NEWEST) ==
	       TR_MAILBOX_IDLE;
}

/* Take every new message, newest first: the newest's unit, with TR_MAILBOX_URGENT if set; 0 when there is none. */
TR_INLINE uint32_t
tr_mailbox_take(tr_mailbox *mailbox, uint32_t generation)
{
	/* MB-A: acquire, receives the messages of every push since the last take. */
	return (uint32_t)atomic_exchange_explicit(&mailbox->word, tr_mailbox_word(generation, TR_MAILBOX_EMPTY),
	    memory_order_acquire);
}

/*
 * Stop owning the actor.  false, and nothing changed, when a message came
 * in: the caller still owns it and must take.  After true the caller must
 * not touch the actor again: it may be running elsewhere, or gone.
 */
TR_INLINE TR_MUST_USE bool
tr_mailbox_try_idle(tr_mailbox *mailbox, uint32_t generation)
{
	uint64_t empty = tr_mailbox_word(generation, TR_MAILBOX_EMPTY);

	/*
	 * MB-B: release, publishes the private state to whoever claims next.
	 * Relaxed on failure: take acquires what is there.
	 */
	return atomic_compare_exchange_strong_explicit(&mailbox->word, &empty,
	    tr_mailbox_word(generation, TR_MAILBOX_IDLE), memory_order_release, memory_order_relaxed);
}

/*
 * Begin a life in a closed slot: `as` is TR_MAILBOX_EMPTY to own the actor,
 * or TR_MAILBOX_IDLE when its private state is complete.  Returns its
 * generation.  Only for the owner of the slot, who got it from the allocator.
 */
TR_INLINE uint32_t
tr_mailbox_open(tr_mailbox *mailbox, uint32_t as)
{
	/* MB-none: only the slot's owner writes the word of a closed mailbox. */
	uint64_t closed = atomic_load_explicit(&mailbox->word, memory_order_relaxed);
	uint32_t generation = tr_mailbox_generation(closed) + 1;

	TR_ASSERT(generation % 2 == 1);
	mailbox->todo = 0;
	tr_mailbox_set_backlog(mailbox, 0);
	/* MB-C: release, publishes the private state to whoever claims first. */
	atomic_store_explicit(&mailbox->word, tr_mailbox_word(generation, as), memory_order_release);
	return generation;
}

/*
 * End the life `generation` and stop taking messages.  Returns the chain of
 * those not yet taken, as take does.
 */
TR_INLINE uint32_t
tr_mailbox_close(tr_mailbox *mailbox, uint32_t generation)
{
	/* MB-A: acquire, receives the messages that will not be handled. */
	return (uint32_t)atomic_exchange_explicit(&mailbox->word,
	    tr_mailbox_word(generation + 1, TR_MAILBOX_CLOSED), memory_order_acquire);
}

/*
 * For a closer: take what waits for an actor that another thread owns and
 * that will handle no more.  Returns as take does, or 0 when the life is
 * over or nothing waits.
 */
uint32_t tr_mailbox_seize(tr_mailbox *mailbox, uint32_t generation);

/* Like close, but only if nothing new waits: false, and nothing changed, when a message came in. */
TR_MUST_USE bool tr_mailbox_try_close(tr_mailbox *mailbox, uint32_t generation);

/* Whether a slot whose last life was `generation` may be opened again: a generation never comes back. */
TR_INLINE bool
tr_mailbox_can_reopen(uint32_t generation)
{
	return generation != UINT32_MAX;
}

/* The generation of an actor that the caller owns. */
TR_INLINE uint32_t
tr_mailbox_own_generation(const tr_mailbox *mailbox)
{
	/* MB-none: only the owner changes it. */
	return tr_mailbox_generation(atomic_load_explicit(&mailbox->word, memory_order_relaxed));
}

/* The handle generation of the life in the slot, or 0 when it is closed.  A hint unless the caller owns it. */
TR_INLINE uint32_t
tr_mailbox_alive(const tr_mailbox *mailbox)
{
	/* MB-C: acquire, so that what open published is there if the life is. */
	uint64_t word = atomic_load_explicit(&mailbox->word, memory_order_acquire);

	return tr_mailbox_generation(word) % 2 == 1 ? tr_mailbox_generation(word) : 0;
}

#endif /* TR_MAILBOX_H */
