/* SPDX-License-Identifier: MIT */

/*
 * What can be stashed: messages of every kind, each of which comes back as
 * what it was, or ends as it would have without.
 */

#include "tests/payload.h"
#include "tests/puppet.h"
#include "tests/suite.h"

enum { TICK = 1, QUESTION, ANSWER, LOAD, RELEASE = 100 };

#define HOUR (3600 * TROUPE_SECOND)

/* Stashes whatever comes until it is released, and then hands it to `handle`. */
struct store {
	void (*handle)(troupe_actor *self, struct store *s, const troupe_msg *msg);
	bool released;
	uint32_t stashed, handled;
	troupe_status stash_status;
	/* For the kinds below. */
	troupe_ref other;
	troupe_msg *kept;
	sys_counter answers;
	troupe_status answer_status;
	uint32_t answer_type;
};

static void
store_or_handle(troupe_actor *self, void *store, const troupe_msg *msg)
{
	struct store *s = store;

	if (msg->type == RELEASE) {
		s->released = true;
		promise(troupe_unstash(self, SIZE_MAX) == s->stashed);
		return;
	}
	if (!s->released) {
		s->stash_status = troupe_stash(self);
		promise(s->stash_status == TROUPE_OK);
		s->stashed++;
		return;
	}
	s->handled++;
	s->handle(self, s, msg);
}

static puppet_script
script_of(struct store *s)
{
	return (puppet_script){ .argument = s, .receive = store_or_handle };
}

static void
assert_stored(troupe *t, const struct store *s, uint32_t count)
{
	troupe_totals totals;

	troupe_get_totals(t, &totals);
	ck_assert_uint_eq(s->stashed, count);
	ck_assert_uint_eq(s->handled, 0);
	ck_assert_uint_eq(totals.accepted, totals.handled + totals.dead + count);
}

/* Either it is released and handles all, or it is stopped, or the runtime is closed. */
enum { RELEASED, STOPPED, CLOSED, ENDS };

static void
end_store(troupe *t, troupe_ref who, int end, sys_ledger *ledger)
{
	if (end == RELEASED)
		sys_assert_status(troupe_send_urgent(who, RELEASE, NULL, 0), TROUPE_OK);
	else if (end == STOPPED)
		sys_assert_status(troupe_stop(who, TROUPE_STOP_NOW), TROUPE_OK);
	if (end != CLOSED)
		sys_wait(t);
	sys_close(t, ledger);
}

/* --- Ticks. --- */

static const char load[] = "more than what a small message holds: it lies somewhere else";

static void
handle_tick(troupe_actor *self, struct store *s, const troupe_msg *msg)
{
	(void)s;
	promise(msg->type == TICK && msg->sender == troupe_self(self) && troupe_sender(self) == msg->sender);
	promise(msg->size == 0 || (msg->size == sizeof load && memcmp(msg->body, load, sizeof load) == 0));
}

static void
arm_timers(troupe_actor *self, void *unused)
{
	(void)unused;
	promise(troupe_send_after(self, 0, TICK, NULL, 0) != 0);
	promise(troupe_send_after(self, 1000, TICK, load, sizeof load) != 0);
	promise(troupe_send_after(self, 2000, TICK, NULL, 0) != 0);
}

START_TEST(test_system_stash_kinds_tick_of_a_timer)
{
	struct store s = { .handle = handle_tick };
	puppet_script script = script_of(&s);
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i / ENDS], &ledger);
	troupe_ref who = sys_spawn(t, &puppet_class, &script);

	puppet_tell(who, arm_timers, NULL);
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	assert_stored(t, &s, 3);
	end_store(t, who, _i % ENDS, &ledger);
	ck_assert_uint_eq(s.handled, _i % ENDS == RELEASED ? 3 : 0);
	sys_assert_count(ledger.dead[TROUPE_DEAD], _i % ENDS == STOPPED ? 3 : 0);
	sys_assert_count(ledger.dead[TROUPE_CLOSING], _i % ENDS == CLOSED ? 3 : 0);
	assert_promises_kept();
}
END_TEST

/* A stashed tick has been handed over: it waits no more, and the next one comes. */
static void
count_ticks(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct store *s = *(struct store **)state;
	troupe_timer *timer = (troupe_timer *)&s->other;

	if (msg->type == TICK && s->stashed < 5) {
		promise(troupe_stash(self) == TROUPE_OK);
		if (++s->stashed < 5)
			return;
		/* What is cancelled fires no more, but what has fired stays. */
		promise(troupe_cancel(self, *timer));
		promise(troupe_unstash(self, SIZE_MAX) == 5);
	} else if (msg->type == TICK) {
		handle_tick(self, s, msg);
		s->handled++;
	} else {
		*timer = troupe_send_every(self, TROUPE_MS / 10, TROUPE_MISSED_SKIP, TICK, load, sizeof load);
		promise(*timer != 0);
	}
}

