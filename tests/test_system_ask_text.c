/* SPDX-License-Identifier: MIT */

/*
 * What is said of a request that was not answered in time: who was asked for
 * what, and what that actor is doing.
 */

#include "tests/asking.h"
#include "tests/suite.h"

#include <sched.h>
#include <stdio.h>

static void
assert_says(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" does not say \"%s\"", text, part);
}

static void
assert_names(const char *text, troupe_ref target, const char *class_name, uint32_t type, const char *time)
{
	char part[100];

	snprintf(part, sizeof part, "%" PRIx64, target);
	assert_says(text, part);
	assert_says(text, class_name);
	snprintf(part, sizeof part, "type %" PRIu32 " ", type);
	assert_says(text, part);
	assert_says(text, time);
}

static void
call_in_vain(troupe_ref to, uint32_t type, int64_t timeout_ns)
{
	sys_assert_status(troupe_call(to, type, NULL, 0, timeout_ns, NULL, NULL), TROUPE_TIMEOUT);
}

/* --- Busy. --- */

static const troupe_class *const responders[] = { &responder_class, &dedicated_responder_class };
static const char *const class_names[] = { "responder", "dedicated responder" };

static sys_counter ended;

static void
note_and_count(troupe_actor *self, void *state, const troupe_answer *answer)
{
	note_outcome(self, state, answer);
	sys_add(&ended, 1);
}

static void
ask_and_count(troupe_actor *self, void *argument)
{
	asking *a = argument;

	a->asked = troupe_ask(self, a->to, a->type, NULL, 0, a->timeout_ns, note_and_count, &a->came);
}

START_TEST(test_system_ask_text_of_a_busy_target_says_what_it_runs)
{
	enum { QUEUED = 20 };
	sys_ledger ledger = { 0 };
	sys_gate gate = SYS_GATE_CLOSED;
	responder r = { .gate = &gate };
	troupe *t = asking_open(2, &ledger);
	troupe_ref to = sys_spawn(t, responders[_i], &r);
	asking a = { .to = to, .type = ANSWER, .timeout_ns = 3 * TROUPE_MS };

	sys_set(&ended, 0);
	sys_send(to, WAIT_AT_GATE, NULL, 0);
	sys_gate_await(&gate, 1);
	for (int i = 0; i < QUEUED; i++)
		sys_send(to, IGNORE, NULL, 0);
	/* For an actor and for a thread. */
	act_in(sys_spawn(t, &act_class, NULL), ask_and_count, &a);
	call_in_vain(to, ANSWER_EMPTY, 3 * TROUPE_MS);
	char text[512] = "";
	strncpy(text, troupe_last_error_text(), sizeof text - 1);
	/* The ask ends while the target is busy: nothing else is left to do but that. */
	while (sys_get(&ended) == 0)
		sched_yield();
	sys_gate_open(&gate);
	sys_wait(t);
	assert_outcome(a.came, TROUPE_TIMEOUT);
	assert_names(text, to, class_names[_i], ANSWER_EMPTY, " 3 ms");
	assert_names(a.came.text, to, class_names[_i], ANSWER, " 3 ms");
	char running[40];
	snprintf(running, sizeof running, "running type %d", WAIT_AT_GATE);
	assert_says(text, running);
	assert_says(a.came.text, running);
	assert_says(text, "queued");
	sys_close(t, &ledger);
}
END_TEST

/* --- With names as long as they may be. --- */

static char long_name[TROUPE_NAME_MAX + 1];

static int
start_named(troupe_actor *self, void *state, const void *argument)
{
	memcpy(state, &argument, sizeof argument);
	return troupe_set_name(self, long_name) != TROUPE_OK;
}

