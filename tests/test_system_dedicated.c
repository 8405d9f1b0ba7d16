/* SPDX-License-Identifier: MIT */

/*
 * Dedicated actors: each has a thread of its own, may block in it, and does
 * otherwise what any actor does.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <sched.h>
#include <unistd.h>

enum { BLOCK = 1, COUNT, PASS_ON, STOP_SELF, REMEMBER_THREAD };

struct own {
	sys_counter handled, stopped, failed;
	sys_gate gate;
	int pipe[2];
	troupe_ref next;
	pthread_t thread;
	uint32_t other_threads;
	bool has_thread;
};

static struct own
fresh_own(void)
{
	return (struct own){ .gate = SYS_GATE_CLOSED };
}

static void
remember_thread(struct own *o)
{
	if (o->has_thread && !pthread_equal(o->thread, pthread_self()))
		o->other_threads++;
	o->thread = pthread_self();
	o->has_thread = true;
}

static void
work_alone(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct own *o = *(struct own **)state;
	uint64_t left;
	char byte;

	sys_add(&o->handled, 1);
	switch (msg->type) {
	case BLOCK:
		if (read(o->pipe[0], &byte, 1) != 1)
			sys_add(&o->failed, 1);
		break;
	case PASS_ON:
		left = *(const uint64_t *)msg->body;
		if (left-- > 0 && troupe_send(o->next, PASS_ON, &left, sizeof left) != TROUPE_OK)
			sys_add(&o->failed, 1);
		break;
	case STOP_SELF:
		troupe_stop_self(self, TROUPE_STOP_NOW);
		break;
	case REMEMBER_THREAD:
		remember_thread(o);
		break;
	default:
		break;
	}
}

static void
stop_own(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	sys_add(&(*(struct own **)state)->stopped, 1);
}

static const troupe_class own_class = {
	.name = "own",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct own *),
	.start = sys_start_with_pointer,
	.receive = work_alone,
	.stop = stop_own,
};

static const troupe_class pooled_class = {
	.name = "pooled",
	.state_size = sizeof(struct own *),
	.start = sys_start_with_pointer,
	.receive = work_alone,
	.stop = stop_own,
};

START_TEST(test_system_dedicated_blocks_nobody_else)
{
	enum { BLOCKED = 20, OTHERS = 50 };
	struct own blocked = fresh_own(), others[OTHERS];
	sys_ledger ledger = { 0 };
	char bytes[BLOCKED] = "";
	troupe *t = sys_open(1, &ledger);
	troupe_ref who[BLOCKED];

	ck_assert_int_eq(pipe(blocked.pipe), 0);
	for (int i = 0; i < BLOCKED; i++) {
		who[i] = sys_spawn(t, &own_class, &blocked);
		sys_send(who[i], BLOCK, NULL, 0);
	}
	/* With all of them blocked, pooled and other dedicated actors go on, and quiet is not reached. */
	for (int i = 0; i < OTHERS; i++) {
		uint64_t hops = 100;
		struct own *other = &others[i];

		*other = fresh_own();
		other->next = sys_spawn(t, i % 2 ? &own_class : &pooled_class, other);
		sys_send(other->next, PASS_ON, &hops, sizeof hops);
		while (sys_get(&other->handled) < 101)
			sys_assert_status(troupe_wait(t, TROUPE_MS), TROUPE_TIMEOUT);
	}
	sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
	ck_assert_int_eq((int)write(blocked.pipe[1], bytes, BLOCKED), BLOCKED);
	sys_wait(t);
	sys_assert_count(blocked.handled, BLOCKED);
	sys_close(t, &ledger);
	sys_assert_count(blocked.stopped, BLOCKED);
	sys_assert_count(blocked.failed, 0);
	for (int i = 0; i < OTHERS; i++)
		sys_assert_count(others[i].failed, 0);
	close(blocked.pipe[0]);
	close(blocked.pipe[1]);
}
END_TEST

