/* SPDX-License-Identifier: MIT */

/* What a restart keeps of an actor, and what it ends. */

#include "tests/kin.h"
#include "tests/suite.h"

#define SEEDS 12

/* --- The state and the argument. --- */

struct gift {
	house *h;
	const troupe_class *class_;
	bool is_null; /* the argument of the spawn, or that of a restart */
	uint32_t starts;
	troupe_ref ref;
	char bytes[3000]; /* the argument, which is changed after the spawn */
};

/* The one of the test that runs. */
static struct gift *given;

static int
start_gifted(troupe_actor *self, void *state, const void *argument)
{
	const unsigned char *bytes = state;
	const char *got = argument;

	(void)self;
	for (size_t i = 0; i < given->class_->state_size; i++)
		kin_expect(given->h, bytes[i] == 0);
	if (given->starts++ == 0 ? given->is_null : given->is_null || given->class_->argument_size == 0)
		kin_expect(given->h, argument == NULL);
	else
		for (size_t i = 0; i < given->class_->argument_size; i++)
			kin_expect(given->h, got[i] == (char)(i * 7));
	memset(state, 0xff, given->class_->state_size);
	return 0;
}

static void
fail_always(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)msg;
	memset(state, 0xee, given->class_->state_size);
	troupe_fail(self, 1, "always");
}

static void
give_child(troupe_actor *self, kin *k, void *gift)
{
	struct gift *g = gift;

	for (size_t i = 0; i < sizeof g->bytes; i++)
		g->bytes[i] = (char)(i * 7);
	g->ref = troupe_spawn_child(self, g->class_, g->is_null ? NULL : g->bytes);
	kin_expect(k->home, g->ref != 0);
	memset(g->bytes, 0x55, sizeof g->bytes);
}

static void
check_gift(int shape, troupe_class class_, bool is_null)
{
	house h;
	kin s = { .class_ = &kin_at_once_class };
	struct gift g = { .h = &h, .class_ = &class_, .is_null = is_null };

	given = &g;
	class_.start = start_gifted;
	class_.receive = fail_always;
	house_open_shape(&h, &sys_shapes[shape]);
	kin_spawn(&h, &s);
	kin_let(&s, give_child, &g);
	house_settle(&h);
	for (int i = 0; i < 5; i++)
		sys_send(g.ref, 1, NULL, 0);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.restarted, 5);
	ck_assert_uint_eq(totals.handled, 6);
	ck_assert_uint_eq(g.starts, 6);
	house_close(&h);
}

START_TEST(test_system_restart_zeroes_the_state)
{
	static const size_t sizes[] = { 0, 1, 32, 33, 500, 5000, 100000 };
	static const unsigned flags[] = { 0, TROUPE_BUSY, TROUPE_DEDICATED, TROUPE_BUSY | TROUPE_DEDICATED };

	for (int i = 0; i < 7; i++)
		for (int j = 0; j < 4; j++)
			check_gift(_i, (troupe_class){ .state_size = sizes[i], .flags = flags[j] }, false);
}
END_TEST

START_TEST(test_system_restart_gives_the_argument_that_was_kept)
{
	static const size_t sizes[] = { 0, 1, 8, 33, 3000 };

	for (int i = 0; i < 5; i++)
		for (int is_null = 0; is_null < 2; is_null++)
			check_gift(_i, (troupe_class){ .argument_size = sizes[i], .state_size = 8 }, is_null);
}
END_TEST

/* --- What it keeps. --- */

static int
be_known(troupe_actor *self, kin *k)
{
	if (k->starts == 1) {
		kin_expect(k->home, troupe_set_name(self, "well known") == TROUPE_OK);
		kin_expect(k->home, troupe_register(self, "a name") == TROUPE_OK);
		kin_expect(k->home, troupe_register(self, "another") == TROUPE_OK);
	} else {
		/* It is its own: that is no news. */
		kin_expect(k->home, troupe_register(self, "a name") == TROUPE_OK);
	}
	kin_expect(k->home, strcmp(troupe_name(self), "well known") == 0);
	kin_expect(k->home, troupe_parent(self) != 0);
	return 0;
}

