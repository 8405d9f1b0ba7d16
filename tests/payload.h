/* SPDX-License-Identifier: MIT */
#ifndef TEST_PAYLOAD_H
#define TEST_PAYLOAD_H

#include "tests/system.h"

/*
 * payload -- messages whose destructor is counted, and an actor that does
 * with each what its type says.
 */

/* What the payloads with this fate went through. */
typedef struct payload_fate {
	sys_counter destroyed, wrong;
} payload_fate;

#define assert_fate(f, times) \
	do { \
		sys_assert_count((f).destroyed, (times)); \
		sys_assert_count((f).wrong, 0); \
	} while (0)

/* How a body starts; what follows repeats the low byte of its size. */
typedef struct payload {
	payload_fate *fate;
	size_t size;
} payload;

/* Sizes of bodies that lie in memory in different ways. */
extern const size_t payload_sizes[];
#define PAYLOAD_SIZES 6

/* A message or a block with such a body; NULL as troupe says. */
troupe_msg *payload_message(uint32_t type, size_t size, payload_fate *fate);
troupe_shared *payload_block(size_t size, payload_fate *fate);

/* Send one that is expected to be accepted. */
void payload_send(troupe_ref to, uint32_t type, size_t size, payload_fate *fate);

/* What a doer does with a message. */
enum {
	JUST_HANDLE,
	KEEP_AND_FREE,
	KEEP_FOR_LATER, /* until DROP_KEPT, or stop */
	DROP_KEPT,
	KEEP_AND_SEND,
	FORWARD,
	FORWARD_TO_NOBODY,
	DO_NOT_KNOW,
	HOLD_UP,
	STOP_NOW,
	KEEP_TWICE,
	RETAIN_BLOCK,
	SEND_BLOCK_ON
};

/* Its state is a pointer to this, the argument of its spawn. */
typedef struct payload_doer {
	troupe_ref next; /* handles it, in turn */
	sys_gate *gate;
	sys_counter failed;
	troupe_msg *kept;
	troupe_shared *block;
} payload_doer;

/* Does it, and frees what it kept when it stops. */
extern const troupe_class doer_class;
/* The same, but for the freeing. */
extern const troupe_class careless_class;
/* Handles anything, and counts as failed what is destroyed already. */
extern const troupe_class end_class;

#endif /* TEST_PAYLOAD_H */
