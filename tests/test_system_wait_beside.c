/* SPDX-License-Identifier: MIT */

/*
 * Those who wait, when what they wait for comes about in another thread at an
 * awkward moment: holds, calls of dedicated actors, starts; and the end of an
 * actor that has much under way.  A wait that does not end is found by the
 * time-out of its case.
 */

#include "tests/asking.h"
#include "tests/kin.h"
#include "tests/suite.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#define HOUR (3600 * TROUPE_SECOND)

/* The ways to wait. */
static const sys_shape shapes[] = {
	{ "1 worker", 1, 0, 0, TROUPE_SCHEDULER_POOL },
	{ "no workers", TROUPE_WORKERS_NONE, 0, 0, TROUPE_SCHEDULER_POOL },
	{ "simulated", 0, 0, 0, TROUPE_SCHEDULER_SIMULATED },
};
#define SHAPES 3

static void
yield_often(uint32_t times)
{
	while (times-- > 0)
		sched_yield();
}

/* --- Rounds that two threads begin together. --- */

/* Relaxed: no order is there but the tested code's own. */
typedef struct rounds {
	troupe *t;
	uint64_t count;
	sys_counter begun, ended;
	uint64_t wrong; /* the other thread's */
} rounds;

static void
await_count(sys_counter *counter, uint64_t value)
{
	for (uint32_t looks = 1; sys_get(counter) < value; looks++)
		if (looks % 1024 == 0)
			sched_yield();
}

static void *
drain_each_round(void *rounds_)
{
	rounds *r = rounds_;

	for (uint64_t i = 1; i <= r->count; i++) {
		await_count(&r->begun, i);
		r->wrong += troupe_drain(r->t, TROUPE_FOREVER) != TROUPE_OK;
		sys_set(&r->ended, i);
	}
	return NULL;
}

/* A little later from round to round: the other's way to its look takes about as long. */
static void
delay(uint64_t round)
{
	for (volatile uint64_t left = round % 2048; left > 0; left--)
		;
}

START_TEST(test_system_wait_beside_a_drain_ends_beside_a_hold)
{
	rounds r = { .count = SYS_SCALED(200000) };

	r.t = sys_open_shape(&shapes[_i], NULL);
	sys_wait(r.t);
	pthread_t drainer = sys_start(drain_each_round, &r);
	for (uint64_t i = 1; i <= r.count; i++) {
		sys_set(&r.begun, i);
		delay(i);
		sys_assert_status(troupe_hold(r.t), TROUPE_OK);
		await_count(&r.ended, i);
		sys_assert_status(troupe_release(r.t), TROUPE_OK);
	}
	sys_join(drainer);
	ck_assert_uint_eq(r.wrong, 0);
	sys_wait(r.t);
	sys_close(r.t, NULL);
}
END_TEST

/* --- Calls of dedicated actors. --- */

#define LOOKS 2000

typedef struct calling {
	troupe_ref to;
	troupe_status status;
} calling;

static void
call_it(troupe_actor *self, void *calling_)
{
	calling *c = calling_;

	(void)self;
	c->status = troupe_call(c->to, KEEP, NULL, 0, HOUR, NULL, NULL);
}

/* The caller is in its call all the time: what it asked is kept. */
START_TEST(test_system_wait_beside_a_dedicated_call_leaves_the_driving_to_the_program)
{
	troupe *t = asking_open(TROUPE_WORKERS_NONE, NULL);
	responder r = { .next = 0 };
	calling c = { .status = TROUPE_INVALID };
	uint32_t refused = 0;

	c.to = sys_spawn(t, &responder_class, &r);
	act_in(sys_spawn(t, &dedicated_act_class, NULL), call_it, &c);
	while (sys_get(&r.handled) == 0)
		if (troupe_run_once(t) != TROUPE_OK)
			sched_yield();
	for (uint32_t i = 0; i < LOOKS; i++) {
		refused += troupe_run_once(t) != TROUPE_TIMEOUT;
		sched_yield();
	}
	sys_send(c.to, ANSWER_KEPT, NULL, 0);
	sys_wait(t);
	ck_assert_uint_eq(refused, 0);
	sys_assert_status(c.status, TROUPE_OK);
	sys_assert_count(r.wrong, 0);
	sys_close(t, NULL);
}
END_TEST

