/* SPDX-License-Identifier: MIT */

/*
 * Waiting for a name: actors ask for it and are told exactly once; threads
 * outside the pool and dedicated actors wait for it.
 */

#include "runtime/actor/runtime.h"
#include "tests/puppet.h"
#include "tests/suite.h"

#include <sched.h>

/* What came of an actor's waiting. */
struct await {
	const char *name;
	int64_t timeout;
	troupe_status begun;
	sys_counter answers;
	troupe_status status;
	troupe_ref target;
	char text[400];
};

static void
note_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	struct await *a = answer->context;

	(void)state;
	a->status = answer->status;
	a->target = answer->target;
	snprintf(a->text, sizeof a->text, "%s", answer->text);
	promise(answer->msg == NULL && answer->type == 0 && answer->code == 0);
	promise(troupe_self(self) != 0 && troupe_keep(self) == NULL);
	sys_add(&a->answers, 1);
}

static void
do_await(troupe_actor *self, void *await)
{
	struct await *a = await;

	a->begun = troupe_await_name(self, a->name, a->timeout, note_answer, a);
}

static void
register_name(troupe_actor *self, void *name)
{
	promise(troupe_register(self, name) == TROUPE_OK);
}

static void
unregister_name(troupe_actor *self, void *name)
{
	promise(troupe_unregister(self, name) == TROUPE_OK);
}

#define HOUR (3600 * TROUPE_SECOND)

static char the_name[] = "the name";

static void
assert_answer(const struct await *a, troupe_status status, troupe_ref target)
{
	sys_assert_status(a->begun, TROUPE_OK);
	ck_assert_uint_eq(sys_get((sys_counter *)(uintptr_t)&a->answers), 1);
	sys_assert_status(a->status, status);
	ck_assert_uint_eq(a->target, target);
	ck_assert_int_eq(a->text[0] == '\0', status == TROUPE_OK);
}

START_TEST(test_system_registry_wait_is_told_at_once_who_has_it)
{
	struct await a = { .name = the_name, .timeout = HOUR }, zero = { .name = the_name };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	troupe_ref owner = sys_spawn(t, &puppet_class, NULL), asker = sys_spawn(t, &puppet_dedicated_class, NULL);

	puppet_let(t, owner, register_name, the_name);
	puppet_let(t, asker, do_await, &a);
	assert_answer(&a, TROUPE_OK, owner);
	puppet_tell(asker, do_await, &zero);
	sys_wait(t);
	sys_assert_count(zero.answers, 1);
	/* The owner may ask for itself. */
	sys_set(&a.answers, 0);
	puppet_let(t, owner, do_await, &a);
	assert_answer(&a, TROUPE_OK, owner);
	sys_wait(t);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_registry_wait_of_several_ends_when_it_appears)
{
	struct await a[4] = { { 0 } }, other = { .name = "another", .timeout = HOUR };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);
	troupe_ref owner = sys_spawn(t, &puppet_class, NULL), asker[2];

	asker[0] = sys_spawn(t, &puppet_class, NULL);
	asker[1] = sys_spawn(t, &puppet_dedicated_class, NULL);
	puppet_let(t, asker[0], do_await, &other);
	for (int i = 0; i < 4; i++) {
		a[i].name = the_name;
		a[i].timeout = i < 2 ? HOUR : INT64_MAX;
		puppet_let(t, asker[i % 2], do_await, &a[i]);
		sys_assert_count(a[i].answers, 0);
	}
	puppet_let(t, owner, register_name, the_name);
	for (int i = 0; i < 4; i++)
		assert_answer(&a[i], TROUPE_OK, owner);
	sys_assert_count(other.answers, 0);
	/* Once: not again for the next owner. */
	puppet_let(t, owner, unregister_name, the_name);
	puppet_let(t, asker[0], register_name, the_name);
	puppet_let(t, owner, register_name, (char[]){ "another" });
	assert_answer(&other, TROUPE_OK, owner);
	for (int i = 0; i < 4; i++)
		sys_assert_count(a[i].answers, 1);
	sys_wait(t);
	sys_close(t, &ledger);
	assert_promises_kept();
}
END_TEST

static int
register_in_start(troupe_actor *self, void *name)
{
	promise(troupe_register(self, name) == TROUPE_OK);
	return 0;
}