START_TEST(test_system_restart_keeps_handle_and_names)
{
	house h;
	kin a = { .start = be_known }, s = { .class_ = &kin_slow_class, .children = &a, .child_count = 1 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &s);
	troupe_ref ref = a.ref;
	for (uint32_t life = 1; life <= 3; life++) {
		kin_fail(&a, 1);
		house_pass(&h, 50 * TROUPE_MS);
		/* In the backoff too. */
		ck_assert_uint_eq(a.stops, life);
		ck_assert_uint_eq(a.starts, life);
		ck_assert_uint_eq(troupe_lookup(h.t, "a name"), ref);
		ck_assert_uint_eq(troupe_lookup(h.t, "another"), ref);
		house_settle(&h);
		ck_assert_uint_eq(a.starts, life + 1);
		ck_assert_uint_eq(a.ref, ref);
		ck_assert_uint_eq(troupe_lookup(h.t, "a name"), ref);
	}
	sys_assert_status(troupe_stop(ref, TROUPE_STOP_NOW), TROUPE_OK);
	house_settle(&h);
	ck_assert_uint_eq(troupe_lookup(h.t, "a name"), 0);
	ck_assert_uint_eq(troupe_lookup(h.t, "another"), 0);
	house_close(&h);
}
END_TEST

START_TEST(test_system_restart_keeps_the_messages_in_order)
{
	kin_pair *p = kin_pair_begin(&kin_slow_class, _i);

	kin_fail(&p->a, 7);
	for (uint32_t i = 1; i <= 3; i++)
		kin_send(&p->a, i);
	house_pass(&p->h, 10 * TROUPE_MS);
	assert_journal(&p->h, "a:1000 a!7 a-R");
	kin_send(&p->a, 4);
	sys_assert_status(troupe_send_urgent(p->a.ref, 5, NULL, 0), TROUPE_OK);
	kin_send(&p->a, 6);
	sys_assert_status(troupe_send_urgent(p->a.ref, 8, NULL, 0), TROUPE_OK);
	/* That these wait keeps nobody from draining. */
	sys_assert_status(troupe_drain(p->h.t, TROUPE_FOREVER), TROUPE_OK);
	troupe_totals totals = house_settle(&p->h);
	assert_journal(&p->h, "a:1000 a!7 a-R a+ a:5 a:8 a:1 a:2 a:3 a:4 a:6");
	ck_assert_uint_eq(totals.dead, 0);
	kin_pair_end(p);
}
END_TEST

/* Those that come with an order of the supervisor's too. */
START_TEST(test_system_restart_keeps_in_order_what_comes_meanwhile)
{
	kin_pair *p = kin_pair_begin(&kin_at_once_class, _i);

	p->a.on = kin_expect_next;
	for (uint32_t i = 1; i <= 60; i++) {
		if (i % 16 == 1)
			kin_fail(&p->a, 1);
		kin_send(&p->a, i);
		if (i % 3)
			(void)troupe_run_once(p->h.t);
	}
	house_settle(&p->h);
	ck_assert_uint_eq(p->a.number, 60);
	ck_assert_uint_eq(p->a.starts, 5);
	kin_pair_end(p);
}
END_TEST

static void
stash_some(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	if (k->starts == 1 && msg->type < 10)
		kin_expect(k->home, troupe_stash(self) == TROUPE_OK);
}

