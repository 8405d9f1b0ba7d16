/* SPDX-License-Identifier: MIT */

/*
 * Timers without memory: each allocation of each call fails in turn.  And
 * timers under the simulated scheduler: the same seed is the same run.
 */

#include "runtime/actor/context.h"
#include "runtime/memory/fault.h"
#include "tests/suite.h"
#include "tests/timing.h"

/* More than any call allocates. */
#define MANY_FAULTS 100

static void
arm_fault(long n)
{
	tr_fault_arm(n);
	tr_cache_follow_faults(&tr_current_context->cache);
}

/* --- Arming. --- */

static const size_t sizes[] = { 0, 1, 33, 5000, 100000 };
#define SIZES ((int)(sizeof sizes / sizeof *sizes))

enum { AFTER, AT, EVERY, IDLE, CALLS };

static troupe_status
call_once(troupe_actor *self, uint64_t call, size_t size)
{
	static const char data[100000];
	troupe_timer timer = 0;

	switch (call) {
	case AFTER:
		timer = troupe_send_after(self, 100, TICK, data, size);
		break;
	case AT:
		timer = troupe_send_at(self, 100, TICK, data, size);
		break;
	case EVERY:
		timer = troupe_send_every(self, 100000, TROUPE_MISSED_SKIP, TICK, data, size);
		break;
	default:
		return troupe_set_idle_timeout(self, 100000);
	}
	return timer != 0 ? TROUPE_OK : troupe_last_error();
}

static void
arm_with_faults(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	bool worked = false;

	if (msg->type != GO) {
		troupe_stop_self(self, TROUPE_STOP_NOW);
		return;
	}
	for (long n = 1; n < MANY_FAULTS && !worked; n++) {
		(void)troupe_release(NULL);
		arm_fault(n);
		troupe_status status = call_once(self, s->number / SIZES, sizes[s->number % SIZES]);
		bool struck = tr_fault_struck();

		arm_fault(0);
		s->wrong += status != (struck ? TROUPE_NOMEM : TROUPE_OK);
		s->other += struck;
		worked = !struck;
	}
	s->wrong += !worked;
}

/* Nothing of the failed ones is left, and one is armed in the end. */
static void
check_faults(int which, troupe_options options, uint64_t least)
{
	timing_script *s = timing_fresh(arm_with_faults);

	s->number = (uint64_t)which;
	s->t = sys_open_with(options, NULL);
	sys_send(sys_spawn(s->t, &timing_class, s), GO, NULL, 0);
	troupe_totals totals = timing_end(s);
	ck_assert_uint_eq(s->count, 1);
	ck_assert_uint_eq(s->type[0], which / SIZES == IDLE ? TROUPE_IDLE : TICK);
	ck_assert_uint_eq(totals.handled, 2);
	ck_assert_uint_ge(s->other, least);
}

/* With what the first timer of a runtime needs: the wheels, and where there is one the event thread. */
START_TEST(test_system_timers_faults_of_each_call)
{
	check_faults(_i, (troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, 5);
	check_faults(_i, (troupe_options){ .workers = TROUPE_WORKERS_NONE }, 6);
}
END_TEST

static void
replace_with_faults(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO)
		s->wrong += troupe_set_idle_timeout(self, 5 * TROUPE_MS) != TROUPE_OK;
	if (msg->type != GO || s->other > 0) {
		troupe_stop_self(self, TROUPE_STOP_NOW);
		return;
	}
	/* The one before goes on. */
	arm_fault(1);
	s->wrong += troupe_set_idle_timeout(self, TROUPE_MS) != TROUPE_NOMEM;
	arm_fault(0);
}

START_TEST(test_system_timers_faults_keep_the_idle_timeout)
{
	timing_script *s = timing_begin(replace_with_faults);

	timing_end(s);
	ck_assert_uint_eq(s->count, 1);
	assert_on_time(s->at[0], s->begun + 5 * TROUPE_MS);
}
END_TEST

/* --- Ticks. --- */

static void
tick_with_faults(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	static const char data[1000];

	if (msg->type == GO) {
		s->timer = troupe_send_every(self, TROUPE_MS, (troupe_missed)(s->number % 2), TICK, data,
		    s->number < 2 ? 0 : 1000);
		return;
	}
	if (s->count == 4)
		s->wrong += !troupe_cancel(self, s->timer);
	s->wrong += s->count == 2 && !tr_fault_struck();
	/* The next one has no memory. */
	arm_fault(s->count == 1 ? 1 : 0);
}

START_TEST(test_system_timers_faults_leave_a_tick_out)
{
	static const int periods[] = { 1, 3, 4, 5 };
	timing_script *s = timing_begin(tick_with_faults);

	s->number = (uint64_t)_i;
	ck_assert_uint_eq(timing_end(s).handled, 5);
	ck_assert_uint_eq(s->count, 4);
	for (int i = 0; i < 4; i++)
		assert_on_time(s->at[i], s->begun + periods[i] * TROUPE_MS);
}
END_TEST

static void
idle_with_faults(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	if (msg->type == GO) {
		s->wrong += troupe_set_idle_timeout(self, TROUPE_MS) != TROUPE_OK;
		s->wrong += troupe_send_after(self, 100, TICK, NULL, 0) == 0;
	} else if (s->count == 1) {
		arm_fault(1);
	} else {
		s->wrong += !tr_fault_struck();
		arm_fault(0);
		troupe_stop_self(self, TROUPE_STOP_NOW);
	}
}

