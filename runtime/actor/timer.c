/* SPDX-License-Identifier: MIT */
#include "runtime/actor/timer.h"

#include "runtime/actor/error.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/timing.h"

/* An idle timer: its period is the timeout. */
typedef struct idle_timer {
	tr_cell cell;
	int64_t active; /* when the actor last handled something */
} idle_timer;

_Static_assert(sizeof(idle_timer) <= TR_LARGE_CELL_USE, "an idle timer fits a large cell");

/* --- Ticks. --- */

/* The first tick after `deadline` that is to come: the next one, or the next that is not in the past. */
static int64_t
next_deadline(const troupe *t, int64_t deadline, int64_t period)
{
	if (period < 0)
		return tr_time_after(deadline, -period);
	int64_t now = tr_runtime_now(t);
	int64_t missed = now > deadline ? (now - deadline) / period : 0;

	return tr_time_after(deadline + missed * period, period);
}

static void
arm_again(tr_context *context, troupe *t, tr_cell *cell)
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

	return tr_message_take_copy(&context->cache, cell->msg.type, payload != NULL ? payload->body : NULL,
	    payload != NULL ? payload->size : 0);
}

/* The payload, or the cell itself, is the message. */
static troupe_msg *
open_once(tr_context *context, troupe_actor *actor, tr_cell *cell)
{
	troupe_msg *payload = tr_cell_payload(cell);

	if (payload != NULL) {
		tr_cells_remove(context, actor, cell);
		return payload;
	}
	tr_cells_unlink(actor, cell);
	cell->msg.flag_bits &= TR_MSG_SIZE_CLASS;
	return &cell->msg;
}

/* A tick for which there is no memory is left out. */
static troupe_msg *
open_periodic(tr_context *context, troupe *t, tr_cell *cell)
{
	troupe_msg *msg = copy_payload(context, cell);

	cell->deadline = next_deadline(t, cell->deadline, cell->period);
	arm_again(context, t, cell);
	return msg;
}

static troupe_msg *
open_idle(tr_context *context, troupe *t, tr_cell *cell)
{
	idle_timer *timer = (idle_timer *)cell;
	int64_t idle_at = tr_time_after(timer->active, cell->period);
	bool is_idle = idle_at <= tr_runtime_now(t);
	troupe_msg *msg = is_idle ? tr_message_take(&context->cache, TROUPE_IDLE, 0, NULL) : NULL;

	cell->deadline = is_idle ? tr_timing_after(t, cell->period) : idle_at;
	arm_again(context, t, cell);
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
	((idle_timer *)tr_cell_at(extra->idle_timer))->active = tr_runtime_now(t);
}

/* --- Beginning and end. --- */

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

troupe_timer
tr_timer_begin(tr_context *context, troupe_actor *self, int64_t deadline, int64_t period, uint32_t type,
    const void *data, size_t size)
{
	troupe_msg *payload = size > 0 ? tr_message_take_copy(&context->cache, type, data, size) : NULL;
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
	if (tr_cells_arm_or_remove(context, context->current_runtime, self, cell))
		return tr_cell_token(cell, tr_context_self(context));
	if (payload != NULL)
		tr_message_discard(&context->cache, payload);
	return 0;
}

troupe_status
tr_timer_begin_idle(tr_context *context, troupe_actor *self, int64_t timeout_ns)
{
	troupe *t = context->current_runtime;
	idle_timer *timer = (idle_timer *)tr_cells_take(context, self, TR_LARGE_CELL, TROUPE_IDLE);

	if (timer == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for an idle timeout");
	timer->cell.period = timeout_ns;
	timer->cell.deadline = tr_timing_after(t, timeout_ns);
	timer->active = tr_runtime_now(t);
	if (!tr_cells_arm_or_remove(context, t, self, &timer->cell))
		return TROUPE_NOMEM;
	tr_actor_extra(self)->idle_timer = tr_cell_unit(&timer->cell);
	context->after |= TR_AFTER_FULL; /* no more a plain turn: activity is to be noted */
	return TROUPE_OK;
}
