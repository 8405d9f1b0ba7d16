/* SPDX-License-Identifier: MIT */
#ifndef TR_DEADLINES_H
#define TR_DEADLINES_H

#include "runtime/engine/wheel.h"
#include "runtime/platform/platform.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * deadlines -- when what is under way becomes due: a wheel for each worker, and
 * one thread that waits for the next deadline of all.
 *
 * Arming and disarming take the short lock of one shard, most often the
 * worker's own, and pass nothing to the event thread: a cell that is disarmed
 * in time, as the deadlines of nearly all asks are, costs that thread nothing.
 *
 * Threads    Any thread arms and disarms, and may help to expire.  run is the
 *            event thread's.
 * Ownership  An armed cell stays its owner's.  One that has become due is
 *            handed to hooks->fire; disarm tells which it was.
 * Waiting    A lock is held for some tens of ns; while cells become due, for
 *            some ns for each of TR_DEADLINES_BATCH, or of those that share a
 *            tick or come down from a higher level of the wheel together.
 *
 * Invariants
 *   INV-DL-1  the event thread sleeps no longer than until the earliest
 *             deadline: before it sleeps it says INT64_MAX in sleeps_until and
 *             then looks at each shard under its lock.  Who arms before that
 *             look is seen; who arms after it has seen, by the lock, what was
 *             said, or the lesser time that was said later, and wakes it.
 *
 * Ordering edges
 *   DL-A  unlock (release) -> lock (acquire): the wheel, its cells, and
 *         sleeps_until as said before (INV-DL-1).
 *   DL-B  wake (release on the parker's word) -> run (acquire): stopping.
 *   DL-C  armed and changes (release) -> get_load (acquire): that who takes a
 *         cell out was at work before, as the owner counts those (RT-A).
 */

#define TR_DEADLINES_BATCH 256

/* A tick of the real clock: 0.26 ms. */
#define TR_DEADLINES_SHIFT 18

typedef struct tr_deadlines_hooks {
	/* Around the cells of a shard that are fired together. */
	void (*begin)(void *owner);
	void (*end)(void *owner);
	/* The cell is due, and the callee's. */
	void (*fire)(void *owner, tr_cell *cell);
} tr_deadlines_hooks;

typedef struct tr_shard {
	_Alignas(TR_CACHE_LINE) _Atomic bool locked;
	_Atomic uint32_t armed;   /* cells in the wheel */
	_Atomic uint64_t changes; /* of armed, ever */
	tr_wheel wheel;
} tr_shard;

typedef struct tr_deadlines {
	const tr_deadlines_hooks *hooks;
	void *owner;
	uint32_t shard_count;
	_Atomic bool stopping;
	_Atomic int64_t sleeps_until;
	tr_parker parker;
	tr_shard *shards;
} tr_deadlines;

/* A cell's shard stands in its flags from here up. */
#define TR_CELL_SHARD_BIT 16

/* Wheels that begin at now_ns.  NULL: out of memory. */
TR_MUST_USE tr_deadlines *tr_deadlines_create(uint32_t shards, unsigned shift, int64_t now_ns, const tr_deadlines_hooks *hooks,
    void *owner);
/* The event thread has ended.  Cells that are armed yet are forgotten. */
void tr_deadlines_destroy(tr_deadlines *deadlines);

/* Put a cell that is not armed into a shard, by its deadline.  The caller owns the cell. */
void tr_deadlines_arm(tr_deadlines *deadlines, uint32_t shard, tr_cell *cell);

/* true: it was armed, and will not fire.  false: it was not, and has been or will be handed to fire if it ever was. */
bool tr_deadlines_disarm(tr_deadlines *deadlines, tr_cell *cell);

/* Whether the event thread has something to do, or will have had at now_ns: a hint. */
bool tr_deadlines_is_late(const tr_deadlines *deadlines, int64_t now_ns);

/* Fire what is due at now_ns; whether anything was. */
bool tr_deadlines_expire(tr_deadlines *deadlines, int64_t now_ns);

/* The time before which nothing is due; INT64_MAX: nothing is armed. */
int64_t tr_deadlines_next(tr_deadlines *deadlines);

/* The earliest deadline; INT64_MAX: nothing is armed.  Takes longer: for a clock that jumps there. */
int64_t tr_deadlines_first_deadline(tr_deadlines *deadlines);

/*
 * Cells that are armed, and how often that has changed: equal sums around a
 * look at something else say that nothing was armed or disarmed meanwhile.
 */
typedef struct tr_deadlines_load {
	uint64_t armed, changes;
} tr_deadlines_load;
tr_deadlines_load tr_deadlines_get_load(tr_deadlines *deadlines);

/* The event thread's work, until tr_deadlines_stop. */
void tr_deadlines_run(tr_deadlines *deadlines);
void tr_deadlines_stop(tr_deadlines *deadlines);

#endif /* TR_DEADLINES_H */
