/* SPDX-License-Identifier: MIT */

/*
 * What a behavior may do: become another, reply, forward, keep, have a name,
 * not know a message; and what dead letters then say.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <stdio.h>

/* Counts what was not as promised; behaviors may not assert. */
static sys_counter wrong;

static void
promise(bool kept)
{
	if (!kept)
		sys_add(&wrong, 1);
}

/* Spawn one actor of `receive` with a pointer as its state. */
static troupe_ref
spawn_with(troupe *t, troupe_receive *receive, void *pointer, troupe_class *class_)
{
	*class_ = (troupe_class){
		.name = "tested",
		.flags = class_->flags,
		.state_size = sizeof pointer,
		.start = sys_start_with_pointer,
		.receive = receive,
		.stop = class_->stop,
	};
	return sys_spawn(t, class_, pointer);
}

/* --- Become. --- */

enum { GO = 1, NULL_BECOME, LANE };

struct shift {
	uint32_t first, second;
};

static void be_second(troupe_actor *self, void *state, const troupe_msg *msg);

static void
be_first(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct shift *s = *(struct shift **)state;

	s->first++;
	if (msg->type == NULL_BECOME) {
		promise(troupe_become(self, NULL) == TROUPE_INVALID);
		return;
	}
	promise(troupe_become(self, be_second) == TROUPE_OK);
	/* From the next message on: also one that it sends itself now. */
	if (msg->type == LANE)
		promise(troupe_send_urgent(troupe_self(self), GO, NULL, 0) == TROUPE_OK);
}

static void
be_second(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct shift *s = *(struct shift **)state;

	(void)msg;
	s->second++;
	promise(troupe_become(self, be_first) == TROUPE_OK);
	promise(troupe_become(self, be_first) == TROUPE_OK);
}

START_TEST(test_system_behavior_becomes_another_with_the_next_message)
{
	enum { MESSAGES = 1000 };
	static const unsigned flags[] = { 0, TROUPE_BUSY, TROUPE_DEDICATED };

	for (int f = 0; f < 3; f++) {
		struct shift s = { 0 };
		troupe_class class_ = { .flags = flags[f] };
		troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
		troupe_ref who = spawn_with(t, be_first, &s, &class_);

		sys_send(who, NULL_BECOME, NULL, 0);
		for (int i = 0; i < MESSAGES; i++)
			sys_send(who, GO, NULL, 0);
		sys_wait(t);
		ck_assert_uint_eq(s.first, MESSAGES / 2 + 1);
		ck_assert_uint_eq(s.second, MESSAGES / 2);
		sys_send(who, LANE, NULL, 0);
		sys_wait(t);
		ck_assert_uint_eq(s.first, MESSAGES / 2 + 2);
		ck_assert_uint_eq(s.second, MESSAGES / 2 + 1);
		sys_close(t, NULL);
		sys_assert_count(wrong, 0);
	}
}
END_TEST

static int
become_in_start(troupe_actor *self, void *state, const void *argument)
{
	memcpy(state, &argument, sizeof argument);
	promise(troupe_become(self, be_second) == TROUPE_OK);
	return 0;
}

START_TEST(test_system_behavior_may_be_chosen_in_start)
{
	static const troupe_class class_ = {
		.state_size = sizeof(struct shift *),
		.start = become_in_start,
		.receive = be_first,
	};
	struct shift s = { 0 };
	troupe *t = sys_open(1, NULL);

	sys_send(sys_spawn(t, &class_, &s), GO, NULL, 0);
	sys_wait(t);
	sys_close(t, NULL);
	ck_assert_uint_eq(s.first, 0);
	ck_assert_uint_eq(s.second, 1);
	sys_assert_count(wrong, 0);
}
END_TEST

/* --- Reply and forward. --- */

/* A client asks a relay, which forwards to a server, which replies to the client. */
struct service {
	troupe_ref client, relay, server;
	uint32_t replies;
	uint64_t sum;
};

enum { ASK = 10, QUESTION, ANSWER };

static void
be_client(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct service *s = *(struct service **)state;

	if (msg->type == ASK) {
		promise(troupe_sender(self) == 0);
		promise(troupe_reply(self, ANSWER, NULL, 0) == TROUPE_INVALID);
		promise(troupe_send(s->relay, QUESTION, msg->body, msg->size) == TROUPE_OK);
	} else {
		promise(msg->type == ANSWER && msg->sender == s->server);
		s->replies++;
		s->sum += *(const uint64_t *)msg->body;
	}
}

