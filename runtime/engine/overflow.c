/* SPDX-License-Identifier: MIT */
#include "runtime/engine/overflow.h"

#include "runtime/memory/table.h"

#include <errno.h>
#include <string.h>

/* One page to begin with. */
#define FIRST_SIZE ((size_t)1024)

int
tr_overflow_init(tr_overflow *queue)
{
	int error;

	/* The arena's limit may be a block short of a power of two. */
	for (queue->reserved = FIRST_SIZE; queue->reserved < tr_arenas[TR_ACTORS].limit;)
		queue->reserved *= 2;
	queue->size = FIRST_SIZE;
	queue->first = 0;
	/* OV-none: nobody else knows the queue yet. */
	atomic_store_explicit(&queue->count, 0, memory_order_relaxed);
	queue->slots = tr_table_take(queue->reserved * sizeof *queue->slots);
	if (queue->slots == NULL)
		return ENOMEM;
	if ((error = pthread_mutex_init(&queue->lock, NULL)) != 0)
		tr_table_give(queue->slots, queue->reserved * sizeof *queue->slots, 0);
	return error;
}

void
tr_overflow_fini(tr_overflow *queue)
{
	pthread_mutex_destroy(&queue->lock);
	tr_table_give(queue->slots, queue->reserved * sizeof *queue->slots, queue->size * sizeof *queue->slots);
}

/* Under the lock: the circle becomes twice as large; what had wrapped around moves behind the old end. */
static void
grow(tr_overflow *queue, size_t count)
{
	size_t before = queue->size;
	size_t wrapped = queue->first + count > before ? queue->first + count - before : 0;

	queue->size = before * 2;
	TR_ASSERT(queue->size <= queue->reserved);
	memcpy(queue->slots + before, queue->slots, wrapped * sizeof *queue->slots);
}

/* Under the lock. */
static void
append(tr_overflow *queue, size_t held, const uint32_t *actors, size_t count)
{
	size_t at = (queue->first + held) % queue->size;
	size_t to_end = queue->size - at < count ? queue->size - at : count;

	memcpy(queue->slots + at, actors, to_end * sizeof *actors);
	memcpy(queue->slots, actors + to_end, (count - to_end) * sizeof *actors);
}

void
tr_overflow_put(tr_overflow *queue, const uint32_t *actors, uint32_t count)
{
	if (count == 0)
		return;
	pthread_mutex_lock(&queue->lock); /* OV-A */
	/* OV-none: the lock is held, so nobody else writes it. */
	uint32_t held = atomic_load_explicit(&queue->count, memory_order_relaxed);

	while (held + (size_t)count > queue->size)
		grow(queue, held);
	append(queue, held, actors, count);
	/* OV-B: seq_cst, so that the putter's look at the idle word comes after it. */
	atomic_store_explicit(&queue->count, held + count, memory_order_seq_cst);
	pthread_mutex_unlock(&queue->lock);
}

uint32_t
tr_overflow_take(tr_overflow *queue, uint32_t *actors, uint32_t most)
{
	/* OV-none: a hint that saves the lock of an empty queue. */
	if (atomic_load_explicit(&queue->count, memory_order_relaxed) == 0)
		return 0;
	pthread_mutex_lock(&queue->lock); /* OV-A */
	/* OV-none: the lock is held, so nobody else writes it. */
	uint32_t held = atomic_load_explicit(&queue->count, memory_order_relaxed);
	uint32_t taken = held < most ? held : most;
	size_t to_end = queue->size - queue->first < taken ? queue->size - queue->first : taken;

	memcpy(actors, queue->slots + queue->first, to_end * sizeof *actors);
	memcpy(actors + to_end, queue->slots, (taken - to_end) * sizeof *actors);
	queue->first = (queue->first + taken) % queue->size;
	/* OV-none: nobody need be woken for what was taken, and it follows what was put in the order of the lock. */
	atomic_store_explicit(&queue->count, held - taken, memory_order_relaxed);
	pthread_mutex_unlock(&queue->lock);
	return taken;
}
