/* SPDX-License-Identifier: MIT */

/*
 * When a runtime is quiet: wait, run and run_once, holds, shutdown, and
 * totals; threads from outside that come and go; several runtimes at once.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <sched.h>

enum { COUNT = 1, HOLD_UP, PASS_ON, SHUT_DOWN };

struct node {
	troupe_ref next;
	sys_gate gate;
	sys_counter handled, failed;
};

static struct node
fresh_node(void)
{
	return (struct node){ .gate = SYS_GATE_CLOSED };
}

static void
work(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct node *n = *(struct node **)state;
	uint64_t left;

	sys_add(&n->handled, 1);
	if (msg->type == HOLD_UP) {
		sys_gate_pass(&n->gate);
	} else if (msg->type == PASS_ON) {
		left = *(const uint64_t *)msg->body;
		if (left-- > 0 && troupe_send(n->next, PASS_ON, &left, sizeof left) != TROUPE_OK)
			sys_add(&n->failed, 1);
	} else if (msg->type == SHUT_DOWN) {
		troupe_shutdown(troupe_of(self));
		(void)troupe_send(troupe_self(self), SHUT_DOWN, NULL, 0);
	}
}

static const troupe_class node_class = {
	.name = "node",
	.state_size = sizeof(struct node *),
	.start = sys_start_with_pointer,
	.receive = work,
};

static const troupe_class own_class = {
	.name = "own node",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct node *),
	.start = sys_start_with_pointer,
	.receive = work,
};

/* --- Wait. --- */

START_TEST(test_system_wait_is_ok_when_quiet)
{
	struct node n = fresh_node();
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	troupe_ref who[2];

	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_status(troupe_wait(t, 0), TROUPE_OK);
	who[0] = sys_spawn(t, &node_class, &n);
	who[1] = sys_spawn(t, &own_class, &n);
	n.next = who[0];
	for (uint64_t i = 0; i < 200; i++) {
		sys_send(who[i % 2], PASS_ON, &i, sizeof i);
		sys_assert_status(troupe_wait(t, i % 3 ? TROUPE_FOREVER : INT64_MAX), TROUPE_OK);
		sys_assert_count(n.handled, (i + 1) * (i + 2) / 2);
		/* Quiet is quiet: nobody came since. */
		sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	}
	sys_assert_count(n.failed, 0);
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_wait_times_out)
{
	const troupe_class *class_ = _i ? &own_class : &node_class;
	struct node n = fresh_node();
	troupe *t = sys_open(1, NULL);

	sys_send(sys_spawn(t, class_, &n), HOLD_UP, NULL, 0);
	sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
	sys_assert_status(troupe_wait(t, 1), TROUPE_TIMEOUT);
	sys_assert_status(troupe_wait(t, TROUPE_MS), TROUPE_TIMEOUT);
	sys_gate_open(&n.gate);
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	sys_close(t, NULL);
}
END_TEST

/* Where the caller's thread does the work, time-outs hold too: a program that never ends is left after a while. */
START_TEST(test_system_wait_times_out_while_driving)
{
	struct node n = fresh_node();
	uint64_t for_ever = UINT64_MAX;
	troupe *t = sys_open_shape(&sys_shapes[8 + _i], NULL);

	n.next = sys_spawn(t, &node_class, &n);
	sys_send(n.next, PASS_ON, &for_ever, sizeof for_ever);
	for (int i = 0; i < 5; i++)
		sys_assert_status(troupe_wait(t, i), TROUPE_TIMEOUT);
	ck_assert_uint_gt(sys_get(&n.handled), 0);
	sys_close(t, NULL);
}
END_TEST