static void
be_relay(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct service *s = *(struct service **)state;

	promise(troupe_sender(self) == s->client && msg->sender == s->client);
	promise(troupe_forward(self, s->server) == TROUPE_OK);
	promise(troupe_sender(self) == 0);
	promise(troupe_reply(self, ANSWER, NULL, 0) == TROUPE_INVALID);
}

static void
be_server(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct service *s = *(struct service **)state;
	uint64_t answer = *(const uint64_t *)msg->body * 2;

	promise(troupe_sender(self) == s->client && msg->type == QUESTION);
	promise(troupe_reply(self, ANSWER, &answer, sizeof answer) == TROUPE_OK);
}

START_TEST(test_system_behavior_replies_to_the_first_sender_of_a_forwarded_message)
{
	uint64_t count = SYS_SCALED(10000);
	struct service s = { 0 };
	troupe_class client = { 0 }, relay = { 0 }, server = { .flags = _i % 2 ? TROUPE_DEDICATED : 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	s.client = spawn_with(t, be_client, &s, &client);
	s.relay = spawn_with(t, be_relay, &s, &relay);
	s.server = spawn_with(t, be_server, &s, &server);
	for (uint64_t i = 0; i < count; i++)
		sys_send(s.client, ASK, &i, sizeof i);
	sys_wait(t);
	sys_close(t, NULL);
	ck_assert_uint_eq(s.replies, count);
	ck_assert_uint_eq(s.sum, count * (count - 1));
	sys_assert_count(wrong, 0);
}
END_TEST

/* --- Where it is. --- */

struct place {
	troupe *t;
	troupe_ref self, parent, child;
};

static void
look_from_child(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct place *p = *(struct place **)state;

	(void)msg;
	promise(troupe_of(self) == p->t);
	promise(troupe_self(self) == p->child);
	promise(troupe_parent(self) == p->self);
	promise(troupe_sender(self) == p->self);
}

static const troupe_class looking_child = {
	.state_size = sizeof(struct place *),
	.start = sys_start_with_pointer,
	.receive = look_from_child,
};

static void
look_around(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct place *p = *(struct place **)state;

	(void)msg;
	promise(troupe_of(self) == p->t);
	promise(troupe_self(self) == p->self);
	promise(troupe_parent(self) == 0);
	p->child = troupe_spawn_child(self, &looking_child, p);
	promise(troupe_self(self) == p->self);
	promise(troupe_send(p->child, GO, NULL, 0) == TROUPE_OK);
}

START_TEST(test_system_behavior_knows_where_it_is)
{
	struct place p = { 0 };
	troupe_class class_ = { .flags = _i % 2 ? TROUPE_DEDICATED : 0 };

	p.t = sys_open_shape(&sys_shapes[_i / 2], NULL);
	p.self = spawn_with(p.t, look_around, &p, &class_);
	sys_send(p.self, GO, NULL, 0);
	ck_assert_uint_eq(sys_wait(p.t).handled, 2);
	sys_close(p.t, NULL);
	sys_assert_count(wrong, 0);
}
END_TEST

/* --- Names. --- */

static void
try_name(troupe_actor *self, void *state, const troupe_msg *msg)
{
	char long_name[10001];
	char *given = *(char **)state;
	char before[TROUPE_NAME_MAX + 1];

	(void)msg;
	promise(strcmp(troupe_name(self), "") == 0);
	promise(troupe_set_name(self, NULL) == TROUPE_OK);
	promise(troupe_set_name(self, "first") == TROUPE_OK && strcmp(troupe_name(self), "first") == 0);
	memset(long_name, 'n', sizeof long_name);
	static const size_t lengths[] = { 1, 15, 16, 254, 255, 256, 257, 10000 };
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		bool fits = lengths[i] <= TROUPE_NAME_MAX;

		long_name[lengths[i]] = '\0';
		strcpy(before, troupe_name(self));
		promise(troupe_set_name(self, long_name) == (fits ? TROUPE_OK : TROUPE_INVALID));
		promise(strcmp(troupe_name(self), fits ? long_name : before) == 0);
		long_name[lengths[i]] = 'n';
	}
	promise(troupe_set_name(self, "") == TROUPE_OK && strcmp(troupe_name(self), "") == 0);
	/* The text is copied, also from the name that it replaces. */
	promise(troupe_set_name(self, given) == TROUPE_OK);
	given[0] = '!';
	promise(strcmp(troupe_name(self), "given") == 0);
	promise(
	    troupe_set_name(self, troupe_name(self)) == TROUPE_OK && strcmp(troupe_name(self), "given") == 0);
	promise(troupe_set_name(self, troupe_name(self) + 2) == TROUPE_OK &&
		strcmp(troupe_name(self), "ven") == 0);
}