/* --- Spawns of many threads. --- */

#define SPAWNERS 4

typedef struct spawner {
	troupe *t;
	sys_gate *gate;
	uint32_t count, failed;
	uint32_t last; /* that was stopped */
	uint32_t stopped, wrong;
} spawner;

/* The state of what it spawns, and the argument. */
typedef struct number {
	spawner *by;
	uint32_t number;
} number;

static int
take_number(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	*(number *)state = *(const number *)argument;
	return 0;
}

/* The later one first. */
static void
check_number(troupe_actor *self, void *state, troupe_reason reason)
{
	const number *n = state;

	(void)self;
	(void)reason;
	n->by->wrong += n->number != n->by->last - 1;
	n->by->last = n->number;
	n->by->stopped++;
}

static void *
spawn_all(void *spawner_)
{
	static const troupe_class class_ = {
		.state_size = sizeof(number),
		.start = take_number,
		.receive = sys_ignore,
		.stop = check_number,
	};
	spawner *s = spawner_;

	sys_gate_pass(s->gate);
	for (number n = { s, 0 }; n.number < s->count; n.number++)
		s->failed += troupe_spawn(s->t, &class_, &n) == 0;
	return NULL;
}

START_TEST(test_system_wait_beside_simulated_births_are_counted_beside_each_other)
{
	sys_gate gate = SYS_GATE_CLOSED;
	spawner s[SPAWNERS];
	pthread_t threads[SPAWNERS];
	troupe *t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, NULL);
	uint32_t each = SYS_SCALED(20000);

	for (int i = 0; i < SPAWNERS; i++) {
		s[i] = (spawner){ .t = t, .gate = &gate, .count = each, .last = each };
		threads[i] = sys_start(spawn_all, &s[i]);
	}
	sys_gate_await(&gate, SPAWNERS);
	sys_gate_open(&gate);
	for (int i = 0; i < SPAWNERS; i++)
		sys_join(threads[i]);
	troupe_totals totals = sys_wait(t);
	ck_assert_uint_eq(totals.spawned, (uint64_t)SPAWNERS * each);
	sys_close(t, NULL);
	for (int i = 0; i < SPAWNERS; i++) {
		ck_assert_uint_eq(s[i].failed, 0);
		ck_assert_uint_eq(s[i].stopped, each);
		ck_assert_uint_eq(s[i].wrong, 0);
	}
}
END_TEST

/* --- Starts outside. --- */

/* Its start cancels the last deadline that there is, when somebody waits. */
typedef struct canceller {
	troupe *t;
	sys_gate armed, waited_for;
	uint32_t wrong;
} canceller;

static int
arm_and_cancel(troupe_actor *self, void *state, const void *argument)
{
	canceller *c = *(canceller *const *)argument;
	troupe_timer timer = troupe_send_after(self, HOUR, 1, NULL, 0);

	(void)state;
	sys_gate_open(&c->armed);
	sys_gate_pass(&c->waited_for);
	/* It waits soon, if it does not yet. */
	yield_often(500);
	c->wrong += !troupe_cancel(self, timer);
	return 0;
}

static void *
spawn_canceller(void *canceller_)
{
	static const troupe_class class_ = { .start = arm_and_cancel, .receive = sys_ignore };
	canceller *c = canceller_;

	c->wrong += troupe_spawn(c->t, &class_, &c) == 0;
	return NULL;
}

static void
open_gate(troupe_actor *self, void *gate)
{
	(void)self;
	sys_gate_open(gate);
}

START_TEST(test_system_wait_beside_a_start_outside_wakes_who_waits)
{
	troupe *t = sys_open_shape(&shapes[_i], NULL);
	troupe_ref announcer = sys_spawn(t, &act_class, NULL);

	for (int round = 0; round < 20; round++) {
		canceller c = { .t = t, .armed = SYS_GATE_CLOSED, .waited_for = SYS_GATE_CLOSED };
		pthread_t thread = sys_start(spawn_canceller, &c);

		sys_gate_pass(&c.armed);
		/* Without workers it is handled by the wait itself. */
		act_in(announcer, open_gate, &c.waited_for);
		sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
		sys_join(thread);
		ck_assert_uint_eq(c.wrong, 0);
	}
	sys_close(t, NULL);
}
END_TEST

