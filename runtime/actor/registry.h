/* SPDX-License-Identifier: MIT */
#ifndef TR_REGISTRY_H
#define TR_REGISTRY_H

#include "runtime/actor/ask.h"

/*
 * registry -- the names of a runtime's actors, and who waits for one.
 *
 * A hash table under one lock, which no callback runs under.  An entry is
 * also a cell of its actor's, so that it goes when the actor does.
 *
 * Threads    Any thread looks up; the rest is for the thread that runs the
 *            actor.
 */

typedef struct tr_registry tr_registry;

/* NULL: out of memory. */
TR_MUST_USE tr_registry *tr_registry_create(void);
/* All entries and waits are gone. */
void tr_registry_destroy(tr_registry *registry);

/* The actor ends: take the name of the cell away, and end the cell. */
void tr_registry_end_name(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell);

/*
 * An ask for a name ends: nobody is told any more.  The cell stays the
 * caller's.  name, unless it is NULL, has room for TROUPE_NAME_MAX + 1 bytes
 * and is set to what was waited for, "" when that was told already.
 */
void tr_registry_end_wait(tr_context *context, troupe *t, const tr_ask *ask, char *name);

#endif /* TR_REGISTRY_H */
