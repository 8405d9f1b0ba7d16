/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/reference.h"

/*
 * under_way -- the model of what an actor has begun: asks, timers, monitors,
 * links and names.
 */

static int64_t
add_time(int64_t time, int64_t by)
{
	return time > INT64_MAX - by ? INT64_MAX : time + by;
}

/* A call for an actor that goes on was refused: that is right when it does not, or memory ran out. */
static void
check_refusal(const char *call, troupe_status status)
{
	ref_expect(status == TROUPE_NOMEM ? ref_may_lack_memory() : ref.now->ending,
	    "%s: it is %s for actor %u, which goes on", call, troupe_status_name(status), ref.now->actor);
}

static bool
is_mine(unsigned actor, unsigned life)
{
	return actor == ref.now->actor && life == ref.actor[actor].life;
}

/* --- Asks. --- */

unsigned
ref_new_ask(ref_ask_kind kind, int64_t timeout, fuzz_input script)
{
	if (ref.asks == REF_ASKS)
		return 0;
	ref.ask[++ref.asks] = (ref_ask){
		.kind = kind,
		.asker = ref.now->actor,
		.life = ref_me()->life,
		.deadline = add_time(troupe_now(ref.t), timeout),
		.script = script,
	};
	return ref.asks;
}

void
ref_note_ask(unsigned ask, troupe_status status)
{
	ref.ask[ask].open = status == TROUPE_OK;
}

void
ref_note_reply(unsigned request, unsigned answer, int code, troupe_status status)
{
	ref_message *m = &ref.message[request];
	ref_ask *a = &ref.ask[m->ask];

	m->is_answered = true;
	a->answer = status == TROUPE_OK ? answer : 0;
	a->is_error = answer == 0;
	a->code = code;
}

/* How the request, as far as is known, came to its end. */
static void
check_request(unsigned ask, troupe_status status, int code)
{
	const ref_ask *a = &ref.ask[ask];
	const ref_message *m = &ref.message[a->request];
	bool right = false;

	if (status == TROUPE_FAILED)
		right = (m->is_answered && a->is_error && a->code == code) ||
			(m->is_dead && m->reason == TROUPE_FAILED && m->code == code);
	else if (status == TROUPE_DEAD)
		right = m->is_dead && m->reason == TROUPE_DEAD && !m->is_answered;
	else if (status == TROUPE_UNANSWERED)
		right = m->place == REF_ENDED && !m->is_answered && !m->is_dead;
	else if (status == TROUPE_TIMEOUT)
		right = troupe_now(ref.t) >= a->deadline;
	else if (status == TROUPE_CLOSING)
		right = ref.is_closing;
	ref_expect(right,
	    "asks: ask %u of actor %u ended with %s (code %d) at %" PRId64 "; deadline %" PRId64
	    ", request %u at actor %u: place %d, answered %d, dead %d",
	    ask, a->asker, troupe_status_name(status), code, troupe_now(ref.t), a->deadline, a->request,
	    m->to, (int)m->place, (int)m->is_answered, (int)m->is_dead);
}

static void
end_ask(unsigned ask)
{
	ref_ask *a = &ref.ask[ask];

	ref_expect(a->open && a->ends++ == 0, "asks: ask %u of actor %u ended %u times", ask, a->asker,
	    a->ends + 1);
	a->open = false;
}

static void
check_cancelled(unsigned ask)
{
	const ref_ask *a = &ref.ask[ask];
	const ref_actor *asker = &ref.actor[a->asker];

	ref_expect(!ref_is_sound(a->asker) || asker->waits || asker->is_supervised,
	    "asks: ask %u is cancelled, and its asker, actor %u, goes on", ask, a->asker);
}

