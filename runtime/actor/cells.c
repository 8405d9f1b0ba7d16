/* SPDX-License-Identifier: MIT */
#include "runtime/actor/cells.h"

#include "runtime/actor/timing.h"

tr_cell *
tr_cells_take(tr_context *context, troupe_actor *actor, unsigned size_class, uint32_t type)
{
	tr_extra *extra = tr_actor_make_extra(&context->cache, actor);
	uint32_t unit = extra != NULL ? tr_cache_take_message(&context->cache, size_class) : 0;

	if (unit == 0)
		return NULL;
	tr_cell *cell = tr_cell_at(unit);

	/* The generation stays: it is what makes older tokens stale. */
	cell->msg = (troupe_msg){
		.flag_bits = size_class | TR_MSG_CELL,
		.type = type,
		.sender = tr_context_self(context),
	};
	cell->period = 0;
	tr_cells_link(extra, cell);
	return cell;
}

bool
tr_cells_arm_or_remove(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell)
{
	if (tr_timing_arm(context, t, cell))
		return true;
	tr_cells_remove(context, actor, cell);
	return false;
}

void
tr_cells_link(tr_extra *extra, tr_cell *cell)
{
	uint32_t unit = tr_cell_unit(cell);

	cell->newer = 0;
	cell->older = extra->cells;
	if (extra->cells != 0)
		tr_cell_at(extra->cells)->newer = unit;
	extra->cells = unit;
}

void
tr_cells_delist(tr_extra *extra, tr_cell *cell)
{
	if (cell->newer != 0)
		tr_cell_at(cell->newer)->older = cell->older;
	else
		extra->cells = cell->older;
	if (cell->older != 0)
		tr_cell_at(cell->older)->newer = cell->newer;
}

void
tr_cells_unlink(troupe_actor *actor, tr_cell *cell)
{
	tr_cell_expire_tokens(cell);
	tr_cells_delist(tr_actor_extra(actor), cell);
}

void
tr_cells_remove(tr_context *context, troupe_actor *actor, tr_cell *cell)
{
	tr_cells_unlink(actor, cell);
	tr_cells_give(context, cell);
}

void
tr_cells_give(tr_context *context, tr_cell *cell)
{
	tr_cache_give_message(&context->cache, cell->msg.flag_bits & TR_MSG_SIZE_CLASS, tr_cell_unit(cell));
}

void
tr_cells_end(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell)
{
	tr_cells_unlink(actor, cell);
	/* Said before the lock of its shard is taken: if the cell is on its way, it is not ours after that. */
	cell->period = TR_CELL_ENDED;
	if (tr_timing_disarm(t, cell))
		tr_cells_give(context, cell);
}

void
tr_cells_drop(tr_context *context, tr_cell *cell)
{
	if (tr_cell_payload(cell) != NULL)
		tr_message_release(&context->cache, tr_cell_payload(cell));
	tr_cells_give(context, cell);
}
