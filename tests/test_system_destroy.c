/* SPDX-License-Identifier: MIT */

/*
 * A payload's destructor runs exactly once, whatever becomes of the message,
 * with the body that was sent.
 */

#include "tests/payload.h"
#include "tests/suite.h"

/* --- Whatever a behavior does. --- */

/* One message of a type, of each size and lane; the destructor has run when all is quiet. */
static void
check_type(uint32_t type, bool next_is_dead)
{
	for (int i = 0; i < 2 * PAYLOAD_SIZES; i++) {
		payload_fate fate = { 0 };
		payload_doer d = { 0 }, last = { 0 };
		sys_ledger ledger = { 0 };
		troupe *t = sys_open(1, &ledger);
		troupe_ref doer = sys_spawn(t, &doer_class, &d);
		troupe_msg *msg = payload_message(type, payload_sizes[i / 2], &fate);

		d.next = sys_spawn(t, &careless_class, &last);
		if (next_is_dead) {
			sys_assert_status(troupe_stop(d.next, TROUPE_STOP_NOW), TROUPE_OK);
			sys_wait(t);
		}
		/* A forwarded message has the same type again: what comes last is to handle it. */
		last.next = d.next;
		troupe_msg_set_lane(msg, i % 2 ? TROUPE_LANE_URGENT : TROUPE_LANE_NORMAL);
		sys_assert_status(troupe_send_msg(doer, &msg), TROUPE_OK);
		sys_wait(t);
		assert_fate(fate, 1);
		sys_assert_count(d.failed, 0);
		sys_close(t, &ledger);
		assert_fate(fate, 1);
	}
}

START_TEST(test_system_destroy_once_when_handled)
{
	check_type(JUST_HANDLE, false);
}
END_TEST

START_TEST(test_system_destroy_once_when_kept_and_freed)
{
	check_type(KEEP_AND_FREE, false);
	check_type(KEEP_TWICE, false);
}
END_TEST

START_TEST(test_system_destroy_once_when_not_known)
{
	check_type(DO_NOT_KNOW, false);
}
END_TEST

START_TEST(test_system_destroy_once_when_its_handler_stops)
{
	check_type(STOP_NOW, false);
}
END_TEST

START_TEST(test_system_destroy_once_when_it_could_not_be_forwarded)
{
	check_type(FORWARD_TO_NOBODY, true);
}
END_TEST

/* Through a chain of actors, each of which hands it on. */
static void
check_chain(uint32_t type)
{
	payload_fate fate[PAYLOAD_SIZES] = { 0 };
	payload_doer doers[10] = { 0 }, end = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(2, &ledger);
	troupe_ref next = sys_spawn(t, &end_class, &end);

	for (int i = 0; i < 10; i++) {
		doers[i].next = next;
		next = sys_spawn(t, &doer_class, &doers[i]);
	}
	for (int i = 0; i < PAYLOAD_SIZES; i++)
		payload_send(next, type, payload_sizes[i], &fate[i]);
	sys_wait(t);
	for (int i = 0; i < PAYLOAD_SIZES; i++)
		assert_fate(fate[i], 1);
	for (int i = 0; i < 10; i++)
		sys_assert_count(doers[i].failed, 0);
	sys_assert_count(end.failed, 0);
	sys_close(t, &ledger);
}

START_TEST(test_system_destroy_once_when_forwarded)
{
	check_chain(FORWARD);
}
END_TEST

START_TEST(test_system_destroy_once_when_kept_and_sent_on)
{
	check_chain(KEEP_AND_SEND);
}
END_TEST

START_TEST(test_system_destroy_not_before_a_kept_message_is_freed)
{
	payload_fate fate[2 * PAYLOAD_SIZES] = { 0 };
	payload_doer d = { 0 };
	troupe *t = sys_open(1, NULL);
	troupe_ref doer = sys_spawn(t, &doer_class, &d);

	for (int i = 0; i < 2 * PAYLOAD_SIZES; i++) {
		payload_send(doer, KEEP_FOR_LATER, payload_sizes[i / 2], &fate[i]);
		sys_wait(t);
		assert_fate(fate[i], 0);
		/* Freed by another message, in the stop callback at close, or by a thread outside. */
		if (i == 2 * PAYLOAD_SIZES - 1)
			break;
		if (i % 2)
			troupe_msg_free(&d.kept);
		else
			sys_send(doer, DROP_KEPT, NULL, 0);
		sys_wait(t);
		assert_fate(fate[i], 1);
	}
	sys_close(t, NULL);
	assert_fate(fate[2 * PAYLOAD_SIZES - 1], 1);
}
END_TEST

