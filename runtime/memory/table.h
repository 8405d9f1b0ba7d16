/* SPDX-License-Identifier: MIT */
#ifndef TR_TABLE_H
#define TR_TABLE_H

#include "runtime/platform/base.h"

#include <stddef.h>

/*
 * table -- address space for an array with an entry for each actor that there
 * can be: reserved in full, touched where it is used.
 *
 * A runtime has a few for its life.  To unmap one takes down page tables of its
 * own and can cost as much as a short run, of which an explorer makes
 * thousands; so what was given back is kept for the next.
 *
 * Threads    Any.
 * Ownership  take hands a table to the caller until it gives it back.
 * Limits     As many as a runtime needs are kept, none with more than 1 MiB
 *            touched in its last use.
 *
 * Ordering edges
 *   TB-A  give (release) -> take (acquire): all use of the table before.
 */

/* What is in it is anything at all.  NULL: no address space, not even without those that are kept; or a fault is due. */
TR_MUST_USE void *tr_table_take(size_t bytes);

/* With the bytes that it was taken with, no fewer than a size_t's; about `touched` of them were used. */
void tr_table_give(void *table, size_t bytes, size_t touched);

#endif /* TR_TABLE_H */
