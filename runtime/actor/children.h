/* SPDX-License-Identifier: MIT */
#ifndef TR_CHILDREN_H
#define TR_CHILDREN_H

#include "runtime/actor/actor.h"

/*
 * children -- a parent's list of its children, newest first: a tr_record each,
 * which is a charge when the parent supervises it (see charge.h).
 *
 * Threads    The thread that runs the parent, with its context.
 */

/* A record for a new child, which has its extra; `argument` is that of its start.  NULL: out of memory. */
TR_MUST_USE tr_record *tr_children_add(tr_context *context, troupe_actor *parent, troupe_actor *child, troupe_ref ref,
    const void *argument);

/* Forget a child that did not start, or has gone. */
void tr_children_remove(tr_context *context, troupe_actor *parent, uint32_t record);

/* Take a record out of the list, and what it has of a charge; its child stays counted. */
void tr_children_unlink(tr_context *context, troupe_actor *parent, tr_record *record);

/* Put it back as the newest. */
void tr_children_link(tr_extra *extra, tr_record *record);

#endif /* TR_CHILDREN_H */