START_TEST(test_system_restart_puts_the_stash_in_front)
{
	kin_pair *p = kin_pair_begin(&kin_slow_class, _i);

	p->a.on = stash_some;
	for (uint32_t i = 1; i <= 3; i++)
		kin_send(&p->a, i);
	sys_assert_status(troupe_drain(p->h.t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_status(troupe_send_urgent(p->a.ref, 4, NULL, 0), TROUPE_OK);
	sys_assert_status(troupe_drain(p->h.t, TROUPE_FOREVER), TROUPE_OK);
	house_forget(&p->h);
	kin_fail(&p->a, 7);
	kin_send(&p->a, 11);
	kin_send(&p->a, 12);
	house_pass(&p->h, 10 * TROUPE_MS);
	kin_send(&p->a, 13);
	sys_assert_status(troupe_send_urgent(p->a.ref, 14, NULL, 0), TROUPE_OK);
	troupe_totals totals = house_settle(&p->h);
	assert_journal(&p->h, "a:1000 a!7 a-R a+ a:4 a:14 a:1 a:2 a:3 a:11 a:12 a:13");
	/* Each once, and what let the time pass. */
	ck_assert_uint_eq(totals.handled, 9 + 1);
	kin_pair_end(p);
}
END_TEST

static void
watch(troupe_actor *self, kin *k, void *who)
{
	kin_expect(k->home, (k->number = troupe_monitor(self, ((const kin *)who)->ref)) != 0);
}

START_TEST(test_system_restart_is_no_end_for_who_monitors_or_is_linked)
{
	kin_pair *p = kin_pair_begin(&kin_at_once_class, _i);
	kin w = { .on = kin_count_downs }, l = { 0 };

	kin_spawn(&p->h, &w);
	kin_spawn(&p->h, &l);
	kin_let(&w, watch, &p->a);
	kin_let(&l, kin_tie, &p->a);
	for (int i = 0; i < 4; i++)
		kin_fail(&p->a, i);
	house_settle(&p->h);
	ck_assert_uint_eq(p->a.starts, 5);
	ck_assert_uint_eq(w.downs, 0);
	ck_assert_uint_eq(l.stops, 0);
	/* Both are still there: it is told when it comes to its end. */
	kin_fail(&l, 1);
	house_settle(&p->h);
	ck_assert_int_eq(p->a.reason, TROUPE_REASON_LINKED);
	ck_assert_uint_eq(p->a.starts, 5);
	ck_assert_uint_eq(w.downs, 1);
	kin_pair_end(p);
}
END_TEST

/* --- What it ends. --- */

static void
arm_timers(troupe_actor *self, kin *k, void *unused)
{
	(void)unused;
	kin_expect(k->home, troupe_send_after(self, TROUPE_MS, 1, NULL, 0) != 0);
	kin_expect(k->home, troupe_send_after(self, 200 * TROUPE_MS, 2, "12345678901234567890123456789012345", 35) != 0);
	kin_expect(k->home, troupe_send_every(self, TROUPE_MS, TROUPE_MISSED_SKIP, 3, NULL, 0) != 0);
	kin_expect(k->home, troupe_set_idle_timeout(self, TROUPE_MS) == TROUPE_OK);
}

START_TEST(test_system_restart_ends_timers)
{
	kin_pair *p = kin_pair_begin(&kin_slow_class, _i);

	kin_let(&p->a, arm_timers, NULL);
	kin_fail(&p->a, 7);
	kin_send(&p->a, 4);
	house_settle(&p->h);
	assert_journal(&p->h, "a:1000 a!7 a-R a+ a:4");
	kin_pair_end(p);
}
END_TEST

/* They are due already when it fails, or while it waits. */
START_TEST(test_system_restart_ends_timers_whose_ticks_wait)
{
	kin_pair *p = kin_pair_begin(&kin_slow_class, _i);
	const int code = 7;

	kin_let(&p->a, arm_timers, NULL);
	sys_assert_status(troupe_drain(p->h.t, TROUPE_FOREVER), TROUPE_OK);
	for (int i = 0; i < 1100; i++)
		kin_send(&p->s, 1);
	while (troupe_now(p->h.t) < TROUPE_MS + 10000)
		sys_assert_status(troupe_run_once(p->h.t), TROUPE_OK);
	house_forget(&p->h);
	sys_assert_status(troupe_send_urgent(p->a.ref, KIN_FAIL, &code, sizeof code), TROUPE_OK);
	house_settle(&p->h);
	/* Some may have come before it failed, and none after. */
	const char *failed = strstr(p->h.journal, "a!7");
	ck_assert_ptr_nonnull(failed);
	ck_assert_str_eq(failed, "a!7 a-R a+");
	kin_pair_end(p);
}
END_TEST

static void
note_cancelled(troupe_actor *self, void *state, const troupe_answer *answer)
{
	kin *k = ((kin_state *)state)->kin;

	kin_expect(k->home, answer->status == TROUPE_CANCELLED && answer->msg == NULL);
	/* It begins nothing more. */
	kin_expect(k->home, troupe_ask(self, k->ref, 1, NULL, 0, 1, note_cancelled, NULL) == TROUPE_INVALID);
	kin_expect(k->home, troupe_send_after(self, 1, 1, NULL, 0) == 0);
	k->downs++;
}

static void
ask_somebody(troupe_actor *self, kin *k, void *who)
{
	for (int i = 0; i < 3; i++)
		kin_expect(k->home, troupe_ask(self, ((const kin *)who)->ref, 50, NULL, 0, TROUPE_SECOND, note_cancelled, NULL) ==
		                        TROUPE_OK);
	kin_expect(k->home, troupe_await_name(self, "nobody's", TROUPE_SECOND, note_cancelled, NULL) == TROUPE_OK);
	troupe_fail(self, 7, "while it asks");
}

static void
answer_late(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)msg;
	kin_expect(k->home, troupe_reply(self, 51, NULL, 0) == TROUPE_OK);
}

START_TEST(test_system_restart_cancels_asks)
{
	kin_pair *p = kin_pair_begin(&kin_slow_class, _i);
	kin r = { .on = answer_late };

	kin_spawn(&p->h, &r);
	kin_let(&p->a, ask_somebody, &r);
	house_settle(&p->h);
	ck_assert_uint_eq(p->a.downs, 4);
	ck_assert_uint_eq(r.handled, 3);
	assert_journal(&p->h, "a!7 a-R a+");
	sys_assert_count(p->h.ledger.dead[TROUPE_LATE], 3);
	kin_pair_end(p);
}
END_TEST

START_TEST(test_system_restart_ends_what_it_monitors)
{
	kin_pair *p = kin_pair_begin(&kin_at_once_class, _i);
	kin w[2] = { { 0 }, { 0 } };

	p->a.on = kin_count_downs;
	for (int i = 0; i < 2; i++) {
		kin_spawn(&p->h, &w[i]);
		kin_let(&p->a, watch, &w[i]);
	}
	house_settle(&p->h);
	kin_fail(&p->a, 1);
	/* This end may come before the failure, and then counts; in the other order it does not. */
	house_settle(&p->h);
	for (int i = 0; i < 2; i++)
		sys_assert_status(troupe_stop(w[i].ref, TROUPE_STOP_NOW), TROUPE_OK);
	house_settle(&p->h);
	ck_assert_uint_eq(w[0].stops + w[1].stops, 2);
	ck_assert_uint_eq(p->a.downs, 0);
	kin_pair_end(p);
}
END_TEST

static void
be_another(troupe_actor *self, void *state, const troupe_msg *msg)
{
	kin_state *s = state;

	s->kin->number++;
	if (msg->type == KIN_FAIL)
		troupe_fail(self, 7, "as another");
}

static void
become_others(troupe_actor *self, kin *k, void *unused)
{
	(void)unused;
	kin_expect(k->home, troupe_become_over(self, kin_receive) == TROUPE_OK);
	kin_expect(k->home, troupe_become_over(self, be_another) == TROUPE_OK);
}

static void
come_back(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)msg;
	kin_expect(k->home, troupe_unbecome(self) == TROUPE_INVALID);
}