static unsigned
take_answer(unsigned ask, const troupe_msg *msg)
{
	unsigned number = msg != NULL ? msg->type - REF_TYPE : 0;
	ref_message *m = &ref.message[number <= ref.messages ? number : 0];

	ref_expect(number != 0 && number <= ref.messages && m->kind == REF_REPLY && m->ask == ask &&
		       ref.ask[ask].answer == number,
	    "asks: ask %u of actor %u ended with message %u, which answers ask %u", ask, ref.ask[ask].asker,
	    number, m->ask);
	ref_expect(m->place == REF_WAITING, "one outcome: answer %u to ask %u comes again (place %d)", number,
	    ask, (int)m->place);
	ref_check_body(number, msg);
	return number;
}

static void
receive_answer(unsigned ask, const troupe_msg *msg)
{
	unsigned number = take_answer(ask, msg);

	ref_take_out(number);
	ref.now->message = number;
	ref.now->in_hand = true;
	ref.message[number].place = REF_IN_HAND;
	ref.message[number].kind = REF_NOTE;
}

static void
check_name_answer(unsigned ask, const troupe_answer *answer)
{
	const ref_ask *a = &ref.ask[ask];

	if (answer->status == TROUPE_OK)
		ref_expect(ref_find(answer->target) != 0,
		    "names: ask %u for name %d found %" PRIx64 ", who was never born", ask, a->name,
		    answer->target);
	else
		ref_expect(answer->status == TROUPE_TIMEOUT
			       ? troupe_now(ref.t) >= a->deadline
			       : answer->status == TROUPE_CLOSING && ref.is_closing,
		    "names: ask %u for name %d ended with %s", ask, a->name,
		    troupe_status_name(answer->status));
}

void
ref_note_answer(unsigned ask, const troupe_answer *answer)
{
	const ref_ask *a = &ref.ask[ask];

	ref_expect(is_mine(a->asker, a->life),
	    "asks: ask %u of actor %u, life %u, ended in actor %u, life %u", ask, a->asker, a->life,
	    ref.now->actor, ref_me()->life);
	end_ask(ask);
	ref_expect((answer->status == TROUPE_OK && a->kind == REF_ASK) == (answer->msg != NULL),
	    "asks: ask %u ended with %s and the message %p", ask, troupe_status_name(answer->status),
	    (const void *)answer->msg);
	if (answer->status == TROUPE_CANCELLED)
		check_cancelled(ask);
	else if (a->kind == REF_AWAIT)
		check_name_answer(ask, answer);
	else if (answer->status == TROUPE_OK)
		receive_answer(ask, answer->msg);
	else
		check_request(ask, answer->status, answer->code);
	ref_expect(a->kind == REF_AWAIT || answer->target == a->target,
	    "asks: ask %u was put to %" PRIx64 ", not %" PRIx64, ask, a->target, answer->target);
}

void
ref_note_call_end(unsigned ask, troupe_status status, const troupe_msg *answer, int code)
{
	end_ask(ask);
	if (status == TROUPE_OK) {
		unsigned number = take_answer(ask, answer);

		ref.message[number].kind = REF_NOTE;
		ref.message[number].place = REF_OWNED;
		return;
	}
	ref_expect(answer == NULL, "asks: call %u ended with %s and an answer", ask,
	    troupe_status_name(status));
	if (!(status == TROUPE_CLOSING && ref.is_shut_down))
		check_request(ask, status, code);
	/* An answer that was on its way is counted nowhere. */
	if (ref.ask[ask].answer != 0)
		ref_end_message(ref.ask[ask].answer);
}

/* One of the requests of a gather. */
static bool
note_part(unsigned part, const troupe_answer *answer)
{
	ref_ask *a = &ref.ask[part];

	a->open = false;
	if (answer->status != TROUPE_OK)
		return false;
	unsigned number = take_answer(part, answer->msg);
	ref_end_message(number);
	return true;
}

