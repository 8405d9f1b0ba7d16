/* SPDX-License-Identifier: MIT */
#include "runtime/actor/call.h"
#include "runtime/actor/children.h"
#include "runtime/actor/dedicated.h"
#include "runtime/actor/ending.h"
#include "runtime/actor/error.h"
#include "runtime/actor/letter.h"
#include "runtime/actor/monitor.h"
#include "runtime/actor/name.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/stop.h"
#include "runtime/actor/timing.h"
#include "runtime/engine/policy.h"
#include "runtime/engine/simulated.h"
#include "runtime/memory/fault.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>

/*
 * close -- the end of a runtime: nobody comes in, the threads leave, the
 * actors end on the closer's thread, and the sums are checked.
 *
 * When the threads have been joined and nobody is inside, the closer owns
 * every actor, whatever its mailbox word says.
 */

/* --- Threads. --- */

/* Sends from the workers' callbacks go the slow way from here on, and find the runtime barred. */
static void
bar(troupe *t)
{
	tr_runtime_notify(t);
	tr_runtime_bar(t->number);
	for (uint32_t i = 0; i < t->pool.count; i++)
		/* CX-none: the worker sees it when it does; its own runtime stays until it has left. */
		atomic_store_explicit(&t->contexts[i].home, 0, memory_order_relaxed);
}

static bool
wait_until_nobody_is_inside(troupe *t, int64_t deadline)
{
	while (tr_runtime_is_entered(t->number) || tr_runtime_is_being_ended(t) || tr_runtime_is_waited_for(t)) {
		if (deadline >= 0 && tr_clock_now() >= deadline)
			return false;
		sched_yield();
	}
	return true;
}

/* The workers' turns end with the callback in hand. */
static void
leave_turns(troupe *t)
{
	for (uint32_t i = 0; i < t->pool.count; i++)
		/* CX-none: the worker sees it when it does. */
		atomic_store_explicit(&t->contexts[i].leave, 1, memory_order_relaxed);
}

static bool
end_threads(troupe *t, int64_t deadline)
{
	tr_pool_stop(&t->pool);
	leave_turns(t);
	tr_dedicated_dismiss_all(t);
	tr_call_end_all(t);
	tr_timing_stop(t);
	bool others = tr_pool_join(&t->pool, deadline) && wait_until_nobody_is_inside(t, deadline);
	/* Once more: until now somebody inside could spawn one. */
	tr_dedicated_dismiss_all(t);
	bool dedicated = tr_dedicated_wait_all(t, deadline);

	/* Only now: until now somebody inside could rouse one. */
	if (others && dedicated)
		tr_dedicated_reap(t);
	return others && dedicated;
}

/* --- Survivors. --- */

typedef struct roll_call {
	tr_context *closer;
	troupe *t;
	void (*survivor)(void *context, const troupe_survivor *who);
	void *context;
} roll_call;

/* Of messages taken from an actor that runs yet: what is not for burying.  The rest, linked as before. */
static uint32_t
set_aside(const roll_call *call, const troupe_survivor *who, uint32_t newest)
{
	uint32_t rest = 0, *end = &rest;

	for (uint32_t unit = newest, next; unit != 0; unit = next) {
		troupe_msg *msg = tr_message_from(unit);

		next = msg->next_unit;
		if (msg->flag_bits & TR_MSG_CELL) {
			tr_timing_return(call->t, (tr_cell *)msg); /* its owner's yet */
		} else if (msg->flag_bits & TR_MSG_CONTROL && msg->type == TR_TYPE_MONITOR) {
			tr_monitor_tell_closed(call->closer, msg, who->ref);
		} else {
			*end = unit;
			end = &msg->next_unit;
		}
	}
	*end = 0;
	return rest;
}

/*
 * What waits for an actor that will handle no more: it ends here and now, so
 * that it can be counted while the actor's own thread goes on.
 */