START_TEST(test_system_timers_faults_leave_an_idle_out)
{
	timing_script *s = timing_begin(idle_with_faults);

	timing_end(s);
	ck_assert_uint_eq(s->count, 2);
	ck_assert_uint_eq(s->type[1], TROUPE_IDLE);
	ck_assert_int_ge(s->at[1], s->at[0] + 2 * TROUPE_MS);
	ck_assert_int_le(s->at[1], s->at[0] + 3 * TROUPE_MS);
}
END_TEST

/* A timer that comes once needs nothing more, whatever it brings. */
static void
once_without_memory(troupe_actor *self, timing_script *s, const troupe_msg *msg)
{
	static const char data[5000];

	if (msg->type == GO) {
		for (int i = 0; i < 10; i++)
			s->wrong += troupe_send_after(self, TROUPE_MS, TICK, data, (size_t)i * 500) == 0;
		arm_fault(1);
	} else if (s->count == 10) {
		s->wrong += tr_fault_struck();
		arm_fault(0);
	}
}

START_TEST(test_system_timers_faults_do_not_touch_what_is_armed)
{
	timing_script *s = timing_begin(once_without_memory);

	timing_end(s);
	ck_assert_uint_eq(s->count, 10);
}
END_TEST

/* --- The same seed. --- */

#define PLAYERS 8
#define TIMERS  6
#define STEPS   600

static struct diary {
	troupe *t;
	uint64_t digest, entries;
	troupe_ref player[PLAYERS];
} diary;

struct player {
	uint32_t number;
	uint64_t seed;
	troupe_timer timer[TIMERS];
};

static void
enter(uint64_t what, uint64_t which)
{
	sys_random random = { diary.digest ^ what << 40 ^ which << 20 ^ (uint64_t)troupe_now(diary.t) };

	diary.digest = sys_next(&random);
	diary.entries++;
}

static void
play(troupe_actor *self, void *state, const troupe_msg *msg)
{
	static const char data[100];
	struct player *p = state;
	sys_random random = { p->seed + diary.entries };
	uint32_t which = sys_below(&random, TIMERS);
	int64_t time = 1000 + (int64_t)(sys_next(&random) >> (34 + sys_below(&random, 20)));

	enter(msg->type, p->number << 16 | msg->size);
	if (diary.entries > STEPS) {
		troupe_stop_self(self, TROUPE_STOP_NOW);
		return;
	}
	switch (sys_below(&random, 6)) {
	case 0:
		p->timer[which] = troupe_send_after(self, time - 1000, TICK, data, sys_below(&random, 100));
		break;
	case 1:
		enter(troupe_cancel(self, p->timer[which]), which);
		p->timer[which] = troupe_send_every(self, time, (troupe_missed)(which % 2), TOCK, data,
		    sys_below(&random, 100));
		break;
	case 2:
		enter(troupe_cancel(self, p->timer[which]), which);
		break;
	case 3:
		(void)troupe_set_idle_timeout(self, time);
		break;
	case 4:
		enter((uint64_t)troupe_send(diary.player[sys_below(&random, PLAYERS)], BUSY, NULL, 0), 0);
		break;
	default:
		p->timer[which] = troupe_send_at(self, troupe_now(diary.t) / 1000000 * 1000000 + 1000000,
		    DONE, NULL, 0);
	}
}

static int
start_player(troupe_actor *self, void *state, const void *argument)
{
	struct player *p = state;

	*p = *(const struct player *)argument;
	p->timer[0] = troupe_send_every(self, TROUPE_MS, TROUPE_MISSED_SKIP, TICK, NULL, 0);
	return p->timer[0] == 0;
}

static void
stop_player(troupe_actor *self, void *state, troupe_reason reason)
{
	const struct player *p = state;

	(void)self;
	enter(reason, p->number);
}

static const troupe_class player_class = {
	.state_size = sizeof(struct player),
	.start = start_player,
	.receive = play,
	.stop = stop_player,
};

static uint64_t
play_through(uint64_t seed, uint64_t program)
{
	memset(&diary, 0, sizeof diary);
	diary.t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED, .seed = seed },
	    NULL);
	for (uint32_t i = 0; i < PLAYERS; i++)
		diary.player[i] = sys_spawn(diary.t, &player_class,
		    &(struct player){ .number = i, .seed = program });
	for (int i = 0; i < 100; i++)
		if (troupe_run_once(diary.t) != TROUPE_OK)
			break;
	sys_wait(diary.t);
	sys_close(diary.t, NULL);
	ck_assert_uint_gt(diary.entries, STEPS);
	return diary.digest;
}

START_TEST(test_system_timers_same_seed_is_the_same_run)
{
	uint64_t before = 0;

	for (uint64_t seed = 0; seed < 100; seed++) {
		uint64_t digest = play_through(seed, seed / 4);

		ck_assert_uint_eq(play_through(seed, seed / 4), digest);
		ck_assert_uint_ne(digest, before);
		before = digest;
	}
	ck_assert_uint_eq(play_through(99, 24), before);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_timers_faults");
	TCase *faults = tcase_create("no memory"), *same = tcase_create("same run");

	tcase_add_loop_test(faults, test_system_timers_faults_of_each_call, 0, SIZES * CALLS);
	tcase_add_test(faults, test_system_timers_faults_keep_the_idle_timeout);
	tcase_add_loop_test(faults, test_system_timers_faults_leave_a_tick_out, 0, 4);
	tcase_add_test(faults, test_system_timers_faults_leave_an_idle_out);
	tcase_add_test(faults, test_system_timers_faults_do_not_touch_what_is_armed);
	tcase_add_test(same, test_system_timers_same_seed_is_the_same_run);
	suite_add_tcase(suite, faults);
	suite_add_tcase(suite, same);
	return run_suite(suite);
}
