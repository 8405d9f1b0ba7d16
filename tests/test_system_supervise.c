/* SPDX-License-Identifier: MIT */

/*
 * Supervisors: which children are stopped and started, in which order, how
 * soon, and when a supervisor fails instead.  In virtual time, for many seeds.
 */

#include "tests/kin.h"
#include "tests/suite.h"

#define SEEDS 12

#define AT_ONCE .restarts = 1000, .backoff_ns = -1

KIN_CLASS_OF(one_class, AT_ONCE);
KIN_CLASS_OF(all_class, .strategy = TROUPE_ALL_FOR_ONE, AT_ONCE);
KIN_CLASS_OF(rest_class, .strategy = TROUPE_REST_FOR_ONE, AT_ONCE);
KIN_CLASS_OF(default_class, .strategy = TROUPE_ONE_FOR_ONE);
KIN_CLASS_OF(deciding_class, .decide = kin_decide, AT_ONCE);

/* --- Strategies. --- */

static void
check_strategy(const troupe_class *class_, int seed, int which, const char *journal)
{
	kin_family *f = kin_family_begin(class_, seed);

	kin_fail(&f->a[which], 7);
	troupe_totals totals = house_settle(&f->h);
	assert_journal(&f->h, journal);
	ck_assert_uint_eq(totals.failed, 1);
	ck_assert_uint_eq(totals.restarted, f->a[0].stops + f->a[1].stops + f->a[2].stops);
	house_forget(&f->h);
	kin_family_end(f);
	assert_journal(&f->h, "c-C b-C a-C s-C");
}

START_TEST(test_system_supervise_one_for_one_restarts_the_one)
{
	check_strategy(&one_class, _i, 0, "a:1000 a!7 a-R a+");
	check_strategy(&one_class, _i, 1, "b:1000 b!7 b-R b+");
	check_strategy(&one_class, _i, 2, "c:1000 c!7 c-R c+");
}
END_TEST

START_TEST(test_system_supervise_all_for_one_restarts_all_in_order)
{
	check_strategy(&all_class, _i, 0, "a:1000 a!7 c-R b-R a-R a+ b+ c+");
	check_strategy(&all_class, _i, 1, "b:1000 b!7 c-R b-R a-R a+ b+ c+");
	check_strategy(&all_class, _i, 2, "c:1000 c!7 c-R b-R a-R a+ b+ c+");
}
END_TEST

START_TEST(test_system_supervise_rest_for_one_restarts_the_later_ones)
{
	check_strategy(&rest_class, _i, 0, "a:1000 a!7 c-R b-R a-R a+ b+ c+");
	check_strategy(&rest_class, _i, 1, "b:1000 b!7 c-R b-R b+ c+");
	check_strategy(&rest_class, _i, 2, "c:1000 c!7 c-R c+");
}
END_TEST

/* Those that are spawned later, in a behavior, are supervised like the others, and come after them. */
static void
spawn_late(troupe_actor *self, kin *k, void *child_)
{
	kin *child = child_;

	child->home = k->home;
	kin_expect(k->home, troupe_spawn_child(self, &kin_class, &child) != 0);
}

START_TEST(test_system_supervise_counts_children_by_their_spawns)
{
	kin_family *f = kin_family_begin(&rest_class, _i);
	kin d = { .tag = 'd' };

	kin_let(&f->s, spawn_late, &d);
	house_settle(&f->h);
	kin_fail(&f->a[2], 7);
	house_settle(&f->h);
	assert_journal(&f->h, "d+ c:1000 c!7 d-R c-R c+ d+");
	kin_family_end(f);
}
END_TEST

/* --- Children that end. --- */

static void
stop_after(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)k;
	(void)msg;
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class *const strategies[] = { &one_class, &all_class, &rest_class };

START_TEST(test_system_supervise_leaves_alone_who_ends_without_failing)
{
	kin_family *f = kin_family_begin(strategies[_i % 3], _i);

	f->a[0].on = stop_after;
	kin_send(&f->a[0], 1);
	house_settle(&f->h);
	assert_journal(&f->h, "a:1 a-S");
	sys_assert_status(troupe_stop(f->a[1].ref, TROUPE_STOP_DRAIN), TROUPE_OK);
	house_settle(&f->h);
	assert_journal(&f->h, "a:1 a-S b-A");
	/* It is a group of one now. */
	kin_fail(&f->a[2], 2);
	house_settle(&f->h);
	assert_journal(&f->h, "a:1 a-S b-A c:1000 c!2 c-R c+");
	sys_assert_status(troupe_send(f->a[0].ref, 1, NULL, 0), TROUPE_DEAD);
	kin_family_end(f);
}
END_TEST

/* --- Two at once. --- */

