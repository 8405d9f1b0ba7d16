/* SPDX-License-Identifier: MIT */

/* Links: who fails takes with it whom it is linked to, and nobody else. */

#include "tests/kin.h"
#include "tests/suite.h"

#define SEEDS 12
#define MANY  50

static void
stop_self(troupe_actor *self, kin *k, void *unused)
{
	(void)k;
	(void)unused;
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

/* --- Chains and circles. --- */

static kin many[MANY];

/* Each is linked to the next one, from whichever side. */
static void
begin_chain(house *h, const sys_shape *shape, bool circle)
{
	memset(many, 0, sizeof many);
	house_open_shape(h, shape);
	for (int i = 0; i < MANY; i++)
		kin_spawn(h, &many[i]);
	for (int i = 0; i + 1 < MANY; i++)
		kin_let(&many[i + i % 2], kin_tie, &many[i + 1 - i % 2]);
	if (circle)
		kin_let(&many[0], kin_tie, &many[MANY - 1]);
	sys_wait(h->t);
}

static void
assert_all_went(house *h, int first)
{
	troupe_totals totals = house_settle(h);

	ck_assert_uint_eq(totals.stopped, MANY);
	ck_assert_uint_eq(totals.failed, 1);
	for (int i = 0; i < MANY; i++) {
		ck_assert_uint_eq(many[i].stops, 1);
		ck_assert_int_eq(many[i].reason, i == first ? TROUPE_REASON_FAILED : TROUPE_REASON_LINKED);
		ck_assert_uint_eq(many[i].fails, i == first);
	}
	house_close(h);
}

START_TEST(test_system_link_goes_through_a_chain)
{
	static const int firsts[] = { 0, MANY / 2, MANY - 1 };
	house h;

	for (int i = 0; i < 3; i++) {
		begin_chain(&h, &sys_shapes[_i], false);
		kin_fail(&many[firsts[i]], 1);
		assert_all_went(&h, firsts[i]);
	}
}
END_TEST

START_TEST(test_system_link_goes_round_a_circle)
{
	house h;

	begin_chain(&h, &sys_shapes[_i], true);
	kin_fail(&many[7], 1);
	assert_all_went(&h, 7);
}
END_TEST

/* An end that is no failure leaves the others alone, and breaks the chain. */
START_TEST(test_system_link_is_nothing_to_an_ordinary_end)
{
	house h;
	kin parent = { .children = many, .child_count = 1 };

	begin_chain(&h, &sys_shapes[_i], false);
	kin_let(&many[10], stop_self, NULL);
	kin_stop_now(&many[20]);
	memset(&many[0], 0, sizeof many[0]);
	kin_spawn(&h, &parent);
	kin_let(&many[0], kin_tie, &many[1]);
	sys_wait(h.t);
	kin_stop_now(&parent);
	house_settle(&h);
	for (int i = 0; i < MANY; i++)
		ck_assert_uint_eq(many[i].stops, i == 0 || i == 10 || i == 20);
	kin_fail(&many[15], 1);
	house_settle(&h);
	for (int i = 0; i < MANY; i++)
		ck_assert_uint_eq(many[i].stops, i == 0 || (i >= 10 && i <= 20));
	ck_assert_int_eq(many[10].reason, TROUPE_REASON_SELF);
	ck_assert_int_eq(many[11].reason, TROUPE_REASON_LINKED);
	house_close(&h);
}
END_TEST

/* --- What it does to the other. --- */

START_TEST(test_system_link_ends_the_other_now)
{
	house h;
	kin a = { .tag = 'a' }, x = { .tag = 'x' }, b = { .tag = 'b', .children = &x, .child_count = 1 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	kin_spawn(&h, &b);
	kin_let(&a, kin_tie, &b);
	sys_wait(h.t);
	house_forget(&h);
	kin_fail(&a, 1);
	troupe_totals totals = house_settle(&h);
	assert_journal(&h, "a:1000 a!1 a-F x-P b-L");
	ck_assert_uint_eq(totals.failed, 1);
	sys_assert_status(troupe_send(b.ref, 1, NULL, 0), TROUPE_DEAD);
	house_close(&h);
}
END_TEST

/* Even when it is linked several times, from both sides, and does not listen yet. */
START_TEST(test_system_link_may_be_made_again)
{
	house h;
	kin a = { 0 }, b = { 0 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	kin_spawn(&h, &b);
	for (int i = 0; i < 5; i++) {
		kin_let(&a, kin_tie, &b);
		kin_let(&b, kin_tie, &a);
	}
	if (_i % 2)
		sys_wait(h.t);
	kin_fail(_i % 4 < 2 ? &a : &b, 1);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.stopped, 2);
	ck_assert_uint_eq(a.stops + b.stops, 2);
	house_close(&h);
}
END_TEST

static void
tie_in_vain(troupe_actor *self, kin *k, void *dead)
{
	kin_expect(k->home, troupe_link(self, ((const kin *)dead)->ref) == TROUPE_DEAD);
	kin_expect(k->home, troupe_link(self, k->ref) == TROUPE_INVALID && troupe_last_error() == TROUPE_INVALID);
	kin_expect(k->home, troupe_link(self, 0) == TROUPE_INVALID);
	kin_expect(k->home, troupe_link(self, UINT64_MAX) == TROUPE_INVALID);
	kin_expect(k->home, troupe_link(self, UINT64_C(2) << 32 | 4) == TROUPE_INVALID);
}

static void
tie_too_late(troupe_actor *self, kin *k, troupe_reason reason)
{
	(void)reason;
	kin_expect(k->home, troupe_link(self, k->number) == TROUPE_INVALID);
}

START_TEST(test_system_link_refuses_the_dead_itself_and_garbage)
{
	house h;
	kin a = { .stop = tie_too_late }, dead = { 0 }, b = { 0 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &dead);
	kin_spawn(&h, &b);
	kin_stop_now(&dead);
	sys_wait(h.t);
	a.number = b.ref;
	kin_spawn(&h, &a);
	kin_let(&a, tie_in_vain, &dead);
	house_settle(&h);
	ck_assert_uint_eq(a.stops, 0);
	/* And it is linked to nobody. */
	kin_fail(&a, 1);
	house_settle(&h);
	ck_assert_uint_eq(b.stops, 0);
	house_close(&h);
}
END_TEST

/* One of both is on its way to its end, or comes to it, when they are linked: it fails or it does not. */
START_TEST(test_system_link_to_one_that_is_about_to_fail)
{
	house h;
	kin a = { 0 }, b = { 0 };
	bool tied_first = _i % 2;

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	kin_spawn(&h, &b);
	if (tied_first) {
		kin_let(&a, kin_tie, &b);
		sys_wait(h.t);
	}
	kin_fail(&b, 1);
	if (!tied_first) {
		sys_wait(h.t);
		kin_let(&a, tie_in_vain, &b);
	}
	house_settle(&h);
	ck_assert_uint_eq(b.stops, 1);
	ck_assert_uint_eq(a.stops, tied_first);
	house_close(&h);
}
END_TEST

/* Told by its start to fail with it: the link of an actor that is just begun. */
static int
tie_in_start(troupe_actor *self, kin *k)
{
	kin_expect(k->home, troupe_link(self, k->number) == TROUPE_OK);
	return 0;
}

START_TEST(test_system_link_in_start)
{
	house h;
	kin a = { .start = tie_in_start }, b = { 0 };

	house_open_shape(&h, &sys_shapes[_i % sys_shape_count]);
	kin_spawn(&h, &b);
	a.number = b.ref;
	kin_spawn(&h, &a);
	/* Either takes the other with it. */
	kin_fail(_i / sys_shape_count ? &a : &b, 1);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.stopped, 2);
	ck_assert_int_eq(_i / sys_shape_count ? b.reason : a.reason, TROUPE_REASON_LINKED);
	house_close(&h);
}
END_TEST

/* --- Supervised ones. --- */

static const troupe_supervisor how = { .restarts = 3, .decide = kin_decide };
static const troupe_class supervisor_class = { KIN_CLASS("supervisor", &how) };

START_TEST(test_system_link_is_nothing_to_a_restart)
{
	house h;
	kin a = { 0 }, b = { 0 }, s = { .class_ = &supervisor_class, .children = &a, .child_count = 1 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &s);
	kin_spawn(&h, &b);
	kin_let(&b, kin_tie, &a);
	sys_wait(h.t);
	for (int i = 0; i < 3; i++)
		kin_fail(&a, 1);
	house_settle(&h);
	ck_assert_uint_eq(a.starts, 4);
	ck_assert_uint_eq(b.stops, 0);
	/* Once it is given up: by its supervisor's end, which is no failure of its own. */
	kin_fail(&a, 1);
	house_settle(&h);
	ck_assert_int_eq(a.reason, TROUPE_REASON_PARENT);
	ck_assert_int_eq(s.reason, TROUPE_REASON_FAILED);
	ck_assert_uint_eq(b.stops, 0);
	house_close(&h);
}
END_TEST

START_TEST(test_system_link_takes_the_other_when_a_child_is_stopped_for_failing)
{
	house h;
	kin a = { 0 }, b = { 0 };
	kin s = { .class_ = &supervisor_class, .children = &a, .child_count = 1, .decision = TROUPE_STOP };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &s);
	kin_spawn(&h, &b);
	kin_let(&a, kin_tie, &b);
	sys_wait(h.t);
	kin_fail(&a, 1);
	house_settle(&h);
	ck_assert_int_eq(a.reason, TROUPE_REASON_FAILED);
	ck_assert_int_eq(b.reason, TROUPE_REASON_LINKED);
	ck_assert_uint_eq(b.stops, 1);
	ck_assert_uint_eq(s.stops, 0);
	house_close(&h);
}
END_TEST

