/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_MESSAGE_H
#define TROUPE_MESSAGE_H

#include <troupe/types.h>

TROUPE_BEGIN

/*
 * Sending never blocks.  The sender is filled in when a behavior sends, and
 * is 0 otherwise.  Messages from one sender to one receiver arrive in the
 * order they were sent, lane by lane; between senders nothing is promised.
 *
 * Each send returns one of
 *   OK       accepted: it will be handled, or become a dead letter
 *   DEAD     the receiver has stopped
 *   CLOSING  the receiver's runtime is being closed
 *   NOMEM    no memory for the message
 *   INVALID  `to` is 0 or no handle, `type` is reserved (also that of a kept
 *            TROUPE_DOWN or TROUPE_IDLE), `size` is over
 *            UINT32_MAX, or `data` is NULL with a size
 *   FORKED   called in a child of fork
 */

/* Send a copy of `size` bytes at `data`; both may be 0.  Up to 32 bytes are free of charge. */
troupe_status troupe_send(troupe_ref to, uint32_t type, const void *data, size_t size);

/* The same on the urgent lane, which is served before the normal one. */
troupe_status troupe_send_urgent(troupe_ref to, uint32_t type, const void *data, size_t size);

/*
 * A message to fill in place and send without a copy.  Its body is `size`
 * bytes, not zeroed.  `destroy` (may be NULL) is called exactly once with
 * the body when the message comes to its end, whatever end that is, in
 * whichever thread that happens: give back there what the body points to,
 * not the body itself.  It may send, and it runs before the actor that had
 * the message counts as quiet.  The caller owns the message until it is sent.
 *
 * NULL on failure: NOMEM, INVALID (reserved type, size over UINT32_MAX),
 * FORKED.
 */
TROUPE_MUST_USE troupe_msg *troupe_msg_new(uint32_t type, size_t size, void (*destroy)(void *body, size_t size));

/* Where to fill it; NULL when its size is 0.  Only for the owner of the message. */
void *troupe_msg_fill(troupe_msg *msg);

/* The lane it will be sent on.  Only for the owner of the message. */
void troupe_msg_set_lane(troupe_msg *msg, troupe_lane lane);

/* End an owned message that will not be sent, and null the pointer.  *msg may be NULL. */
void troupe_msg_free(troupe_msg **msg);

/*
 * Send an owned message.  On OK the receiver owns it and *msg is NULL; on
 * any other status the caller still does.
 */
troupe_status troupe_send_msg(troupe_ref to, troupe_msg **msg);

/*
 * A block of bytes that many messages carry without a copy.  It is writable
 * for its creator until it is first sent, and nobody's to write after.  It
 * is counted: `destroy` (may be NULL) is called once, with the bytes, when
 * the last message that carried it and the last retain are gone; what is
 * said of a message's destroy holds for it too.
 */
typedef struct troupe_shared troupe_shared;

/* NULL on failure: NOMEM, INVALID (size 0 or over UINT32_MAX), FORKED.  The caller owns one count. */
TROUPE_MUST_USE troupe_shared *troupe_shared_new(size_t size, void (*destroy)(void *bytes, size_t size));
void *troupe_shared_bytes(troupe_shared *block);
size_t troupe_shared_size(const troupe_shared *block);
void troupe_shared_retain(troupe_shared *block);
/* Gives one count back and nulls the pointer.  *block may be NULL. */
void troupe_shared_release(troupe_shared **block);

/* Send a message whose body is the block.  On OK it holds one count more; the caller keeps its own. */
troupe_status troupe_send_shared(troupe_ref to, uint32_t type, troupe_shared *block);

/*
 * A message whose body is the block: it holds one count of it until its end.
 * NULL on failure: NOMEM, INVALID (no block, reserved type), FORKED.
 */
TROUPE_MUST_USE troupe_msg *troupe_msg_share(uint32_t type, troupe_shared *block);

/*
 * The block that carries msg's body, or NULL when the body is the message's
 * own: to retain it beyond the call, or to send it on.
 */
troupe_shared *troupe_msg_shared(const troupe_msg *msg);

TROUPE_END

#endif /* TROUPE_MESSAGE_H */