void
ref_note_gathered(unsigned ask, const troupe_gathered *gathered)
{
	const ref_ask *a = &ref.ask[ask];
	size_t answered = 0;

	ref_expect(is_mine(a->asker, a->life), "asks: gather %u of actor %u ended in actor %u", ask, a->asker,
	    ref.now->actor);
	end_ask(ask);
	ref_expect(gathered->count == a->count, "asks: gather %u had %u requests, and ended with %zu", ask,
	    a->count, gathered->count);
	for (unsigned i = 0; i < a->count; i++)
		answered += note_part(a->first + i, &gathered->answers[i]);
	ref_expect(gathered->answered == answered && (gathered->status == TROUPE_OK) == (answered >= a->want),
	    "asks: gather %u for %u answers ended with %s and %zu, and %zu were OK", ask, a->want,
	    troupe_status_name(gathered->status), gathered->answered, answered);
}

/* --- Timers. --- */

unsigned
ref_new_timer(unsigned message, int64_t due, int64_t period)
{
	if (ref.timers == REF_TIMERS)
		return 0;
	ref.timer[++ref.timers] = (ref_timer){
		.actor = ref.now->actor,
		.life = ref_me()->life,
		.message = message,
		.due = due,
		.period = period,
	};
	ref.message[message].timer = ref.timers;
	ref.message[message].sender = ref_me()->ref;
	return ref.timers;
}

void
ref_note_timer(unsigned timer, troupe_timer token)
{
	ref.timer[timer].token = token;
	ref.timer[timer].open = token != 0;
	if (token == 0)
		check_refusal("timers", troupe_last_error());
}

void
ref_note_tick(unsigned timer)
{
	ref_timer *t = &ref.timer[timer];
	int64_t now = troupe_now(ref.t);

	ref_expect(is_mine(t->actor, t->life),
	    "timers: timer %u of actor %u, life %u, fires in actor %u, life %u", timer, t->actor, t->life,
	    ref.now->actor, ref_me()->life);
	ref_expect(t->open, "timers: timer %u of actor %u fires, and it was cancelled or had fired", timer,
	    t->actor);
	ref_expect(now >= t->due, "timers: timer %u of actor %u, due at %" PRId64 ", fires at %" PRId64,
	    timer, t->actor, t->due, now);
	t->ticks++;
	t->open = t->period != 0;
	t->due = add_time(t->due, t->period);
}

void
ref_note_cancel(unsigned timer, troupe_timer token, bool was_open)
{
	ref_timer *t = &ref.timer[timer];
	bool expected = t->open && t->token == token && is_mine(t->actor, t->life);
	/* One that drains may have ended them already. */
	bool unclear = ref.now->ending || ref_me()->causes != 0;

	ref_expect(was_open == expected || (unclear && !was_open),
	    "timers: timer %u of actor %u was cancelled by actor %u: %d", timer, t->actor, ref.now->actor,
	    (int)was_open);
	if (was_open)
		t->open = false;
}

void
ref_note_idle_timeout(int64_t timeout, troupe_status status)
{
	ref_actor *me = ref_me();

	if (status != TROUPE_OK) {
		ref_expect(timeout < 1000 && timeout != 0 ? status == TROUPE_INVALID : true,
		    "timers: an idle timeout of %" PRId64 " ns is %s", timeout, troupe_status_name(status));
		if (timeout >= 1000 || timeout == 0)
			check_refusal("timers", status);
		return;
	}
	me->idle_timeout = timeout;
	me->idle_since = troupe_now(ref.t);
}

void
ref_note_idle(unsigned actor)
{
	const ref_actor *a = &ref.actor[actor];
	int64_t now = troupe_now(ref.t);

	ref_expect(a->idle_timeout != 0 && now >= add_time(a->idle_since, a->idle_timeout),
	    "timers: actor %u is idle at %" PRId64 ", with a timeout of %" PRId64 " since %" PRId64, actor,
	    now, a->idle_timeout, a->idle_since);
}

/* --- Monitors and links. --- */

