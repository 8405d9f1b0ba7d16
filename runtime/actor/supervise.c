/* SPDX-License-Identifier: MIT */
#include "runtime/actor/supervise.h"

#include "runtime/actor/charge.h"
#include "runtime/actor/failure.h"
#include "runtime/actor/order.h"
#include "runtime/actor/post.h"
#include "runtime/actor/report.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/timing.h"

#define DEFAULT_RESTARTS    5
#define DEFAULT_WINDOW      (30 * TROUPE_SECOND)
#define DEFAULT_BACKOFF     (100 * TROUPE_MS)
#define DEFAULT_BACKOFF_MAX (10 * TROUPE_SECOND)

static const troupe_supervisor *
supervisor_of(const troupe_actor *parent)
{
	return tr_actor_class(parent)->supervisor;
}

/* --- Orders. --- */

static void
send_order(tr_context *context, tr_charge *charge, tr_order_kind kind)
{
	tr_order *order = tr_order_at(charge->order);

	/* What was done with the last one is heard of before what came after it. */
	TR_ASSERT(!charge->order_is_away);
	order->kind = kind;
	order->report = charge->report;
	order->msg = (troupe_msg){ .flag_bits = TR_MSG_CONTROL, .type = TR_TYPE_ORDER };
	if (tr_post(context, charge->record.child, &order->msg) == TROUPE_OK) {
		charge->report = 0;
		charge->order_is_away = true;
	} else {
		/* It has gone, and that is on its way to here; or the runtime is being closed. */
		order->report = 0;
	}
}

/* --- Backing off. --- */

static int64_t
or_default(int64_t value, int64_t if_zero)
{
	return value == 0 ? if_zero : value < 0 ? 0 : value;
}

static int64_t
delay_after(tr_context *context, const troupe_supervisor *how, int restarts)
{
	int64_t most = or_default(how->backoff_max_ns, DEFAULT_BACKOFF_MAX);
	int64_t delay = or_default(how->backoff_ns, DEFAULT_BACKOFF);

	for (int i = 1; i < restarts && delay < most; i++)
		delay = delay > most / 2 ? most : delay * 2;
	if (delay > most)
		delay = most;
	/* So that not all come back at once.  Spread: the first values of a generator are small (Knuth's multiplicative hash). */
	uint32_t chance = tr_worker_random(&context->worker) * UINT32_C(2654435769);
	/* Three quarters, and up to half more. */
	return delay - delay / 4 + (int64_t)((double)delay / 2 * (chance / 4294967296.0));
}

/* For one child, or for the group if charge is NULL.  Its unit; 0: no memory for the timer, so there is no waiting. */
static uint32_t
arm_backoff(tr_context *context, troupe *t, troupe_actor *parent, const tr_charge *charge, int64_t delay)
{
	tr_backoff *cell = (tr_backoff *)tr_cells_take(context, parent, TR_LARGE_CELL, TR_TYPE_BACKOFF);

	if (cell == NULL)
		return 0;
	cell->charge = charge != NULL ? tr_message_unit(&charge->record.msg) : 0;
	cell->cell.deadline = tr_timing_after(t, delay);
	return tr_cells_arm_or_remove(context, t, parent, &cell->cell) ? tr_cell_unit(&cell->cell) : 0;
}

static void
back_off(tr_charge *charge, uint32_t cell)
{
	charge->backoff = cell;
	charge->step = cell != 0 ? TR_BACKING_OFF : TR_TO_BEGIN;
}

/* --- One for one. --- */

static void
take_step_of_one(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	if (charge->order_is_away)
		return;
	if (charge->step == TR_TO_HALT) {
		send_order(context, charge, TR_ORDER_HALT);
		return;
	}
	if (charge->step == TR_TO_BACK_OFF)
		back_off(charge, arm_backoff(context, t, parent, charge, charge->delay));
	if (charge->step == TR_TO_BEGIN)
		send_order(context, charge, TR_ORDER_BEGIN);
}

/* --- Groups. --- */

/* What is to be done in a group, seen at one look. */
typedef struct group_view {
	tr_charge *newest_to_halt, *oldest_to_begin;
	int64_t delay; /* the longest of those that are to back off */
	bool order_is_away;
	bool waits; /* for a backoff */
	bool backs_off;
} group_view;

