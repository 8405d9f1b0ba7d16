/* SPDX-License-Identifier: MIT */
#include "runtime/actor/turn.h"

#include "runtime/actor/name.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/stop.h"

/* A chain of messages, oldest first. */
typedef struct list {
	uint32_t first, last; /* 0 is none */
} list;

typedef struct tr_turn {
	tr_context *context;
	troupe *t;
	troupe_actor *actor;
	troupe_receive *receive;
	void *state;
	uint32_t generation;
	uint32_t handled;
	int32_t pending;     /* messages taken and not handled, about: a backlog is kept in units */
	list control, urgent;
	list normal;
} tr_turn;

enum { GO_ON = -1 }; /* else a tr_turn_end */

/* --- Lists. --- */

static uint32_t
find_last(uint32_t unit)
{
	while (tr_message_from(unit)->next_unit != 0)
		unit = tr_message_from(unit)->next_unit;
	return unit;
}

static void
append(list *to, list what)
{
	if (what.first == 0)
		return;
	if (to->first == 0)
		*to = what;
	else {
		/* What a turn before left has no last yet: it is needed only here. */
		tr_message_from(to->last != 0 ? to->last : find_last(to->first))->next_unit = what.first;
		to->last = what.last;
	}
}

static void
prepend(list *to, uint32_t unit)
{
	tr_message_from(unit)->next_unit = to->first;
	to->first = unit;
	if (to->last == 0)
		to->last = unit;
}

static uint32_t
take_first(list *from)
{
	uint32_t unit = from->first;

	from->first = tr_message_from(unit)->next_unit;
	if (from->first == 0)
		from->last = 0;
	return unit;
}

/* Append a chain, newest first as the mailbox gives it, all of the normal lane.  Returns its length. */
static uint32_t
take_in_normal(tr_turn *turn, uint32_t newest)
{
	list chain = { .first = 0, .last = newest };
	uint32_t count = 0;

	for (uint32_t unit = newest, next; unit != 0; unit = next, count++) {
		troupe_msg *msg = tr_message_from(unit);

		next = msg->next_unit;
		msg->next_unit = chain.first;
		chain.first = unit;
	}
	append(&turn->normal, chain);
	return count;
}

/* The same for a chain of several lanes. */
static TR_COLD uint32_t
take_in_lanes(tr_turn *turn, uint32_t newest)
{
	list control = { 0, 0 }, urgent = { 0, 0 }, normal = { 0, 0 };
	uint32_t count = 0;

	for (uint32_t unit = newest, next; unit != 0; unit = next, count++) {
		const troupe_msg *msg = tr_message_from(unit);

		next = msg->next_unit;
		prepend(msg->flag_bits & TR_MSG_CONTROL   ? &control
		        : msg->flag_bits & TR_MSG_URGENT ? &urgent
		                                         : &normal,
		    unit);
	}
	append(&turn->control, control);
	append(&turn->urgent, urgent);
	append(&turn->normal, normal);
	return count;
}

static bool
has_upper(const tr_turn *turn)
{
	return (turn->control.first | turn->urgent.first) != 0;
}

/* So that this turn can clear the backlog; but a quantum of 1 means one message a turn. */
static void
raise_credit(tr_turn *turn)
{
	tr_worker *worker = &turn->context->worker;

	if (worker->credit < turn->pending && worker->quantum > 1)
		worker->credit = turn->pending;
}

/* Take what is new, and raise the credit so that this turn can clear it. */
static void
take_new(tr_turn *turn)
{
	uint32_t taken = tr_mailbox_take(&turn->actor->mailbox, turn->generation);
	uint32_t newest = taken & TR_MAILBOX_NEWEST;

	turn->pending += (int32_t)(TR_UNLIKELY(taken & TR_MAILBOX_URGENT) ? take_in_lanes(turn, newest)
	                                                                 : take_in_normal(turn, newest));
	raise_credit(turn);
}

/* --- Dead letters. --- */

