/* SPDX-License-Identifier: MIT */
#include "runtime/actor/children.h"
#include "runtime/actor/dedicated.h"
#include "runtime/actor/ending.h"
#include "runtime/actor/error.h"
#include "runtime/actor/failure.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/name.h"
#include "runtime/actor/post.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/stop.h"
#include "runtime/engine/simulated.h"
#include "runtime/memory/fault.h"

/*
 * spawn -- how an actor comes to life: memory, state, the parent's record, a
 * thread if it is dedicated, its start callback; and back if any of it fails.
 */

#define CLASS_FLAGS (unsigned)(TROUPE_DEDICATED | TROUPE_BUSY)

/* What a callback has left to be done when it returns; only with TR_AFTER_FAIL or _UNSTASH is there anything. */
typedef struct left_over {
	troupe_msg *failed_msg;
	tr_chain unstashed;
	uint32_t unstashed_count;
	int failure_code;
	char failure_text[TROUPE_FAILURE_MAX + 1];
} left_over;

/* What the thread was doing before a start callback of another actor is called in it. */
typedef struct outer_call {
	troupe_actor *current;
	troupe *current_runtime;
	troupe_msg *msg;
	troupe_ref self;
	uint32_t running_type;
	uint8_t after;
	bool in_answer, failing;
	left_over left;
} outer_call;

#define LEAVES_MORE (TR_AFTER_FAIL | TR_AFTER_UNSTASH)

static TR_COLD void
save_left_over(tr_context *context, left_over *left)
{
	left->failed_msg = context->failed_msg;
	left->unstashed = context->unstashed;
	left->unstashed_count = context->unstashed_count;
	left->failure_code = context->failure_code;
	memcpy(left->failure_text, context->failure_text, sizeof left->failure_text);
	context->failed_msg = NULL;
	context->unstashed = (tr_chain){ 0, 0 };
	context->unstashed_count = 0;
}

static TR_COLD void
restore_left_over(tr_context *context, const left_over *left)
{
	context->failed_msg = left->failed_msg;
	context->unstashed = left->unstashed;
	context->unstashed_count = left->unstashed_count;
	context->failure_code = left->failure_code;
	memcpy(context->failure_text, left->failure_text, sizeof left->failure_text);
}

static void
enter_start(tr_context *context, troupe *t, troupe_actor *actor, troupe_ref ref, outer_call *outer)
{
	outer->current = context->current;
	outer->current_runtime = context->current_runtime;
	outer->msg = context->msg;
	outer->self = tr_context_self(context);
	/* CX-none: this thread's own. */
	outer->running_type = atomic_load_explicit(&context->running_type, memory_order_relaxed);
	outer->after = context->after;
	outer->in_answer = context->in_answer;
	outer->failing = context->failing;
	if (TR_UNLIKELY(outer->after & LEAVES_MORE))
		save_left_over(context, &outer->left);

	tr_name_hide(context);
	context->current = actor;
	context->current_runtime = t;
	context->after = 0;
	context->in_answer = context->failing = false;
	tr_context_empty_hand(context);
	/* CX-none: for this thread, and for reports as it comes. */
	atomic_store_explicit(&context->self, ref, memory_order_relaxed);
}

static void
leave_start(tr_context *context, const outer_call *outer)
{
	tr_name_hide(context);
	context->current = outer->current;
	context->current_runtime = outer->current_runtime;
	context->msg = outer->msg;
	context->after = outer->after;
	context->in_answer = outer->in_answer;
	context->failing = outer->failing;
	if (TR_UNLIKELY(outer->after & LEAVES_MORE))
		restore_left_over(context, &outer->left);
	/* CX-none: for this thread, and for reports as it comes. */
	atomic_store_explicit(&context->self, outer->self, memory_order_relaxed);
	atomic_store_explicit(&context->running_type, outer->running_type, memory_order_relaxed);
	if (outer->current != NULL)
		tr_name_show(context, outer->current);
}

/* --- Memory. --- */

