/* SPDX-License-Identifier: MIT */
#ifndef TR_CONTROL_H
#define TR_CONTROL_H

#include "runtime/actor/actor.h"

/*
 * control -- the runtime's own messages to an actor: to stop, of its children,
 * of its supervisor, and of who monitors it.
 *
 * Threads    The thread that runs the actor, with its context.
 */

/*
 * Handle a control message, which ends with it.  What it asks of the actor
 * is left in context->after and the actor's flags; true: an actor that is
 * TR_ACTOR_STOPPING has no children left.
 */
bool tr_control_take(tr_context *context, troupe *t, troupe_actor *actor, troupe_msg *msg);

#endif /* TR_CONTROL_H */