void
ref_note_monitor(unsigned who, troupe_ref who_ref, troupe_monitoring token)
{
	bool is_handle = (who_ref >> 32 & 1) != 0;

	if (token == 0) {
		troupe_status status = troupe_last_error();

		ref_expect(status == TROUPE_INVALID ? !is_handle || ref.now->ending
			   : status == TROUPE_NOMEM ? ref_may_lack_memory()
						    : ref.is_closing,
		    "monitors: actor %u cannot monitor actor %u: %s", ref.now->actor, who,
		    troupe_status_name(status));
		return;
	}
	ref.actor[who].controls++;
	ref.monitor[++ref.monitors] = (ref_monitor){
		.token = token,
		.watcher = ref.now->actor,
		.life = ref_me()->life,
		.who = who,
		.ref = who_ref,
		.open = true,
		.was_gone = who == 0 || ref.actor[who].state == REF_STOPPED,
	};
}

void
ref_note_demonitor(unsigned monitor, bool was_open)
{
	ref_monitor *m = &ref.monitor[monitor];
	bool expected = m->open && is_mine(m->watcher, m->life);
	bool unclear = ref.now->ending || ref_me()->causes != 0;

	ref_expect(was_open == expected || (unclear && !was_open),
	    "monitors: actor %u ends monitoring %u of actor %u: %d", ref.now->actor, monitor, m->watcher,
	    (int)was_open);
	ref.actor[m->who].controls++;
	if (was_open)
		m->open = false;
}

static unsigned
find_monitor(troupe_monitoring token)
{
	for (unsigned i = ref.monitors; i > 0; i--)
		if (ref.monitor[i].token == token && is_mine(ref.monitor[i].watcher, ref.monitor[i].life))
			return i;
	return 0;
}

/* It comes after all that who sent. */
static void
check_is_last(const ref_monitor *m)
{
	const ref_lane *lane = &ref_me()->lanes[TROUPE_LANE_NORMAL];

	for (unsigned at = lane->first; at != 0 && m->who != 0; at = ref.message[at].next)
		ref_expect(ref.message[at].is_front || ref.message[at].pusher != m->who,
		    "monitors: actor %u hears that actor %u is down before message %u of it", m->watcher,
		    m->who, at);
}

void
ref_note_down(const troupe_down *down)
{
	unsigned number = find_monitor(down->monitoring);
	ref_monitor *m = &ref.monitor[number];
	ref_actor *who = &ref.actor[m->who];

	ref_expect(number != 0 && m->open,
	    "monitors: actor %u hears of monitoring %u, which has ended or is not its own", ref.now->actor,
	    number);
	ref_expect(m->ref == down->who, "monitors: monitoring %u is of %" PRIx64 ", not %" PRIx64, number,
	    m->ref, down->who);
	m->open = false;
	if (down->reason == TROUPE_REASON_GONE) {
		ref_expect(m->was_gone || who->state != REF_ALIVE || !ref_is_sound(m->who) || who->is_bare,
		    "monitors: actor %u lived when actor %u began to monitor it, and is GONE", m->who,
		    m->watcher);
		return;
	}
	check_is_last(m);
	if (who->is_bare)
		who->state = REF_STOPPED;
	ref_expect(who->is_bare || who->is_lifeless || who->state == REF_REFUSED ||
		       (who->state == REF_STOPPED && who->reason == down->reason),
	    "monitors: actor %u is down for %s; it is in state %d, for %s", m->who,
	    troupe_reason_name(down->reason), (int)who->state, troupe_reason_name(who->reason));
}

void
ref_note_link(unsigned other, troupe_ref other_ref, troupe_status status)
{
	if (status == TROUPE_INVALID && (ref.now->ending || other == ref.now->actor))
		return;
	ref_check_status("troupe_link", other, other_ref, status);
	ref.actor[other].controls++;
	ref_me()->controls++;
	if (status == TROUPE_OK)
		ref.link[++ref.links] = (ref_link){ ref.now->actor, other };
}

/* --- Names. --- */