/* Everything of the header but the mailbox. */
TR_INLINE void
prepare(troupe_actor *actor, const troupe *t, const troupe_class *class_, unsigned flags)
{
	actor->extra = 0;
	tr_actor_set_phase(actor, TR_PHASE_NONE);
	actor->flags = (uint16_t)flags;
	/* AC-none: published with the mailbox word. */
	atomic_store_explicit(&actor->kind, class_, memory_order_relaxed);
	/* CX-none: published with the mailbox word. */
	atomic_store_explicit(&actor->home, t->number, memory_order_relaxed);
}

static troupe_actor *
allocate(tr_context *context, troupe *t, const troupe_class *class_)
{
	unsigned flags = class_->flags & TROUPE_BUSY ? TR_ACTOR_BUSY : 0;
	size_t offset = tr_state_offset(flags);
	bool on_heap = class_->state_size > TR_INLINE_STATE + sizeof(troupe_actor) - offset;
	unsigned slot = tr_size_class(offset + (on_heap ? sizeof(void *) : class_->state_size));
	uint32_t unit = tr_cache_take_actor(&context->cache, slot);

	if (unit == 0)
		return NULL;
	troupe_actor *actor = tr_actor_at(unit);
	char *inline_state = (char *)actor + offset;

	if (on_heap) {
		void *state = tr_heap_take_zeroed(class_->state_size);

		if (state == NULL) {
			tr_cache_give_actor(&context->cache, slot, unit);
			return NULL;
		}
		*(void **)(void *)inline_state = state;
		flags |= TR_ACTOR_HEAP_STATE;
	} else {
		memset(inline_state, 0, class_->state_size);
	}
	prepare(actor, t, class_, flags);
	return actor;
}

/* --- The steps that most spawns have not. --- */

/* The parent of the spawned is what the thread runs.  false: out of memory. */
static bool
adopt(tr_context *context, troupe_actor *parent, troupe_actor *child, troupe_ref ref, const void *argument)
{
	tr_extra *extra = tr_actor_make_extra(&context->cache, child);

	if (extra == NULL)
		return false;
	tr_record *record = tr_children_add(context, parent, child, ref, argument);
	if (record == NULL)
		return false;
	extra->parent = tr_context_self(context);
	extra->record = tr_message_unit(record);
	return true;
}

/* Under the simulated scheduler all take turns on one thread: that is its point. */
static bool
wants_thread(const troupe *t, const troupe_class *class_)
{
	return class_->flags & TROUPE_DEDICATED && t->options.scheduler != TROUPE_SCHEDULER_SIMULATED;
}

static bool
give_thread(tr_context *context, troupe *t, troupe_actor *actor)
{
	tr_extra *extra = tr_actor_make_extra(&context->cache, actor);

	if (extra == NULL)
		return false;
	extra->dedicated = tr_dedicated_create(t, actor);
	if (extra->dedicated == NULL)
		return false;
	actor->flags |= TR_ACTOR_DEDICATED;
	return true;
}

/* What start began ends in the actor's name, like start itself. */
static void
end_under_way(tr_context *context, troupe *t, troupe_actor *actor, troupe_ref ref)
{
	outer_call outer;

	enter_start(context, t, actor, ref, &outer);
	actor->flags |= TR_ACTOR_STOPPING;
	tr_ending_run(context, t, actor, TROUPE_CANCELLED);
	leave_start(context, &outer);
}

/*
 * End an actor that did not come to life.  Its own children, if start had
 * any, are stopped in a turn of its own; in that case the parent hears of it
 * like of any end.
 */
static void
undo(tr_context *context, troupe *t, troupe_actor *actor, uint32_t generation, troupe_actor *parent)
{
	tr_extra *extra = tr_actor_extra(actor);

	actor->flags |= TR_ACTOR_REFUSED;
	if (extra != NULL && extra->child_count > 0) {
		actor->flags |= TR_ACTOR_STOP_WANTED;
		tr_schedule(context, t, actor);
		return;
	}
	if (extra != NULL && extra->cells != 0)
		end_under_way(context, t, actor, tr_actor_ref(actor, generation));
	if (extra != NULL && extra->dedicated != NULL)
		tr_dedicated_dismiss(extra->dedicated);
	if (extra != NULL && extra->parent != 0) {
		tr_children_remove(context, parent, extra->record);
		extra->parent = 0;
	}
	troupe_dead_letter form = tr_letter_form(context, actor);

	form.target = tr_actor_ref(actor, generation);
	(void)tr_letter_bury_taken(context, t, &form, tr_mailbox_close(&actor->mailbox, generation));
	tr_stop_finish(context, t, actor, generation);
	/* Its name went, and with it what reports say of this thread. */
	if (context->current != NULL)
		tr_name_show(context, context->current);
}

