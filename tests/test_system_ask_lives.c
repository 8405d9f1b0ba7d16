/* SPDX-License-Identifier: MIT */

/*
 * Asks and the lives of those who ask and are asked: oneself, in start, across
 * restarts, in another runtime.
 */

#include "tests/asking.h"
#include "tests/suite.h"

/* --- Oneself. --- */

typedef struct own {
	outcome came[3];
	uint32_t handled, wrong;
	bool in_hand; /* a message is being handled */
} own;

static void
note_between(troupe_actor *self, void *state, const troupe_answer *answer)
{
	own *o = *(own **)state;

	o->wrong += o->in_hand;
	note_outcome(self, state, answer);
}

static void
ask_oneself(troupe_actor *self, void *state, const troupe_msg *msg)
{
	own *o = *(own **)state;

	o->in_hand = true;
	o->handled++;
	if (msg->type == 1) {
		for (uint32_t i = 0; i < 3; i++)
			o->wrong += troupe_ask(self, troupe_self(self), 2 + i, NULL, 0, INT64_MAX, note_between,
			    &o->came[i]) != TROUPE_OK;
	} else if (msg->type == 2) {
		o->wrong += troupe_reply(self, ANSWERED, NULL, 0) != TROUPE_OK;
	} else if (msg->type == 3) {
		o->wrong += troupe_reply_error(self, 3, "to myself") != TROUPE_OK;
	}
	o->in_hand = false;
}

static int
start_with_pointer(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(void *));
	return 0;
}

static const troupe_class own_class = {
	.state_size = sizeof(own *),
	.start = start_with_pointer,
	.receive = ask_oneself,
};

START_TEST(test_system_ask_oneself_is_answered_between_messages)
{
	sys_ledger ledger = { 0 };
	own o = { 0 }, *argument = &o;
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);

	sys_send(sys_spawn(t, &own_class, &argument), 1, NULL, 0);
	sys_wait(t);
	assert_outcome(o.came[0], TROUPE_OK);
	assert_outcome(o.came[1], TROUPE_FAILED);
	assert_outcome(o.came[2], TROUPE_UNANSWERED);
	ck_assert_uint_eq(o.handled, 4);
	ck_assert_uint_eq(o.wrong, 0);
	sys_close(t, &ledger);
}
END_TEST

/* --- In start. --- */

typedef struct beginner {
	asking a;
	bool refuse, has_child;
} beginner;

static const troupe_class idle_class = { .receive = sys_ignore };

static int
ask_in_start(troupe_actor *self, void *state, const void *argument)
{
	beginner *b = *(beginner *const *)argument;

	(void)state;
	if (b->has_child)
		(void)troupe_spawn_child(self, &idle_class, NULL);
	ask_it(self, &b->a);
	return b->refuse;
}

static const troupe_class beginner_class = { .start = ask_in_start, .receive = sys_ignore };
static const troupe_class dedicated_beginner_class = {
	.start = ask_in_start,
	.receive = sys_ignore,
	.flags = TROUPE_DEDICATED,
};

START_TEST(test_system_ask_in_start_is_answered_unless_that_refuses)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r);

	for (int k = 0; k < 8; k++) {
		beginner b = { .a = { .to = to, .type = ANSWER }, .refuse = k & 1, .has_child = k & 2 }, *argument = &b;
		troupe_ref who = troupe_spawn(t, k & 4 ? &dedicated_beginner_class : &beginner_class, &argument);

		ck_assert_int_eq(who == 0, b.refuse);
		sys_wait(t);
		sys_assert_status(b.a.asked, TROUPE_OK);
		assert_outcome(b.a.came, b.refuse ? TROUPE_CANCELLED : TROUPE_OK);
	}
	sys_assert_count(r.handled, 8);
	sys_close(t, &ledger);
}
END_TEST

/* --- From callbacks. --- */

typedef struct chain {
	troupe_ref to;
	uint32_t left, answered, wrong;
	bool fail, stop;
} chain;

