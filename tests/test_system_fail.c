/* SPDX-License-Identifier: MIT */

/*
 * Callbacks that fail, of actors that nobody supervises: what becomes of the
 * message, of those that wait and of the actor, and who is told what.
 */

#include "tests/kin.h"
#include "tests/payload.h"
#include "tests/suite.h"

#define SEEDS 12

/* --- Letters, in order. --- */

#define LETTERS 64

typedef struct mail {
	uint32_t count;
	uint32_t type[LETTERS];
	troupe_status reason[LETTERS];
	troupe_ref target[LETTERS];
} mail;

/* The simulated scheduler's thread, or one actor's. */
static void
take_letter(void *mail_, const troupe_dead_letter *letter)
{
	mail *m = mail_;

	if (m->count < LETTERS) {
		m->type[m->count] = letter->msg->type;
		m->reason[m->count] = letter->reason;
		m->target[m->count] = letter->target;
	}
	m->count++;
}

static void
collect_letters(house *h, mail *m)
{
	memset(m, 0, sizeof *m);
	h->ledger.letter = take_letter;
	h->ledger.context = m;
}

static void
assert_letter(const mail *m, uint32_t which, const kin *target, troupe_status reason, uint32_t type)
{
	ck_assert_uint_lt(which, m->count);
	ck_assert_uint_eq(m->type[which], type);
	sys_assert_status(m->reason[which], reason);
	ck_assert_uint_eq(m->target[which], target->ref);
}

/* --- The message and those that wait. --- */

static const troupe_class dedicated_class = { KIN_CLASS("dedicated", NULL), .flags = TROUPE_DEDICATED };

START_TEST(test_system_fail_buries_the_message_and_those_that_wait)
{
	const sys_shape *shape = &sys_shapes[_i / 2];
	house h;
	mail m;
	payload_fate fate = { 0 };
	kin a = { .class_ = _i % 2 ? &dedicated_class : NULL };
	sys_gate gate;
	const int code = 7;
	bool has_thread = shape->workers > 0 || (_i % 2 && shape->scheduler == TROUPE_SCHEDULER_POOL);

	sys_gate_init(&gate);
	house_open_shape(&h, shape);
	collect_letters(&h, &m);
	kin_spawn(&h, &a);
	/* Nobody waits at it that is run by this thread. */
	if (!has_thread)
		sys_gate_open(&gate);
	kin_let(&a, kin_pass_gate, &gate);
	kin_send(&a, 1);
	payload_send(a.ref, KIN_FAIL, 100, &fate); /* its beginning is as good an int as any */
	kin_send(&a, 2);
	payload_send(a.ref, 3, 100, &fate);
	kin_send(&a, 4);
	sys_assert_status(troupe_send_urgent(a.ref, 5, &code, sizeof code), TROUPE_OK);
	if (has_thread)
		sys_gate_open(&gate);
	troupe_totals totals = house_settle(&h);
	/* The order, the urgent one, and those up to the failure. */
	ck_assert_uint_eq(a.handled, 4);
	ck_assert_uint_eq(totals.handled, 4);
	ck_assert_uint_eq(totals.failed, 1);
	ck_assert_uint_eq(totals.dead, 3);
	ck_assert_uint_eq(totals.stopped, 1);
	ck_assert_uint_eq(a.stops, 1);
	ck_assert_int_eq(a.reason, TROUPE_REASON_FAILED);
	ck_assert_uint_eq(m.count, 4);
	assert_letter(&m, 0, &a, TROUPE_FAILED, KIN_FAIL);
	for (uint32_t i = 0; i < 3; i++)
		assert_letter(&m, 1 + i, &a, TROUPE_DEAD, 2 + i);
	assert_fate(fate, 2);
	sys_assert_status(troupe_send(a.ref, 1, NULL, 0), TROUPE_DEAD);
	house_close(&h);
}
END_TEST

/* What it did with the message before counts. */
enum { KEPT = 1, FORWARDED, STASHED, REPLIED, UNKNOWN };

static void
treat_and_fail(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	switch (msg->type) {
	case KEPT:
		k->more = troupe_keep(self);
		break;
	case FORWARDED:
		kin_expect(k->home, troupe_forward(self, k->number) == TROUPE_OK);
		break;
	case STASHED:
		kin_expect(k->home, troupe_stash(self) == TROUPE_OK);
		break;
	case REPLIED:
		kin_expect(k->home, troupe_reply(self, 9, NULL, 0) == TROUPE_OK);
		break;
	default:
		troupe_unhandled(self, msg);
	}
	troupe_fail(self, 3, "after that");
}

