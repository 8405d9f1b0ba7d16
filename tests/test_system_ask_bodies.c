/* SPDX-License-Identifier: MIT */

/*
 * What requests and answers carry: bytes of any size, moved messages, shared
 * blocks; each destructor runs exactly once, however the ask ends.
 */

#include "tests/asking.h"
#include "tests/suite.h"

/* --- Copied bytes. --- */

static const size_t sizes[] = { 0, 1, 15, 16, 17, 32, 33, 48, 49, 64, 1000, 65487, 65488, 65489, 65536, 300000 };
#define SIZES   (sizeof sizes / sizeof *sizes)
#define LARGEST 10000000

/* What is asked, and what is answered. */
typedef struct bytes_ask {
	troupe_ref to;
	const unsigned char *bytes;
	size_t asked, answered;
	troupe_status status;
	bool right;
	uint32_t calls;
} bytes_ask;

static bool
is_right(const troupe_msg *msg, const unsigned char *bytes, size_t size)
{
	return msg->size == size && (msg->body == NULL) == (size == 0) && (uintptr_t)msg->body % 16 == 0 &&
	       (size == 0 || memcmp(msg->body, bytes, size) == 0);
}

static void
take_bytes(troupe_actor *self, void *state, const troupe_answer *answer)
{
	bytes_ask *b = answer->context;

	(void)self;
	(void)state;
	b->calls++;
	b->status = answer->status;
	b->right = answer->msg != NULL && is_right(answer->msg, b->bytes + 1, b->answered);
}

static void
ask_with_bytes(troupe_actor *self, void *argument)
{
	bytes_ask *b = argument;

	if (troupe_ask(self, b->to, 1, b->bytes, b->asked, INT64_MAX, take_bytes, b) != TROUPE_OK)
		b->calls = 100;
}

/* Answers what the test has put here, if what came is right. */
static bytes_ask *in_hand;

static void
answer_bytes(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (!is_right(msg, in_hand->bytes, in_hand->asked) ||
	    troupe_reply(self, 2, in_hand->bytes + 1, in_hand->answered) != TROUPE_OK ||
	    /* It can be read yet. */
	    !is_right(msg, in_hand->bytes, in_hand->asked))
		in_hand->calls = 100;
}

static const troupe_class bytes_class = { .receive = answer_bytes };

static void
ask_and_call_with_bytes(troupe *t, troupe_ref asker, troupe_ref to, size_t asked, size_t answered)
{
	static unsigned char bytes[LARGEST + 1];
	bytes_ask b = { .to = to, .bytes = bytes, .asked = asked, .answered = answered };

	if (bytes[1] == 0)
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (unsigned char)(i * 7 + i / 251);
	in_hand = &b;
	act_in(asker, ask_with_bytes, &b);
	sys_wait(t);
	ck_assert_uint_eq(b.calls, 1);
	ck_assert_msg(b.right, "%zu bytes answered with %zu", asked, answered);
	/* The same for a thread that waits. */
	troupe_msg *answer = NULL;
	sys_assert_status(troupe_call(to, 1, bytes, asked, INT64_MAX, &answer, NULL), TROUPE_OK);
	ck_assert(is_right(answer, bytes + 1, answered));
	troupe_msg_free(&answer);
	/* Its actor may be at it yet. */
	sys_wait(t);
	ck_assert_uint_eq(b.calls, 1);
}

