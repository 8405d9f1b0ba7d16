/* SPDX-License-Identifier: MIT */

/*
 * Calls that come to a bad end: closing while threads wait, and answers that
 * come when the caller has long gone and its place is used by something else.
 */

#include "tests/asking.h"
#include "tests/suite.h"

#include <sched.h>

#define A_LONG_TIME (INT64_C(600) * TROUPE_SECOND)

/* --- Closing. --- */

typedef struct waiting {
	troupe_ref to;
	uint32_t type;
	troupe_status status;
	troupe_msg *answer;
} waiting;

static void *
wait_for_answer(void *argument)
{
	waiting *w = argument;

	w->status = troupe_call(w->to, w->type, NULL, 0, A_LONG_TIME, &w->answer, NULL);
	return NULL;
}

static void
await_handled(sys_counter *handled, uint64_t count)
{
	while (sys_get(handled) < count)
		sched_yield();
}

enum { KEEPERS = 5 };

static const int pooled[] = { 1, 2, 8 };

START_TEST(test_system_call_comes_back_when_the_runtime_closes)
{
	sys_ledger ledger = { 0 };
	responder r[KEEPERS] = { 0 };
	troupe *t = asking_open(pooled[_i], &ledger);
	waiting w[KEEPERS] = { 0 };
	pthread_t thread[KEEPERS];

	for (int i = 0; i < KEEPERS; i++) {
		w[i].to = sys_spawn(t, i % 2 ? &dedicated_responder_class : &responder_class, &r[i]);
		w[i].type = KEEP;
		thread[i] = sys_start(wait_for_answer, &w[i]);
		await_handled(&r[i].handled, 1);
	}
	sys_close(t, &ledger);
	for (int i = 0; i < KEEPERS; i++) {
		sys_join(thread[i]);
		sys_assert_status(w[i].status, TROUPE_CLOSING);
		ck_assert_ptr_null(w[i].answer);
		/* To nobody. */
		(void)troupe_answer_kept(&r[i].kept, ANSWERED, NULL, 0);
		ck_assert_ptr_null(r[i].kept);
	}
}
END_TEST

static void
call_from_actor(troupe_actor *self, void *argument)
{
	(void)self;
	(void)wait_for_answer(argument);
}

START_TEST(test_system_call_of_a_dedicated_actor_comes_back_when_the_runtime_closes)
{
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = asking_open(pooled[_i], &ledger);
	waiting w = { .to = sys_spawn(t, &responder_class, &r), .type = KEEP };

	act_in(sys_spawn(t, &dedicated_act_class, NULL), call_from_actor, &w);
	await_handled(&r.handled, 1);
	sys_close(t, &ledger);
	sys_assert_status(w.status, TROUPE_CLOSING);
	troupe_msg_free(&r.kept);
}
END_TEST

typedef struct hasty {
	troupe_ref to;
	_Atomic bool go_on;
	uint64_t status[TROUPE_TAKEN + 1], calls;
} hasty;

static void *
call_until_told(void *argument)
{
	hasty *h = argument;

	do {
		troupe_status status = troupe_call(h->to, h->calls % 3 ? ANSWER : KEEP_AND_DROP, NULL, 0, A_LONG_TIME, NULL, NULL);

		h->status[status]++;
		h->calls++;
		if (status == TROUPE_CLOSING || status == TROUPE_DEAD)
			return NULL;
	} while (atomic_load_explicit(&h->go_on, memory_order_relaxed));
	return NULL;
}

START_TEST(test_system_call_may_be_made_while_the_runtime_closes)
{
	enum { CALLERS = 4 };

	for (int round = 0; round < SYS_SCALED(100); round++) {
		sys_ledger ledger = { 0 };
		responder r = { 0 };
		troupe *t = asking_open(pooled[_i], &ledger);
		hasty h[CALLERS];
		pthread_t thread[CALLERS];
		troupe_ref to = sys_spawn(t, &responder_class, &r);

		for (int i = 0; i < CALLERS; i++) {
			h[i] = (hasty){ .to = to, .go_on = true };
			thread[i] = sys_start(call_until_told, &h[i]);
		}
		await_handled(&r.handled, 20);
		sys_close(t, &ledger);
		for (int i = 0; i < CALLERS; i++) {
			sys_join(thread[i]);
			/* The last one says so, and no other. */
			ck_assert_uint_eq(h[i].status[TROUPE_CLOSING] + h[i].status[TROUPE_DEAD], 1);
			ck_assert_uint_eq(h[i].status[TROUPE_OK] + h[i].status[TROUPE_UNANSWERED] + 1, h[i].calls);
		}
		sys_assert_count(r.wrong, 0);
	}
}
END_TEST

/* --- A caller that has gone. --- */