void
ref_note_register(int name, troupe_status status)
{
	unsigned me = ref.now->actor, holder = name < 0 ? 0 : ref.names[name];

	if (name < 0) {
		ref_expect(status == TROUPE_INVALID, "names: one that is none is registered: %s",
		    troupe_status_name(status));
	} else if (status == TROUPE_OK) {
		ref_expect(holder == 0 || holder == me || !ref_is_sound(holder),
		    "names: name %d is actor %u's, and now actor %u's", name, holder, me);
		ref.names[name] = me;
	} else if (status == TROUPE_TAKEN) {
		ref_expect(holder != 0 && holder != me,
		    "names: name %d is taken, and it is actor %u's for actor %u", name, holder, me);
	} else {
		check_refusal("names", status);
	}
}

void
ref_note_unregister(int name, troupe_status status)
{
	unsigned me = ref.now->actor, holder = name < 0 ? 0 : ref.names[name];
	bool unclear = ref.now->ending || ref_me()->causes != 0;

	ref_expect(status == (holder == me ? TROUPE_OK : TROUPE_INVALID) ||
		       (unclear && status == TROUPE_INVALID),
	    "names: name %d of actor %u is unregistered by actor %u: %s", name, holder, me,
	    troupe_status_name(status));
	if (status == TROUPE_OK)
		ref.names[name] = 0;
}

void
ref_note_lookup(int name, troupe_ref found)
{
	unsigned holder = name < 0 ? 0 : ref.names[name];

	ref_expect(found == ref.actor[holder].ref || (found == 0 && !ref_is_sound(holder)),
	    "names: name %d is actor %u's, %" PRIx64 ", and %" PRIx64 " is found", name, holder,
	    ref.actor[holder].ref, found);
}

/* --- Ends. --- */

static void
end_asks(unsigned actor)
{
	for (unsigned i = 1; i <= ref.asks; i++)
		if (ref.ask[i].part_of == 0 && ref.ask[i].asker == actor)
			ref_expect(!ref.ask[i].open, "asks: actor %u came to its end before ask %u", actor,
			    i);
}

void
ref_end_under_way(unsigned actor, bool keep_names)
{
	end_asks(actor);
	for (unsigned i = 1; i <= ref.timers; i++)
		if (ref.timer[i].actor == actor)
			ref.timer[i].open = false;
	for (unsigned i = 1; i <= ref.monitors; i++)
		if (ref.monitor[i].watcher == actor)
			ref.monitor[i].open = false;
	for (int i = 0; i < REF_NAMES && !keep_names; i++)
		if (ref.names[i] == actor)
			ref.names[i] = 0;
	ref.actor[actor].idle_timeout = 0;
}

void
ref_check_under_way(void)
{
	for (unsigned i = 1; i <= ref.asks; i++)
		ref_expect(!ref.ask[i].open || ref.ask[i].part_of != 0,
		    "asks: ask %u of actor %u is open when all is quiet", i, ref.ask[i].asker);
	for (unsigned i = 1; i <= ref.timers; i++)
		ref_expect(!ref.timer[i].open || !ref_is_sound(ref.timer[i].actor),
		    "timers: timer %u of actor %u has not fired when all is quiet", i, ref.timer[i].actor);
	for (unsigned i = 1; i <= ref.monitors; i++) {
		const ref_monitor *m = &ref.monitor[i];

		ref_expect(!m->open || !ref_is_sound(m->watcher) ||
			       !(m->who == 0 || ref.actor[m->who].state == REF_STOPPED),
		    "monitors: actor %u was not told that actor %u has stopped", m->watcher, m->who);
	}
}

bool
ref_waits_for_ever(void)
{
	/* Beyond it, what is to come after a while may be beyond the end of time. */
	const int64_t ever = INT64_MAX / 2;

	for (unsigned i = 1; i <= ref.asks; i++)
		if (ref.ask[i].open && ref.ask[i].deadline > ever)
			return true;
	for (unsigned i = 1; i <= ref.timers; i++)
		if (ref.timer[i].open && ref.timer[i].due > ever)
			return true;
	for (unsigned i = 1; i <= ref.actors; i++)
		if (ref.actor[i].state == REF_ALIVE && ref.actor[i].idle_timeout > ever)
			return true;
	return troupe_now(ref.t) > ever;
}
