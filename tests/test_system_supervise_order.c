/* SPDX-License-Identifier: MIT */

/*
 * Supervisors, asks and timers when things happen in a rare order.  Each order
 * is brought about on purpose: the runtime is driven step by step, and who
 * shall come late has a thread of its own and is held up at a gate.
 */

#include "tests/kin.h"
#include "tests/suite.h"

#define HOUR (3600 * TROUPE_SECOND)

/* What is dedicated runs by itself, all else when it is driven. */
static const sys_shape driven = { "no workers", TROUPE_WORKERS_NONE, 0, 0, TROUPE_SCHEDULER_POOL };
static const sys_shape one_worker = { "1 worker", 1, 0, 0, TROUPE_SCHEDULER_POOL };

KIN_CLASS_OF(deciding_class, .restarts = 1000, .backoff_ns = -1, .decide = kin_decide);
KIN_FLAGGED_CLASS_OF(late_class, TROUPE_DEDICATED, .restarts = 1000, .backoff_ns = -1, .decide = kin_decide);
KIN_CLASS_OF(all_class, .strategy = TROUPE_ALL_FOR_ONE, .backoff_ns = TROUPE_SECOND);
KIN_CLASS_OF(patient_class, .backoff_ns = HOUR, .backoff_max_ns = HOUR);
KIN_FLAGGED_CLASS_OF(never_class, TROUPE_DEDICATED, .restarts = -1);

/* --- Steps. --- */

/* Until nothing is ready. */
static void
drive_all(house *h)
{
	troupe_status status;

	while ((status = troupe_run_once(h->t)) == TROUPE_OK)
		;
	sys_assert_status(status, TROUPE_TIMEOUT);
}

/* Until another thread has counted so far. */
static void
drive_until(house *h, sys_counter *counter, uint64_t value)
{
	while (sys_get(counter) < value)
		if (troupe_run_once(h->t) != TROUPE_OK)
			sched_yield();
}

/* Until nobody else is before it at the gate. */
static void
hold_up(const kin *k, sys_gate *gate)
{
	kin_let(k, kin_pass_gate, gate);
	sys_gate_await(gate, 1);
}

static void
assert_gone(const kin *k)
{
	sys_assert_status(troupe_send(k->ref, 1, NULL, 0), TROUPE_DEAD);
}

/* --- Timers and asks of a bystander. --- */

#define UNDER_WAY 4

typedef struct endings {
	uint32_t by_status[TROUPE_TAKEN + 1];
} endings;

static void
note_ending(troupe_actor *self, void *state, const troupe_answer *answer)
{
	endings *e = answer->context;

	(void)self;
	(void)state;
	e->by_status[answer->status]++;
}

/* Those that keep what they are asked. */
typedef struct keeper {
	kin kin; /* first: its members are kin */
	troupe_msg *kept[2 * UNDER_WAY];
	uint32_t count;
} keeper;

static void
keep_request(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	keeper *p = (keeper *)(void *)k;

	kin_expect(k->home, troupe_is_request(msg) && p->count < 2 * UNDER_WAY);
	p->kept[p->count++] = troupe_keep(self);
}

static void
answer_kept(troupe_actor *self, kin *k, void *expected)
{
	keeper *p = (keeper *)(void *)k;

	(void)self;
	while (p->count > 0)
		kin_expect(k->home,
		    troupe_answer_kept(&p->kept[--p->count], 1, NULL, 0) == *(const troupe_status *)expected);
}

/* What it does about it when it is asked, and when its timers fire, is in the test. */
typedef struct bystander {
	kin kin; /* first: its members are kin */
	const keeper *keeper;
	endings asks;
} bystander;

static void
begin_asks(troupe_actor *self, kin *k, void *unused)
{
	bystander *o = (bystander *)(void *)k;

	(void)unused;
	for (uint32_t i = 0; i < UNDER_WAY; i++)
		kin_expect(k->home,
		    troupe_ask(self, o->keeper->kin.ref, 1, NULL, 0, HOUR, note_ending, &o->asks) == TROUPE_OK);
}