static group_view
look_at_group(const tr_extra *extra)
{
	group_view view = { 0 };

	for (tr_charge *charge = tr_charge_newest(extra); charge != NULL; charge = tr_charge_older(charge)) {
		view.order_is_away |= charge->order_is_away;
		view.waits |= charge->step == TR_BACKING_OFF;
		if (charge->step == TR_TO_HALT && view.newest_to_halt == NULL)
			view.newest_to_halt = charge;
		if (charge->step == TR_TO_BACK_OFF && charge->delay >= view.delay) {
			view.delay = charge->delay;
			view.backs_off = true;
		}
		if (charge->step == TR_TO_BEGIN)
			view.oldest_to_begin = charge;
	}
	return view;
}

static void
back_off_together(tr_extra *extra, uint32_t cell)
{
	for (tr_charge *charge = tr_charge_newest(extra); charge != NULL; charge = tr_charge_older(charge))
		if (charge->step == TR_TO_BACK_OFF)
			back_off(charge, cell);
}

static void
take_step_of_group(tr_context *context, troupe *t, troupe_actor *parent)
{
	tr_extra *extra = tr_actor_extra(parent);
	group_view view = look_at_group(extra);

	if (view.order_is_away)
		return;
	if (view.newest_to_halt != NULL) {
		send_order(context, view.newest_to_halt, TR_ORDER_HALT);
		return;
	}
	if (view.waits)
		return;
	if (view.backs_off) {
		uint32_t cell = arm_backoff(context, t, parent, NULL, view.delay);

		back_off_together(extra, cell);
		if (cell != 0)
			return;
		view = look_at_group(extra);
	}
	if (view.oldest_to_begin != NULL)
		send_order(context, view.oldest_to_begin, TR_ORDER_BEGIN);
}

/* --- Steps. --- */

static void
take_next_step(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	if (supervisor_of(parent)->strategy == TROUPE_ONE_FOR_ONE)
		take_step_of_one(context, t, parent, charge);
	else
		take_step_of_group(context, t, parent);
}

/* A child is to be halted, whatever it waits for. */
static void
mark_one_to_halt(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	if (charge->backoff != 0)
		tr_charge_end_backoff(context, t, parent, tr_cell_at(charge->backoff));
	charge->step = TR_TO_HALT;
	/* How long another one's restart took the last time is not the group's business. */
	if (charge->report == 0)
		charge->delay = 0;
}

/* Children to be halted when this one is restarted: it, or all, or it and those newer. */
static void
mark_to_halt(tr_context *context, troupe *t, troupe_actor *parent, const troupe_supervisor *how, tr_charge *failed)
{
	const tr_extra *extra = tr_actor_extra(parent);

	for (tr_charge *charge = tr_charge_newest(extra); charge != NULL; charge = tr_charge_older(charge)) {
		if (charge == failed || how->strategy != TROUPE_ONE_FOR_ONE)
			mark_one_to_halt(context, t, parent, charge);
		if (charge == failed && how->strategy == TROUPE_REST_FOR_ONE)
			return;
	}
}

static void
escalate_failure(tr_context *context, const tr_charge *charge)
{
	const tr_report *report = charge->report != 0 ? tr_report_at(charge->report) : NULL;

	/* No message is in hand: the last one has had its end. */
	context->msg = NULL;
	tr_failure_declare(context, report != NULL ? report->code : 0, report != NULL ? tr_report_text(report) : "");
}

/* How often it was restarted in the window that is now. */
static int
count_restarts(const troupe *t, const troupe_supervisor *how, tr_charge *charge)
{
	int64_t now = tr_runtime_now(t);

	if (charge->restarts == 0 || now - charge->window_begin > or_default(how->window_ns, DEFAULT_WINDOW)) {
		charge->restarts = 0;
		charge->window_begin = now;
	}
	return charge->restarts;
}

static void
restart_child(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	const troupe_supervisor *how = supervisor_of(parent);
	int most = how->restarts == 0 ? DEFAULT_RESTARTS : how->restarts < 0 ? 0 : how->restarts;

	if (charge->restarts >= most) {
		escalate_failure(context, charge);
		return;
	}
	charge->restarts++;
	charge->delay = delay_after(context, how, charge->restarts);
	mark_to_halt(context, t, parent, how, charge);
	take_next_step(context, t, parent, charge);
}

