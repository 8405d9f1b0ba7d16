/* SPDX-License-Identifier: MIT */
#include "runtime/actor/full_turn.h"

#include "runtime/actor/control.h"
#include "runtime/actor/delivery.h"
#include "runtime/actor/ending.h"
#include "runtime/actor/failure.h"
#include "runtime/actor/lanes.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/mishap.h"
#include "runtime/actor/name.h"
#include "runtime/actor/restart.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/stash.h"
#include "runtime/actor/stop.h"
#include "runtime/actor/timer.h"
#include "runtime/actor/turn_clock.h"

/* Take what is new, and raise the credit so that this turn can clear it. */
static void
take_new(tr_turn *turn)
{
	uint32_t taken = tr_mailbox_take(&turn->actor->mailbox, turn->generation);
	uint32_t newest = taken & TR_MAILBOX_NEWEST;

	turn->pending += (int32_t)(TR_UNLIKELY(taken & TR_MAILBOX_URGENT) ? tr_lanes_take_in(&turn->lanes, newest)
	                                                                 : tr_lanes_take_in_normal(&turn->lanes, newest));
	tr_mailbox_set_backlog(&turn->actor->mailbox, (uint32_t)turn->pending);
	tr_turn_raise_credit(turn->context, turn->pending);
}

/* The messages of a turn whose actor stops; what control messages are left say nothing new. */
static void
bury_taken(tr_turn *turn)
{
	troupe_dead_letter form = tr_letter_form(turn->context, turn->actor);

	tr_lanes_mix(&turn->lanes);
	tr_letter_bury(turn->context, turn->t, &form, turn->lanes.normal.first);
	turn->lanes.normal = (tr_chain){ 0, 0 };
	turn->pending = 0;
}

/* --- The ends of a turn. --- */

static void
leave_turn(tr_turn *turn)
{
	tr_worker *worker = &turn->context->worker;

	/* What a callback sent beyond its credit counts like what was handled. */
	tr_worker_count_turn(worker, turn->handled + (worker->credit < 0 ? (uint32_t)-worker->credit : 0));
	tr_count(&turn->context->tally->handled, turn->handled);
}

/* An actor that wants to know how long it has been idle was not, if it handled anything. */
static void
note_activity(const tr_turn *turn)
{
	const tr_extra *extra = tr_actor_extra(turn->actor);

	if (extra != NULL && extra->idle_timer != 0 && turn->handled > 0)
		tr_timer_note_activity(turn->t, extra);
}

/* Nobody's, unless a message came in. */
static bool
try_leave_idle(tr_turn *turn)
{
	note_activity(turn);
	tr_name_hide(turn->context);
	tr_mailbox_set_backlog(&turn->actor->mailbox, 0);
	if (tr_mailbox_try_idle(&turn->actor->mailbox, turn->generation)) {
		leave_turn(turn);
		return true;
	}
	if (TR_UNLIKELY(turn->actor->extra != 0))
		tr_name_show(turn->context, turn->actor);
	return false;
}

/* The turn is over, but the actor has more to do, or may have. */
static enum tr_turn_end
leave_more(tr_turn *turn)
{
	troupe_actor *actor = turn->actor;

	if (tr_lanes_have_upper(&turn->lanes)) {
		unsigned passed_over = (turn->passed_over + 1) % TR_ACTOR_PASSED_LIMIT;

		tr_lanes_mix(&turn->lanes);
		actor->flags |= (uint16_t)(TR_ACTOR_MIXED | passed_over << TR_ACTOR_PASSED_SHIFT);
	}
	note_activity(turn);
	actor->mailbox.todo = turn->lanes.normal.first;
	tr_mailbox_set_backlog(&actor->mailbox, turn->pending > 1 ? (uint32_t)turn->pending - 1 : 0);
	tr_name_hide(turn->context);
	leave_turn(turn);
	return TR_TURN_MORE;
}

/* So that the worker looks whether its pool stops. */
static enum tr_turn_end
leave_for_closer(tr_turn *turn)
{
	turn->context->worker.tick = TR_FAIR_TICKS;
	return leave_more(turn);
}

static enum tr_turn_end
finish_actor(tr_turn *turn)
{
	troupe_dead_letter form = tr_letter_form(turn->context, turn->actor);
	uint32_t newest = tr_mailbox_close(&turn->actor->mailbox, turn->generation);

	tr_stop_bury_aside(turn->context, turn->t, turn->actor, turn->generation);
	bury_taken(turn);
	(void)tr_letter_bury_taken(turn->context, turn->t, &form, newest);
	tr_stop_finish(turn->context, turn->t, turn->actor, turn->generation);
	leave_turn(turn);
	return TR_TURN_GONE;
}

