/* SPDX-License-Identifier: MIT */
#ifndef TR_FAULT_H
#define TR_FAULT_H

#include "runtime/platform/base.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * fault -- allocation failures on demand, so that a test can fail each
 * allocation of a call in turn.
 *
 * Every slow path that obtains memory asks tr_fault_due first.  A cache that
 * was emptied while a fault is armed hands out single slots (see cache.h), so
 * that each allocation is such a slow path.
 *
 * Ordering edges
 *   FA-none  a test's countdown, and how many threads have a source; they
 *            guard nothing.
 */

/* Fail the n-th allocation from now on, 1 being the next; 0 disarms. */
void tr_fault_arm(long n);
bool tr_fault_armed(void);
/* Whether an armed fault has struck since it was armed. */
bool tr_fault_struck(void);

/*
 * Failures by chance, once in `odds` allocations, for one thread while it says
 * so: what a simulated runtime does.  Other threads and runtimes see nothing of
 * them.
 */
typedef struct tr_fault_source {
	uint64_t random;
	uint32_t odds; /* not 0 */
} tr_fault_source;

/* The calling thread's allocations fail by `source` (NULL: by none) from now on; it is borrowed. */
void tr_fault_draw_from(tr_fault_source *source);

/* Count one allocation; true when it is the one to fail. */
bool tr_fault_due(void);

/*
 * The same without a source: for what is not one of the program's allocations,
 * but comes of what the process did before.
 */
bool tr_fault_is_counted_down(void);

/* malloc, calloc and free with faults. */
void *tr_heap_take(size_t size);
void *tr_heap_take_zeroed(size_t size);
void tr_heap_give(void *block);

#endif /* TR_FAULT_H */
