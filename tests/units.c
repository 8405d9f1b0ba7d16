/* SPDX-License-Identifier: MIT */
#include "tests/units.h"

#include "runtime/memory/depot.h"

uint64_t
units_out(void)
{
	uint64_t units = 0;

	for (unsigned kind = 0; kind < TR_ARENAS; kind++)
		/* Nobody carves now. */
		units += atomic_load_explicit(&tr_arenas[kind].top, memory_order_relaxed);
	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		units -= (uint64_t)tr_depot_count(TR_ACTORS, i) << tr_slot_shift(i);
	for (unsigned i = 0; i < TR_MESSAGE_CLASSES; i++)
		units -= (uint64_t)tr_depot_count(TR_MESSAGES, i) << tr_slot_shift(i);
	return units;
}
