/* SPDX-License-Identifier: MIT */

/*
 * Closing while everything is open: asks, timers, stashes, kept requests,
 * calls, waits for names, restarts.  Each comes to its one end.
 */

#include "runtime/actor/runtime.h"
#include "tests/payload.h"
#include "tests/puppet.h"
#include "tests/suite.h"

#include <sched.h>

enum { QUESTION = 1, ANSWER, TICK, LOAD, HELD, WORK };

#define HOUR  (3600 * TROUPE_SECOND)
#define STORE 10

/* What is open, and how each of it ended. */
struct opened {
	troupe *t;
	troupe_ref keeper, stasher, asker, supervisor, child;
	troupe_msg *kept[STORE];
	sys_counter kept_count;
	sys_counter asked, ended[TROUPE_TAKEN + 1], gathered[TROUPE_TAKEN + 1];
	sys_counter ticks, stops, lives;
	payload_fate fate;
	sys_gate gate;
};

/* --- Who has it open. --- */

static void
keep_request(troupe_actor *self, void *opened, const troupe_msg *msg)
{
	struct opened *o = opened;

	promise(troupe_is_request(msg));
	uint64_t at = sys_add(&o->kept_count, 1);
	promise(at < STORE);
	o->kept[at % STORE] = troupe_keep(self);
}

static void
stash_all(troupe_actor *self, void *opened, const troupe_msg *msg)
{
	(void)opened;
	(void)msg;
	promise(troupe_stash(self) == TROUPE_OK);
}

static void
count_tick(troupe_actor *self, void *opened, const troupe_msg *msg)
{
	struct opened *o = opened;

	(void)self;
	if (msg->type == TICK || msg->type == TROUPE_IDLE)
		sys_add(&o->ticks, 1);
	if (msg->type == HELD)
		sys_gate_pass(&o->gate);
}

static void
count_stop(troupe_actor *self, void *opened, troupe_reason reason)
{
	struct opened *o = opened;

	(void)self;
	promise(reason == TROUPE_REASON_CLOSING || reason == TROUPE_REASON_PARENT || reason == TROUPE_REASON_RESTART);
	sys_add(&o->stops, 1);
}

static int
count_start(troupe_actor *self, void *opened)
{
	struct opened *o = opened;

	(void)self;
	sys_add(&o->lives, 1);
	return 0;
}

static puppet_script
script_of(struct opened *o, void (*receive)(troupe_actor *, void *, const troupe_msg *))
{
	return (puppet_script){ .argument = o, .start = count_start, .receive = receive, .stop = count_stop };
}

/* --- Opening it. --- */

static void
note_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	struct opened *o = answer->context;

	(void)self;
	(void)state;
	sys_add(&o->ended[answer->status], 1);
}

static void
note_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	struct opened *o = gathered->context;

	(void)self;
	(void)state;
	sys_add(&o->gathered[gathered->status], 1);
}

static void
ask_everything(troupe_actor *self, void *opened)
{
	struct opened *o = opened;
	troupe_request requests[2] = { { .to = o->keeper, .type = QUESTION }, { .to = o->stasher, .type = QUESTION } };
	troupe_msg *msg = payload_message(QUESTION, 5000, &o->fate);

	promise(troupe_ask(self, o->keeper, QUESTION, NULL, 0, HOUR, note_answer, o) == TROUPE_OK);
	promise(troupe_ask(self, o->stasher, QUESTION, "text", 4, HOUR, note_answer, o) == TROUPE_OK);
	promise(troupe_ask_msg(self, o->keeper, &msg, INT64_MAX, note_answer, o) == TROUPE_OK);
	promise(troupe_await_name(self, "nobody's", HOUR, note_answer, o) == TROUPE_OK);
	promise(troupe_gather(self, requests, 2, 1, HOUR, note_gathered, o) == TROUPE_OK);
	promise(troupe_monitor(self, o->stasher) != 0);
	promise(troupe_register(self, "asker") == TROUPE_OK);
	sys_add(&o->asked, 4);
}