START_TEST(test_system_ask_carries_bytes_of_any_size)
{
	sys_ledger ledger = { 0 };
	troupe *t = asking_open(_i, &ledger);
	troupe_ref asker = sys_spawn(t, &act_class, NULL), to = sys_spawn(t, &bytes_class, NULL);

	for (size_t i = 0; i < SIZES * SIZES; i++)
		ask_and_call_with_bytes(t, asker, to, sizes[i / SIZES], sizes[i % SIZES]);
	ask_and_call_with_bytes(t, asker, to, LARGEST, LARGEST);
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

/* --- Moved messages. --- */

typedef struct moved {
	asking a;
	troupe_msg *msg;
	uint32_t wrong;
} moved;

static void
ask_moved(troupe_actor *self, void *argument)
{
	moved *m = argument;

	m->a.asked = troupe_ask_msg(self, m->a.to, &m->msg, m->a.timeout_ns, note_outcome, &m->a.came);
	m->wrong += (m->msg == NULL) != (m->a.asked == TROUPE_OK);
}

static void
ask_moved_and_stop(troupe_actor *self, void *argument)
{
	ask_moved(self, argument);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
stop_and_ask_moved(troupe_actor *self, void *argument)
{
	(void)troupe_stop(((moved *)argument)->a.to, TROUPE_STOP_NOW);
	ask_moved(self, argument);
}

typedef struct moved_case {
	act *run;
	uint32_t type;
	int64_t timeout_ns;
	bool closed_at_once; /* it ends with the runtime */
	troupe_status status;
} moved_case;

static const moved_case moved_cases[] = {
	{ ask_moved, ANSWER, INT64_MAX, false, TROUPE_OK },
	{ ask_moved, ANSWER_ERROR, INT64_MAX, false, TROUPE_FAILED },
	{ ask_moved, FAIL_OVER, INT64_MAX, false, TROUPE_FAILED },
	{ ask_moved, IGNORE, INT64_MAX, false, TROUPE_UNANSWERED },
	{ ask_moved, LEAVE_UNHANDLED, INT64_MAX, false, TROUPE_UNANSWERED },
	{ ask_moved, KEEP_AND_DROP, INT64_MAX, false, TROUPE_UNANSWERED },
	{ stop_and_ask_moved, ANSWER, INT64_MAX, false, TROUPE_DEAD },
	{ ask_moved, KEEP, TROUPE_MS, false, TROUPE_TIMEOUT },
	{ ask_moved, KEEP, INT64_MAX, true, TROUPE_CLOSING },
	{ ask_moved_and_stop, KEEP, INT64_MAX, false, TROUPE_CANCELLED },
};
#define MOVED_CASES ((int)(sizeof moved_cases / sizeof *moved_cases))

static void
check_moved(const moved_case *c, size_t size, troupe_lane lane)
{
	payload_fate fate = { 0 };
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = asking_open_virtual(&ledger);
	moved m = { .a = { .to = sys_spawn(t, &responder_class, &r), .timeout_ns = c->timeout_ns } };

	m.msg = payload_message(c->type, size, &fate);
	troupe_msg_set_lane(m.msg, lane);
	act_in(sys_spawn(t, &act_class, NULL), c->run, &m);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	if (c->closed_at_once)
		sys_close(t, &ledger);
	else
		sys_wait(t);
	sys_assert_status(m.a.asked, TROUPE_OK);
	ck_assert_uint_eq(m.wrong, 0);
	assert_outcome(m.a.came, c->status);
	/* It lives as long as the request does. */
	assert_fate(fate, r.kept == NULL);
	/* Late, or not at all; to one that listens, or to nobody. */
	if (r.kept != NULL && lane == TROUPE_LANE_NORMAL)
		(void)troupe_answer_kept(&r.kept, ANSWERED, NULL, 0);
	troupe_msg_free(&r.kept);
	assert_fate(fate, 1);
	if (!c->closed_at_once)
		sys_close(t, &ledger);
	assert_fate(fate, 1);
	sys_assert_count(r.wrong, 0);
	ck_assert_uint_eq(m.a.came.calls, 1);
}

START_TEST(test_system_ask_destroys_a_moved_request_once)
{
	for (int i = 0; i < PAYLOAD_SIZES; i++) {
		check_moved(&moved_cases[_i], payload_sizes[i], TROUPE_LANE_NORMAL);
		check_moved(&moved_cases[_i], payload_sizes[i], TROUPE_LANE_URGENT);
	}
}
END_TEST

static void
ask_nobody_moved(troupe_actor *self, void *argument)
{
	moved *m = argument;

	ask_moved(self, m);
	troupe_msg_free(&m->msg);
}

START_TEST(test_system_ask_that_is_refused_leaves_a_moved_message_to_its_owner)
{
	payload_fate fate = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = asking_open(1, &ledger);
	moved m = { .a.to = sys_spawn(t, &act_class, NULL) };

	sys_assert_status(troupe_stop(m.a.to, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	for (int i = 0; i < PAYLOAD_SIZES; i++) {
		m.msg = payload_message(1, payload_sizes[i], &fate);
		act_in(sys_spawn(t, &act_class, NULL), ask_nobody_moved, &m);
		sys_wait(t);
		sys_assert_status(m.a.asked, TROUPE_DEAD);
		assert_fate(fate, i + 1);
	}
	ck_assert_uint_eq(m.a.came.calls + m.wrong, 0);
	sys_close(t, &ledger);
}
END_TEST

/* Answers with as many bytes as messages came before. */
static void
answer_size(troupe_actor *self, void *state, const troupe_msg *msg)
{
	static const char bytes[100];
	uint32_t *before = state;

	if (troupe_is_request(msg))
		(void)troupe_reply(self, ANSWERED, bytes, *before);
	++*before;
}

static const troupe_class before_class = { .state_size = sizeof(uint32_t), .receive = answer_size };

static void
ask_behind_others(troupe_actor *self, void *argument)
{
	moved *m = argument;

	for (int i = 0; i < 50; i++)
		(void)troupe_send(m->a.to, 1, NULL, 0);
	ask_moved(self, m);
}

START_TEST(test_system_ask_goes_on_the_lane_of_a_moved_message)
{
	sys_ledger ledger = { 0 };
	troupe *t = asking_open(1, &ledger);

	for (int lane = TROUPE_LANE_NORMAL; lane <= TROUPE_LANE_URGENT; lane++) {
		moved m = { .a = { .to = sys_spawn(t, &before_class, NULL), .timeout_ns = INT64_MAX } };

		m.msg = troupe_msg_new(1, 0, NULL);
		troupe_msg_set_lane(m.msg, (troupe_lane)lane);
		act_in(sys_spawn(t, &act_class, NULL), ask_behind_others, &m);
		sys_wait(t);
		assert_outcome(m.a.came, TROUPE_OK);
		/* One may have been in hand already. */
		if (lane == TROUPE_LANE_URGENT)
			ck_assert_uint_le(m.a.came.size, 1);
		else
			ck_assert_uint_eq(m.a.came.size, 50);
	}
	sys_close(t, &ledger);
}
END_TEST

/* --- Moved answers. --- */

typedef struct giver {
	payload_fate *fate;
	size_t size;
	troupe_shared *block; /* instead */
	uint32_t wrong;
} giver;

static void
give(troupe_actor *self, void *state, const troupe_msg *msg)
{
	giver *g = *(giver **)state;
	troupe_msg *answer = g->block != NULL ? troupe_msg_share(ANSWERED, g->block)
	                                      : payload_message(ANSWERED, g->size, g->fate);

	(void)msg;
	g->wrong += troupe_reply_msg(self, &answer) != TROUPE_OK || answer != NULL;
	/* Not twice; then it is the giver's. */
	answer = payload_message(ANSWERED, sizeof(payload), g->fate);
	g->wrong += troupe_reply_msg(self, &answer) != TROUPE_INVALID || answer == NULL;
	troupe_msg_free(&answer);
}

static const troupe_class giver_class = {
	.state_size = sizeof(giver *),
	.start = sys_start_with_pointer,
	.receive = give,
};

/* Passes what it is answered on to its own asker, for as many hops as there are relays. */
typedef struct relay {
	troupe_ref next;
	troupe_msg *request;
	uint32_t wrong;
} relay;

static void
relay_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	relay *r = *(relay **)state;
	troupe_msg *kept = troupe_keep(self);

	r->wrong += kept == NULL || kept != answer->msg;
	/* The request was set aside; it is handled in its own turn. */
	r->request = kept;
	r->wrong += troupe_unstash(self, SIZE_MAX) != 1;
}

static void
relay_on(troupe_actor *self, void *state, const troupe_msg *msg)
{
	relay *r = *(relay **)state;

	if (r->request != NULL)
		r->wrong += troupe_reply_msg(self, &r->request) != TROUPE_OK;
	else
		r->wrong += troupe_ask(self, r->next, msg->type, NULL, 0, INT64_MAX, relay_answer, NULL) != TROUPE_OK ||
		            troupe_stash(self) != TROUPE_OK;
}

static const troupe_class relay_class = {
	.state_size = sizeof(relay *),
	.start = sys_start_with_pointer,
	.receive = relay_on,
};

static void
check_relayed(int relays, size_t size, bool shared)
{
	payload_fate fate = { 0 };
	sys_ledger ledger = { 0 };
	giver g = { .fate = &fate, .size = size };
	relay r[40] = { 0 };
	troupe *t = asking_open(2, &ledger);
	troupe_msg *answer = NULL;

	g.block = shared ? payload_block(size, &fate) : NULL;
	troupe_ref to = sys_spawn(t, &giver_class, &g);
	for (int i = 0; i < relays; i++) {
		r[i].next = to;
		to = sys_spawn(t, &relay_class, &r[i]);
	}
	sys_assert_status(troupe_call(to, 1, NULL, 0, INT64_MAX, &answer, NULL), TROUPE_OK);
	ck_assert_uint_eq(answer->type, ANSWERED);
	ck_assert_uint_eq(answer->size, size);
	ck_assert_ptr_eq(((const payload *)answer->body)->fate, &fate);
	ck_assert_ptr_eq(troupe_msg_shared(answer), g.block);
	if (shared) {
		ck_assert_ptr_eq(answer->body, troupe_shared_bytes(g.block));
		troupe_shared_release(&g.block);
	}
	/* The second answer has gone, once the giver is done with it; the first one is here. */
	sys_wait(t);
	assert_fate(fate, 1);
	troupe_msg_free(&answer);
	assert_fate(fate, 2);
	for (int i = 0; i < relays; i++)
		ck_assert_uint_eq(r[i].wrong, 0);
	ck_assert_uint_eq(g.wrong, 0);
	sys_close(t, &ledger);
	assert_fate(fate, 2);
}

START_TEST(test_system_ask_takes_moved_and_shared_answers_through_relays)
{
	static const int relays[] = { 0, 1, 2, 40 };

	for (int i = 0; i < PAYLOAD_SIZES; i++) {
		check_relayed(relays[_i], payload_sizes[i], false);
		check_relayed(relays[_i], payload_sizes[i], true);
	}
}
END_TEST

/* --- Shared requests. --- */

static void
check_block(troupe_actor *self, void *state, const troupe_msg *msg)
{
	giver *g = *(giver **)state;

	g->wrong += troupe_msg_shared(msg) != g->block || msg->body != troupe_shared_bytes(g->block) ||
	            troupe_reply(self, ANSWERED, NULL, 0) != TROUPE_OK;
}

static const troupe_class checker_class = {
	.state_size = sizeof(giver *),
	.start = sys_start_with_pointer,
	.receive = check_block,
};

START_TEST(test_system_ask_shows_the_block_of_a_shared_request)
{
	enum { ASKS = 20 };
	payload_fate fate = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = asking_open(2, &ledger);
	giver g = { .block = payload_block(payload_sizes[_i], &fate) };
	troupe_ref to = sys_spawn(t, &checker_class, &g);
	moved m[ASKS] = { 0 };

	for (int i = 0; i < ASKS; i++) {
		m[i].a = (asking){ .to = to, .timeout_ns = INT64_MAX };
		m[i].msg = troupe_msg_share(1, g.block);
		act_in(sys_spawn(t, &act_class, NULL), ask_moved, &m[i]);
	}
	sys_wait(t);
	for (int i = 0; i < ASKS; i++)
		assert_outcome(m[i].a.came, TROUPE_OK);
	ck_assert_uint_eq(g.wrong, 0);
	assert_fate(fate, 0);
	troupe_shared_release(&g.block);
	assert_fate(fate, 1);
	sys_close(t, &ledger);
	assert_fate(fate, 1);
}
END_TEST

/* --- Answers that are kept. --- */

typedef struct keeper {
	troupe_ref to, next;
	troupe_on_answer *on_answer;
	troupe_msg *kept;
	uint32_t wrong, calls;
} keeper;

static void
keep_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	keeper *k = answer->context;

	(void)state;
	k->calls++;
	k->kept = troupe_keep(self);
	k->wrong += k->kept != answer->msg || troupe_keep(self) != NULL || troupe_is_request(k->kept);
	k->wrong += troupe_sender(self) != 0 || troupe_stash(self) != TROUPE_INVALID;
}

static void
forward_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	keeper *k = answer->context;

	(void)state;
	k->calls++;
	k->wrong += troupe_stash(self) != TROUPE_INVALID || troupe_forward(self, k->next) != TROUPE_OK;
}

static void
fail_over_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	keeper *k = answer->context;

	(void)state;
	k->calls++;
	troupe_fail(self, 1, "over an answer");
}

