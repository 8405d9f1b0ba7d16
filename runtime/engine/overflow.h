/* SPDX-License-Identifier: MIT */
#ifndef TR_OVERFLOW_H
#define TR_OVERFLOW_H

#include "runtime/memory/arena.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/*
 * overflow -- the runnable actors that no worker holds: those that threads
 * outside the pool made runnable, and the older half of a ring that was full.
 *
 * A circular array in reserved memory, so that it cannot fail and so that who
 * takes many knows all their addresses at once and can fetch them together.
 * Behind a lock: an actor comes here once in 128 times a ring overflows, or
 * when a thread outside wakes an idle one, never per message.
 *
 * Threads    Any.
 * Order      First in, first out.
 * Limits     Room for every actor that the arena can hold.  Memory is touched
 *            up to twice the most that ever waited.
 *
 * Ordering edges
 *   OV-A  the lock: the actors, from who put them to who takes them.
 *   OV-B  count raised (seq_cst) against the idle word (seq_cst), see idle.h: who
 *         puts an actor either sees a worker parked, or that worker, before
 *         it sleeps, sees the count.
 */

typedef struct tr_overflow {
	pthread_mutex_t lock;
	uint32_t *slots;
	size_t reserved; /* slots in all: a power of two, no fewer than there can be actors */
	size_t size;     /* slots in use by the circle: a power of two */
	size_t first;    /* of the oldest */
	_Atomic uint32_t count;
} tr_overflow;

/* 0, or an errno value. */
int tr_overflow_init(tr_overflow *queue);
void tr_overflow_fini(tr_overflow *queue);

/* Append `count` runnable actors. */
void tr_overflow_put(tr_overflow *queue, const uint32_t *actors, uint32_t count);

/* Up to `most` of the oldest into actors[]; returns how many. */
uint32_t tr_overflow_take(tr_overflow *queue, uint32_t *actors, uint32_t most);

/* Actors that wait: takes part in OV-B. */
TR_INLINE uint32_t
tr_overflow_count(const tr_overflow *queue)
{
	/* OV-B: seq_cst, after the caller's own seq_cst change of the idle word. */
	return atomic_load_explicit(&queue->count, memory_order_seq_cst);
}

#endif /* TR_OVERFLOW_H */