/* A child that goes by its link is not restarted; neither is one that waits to be. */
START_TEST(test_system_link_ends_a_child_for_good)
{
	house h;
	kin a = { 0 }, b = { 0 }, s = { .class_ = &supervisor_class, .children = &a, .child_count = 1 };
	bool waits = _i % 2;

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &s);
	kin_spawn(&h, &b);
	kin_let(&a, kin_tie, &b);
	sys_wait(h.t);
	if (waits) {
		kin_fail(&a, 1);
		house_pass(&h, 10 * TROUPE_MS);
		ck_assert_uint_eq(a.stops, 1);
	}
	kin_fail(&b, 2);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(a.starts, 1);
	/* Its life had ended before. */
	ck_assert_uint_eq(a.stops, 1);
	ck_assert_int_eq(a.reason, waits ? TROUPE_REASON_RESTART : TROUPE_REASON_LINKED);
	ck_assert_uint_eq(totals.restarted, 0);
	ck_assert_uint_eq(s.fails + s.stops, 0);
	sys_assert_status(troupe_send(a.ref, 1, NULL, 0), TROUPE_DEAD);
	house_close(&h);
}
END_TEST

/* --- Closing. --- */

static void
tie_all(troupe_actor *self, kin *k, void *unused)
{
	(void)unused;
	for (int i = 0; i < MANY; i++) {
		troupe_status status = &many[i] != k ? troupe_link(self, many[i].ref) : TROUPE_OK;

		kin_expect(k->home, status == TROUPE_OK || status == TROUPE_CLOSING);
	}
}