START_TEST(test_system_restart_forgets_other_behaviors)
{
	kin_pair *p = kin_pair_begin(&kin_at_once_class, _i);

	kin_let(&p->a, become_others, NULL);
	kin_send(&p->a, 1);
	kin_fail(&p->a, 7);
	p->a.on = come_back;
	kin_send(&p->a, 2);
	house_settle(&p->h);
	ck_assert_uint_eq(p->a.number, 2);
	assert_journal(&p->h, "a!7 a-R a+ a:2");
	kin_pair_end(p);
}
END_TEST

START_TEST(test_system_restart_stops_children_first)
{
	house h;
	kin z = { .tag = 'z' };
	kin xy[2] = { { .tag = 'x', .children = &z, .child_count = 1 }, { .tag = 'y' } };
	kin ab[2] = { { .tag = 'a', .children = xy, .child_count = 2 }, { .tag = 'b' } };
	kin s = { .class_ = &kin_slow_class, .children = ab, .child_count = 2 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &s);
	house_forget(&h);
	troupe_ref before = xy[0].ref;
	kin_fail(&ab[0], 7);
	house_settle(&h);
	assert_journal(&h, "a:1000 a!7 y-P z-P x-P a-R a+ x+ z+ y+");
	sys_assert_status(troupe_send(before, 1, NULL, 0), TROUPE_DEAD);
	house_close(&h);
}
END_TEST

