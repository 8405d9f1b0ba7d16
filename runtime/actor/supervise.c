/* SPDX-License-Identifier: MIT */
#include "runtime/actor/supervise.h"

#include "runtime/actor/children.h"
#include "runtime/actor/post.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/timing.h"
#include "runtime/memory/fault.h"

#define DEFAULT_RESTARTS    5
#define DEFAULT_WINDOW      (30 * TROUPE_SECOND)
#define DEFAULT_BACKOFF     (100 * TROUPE_MS)
#define DEFAULT_BACKOFF_MAX (10 * TROUPE_SECOND)

/* What is to be done with a child. */
typedef enum charge_step {
	STEADY,
	TO_HALT,
	TO_BACK_OFF, /* halted */
	BACKING_OFF,
	TO_BEGIN
} charge_step;

/* The supervisor's record of one child. */
typedef struct tr_charge {
	tr_record record;
	const troupe_class *class_; /* of the child */
	uint32_t order;       /* here, or away */
	uint32_t report;      /* the child's, between its failure and the next order; 0 is none */
	uint32_t backoff;     /* the cell that it waits for, alone or with its group; 0 is none */
	int restarts;         /* in the window */
	int64_t window_begin;
	int64_t delay;        /* before the next begin */
	charge_step step;
	bool order_is_away;
	bool has_no_life;     /* its last start failed */
} tr_charge;

#define CHARGE_CLASS 1
_Static_assert(sizeof(tr_charge) <= TR_UNIT << CHARGE_CLASS, "a charge fits its slot");

typedef struct backoff_cell {
	tr_cell cell;
	uint32_t charge; /* 0: the group */
} backoff_cell;

_Static_assert(sizeof(backoff_cell) <= TR_LARGE_CELL_USE, "a backoff fits a large cell");

static backoff_cell *
backoff_at(uint32_t unit)
{
	return (backoff_cell *)tr_cell_at(unit);
}

static tr_charge *
charge_at(uint32_t unit)
{
	return tr_message_at(unit);
}

static const troupe_supervisor *
supervisor_of(const troupe_actor *parent)
{
	return tr_actor_class(parent)->supervisor;
}

/* --- Charges. --- */

static void *
copy_argument(const troupe_class *class_, const void *argument)
{
	void *copy = tr_heap_take(class_->argument_size);

	if (copy != NULL)
		memcpy(copy, argument, class_->argument_size);
	return copy;
}

/* Everything of a charge but its place in the list; NULL: out of memory. */
static tr_charge *
take_charge(tr_context *context, const troupe_class *class_, const void *argument)
{
	bool keeps = class_->argument_size > 0 && argument != NULL;
	troupe_msg *msg = tr_message_take(&context->cache, TR_TYPE_STOP_CHILD, sizeof(tr_charge) - sizeof *msg, NULL);
	uint32_t order = msg != NULL ? tr_cache_take_message(&context->cache, 0) : 0;
	void *copy = order != 0 && keeps ? copy_argument(class_, argument) : NULL;

	if (order == 0 || (keeps && copy == NULL)) {
		if (order != 0)
			tr_cache_give_message(&context->cache, 0, order);
		if (msg != NULL)
			tr_message_discard(&context->cache, msg);
		return NULL;
	}
	tr_charge *charge = (tr_charge *)msg;

	*charge = (tr_charge){ .record.msg = *msg, .record.supervised = true, .class_ = class_, .order = order };
	*tr_order_at(order) = (tr_order){ .charge = tr_message_unit(msg), .argument = copy };
	return charge;
}

tr_record *
tr_supervise_add_child(tr_context *context, troupe_actor *parent, troupe_actor *child, troupe_ref ref,
    const void *argument)
{
	tr_extra *extra = tr_actor_extra(child);
	tr_report *report = tr_report_take(context);
	tr_charge *charge = report != NULL ? take_charge(context, tr_actor_class(child), argument) : NULL;

	if (charge == NULL || !tr_children_list(context, parent, &charge->record, ref)) {
		if (charge != NULL) {
			tr_order_give(context, charge->order);
			tr_message_discard(&context->cache, &charge->record.msg);
		}
		if (report != NULL)
			tr_report_give(context, tr_message_unit(&report->msg));
		return NULL;
	}
	report->charge = tr_message_unit(&charge->record.msg);
	extra->report = tr_message_unit(&report->msg);
	return &charge->record;
}

/* Those that wait for the cell do so no more. */
static void
forget_backoff(tr_extra *extra, uint32_t cell, charge_step step)
{
	for (uint32_t unit = extra->children; unit != 0; unit = charge_at(unit)->record.older) {
		tr_charge *charge = charge_at(unit);

		if (!charge->record.supervised || charge->backoff != cell)
			continue;
		charge->backoff = 0;
		if (charge->step == BACKING_OFF)
			charge->step = step;
	}
}

