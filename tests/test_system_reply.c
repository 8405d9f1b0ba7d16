/* SPDX-License-Identifier: MIT */

/*
 * Replies: the right to one answer goes with the request, wherever that goes,
 * and is used at most once.
 */

#include "tests/asking.h"
#include "tests/suite.h"

#include <stdio.h>

/* --- Forwarded. --- */

/* Answers with who asked. */
static void
tell_sender(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const troupe_ref sender = troupe_sender(self);

	(void)state;
	(void)troupe_reply(self, ANSWERED, &(troupe_ref[2]){ sender, msg->sender }, 2 * sizeof sender);
}

static const troupe_class teller_class = { .receive = tell_sender };

typedef struct told {
	asking a;
	troupe_ref first, second, by;
} told;

static void
note_told(troupe_actor *self, void *state, const troupe_answer *answer)
{
	told *w = answer->context;
	const troupe_ref *senders = answer->msg != NULL ? troupe_body(answer->msg, 2 * sizeof *senders) : NULL;

	(void)state;
	w->a.came.calls++;
	w->a.came.status = answer->status;
	w->a.came.target = answer->target;
	w->by = troupe_sender(self);
	if (senders != NULL) {
		w->first = senders[0];
		w->second = senders[1];
	}
}

static void
ask_to_be_told(troupe_actor *self, void *argument)
{
	told *w = argument;

	w->a.asked = troupe_ask(self, w->a.to, w->a.type, NULL, 0, INT64_MAX, note_told, w);
}

START_TEST(test_system_reply_to_a_forwarded_request_goes_to_who_asked)
{
	sys_ledger ledger = { 0 };
	responder r[3] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref asker = sys_spawn(t, &act_class, NULL), teller = sys_spawn(t, &teller_class, NULL), to = teller;

	for (int i = 0; i < 3; i++) {
		r[i].next = to;
		to = sys_spawn(t, i == 1 ? &dedicated_responder_class : &responder_class, &r[i]);
	}
	for (int i = 0; i < 2; i++) {
		told w = { .a = { .to = to, .type = i == 0 ? PASS : PASS_KEPT } };

		act_in(asker, ask_to_be_told, &w);
		sys_wait(t);
		ck_assert_uint_eq(w.a.came.calls, 1);
		sys_assert_status(w.a.came.status, TROUPE_OK);
		ck_assert_uint_eq(w.first, asker);
		ck_assert_uint_eq(w.second, asker);
		ck_assert_uint_eq(w.by, teller);
		/* The one that was asked, not the one that answered. */
		ck_assert_uint_eq(w.a.came.target, to);
		/* A thread waits in the same way, and is nobody. */
		troupe_msg *answer = NULL;
		sys_assert_status(troupe_call(to, w.a.type, NULL, 0, INT64_MAX, &answer, NULL), TROUPE_OK);
		ck_assert_uint_eq(((const troupe_ref *)answer->body)[0], 0);
		troupe_msg_free(&answer);
	}
	sys_wait(t);
	for (int i = 0; i < 3; i++)
		sys_assert_count(r[i].wrong, 0);
	sys_close(t, &ledger);
}
END_TEST

/* --- Kept. --- */

static void
free_kept(troupe_actor *self, void *argument)
{
	(void)self;
	troupe_msg_free(argument);
}

static void
answer_kept(troupe_actor *self, void *argument)
{
	(void)self;
	(void)troupe_answer_kept(argument, ANSWERED, "12345", 5);
}

static void
fail_kept(troupe_actor *self, void *argument)
{
	(void)self;
	(void)troupe_answer_kept_error(argument, 11, "%s", "eleven");
}

static act *const ways[] = { answer_kept, fail_kept, free_kept };
static const troupe_status way_status[] = { TROUPE_OK, TROUPE_FAILED, TROUPE_UNANSWERED };

static void *
do_outside(void *argument)
{
	act *const *way = ((void **)argument)[0];

	(*way)(NULL, ((void **)argument)[1]);
	return NULL;
}

