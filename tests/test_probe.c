/* SPDX-License-Identifier: MIT */

/*
 * Probes: what is expected comes, in time, and what does not is said; with
 * workers, without, and under simulation, where the time is virtual.
 */

#include "runtime/memory/fault.h"
#include "tests/suite.h"
#include "tests/system.h"

#include <stdio.h>
#include <troupe/test.h>

enum { ECHO = 1, LATER, BACK, NOISE, ASK_IT, STOP };

static const sys_shape shapes[] = {
	{ .name = "simulated", .scheduler = TROUPE_SCHEDULER_SIMULATED },
	{ .name = "no workers", .workers = TROUPE_WORKERS_NONE },
	{ .name = "two workers", .workers = 2 },
};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

static troupe *t;
static troupe_probe *probe;
static sys_ledger ledger;

/* --- Somebody to talk to. --- */

struct echo {
	troupe_ref asked_for; /* who has the answer sent to */
};

static void
pass_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	const struct echo *e = state;
	uint32_t type = answer->msg != NULL ? answer->msg->type : 0;
	uint32_t told[2] = { (uint32_t)answer->status, type };

	(void)self;
	(void)troupe_send(e->asked_for, BACK, told, sizeof told);
}

/* Sends back what it gets: at once, a virtual or real hour later, or by asking for it. */
static void
echo(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct echo *e = state;

	switch (msg->type) {
	case ECHO:
		(void)troupe_reply(self, BACK, msg->body, msg->size);
		break;
	case LATER:
		e->asked_for = troupe_sender(self);
		(void)troupe_send_after(self, 3600 * TROUPE_SECOND, NOISE, NULL, 0);
		break;
	case NOISE:
		(void)troupe_send(e->asked_for, BACK, NULL, 0);
		break;
	case ASK_IT:
		e->asked_for = troupe_sender(self);
		(void)troupe_ask(self, e->asked_for, ECHO, NULL, 0, TROUPE_SECOND, pass_answer, NULL);
		break;
	case STOP:
		troupe_stop_self(self, TROUPE_STOP_NOW);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class echo_class = { .name = "echo", .state_size = sizeof(struct echo), .receive = echo };

static void
open_probe(const sys_shape *shape)
{
	memset(&ledger, 0, sizeof ledger);
	t = sys_open_shape(shape, &ledger);
	probe = troupe_probe_create(t);
	ck_assert_ptr_nonnull(probe);
}

static void
close_probe(void)
{
	troupe_probe_destroy(&probe);
	ck_assert_ptr_null(probe);
	troupe_totals totals = sys_wait(t);

	ck_assert_uint_eq(totals.spawned - totals.stopped, 1); /* the echo */
	sys_close(t, &ledger);
}

static void
assert_told(troupe_status status, const char *text)
{
	sys_assert_status(troupe_last_error(), status);
	ck_assert_msg(strstr(troupe_last_error_text(), text) != NULL, "\"%s\" does not say \"%s\"",
	    troupe_last_error_text(), text);
}

/* --- In time. --- */

START_TEST(test_probe_gets_what_it_expects)
{
	open_probe(&shapes[_i]);
	troupe_ref who = sys_spawn(t, &echo_class, NULL);

	sys_assert_status(troupe_probe_send(probe, who, ECHO, "abc", 4), TROUPE_OK);
	sys_assert_status(troupe_probe_send(probe, who, ECHO, "de", 3), TROUPE_OK);
	const troupe_msg *msg = troupe_probe_expect(probe, BACK, TROUPE_SECOND * 60);
	ck_assert_msg(msg != NULL, "%s", troupe_last_error_text());
	ck_assert_uint_eq(msg->size, 4);
	ck_assert_str_eq(msg->body, "abc");
	ck_assert_uint_eq(msg->sender, who);
	msg = troupe_probe_expect(probe, BACK, TROUPE_FOREVER);
	ck_assert_ptr_nonnull(msg);
	ck_assert_str_eq(msg->body, "de");
	close_probe();
}
END_TEST

START_TEST(test_probe_says_what_came_instead)
{
	open_probe(&shapes[_i]);
	troupe_ref who = sys_spawn(t, &echo_class, NULL);
	char text[100];

	sys_send(troupe_probe_ref(probe), 77, "abcde", 5);
	sys_assert_status(troupe_probe_send(probe, who, ECHO, NULL, 0), TROUPE_OK);
	ck_assert_ptr_null(troupe_probe_expect(probe, BACK, TROUPE_SECOND * 60));
	snprintf(text, sizeof text, "type %d was expected, but one of type 77 with 5 bytes from 0 is next",
	    BACK);
	assert_told(TROUPE_FAILED, text);
	/* It is next yet. */
	ck_assert(!troupe_probe_expect_none(probe, 0));
	assert_told(TROUPE_FAILED, "no message was expected, but one of type 77 with 5 bytes from 0 came");
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, 77, 0));
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, BACK, TROUPE_SECOND * 60));
	close_probe();
}
END_TEST

