/* SPDX-License-Identifier: MIT */
#ifndef TR_LATE_H
#define TR_LATE_H

#include "runtime/platform/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * late -- runnable actors that are not to run before a time of the virtual
 * clock: how the simulated scheduler delivers messages late.
 *
 * It is the receiver that is held up, not the message: that stays where it was
 * put, in the mailbox, in its place among the others.  So it cannot be lost or
 * destroyed twice, the order of each pair and lane is kept, so is all that is
 * promised about stopping and monitoring, and a closer finds the message where
 * it looks for all of them.  A run with late actors is one that a pool of busy
 * workers could have made; what is new in it is that time passes meanwhile:
 * timers fire and asks end before the message is there.
 *
 * Threads    One.
 * Limits     TR_LATE_MOST at a time; one more is not late.
 */

#define TR_LATE_MOST 4096

typedef struct tr_late_actor {
	int64_t time;
	uint64_t order; /* of equals the first comes first */
	uint32_t actor;
} tr_late_actor;

typedef struct tr_late {
	tr_late_actor *heap; /* the first is the earliest */
	size_t count;
	uint64_t added;
} tr_late;

/* 0, or ENOMEM. */
int tr_late_init(tr_late *late);
void tr_late_fini(tr_late *late);

/* false: there is no room, and the actor is the caller's yet. */
TR_MUST_USE bool tr_late_add(tr_late *late, uint32_t actor, int64_t time);

/* One whose time has come, or 0. */
uint32_t tr_late_take(tr_late *late, int64_t now);

/* When the next one's time comes; INT64_MAX: there is none. */
int64_t tr_late_next(const tr_late *late);

#endif /* TR_LATE_H */
