/* SPDX-License-Identifier: MIT */

/* Timers, in virtual time: when they come, what they bring, and what cancels them. */

#include "tests/suite.h"
#include "tests/timing.h"

#define HOUR (INT64_C(3600) * TROUPE_SECOND)

/* --- Once. --- */

static const int64_t delays[] = { 0, 1, 999, 1000, 1001, 63000, 64000, TROUPE_MS, 123456789, TROUPE_SECOND,
	HOUR, 1000 * HOUR, INT64_MAX / 2 };
#define DELAYS ((int)(sizeof delays / sizeof *delays))

static void
arm_once(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO)
		s->wrong += troupe_send_after(self, delays[s->number], TICK, NULL, 0) == 0;
	else
		s->wrong += troupe_sender(self) != troupe_self(self) || msg->sender != troupe_self(self) ||
			    msg->size != 0 || msg->body != NULL;
}

START_TEST(test_system_timers_come_once_after_a_delay)
{
	timing_script *s = timing_begin(arm_once);

	s->number = (uint64_t)_i;
	troupe_totals totals = timing_end(s);
	ck_assert_uint_eq(s->count, 1);
	ck_assert_uint_eq(s->type[0], TICK);
	assert_on_time(s->at[0], s->begun + delays[_i]);
	/* GO, and the tick. */
	ck_assert_uint_eq(totals.accepted, 2);
	ck_assert_uint_eq(totals.handled, 2);
}
END_TEST

static const int64_t times[] = { 0, 1, -1, INT64_MIN, 500, 1500, 2000, 77777, TROUPE_SECOND, HOUR,
	INT64_MAX / 2 };
#define TIMES ((int)(sizeof times / sizeof *times))

static void
arm_at(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO)
		s->wrong += troupe_send_at(self, times[s->number], TICK, NULL, 0) == 0;
}

START_TEST(test_system_timers_come_at_a_time)
{
	timing_script *s = timing_begin(arm_at);

	s->number = (uint64_t)_i;
	timing_end(s);
	ck_assert_uint_eq(s->count, 1);
	assert_on_time(s->at[0], times[_i] > s->begun ? times[_i] : s->begun);
}
END_TEST

static void
arm_never(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->timer = s->number == 0   ? troupe_send_after(self, INT64_MAX, TICK, NULL, 0)
			   : s->number == 1 ? troupe_send_at(self, INT64_MAX, TICK, NULL, 0)
			   : s->number == 2
			       ? troupe_send_every(self, INT64_MAX, TROUPE_MISSED_SKIP, TICK, NULL, 0)
			   : s->number == 3
			       ? troupe_send_every(self, INT64_MAX, TROUPE_MISSED_CATCH_UP, TICK, NULL, 0)
			       : troupe_send_after(self, INT64_MAX - troupe_now(s->t), TICK, NULL, 0);
		s->wrong += s->timer == 0 || troupe_send_after(self, HOUR, DONE, NULL, 0) == 0;
	} else if (msg->type == CANCEL) {
		s->wrong += !troupe_cancel(self, s->timer);
	}
	s->other = troupe_self(self);
}

/* A time that is beyond all times. */
START_TEST(test_system_timers_do_not_come_at_the_end_of_time)
{
	timing_script *s = timing_begin(arm_never);

	s->number = (uint64_t)_i;
	while (troupe_run_once(s->t) == TROUPE_OK)
		;
	ck_assert_uint_eq(s->count, 1);
	ck_assert_uint_eq(s->type[0], DONE);
	assert_on_time(troupe_now(s->t), s->begun + HOUR);
	/* It is armed all the same. */
	sys_assert_status(troupe_wait(s->t, 0), TROUPE_TIMEOUT);
	sys_assert_status(troupe_drain(s->t, TROUPE_FOREVER), TROUPE_OK);
	sys_send(s->other, CANCEL, NULL, 0);
	timing_end(s);
}
END_TEST

static void
arm_late(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->wrong += troupe_send_at(self, INT64_MAX - 1, TICK, NULL, 0) == 0;
		s->timer = troupe_send_every(self, INT64_MAX / 2, (troupe_missed)s->number, TOCK, NULL, 0);
	} else if (msg->type == TICK) {
		s->wrong += troupe_now(s->t) < INT64_MAX - 1 || !troupe_cancel(self, s->timer) ||
			    troupe_send_after(self, 1, TOCK, NULL, 0) == 0;
		troupe_stop_self(self, TROUPE_STOP_NOW);
	}
}