START_TEST(test_system_supervise_restarts_two_that_fail_at_once)
{
	kin_family *f = kin_family_begin(strategies[_i % 3], _i);

	kin_fail(&f->a[0], 1);
	kin_fail(&f->a[2], 3);
	troupe_totals totals = house_settle(&f->h);
	ck_assert_uint_eq(totals.failed, 2);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(f->a[i].starts, f->a[i].stops + 1);
		ck_assert_uint_eq(f->a[i].handled, i != 1);
		ck_assert_uint_le(f->a[i].starts, 3);
		/* Whoever is restarted twice is because the other failed in between. */
		ck_assert_uint_ge(f->a[i].starts, i == 1 && _i % 3 == 0 ? 1 : 2);
	}
	for (int i = 0; i < 3; i++) {
		ck_assert(_i % 3 != 1 || f->a[i].starts == f->a[0].starts);
		kin_send(&f->a[i], 9);
	}
	house_settle(&f->h);
	ck_assert_uint_eq(f->a[1].handled, 1);
	kin_family_end(f);
}
END_TEST

/* --- Decisions. --- */

START_TEST(test_system_supervise_resumes_with_the_state_as_it_is)
{
	kin_family *f = kin_family_begin(&deciding_class, _i);

	f->s.decision = TROUPE_RESUME;
	kin_send(&f->a[0], 1);
	kin_fail(&f->a[0], 7);
	kin_send(&f->a[0], 2);
	kin_send(&f->a[0], 3);
	troupe_totals totals = house_settle(&f->h);
	assert_journal(&f->h, "a:1 a:1000 a!7 s?7 a:2 a:3");
	ck_assert_uint_eq(totals.restarted, 0);
	ck_assert_uint_eq(f->a[0].handled, 4);
	/* As often as it likes. */
	for (int i = 0; i < 10; i++)
		kin_fail(&f->a[0], i);
	kin_send(&f->a[0], 4);
	house_settle(&f->h);
	ck_assert_uint_eq(f->a[0].handled, 15);
	ck_assert_uint_eq(f->s.decided, 11);
	kin_family_end(f);
}
END_TEST

static void
watch(troupe_actor *self, kin *k, void *who)
{
	kin_expect(k->home, troupe_monitor(self, ((kin *)who)->ref) != 0);
}

/* As the whole of a DOWN says. */
static void
expect_failed(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	const troupe_down *down = troupe_body(msg, sizeof *down);
	const kin *who = k->more;

	(void)self;
	if (msg->type != TROUPE_DOWN)
		return;
	k->downs++;
	kin_expect(k->home, down->who == who->ref && down->reason == TROUPE_REASON_FAILED);
	kin_expect(k->home, down->code == (int)who->number && strcmp(down->text, "as it was told") == 0);
}

START_TEST(test_system_supervise_stops_for_having_failed)
{
	kin_family *f = kin_family_begin(&deciding_class, _i);
	kin w = { .on = expect_failed, .more = &f->a[1] };

	f->s.decision = TROUPE_STOP;
	f->a[1].number = 8;
	kin_spawn(&f->h, &w);
	kin_let(&w, watch, &f->a[1]);
	house_settle(&f->h);
	kin_fail(&f->a[1], 8);
	kin_send(&f->a[1], 2);
	troupe_totals totals = house_settle(&f->h);
	assert_journal(&f->h, "b:1000 b!8 s?8 b-F");
	ck_assert_uint_eq(w.downs, 1);
	ck_assert_uint_eq(totals.dead, 1);
	sys_assert_count(f->h.ledger.dead[TROUPE_DEAD], 1);
	sys_assert_count(f->h.ledger.dead[TROUPE_FAILED], 1);
	sys_assert_status(troupe_send(f->a[1].ref, 1, NULL, 0), TROUPE_DEAD);
	kin_family_end(f);
}
END_TEST

START_TEST(test_system_supervise_escalates_to_the_top)
{
	kin_family *f = kin_family_begin(&deciding_class, _i);
	kin w = { .on = expect_failed, .more = &f->s };

	f->s.decision = TROUPE_ESCALATE;
	f->s.number = 5;
	kin_spawn(&f->h, &w);
	kin_let(&w, watch, &f->s);
	house_settle(&f->h);
	kin_fail(&f->a[1], 5);
	kin_send(&f->a[1], 2);
	troupe_totals totals = house_settle(&f->h);
	assert_journal(&f->h, "b:1000 b!5 s?5 s!5 c-P b-P a-P s-F");
	ck_assert_uint_eq(w.downs, 1);
	ck_assert_uint_eq(totals.spawned, totals.stopped + 1);
	kin_family_end(f);
}
END_TEST

static void
expect_escalated(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	kin_expect(k->home, strcmp(failure->text, "as it was told") == 0 && failure->msg_type == 0);
}