static void
bury_one(tr_context *context, troupe *t, const troupe_dead_letter *form, troupe_msg *msg)
{
	if (!(msg->flag_bits & TR_MSG_CONTROL)) {
		troupe_dead_letter letter = *form;

		letter.msg = msg;
		tr_count(&context->visits[t->number].tally.dead, 1);
		if (t->options.dead_letter != NULL)
			t->options.dead_letter(t->options.context, &letter);
	}
	tr_message_release(&context->cache, msg);
}

void
tr_dead_list(tr_context *context, troupe *t, const troupe_dead_letter *form, uint32_t oldest)
{
	for (uint32_t unit = oldest, next; unit != 0; unit = next) {
		troupe_msg *msg = tr_message_from(unit);

		next = msg->next_unit;
		bury_one(context, t, form, msg);
	}
}

uint32_t
tr_dead_chain(tr_context *context, troupe *t, const troupe_dead_letter *form, uint32_t newest)
{
	tr_turn all = { .context = context };
	uint32_t count = take_in_lanes(&all, newest & TR_MAILBOX_NEWEST);

	tr_dead_list(context, t, form, all.control.first);
	tr_dead_list(context, t, form, all.urgent.first);
	tr_dead_list(context, t, form, all.normal.first);
	return count;
}

/* The messages of a turn whose actor stops. */
static void
bury_taken(tr_turn *turn)
{
	troupe_dead_letter form = tr_dead_form(turn->context, turn->actor);

	tr_dead_list(turn->context, turn->t, &form, turn->urgent.first);
	tr_dead_list(turn->context, turn->t, &form, turn->normal.first);
	turn->urgent = turn->normal = (list){ 0, 0 };
	turn->pending = 0;
}

/* --- The ends of a turn. --- */

static void
leave(tr_turn *turn)
{
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
	int32_t units = turn->pending / TR_BACKLOG_UNIT;

	if (has_upper(turn)) {
		list all = turn->control;

		append(&all, turn->urgent);
		append(&all, turn->normal);
		turn->normal = all;
		actor->flags |= TR_ACTOR_MIXED;
	}
	actor->mailbox.todo = turn->normal.first;
	actor->backlog = (uint8_t)(units < 0 ? 0 : units < UINT8_MAX ? units : UINT8_MAX);
	tr_name_hide(turn->context);
	leave(turn);
	return TR_TURN_MORE;
}

static enum tr_turn_end
finish(tr_turn *turn)
{
	troupe_dead_letter form = tr_dead_form(turn->context, turn->actor);
	uint32_t newest = tr_mailbox_close(&turn->actor->mailbox, turn->generation);

	bury_taken(turn);
	(void)tr_dead_chain(turn->context, turn->t, &form, newest);
	tr_stop_finish(turn->context, turn->t, turn->actor, turn->generation);
	leave(turn);
	return TR_TURN_GONE;
}

/* While children stop: only control messages are handled. */
static enum tr_turn_end
run_stopping(tr_turn *turn)
{
	for (;;) {
		while (turn->control.first != 0) {
			troupe_msg *msg = tr_message_from(take_first(&turn->control));

			if (tr_stop_control(turn->context, turn->t, turn->actor, msg))
				return finish(turn);
		}
		bury_taken(turn);
		if (!tr_mailbox_has_new(&turn->actor->mailbox) && try_leave_idle(turn))
			return TR_TURN_IDLE;
		take_new(turn);
	}
}

static enum tr_turn_end
stop_now(tr_turn *turn)
{
	if (tr_stop_begin(turn->context, turn->t, turn->actor, tr_stop_reason(turn->actor)))
		return finish(turn);
	return run_stopping(turn);
}

/* --- One message. --- */

/* Do what the callback asked for; GO_ON, or how the turn ended. */
static TR_COLD int
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
	return GO_ON;
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

/* Whether a turn has lasted too long: the first look at the clock sets the bound. */
static bool
is_late(tr_context *context, uint32_t handled)
{
	int64_t now = tr_clock_now();

	if (handled <= TR_LANE_TICKS * TR_CLOCK_LOOKS)
		context->turn_deadline = now + TR_TURN_NS;
	return now > context->turn_deadline;
}