static void
arm_everything(troupe_actor *self, void *unused)
{
	static const char bytes[3000];

	(void)unused;
	promise(troupe_send_after(self, HOUR, TICK, bytes, sizeof bytes) != 0);
	promise(troupe_send_after(self, HOUR, TICK, NULL, 0) != 0);
	promise(troupe_send_every(self, HOUR, TROUPE_MISSED_SKIP, TICK, bytes, sizeof bytes) != 0);
	promise(troupe_send_every(self, TROUPE_MS, TROUPE_MISSED_SKIP, TICK, NULL, 0) != 0);
	promise(troupe_set_idle_timeout(self, HOUR) == TROUPE_OK);
}

/* It fails at once, and its restart is far away: what is sent to it waits. */
static void
spawn_failing(troupe_actor *self, void *opened)
{
	struct opened *o = opened;
	puppet_script script = script_of(o, count_tick);

	o->child = troupe_spawn_child(self, &puppet_class, &script);
	promise(o->child != 0);
}

static const troupe_supervisor far_away = { .backoff_ns = HOUR, .backoff_max_ns = HOUR };

static void
open_everything(struct opened *o, const sys_shape *shape, sys_ledger *ledger)
{
	static troupe_class supervisor_class;
	puppet_script keeper = script_of(o, keep_request), stasher = script_of(o, stash_all),
		      other = script_of(o, count_tick);

	supervisor_class = puppet_supervisor_class;
	supervisor_class.supervisor = &far_away;
	sys_gate_init(&o->gate);
	o->t = sys_open_tolerant(shape, ledger);
	o->keeper = sys_spawn(o->t, &puppet_class, &keeper);
	o->stasher = sys_spawn(o->t, &puppet_class, &stasher);
	o->asker = sys_spawn(o->t, shape->workers % 2 ? &puppet_dedicated_class : &puppet_class, &other);
	o->supervisor = sys_spawn(o->t, &supervisor_class, &other);
	puppet_let(o->t, o->asker, ask_everything, o);
	puppet_let(o->t, o->supervisor, spawn_failing, o);
	puppet_let(o->t, o->child, puppet_fail, NULL);
	for (int i = 0; i < STORE; i++) {
		payload_send(o->stasher, LOAD, payload_sizes[i % PAYLOAD_SIZES], &o->fate);
		payload_send(o->child, LOAD, payload_sizes[i % PAYLOAD_SIZES], &o->fate);
	}
	puppet_let(o->t, o->supervisor, arm_everything, NULL);
	puppet_let(o->t, o->asker, arm_everything, NULL);
}

/* How many ended so, and that the rest did not. */
static void
assert_ends(struct opened *o)
{
	sys_assert_count(o->asked, 4);
	ck_assert_uint_eq(sys_get(&o->ended[TROUPE_CLOSING]) + sys_get(&o->ended[TROUPE_CANCELLED]), 4);
	ck_assert_uint_eq(sys_get(&o->gathered[TROUPE_CLOSING]) + sys_get(&o->gathered[TROUPE_CANCELLED]), 1);
	ck_assert_uint_eq(sys_get(&o->lives), sys_get(&o->stops));
}

/* What was kept is the program's: it outlives the runtime. */
static void
free_kept(struct opened *o)
{
	for (uint64_t i = 0; i < sys_get(&o->kept_count); i++) {
		ck_assert_ptr_nonnull(o->kept[i]);
		if (i % 2)
			troupe_msg_free(&o->kept[i]);
		else
			sys_assert_status(troupe_answer_kept(&o->kept[i], ANSWER, NULL, 0), TROUPE_DEAD);
		ck_assert_ptr_null(o->kept[i]);
	}
}

