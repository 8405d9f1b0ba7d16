/* SPDX-License-Identifier: MIT */
#ifndef TR_SUSPECT_H
#define TR_SUSPECT_H

#include "runtime/actor/actor.h"

/*
 * suspect -- what an actor that has not answered in time is doing, as far as
 * others can see: in constant time, and without a lock that a behavior holds.
 *
 * Threads    Any thread that is inside the runtime, or runs one of its actors.
 */

#define TR_SUSPECT_TEXT 400

/* A sentence about a request of that type to `target`, that had timeout_ns. */
void tr_suspect_describe(char text[TR_SUSPECT_TEXT], troupe *t, troupe_ref target, uint32_t type, int64_t timeout_ns);

#endif /* TR_SUSPECT_H */
