/* SPDX-License-Identifier: MIT */
#ifndef TR_LETTER_H
#define TR_LETTER_H

#include "runtime/actor/actor.h"

/*
 * letter -- accepted messages that end without having been handled.
 *
 * Each is counted, told to the dead letter callback with `form` for all but
 * its message, and released.  The runtime's own messages are only released;
 * but whoever asked to be told of the actor's end will be.
 *
 * Threads    Whoever owns the messages, with its context.
 */

/* For messages to the actor that the context runs, which has stopped. */
TR_INLINE troupe_dead_letter
tr_letter_form(const tr_context *context, const troupe_actor *actor)
{
	return (troupe_dead_letter){
		.target = tr_context_self(context),
		.reason = TROUPE_DEAD,
		.class_name = tr_class_name(tr_actor_class(actor)),
		.actor_name = tr_actor_name(actor),
	};
}

/* A chain, oldest first. */
void tr_letter_bury(tr_context *context, troupe *t, const troupe_dead_letter *form, uint32_t oldest);

/* What a mailbox gives: newest first, of all lanes.  Returns how many. */
uint32_t tr_letter_bury_taken(tr_context *context, troupe *t, const troupe_dead_letter *form, uint32_t newest);

/* A control message that comes too late, with what it carries. */
void tr_letter_drop_control(tr_context *context, troupe_msg *msg);

#endif /* TR_LETTER_H */