START_TEST(test_probe_says_that_nothing_came)
{
	open_probe(&shapes[_i]);
	(void)sys_spawn(t, &echo_class, NULL);

	ck_assert_ptr_null(troupe_probe_expect(probe, BACK, 2 * TROUPE_MS));
	assert_told(TROUPE_TIMEOUT, "none came within 2 ms");
	ck_assert_ptr_null(troupe_probe_expect(probe, BACK, 1001));
	assert_told(TROUPE_TIMEOUT, "none came within 1001 ns");
	ck_assert(troupe_probe_expect_none(probe, TROUPE_MS));
	close_probe();
}
END_TEST

/* --- Virtual time. --- */

START_TEST(test_probe_waits_in_virtual_time)
{
	open_probe(&shapes[0]);
	troupe_ref who = sys_spawn(t, &echo_class, NULL);
	const int64_t hour = 3600 * TROUPE_SECOND;

	sys_assert_status(troupe_probe_send(probe, who, LATER, NULL, 0), TROUPE_OK);
	ck_assert(troupe_probe_expect_none(probe, hour / 2));
	ck_assert_int_ge(troupe_now(t), hour / 2);
	/* One nanosecond too early, and then in time. */
	ck_assert_int_lt(troupe_now(t), hour / 2 + TROUPE_MS);
	ck_assert_ptr_null(troupe_probe_expect(probe, BACK, hour - troupe_now(t) - 1));
	assert_told(TROUPE_TIMEOUT, "none came");
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, BACK, TROUPE_MS));
	ck_assert_int_lt(troupe_now(t), hour + TROUPE_MS);
	/* It has passed, and nothing more can come. */
	ck_assert_ptr_null(troupe_probe_expect(probe, BACK, TROUPE_FOREVER));
	assert_told(TROUPE_TIMEOUT, "none came before nothing was left to do");
	close_probe();
}
END_TEST

START_TEST(test_probe_waits_for_ever_as_long_as_there_is_a_timer)
{
	open_probe(&shapes[0]);
	troupe_ref who = sys_spawn(t, &echo_class, NULL);

	sys_assert_status(troupe_probe_send(probe, who, LATER, NULL, 0), TROUPE_OK);
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, BACK, TROUPE_FOREVER));
	ck_assert_int_ge(troupe_now(t), 3600 * TROUPE_SECOND);
	close_probe();
}
END_TEST

/* --- Requests and notices. --- */

START_TEST(test_probe_answers_requests)
{
	open_probe(&shapes[_i]);
	troupe_ref who = sys_spawn(t, &echo_class, NULL);

	sys_assert_status(troupe_probe_reply(probe, 9, NULL, 0), TROUPE_INVALID);
	for (int answered = 0; answered < 2; answered++) {
		sys_assert_status(troupe_probe_send(probe, who, ASK_IT, NULL, 0), TROUPE_OK);
		const troupe_msg *msg = troupe_probe_expect(probe, ECHO, TROUPE_SECOND * 60);
		ck_assert_ptr_nonnull(msg);
		ck_assert(troupe_is_request(msg));
		if (answered)
			sys_assert_status(troupe_probe_reply(probe, 9, NULL, 0), TROUPE_OK);
		msg = troupe_probe_expect(probe, BACK, TROUPE_SECOND * 60);
		ck_assert_msg(msg != NULL, "%s", troupe_last_error_text());
		const uint32_t *told = msg->body;
		ck_assert_uint_eq(told[0], answered ? TROUPE_OK : TROUPE_UNANSWERED);
		ck_assert_uint_eq(told[1], answered ? 9 : 0);
	}
	close_probe();
}
END_TEST

