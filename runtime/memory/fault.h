/* SPDX-License-Identifier: MIT */
#ifndef TR_FAULT_H
#define TR_FAULT_H

#include "runtime/platform/base.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * fault -- allocation failures on demand, so that a test can fail each
 * allocation of a call in turn.
 *
 * Every slow path that obtains memory asks tr_fault_due first.  A cache that
 * was emptied while a fault is armed hands out single slots (see cache.h), so
 * that each allocation is such a slow path.
 *
 * Ordering edges
 *   FA-none  a test's countdown; it guards nothing.
 */

/* Fail the n-th allocation from now on, 1 being the next; 0 disarms. */
void tr_fault_arm(long n);
bool tr_fault_armed(void);
/* Whether an armed fault has struck since it was armed. */
bool tr_fault_struck(void);

/* Count one allocation; true when it is the one to fail. */
bool tr_fault_due(void);

/* malloc, calloc and free with faults. */
void *tr_heap_take(size_t size);
void *tr_heap_take_zeroed(size_t size);
void tr_heap_give(void *block);

#endif /* TR_FAULT_H */