START_TEST(test_system_close_open_ends_everything_once)
{
	struct opened o = { 0 };
	sys_ledger ledger = { 0 };

	open_everything(&o, &sys_shapes[_i], &ledger);
	sys_assert_count(o.kept_count, 3);
	sys_close(o.t, &ledger);
	assert_ends(&o);
	free_kept(&o);
	assert_fate(o.fate, 2 * STORE + 1);
	/* The stash, with two requests, and what waits for the restart: not what was kept. */
	sys_assert_count(ledger.dead[TROUPE_CLOSING], 2 * STORE + 2);
	sys_assert_count(ledger.dead[TROUPE_FAILED], 1);
	assert_promises_kept();
}
END_TEST

/* --- Somebody is still at work. --- */

struct roll {
	uint32_t count;
	troupe_survivor who;
	char class_name[32];
};

static void
note_survivor(void *context, const troupe_survivor *who)
{
	struct roll *r = context;

	r->count++;
	r->who = *who;
	snprintf(r->class_name, sizeof r->class_name, "%s", who->class_name);
}

START_TEST(test_system_close_open_names_survivors)
{
	struct opened o = { 0 };
	struct roll roll = { 0 };
	sys_ledger ledger = { 0 };
	puppet_script script = script_of(&o, count_tick);

	open_everything(&o, &sys_shapes[1], &ledger);
	/* It has timers too, and five messages. */
	troupe_ref held = sys_spawn(o.t, _i ? &puppet_dedicated_class : &puppet_class, &script);
	puppet_let(o.t, held, arm_everything, NULL);
	sys_send(held, HELD, NULL, 0);
	sys_gate_await(&o.gate, 1);
	for (int i = 0; i < 5; i++)
		sys_send(held, WORK, NULL, 0);
	sys_assert_status(troupe_close(o.t, 0, note_survivor, &roll), TROUPE_TIMEOUT);
	ck_assert_uint_ge(roll.count, 1);
	while (roll.count > 1) {
		/* Others may have been on their way out. */
		roll.count = 0;
		sys_assert_status(troupe_close(o.t, 1, note_survivor, &roll), TROUPE_TIMEOUT);
	}
	ck_assert_uint_eq(roll.who.ref, held);
	ck_assert_uint_eq(roll.who.msg_type, HELD);
	ck_assert_str_eq(roll.class_name, _i ? "dedicated puppet" : "puppet");
	sys_gate_open(&o.gate);
	sys_close(o.t, &ledger);
	assert_ends(&o);
	free_kept(&o);
	assert_fate(o.fate, 2 * STORE + 1);
	sys_assert_count(ledger.dead[TROUPE_CLOSING], 2 * STORE + 2 + 5);
	assert_promises_kept();
}
END_TEST

/* --- Several closers. --- */

static void *
close_until_gone(void *opened)
{
	struct opened *o = opened;
	troupe_status status;

	while ((status = troupe_close(o->t, TROUPE_FOREVER, NULL, NULL)) == TROUPE_DEADLOCK)
		sched_yield();
	return (void *)(uintptr_t)status;
}

/* The one that is second must not come when t is gone: it is let in before the first can be through. */
START_TEST(test_system_close_open_from_two_threads)
{
	struct opened o = { 0 };
	sys_ledger ledger = { 0 };
	puppet_script script = script_of(&o, count_tick);
	troupe_status second;

	open_everything(&o, &sys_shapes[_i], &ledger);
	sys_send(sys_spawn(o.t, &puppet_class, &script), HELD, NULL, 0);
	sys_gate_await(&o.gate, 1);
	pthread_t first = sys_start(close_until_gone, &o);
	while ((second = troupe_close(o.t, 0, NULL, NULL)) == TROUPE_TIMEOUT)
		sched_yield();
	sys_assert_status(second, TROUPE_DEADLOCK);
	sys_assert_status(troupe_drain(o.t, 0), TROUPE_CLOSING);
	sys_gate_open(&o.gate);
	ck_assert_uint_eq((uintptr_t)sys_join(first), TROUPE_OK);
	assert_ends(&o);
	free_kept(&o);
	assert_fate(o.fate, 2 * STORE + 1);
	assert_promises_kept();
}
END_TEST

