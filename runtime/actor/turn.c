/* SPDX-License-Identifier: MIT */
#include "runtime/actor/turn.h"

#include "runtime/actor/lanes.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/name.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/stop.h"
#include "runtime/actor/turn_clock.h"

typedef struct tr_turn {
	tr_context *context;
	troupe *t;
	troupe_actor *actor;
	troupe_receive *receive;
	void *state;
	uint32_t generation;
	uint32_t handled;
	int32_t pending;     /* messages taken and not handled */
	uint32_t looks;      /* at the lanes and the clock */
	unsigned passed_over; /* turns in a row before this one that ended with upper lanes left */
	bool normal_is_due;  /* one normal message goes before the urgent ones */
	tr_lanes lanes;
} tr_turn;

/* So that this turn can clear what was taken; but a quantum of 1 means one message a turn. */
static void
raise_credit(tr_context *context, int32_t pending)
{
	tr_worker *worker = &context->worker;

	if (worker->quantum > 1 && worker->credit < pending)
		worker->credit = pending;
	if (pending >= TR_FLOOD && worker->pool != NULL)
		tr_governor_flood(&worker->pool->governor);
}

/* Take what is new, and raise the credit so that this turn can clear it. */
static void
take_new(tr_turn *turn)
{
	uint32_t taken = tr_mailbox_take(&turn->actor->mailbox, turn->generation);
	uint32_t newest = taken & TR_MAILBOX_NEWEST;

	turn->pending += (int32_t)(TR_UNLIKELY(taken & TR_MAILBOX_URGENT) ? tr_lanes_take_in(&turn->lanes, newest)
	                                                                 : tr_lanes_take_in_normal(&turn->lanes, newest));
	raise_credit(turn->context, turn->pending);
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
leave(tr_turn *turn)
{
	tr_worker *worker = &turn->context->worker;

	/* What a callback sent beyond its credit counts like what was handled. */
	tr_worker_count_turn(worker, turn->handled + (worker->credit < 0 ? (uint32_t)-worker->credit : 0));
	tr_count(&turn->context->tally->handled, turn->handled);
}

/* Nobody's, unless a message came in. */
static bool
try_leave_idle(tr_turn *turn)
{
	tr_name_hide(turn->context);
	if (tr_mailbox_try_idle(&turn->actor->mailbox, turn->generation)) {
		leave(turn);
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
	actor->mailbox.todo = turn->lanes.normal.first;
	actor->mailbox.backlog = turn->pending > 1 ? (uint32_t)turn->pending - 1 : 0;
	tr_name_hide(turn->context);
	leave(turn);
	return TR_TURN_MORE;
}

static enum tr_turn_end
finish(tr_turn *turn)
{
	troupe_dead_letter form = tr_letter_form(turn->context, turn->actor);
	uint32_t newest = tr_mailbox_close(&turn->actor->mailbox, turn->generation);

	bury_taken(turn);
	(void)tr_letter_bury_taken(turn->context, turn->t, &form, newest);
	tr_stop_finish(turn->context, turn->t, turn->actor, turn->generation);
	leave(turn);
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
			if (tr_stop_control(turn->context, turn->t, turn->actor, msg))
				return finish(turn);
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
	if (tr_stop_begin(turn->context, turn->t, turn->actor, tr_stop_reason(turn->actor)))
		return finish(turn);
	return run_stopping(turn);
}

/* --- One message. --- */

/* Do what the callback asked for; TR_TURN_ON, or how the turn ended. */
static TR_COLD enum tr_turn_end
settle(tr_turn *turn)
{
	unsigned after = turn->context->after;

	turn->context->after = 0;
	if (after & TR_AFTER_BECOME)
		turn->receive = tr_actor_receive(turn->actor);
	if (after & TR_AFTER_STOP_NOW)
		return stop_now(turn);
	if (after & TR_AFTER_DRAIN)
		turn->actor->flags |= TR_ACTOR_DRAINING;
	return TR_TURN_ON;
}

/* The message after a callback, unless it was kept or forwarded. */
static __attribute__((noinline)) void
end_unusual(tr_context *context)
{
	if (context->msg != NULL)
		tr_message_release(&context->cache, context->msg);
}

TR_INLINE void
call(tr_context *context, troupe_actor *actor, troupe_receive *receive, void *state, uint32_t unit)
{
	troupe_msg *msg = tr_message_from(unit);

	context->msg = msg;
	/* CX-none: for reports as it comes. */
	atomic_store_explicit(&context->running_type, msg->type, memory_order_relaxed);
	receive(actor, state, msg);
	if (TR_LIKELY(context->msg == msg && msg->flag_bits == 0))
		tr_cache_give_message(&context->cache, 0, unit);
	else
		end_unusual(context);
}

static void
handle(tr_turn *turn, uint32_t unit)
{
	call(turn->context, turn->actor, turn->receive, turn->state, unit);
	turn->handled++;
	turn->pending--;
}

/* A closer does not let a turn go on. */
static bool
must_leave(const tr_context *context)
{
	/* CX-none: seen when it is. */
	return atomic_load_explicit(&context->leave, memory_order_relaxed) != 0;
}

/* So that the worker looks whether its pool stops. */
static enum tr_turn_end
leave_for_closer(tr_turn *turn)
{
	turn->context->worker.tick = TR_FAIR_TICKS;
	return leave_more(turn);
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
			tr_stop_control(turn->context, turn->t, turn->actor, msg);
		} else if ((turn->normal_is_due || served % TR_LANE_TICKS == 0) && turn->lanes.normal.first != 0) {
			turn->normal_is_due = false;
			handle(turn, tr_chain_take(&turn->lanes.normal));
		} else {
			handle(turn, tr_chain_take(&turn->lanes.urgent));
		}
		if (served % TR_LANE_TICKS == 0)
			look_up(turn);
		if (turn->context->after != 0)
			end = settle(turn);
		if (end == TR_TURN_ON && must_leave(turn->context))
			return leave_for_closer(turn);
		if (end == TR_TURN_ON && --turn->context->worker.credit <= 0)
			end = leave_more(turn);
	}
	return end;
}