/* The clock does not turn over. */
START_TEST(test_system_timers_come_just_before_the_end_of_time)
{
	timing_script *s = timing_begin(arm_late);

	s->number = (uint64_t)_i;
	timing_end(s);
	ck_assert_uint_ge(s->count, 2);
	ck_assert_uint_eq(s->type[s->count - 1], TICK);
	for (uint32_t i = 1; i < s->count; i++)
		ck_assert_int_ge(s->at[i], s->at[i - 1]);
}
END_TEST

/* --- What makes no sense. --- */

static bool
is_refused(troupe_timer timer)
{
	return timer == 0 && troupe_last_error() == TROUPE_INVALID;
}

static void
arm_nonsense(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	static const int64_t periods[] = { 0, -1, 1, 999, INT64_MIN };
	static const uint32_t types[] = { TROUPE_TYPE_RESERVED, TROUPE_IDLE, TROUPE_DOWN, UINT32_MAX };

	(void)msg;
	s->wrong += !is_refused(troupe_send_after(self, -1, TICK, NULL, 0));
	s->wrong += !is_refused(troupe_send_after(self, INT64_MIN, TICK, NULL, 0));
	s->wrong += !is_refused(troupe_send_after(self, 1, TICK, NULL, 1));
	s->wrong += !is_refused(troupe_send_at(self, 1, TICK, NULL, 1));
	s->wrong += !is_refused(troupe_send_every(self, TROUPE_MS, TROUPE_MISSED_SKIP, TICK, NULL, 1));
	s->wrong += !is_refused(troupe_send_after(self, 1, TICK, s, (size_t)UINT32_MAX + 1));
	s->wrong += !is_refused(troupe_send_after(self, 1, TICK, s, SIZE_MAX));
	s->wrong += !is_refused(troupe_send_every(self, TROUPE_MS, (troupe_missed)2, TICK, NULL, 0));
	for (int i = 0; i < 5; i++) {
		s->wrong += !is_refused(
		    troupe_send_every(self, periods[i], TROUPE_MISSED_SKIP, TICK, NULL, 0));
		s->wrong += !is_refused(
		    troupe_send_every(self, periods[i], TROUPE_MISSED_CATCH_UP, TICK, NULL, 0));
		s->wrong += periods[i] != 0 && troupe_set_idle_timeout(self, periods[i]) != TROUPE_INVALID;
	}
	for (int i = 0; i < 4; i++) {
		s->wrong += !is_refused(troupe_send_after(self, 1, types[i], NULL, 0));
		s->wrong += !is_refused(troupe_send_at(self, 1, types[i], NULL, 0));
		s->wrong += !is_refused(
		    troupe_send_every(self, TROUPE_MS, TROUPE_MISSED_SKIP, types[i], NULL, 0));
	}
	/* The highest type that is the program's. */
	s->wrong += troupe_send_after(self, 1, TROUPE_TYPE_RESERVED - 1, NULL, 0) == 0;
	s->on = NULL;
}

START_TEST(test_system_timers_refuse_what_makes_no_sense)
{
	timing_script *s = timing_begin(arm_nonsense);

	ck_assert_uint_eq(timing_end(s).handled, 2);
	ck_assert_uint_eq(s->count, 1);
	ck_assert_uint_eq(s->type[0], TROUPE_TYPE_RESERVED - 1);
}
END_TEST

/* --- What they bring. --- */

static const size_t sizes[] = { 0, 1, 15, 16, 17, 32, 33, 1000, 10000, 100000 };
#define SIZES ((int)(sizeof sizes / sizeof *sizes))

static void
arm_with_data(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	static unsigned char data[100000];
	size_t size = sizes[s->number];

	if (msg->type == GO) {
		memset(data, 0x5a, size);
		s->wrong += troupe_send_after(self, 0, TICK, data, size) == 0;
		s->wrong += troupe_send_at(self, TROUPE_SECOND, TICK, data, size) == 0;
		s->timer = troupe_send_every(self, TROUPE_MS, TROUPE_MISSED_SKIP, TICK,
		    size > 0 ? data : NULL, size);
		/* They were copied. */
		memset(data, 0, sizeof data);
		return;
	}
	const unsigned char *body = msg->body;

	s->wrong += msg->size != size || (uintptr_t)body % 16 != 0 || (size == 0) != (body == NULL);
	for (size_t i = 0; i < size; i++)
		s->wrong += body[i] != 0x5a;
	if (s->count == 5)
		s->wrong += !troupe_cancel(self, s->timer);
}