START_TEST(test_system_supervise_escalates_from_one_to_the_next)
{
	kin a = { .tag = 'a' }, b = { .tag = 'b' };
	kin s = { .tag = 's', .class_ = &deciding_class, .children = &a, .child_count = 1, .decision = TROUPE_ESCALATE };
	kin r = { .tag = 'r', .class_ = &deciding_class, .children = &s, .child_count = 1, .decision = TROUPE_ESCALATE };
	kin tops[2] = { r, b };
	kin g = { .tag = 'g', .class_ = &all_class, .children = tops, .child_count = 2 };
	house h;

	s.failed = tops[0].failed = expect_escalated;
	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &g);
	assert_journal(&h, "g+ r+ s+ a+ b+");
	house_forget(&h);
	kin_fail(&a, 6);
	troupe_totals totals = house_settle(&h);
	assert_journal(&h, "a:1000 a!6 s?6 s!6 r?6 r!6 b-R a-P s-P r-R r+ s+ a+ b+");
	ck_assert_uint_eq(totals.restarted, 2);
	ck_assert_uint_eq(totals.failed, 3);
	house_close(&h);
}
END_TEST

/* Somebody else's messages, which are in hand now and then. */
static void
go_on_talking(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)self;
	if (msg->type > 1)
		kin_expect(k->home, troupe_send(k->ref, msg->type - 1, NULL, 0) == TROUPE_OK);
}

static void
begin_talk(house *h, kin *talker)
{
	talker->on = go_on_talking;
	kin_spawn(h, talker);
	kin_send(talker, 60);
}

/* No message is to blame for it: none is buried. */
KIN_CLASS_OF(never_class, .restarts = -1);

START_TEST(test_system_supervise_escalates_over_no_message)
{
	kin_family *f = kin_family_begin(&never_class, _i);
	kin talker = { 0 };

	f->s.failed = expect_escalated;
	begin_talk(&f->h, &talker);
	kin_fail(&f->a[0], 1);
	house_settle(&f->h);
	assert_journal(&f->h, "a:1000 a!1 s!1 c-P b-P a-P s-F");
	sys_assert_count(f->h.ledger.dead[TROUPE_FAILED], 1);
	ck_assert_uint_eq(talker.handled, 60);
	sys_assert_status(troupe_stop(talker.ref, TROUPE_STOP_NOW), TROUPE_OK);
	kin_family_end(f);
}
END_TEST

static troupe_decision
decide_by_failing(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)k;
	troupe_fail(self, failure->code + 10, "cannot decide");
	return TROUPE_RESUME;
}

static void
expect_undecided(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	kin_expect(k->home, strcmp(failure->text, "cannot decide") == 0);
}

START_TEST(test_system_supervise_escalates_when_it_fails_to_decide)
{
	kin_family *f = kin_family_begin(&deciding_class, _i);

	f->s.decide = decide_by_failing;
	f->s.failed = expect_undecided;
	kin_fail(&f->a[0], 1);
	kin_send(&f->a[0], 2);
	house_settle(&f->h);
	assert_journal(&f->h, "a:1000 a!1 s?1 s!11 c-P b-P a-P s-F");
	kin_family_end(f);
}
END_TEST

/* All that a supervisor is told. */
static troupe_decision
check_failure(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	const kin *child = k->more;

	kin_expect(k->home, failure->who == child->ref);
	kin_expect(k->home, strcmp(failure->class_name, "kin") == 0 && strcmp(failure->actor_name, "the child") == 0);
	kin_expect(k->home, failure->msg_type == KIN_FAIL && strcmp(failure->text, "as it was told") == 0);
	kin_expect(k->home, failure->restarts == child->starts - 1);
	kin_expect(k->home, troupe_sender(self) == 0 && troupe_keep(self) == NULL && troupe_stash(self) == TROUPE_INVALID);
	return TROUPE_RESTART;
}

static int
take_a_name(troupe_actor *self, kin *k)
{
	kin_expect(k->home, troupe_set_name(self, "the child") == TROUPE_OK);
	return 0;
}

START_TEST(test_system_supervise_is_told_all_of_a_failure)
{
	kin a = { .tag = 'a', .start = take_a_name };
	kin s = { .tag = 's', .class_ = &deciding_class, .children = &a, .child_count = 1, .decide = check_failure };
	house h;

	house_open(&h, (uint64_t)_i);
	s.more = &a;
	kin_spawn(&h, &s);
	for (int i = 0; i < 4; i++) {
		kin talker = { 0 };

		begin_talk(&h, &talker);
		kin_fail(&a, i);
		house_settle(&h);
		sys_assert_status(troupe_stop(talker.ref, TROUPE_STOP_NOW), TROUPE_OK);
		house_settle(&h);
	}
	ck_assert_uint_eq(s.decided, 4);
	ck_assert_uint_eq(a.starts, 5);
	house_close(&h);
}
END_TEST

