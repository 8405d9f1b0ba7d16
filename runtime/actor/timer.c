/* SPDX-License-Identifier: MIT */
#include "runtime/actor/timer.h"

#include "runtime/actor/error.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/timing.h"

#include <inttypes.h>

#define PERIOD_MIN INT64_C(1000)

/* An idle timer: its period is the timeout. */
typedef struct idle_timer {
	tr_cell cell;
	int64_t active; /* when the actor last handled something */
} idle_timer;

_Static_assert(sizeof(idle_timer) <= TR_LARGE_CELL_USE, "an idle timer fits a large cell");

static int64_t
now_of(const troupe *t)
{
	return t->pool.scheduler->now(&t->pool);
}

/* --- Ticks. --- */

/* The first tick after `deadline` that is to come: the next one, or the next that is not in the past. */
static int64_t
next_deadline(const troupe *t, int64_t deadline, int64_t period)
{
	if (period < 0)
		return deadline > INT64_MAX + period ? INT64_MAX : deadline - period;
	int64_t now = now_of(t);
	int64_t missed = now > deadline ? (now - deadline) / period : 0;
	int64_t last = deadline + missed * period;

	return last > INT64_MAX - period ? INT64_MAX : last + period;
}

static void
rearm(tr_context *context, troupe *t, tr_cell *cell)
{
	bool armed = tr_timing_arm(context, t, cell);

	/* What it needs is there since it was first armed. */
	TR_ASSERT(armed);
	(void)armed;
}

static troupe_msg *
copy_payload(tr_context *context, const tr_cell *cell)
{
	const troupe_msg *payload = tr_cell_payload(cell);
	size_t size = payload != NULL ? payload->size : 0;
	troupe_msg *msg = tr_message_take(&context->cache, cell->msg.type, size, NULL);

	if (msg != NULL && size > 0)
		memcpy((void *)(uintptr_t)msg->body, payload->body, size);
	return msg;
}

/* The payload, or the cell itself, is the message. */
static troupe_msg *
open_once(tr_context *context, troupe_actor *actor, tr_cell *cell)
{
	troupe_msg *payload = tr_cell_payload(cell);

	tr_cells_unlink(actor, cell);
	if (payload != NULL) {
		tr_cells_give(context, cell);
		return payload;
	}
	cell->msg.flag_bits &= TR_MSG_SIZE_CLASS;
	return &cell->msg;
}

/* A tick for which there is no memory is left out. */
static troupe_msg *
open_periodic(tr_context *context, troupe *t, tr_cell *cell)
{
	troupe_msg *msg = copy_payload(context, cell);

	cell->deadline = next_deadline(t, cell->deadline, cell->period);
	rearm(context, t, cell);
	return msg;
}

static troupe_msg *
open_idle(tr_context *context, troupe *t, tr_cell *cell)
{
	idle_timer *timer = (idle_timer *)cell;
	int64_t idle_at = timer->active > INT64_MAX - cell->period ? INT64_MAX : timer->active + cell->period;
	bool is_idle = idle_at <= now_of(t);
	troupe_msg *msg = is_idle ? tr_message_take(&context->cache, TROUPE_IDLE, 0, NULL) : NULL;

	cell->deadline = is_idle ? tr_timing_after(t, cell->period) : idle_at;
	rearm(context, t, cell);
	return msg;
}

troupe_msg *
tr_timer_open(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell)
{
	troupe_msg *msg;

	if (cell->period == TR_CELL_ENDED) {
		tr_cells_drop(context, cell);
		return NULL;
	}
	if (cell->msg.type == TROUPE_IDLE)
		msg = open_idle(context, t, cell);
	else if (cell->period == 0)
		msg = open_once(context, actor, cell);
	else
		msg = open_periodic(context, t, cell);
	if (msg != NULL)
		msg->sender = tr_context_self(context);
	return msg;
}

void
tr_timer_note_activity(const troupe *t, const tr_extra *extra)
{
	((idle_timer *)tr_cell_at(extra->idle_timer))->active = now_of(t);
}

/* --- Arming and cancelling. --- */

void
tr_timer_end(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell)
{
	tr_extra *extra = tr_actor_extra(actor);

	if (extra->idle_timer == tr_cell_unit(cell))
		extra->idle_timer = 0;
	if (tr_cell_payload(cell) != NULL)
		tr_message_release(&context->cache, tr_cell_payload(cell));
	cell->msg.body = NULL;
	tr_cells_end(context, t, actor, cell);
}

/* 0: no memory, remembered by tr_fail. */
static troupe_timer
arm_cell(tr_context *context, troupe_actor *self, tr_cell *cell)
{
	if (tr_timing_arm(context, context->current_runtime, cell))
		return tr_cell_token(cell, tr_context_self(context));
	tr_cells_unlink(self, cell);
	tr_cells_drop(context, cell);
	return 0;
}

