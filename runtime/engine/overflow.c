/* SPDX-License-Identifier: MIT */
#include "runtime/engine/overflow.h"

int
tr_overflow_init(tr_overflow *queue)
{
	queue->first = queue->last = 0;
	/* OV-none: nobody else knows the queue yet. */
	atomic_store_explicit(&queue->count, 0, memory_order_relaxed);
	return pthread_mutex_init(&queue->lock, NULL);
}

void
tr_overflow_fini(tr_overflow *queue)
{
	pthread_mutex_destroy(&queue->lock);
}

static tr_mailbox *
mailbox_of(uint32_t actor)
{
	return tr_actor_at(actor);
}

static void
change_count(tr_overflow *queue, uint32_t by)
{
	/* OV-none: the lock is held, so nobody else writes it. */
	uint32_t count = atomic_load_explicit(&queue->count, memory_order_relaxed);

	/* OV-B: seq_cst, so that the putter's look at the idle word comes after it. */
	atomic_store_explicit(&queue->count, count + by, memory_order_seq_cst);
}

void
tr_overflow_put(tr_overflow *queue, const uint32_t *actors, uint32_t count)
{
	if (count == 0)
		return;
	for (uint32_t i = 0; i + 1 < count; i++)
		mailbox_of(actors[i])->link = actors[i + 1];
	mailbox_of(actors[count - 1])->link = 0;

	pthread_mutex_lock(&queue->lock); /* OV-A */
	if (queue->last != 0)
		mailbox_of(queue->last)->link = actors[0];
	else
		queue->first = actors[0];
	queue->last = actors[count - 1];
	change_count(queue, count);
	pthread_mutex_unlock(&queue->lock);
}

uint32_t
tr_overflow_take(tr_overflow *queue, uint32_t *actors, uint32_t most)
{
	uint32_t taken = 0;

	/* OV-none: a hint that saves the lock of an empty queue. */
	if (atomic_load_explicit(&queue->count, memory_order_relaxed) == 0)
		return 0;
	pthread_mutex_lock(&queue->lock); /* OV-A */
	while (taken < most && queue->first != 0) {
		const tr_mailbox *mailbox = mailbox_of(queue->first);

		actors[taken++] = queue->first;
		/* They may have waited long enough to be cold, and the taker owns them: fetch what they will read. */
		__builtin_prefetch(tr_message_at(mailbox->todo));
		queue->first = mailbox->link;
	}
	if (queue->first == 0)
		queue->last = 0;
	change_count(queue, -taken);
	pthread_mutex_unlock(&queue->lock);
	return taken;
}