/* Several threads may wait at once, where there are workers. */
START_TEST(test_system_wait_in_several_threads)
{
	struct node n = fresh_node();
	pthread_t threads[4];
	troupe *t = sys_open(2, NULL);

	for (int round = 0; round < SYS_SCALED(100); round++) {
		sys_assert_status(troupe_hold(t), TROUPE_OK);
		for (int i = 0; i < 4; i++)
			threads[i] = sys_start(sys_wait_in_thread, t);
		sys_send(sys_spawn(t, &node_class, &n), COUNT, NULL, 0);
		sys_assert_status(troupe_release(t), TROUPE_OK);
		for (int i = 0; i < 4; i++)
			ck_assert_uint_eq((uintptr_t)sys_join(threads[i]), TROUPE_OK);
		sys_assert_count(n.handled, round + 1);
	}
	sys_close(t, NULL);
}
END_TEST

/* --- Holds. --- */

START_TEST(test_system_wait_for_holds)
{
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	sys_assert_status(troupe_release(t), TROUPE_INVALID);
	for (int i = 0; i < 3; i++)
		sys_assert_status(troupe_hold(t), TROUPE_OK);
	for (int i = 0; i < 3; i++) {
		sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
		sys_assert_status(troupe_release(t), TROUPE_OK);
	}
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_status(troupe_release(t), TROUPE_INVALID);
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	/* A hold that was forgotten does not keep anybody from closing. */
	sys_assert_status(troupe_hold(t), TROUPE_OK);
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_wait_release_without_a_hold_while_a_dedicated_works)
{
	struct node n = fresh_node();
	troupe *t = sys_open(1, NULL);

	sys_send(sys_spawn(t, &own_class, &n), HOLD_UP, NULL, 0);
	sys_gate_await(&n.gate, 1);
	sys_assert_status(troupe_release(t), TROUPE_INVALID);
	sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
	sys_gate_open(&n.gate);
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_status(troupe_wait(t, 0), TROUPE_OK);
	sys_close(t, NULL);
}
END_TEST

/* A thread from outside that sends at last, and only then lets go. */
struct late {
	troupe *t;
	troupe_ref to;
	sys_gate *gate;
};

static void *
send_late(void *late)
{
	const struct late *l = late;

	sys_gate_pass(l->gate);
	for (int i = 0; i < 10; i++)
		(void)troupe_send(l->to, COUNT, NULL, 0);
	return (void *)(uintptr_t)troupe_release(l->t);
}

START_TEST(test_system_wait_for_a_thread_that_holds)
{
	for (int round = 0; round < SYS_SCALED(50); round++) {
		struct node n = fresh_node();
		sys_gate gate = SYS_GATE_CLOSED;
		troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
		struct late late = { t, sys_spawn(t, &node_class, &n), &gate };

		sys_assert_status(troupe_hold(t), TROUPE_OK);
		pthread_t thread = sys_start(send_late, &late);
		sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
		sys_gate_open(&gate);
		if (round % 2)
			sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
		else
			sys_assert_status(troupe_run(t), TROUPE_OK);
		sys_assert_count(n.handled, 10);
		ck_assert_uint_eq((uintptr_t)sys_join(thread), TROUPE_OK);
		if (round % 2)
			sys_close(t, NULL);
	}
}
END_TEST

/* --- Shutdown. --- */

START_TEST(test_system_wait_ends_at_shutdown)
{
	struct node n = fresh_node();
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	/* The behavior goes on for ever after it. */
	sys_send(sys_spawn(t, _i % 2 ? &node_class : &own_class, &n), SHUT_DOWN, NULL, 0);
	sys_assert_status(troupe_hold(t), TROUPE_OK);
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_status(troupe_run(t), TROUPE_OK);
	ck_assert_uint_ge(sys_get(&n.handled), 1);
}
END_TEST

static void *
shut_down(void *t)
{
	troupe_shutdown(t);
	return NULL;
}

