/* SPDX-License-Identifier: MIT */
#include "runtime/actor/children.h"

#include "runtime/actor/charge.h"

void
tr_children_link(tr_extra *extra, tr_record *record)
{
	record->newer = 0;
	record->older = extra->children;
	if (extra->children != 0)
		((tr_record *)tr_message_at(extra->children))->newer = tr_message_unit(record);
	extra->children = tr_message_unit(record);
}

/* NULL: out of memory. */
static tr_record *
take_record(tr_context *context)
{
	troupe_msg *msg = tr_message_take(&context->cache, TR_TYPE_STOP_CHILD, sizeof(tr_record) - sizeof *msg, NULL);

	if (msg != NULL)
		((tr_record *)msg)->supervised = false;
	return (tr_record *)msg;
}

tr_record *
tr_children_add(tr_context *context, troupe_actor *parent, troupe_actor *child, troupe_ref ref, const void *argument)
{
	bool supervised = tr_actor_class(parent)->supervisor != NULL;
	tr_extra *extra = tr_actor_make_extra(&context->cache, parent);

	if (extra == NULL)
		return NULL;
	/* A charge begins with its record. */
	tr_record *record = supervised ? (tr_record *)tr_charge_take(context, child, argument) : take_record(context);
	if (record == NULL)
		return NULL;
	record->msg.flag_bits |= TR_MSG_CONTROL;
	record->child = ref;
	tr_children_link(extra, record);
	extra->child_count++;
	return record;
}

void
tr_children_unlink(tr_context *context, troupe_actor *parent, tr_record *record)
{
	tr_extra *extra = tr_actor_extra(parent);

	if (record->supervised)
		tr_charge_strip(context, context->current_runtime, parent, (tr_charge *)record);
	if (record->newer != 0)
		((tr_record *)tr_message_at(record->newer))->older = record->older;
	else
		extra->children = record->older;
	if (record->older != 0)
		((tr_record *)tr_message_at(record->older))->newer = record->newer;
}

void
tr_children_remove(tr_context *context, troupe_actor *parent, uint32_t unit)
{
	tr_extra *extra = tr_actor_extra(parent);
	tr_record *record = tr_message_at(unit);

	tr_children_unlink(context, parent, record);
	extra->child_count--;
	tr_message_release(&context->cache, &record->msg);
}
