/* SPDX-License-Identifier: MIT */

/* Timers that do not come any more: cancelled, or ended with their actor.  Idle timeouts.  In virtual time. */

#include "tests/suite.h"
#include "tests/timing.h"

/* --- Cancelling. --- */

/* Arm one of each kind. */
enum { ONCE, ONCE_WITH_DATA, SKIPPING, CATCHING_UP, EVERY_WITH_DATA, KINDS };

static troupe_timer
arm_kind(troupe_actor *self, uint64_t kind, int64_t ns)
{
	switch (kind) {
	case ONCE:
		return troupe_send_after(self, ns, TICK, NULL, 0);
	case ONCE_WITH_DATA:
		return troupe_send_after(self, ns, TICK, "0123456789", 10);
	case SKIPPING:
		return troupe_send_every(self, ns, TROUPE_MISSED_SKIP, TICK, NULL, 0);
	case CATCHING_UP:
		return troupe_send_every(self, ns, TROUPE_MISSED_CATCH_UP, TICK, NULL, 0);
	default:
		return troupe_send_every(self, ns, TROUPE_MISSED_SKIP, TICK,
		    "0123456789012345678901234567890123456789", 40);
	}
}

static void
cancel_before(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->timer = arm_kind(self, s->number, TROUPE_MS);
		s->other = arm_kind(self, s->number, 2 * TROUPE_MS);
		s->wrong += s->timer == 0 || s->other == 0 || s->timer == s->other;
		s->wrong += troupe_send_after(self, TROUPE_MS - 2 * TIMING_STEP, CANCEL, NULL, 0) == 0;
		s->wrong += troupe_send_after(self, TROUPE_SECOND, DONE, NULL, 0) == 0;
		s->wrong += !troupe_cancel(self, s->other);
		s->wrong += troupe_cancel(self, s->other);
	} else if (msg->type == CANCEL) {
		s->wrong += !troupe_cancel(self, s->timer);
		s->wrong += troupe_cancel(self, s->timer);
	}
}

START_TEST(test_system_timers_do_not_come_when_cancelled_before)
{
	timing_script *s = timing_begin(cancel_before);

	s->number = (uint64_t)_i;
	troupe_totals totals = timing_end(s);
	ck_assert_uint_eq(s->count, 2);
	ck_assert_uint_eq(totals.accepted, 3);
}
END_TEST

static void
cancel_queued(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->timer = arm_kind(self, s->number, 1000);
		for (int i = 0; i < 10; i++)
			s->wrong += troupe_send(troupe_self(self), BUSY, NULL, 0) != TROUPE_OK;
		s->wrong += troupe_send(troupe_self(self), CANCEL, NULL, 0) != TROUPE_OK;
	} else if (msg->type == CANCEL && s->other == 0) {
		/* Its time has come: it waits behind this message. */
		s->wrong += troupe_now(s->t) < s->begun + 10 * TIMING_STEP;
		s->wrong += !troupe_cancel(self, s->timer);
		s->wrong += troupe_cancel(self, s->timer);
	} else if (msg->type == TICK && s->count == 2) {
		s->wrong += troupe_cancel(self, s->timer) != (s->number >= SKIPPING);
	}
}

START_TEST(test_system_timers_do_not_come_when_cancelled_in_the_mailbox)
{
	timing_script *s = timing_begin(cancel_queued);

	s->number = (uint64_t)_i % KINDS;
	/* The same without cancelling: it did wait there. */
	s->other = _i >= KINDS;
	troupe_totals totals = timing_end(s);
	ck_assert_uint_eq(s->count, 1 + s->other);
	ck_assert_uint_eq(s->type[0], CANCEL);
	if (s->other) {
		ck_assert_uint_eq(s->type[1], TICK);
		ck_assert_int_eq(s->at[1] - s->at[0], TIMING_STEP);
	}
	ck_assert_uint_eq(totals.handled, 12 + s->other);
}
END_TEST