START_TEST(test_system_registry_wait_ends_with_a_start_too)
{
	puppet_script script = { .argument = the_name, .start = register_in_start };
	struct await a = { .name = the_name, .timeout = HOUR };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	puppet_let(t, sys_spawn(t, &puppet_class, NULL), do_await, &a);
	troupe_ref owner = sys_spawn(t, &puppet_class, &script);
	sys_wait(t);
	assert_answer(&a, TROUPE_OK, owner);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_registry_wait_times_out)
{
	struct await a = { .name = the_name, .timeout = 250 * TROUPE_MS }, zero = { .name = the_name };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, &ledger);
	troupe_ref who = sys_spawn(t, &puppet_class, NULL);

	puppet_tell(who, do_await, &a);
	puppet_tell(who, do_await, &zero);
	int64_t begun = troupe_now(t);
	sys_wait(t);
	assert_answer(&a, TROUPE_TIMEOUT, 0);
	assert_answer(&zero, TROUPE_TIMEOUT, 0);
	ck_assert_int_ge(troupe_now(t) - begun, 250 * TROUPE_MS);
	ck_assert_int_lt(troupe_now(t) - begun, 251 * TROUPE_MS);
	ck_assert_msg(strstr(a.text, "\"the name\"") != NULL && strstr(a.text, "250 ms") != NULL, "%s", a.text);
	/* Nobody is told any more, and the next who waits is. */
	puppet_let(t, who, register_name, the_name);
	sys_assert_count(a.answers, 1);
	ck_assert_uint_eq(sys_wait(t).dead, 0);
	sys_close(t, &ledger);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_registry_wait_is_cancelled_when_the_asker_stops)
{
	struct await a[2] = { { .name = the_name, .timeout = HOUR }, { .name = the_name, .timeout = HOUR } };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	troupe_ref leaver = sys_spawn(t, &puppet_class, NULL), stayer = sys_spawn(t, &puppet_class, NULL);

	puppet_let(t, leaver, do_await, &a[0]);
	puppet_let(t, stayer, do_await, &a[1]);
	puppet_let(t, leaver, puppet_stop_now, NULL);
	assert_answer(&a[0], TROUPE_CANCELLED, 0);
	sys_assert_count(a[1].answers, 0);
	/* What is left of it is in nobody's way. */
	puppet_let(t, stayer, register_name, the_name);
	assert_answer(&a[1], TROUPE_OK, stayer);
	sys_assert_count(a[0].answers, 1);
	sys_wait(t);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_registry_wait_ends_when_the_runtime_is_closed)
{
	struct await a[3] = { { .name = the_name, .timeout = HOUR }, { .name = "b", .timeout = INT64_MAX },
		{ .name = the_name, .timeout = HOUR } };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	for (int i = 0; i < 3; i++)
		puppet_let(t, sys_spawn(t, i == 1 ? &puppet_dedicated_class : &puppet_class, NULL), do_await, &a[i]);
	sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
	sys_close(t, NULL);
	for (int i = 0; i < 3; i++)
		assert_answer(&a[i], TROUPE_CLOSING, 0);
	assert_promises_kept();
}
END_TEST

static void
await_in_vain(troupe_actor *self, void *name)
{
	static char too_long[10001];

	memset(too_long, 'n', sizeof too_long - 1);
	promise(troupe_await_name(self, name, -1, note_answer, NULL) == TROUPE_INVALID);
	promise(troupe_await_name(self, name, INT64_MIN, note_answer, NULL) == TROUPE_INVALID);
	promise(troupe_await_name(self, name, HOUR, NULL, NULL) == TROUPE_INVALID);
	promise(troupe_await_name(self, NULL, HOUR, note_answer, NULL) == TROUPE_INVALID);
	promise(troupe_await_name(self, "", HOUR, note_answer, NULL) == TROUPE_INVALID);
	promise(troupe_await_name(self, too_long, HOUR, note_answer, NULL) == TROUPE_INVALID);
	promise(troupe_last_error() == TROUPE_INVALID);
}

static void
await_in_stop(troupe_actor *self, void *name, troupe_reason reason)
{
	(void)reason;
	promise(troupe_await_name(self, name, HOUR, note_answer, NULL) == TROUPE_INVALID);
}