START_TEST(test_system_behavior_names_itself)
{
	char given[] = "given";
	troupe_class class_ = { 0 };
	troupe *t = sys_open(1, NULL);

	sys_send(spawn_with(t, try_name, given, &class_), GO, NULL, 0);
	sys_wait(t);
	sys_close(t, NULL);
	sys_assert_count(wrong, 0);
}
END_TEST

/* --- Dead letters. --- */

struct letters {
	uint32_t count;
	troupe_ref target[8], sender[8];
	troupe_status reason[8];
	char class_name[8][32], actor_name[8][32], body[8][32];
	uint32_t type[8];
};

static void
note_letter(void *context, const troupe_dead_letter *letter)
{
	struct letters *l = context;
	uint32_t at = l->count++ % 8;

	l->target[at] = letter->target;
	l->reason[at] = letter->reason;
	l->sender[at] = letter->msg->sender;
	l->type[at] = letter->msg->type;
	snprintf(l->class_name[at], 32, "%s", letter->class_name);
	snprintf(l->actor_name[at], 32, "%s", letter->actor_name);
	snprintf(l->body[at], 32, "%.*s", (int)letter->msg->size, (const char *)letter->msg->body);
}

static int
start_named(troupe_actor *self, void *state, const void *argument)
{
	(void)state;
	promise(troupe_set_name(self, argument) == TROUPE_OK);
	return 0;
}

static void
know_nothing(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	troupe_unhandled(self, msg);
	if (msg->type == GO)
		troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class named_class = { .name = "named", .start = start_named, .receive = know_nothing };

static void
assert_letter(const struct letters *l, uint32_t at, troupe_ref target, troupe_status reason, const char *name,
    uint32_t type, const char *body)
{
	ck_assert_uint_gt(l->count, at);
	ck_assert_uint_eq(l->target[at], target);
	ck_assert_str_eq(troupe_status_name(l->reason[at]), troupe_status_name(reason));
	ck_assert_str_eq(l->class_name[at], "named");
	ck_assert_str_eq(l->actor_name[at], name);
	ck_assert_uint_eq(l->type[at], type);
	ck_assert_str_eq(l->body[at], body);
	ck_assert_uint_eq(l->sender[at], 0);
}

START_TEST(test_system_behavior_dead_letters_say_what_is_known)
{
	struct letters l = { 0 };
	sys_ledger ledger = { .letter = note_letter, .context = &l };
	troupe *t = sys_open(TROUPE_WORKERS_NONE, &ledger);
	troupe_ref a = sys_spawn(t, &named_class, "a"), b = sys_spawn(t, &named_class, "");

	sys_send(b, 7, "unknown", 7);
	sys_wait(t);
	assert_letter(&l, 0, b, TROUPE_UNHANDLED, "", 7, "unknown");
	sys_send(a, GO, "stop", 4);
	sys_send(a, 8, "too late", 8);
	sys_wait(t);
	assert_letter(&l, 1, a, TROUPE_UNHANDLED, "a", GO, "stop");
	assert_letter(&l, 2, a, TROUPE_DEAD, "a", 8, "too late");
	sys_send(b, 9, "closing", 7);
	sys_send(b, 10, "in order", 8);
	troupe_totals totals;
	troupe_get_totals(t, &totals);
	ck_assert_uint_eq(totals.unhandled, 2);
	sys_close(t, &ledger);
	ck_assert_uint_eq(l.count, 5);
	assert_letter(&l, 3, b, TROUPE_CLOSING, "", 9, "closing");
	assert_letter(&l, 4, b, TROUPE_CLOSING, "", 10, "in order");
	sys_assert_count(wrong, 0);
}
END_TEST

/* The callback may send: here each dead letter is sent on to an undertaker. */
struct undertaking {
	troupe_ref undertaker;
	sys_counter buried, sent;
};

static void
send_letter_on(void *context, const troupe_dead_letter *letter)
{
	struct undertaking *u = context;

	if (troupe_send(u->undertaker, letter->msg->type, letter->msg->body, letter->msg->size) == TROUPE_OK)
		sys_add(&u->sent, 1);
}

static void
undertake(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)msg;
	sys_add(&(*(struct undertaking **)state)->buried, 1);
}

