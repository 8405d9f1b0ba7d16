/* SPDX-License-Identifier: MIT */
#include "tests/storm.h"

#include <stdio.h>

enum { LOAD = STORM_WORK + 1, QUESTION, ANSWER, TICK };

struct member {
	storm *storm;
	sys_random random;
	uint32_t number;
	troupe_timer timer[2];
	troupe_monitoring monitoring;
	troupe_msg *kept;
};

static const troupe_class dedicated_class, group_class;

/* --- What it draws. --- */

static bool
may_act(storm *s)
{
	return sys_add(&s->spent, 1) < s->actions;
}

static troupe_ref
anybody(struct member *m)
{
	return sys_get(&m->storm->refs[sys_below(&m->random, STORM_SLOTS)]);
}

static const char *
any_name(struct member *m)
{
	static const char *const names[STORM_NAMES] = { "a", "b", "c", "d", "e", "f" };

	return names[sys_below(&m->random, STORM_NAMES)];
}

static int64_t
any_time(struct member *m)
{
	return (int64_t)sys_below(&m->random, 4) * (int64_t)sys_below(&m->random, 200000);
}

/* --- Payloads. --- */

struct load {
	storm *storm;
	uint64_t magic;
};

#define MAGIC UINT64_C(0x600d10ad600d10ad)

static void
destroy_load(void *body, size_t size)
{
	struct load *l = body;

	(void)size;
	storm_expect(l->storm, l->magic == MAGIC);
	l->magic = 0;
	sys_add(&l->storm->destroyed, 1);
}

static bool
is_done(const storm *s, troupe_status status)
{
	return status == TROUPE_OK || (s->is_scarce && status == TROUPE_NOMEM);
}

/* The same of what returns nothing when it fails. */
static bool
is_excused(const storm *s, bool worked)
{
	return worked || (s->is_scarce && troupe_last_error() == TROUPE_NOMEM);
}

/* NULL only where memory is scarce. */
static troupe_msg *
make_load(struct member *m, uint32_t type)
{
	static const size_t sizes[] = { sizeof(struct load), 100, 3000, 70000 };
	troupe_msg *msg = troupe_msg_new(type, sizes[sys_below(&m->random, 4)], destroy_load);

	storm_expect(m->storm, is_excused(m->storm, msg != NULL));
	if (msg == NULL)
		return NULL;
	*(struct load *)troupe_msg_fill(msg) = (struct load){ m->storm, MAGIC };
	troupe_msg_set_lane(msg, sys_below(&m->random, 4) == 0 ? TROUPE_LANE_URGENT : TROUPE_LANE_NORMAL);
	sys_add(&m->storm->made, 1);
	return msg;
}

static bool
is_refusal(const storm *s, troupe_status status)
{
	return status == TROUPE_DEAD || status == TROUPE_CLOSING || status == TROUPE_INVALID ||
	       (s->is_scarce && status == TROUPE_NOMEM);
}

/* --- What one may do: sending. --- */

static void
do_send(troupe_actor *self, struct member *m)
{
	static const char bytes[500];
	uint32_t way = sys_below(&m->random, 4);
	troupe_ref to = anybody(m);
	troupe_status status = way == 0 ? troupe_send_urgent(to, STORM_WORK, NULL, 0)
	                                : troupe_send(to, STORM_WORK, bytes, way == 1 ? sizeof bytes : way);

	(void)self;
	storm_expect(m->storm, status == TROUPE_OK || is_refusal(m->storm, status));
}

static void
do_send_load(troupe_actor *self, struct member *m)
{
	troupe_msg *msg = make_load(m, LOAD);

	if (msg == NULL)
		return;
	troupe_status status = troupe_send_msg(anybody(m), &msg);

	(void)self;
	storm_expect(m->storm, (status == TROUPE_OK) == (msg == NULL));
	troupe_msg_free(&msg);
}

static void
do_send_block(troupe_actor *self, struct member *m)
{
	troupe_shared *block = troupe_shared_new(sizeof(struct load), destroy_load);

	(void)self;
	storm_expect(m->storm, is_excused(m->storm, block != NULL));
	if (block == NULL)
		return;
	*(struct load *)troupe_shared_bytes(block) = (struct load){ m->storm, MAGIC };
	sys_add(&m->storm->made, 1);
	for (uint32_t i = sys_below(&m->random, 4); i > 0; i--)
		(void)troupe_send_shared(anybody(m), LOAD, block);
	troupe_shared_release(&block);
}

/* --- Asking. --- */