START_TEST(test_system_reply_kept_is_given_by_any_actor_or_thread)
{
	sys_ledger ledger = { 0 };
	responder r[6] = { 0 };
	asking a[6];
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref asker = sys_spawn(t, &act_class, NULL);

	for (int i = 0; i < 6; i++) {
		a[i] = (asking){ .to = sys_spawn(t, &responder_class, &r[i]), .type = KEEP };
		act_in(asker, ask_it, &a[i]);
	}
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	for (int i = 0; i < 6; i++) {
		ck_assert_ptr_nonnull(r[i].kept);
		if (i < 3)
			act_in(sys_spawn(t, i == 1 ? &dedicated_act_class : &act_class, NULL), ways[i], &r[i].kept);
		else
			sys_join(sys_start(do_outside, (void *[]){ (void *)(uintptr_t)&ways[i - 3], &r[i].kept }));
	}
	sys_wait(t);
	for (int i = 0; i < 6; i++) {
		assert_outcome(a[i].came, way_status[i % 3]);
		ck_assert_int_eq(a[i].came.code, i % 3 == 1 ? 11 : 0);
		if (i % 3 == 1)
			ck_assert_str_eq(a[i].came.text, "eleven");
		ck_assert_ptr_null(r[i].kept);
		sys_assert_count(r[i].wrong, 0);
	}
	sys_close(t, &ledger);
	sys_assert_count(ledger.dead[TROUPE_LATE], 0);
}
END_TEST

START_TEST(test_system_reply_kept_is_late_after_the_deadline)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref asker = sys_spawn(t, &act_class, NULL), to = sys_spawn(t, &responder_class, &r);

	for (int i = 0; i < 3; i++) {
		asking a = { .to = to, .type = KEEP, .timeout_ns = 1 };

		act_in(asker, ask_it, &a);
		sys_wait(t);
		assert_outcome(a.came, TROUPE_TIMEOUT);
		ways[i](NULL, &r.kept);
		ck_assert_ptr_null(r.kept);
		sys_wait(t);
		ck_assert_uint_eq(a.came.calls, 1);
		sys_assert_count(ledger.dead[TROUPE_LATE], i + 1);
	}
	sys_close(t, &ledger);
}
END_TEST

/* --- Late answers never reach a later ask. --- */

typedef struct expiring {
	troupe_ref to;
	troupe_msg *kept;   /* of the ask before: never answered in time */
	uint64_t rounds, timeouts, answers, wrong;
} expiring;

static void
note_timeout(troupe_actor *self, void *state, const troupe_answer *answer)
{
	expiring *e = answer->context;

	(void)self;
	(void)state;
	if (answer->status == TROUPE_TIMEOUT)
		e->timeouts++;
	else
		e->wrong++;
}

static void
note_right_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	expiring *e = answer->context;

	(void)self;
	(void)state;
	if (answer->status == TROUPE_OK && answer->msg->size == 0)
		e->answers++;
	else
		e->wrong++;
}

static void
ask_to_expire(troupe_actor *self, void *argument)
{
	expiring *e = argument;

	e->wrong += troupe_ask(self, e->to, KEEP, NULL, 0, 1, note_timeout, e) != TROUPE_OK;
}

/* The new ask has the memory of the old one, whose answer is on its way. */
static void
ask_again(troupe_actor *self, void *argument)
{
	expiring *e = argument;

	e->wrong += troupe_answer_kept(&e->kept, ANSWERED, "late", 4) != TROUPE_OK;
	e->wrong += troupe_ask(self, e->to, ANSWER_EMPTY, NULL, 0, INT64_MAX, note_right_answer, e) != TROUPE_OK;
}

START_TEST(test_system_reply_that_is_late_never_reaches_a_later_ask)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref asker = sys_spawn(t, &act_class, NULL);
	expiring e = { .to = sys_spawn(t, &responder_class, &r), .rounds = SYS_SCALED(300) };

	for (uint64_t i = 0; i < e.rounds; i++) {
		act_in(asker, ask_to_expire, &e);
		sys_wait(t);
		e.kept = r.kept;
		r.kept = NULL;
		act_in(asker, ask_again, &e);
		sys_wait(t);
	}
	ck_assert_uint_eq(e.timeouts, e.rounds);
	ck_assert_uint_eq(e.answers, e.rounds);
	ck_assert_uint_eq(e.wrong, 0);
	sys_assert_count(ledger.dead[TROUPE_LATE], e.rounds);
	sys_close(t, &ledger);
}
END_TEST

/* --- What is refused. --- */

