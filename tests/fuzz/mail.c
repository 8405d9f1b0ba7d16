/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/reference.h"

#include <string.h>

/*
 * mail -- the model of messages: what waits for whom in which order, what is
 * set aside, and how each comes to its end.
 */

/* --- Making. --- */

unsigned
ref_new_message(ref_kind kind, uint32_t size, troupe_lane lane, unsigned payload, fuzz_input script)
{
	if (ref.messages == REF_MESSAGES)
		return 0;
	ref.message[++ref.messages] = (ref_message){
		.kind = kind,
		.lane = lane,
		.payload = payload,
		.size = size,
		.script = script,
	};
	ref.payload[payload].holders += payload != 0;
	return ref.messages;
}

unsigned
ref_new_payload(void)
{
	if (ref.payloads == REF_PAYLOADS)
		return 0;
	ref.payload[++ref.payloads] = (ref_payload){ 0 };
	return ref.payloads;
}

/* What is at both ends of a body: those of a block are the same for all that carry it. */
typedef struct mark {
	uint32_t payload, tag;
} mark;

static mark
mark_of(unsigned message)
{
	unsigned payload = ref.message[message].payload;

	return (mark){ payload, (payload != 0 ? payload : message) * UINT32_C(2654435761) };
}

void
ref_fill_body(unsigned message, void *body)
{
	uint32_t size = ref.message[message].size;
	mark m = mark_of(message);

	if (size == 0)
		return;
	memcpy(body, &m, sizeof m);
	memcpy((char *)body + size - sizeof m, &m, sizeof m);
}

void
ref_check_body(unsigned message, const troupe_msg *msg)
{
	uint32_t size = ref.message[message].size;
	mark m = mark_of(message);

	ref_expect(msg->size == size && (size > 0) == (msg->body != NULL),
	    "bodies: message %u has %u bytes at %p, not %u", message, msg->size, msg->body, size);
	ref_expect(size == 0 || (memcmp(msg->body, &m, sizeof m) == 0 &&
				    memcmp((const char *)msg->body + size - sizeof m, &m, sizeof m) == 0),
	    "bodies: message %u of %u bytes is not what was sent", message, size);
}

/* --- Statuses. --- */

/* As tr_ref_is_handle says; no reference could know better what a number is not. */
static bool
may_be_handle(troupe_ref who)
{
	return (who >> 32 & 1) != 0;
}

static bool
is_possible(unsigned to, troupe_ref to_ref, troupe_status status)
{
	if (status == TROUPE_NOMEM)
		return ref_may_lack_memory();
	if (!may_be_handle(to_ref))
		return status == TROUPE_INVALID;
	if (ref.is_closing)
		return status == TROUPE_CLOSING || status == TROUPE_DEAD;
	if (to == 0 || ref.actor[to].state == REF_STOPPED)
		return status == TROUPE_DEAD;
	return status == TROUPE_OK || (status == TROUPE_DEAD && !ref_is_sound(to));
}

void
ref_check_status(const char *call, unsigned to, troupe_ref to_ref, troupe_status status)
{
	ref_expect(is_possible(to, to_ref, status),
	    "handles: %s of actor %u to actor %u (%" PRIx64 "), %s, is %s", call, ref.now->actor, to, to_ref,
	    to == 0                              ? "never born"
	    : ref.actor[to].state == REF_STOPPED ? "which has stopped"
	    : ref_is_sound(to)                   ? "which lives"
						 : "which may have stopped",
	    troupe_status_name(status));
	if (status == TROUPE_DEAD && ref.actor[to].is_bare)
		ref.actor[to].state = REF_STOPPED;
}

/* --- Lanes. --- */

void
ref_append(ref_lane *lane, unsigned message)
{
	ref.message[message].next = 0;
	if (lane->last != 0)
		ref.message[lane->last].next = message;
	else
		lane->first = message;
	lane->last = message;
}

static bool
unlink_message(ref_lane *lane, unsigned message)
{
	unsigned before = 0;

	for (unsigned at = lane->first; at != 0; before = at, at = ref.message[at].next) {
		if (at != message)
			continue;
		if (before != 0)
			ref.message[before].next = ref.message[at].next;
		else
			lane->first = ref.message[at].next;
		if (lane->last == at)
			lane->last = before;
		ref.message[at].next = 0;
		return true;
	}
	return false;
}