START_TEST(test_system_timers_bring_data)
{
	timing_script *s = timing_begin(arm_with_data);

	s->number = (uint64_t)_i;
	timing_end(s);
	ck_assert_uint_eq(s->count, 6);
}
END_TEST

/* The message in hand is one like any other: it can be kept, sent on, stashed. */
static void
use_tick(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		for (int i = 0; i < 4; i++) {
			s->wrong += troupe_send_after(self, 100000 * (i + 1), TICK, "data", i % 2 ? 5 : 0) ==
				    0;
			s->wrong += troupe_send_every(self, 100000 * (i + 7), TROUPE_MISSED_SKIP, TICK,
					"data", i % 2 ? 5 : 0) == 0;
		}
		return;
	}
	if (s->count < 8) {
		troupe_msg *mine = troupe_keep(self);

		s->wrong += mine == NULL || troupe_send_msg(troupe_self(self), &mine) != TROUPE_OK;
	} else if (s->count < 16) {
		s->wrong += troupe_forward(self, troupe_self(self)) != TROUPE_OK;
	} else if (s->count < 24) {
		s->wrong += troupe_stash(self) != TROUPE_OK;
	} else if (s->count == 24) {
		s->wrong += troupe_unstash(self, SIZE_MAX) != 8;
	} else if (s->count == 40) {
		troupe_stop_self(self, TROUPE_STOP_NOW);
	} else {
		troupe_msg *mine = troupe_keep(self);

		troupe_msg_free(&mine);
	}
}

START_TEST(test_system_timers_bring_messages_like_any_other)
{
	timing_script *s = timing_begin(use_tick);

	timing_end(s);
	ck_assert_uint_eq(s->count, 40);
}
END_TEST

/* --- Again and again. --- */

#define PERIOD (7 * TROUPE_MS + 13)

static void
arm_every(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO)
		s->timer = troupe_send_every(self, PERIOD, (troupe_missed)s->number, TICK, NULL, 0);
	else if (s->count == 5000)
		s->wrong += !troupe_cancel(self, s->timer);
}

START_TEST(test_system_timers_come_every_period_without_drift)
{
	timing_script *s = timing_begin(arm_every);

	s->number = (uint64_t)_i;
	ck_assert_uint_eq(timing_end(s).handled, 5001);
	ck_assert_uint_eq(s->count, 5000);
	for (uint32_t i = 0; i < s->count; i++)
		assert_on_time(s->at[i], s->begun + (i + 1) * PERIOD);
}
END_TEST

/* What the actor is busy with: so many messages of a microsecond each. */
#define BUSY_FOR     5500
#define SHORT_PERIOD TROUPE_MS

static void
arm_and_be_busy(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->timer = troupe_send_every(self, SHORT_PERIOD, (troupe_missed)s->number, TICK, NULL, 0);
		for (int i = 0; i < BUSY_FOR; i++)
			s->wrong += troupe_send(troupe_self(self), BUSY, NULL, 0) != TROUPE_OK;
	} else if (msg->type == TICK && troupe_now(s->t) > s->begun + 20 * SHORT_PERIOD) {
		s->wrong += !troupe_cancel(self, s->timer);
	}
}

START_TEST(test_system_timers_skip_what_was_missed)
{
	timing_script *s = timing_begin(arm_and_be_busy);

	s->number = TROUPE_MISSED_SKIP;
	timing_end(s);
	ck_assert_uint_eq(s->busy, BUSY_FOR);
	/* The first one is late, and the next come at their own times. */
	ck_assert_int_ge(s->at[0] - s->begun, BUSY_FOR * TIMING_STEP);
	for (uint32_t i = 1; i < s->count; i++)
		assert_on_time(s->at[i], s->begun + (i + 5) * SHORT_PERIOD);
	ck_assert_uint_eq(s->count, 20 - 5 + 1);
}
END_TEST

