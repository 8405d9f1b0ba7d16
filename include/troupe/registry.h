/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_REGISTRY_H
#define TROUPE_REGISTRY_H

#include <troupe/ask.h>
#include <troupe/types.h>

TROUPE_BEGIN

/*
 * Each runtime has a registry of names.  A name belongs to one actor at a
 * time, from troupe_register until it unregisters it or stops; an actor may
 * have several.  A name has 1 to TROUPE_NAME_MAX bytes.
 */

/* OK; TAKEN when the name belongs to another actor; INVALID (no name, too long, self is stopping); NOMEM. */
troupe_status troupe_register(troupe_actor *self, const char *name);

/* OK, or INVALID when the name is not self's. */
troupe_status troupe_unregister(troupe_actor *self, const char *name);

/* Whose name it is now; 0 when it is nobody's, t is NULL, or in a child of fork. */
troupe_ref troupe_lookup(troupe *t, const char *name);

/*
 * Ask who has the name, and wait up to `timeout_ns` until somebody has.  As an
 * ask: on_answer is called exactly once, with OK and the actor as its target,
 * or TIMEOUT, CLOSING or CANCELLED; answer->msg is NULL and the type is 0.
 *
 * OK; INVALID (name, a negative timeout, no on_answer, self is stopping) or
 * NOMEM: then on_answer is not called.
 */
troupe_status troupe_await_name(troupe_actor *self, const char *name, int64_t timeout_ns, troupe_on_answer *on_answer,
    void *context);

/*
 * Wait until somebody has the name: for threads outside the pool and for
 * dedicated actors.  OK, with *found set; TIMEOUT, CLOSING, INVALID, NOMEM,
 * FORKED; DEADLOCK in a pool worker's callback, and in any callback when the
 * runtime has no workers.  Without workers the caller's thread drives the
 * runtime meanwhile, and it is DEADLOCK when another thread does; the timeout
 * is real time, also when simulated.
 */
troupe_status troupe_wait_for(troupe *t, const char *name, int64_t timeout_ns, troupe_ref *found);

TROUPE_END

#endif /* TROUPE_REGISTRY_H */