START_TEST(test_system_link_ends_with_the_runtime)
{
	house h;

	memset(many, 0, sizeof many);
	house_open_shape(&h, &sys_shapes[_i % sys_shape_count]);
	for (int i = 0; i < MANY; i++)
		kin_spawn(&h, &many[i]);
	for (int i = 0; i < MANY; i++)
		kin_let(&many[i], tie_all, NULL);
	if (_i / sys_shape_count)
		sys_wait(h.t);
	house_close(&h);
	for (int i = 0; i < MANY; i++) {
		ck_assert_uint_eq(many[i].stops, 1);
		ck_assert_int_eq(many[i].reason, TROUPE_REASON_CLOSING);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_link");
	TCase *tc = tcase_create("link");

	tcase_add_loop_test(tc, test_system_link_goes_through_a_chain, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_link_goes_round_a_circle, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_link_is_nothing_to_an_ordinary_end, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_link_ends_the_other_now, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_link_may_be_made_again, 0, 2 * SEEDS);
	tcase_add_loop_test(tc, test_system_link_refuses_the_dead_itself_and_garbage, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_link_to_one_that_is_about_to_fail, 0, 2 * SEEDS);
	tcase_add_loop_test(tc, test_system_link_in_start, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_link_is_nothing_to_a_restart, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_link_takes_the_other_when_a_child_is_stopped_for_failing, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_link_ends_a_child_for_good, 0, 2 * SEEDS);
	tcase_add_loop_test(tc, test_system_link_ends_with_the_runtime, 0, 2 * sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
