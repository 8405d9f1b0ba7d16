/* SPDX-License-Identifier: MIT */
#include "runtime/engine/ring.h"

void
tr_ring_init(tr_ring *ring, uint32_t size)
{
	TR_ASSERT(size >= 2 && size <= TR_RING_SIZE && (size & (size - 1)) == 0);
	/* RG-none: nobody else knows the ring yet. */
	atomic_store_explicit(&ring->head, 0, memory_order_relaxed);
	atomic_store_explicit(&ring->tail, 0, memory_order_relaxed);
	ring->size = size;
}

static uint32_t
read_slot(const tr_ring *ring, uint32_t at)
{
	/* RG-none: ordered by head and tail. */
	return atomic_load_explicit(&ring->slot[at & (ring->size - 1)], memory_order_relaxed);
}

static bool
move_head(tr_ring *ring, uint32_t from, uint32_t count)
{
	/* RG-B: release, the entries have been read.  RG-C: acquire. */
	return atomic_compare_exchange_strong_explicit(&ring->head, &from, from + count, memory_order_acq_rel,
	    memory_order_relaxed);
}

uint32_t
tr_ring_spill(tr_ring *ring, uint32_t entries[TR_RING_SIZE / 2])
{
	uint32_t half = ring->size / 2;
	/* RG-none: validated by the exchange. */
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	/* RG-none: only the owner, this thread, writes tail. */
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail - head < ring->size)
		return 0;
	for (uint32_t i = 0; i < half; i++)
		entries[i] = read_slot(ring, head + i);
	return move_head(ring, head, half) ? half : 0;
}

uint32_t
tr_ring_steal(tr_ring *victim, tr_ring *own)
{
	/* RG-none: only the owner, this thread, writes its tail. */
	uint32_t at = atomic_load_explicit(&own->tail, memory_order_relaxed);

	/* RG-B: acquire, the takers of the entries to be overwritten have read them. */
	(void)atomic_load_explicit(&own->head, memory_order_acquire);
	for (;;) {
		/* RG-C: acquire, so that tail is not older than head (INV-RG-1). */
		uint32_t head = atomic_load_explicit(&victim->head, memory_order_acquire);
		/* RG-A: acquire, receives the entries and the actors. */
		uint32_t tail = atomic_load_explicit(&victim->tail, memory_order_acquire);
		uint32_t count = tail - head;

		if (count == 0)
			return 0;
		if (count > victim->size)
			continue; /* head moved between the two loads */
		count -= count / 2;
		for (uint32_t i = 0; i + 1 < count; i++)
			/* RG-none: published by tail below; nobody reads beyond tail. */
			atomic_store_explicit(&own->slot[(at + i) & (own->size - 1)], read_slot(victim, head + i),
			    memory_order_relaxed);
		uint32_t newest = read_slot(victim, head + count - 1);

		if (!move_head(victim, head, count))
			continue;
		/* RG-A: release, publishes what was appended. */
		atomic_store_explicit(&own->tail, at + count - 1, memory_order_release);
		return newest;
	}
}
