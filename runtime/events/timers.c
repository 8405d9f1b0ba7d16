/* SPDX-License-Identifier: MIT */
#include "runtime/actor/error.h"
#include "runtime/actor/timer.h"
#include "runtime/actor/timing.h"

#include <inttypes.h>

/*
 * timers -- the public calls about timers.  See troupe/timer.h for their
 * contracts.
 */

#define PERIOD_MIN INT64_C(1000)

/* A timer of the actor that the context runs, if it makes sense; 0 is remembered by tr_fail. */
static troupe_timer
begin_timer(tr_context *context, troupe_actor *self, int64_t deadline, int64_t period, uint32_t type, const void *data,
    size_t size)
{
	if (!tr_actor_is_ending(self) && tr_message_is_sendable(type, data, size))
		return tr_timer_begin(context, self, deadline, period, type, data, size);
	tr_fail(TROUPE_INVALID, "no timer for %zu bytes at %p of type %" PRIu32 ", or the actor is stopping", size, data,
	    type);
	return 0;
}

troupe_timer
troupe_send_after(troupe_actor *self, int64_t delay_ns, uint32_t type, const void *data, size_t size)
{
	tr_context *context = tr_require_self(self, __func__);

	if (delay_ns < 0) {
		tr_fail(TROUPE_INVALID, "a delay of %" PRId64 " ns is in the past", delay_ns);
		return 0;
	}
	return begin_timer(context, self, tr_timing_after(context->current_runtime, delay_ns), 0, type, data, size);
}

troupe_timer
troupe_send_at(troupe_actor *self, int64_t time_ns, uint32_t type, const void *data, size_t size)
{
	return begin_timer(tr_require_self(self, __func__), self, time_ns, 0, type, data, size);
}

troupe_timer
troupe_send_every(troupe_actor *self, int64_t period_ns, troupe_missed missed, uint32_t type, const void *data,
    size_t size)
{
	tr_context *context = tr_require_self(self, __func__);

	if (period_ns < PERIOD_MIN || (missed != TROUPE_MISSED_SKIP && missed != TROUPE_MISSED_CATCH_UP)) {
		tr_fail(TROUPE_INVALID, "no timer has a period of %" PRId64 " ns and policy %d", period_ns, (int)missed);
		return 0;
	}
	return begin_timer(context, self, tr_timing_after(context->current_runtime, period_ns),
	    missed == TROUPE_MISSED_SKIP ? period_ns : -period_ns, type, data, size);
}

bool
troupe_cancel(troupe_actor *self, troupe_timer timer)
{
	tr_context *context = tr_require_self(self, __func__);
	tr_cell *cell = tr_cell_find(timer, tr_context_self(context));

	/* The other cells of the actor's have types of the runtime's own. */
	if (cell == NULL || cell->msg.type >= TROUPE_TYPE_RESERVED)
		return false;
	tr_timer_end(context, context->current_runtime, self, cell);
	return true;
}

troupe_status
troupe_set_idle_timeout(troupe_actor *self, int64_t timeout_ns)
{
	tr_context *context = tr_require_self(self, __func__);
	const tr_extra *extra = tr_actor_extra(self);
	uint32_t before = extra != NULL ? extra->idle_timer : 0;

	if ((timeout_ns != 0 && timeout_ns < PERIOD_MIN) || tr_actor_is_ending(self))
		return tr_fail(TROUPE_INVALID, "no idle timeout of %" PRId64 " ns, or the actor is stopping", timeout_ns);
	troupe_status status = timeout_ns != 0 ? tr_timer_begin_idle(context, self, timeout_ns) : TROUPE_OK;

	if (status == TROUPE_OK && before != 0)
		tr_timer_end(context, context->current_runtime, self, tr_cell_at(before));
	return status;
}