static void
ask_next(troupe_actor *self, void *state, const troupe_answer *answer)
{
	chain *c = answer->context;

	(void)state;
	c->wrong += answer->status != TROUPE_OK;
	c->answered++;
	if (c->left-- > 0) {
		c->wrong += troupe_ask(self, c->to, ANSWER, NULL, 0, INT64_MAX, ask_next, c) != TROUPE_OK;
	} else {
		if (c->stop)
			troupe_stop_self(self, TROUPE_STOP_NOW);
		if (c->fail)
			troupe_fail(self, 1, "in a callback");
	}
}

static void
begin_chain(troupe_actor *self, void *argument)
{
	chain *c = argument;

	c->wrong += troupe_ask(self, c->to, ANSWER, NULL, 0, INT64_MAX, ask_next, c) != TROUPE_OK;
}

START_TEST(test_system_ask_from_its_callback_again_and_again)
{
	uint32_t times = (uint32_t)SYS_SCALED(2000);
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r);

	for (int k = 0; k < 3; k++) {
		chain c = { .to = to, .left = times, .fail = k == 1, .stop = k == 2 };
		troupe_totals before, after;

		troupe_get_totals(t, &before);
		act_in(sys_spawn(t, &act_class, NULL), begin_chain, &c);
		after = sys_wait(t);
		ck_assert_uint_eq(c.answered, times + 1);
		ck_assert_uint_eq(c.wrong, 0);
		ck_assert_uint_eq(after.stopped - before.stopped, k != 0);
		ck_assert_uint_eq(after.failed - before.failed, k == 1);
	}
	sys_close(t, &ledger);
}
END_TEST

/* What is asked for when all ends is refused, and the callback is not called again. */
static void
ask_at_the_end(troupe_actor *self, void *state, const troupe_answer *answer)
{
	chain *c = answer->context;

	(void)state;
	c->answered += answer->status == TROUPE_CANCELLED || answer->status == TROUPE_CLOSING;
	c->wrong += troupe_ask(self, c->to, KEEP, NULL, 0, INT64_MAX, ask_at_the_end, c) == TROUPE_OK;
	troupe_fail(self, 1, "at the end of an ask");
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
ask_thrice_and_end(troupe_actor *self, void *argument)
{
	chain *c = argument;

	for (int i = 0; i < 3; i++)
		c->wrong += troupe_ask(self, c->to, STASH_IT, NULL, 0, INT64_MAX, ask_at_the_end, c) != TROUPE_OK;
	if (c->stop)
		troupe_stop_self(self, TROUPE_STOP_NOW);
	if (c->fail)
		troupe_fail(self, 1, "with asks open");
}

START_TEST(test_system_ask_in_the_callback_of_a_cancelled_one_is_refused)
{
	for (int k = 0; k < 3; k++) {
		sys_ledger ledger = { 0 };
		responder r = { 0 };
		troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
		chain c = { .to = sys_spawn(t, &responder_class, &r), .fail = k == 1, .stop = k == 2 };

		act_in(sys_spawn(t, &act_class, NULL), ask_thrice_and_end, &c);
		sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
		sys_close(t, &ledger);
		ck_assert_uint_eq(c.answered, 3);
		ck_assert_uint_eq(c.wrong, 0);
	}
}
END_TEST

/* --- Restarts. --- */

typedef struct family {
	const troupe_class *child_class;
	responder *r;
	troupe_ref child;
} family;

static int
start_family(troupe_actor *self, void *state, const void *argument)
{
	family *f = *(family *const *)argument;

	(void)state;
	f->child = troupe_spawn_child(self, f->child_class, &f->r);
	return f->child == 0;
}

static const troupe_supervisor restarting = { .backoff_ns = 50 * TROUPE_MS };
static const troupe_class family_class = {
	.start = start_family,
	.receive = sys_ignore,
	.supervisor = &restarting,
};

static int
start_life(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(responder *));
	return 0;
}

/* The responder, with an argument that is kept. */
static troupe_class
reborn_class(void)
{
	troupe_class class_ = responder_class;

	class_.start = start_life;
	class_.argument_size = sizeof(responder *);
	return class_;
}