/* Every TR_LANE_TICKS messages: what is urgent, and what time is it? */
static void
look_up(tr_turn *turn)
{
	if (tr_mailbox_has_urgent(&turn->actor->mailbox))
		take_new(turn);
	if (turn->handled % (TR_LANE_TICKS * TR_CLOCK_LOOKS) == 0 && is_late(turn->context, turn->handled))
		turn->context->worker.credit = 0;
}

/* Control and urgent messages; among the latter a normal one now and then. */
static TR_COLD int
serve_upper(tr_turn *turn)
{
	int end = GO_ON;

	for (uint32_t served = 1; has_upper(turn) && end == GO_ON; served++) {
		if (turn->control.first != 0) {
			troupe_msg *msg = tr_message_from(take_first(&turn->control));

			turn->pending--;
			tr_stop_control(turn->context, turn->t, turn->actor, msg);
		} else if (served % TR_LANE_TICKS == 0 && turn->normal.first != 0) {
			handle(turn, take_first(&turn->normal));
		} else {
			handle(turn, take_first(&turn->urgent));
		}
		if (served % TR_LANE_TICKS == 0)
			look_up(turn);
		if (turn->context->after != 0)
			end = settle(turn);
		if (end == GO_ON && --turn->context->worker.credit <= 0)
			end = leave_more(turn);
	}
	return end;
}

/* Nothing is left: drained, idle, or take what is new. */
static int
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
	return GO_ON;
}

/* An actor that is stopping, draining, or whose todo is of several lanes. */
static TR_COLD int
begin_special(tr_turn *turn)
{
	troupe_actor *actor = turn->actor;

	if (actor->flags & TR_ACTOR_MIXED) {
		list mixed = turn->normal;

		actor->flags &= (uint16_t)~TR_ACTOR_MIXED;
		turn->normal = (list){ 0, 0 };
		while (mixed.first != 0) {
			uint32_t unit = take_first(&mixed);
			const troupe_msg *msg = tr_message_from(unit);
			list one = { unit, unit };

			tr_message_from(unit)->next_unit = 0;
			append(msg->flag_bits & TR_MSG_CONTROL   ? &turn->control
			       : msg->flag_bits & TR_MSG_URGENT ? &turn->urgent
			                                        : &turn->normal,
			    one);
		}
	}
	if (actor->flags & TR_ACTOR_STOPPING)
		return run_stopping(turn);
	if (actor->flags & TR_ACTOR_STOP_WANTED)
		return stop_now(turn);
	return GO_ON;
}

static int
run_normal(tr_turn *turn)
{
	tr_context *context = turn->context;

	while (turn->normal.first != 0) {
		handle(turn, take_first(&turn->normal));
		if (context->after != 0) {
			int end = settle(turn);

			if (end != GO_ON)
				return end;
		}
		if (--context->worker.credit <= 0)
			return leave_more(turn);
		if (turn->handled % TR_LANE_TICKS == 0) {
			look_up(turn);
			if (has_upper(turn))
				return GO_ON;
		}
	}
	return GO_ON;
}

static enum tr_turn_end
go_on(tr_turn *turn, int end)
{
	while (end == GO_ON) {
		if (has_upper(turn))
			end = serve_upper(turn);
		else if (turn->normal.first != 0)
			end = run_normal(turn);
		else
			end = refill(turn);
	}
	return (enum tr_turn_end)end;
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
		.pending = (todo != 0) + actor->backlog * TR_BACKLOG_UNIT,
		.normal.first = todo,
	};

	actor->backlog = 0;
	raise_credit(&turn);
	tr_name_show(context, actor);
	return go_on(&turn, begin_special(&turn));
}

/* Why a plain turn stops being one. */
enum unusual { CALLBACK_ASKED, OUT_OF_CREDIT, TIME_TO_LOOK, LANES_CAME };