START_TEST(test_probe_replies_to_an_ordinary_message)
{
	open_probe(&shapes[_i]);
	troupe_ref who = sys_spawn(t, &echo_class, NULL);

	sys_assert_status(troupe_probe_send(probe, who, ECHO, NULL, 0), TROUPE_OK);
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, BACK, TROUPE_SECOND * 60));
	sys_assert_status(troupe_probe_reply(probe, ECHO, "x", 2), TROUPE_OK);
	sys_assert_status(troupe_probe_reply(probe, ECHO, "x", 2), TROUPE_INVALID);
	const troupe_msg *msg = troupe_probe_expect(probe, BACK, TROUPE_SECOND * 60);
	ck_assert_ptr_nonnull(msg);
	ck_assert_str_eq(msg->body, "x");
	/* From nobody, there is nobody to reply to. */
	sys_send(troupe_probe_ref(probe), 5, NULL, 0);
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, 5, TROUPE_SECOND * 60));
	sys_assert_status(troupe_probe_reply(probe, ECHO, NULL, 0), TROUPE_INVALID);
	close_probe();
}
END_TEST

START_TEST(test_probe_is_told_of_an_end)
{
	open_probe(&shapes[_i]);
	troupe_ref who = sys_spawn(t, &echo_class, NULL), other = sys_spawn(t, &echo_class, NULL);

	sys_assert_status(troupe_probe_monitor(probe, who), TROUPE_OK);
	sys_assert_status(troupe_probe_monitor(probe, 0), TROUPE_INVALID);
	sys_send(who, STOP, NULL, 0);
	const troupe_msg *msg = troupe_probe_expect(probe, TROUPE_DOWN, TROUPE_SECOND * 60);
	ck_assert_msg(msg != NULL, "%s", troupe_last_error_text());
	const troupe_down *down = msg->body;
	ck_assert_uint_eq(down->who, who);
	(void)other;
	close_probe();
}
END_TEST

START_TEST(test_probe_ignores_a_type)
{
	open_probe(&shapes[_i]);
	troupe_ref self = troupe_probe_ref(probe);

	(void)sys_spawn(t, &echo_class, NULL);
	sys_send(self, NOISE, NULL, 0);
	sys_send(self, 5, NULL, 0);
	ck_assert(!troupe_probe_expect_none(probe, TROUPE_SECOND * 60));
	sys_assert_status(troupe_probe_ignore(probe, NOISE), TROUPE_OK);
	sys_send(self, NOISE, NULL, 0);
	sys_send(self, 6, NULL, 0);
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, 5, TROUPE_SECOND * 60));
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, 6, TROUPE_SECOND * 60));
	ck_assert(troupe_probe_expect_none(probe, TROUPE_MS));
	close_probe();
}
END_TEST

/* --- Ends. --- */

static sys_counter destroyed;

static void
count_end(void *body, size_t size)
{
	(void)body;
	(void)size;
	sys_add(&destroyed, 1);
}

static void
send_counted(void)
{
	troupe_msg *msg = troupe_msg_new(5, 100, count_end);

	ck_assert_ptr_nonnull(msg);
	sys_assert_status(troupe_send_msg(troupe_probe_ref(probe), &msg), TROUPE_OK);
}

START_TEST(test_probe_frees_each_message_once)
{
	open_probe(&shapes[_i]);
	(void)sys_spawn(t, &echo_class, NULL);
	sys_set(&destroyed, 0);
	for (int i = 0; i < 5; i++)
		send_counted();
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, 5, TROUPE_SECOND * 60));
	sys_assert_count(destroyed, 0);
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, 5, TROUPE_SECOND * 60));
	sys_assert_count(destroyed, 1);
	sys_wait(t);
	sys_assert_status(troupe_probe_ignore(probe, 5), TROUPE_OK);
	sys_assert_count(destroyed, 4);
	close_probe();
	sys_assert_count(destroyed, 5);
}
END_TEST

START_TEST(test_probe_may_outlive_its_runtime)
{
	open_probe(&shapes[_i]);
	sys_set(&destroyed, 0);
	send_counted();
	send_counted();
	ck_assert_ptr_nonnull(troupe_probe_expect(probe, 5, TROUPE_SECOND * 60));
	sys_wait(t);
	sys_close(t, &ledger);
	troupe_probe_destroy(&probe);
	sys_assert_count(destroyed, 2);
	troupe_probe_destroy(&probe);
}
END_TEST