/* Nobody has claimed the actor yet: let it be claimed, or run if there is a reason already. */
static void
release_to_senders(tr_context *context, troupe *t, troupe_actor *actor, uint32_t generation, unsigned after)
{
	if (after & TR_AFTER_STOP_NOW)
		actor->flags |= TR_ACTOR_STOP_WANTED;
	else if (after & TR_AFTER_DRAIN)
		actor->flags |= TR_ACTOR_DRAINING;
	else if (tr_mailbox_try_idle(&actor->mailbox, generation))
		return;
	tr_schedule(context, t, actor);
}

/* What a start came to: 0, or what it refused or failed with. */
typedef struct start_result {
	int refusal;
	bool failed;
	unsigned after; /* what it asked for */
	char text[TROUPE_FAILURE_MAX + 1]; /* why it failed */
} start_result;

static void
call_start(tr_context *context, troupe *t, troupe_actor *actor, troupe_ref ref, const void *argument,
    start_result *result)
{
	outer_call outer;

	enter_start(context, t, actor, ref, &outer);
	result->refusal = tr_actor_class(actor)->start(actor, tr_actor_state(actor), argument);
	result->failed = context->after & TR_AFTER_FAIL;
	result->after = context->after & ~(unsigned)TR_AFTER_FAIL;
	if (result->failed) {
		result->refusal = context->failure_code != 0 ? context->failure_code : -1;
		memcpy(result->text, context->failure_text, sizeof result->text);
		tr_failure_settle(context, t, actor);
	}
	leave_start(context, &outer);
}

/* Last of all: what ends with the actor has callbacks, and their failed calls are remembered too. */
static void
remember_refusal(const troupe_class *class_, const start_result *result)
{
	if (result->failed)
		tr_fail(TROUPE_REFUSED, "start of class %s failed with %d: %s", tr_class_name(class_), result->refusal,
		    result->text);
	else
		tr_fail(TROUPE_REFUSED, "start of class %s refused with %d", tr_class_name(class_), result->refusal);
}

static troupe_ref
spawn_step_by_step(tr_context *context, troupe *t, troupe_actor *actor, troupe_actor *parent, const void *argument)
{
	const troupe_class *class_ = tr_actor_class(actor);
	uint32_t generation = tr_mailbox_open(&actor->mailbox, TR_MAILBOX_EMPTY);
	troupe_ref ref = tr_actor_ref(actor, generation);
	start_result result;

	result.refusal = 0;
	result.after = 0;
	if ((parent != NULL && !adopt(context, parent, actor, ref, argument)) ||
	    (wants_thread(t, class_) && !give_thread(context, t, actor))) {
		undo(context, t, actor, generation, parent);
		tr_fail(TROUPE_NOMEM, "no memory or no thread for an actor of class %s", tr_class_name(class_));
		return 0;
	}
	if (class_->start != NULL)
		call_start(context, t, actor, ref, argument, &result);
	if (result.refusal != 0) {
		undo(context, t, actor, generation, parent);
		remember_refusal(class_, &result);
	} else {
		tr_count(&context->visits[t->number].tally.spawned, 1);
		release_to_senders(context, t, actor, generation, result.after);
	}
	/* Outside the pool nobody parks after it: if the last deadline was cancelled, somebody may wait for that. */
	if (context->worker.pool != &t->pool)
		tr_runtime_notify(t);
	return result.refusal == 0 ? ref : 0;
}