START_TEST(test_system_call_given_up_is_answered_to_nobody)
{
	enum { CALLS = 300 };
	sys_ledger ledger = { 0 };
	responder r[CALLS] = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref to[CALLS];

	for (int i = 0; i < CALLS; i++) {
		to[i] = sys_spawn(t, &responder_class, &r[i]);
		sys_assert_status(troupe_call(to[i], KEEP, NULL, 0, 0, NULL, NULL), TROUPE_TIMEOUT);
	}
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	/* Each by its own way, while other calls use the same memory again. */
	for (int i = 0; i < CALLS; i++) {
		ck_assert_ptr_nonnull(r[i].kept);
		if (i % 4 == 0)
			sys_assert_status(troupe_answer_kept(&r[i].kept, ANSWERED, NULL, 0), TROUPE_OK);
		else if (i % 4 == 1)
			sys_assert_status(troupe_answer_kept_error(&r[i].kept, 1, "late"), TROUPE_OK);
		else if (i % 4 == 2)
			troupe_msg_free(&r[i].kept);
		else
			sys_send(to[i], i % 8 == 3 ? DROP : ANSWER_KEPT, NULL, 0);
		sys_assert_status(troupe_call(to[i], ANSWER_EMPTY, NULL, 0, A_LONG_TIME, NULL, NULL), TROUPE_OK);
		ck_assert_ptr_null(r[i].kept);
	}
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

/* --- What else uses the memory of a call. --- */

/*
 * A dedicated actor calls, gives up, and then begins something whose cell is
 * the call's of before; the answer comes after that.
 */
typedef struct reuse {
	troupe_ref keeper, other;
	asking next;
	sys_counter begun, wrong;
} reuse;

static void
call_then_ask(troupe_actor *self, void *argument)
{
	reuse *u = argument;

	if (troupe_call(u->keeper, KEEP, NULL, 0, 0, NULL, NULL) != TROUPE_TIMEOUT)
		sys_add(&u->wrong, 1);
	u->next.to = u->other;
	u->next.type = KEEP;
	ask_it(self, &u->next);
	sys_add(&u->begun, 1);
}

START_TEST(test_system_call_answered_late_leaves_an_ask_in_its_place_alone)
{
	for (int round = 0; round < 20; round++) {
		sys_ledger ledger = { 0 };
		responder keeper = { 0 }, other = { 0 };
		troupe *t = asking_open(1, &ledger);
		reuse u = { .keeper = sys_spawn(t, &responder_class, &keeper), .other = sys_spawn(t, &dedicated_responder_class, &other) };

		act_in(sys_spawn(t, &dedicated_act_class, NULL), call_then_ask, &u);
		await_handled(&u.begun, 1);
		/* Relaxed until here: nothing orders the late answer after the ask, but that it is none of its business. */
		sys_send(u.keeper, ANSWER_KEPT, NULL, 0);
		await_handled(&keeper.handled, 2);
		sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
		ck_assert_uint_eq(u.next.came.calls, 0);
		sys_send(u.other, ANSWER_KEPT, NULL, 0);
		sys_wait(t);
		assert_outcome(u.next.came, TROUPE_OK);
		sys_assert_count(u.wrong, 0);
		sys_assert_count(ledger.dead[TROUPE_LATE], 1);
		sys_close(t, &ledger);
	}
}
END_TEST

/* A supervisor of a group whose backoff waits where its call was. */
static void
fail_if_asked(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	troupe_fail(self, 1, "as asked");
}

static const troupe_class failing_class = { .receive = fail_if_asked };

static troupe_decision
call_and_restart(troupe_actor *self, void *state, const troupe_failure *failure)
{
	reuse *u = *(reuse **)state;

	(void)self;
	(void)failure;
	if (troupe_call(u->keeper, KEEP, NULL, 0, 0, NULL, NULL) != TROUPE_TIMEOUT)
		sys_add(&u->wrong, 1);
	return TROUPE_RESTART;
}

static const troupe_supervisor group = {
	.strategy = TROUPE_ALL_FOR_ONE,
	.backoff_ns = 20 * TROUPE_MS,
	.decide = call_and_restart,
};

static void
run_group(troupe_actor *self, void *state, const troupe_msg *msg)
{
	troupe_ref child = troupe_spawn_child(self, &failing_class, NULL);

	(void)state;
	(void)troupe_send(child, msg->type, NULL, 0);
}

static const troupe_class group_class = {
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(reuse *),
	.start = sys_start_with_pointer,
	.receive = run_group,
	.supervisor = &group,
};

START_TEST(test_system_call_answered_late_leaves_a_backoff_in_its_place_alone)
{
	sys_ledger ledger = { 0 };
	responder keeper = { 0 };
	troupe *t = asking_open(1, &ledger);
	reuse u = { .keeper = sys_spawn(t, &responder_class, &keeper) };
	troupe_totals totals;

	sys_send(sys_spawn(t, &group_class, &u), 1, NULL, 0);
	await_handled(&keeper.handled, 1);
	/* The backoff has begun when all else is done; what comes late must not end it, nor anything else. */
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	sys_send(u.keeper, ANSWER_KEPT, NULL, 0);
	sys_wait(t);
	troupe_get_totals(t, &totals);
	ck_assert_uint_eq(totals.restarted, 1);
	sys_assert_count(ledger.dead[TROUPE_LATE], 1);
	sys_assert_count(u.wrong, 0);
	sys_assert_count(keeper.wrong, 0);
	sys_close(t, &ledger);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_call_late");
	TCase *tc = tcase_create("closing");

	tcase_add_loop_test(tc, test_system_call_comes_back_when_the_runtime_closes, 0, 3);
	tcase_add_loop_test(tc, test_system_call_of_a_dedicated_actor_comes_back_when_the_runtime_closes, 0, 3);
	tcase_add_loop_test(tc, test_system_call_may_be_made_while_the_runtime_closes, 0, 3);
	suite_add_tcase(s, tc);

	tc = tcase_create("late");
	tcase_add_loop_test(tc, test_system_call_given_up_is_answered_to_nobody, 0, sys_shape_count);
	tcase_add_test(tc, test_system_call_answered_late_leaves_an_ask_in_its_place_alone);
	tcase_add_test(tc, test_system_call_answered_late_leaves_a_backoff_in_its_place_alone);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