static void
begin_timers(troupe_actor *self, kin *k, void *delay)
{
	for (uint32_t i = 0; i < UNDER_WAY; i++)
		kin_expect(k->home, troupe_send_after(self, *(const int64_t *)delay, 1, &i, sizeof i) != 0);
}

static void
begin_both(troupe_actor *self, kin *k, void *delay)
{
	begin_asks(self, k, NULL);
	begin_timers(self, k, delay);
}

/* --- Children that are gone when their failure is heard of. --- */

static const troupe_class stranger_class = {
	.name = "stranger",
	.state_size = sizeof(kin_state),
	.receive = sys_ignore,
};

/* Strangers, until one is in the place of the member; its tag says so. */
static void
put_in_place(troupe_actor *self, kin *k, void *member)
{
	const kin *gone = member;

	for (int i = 0; i < 64 && k->number == 0; i++) {
		troupe_ref ref = troupe_spawn(troupe_of(self), &stranger_class, NULL);

		kin_expect(k->home, ref != 0);
		k->number = (uint32_t)ref == (uint32_t)gone->ref;
	}
}

static troupe_decision
expect_kin(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	kin_expect(k->home, failure->who == k->children[0].ref && failure->code == 3);
	kin_expect(k->home, strcmp(failure->class_name, "kin") == 0);
	return k->decision;
}

START_TEST(test_system_supervise_order_decide_is_told_the_class_of_who_failed)
{
	kin c = { .tag = '\0' }, m = { .tag = '\0' };
	kin s = { .class_ = &late_class, .children = &c, .child_count = 1, .decide = expect_kin };
	sys_gate late = SYS_GATE_CLOSED;
	house h;

	s.decision = (troupe_decision)_i;
	house_open_shape(&h, &driven);
	kin_spawn(&h, &s);
	kin_spawn(&h, &m);
	hold_up(&s, &late);
	kin_fail(&c, 3);
	drive_all(&h);
	ck_assert_uint_eq(c.fails, 1);
	kin_stop_now(&c);
	drive_all(&h);
	assert_gone(&c);
	kin_let(&m, put_in_place, &c);
	drive_all(&h);
	ck_assert_uint_eq(m.number, 1);
	sys_gate_open(&late);
	house_settle(&h);
	ck_assert_uint_eq(s.decided, 1);
	ck_assert_uint_eq(c.starts, 1);
	house_close(&h);
}
END_TEST

/* --- Groups that back off. --- */

/* The first of three has failed, the second and the third are stopped while all back off; for many seeds. */
START_TEST(test_system_supervise_order_a_group_backs_off_without_who_is_stopped)
{
	kin abc[3] = { { .tag = '\0' } };
	kin s = { .class_ = &all_class, .children = abc, .child_count = 3 };
	keeper p = { .kin.on = keep_request };
	bystander o = { .keeper = &p };
	troupe_status expected = TROUPE_OK;
	int64_t delay = 5 * TROUPE_SECOND;
	house h;

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &s);
	kin_spawn(&h, &p.kin);
	kin_spawn(&h, &o.kin);
	kin_fail(&abc[0], 1);
	house_pass(&h, TROUPE_MS);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(abc[i].stops, 1);
	/* Each time what is given back is taken anew. */
	for (int i = 1; i < 3; i++) {
		kin_stop_now(&abc[i]);
		house_pass(&h, 300 * TROUPE_MS);
		assert_gone(&abc[i]);
		kin_let(&o.kin, begin_both, &delay);
		house_pass(&h, TROUPE_MS);
	}
	house_pass(&h, TROUPE_SECOND);
	ck_assert_uint_eq(abc[0].starts, 2);
	assert_backoff(abc[0].started_at[1] - abc[0].failed_at[0], TROUPE_SECOND);
	ck_assert_uint_eq(abc[1].starts + abc[2].starts, 2);
	kin_send(&abc[0], 1);
	kin_let(&p.kin, answer_kept, &expected);
	house_settle(&h);
	ck_assert_uint_eq(abc[0].handled, 2);
	ck_assert_uint_eq(o.asks.by_status[TROUPE_OK], 2 * UNDER_WAY);
	ck_assert_uint_eq(o.kin.handled, 2 + 2 * UNDER_WAY);
	house_close(&h);
}
END_TEST

