/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/reference.h"

/*
 * life -- the model of actors: births, failures, restarts, ends.
 */

#define BIT(reason) (1u << (reason))

/* Its start refused: it comes to its end without having lived. */
#define REFUSED BIT(TROUPE_REASON_GONE)

static bool
is_group(const ref_actor *parent)
{
	return parent->class_->supervisor != NULL &&
	       parent->class_->supervisor->strategy != TROUPE_ONE_FOR_ONE;
}

/* Another child of the same supervisor has failed, and all may be restarted for that. */
static bool
has_failed_sibling(unsigned actor)
{
	const ref_actor *a = &ref.actor[actor];

	if (!a->is_supervised || !is_group(&ref.actor[a->parent]))
		return false;
	for (unsigned i = 1; i <= ref.actors; i++)
		if (i != actor && ref.actor[i].parent == a->parent && ref.actor[i].has_failed)
			return true;
	return false;
}

/* Its life may come to an end, and its children with it. */
static bool
may_be_halted(unsigned actor)
{
	const ref_actor *a = &ref.actor[actor];

	return a->waits || a->may_wait || a->is_lifeless || has_failed_sibling(actor);
}

static bool search_sound(unsigned actor, unsigned search);

static bool
are_links_sound(unsigned actor, unsigned search)
{
	for (unsigned i = 1; i <= ref.links; i++) {
		const ref_link *link = &ref.link[i];

		if ((link->one == actor && !search_sound(link->other, search)) ||
		    (link->other == actor && !search_sound(link->one, search)))
			return false;
	}
	return true;
}

static bool
search_sound(unsigned actor, unsigned search)
{
	ref_actor *a = &ref.actor[actor];

	if (a->seen == search)
		return true;
	a->seen = search;
	if ((a->state != REF_ALIVE && a->state != REF_STARTING) || a->causes != 0)
		return false;
	if (a->parent != 0 && (may_be_halted(a->parent) || !search_sound(a->parent, search)))
		return false;
	return are_links_sound(actor, search);
}

bool
ref_is_sound(unsigned actor)
{
	static unsigned searches;

	return !ref.is_closing && search_sound(actor, ++searches);
}

unsigned
ref_find(troupe_ref who)
{
	for (unsigned i = ref.actors; who != 0 && i > 0; i--)
		if (ref.actor[i].ref == who)
			return i;
	return 0;
}

void
ref_add_cause(unsigned actor, troupe_reason reason)
{
	ref.actor[actor].causes |= BIT(reason);
}

void
ref_note_stop_call(unsigned actor, troupe_ref to, troupe_status status)
{
	ref_check_status("troupe_stop", actor, to, status);
	if (status != TROUPE_OK)
		return;
	ref.actor[actor].controls++;
	ref_add_cause(actor, TROUPE_REASON_ASKED);
}

/* --- Births. --- */

unsigned
ref_conceive(const troupe_class *class_, unsigned parent)
{
	if (ref.actors == REF_ACTORS)
		return 0;
	ref.actor[++ref.actors] = (ref_actor){
		.class_ = class_,
		.is_bare = class_->stop == NULL,
		.parent = parent,
		.is_supervised = parent != 0 && ref.actor[parent].class_->supervisor != NULL,
		.receives = 3,
	};
	return ref.actors;
}

static void
take_ref(unsigned actor, troupe_ref got)
{
	ref_expect(ref_find(got) == 0, "handles: actor %u has the handle %" PRIx64 " that actor %u had",
	    actor, got, ref_find(got));
	ref.actor[actor].ref = got;
}

static void
note_born(unsigned actor, troupe_ref got)
{
	ref_actor *a = &ref.actor[actor];

	ref_expect(!ref.is_closing, "closing: actor %u was spawned in a runtime that is being closed", actor);
	if (a->is_bare) {
		take_ref(actor, got);
		a->state = REF_ALIVE;
		a->lives = 1;
		ref.bare++;
	}
	ref_expect(a->ref == got && (a->state == REF_ALIVE || a->state == REF_STOPPED),
	    "spawn: it returned %" PRIx64 " for actor %u, which is %" PRIx64 " in state %d", got, actor,
	    a->ref, (int)a->state);
	ref.spawned++;
}