/* --- Somebody inside, for long. --- */

typedef struct lingerer {
	troupe *t;
	sys_gate inside, may_leave;
	long sleeps; /* of the main thread's, until which it stays */
	troupe_ref born;
} lingerer;

/* How often the main thread has waited in the kernel; -1 where nobody says. */
static long
sleeps_of_main_thread(void)
{
	char path[64], line[128];
	long sleeps = -1;

	snprintf(path, sizeof path, "/proc/self/task/%ld/status", (long)getpid());
	FILE *status = fopen(path, "r");
	if (status == NULL)
		return -1;
	while (fgets(line, sizeof line, status) != NULL)
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &sleeps) == 1)
			break;
	fclose(status);
	return sleeps;
}

static int
stay_inside(troupe_actor *self, void *state, const void *argument)
{
	lingerer *l = *(lingerer *const *)argument;

	(void)self;
	(void)state;
	sys_gate_open(&l->inside);
	sys_gate_pass(&l->may_leave);
	while (sleeps_of_main_thread() < l->sleeps)
		sched_yield();
	return 0;
}

static void *
spawn_lingerer(void *lingerer_)
{
	static const troupe_class class_ = { .start = stay_inside, .receive = sys_ignore };
	lingerer *l = lingerer_;

	l->born = troupe_spawn(l->t, &class_, &l);
	return NULL;
}

START_TEST(test_system_wait_beside_who_stays_inside_ends_in_time)
{
	lingerer l = { .inside = SYS_GATE_CLOSED, .may_leave = SYS_GATE_CLOSED };
	troupe *t = l.t = sys_open_shape(&shapes[_i], NULL);
	pthread_t thread = sys_start(spawn_lingerer, &l);

	sys_gate_pass(&l.inside);
	sys_assert_status(troupe_wait(t, 3 * TROUPE_MS), TROUPE_TIMEOUT);
	sys_assert_status(troupe_hold(t), TROUPE_OK);
	sys_assert_status(troupe_wait(t, 3 * TROUPE_MS), TROUPE_TIMEOUT);
	sys_assert_status(troupe_drain(t, 3 * TROUPE_MS), TROUPE_TIMEOUT);
	sys_assert_status(troupe_release(t), TROUPE_OK);
	sys_gate_open(&l.may_leave);
	sys_join(thread);
	ck_assert_uint_ne(l.born, 0);
	sys_close(t, NULL);
}
END_TEST

/* Whoever waits for it sleeps between two looks: else it stays for ever. */
START_TEST(test_system_wait_beside_who_stays_inside_costs_little)
{
	lingerer l = { .inside = SYS_GATE_CLOSED, .may_leave = SYS_GATE_CLOSED };
	troupe *t = l.t = sys_open_shape(&shapes[_i], NULL);
	pthread_t thread = sys_start(spawn_lingerer, &l);

	sys_gate_pass(&l.inside);
	if (sleeps_of_main_thread() >= 0)
		l.sleeps = sleeps_of_main_thread() + 20;
	sys_gate_open(&l.may_leave);
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	sys_join(thread);
	ck_assert_uint_ne(l.born, 0);
	sys_close(t, NULL);
}
END_TEST

/* --- Draining. --- */

#define ASKS   5
#define TIMERS 4

enum { TO_STASH = 20, TO_HANDLE = 30, LAST_WORDS = 40 };

/* A member of a simulated house that is drained with all this under way. */
typedef struct drainee {
	kin kin; /* first: its members are kin */
	responder keepers[ASKS];
	troupe_ref asked[ASKS];
	bool speaks; /* in the end */
	uint32_t handled, heard, by_status[TROUPE_TAKEN + 1];
} drainee;

static void
drain_on(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	drainee *d = (drainee *)(void *)k;

	/* No timer has fired. */
	kin_expect(k->home, msg->type >= TO_STASH);
	d->handled += msg->type == TO_HANDLE;
	d->heard += msg->type == LAST_WORDS;
	if (msg->type == TO_STASH)
		kin_expect(k->home, troupe_stash(self) == TROUPE_OK);
}

static void
note_ending(troupe_actor *self, void *state, const troupe_answer *answer)
{
	drainee *d = answer->context;

	(void)state;
	d->by_status[answer->status]++;
	/* Nothing was left to be handled. */
	if (d->speaks)
		kin_expect(d->kin.home, troupe_send(troupe_self(self), LAST_WORDS, NULL, 0) == TROUPE_OK);
}

