/* SPDX-License-Identifier: MIT */

/* Lives that do not begin, or not for long, and supervisors that are stopped or resumed meanwhile. */

#include "tests/kin.h"
#include "tests/suite.h"

#define SEEDS 12

/* --- A start that fails has begun nothing. --- */

static void
count_cancelled(troupe_actor *self, void *state, const troupe_answer *answer)
{
	kin *k = ((kin_state *)state)->kin;

	(void)self;
	kin_expect(k->home, answer->status == TROUPE_CANCELLED);
	k->downs++;
}

static void
be_nobody(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)msg;
	kin_expect(((kin_state *)state)->kin->home, false);
}

/* In its second life and its third one it begins all that there is, and then fails or refuses. */
static int
begin_in_vain(troupe_actor *self, kin *k)
{
	const int code = 9;

	if (k->starts == 1 || k->starts > 3)
		return 0;
	kin_expect(k->home, troupe_send_after(self, 1000, 1, NULL, 0) != 0);
	kin_expect(k->home, troupe_send_every(self, 1000, TROUPE_MISSED_SKIP, 2, "four", 4) != 0);
	kin_expect(k->home, troupe_set_idle_timeout(self, TROUPE_MS) == TROUPE_OK);
	kin_expect(k->home, troupe_monitor(self, k->number) != 0);
	if (k->starts == 2)
		kin_expect(k->home,
		    troupe_ask(self, k->number, 3, NULL, 0, TROUPE_SECOND, count_cancelled, NULL) == TROUPE_OK);
	kin_expect(k->home, troupe_become_over(self, be_nobody) == TROUPE_OK);
	/* Its children of this start fail before they are stopped, or after, or not at all. */
	for (uint32_t i = 0; i < k->child_count; i++)
		kin_expect(k->home, troupe_send(k->children[i].ref, KIN_FAIL, &code, sizeof code) == TROUPE_OK);
	troupe_stop_self(self, TROUPE_STOP_NOW);
	if (k->starts == 2)
		return 5;
	troupe_fail(self, 6, "in vain");
	return 0;
}

static const troupe_class *const supervising[] = { &kin_class, &kin_at_once_class, &kin_slow_class };

START_TEST(test_system_restart_begin_in_vain_leaves_nothing)
{
	house h;
	kin other = { 0 }, xy[2] = { { 0 }, { 0 } };
	kin a = { .tag = 'a', .start = begin_in_vain, .children = xy, .child_count = 2, .class_ = supervising[_i % 3] };
	kin s = { .class_ = &kin_at_once_class, .children = &a, .child_count = 1 };

	house_open(&h, (uint64_t)_i);
	a.number = kin_spawn(&h, &other);
	kin_spawn(&h, &s);
	house_forget(&h);
	kin_fail(&a, 7);
	kin_send(&a, 4);
	troupe_totals totals = house_settle(&h);
	assert_journal(&h, "a:1000 a!7 a-R a+ a!5 a+ a!6 a+ a:4");
	ck_assert_uint_eq(a.downs, 1);
	ck_assert_uint_eq(totals.restarted - (xy[0].starts - 4) - (xy[1].starts - 4), 1);
	/* Those of the last life live, and are whole. */
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(xy[i].starts, xy[i].stops + 1);
		kin_send(&xy[i], 1);
	}
	sys_assert_status(troupe_stop(other.ref, TROUPE_STOP_NOW), TROUPE_OK);
	house_settle(&h);
	assert_journal(&h, "a:1000 a!7 a-R a+ a!5 a+ a!6 a+ a:4");
	house_close(&h);
	ck_assert_uint_eq(s.fails, 0);
}
END_TEST

/* --- A start that ends its own life. --- */

static int
stop_in_start(troupe_actor *self, kin *k)
{
	if (k->starts > 1)
		troupe_stop_self(self, (troupe_stop_mode)k->number);
	return 0;
}

START_TEST(test_system_restart_begin_and_stop_at_once)
{
	kin_pair *p = kin_pair_begin(&kin_at_once_class, _i / 2);

	p->a.start = stop_in_start;
	p->a.number = _i % 2 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN;
	kin_fail(&p->a, 7);
	kin_send(&p->a, 1);
	house_settle(&p->h);
	assert_journal(&p->h, _i % 2 ? "a:1000 a!7 a-R a+ a-S" : "a:1000 a!7 a-R a+ a:1 a-S");
	sys_assert_count(p->h.ledger.dead[TROUPE_DEAD], _i % 2);
	kin_pair_end(p);
}
END_TEST

