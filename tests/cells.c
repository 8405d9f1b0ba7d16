/* SPDX-License-Identifier: MIT */
#include "tests/cells.h"
#include "tests/support.h"

tr_cell *
take_cell(tr_cache *cache)
{
	uint32_t unit = tr_cache_take_message(cache, TR_SMALL_CELL);

	ck_assert_uint_ne(unit, 0);
	tr_cell *cell = tr_cell_at(unit);
	cell->msg = (troupe_msg){ .flag_bits = TR_SMALL_CELL };
	return cell;
}

void
give_cell(tr_cache *cache, tr_cell *cell)
{
	tr_cache_give_message(cache, TR_SMALL_CELL, tr_cell_unit(cell));
}

void
take_cells(tr_cache *cache, tr_cell **cells, int count)
{
	tr_cache_init(cache);
	for (int i = 0; i < count; i++)
		cells[i] = take_cell(cache);
}

void
give_cells(tr_cache *cache, tr_cell **cells, int count)
{
	for (int i = 0; i < count; i++)
		give_cell(cache, cells[i]);
	tr_cache_fini(cache);
}