static void
note_end(troupe_actor *self, void *state, troupe_status status, void *end)
{
	const struct member *m = state;

	/* Not the state that began it, when it is cancelled by a start that refuses: but it has begun. */
	(void)self;
	sys_add((sys_counter *)end, 1);
	storm_enter(m->storm, STORM_ANSWERED, m->number, (uint64_t)status);
}

static void
note_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	struct member *m = state;

	note_end(self, state, answer->status, answer->context);
	if (answer->msg == NULL)
		return;
	storm_expect(m->storm, answer->status == TROUPE_OK);
	if (sys_below(&m->random, 4) == 0) {
		troupe_msg *kept = troupe_keep(self);

		storm_expect(m->storm, kept == answer->msg);
		(void)troupe_send_msg(anybody(m), &kept);
		troupe_msg_free(&kept);
	}
}

static void
note_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	note_end(self, state, gathered->status, gathered->context);
}

/* Where the end of the next ask is noted; NULL: there were too many. */
static sys_counter *
next_ask(storm *s)
{
	uint64_t number = sys_add(&s->asks, 1);

	storm_expect(s, number < STORM_ASKS);
	return number < STORM_ASKS ? &s->ask_ends[number] : NULL;
}

/* One that did not begin has no end: as if it had had it. */
static void
note_beginning(storm *s, troupe_status status, sys_counter *end)
{
	storm_expect(s, status == TROUPE_OK || is_refusal(s, status));
	if (status != TROUPE_OK)
		sys_add(end, 1);
}

static void
do_ask(troupe_actor *self, struct member *m)
{
	sys_counter *end = next_ask(m->storm);
	troupe_msg *msg;
	troupe_status status;

	if (end == NULL)
		return;
	if (sys_below(&m->random, 3) == 0) {
		msg = make_load(m, QUESTION);
		status = troupe_ask_msg(self, anybody(m), &msg, any_time(m), note_answer, end);
		troupe_msg_free(&msg);
	} else {
		status = troupe_ask(self, anybody(m), QUESTION, NULL, 0, any_time(m), note_answer, end);
	}
	note_beginning(m->storm, status, end);
}

