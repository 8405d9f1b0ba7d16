/* SPDX-License-Identifier: MIT */
#include "runtime/actor/message.h"

#include "runtime/memory/fault.h"

#include <stdatomic.h>

/* The largest slot of the message arena: what does not fit goes to the heap. */
#define LARGEST_SLOT (TR_UNIT << (TR_MESSAGE_SIZES - 1))

struct troupe_shared {
	/*
	 * Messages and callers that hold the block.
	 * Ordering edge SH-A: each decrement (release) -> the last one
	 * (acquire): all reads of the bytes come before their end.
	 */
	_Atomic uint32_t holders;
	uint32_t size;
	uint32_t size_class; /* HEAP_BLOCK when it is on the heap */
	uint32_t unused;
	void (*destroy)(void *bytes, size_t size);
	void *padding;
};

#define HEAP_BLOCK UINT32_MAX

_Static_assert(sizeof(troupe_shared) % 16 == 0, "the bytes are aligned to 16");

static troupe_msg *
take_slot(tr_cache *cache, uint32_t type, size_t size, size_t bytes, uint32_t marks)
{
	unsigned size_class = tr_size_class(bytes);
	uint32_t unit = tr_cache_take_message(cache, size_class);

	if (unit == 0)
		return NULL;
	troupe_msg *msg = tr_message_at(unit);

	msg->next_unit = 0;
	msg->flag_bits = size_class | marks;
	msg->type = type;
	msg->size = (uint32_t)size;
	msg->sender = 0;
	msg->body = NULL;
	return msg;
}

static void *
body_of(const troupe_msg *msg)
{
	return (void *)(uintptr_t)msg->body;
}

/* The body lies at `body`, and is a copy of the data; there is none when the size is 0. */
static void
set_body(troupe_msg *msg, void *body, const void *data)
{
	if (msg->size == 0)
		return;
	memcpy(body, data, msg->size);
	msg->body = body;
}

static void
give_slot(tr_cache *cache, troupe_msg *msg)
{
	tr_cache_give_message(cache, msg->flag_bits & TR_MSG_SIZE_CLASS, tr_message_unit(msg));
}

static troupe_msg *
take_with_heap_body(tr_cache *cache, uint32_t type, size_t size, void (*destroy)(void *, size_t))
{
	troupe_msg *msg = take_slot(cache, type, size, sizeof *msg + sizeof(tr_tail),
	    TR_MSG_HEAP | (destroy != NULL ? TR_MSG_DESTROY : 0));

	if (msg == NULL)
		return NULL;
	void *body = tr_heap_take(size);
	if (body == NULL) {
		give_slot(cache, msg);
		return NULL;
	}
	*tr_message_tail(msg) = (tr_tail){ .destroy = destroy, .owner = body };
	msg->body = body;
	return msg;
}

troupe_msg *
tr_message_take(tr_cache *cache, uint32_t type, size_t size, void (*destroy)(void *, size_t))
{
	size_t head = sizeof(troupe_msg) + (destroy != NULL ? sizeof(tr_tail) : 0);

	if (size > LARGEST_SLOT - head)
		return take_with_heap_body(cache, type, size, destroy);
	troupe_msg *msg = take_slot(cache, type, size, head + size, destroy != NULL ? TR_MSG_DESTROY : 0);
	if (msg == NULL)
		return NULL;
	if (destroy != NULL)
		*tr_message_tail(msg) = (tr_tail){ .destroy = destroy };
	if (size > 0)
		msg->body = (char *)msg + head;
	return msg;
}

troupe_msg *
tr_message_take_shared(tr_cache *cache, uint32_t type, troupe_shared *block)
{
	troupe_msg *msg = take_slot(cache, type, block->size, sizeof *msg + sizeof(tr_tail), TR_MSG_SHARED);

	if (msg == NULL)
		return NULL;
	*tr_message_tail(msg) = (tr_tail){ .owner = block };
	msg->body = tr_shared_bytes(block);
	return msg;
}

troupe_msg *
tr_message_take_copy(tr_cache *cache, uint32_t type, const void *data, size_t size)
{
	troupe_msg *msg = tr_message_take(cache, type, size, NULL);

	if (msg != NULL)
		set_body(msg, body_of(msg), data);
	return msg;
}