void
tr_supervise_end_backoff(tr_context *context, troupe *t, troupe_actor *parent, tr_cell *cell)
{
	forget_backoff(tr_actor_extra(parent), tr_cell_unit(cell), TO_BACK_OFF);
	tr_cells_end(context, t, parent, cell);
}

void
tr_supervise_strip(tr_context *context, troupe *t, troupe_actor *parent, tr_record *record)
{
	tr_charge *charge = (tr_charge *)record;

	/* A group's is for the others yet. */
	if (charge->backoff != 0 && backoff_at(charge->backoff)->charge != 0)
		tr_supervise_end_backoff(context, t, parent, tr_cell_at(charge->backoff));
	if (!charge->order_is_away)
		tr_order_give(context, charge->order);
	tr_report_give(context, charge->report);
	record->supervised = false;
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

/* Xorshift (Marsaglia 2003): only so that not all come back at once. */
static uint32_t
next_random(tr_context *context)
{
	uint32_t x = context->worker.random != 0 ? context->worker.random : 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	context->worker.random = x;
	/* Its first values are small: spread them (Knuth's multiplicative hash). */
	return x * UINT32_C(2654435769);
}

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
	/* Three quarters, and up to half more. */
	return delay - delay / 4 + (int64_t)((double)delay / 2 * (next_random(context) / 4294967296.0));
}

/* For one child, or for the group if charge is NULL.  Its unit; 0: no memory for the timer, so there is no waiting. */
static uint32_t
arm_backoff(tr_context *context, troupe *t, troupe_actor *parent, const tr_charge *charge, int64_t delay)
{
	backoff_cell *cell = (backoff_cell *)tr_cells_take(context, parent, TR_LARGE_CELL, TR_TYPE_BACKOFF);

	if (cell == NULL)
		return 0;
	cell->charge = charge != NULL ? tr_message_unit(&charge->record.msg) : 0;
	cell->cell.deadline = tr_timing_after(t, delay);
	if (!tr_timing_arm(context, t, &cell->cell)) {
		tr_cells_unlink(parent, &cell->cell);
		tr_cells_give(context, &cell->cell);
		return 0;
	}
	return tr_cell_unit(&cell->cell);
}

static void
back_off(tr_charge *charge, uint32_t cell)
{
	charge->backoff = cell;
	charge->step = cell != 0 ? BACKING_OFF : TO_BEGIN;
}

/* --- One for one. --- */

static void
advance_one(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	if (charge->order_is_away)
		return;
	if (charge->step == TO_HALT) {
		send_order(context, charge, TR_ORDER_HALT);
		return;
	}
	if (charge->step == TO_BACK_OFF)
		back_off(charge, arm_backoff(context, t, parent, charge, charge->delay));
	if (charge->step == TO_BEGIN)
		send_order(context, charge, TR_ORDER_BEGIN);
}

/* --- Groups. --- */

/* What is to be done in a group, seen at one look. */
typedef struct group_view {
	tr_charge *newest_to_halt, *oldest_to_begin;
	int64_t delay; /* the longest of those that are to back off */
	bool waits;    /* for an order that is away, or a backoff */
	bool backs_off;
} group_view;

static group_view
look_at_group(const tr_extra *extra)
{
	group_view view = { 0 };

	for (uint32_t unit = extra->children; unit != 0; unit = charge_at(unit)->record.older) {
		tr_charge *charge = charge_at(unit);

		if (!charge->record.supervised)
			continue;
		view.waits |= charge->order_is_away || charge->step == BACKING_OFF;
		if (charge->step == TO_HALT && view.newest_to_halt == NULL)
			view.newest_to_halt = charge;
		if (charge->step == TO_BACK_OFF && charge->delay >= view.delay) {
			view.delay = charge->delay;
			view.backs_off = true;
		}
		if (charge->step == TO_BEGIN)
			view.oldest_to_begin = charge;
	}
	return view;
}

static void
back_off_together(tr_extra *extra, uint32_t cell)
{
	for (uint32_t unit = extra->children; unit != 0; unit = charge_at(unit)->record.older)
		if (charge_at(unit)->record.supervised && charge_at(unit)->step == TO_BACK_OFF)
			back_off(charge_at(unit), cell);
}

static bool
any_order_is_away(const tr_extra *extra)
{
	for (uint32_t unit = extra->children; unit != 0; unit = charge_at(unit)->record.older)
		if (charge_at(unit)->record.supervised && charge_at(unit)->order_is_away)
			return true;
	return false;
}

