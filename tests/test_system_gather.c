/* SPDX-License-Identifier: MIT */

/*
 * Gathers: several asks, and one callback as soon as enough were answered, or
 * too few can be.
 */

#include "tests/asking.h"
#include "tests/suite.h"

#define MOST 40

typedef struct gathering {
	/* What is asked. */
	troupe_request request[MOST];
	size_t count, want;
	int64_t timeout_ns; /* 0 is the longest */
	bool stop, fail;    /* at once */
	/* What came of it. */
	troupe_status asked, status;
	uint32_t calls, wrong;
	size_t answered;
	troupe_status each[MOST];
	int code[MOST];
	/* When it has come, the same again, so many times. */
	uint32_t again;
} gathering;

static void gather_it(troupe_actor *self, void *argument);

static void
check_answer(gathering *g, size_t i, const troupe_answer *answer)
{
	const troupe_request *r = &g->request[i];
	bool right = answer->target == r->to && answer->type == r->type && answer->context == g &&
	             (answer->msg != NULL) == (answer->status == TROUPE_OK) &&
	             strcmp(answer->text, answer->status == TROUPE_OK ? "" : troupe_status_name(answer->status)) == 0;

	if (right && answer->msg != NULL)
		right = answer->msg->type == ANSWERED && answer->msg->size == r->size &&
		        (r->size == 0 || memcmp(answer->msg->body, r->data, r->size) == 0);
	g->wrong += !right;
	g->each[i] = answer->status;
	g->code[i] = answer->code;
}

static void
note_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	gathering *g = gathered->context;
	size_t answered = 0;

	(void)state;
	g->calls++;
	g->status = gathered->status;
	g->answered = gathered->answered;
	g->wrong += gathered->count != g->count;
	for (size_t i = 0; i < gathered->count; i++) {
		check_answer(g, i, &gathered->answers[i]);
		answered += gathered->answers[i].status == TROUPE_OK;
	}
	g->wrong += answered != g->answered;
	/* What was answered is in nobody's hand. */
	g->wrong += troupe_keep(self) != NULL;
	if (g->again > 0) {
		g->again--;
		gather_it(self, g);
	}
}

static void
gather_it(troupe_actor *self, void *argument)
{
	gathering *g = argument;

	g->asked = troupe_gather(self, g->request, g->count, g->want, g->timeout_ns != 0 ? g->timeout_ns : INT64_MAX,
	    note_gathered, g);
	if (g->stop)
		troupe_stop_self(self, TROUPE_STOP_NOW);
	if (g->fail)
		troupe_fail(self, 1, "as told");
}

static void
request_from(gathering *g, troupe_ref to, uint32_t type)
{
	g->request[g->count++] = (troupe_request){ .to = to, .type = type, .data = g, .size = g->count * 10 };
}

static void
assert_gathered(const gathering *g, troupe_status status, size_t answered)
{
	sys_assert_status(g->asked, TROUPE_OK);
	ck_assert_uint_eq(g->calls, 1);
	ck_assert_uint_eq(g->wrong, 0);
	sys_assert_status(g->status, status);
	ck_assert_uint_eq(g->answered, answered);
}

/* --- Enough. --- */

static uint64_t
late_ones(sys_ledger *ledger)
{
	return sys_get(&ledger->dead[TROUPE_LATE]);
}

START_TEST(test_system_gather_ends_when_as_many_as_wanted_have_answered)
{
	static const size_t wants[] = { 1, 2, 7, 19, 20 };
	enum { COUNT = 20 };
	sys_ledger ledger = { 0 };
	responder r[COUNT] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref to[COUNT], asker = sys_spawn(t, &act_class, NULL);

	for (int i = 0; i < COUNT; i++)
		to[i] = sys_spawn(t, i % 5 == 4 ? &dedicated_responder_class : &responder_class, &r[i]);
	for (size_t w = 0; w < sizeof wants / sizeof *wants; w++) {
		gathering g = { .want = wants[w] };
		uint64_t late = late_ones(&ledger);

		for (int i = 0; i < COUNT; i++)
			request_from(&g, to[i], ANSWER);
		act_in(asker, gather_it, &g);
		sys_wait(t);
		assert_gathered(&g, TROUPE_OK, wants[w]);
		for (int i = 0; i < COUNT; i++)
			ck_assert(g.each[i] == TROUPE_OK || g.each[i] == TROUPE_CANCELLED);
		/* All have answered; those that were not waited for, too late. */
		ck_assert_uint_eq(late_ones(&ledger) - late, COUNT - wants[w]);
	}
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_gather_takes_the_same_target_more_than_once)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref asker = sys_spawn(t, &act_class, NULL), to = sys_spawn(t, &responder_class, &r);
	gathering g = { .want = 6 };

	for (int i = 0; i < 9; i++)
		request_from(&g, to, ANSWER);
	act_in(asker, gather_it, &g);
	sys_wait(t);
	assert_gathered(&g, TROUPE_OK, 6);
	/* It answers in order. */
	for (int i = 0; i < 9; i++)
		sys_assert_status(g.each[i], i < 6 ? TROUPE_OK : TROUPE_CANCELLED);
	ck_assert_uint_eq(late_ones(&ledger), 3);
	sys_close(t, &ledger);
}
END_TEST

