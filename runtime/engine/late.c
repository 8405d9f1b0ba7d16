/* SPDX-License-Identifier: MIT */
#include "runtime/engine/late.h"

#include "runtime/memory/fault.h"

#include <errno.h>

int
tr_late_init(tr_late *late)
{
	*late = (tr_late){ .heap = tr_heap_take(TR_LATE_MOST * sizeof *late->heap) };
	return late->heap != NULL ? 0 : ENOMEM;
}

void
tr_late_fini(tr_late *late)
{
	tr_heap_give(late->heap);
}

static bool
is_before(const tr_late_actor *a, const tr_late_actor *b)
{
	return a->time != b->time ? a->time < b->time : a->order < b->order;
}

bool
tr_late_add(tr_late *late, uint32_t actor, int64_t time)
{
	tr_late_actor fresh = { .time = time, .order = late->added, .actor = actor };
	size_t at = late->count;

	if (late->count == TR_LATE_MOST)
		return false;
	late->added++;
	late->count++;
	for (; at > 0 && is_before(&fresh, &late->heap[(at - 1) / 2]); at = (at - 1) / 2)
		late->heap[at] = late->heap[(at - 1) / 2];
	late->heap[at] = fresh;
	return true;
}

/* The place at the top is free: who goes there, and so on down, until the last one fits. */
static void
fill_top(tr_late *late, tr_late_actor last)
{
	size_t at = 0;

	for (size_t child; (child = 2 * at + 1) < late->count; at = child) {
		if (child + 1 < late->count && is_before(&late->heap[child + 1], &late->heap[child]))
			child++;
		if (!is_before(&late->heap[child], &last))
			break;
		late->heap[at] = late->heap[child];
	}
	late->heap[at] = last;
}

uint32_t
tr_late_take(tr_late *late, int64_t now)
{
	if (late->count == 0 || late->heap[0].time > now)
		return 0;
	uint32_t actor = late->heap[0].actor;

	late->count--;
	fill_top(late, late->heap[late->count]);
	return actor;
}

int64_t
tr_late_next(const tr_late *late)
{
	return late->count > 0 ? late->heap[0].time : INT64_MAX;
}
