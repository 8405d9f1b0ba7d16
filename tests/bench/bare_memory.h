/* SPDX-License-Identifier: MIT */
#ifndef BARE_MEMORY_H
#define BARE_MEMORY_H

/*
 * Memory of the bare loop: blocks of one size, a stack of free ones for each
 * worker, and a depot through which surplus moves from worker to worker.
 * Nothing is ever given back to the system.
 */

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release
#define ACQ_REL memory_order_acq_rel

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define INLINE      static inline __attribute__((always_inline))
#define SLOW        static __attribute__((noinline))

enum {
	LINE = 64,      /* bytes of a cache line */
	BATCH = 1024,   /* blocks that move between workers at once: each move is a lock and cold lines */
	CHUNK = 1 << 21 /* bytes taken from the system at once: one huge page */
};

/*
 * A stack of free blocks for one worker.  It holds addresses and not a list
 * through the blocks: a list would be one cache miss after the other when
 * the blocks come from another worker, and these misses do not overlap.
 */
typedef struct {
	uint32_t count;
	uint32_t size;      /* bytes of a block */
	uint32_t kind;      /* which depot */
	char *fresh, *end;  /* never used yet */
	void *block[2 * BATCH];
} stack;

/* Surplus of one worker on its way to another. */
typedef struct batch {
	struct batch *next;
	void *block[BATCH];
} batch;

enum { MSGS, ACTORS, KINDS };

static struct {
	alignas(LINE) pthread_mutex_t lock;
	_Atomic(batch *) full[KINDS]; /* also read without the lock, as a hint */
	batch *spare;
} depot = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *
map_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("yardstick: mmap");
		_exit(1);
	}
	return p;
}

static bool
stack_refill(stack *s)
{
	if (!atomic_load_explicit(&depot.full[s->kind], RELAXED))
		return false;
	pthread_mutex_lock(&depot.lock);
	batch *b = atomic_load_explicit(&depot.full[s->kind], RELAXED);
	if (b) {
		atomic_store_explicit(&depot.full[s->kind], b->next, RELAXED);
		memcpy(s->block, b->block, sizeof b->block);
		s->count = BATCH;
		b->next = depot.spare;
		depot.spare = b;
	}
	pthread_mutex_unlock(&depot.lock);
	return b != NULL;
}

SLOW void *
take_slow(stack *s)
{
	if (stack_refill(s))
		return s->block[--s->count];
	if (s->fresh == s->end) {
		s->fresh = map_memory(CHUNK);
		s->end = s->fresh + CHUNK;
	}
	void *p = s->fresh;
	s->fresh += s->size;
	return p;
}

INLINE void *
take(stack *s)
{
	return LIKELY(s->count) ? s->block[--s->count] : take_slow(s);
}

/* The oldest half goes to the depot: the youngest is what the cache still has. */
SLOW void
give_slow(stack *s)
{
	pthread_mutex_lock(&depot.lock);
	batch *b = depot.spare;
	if (b)
		depot.spare = b->next;
	else
		b = map_memory(sizeof *b);
	memcpy(b->block, s->block, sizeof b->block);
	b->next = atomic_load_explicit(&depot.full[s->kind], RELAXED);
	atomic_store_explicit(&depot.full[s->kind], b, RELAXED);
	pthread_mutex_unlock(&depot.lock);
	s->count -= BATCH;
	memmove(s->block, s->block + BATCH, s->count * sizeof s->block[0]);
}

INLINE void
give(stack *s, void *p)
{
	if (UNLIKELY(s->count == 2 * BATCH))
		give_slow(s);
	s->block[s->count++] = p;
}

#endif /* BARE_MEMORY_H */
