/* SPDX-License-Identifier: MIT */
#ifndef TR_TIMING_H
#define TR_TIMING_H

#include "runtime/actor/actor.h"
#include "runtime/engine/deadlines.h"

/*
 * timing -- a runtime's deadlines: its wheels, which come with the first one,
 * and its event thread, or the virtual clock in its place.
 *
 * Threads    arm and disarm are for the thread that runs the cell's owner.
 * Ownership  See deadlines.h.  A cell that becomes due is posted to its owner.
 *            If that has stopped, it has ended the cell before (see cells.h),
 *            and the event thread gives it back; if the runtime is barred,
 *            the cell is armed again by the closer, for the owner to end.
 *
 * Ordering edges
 *   TM-A  the runtime's pointer set (release) -> arm (acquire): the wheels.
 */

typedef struct tr_timing tr_timing;

/* Arm a cell that is not armed, by its deadline.  false: no memory or no thread for the first one. */
TR_MUST_USE bool tr_timing_arm(tr_context *context, troupe *t, tr_cell *cell);

/* Take a cell out of its wheel; false when it is not in one, and on its way if it was ever armed. */
bool tr_timing_disarm(troupe *t, tr_cell *cell);

/* `delay` ns from now; INT64_MAX when that is beyond. */
int64_t tr_timing_after(const troupe *t, int64_t delay);

/* The same, and if the delay is long up to a fiftieth later: for what is armed often and seldom comes to pass. */
int64_t tr_timing_about_after(const troupe *t, int64_t delay);

/* Deadlines under way, and how often that changed: see deadlines.h.  Nothing before the first one. */
tr_deadlines_load tr_timing_load(const troupe *t);

/* The next deadline, INT64_MAX when there is none. */
int64_t tr_timing_next(const troupe *t);

/*
 * For a busy worker now and then: fire what is due, since the event thread may
 * have to wait until the workers let it have a core.
 */
void tr_timing_help(troupe *t);

/* For the driver of a simulated runtime: fire what is due by its clock. */
bool tr_timing_expire(troupe *t);

/*
 * For the closer: the event thread is told to end.  A worker that is about to
 * help may still fire cells, until it has been joined.  May be repeated.
 */
void tr_timing_stop(troupe *t);

/* For the closer after that: a cell that was on its way to an actor that another thread runs yet. */
void tr_timing_return(troupe *t, tr_cell *cell);

/* For the closer, once it owns all actors: cells that were not delivered are armed again, or dropped if they have ended. */
void tr_timing_reclaim(tr_context *context, troupe *t);

void tr_timing_destroy(troupe *t);

#endif /* TR_TIMING_H */