static troupe_ref
spawn_inside(tr_context *context, troupe *t, troupe_actor *parent, const troupe_class *class_, const void *argument)
{
	troupe_actor *actor = allocate(context, t, class_);

	if (TR_UNLIKELY(actor == NULL)) {
		tr_fail(TROUPE_NOMEM, "no memory for an actor of class %s", tr_class_name(class_));
		return 0;
	}
	tr_simulation_note_birth(&t->pool, tr_actor_unit(actor));
	if (parent != NULL || class_->start != NULL || class_->flags & TROUPE_DEDICATED)
		return spawn_step_by_step(context, t, actor, parent, argument);
	tr_count(&context->visits[t->number].tally.spawned, 1);
	return tr_actor_ref(actor, tr_mailbox_open(&actor->mailbox, TR_MAILBOX_IDLE));
}

static TR_COLD troupe_ref
spawn_outside(tr_context *context, troupe *t, troupe_actor *parent, const troupe_class *class_, const void *argument)
{
	uint8_t number = t->number;

	if (tr_runtime_enter(context, number) == NULL) {
		tr_fail(TROUPE_CLOSING, "the runtime is being closed: no actor of class %s any more",
		    tr_class_name(class_));
		return 0;
	}
	troupe_ref ref = spawn_inside(context, t, parent, class_, argument);
	tr_runtime_leave(context, number);
	return ref;
}

/* NULL when nothing is. */
static const char *
what_is_wrong(const troupe *t, const troupe_class *class_)
{
	return t == NULL                        ? "there is no runtime"
	       : class_ == NULL                 ? "there is no class"
	       : class_->receive == NULL        ? "the class has no receive"
	       : class_->flags & ~CLASS_FLAGS   ? "the class has unknown flags"
	       : class_->state_size > TR_STATE_MAX ? "the class's state is over 1 GiB"
	                                        : NULL;
}

static troupe_ref
spawn(tr_context *context, troupe *t, troupe_actor *parent, const troupe_class *class_, const void *argument)
{
	const char *wrong = what_is_wrong(t, class_);

	if (TR_UNLIKELY(wrong != NULL)) {
		tr_fail(TROUPE_INVALID, "cannot spawn: %s", wrong);
		return 0;
	}
	/* CX-none: as in tr_post. */
	if (TR_LIKELY(atomic_load_explicit(&context->home, memory_order_relaxed) == t->number))
		return spawn_inside(context, t, parent, class_, argument);
	return spawn_outside(context, t, parent, class_, argument);
}

static TR_COLD troupe_ref
spawn_any(troupe *t, const troupe_class *class_, const void *argument)
{
	tr_context *context = tr_context_mine();

	return context != NULL ? spawn(context, t, NULL, class_, argument) : 0;
}

/* A class whose actors are a cache line and nothing else. */
TR_INLINE bool
is_small(const troupe_class *class_)
{
	return class_ != NULL && class_->receive != NULL && class_->start == NULL && class_->flags == 0 &&
	       class_->state_size <= TR_SMALL_STATE;
}

/* The common way, with no call in it: a small actor of the worker's own runtime. */
troupe_ref
troupe_spawn(troupe *t, const troupe_class *class_, const void *argument)
{
	tr_context *context = tr_current_context;

	/* CX-none: as in tr_post_small. */
	if (TR_UNLIKELY(context == NULL || t == NULL || !is_small(class_) || tr_cache_lacks_actor(&context->cache) ||
	                atomic_load_explicit(&context->home, memory_order_relaxed) != t->number))
		return spawn_any(t, class_, argument);
	uint32_t unit = tr_cache_take_actor(&context->cache, 0);
	troupe_actor *actor = tr_actor_at(unit);

	prepare(actor, t, class_, 0);
	memset(actor + 1, 0, TR_SMALL_STATE);
	tr_count(&context->tally->spawned, 1);
	return (troupe_ref)tr_mailbox_open(&actor->mailbox, TR_MAILBOX_IDLE) << 32 | unit;
}

troupe_ref
troupe_spawn_child(troupe_actor *self, const troupe_class *class_, const void *argument)
{
	tr_context *context = tr_require_self(self, __func__);

	if (tr_actor_is_ending(self)) {
		tr_fail(TROUPE_DEAD, "an actor that stops or is restarted has no more children");
		return 0;
	}
	return spawn(context, context->current_runtime, self, class_, argument);
}