START_TEST(test_system_destroy_a_kept_message_after_close)
{
	for (int i = 0; i < PAYLOAD_SIZES; i++) {
		payload_fate fate = { 0 };
		payload_doer d = { 0 };
		troupe *t = sys_open(1, NULL);

		payload_send(sys_spawn(t, &careless_class, &d), KEEP_FOR_LATER, payload_sizes[i], &fate);
		sys_wait(t);
		sys_close(t, NULL);
		assert_fate(fate, 0);
		troupe_msg_free(&d.kept);
		assert_fate(fate, 1);
	}
}
END_TEST

/* --- Whatever comes before a behavior. --- */

START_TEST(test_system_destroy_once_when_never_sent)
{
	for (int i = 0; i < PAYLOAD_SIZES; i++) {
		payload_fate fate = { 0 };
		troupe_msg *msg = payload_message(1, payload_sizes[i], &fate);

		sys_assert_status(troupe_send_msg(0, &msg), TROUPE_INVALID);
		assert_fate(fate, 0);
		troupe_msg_free(&msg);
		assert_fate(fate, 1);
		troupe_msg_free(&msg);
		assert_fate(fate, 1);
	}
}
END_TEST

/* Messages that wait while the receiver is stopped, drained, or closed with its runtime. */
enum end { END_STOP, END_DRAIN, END_CLOSE, END_BUSY_CLOSE, ENDS };

START_TEST(test_system_destroy_once_when_waiting_at_the_end)
{
	payload_fate fate[3 * PAYLOAD_SIZES] = { 0 };
	sys_gate gate = SYS_GATE_CLOSED;
	payload_doer d = { .gate = &gate };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(1, &ledger);
	troupe_ref doer = sys_spawn(t, &doer_class, &d);

	sys_send(doer, HOLD_UP, NULL, 0);
	sys_gate_await(&gate, 1);
	for (int i = 0; i < PAYLOAD_SIZES; i++) {
		troupe_msg *msg = payload_message(JUST_HANDLE, payload_sizes[i], &fate[i]);
		troupe_shared *block = payload_block(payload_sizes[i], &fate[2 * PAYLOAD_SIZES + i]);

		troupe_msg_set_lane(msg, TROUPE_LANE_URGENT);
		sys_assert_status(troupe_send_msg(doer, &msg), TROUPE_OK);
		payload_send(doer, JUST_HANDLE, payload_sizes[i], &fate[PAYLOAD_SIZES + i]);
		sys_assert_status(troupe_send_shared(doer, JUST_HANDLE, block), TROUPE_OK);
		troupe_shared_release(&block);
	}
	switch ((enum end)_i) {
	case END_STOP:
		sys_assert_status(troupe_stop(doer, TROUPE_STOP_NOW), TROUPE_OK);
		break;
	case END_DRAIN:
		sys_assert_status(troupe_stop(doer, TROUPE_STOP_DRAIN), TROUPE_OK);
		break;
	case END_BUSY_CLOSE:
		sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_TIMEOUT);
		break;
	case END_CLOSE:
	case ENDS:
		break;
	}
	sys_gate_open(&gate);
	if (_i == END_STOP || _i == END_DRAIN)
		sys_wait(t);
	sys_close(t, &ledger);
	for (int i = 0; i < 3 * PAYLOAD_SIZES; i++)
		assert_fate(fate[i], 1);
}
END_TEST

/* --- A start that refuses, with messages sent to the actor already. --- */

struct refusal {
	payload_fate *fate;
	troupe_ref self;
	sys_counter failed;
};