static void
look_at_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	keeper *k = answer->context;

	(void)self;
	(void)state;
	k->calls++;
	k->wrong += answer->msg == NULL;
}

static troupe_on_answer *const keeps[] = { keep_answer, forward_answer, fail_over_answer, look_at_answer };

static void
ask_and_keep(troupe_actor *self, void *argument)
{
	keeper *k = argument;

	k->wrong += troupe_ask(self, k->to, 1, NULL, 0, INT64_MAX, k->on_answer, k) != TROUPE_OK;
}

static void
check_kept(int how, size_t size)
{
	payload_fate fate = { 0 };
	payload_doer end = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = asking_open(2, &ledger);
	giver g = { .fate = &fate, .size = size };
	keeper k = { .on_answer = keeps[how], .to = sys_spawn(t, &giver_class, &g), .next = sys_spawn(t, &doer_class, &end) };

	act_in(sys_spawn(t, &act_class, NULL), ask_and_keep, &k);
	sys_wait(t);
	ck_assert_uint_eq(k.calls, 1);
	ck_assert_uint_eq(k.wrong, 0);
	assert_fate(fate, how == 0 ? 1 : 2);
	sys_assert_count(ledger.dead[TROUPE_FAILED], how == 2);
	if (how == 0) {
		/* As good as any message. */
		sys_assert_status(troupe_send_msg(k.next, &k.kept), TROUPE_OK);
		sys_wait(t);
		assert_fate(fate, 2);
	}
	sys_close(t, &ledger);
	assert_fate(fate, 2);
}

START_TEST(test_system_ask_lets_its_callback_keep_forward_or_fail_over_the_answer)
{
	for (int i = 0; i < PAYLOAD_SIZES; i++)
		check_kept(_i, payload_sizes[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_ask_bodies");
	TCase *tc = tcase_create("bodies");

	tcase_add_loop_test(tc, test_system_ask_carries_bytes_of_any_size, 1, 3);
	tcase_add_loop_test(tc, test_system_ask_destroys_a_moved_request_once, 0, MOVED_CASES);
	tcase_add_test(tc, test_system_ask_goes_on_the_lane_of_a_moved_message);
	tcase_add_test(tc, test_system_ask_that_is_refused_leaves_a_moved_message_to_its_owner);
	tcase_add_loop_test(tc, test_system_ask_takes_moved_and_shared_answers_through_relays, 0, 4);
	tcase_add_loop_test(tc, test_system_ask_shows_the_block_of_a_shared_request, 0, PAYLOAD_SIZES);
	tcase_add_loop_test(tc, test_system_ask_lets_its_callback_keep_forward_or_fail_over_the_answer, 0, 4);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
