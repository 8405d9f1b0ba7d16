/* SPDX-License-Identifier: MIT */
#include "runtime/memory/table.h"

#include "runtime/memory/fault.h"
#include "runtime/platform/platform.h"

#include <stdatomic.h>

/* A simulated runtime has three. */
#define KEPT_MOST 4

/* The beginning of a table that is kept. */
typedef struct kept {
	size_t bytes;
} kept;

static _Atomic(kept *) places[KEPT_MOST];

void *
tr_table_take(size_t bytes)
{
	if (tr_fault_due())
		return NULL;
	for (int i = 0; i < KEPT_MOST; i++) {
		/* TB-A: acquire, receives the table. */
		kept *table = atomic_exchange_explicit(&places[i], NULL, memory_order_acquire);

		if (table == NULL)
			continue;
		if (table->bytes == bytes)
			return table;
		tr_table_give(table, table->bytes);
	}
	return tr_pages_reserve(bytes);
}

void
tr_table_give(void *table, size_t bytes)
{
	kept *given = table;

	given->bytes = bytes;
	for (int i = 0; i < KEPT_MOST; i++) {
		kept *none = NULL;

		/* TB-A: release, publishes the table.  Relaxed on failure: the next place is tried. */
		if (atomic_compare_exchange_strong_explicit(&places[i], &none, given, memory_order_release,
		        memory_order_relaxed))
			return;
	}
	tr_pages_release(table, bytes);
}