START_TEST(test_system_timers_catch_up_with_what_was_missed)
{
	timing_script *s = timing_begin(arm_and_be_busy);

	s->number = TROUPE_MISSED_CATCH_UP;
	timing_end(s);
	ck_assert_uint_eq(s->busy, BUSY_FOR);
	for (uint32_t i = 0; i < s->count; i++) {
		int64_t own = s->begun + (i + 1) * SHORT_PERIOD, free_at = s->at[0] + i * 2 * TIMING_STEP;

		ck_assert_int_ge(s->at[i], own);
		ck_assert_int_le(s->at[i], (own > free_at ? own : free_at) + 2 * TIMING_STEP);
	}
	ck_assert_uint_eq(s->count, 20);
}
END_TEST

/* At most one tick of a timer waits: the others do not pile up behind it. */
START_TEST(test_system_timers_let_one_tick_wait)
{
	timing_script *s = timing_begin(arm_and_be_busy);
	troupe_totals totals;

	s->number = (uint64_t)_i;
	while (s->count == 0)
		sys_assert_status(troupe_run_once(s->t), TROUPE_OK);
	/* The tick was the last of what waited. */
	ck_assert_uint_eq(s->busy, BUSY_FOR);
	troupe_get_totals(s->t, &totals);
	ck_assert_uint_eq(totals.accepted, totals.handled);
	timing_end(s);
}
END_TEST

/* --- Many. --- */

#define MANY 10000

static void
arm_many(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	sys_random random = { 4711 };

	if (msg->type == GO) {
		for (uint32_t i = 0; i < MANY; i++) {
			int64_t at = (int64_t)(sys_next(&random) >> (1 + sys_below(&random, 50)));

			s->wrong += troupe_send_at(self, at, TICK, &at, sizeof at) == 0;
		}
		return;
	}
	int64_t at = *(const int64_t *)msg->body;

	/* Each dispatch takes a while; with so many at nearly the same time some are late by that. */
	s->wrong += troupe_now(s->t) < at || troupe_now(s->t) > at + 2 * MANY * TIMING_STEP;
}

START_TEST(test_system_timers_come_in_any_number)
{
	timing_script *s = timing_begin(arm_many);

	ck_assert_uint_eq(timing_end(s).handled, MANY + 1);
	ck_assert_uint_eq(s->count, MANY);
}
END_TEST

static void
expect_order(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->wrong += troupe_send_at(self, troupe_now(s->t) + 300, TOCK, NULL, 0) == 0;
		s->wrong += troupe_send_at(self, troupe_now(s->t) + 200, TICK, NULL, 0) == 0;
		s->wrong += troupe_send_at(self, troupe_now(s->t) + 400, DONE, NULL, 0) == 0;
	}
}

static int
arm_in_start(troupe_actor *self, timing_script *s)
{
	/* GO is handled a step later: two in between of what it arms. */
	s->wrong += troupe_send_at(self, troupe_now(troupe_of(self)) + TIMING_STEP + 250, TICK + 100, NULL,
			0) == 0;
	s->wrong += troupe_send_at(self, troupe_now(troupe_of(self)) + TIMING_STEP + 350, TOCK + 100, NULL,
			0) == 0;
	return 0;
}

/* Exact is exact, whoever armed them: also those that become due in one and the same step. */
START_TEST(test_system_timers_come_in_the_order_of_their_times)
{
	static const uint32_t order[] = { TICK, TICK + 100, TOCK, TOCK + 100, DONE };
	timing_script *s = timing_fresh(expect_order);

	s->start = arm_in_start;
	s->t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, NULL);
	sys_send(sys_spawn(s->t, &timing_class, s), GO, NULL, 0);
	timing_end(s);
	ck_assert_uint_eq(s->count, 5);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(s->type[i], order[i]);
}
END_TEST

/* An hour, of a thousand ticks a second, is over when the work is done. */
START_TEST(test_system_timers_run_an_hour_at_once)
{
	timing_script *s = timing_begin(arm_every);

	timing_pass(s, HOUR);
	ck_assert_uint_eq(s->count, 5000);
	timing_end(s);
	ck_assert_int_ge(s->at[4999], 5000 * PERIOD);
}
END_TEST

/* --- Lives. --- */

static struct lives {
	uint32_t begun, wrong, ticks[2];
} lives;