static void
begin_all(troupe_actor *self, kin *k, void *unused)
{
	drainee *d = (drainee *)(void *)k;

	(void)unused;
	for (int i = 0; i < ASKS; i++)
		kin_expect(k->home, troupe_ask(self, d->asked[i], KEEP, NULL, 0, HOUR, note_ending, d) == TROUPE_OK);
	for (int i = 0; i < TIMERS; i++)
		kin_expect(k->home, troupe_send_after(self, TROUPE_SECOND, 1, &i, sizeof i) != 0);
	kin_expect(k->home, troupe_send_every(self, TROUPE_SECOND, TROUPE_MISSED_CATCH_UP, 1, NULL, 0) != 0);
}

static void
spawn_drainee(house *h, drainee *d)
{
	for (int i = 0; i < ASKS; i++)
		d->asked[i] = sys_spawn(h->t, &responder_class, &d->keepers[i]);
	kin_spawn(h, &d->kin);
	kin_let(&d->kin, begin_all, NULL);
}

/* With a stash or without, and with words that are sent in the end or without. */
static void
check_drain(uint64_t seed, bool stashes, bool speaks)
{
	drainee d = { .kin.on = drain_on, .speaks = speaks };
	uint32_t buried = stashes ? 3 + (speaks ? ASKS : 0) : 0;
	house h;

	house_open(&h, seed);
	spawn_drainee(&h, &d);
	for (int i = 0; i < 3 && stashes; i++)
		kin_send(&d.kin, TO_STASH);
	house_pass(&h, TROUPE_MS);
	for (int i = 0; i < 5; i++)
		kin_send(&d.kin, TO_HANDLE);
	sys_assert_status(troupe_stop(d.kin.ref, TROUPE_STOP_DRAIN), TROUPE_OK);
	troupe_totals totals = house_settle(&h);
	sys_assert_status(troupe_send(d.kin.ref, TO_HANDLE, NULL, 0), TROUPE_DEAD);
	/* The hour of the asks has not come. */
	ck_assert_int_lt(troupe_now(h.t), TROUPE_SECOND);
	ck_assert_uint_eq(d.kin.stops, 1);
	ck_assert_uint_eq(d.handled, 5);
	ck_assert_uint_eq(d.heard, speaks && !stashes ? ASKS : 0);
	sys_assert_count(h.ledger.dead[TROUPE_DEAD], buried);
	ck_assert_uint_eq(totals.dead, buried);
	/* Answers that come now are for nobody. */
	for (int i = 0; i < ASKS; i++) {
		sys_assert_count(d.keepers[i].handled, 1);
		sys_send(d.asked[i], DROP, NULL, 0);
	}
	house_settle(&h);
	for (int status = 0; status <= TROUPE_TAKEN; status++)
		ck_assert_uint_eq(d.by_status[status], status == TROUPE_CANCELLED ? ASKS : 0);
	house_close(&h);
}

START_TEST(test_system_wait_beside_draining_ends_each_thing_once)
{
	for (uint64_t seed = 0; seed < 8; seed++)
		check_drain(seed, _i % 2 != 0, _i / 2 != 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_wait_beside");
	TCase *tc = tcase_create("waiting");

	tcase_add_loop_test(tc, test_system_wait_beside_a_drain_ends_beside_a_hold, 0, SHAPES);
	tcase_add_test(tc, test_system_wait_beside_a_dedicated_call_leaves_the_driving_to_the_program);
	tcase_add_test(tc, test_system_wait_beside_simulated_births_are_counted_beside_each_other);
	tcase_add_loop_test(tc, test_system_wait_beside_a_start_outside_wakes_who_waits, 0, 2);
	tcase_add_loop_test(tc, test_system_wait_beside_who_stays_inside_ends_in_time, 0, SHAPES);
	tcase_add_loop_test(tc, test_system_wait_beside_who_stays_inside_costs_little, 0, SHAPES);
	suite_add_tcase(suite, tc);
	tc = tcase_create("draining");
	tcase_add_loop_test(tc, test_system_wait_beside_draining_ends_each_thing_once, 0, 4);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