void
ref_note_spawn(unsigned actor, troupe_ref got, troupe_status status)
{
	ref_actor *a = &ref.actor[actor];

	if (got != 0) {
		note_born(actor, got);
		return;
	}
	bool expected = status == TROUPE_REFUSED   ? a->state == REF_REFUSED
			: status == TROUPE_NOMEM   ? ref_may_lack_memory()
			: status == TROUPE_CLOSING ? ref.is_closing
						   : status == TROUPE_DEAD && ref.now->ending;

	ref_expect(expected, "spawn: actor %u was not spawned, with %s", actor, troupe_status_name(status));
	if (a->state == REF_UNBORN)
		a->state = REF_STOPPED;
}

/* Its last life took all its children along; of those that were between two lives nobody was told. */
static void
leave_children(unsigned actor)
{
	for (unsigned i = 1; i <= ref.actors; i++) {
		ref_actor *child = &ref.actor[i];

		if (child->parent != actor || child->state != REF_ALIVE)
			continue;
		ref_expect(child->is_bare || child->is_lifeless,
		    "restart: actor %u starts again, and its child %u lives", actor, i);
		child->state = REF_STOPPED;
		ref_end_under_way(i, false);
	}
}

void
ref_note_start(unsigned actor, troupe_ref self, bool state_is_zero)
{
	ref_actor *a = &ref.actor[actor];

	ref_expect(state_is_zero, "start: the state of actor %u is not zeroed", actor);
	if (a->state == REF_UNBORN) {
		take_ref(actor, self);
		a->state = REF_STARTING;
		return;
	}
	ref_expect(a->state == REF_ALIVE && a->is_lifeless && a->is_supervised && a->ref == self,
	    "restart: start was called for actor %u in state %d, life %u", actor, (int)a->state, a->life);
	leave_children(actor);
	a->is_lifeless = a->waits = a->may_wait = false;
	a->life++;
	a->receives = 3;
}

void
ref_note_started(unsigned actor, bool refused)
{
	ref_actor *a = &ref.actor[actor];
	bool is_first = a->state == REF_STARTING;

	if (is_first)
		a->state = refused ? REF_REFUSED : REF_ALIVE;
	if (!refused) {
		a->lives++;
		ref.restarted += !is_first;
	} else if (is_first) {
		a->causes |= REFUSED;
	} else {
		a->is_lifeless = a->waits = true;
	}
}

/* --- Failures. --- */

void
ref_note_failed(unsigned actor, const troupe_failure *failure)
{
	ref_actor *a = &ref.actor[actor];

	ref.failures++;
	ref.failures_told += a->is_bare; /* which has nobody else to tell */
	ref_expect(!a->is_failing || a->failure_code == failure->code,
	    "failure: actor %u failed with %d, and %d was told", actor, a->failure_code, failure->code);
	a->is_failing = false;
	a->failure_code = failure->code;
	a->has_failed = true;
	a->is_decided = a->is_handed_up = a->may_wait = false;
	if (a->parent != 0)
		ref.actor[a->parent].controls += 4; /* reports, orders and their answers */
	if (a->state != REF_ALIVE)
		return;
	a->waits = a->is_supervised;
	a->controls += 4;
	/* Whoever cannot be told lets it end. */
	if (!a->is_supervised || ref.has_faults || !ref_is_sound(a->parent) || may_be_halted(a->parent))
		ref_add_cause(actor, TROUPE_REASON_FAILED);
}

/*
 * What it has handed up to its own supervisor, its children's failures, is
 * resumed too, but not what it has yet to hear of.  Without decide nobody is
 * told which of the two a failure is.
 */
static void
resume(unsigned actor, bool surely)
{
	ref_actor *a = &ref.actor[actor];
	const troupe_supervisor *how = a->class_->supervisor;
	bool tells = how != NULL && how->decide != NULL;

	if (!a->waits)
		return;
	a->waits = a->is_lifeless;
	a->may_wait = !surely;
	for (unsigned i = 1; i <= ref.actors; i++)
		if (ref.actor[i].parent == actor && (ref.actor[i].is_handed_up || !tells))
			resume(i, surely && tells);
}

/* By its decision, or because the child was restarted as often as it may be. */
static bool
hands_up(const troupe_supervisor *how, const ref_actor *child, const troupe_failure *failure,
    troupe_decision decision)
{
	unsigned most = how->restarts == 0 ? 5 : (unsigned)how->restarts;
	bool restarts = decision == TROUPE_RESTART || (decision == TROUPE_RESUME && child->is_lifeless);

	return decision == TROUPE_ESCALATE || (restarts && failure->restarts >= most);
}

