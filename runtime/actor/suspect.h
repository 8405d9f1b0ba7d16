/* SPDX-License-Identifier: MIT */
#ifndef TR_SUSPECT_H
#define TR_SUSPECT_H

#include "runtime/actor/actor.h"

/*
 * suspect -- what an actor that has not answered in time is doing, as far as
 * others can see: in time that grows with the threads and not with what is
 * queued, and without a lock that a behavior can hold.
 *
 * Threads    Any, with its context.
 */

#define TR_SUSPECT_TEXT 400

/* A sentence about a request of that type to `target`, that had timeout_ns. */
void tr_suspect_describe(tr_context *context, char text[TR_SUSPECT_TEXT], troupe_ref target, uint32_t type,
    int64_t timeout_ns);

#endif /* TR_SUSPECT_H */
