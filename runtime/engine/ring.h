/* SPDX-License-Identifier: MIT */
#ifndef TR_RING_H
#define TR_RING_H

#include "runtime/platform/base.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * ring -- the runnable actors of one worker, oldest first.
 *
 * One thread pushes; it and any number of thieves take, all from the head,
 * so that the oldest runs first whoever runs it.  (After Go's scheduler.)
 *
 * Threads    push, spill and pop are the owner's.  steal is anybody's, and
 *            writes into the thief's own ring.
 * Order      First in, first out, but for what is stolen.
 * Limits     TR_RING_SIZE entries, or fewer when opened with less.
 *
 * Invariants
 *   INV-RG-1  head <= tail <= head + size, counted modulo 2^32.
 *   INV-RG-2  an entry is copied before head passes it, and counts only for
 *             whoever moves head: an entry is taken exactly once.
 *
 * Ordering edges
 *   RG-A  tail (release) -> tail (acquire) by a thief: the entries, and all
 *         that the owner did to the actors before it pushed them.
 *   RG-B  head moved (release) -> head (acquire) by push and spill: the
 *         taker's reads of the entries come before they are overwritten.
 *   RG-C  head moved (acquire, as a read) after head moved (release): takers
 *         in turn see each other's, so that RG-B holds for all before.
 */

#define TR_RING_SIZE UINT32_C(256)

typedef struct tr_ring {
	_Alignas(TR_CACHE_LINE) _Atomic uint32_t head; /* owner and thieves */
	_Alignas(TR_CACHE_LINE) _Atomic uint32_t tail; /* owner */
	uint32_t size;                                 /* a power of two */
	_Alignas(TR_CACHE_LINE) _Atomic uint32_t slot[TR_RING_SIZE];
} tr_ring;

/* An empty ring of `size` entries, a power of two up to TR_RING_SIZE. */
void tr_ring_init(tr_ring *ring, uint32_t size);

TR_INLINE bool
tr_ring_has_any(const tr_ring *ring)
{
	/* RG-none: a hint. */
	return atomic_load_explicit(&ring->head, memory_order_relaxed) !=
	       atomic_load_explicit(&ring->tail, memory_order_relaxed);
}

/* Append; false when it is full. */
TR_INLINE TR_MUST_USE bool
tr_ring_push(tr_ring *ring, uint32_t entry)
{
	/* RG-none: only the owner writes tail. */
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	/* RG-B: acquire, the taker of the entry to be overwritten has read it. */
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

	if (TR_UNLIKELY(tail - head >= ring->size))
		return false;
	/* RG-none: published by tail. */
	atomic_store_explicit(&ring->slot[tail & (ring->size - 1)], entry, memory_order_relaxed);
	/* RG-A: release, publishes the entry. */
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

/* The owner's way to take the oldest; 0 when there is none. */
TR_INLINE uint32_t
tr_ring_pop(tr_ring *ring)
{
	/* RG-none: a first guess, validated by the exchange. */
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	for (;;) {
		/* RG-none: only the owner, this thread, writes tail and the slots. */
		if (atomic_load_explicit(&ring->tail, memory_order_relaxed) == head)
			return 0;
		uint32_t entry = atomic_load_explicit(&ring->slot[head & (ring->size - 1)], memory_order_relaxed);
		/* RG-B: release, the read above is over.  RG-C: acquire. */
		if (atomic_compare_exchange_weak_explicit(&ring->head, &head, head + 1, memory_order_acq_rel,
		        memory_order_relaxed))
			return entry;
	}
}

/* Take the older half of a full ring into entries[]; returns how many: 0 when thieves made room meanwhile. */
uint32_t tr_ring_spill(tr_ring *ring, uint32_t entries[TR_RING_SIZE / 2]);

/*
 * Take half of the victim's entries, at least one if there is any: the
 * newest of them is returned, to be run, and the others are appended to
 * `own`, which must be empty and the caller's.  0 when there was none.
 */
uint32_t tr_ring_steal(tr_ring *victim, tr_ring *own);

#endif /* TR_RING_H */