static void
close_inside(troupe_actor *self, void *unused)
{
	(void)unused;
	promise(troupe_close(troupe_of(self), TROUPE_FOREVER, NULL, NULL) == TROUPE_DEADLOCK);
	promise(troupe_drain(troupe_of(self), TROUPE_FOREVER) == TROUPE_DEADLOCK);
	promise(troupe_drain(troupe_of(self), 0) == TROUPE_DEADLOCK);
}

static void
close_in_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	(void)state;
	promise(answer->status == TROUPE_CLOSING || answer->status == TROUPE_CANCELLED);
	close_inside(self, NULL);
	/* Nothing begins any more. */
	promise(troupe_await_name(self, "nobody's", HOUR, close_in_answer, NULL) == TROUPE_INVALID);
	promise(troupe_register(self, "too late") == TROUPE_INVALID);
	promise(troupe_send_after(self, 0, TICK, NULL, 0) == 0);
	sys_add((sys_counter *)answer->context, 1);
}

static void
await_and_close(troupe_actor *self, void *counter)
{
	close_inside(self, NULL);
	promise(troupe_await_name(self, "nobody's", HOUR, close_in_answer, counter) == TROUPE_OK);
}

START_TEST(test_system_close_open_from_inside)
{
	sys_counter answered = 0;
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	puppet_let(t, sys_spawn(t, &puppet_class, NULL), await_and_close, &answered);
	puppet_let(t, sys_spawn(t, &puppet_dedicated_class, NULL), await_and_close, &answered);
	sys_close(t, NULL);
	sys_assert_count(answered, 2);
	assert_promises_kept();
}
END_TEST

/* --- Threads that wait. --- */

static void *
call_in_thread(void *opened)
{
	struct opened *o = opened;

	return (void *)(uintptr_t)troupe_call(o->stasher, QUESTION, NULL, 0, HOUR, NULL, NULL);
}

static void *
wait_in_thread(void *opened)
{
	struct opened *o = opened;
	troupe_ref found;

	return (void *)(uintptr_t)troupe_wait_for(o->t, "nobody's", TROUPE_FOREVER, &found);
}

START_TEST(test_system_close_open_rouses_threads_that_wait)
{
	struct opened o = { 0 };
	sys_ledger ledger = { 0 };
	pthread_t callers[3], waiters[2];

	open_everything(&o, &sys_shapes[1], &ledger);
	for (int i = 0; i < 3; i++)
		callers[i] = sys_start(call_in_thread, &o);
	for (int i = 0; i < 2; i++)
		waiters[i] = sys_start(wait_in_thread, &o);
	/* So that all of them are in there, each as one that the runtime waits for. */
	/* RT-none: nothing is read that they wrote. */
	while (atomic_load_explicit(&o.t->endings, memory_order_relaxed) != 3 ||
	       atomic_load_explicit(&o.t->waiters, memory_order_relaxed) != 2)
		sched_yield();
	sys_close(o.t, &ledger);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq((uintptr_t)sys_join(callers[i]), TROUPE_CLOSING);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq((uintptr_t)sys_join(waiters[i]), TROUPE_CLOSING);
	assert_ends(&o);
	free_kept(&o);
	assert_fate(o.fate, 2 * STORE + 1);
	assert_promises_kept();
}
END_TEST

/* --- Drain, then close. --- */

static void
pass_on(troupe_actor *self, void *opened, const troupe_msg *msg)
{
	struct opened *o = opened;

	if (msg->type != WORK) {
		sys_add(&o->ticks, 1);
		return;
	}
	uint64_t left = *(const uint64_t *)msg->body;
	sys_add(&o->ended[0], 1);
	if (left-- > 0)
		promise(troupe_send(o->keeper == troupe_self(self) ? o->stasher : o->keeper, WORK, &left, sizeof left) ==
		        TROUPE_OK);
}

