/* SPDX-License-Identifier: MIT */

/*
 * Asks: each ends exactly once, with one of the seven outcomes, and none that
 * was not accepted ends at all.
 */

#include "tests/asking.h"
#include "tests/suite.h"

#include <stdio.h>

/* --- The seven outcomes, in every shape of a runtime. --- */

typedef struct ending {
	uint32_t type;
	troupe_status status;
	int code;
	const char *text; /* NULL is any but "" */
	troupe_status letter; /* a dead letter that it makes; OK is none */
} ending;

static const ending endings[] = {
	{ ANSWER, TROUPE_OK, 0, "", TROUPE_OK },
	{ ANSWER_EMPTY, TROUPE_OK, 0, "", TROUPE_OK },
	{ ANSWER_TWICE, TROUPE_OK, 0, "", TROUPE_OK },
	{ ANSWER_ERROR, TROUPE_FAILED, 7, "seven", TROUPE_OK },
	{ FAIL_OVER, TROUPE_FAILED, 9, "nine", TROUPE_FAILED },
	{ STOP_AFTER, TROUPE_UNANSWERED, 0, NULL, TROUPE_OK },
	{ IGNORE, TROUPE_UNANSWERED, 0, NULL, TROUPE_OK },
	{ LEAVE_UNHANDLED, TROUPE_UNANSWERED, 0, NULL, TROUPE_UNHANDLED },
	{ KEEP_AND_DROP, TROUPE_UNANSWERED, 0, NULL, TROUPE_OK },
};
#define ENDINGS (sizeof endings / sizeof *endings)

static void
check_ending(troupe *t, responder *r, const ending *end, sys_ledger *ledger, const troupe_class *class_)
{
	int bytes[20] = { 3 };
	asking a = { .to = sys_spawn(t, class_, r), .type = end->type, .data = bytes, .size = sizeof bytes };
	uint64_t letters = sys_get(&ledger->dead[end->letter]);
	troupe_totals before, after;

	troupe_get_totals(t, &before);
	act_in(sys_spawn(t, &act_class, NULL), ask_it, &a);
	after = sys_wait(t);
	sys_assert_status(a.asked, TROUPE_OK);
	assert_outcome(a.came, end->status);
	ck_assert_int_eq(a.came.code, end->code);
	if (end->text != NULL)
		ck_assert_str_eq(a.came.text, end->text);
	ck_assert_uint_eq(a.came.target, a.to);
	ck_assert_uint_eq(a.came.type, end->type);
	if (end->status == TROUPE_OK) {
		ck_assert_uint_eq(a.came.answer_type, ANSWERED);
		ck_assert_uint_eq(a.came.size, end->type == ANSWER_EMPTY ? 0 : sizeof bytes);
		ck_assert_uint_eq(a.came.answer_sender, a.to);
	}
	/* The order, the request and the answer. */
	ck_assert_uint_eq(after.accepted - before.accepted, 3);
	ck_assert_uint_eq(after.handled - before.handled, 3);
	sys_assert_count(r->wrong, 0);
	ck_assert_uint_eq(sys_get(&ledger->dead[end->letter]) - letters, end->letter != TROUPE_OK);
}

START_TEST(test_system_ask_ends_as_its_target_makes_it_end)
{
	sys_ledger ledger = { 0 };
	responder r[2] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);

	for (size_t i = 0; i < ENDINGS; i++) {
		check_ending(t, &r[0], &endings[i], &ledger, &responder_class);
		check_ending(t, &r[1], &endings[i], &ledger, &dedicated_responder_class);
	}
	sys_close(t, &ledger);
	sys_assert_count(ledger.dead[TROUPE_LATE], 0);
}
END_TEST

/* --- DEAD. --- */

static void
stop_then_ask(troupe_actor *self, void *an_asking)
{
	asking *a = an_asking;

	if (troupe_stop(a->to, TROUPE_STOP_NOW) == TROUPE_OK)
		ask_it(self, a);
}