START_TEST(test_system_behavior_dead_letter_callback_may_send)
{
	enum { WAITING = 100 };
	struct undertaking u = { 0 };
	sys_ledger ledger = { .letter = send_letter_on, .context = &u };
	troupe_class class_ = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);
	troupe_ref victim = sys_spawn(t, &named_class, "victim");

	u.undertaker = spawn_with(t, undertake, &u, &class_);
	sys_assert_status(troupe_hold(t), TROUPE_OK);
	sys_send(victim, GO, NULL, 0);
	for (int i = 0; i < WAITING; i++)
		if (troupe_send(victim, 2, &i, sizeof i) == TROUPE_DEAD)
			break;
	sys_assert_status(troupe_release(t), TROUPE_OK);
	troupe_totals totals = sys_wait(t);
	/* With those that were not known. */
	ck_assert_uint_eq(sys_get(&u.buried), totals.dead + totals.unhandled);
	sys_send(victim = sys_spawn(t, &named_class, NULL), 2, NULL, 0);
	sys_close(t, &ledger);
	ck_assert_uint_le(sys_get(&u.buried), sys_get(&u.sent));
}
END_TEST

START_TEST(test_system_behavior_default_is_to_count_dead_letters)
{
	troupe *t = sys_open(1, NULL);

	sys_send(sys_spawn(t, &named_class, NULL), 3, NULL, 0);
	ck_assert_uint_eq(sys_wait(t).unhandled, 1);
	sys_close(t, NULL);
}
END_TEST

/* --- Keeping more than one. --- */

struct hoarder {
	troupe_msg *kept[100];
	uint32_t count;
	troupe_ref heir;
	uint64_t sum;
};

static void
hoard(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct hoarder *h = *(struct hoarder **)state;

	if (msg->type == GO) {
		/* All of them, last first, long after they came. */
		while (h->count > 0)
			promise(troupe_send_msg(h->heir, &h->kept[--h->count]) == TROUPE_OK);
		return;
	}
	h->kept[h->count++] = troupe_keep(self);
	promise(troupe_keep(self) == NULL && troupe_sender(self) == 0);
	promise(troupe_forward(self, h->heir) == TROUPE_INVALID);
}

static void
inherit(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct hoarder *h = *(struct hoarder **)state;

	(void)self;
	promise(msg->sender != 0);
	h->sum = h->sum * 3 + *(const uint64_t *)msg->body;
}

START_TEST(test_system_behavior_keeps_messages_as_long_as_it_likes)
{
	struct hoarder h = { 0 };
	uint64_t expected = 0;
	troupe_class hoarder_class = { .flags = TROUPE_BUSY }, heir_class = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	troupe_ref who = spawn_with(t, hoard, &h, &hoarder_class);

	h.heir = spawn_with(t, inherit, &h, &heir_class);
	for (uint64_t i = 0; i < 100; i++) {
		sys_send(who, 2, &i, sizeof i);
		expected = expected * 3 + (99 - i);
	}
	sys_wait(t);
	ck_assert_uint_eq(h.count, 100);
	sys_send(who, GO, NULL, 0);
	sys_wait(t);
	ck_assert_uint_eq(h.sum, expected);
	sys_close(t, NULL);
	sys_assert_count(wrong, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_behavior");
	TCase *tc = tcase_create("behavior");

	tcase_add_loop_test(tc, test_system_behavior_becomes_another_with_the_next_message, 0,
	    sys_shape_count);
	tcase_add_test(tc, test_system_behavior_may_be_chosen_in_start);
	tcase_add_loop_test(tc, test_system_behavior_replies_to_the_first_sender_of_a_forwarded_message, 0,
	    sys_shape_count);
	tcase_add_loop_test(tc, test_system_behavior_knows_where_it_is, 0, 2 * sys_shape_count);
	tcase_add_test(tc, test_system_behavior_names_itself);
	tcase_add_test(tc, test_system_behavior_dead_letters_say_what_is_known);
	tcase_add_loop_test(tc, test_system_behavior_dead_letter_callback_may_send, 0, sys_shape_count);
	tcase_add_test(tc, test_system_behavior_default_is_to_count_dead_letters);
	tcase_add_loop_test(tc, test_system_behavior_keeps_messages_as_long_as_it_likes, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