static troupe_decision
ask_for_decision(tr_context *context, troupe_actor *parent, const tr_charge *charge)
{
	const troupe_supervisor *how = supervisor_of(parent);
	const tr_report *report = tr_report_at(charge->report);
	troupe_failure failure = {
		.who = charge->record.child,
		.class_name = tr_class_name(charge->class_),
		.actor_name = tr_report_name(report),
		.msg_type = report->msg_type,
		.code = report->code,
		.text = tr_report_text(report),
		.restarts = (unsigned)charge->restarts,
	};

	if (how->decide == NULL)
		return TROUPE_RESTART;
	tr_context_empty_hand(context);
	troupe_decision decision = how->decide(parent, tr_actor_state(parent), &failure);
	/* If it has failed itself, that is what escalates. */
	return context->after & TR_AFTER_FAIL ? TROUPE_ESCALATE : decision;
}

static void
carry_out_decision(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	(void)count_restarts(t, supervisor_of(parent), charge);
	troupe_decision decision = ask_for_decision(context, parent, charge);

	if (decision == TROUPE_RESUME && charge->has_no_life)
		decision = TROUPE_RESTART; /* there is nothing to go on with */
	switch (decision) {
	case TROUPE_RESUME:
		send_order(context, charge, TR_ORDER_RESUME);
		break;
	case TROUPE_RESTART:
		restart_child(context, t, parent, charge);
		break;
	case TROUPE_STOP:
		send_order(context, charge, TR_ORDER_STOP);
		break;
	case TROUPE_ESCALATE:
	default:
		escalate_failure(context, charge);
	}
}

/* --- What comes from the children. --- */

/* Its report is here.  One that is to be halted anyway is. */
static void
take_failure(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	if (charge->step == TR_STEADY)
		carry_out_decision(context, t, parent, charge);
	else
		take_next_step(context, t, parent, charge);
}

void
tr_supervise_child_failed(tr_context *context, troupe *t, troupe_actor *parent, troupe_msg *report)
{
	tr_charge *charge = tr_charge_at(((const tr_report *)report)->charge);

	charge->report = tr_message_unit(report);
	take_failure(context, t, parent, charge);
}

void
tr_supervise_order_done(tr_context *context, troupe *t, troupe_actor *parent, troupe_msg *msg)
{
	tr_order *order = (tr_order *)msg;
	tr_charge *charge = tr_charge_at(order->charge);

	charge->order_is_away = false;
	if (order->report != 0)
		charge->report = order->report;
	order->report = 0;
	/* Unless it was marked anew meanwhile. */
	if (order->kind == TR_ORDER_HALT && charge->step == TR_TO_HALT)
		charge->step = TR_TO_BACK_OFF;
	if (order->kind == TR_ORDER_BEGIN && charge->step == TR_TO_BEGIN)
		charge->step = TR_STEADY;
	if (order->kind == TR_ORDER_BEGIN)
		charge->has_no_life = order->failed;
	if (order->kind == TR_ORDER_BEGIN && order->failed)
		take_failure(context, t, parent, charge);
	else
		take_next_step(context, t, parent, charge);
}

void
tr_supervise_backoff_over(tr_context *context, troupe *t, troupe_actor *parent, tr_cell *cell)
{
	uint32_t charge = tr_backoff_at(tr_cell_unit(cell))->charge;

	if (cell->period == TR_CELL_ENDED) {
		tr_cells_give(context, cell);
		return;
	}
	tr_charge_forget_backoff(tr_actor_extra(parent), tr_cell_unit(cell), TR_TO_BEGIN);
	tr_cells_remove(context, parent, cell);
	if (charge != 0)
		take_step_of_one(context, t, parent, tr_charge_at(charge));
	else
		take_step_of_group(context, t, parent);
}

/* What it had handed up before is its own again: a child that failed then goes on like its supervisor. */
void
tr_supervise_go_on(tr_context *context, troupe *t, troupe_actor *parent)
{
	const tr_extra *extra = tr_actor_extra(parent);

	for (tr_charge *charge = tr_charge_newest(extra); charge != NULL; charge = tr_charge_older(charge)) {
		if (charge->report == 0 || charge->step != TR_STEADY || charge->order_is_away)
			continue;
		if (!charge->has_no_life) {
			send_order(context, charge, TR_ORDER_RESUME);
			continue;
		}
		charge->restarts = 0;
		restart_child(context, t, parent, charge);
	}
}

void
tr_supervise_child_left(tr_context *context, troupe *t, troupe_actor *parent)
{
	if (supervisor_of(parent) != NULL && supervisor_of(parent)->strategy != TROUPE_ONE_FOR_ONE &&
	    !tr_actor_is_ending(parent))
		take_step_of_group(context, t, parent);
}
