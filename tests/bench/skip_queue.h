/* SPDX-License-Identifier: MIT */
#ifndef SKIP_QUEUE_H
#define SKIP_QUEUE_H

#include "bench.h"

#include <stdlib.h>

/*
 * Messages that an actor sets aside while it waits for a certain one: a ring
 * of owned messages, in the order they came.  Each is handled once the wait
 * is over, straight from here: put back into the mailbox they would be moved
 * again for each reply, which is quadratic.
 */
struct skip_queue {
	troupe_msg **slots; /* a power of two of them; NULL before the first */
	uint32_t capacity;
	uint32_t head, tail;
};

static inline void
skip_queue_grow(struct skip_queue *q)
{
	uint32_t capacity = q->capacity ? 2 * q->capacity : 16;
	troupe_msg **slots = bench_memory(capacity, sizeof(troupe_msg *));

	for (uint32_t i = q->head; i != q->tail; i++)
		slots[i % capacity] = q->slots[i % q->capacity];
	free(q->slots);
	q->slots = slots;
	q->capacity = capacity;
}

/* Set the message in hand aside. */
static inline void
skip_queue_put(struct skip_queue *q, troupe_actor *self)
{
	troupe_msg *msg = troupe_keep(self);

	if (!msg)
		bench_abort("the message in hand could not be kept");
	if (q->tail - q->head == q->capacity)
		skip_queue_grow(q);
	q->slots[q->tail++ % q->capacity] = msg;
}

/* The oldest, which the caller then owns; NULL when there is none. */
static inline troupe_msg *
skip_queue_take(struct skip_queue *q)
{
	return q->head == q->tail ? NULL : q->slots[q->head++ % q->capacity];
}

/* Give everything back, what was still set aside too. */
static inline void
skip_queue_fini(struct skip_queue *q)
{
	troupe_msg *msg;

	while ((msg = skip_queue_take(q)))
		troupe_msg_free(&msg);
	free(q->slots);
}

#endif /* SKIP_QUEUE_H */
