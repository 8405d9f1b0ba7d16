/* SPDX-License-Identifier: MIT */

/*
 * Calls: a thread asks and waits, from outside the pool or as a dedicated
 * actor, and each call returns how its ask ended.
 */

#include "tests/asking.h"
#include "tests/suite.h"

#include <sched.h>

#define A_LONG_TIME (INT64_C(600) * TROUPE_SECOND)

/* --- The outcomes. --- */

typedef struct returned {
	uint32_t type;
	troupe_status status;
	int code;
	const char *text; /* NULL is any but "" */
} returned;

static const returned returns[] = {
	{ ANSWER, TROUPE_OK, -1, NULL },
	{ ANSWER_EMPTY, TROUPE_OK, -1, NULL },
	{ ANSWER_TWICE, TROUPE_OK, -1, NULL },
	{ ANSWER_ERROR, TROUPE_FAILED, 7, "seven" },
	{ FAIL_OVER, TROUPE_FAILED, 9, "nine" },
	{ STOP_AFTER, TROUPE_UNANSWERED, -1, NULL },
	{ IGNORE, TROUPE_UNANSWERED, -1, NULL },
	{ LEAVE_UNHANDLED, TROUPE_UNANSWERED, -1, NULL },
	{ KEEP_AND_DROP, TROUPE_UNANSWERED, -1, NULL },
};
#define RETURNS (sizeof returns / sizeof *returns)

static void
check_call(troupe *t, responder *r, const returned *as, const troupe_class *class_)
{
	char bytes[20] = "what is asked";
	troupe_ref to = sys_spawn(t, class_, r);
	troupe_msg *answer = NULL;
	int code = -1;

	sys_assert_status(troupe_call(to, as->type, bytes, sizeof bytes, A_LONG_TIME, &answer, &code), as->status);
	ck_assert_int_eq(code, as->code);
	ck_assert_int_eq(answer != NULL, as->status == TROUPE_OK);
	if (answer != NULL) {
		ck_assert_uint_eq(answer->type, ANSWERED);
		ck_assert_uint_eq(answer->sender, to);
		ck_assert_uint_eq(answer->size, as->type == ANSWER_EMPTY ? 0 : sizeof bytes);
		ck_assert(answer->size == 0 || memcmp(answer->body, bytes, sizeof bytes) == 0);
		ck_assert(!troupe_is_request(answer));
		troupe_msg_free(&answer);
	} else {
		ck_assert_uint_eq(troupe_last_error(), as->status);
		ck_assert_str_ne(troupe_last_error_text(), "");
		if (as->text != NULL)
			ck_assert_str_eq(troupe_last_error_text(), as->text);
	}
	sys_wait(t);
	sys_assert_count(r->wrong, 0);
	/* Nobody cares. */
	to = sys_spawn(t, class_, r);
	sys_assert_status(troupe_call(to, as->type, bytes, sizeof bytes, A_LONG_TIME, NULL, NULL), as->status);
}

START_TEST(test_system_call_returns_how_the_ask_ended)
{
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	responder r[2] = { 0 };

	for (size_t i = 0; i < RETURNS; i++) {
		check_call(t, &r[0], &returns[i], &responder_class);
		check_call(t, &r[1], &returns[i], &dedicated_responder_class);
	}
	sys_wait(t);
	sys_close(t, &ledger);
	sys_assert_count(ledger.dead[TROUPE_LATE], 0);
	sys_assert_count(ledger.dead[TROUPE_UNHANDLED], 4);
}
END_TEST