/* The same turn goes on, with everything that a plain one has not.  `taken` is new when LANES_CAME. */
static __attribute__((noinline)) enum tr_turn_end
become_any(tr_turn *turn, enum unusual why, uint32_t taken)
{
	tr_context *context = turn->context;
	int end = GO_ON;

	turn->t = context->current_runtime;
	turn->receive = tr_actor_receive(turn->actor);
	turn->state = tr_actor_state(turn->actor);
	switch (why) {
	case CALLBACK_ASKED:
		end = settle(turn);
		if (end == GO_ON && --context->worker.credit <= 0)
			end = leave_more(turn);
		break;
	case OUT_OF_CREDIT:
		end = leave_more(turn);
		break;
	case TIME_TO_LOOK:
		look_up(turn);
		break;
	case LANES_CAME:
		turn->pending += (int32_t)take_in_lanes(turn, taken & TR_MAILBOX_NEWEST);
		raise_credit(turn);
		break;
	}
	return go_on(turn, end);
}

/* A callback asked for something.  Most often to stop, with nothing waiting and no extra. */
static __attribute__((noinline)) enum tr_turn_end
settle_plain(tr_context *context, troupe_actor *actor, uint32_t generation, uint32_t unit, uint32_t handled,
    int32_t pending)
{
	if (context->after != TR_AFTER_STOP_NOW || actor->extra != 0 || unit != 0)
		return become_any(&(tr_turn){
		                      .context = context,
		                      .actor = actor,
		                      .generation = generation,
		                      .handled = handled,
		                      .pending = pending - (int32_t)handled,
		                      .normal.first = unit,
		                  },
		    CALLBACK_ASKED, 0);
	troupe *t = context->current_runtime;
	uint32_t newest = tr_mailbox_close(&actor->mailbox, generation);

	actor->flags |= TR_ACTOR_STOPPING;
	if (newest != TR_MAILBOX_EMPTY) {
		troupe_dead_letter form = tr_dead_form(context, actor);

		(void)tr_dead_chain(context, t, &form, newest);
	}
	tr_stop_finish(context, t, actor, generation);
	tr_count(&context->tally->handled, handled);
	return TR_TURN_GONE;
}

/* Once in TR_LANE_TICKS messages of a plain turn; true: there is a reason to end it. */
static __attribute__((noinline)) bool
must_look_up(tr_context *context, troupe_actor *actor, uint32_t handled)
{
	return tr_mailbox_has_urgent(&actor->mailbox) ||
	       (handled % (TR_LANE_TICKS * TR_CLOCK_LOOKS) == 0 && is_late(context, handled));
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
	    .normal.first = unit })

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
			if (TR_UNLIKELY(--context->worker.credit <= 0))
				return become_any(TURN_SO_FAR, OUT_OF_CREDIT, 0);
			if (TR_UNLIKELY(handled % TR_LANE_TICKS == 0) && must_look_up(context, actor, handled))
				return become_any(TURN_SO_FAR, TIME_TO_LOOK, 0);
		}
		if (TR_LIKELY(!tr_mailbox_has_new(&actor->mailbox) && tr_mailbox_try_idle(&actor->mailbox, generation))) {
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
		if (context->worker.credit < (int32_t)fresh && context->worker.quantum > 1)
			context->worker.credit = (int32_t)fresh;
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
	/* CX-none: for this thread, and for reports as it comes. */
	atomic_store_explicit(&context->self, (troupe_ref)generation << 32 | actor_unit, memory_order_relaxed);
	if (TR_UNLIKELY((actor->extra | actor->flags | actor->backlog) != 0))
		return run_any(context, actor, generation, unit);
	return run_plain(context, actor, generation, unit);
}

enum tr_turn_end
tr_turn_run(tr_context *context, uint32_t actor)
{
	return run(context, actor);
}

void
tr_turn_of_worker(tr_worker *worker, uint32_t actor)
{
	/* The worker is the first member of its context. */
	if (TR_UNLIKELY(run((tr_context *)worker, actor) == TR_TURN_MORE))
		worker->scheduler->put_back(worker, actor);
}