/* Nothing is left: drained, idle, or take what is new. */
static enum tr_turn_end
refill(tr_turn *turn)
{
	troupe_actor *actor = turn->actor;

	if (!tr_mailbox_has_new(&actor->mailbox)) {
		if (TR_UNLIKELY(actor->flags & TR_ACTOR_DRAINING)) {
			const tr_extra *extra = tr_actor_extra(actor);

			if (extra != NULL && extra->child_count > 0)
				return stop_now(turn);
			if (tr_mailbox_try_close(&actor->mailbox, turn->generation)) {
				actor->flags |= TR_ACTOR_STOPPING;
				tr_stop_finish(turn->context, turn->t, actor, turn->generation);
				leave(turn);
				return TR_TURN_GONE;
			}
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
		handle(turn, tr_chain_take(&turn->lanes.normal));
		if (context->after != 0) {
			enum tr_turn_end end = settle(turn);

			if (end != TR_TURN_ON)
				return end;
		}
		if (must_leave(context))
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
			end = refill(turn);
	}
	return end;
}

/* --- The turn. --- */

static __attribute__((noinline)) enum tr_turn_end
run_any(tr_context *context, troupe_actor *actor, uint32_t generation, uint32_t todo)
{
	tr_turn turn = {
		.context = context,
		.t = context->current_runtime,
		.actor = actor,
		.receive = tr_actor_receive(actor),
		.state = tr_actor_state(actor),
		.generation = generation,
		.pending = (todo != 0) + (int32_t)actor->mailbox.backlog,
		.lanes.normal.first = todo,
	};

	actor->mailbox.backlog = 0;
	raise_credit(context, turn.pending);
	tr_name_show(context, actor);
	return go_on(&turn, begin_special(&turn));
}

/* Why a plain turn stops being one. */
enum unusual { CALLBACK_ASKED, CLOSER_WAITS, OUT_OF_CREDIT, TIME_TO_LOOK, LANES_CAME };

/* The same turn goes on, with everything that a plain one has not.  `taken` is new when LANES_CAME. */
static __attribute__((noinline)) enum tr_turn_end
become_any(tr_turn *turn, enum unusual why, uint32_t taken)
{
	tr_context *context = turn->context;
	enum tr_turn_end end = TR_TURN_ON;

	turn->t = context->current_runtime;
	turn->receive = tr_actor_receive(turn->actor);
	turn->state = tr_actor_state(turn->actor);
	switch (why) {
	case CALLBACK_ASKED:
		end = settle(turn);
		if (end == TR_TURN_ON && --context->worker.credit <= 0)
			end = leave_more(turn);
		break;
	case CLOSER_WAITS:
		end = leave_for_closer(turn);
		break;
	case OUT_OF_CREDIT:
		end = leave_more(turn);
		break;
	case TIME_TO_LOOK:
		look_up(turn);
		break;
	case LANES_CAME:
		turn->pending += (int32_t)tr_lanes_take_in(&turn->lanes, taken & TR_MAILBOX_NEWEST);
		raise_credit(turn->context, turn->pending);
		break;
	}
	return go_on(turn, end);
}

static __attribute__((noinline)) enum tr_turn_end
settle_unusual(tr_context *context, troupe_actor *actor, uint32_t generation, uint32_t unit, uint32_t handled,
    int32_t pending)
{
	tr_turn turn = {
		.context = context,
		.actor = actor,
		.generation = generation,
		.handled = handled,
		.pending = pending - (int32_t)handled,
		.lanes.normal.first = unit,
	};

	return become_any(&turn, CALLBACK_ASKED, 0);
}

static __attribute__((noinline)) enum tr_turn_end
bury_rest(tr_context *context, troupe_actor *actor, uint32_t generation, uint32_t newest)
{
	troupe_dead_letter form = tr_letter_form(context, actor);

	(void)tr_letter_bury_taken(context, context->current_runtime, &form, newest);
	tr_stop_finish(context, context->current_runtime, actor, generation);
	return TR_TURN_GONE;
}

/* A callback asked for something.  Most often to stop, with nothing waiting, no stop callback and no extra. */
static __attribute__((noinline)) enum tr_turn_end
settle_plain(tr_context *context, troupe_actor *actor, uint32_t generation, uint32_t unit, uint32_t handled,
    int32_t pending)
{
	if (TR_UNLIKELY(context->after != TR_AFTER_STOP_NOW || actor->extra != 0 || unit != 0))
		return settle_unusual(context, actor, generation, unit, handled, pending);
	actor->flags |= TR_ACTOR_STOPPING;
	tr_count(&context->tally->handled, handled);
	uint32_t newest = tr_mailbox_close(&actor->mailbox, generation);

	if (TR_UNLIKELY(newest != TR_MAILBOX_EMPTY))
		return bury_rest(context, actor, generation, newest);
	tr_stop_finish(context, context->current_runtime, actor, generation);
	return TR_TURN_GONE;
}

/* Once in TR_LANE_TICKS messages of a plain turn; true: there is a reason to end it. */
static __attribute__((noinline)) bool
must_look_up(tr_context *context, troupe_actor *actor, uint32_t handled)
{
	return tr_mailbox_has_urgent(&actor->mailbox) ||
	       (tr_turn_is_clock_look(handled / TR_LANE_TICKS) && tr_turn_is_late(context));
}

/*
 * The turn of an actor with nothing unusual about it.  All that it needs is
 * in local variables: what is unusual is handed to the functions above, with
 * what they need to go on from there.
 */
TR_INLINE enum tr_turn_end
run_plain(tr_context *context, troupe_actor *actor, uint32_t generation, uint32_t unit)
{
	troupe_receive *receive = tr_actor_class(actor)->receive;
	void *state = actor + 1;
	uint32_t handled = 0;
	int32_t pending = 1;

#define TURN_SO_FAR                                                                                                    \
	(&(tr_turn){ .context = context,                                                                               \
	    .actor = actor,                                                                                            \
	    .generation = generation,                                                                                  \
	    .handled = handled,                                                                                        \
	    .pending = pending - (int32_t)handled,                                                                     \
	    .lanes.normal.first = unit })

	for (;;) {
		while (unit != 0) {
			uint32_t this_unit = unit;

			unit = tr_message_from(unit)->next_unit;
			if (unit != 0)
				__builtin_prefetch(tr_message_at(unit));
			call(context, actor, receive, state, this_unit);
			handled++;
			if (TR_UNLIKELY(context->after != 0))
				return settle_plain(context, actor, generation, unit, handled, pending);
			if (TR_UNLIKELY(must_leave(context)))
				return become_any(TURN_SO_FAR, CLOSER_WAITS, 0);
			if (TR_UNLIKELY(--context->worker.credit <= 0))
				return become_any(TURN_SO_FAR, OUT_OF_CREDIT, 0);
			if (TR_UNLIKELY(handled % TR_LANE_TICKS == 0)) {
				if (must_look_up(context, actor, handled))
					return become_any(TURN_SO_FAR, TIME_TO_LOOK, 0);
				/* The governor reads the counter: a long turn must not look like none. */
				if (handled == TR_LANE_TICKS * TR_CLOCK_LOOKS) {
					tr_count(&context->tally->handled, handled);
					tr_worker_count_turn(&context->worker, handled);
					pending -= (int32_t)handled;
					handled = 0;
				}
			}
		}
		if (TR_LIKELY(!tr_mailbox_has_new(&actor->mailbox) && tr_mailbox_try_idle(&actor->mailbox, generation))) {
			tr_worker_count_turn(&context->worker, handled);
			tr_count(&context->tally->handled, handled);
			return TR_TURN_IDLE;
		}
		uint32_t taken = tr_mailbox_take(&actor->mailbox, generation);

		if (TR_UNLIKELY(taken & TR_MAILBOX_URGENT))
			return become_any(TURN_SO_FAR, LANES_CAME, taken);
		uint32_t fresh = 0;

		for (; taken != 0; fresh++) {
			troupe_msg *msg = tr_message_from(taken);
			uint32_t older = msg->next_unit;

			msg->next_unit = unit;
			unit = taken;
			taken = older;
		}
		pending = (int32_t)(handled + fresh);
		if (TR_UNLIKELY(context->worker.credit < (int32_t)fresh))
			raise_credit(context, (int32_t)fresh);
	}
#undef TURN_SO_FAR
}

TR_INLINE enum tr_turn_end
run(tr_context *context, uint32_t actor_unit)
{
	troupe_actor *actor = tr_actor_at(actor_unit);
	uint32_t generation = tr_mailbox_own_generation(&actor->mailbox);
	uint32_t unit = actor->mailbox.todo;

	actor->mailbox.todo = 0;
	context->worker.credit = context->worker.quantum;
	context->current = actor;
	context->after = 0;
	context->turn_deadline = 0;
	/* CX-none: for this thread, and for reports as it comes. */
	atomic_store_explicit(&context->self, (troupe_ref)generation << 32 | actor_unit, memory_order_relaxed);
	if (TR_UNLIKELY((actor->extra | actor->flags | actor->mailbox.backlog) != 0))
		return run_any(context, actor, generation, unit);
	return run_plain(context, actor, generation, unit);
}

enum tr_turn_end
tr_turn_run(tr_context *context, uint32_t actor)
{
	return run(context, actor);
}

TR_INLINE void
run_and_put_back(tr_worker *worker, uint32_t actor)
{
	/* The worker is the first member of its context. */
	if (TR_UNLIKELY(run((tr_context *)worker, actor) == TR_TURN_MORE))
		worker->scheduler->put_back(worker, actor);
}

void
tr_turn_of_worker(tr_worker *worker, uint32_t actor)
{
	run_and_put_back(worker, actor);
}

/* The whole loop in one function: what a turn needs stays in registers from one to the next. */
void
tr_turns_of_worker(tr_worker *worker)
{
	uint32_t actor;

	while ((actor = tr_worker_next(worker)) != 0)
		run_and_put_back(worker, actor);
}