static void
pass_on(troupe_actor *self, kin *k, void *type)
{
	kin_expect(k->home, troupe_send(k->number, *(const uint32_t *)type, NULL, 0) == TROUPE_OK);
	(void)self;
}

START_TEST(test_system_fail_does_not_bury_what_is_out_of_hand)
{
	/* Letters with reason FAILED, DEAD and UNHANDLED. */
	static const uint64_t letters[][3] = { { 0, 0, 0 }, { 0, 0, 0 }, { 0, 1, 0 }, { 1, 0, 0 }, { 1, 0, 1 } };
	uint32_t type = (uint32_t)_i + 1;
	house h;
	kin other = { 0 }, a = { .on = treat_and_fail }, sender = { 0 };

	house_open(&h, 0);
	a.number = kin_spawn(&h, &other);
	sender.number = kin_spawn(&h, &a);
	kin_spawn(&h, &sender);
	kin_let(&sender, pass_on, &type);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.failed, 1);
	sys_assert_count(h.ledger.dead[TROUPE_FAILED], letters[_i][0]);
	sys_assert_count(h.ledger.dead[TROUPE_DEAD], letters[_i][1]);
	sys_assert_count(h.ledger.dead[TROUPE_UNHANDLED], letters[_i][2]);
	ck_assert_uint_eq(other.handled, type == FORWARDED);
	ck_assert_uint_eq(sender.handled, type == REPLIED ? 2 : 1);
	troupe_msg *kept = a.more;
	troupe_msg_free(&kept);
	house_close(&h);
}
END_TEST

/* --- What may be done after it. --- */

static void
fail_and_go_on(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	if (msg->type != 1)
		return;
	troupe_fail(self, 1, "the first of %d", 2);
	troupe_fail(self, 2, "the second");
	/* The body may be read to the end of the call, but the message is out of hand. */
	kin_expect(k->home, msg->size == 5 && memcmp(msg->body, "body", 5) == 0);
	kin_expect(k->home, troupe_keep(self) == NULL && troupe_stash(self) == TROUPE_INVALID);
	kin_expect(k->home, troupe_forward(self, k->ref) == TROUPE_INVALID);
	kin_expect(k->home, troupe_reply(self, 9, NULL, 0) == TROUPE_INVALID);
	kin_expect(k->home, troupe_send(k->ref, 2, NULL, 0) == TROUPE_OK);
}

static void
expect_first(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	kin_expect(k->home, failure->code == 1 && strcmp(failure->text, "the first of 2") == 0);
	kin_expect(k->home, failure->msg_type == 1 && failure->restarts == 0);
}

START_TEST(test_system_fail_counts_once_and_returns)
{
	house h;
	kin a = { .on = fail_and_go_on, .failed = expect_first };

	house_open_shape(&h, &sys_shapes[_i]);
	kin_spawn(&h, &a);
	sys_send(a.ref, 1, "body", 5);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.failed, 1);
	ck_assert_uint_eq(a.fails, 1);
	ck_assert_uint_eq(totals.handled, 1);
	sys_assert_count(h.ledger.dead[TROUPE_FAILED], 1);
	sys_assert_count(h.ledger.dead[TROUPE_DEAD], 1);
	house_close(&h);
}
END_TEST

/* --- Other callbacks. --- */

static void
fail_over_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	kin *k = ((kin_state *)state)->kin;

	k->downs += answer->status == TROUPE_OK ? 1 : 100;
	troupe_fail(self, 4, "over an answer");
}

static void
ask_other(troupe_actor *self, kin *k, void *timeout)
{
	kin_expect(k->home,
	    troupe_ask(self, k->number, 1, NULL, 0, *(const int64_t *)timeout, fail_over_answer, NULL) == TROUPE_OK);
}

static void
answer(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)msg;
	if (k->number)
		k->more = troupe_keep(self);
	else
		kin_expect(k->home, troupe_reply(self, 77, "four", 4) == TROUPE_OK);
}

START_TEST(test_system_fail_in_the_callback_of_an_ask)
{
	static const int64_t timeout = TROUPE_SECOND;
	house h;
	mail m;
	kin other = { .on = answer }, a = { 0 };
	bool late = _i % 2;

	house_open(&h, (uint64_t)_i);
	collect_letters(&h, &m);
	other.number = late;
	a.number = kin_spawn(&h, &other);
	kin_spawn(&h, &a);
	kin_let(&a, ask_other, (void *)(uintptr_t)&timeout);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.failed, 1);
	ck_assert_int_eq(a.reason, TROUPE_REASON_FAILED);
	ck_assert_uint_eq(a.downs, late ? 100 : 1);
	ck_assert_uint_eq(m.count, !late);
	if (!late)
		assert_letter(&m, 0, &a, TROUPE_FAILED, 77);
	troupe_msg *kept = other.more;
	troupe_msg_free(&kept);
	house_close(&h);
}
END_TEST