static void
fail_and_ask(troupe_actor *self, void *two_askings)
{
	asking *a = two_askings;

	ask_it(self, &a[0]);
	ask_it(self, &a[1]);
	ask_it(self, &a[2]);
}

START_TEST(test_system_ask_of_a_restarting_actor_is_answered_after_the_restart)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe_class class_ = reborn_class();
	family f = { .child_class = &class_, .r = &r }, *argument = &f;
	troupe *t = asking_open_virtual(&ledger);

	(void)sys_spawn(t, &family_class, &argument);
	/* The first request fails it; one that waits then, and one that comes in the backoff. */
	asking a[4] = { { .to = f.child, .type = FAIL_OVER }, { .to = f.child, .type = ANSWER },
		{ .to = f.child, .type = ANSWER, .timeout_ns = TROUPE_MS }, { .to = f.child, .type = ANSWER } };
	int64_t begun = troupe_now(t);

	act_in(sys_spawn(t, &act_class, NULL), fail_and_ask, a);
	/* Until the backoff is all there is. */
	sys_assert_status(troupe_drain(t, TROUPE_SECOND), TROUPE_OK);
	ck_assert_int_lt(troupe_now(t) - begun, 30 * TROUPE_MS);
	ck_assert_uint_eq(a[0].came.calls, 1);
	ck_assert_uint_eq(a[1].came.calls, 0);
	act_in(sys_spawn(t, &act_class, NULL), ask_it, &a[3]);
	troupe_totals totals = sys_wait(t);
	assert_outcome(a[0].came, TROUPE_FAILED);
	assert_outcome(a[1].came, TROUPE_OK);
	assert_outcome(a[2].came, TROUPE_TIMEOUT);
	assert_outcome(a[3].came, TROUPE_OK);
	/* It could not have kept what it has not seen. */
	ck_assert_msg(strstr(a[2].came.text, "idle") == NULL, "%s", a[2].came.text);
	ck_assert_int_ge(troupe_now(t) - begun, 30 * TROUPE_MS);
	ck_assert_uint_eq(totals.restarted, 1);
	sys_assert_count(ledger.dead[TROUPE_LATE], 1);
	sys_assert_count(r.wrong, 0);
	sys_close(t, &ledger);
}
END_TEST

/* A request that was kept in the life before can be answered by the next. */
START_TEST(test_system_ask_kept_outlives_a_restart)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe_class class_ = reborn_class();
	family f = { .child_class = &class_, .r = &r }, *argument = &f;
	troupe *t = asking_open_virtual(&ledger);

	(void)sys_spawn(t, &family_class, &argument);
	asking a[3] = { { .to = f.child, .type = KEEP }, { .to = f.child, .type = FAIL_OVER },
		{ .to = f.child, .type = ANSWER_KEPT } };

	act_in(sys_spawn(t, &act_class, NULL), fail_and_ask, a);
	sys_wait(t);
	assert_outcome(a[0].came, TROUPE_OK);
	assert_outcome(a[1].came, TROUPE_FAILED);
	assert_outcome(a[2].came, TROUPE_UNANSWERED);
	sys_close(t, &ledger);
}
END_TEST

typedef struct twice {
	troupe_ref to;
	outcome came[2];
	uint32_t lives, wrong;
} twice;

/* The first life asks and fails; the second one asks, in the same place. */
static int
ask_in_each_life(troupe_actor *self, void *state, const void *argument)
{
	twice *w = (twice *)(uintptr_t)(*(responder *const *)argument)->next;

	(void)state;
	w->wrong += troupe_ask(self, w->to, KEEP, NULL, 0, INT64_MAX, note_outcome, &w->came[w->lives]) != TROUPE_OK;
	w->lives++;
	return 0;
}

static void
fail_always(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	troupe_fail(self, 1, "to be restarted");
}

static const troupe_class twice_class = {
	.start = ask_in_each_life,
	.receive = fail_always,
	.argument_size = sizeof(responder *),
};