START_TEST(test_probe_create_says_what_is_wrong)
{
	ck_assert_ptr_null(troupe_probe_create(NULL));
	sys_assert_status(troupe_last_error(), TROUPE_INVALID);
	t = sys_open_shape(&shapes[0], &ledger);
	for (long n = 1;; n++) {
		tr_fault_arm(n);
		probe = troupe_probe_create(t);
		bool struck = tr_fault_struck();

		tr_fault_arm(0);
		ck_assert_int_eq(probe == NULL, struck);
		if (probe != NULL)
			break;
		sys_assert_status(troupe_last_error(), TROUPE_NOMEM);
	}
	troupe_probe_destroy(&probe);
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

typedef troupe_status probe_call(troupe_ref who);

static troupe_status
ignore_one(troupe_ref who)
{
	(void)who;
	return troupe_probe_ignore(probe, NOISE);
}

static troupe_status
send_one(troupe_ref who)
{
	return troupe_probe_send(probe, who, ECHO, "four", 4);
}

static troupe_status
monitor_one(troupe_ref who)
{
	return troupe_probe_monitor(probe, who);
}

/* At each allocation in turn: NOMEM, and nothing is done; the next time it is. */
START_TEST(test_probe_says_when_there_is_no_memory)
{
	static probe_call *const calls[] = { ignore_one, send_one, monitor_one };

	open_probe(&shapes[0]);
	troupe_ref who = sys_spawn(t, &echo_class, NULL);
	for (long n = 1;; n++) {
		tr_fault_arm(n);
		troupe_status status = calls[_i](who);
		bool struck = tr_fault_struck();

		tr_fault_arm(0);
		sys_assert_status(status, struck ? TROUPE_NOMEM : TROUPE_OK);
		if (!struck)
			break;
	}
	close_probe();
}
END_TEST

/* From inside a callback nobody may wait. */
static void
expect_inside(troupe_actor *self, void *state, const troupe_msg *msg)
{
	bool *refused = *(bool **)state;

	(void)self;
	(void)msg;
	*refused = troupe_probe_expect(probe, 1, 0) == NULL && troupe_last_error() == TROUPE_DEADLOCK &&
		   !troupe_probe_expect_none(probe, 0) && troupe_last_error() == TROUPE_DEADLOCK &&
		   troupe_probe_create(troupe_of(self)) == NULL && troupe_last_error() == TROUPE_DEADLOCK;
}

static int
keep_argument(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(void *));
	return 0;
}

START_TEST(test_probe_refuses_to_wait_inside_a_callback)
{
	static const troupe_class class_ = { .state_size = sizeof(bool *),
		.start = keep_argument,
		.receive = expect_inside };
	bool refused = false, *pointer = &refused;

	open_probe(&shapes[_i]);
	sys_send(sys_spawn(t, &class_, &pointer), 1, NULL, 0);
	sys_wait(t);
	ck_assert(refused);
	close_probe();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("probe");
	TCase *tc = tcase_create("probe");

	tcase_add_loop_test(tc, test_probe_gets_what_it_expects, 0, SHAPES);
	tcase_add_loop_test(tc, test_probe_says_what_came_instead, 0, SHAPES);
	tcase_add_loop_test(tc, test_probe_says_that_nothing_came, 0, SHAPES);
	tcase_add_test(tc, test_probe_waits_in_virtual_time);
	tcase_add_test(tc, test_probe_waits_for_ever_as_long_as_there_is_a_timer);
	tcase_add_loop_test(tc, test_probe_answers_requests, 0, SHAPES);
	tcase_add_loop_test(tc, test_probe_replies_to_an_ordinary_message, 0, SHAPES);
	tcase_add_loop_test(tc, test_probe_is_told_of_an_end, 0, SHAPES);
	tcase_add_loop_test(tc, test_probe_ignores_a_type, 0, SHAPES);
	tcase_add_loop_test(tc, test_probe_frees_each_message_once, 0, SHAPES);
	tcase_add_loop_test(tc, test_probe_may_outlive_its_runtime, 0, SHAPES);
	tcase_add_test(tc, test_probe_create_says_what_is_wrong);
	tcase_add_loop_test(tc, test_probe_says_when_there_is_no_memory, 0, 3);
	tcase_add_loop_test(tc, test_probe_refuses_to_wait_inside_a_callback, 0, SHAPES);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