START_TEST(test_system_dedicated_has_one_thread_of_its_own)
{
	struct own o[3] = { fresh_own(), fresh_own(), fresh_own() };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	troupe_ref who[3];

	for (int i = 0; i < 3; i++)
		who[i] = sys_spawn(t, &own_class, &o[i]);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 3; i++)
			for (int k = 0; k < 50; k++)
				sys_send(who[i], REMEMBER_THREAD, NULL, 0);
		if (round % 5 == 0)
			sys_wait(t);
	}
	sys_wait(t);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(o[i].other_threads, 0);
		if (sys_shapes[_i].scheduler != TROUPE_SCHEDULER_SIMULATED) {
			ck_assert(!pthread_equal(o[i].thread, pthread_self()));
			ck_assert(!pthread_equal(o[i].thread, o[(i + 1) % 3].thread));
		}
		sys_assert_count(o[i].handled, 1000);
	}
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_dedicated_and_pooled_pass_on)
{
	enum { MEMBERS = 10 };
	uint64_t hops = SYS_SCALED(3000);
	struct own o[MEMBERS];
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);
	uint64_t handled = 0;

	for (int i = MEMBERS - 1; i >= 0; i--) {
		o[i] = fresh_own();
		o[i].next = sys_spawn(t, i % 3 ? &pooled_class : &own_class, &o[i]);
	}
	/* Each of them hands over to the next one, in a circle. */
	troupe_ref first = o[0].next;
	for (int i = 0; i < MEMBERS; i++)
		o[i].next = i + 1 < MEMBERS ? o[i + 1].next : first;
	for (int i = 0; i < 5; i++)
		sys_send(first, PASS_ON, &hops, sizeof hops);
	sys_wait(t);
	for (int i = 0; i < MEMBERS; i++) {
		handled += sys_get(&o[i].handled);
		sys_assert_count(o[i].failed, 0);
	}
	ck_assert_uint_eq(handled, 5 * (hops + 1));
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_dedicated_come_and_go)
{
	struct own o = fresh_own();
	sys_ledger ledger = { 0 };
	int lives = SYS_SCALED(1000);
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	for (int i = 0; i < lives; i++) {
		troupe_ref who = sys_spawn(t, &own_class, &o);

		if (i % 3 == 0)
			sys_send(who, COUNT, NULL, 0);
		if (i % 2 == 0)
			sys_send(who, STOP_SELF, NULL, 0);
		else
			sys_assert_status(troupe_stop(who, i % 4 == 1 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN),
			    TROUPE_OK);
		if (i % 50 == 0)
			sys_wait(t);
	}
	troupe_totals totals = sys_wait(t);
	ck_assert_uint_eq(totals.stopped, (uint64_t)lives);
	sys_close(t, &ledger);
	sys_assert_count(o.stopped, lives);
}
END_TEST

/* Rousing one that has ended meanwhile: it must not be gone while it is being roused. */
struct storm {
	troupe *t;
	struct own own;
	sys_counter ref, sends, stop;
};

static void *
send_and_stop(void *storm)
{
	struct storm *s = storm;

	while (sys_get(&s->stop) == 0)
		if (troupe_send(sys_get(&s->ref), STOP_SELF, NULL, 0) == TROUPE_OK)
			sys_add(&s->sends, 1);
	return NULL;
}

START_TEST(test_system_dedicated_ends_while_it_is_roused)
{
	struct storm s = { .own = fresh_own() };
	sys_ledger ledger = { 0 };
	pthread_t threads[2];
	int lives = SYS_SCALED(2000);

	s.t = sys_open(1, &ledger);
	for (int i = 0; i < 2; i++)
		threads[i] = sys_start(send_and_stop, &s);
	for (int i = 0; i < lives; i++) {
		sys_set(&s.ref, sys_spawn(s.t, &own_class, &s.own));
		if (i % 8 == 0)
			(void)troupe_stop(sys_get(&s.ref), TROUPE_STOP_NOW);
	}
	sys_set(&s.stop, 1);
	for (int i = 0; i < 2; i++)
		sys_join(threads[i]);
	sys_close(s.t, &ledger);
	sys_assert_count(s.own.stopped, lives);
	ck_assert_uint_ge(sys_get(&s.sends), sys_get(&s.own.handled));
}
END_TEST

START_TEST(test_system_dedicated_close_with_work_waiting)
{
	enum { ACTORS = 30 };
	struct own o = fresh_own();
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	for (int i = 0; i < ACTORS; i++) {
		troupe_ref who = sys_spawn(t, &own_class, &o);

		for (int k = 0; k < 100; k++)
			sys_send(who, COUNT, NULL, 0);
	}
	sys_close(t, &ledger);
	sys_assert_count(o.stopped, ACTORS);
	ck_assert_uint_eq(sys_get(&o.handled) + sys_get(&ledger.dead[TROUPE_CLOSING]), ACTORS * 100);
}
END_TEST

/* Keeps the request for ever. */
struct mute {
	sys_gate *asked;
	troupe_msg *kept;
};

static int
start_mute(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	((struct mute *)state)->asked = *(sys_gate *const *)argument;
	return 0;
}

static void
keep_request(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct mute *mute = state;

	(void)msg;
	mute->kept = troupe_keep(self);
	sys_gate_pass(mute->asked);
}

static void
free_request(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	troupe_msg_free(&((struct mute *)state)->kept);
}

static const troupe_class mute_class = {
	.name = "mute",
	.state_size = sizeof(struct mute),
	.start = start_mute,
	.stop = free_request,
	.receive = keep_request,
};

struct last_call {
	troupe_ref mute;
	sys_counter handled;
	sys_gate in_hand, go_on;
};

static void
handle_when_told(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct last_call *last = *(struct last_call **)state;

	(void)self;
	(void)msg;
	sys_add(&last->handled, 1);
	sys_gate_pass(&last->in_hand);
	sys_gate_pass(&last->go_on);
}