static void
advance_group(tr_context *context, troupe *t, troupe_actor *parent)
{
	tr_extra *extra = tr_actor_extra(parent);
	group_view view = look_at_group(extra);

	if (view.newest_to_halt != NULL) {
		if (!any_order_is_away(extra))
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
advance(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	if (supervisor_of(parent)->strategy == TROUPE_ONE_FOR_ONE)
		advance_one(context, t, parent, charge);
	else
		advance_group(context, t, parent);
}

/* A child is to be halted, whatever it waits for. */
static void
mark_one(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	if (charge->backoff != 0)
		tr_supervise_end_backoff(context, t, parent, tr_cell_at(charge->backoff));
	charge->step = TO_HALT;
	/* How long another one's restart took the last time is not the group's business. */
	if (charge->report == 0)
		charge->delay = 0;
}

/* Children to be halted when this one is restarted: it, or all, or it and those newer. */
static void
mark(tr_context *context, troupe *t, troupe_actor *parent, const troupe_supervisor *how, tr_charge *failed)
{
	const tr_extra *extra = tr_actor_extra(parent);

	for (uint32_t unit = extra->children; unit != 0; unit = charge_at(unit)->record.older) {
		tr_charge *charge = charge_at(unit);

		if (charge->record.supervised && (charge == failed || how->strategy != TROUPE_ONE_FOR_ONE))
			mark_one(context, t, parent, charge);
		if (charge == failed && how->strategy == TROUPE_REST_FOR_ONE)
			return;
	}
}

static void
escalate(tr_context *context, const tr_charge *charge)
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
restart(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
{
	const troupe_supervisor *how = supervisor_of(parent);
	int most = how->restarts == 0 ? DEFAULT_RESTARTS : how->restarts < 0 ? 0 : how->restarts;

	if (charge->restarts >= most) {
		escalate(context, charge);
		return;
	}
	charge->restarts++;
	charge->delay = delay_after(context, how, charge->restarts);
	mark(context, t, parent, how, charge);
	advance(context, t, parent, charge);
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
decide(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge)
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
		restart(context, t, parent, charge);
		break;
	case TROUPE_STOP:
		send_order(context, charge, TR_ORDER_STOP);
		break;
	case TROUPE_ESCALATE:
	default:
		escalate(context, charge);
	}
}

/* --- What comes from the children. --- */

void
tr_supervise_child_failed(tr_context *context, troupe *t, troupe_actor *parent, troupe_msg *report)
{
	tr_charge *charge = charge_at(((const tr_report *)report)->charge);

	charge->report = tr_message_unit(report);
	/* One that is to be halted anyway is. */
	if (charge->step == STEADY)
		decide(context, t, parent, charge);
	else
		advance(context, t, parent, charge);
}

void
tr_supervise_order_done(tr_context *context, troupe *t, troupe_actor *parent, troupe_msg *msg)
{
	tr_order *order = (tr_order *)msg;
	tr_charge *charge = charge_at(order->charge);

	charge->order_is_away = false;
	if (order->report != 0)
		charge->report = order->report;
	order->report = 0;
	if (order->kind == TR_ORDER_BEGIN)
		charge->has_no_life = order->failed;
	if (order->kind == TR_ORDER_BEGIN && order->failed) {
		if (charge->step == TO_BEGIN)
			charge->step = STEADY;
		if (charge->step == STEADY)
			decide(context, t, parent, charge);
		else
			advance(context, t, parent, charge);
		return;
	}
	/* Unless it was marked anew meanwhile. */
	if (order->kind == TR_ORDER_HALT && charge->step == TO_HALT)
		charge->step = TO_BACK_OFF;
	if (order->kind == TR_ORDER_BEGIN && charge->step == TO_BEGIN)
		charge->step = STEADY;
	advance(context, t, parent, charge);
}

void
tr_supervise_backoff_over(tr_context *context, troupe *t, troupe_actor *parent, tr_cell *cell)
{
	uint32_t charge = backoff_at(tr_cell_unit(cell))->charge;

	if (cell->period == TR_CELL_ENDED) {
		tr_cells_give(context, cell);
		return;
	}
	forget_backoff(tr_actor_extra(parent), tr_cell_unit(cell), TO_BEGIN);
	tr_cells_unlink(parent, cell);
	tr_cells_give(context, cell);
	if (charge != 0)
		advance_one(context, t, parent, charge_at(charge));
	else
		advance_group(context, t, parent);
}

/* What it had handed up before is its own again: a child that failed then goes on like its supervisor. */
void
tr_supervise_go_on(tr_context *context, troupe *t, troupe_actor *parent)
{
	const tr_extra *extra = tr_actor_extra(parent);

	for (uint32_t unit = extra->children; unit != 0; unit = charge_at(unit)->record.older) {
		tr_charge *charge = charge_at(unit);

		if (!charge->record.supervised || charge->report == 0 || charge->step != STEADY || charge->order_is_away)
			continue;
		if (!charge->has_no_life) {
			send_order(context, charge, TR_ORDER_RESUME);
			continue;
		}
		charge->restarts = 0;
		restart(context, t, parent, charge);
	}
}

void
tr_supervise_child_left(tr_context *context, troupe *t, troupe_actor *parent)
{
	if (supervisor_of(parent) != NULL && supervisor_of(parent)->strategy != TROUPE_ONE_FOR_ONE &&
	    !tr_actor_is_ending(parent))
		advance_group(context, t, parent);
}