static troupe_msg *
take_payload(tr_context *context, uint32_t type, const void *data, size_t size)
{
	troupe_msg *payload = tr_message_take(&context->cache, type, size, NULL);

	if (payload != NULL)
		memcpy((void *)(uintptr_t)payload->body, data, size);
	return payload;
}

static troupe_timer
arm_timer(tr_context *context, troupe_actor *self, int64_t deadline, int64_t period, uint32_t type, const void *data,
    size_t size)
{
	if (tr_actor_is_ending(self) || type >= TROUPE_TYPE_RESERVED || size > UINT32_MAX || (data == NULL && size > 0)) {
		tr_fail(TROUPE_INVALID, "no timer for %zu bytes at %p of type %" PRIu32 ", or the actor is stopping", size,
		    data, type);
		return 0;
	}
	troupe_msg *payload = size > 0 ? take_payload(context, type, data, size) : NULL;
	tr_cell *cell = size == 0 || payload != NULL ? tr_cells_take(context, self, TR_SMALL_CELL, type) : NULL;

	if (cell == NULL) {
		if (payload != NULL)
			tr_message_discard(&context->cache, payload);
		tr_fail(TROUPE_NOMEM, "no memory for a timer with %zu bytes", size);
		return 0;
	}
	cell->msg.body = payload;
	cell->deadline = deadline;
	cell->period = period;
	return arm_cell(context, self, cell);
}

troupe_timer
troupe_send_after(troupe_actor *self, int64_t delay_ns, uint32_t type, const void *data, size_t size)
{
	tr_context *context = tr_require_self(self, __func__);

	if (delay_ns < 0) {
		tr_fail(TROUPE_INVALID, "a delay of %" PRId64 " ns is in the past", delay_ns);
		return 0;
	}
	return arm_timer(context, self, tr_timing_after(context->current_runtime, delay_ns), 0, type, data, size);
}

troupe_timer
troupe_send_at(troupe_actor *self, int64_t time_ns, uint32_t type, const void *data, size_t size)
{
	return arm_timer(tr_require_self(self, __func__), self, time_ns, 0, type, data, size);
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
	return arm_timer(context, self, tr_timing_after(context->current_runtime, period_ns),
	    missed == TROUPE_MISSED_SKIP ? period_ns : -period_ns, type, data, size);
}

/* A timer that the program armed, and no other cell of the actor's. */
static bool
is_timer(const tr_cell *cell)
{
	return cell->msg.type < TROUPE_TYPE_RESERVED;
}

bool
troupe_cancel(troupe_actor *self, troupe_timer timer)
{
	tr_context *context = tr_require_self(self, __func__);
	tr_cell *cell = tr_cell_find(timer, tr_context_self(context));

	if (cell == NULL || !is_timer(cell))
		return false;
	tr_timer_end(context, context->current_runtime, self, cell);
	return true;
}

static troupe_status
begin_idle_timer(tr_context *context, troupe_actor *self, int64_t timeout_ns)
{
	const troupe *t = context->current_runtime;
	idle_timer *timer = (idle_timer *)tr_cells_take(context, self, TR_LARGE_CELL, TROUPE_IDLE);

	if (timer == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for an idle timeout");
	timer->cell.period = timeout_ns;
	timer->cell.deadline = tr_timing_after(t, timeout_ns);
	timer->active = now_of(t);
	if (arm_cell(context, self, &timer->cell) == 0)
		return TROUPE_NOMEM;
	tr_actor_extra(self)->idle_timer = tr_cell_unit(&timer->cell);
	context->after |= TR_AFTER_FULL; /* no more a plain turn: activity is to be noted */
	return TROUPE_OK;
}

troupe_status
troupe_set_idle_timeout(troupe_actor *self, int64_t timeout_ns)
{
	tr_context *context = tr_require_self(self, __func__);
	const tr_extra *extra = tr_actor_extra(self);
	uint32_t before = extra != NULL ? extra->idle_timer : 0;

	if ((timeout_ns != 0 && timeout_ns < PERIOD_MIN) || tr_actor_is_ending(self))
		return tr_fail(TROUPE_INVALID, "no idle timeout of %" PRId64 " ns, or the actor is stopping", timeout_ns);
	troupe_status status = timeout_ns != 0 ? begin_idle_timer(context, self, timeout_ns) : TROUPE_OK;

	if (status == TROUPE_OK && before != 0)
		tr_timer_end(context, context->current_runtime, self, tr_cell_at(before));
	return status;
}