/* --- Supervisors that wait themselves. --- */

/* s, with children a, b, c, has failed with code 9, and waits until g is let decide. */
struct waiting_family {
	house h;
	kin g, s, abc[3];
	sys_gate late, decided;
};

static struct waiting_family *
begin_waiting_family(void)
{
	static struct waiting_family f;

	memset(&f, 0, sizeof f);
	sys_gate_init(&f.late);
	sys_gate_init(&f.decided);
	f.g = (kin){ .class_ = &late_class, .children = &f.s, .child_count = 1, .decision = TROUPE_RESUME };
	f.s = (kin){ .tag = 's', .class_ = &deciding_class, .children = f.abc, .child_count = 3 };
	f.s.decision = TROUPE_RESUME;
	for (int i = 0; i < 3; i++)
		f.abc[i].tag = (char)('a' + i);
	house_open_shape(&f.h, &driven);
	kin_spawn(&f.h, &f.g);
	house_forget(&f.h);
	hold_up(&f.g, &f.late);
	return &f;
}

/* The order to go on is in the mailbox of s, which has not run since. */
static void
let_decide(struct waiting_family *f)
{
	kin_let(&f->g, kin_pass_gate, &f->decided);
	sys_gate_open(&f->late);
	sys_gate_await(&f->decided, 1);
}

static void
end_waiting_family(struct waiting_family *f)
{
	sys_gate_open(&f->decided);
	house_settle(&f->h);
	house_close(&f->h);
	ck_assert_uint_eq(f->g.decided, 1);
	ck_assert_uint_eq(f->s.starts, 1);
}

START_TEST(test_system_supervise_order_news_of_children_is_heard_in_order)
{
	struct waiting_family *f = begin_waiting_family();

	/* s tells a to go on, and fails before it hears that it does. */
	kin_fail(&f->abc[0], 1);
	kin_fail(&f->s, 9);
	drive_all(&f->h);
	kin_fail(&f->abc[1], 2);
	drive_all(&f->h);
	kin_stop_now(&f->abc[2]);
	drive_all(&f->h);
	assert_gone(&f->abc[2]);
	ck_assert_uint_eq(f->s.decided, 1);
	house_forget(&f->h);
	/* Its turn comes before that of s, which then finds the order and more. */
	kin_fail(&f->abc[0], 3);
	kin_send(&f->s, 7);
	let_decide(f);
	kin_send(&f->s, 8);
	drive_all(&f->h);
	assert_journal(&f->h, "a:1000 a!3 s?2 s?3 s:7 s:8");
	for (int i = 0; i < 2; i++)
		kin_send(&f->abc[i], 5);
	drive_all(&f->h);
	assert_journal(&f->h, "a:1000 a!3 s?2 s?3 s:7 s:8 a:5 b:5");
	house_forget(&f->h);
	end_waiting_family(f);
	assert_journal(&f->h, "b-C a-C s-C");
}
END_TEST

/* Its records take the place of what is given back. */
static void
spawn_many(troupe_actor *self, kin *k, void *children)
{
	for (uint32_t i = 0; i < UNDER_WAY; i++) {
		kin *child = (kin *)children + i;

		child->home = k->home;
		child->ref = troupe_spawn_child(self, &kin_class, &child);
		kin_expect(k->home, child->ref != 0);
	}
}

static troupe_decision
expect_third(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	kin_expect(k->home, failure->who == k->children[2].ref && failure->code == 4);
	return TROUPE_STOP;
}