static void
do_gather(troupe_actor *self, struct member *m)
{
	troupe_request requests[4];
	size_t count = 1 + sys_below(&m->random, 4);
	sys_counter *end = next_ask(m->storm);

	if (end == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		requests[i] = (troupe_request){ .to = anybody(m), .type = QUESTION };
	note_beginning(m->storm,
	    troupe_gather(self, requests, count, 1 + sys_below(&m->random, (uint32_t)count), any_time(m),
		note_gathered, end),
	    end);
}

static void
do_await(troupe_actor *self, struct member *m)
{
	sys_counter *end = next_ask(m->storm);

	if (end != NULL)
		note_beginning(m->storm, troupe_await_name(self, any_name(m), any_time(m), note_answer, end), end);
}

/* What becomes of a request in hand; false: it is out of hand. */
static bool
treat_request(troupe_actor *self, struct member *m)
{
	troupe_msg *answer;

	switch (sys_below(&m->random, 8)) {
	case 0:
	case 1:
		storm_expect(m->storm, troupe_reply(self, ANSWER, NULL, 0) != TROUPE_INVALID);
		return true;
	case 2:
		answer = make_load(m, LOAD);
		if (answer == NULL)
			return true;
		storm_expect(m->storm, troupe_reply_msg(self, &answer) != TROUPE_INVALID);
		troupe_msg_free(&answer);
		return true;
	case 3:
		storm_expect(m->storm, troupe_reply_error(self, 7, "no") != TROUPE_INVALID);
		return true;
	case 4:
		return troupe_forward(self, anybody(m)) != TROUPE_OK;
	case 5:
		return troupe_stash(self) != TROUPE_OK;
	case 6:
		/* Answered by whoever does it next, or never. */
		if (m->kept != NULL && troupe_is_request(m->kept))
			(void)troupe_answer_kept(&m->kept, ANSWER, NULL, 0);
		troupe_msg_free(&m->kept);
		m->kept = troupe_keep(self);
		return false;
	default:
		return true;
	}
}

/* --- Timers. --- */

static void
do_timer(troupe_actor *self, struct member *m)
{
	static const char bytes[90];
	troupe_timer *timer = &m->timer[sys_below(&m->random, 2)];
	size_t size = sys_below(&m->random, 2) ? sizeof bytes : 0;

	(void)troupe_cancel(self, *timer);
	if (sys_below(&m->random, 3) == 0)
		*timer = troupe_send_every(self, 20000 + any_time(m), (troupe_missed)sys_below(&m->random, 2), TICK,
		    bytes, size);
	else
		*timer = troupe_send_after(self, any_time(m), TICK, bytes, size);
	storm_expect(m->storm, is_excused(m->storm, *timer != 0));
	if (*timer == 0)
		return;
	storm_expect(m->storm, sys_below(&m->random, 4) > 0 || troupe_cancel(self, *timer));
}

static void
do_idle_timeout(troupe_actor *self, struct member *m)
{
	storm_expect(m->storm, is_done(m->storm, troupe_set_idle_timeout(self, sys_below(&m->random, 2) * 50000)));
}

static void
wind_down(troupe_actor *self, struct member *m)
{
	for (int i = 0; i < 2; i++)
		(void)troupe_cancel(self, m->timer[i]);
	(void)troupe_set_idle_timeout(self, 0);
}

/* --- Life and death. --- */

static void
do_spawn(troupe_actor *self, struct member *m)
{
	static const troupe_class *const classes[] = { &storm_plain_class, &storm_plain_class, &storm_supervisor_class, &group_class };
	storm_birth birth = { m->storm, sys_next(&m->random) };
	const troupe_class *class_ = sys_below(&m->random, 30) == 0 ? &dedicated_class
	                                                             : classes[sys_below(&m->random, 4)];
	troupe_ref ref = sys_below(&m->random, 3) == 0 ? troupe_spawn(m->storm->t, class_, &birth)
	                                               : troupe_spawn_child(self, class_, &birth);

	if (ref != 0)
		sys_set(&m->storm->refs[sys_below(&m->random, STORM_SLOTS)], ref);
	else
		storm_expect(m->storm, is_excused(m->storm, troupe_last_error() == TROUPE_REFUSED ||
		                                                troupe_last_error() == TROUPE_CLOSING));
}

static void
do_stop(troupe_actor *self, struct member *m)
{
	troupe_stop_mode mode = (troupe_stop_mode)sys_below(&m->random, 2);

	if (sys_below(&m->random, 3) == 0)
		troupe_stop_self(self, mode);
	else
		(void)troupe_stop(anybody(m), mode);
}

static void
do_fail(troupe_actor *self, struct member *m)
{
	troupe_fail(self, (int)m->number, "at random, as number %u", m->number);
}

static void
do_watch(troupe_actor *self, struct member *m)
{
	troupe_ref who = anybody(m);

	if (who == 0)
		return;
	(void)troupe_demonitor(self, m->monitoring);
	m->monitoring = troupe_monitor(self, who);
	if (sys_below(&m->random, 6) == 0)
		(void)troupe_link(self, anybody(m));
}

/* --- Itself. --- */

static void
do_name(troupe_actor *self, struct member *m)
{
	const char *name = any_name(m);
	troupe_status status = sys_below(&m->random, 4) == 0 ? troupe_unregister(self, name) : troupe_register(self, name);

	storm_expect(m->storm, status == TROUPE_TAKEN || status == TROUPE_INVALID ||
	                          is_done(m->storm, status));
	storm_expect(m->storm, is_done(m->storm, troupe_set_name(self, name)));
}

static void
do_unstash(troupe_actor *self, struct member *m)
{
	(void)troupe_unstash(self, sys_below(&m->random, 2) ? SIZE_MAX : 1);
}

static void receive_a(troupe_actor *self, void *state, const troupe_msg *msg);
static void receive_b(troupe_actor *self, void *state, const troupe_msg *msg);

static void
do_become(troupe_actor *self, struct member *m)
{
	troupe_receive *receive = sys_below(&m->random, 2) ? receive_a : receive_b;

	switch (sys_below(&m->random, 3)) {
	case 0:
		(void)troupe_become(self, receive);
		break;
	case 1:
		(void)troupe_become_over(self, receive);
		break;
	default:
		(void)troupe_unbecome(self);
	}
}

static void (*const deeds[])(troupe_actor *self, struct member *m) = { do_send, do_send, do_send, do_send, do_send,
	do_send, do_send_load, do_send_load, do_send_block, do_ask, do_ask, do_gather, do_await, do_timer, do_timer,
	do_idle_timeout, do_spawn, do_spawn, do_spawn, do_spawn, do_stop, do_stop, do_fail, do_fail, do_watch, do_watch, do_name, do_unstash,
	do_unstash, do_become };
#define DEEDS ((uint32_t)(sizeof deeds / sizeof *deeds))

static void
act(troupe_actor *self, struct member *m)
{
	for (uint32_t count = sys_below(&m->random, 4); count > 0; count--) {
		if (!may_act(m->storm)) {
			wind_down(self, m);
			return;
		}
		uint32_t deed = sys_below(&m->random, DEEDS);
		storm_enter(m->storm, STORM_DID, m->number, deed);
		deeds[deed](self, m);
	}
}

static void
receive_any(troupe_actor *self, struct member *m, const troupe_msg *msg)
{
	bool in_hand = true;

	storm_enter(m->storm, STORM_DELIVERED, m->number, msg->type);
	/* An answer that was kept and sent on is a LOAD too. */
	if (msg->type == LOAD)
		storm_expect(m->storm, ((const struct load *)msg->body)->magic == MAGIC);
	if (sys_get(&m->storm->spent) >= m->storm->actions)
		wind_down(self, m);
	if (troupe_is_request(msg))
		in_hand = treat_request(self, m);
	else if (sys_below(&m->random, 12) == 0)
		in_hand = troupe_stash(self) != TROUPE_OK;
	else if (sys_below(&m->random, 30) == 0)
		troupe_unhandled(self, msg);
	if (!in_hand)
		storm_expect(m->storm, troupe_keep(self) == NULL && troupe_stash(self) == TROUPE_INVALID);
	act(self, m);
}

static void
receive_a(troupe_actor *self, void *state, const troupe_msg *msg)
{
	receive_any(self, state, msg);
}

static void
receive_b(troupe_actor *self, void *state, const troupe_msg *msg)
{
	receive_any(self, state, msg);
}

static int
start_member(troupe_actor *self, void *state, const void *argument)
{
	const storm_birth *birth = argument;
	struct member *m = state;
	storm *s = birth->storm;

	m->storm = s;
	m->number = (uint32_t)sys_add(&s->born, 1);
	/* Another in each life. */
	m->random.state = birth->seed + m->number;
	storm_expect(s, m->number < STORM_BORN);
	sys_set(&s->everybody[m->number % STORM_BORN], troupe_self(self));
	storm_enter(s, STORM_STARTED, m->number, 0);
	if (sys_below(&m->random, 3) == 0)
		act(self, m);
	/* What was done may have failed it already. */
	if (sys_below(&m->random, 16) == 0) {
		storm_enter(s, STORM_REFUSED, m->number, 0);
		return 1;
	}
	return 0;
}

/* Only those that began have this: the parts of those that refuse are ended without it. */
static void
stop_member(troupe_actor *self, void *state, troupe_reason reason)
{
	struct member *m = state;

	(void)self;
	sys_add(&m->storm->ends, 1);
	storm_enter(m->storm, STORM_STOPPED, m->number, (uint64_t)reason);
	troupe_msg_free(&m->kept);
	storm_expect(m->storm, troupe_register(self, "a") == TROUPE_INVALID && troupe_unstash(self, SIZE_MAX) == 0);
	/* It may send yet. */
	if (may_act(m->storm))
		do_send(self, m);
}

static troupe_decision
decide(troupe_actor *self, void *state, const troupe_failure *failure)
{
	static const troupe_decision all[] = { TROUPE_RESTART, TROUPE_RESTART, TROUPE_RESTART, TROUPE_RESUME, TROUPE_STOP,
		TROUPE_ESCALATE };
	struct member *m = state;

	(void)self;
	(void)failure;
	return all[sys_below(&m->random, 6)];
}

static const troupe_supervisor one_for_one = { .backoff_ns = 1000, .backoff_max_ns = 100000, .decide = decide };
static const troupe_supervisor all_for_one = { .strategy = TROUPE_ALL_FOR_ONE, .backoff_ns = 5000,
	.backoff_max_ns = 50000 };

#define MEMBER(name_, flags_, supervisor_) \
	{ \
		.name = name_, .flags = flags_, .state_size = sizeof(struct member), .receive = receive_a, \
		.start = start_member, .stop = stop_member, .supervisor = supervisor_, \
		.argument_size = sizeof(storm_birth), .stash_limit = 8 \
	}

const troupe_class storm_plain_class = MEMBER("plain", 0, NULL);
static const troupe_class dedicated_class = MEMBER("dedicated", TROUPE_DEDICATED, NULL);
const troupe_class storm_supervisor_class = MEMBER("supervisor", TROUPE_BUSY, &one_for_one);
static const troupe_class group_class = MEMBER("group", 0, &all_for_one);