static void
arm_often(troupe_actor *self, void *unused)
{
	(void)unused;
	promise(troupe_send_every(self, TROUPE_MS, TROUPE_MISSED_SKIP, TICK, NULL, 0) != 0);
	promise(troupe_send_every(self, 7 * TROUPE_MS, TROUPE_MISSED_CATCH_UP, TICK, "text", 5) != 0);
	promise(troupe_set_idle_timeout(self, TROUPE_MS) == TROUPE_OK);
}

START_TEST(test_system_close_open_after_drain_loses_nothing)
{
	enum { SENT = 100 };
	struct opened o = { 0 };
	sys_ledger ledger = { 0 };
	puppet_script script = { .argument = &o, .receive = pass_on };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	o.keeper = sys_spawn(t, &puppet_class, &script);
	o.stasher = sys_spawn(t, &puppet_dedicated_class, &script);
	puppet_let(t, o.keeper, arm_often, NULL);
	puppet_let(t, o.stasher, arm_often, NULL);
	sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
	/* Whoever holds it makes no difference. */
	sys_assert_status(troupe_hold(t), TROUPE_OK);
	for (uint64_t left = 0; left < SENT; left++)
		sys_send(o.keeper, WORK, &left, sizeof left);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_count(o.ended[0], SENT * (SENT + 1) / 2);
	sys_assert_status(troupe_release(t), TROUPE_OK);
	sys_close(t, &ledger);
	sys_assert_count(ledger.dead[TROUPE_CLOSING], 0);
	sys_assert_count(ledger.dead[TROUPE_DEAD], 0);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_close_open_drain_says_what_stops_it)
{
	struct opened o = { 0 };
	puppet_script script = script_of(&o, count_tick);
	troupe *t = sys_open(1, NULL);

	sys_gate_init(&o.gate);
	sys_assert_status(troupe_drain(NULL, 0), TROUPE_INVALID);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	sys_send(sys_spawn(t, &puppet_class, &script), HELD, NULL, 0);
	sys_gate_await(&o.gate, 1);
	sys_assert_status(troupe_drain(t, 0), TROUPE_TIMEOUT);
	sys_assert_status(troupe_drain(t, TROUPE_MS), TROUPE_TIMEOUT);
	troupe_shutdown(t);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_TIMEOUT);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_CLOSING);
	sys_gate_open(&o.gate);
	sys_close(t, NULL);
}
END_TEST

/* A hold that comes while somebody drains is none of its business. */
static void *
hold_at_once(void *t)
{
	return (void *)(uintptr_t)troupe_hold(t);
}

START_TEST(test_system_close_open_drain_beside_holds)
{
	troupe *t = sys_open(1, NULL);

	for (int i = 0; i < SYS_SCALED(4000); i++) {
		pthread_t thread = sys_start(hold_at_once, t);

		sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
		ck_assert_uint_eq((uintptr_t)sys_join(thread), TROUPE_OK);
		sys_assert_status(troupe_release(t), TROUPE_OK);
	}
	sys_close(t, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_close_open");
	TCase *tc = tcase_create("close");

	tcase_add_loop_test(tc, test_system_close_open_ends_everything_once, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_close_open_names_survivors, 0, 2);
	tcase_add_loop_test(tc, test_system_close_open_from_two_threads, 0, 8);
	tcase_add_loop_test(tc, test_system_close_open_from_inside, 0, sys_shape_count);
	tcase_add_test(tc, test_system_close_open_rouses_threads_that_wait);
	tcase_add_loop_test(tc, test_system_close_open_after_drain_loses_nothing, 0, sys_shape_count);
	tcase_add_test(tc, test_system_close_open_drain_says_what_stops_it);
	tcase_add_test(tc, test_system_close_open_drain_beside_holds);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
