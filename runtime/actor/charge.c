/* SPDX-License-Identifier: MIT */
#include "runtime/actor/charge.h"

#include "runtime/actor/order.h"
#include "runtime/actor/report.h"
#include "runtime/memory/fault.h"

#define CHARGE_CLASS 1
_Static_assert(sizeof(tr_charge) <= TR_UNIT << CHARGE_CLASS, "a charge fits its slot");

/* The newest charge from that record on, among records of other children; NULL when there is none. */
static tr_charge *
charge_from(uint32_t unit)
{
	while (unit != 0 && !tr_charge_at(unit)->record.supervised)
		unit = tr_charge_at(unit)->record.older;
	return unit != 0 ? tr_charge_at(unit) : NULL;
}

tr_charge *
tr_charge_newest(const tr_extra *extra)
{
	return charge_from(extra->children);
}

tr_charge *
tr_charge_older(const tr_charge *charge)
{
	return charge_from(charge->record.older);
}

static void *
copy_argument(const troupe_class *class_, const void *argument)
{
	void *copy = tr_heap_take(class_->argument_size);

	if (copy != NULL)
		memcpy(copy, argument, class_->argument_size);
	return copy;
}

/* NULL: out of memory. */
static tr_charge *
take_with_order(tr_context *context, const troupe_class *class_, const void *argument)
{
	bool keeps = class_->argument_size > 0 && argument != NULL;
	troupe_msg *msg = tr_message_take(&context->cache, TR_TYPE_STOP_CHILD, sizeof(tr_charge) - sizeof *msg, NULL);
	uint32_t order = msg != NULL ? tr_cache_take_message(&context->cache, 0) : 0;
	void *copy = order != 0 && keeps ? copy_argument(class_, argument) : NULL;

	if (order == 0 || (keeps && copy == NULL)) {
		if (order != 0)
			tr_cache_give_message(&context->cache, 0, order);
		if (msg != NULL)
			tr_message_discard(&context->cache, msg);
		return NULL;
	}
	tr_charge *charge = (tr_charge *)msg;

	*charge = (tr_charge){ .record.msg = *msg, .record.supervised = true, .class_ = class_, .order = order };
	*tr_order_at(order) = (tr_order){ .charge = tr_message_unit(msg), .argument = copy };
	return charge;
}

tr_charge *
tr_charge_take(tr_context *context, troupe_actor *child, const void *argument)
{
	tr_report *report = tr_report_take(context);
	tr_charge *charge = report != NULL ? take_with_order(context, tr_actor_class(child), argument) : NULL;

	if (charge == NULL) {
		if (report != NULL)
			tr_report_give(context, tr_message_unit(&report->msg));
		return NULL;
	}
	report->charge = tr_message_unit(&charge->record.msg);
	tr_actor_extra(child)->report = tr_message_unit(&report->msg);
	return charge;
}

void
tr_charge_forget_backoff(tr_extra *extra, uint32_t cell, tr_charge_step step)
{
	for (tr_charge *charge = tr_charge_newest(extra); charge != NULL; charge = tr_charge_older(charge)) {
		if (charge->backoff != cell)
			continue;
		charge->backoff = 0;
		if (charge->step == TR_BACKING_OFF)
			charge->step = step;
	}
}

void
tr_charge_end_backoff(tr_context *context, troupe *t, troupe_actor *parent, tr_cell *cell)
{
	tr_charge_forget_backoff(tr_actor_extra(parent), tr_cell_unit(cell), TR_TO_BACK_OFF);
	tr_cells_end(context, t, parent, cell);
}

void
tr_charge_strip(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	/* A group's is for the others yet. */
	if (charge->backoff != 0 && tr_backoff_at(charge->backoff)->charge != 0)
		tr_charge_end_backoff(context, t, parent, tr_cell_at(charge->backoff));
	if (!charge->order_is_away)
		tr_order_give(context, charge->order);
	tr_report_give(context, charge->report);
	charge->record.supervised = false;
}