/* The target cannot have stopped before: the asker has the only worker. */
START_TEST(test_system_ask_of_a_target_that_is_about_to_stop_is_dead)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = asking_open(1, &ledger);
	asking a = { .to = sys_spawn(t, &responder_class, &r), .type = ANSWER };

	act_in(sys_spawn(t, &act_class, NULL), stop_then_ask, &a);
	sys_wait(t);
	sys_assert_status(a.asked, TROUPE_OK);
	assert_outcome(a.came, TROUPE_DEAD);
	sys_assert_count(r.handled, 0);
	sys_assert_count(ledger.dead[TROUPE_DEAD], 1);
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_ask_stashed_by_a_target_that_stops_is_dead)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	asking a = { .to = sys_spawn(t, &responder_class, &r), .type = STASH_IT };

	act_in(sys_spawn(t, &act_class, NULL), ask_it, &a);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	ck_assert_uint_eq(a.came.calls, 0);
	sys_assert_status(troupe_stop(a.to, TROUPE_STOP_DRAIN), TROUPE_OK);
	sys_wait(t);
	assert_outcome(a.came, TROUPE_DEAD);
	sys_assert_count(r.wrong, 0);
	sys_close(t, &ledger);
}
END_TEST

/* --- CLOSING and CANCELLED. --- */

START_TEST(test_system_ask_open_at_close_ends_with_closing)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	asking a = { .to = sys_spawn(t, &responder_class, &r), .type = KEEP };

	act_in(sys_spawn(t, &act_class, NULL), ask_it, &a);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	/* An open ask keeps a runtime from being quiet. */
	sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
	ck_assert_uint_eq(a.came.calls, 0);
	ck_assert_ptr_nonnull(r.kept);
	sys_close(t, &ledger);
	assert_outcome(a.came, TROUPE_CLOSING);
	/* What was kept survives, and answers nobody. */
	ck_assert(troupe_is_request(r.kept));
	const troupe_status late = troupe_answer_kept(&r.kept, ANSWERED, NULL, 0);
	ck_assert(late == TROUPE_DEAD || late == TROUPE_CLOSING);
	ck_assert_ptr_null(r.kept);
}
END_TEST