static void
cancel_in_tick(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->timer = arm_kind(self, s->number, TROUPE_MS);
		s->other = troupe_send_after(self, TROUPE_SECOND, DONE, NULL, 0);
	} else if (msg->type == TICK) {
		/* What comes once has come; what comes again does not come again. */
		s->wrong += troupe_cancel(self, s->timer) != (s->number >= SKIPPING);
		s->wrong += troupe_cancel(self, s->timer);
	} else {
		s->wrong += troupe_cancel(self, s->timer) || troupe_cancel(self, s->other);
	}
}

START_TEST(test_system_timers_cancelled_in_their_own_tick)
{
	timing_script *s = timing_begin(cancel_in_tick);

	s->number = (uint64_t)_i;
	timing_end(s);
	ck_assert_uint_eq(s->count, 2);
	ck_assert_uint_eq(s->type[1], DONE);
}
END_TEST

/* --- Handles. --- */

static uint32_t foreign_cancelled;

/* Tries to cancel what the message names, after it has armed as many of its own. */
static void
cancel_foreign(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const troupe_timer *timers = msg->body;

	(void)state;
	for (size_t i = 0; i < msg->size / sizeof *timers; i++) {
		troupe_timer mine = arm_kind(self, i % KINDS, TROUPE_MS);

		foreign_cancelled += troupe_cancel(self, timers[i]);
		foreign_cancelled += !troupe_cancel(self, mine);
	}
}

static void
let_others_cancel(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	static const troupe_class class_ = { .receive = cancel_foreign };
	troupe_timer timers[100];

	if (msg->type == GO) {
		for (int i = 0; i < 100; i++)
			timers[i] = troupe_send_after(self, TROUPE_MS, TICK, NULL, 0);
		for (int i = 0; i < 20; i++) {
			troupe_ref other = troupe_spawn_child(self, &class_, NULL);

			s->wrong += troupe_send(other, 1, timers, sizeof timers) != TROUPE_OK;
		}
	}
}

START_TEST(test_system_timers_are_not_cancelled_by_others)
{
	timing_script *s = timing_begin(let_others_cancel);

	foreign_cancelled = 0;
	timing_end(s);
	ck_assert_uint_eq(foreign_cancelled, 0);
	ck_assert_uint_eq(s->count, 100);
}
END_TEST

static void
cancel_nonsense(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type != GO)
		return;
	s->timer = troupe_send_after(self, TROUPE_MS, TICK, NULL, 0);
	s->wrong += troupe_cancel(self, 0) || troupe_cancel(self, UINT64_MAX) ||
		    troupe_cancel(self, troupe_self(self));
	s->wrong += troupe_cancel(self, UINT32_MAX) || troupe_cancel(self, s->timer << 32);
	for (int bit = 32; bit < 64; bit++)
		s->wrong += troupe_cancel(self, s->timer ^ UINT64_C(1) << bit);
	/* What else the actor has under way is no timer. */
	s->wrong += troupe_set_idle_timeout(self, TROUPE_SECOND) != TROUPE_OK;
	troupe_monitoring monitoring = troupe_monitor(self, s->other);
	s->wrong += monitoring == 0 || troupe_cancel(self, monitoring);
	s->wrong += !troupe_demonitor(self, monitoring);
	s->wrong += troupe_set_idle_timeout(self, 0) != TROUPE_OK;
}

START_TEST(test_system_timers_know_their_handles)
{
	static const troupe_class class_ = { .receive = sys_ignore };
	timing_script *s = timing_begin(cancel_nonsense);

	s->other = sys_spawn(s->t, &class_, NULL);
	timing_end(s);
	ck_assert_uint_eq(s->count, 1);
}
END_TEST