static int
refuse_start(troupe_actor *self, void *state, const void *argument)
{
	struct refusal *r = *(struct refusal *const *)argument;

	(void)state;
	r->self = troupe_self(self);
	for (int i = 0; i < PAYLOAD_SIZES; i++) {
		troupe_msg *msg = payload_message(JUST_HANDLE, payload_sizes[i], &r->fate[i]);
		troupe_shared *block = payload_block(payload_sizes[i], &r->fate[PAYLOAD_SIZES + i]);

		if (troupe_send_msg(r->self, &msg) != TROUPE_OK)
			sys_add(&r->failed, 1);
		if (troupe_send_shared(r->self, JUST_HANDLE, block) != TROUPE_OK)
			sys_add(&r->failed, 1);
		troupe_shared_release(&block);
	}
	return 42;
}

static const troupe_class refusing_class = { .name = "refuser", .start = refuse_start, .receive = sys_ignore };

START_TEST(test_system_destroy_once_when_start_refuses)
{
	payload_fate fate[2 * PAYLOAD_SIZES] = { 0 };
	struct refusal r = { .fate = fate }, *pointer = &r;
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(1, &ledger);

	sys_assert_failed(troupe_spawn(t, &refusing_class, &pointer), TROUPE_REFUSED);
	sys_assert_count(r.failed, 0);
	for (int i = 0; i < 2 * PAYLOAD_SIZES; i++)
		assert_fate(fate[i], 1);
	sys_assert_count(ledger.dead[TROUPE_DEAD], 2 * PAYLOAD_SIZES);
	sys_assert_status(troupe_send(r.self, 1, NULL, 0), TROUPE_DEAD);
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

/* --- Shared blocks. --- */

START_TEST(test_system_destroy_a_block_with_its_last_holder)
{
	for (int i = 0; i < PAYLOAD_SIZES; i++) {
		payload_fate fate = { 0 };
		payload_doer d[20] = { 0 }, end = { 0 };
		troupe *t = sys_open(2, NULL);
		troupe_shared *block = payload_block(payload_sizes[i], &fate);
		troupe_ref last = sys_spawn(t, &end_class, &end);

		for (int k = 0; k < 20; k++) {
			d[k].next = last;
			troupe_ref doer = sys_spawn(t, &doer_class, &d[k]);
			sys_assert_status(troupe_send_shared(doer, JUST_HANDLE, block), TROUPE_OK);
			sys_assert_status(troupe_send_shared(doer, KEEP_AND_SEND, block), TROUPE_OK);
			sys_assert_status(troupe_send_shared(doer, FORWARD, block), TROUPE_OK);
			sys_assert_status(troupe_send_shared(doer, SEND_BLOCK_ON, block), TROUPE_OK);
			sys_assert_status(troupe_send_shared(doer, RETAIN_BLOCK, block), TROUPE_OK);
		}
		sys_wait(t);
		assert_fate(fate, 0);
		sys_assert_status(troupe_send_shared(0, 1, block), TROUPE_INVALID);
		troupe_shared_release(&block);
		ck_assert_ptr_null(block);
		for (int k = 0; k < 20; k++) {
			sys_assert_count(d[k].failed, 0);
			assert_fate(fate, 0);
			troupe_shared_release(&d[k].block);
		}
		sys_assert_count(end.failed, 0);
		assert_fate(fate, 1);
		sys_close(t, NULL);
	}
}
END_TEST

START_TEST(test_system_destroy_a_block_once_when_it_could_not_be_sent)
{
	payload_fate fate = { 0 };
	payload_doer d = { 0 };
	troupe *t = sys_open(1, NULL);
	troupe_ref dead = sys_spawn(t, &doer_class, &d);
	troupe_shared *block = payload_block(100, &fate);

	sys_assert_status(troupe_stop(dead, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	for (int i = 0; i < 5; i++)
		sys_assert_status(troupe_send_shared(dead, 1, block), TROUPE_DEAD);
	assert_fate(fate, 0);
	troupe_shared_release(&block);
	assert_fate(fate, 1);
	sys_close(t, NULL);
}
END_TEST

/* --- All at once, from several threads, with the receivers being stopped. --- */

#define STORM_THREADS   3
#define STORM_RECEIVERS 8

struct storm {
	payload_fate fate;
	sys_counter made;
	sys_counter receiver[STORM_RECEIVERS]; /* a troupe_ref each */
	payload_doer doer;
	troupe *t;
};

struct gust {
	struct storm *storm;
	uint64_t seed;
};

static void *
blow(void *gust)
{
	struct storm *s = ((struct gust *)gust)->storm;
	sys_random random = { ((struct gust *)gust)->seed };
	static const uint32_t types[] = { JUST_HANDLE, KEEP_AND_FREE, FORWARD, KEEP_AND_SEND, DO_NOT_KNOW,
		STOP_NOW };

	for (int i = 0; i < SYS_SCALED(5000); i++) {
		uint32_t at = sys_below(&random, STORM_RECEIVERS);
		troupe_ref to = sys_get(&s->receiver[at]);
		size_t size = payload_sizes[sys_below(&random, PAYLOAD_SIZES - 2)];

		sys_add(&s->made, 1);
		if (sys_below(&random, 3) == 0) {
			troupe_shared *block = payload_block(size, &s->fate);

			(void)troupe_send_shared(to, JUST_HANDLE, block);
			troupe_shared_release(&block);
		} else {
			troupe_msg *msg = payload_message(types[sys_below(&random, 6)], size, &s->fate);

			troupe_msg_set_lane(msg,
			    sys_below(&random, 2) ? TROUPE_LANE_URGENT : TROUPE_LANE_NORMAL);
			(void)troupe_send_msg(to, &msg);
			troupe_msg_free(&msg);
		}
		if (sys_below(&random, 20) == 0) {
			(void)troupe_stop(to, TROUPE_STOP_NOW);
			sys_set(&s->receiver[at], troupe_spawn(s->t, &doer_class, &s->doer));
		}
	}
	return NULL;
}

static void
stop_quietly(void *context, const troupe_dead_letter *letter)
{
	struct storm *s = context;
	const payload *p = letter->msg->body;

	/* What is dead yet has its body still. */
	if (p->fate != &s->fate)
		sys_add(&s->fate.wrong, 1);
}

START_TEST(test_system_destroy_once_in_a_storm)
{
	struct storm s = { 0 };
	uint64_t seed = sys_seed("destroy");
	sys_ledger ledger = { .letter = stop_quietly, .context = &s };
	struct gust gusts[STORM_THREADS];
	pthread_t threads[STORM_THREADS];
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	s.t = t;
	s.doer.next = sys_spawn(t, &end_class, &s.doer);
	for (int i = 0; i < STORM_RECEIVERS; i++)
		sys_set(&s.receiver[i], sys_spawn(t, &doer_class, &s.doer));
	for (uint32_t i = 0; i < STORM_THREADS; i++) {
		gusts[i] = (struct gust){ &s, seed + i };
		threads[i] = sys_start(blow, &gusts[i]);
	}
	for (int i = 0; i < STORM_THREADS; i++)
		sys_join(threads[i]);
	sys_close(t, &ledger);
	assert_fate(s.fate, sys_get(&s.made));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_destroy");
	TCase *tc = tcase_create("exactly once");

	tcase_add_test(tc, test_system_destroy_once_when_handled);
	tcase_add_test(tc, test_system_destroy_once_when_kept_and_freed);
	tcase_add_test(tc, test_system_destroy_once_when_not_known);
	tcase_add_test(tc, test_system_destroy_once_when_its_handler_stops);
	tcase_add_test(tc, test_system_destroy_once_when_it_could_not_be_forwarded);
	tcase_add_test(tc, test_system_destroy_once_when_forwarded);
	tcase_add_test(tc, test_system_destroy_once_when_kept_and_sent_on);
	tcase_add_test(tc, test_system_destroy_not_before_a_kept_message_is_freed);
	tcase_add_test(tc, test_system_destroy_a_kept_message_after_close);
	tcase_add_test(tc, test_system_destroy_once_when_never_sent);
	tcase_add_loop_test(tc, test_system_destroy_once_when_waiting_at_the_end, 0, ENDS);
	tcase_add_test(tc, test_system_destroy_once_when_start_refuses);
	tcase_add_test(tc, test_system_destroy_a_block_with_its_last_holder);
	tcase_add_test(tc, test_system_destroy_a_block_once_when_it_could_not_be_sent);
	tcase_add_loop_test(tc, test_system_destroy_once_in_a_storm, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