static ref_lane *
lane_of(const ref_message *m)
{
	return &ref.actor[m->to].lanes[m->lane];
}

/* One that is passed on keeps its sender, and so does a request that can be answered yet. */
static bool
keeps_sender(const ref_message *m)
{
	return m->place == REF_IN_HAND || (m->kind == REF_REQUEST && m->accepted != 0 && !m->is_answered);
}

/* It is sent from here on: from whom, to whom, after which others. */
static void
accept_message(ref_message *m, unsigned to)
{
	if (!keeps_sender(m))
		m->sender = ref_me()->ref;
	m->place = REF_WAITING;
	m->pusher = ref.now->actor;
	m->to = to;
	m->is_front = false;
	m->overtaken = 0;
	m->handled_before = ref.actor[to].handled;
	m->accepted = ++ref.accepted;
	if (!m->is_loose)
		ref_append(lane_of(m), (unsigned)(m - ref.message));
}

void
ref_note_send(unsigned message, unsigned to, troupe_ref to_ref, troupe_status status, bool is_copy)
{
	ref_message *m = &ref.message[message];

	ref_check_status("a send", to, to_ref, status);
	if (status == TROUPE_OK)
		accept_message(m, to);
	else if (is_copy)
		ref_end_message(message);
}

void
ref_put_in_front(unsigned actor, unsigned first)
{
	ref_lane fronts[2] = { { 0, 0 }, { 0, 0 } };

	for (unsigned at = first, next; at != 0; at = next) {
		ref_message *m = &ref.message[at];

		next = m->next;
		m->place = REF_WAITING;
		m->is_front = true;
		ref_append(&fronts[m->lane], at);
	}
	for (int i = 0; i < 2; i++) {
		ref_lane *lane = &ref.actor[actor].lanes[i];

		if (fronts[i].first == 0)
			continue;
		ref.message[fronts[i].last].next = lane->first;
		lane->first = fronts[i].first;
		if (lane->last == 0)
			lane->last = fronts[i].last;
	}
}

/* --- Order. --- */

/* First in, first out for each pair; what was unstashed goes before all else. */
static void
check_order(const ref_message *m)
{
	unsigned number = (unsigned)(m - ref.message);

	for (unsigned at = lane_of(m)->first; at != 0 && at != number; at = ref.message[at].next) {
		const ref_message *before = &ref.message[at];

		ref_expect(!before->is_front,
		    "stash: actor %u has message %u before message %u, which was put back in front", m->to,
		    number, at);
		ref_expect(before->pusher != m->pusher,
		    "order: actor %u has message %u of actor %u before message %u of the same", m->to, number,
		    m->pusher, at);
	}
}

/*
 * Urgent ones are noticed at once by an actor that handles one message a turn,
 * and after 32 by others; then one of the normal lane comes now and then, so
 * that it does not starve.  Control messages count like urgent ones there.
 */
static void
check_lanes(const ref_message *m)
{
	const ref_actor *a = &ref.actor[m->to];

	if (m->lane != TROUPE_LANE_NORMAL || m->is_front)
		return;
	for (unsigned at = a->lanes[TROUPE_LANE_URGENT].first; at != 0; at = ref.message[at].next) {
		ref_message *urgent = &ref.message[at];
		unsigned allowed = (ref.is_strict ? 1 : 34) +
				   (a->handled - urgent->handled_before + a->controls) / 6;

		if (urgent->is_front || urgent->accepted > m->accepted)
			continue;
		ref_expect(++urgent->overtaken <= allowed,
		    "lanes: actor %u has %u messages that came after the urgent one %u", m->to,
		    urgent->overtaken, at);
	}
}

void
ref_take_out(unsigned message)
{
	ref_message *m = &ref.message[message];
	bool was_loose = m->is_loose;

	/* From here on it is known where it is. */
	m->is_loose = false;
	if (was_loose)
		return;
	check_order(m);
	check_lanes(m);
	ref_expect(unlink_message(lane_of(m), message), "reference: message %u is in no lane", message);
}

/* --- Receiving. --- */

