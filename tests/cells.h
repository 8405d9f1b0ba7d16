/* SPDX-License-Identifier: MIT */
#ifndef TEST_CELLS_H
#define TEST_CELLS_H

#include "runtime/engine/cell.h"
#include "runtime/memory/cache.h"

/*
 * cells -- small cells with nothing in them, for the tests of what keeps
 * cells until their deadlines.
 *
 * Threads    Those of the cache; they assert, so that it is the main one's
 *            unless no other runs.
 */

tr_cell *take_cell(tr_cache *cache);
void give_cell(tr_cache *cache, tr_cell *cell);

/* So many, out of a cache that begins and ends with them. */
void take_cells(tr_cache *cache, tr_cell **cells, int count);
void give_cells(tr_cache *cache, tr_cell **cells, int count);

#endif /* TEST_CELLS_H */