START_TEST(test_system_call_with_senseless_arguments_is_invalid)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r), dead = sys_spawn(t, &act_class, NULL);
	static const char byte;

	sys_assert_status(troupe_stop(dead, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	sys_assert_status(troupe_call(dead, ANSWER, NULL, 0, A_LONG_TIME, NULL, NULL), TROUPE_DEAD);
	sys_assert_status(troupe_call(0, ANSWER, NULL, 0, A_LONG_TIME, NULL, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_call(UINT64_MAX, ANSWER, NULL, 0, A_LONG_TIME, NULL, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_call(to, ANSWER, NULL, 0, -1, NULL, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_call(to, ANSWER, NULL, 1, A_LONG_TIME, NULL, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_call(to, TROUPE_TYPE_RESERVED, NULL, 0, A_LONG_TIME, NULL, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_call(to, 1, &byte, (size_t)UINT32_MAX + 1, A_LONG_TIME, NULL, NULL), TROUPE_INVALID);
	sys_close(t, &ledger);
	sys_assert_status(troupe_call(to, ANSWER, NULL, 0, A_LONG_TIME, NULL, NULL), TROUPE_DEAD);
	sys_assert_count(r.handled, 0);
}
END_TEST

/* --- From many threads. --- */

typedef struct caller {
	troupe_ref to[3];
	uint64_t calls, right, status[TROUPE_TAKEN + 1];
	int64_t timeout_ns;
} caller;

static void *
call_often(void *argument)
{
	caller *c = argument;

	for (uint64_t i = 0; i < c->calls; i++) {
		troupe_msg *answer = NULL;
		troupe_status status = troupe_call(c->to[i % 3], ANSWER, &i, sizeof i, c->timeout_ns, &answer, NULL);
		const uint64_t *back = answer != NULL ? troupe_body(answer, sizeof *back) : NULL;

		c->status[status]++;
		c->right += back != NULL && *back == i;
		troupe_msg_free(&answer);
	}
	return NULL;
}

START_TEST(test_system_call_from_many_threads_at_once)
{
	enum { CALLERS = 6 };
	uint64_t calls = SYS_SCALED(2000);
	sys_ledger ledger = { 0 };
	responder r[3] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	caller c[CALLERS] = { 0 };
	pthread_t thread[CALLERS];
	troupe_ref to[3];

	for (int k = 0; k < 3; k++)
		to[k] = sys_spawn(t, k == 0 ? &dedicated_responder_class : &responder_class, &r[k]);
	for (int i = 0; i < CALLERS; i++) {
		c[i] = (caller){ .calls = calls, .timeout_ns = A_LONG_TIME, .to = { to[0], to[1], to[2] } };
		thread[i] = sys_start(call_often, &c[i]);
	}
	for (int i = 0; i < CALLERS; i++) {
		sys_join(thread[i]);
		ck_assert_uint_eq(c[i].status[TROUPE_OK], calls);
		ck_assert_uint_eq(c[i].right, calls);
	}
	troupe_totals totals = sys_wait(t);
	ck_assert_uint_eq(totals.handled, 2 * CALLERS * calls);
	sys_close(t, &ledger);
	for (int k = 0; k < 3; k++)
		sys_assert_count(r[k].wrong, 0);
}
END_TEST

/* --- From actors. --- */

typedef struct inner_call {
	troupe_ref to;
	uint32_t type;
	int64_t timeout_ns;
	troupe_status status;
	int64_t code;
} inner_call;

static void
call_inside(troupe_actor *self, void *argument)
{
	inner_call *c = argument;
	int code = 0;

	c->status = troupe_call(c->to != 0 ? c->to : troupe_self(self), c->type, NULL, 0, c->timeout_ns, NULL, &code);
	c->code = code;
}

START_TEST(test_system_call_in_a_pool_worker_is_a_deadlock_at_once)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	inner_call c = { .to = sys_spawn(t, &responder_class, &r), .type = ANSWER, .timeout_ns = A_LONG_TIME };

	act_in(sys_spawn(t, &act_class, NULL), call_inside, &c);
	troupe_totals totals = sys_wait(t);
	sys_assert_status(c.status, TROUPE_DEADLOCK);
	/* Nothing was sent. */
	ck_assert_uint_eq(totals.accepted, 1);
	/* Nor does it wait for itself. */
	c.to = 0;
	act_in(sys_spawn(t, &act_class, NULL), call_inside, &c);
	sys_wait(t);
	sys_assert_status(c.status, TROUPE_DEADLOCK);
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_call_from_a_dedicated_actor)
{
	sys_ledger ledger = { 0 };
	responder r[2] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	bool simulated = sys_shapes[_i].scheduler == TROUPE_SCHEDULER_SIMULATED;
	troupe_ref caller_ref = sys_spawn(t, &dedicated_act_class, NULL);
	inner_call c = { .type = ANSWER_ERROR, .timeout_ns = A_LONG_TIME };

	for (int k = 0; k < 2; k++) {
		c.to = sys_spawn(t, k == 0 ? &responder_class : &dedicated_responder_class, &r[k]);
		act_in(caller_ref, call_inside, &c);
		sys_wait(t);
		/* There it takes turns with the others. */
		sys_assert_status(c.status, simulated ? TROUPE_DEADLOCK : TROUPE_FAILED);
		ck_assert_int_eq(c.code, simulated ? 0 : 7);
	}
	c.to = 0;
	act_in(caller_ref, call_inside, &c);
	sys_wait(t);
	sys_assert_status(c.status, TROUPE_DEADLOCK);
	sys_close(t, &ledger);
}
END_TEST

static int
call_in_start(troupe_actor *self, void *state, const void *argument)
{
	inner_call *c = *(inner_call *const *)argument;

	(void)state;
	call_inside(self, c);
	return 0;
}

static const troupe_class early_class = { .start = call_in_start, .receive = sys_ignore };

static void
spawn_early(troupe_actor *self, void *argument)
{
	(void)troupe_spawn(troupe_of(self), &early_class, &argument);
}

START_TEST(test_system_call_in_start_is_made_by_who_spawns)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	bool simulated = sys_shapes[_i].scheduler == TROUPE_SCHEDULER_SIMULATED;
	inner_call c = { .to = sys_spawn(t, &responder_class, &r), .type = ANSWER, .timeout_ns = A_LONG_TIME };
	inner_call *argument = &c;

	(void)sys_spawn(t, &early_class, &argument);
	sys_assert_status(c.status, TROUPE_OK);
	act_in(sys_spawn(t, &act_class, NULL), spawn_early, &c);
	sys_wait(t);
	sys_assert_status(c.status, TROUPE_DEADLOCK);
	act_in(sys_spawn(t, &dedicated_act_class, NULL), spawn_early, &c);
	sys_wait(t);
	sys_assert_status(c.status, simulated ? TROUPE_DEADLOCK : TROUPE_OK);
	/* Not even the one that starts. */
	c.to = 0;
	(void)sys_spawn(t, &early_class, &argument);
	sys_assert_status(c.status, TROUPE_DEADLOCK);
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

/* --- Deadlines. --- */

START_TEST(test_system_call_times_out_and_the_answer_is_late)
{
	static const int64_t timeouts[] = { 0, 1, TROUPE_MS };
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r);
	troupe_msg *answer = NULL;
	int code = -1;

	for (int i = 0; i < 3; i++) {
		sys_assert_status(troupe_call(to, KEEP, NULL, 0, timeouts[i], &answer, &code), TROUPE_TIMEOUT);
		ck_assert_ptr_nonnull(strstr(troupe_last_error_text(), "responder"));
		ck_assert_int_eq(code, -1);
		ck_assert_ptr_null(answer);
		/* Answered by an actor, it is a dead letter; what comes next is not mistaken for it. */
		sys_send(to, ANSWER_KEPT, NULL, 0);
		sys_assert_status(troupe_call(to, ANSWER_ERROR, NULL, 0, A_LONG_TIME, &answer, &code), TROUPE_FAILED);
		ck_assert_int_eq(code, 7);
		code = -1;
		sys_wait(t);
		sys_assert_count(ledger.dead[TROUPE_LATE], i + 1);
	}
	sys_assert_count(r.wrong, 0);
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_call_with_the_longest_timeout_is_answered)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r);

	for (int i = 0; i < 100; i++)
		sys_assert_status(troupe_call(to, ANSWER, NULL, 0, INT64_MAX - i, NULL, NULL), TROUPE_OK);
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_call_while_simulated_has_a_virtual_deadline)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = asking_open_virtual(&ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r);
	int64_t begun = troupe_now(t);

	/* A year goes by at once. */
	const int64_t year = INT64_C(366) * 86400 * TROUPE_SECOND;
	sys_assert_status(troupe_call(to, KEEP, NULL, 0, year, NULL, NULL), TROUPE_TIMEOUT);
	ck_assert_int_ge(troupe_now(t) - begun, year);
	troupe_msg_free(&r.kept);
	sys_close(t, &ledger);
}
END_TEST

typedef struct sleeper {
	int64_t delay_ns;
	troupe_msg *request;
	uint32_t wrong;
} sleeper;

static void
answer_later(troupe_actor *self, void *state, const troupe_msg *msg)
{
	sleeper *s = state;

	if (troupe_is_request(msg)) {
		memcpy(&s->delay_ns, msg->body, sizeof s->delay_ns);
		s->request = troupe_keep(self);
		(void)troupe_send_after(self, s->delay_ns, 2, NULL, 0);
	} else {
		(void)troupe_answer_kept(&s->request, ANSWERED, NULL, 0);
	}
}

static const troupe_class later_class = { .name = "later", .state_size = sizeof(sleeper), .receive = answer_later };

START_TEST(test_system_call_while_simulated_waits_for_timers)
{
	sys_ledger ledger = { 0 };
	troupe *t = asking_open_virtual(&ledger);
	int64_t delay = 3600 * TROUPE_SECOND;

	sys_assert_status(troupe_call(sys_spawn(t, &later_class, NULL), 1, &delay, sizeof delay, delay + TROUPE_MS, NULL,
	    NULL), TROUPE_OK);
	ck_assert_int_ge(troupe_now(t), delay);
	sys_assert_status(troupe_call(sys_spawn(t, &later_class, NULL), 1, &delay, sizeof delay, delay - TROUPE_MS, NULL,
	    NULL), TROUPE_TIMEOUT);
	sys_wait(t);
	sys_assert_count(ledger.dead[TROUPE_LATE], 1);
	sys_close(t, &ledger);
}
END_TEST

/* --- Runtimes that the caller drives. --- */

typedef struct restless {
	troupe_ref next;
	sys_counter hops, most;
} restless;

static void
hop(troupe_actor *self, void *state, const troupe_msg *msg)
{
	restless *l = *(restless *const *)msg->body;

	(void)state;
	if (sys_add(&l->hops, 1) < sys_get(&l->most))
		(void)troupe_send(troupe_self(self), 1, &l, sizeof l);
}

static const troupe_class restless_class = { .receive = hop };

static void
check_beside_restless(troupe *t, responder *r, uint32_t type, int64_t timeout_ns, troupe_status status)
{
	enum { MANY = 1000000 };
	restless l = { .most = MANY }, *argument = &l;

	sys_send(sys_spawn(t, &restless_class, NULL), 1, &argument, sizeof argument);
	sys_assert_status(troupe_call(sys_spawn(t, &responder_class, r), type, NULL, 0, timeout_ns, NULL, NULL), status);
	ck_assert_uint_lt(sys_get(&l.hops), MANY);
	sys_set(&l.most, 0);
	sys_wait(t);
}

START_TEST(test_system_call_that_drives_returns_though_others_never_rest)
{
	sys_ledger ledger = { 0 };
	responder r[2] = { 0 };
	troupe *t = _i == 0 ? asking_open(TROUPE_WORKERS_NONE, &ledger) : asking_open_virtual(&ledger);

	check_beside_restless(t, &r[0], ANSWER, A_LONG_TIME, TROUPE_OK);
	check_beside_restless(t, &r[1], KEEP, TROUPE_MS, TROUPE_TIMEOUT);
	troupe_msg_free(&r[1].kept);
	sys_close(t, &ledger);
}
END_TEST

/* Whose thread has handed in a request besides, and probably waits. */
static void
answer_when_another_waits(troupe_actor *self, void *state, const troupe_msg *msg)
{
	troupe_totals totals;

	(void)state;
	(void)msg;
	do {
		sched_yield();
		troupe_get_totals(troupe_of(self), &totals);
	} while (totals.accepted < 2);
	for (int i = 0; i < 100; i++)
		sched_yield();
	(void)troupe_reply(self, ANSWERED, NULL, 0);
}

static const troupe_class patient_class = { .receive = answer_when_another_waits };

typedef struct second_caller {
	troupe *t;
	troupe_ref to;
	troupe_status status;
} second_caller;

static void *
call_second(void *argument)
{
	second_caller *c = argument;
	troupe_totals totals;

	do {
		sched_yield();
		troupe_get_totals(c->t, &totals);
	} while (totals.accepted < 1);
	c->status = troupe_call(c->to, ANSWER, NULL, 0, A_LONG_TIME, NULL, NULL);
	return NULL;
}

START_TEST(test_system_call_is_driven_on_when_the_driver_has_its_answer)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = _i == 0 ? asking_open(TROUPE_WORKERS_NONE, &ledger) : asking_open_virtual(&ledger);
	second_caller c = { .t = t, .to = sys_spawn(t, &responder_class, &r) };
	troupe_ref patient = sys_spawn(t, &patient_class, NULL);
	pthread_t second = sys_start(call_second, &c);

	sys_assert_status(troupe_call(patient, 1, NULL, 0, A_LONG_TIME, NULL, NULL), TROUPE_OK);
	sys_join(second);
	sys_assert_status(c.status, TROUPE_OK);
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_call");
	TCase *tc = tcase_create("threads");

	tcase_add_loop_test(tc, test_system_call_returns_how_the_ask_ended, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_call_with_senseless_arguments_is_invalid, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_call_from_many_threads_at_once, 0, sys_shape_count);
	suite_add_tcase(s, tc);

	tc = tcase_create("actors");
	tcase_add_loop_test(tc, test_system_call_in_a_pool_worker_is_a_deadlock_at_once, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_call_from_a_dedicated_actor, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_call_in_start_is_made_by_who_spawns, 0, sys_shape_count);
	suite_add_tcase(s, tc);

	tc = tcase_create("deadlines");
	tcase_add_loop_test(tc, test_system_call_times_out_and_the_answer_is_late, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_call_with_the_longest_timeout_is_answered, 0, sys_shape_count);
	tcase_add_test(tc, test_system_call_while_simulated_has_a_virtual_deadline);
	tcase_add_test(tc, test_system_call_while_simulated_waits_for_timers);
	suite_add_tcase(s, tc);

	tc = tcase_create("driven");
	tcase_add_loop_test(tc, test_system_call_that_drives_returns_though_others_never_rest, 0, 2);
	tcase_add_loop_test(tc, test_system_call_is_driven_on_when_the_driver_has_its_answer, 0, 2);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
