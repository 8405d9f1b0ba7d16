/* SPDX-License-Identifier: MIT */
#ifndef TR_NAME_H
#define TR_NAME_H

#include "runtime/actor/actor.h"

/*
 * name -- what an actor is called in reports.
 *
 * Threads    The owner sets and clears a name; who reports on another thread
 *            reads the name of the actor that it runs (tr_name_copy_running),
 *            hence the one lock of names.  It is taken only for actors that
 *            have a name.
 *
 * Invariants
 *   INV-NM-1  running_name of a context is NULL or a name that is not freed:
 *             both change under the lock, and a turn clears it before it
 *             gives the actor up.
 */

/* Show the named actor that the context runs in reports, or no longer. */
void tr_name_show(tr_context *context, const troupe_actor *actor);
void tr_name_hide(tr_context *context);

/* Give the name back when the actor ends. */
void tr_name_drop(tr_context *context, troupe_actor *actor);

/* The name of what the context, another thread's, runs; "" when it has none. */
void tr_name_copy_running(tr_context *context, char name[TROUPE_NAME_MAX + 1]);

#endif /* TR_NAME_H */
