/* SPDX-License-Identifier: MIT */
#include "runtime/memory/fault.h"

#include "runtime/platform/random.h"

#include <stdlib.h>

static _Atomic long countdown;
static _Atomic bool struck;
static _Atomic uint32_t sources; /* threads that have one */
static _Thread_local tr_fault_source *my_source;

void
tr_fault_arm(long n)
{
	/* FA-none: the arming thread is the one that is tested. */
	atomic_store_explicit(&struck, false, memory_order_relaxed);
	atomic_store_explicit(&countdown, n, memory_order_relaxed);
}

bool
tr_fault_armed(void)
{
	/* FA-none */
	return atomic_load_explicit(&countdown, memory_order_relaxed) > 0;
}

bool
tr_fault_struck(void)
{
	/* FA-none */
	return atomic_load_explicit(&struck, memory_order_relaxed);
}

void
tr_fault_draw_from(tr_fault_source *source)
{
	uint32_t more = (uint32_t)(source != NULL) - (uint32_t)(my_source != NULL);

	my_source = source;
	if (more != 0)
		/* FA-none: the thread sees its own change. */
		atomic_fetch_add_explicit(&sources, more, memory_order_relaxed);
}

bool
tr_fault_due(void)
{
	/* FA-none: as for the countdown. */
	if (TR_UNLIKELY(atomic_load_explicit(&sources, memory_order_relaxed) != 0) && my_source != NULL &&
	    tr_random_strikes(&my_source->random, my_source->odds))
		return true;
	return tr_fault_is_counted_down();
}

bool
tr_fault_is_counted_down(void)
{
	/* FA-none: the common case, nothing armed, must not write a shared line. */
	if (TR_LIKELY(atomic_load_explicit(&countdown, memory_order_relaxed) <= 0))
		return false;
	/* FA-none */
	if (atomic_fetch_sub_explicit(&countdown, 1, memory_order_relaxed) != 1)
		return false;
	/* FA-none */
	atomic_store_explicit(&struck, true, memory_order_relaxed);
	return true;
}

void *
tr_heap_take(size_t size)
{
	return tr_fault_due() ? NULL : malloc(size);
}

void *
tr_heap_take_zeroed(size_t size)
{
	return tr_fault_due() ? NULL : calloc(1, size);
}

void
tr_heap_give(void *block)
{
	free(block);
}
