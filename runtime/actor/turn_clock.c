/* SPDX-License-Identifier: MIT */
#include "runtime/actor/turn_clock.h"

#include "runtime/platform/platform.h"

/* The scheduler's clock: a simulated one stands still during a turn. */
static int64_t
read_clock(const tr_context *context)
{
	const tr_pool *pool = context->worker.pool;

	return pool != NULL ? pool->scheduler->now(pool) : tr_clock_now();
}

bool
tr_turn_is_late(tr_context *context)
{
	int64_t now = read_clock(context);

	if (context->turn_deadline == 0)
		context->turn_deadline = tr_time_after(now, TR_TURN_NS);
	return now > context->turn_deadline;
}