static uint64_t
bury_waiting(const roll_call *call, const troupe_survivor *who)
{
	troupe_actor *actor = tr_ref_slot(who->ref);
	uint32_t unit = tr_mailbox_seize(&actor->mailbox, tr_ref_generation(who->ref)) & TR_MAILBOX_NEWEST;
	troupe_dead_letter form = {
		.target = who->ref,
		.reason = TROUPE_CLOSING,
		.class_name = who->class_name,
		.actor_name = who->actor_name,
	};

	return tr_letter_bury_taken(call->closer, call->t, &form, set_aside(call, who, unit));
}

static void
report_running(const roll_call *call, tr_context *context)
{
	char name[TROUPE_NAME_MAX + 1];
	/* CX-none: as it comes; the thread may be leaving its callback. */
	troupe_ref ref = tr_context_self(context);

	if (ref == 0)
		return;
	const troupe_actor *actor = tr_ref_slot(ref);
	const troupe_class *class_ = tr_actor_class(actor);

	/* What was read was its class if it lives yet. */
	if (tr_mailbox_alive(&actor->mailbox) != tr_ref_generation(ref))
		return;
	tr_name_copy_running(context, name);
	troupe_survivor who = {
		.ref = ref,
		.class_name = tr_class_name(class_),
		.actor_name = name,
		/* CX-none */
		.msg_type = atomic_load_explicit(&context->running_type, memory_order_relaxed),
	};

	who.queued = bury_waiting(call, &who);
	call->survivor(call->context, &who);
}

static void
report_survivors(troupe *t, const roll_call *call)
{
	if (call->survivor == NULL)
		return;
	for (uint32_t i = 0; i < t->pool.started; i++)
		report_running(call, &t->contexts[i]);
	/* One after the other, since the callback must not be called under a lock. */
	tr_context *context;
	for (uint32_t i = 0; (context = tr_dedicated_running(t, i)) != NULL; i++)
		report_running(call, context);
}

/* --- Actors. --- */

/* End one actor whose children have ended. */
static void
end_actor(tr_context *context, troupe *t, troupe_actor *actor, uint32_t generation)
{
	troupe_dead_letter form = {
		.target = tr_actor_ref(actor, generation),
		.reason = TROUPE_CLOSING,
		.class_name = tr_class_name(tr_actor_class(actor)),
		.actor_name = tr_actor_name(actor),
	};
	if (!(actor->flags & TR_ACTOR_STOPPING))
		tr_actor_set_reason(actor, TROUPE_REASON_CLOSING);
	actor->flags |= TR_ACTOR_STOPPING;
	context->current = actor;
	context->msg = NULL;
	context->after = 0;
	/* CX-none: this thread's own. */
	atomic_store_explicit(&context->self, form.target, memory_order_relaxed);

	tr_ending_run(context, t, actor, TROUPE_CLOSING);
	uint32_t newest = tr_mailbox_close(&actor->mailbox, generation) & TR_MAILBOX_NEWEST;

	tr_stop_bury_aside(context, t, actor, generation);
	tr_letter_bury(context, t, &form, actor->mailbox.todo);
	actor->mailbox.todo = 0;
	if (newest < TR_MAILBOX_CLOSED)
		(void)tr_letter_bury_taken(context, t, &form, newest);
	tr_stop_finish(context, t, actor, generation);

	context->current = NULL;
	context->msg = NULL;
	/* CX-none: this thread's own. */
	atomic_store_explicit(&context->self, 0, memory_order_relaxed);
}

/* A child of the actor that has not ended: one that was told to stop, or the newest; 0 when there is none. */
static troupe_ref
take_living_child(tr_context *context, troupe_actor *actor)
{
	tr_extra *extra = tr_actor_extra(actor);

	if (extra == NULL)
		return 0;
	troupe_ref child = extra->told;
	extra->told = 0;
	while (child == 0 || tr_mailbox_alive(&tr_ref_slot(child)->mailbox) != tr_ref_generation(child)) {
		if (extra->children == 0)
			return 0;
		child = ((tr_record *)tr_message_at(extra->children))->child;
		tr_children_remove(context, actor, extra->children);
	}
	return child;
}

