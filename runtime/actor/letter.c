/* SPDX-License-Identifier: MIT */
#include "runtime/actor/letter.h"

#include "runtime/actor/lanes.h"
#include "runtime/actor/runtime.h"

static void
bury_one(tr_context *context, troupe *t, const troupe_dead_letter *form, troupe_msg *msg)
{
	if (!(msg->flag_bits & TR_MSG_CONTROL)) {
		troupe_dead_letter letter = *form;

		letter.msg = msg;
		tr_count(&context->visits[t->number].tally.dead, 1);
		if (t->options.dead_letter != NULL)
			t->options.dead_letter(t->options.context, &letter);
	}
	tr_message_release(&context->cache, msg);
}

void
tr_letter_bury(tr_context *context, troupe *t, const troupe_dead_letter *form, uint32_t oldest)
{
	for (uint32_t unit = oldest, next; unit != 0; unit = next) {
		troupe_msg *msg = tr_message_from(unit);

		next = msg->next_unit;
		bury_one(context, t, form, msg);
	}
}

uint32_t
tr_letter_bury_taken(tr_context *context, troupe *t, const troupe_dead_letter *form, uint32_t newest)
{
	tr_lanes lanes = { 0 };
	uint32_t count = tr_lanes_take_in(&lanes, newest & TR_MAILBOX_NEWEST);

	tr_lanes_mix(&lanes);
	tr_letter_bury(context, t, form, lanes.normal.first);
	return count;
}