/* What is resumed above resumes what it had escalated: nobody waits for a decision that does not come. */
START_TEST(test_system_supervise_forgets_nobody_when_it_is_resumed_itself)
{
	kin a = { .tag = 'a' };
	kin s = { .tag = 's', .class_ = &deciding_class, .children = &a, .child_count = 1, .decision = TROUPE_ESCALATE };
	kin g = { .tag = 'g', .class_ = &deciding_class, .children = &s, .child_count = 1, .decision = TROUPE_RESUME };
	house h;

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &g);
	kin_fail(&a, 3);
	kin_send(&a, 1);
	house_settle(&h);
	ck_assert_uint_eq(a.handled, 2);
	house_close(&h);
}
END_TEST

/* --- Starts that fail. --- */

static int
refuse_later(troupe_actor *self, kin *k)
{
	(void)self;
	return k->starts > 1 ? 5 : 0;
}

static int
fail_later(troupe_actor *self, kin *k)
{
	if (k->starts > 1)
		troupe_fail(self, 6, "no start");
	return 0;
}

static void
expect_start_text(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	if (failure->code == 5)
		kin_expect(k->home, strcmp(failure->text, "start refused with 5") == 0 && failure->msg_type == 0);
	if (failure->code == 6)
		kin_expect(k->home, strcmp(failure->text, "no start") == 0 && failure->msg_type == 0);
}

START_TEST(test_system_supervise_gives_up_a_child_that_never_starts)
{
	kin_family *f = kin_family_begin(&default_class, _i);
	bool refuses = _i % 2 == 0;

	f->a[1].start = refuses ? refuse_later : fail_later;
	f->a[1].failed = f->s.failed = expect_start_text;
	kin_fail(&f->a[1], 1);
	kin_send(&f->a[1], 2);
	troupe_totals totals = house_settle(&f->h);
	/* Five restarts in which no life began, so that there is none to be stopped. */
	assert_journal(&f->h, refuses ? "b:1000 b!1 b-R b+ b!5 b+ b!5 b+ b!5 b+ b!5 b+ b!5 s!5 c-P a-P s-F"
	                              : "b:1000 b!1 b-R b+ b!6 b+ b!6 b+ b!6 b+ b!6 b+ b!6 s!6 c-P a-P s-F");
	ck_assert_uint_eq(totals.restarted, 0);
	ck_assert_uint_eq(totals.dead, 1);
	ck_assert_uint_eq(totals.spawned, totals.stopped);
	kin_family_end(f);
}
END_TEST

static int
refuse_twice(troupe_actor *self, kin *k)
{
	(void)self;
	return k->starts == 2 || k->starts == 3;
}

START_TEST(test_system_supervise_goes_on_with_the_group_when_a_start_fails)
{
	kin_family *f = kin_family_begin(&all_class, _i);

	f->a[1].start = refuse_twice;
	kin_fail(&f->a[2], 7);
	kin_send(&f->a[1], 4);
	house_settle(&f->h);
	/* Each time all begin anew, and who has not begun has nothing to end. */
	ck_assert_uint_eq(f->a[0].starts, 4);
	ck_assert_uint_eq(f->a[1].starts, 4);
	ck_assert_uint_eq(f->a[2].starts, 2);
	ck_assert_uint_eq(f->a[0].stops, 3);
	ck_assert_uint_eq(f->a[1].stops, 1);
	ck_assert_uint_eq(f->a[2].stops, 1);
	ck_assert_uint_eq(f->a[1].handled, 1);
	kin_family_end(f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_supervise");
	TCase *tc = tcase_create("strategies");

	tcase_add_loop_test(tc, test_system_supervise_one_for_one_restarts_the_one, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_all_for_one_restarts_all_in_order, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_rest_for_one_restarts_the_later_ones, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_counts_children_by_their_spawns, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_leaves_alone_who_ends_without_failing, 0, 3 * SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_restarts_two_that_fail_at_once, 0, 3 * SEEDS);
	suite_add_tcase(suite, tc);
	tc = tcase_create("decisions");
	tcase_add_loop_test(tc, test_system_supervise_resumes_with_the_state_as_it_is, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_stops_for_having_failed, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_escalates_to_the_top, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_escalates_from_one_to_the_next, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_escalates_over_no_message, 0, 4 * SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_escalates_when_it_fails_to_decide, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_is_told_all_of_a_failure, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_forgets_nobody_when_it_is_resumed_itself, 0, SEEDS);
	suite_add_tcase(suite, tc);
	tc = tcase_create("starts that fail");
	tcase_add_loop_test(tc, test_system_supervise_gives_up_a_child_that_never_starts, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_supervise_goes_on_with_the_group_when_a_start_fails, 0, SEEDS);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