/* End a tree, children before parents, without a stack as deep as the tree. */
static void
end_tree(tr_context *context, troupe *t, troupe_actor *root)
{
	troupe_actor *actor = root;

	for (;;) {
		troupe_ref child = take_living_child(context, actor);

		if (child != 0) {
			actor = tr_ref_slot(child);
			continue;
		}
		troupe_actor *parent = actor != root ? tr_ref_slot(tr_actor_extra(actor)->parent) : NULL;

		end_actor(context, t, actor, tr_mailbox_alive(&actor->mailbox));
		if (parent == NULL)
			return;
		actor = parent;
	}
}

static bool
has_parent(const troupe_actor *actor)
{
	const tr_extra *extra = tr_actor_extra(actor);

	return extra != NULL && extra->parent != 0;
}

static troupe_actor *
topmost(troupe_actor *actor)
{
	while (has_parent(actor))
		actor = tr_ref_slot(tr_actor_extra(actor)->parent);
	return actor;
}

/*
 * The word first: others use the slots that this runtime has given back, and
 * write whose an actor is before the word says that it lives.  This runtime
 * spawns no more, so what is found to be its own stays so.
 */
static bool
lives_in(const troupe_actor *actor, const troupe *t)
{
	return tr_mailbox_alive(&actor->mailbox) != 0 &&
	       /* CX-none: ordered by the word, MB-C. */
	       atomic_load_explicit(&actor->home, memory_order_relaxed) == t->number;
}

/* Call for each actor of the runtime that lives, and whatever the call leaves of it. */
static void
visit_actors(troupe *t, void (*visit)(void *argument, troupe_actor *actor), void *argument)
{
	/* AR-none: this runtime carves no more. */
	uint32_t end = atomic_load_explicit(&tr_arenas[TR_ACTORS].top, memory_order_relaxed);

	for (uint32_t unit = TR_BLOCK_UNITS; unit < end;) {
		unsigned size_class = tr_arena_size_class(unit / TR_BLOCK_UNITS);

		if (size_class == TR_NOT_CARVED) {
			unit += TR_BLOCK_UNITS;
			continue;
		}
		if (lives_in(tr_actor_at(unit), t))
			visit(argument, tr_actor_at(unit));
		unit += UINT32_C(1) << size_class;
	}
}

/* An actor without a parent. */
typedef struct root {
	uint32_t unit, birth;
} root;

typedef struct roots {
	tr_context *context;
	troupe *t;
	root *list; /* room for `most`; more are only counted */
	size_t count, most;
} roots;

static void
note_root(void *all_, troupe_actor *actor)
{
	roots *all = all_;
	uint32_t unit = tr_actor_unit(actor);

	if (has_parent(actor))
		return;
	if (all->count < all->most)
		all->list[all->count] = (root){ unit, tr_simulation_birth(&all->t->pool, unit) };
	all->count++;
}

static void
end_tree_of(void *all_, troupe_actor *actor)
{
	const roots *all = all_;

	while (lives_in(actor, all->t))
		end_tree(all->context, all->t, topmost(actor));
}

static int
compare_births(const void *a, const void *b)
{
	uint32_t first = ((const root *)a)->birth, second = ((const root *)b)->birth;

	return first < second ? 1 : first > second ? -1 : 0;
}

/* The same seed shall be the same run to the end: roots by their births, the latest first. */
static void
end_roots_in_order(roots *all)
{
	visit_actors(all->t, note_root, all);
	all->most = all->count;
	all->list = tr_heap_take(all->most * sizeof *all->list);
	if (all->list == NULL)
		return; /* without memory they end in some order */
	all->count = 0;
	visit_actors(all->t, note_root, all);
	qsort(all->list, all->count, sizeof *all->list, compare_births);
	for (size_t i = 0; i < all->count; i++)
		end_tree(all->context, all->t, tr_actor_at(all->list[i].unit));
	tr_heap_give(all->list);
}

static void
end_actors(tr_context *context, troupe *t)
{
	roots all = { .context = context, .t = t };

	if (t->pool.simulation != NULL)
		end_roots_in_order(&all);
	visit_actors(t, end_tree_of, &all);
}