START_TEST(test_system_ask_is_cancelled_by_the_restart_of_its_asker)
{
	sys_ledger ledger = { 0 };
	responder keeper = { 0 }, carrier = { 0 };
	troupe *t = asking_open_virtual(&ledger);
	twice w = { .to = sys_spawn(t, &responder_class, &keeper) };
	family f = { .child_class = &twice_class, .r = &carrier }, *argument = &f;

	carrier.next = (troupe_ref)(uintptr_t)&w;
	(void)sys_spawn(t, &family_class, &argument);
	sys_assert_status(troupe_drain(t, 0), TROUPE_OK);
	troupe_msg *first = keeper.kept;
	ck_assert_ptr_nonnull(first);
	keeper.kept = NULL;
	sys_send(f.child, 1, NULL, 0);
	/* Until the next life has asked, in virtual time. */
	for (int i = 0; i < 1000 && w.lives < 2; i++)
		(void)troupe_run_once(t);
	ck_assert_uint_eq(w.lives, 2);
	assert_outcome(w.came[0], TROUPE_CANCELLED);
	sys_assert_status(troupe_drain(t, 0), TROUPE_OK);
	/* The answer to the first comes to the second life, too late. */
	sys_assert_status(troupe_answer_kept(&first, ANSWERED, NULL, 0), TROUPE_OK);
	sys_assert_status(troupe_drain(t, 0), TROUPE_OK);
	ck_assert_uint_eq(w.came[1].calls, 0);
	sys_assert_count(ledger.dead[TROUPE_LATE], 1);
	sys_assert_status(troupe_answer_kept(&keeper.kept, ANSWERED, NULL, 0), TROUPE_OK);
	sys_wait(t);
	assert_outcome(w.came[1], TROUPE_OK);
	ck_assert_uint_eq(w.came[0].calls, 1);
	sys_close(t, &ledger);
}
END_TEST

/* --- Another runtime. --- */

START_TEST(test_system_ask_of_an_actor_in_another_runtime)
{
	sys_ledger here = { 0 }, there = { 0 };
	responder r[2] = { 0 };
	troupe *t = asking_open(2, &here), *other = asking_open(2, &there);
	troupe_ref to = sys_spawn(other, &responder_class, &r[0]), asker = sys_spawn(t, &act_class, NULL);
	asking a[4] = { { .to = to, .type = ANSWER }, { .to = to, .type = ANSWER_ERROR }, { .to = to, .type = IGNORE },
		{ .to = to, .type = STASH_IT } };

	for (int i = 0; i < 4; i++)
		act_in(asker, ask_it, &a[i]);
	while (a[2].came.calls == 0 || sys_get(&r[0].handled) < 4) {
		sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
		sys_assert_status(troupe_drain(other, TROUPE_FOREVER), TROUPE_OK);
	}
	assert_outcome(a[0].came, TROUPE_OK);
	assert_outcome(a[1].came, TROUPE_FAILED);
	assert_outcome(a[2].came, TROUPE_UNANSWERED);
	ck_assert_uint_eq(a[3].came.calls, 0);
	sys_close(other, &there);
	sys_wait(t);
	assert_outcome(a[3].came, TROUPE_CLOSING);
	asking gone = { .to = to, .type = ANSWER };
	act_in(asker, ask_it, &gone);
	sys_wait(t);
	sys_assert_status(gone.asked, TROUPE_DEAD);
	sys_close(t, &here);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_ask_lives");
	TCase *tc = tcase_create("lives");

	tcase_add_loop_test(tc, test_system_ask_oneself_is_answered_between_messages, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_ask_in_start_is_answered_unless_that_refuses, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_ask_from_its_callback_again_and_again, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_ask_in_the_callback_of_a_cancelled_one_is_refused, 0, sys_shape_count);
	suite_add_tcase(s, tc);

	tc = tcase_create("restarts");
	tcase_add_test(tc, test_system_ask_of_a_restarting_actor_is_answered_after_the_restart);
	tcase_add_test(tc, test_system_ask_kept_outlives_a_restart);
	tcase_add_test(tc, test_system_ask_is_cancelled_by_the_restart_of_its_asker);
	suite_add_tcase(s, tc);

	tc = tcase_create("runtimes");
	tcase_add_test(tc, test_system_ask_of_an_actor_in_another_runtime);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