static void
stop_when_empty(troupe_actor *self, kin *k, void *unused)
{
	(void)k;
	(void)unused;
	troupe_stop_self(self, TROUPE_STOP_DRAIN);
}

/* What an actor has promised in one life it does in the next. */
START_TEST(test_system_restart_begin_and_go_on_with_a_drain)
{
	kin_pair *p = kin_pair_begin(&kin_slow_class, _i);

	kin_let(&p->a, stop_when_empty, NULL);
	kin_send(&p->a, 1);
	kin_fail(&p->a, 7);
	kin_send(&p->a, 2);
	house_settle(&p->h);
	assert_journal(&p->h, "a:1 a:1000 a!7 a-R a+ a:2 a-S");
	kin_pair_end(p);
}
END_TEST

/* --- Stopping and failing. --- */

static void
stop_and_fail(troupe_actor *self, kin *k, void *mode)
{
	(void)k;
	if (mode != NULL)
		troupe_stop_self(self, *(const troupe_stop_mode *)mode);
	troupe_fail(self, 7, "rather");
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

/* Whoever fails is not stopped by what it asked for in the same callback. */
START_TEST(test_system_restart_begin_goes_before_a_stop)
{
	troupe_stop_mode modes[] = { TROUPE_STOP_NOW, TROUPE_STOP_DRAIN };
	kin_pair *p = kin_pair_begin(&kin_slow_class, _i / 3);

	kin_let(&p->a, stop_and_fail, _i % 3 < 2 ? &modes[_i % 3] : NULL);
	kin_send(&p->a, 1);
	house_settle(&p->h);
	assert_journal(&p->h, "a!7 a-R a+ a:1");
	kin_pair_end(p);
	/* Who is not supervised stops for having failed. */
	house h;
	kin alone = { 0 };
	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &alone);
	kin_let(&alone, stop_and_fail, _i % 3 < 2 ? &modes[_i % 3] : NULL);
	kin_send(&alone, 1);
	house_settle(&h);
	ck_assert_int_eq(alone.reason, TROUPE_REASON_FAILED);
	sys_assert_count(h.ledger.dead[TROUPE_DEAD], 1);
	house_close(&h);
}
END_TEST

static void
fail_again(troupe_actor *self, kin *k, troupe_reason reason)
{
	(void)k;
	(void)reason;
	troupe_fail(self, 8, "again");
}

/* One that waits has no messages to drain before it stops, and no life to end, however that ended. */
START_TEST(test_system_restart_begin_never_since_it_is_stopped)
{
	kin_pair *p = kin_pair_begin(&kin_slow_class, _i / 4);

	p->a.stop = _i / 2 % 2 ? fail_again : NULL;
	kin_fail(&p->a, 7);
	kin_send(&p->a, 1);
	house_pass(&p->h, 10 * TROUPE_MS);
	kin_send(&p->a, 2);
	sys_assert_status(troupe_stop(p->a.ref, _i % 2 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN), TROUPE_OK);
	troupe_totals totals = house_settle(&p->h);
	assert_journal(&p->h, _i / 2 % 2 ? "a:1000 a!7 a-R a!8" : "a:1000 a!7 a-R");
	sys_assert_count(p->h.ledger.dead[TROUPE_DEAD], 2);
	ck_assert_uint_eq(totals.restarted, 0);
	/* Its time to wait is not waited for. */
	ck_assert_int_lt(troupe_now(p->h.t), 50 * TROUPE_MS);
	sys_assert_status(troupe_send(p->a.ref, 1, NULL, 0), TROUPE_DEAD);
	kin_pair_end(p);
}
END_TEST

/* --- The supervisor meanwhile. --- */

/* Asks that nobody answers: they end when their time is over. */
static void
count_timeout(troupe_actor *self, void *state, const troupe_answer *answer)
{
	kin *k = ((kin_state *)state)->kin;

	(void)self;
	kin_expect(k->home, answer->status == TROUPE_TIMEOUT);
	k->downs++;
}

#define ASKS 40