START_TEST(test_system_registry_wait_that_makes_no_sense_is_refused)
{
	puppet_script script = { .argument = the_name, .stop = await_in_stop };
	troupe *t = sys_open(1, NULL);
	troupe_ref who = sys_spawn(t, &puppet_class, &script);

	puppet_let(t, who, await_in_vain, the_name);
	sys_wait(t);
	puppet_let(t, who, puppet_stop_now, NULL);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* --- Registered and timing out at once. --- */

static void
register_later(troupe_actor *self, void *delay)
{
	promise(troupe_send_after(self, *(int64_t *)delay, 1, NULL, 0) != 0);
}

static void
register_on_tick(troupe_actor *self, void *name, const troupe_msg *msg)
{
	promise(msg->type == 1 && troupe_register(self, name) == TROUPE_OK);
}

/* One after the other and the other way around, whatever the seed makes of it. */
START_TEST(test_system_registry_wait_ends_once_when_two_things_end_it)
{
	puppet_script script = { .argument = the_name, .receive = register_on_tick };
	uint64_t ends[TROUPE_TAKEN + 1] = { 0 }, dead = 0;

	for (int i = 0; i < 400; i++) {
		struct await a = { .name = the_name, .timeout = 100000 };
		int64_t delay = 100000 - 20000 + (i % 40) * 1000;
		troupe *t = sys_open_with(
		    (troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED, .seed = (uint64_t)i }, NULL);
		troupe_ref owner = sys_spawn(t, &puppet_class, &script);

		puppet_tell(owner, register_later, &delay);
		puppet_tell(sys_spawn(t, &puppet_class, NULL), do_await, &a);
		dead += sys_wait(t).dead;
		assert_answer(&a, a.status, a.status == TROUPE_OK ? owner : 0);
		ends[a.status]++;
		sys_close(t, NULL);
	}
	ck_assert_uint_gt(ends[TROUPE_OK], 0);
	ck_assert_uint_gt(ends[TROUPE_TIMEOUT], 0);
	ck_assert_uint_eq(ends[TROUPE_OK] + ends[TROUPE_TIMEOUT], 400);
	/* Some were told, and had timed out before they came to it. */
	ck_assert_uint_gt(dead, 0);
	assert_promises_kept();
}
END_TEST

static void
register_and_go(troupe_actor *self, void *unused)
{
	(void)unused;
	(void)troupe_register(self, the_name);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

START_TEST(test_system_registry_wait_ends_once_between_workers)
{
	enum { ASKERS = 4 };
	uint64_t rounds = SYS_SCALED(3000);
	troupe *t = sys_open(2, NULL);
	troupe_ref asker[ASKERS];
	struct await a[ASKERS];

	for (int i = 0; i < ASKERS; i++)
		asker[i] = sys_spawn(t, i == 0 ? &puppet_dedicated_class : &puppet_class, NULL);
	for (uint64_t r = 0; r < rounds; r++) {
		for (int i = 0; i < ASKERS; i++) {
			a[i] = (struct await){ .name = the_name, .timeout = (int64_t)(r % 7) * 50000 };
			puppet_tell(asker[i], do_await, &a[i]);
		}
		puppet_tell(sys_spawn(t, &puppet_class, NULL), register_and_go, NULL);
		sys_wait(t);
		for (int i = 0; i < ASKERS; i++) {
			sys_assert_status(a[i].begun, TROUPE_OK);
			sys_assert_count(a[i].answers, 1);
			ck_assert(a[i].status == TROUPE_OK || a[i].status == TROUPE_TIMEOUT);
			ck_assert_int_eq(a[i].target != 0, a[i].status == TROUPE_OK);
		}
	}
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* --- Threads that wait. --- */

struct waiter {
	troupe *t;
	const char *name;
	int64_t timeout;
	troupe_status status;
	troupe_ref found;
	sys_gate gate;
};

static void *
wait_in_thread(void *waiter)
{
	struct waiter *w = waiter;

	/* The main thread knows that this one is about to wait. */
	sys_gate_pass(&w->gate);
	w->status = troupe_wait_for(w->t, w->name, w->timeout, &w->found);
	return NULL;
}

static pthread_t
start_waiter(struct waiter *w)
{
	sys_gate_init(&w->gate);
	sys_gate_open(&w->gate);
	pthread_t thread = sys_start(wait_in_thread, w);

	sys_gate_await(&w->gate, 1);
	return thread;
}

START_TEST(test_system_registry_wait_of_threads_ends_when_it_appears)
{
	for (int round = 0; round < SYS_SCALED(500); round++) {
		pthread_t threads[3];
		struct waiter w[3];
		troupe *t = sys_open(2, NULL);
		troupe_ref owner = sys_spawn(t, &puppet_class, NULL);

		for (int i = 0; i < 3; i++) {
			w[i] = (struct waiter){ .t = t, .name = the_name, .timeout = i == 0 ? HOUR : TROUPE_FOREVER };
			threads[i] = start_waiter(&w[i]);
		}
		puppet_tell(owner, register_name, the_name);
		for (int i = 0; i < 3; i++) {
			sys_join(threads[i]);
			sys_assert_status(w[i].status, TROUPE_OK);
			ck_assert_uint_eq(w[i].found, owner);
		}
		sys_close(t, NULL);
	}
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_registry_wait_of_a_thread_times_out)
{
	troupe_ref found = 77;
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	sys_assert_status(troupe_wait_for(t, the_name, 0, &found), TROUPE_TIMEOUT);
	sys_assert_status(troupe_wait_for(t, the_name, TROUPE_MS, &found), TROUPE_TIMEOUT);
	sys_assert_status(troupe_wait_for(t, the_name, HOUR, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_wait_for(NULL, the_name, HOUR, &found), TROUPE_INVALID);
	ck_assert_uint_eq(found, 77);
	puppet_let(t, sys_spawn(t, &puppet_class, NULL), register_name, the_name);
	sys_assert_status(troupe_wait_for(t, the_name, 0, &found), TROUPE_OK);
	ck_assert_uint_eq(found, troupe_lookup(t, the_name));
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_registry_wait_of_a_thread_ends_with_shutdown_and_close)
{
	for (int round = 0; round < SYS_SCALED(200); round++) {
		struct waiter w = { .name = the_name, .timeout = TROUPE_FOREVER, .found = 77 };

		w.t = sys_open(1, NULL);
		pthread_t thread = start_waiter(&w);
		/* It is in there: else the runtime could be gone before it came. */
		while (!tr_runtime_is_waited_for(w.t))
			sched_yield();
		if (_i == 0)
			troupe_shutdown(w.t);
		else
			sys_close(w.t, NULL);
		sys_join(thread);
		if (_i == 0)
			sys_close(w.t, NULL);
		sys_assert_status(w.status, TROUPE_CLOSING);
		ck_assert_uint_eq(w.found, 77);
	}
}
END_TEST

/* A runtime that is driven does its work meanwhile, until the name is there. */
START_TEST(test_system_registry_wait_drives)
{
	int64_t delay = 3 * TROUPE_MS;
	puppet_script script = { .argument = the_name, .receive = register_on_tick };
	troupe_ref found = 0;
	troupe *t = sys_open_shape(&sys_shapes[8 + _i], NULL);
	troupe_ref owner = sys_spawn(t, &puppet_class, &script);

	puppet_tell(owner, register_later, &delay);
	sys_assert_status(troupe_wait_for(t, the_name, TROUPE_FOREVER, &found), TROUPE_OK);
	ck_assert_uint_eq(found, owner);
	sys_wait(t);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

static void
send_for_ever(troupe_actor *self, void *name, const troupe_msg *msg)
{
	/* So that it is there only after some time. */
	if (msg->type == 1000)
		promise(troupe_register(self, name) == TROUPE_OK);
	promise(troupe_send(troupe_self(self), msg->type < 2000 ? msg->type + 1 : msg->type, NULL, 0) == TROUPE_OK);
}

START_TEST(test_system_registry_wait_drives_what_never_ends)
{
	puppet_script script = { .argument = the_name, .receive = send_for_ever };
	troupe_ref found = 0;
	troupe *t = sys_open_shape(&sys_shapes[8 + _i], NULL);
	troupe_ref owner = sys_spawn(t, &puppet_class, &script);

	sys_send(owner, 1, NULL, 0);
	sys_assert_status(troupe_wait_for(t, the_name, TROUPE_FOREVER, &found), TROUPE_OK);
	ck_assert_uint_eq(found, owner);
	/* There already: at once, whatever else is to be done. */
	found = 0;
	sys_assert_status(troupe_wait_for(t, the_name, 0, &found), TROUPE_OK);
	ck_assert_uint_eq(found, owner);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* --- Actors that wait. --- */

static void
wait_in_callback(troupe_actor *self, void *waiter)
{
	struct waiter *w = waiter;

	w->status = troupe_wait_for(troupe_of(self), w->name, w->timeout, &w->found);
}

START_TEST(test_system_registry_wait_of_an_actor_is_a_deadlock)
{
	struct waiter w = { .name = the_name, .timeout = TROUPE_FOREVER, .found = 77 };
	troupe *t = sys_open_shape(&sys_shapes[_i / 2], NULL);
	const troupe_class *class_ = _i % 2 ? &puppet_dedicated_class : &puppet_class;
	troupe_ref who = sys_spawn(t, class_, NULL), owner = sys_spawn(t, &puppet_class, NULL);
	bool driven = _i / 2 >= 8;

	/* A dedicated one may, in a runtime with workers. */
	puppet_tell(who, wait_in_callback, &w);
	if (_i % 2 && !driven) {
		puppet_let(t, owner, register_name, the_name);
		sys_assert_status(w.status, TROUPE_OK);
		ck_assert_uint_eq(w.found, owner);
		w.timeout = 0;
		w.name = "nobody's";
		w.found = 77;
		puppet_let(t, who, wait_in_callback, &w);
		sys_assert_status(w.status, TROUPE_TIMEOUT);
	} else {
		sys_wait(t);
		sys_assert_status(w.status, TROUPE_DEADLOCK);
	}
	ck_assert_uint_eq(w.found, 77);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

static void
wait_behind_gate(troupe_actor *self, void *waiter)
{
	struct waiter *w = waiter;

	sys_gate_pass(&w->gate);
	wait_in_callback(self, w);
}

/* The closer waits for its callback, so that must not wait for a name that never comes. */
START_TEST(test_system_registry_wait_of_a_dedicated_actor_ends_with_close)
{
	for (int round = 0; round < SYS_SCALED(200); round++) {
		struct waiter w = { .name = the_name, .timeout = TROUPE_FOREVER };
		troupe *t = sys_open(1, NULL);

		sys_gate_init(&w.gate);
		sys_gate_open(&w.gate);
		puppet_tell(sys_spawn(t, &puppet_dedicated_class, NULL), wait_behind_gate, &w);
		sys_gate_await(&w.gate, 1);
		sys_close(t, NULL);
		sys_assert_status(w.status, TROUPE_CLOSING);
	}
}
END_TEST

static TCase *
make_askers(void)
{
	TCase *tc = tcase_create("await");

	tcase_add_loop_test(tc, test_system_registry_wait_is_told_at_once_who_has_it, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_registry_wait_of_several_ends_when_it_appears, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_registry_wait_ends_with_a_start_too, 0, sys_shape_count);
	tcase_add_test(tc, test_system_registry_wait_times_out);
	tcase_add_loop_test(tc, test_system_registry_wait_is_cancelled_when_the_asker_stops, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_registry_wait_ends_when_the_runtime_is_closed, 0, sys_shape_count);
	tcase_add_test(tc, test_system_registry_wait_that_makes_no_sense_is_refused);
	tcase_add_test(tc, test_system_registry_wait_ends_once_when_two_things_end_it);
	tcase_add_test(tc, test_system_registry_wait_ends_once_between_workers);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("system_registry_wait");
	TCase *tc = tcase_create("wait");

	suite_add_tcase(suite, make_askers());
	tcase_add_test(tc, test_system_registry_wait_of_threads_ends_when_it_appears);
	tcase_add_loop_test(tc, test_system_registry_wait_of_a_thread_times_out, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_registry_wait_of_a_thread_ends_with_shutdown_and_close, 0, 2);
	tcase_add_loop_test(tc, test_system_registry_wait_drives, 0, 2);
	tcase_add_loop_test(tc, test_system_registry_wait_drives_what_never_ends, 0, 2);
	tcase_add_loop_test(tc, test_system_registry_wait_of_an_actor_is_a_deadlock, 0, 2 * sys_shape_count);
	tcase_add_test(tc, test_system_registry_wait_of_a_dedicated_actor_ends_with_close);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