/* Each accepted message has had one outcome, and each actor one end. */
static void
check_sums(troupe *t)
{
	troupe_totals sum;

	tr_tally_sum(t->number, &sum);
	if (sum.accepted != sum.handled + sum.dead)
		tr_log(&t->options, TROUPE_LOG_ERROR,
		    "internal error: %" PRIu64 " messages were accepted, but %" PRIu64 " handled and %" PRIu64
		    " dead-lettered",
		    sum.accepted, sum.handled, sum.dead);
	if (sum.spawned != sum.stopped)
		tr_log(&t->options, TROUPE_LOG_ERROR, "internal error: %" PRIu64 " actors were spawned, but %" PRIu64 " stopped",
		    sum.spawned, sum.stopped);
	TR_ASSERT(sum.accepted == sum.handled + sum.dead && sum.spawned == sum.stopped);
}

/* How much a run by PCT says. */
static void
log_bound(const troupe *t)
{
	const troupe_options *options = &t->options;

	if (t->pool.simulation == NULL || options->policy != TROUPE_POLICY_PCT)
		return;
	uint32_t actors = tr_simulation_born(&t->pool);
	uint64_t steps = tr_simulation_steps(&t->pool);

	tr_log(options, TROUPE_LOG_INFO,
	    "pct: n = %" PRIu32 " actors, %" PRIu64 " steps, k = %" PRIu64 ": a run with at most k steps finds a bug of depth "
	    "%d with a probability of at least 1 / (n k^%d) = %.3g",
	    actors, steps, options->length, options->depth, options->depth - 1,
	    tr_policy_bound(actors, options->length, (uint32_t)options->depth));
}

/* --- The public calls. --- */

static bool
claim_closing(troupe *t)
{
	pthread_mutex_lock(&t->lock);
	bool mine = !t->being_closed && !t->driven;
	if (mine) {
		t->being_closed = true;
		/* RT-none: under the lock, as those look at it who wait, call or would drive. */
		atomic_store_explicit(&t->closing, true, memory_order_relaxed);
	}
	pthread_mutex_unlock(&t->lock);
	return mine;
}

static void
give_up_closing(troupe *t)
{
	pthread_mutex_lock(&t->lock);
	t->being_closed = false;
	pthread_mutex_unlock(&t->lock);
}

troupe_status
troupe_close(troupe *t, int64_t timeout_ns, void (*survivor)(void *, const troupe_survivor *), void *context)
{
	troupe_status status = tr_runtime_check_call(t, __func__);

	if (status != TROUPE_OK)
		return status;
	tr_context *mine = tr_context_mine();
	if (mine == NULL)
		return troupe_last_error();
	if (!claim_closing(t))
		return tr_fail(TROUPE_DEADLOCK, "%s: another thread closes or drives the runtime", __func__);

	int64_t deadline = tr_clock_deadline(timeout_ns);

	bar(t);
	if (!end_threads(t, deadline)) {
		report_survivors(t, &(roll_call){ mine, t, survivor, context });
		give_up_closing(t);
		return tr_fail(TROUPE_TIMEOUT, "%s: behaviors are still running", __func__);
	}
	mine->current_runtime = t;
	tr_timing_reclaim(mine, t);
	end_actors(mine, t);
	mine->current_runtime = NULL;
	check_sums(t);
	log_bound(t);
	tr_runtime_destroy(t);
	return TROUPE_OK;
}

static void
log_survivor(void *t_, const troupe_survivor *who)
{
	const troupe *t = t_;

	tr_log(&t->options, TROUPE_LOG_WARNING,
	    "still running at close: actor %" PRIx64 " \"%s\" of class %s, handling type %" PRIu32 ", with %" PRIu64
	    " messages queued",
	    who->ref, who->actor_name, who->class_name, who->msg_type, who->queued);
}

troupe_status
troupe_run(troupe *t)
{
	troupe_status status = troupe_wait(t, TROUPE_FOREVER);

	if (status != TROUPE_OK)
		return status;
	return troupe_close(t, t->options.close_ms * TROUPE_MS, log_survivor, t);
}
