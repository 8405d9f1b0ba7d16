/* SPDX-License-Identifier: MIT */
#ifndef TR_MESSAGE_H
#define TR_MESSAGE_H

#include "runtime/memory/cache.h"

#include <stdbool.h>
#include <string.h>
#include <troupe.h>

/*
 * message -- how a message lies in memory, and its end.
 *
 *   plain    troupe_msg | body                    one slot of the message arena
 *   marked   troupe_msg | tail | body or nothing
 *
 * A message that has anything to do at its end is marked and has a tail: a
 * destructor, a body on the heap, a shared block, another message.  So have
 * requests and replies.
 *
 * Threads    A message is its owner's: the sender until it is accepted, then
 *            the receiver, then whoever keeps it.
 * Ownership  take makes the caller the owner; release ends the message and
 *            runs its destructor, exactly once, since only an owner can.
 */

/*
 * Bits of troupe_msg.flag_bits.  The low ones are the slot's size class; those
 * from TR_CELL_SHARD_BIT up are a cell's shard (see deadlines.h).
 */
#define TR_MSG_SIZE_CLASS UINT32_C(0x0f)
enum {
	TR_MSG_URGENT = 1u << 4,    /* written by the owner before sending */
	TR_MSG_CONTROL = 1u << 5,   /* the runtime's own: never counted, never a dead letter */
	TR_MSG_DESTROY = 1u << 6,   /* tail.destroy is to be called */
	TR_MSG_HEAP = 1u << 7,      /* tail.owner is the body, from the heap */
	TR_MSG_SHARED = 1u << 8,    /* tail.owner is a troupe_shared that the message holds */
	TR_MSG_NESTED = 1u << 9,    /* ticket.inner is a message that has the body */
	TR_MSG_REQUEST = 1u << 10,  /* ticket.token is to be answered, unless ... */
	TR_MSG_ANSWERED = 1u << 11, /* ... it has been */
	TR_MSG_CALL = 1u << 12,     /* the token is a waiting thread's, not an actor's */
	TR_MSG_REPLY = 1u << 13,    /* ticket.token is answered by this */
	TR_MSG_ERROR = 1u << 14,    /* the reply is an error: its type is the status */
	TR_MSG_CELL = 1u << 15      /* a tr_cell whose time has come */
};
#define TR_MSG_LANES (TR_MSG_URGENT | TR_MSG_CONTROL)

typedef struct tr_tail {
	void (*destroy)(void *body, size_t size);
	void *owner;
} tr_tail;

/* The tail of a request or a reply. */
typedef struct tr_ticket {
	uint64_t token;
	uint32_t inner; /* NESTED: its unit */
	int32_t code;   /* ERROR: the failing actor's */
} tr_ticket;

_Static_assert(sizeof(troupe_msg) == 32, "the header of a message is half a unit");
_Static_assert(sizeof(tr_tail) == 16, "the tail keeps the body aligned to 16");
_Static_assert(sizeof(tr_ticket) == sizeof(tr_tail), "a ticket is a tail");

/* Bodies up to this lie in the slot of the smallest message. */
#define TR_SMALL_MAX (TR_UNIT - sizeof(troupe_msg))

TR_INLINE tr_tail *
tr_message_tail(troupe_msg *msg)
{
	return (tr_tail *)(msg + 1);
}

TR_INLINE tr_ticket *
tr_message_ticket(const troupe_msg *msg)
{
	return (tr_ticket *)(uintptr_t)(msg + 1);
}

/* Copy n bytes, up to TR_SMALL_MAX, without a call: halves that overlap. */
TR_INLINE void
tr_copy_small(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	if (n >= 16) {
		memcpy(t, f, 16);
		memcpy(t + n - 16, f + n - 16, 16);
	} else if (n >= 8) {
		memcpy(t, f, 8);
		memcpy(t + n - 8, f + n - 8, 8);
	} else if (n >= 4) {
		memcpy(t, f, 4);
		memcpy(t + n - 4, f + n - 4, 4);
	} else if (n > 0) {
		t[0] = f[0];
		t[n / 2] = f[n / 2];
		t[n - 1] = f[n - 1];
	}
}

/*
 * A message of any size with its body not yet written, on the normal lane
 * and with no sender.  NULL: out of memory.
 */
TR_MUST_USE troupe_msg *tr_message_take(tr_cache *cache, uint32_t type, size_t size,
    void (*destroy)(void *body, size_t size));

/* The same with a copy of the data for a body. */
TR_MUST_USE troupe_msg *tr_message_take_copy(tr_cache *cache, uint32_t type, const void *data, size_t size);

/* A message whose body is the block; takes no count of it. */
TR_MUST_USE troupe_msg *tr_message_take_shared(tr_cache *cache, uint32_t type, troupe_shared *block);

/*
 * A message with a ticket, whose token and marks (REQUEST or REPLY) are the
 * caller's to set, and a copy of the data.
 */
TR_MUST_USE troupe_msg *tr_message_take_ticket(tr_cache *cache, uint32_t type, const void *data, size_t size);

/* The same around an owned message, whose type and body it takes over; the caller's on failure. */
TR_MUST_USE troupe_msg *tr_message_wrap(tr_cache *cache, troupe_msg *inner);

/* Undo tr_message_take or _shared: no destructor runs, no count is given back. */
void tr_message_discard(tr_cache *cache, troupe_msg *msg);

/* The first half of its end: run its destructor. */
void tr_message_destroy(troupe_msg *msg);

/* End an owned message. */
void tr_message_release(tr_cache *cache, troupe_msg *msg);

/* Whether a program may send this. */
TR_INLINE bool
tr_message_is_sendable(uint32_t type, const void *data, size_t size)
{
	return type < TROUPE_TYPE_RESERVED && size <= UINT32_MAX && (data != NULL || size == 0);
}

/* Whether it may make a request or an answer of a message that it owns. */
TR_INLINE bool
tr_message_may_be_wrapped(troupe_msg *const *msg)
{
	return msg != NULL && *msg != NULL && !((*msg)->flag_bits & TR_MSG_REQUEST) && (*msg)->type < TROUPE_TYPE_RESERVED;
}

/* The message in a slot of the message arena. */
TR_INLINE troupe_msg *
tr_message_from(uint32_t unit)
{
	return tr_message_at(unit);
}

/* Run a shared block's last rites: see troupe_shared_release. */
void tr_shared_release(tr_cache *cache, troupe_shared *block);
TR_MUST_USE troupe_shared *tr_shared_take(tr_cache *cache, size_t size, void (*destroy)(void *bytes, size_t size));
void *tr_shared_bytes(troupe_shared *block);
size_t tr_shared_size(const troupe_shared *block);
void tr_shared_retain(troupe_shared *block);

#endif /* TR_MESSAGE_H */