static void
use_slots_again(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	static troupe_timer old[3000];

	if (msg->type == TICK)
		return;
	for (uint32_t i = 0; i < 3000; i++) {
		old[i] = arm_kind(self, i % KINDS, TROUPE_MS);
		for (uint32_t k = i > 20 ? i - 20 : 0; k < i; k++)
			s->wrong += old[k] == old[i] || troupe_cancel(self, old[k]);
		s->wrong += !troupe_cancel(self, old[i]);
	}
	s->timer = troupe_send_after(self, TROUPE_MS, TICK, NULL, 0);
	for (int i = 0; i < 3000; i++)
		s->wrong += troupe_cancel(self, old[i]);
}

START_TEST(test_system_timers_old_handles_cancel_no_new_timer)
{
	timing_script *s = timing_begin(use_slots_again);

	timing_end(s);
	ck_assert_uint_eq(s->count, 1);
}
END_TEST

/* --- The end of the actor. --- */

#define ARMED 2000

enum { SELF_NOW, SELF_DRAIN, ASKED_NOW, ASKED_DRAIN, FAILING, WAYS };

/* Many, of which some are due already when the end comes. */
static uint32_t
arm_for_the_end(troupe_actor *self)
{
	uint32_t failed = 0;

	for (uint64_t i = 0; i < ARMED; i++) {
		/* Of those that come again few, or a mailbox would never be empty. */
		bool soon = i % 3 && (i % KINDS < SKIPPING || i < 2 * KINDS);

		failed += arm_kind(self, i % KINDS,
			      soon ? 1000 + (int64_t)(i % 64) * 500 : TROUPE_SECOND + (int64_t)i) == 0;
	}
	return failed;
}

static void
come_to_an_end(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	s->other = troupe_self(self);
	if (msg->type == GO) {
		s->wrong += arm_for_the_end(self);
		for (int i = 0; i < 30; i++)
			s->wrong += troupe_send(troupe_self(self), BUSY, NULL, 0) != TROUPE_OK;
		s->wrong += troupe_send(troupe_self(self), DONE, NULL, 0) != TROUPE_OK;
	} else if (msg->type == DONE && s->number == SELF_NOW) {
		troupe_stop_self(self, TROUPE_STOP_NOW);
	} else if (msg->type == DONE && s->number == SELF_DRAIN) {
		troupe_stop_self(self, TROUPE_STOP_DRAIN);
	} else if (msg->type == DONE && s->number == FAILING) {
		troupe_fail(self, 1, "as it should");
	} else if (msg->type == DONE) {
		s->wrong += troupe_stop(troupe_self(self),
				s->number == ASKED_NOW ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN) != TROUPE_OK;
	}
}

static void
arm_in_stop(troupe_actor *self, timing_script *s, troupe_reason reason)
{
	(void)reason;
	for (uint64_t i = 0; i < KINDS; i++) {
		s->wrong += arm_kind(self, i, TROUPE_MS) != 0;
		s->wrong += troupe_last_error() != TROUPE_INVALID;
	}
	s->wrong += troupe_set_idle_timeout(self, TROUPE_MS) != TROUPE_INVALID;
}

static sys_counter strange;

static void
count_strange(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)state;
	(void)msg;
	sys_add(&strange, 1);
}

/* Whoever comes to live where the dead one lived gets nothing of it. */
static void
live_after(timing_script *s)
{
	static const troupe_class class_ = { .receive = count_strange };

	sys_set(&strange, 0);
	for (int i = 0; i < 200; i++)
		(void)sys_spawn(s->t, &class_, NULL);
	timing_pass(s, troupe_now(s->t) + 2 * TROUPE_SECOND);
	sys_assert_count(strange, 0);
}

START_TEST(test_system_timers_end_with_their_actor)
{
	timing_script *s = timing_fresh(come_to_an_end);
	troupe_options options = { .scheduler = TROUPE_SCHEDULER_SIMULATED,
		.seed = (uint64_t)_i,
		.failure = sys_ignore_failure };

	s->number = (uint64_t)_i % WAYS;
	s->stop = arm_in_stop;
	s->t = sys_open_with(options, NULL);
	sys_send(sys_spawn(s->t, &timing_class, s), GO, NULL, 0);
	troupe_totals totals = sys_wait(s->t);
	/* Before any of the later ones: nothing is armed. */
	ck_assert_int_lt(troupe_now(s->t), TROUPE_SECOND);
	ck_assert_uint_eq(s->stopped, 1);
	ck_assert_uint_eq(totals.stopped, 1);
	uint32_t count = s->count;
	live_after(s);
	ck_assert_uint_eq(s->count, count);
	timing_end(s);
}
END_TEST