static void
bury_next(tr_turn *turn)
{
	troupe_dead_letter form = tr_letter_form(turn->context, turn->actor);
	uint32_t unit = tr_chain_take(turn->lanes.urgent.first != 0 ? &turn->lanes.urgent : &turn->lanes.normal);

	tr_message_from(unit)->next_unit = 0;
	tr_letter_bury(turn->context, turn->t, &form, unit);
	turn->pending--;
}

/*
 * While children stop: only control messages are handled.  A turn of these is
 * short whatever comes in, for a child may wait for this very worker.
 */
static enum tr_turn_end
run_stopping(tr_turn *turn)
{
	for (int steps = 0; steps < TR_STOPPING_STEPS; steps++) {
		if (turn->lanes.control.first != 0) {
			troupe_msg *msg = tr_message_from(tr_chain_take(&turn->lanes.control));

			turn->pending--;
			if (tr_control_take(turn->context, turn->t, turn->actor, msg))
				return finish_actor(turn);
		} else if ((turn->lanes.urgent.first | turn->lanes.normal.first) != 0) {
			bury_next(turn);
		} else {
			if (!tr_mailbox_has_new(&turn->actor->mailbox) && try_leave_idle(turn))
				return TR_TURN_IDLE;
			take_new(turn);
		}
	}
	return leave_more(turn);
}

static enum tr_turn_end
stop_now(tr_turn *turn)
{
	if (tr_stop_begin(turn->context, turn->t, turn->actor, tr_actor_reason(turn->actor)))
		return finish_actor(turn);
	return run_stopping(turn);
}

/* --- Waiting for the supervisor. --- */

static enum tr_turn_end do_what_was_asked(tr_turn *turn);

/* All but control messages go aside: the actor may come to be idle. */
static void
hold_messages(tr_turn *turn)
{
	tr_extra *extra = tr_actor_extra(turn->actor);

	/* What the turn began with has no last; known here, the chain that grows has one. */
	if (turn->lanes.normal.first != 0 && turn->lanes.normal.last == 0)
		turn->lanes.normal.last = tr_chain_find_last(turn->lanes.normal.first);
	tr_chain_append(&extra->held, turn->lanes.urgent);
	tr_chain_append(&extra->held, turn->lanes.normal);
	turn->lanes.urgent = turn->lanes.normal = (tr_chain){ 0, 0 };
	turn->pending = 0;
}

/* It waits no more: what came in meanwhile is to be handled. */
static void
take_held(tr_turn *turn)
{
	tr_extra *extra = tr_actor_extra(turn->actor);
	tr_lanes held = { .normal = extra->held };

	extra->held = (tr_chain){ 0, 0 };
	for (uint32_t unit = held.normal.first; unit != 0; unit = tr_message_from(unit)->next_unit)
		turn->pending++;
	tr_lanes_sort(&held);
	tr_chain_prepend(&turn->lanes.control, held.control);
	tr_chain_prepend(&turn->lanes.urgent, held.urgent);
	tr_chain_prepend(&turn->lanes.normal, held.normal);
	turn->receive = tr_actor_receive(turn->actor);
}

/* Short like a turn of stopping, whatever comes in. */
static enum tr_turn_end
run_waiting(tr_turn *turn)
{
	for (int steps = 0; steps < TR_STOPPING_STEPS && !tr_turn_must_leave(turn->context); steps++) {
		if (turn->lanes.control.first != 0) {
			troupe_msg *msg = tr_message_from(tr_chain_take(&turn->lanes.control));

			turn->pending--;
			(void)tr_control_take(turn->context, turn->t, turn->actor, msg);
			if (!(turn->actor->flags & TR_ACTOR_WAITING))
				take_held(turn);
			if (turn->context->after != 0)
				return do_what_was_asked(turn);
			if (!(turn->actor->flags & TR_ACTOR_WAITING))
				return TR_TURN_ON;
			continue;
		}
		hold_messages(turn);
		if (!tr_mailbox_has_new(&turn->actor->mailbox) && try_leave_idle(turn))
			return TR_TURN_IDLE;
		take_new(turn);
	}
	return tr_turn_must_leave(turn->context) ? leave_for_closer(turn) : leave_more(turn);
}

/* The callback in hand has failed. */
static enum tr_turn_end
fail_actor(tr_turn *turn)
{
	tr_context *context = turn->context;

	tr_failure_settle(context, turn->t, turn->actor);
	context->after = 0;
	if (tr_restart_wait(context, turn->actor))
		return run_waiting(turn);
	tr_actor_set_reason(turn->actor, TROUPE_REASON_FAILED);
	return stop_now(turn);
}