troupe_msg *
tr_message_wrap(tr_cache *cache, troupe_msg *inner)
{
	troupe_msg *msg = take_slot(cache, inner->type, inner->size, sizeof *msg + sizeof(tr_ticket), TR_MSG_NESTED);

	if (msg == NULL)
		return NULL;
	*tr_message_ticket(msg) = (tr_ticket){ .inner = tr_message_unit(inner) };
	msg->flag_bits |= inner->flag_bits & TR_MSG_URGENT;
	msg->body = inner->body;
	return msg;
}

/* A body that fits no slot beside a ticket is another message's. */
static troupe_msg *
take_ticket_with_inner(tr_cache *cache, uint32_t type, const void *data, size_t size)
{
	troupe_msg *inner = tr_message_take_copy(cache, type, data, size);
	troupe_msg *msg = inner != NULL ? tr_message_wrap(cache, inner) : NULL;

	if (msg == NULL && inner != NULL)
		tr_message_discard(cache, inner);
	return msg;
}

troupe_msg *
tr_message_take_ticket(tr_cache *cache, uint32_t type, const void *data, size_t size)
{
	size_t head = sizeof(troupe_msg) + sizeof(tr_ticket);

	if (size > LARGEST_SLOT - head)
		return take_ticket_with_inner(cache, type, data, size);
	troupe_msg *msg = take_slot(cache, type, size, head + size, 0);
	if (msg == NULL)
		return NULL;
	*tr_message_ticket(msg) = (tr_ticket){ 0 };
	set_body(msg, (char *)msg + head, data);
	return msg;
}

void
tr_message_discard(tr_cache *cache, troupe_msg *msg)
{
	if (msg->flag_bits & TR_MSG_HEAP)
		tr_heap_give(tr_message_tail(msg)->owner);
	give_slot(cache, msg);
}

void
tr_message_destroy(troupe_msg *msg)
{
	if (msg->flag_bits & TR_MSG_DESTROY)
		tr_message_tail(msg)->destroy(body_of(msg), msg->size);
}

/* All but its slot, and the message that is in it. */
static void
release_parts(tr_cache *cache, troupe_msg *msg)
{
	tr_message_destroy(msg);
	if (msg->flag_bits & TR_MSG_SHARED)
		tr_shared_release(cache, tr_message_tail(msg)->owner);
}

void
tr_message_release(tr_cache *cache, troupe_msg *msg)
{
	/* What was kept and passed on as an answer is wrapped once more for each time. */
	while (TR_UNLIKELY(msg->flag_bits & TR_MSG_NESTED)) {
		troupe_msg *inner = tr_message_from(tr_message_ticket(msg)->inner);

		release_parts(cache, msg);
		tr_message_discard(cache, msg);
		msg = inner;
	}
	release_parts(cache, msg);
	tr_message_discard(cache, msg);
}

troupe_shared *
tr_shared_take(tr_cache *cache, size_t size, void (*destroy)(void *, size_t))
{
	size_t bytes = sizeof(troupe_shared) + size;
	uint32_t size_class = HEAP_BLOCK;
	troupe_shared *block;

	if (bytes > LARGEST_SLOT) {
		block = tr_heap_take(bytes);
	} else {
		size_class = tr_size_class(bytes);
		uint32_t unit = tr_cache_take_message(cache, size_class);
		block = unit != 0 ? tr_message_at(unit) : NULL;
	}
	if (block == NULL)
		return NULL;
	/* SH-none: nobody else knows the block yet. */
	atomic_store_explicit(&block->holders, 1, memory_order_relaxed);
	block->size = (uint32_t)size;
	block->size_class = size_class;
	block->destroy = destroy;
	return block;
}

void *
tr_shared_bytes(troupe_shared *block)
{
	return block + 1;
}

size_t
tr_shared_size(const troupe_shared *block)
{
	return block->size;
}

void
tr_shared_retain(troupe_shared *block)
{
	/* SH-none: the caller holds it, so it cannot end meanwhile. */
	atomic_fetch_add_explicit(&block->holders, 1, memory_order_relaxed);
}

void
tr_shared_release(tr_cache *cache, troupe_shared *block)
{
	/* SH-A: release, this holder's reads are over; acquire, all the others' are. */
	if (atomic_fetch_sub_explicit(&block->holders, 1, memory_order_acq_rel) != 1)
		return;
	if (block->destroy != NULL)
		block->destroy(tr_shared_bytes(block), block->size);
	if (block->size_class == HEAP_BLOCK)
		tr_heap_give(block);
	else
		tr_cache_give_message(cache, block->size_class, tr_message_unit(block));
}