/* --- Too few. --- */

START_TEST(test_system_gather_ends_when_as_many_as_wanted_can_answer_no_more)
{
	sys_ledger ledger = { 0 };
	responder r[4] = { 0 };
	troupe *t = asking_open(1, &ledger);
	troupe_ref to[4];
	gathering g = { .want = 3 };

	for (int i = 0; i < 4; i++)
		to[i] = sys_spawn(t, &responder_class, &r[i]);
	request_from(&g, to[0], ANSWER);
	request_from(&g, to[1], KEEP);
	request_from(&g, to[2], IGNORE);
	request_from(&g, to[3], ANSWER_ERROR);
	act_in(sys_spawn(t, &act_class, NULL), gather_it, &g);
	/* The one that keeps its request is not waited for. */
	sys_wait(t);
	assert_gathered(&g, g.status, g.answered);
	ck_assert_int_ne(g.status, TROUPE_OK);
	sys_assert_status(g.each[1], TROUPE_CANCELLED);
	sys_assert_status(g.each[2], TROUPE_UNANSWERED);
	sys_assert_status(g.each[3], TROUPE_FAILED);
	ck_assert_int_eq(g.code[3], 7);
	ck_assert_int_eq(g.code[0] | g.code[1] | g.code[2], 0);
	ck_assert(g.status == TROUPE_UNANSWERED || g.status == TROUPE_FAILED);
	sys_assert_status(troupe_answer_kept(&r[1].kept, ANSWERED, NULL, 0), TROUPE_OK);
	sys_wait(t);
	ck_assert_uint_eq(g.calls, 1);
	sys_close(t, &ledger);
}
END_TEST

