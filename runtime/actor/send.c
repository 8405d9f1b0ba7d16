/* SPDX-License-Identifier: MIT */
#include "runtime/actor/error.h"
#include "runtime/actor/post.h"
#include "runtime/actor/request.h"

#include <inttypes.h>

/*
 * send -- the public ways to send, and the public life of messages and
 * shared blocks.  See troupe/message.h for their contracts.
 */

static void *
body_of(const troupe_msg *msg)
{
	return (void *)(uintptr_t)msg->body;
}

/* Send a message that the caller made and will not see again. */
static troupe_status
post_or_discard(tr_context *context, troupe_ref to, troupe_msg *msg)
{
	msg->sender = tr_context_self(context);
	troupe_status status = tr_post(context, to, msg);

	if (status != TROUPE_OK)
		tr_message_discard(&context->cache, msg);
	return status;
}

/* Anything but a small message on the normal lane. */
static TR_COLD troupe_status
send_copy(troupe_ref to, uint32_t type, const void *data, size_t size, uint32_t lane)
{
	tr_context *context = tr_context_mine();

	if (context == NULL)
		return troupe_last_error();
	if (!tr_message_is_sendable(type, data, size) || !tr_ref_is_handle(to))
		return tr_fail(TROUPE_INVALID, "cannot send %zu bytes at %p as type %" PRIu32 " to handle %" PRIx64, size,
		    data, type, to);
	troupe_msg *msg = tr_message_take_copy(&context->cache, type, data, size);
	if (msg == NULL)
		return TROUPE_NOMEM;
	msg->flag_bits |= lane;
	return post_or_discard(context, to, msg);
}

troupe_status
troupe_send(troupe_ref to, uint32_t type, const void *data, size_t size)
{
	tr_context *context = tr_current_context;

	if (TR_UNLIKELY(context == NULL || size > TR_SMALL_MAX || type >= TROUPE_TYPE_RESERVED ||
	                tr_cache_lacks_message(&context->cache) || (data == NULL && size > 0)))
		return send_copy(to, type, data, size, 0);
	uint32_t unit = tr_cache_take_message(&context->cache, 0);
	troupe_msg *msg = tr_message_at(unit);

	msg->flag_bits = 0;
	msg->type = type;
	msg->size = (uint32_t)size;
	msg->sender = tr_context_self(context);
	msg->body = size > 0 ? msg + 1 : NULL;
	tr_copy_small(msg + 1, data, size);
	return tr_post_small(context, to, msg, unit);
}

troupe_status
troupe_send_urgent(troupe_ref to, uint32_t type, const void *data, size_t size)
{
	return send_copy(to, type, data, size, TR_MSG_URGENT);
}

troupe_msg *
troupe_msg_new(uint32_t type, size_t size, void (*destroy)(void *, size_t))
{
	tr_context *context = tr_context_mine();

	if (context == NULL)
		return NULL;
	if (type >= TROUPE_TYPE_RESERVED || size > UINT32_MAX) {
		tr_fail(TROUPE_INVALID, "no message has type %" PRIu32 " and %zu bytes", type, size);
		return NULL;
	}
	troupe_msg *msg = tr_message_take(&context->cache, type, size, destroy);
	if (msg == NULL)
		tr_fail(TROUPE_NOMEM, "no memory for a message of %zu bytes", size);
	return msg;
}

void *
troupe_msg_fill(troupe_msg *msg)
{
	return body_of(msg);
}

void
troupe_msg_set_lane(troupe_msg *msg, troupe_lane lane)
{
	msg->flag_bits &= ~(uint32_t)TR_MSG_URGENT;
	if (lane == TROUPE_LANE_URGENT)
		msg->flag_bits |= TR_MSG_URGENT;
}