static void
ask_nobody(troupe_actor *self, kin *k, void *unused)
{
	(void)unused;
	for (int i = 0; i < ASKS; i++)
		kin_expect(k->home,
		    troupe_await_name(self, "nobody's", TROUPE_SECOND, count_timeout, NULL) == TROUPE_OK);
}

/* What a supervisor that stops has given back is somebody else's, even if a child backs off. */
START_TEST(test_system_restart_begin_never_since_the_supervisor_stops)
{
	house h;
	kin many[8], ab[2], w = { 0 };
	kin s = { .class_ = &kin_slow_class, .children = ab, .child_count = 2 };

	memset(many, 0, sizeof many);
	memset(ab, 0, sizeof ab);
	ab[1].children = many;
	ab[1].child_count = 8;
	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &w);
	kin_spawn(&h, &s);
	kin_fail(&ab[0], 1);
	house_pass(&h, 10 * TROUPE_MS);
	ck_assert_uint_eq(ab[0].stops, 1);
	sys_assert_status(troupe_stop(s.ref, TROUPE_STOP_NOW), TROUPE_OK);
	while (many[7].stops == 0)
		sys_assert_status(troupe_run_once(h.t), TROUPE_OK);
	kin_let(&w, ask_nobody, NULL);
	while (w.handled == 0)
		sys_assert_status(troupe_run_once(h.t), TROUPE_OK);
	house_settle(&h);
	ck_assert_uint_eq(w.downs, ASKS);
	ck_assert_uint_eq(s.stops, 1);
	ck_assert_uint_eq(ab[0].starts, 1);
	house_close(&h);
}
END_TEST

static const troupe_supervisor together = { .strategy = TROUPE_ALL_FOR_ONE, .restarts = 1000, .backoff_ns = -1 };
static const troupe_supervisor leniently = { .decide = kin_decide };
static const troupe_class together_class = { KIN_CLASS("together", &together) };
static const troupe_class lenient_class = { KIN_CLASS("lenient", &leniently) };

/* A group goes on when its supervisor, which failed itself in between, is resumed; even without one of its children. */
START_TEST(test_system_restart_begin_though_the_supervisor_failed)
{
	for (uint32_t step = 0; step < 40; step++) {
		house h;
		kin ab[3] = { { 0 }, { 0 }, { 0 } };
		kin s = { .class_ = &together_class, .children = ab, .child_count = 3 };
		kin g = { .class_ = &lenient_class, .children = &s, .child_count = 1, .decision = TROUPE_RESUME };

		house_open(&h, (uint64_t)_i);
		kin_spawn(&h, &g);
		kin_fail(&ab[0], 1);
		for (uint32_t i = 0; i < step; i++)
			(void)troupe_run_once(h.t);
		kin_fail(&s, 2);
		(void)troupe_run_once(h.t);
		sys_assert_status(troupe_stop(ab[1 + _i % 2].ref, TROUPE_STOP_NOW), TROUPE_OK);
		for (int i = 0; i < 3; i++)
			(void)troupe_send(ab[i].ref, 1, NULL, 0);
		house_settle(&h);
		ck_assert_uint_eq(ab[0].starts, 2);
		ck_assert_uint_eq(ab[0].handled, 2);
		ck_assert_uint_ge(ab[2 - _i % 2].starts, 1);
		ck_assert_uint_eq(ab[2 - _i % 2].handled, 1);
		ck_assert_uint_eq(ab[1 + _i % 2].starts, ab[1 + _i % 2].stops);
		ck_assert_uint_eq(s.stops, 0);
		house_close(&h);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_restart_begin");
	TCase *tc = tcase_create("begin");

	tcase_add_loop_test(tc, test_system_restart_begin_in_vain_leaves_nothing, 0, 5 * SEEDS);
	tcase_add_loop_test(tc, test_system_restart_begin_and_stop_at_once, 0, 2 * SEEDS);
	tcase_add_loop_test(tc, test_system_restart_begin_and_go_on_with_a_drain, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_begin_goes_before_a_stop, 0, 3 * SEEDS);
	tcase_add_loop_test(tc, test_system_restart_begin_never_since_it_is_stopped, 0, 4 * SEEDS);
	tcase_add_loop_test(tc, test_system_restart_begin_never_since_the_supervisor_stops, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_begin_though_the_supervisor_failed, 0, SEEDS);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