static int
arm_and_refuse(troupe_actor *self, timing_script *s)
{
	if (s->number == 0) {
		for (uint64_t i = 0; i < KINDS; i++)
			s->wrong += arm_kind(self, i, 100 * TROUPE_MS) == 0;
		return 0;
	}
	s->wrong += arm_for_the_end(self);
	s->wrong += troupe_set_idle_timeout(self, TROUPE_MS) != TROUPE_OK;
	return 1;
}

START_TEST(test_system_timers_end_with_a_start_that_is_refused)
{
	timing_script *s = timing_fresh(NULL);

	s->number = 1;
	s->start = arm_and_refuse;
	s->t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, NULL);
	for (int i = 0; i < 3; i++)
		sys_assert_failed(troupe_spawn(s->t, &timing_class, s), TROUPE_REFUSED);
	ck_assert_uint_eq(sys_wait(s->t).spawned, 0);
	ck_assert_int_lt(troupe_now(s->t), TROUPE_MS);
	live_after(s);
	ck_assert_uint_eq(s->count, 0);
	/* The same in a start that is not: they come. */
	s->number = 0;
	troupe_ref who = sys_spawn(s->t, &timing_class, s);
	timing_pass(s, troupe_now(s->t) + TROUPE_SECOND + TROUPE_MS);
	ck_assert_uint_eq(s->count, 2 + 3 * 10);
	sys_assert_status(troupe_stop(who, TROUPE_STOP_NOW), TROUPE_OK);
	timing_end(s);
}
END_TEST

static void
arm_only(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO)
		s->wrong += arm_for_the_end(self);
}

/* With some that wait in the mailbox, and some that do not. */
START_TEST(test_system_timers_end_with_their_runtime)
{
	timing_script *s = timing_begin(arm_only);
	troupe_totals totals;

	for (int i = 0; i < 1 + _i * 50; i++)
		sys_assert_status(troupe_run_once(s->t), TROUPE_OK);
	troupe_get_totals(s->t, &totals);
	ck_assert_uint_eq(totals.accepted, totals.handled);
	ck_assert_uint_eq(s->wrong, 0);
	sys_close(s->t, NULL);
	ck_assert_uint_eq(s->stopped, 1);
}
END_TEST

/* --- Idle timeouts. --- */

#define IDLE (10 * TROUPE_MS)

static void
be_idle(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->wrong += troupe_set_idle_timeout(self, IDLE) != TROUPE_OK;
	} else if (msg->type == TROUPE_IDLE) {
		s->wrong += msg->size != 0 || msg->body != NULL;
		s->wrong += s->count == 5 && troupe_set_idle_timeout(self, 0) != TROUPE_OK;
	}
}

START_TEST(test_system_timers_idle_comes_again_and_again)
{
	timing_script *s = timing_begin(be_idle);

	timing_end(s);
	ck_assert_uint_eq(s->count, 5);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(s->type[i], TROUPE_IDLE);
		assert_on_time(s->at[i], (i > 0 ? s->at[i - 1] : s->begun) + IDLE);
	}
}
END_TEST

static void
be_kept_busy(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->wrong += troupe_set_idle_timeout(self, IDLE) != TROUPE_OK;
		/* Ten times just in time, and then no more. */
		for (int i = 1; i <= 10; i++)
			s->wrong += troupe_send_after(self, i * (IDLE - 5 * TIMING_STEP), TICK, NULL, 0) == 0;
		/* What never comes keeps nobody busy. */
		s->timer = troupe_send_after(self, 10 * (IDLE - 5 * TIMING_STEP) + IDLE / 2, TOCK, NULL, 0);
	} else if (msg->type == TICK && s->count == 10) {
		s->wrong += !troupe_cancel(self, s->timer);
	} else if (msg->type == TROUPE_IDLE) {
		troupe_stop_self(self, TROUPE_STOP_NOW);
	}
}