START_TEST(test_system_ask_text_has_room_for_long_names)
{
	char class_name[3000];
	sys_ledger ledger = { 0 };
	sys_gate gate = SYS_GATE_CLOSED;
	responder r = { .gate = &gate };
	troupe_class class_ = *responders[_i];
	troupe *t = asking_open(1, &ledger);

	memset(long_name, 'n', TROUPE_NAME_MAX);
	memset(class_name, 'c', sizeof class_name - 1);
	class_name[sizeof class_name - 1] = '\0';
	class_.name = class_name;
	class_.start = start_named;
	troupe_ref to = sys_spawn(t, &class_, &r);
	sys_send(to, WAIT_AT_GATE, NULL, 0);
	sys_gate_await(&gate, 1);
	call_in_vain(to, UINT32_C(0xfffeffff), INT64_C(0));
	char text[512] = "";
	strncpy(text, troupe_last_error_text(), sizeof text - 1);
	sys_gate_open(&gate);
	sys_wait(t);
	assert_names(text, to, "cccc", UINT32_C(0xfffeffff), " 0 ms");
	assert_says(text, "nnnn");
	assert_says(text, "running type");
	sys_close(t, &ledger);
}
END_TEST

/* --- Not busy. --- */

START_TEST(test_system_ask_text_of_an_idle_target_says_so)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = asking_open_virtual(&ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r);
	asking a = { .to = to, .type = KEEP, .timeout_ns = 3 * TROUPE_SECOND };

	act_in(sys_spawn(t, &act_class, NULL), ask_it, &a);
	sys_wait(t);
	assert_outcome(a.came, TROUPE_TIMEOUT);
	assert_names(a.came.text, to, "responder", KEEP, "3000 ms");
	assert_says(a.came.text, "idle");
	troupe_msg_free(&r.kept);
	call_in_vain(to, KEEP, 3 * TROUPE_SECOND);
	assert_says(troupe_last_error_text(), "idle");
	troupe_msg_free(&r.kept);
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_ask_text_of_a_target_behind_others_says_that_it_waits)
{
	sys_ledger ledger = { 0 };
	sys_gate gate = SYS_GATE_CLOSED;
	responder blocker = { .gate = &gate }, r = { 0 };
	troupe *t = asking_open(1, &ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r), first = sys_spawn(t, &responder_class, &blocker);

	sys_send(first, WAIT_AT_GATE, NULL, 0);
	sys_gate_await(&gate, 1);
	call_in_vain(to, ANSWER, TROUPE_MS);
	char text[512] = "";
	strncpy(text, troupe_last_error_text(), sizeof text - 1);
	sys_gate_open(&gate);
	sys_wait(t);
	assert_names(text, to, "responder", ANSWER, " 1 ms");
	assert_says(text, "turn");
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_ask_text_of_a_target_that_has_stopped_says_so)
{
	sys_ledger ledger = { 0 };
	responder r[2] = { 0 };
	troupe *t = asking_open_virtual(&ledger);
	/* A class need not outlive its actors for long. */
	troupe_class *class_ = malloc(sizeof *class_);

	*class_ = responder_class;
	troupe_ref to = sys_spawn(t, class_, &r[0]);
	asking a = { .to = to, .type = KEEP, .timeout_ns = 3 * TROUPE_SECOND };
	act_in(sys_spawn(t, &act_class, NULL), ask_it, &a);
	sys_assert_status(troupe_drain(t, TROUPE_SECOND), TROUPE_OK);
	sys_assert_status(troupe_stop(to, TROUPE_STOP_NOW), TROUPE_OK);
	sys_assert_status(troupe_drain(t, TROUPE_SECOND), TROUPE_OK);
	sys_assert_count(r[0].stopped, 1);
	ck_assert_uint_eq(a.came.calls, 0);
	memset(class_, 0xdd, sizeof *class_);
	free(class_);
	sys_wait(t);
	assert_outcome(a.came, TROUPE_TIMEOUT);
	assert_names(a.came.text, to, "", KEEP, "3000 ms");
	assert_says(a.came.text, "stopped");
	troupe_msg_free(&r[0].kept);
	sys_close(t, &ledger);
}
END_TEST

/* --- In another runtime. --- */