START_TEST(test_system_stash_kinds_ticks_of_a_periodic_timer)
{
	static const troupe_class class_ = {
		.state_size = sizeof(struct store *),
		.start = sys_start_with_pointer,
		.receive = count_ticks,
	};
	struct store s = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	sys_send(sys_spawn(t, &class_, &s), RELEASE, NULL, 0);
	sys_wait(t);
	ck_assert_uint_eq(s.handled, 5);
	sys_close(t, &ledger);
	assert_promises_kept();
}
END_TEST

static void
handle_idle(troupe_actor *self, struct store *s, const troupe_msg *msg)
{
	(void)s;
	promise(msg->type == TROUPE_IDLE && msg->size == 0 && msg->sender == troupe_self(self));
	promise(troupe_set_idle_timeout(self, 0) == TROUPE_OK);
}

static void
want_idle(troupe_actor *self, void *unused)
{
	(void)unused;
	promise(troupe_set_idle_timeout(self, TROUPE_SECOND) == TROUPE_OK);
}

static void
want_idle_no_more(troupe_actor *self, void *unused)
{
	(void)unused;
	promise(troupe_set_idle_timeout(self, 0) == TROUPE_OK);
}

START_TEST(test_system_stash_kinds_idle)
{
	struct store s = { .handle = handle_idle };
	puppet_script script = script_of(&s);
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, &ledger);
	troupe_ref who = sys_spawn(t, &puppet_class, &script);

	puppet_tell(who, want_idle, NULL);
	while (s.stashed < 2)
		(void)troupe_run_once(t);
	ck_assert_int_ge(troupe_now(t), 2 * TROUPE_SECOND);
	puppet_let(t, who, want_idle_no_more, NULL);
	assert_stored(t, &s, 2);
	end_store(t, who, _i, &ledger);
	ck_assert_uint_eq(s.handled, _i == RELEASED ? 2 : 0);
	assert_promises_kept();
}
END_TEST

/* --- The end of another. --- */

static void
handle_down(troupe_actor *self, struct store *s, const troupe_msg *msg)
{
	const troupe_down *down = troupe_body(msg, sizeof *down);

	(void)self;
	promise(msg->type == TROUPE_DOWN && down != NULL);
	if (down == NULL)
		return;
	promise(down->who == s->other && strcmp(down->actor_name, "the departed") == 0);
	promise(strcmp(down->class_name, "puppet") == 0 && down->reason == TROUPE_REASON_ASKED);
}

static void
watch_other(troupe_actor *self, void *store)
{
	struct store *s = store;

	promise(troupe_monitor(self, s->other) != 0);
	promise(troupe_monitor(self, s->other) != 0);
}

static void
take_name(troupe_actor *self, void *unused)
{
	(void)unused;
	promise(troupe_set_name(self, "the departed") == TROUPE_OK);
}

START_TEST(test_system_stash_kinds_down)
{
	struct store s = { .handle = handle_down };
	puppet_script script = script_of(&s);
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i / ENDS], &ledger);
	troupe_ref who = sys_spawn(t, &puppet_class, &script);

	s.other = sys_spawn(t, &puppet_class, NULL);
	puppet_let(t, s.other, take_name, NULL);
	puppet_let(t, who, watch_other, &s);
	sys_assert_status(troupe_stop(s.other, TROUPE_STOP_NOW), TROUPE_OK);
	sys_drain(t);
	assert_stored(t, &s, 2);
	end_store(t, who, _i % ENDS, &ledger);
	ck_assert_uint_eq(s.handled, _i % ENDS == RELEASED ? 2 : 0);
	sys_assert_count(ledger.dead[TROUPE_DEAD], _i % ENDS == STOPPED ? 2 : 0);
	assert_promises_kept();
}
END_TEST

/* --- Requests. --- */

static void
handle_question(troupe_actor *self, struct store *s, const troupe_msg *msg)
{
	(void)s;
	promise(msg->type == QUESTION && troupe_is_request(msg));
	promise(troupe_reply(self, ANSWER, load, sizeof load) == TROUPE_OK);
}

static void
note_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	struct store *s = answer->context;

	(void)state;
	/* The answer is not the behavior's to set aside. */
	promise(troupe_stash(self) == TROUPE_INVALID);
	s->answer_status = answer->status;
	s->answer_type = answer->msg != NULL ? answer->msg->type : 0;
	sys_add(&s->answers, 1);
}

struct asking {
	troupe_ref who;
	struct store *store;
	int64_t timeout;
};

static void
ask_store(troupe_actor *self, void *asking)
{
	struct asking *a = asking;

	promise(troupe_ask(self, a->who, QUESTION, NULL, 0, a->timeout, note_answer, a->store) == TROUPE_OK);
}