typedef struct tries {
	sys_counter wrong;
	troupe_ref next;
	troupe_msg *kept;
} tries;

static void
expect(tries *x, troupe_status got, troupe_status status)
{
	if (got == status)
		return;
	fprintf(stderr, "%s where %s was to be\n", troupe_status_name(got), troupe_status_name(status));
	sys_add(&x->wrong, 1);
}

static void
reply_in_every_way(troupe_actor *self, tries *x, troupe_status plain, troupe_status error)
{
	troupe_msg *msg = troupe_msg_new(ANSWERED, 3, NULL);

	expect(x, troupe_reply(self, ANSWERED, NULL, 0), plain);
	expect(x, troupe_reply_msg(self, &msg), plain);
	sys_add(&x->wrong, (msg == NULL) != (plain == TROUPE_OK));
	troupe_msg_free(&msg);
	expect(x, troupe_reply_error(self, 1, "no"), error);
}

static int
start_with_tries(troupe_actor *self, void *state, const void *argument)
{
	tries *x = *(tries *const *)argument;

	memcpy(state, argument, sizeof x);
	reply_in_every_way(self, x, TROUPE_INVALID, TROUPE_INVALID);
	sys_add(&x->wrong, troupe_sender(self) != 0 || troupe_keep(self) != NULL);
	return 0;
}

static void
try_it(troupe_actor *self, void *state, const troupe_msg *msg)
{
	tries *x = *(tries **)state;
	bool from_actor = msg->sender != 0;

	/* An ordinary message: its sender gets one back. */
	sys_add(&x->wrong, troupe_is_request(msg));
	reply_in_every_way(self, x, from_actor ? TROUPE_OK : TROUPE_INVALID, TROUPE_INVALID);
}

static void
stop_with_tries(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)reason;
	reply_in_every_way(self, *(tries **)state, TROUPE_INVALID, TROUPE_INVALID);
}

static const troupe_class tries_class = {
	.state_size = sizeof(tries *),
	.start = start_with_tries,
	.receive = try_it,
	.stop = stop_with_tries,
};

static void
send_plain(troupe_actor *self, void *argument)
{
	(void)self;
	(void)troupe_send(((tries *)argument)->next, 1, NULL, 0);
}

START_TEST(test_system_reply_without_a_request_is_an_ordinary_message_or_invalid)
{
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	tries x = { 0 }, *argument = &x;

	x.next = sys_spawn(t, &tries_class, &argument);
	sys_send(x.next, 1, NULL, 0);
	act_in(sys_spawn(t, &act_class, NULL), send_plain, &x);
	sys_wait(t);
	/* The two replies, which an acting actor does not know. */
	sys_assert_count(ledger.dead[TROUPE_UNHANDLED], 2);
	sys_close(t, &ledger);
	sys_assert_count(x.wrong, 0);
}
END_TEST

static void
misuse_request(troupe_actor *self, void *state, const troupe_msg *msg)
{
	tries *x = *(tries **)state;
	static const char byte;

	(void)msg;
	/* It is not answered by what is refused. */
	expect(x, troupe_reply(self, TROUPE_TYPE_RESERVED, NULL, 0), TROUPE_INVALID);
	expect(x, troupe_reply(self, 1, NULL, 1), TROUPE_INVALID);
	expect(x, troupe_reply(self, 1, &byte, (size_t)UINT32_MAX + 1), TROUPE_INVALID);
	expect(x, troupe_reply_msg(self, NULL), TROUPE_INVALID);
	troupe_msg *none = NULL;
	expect(x, troupe_reply_msg(self, &none), TROUPE_INVALID);
	expect(x, troupe_forward(self, 0), TROUPE_INVALID);
	expect(x, troupe_forward(self, x->next), TROUPE_DEAD);
	troupe_msg *plain = troupe_msg_new(1, 0, NULL);
	expect(x, troupe_answer_kept(NULL, 1, NULL, 0), TROUPE_INVALID);
	expect(x, troupe_answer_kept(&none, 1, NULL, 0), TROUPE_INVALID);
	expect(x, troupe_answer_kept(&plain, 1, NULL, 0), TROUPE_INVALID);
	expect(x, troupe_answer_kept_error(&plain, 1, "no"), TROUPE_INVALID);
	sys_add(&x->wrong, plain == NULL);
	troupe_msg_free(&plain);

	troupe_msg *request = troupe_keep(self);
	sys_add(&x->wrong, !troupe_is_request(request) || troupe_is_request(NULL));
	expect(x, troupe_answer_kept(&request, TROUPE_TYPE_RESERVED, NULL, 0), TROUPE_INVALID);
	expect(x, troupe_ask_msg(self, troupe_self(self), &request, 1, note_outcome, NULL), TROUPE_INVALID);
	expect(x, troupe_send_msg(x->next, &request), TROUPE_DEAD);
	sys_add(&x->wrong, !troupe_is_request(request));
	expect(x, troupe_answer_kept_error(&request, -5, "%0500d", 1), TROUPE_OK);
	sys_add(&x->wrong, request != NULL);
	expect(x, troupe_answer_kept(&request, 1, NULL, 0), TROUPE_INVALID);
}