/* --- One message. --- */

/* Do what the callback asked for; TR_TURN_ON, or how the turn ended. */
static TR_COLD enum tr_turn_end
do_what_was_asked(tr_turn *turn)
{
	unsigned after = turn->context->after;

	if (after & TR_AFTER_UNSTASH)
		turn->pending += (int32_t)tr_stash_return(turn->context, &turn->lanes);
	if (after & TR_AFTER_FAIL)
		return fail_actor(turn);
	turn->context->after = 0;
	if (after & TR_AFTER_BECOME)
		turn->receive = tr_actor_receive(turn->actor);
	if (after & TR_AFTER_STOP_NOW)
		return stop_now(turn);
	if (after & TR_AFTER_DRAIN)
		turn->actor->flags |= TR_ACTOR_DRAINING;
	return TR_TURN_ON;
}

static void
handle_message(tr_turn *turn, uint32_t unit)
{
	turn->pending--;
	/* An idle timer is to know what was handled before it in this very turn. */
	if (TR_UNLIKELY(tr_message_from(unit)->flag_bits & TR_MSG_CELL))
		note_activity(turn);
	if (tr_deliver(turn->context, turn->actor, turn->receive, turn->state, unit))
		turn->handled++;
}

/* Every TR_LANE_TICKS messages: what is urgent, and what time is it? */
static void
look_up(tr_turn *turn)
{
	if (tr_mailbox_has_urgent(&turn->actor->mailbox))
		take_new(turn);
	if (tr_turn_is_clock_look(++turn->looks) && tr_turn_is_late(turn->context))
		turn->context->worker.credit = 0;
}

/* Control and urgent messages; among the latter a normal one now and then. */
static TR_COLD enum tr_turn_end
serve_upper(tr_turn *turn)
{
	enum tr_turn_end end = TR_TURN_ON;

	for (uint32_t served = 1; tr_lanes_have_upper(&turn->lanes) && end == TR_TURN_ON; served++) {
		if (turn->lanes.control.first != 0) {
			troupe_msg *msg = tr_message_from(tr_chain_take(&turn->lanes.control));

			turn->pending--;
			(void)tr_control_take(turn->context, turn->t, turn->actor, msg);
		} else if ((turn->normal_is_due || served % TR_LANE_TICKS == 0) && turn->lanes.normal.first != 0) {
			turn->normal_is_due = false;
			handle_message(turn, tr_chain_take(&turn->lanes.normal));
		} else {
			handle_message(turn, tr_chain_take(&turn->lanes.urgent));
		}
		if (served % TR_LANE_TICKS == 0)
			look_up(turn);
		if (turn->context->after != 0)
			end = do_what_was_asked(turn);
		if (end == TR_TURN_ON && TR_UNLIKELY(turn->actor->flags & TR_ACTOR_WAITING))
			end = run_waiting(turn);
		if (end == TR_TURN_ON && tr_turn_must_leave(turn->context))
			return leave_for_closer(turn);
		if (end == TR_TURN_ON && --turn->context->worker.credit <= 0)
			end = leave_more(turn);
	}
	return end;
}

/* Nothing is left for an actor that drains; TR_TURN_ON: something came after all. */
static TR_COLD enum tr_turn_end
finish_drained(tr_turn *turn)
{
	troupe_actor *actor = turn->actor;
	const tr_extra *extra = tr_actor_extra(actor);

	/* What is stashed has been set aside for a later that does not come. */
	if (extra != NULL && (extra->child_count > 0 || extra->stash.first != 0))
		return stop_now(turn);
	actor->flags |= TR_ACTOR_STOPPING;
	tr_ending_run(turn->context, turn->t, actor, TROUPE_CANCELLED);
	if (!tr_mailbox_try_close(&actor->mailbox, turn->generation)) {
		actor->flags &= (uint16_t)~TR_ACTOR_STOPPING;
		return TR_TURN_ON;
	}
	tr_stop_finish(turn->context, turn->t, actor, turn->generation);
	leave_turn(turn);
	return TR_TURN_GONE;
}

/* Nothing is left: drained, idle, or take what is new. */
static enum tr_turn_end
take_more_or_leave(tr_turn *turn)
{
	if (!tr_mailbox_has_new(&turn->actor->mailbox)) {
		if (TR_UNLIKELY(turn->actor->flags & TR_ACTOR_DRAINING)) {
			enum tr_turn_end end = finish_drained(turn);

			if (end != TR_TURN_ON)
				return end;
		} else if (TR_LIKELY(try_leave_idle(turn))) {
			return TR_TURN_IDLE;
		}
	}
	take_new(turn);
	return TR_TURN_ON;
}