START_TEST(test_system_wait_ends_at_shutdown_by_a_thread)
{
	for (int round = 0; round < SYS_SCALED(50); round++) {
		troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

		sys_assert_status(troupe_hold(t), TROUPE_OK);
		pthread_t thread = sys_start(shut_down, t);
		/* Closed while the other thread may not be through yet. */
		sys_assert_status(troupe_run(t), TROUPE_OK);
		sys_join(thread);
	}
}
END_TEST

/* --- run_once. --- */

START_TEST(test_system_wait_run_once_drives_a_loop)
{
	struct node n = fresh_node();
	uint64_t left = 1000, turns = 0;
	troupe *t = sys_open_shape(&sys_shapes[8 + _i], NULL);

	sys_assert_status(troupe_run_once(t), TROUPE_TIMEOUT);
	n.next = sys_spawn(t, &node_class, &n);
	sys_assert_status(troupe_run_once(t), TROUPE_TIMEOUT);
	sys_send(n.next, PASS_ON, &left, sizeof left);
	while (troupe_run_once(t) == TROUPE_OK)
		turns++;
	sys_assert_status(troupe_run_once(t), TROUPE_TIMEOUT);
	sys_assert_count(n.handled, 1001);
	ck_assert_uint_ge(turns, 1001 / 256);
	/* One turn of one actor, no more: the other one has not had any. */
	struct node a = fresh_node(), b = fresh_node();
	sys_send(sys_spawn(t, &node_class, &a), COUNT, NULL, 0);
	sys_send(sys_spawn(t, &node_class, &b), COUNT, NULL, 0);
	sys_assert_status(troupe_run_once(t), TROUPE_OK);
	ck_assert_uint_eq(sys_get(&a.handled) + sys_get(&b.handled), 1);
	ck_assert_uint_eq(sys_wait(t).handled, 1003);
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_wait_run_once_is_not_for_workers)
{
	troupe *t = sys_open(1, NULL);

	sys_assert_status(troupe_run_once(t), TROUPE_INVALID);
	sys_close(t, NULL);
}
END_TEST

/* --- Threads from outside. --- */

struct visitor {
	troupe_ref to;
	uint32_t sends;
};

static void *
visit(void *visitor)
{
	const struct visitor *v = visitor;
	uintptr_t failed = 0;

	for (uint32_t i = 0; i < v->sends; i++)
		failed += troupe_send(v->to, COUNT, "0123456789", i % 11) != TROUPE_OK;
	return (void *)failed;
}

START_TEST(test_system_wait_threads_come_and_go)
{
	enum { AT_ONCE = 4, SENDS = 100 };
	int rounds = SYS_SCALED(60);
	struct node n = fresh_node();
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	struct visitor visitor = { sys_spawn(t, &node_class, &n), SENDS };
	pthread_t threads[AT_ONCE];

	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < AT_ONCE; i++)
			threads[i] = sys_start(visit, &visitor);
		for (int i = 0; i < AT_ONCE; i++)
			ck_assert_uint_eq((uintptr_t)sys_join(threads[i]), 0);
	}
	/* What ended threads counted is not lost. */
	troupe_totals totals = sys_wait(t);
	ck_assert_uint_eq(totals.accepted, (uint64_t)rounds * AT_ONCE * SENDS);
	sys_assert_count(n.handled, (uint64_t)rounds * AT_ONCE * SENDS);
	sys_close(t, NULL);
}
END_TEST

/* --- Several runtimes. --- */