START_TEST(test_system_supervise_order_a_child_is_not_forgotten_before_its_failure_is_heard)
{
	struct waiting_family *f = begin_waiting_family();
	kin others[UNDER_WAY] = { { .tag = '\0' } };
	kin m = { .class_ = &deciding_class };

	f->s.decide = expect_third;
	kin_spawn(&f->h, &m);
	kin_fail(&f->s, 9);
	drive_all(&f->h);
	kin_fail(&f->abc[2], 4);
	drive_all(&f->h);
	kin_stop_now(&f->abc[2]);
	drive_all(&f->h);
	assert_gone(&f->abc[2]);
	kin_let(&m, spawn_many, others);
	drive_all(&f->h);
	let_decide(f);
	drive_all(&f->h);
	ck_assert_uint_eq(f->s.decided, 1);
	for (uint32_t i = 0; i < UNDER_WAY; i++)
		kin_send(&others[i], 1);
	for (int i = 0; i < 2; i++)
		kin_send(&f->abc[i], 5);
	drive_all(&f->h);
	assert_journal(&f->h, "s:1000 s!9 c:1000 c!4 c-A s?4 a:5 b:5");
	for (uint32_t i = 0; i < UNDER_WAY; i++)
		ck_assert_uint_eq(others[i].handled, 1);
	end_waiting_family(f);
}
END_TEST

/* --- Supervisors that stop. --- */

/* s stops; its child a backs off, and b takes its time to end, so that a's end comes later. */
START_TEST(test_system_supervise_order_a_backoff_ends_once_when_its_supervisor_stops)
{
	static const troupe_class slow_class = { KIN_CLASS("slow", NULL), .flags = TROUPE_DEDICATED };
	kin ab[2] = { { .tag = '\0' }, { .class_ = &slow_class } };
	kin s = { .class_ = &patient_class, .children = ab, .child_count = 2 };
	keeper p = { .kin.on = keep_request };
	bystander o = { .keeper = &p };
	sys_gate slow = SYS_GATE_CLOSED;
	troupe_status expected = TROUPE_OK;
	int64_t delay = 1;
	house h;

	house_open_shape(&h, &driven);
	kin_spawn(&h, &s);
	kin_spawn(&h, &p.kin);
	kin_spawn(&h, &o.kin);
	hold_up(&ab[1], &slow);
	kin_fail(&ab[0], 1);
	drive_all(&h);
	ck_assert_uint_eq(ab[0].stops, 1);
	kin_stop_now(&s);
	drive_all(&h);
	/* What the backoff had is theirs. */
	kin_let(&o.kin, begin_both, &delay);
	drive_all(&h);
	ck_assert_uint_eq(p.count, UNDER_WAY);
	sys_gate_open(&slow);
	while (troupe_send(s.ref, 1, NULL, 0) != TROUPE_DEAD)
		if (troupe_run_once(h.t) != TROUPE_OK)
			sched_yield();
	ck_assert_uint_eq(ab[0].starts, 1);
	kin_let(&p.kin, answer_kept, &expected);
	house_settle(&h);
	ck_assert_uint_eq(o.asks.by_status[TROUPE_OK], UNDER_WAY);
	ck_assert_uint_eq(o.kin.handled, 1 + UNDER_WAY);
	house_close(&h);
}
END_TEST

/* --- Start arguments. --- */

typedef struct long_argument {
	struct beginner *beginner;
	unsigned char bytes[200];
} long_argument;

/* Its second start is held up; what it is then told is looked at after that. */
typedef struct beginner {
	house *home;
	sys_gate gate;
	sys_counter starts, stops;
	troupe_ref ref;
} beginner;

static int
start_beginner(troupe_actor *self, void *state, const void *argument)
{
	const long_argument *a = argument;
	beginner *b = a->beginner;

	(void)self;
	*(beginner **)state = b;
	if (sys_add(&b->starts, 1) == 1)
		sys_gate_pass(&b->gate);
	kin_expect(b->home, a->beginner == b);
	for (size_t i = 0; i < sizeof a->bytes; i++)
		kin_expect(b->home, a->bytes[i] == (unsigned char)(i ^ 0x5a));
	return 0;
}

static void
fail_at_once(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	troupe_fail(self, 1, "as it was told");
}

static void
stop_beginner(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	sys_add(&(*(beginner **)state)->stops, 1);
}