void
ref_note_decision(unsigned supervisor, const troupe_failure *failure, troupe_decision decision)
{
	unsigned number = ref_find(failure->who);
	ref_actor *a = &ref.actor[number];

	ref_expect(number != 0 && a->parent == supervisor && a->is_supervised,
	    "supervision: actor %u is to decide about actor %u", supervisor, number);
	ref_expect(a->waits || a->may_wait || a->state != REF_ALIVE,
	    "supervision: actor %u decides about actor %u, which has not failed", supervisor, number);
	ref_expect(!a->is_decided, "supervision: actor %u decides about actor %u, and has already", supervisor,
	    number);
	a->is_decided = true;
	a->is_handed_up = hands_up(ref.actor[supervisor].class_->supervisor, a, failure, decision);
	if (decision == TROUPE_RESUME)
		resume(number, true);
	if (decision == TROUPE_STOP)
		ref_add_cause(number, TROUPE_REASON_FAILED);
}

/* --- Ends. --- */

static bool
has_linked_cause(unsigned actor)
{
	for (unsigned i = 1; i <= ref.links; i++) {
		unsigned peer = ref.link[i].one == actor     ? ref.link[i].other
				: ref.link[i].other == actor ? ref.link[i].one
							     : 0;
		const ref_actor *p = &ref.actor[peer];

		if (peer != 0 && (p->is_bare || p->is_lifeless || p->state == REF_REFUSED ||
				     (p->state == REF_STOPPED && (p->reason == TROUPE_REASON_FAILED ||
								     p->reason == TROUPE_REASON_LINKED))))
			return true;
	}
	return false;
}

static bool
is_possible(unsigned actor, troupe_reason reason)
{
	const ref_actor *a = &ref.actor[actor];

	switch (reason) {
	case TROUPE_REASON_SELF:
	case TROUPE_REASON_ASKED:
	case TROUPE_REASON_FAILED:
		return a->causes & BIT(reason);
	case TROUPE_REASON_PARENT:
		return a->parent != 0 && (!ref_is_sound(a->parent) || may_be_halted(a->parent));
	case TROUPE_REASON_CLOSING:
		return ref.is_closing;
	case TROUPE_REASON_LINKED:
		return has_linked_cause(actor);
	case TROUPE_REASON_RESTART:
		return a->is_supervised && (a->has_failed || has_failed_sibling(actor));
	case TROUPE_REASON_GONE:
	default:
		return false;
	}
}

/* Children before parents, and of these the latest first. */
static void
check_family(unsigned actor, troupe_reason reason)
{
	const ref_actor *a = &ref.actor[actor];

	for (unsigned i = 1; i <= ref.actors; i++) {
		const ref_actor *other = &ref.actor[i];

		if (other->is_bare || other->state != REF_ALIVE || other->is_lifeless)
			continue;
		ref_expect(other->parent != actor, "stop: actor %u stopped before its child %u", actor, i);
		ref_expect(other->parent != a->parent || a->parent == 0 || i <= actor ||
			       (reason != TROUPE_REASON_PARENT && reason != TROUPE_REASON_CLOSING),
		    "stop: actor %u was stopped for %s before the later child %u", actor,
		    troupe_reason_name(reason), i);
	}
}

/* Those without callbacks have stopped too, though nobody was told. */
static void
stop_bare_children(unsigned actor)
{
	for (unsigned i = 1; i <= ref.actors; i++)
		if (ref.actor[i].is_bare && ref.actor[i].parent == actor)
			ref.actor[i].state = REF_STOPPED;
}

void
ref_note_stop(unsigned actor, troupe_reason reason)
{
	ref_actor *a = &ref.actor[actor];

	ref_expect(a->state == REF_ALIVE && !a->is_lifeless,
	    "stop: actor %u was stopped (%s) in state %d, life %u, again", actor, troupe_reason_name(reason),
	    (int)a->state, a->life);
	ref_expect(is_possible(actor, reason), "stop: actor %u has no reason to stop for %s", actor,
	    troupe_reason_name(reason));
	check_family(actor, reason);
	stop_bare_children(actor);
	a->ends++;
	a->reason = reason;
	if (reason == TROUPE_REASON_RESTART) {
		ref_return_stash(actor);
		a->is_lifeless = true;
	} else {
		a->state = REF_STOPPED;
	}
	ref_end_under_way(actor, reason == TROUPE_REASON_RESTART);
	if (a->parent != 0)
		ref.actor[a->parent].controls += 2;
}