/* --- The callbacks between two lives. --- */

static void
begin_things(troupe_actor *self, kin *k, troupe_reason reason)
{
	kin *child = k;

	if (reason != TROUPE_REASON_RESTART)
		return;
	kin_expect(k->home, troupe_spawn_child(self, &kin_class, &child) == 0 && troupe_last_error() == TROUPE_DEAD);
	kin_expect(k->home, troupe_send_after(self, 1, 1, NULL, 0) == 0 && troupe_last_error() == TROUPE_INVALID);
	kin_expect(k->home, troupe_monitor(self, k->ref) == 0 && troupe_last_error() == TROUPE_INVALID);
	kin_expect(k->home, troupe_link(self, k->number) == TROUPE_INVALID);
	kin_expect(k->home, troupe_ask(self, k->number, 1, NULL, 0, 1, note_cancelled, NULL) == TROUPE_INVALID);
	kin_expect(k->home, troupe_register(self, "late") == TROUPE_INVALID);
	kin_expect(k->home, troupe_set_idle_timeout(self, TROUPE_MS) == TROUPE_INVALID);
	kin_expect(k->home, troupe_unstash(self, SIZE_MAX) == 0);
	kin_expect(k->home, troupe_sender(self) == 0 && troupe_keep(self) == NULL);
	/* Neither of these keeps it from its next life. */
	troupe_stop_self(self, TROUPE_STOP_NOW);
	troupe_fail(self, 8, "at the end of a life");
	/* It sends yet. */
	kin_expect(k->home, troupe_send(k->ref, 4, NULL, 0) == TROUPE_OK);
}

START_TEST(test_system_restart_ends_a_life_in_which_nothing_begins)
{
	kin_pair *p = kin_pair_begin(&kin_slow_class, _i);

	p->a.on = stash_some;
	p->a.stop = begin_things;
	p->a.number = p->s.ref;
	kin_send(&p->a, 3);
	kin_fail(&p->a, 7);
	troupe_totals totals = house_settle(&p->h);
	assert_journal(&p->h, "a:3 a:1000 a!7 a-R a!8 a+ a:3 a:4");
	ck_assert_uint_eq(totals.failed, 2);
	ck_assert_uint_eq(totals.restarted, 1);
	kin_pair_end(p);
}
END_TEST

/* The other way round: a start begins what it likes. */
static int
begin_anew(troupe_actor *self, kin *k)
{
	kin_expect(k->home, troupe_send_after(self, TROUPE_MS, 20 + k->starts, NULL, 0) != 0);
	kin_expect(k->home, troupe_monitor(self, 1 | (troupe_ref)1 << 32) != 0);
	kin_expect(k->home, troupe_send(k->ref, 10 + k->starts, NULL, 0) == TROUPE_OK);
	return 0;
}

START_TEST(test_system_restart_begins_a_life_in_which_all_begins)
{
	house h;
	kin a = { .start = begin_anew, .on = kin_count_downs };
	kin s = { .class_ = &kin_slow_class, .children = &a, .child_count = 1 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &s);
	house_settle(&h);
	for (uint32_t life = 2; life < 5; life++) {
		a.tag = '\0';
		kin_fail(&a, 1);
		house_settle(&h);
		ck_assert_uint_eq(a.starts, life);
		ck_assert_uint_eq(a.downs, life);
		ck_assert_uint_eq(a.handled, 4 * life - 1);
	}
	house_close(&h);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_restart");
	TCase *tc = tcase_create("restart");

	tcase_add_loop_test(tc, test_system_restart_zeroes_the_state, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_restart_gives_the_argument_that_was_kept, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_restart_keeps_handle_and_names, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_keeps_the_messages_in_order, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_keeps_in_order_what_comes_meanwhile, 0, 4 * SEEDS);
	tcase_add_loop_test(tc, test_system_restart_puts_the_stash_in_front, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_is_no_end_for_who_monitors_or_is_linked, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_ends_timers, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_ends_timers_whose_ticks_wait, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_cancels_asks, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_ends_what_it_monitors, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_forgets_other_behaviors, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_stops_children_first, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_ends_a_life_in_which_nothing_begins, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_restart_begins_a_life_in_which_all_begins, 0, SEEDS);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
