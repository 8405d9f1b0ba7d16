/* SPDX-License-Identifier: MIT */
#ifndef TEST_PUPPET_H
#define TEST_PUPPET_H

#include "tests/system.h"

#include <stdio.h>

/*
 * puppet -- an actor that does what it is told: functions of the test's run
 * in its callbacks.
 *
 * Threads    As for system.h: what runs in there records, and the main thread
 *            asserts.
 */

typedef void puppet_act(troupe_actor *self, void *argument);

/* The type of an order to a puppet. */
#define PUPPET_ORDER 0x7ffffff0

/* What a puppet does by itself, the argument of its spawn.  Any of it may be NULL. */
typedef struct puppet_script {
	void *argument;
	int (*start)(troupe_actor *self, void *argument);
	void (*receive)(troupe_actor *self, void *argument, const troupe_msg *msg); /* what is no order */
	void (*stop)(troupe_actor *self, void *argument, troupe_reason reason);
	void (*failed)(troupe_actor *self, void *argument, const troupe_failure *failure);
} puppet_script;

extern const troupe_class puppet_class;
extern const troupe_class puppet_dedicated_class;
/* Restarts its children, one by one, at once and as often as it takes. */
extern const troupe_class puppet_supervisor_class;

/* Let who call act, some time. */
void puppet_tell(troupe_ref who, puppet_act *act, void *argument);
/* Let it, and wait until no message waits any more. */
void puppet_let(troupe *t, troupe_ref who, puppet_act *act, void *argument);

/* Things that several tests let it do, without an argument: fail with code 1, and stop. */
void puppet_fail(troupe_actor *self, void *unused);
void puppet_stop_now(troupe_actor *self, void *unused);

/* What was promised and not kept, in callbacks and threads too.  The main thread asserts that it is 0. */
extern sys_counter puppet_wrong;

#define promise(condition) \
	do { \
		if (!(condition)) { \
			sys_add(&puppet_wrong, 1); \
			fprintf(stderr, "%s:%d: not kept: %s\n", __FILE__, __LINE__, #condition); \
		} \
	} while (0)

#define assert_promises_kept() sys_assert_count(puppet_wrong, 0)

#endif /* TEST_PUPPET_H */