static const troupe_class last_class = {
	.name = "last",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct last_call *),
	.start = sys_start_with_pointer,
	.receive = handle_when_told,
};

/* Its call ends when the runtime is being closed and has told its threads to leave. */
static void *
go_on_when_closing(void *argument)
{
	struct last_call *last = argument;
	troupe_status status = troupe_call(last->mute, 1, NULL, 0, INT64_MAX, NULL, NULL);

	sys_gate_open(&last->go_on);
	return (void *)(uintptr_t)status;
}

/* However much waits: only the callback in hand is finished. */
START_TEST(test_system_dedicated_leaves_with_the_callback_in_hand)
{
	struct last_call last = { .in_hand = SYS_GATE_CLOSED, .go_on = SYS_GATE_CLOSED };
	sys_gate asked = SYS_GATE_CLOSED, *asked_at = &asked;
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(1, &ledger);

	sys_gate_open(&asked);
	sys_gate_open(&last.in_hand);
	last.mute = troupe_spawn(t, &mute_class, &asked_at);
	troupe_ref who = sys_spawn(t, &last_class, &last);
	for (int i = 0; i < 3; i++)
		sys_send(who, 1, NULL, 0);
	sys_gate_await(&last.in_hand, 1);
	pthread_t caller = sys_start(go_on_when_closing, &last);
	sys_gate_await(&asked, 1);
	sys_close(t, &ledger);
	ck_assert_uint_eq((uintptr_t)sys_join(caller), TROUPE_CLOSING);
	sys_assert_count(last.handled, 1);
}
END_TEST

/* Children of dedicated actors, dedicated children, and their ends while somebody blocks. */
static int
start_parent(troupe_actor *self, void *state, const void *argument)
{
	sys_start_with_pointer(self, state, argument);
	for (int i = 0; i < 4; i++)
		if (troupe_spawn_child(self, i % 2 ? &own_class : &pooled_class, argument) == 0)
			return 1;
	return 0;
}

START_TEST(test_system_dedicated_parents_wait_for_blocked_children)
{
	static const troupe_class parent_class = {
		.name = "parent",
		.flags = TROUPE_DEDICATED,
		.state_size = sizeof(struct own *),
		.start = start_parent,
		.receive = work_alone,
		.stop = stop_own,
	};
	struct own o = fresh_own();
	sys_ledger ledger = { 0 };
	char bytes[10] = "";
	troupe *t = sys_open(2, &ledger);
	troupe_ref parents[10];

	ck_assert_int_eq(pipe(o.pipe), 0);
	for (int i = 0; i < 10; i++)
		parents[i] = sys_spawn(t, &parent_class, &o);
	for (int i = 0; i < 10; i++)
		sys_send(parents[i], BLOCK, NULL, 0);
	/* A stop that came before the message would spare the actor from it. */
	while (sys_get(&o.handled) < 10)
		sched_yield();
	for (int i = 0; i < 10; i++)
		sys_assert_status(troupe_stop(parents[i], TROUPE_STOP_NOW), TROUPE_OK);
	sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
	ck_assert_int_eq((int)write(o.pipe[1], bytes, 10), 10);
	sys_wait(t);
	sys_assert_count(o.handled, 10);
	sys_assert_count(o.stopped, 50);
	sys_close(t, &ledger);
	sys_assert_count(o.stopped, 50);
	close(o.pipe[0]);
	close(o.pipe[1]);
}
END_TEST

START_TEST(test_system_dedicated_many_at_once)
{
	int count = SYS_SCALED(500);
	struct own o = fresh_own();
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(2, &ledger);
	troupe_ref *who = calloc((size_t)count, sizeof *who);

	for (int i = 0; i < count; i++)
		who[i] = sys_spawn(t, &own_class, &o);
	for (int k = 0; k < 3; k++)
		for (int i = 0; i < count; i++)
			sys_send(who[i], COUNT, NULL, 0);
	sys_wait(t);
	sys_assert_count(o.handled, 3 * count);
	sys_close(t, &ledger);
	sys_assert_count(o.stopped, count);
	free(who);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_dedicated");
	TCase *tc = tcase_create("dedicated");

	tcase_add_test(tc, test_system_dedicated_blocks_nobody_else);
	tcase_add_loop_test(tc, test_system_dedicated_has_one_thread_of_its_own, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_dedicated_and_pooled_pass_on, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_dedicated_come_and_go, 0, sys_shape_count);
	tcase_add_test(tc, test_system_dedicated_ends_while_it_is_roused);
	tcase_add_loop_test(tc, test_system_dedicated_close_with_work_waiting, 0, sys_shape_count);
	tcase_add_test(tc, test_system_dedicated_leaves_with_the_callback_in_hand);
	tcase_add_test(tc, test_system_dedicated_parents_wait_for_blocked_children);
	tcase_add_test(tc, test_system_dedicated_many_at_once);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
