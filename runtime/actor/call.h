/* SPDX-License-Identifier: MIT */
#ifndef TR_CALL_H
#define TR_CALL_H

#include "runtime/actor/actor.h"

/*
 * call -- a thread that waits for the answer to a request.
 *
 * Its token names a cell, which outlives the call, so that a late answer finds
 * that nobody waits; what it waits on lies on the caller's stack:
 *
 *   WAITING -> TAKEN      by whoever answers or by a closer, who then hands
 *                         over, rouses the caller, and says DONE last
 *   WAITING -> GIVEN_UP   by the caller, when its time is over
 *
 * The caller does not return before it has read DONE or said GIVEN_UP, so
 * nobody looks at its stack after that.
 *
 * Threads    deliver is for the owner of a request, end_all for a closer.
 *
 * Ordering edges
 *   CL-A  the request, from its sender to its owner (see mailbox.h), and the
 *         list of calls under the runtime's lock: WAITING and where the caller
 *         waits.  So who answers finds WAITING, unless it has passed.
 *   CL-B  DONE (release) -> the caller (acquire): the answer, and that nobody
 *         looks any more.
 *   CL-C  roused (release) -> the caller, awake (acquire): TAKEN, so that it
 *         does not sleep again, or that nobody drives the runtime.
 *   CL-D  TAKEN (seq_cst) against the idle word (seq_cst, see idle.h): who
 *         answers a caller that drives sees that it is parked, or that one,
 *         before it sleeps, sees TAKEN.
 */

/* Hand a reply, which is no longer the caller's, to the thread that waits with the token: OK, or it was late. */
troupe_status tr_call_deliver(tr_context *context, uint64_t token, troupe_msg *reply);

/* A thread drives the runtime no more, and has its lock: one of those that wait may. */
void tr_call_rouse_all(troupe *t);

/* The runtime is barred: whoever waits shall wait no more. */
void tr_call_end_all(troupe *t);

#endif /* TR_CALL_H */