START_TEST(test_system_timers_idle_is_put_off_by_messages)
{
	timing_script *s = timing_begin(be_kept_busy);

	/* One that never comes to be idle would never end. */
	for (int i = 0; i < 1000 && s->stopped == 0; i++)
		(void)troupe_run_once(s->t);
	ck_assert_uint_eq(s->stopped, 1);
	timing_end(s);
	ck_assert_uint_eq(s->count, 11);
	ck_assert_uint_eq(s->type[10], TROUPE_IDLE);
	assert_on_time(s->at[10], s->at[9] + IDLE);
}
END_TEST

/* A tick that was cancelled while it waited is nothing that was handled. */
static void
be_left_alone(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->wrong += troupe_set_idle_timeout(self, IDLE) != TROUPE_OK;
		s->timer = troupe_send_after(self, 1, TICK, NULL, 0);
		for (int i = 0; i < 3; i++)
			s->wrong += troupe_send(troupe_self(self), BUSY, NULL, 0) != TROUPE_OK;
	} else if (msg->type == BUSY) {
		s->begun = troupe_now(s->t);
		if (s->busy == 3)
			s->wrong += !troupe_cancel(self, s->timer);
	} else {
		troupe_stop_self(self, TROUPE_STOP_NOW);
	}
}

START_TEST(test_system_timers_idle_is_not_put_off_by_what_is_cancelled)
{
	timing_script *s = timing_begin(be_left_alone);

	for (int i = 0; i < 1000 && s->stopped == 0; i++)
		(void)troupe_run_once(s->t);
	timing_end(s);
	ck_assert_uint_eq(s->count, 1);
	ck_assert_int_ge(s->at[0], s->begun + IDLE);
	ck_assert_int_le(s->at[0], s->begun + IDLE + TIMING_STEP);
}
END_TEST

static void
change_timeout(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->wrong += troupe_set_idle_timeout(self, 0) != TROUPE_OK;
		for (int i = 0; i < 1000; i++)
			s->wrong += troupe_set_idle_timeout(self, 1000 + i) != TROUPE_OK;
		s->wrong += troupe_set_idle_timeout(self, INT64_MAX) != TROUPE_OK;
		s->wrong += troupe_set_idle_timeout(self, 3 * IDLE) != TROUPE_OK;
	} else if (msg->type == TROUPE_IDLE && s->count == 1) {
		/* What makes no sense changes nothing. */
		s->wrong += troupe_set_idle_timeout(self, -1) != TROUPE_INVALID;
	} else if (msg->type == TROUPE_IDLE && s->count == 2) {
		s->wrong += troupe_set_idle_timeout(self, IDLE) != TROUPE_OK;
		/* While one is due already. */
		for (int i = 0; i < 15000; i++)
			s->wrong += troupe_send(troupe_self(self), BUSY, NULL, 0) != TROUPE_OK;
	} else if (msg->type == BUSY && s->busy == 14000) {
		s->wrong += troupe_set_idle_timeout(self, s->number == 0 ? 0 : 2 * IDLE) != TROUPE_OK;
	} else if (msg->type == TROUPE_IDLE) {
		s->wrong += troupe_set_idle_timeout(self, 0) != TROUPE_OK ||
			    troupe_set_idle_timeout(self, 0) != TROUPE_OK;
	}
}

START_TEST(test_system_timers_idle_timeout_is_replaced)
{
	timing_script *s = timing_begin(change_timeout);

	s->number = (uint64_t)_i;
	timing_end(s);
	ck_assert_uint_eq(s->busy, 15000);
	ck_assert_uint_eq(s->count, _i ? 3 : 2);
	assert_on_time(s->at[0], s->begun + 3 * IDLE);
	assert_on_time(s->at[1], s->at[0] + 3 * IDLE);
	if (_i)
		assert_on_time(s->at[2], s->at[1] + 15000 * TIMING_STEP + 2 * IDLE);
}
END_TEST

