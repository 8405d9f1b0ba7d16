/* SPDX-License-Identifier: MIT */
#include "runtime/actor/turn.h"

#include "runtime/actor/delivery.h"
#include "runtime/actor/full_turn.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/stop.h"
#include "runtime/actor/turn_clock.h"

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

	return tr_full_turn_resume(&turn, TR_CALLBACK_ASKED, 0);
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

/* Messages of the normal lane, linked newest first: *oldest is the first of them.  Returns how many. */
TR_INLINE uint32_t
put_in_order(uint32_t newest, uint32_t *oldest)
{
	uint32_t count = 0;

	for (*oldest = 0; newest != 0; count++) {
		troupe_msg *msg = tr_message_from(newest);
		uint32_t older = msg->next_unit;

		msg->next_unit = *oldest;
		*oldest = newest;
		newest = older;
	}
	return count;
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
	uint32_t fresh = 0;

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
			if (TR_LIKELY(tr_deliver(context, actor, receive, state, this_unit)))
				handled++;
			else
				pending--;
			if (TR_UNLIKELY(context->after != 0))
				return settle_plain(context, actor, generation, unit, handled, pending);
			if (TR_UNLIKELY(tr_turn_must_leave(context)))
				return tr_full_turn_resume(TURN_SO_FAR, TR_CLOSER_WAITS, 0);
			if (TR_UNLIKELY(--context->worker.credit <= 0))
				return tr_full_turn_resume(TURN_SO_FAR, TR_OUT_OF_CREDIT, 0);
			if (TR_UNLIKELY(handled % TR_LANE_TICKS == 0)) {
				if (must_look_up(context, actor, handled))
					return tr_full_turn_resume(TURN_SO_FAR, TR_TIME_TO_LOOK, 0);
				/* The governor reads the counter: a long turn must not look like none. */
				if (handled == TR_LANE_TICKS * TR_CLOCK_LOOKS) {
					tr_count(&context->tally->handled, handled);
					tr_worker_count_turn(&context->worker, handled);
					pending -= (int32_t)handled;
					handled = 0;
				}
			}
		}
		if (fresh != 0)
			tr_mailbox_set_backlog(&actor->mailbox, 0);
		if (TR_LIKELY(!tr_mailbox_has_new(&actor->mailbox) && tr_mailbox_try_idle(&actor->mailbox, generation))) {
			tr_worker_count_turn(&context->worker, handled);
			tr_count(&context->tally->handled, handled);
			return TR_TURN_IDLE;
		}
		uint32_t taken = tr_mailbox_take(&actor->mailbox, generation);

		if (TR_UNLIKELY(taken & TR_MAILBOX_URGENT))
			return tr_full_turn_resume(TURN_SO_FAR, TR_LANES_CAME, taken);
		fresh = put_in_order(taken, &unit);
		pending = (int32_t)(handled + fresh);
		tr_mailbox_set_backlog(&actor->mailbox, fresh);
		if (TR_UNLIKELY(context->worker.credit < (int32_t)fresh))
			tr_turn_raise_credit(context, (int32_t)fresh);
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
	if (TR_UNLIKELY((actor->extra | actor->flags | tr_mailbox_waiting(&actor->mailbox)) != 0))
		return tr_full_turn(context, actor, generation, unit);
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