void
troupe_msg_free(troupe_msg **msg)
{
	if (*msg == NULL)
		return;
	tr_context *context = tr_context_mine();
	if (context != NULL)
		tr_request_release(context, *msg,
		    &(tr_request_end){ .status = TROUPE_UNANSWERED, .target = tr_context_self(context) });
	else
		/* Without memory for a context there is nowhere to put the slot, but the end is the end. */
		tr_message_destroy(*msg);
	*msg = NULL;
}

troupe_status
troupe_send_msg(troupe_ref to, troupe_msg **msg)
{
	tr_context *context = tr_context_mine();

	if (context == NULL)
		return troupe_last_error();
	if (msg == NULL || *msg == NULL || (*msg)->type >= TROUPE_TYPE_RESERVED)
		return tr_fail(TROUPE_INVALID, "there is no message to send, or it is one of the runtime's own");
	/* A request that was kept keeps its asker. */
	if (!tr_request_is_open(*msg))
		(*msg)->sender = tr_context_self(context);
	troupe_status status = tr_post(context, to, *msg);

	if (status == TROUPE_OK)
		*msg = NULL;
	return status;
}

troupe_shared *
troupe_shared_new(size_t size, void (*destroy)(void *, size_t))
{
	tr_context *context = tr_context_mine();

	if (context == NULL)
		return NULL;
	if (size == 0 || size > UINT32_MAX) {
		tr_fail(TROUPE_INVALID, "no shared block has %zu bytes", size);
		return NULL;
	}
	troupe_shared *block = tr_shared_take(&context->cache, size, destroy);
	if (block == NULL)
		tr_fail(TROUPE_NOMEM, "no memory for a shared block of %zu bytes", size);
	return block;
}

void *
troupe_shared_bytes(troupe_shared *block)
{
	return tr_shared_bytes(block);
}

size_t
troupe_shared_size(const troupe_shared *block)
{
	return tr_shared_size(block);
}

void
troupe_shared_retain(troupe_shared *block)
{
	tr_shared_retain(block);
}

void
troupe_shared_release(troupe_shared **block)
{
	if (*block == NULL)
		return;
	tr_context *context = tr_context_mine();
	if (context != NULL)
		tr_shared_release(&context->cache, *block);
	*block = NULL;
}

troupe_status
troupe_send_shared(troupe_ref to, uint32_t type, troupe_shared *block)
{
	tr_context *context = tr_context_mine();

	if (context == NULL)
		return troupe_last_error();
	if (block == NULL || type >= TROUPE_TYPE_RESERVED)
		return tr_fail(TROUPE_INVALID, "no block, or type %" PRIu32 " is reserved", type);
	troupe_msg *msg = tr_message_take_shared(&context->cache, type, block);
	if (msg == NULL)
		return TROUPE_NOMEM;
	/* Counted before it is sent: the receiver may be done with it at once. */
	tr_shared_retain(block);
	troupe_status status = post_or_discard(context, to, msg);
	if (status != TROUPE_OK)
		tr_shared_release(&context->cache, block);
	return status;
}

troupe_msg *
troupe_msg_share(uint32_t type, troupe_shared *block)
{
	tr_context *context = tr_context_mine();

	if (context == NULL)
		return NULL;
	if (block == NULL || type >= TROUPE_TYPE_RESERVED) {
		tr_fail(TROUPE_INVALID, "no block, or type %" PRIu32 " is reserved", type);
		return NULL;
	}
	troupe_msg *msg = tr_message_take_shared(&context->cache, type, block);
	if (msg == NULL)
		tr_fail(TROUPE_NOMEM, "no memory for a message");
	else
		tr_shared_retain(block);
	return msg;
}

troupe_shared *
troupe_msg_shared(const troupe_msg *msg)
{
	while (msg->flag_bits & TR_MSG_NESTED)
		msg = tr_message_from(tr_message_ticket(msg)->inner);
	return msg->flag_bits & TR_MSG_SHARED ? ((const tr_tail *)(const void *)(msg + 1))->owner : NULL;
}