START_TEST(test_system_stash_kinds_request)
{
	static const troupe_status expected[ENDS] = { TROUPE_OK, TROUPE_DEAD, TROUPE_CLOSING };
	struct store s = { .handle = handle_question };
	puppet_script script = script_of(&s);
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i / ENDS], &ledger);
	troupe_ref who = sys_spawn(t, &puppet_class, &script);
	struct asking a = { who, &s, HOUR };

	puppet_let(t, sys_spawn(t, &puppet_class, NULL), ask_store, &a);
	assert_stored(t, &s, 1);
	sys_assert_count(s.answers, 0);
	end_store(t, who, _i % ENDS, &ledger);
	sys_assert_count(s.answers, 1);
	sys_assert_status(s.answer_status, expected[_i % ENDS]);
	ck_assert_uint_eq(s.answer_type, _i % ENDS == RELEASED ? ANSWER : 0);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_stash_kinds_request_that_timed_out)
{
	struct store s = { .handle = handle_question };
	puppet_script script = script_of(&s);
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);
	troupe_ref who = sys_spawn(t, &puppet_class, &script);
	struct asking a = { who, &s, TROUPE_MS };

	puppet_tell(sys_spawn(t, &puppet_class, NULL), ask_store, &a);
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_count(s.answers, 1);
	sys_assert_status(s.answer_status, TROUPE_TIMEOUT);
	assert_stored(t, &s, 1);
	end_store(t, who, RELEASED, &ledger);
	sys_assert_count(s.answers, 1);
	sys_assert_count(ledger.dead[TROUPE_LATE], 1);
	assert_promises_kept();
}
END_TEST

/* Answered first and set aside then, it comes back as what has been answered. */
static void
answer_and_stash(troupe_actor *self, void *store, const troupe_msg *msg)
{
	struct store *s = store;

	if (s->stashed++ == 0) {
		promise(troupe_is_request(msg) && troupe_reply(self, ANSWER, NULL, 0) == TROUPE_OK);
		promise(troupe_stash(self) == TROUPE_OK && troupe_unstash(self, 1) == 1);
		return;
	}
	s->handled++;
	promise(!troupe_is_request(msg) && msg->type == QUESTION);
	promise(troupe_reply(self, ANSWER, NULL, 0) == TROUPE_INVALID);
}

START_TEST(test_system_stash_kinds_request_that_is_answered)
{
	struct store s = { 0 };
	puppet_script script = { .argument = &s, .receive = answer_and_stash };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	struct asking a = { sys_spawn(t, &puppet_class, &script), &s, HOUR };

	puppet_tell(sys_spawn(t, &puppet_class, NULL), ask_store, &a);
	sys_wait(t);
	sys_assert_count(s.answers, 1);
	sys_assert_status(s.answer_status, TROUPE_OK);
	ck_assert_uint_eq(s.handled, 1);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* --- Messages with a destructor. --- */

static void
handle_load(troupe_actor *self, struct store *s, const troupe_msg *msg)
{
	const payload *p = msg->body;

	promise(msg->type == LOAD && sys_get(&p->fate->destroyed) == 0 && msg->size == p->size);
	/* Some are kept beyond the call. */
	if (s->handled % 3 == 0) {
		troupe_msg_free(&s->kept);
		s->kept = troupe_keep(self);
	}
}

START_TEST(test_system_stash_kinds_payload)
{
	payload_fate fate[2 * PAYLOAD_SIZES] = { 0 };
	struct store s = { .handle = handle_load };
	puppet_script script = script_of(&s);
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i / ENDS], &ledger);
	troupe_ref who = sys_spawn(t, &puppet_class, &script);

	for (int i = 0; i < PAYLOAD_SIZES; i++) {
		troupe_shared *block = payload_block(payload_sizes[i], &fate[PAYLOAD_SIZES + i]);

		payload_send(who, LOAD, payload_sizes[i], &fate[i]);
		sys_assert_status(troupe_send_shared(who, LOAD, block), TROUPE_OK);
		troupe_shared_release(&block);
	}
	sys_drain(t);
	assert_stored(t, &s, 2 * PAYLOAD_SIZES);
	for (int i = 0; i < 2 * PAYLOAD_SIZES; i++)
		assert_fate(fate[i], 0);
	end_store(t, who, _i % ENDS, &ledger);
	ck_assert_uint_eq(s.handled, _i % ENDS == RELEASED ? 2 * PAYLOAD_SIZES : 0);
	troupe_msg_free(&s.kept);
	for (int i = 0; i < 2 * PAYLOAD_SIZES; i++)
		assert_fate(fate[i], 1);
	assert_promises_kept();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_stash_kinds");
	TCase *tc = tcase_create("kinds");

	tcase_add_loop_test(tc, test_system_stash_kinds_tick_of_a_timer, 0, ENDS * sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_kinds_ticks_of_a_periodic_timer, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_kinds_idle, 0, ENDS);
	tcase_add_loop_test(tc, test_system_stash_kinds_down, 0, ENDS * sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_kinds_request, 0, ENDS * sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_kinds_request_that_timed_out, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_kinds_request_that_is_answered, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_kinds_payload, 0, ENDS * sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