/* An actor that is stopping, draining, or whose todo is of several lanes. */
static TR_COLD enum tr_turn_end
begin_special(tr_turn *turn)
{
	troupe_actor *actor = turn->actor;

	if (actor->flags & TR_ACTOR_MIXED) {
		turn->passed_over = actor->flags >> TR_ACTOR_PASSED_SHIFT & (TR_ACTOR_PASSED_LIMIT - 1);
		turn->normal_is_due = turn->passed_over == TR_ACTOR_PASSED_LIMIT - 1;
		actor->flags &= (uint16_t)~(TR_ACTOR_MIXED | (TR_ACTOR_PASSED_LIMIT - 1) << TR_ACTOR_PASSED_SHIFT);
		tr_lanes_sort(&turn->lanes);
	}
	if (actor->flags & TR_ACTOR_STOPPING)
		return run_stopping(turn);
	if (actor->flags & TR_ACTOR_STOP_WANTED)
		return stop_now(turn);
	if (actor->flags & TR_ACTOR_WAITING)
		return run_waiting(turn);
	/* Turns may be shorter than TR_LANE_TICKS messages: upper lanes are looked at in each. */
	if (tr_mailbox_has_urgent(&actor->mailbox))
		take_new(turn);
	return TR_TURN_ON;
}

static enum tr_turn_end
run_normal(tr_turn *turn)
{
	tr_context *context = turn->context;

	while (turn->lanes.normal.first != 0) {
		handle_message(turn, tr_chain_take(&turn->lanes.normal));
		if (context->after != 0) {
			enum tr_turn_end end = do_what_was_asked(turn);

			if (end != TR_TURN_ON)
				return end;
		}
		if (tr_turn_must_leave(context))
			return leave_for_closer(turn);
		if (--context->worker.credit <= 0)
			return leave_more(turn);
		if (turn->handled % TR_LANE_TICKS == 0) {
			look_up(turn);
			if (tr_lanes_have_upper(&turn->lanes))
				return TR_TURN_ON;
		}
	}
	return TR_TURN_ON;
}

static enum tr_turn_end
go_on(tr_turn *turn, enum tr_turn_end end)
{
	while (end == TR_TURN_ON) {
		if (tr_lanes_have_upper(&turn->lanes))
			end = serve_upper(turn);
		else if (turn->lanes.normal.first != 0)
			end = run_normal(turn);
		else
			end = take_more_or_leave(turn);
	}
	return end;
}

/* --- The turn. --- */

enum tr_turn_end
tr_full_turn(tr_context *context, troupe_actor *actor, uint32_t generation, uint32_t todo)
{
	tr_turn turn = {
		.context = context,
		.t = context->current_runtime,
		.actor = actor,
		.receive = tr_actor_receive(actor),
		.state = tr_actor_state(actor),
		.generation = generation,
		.pending = (todo != 0) + (int32_t)tr_mailbox_waiting(&actor->mailbox),
		.lanes.normal.first = todo,
	};

	if (TR_UNLIKELY(context->mishap != 0))
		turn.receive = tr_mishap_receive(context);
	tr_turn_raise_credit(context, turn.pending);
	tr_name_show(context, actor);
	return go_on(&turn, begin_special(&turn));
}

enum tr_turn_end
tr_full_turn_resume(tr_turn *turn, enum tr_unusual why, uint32_t taken)
{
	tr_context *context = turn->context;
	enum tr_turn_end end = TR_TURN_ON;

	turn->t = context->current_runtime;
	turn->receive = tr_actor_receive(turn->actor);
	turn->state = tr_actor_state(turn->actor);
	switch (why) {
	case TR_CALLBACK_ASKED:
		end = do_what_was_asked(turn);
		if (end == TR_TURN_ON && --context->worker.credit <= 0)
			end = leave_more(turn);
		break;
	case TR_CLOSER_WAITS:
		end = leave_for_closer(turn);
		break;
	case TR_OUT_OF_CREDIT:
		end = leave_more(turn);
		break;
	case TR_TIME_TO_LOOK:
		look_up(turn);
		break;
	case TR_LANES_CAME:
		turn->pending += (int32_t)tr_lanes_take_in(&turn->lanes, taken & TR_MAILBOX_NEWEST);
		tr_turn_raise_credit(turn->context, turn->pending);
		break;
	}
	return go_on(turn, end);
}