START_TEST(test_system_wait_for_messages_between_runtimes)
{
	enum { RUNTIMES = 6 };
	uint64_t hops = SYS_SCALED(20000), handled = 0;
	struct node n[RUNTIMES];
	sys_ledger ledger = { 0 };
	troupe *t[RUNTIMES];
	troupe_totals totals;

	/* A ring that goes through all of them; one has a dedicated member. */
	for (int i = 0; i < RUNTIMES; i++) {
		n[i] = fresh_node();
		t[i] = sys_open(1 + i % 3, &ledger);
	}
	for (int i = 0; i < RUNTIMES; i++)
		n[(i + RUNTIMES - 1) % RUNTIMES].next = sys_spawn(t[i], i == 2 ? &own_class : &node_class,
		    &n[i]);
	for (int i = 0; i < RUNTIMES; i++)
		sys_send(n[i].next, PASS_ON, &hops, sizeof hops);
	/* Each is quiet only for moments until all are done. */
	while (handled < RUNTIMES * (hops + 1)) {
		handled = 0;
		for (int i = 0; i < RUNTIMES; i++) {
			sys_assert_status(troupe_wait(t[i], TROUPE_FOREVER), TROUPE_OK);
			handled += sys_get(&n[i].handled);
		}
	}
	for (int i = 0; i < RUNTIMES; i++) {
		sys_assert_status(troupe_wait(t[i], TROUPE_FOREVER), TROUPE_OK);
		troupe_get_totals(t[i], &totals);
		ck_assert_uint_eq(totals.accepted, sys_get(&n[i].handled));
		ck_assert_uint_eq(totals.handled, sys_get(&n[i].handled));
		sys_assert_count(n[i].failed, 0);
	}
	for (int i = 0; i < RUNTIMES; i++)
		sys_close(t[i], &ledger);
}
END_TEST

/* Closed one by one, while the messages go round: whoever sends to a closed one is told so. */
START_TEST(test_system_wait_not_for_a_runtime_that_is_closed)
{
	enum { RUNTIMES = 6 };
	uint64_t for_ever = UINT64_MAX;
	struct node n[RUNTIMES];
	sys_ledger ledger = { 0 };
	troupe *t[RUNTIMES];

	for (int i = 0; i < RUNTIMES; i++) {
		n[i] = fresh_node();
		t[i] = sys_open(1, &ledger);
	}
	for (int i = 0; i < RUNTIMES; i++)
		n[(i + RUNTIMES - 1) % RUNTIMES].next = sys_spawn(t[i], i == 2 ? &own_class : &node_class,
		    &n[i]);
	for (int i = 0; i < RUNTIMES; i++)
		sys_send(n[i].next, PASS_ON, &for_ever, sizeof for_ever);
	while (sys_get(&n[0].handled) < (uint64_t)SYS_SCALED(2000))
		sched_yield();
	uint64_t failed = 0;
	for (int i = 0; i < RUNTIMES; i++)
		sys_close(t[i], &ledger);
	for (int i = 0; i < RUNTIMES; i++)
		failed += sys_get(&n[i].failed);
	/* Each of the messages ended once, as a refused send or as a dead letter. */
	ck_assert_uint_eq(failed + sys_get(&ledger.dead[TROUPE_CLOSING]), RUNTIMES);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_wait");
	TCase *tc = tcase_create("wait");
	TCase *outside = tcase_create("outside");

	tcase_add_loop_test(tc, test_system_wait_is_ok_when_quiet, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_wait_times_out, 0, 2);
	tcase_add_loop_test(tc, test_system_wait_times_out_while_driving, 0, 2);
	tcase_add_test(tc, test_system_wait_in_several_threads);
	tcase_add_loop_test(tc, test_system_wait_for_holds, 0, sys_shape_count);
	tcase_add_test(tc, test_system_wait_release_without_a_hold_while_a_dedicated_works);
	tcase_add_loop_test(tc, test_system_wait_for_a_thread_that_holds, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_wait_ends_at_shutdown, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_wait_ends_at_shutdown_by_a_thread, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_wait_run_once_drives_a_loop, 0, 2);
	tcase_add_test(tc, test_system_wait_run_once_is_not_for_workers);
	tcase_add_loop_test(outside, test_system_wait_threads_come_and_go, 0, sys_shape_count);
	tcase_add_test(outside, test_system_wait_for_messages_between_runtimes);
	tcase_add_test(outside, test_system_wait_not_for_a_runtime_that_is_closed);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, outside);
	return run_suite(suite);
}
