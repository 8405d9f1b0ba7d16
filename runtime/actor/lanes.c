/* SPDX-License-Identifier: MIT */
#include "runtime/actor/lanes.h"

uint32_t
tr_chain_find_last(uint32_t unit)
{
	while (tr_message_from(unit)->next_unit != 0)
		unit = tr_message_from(unit)->next_unit;
	return unit;
}

void
tr_chain_append(tr_chain *to, tr_chain what)
{
	if (what.first == 0)
		return;
	if (to->first == 0) {
		*to = what;
		return;
	}
	/* A chain that was kept in an actor has no last: it is seldom needed. */
	tr_message_from(to->last != 0 ? to->last : tr_chain_find_last(to->first))->next_unit = what.first;
	to->last = what.last;
}

void
tr_chain_append_one(tr_chain *to, uint32_t unit)
{
	tr_message_from(unit)->next_unit = 0;
	tr_chain_append(to, (tr_chain){ unit, unit });
}

void
tr_chain_prepend(tr_chain *to, tr_chain what)
{
	tr_chain_append(&what, *to);
	*to = what;
}

static void
prepend_one(tr_chain *to, uint32_t unit)
{
	tr_message_from(unit)->next_unit = to->first;
	to->first = unit;
	if (to->last == 0)
		to->last = unit;
}

static tr_chain *
lane_of(tr_lanes *lanes, uint32_t unit)
{
	uint32_t flags = tr_message_from(unit)->flag_bits;

	return flags & TR_MSG_CONTROL ? &lanes->control : flags & TR_MSG_URGENT ? &lanes->urgent : &lanes->normal;
}

uint32_t
tr_lanes_take_in_normal(tr_lanes *lanes, uint32_t newest)
{
	tr_chain chain = { 0, 0 };
	uint32_t count = 0;

	for (uint32_t unit = newest, next; unit != 0; unit = next, count++) {
		next = tr_message_from(unit)->next_unit;
		prepend_one(&chain, unit);
	}
	tr_chain_append(&lanes->normal, chain);
	return count;
}

uint32_t
tr_lanes_take_in(tr_lanes *lanes, uint32_t newest)
{
	tr_lanes fresh = { 0 };
	uint32_t count = 0;

	for (uint32_t unit = newest, next; unit != 0; unit = next, count++) {
		next = tr_message_from(unit)->next_unit;
		prepend_one(lane_of(&fresh, unit), unit);
	}
	tr_chain_append(&lanes->control, fresh.control);
	tr_chain_append(&lanes->urgent, fresh.urgent);
	tr_chain_append(&lanes->normal, fresh.normal);
	return count;
}

void
tr_lanes_mix(tr_lanes *lanes)
{
	tr_chain all = lanes->control;

	tr_chain_append(&all, lanes->urgent);
	tr_chain_append(&all, lanes->normal);
	*lanes = (tr_lanes){ .normal = all };
}

void
tr_lanes_sort(tr_lanes *lanes)
{
	tr_chain mixed = lanes->normal;

	lanes->normal = (tr_chain){ 0, 0 };
	while (mixed.first != 0) {
		uint32_t unit = tr_chain_take(&mixed);

		tr_chain_append_one(lane_of(lanes, unit), unit);
	}
}