START_TEST(test_system_ask_text_of_a_busy_target_elsewhere_says_what_it_runs)
{
	sys_ledger here = { 0 }, there = { 0 };
	sys_gate gate = SYS_GATE_CLOSED;
	responder r = { .gate = &gate };
	troupe *t = asking_open(1, &here), *other = asking_open(1, &there);
	troupe_ref to = sys_spawn(other, responders[_i], &r);
	asking a = { .to = to, .type = ANSWER, .timeout_ns = TROUPE_MS };

	sys_send(to, WAIT_AT_GATE, NULL, 0);
	sys_gate_await(&gate, 1);
	act_in(sys_spawn(t, &act_class, NULL), ask_it, &a);
	sys_wait(t);
	sys_gate_open(&gate);
	sys_wait(other);
	assert_outcome(a.came, TROUPE_TIMEOUT);
	assert_names(a.came.text, to, class_names[_i], ANSWER, " 1 ms");
	assert_says(a.came.text, "running type");
	sys_close(other, &there);
	sys_close(t, &here);
}
END_TEST

START_TEST(test_system_ask_text_of_a_target_whose_runtime_has_gone)
{
	sys_ledger here = { 0 }, there = { 0 };
	responder r = { 0 };
	troupe *t = asking_open_virtual(&here), *other = asking_open(1, &there);
	asking a = { .to = sys_spawn(other, &responder_class, &r), .type = KEEP, .timeout_ns = TROUPE_SECOND };

	act_in(sys_spawn(t, &act_class, NULL), ask_it, &a);
	sys_assert_status(troupe_drain(t, TROUPE_SECOND), TROUPE_OK);
	sys_wait(other);
	sys_close(other, &there);
	sys_wait(t);
	assert_outcome(a.came, TROUPE_TIMEOUT);
	assert_says(a.came.text, "stopped");
	troupe_msg_free(&r.kept);
	sys_close(t, &here);
}
END_TEST

/* --- While everything changes. --- */

typedef struct change {
	troupe *t;
	sys_counter spawns, wrong;
	_Atomic bool end;
} change;

static void *
come_and_go(void *argument)
{
	change *c = argument;
	static responder r;

	for (unsigned i = 0; !atomic_load_explicit(&c->end, memory_order_relaxed); i++) {
		troupe_ref who = troupe_spawn(c->t, responders[i % 2], &r);

		if (who == 0 || troupe_send(who, IGNORE, NULL, 0) != TROUPE_OK || troupe_stop(who, TROUPE_STOP_DRAIN) != TROUPE_OK)
			sys_add(&c->wrong, 1);
		sys_add(&c->spawns, 1);
	}
	return NULL;
}

START_TEST(test_system_ask_text_while_actors_come_and_go)
{
	enum { CALLS = 300 };
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	change c = { .t = asking_open(2, &ledger) };
	pthread_t thread = sys_start(come_and_go, &c);

	for (int i = 0; i < SYS_SCALED(CALLS); i++) {
		troupe_ref to = sys_spawn(c.t, responders[i % 2], &r);
		troupe_msg *answer = NULL;

		/* It may be answered; what counts is what is looked at if not. */
		(void)troupe_call(to, ANSWER, NULL, 0, 0, &answer, NULL);
		troupe_msg_free(&answer);
		sys_assert_status(troupe_stop(to, TROUPE_STOP_DRAIN), TROUPE_OK);
	}
	atomic_store_explicit(&c.end, true, memory_order_relaxed);
	sys_join(thread);
	sys_assert_count(c.wrong, 0);
	sys_wait(c.t);
	sys_close(c.t, &ledger);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_ask_text");
	TCase *tc = tcase_create("text");

	tcase_add_loop_test(tc, test_system_ask_text_of_a_busy_target_says_what_it_runs, 0, 2);
	tcase_add_loop_test(tc, test_system_ask_text_has_room_for_long_names, 0, 2);
	tcase_add_test(tc, test_system_ask_text_of_an_idle_target_says_so);
	tcase_add_test(tc, test_system_ask_text_of_a_target_behind_others_says_that_it_waits);
	tcase_add_test(tc, test_system_ask_text_of_a_target_that_has_stopped_says_so);
	tcase_add_loop_test(tc, test_system_ask_text_of_a_busy_target_elsewhere_says_what_it_runs, 0, 2);
	tcase_add_test(tc, test_system_ask_text_of_a_target_whose_runtime_has_gone);
	tcase_add_test(tc, test_system_ask_text_while_actors_come_and_go);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