static void
note_own_message(const troupe_msg *msg)
{
	ref.now->in_hand = ref.now->untracked = true;
	if (msg->type == TROUPE_DOWN) {
		const troupe_down *down = troupe_body(msg, sizeof *down);

		ref_expect(down != NULL, "monitors: a DOWN has %u bytes", msg->size);
		ref_note_down(down);
		return;
	}
	ref_expect(msg->type == TROUPE_IDLE,
	    "one outcome: actor %u has a message of type %x, which nobody sent", ref.now->actor, msg->type);
	ref_note_idle(ref.now->actor);
}

static void
note_message(unsigned number, const troupe_msg *msg)
{
	ref_message *m = &ref.message[number];
	unsigned me = ref.now->actor;

	ref.now->message = number;
	ref_check_body(number, msg);
	if (m->kind == REF_TICK && (m->place == REF_NOWHERE || ref.timer[m->timer].period != 0) &&
	    !(m->place == REF_WAITING && m->is_front)) {
		ref_note_tick(m->timer);
		ref.now->untracked = m->place != REF_NOWHERE && m->place != REF_ENDED;
	} else {
		ref_expect(m->place == REF_WAITING && m->to == me,
		    "one outcome: actor %u has message %u, sent to actor %u by actor %u (place %d)", me,
		    number, m->to, m->pusher, (int)m->place);
		ref_expect(msg->sender == m->sender,
		    "sends: message %u has the sender %" PRIx64 ", not %" PRIx64, number, msg->sender,
		    m->sender);
		ref_take_out(number);
	}
	ref.now->in_hand = true;
	if (ref.now->untracked)
		return;
	m->to = me;
	m->place = REF_IN_HAND;
}

void
ref_note_receive(const troupe_msg *msg, unsigned behavior)
{
	ref_actor *me = ref_me();
	unsigned number = msg->type - REF_TYPE;

	ref_expect(ref.now->actor != 0 && me->state == REF_ALIVE && !me->is_lifeless,
	    "stop: actor %u, which does not live, has a message of type %x", ref.now->actor, msg->type);
	ref_expect(!me->waits || me->causes != 0,
	    "failure: actor %u, which waits for its supervisor, has a message of type %x", ref.now->actor,
	    msg->type);
	ref_expect((me->receives & 1) == behavior || me->is_bare,
	    "become: actor %u receives with behavior %u", ref.now->actor, behavior);
	me->handled++;
	ref.hand = msg;
	if (number == 0 || number > ref.messages)
		note_own_message(msg);
	else
		note_message(number, msg);
	me->idle_since = troupe_now(ref.t);
}

/* --- Ends. --- */

void
ref_end_message(unsigned message)
{
	ref_message *m = &ref.message[message];

	m->place = REF_ENDED;
	if (m->payload == 0)
		return;
	ref.payload[m->payload].holders--;
	/* A timer's message may come again; what has a payload may not. */
	m->payload = 0;
}

void
ref_note_destroy(unsigned payload)
{
	ref_payload *p = &ref.payload[payload];

	ref_expect(payload > 0 && payload <= ref.payloads, "destructor: called for payload %u, which is none",
	    payload);
	ref_expect(p->destroyed++ == 0, "destructor: payload %u is destroyed again", payload);
	ref_expect(p->holders == 0, "destructor: payload %u is destroyed, and %u have it yet", payload,
	    p->holders);
}

static void
bury_waiting(ref_message *m, const troupe_dead_letter *letter)
{
	const ref_actor *a = &ref.actor[m->to];
	unsigned number = (unsigned)(m - ref.message);

	ref_expect(m->place == REF_WAITING || m->place == REF_STASHED,
	    "one outcome: message %u to actor %u is a dead letter, %s (place %d)", number, m->to,
	    troupe_status_name(letter->reason), (int)m->place);
	ref_expect(letter->target == a->ref,
	    "dead letters: message %u was for actor %u, %" PRIx64 ", not for %" PRIx64, number, m->to, a->ref,
	    letter->target);
	ref_expect(letter->reason == TROUPE_CLOSING ? ref.is_closing : ref.is_closing || !ref_is_sound(m->to),
	    "one outcome: message %u is a dead letter, %s, and actor %u lives", number,
	    troupe_status_name(letter->reason), m->to);
	if (m->place == REF_STASHED) {
		(void)unlink_message(&ref.actor[m->to].stash, number);
		ref.actor[m->to].stashed--;
	} else if (!m->is_loose) {
		(void)unlink_message(lane_of(m), number);
	}
}

