/* SPDX-License-Identifier: MIT */
#include "runtime/memory/table.h"

#include "runtime/memory/fault.h"
#include "runtime/platform/platform.h"

#include <stdatomic.h>

/* A simulated runtime has three. */
#define KEPT_MOST 4

/*
 * One with more memory in it is unmapped: to have touched so much has cost
 * thirty times what that does.
 */
#define TOUCHED_MOST ((size_t)1 << 20)

/* The beginning of a table that is kept. */
typedef struct kept {
	size_t bytes;
} kept;

static _Atomic(kept *) places[KEPT_MOST];

/* Times that a table took the place of another. */
static _Atomic unsigned replaced;

static kept *
empty_place(int place)
{
	/* TB-A: acquire, receives the table. */
	return atomic_exchange_explicit(&places[place], NULL, memory_order_acquire);
}

static void
unmap_kept(void)
{
	for (int i = 0; i < KEPT_MOST; i++) {
		kept *table = empty_place(i);

		if (table != NULL)
			tr_pages_release(table, table->bytes);
	}
}

/* In an empty place, or else in that of one that may be of a size that nobody wants any more. */
static void
keep(kept *table)
{
	for (int i = 0; i < KEPT_MOST; i++) {
		kept *none = NULL;

		/* TB-A: release, publishes the table.  Relaxed on failure: the next place is tried. */
		if (atomic_compare_exchange_strong_explicit(&places[i], &none, table, memory_order_release,
		        memory_order_relaxed))
			return;
	}
	/* TB-none: any place would do. */
	unsigned place = atomic_fetch_add_explicit(&replaced, 1, memory_order_relaxed) % KEPT_MOST;
	/* TB-A: release, publishes the table; acquire, receives the one that was there. */
	kept *old = atomic_exchange_explicit(&places[place], table, memory_order_acq_rel);

	if (old != NULL)
		tr_pages_release(old, old->bytes);
}

/* NULL when there is none of that size. */
static void *
take_kept(size_t bytes)
{
	for (int i = 0; i < KEPT_MOST; i++) {
		kept *table = empty_place(i);

		if (table == NULL)
			continue;
		if (table->bytes == bytes)
			return table;
		keep(table);
	}
	return NULL;
}

void *
tr_table_take(size_t bytes)
{
	if (tr_fault_due())
		return NULL;

	void *table = take_kept(bytes);

	if (table == NULL)
		table = tr_pages_reserve(bytes);
	if (table == NULL) {
		unmap_kept();
		table = tr_pages_reserve(bytes);
	}
	return table;
}

void
tr_table_give(void *table, size_t bytes, size_t touched)
{
	if (touched > TOUCHED_MOST) {
		tr_pages_release(table, bytes);
		return;
	}
	((kept *)table)->bytes = bytes;
	keep(table);
}
