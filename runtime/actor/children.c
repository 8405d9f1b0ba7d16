/* SPDX-License-Identifier: MIT */
#include "runtime/actor/children.h"

#include "runtime/actor/supervise.h"

void
tr_children_link(tr_extra *extra, tr_record *record)
{
	record->newer = 0;
	record->older = extra->children;
	if (extra->children != 0)
		((tr_record *)tr_message_at(extra->children))->newer = tr_message_unit(record);
	extra->children = tr_message_unit(record);
}

bool
tr_children_list(tr_context *context, troupe_actor *parent, tr_record *record, troupe_ref child)
{
	tr_extra *extra = tr_actor_make_extra(&context->cache, parent);

	if (extra == NULL)
		return false;
	record->msg.flag_bits |= TR_MSG_CONTROL;
	record->child = child;
	tr_children_link(extra, record);
	extra->child_count++;
	return true;
}

tr_record *
tr_children_add(tr_context *context, troupe_actor *parent, troupe_ref child)
{
	troupe_msg *msg = tr_message_take(&context->cache, TR_TYPE_STOP_CHILD, sizeof(tr_record) - sizeof *msg, NULL);

	if (msg == NULL)
		return NULL;
	tr_record *record = (tr_record *)msg;

	record->supervised = false;
	if (tr_children_list(context, parent, record, child))
		return record;
	tr_message_discard(&context->cache, msg);
	return NULL;
}

void
tr_children_unlink(tr_context *context, troupe_actor *parent, tr_record *record)
{
	tr_extra *extra = tr_actor_extra(parent);

	if (record->supervised)
		tr_supervise_strip(context, context->current_runtime, parent, record);
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