/* The asker that was failed over is told at once, with code and text. */
static void
note_failed_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	kin *k = ((kin_state *)state)->kin;

	(void)self;
	kin_expect(k->home, answer->status == TROUPE_FAILED && answer->code == 12);
	kin_expect(k->home, strcmp(answer->text, "as it was told") == 0);
	k->downs++;
}

static void
ask_to_fail(troupe_actor *self, kin *k, void *code)
{
	kin_expect(k->home, troupe_ask(self, k->number, KIN_FAIL, code, sizeof(int), TROUPE_SECOND, note_failed_answer,
	                        NULL) == TROUPE_OK);
}

START_TEST(test_system_fail_over_a_request)
{
	int code = 12;
	house h;
	kin other = { 0 }, a = { 0 };

	house_open_shape(&h, &sys_shapes[_i]);
	a.number = kin_spawn(&h, &other);
	kin_spawn(&h, &a);
	kin_let(&a, ask_to_fail, &code);
	house_settle(&h);
	ck_assert_uint_eq(a.downs, 1);
	ck_assert_int_eq(other.reason, TROUPE_REASON_FAILED);
	house_close(&h);
}
END_TEST

static void
arm_failure(troupe_actor *self, kin *k, void *idle)
{
	const int code = 5;

	if (idle != NULL)
		kin_expect(k->home, troupe_set_idle_timeout(self, TROUPE_MS) == TROUPE_OK);
	else
		kin_expect(k->home, troupe_send_every(self, TROUPE_MS, TROUPE_MISSED_SKIP, KIN_FAIL, &code, sizeof code) != 0);
}

static void
fail_when_idle(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)k;
	if (msg->type == TROUPE_IDLE)
		troupe_fail(self, 5, "idle");
}

START_TEST(test_system_fail_over_a_tick)
{
	house h;
	mail m;
	kin a = { .on = fail_when_idle };
	bool idle = _i % 2;

	house_open(&h, (uint64_t)_i);
	collect_letters(&h, &m);
	kin_spawn(&h, &a);
	kin_let(&a, arm_failure, idle ? &a : NULL);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.failed, 1);
	ck_assert_uint_eq(a.fails, 1);
	ck_assert_uint_eq(m.count, 1);
	assert_letter(&m, 0, &a, TROUPE_FAILED, idle ? TROUPE_IDLE : KIN_FAIL);
	house_close(&h);
}
END_TEST

static int
fail_in_start(troupe_actor *self, kin *k)
{
	kin_expect(k->home, troupe_send_after(self, TROUPE_MS, 1, NULL, 0) != 0);
	kin_expect(k->home, troupe_send(k->ref, 1, NULL, 0) == TROUPE_OK);
	troupe_fail(self, (int)k->number, "no start with %d", (int)k->number);
	return 0;
}

static void
expect_start(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	kin_expect(k->home, failure->msg_type == 0 && failure->code == (int)k->number);
}

/* With code 0 too. */
START_TEST(test_system_fail_in_start_refuses)
{
	house h;
	kin x = { 0 }, a = { .start = fail_in_start, .failed = expect_start, .children = &x, .child_count = 1 };
	kin *pointer = &a;

	house_open_shape(&h, &sys_shapes[_i / 2]);
	a.home = &h;
	a.number = _i % 2 ? 3 : 0;
	sys_assert_failed(troupe_spawn(h.t, &kin_class, &pointer), TROUPE_REFUSED);
	ck_assert_ptr_nonnull(strstr(troupe_last_error_text(), _i % 2 ? "no start with 3" : "no start with 0"));
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.failed, 1);
	ck_assert_uint_eq(a.fails, 1);
	ck_assert_uint_eq(a.stops, 0);
	ck_assert_uint_eq(totals.spawned, 1);
	ck_assert_uint_eq(totals.stopped, 1);
	ck_assert_uint_eq(x.stops, 1);
	sys_assert_count(h.ledger.dead[TROUPE_DEAD], 1);
	sys_assert_status(troupe_send(a.ref, 1, NULL, 0), TROUPE_DEAD);
	house_close(&h);
}
END_TEST

/* A parent in whose callback it happens has not failed; nor is what it said of its own failure lost. */
static void
spawn_failing(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	kin *child = k->more;

	if (msg->type == 2)
		troupe_fail(self, 1, "the parent");
	child->home = k->home;
	kin_expect(k->home, troupe_spawn_child(self, &kin_class, &child) == 0 && troupe_last_error() == TROUPE_REFUSED);
	kin_expect(k->home, troupe_spawn(troupe_of(self), &kin_class, &child) == 0);
	if (msg->type == 1)
		kin_expect(k->home, troupe_keep(self) == msg);
}