static void
bury_late(ref_message *m)
{
	unsigned number = (unsigned)(m - ref.message);

	/* That to a call that is over comes back in the very call that answers. */
	ref_expect(m->kind == REF_REPLY && (m->place == REF_WAITING || m->ask == 0),
	    "asks: message %u, no answer, is late", number);
	ref_expect(m->ask == 0 || !ref.ask[m->ask].open,
	    "asks: answer %u to ask %u is late, and the ask has not ended", number, m->ask);
	if (!m->is_loose)
		(void)unlink_message(lane_of(m), number);
}

/* What its actor failed over, or says that it does not know, has been taken out before. */
static bool
bury_handled(ref_message *m, const troupe_dead_letter *letter)
{
	unsigned number = (unsigned)(m - ref.message);
	bool is_tick = m->kind == REF_TICK && m->place != REF_FAILED_OVER;

	if (letter->reason == TROUPE_UNHANDLED) {
		ref_expect(ref.now->message == number, "dead letters: message %u, not in hand, is unhandled",
		    number);
		return false;
	}
	ref_expect(m->place == REF_FAILED_OVER || is_tick,
	    "failure: nobody failed over message %u (place %d)", number, (int)m->place);
	m->code = ref.actor[m->to].failure_code;
	return m->place == REF_FAILED_OVER;
}

void
ref_note_letter(const troupe_dead_letter *letter)
{
	unsigned number = letter->msg->type - REF_TYPE;

	ref.letters[letter->reason]++;
	if (number == 0 || number > ref.messages)
		return; /* one of the runtime's own */
	ref_message *m = &ref.message[number];

	ref_check_body(number, letter->msg);
	if (letter->reason == TROUPE_UNHANDLED || letter->reason == TROUPE_FAILED) {
		if (!bury_handled(m, letter))
			return;
	} else if (letter->reason == TROUPE_LATE) {
		bury_late(m);
	} else {
		bury_waiting(m, letter);
	}
	m->is_dead = true;
	m->reason = letter->reason;
	ref_end_message(number);
}

/* --- Stashing. --- */

void
ref_note_stash(troupe_status status)
{
	ref_frame *now = ref.now;
	ref_actor *me = ref_me();
	size_t limit = me->class_->stash_limit != 0 ? me->class_->stash_limit : TROUPE_STASH_LIMIT;
	bool may = now->in_hand && now->where == REF_RECEIVE;

	if (status == TROUPE_NOMEM) {
		ref_expect(ref_may_lack_memory(), "stash: NOMEM, and there is memory");
		return;
	}
	ref_expect(status == (!may                      ? TROUPE_INVALID
				 : me->stashed >= limit ? TROUPE_FULL
							: TROUPE_OK),
	    "stash: actor %u has %u in its stash, message %u in hand (%d), and it is %s", now->actor,
	    me->stashed, now->message, (int)now->in_hand, troupe_status_name(status));
	if (status != TROUPE_OK)
		return;
	now->in_hand = false;
	ref.message[now->message].place = REF_STASHED;
	ref_append(&me->stash, now->message);
	me->stashed++;
}

static unsigned
take_stashed(ref_actor *a)
{
	unsigned message = a->stash.first;

	(void)unlink_message(&a->stash, message);
	a->stashed--;
	return message;
}

void
ref_note_unstash(size_t most, size_t got)
{
	ref_frame *now = ref.now;
	ref_actor *me = ref_me();
	size_t expected = me->stashed < most ? me->stashed : most;
	bool refused = got == 0 && (now->ending || now->where == REF_STOP || now->where == REF_FAILED);
	ref_lane chain = { now->unstashed, now->unstashed_last };

	ref_expect(got == expected || refused,
	    "stash: actor %u has %u set aside, and %zu of %zu are put back", now->actor, me->stashed, got,
	    most);
	for (size_t i = 0; i < got; i++)
		ref_append(&chain, take_stashed(me));
	now->unstashed = chain.first;
	now->unstashed_last = chain.last;
}

void
ref_return_stash(unsigned actor)
{
	ref_actor *a = &ref.actor[actor];

	ref_put_in_front(actor, a->stash.first);
	a->stash = (ref_lane){ 0, 0 };
	a->stashed = 0;
}