static int
begin_life(troupe_actor *self, void *state, const void *argument)
{
	uint32_t *life = state;

	(void)argument;
	*life = lives.begun++;
	if (*life > 0)
		return 0;
	for (int i = 0; i < 100; i++) {
		lives.wrong += troupe_send_after(self, i % 2 ? 10 * TROUPE_MS : 0, TICK, "data", 4) == 0;
		lives.wrong += troupe_send_every(self, i % 2 ? TROUPE_MS : 1000, TROUPE_MISSED_CATCH_UP, TICK,
				   NULL, 0) == 0;
	}
	lives.wrong += troupe_set_idle_timeout(self, TROUPE_MS) != TROUPE_OK;
	return 0;
}

static void
fail_first(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const uint32_t *life = state;

	if (msg->type == GO)
		troupe_fail(self, 1, "as it should");
	else
		lives.ticks[*life]++;
}

static void
spawn_who_fails(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	static const troupe_class class_ = {
		.state_size = sizeof(uint32_t),
		.start = begin_life,
		.receive = fail_first,
	};

	(void)msg;
	/* GO goes before what is due at once, which waits in the mailbox when the actor fails. */
	s->wrong += troupe_send(troupe_spawn_child(self, &class_, NULL), GO, NULL, 0) != TROUPE_OK;
}

/* An actor that is restarted begins without. */
START_TEST(test_system_timers_do_not_outlive_a_restart)
{
	static const troupe_supervisor supervisor = { .backoff_ns = 20 * TROUPE_MS };
	troupe_class class_ = timing_class;
	timing_script *s = timing_fresh(spawn_who_fails);

	lives = (struct lives){ 0 };
	class_.supervisor = &supervisor;
	s->t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED, .failure = sys_ignore_failure },
	    NULL);
	sys_send(sys_spawn(s->t, &class_, s), GO, NULL, 0);
	troupe_totals totals = timing_end(s);
	ck_assert_uint_eq(totals.restarted, 1);
	ck_assert_uint_eq(lives.begun, 2);
	ck_assert_uint_eq(lives.wrong, 0);
	ck_assert_uint_eq(lives.ticks[0], 0);
	ck_assert_uint_eq(lives.ticks[1], 0);
	ck_assert_uint_eq(totals.accepted, 2);
}
END_TEST

static void
spawn_and_stop(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	static const troupe_class class_ = {
		.state_size = sizeof(uint32_t),
		.start = begin_life,
		.receive = fail_first,
	};

	(void)msg;
	s->wrong += troupe_spawn_child(self, &class_, NULL) == 0;
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

START_TEST(test_system_timers_do_not_outlive_a_parent)
{
	lives = (struct lives){ 0 };
	timing_script *s = timing_begin(spawn_and_stop);
	troupe_totals totals = timing_end(s);

	ck_assert_uint_eq(totals.stopped, 2);
	ck_assert_uint_eq(lives.begun, 1);
	ck_assert_uint_eq(lives.wrong, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_timers");
	TCase *tc = tcase_create("timers");

	tcase_add_loop_test(tc, test_system_timers_come_once_after_a_delay, 0, DELAYS);
	tcase_add_loop_test(tc, test_system_timers_come_at_a_time, 0, TIMES);
	tcase_add_loop_test(tc, test_system_timers_do_not_come_at_the_end_of_time, 0, 5);
	tcase_add_loop_test(tc, test_system_timers_come_just_before_the_end_of_time, 0, 2);
	tcase_add_test(tc, test_system_timers_refuse_what_makes_no_sense);
	tcase_add_loop_test(tc, test_system_timers_bring_data, 0, SIZES);
	tcase_add_test(tc, test_system_timers_bring_messages_like_any_other);
	tcase_add_loop_test(tc, test_system_timers_come_every_period_without_drift, 0, 2);
	tcase_add_test(tc, test_system_timers_skip_what_was_missed);
	tcase_add_test(tc, test_system_timers_catch_up_with_what_was_missed);
	tcase_add_loop_test(tc, test_system_timers_let_one_tick_wait, 0, 2);
	tcase_add_test(tc, test_system_timers_come_in_any_number);
	tcase_add_test(tc, test_system_timers_come_in_the_order_of_their_times);
	tcase_add_test(tc, test_system_timers_run_an_hour_at_once);
	tcase_add_test(tc, test_system_timers_do_not_outlive_a_restart);
	tcase_add_test(tc, test_system_timers_do_not_outlive_a_parent);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