static troupe_ref
dead_one(troupe *t)
{
	troupe_ref who = sys_spawn(t, &act_class, NULL);

	sys_assert_status(troupe_stop(who, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	return who;
}

START_TEST(test_system_gather_counts_what_cannot_be_sent_as_ended_so)
{
	sys_ledger ledger = { 0 };
	responder r[2] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref dead = dead_one(t), to[2], asker = sys_spawn(t, &act_class, NULL);

	for (int i = 0; i < 2; i++)
		to[i] = sys_spawn(t, &responder_class, &r[i]);
	for (size_t want = 1; want <= 4; want++) {
		gathering g = { .want = want };

		request_from(&g, dead, ANSWER);
		request_from(&g, to[0], ANSWER);
		request_from(&g, 0, ANSWER);
		request_from(&g, to[1], ANSWER);
		act_in(asker, gather_it, &g);
		sys_wait(t);
		if (want <= 2) {
			assert_gathered(&g, TROUPE_OK, want);
			sys_assert_status(g.each[0], TROUPE_DEAD);
			sys_assert_status(g.each[2], TROUPE_INVALID);
		} else {
			/* That of the last that cannot; nobody is called back, and what was sent is late. */
			sys_assert_status(g.asked, TROUPE_INVALID);
			ck_assert_uint_eq(g.calls, 0);
		}
	}
	ck_assert_uint_eq(late_ones(&ledger), 1 + 0 + 2 + 2);
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_gather_of_the_dead_alone_is_refused)
{
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref dead = dead_one(t);
	gathering g = { .want = 1 };

	for (int i = 0; i < MOST; i++)
		request_from(&g, dead, ANSWER);
	act_in(sys_spawn(t, &act_class, NULL), gather_it, &g);
	sys_wait(t);
	sys_assert_status(g.asked, TROUPE_DEAD);
	ck_assert_uint_eq(g.calls, 0);
	sys_close(t, &ledger);
	ck_assert_uint_eq(g.calls, 0);
}
END_TEST

/* --- Refused. --- */

typedef struct senseless {
	troupe_ref to;
	gathering g;
	uint32_t wrong;
} senseless;

static void
gather_senselessly(troupe_actor *self, void *argument)
{
	senseless *s = argument;
	troupe_request *r = s->g.request;

	r[0] = r[1] = (troupe_request){ .to = s->to, .type = ANSWER };
	s->wrong += troupe_gather(self, r, 0, 0, 1, note_gathered, &s->g) != TROUPE_INVALID;
	s->wrong += troupe_gather(self, r, 0, 1, 1, note_gathered, &s->g) != TROUPE_INVALID;
	s->wrong += troupe_gather(self, r, 2, 0, 1, note_gathered, &s->g) != TROUPE_INVALID;
	s->wrong += troupe_gather(self, r, 2, 3, 1, note_gathered, &s->g) != TROUPE_INVALID;
	s->wrong += troupe_gather(self, r, 2, SIZE_MAX, 1, note_gathered, &s->g) != TROUPE_INVALID;
	s->wrong += troupe_gather(self, r, 2, 2, -1, note_gathered, &s->g) != TROUPE_INVALID;
	s->wrong += troupe_gather(self, r, 2, 2, 1, NULL, &s->g) != TROUPE_INVALID;
	s->wrong += troupe_gather(self, NULL, 2, 2, 1, note_gathered, &s->g) != TROUPE_INVALID;
	/* More than there is memory for: nothing is read of them. */
	s->wrong += troupe_gather(self, r, SIZE_MAX, 1, 1, note_gathered, &s->g) != TROUPE_NOMEM;
	s->wrong += troupe_gather(self, r, SIZE_MAX / 48, 1, 1, note_gathered, &s->g) != TROUPE_NOMEM;
}

START_TEST(test_system_gather_without_sense_is_refused)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = asking_open(1, &ledger);
	senseless s = { .to = sys_spawn(t, &responder_class, &r) };

	act_in(sys_spawn(t, &act_class, NULL), gather_senselessly, &s);
	sys_wait(t);
	ck_assert_uint_eq(s.wrong, 0);
	sys_assert_count(r.handled, 0);
	sys_close(t, &ledger);
	ck_assert_uint_eq(s.g.calls, 0);
}
END_TEST

/* --- Deadlines and ends. --- */

START_TEST(test_system_gather_has_one_deadline_for_all)
{
	sys_ledger ledger = { 0 };
	responder r[5] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref asker = sys_spawn(t, &act_class, NULL);
	gathering g = { .want = 4, .timeout_ns = 20 * TROUPE_MS };

	for (int i = 0; i < 5; i++)
		request_from(&g, sys_spawn(t, &responder_class, &r[i]), KEEP);
	act_in(asker, gather_it, &g);
	sys_wait(t);
	/* The second one to time out decides. */
	assert_gathered(&g, TROUPE_TIMEOUT, 0);
	int timed_out = 0;
	for (int i = 0; i < 5; i++) {
		timed_out += g.each[i] == TROUPE_TIMEOUT;
		troupe_msg_free(&r[i].kept);
	}
	ck_assert_int_eq(timed_out, 2);
	sys_wait(t);
	ck_assert_uint_eq(late_ones(&ledger), 5);
	ck_assert_uint_eq(g.calls, 1);
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_gather_ends_once_when_its_asker_ends)
{
	static const size_t wants[] = { 1, 3, 6 };

	for (int k = 0; k < 9; k++) {
		sys_ledger ledger = { 0 };
		responder r[6] = { 0 };
		troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
		gathering g = { .want = wants[k % 3], .stop = k / 3 == 0, .fail = k / 3 == 1 };

		for (int i = 0; i < 6; i++)
			request_from(&g, sys_spawn(t, &responder_class, &r[i]), KEEP);
		act_in(sys_spawn(t, &act_class, NULL), gather_it, &g);
		sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
		if (k / 3 != 2)
			sys_wait(t);
		sys_close(t, &ledger);
		assert_gathered(&g, k / 3 == 2 ? TROUPE_CLOSING : TROUPE_CANCELLED, 0);
		for (int i = 0; i < 6; i++)
			troupe_msg_free(&r[i].kept);
		ck_assert_uint_eq(g.calls, 1);
	}
}
END_TEST

/* The answers that are kept for the callback go, whether it comes or not. */
START_TEST(test_system_gather_half_answered_ends_once_at_close)
{
	sys_ledger ledger = { 0 };
	responder r[2] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	gathering g = { .want = 2 };

	request_from(&g, sys_spawn(t, &responder_class, &r[0]), ANSWER);
	request_from(&g, sys_spawn(t, &responder_class, &r[1]), KEEP);
	act_in(sys_spawn(t, &act_class, NULL), gather_it, &g);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	ck_assert_uint_eq(g.calls, 0);
	sys_close(t, &ledger);
	assert_gathered(&g, TROUPE_CLOSING, 1);
	sys_assert_status(g.each[0], TROUPE_OK);
	sys_assert_status(g.each[1], TROUPE_CLOSING);
	troupe_msg_free(&r[1].kept);
}
END_TEST

START_TEST(test_system_gather_again_from_its_own_callback)
{
	enum { TIMES = 100 };
	sys_ledger ledger = { 0 };
	responder r[MOST] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	gathering g = { .want = MOST / 2, .again = TIMES };

	for (int i = 0; i < MOST; i++)
		request_from(&g, sys_spawn(t, &responder_class, &r[i]), ANSWER);
	act_in(sys_spawn(t, &act_class, NULL), gather_it, &g);
	sys_wait(t);
	ck_assert_uint_eq(g.calls, TIMES + 1);
	ck_assert_uint_eq(g.wrong, 0);
	ck_assert_uint_eq(g.answered, MOST / 2);
	ck_assert_uint_eq(late_ones(&ledger), (TIMES + 1) * MOST / 2);
	sys_close(t, &ledger);
}
END_TEST

/* --- What is answered lives until the callback returns, and no longer. --- */

static void
give_payload(troupe_actor *self, void *state, const troupe_msg *msg)
{
	payload_fate *fate = *(payload_fate *const *)msg->body;
	troupe_msg *answer = payload_message(ANSWERED, msg->type, fate);

	(void)state;
	(void)troupe_reply_msg(self, &answer);
}

static const troupe_class giver_class = { .receive = give_payload };

typedef struct given {
	troupe_ref to;
	payload_fate fate, *argument;
	size_t want;
	uint32_t calls, wrong;
} given;

static void
look_at_given(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	given *g = gathered->context;

	(void)self;
	(void)state;
	g->calls++;
	for (size_t i = 0; i < gathered->count; i++) {
		const troupe_answer *a = &gathered->answers[i];

		if (a->status == TROUPE_OK)
			g->wrong += ((const payload *)a->msg->body)->fate != &g->fate || a->msg->size != payload_sizes[i];
	}
	/* None of them has gone yet. */
	g->wrong += sys_get(&g->fate.destroyed) != 0;
}

static void
gather_given(troupe_actor *self, void *argument)
{
	given *g = argument;
	troupe_request requests[PAYLOAD_SIZES];

	g->argument = &g->fate;
	for (size_t i = 0; i < PAYLOAD_SIZES; i++)
		requests[i] = (troupe_request){ g->to, (uint32_t)payload_sizes[i], &g->argument, sizeof g->argument };
	g->wrong += troupe_gather(self, requests, PAYLOAD_SIZES, g->want, INT64_MAX, look_at_given, g) != TROUPE_OK;
}

START_TEST(test_system_gather_gives_what_was_answered_back)
{
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);

	for (size_t want = 1; want <= PAYLOAD_SIZES; want++) {
		given g = { .to = sys_spawn(t, &giver_class, NULL), .want = want };

		act_in(sys_spawn(t, &act_class, NULL), gather_given, &g);
		sys_wait(t);
		ck_assert_uint_eq(g.calls, 1);
		ck_assert_uint_eq(g.wrong, 0);
		assert_fate(g.fate, PAYLOAD_SIZES);
	}
	sys_close(t, &ledger);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_gather");
	TCase *tc = tcase_create("decided");

	tcase_add_loop_test(tc, test_system_gather_ends_when_as_many_as_wanted_have_answered, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_gather_takes_the_same_target_more_than_once, 0, sys_shape_count);
	tcase_add_test(tc, test_system_gather_ends_when_as_many_as_wanted_can_answer_no_more);
	tcase_add_loop_test(tc, test_system_gather_counts_what_cannot_be_sent_as_ended_so, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_gather_of_the_dead_alone_is_refused, 0, sys_shape_count);
	tcase_add_test(tc, test_system_gather_without_sense_is_refused);
	suite_add_tcase(s, tc);

	tc = tcase_create("ends");
	tcase_add_loop_test(tc, test_system_gather_has_one_deadline_for_all, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_gather_ends_once_when_its_asker_ends, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_gather_half_answered_ends_once_at_close, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_gather_again_from_its_own_callback, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_gather_gives_what_was_answered_back, 0, sys_shape_count);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