static void
expect_parent(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	kin_expect(k->home, failure->code == 1 && strcmp(failure->text, "the parent") == 0 && failure->msg_type == 2);
}

START_TEST(test_system_fail_in_start_is_not_the_spawners)
{
	house h;
	kin child = { .start = fail_in_start }, a = { .on = spawn_failing, .more = &child };

	child.number = 8;
	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	troupe_msg *msg = troupe_msg_new(1, 0, NULL), *same = msg;
	sys_assert_status(troupe_send_msg(a.ref, &msg), TROUPE_OK);
	house_settle(&h);
	troupe_msg_free(&same);
	ck_assert_uint_eq(a.fails, 0);
	ck_assert_uint_eq(child.fails, 2);
	a.failed = expect_parent;
	kin_send(&a, 2);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(a.fails, 1);
	ck_assert_int_eq(a.reason, TROUPE_REASON_FAILED);
	ck_assert_uint_eq(child.fails, 4);
	ck_assert_uint_eq(totals.failed, 5);
	sys_assert_count(h.ledger.dead[TROUPE_FAILED], 1);
	house_close(&h);
}
END_TEST

static void
fail_in_stop(troupe_actor *self, kin *k, troupe_reason reason)
{
	(void)k;
	(void)reason;
	troupe_fail(self, 6, "no stop");
}

START_TEST(test_system_fail_in_stop_stops_anyway)
{
	house h;
	kin x = { .stop = fail_in_stop }, a = { .stop = fail_in_stop, .children = &x, .child_count = 1 };

	house_open_shape(&h, &sys_shapes[_i]);
	kin_spawn(&h, &a);
	kin_send(&a, 1);
	sys_assert_status(troupe_stop(a.ref, TROUPE_STOP_DRAIN), TROUPE_OK);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.failed, 2);
	ck_assert_uint_eq(totals.stopped, 2);
	ck_assert_uint_eq(a.stops + x.stops, 2);
	ck_assert_uint_eq(a.fails + x.fails, 2);
	ck_assert_int_eq(a.reason, TROUPE_REASON_ASKED);
	ck_assert_int_eq(x.reason, TROUPE_REASON_PARENT);
	sys_assert_count(h.ledger.dead[TROUPE_FAILED], 0);
	/* When it is closed too. */
	kin y = { .stop = fail_in_stop };
	kin_spawn(&h, &y);
	house_close(&h);
	ck_assert_uint_eq(y.stops, 1);
	ck_assert_uint_eq(y.fails, 1);
}
END_TEST

/* Being told of a failure cannot fail, nor stop, nor keep anything back. */
static void
fail_again(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)failure;
	troupe_fail(self, 10, "again");
	kin_expect(k->home, troupe_keep(self) == NULL && troupe_unstash(self, SIZE_MAX) == 0);
	kin_expect(k->home, troupe_send(k->ref, 2, NULL, 0) == TROUPE_OK);
	k->number = troupe_spawn_child(self, &kin_class, &k->more);
	kin_expect(k->home, k->number != 0);
}

START_TEST(test_system_fail_in_being_told_of_it_changes_nothing)
{
	house h;
	kin late = { 0 }, a = { .failed = fail_again, .more = &late };

	house_open_shape(&h, &sys_shapes[_i]);
	late.home = &h;
	kin_spawn(&h, &a);
	kin_fail(&a, 3);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.failed, 1);
	ck_assert_uint_eq(a.fails, 1);
	ck_assert_uint_eq(a.stops, 1);
	ck_assert_int_eq(late.reason, TROUPE_REASON_PARENT);
	sys_assert_count(h.ledger.dead[TROUPE_FAILED], 1);
	sys_assert_count(h.ledger.dead[TROUPE_DEAD], 1);
	house_close(&h);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_fail");
	TCase *tc = tcase_create("fail");

	tcase_add_loop_test(tc, test_system_fail_buries_the_message_and_those_that_wait, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_fail_does_not_bury_what_is_out_of_hand, 0, UNKNOWN);
	tcase_add_loop_test(tc, test_system_fail_counts_once_and_returns, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_fail_in_the_callback_of_an_ask, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_fail_over_a_request, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_fail_over_a_tick, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_fail_in_start_refuses, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_fail_in_start_is_not_the_spawners, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_fail_in_stop_stops_anyway, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_fail_in_being_told_of_it_changes_nothing, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