static void
spawn_beginner(troupe_actor *self, kin *k, void *beginner_)
{
	static const troupe_class class_ = {
		.name = "beginner",
		.flags = TROUPE_DEDICATED,
		.state_size = sizeof(beginner *),
		.argument_size = sizeof(long_argument),
		.start = start_beginner,
		.receive = fail_at_once,
		.stop = stop_beginner,
	};
	beginner *b = beginner_;
	long_argument argument = { .beginner = b };

	for (size_t i = 0; i < sizeof argument.bytes; i++)
		argument.bytes[i] = (unsigned char)(i ^ 0x5a);
	b->home = k->home;
	b->ref = troupe_spawn_child(self, &class_, &argument);
}

START_TEST(test_system_supervise_order_a_start_has_its_argument_while_its_supervisor_stops)
{
	kin s = { .class_ = &kin_at_once_class };
	beginner b = { .gate = SYS_GATE_CLOSED };
	house h;

	house_open_shape(&h, &driven);
	kin_spawn(&h, &s);
	kin_let(&s, spawn_beginner, &b);
	drive_all(&h);
	sys_send(b.ref, 1, NULL, 0);
	drive_until(&h, &b.starts, 2);
	kin_stop_now(&s);
	drive_all(&h);
	sys_gate_open(&b.gate);
	house_settle(&h);
	sys_assert_count(b.starts, 2);
	sys_assert_count(b.stops, 2);
	ck_assert_uint_eq(s.stops, 1);
	house_close(&h);
}
END_TEST

/* --- Escalating. --- */

static void
say_so(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	(void)failure;
	kin_expect(k->home, troupe_send(((const kin *)k->more)->ref, 1, NULL, 0) == TROUPE_OK);
}

static void
open_gate(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)self;
	(void)msg;
	sys_gate_open(k->more);
}

/* Until its child has failed, and more: the one worker has done something else after that. */
static void
outlast_failure(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	int code = 6;

	(void)self;
	kin_expect(k->home, msg->type == 5);
	kin_expect(k->home, troupe_send(k->children[0].ref, KIN_FAIL, &code, sizeof code) == TROUPE_OK);
	sys_gate_pass(k->more);
}

static void
expect_no_message(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	kin_expect(k->home, failure->msg_type == 0 && failure->code == 6);
}

static void
expect_failing_type(void *context, const troupe_dead_letter *letter)
{
	house *h = context;

	kin_expect(h, letter->msg->type == KIN_FAIL);
}

START_TEST(test_system_supervise_order_escalating_buries_no_message_that_was_handled)
{
	sys_gate done = SYS_GATE_CLOSED;
	kin m = { .on = open_gate, .more = &done };
	kin a = { .failed = say_so, .more = &m };
	kin s = { .class_ = &never_class, .children = &a, .child_count = 1, .on = outlast_failure,
		.failed = expect_no_message, .more = &done };
	house h;

	house_open_shape(&h, &one_worker);
	h.ledger.letter = expect_failing_type;
	h.ledger.context = &h;
	kin_spawn(&h, &m);
	kin_spawn(&h, &s);
	kin_send(&s, 5);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(s.fails, 1);
	ck_assert_int_eq(s.reason, TROUPE_REASON_FAILED);
	ck_assert_uint_eq(totals.failed, 2);
	sys_assert_count(h.ledger.dead[TROUPE_FAILED], 1);
	sys_assert_count(h.ledger.dead[TROUPE_DEAD], 0);
	house_close(&h);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_supervise_order");
	TCase *tc = tcase_create("supervisors");

	tcase_add_loop_test(tc, test_system_supervise_order_decide_is_told_the_class_of_who_failed, 0, 3);
	tcase_add_loop_test(tc, test_system_supervise_order_a_group_backs_off_without_who_is_stopped, 0, 12);
	tcase_add_test(tc, test_system_supervise_order_news_of_children_is_heard_in_order);
	tcase_add_test(tc, test_system_supervise_order_a_child_is_not_forgotten_before_its_failure_is_heard);
	tcase_add_test(tc, test_system_supervise_order_a_backoff_ends_once_when_its_supervisor_stops);
	tcase_add_test(tc, test_system_supervise_order_a_start_has_its_argument_while_its_supervisor_stops);
	tcase_add_test(tc, test_system_supervise_order_escalating_buries_no_message_that_was_handled);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