static const troupe_class misuser_class = {
	.state_size = sizeof(tries *),
	.start = start_with_tries,
	.receive = misuse_request,
};

START_TEST(test_system_reply_that_is_refused_leaves_the_request_open)
{
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	tries x = { .next = sys_spawn(t, &act_class, NULL) }, *argument = &x;
	asking a = { .to = sys_spawn(t, &misuser_class, &argument), .type = 1 };
	int code = 0;

	sys_assert_status(troupe_stop(x.next, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	act_in(sys_spawn(t, &act_class, NULL), ask_it, &a);
	sys_wait(t);
	assert_outcome(a.came, TROUPE_FAILED);
	ck_assert_int_eq(a.came.code, -5);
	/* The text is cut. */
	ck_assert_uint_eq(strlen(a.came.text), TROUPE_ERROR_MAX);
	ck_assert_uint_eq(strspn(a.came.text, "0"), TROUPE_ERROR_MAX);
	sys_assert_status(troupe_call(a.to, 1, NULL, 0, INT64_MAX, NULL, &code), TROUPE_FAILED);
	ck_assert_int_eq(code, -5);
	sys_assert_count(x.wrong, 0);
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

/* A request is no answer: neither to another request nor to itself. */
static void
reply_with_request(troupe_actor *self, void *state, const troupe_msg *msg)
{
	tries *x = *(tries **)state;

	(void)msg;
	if (x->kept == NULL) {
		x->kept = troupe_keep(self);
		return;
	}
	expect(x, troupe_reply_msg(self, &x->kept), TROUPE_INVALID);
	sys_add(&x->wrong, !troupe_is_request(x->kept));
	expect(x, troupe_reply(self, ANSWERED, NULL, 0), TROUPE_OK);
	expect(x, troupe_answer_kept(&x->kept, ANSWERED, NULL, 0), TROUPE_OK);
}

static const troupe_class confused_class = {
	.state_size = sizeof(tries *),
	.start = start_with_tries,
	.receive = reply_with_request,
};

START_TEST(test_system_reply_with_a_request_is_refused)
{
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	tries x = { 0 }, *argument = &x;
	asking a[2];
	troupe_ref asker = sys_spawn(t, &act_class, NULL), to = sys_spawn(t, &confused_class, &argument);

	for (int i = 0; i < 2; i++) {
		a[i] = (asking){ .to = to, .type = 1 };
		act_in(asker, ask_it, &a[i]);
	}
	sys_wait(t);
	for (int i = 0; i < 2; i++)
		assert_outcome(a[i].came, TROUPE_OK);
	sys_assert_count(x.wrong, 0);
	sys_close(t, &ledger);
}
END_TEST

/* --- Answered, and then. --- */

static void
answer_and_pass_on(troupe_actor *self, void *state, const troupe_msg *msg)
{
	tries *x = *(tries **)state;

	if (msg->type == 1) {
		expect(x, troupe_reply(self, ANSWERED, NULL, 0), TROUPE_OK);
		expect(x, troupe_forward(self, x->next), TROUPE_OK);
	} else {
		expect(x, troupe_reply(self, ANSWERED, NULL, 0), TROUPE_OK);
		troupe_msg *kept = troupe_keep(self);
		sys_add(&x->wrong, kept != msg || troupe_is_request(kept));
		expect(x, troupe_answer_kept(&kept, ANSWERED, NULL, 0), TROUPE_INVALID);
		sys_add(&x->wrong, kept == NULL);
		troupe_msg_free(&kept);
	}
}

static const troupe_class passing_class = {
	.state_size = sizeof(tries *),
	.start = start_with_tries,
	.receive = answer_and_pass_on,
};

static void
expect_no_request(troupe_actor *self, void *state, const troupe_msg *msg)
{
	tries *x = *(tries **)state;

	sys_add(&x->wrong, troupe_is_request(msg));
	reply_in_every_way(self, x, TROUPE_INVALID, TROUPE_INVALID);
}

static const troupe_class second_class = {
	.state_size = sizeof(tries *),
	.start = start_with_tries,
	.receive = expect_no_request,
};

START_TEST(test_system_reply_uses_up_the_request_wherever_it_goes)
{
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	tries x = { 0 }, *argument = &x;
	asking a[2];

	x.next = sys_spawn(t, &second_class, &argument);
	for (int i = 0; i < 2; i++) {
		a[i] = (asking){ .to = sys_spawn(t, &passing_class, &argument), .type = (uint32_t)i + 1 };
		act_in(sys_spawn(t, &act_class, NULL), ask_it, &a[i]);
	}
	sys_wait(t);
	for (int i = 0; i < 2; i++) {
		assert_outcome(a[i].came, TROUPE_OK);
		sys_assert_status(troupe_call(a[i].to, a[i].type, NULL, 0, INT64_MAX, NULL, NULL), TROUPE_OK);
	}
	sys_wait(t);
	sys_assert_count(x.wrong, 0);
	sys_close(t, &ledger);
	sys_assert_count(ledger.dead[TROUPE_LATE], 0);
}
END_TEST

/* The request is set aside until its asker is gone. */
static void
reply_to_nobody(troupe_actor *self, void *state, const troupe_msg *msg)
{
	tries *x = *(tries **)state;
	troupe_msg *answer;

	if (!troupe_is_request(msg)) {
		(void)troupe_unstash(self, SIZE_MAX);
	} else if (x->next == 0) {
		x->next = troupe_sender(self);
		expect(x, troupe_stash(self), TROUPE_OK);
	} else {
		answer = troupe_msg_new(ANSWERED, 3, NULL);
		expect(x, troupe_reply_msg(self, &answer), TROUPE_DEAD);
		sys_add(&x->wrong, answer == NULL || answer->type != ANSWERED || answer->size != 3);
		troupe_msg_free(&answer);
		expect(x, troupe_reply(self, ANSWERED, NULL, 0), TROUPE_INVALID);
	}
}

static const troupe_class belated_class = {
	.state_size = sizeof(tries *),
	.start = sys_start_with_pointer,
	.receive = reply_to_nobody,
};

START_TEST(test_system_reply_to_nobody_leaves_the_answer_with_its_owner)
{
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	tries x = { 0 };
	asking a = { .to = sys_spawn(t, &belated_class, &x), .type = 1 };
	troupe_ref asker = sys_spawn(t, &act_class, NULL);

	act_in(asker, ask_it, &a);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_status(troupe_stop(asker, TROUPE_STOP_NOW), TROUPE_OK);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	assert_outcome(a.came, TROUPE_CANCELLED);
	sys_send(a.to, 1, NULL, 0);
	sys_wait(t);
	ck_assert_uint_eq(x.next, asker);
	sys_assert_count(x.wrong, 0);
	sys_close(t, &ledger);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_reply");
	TCase *tc = tcase_create("ways");

	tcase_add_loop_test(tc, test_system_reply_to_a_forwarded_request_goes_to_who_asked, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_reply_kept_is_given_by_any_actor_or_thread, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_reply_kept_is_late_after_the_deadline, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_reply_that_is_late_never_reaches_a_later_ask, 0, sys_shape_count);
	suite_add_tcase(s, tc);

	tc = tcase_create("refused");
	tcase_add_loop_test(tc, test_system_reply_without_a_request_is_an_ordinary_message_or_invalid, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_reply_that_is_refused_leaves_the_request_open, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_reply_with_a_request_is_refused, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_reply_to_nobody_leaves_the_answer_with_its_owner, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_reply_uses_up_the_request_wherever_it_goes, 0, sys_shape_count);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