/* Both are due at the same moment, and come in one turn: the tick first. */
static void
idle_behind_a_tick(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->wrong += troupe_send_after(self, IDLE, TICK, NULL, 0) == 0;
		s->wrong += troupe_set_idle_timeout(self, IDLE) != TROUPE_OK;
	} else if (msg->type == TROUPE_IDLE) {
		s->wrong += troupe_set_idle_timeout(self, 0) != TROUPE_OK;
	}
}

START_TEST(test_system_timers_idle_is_put_off_by_messages_of_the_same_turn)
{
	timing_script *s = timing_fresh(idle_behind_a_tick);

	s->t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED, .quantum = 100 }, NULL);
	sys_send(sys_spawn(s->t, &timing_class, s), GO, NULL, 0);
	timing_end(s);
	ck_assert_uint_eq(s->count, 2);
	ck_assert_uint_eq(s->type[0], TICK);
	ck_assert_uint_eq(s->type[1], TROUPE_IDLE);
	assert_on_time(s->at[1], s->at[0] + IDLE);
}
END_TEST

/* Where nothing can be later, what an actor does takes no longer than elsewhere. */
static void
work_at_the_end_of_time(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO)
		s->wrong += troupe_send_at(self, INT64_MAX - 1, TICK, NULL, 0) == 0;
	for (int i = 0; msg->type == TICK && i < 3000; i++)
		s->wrong += troupe_send(troupe_self(self), BUSY, NULL, 0) != TROUPE_OK;
}

START_TEST(test_system_timers_turns_go_on_at_the_end_of_time)
{
	timing_script *s = timing_fresh(work_at_the_end_of_time);

	s->t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED, .quantum = 5000 }, NULL);
	sys_send(sys_spawn(s->t, &timing_class, s), GO, NULL, 0);
	timing_end(s);
	ck_assert_uint_eq(s->busy, 3000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_timers_end");
	TCase *cancel = tcase_create("cancel"), *end = tcase_create("end"), *idle = tcase_create("idle");

	tcase_add_loop_test(cancel, test_system_timers_do_not_come_when_cancelled_before, 0, KINDS);
	tcase_add_loop_test(cancel, test_system_timers_do_not_come_when_cancelled_in_the_mailbox, 0,
	    2 * KINDS);
	tcase_add_loop_test(cancel, test_system_timers_cancelled_in_their_own_tick, 0, KINDS);
	tcase_add_test(cancel, test_system_timers_are_not_cancelled_by_others);
	tcase_add_test(cancel, test_system_timers_know_their_handles);
	tcase_add_test(cancel, test_system_timers_old_handles_cancel_no_new_timer);
	tcase_add_loop_test(end, test_system_timers_end_with_their_actor, 0, 4 * WAYS);
	tcase_add_test(end, test_system_timers_end_with_a_start_that_is_refused);
	tcase_add_loop_test(end, test_system_timers_end_with_their_runtime, 0, 10);
	tcase_add_test(idle, test_system_timers_idle_comes_again_and_again);
	tcase_add_test(idle, test_system_timers_idle_is_put_off_by_messages);
	tcase_add_test(idle, test_system_timers_idle_is_put_off_by_messages_of_the_same_turn);
	tcase_add_test(idle, test_system_timers_idle_is_not_put_off_by_what_is_cancelled);
	tcase_add_loop_test(idle, test_system_timers_idle_timeout_is_replaced, 0, 2);
	tcase_add_test(end, test_system_timers_turns_go_on_at_the_end_of_time);
	suite_add_tcase(suite, cancel);
	suite_add_tcase(suite, end);
	suite_add_tcase(suite, idle);
	return run_suite(suite);
}