static void
ask_and_stop(troupe_actor *self, void *an_asking)
{
	ask_it(self, an_asking);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
ask_and_drain(troupe_actor *self, void *an_asking)
{
	ask_it(self, an_asking);
	troupe_stop_self(self, TROUPE_STOP_DRAIN);
}

static void
ask_and_fail(troupe_actor *self, void *an_asking)
{
	ask_it(self, an_asking);
	troupe_fail(self, 1, "so that the ask is open when it fails");
}

START_TEST(test_system_ask_is_cancelled_by_the_end_of_its_asker)
{
	act *const ends[] = { ask_and_stop, ask_and_drain, ask_and_fail };

	for (size_t i = 0; i < 3; i++) {
		sys_ledger ledger = { 0 };
		responder r = { 0 };
		troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
		asking a = { .to = sys_spawn(t, &responder_class, &r), .type = KEEP };

		act_in(sys_spawn(t, &act_class, NULL), ends[i], &a);
		sys_wait(t);
		sys_assert_status(a.asked, TROUPE_OK);
		assert_outcome(a.came, TROUPE_CANCELLED);
		sys_assert_status(troupe_answer_kept(&r.kept, ANSWERED, NULL, 0), TROUPE_DEAD);
		ck_assert_ptr_null(r.kept);
		sys_wait(t);
		sys_close(t, &ledger);
		ck_assert_uint_eq(a.came.calls, 1);
	}
}
END_TEST

static void
stop_the_asker(troupe_actor *self, void *asker)
{
	(void)self;
	(void)troupe_stop(*(troupe_ref *)asker, TROUPE_STOP_NOW);
}

START_TEST(test_system_ask_is_cancelled_when_its_asker_is_stopped)
{
	sys_ledger ledger = { 0 };
	responder r[3] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref asker = sys_spawn(t, &act_class, NULL);
	asking a[3];

	for (int i = 0; i < 3; i++) {
		a[i] = (asking){ .to = sys_spawn(t, &responder_class, &r[i]), .type = KEEP };
		act_in(asker, ask_it, &a[i]);
	}
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	act_in(sys_spawn(t, &act_class, NULL), stop_the_asker, &asker);
	sys_wait(t);
	for (int i = 0; i < 3; i++) {
		assert_outcome(a[i].came, TROUPE_CANCELLED);
		troupe_msg_free(&r[i].kept);
		sys_assert_count(r[i].wrong, 0);
	}
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

/* --- TIMEOUT. --- */

START_TEST(test_system_ask_times_out_at_its_deadline_and_not_before)
{
	static const int64_t timeouts[] = { 1, 1000, 5 * TROUPE_MS, 400 * TROUPE_MS, 7 * TROUPE_SECOND,
		INT64_C(86400) * TROUPE_SECOND };
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = asking_open_virtual(&ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r), asker = sys_spawn(t, &act_class, NULL);

	for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
		asking a = { .to = to, .type = KEEP, .timeout_ns = timeouts[i] };
		int64_t begun = troupe_now(t);

		act_in(asker, ask_it, &a);
		sys_wait(t);
		assert_outcome(a.came, TROUPE_TIMEOUT);
		ck_assert_int_ge(troupe_now(t) - begun, timeouts[i]);
		/* A fiftieth, and the steps that turns are. */
		ck_assert_int_le(troupe_now(t) - begun, timeouts[i] + timeouts[i] / 50 + TROUPE_MS);
		ck_assert(troupe_is_request(r.kept));
		/* What comes now is too late. */
		sys_assert_status(troupe_answer_kept(&r.kept, ANSWERED, NULL, 0), TROUPE_OK);
		sys_wait(t);
		ck_assert_uint_eq(a.came.calls, 1);
		sys_assert_count(ledger.dead[TROUPE_LATE], i + 1);
	}
	sys_close(t, &ledger);
}
END_TEST

static void
ask_without_time(troupe_actor *self, void *an_asking)
{
	asking *a = an_asking;

	a->asked = troupe_ask(self, a->to, a->type, NULL, 0, 0, note_outcome, &a->came);
}

START_TEST(test_system_ask_without_time_ends_all_the_same)
{
	enum { ASKS = 50 };
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref asker = sys_spawn(t, &act_class, NULL), to = sys_spawn(t, &responder_class, &r);
	asking a[ASKS];
	uint64_t late = 0;

	for (int i = 0; i < ASKS; i++) {
		a[i] = (asking){ .to = to, .type = ANSWER };
		act_in(asker, ask_without_time, &a[i]);
	}
	sys_wait(t);
	for (int i = 0; i < ASKS; i++) {
		assert_outcome(a[i].came, a[i].came.status == TROUPE_OK ? TROUPE_OK : TROUPE_TIMEOUT);
		late += a[i].came.status != TROUPE_OK;
	}
	sys_assert_count(ledger.dead[TROUPE_LATE], late);
	sys_assert_count(r.handled, ASKS);
	sys_close(t, &ledger);
}
END_TEST

/* --- What is refused. --- */

typedef struct refusals {
	troupe_ref living, dead, garbage;
	uint32_t wrong;
	outcome came; /* nothing */
} refusals;

static void
refuse(refusals *f, troupe_status got, troupe_status status)
{
	if (got == status)
		return;
	fprintf(stderr, "%s where %s was to be\n", troupe_status_name(got), troupe_status_name(status));
	f->wrong++;
}

static void
ask_what_is_refused(troupe_actor *self, void *argument)
{
	refusals *f = argument;
	void *came = &f->came;
	static const char byte;

	refuse(f, troupe_ask(self, f->dead, ANSWER, NULL, 0, 1, note_outcome, came), TROUPE_DEAD);
	refuse(f, troupe_ask(self, 0, ANSWER, NULL, 0, 1, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask(self, f->garbage, ANSWER, NULL, 0, 1, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask(self, f->living, ANSWER, NULL, 0, -1, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask(self, f->living, ANSWER, NULL, 0, INT64_MIN, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask(self, f->living, ANSWER, NULL, 0, 1, NULL, came), TROUPE_INVALID);
	refuse(f, troupe_ask(self, f->living, ANSWER, NULL, 1, 1, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask(self, f->living, TROUPE_TYPE_RESERVED, NULL, 0, 1, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask(self, f->living, UINT32_MAX, NULL, 0, 1, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask(self, f->living, 1, &byte, (size_t)UINT32_MAX + 1, 1, note_outcome, came), TROUPE_INVALID);

	troupe_msg *msg = NULL;
	refuse(f, troupe_ask_msg(self, f->living, NULL, 1, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask_msg(self, f->living, &msg, 1, note_outcome, came), TROUPE_INVALID);
	msg = troupe_msg_new(ANSWER, 100, NULL);
	refuse(f, troupe_ask_msg(self, f->dead, &msg, 1, note_outcome, came), TROUPE_DEAD);
	refuse(f, troupe_ask_msg(self, 0, &msg, 1, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask_msg(self, f->living, &msg, -1, note_outcome, came), TROUPE_INVALID);
	refuse(f, troupe_ask_msg(self, f->living, &msg, 1, NULL, came), TROUPE_INVALID);
	f->wrong += msg == NULL;
	troupe_msg_free(&msg);
}

START_TEST(test_system_ask_that_is_refused_calls_nobody_back)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	refusals f = { .living = sys_spawn(t, &responder_class, &r), .dead = sys_spawn(t, &act_class, NULL) };

	/* No generation of an actor is even. */
	f.garbage = UINT64_C(2) << 32 | 1;
	sys_assert_status(troupe_stop(f.dead, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	act_in(sys_spawn(t, &act_class, NULL), ask_what_is_refused, &f);
	sys_wait(t);
	ck_assert_uint_eq(f.wrong, 0);
	sys_close(t, &ledger);
	ck_assert_uint_eq(f.came.calls, 0);
	sys_assert_count(r.handled, 0);
}
END_TEST

static void
ask_at_the_end(troupe_actor *self, void *state, troupe_reason reason)
{
	asking *a = *(asking **)state;

	(void)reason;
	ask_it(self, a);
}

static const troupe_class last_asker_class = {
	.state_size = sizeof(asking *),
	.start = sys_start_with_pointer,
	.receive = sys_stop_now,
	.stop = ask_at_the_end,
};

START_TEST(test_system_ask_in_stop_is_refused)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r);
	asking stopped = { .to = to, .type = ANSWER }, closed = stopped;

	sys_send(sys_spawn(t, &last_asker_class, &stopped), 1, NULL, 0);
	(void)sys_spawn(t, &last_asker_class, &closed);
	sys_wait(t);
	sys_assert_status(stopped.asked, TROUPE_INVALID);
	sys_close(t, &ledger);
	ck_assert_int_ne(closed.asked, TROUPE_OK);
	ck_assert_uint_eq(stopped.came.calls + closed.came.calls, 0);
	sys_assert_count(r.handled, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_ask");
	TCase *tc = tcase_create("outcomes");

	tcase_add_loop_test(tc, test_system_ask_ends_as_its_target_makes_it_end, 0, sys_shape_count);
	tcase_add_test(tc, test_system_ask_of_a_target_that_is_about_to_stop_is_dead);
	tcase_add_loop_test(tc, test_system_ask_stashed_by_a_target_that_stops_is_dead, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_ask_open_at_close_ends_with_closing, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_ask_is_cancelled_by_the_end_of_its_asker, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_ask_is_cancelled_when_its_asker_is_stopped, 0, sys_shape_count);
	tcase_add_test(tc, test_system_ask_times_out_at_its_deadline_and_not_before);
	tcase_add_loop_test(tc, test_system_ask_without_time_ends_all_the_same, 0, sys_shape_count);
	suite_add_tcase(s, tc);

	tc = tcase_create("refused");
	tcase_add_loop_test(tc, test_system_ask_that_is_refused_calls_nobody_back, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_ask_in_stop_is_refused, 0, sys_shape_count);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
