/* SPDX-License-Identifier: MIT */

/*
 * Memory that runs out for those who supervise, monitor and link: the call
 * says NOMEM and leaves nothing behind; and what needs no memory to be done
 * is done without.
 */

#include "runtime/actor/context.h"
#include "runtime/memory/fault.h"
#include "tests/kin.h"
#include "tests/suite.h"

/* More than any call allocates. */
#define MANY_FAULTS 200

static void
arm(long n)
{
	tr_fault_arm(n);
	tr_cache_follow_faults(&tr_current_context->cache);
}

/* Whether it struck. */
static bool
disarm(void)
{
	bool struck = tr_fault_struck();

	arm(0);
	return struck;
}

/* --- Calls. --- */

static const troupe_supervisor how = { .restarts = 1000000 };
static const troupe_class supervisor_class = { KIN_CLASS("supervisor", &how) };
static const troupe_class busy_class = { KIN_CLASS("busy", NULL), .flags = TROUPE_BUSY };
static const troupe_class plain_class = { .receive = kin_receive, .argument_size = 100 };

typedef troupe_status call(troupe_actor *self, kin *k);

static troupe_status
spawn_supervised(troupe_actor *self, kin *k)
{
	kin *child = &k->children[1];
	static const troupe_class *const classes[] = { &kin_class, &busy_class, &supervisor_class };

	child->home = k->home;
	return troupe_spawn_child(self, classes[k->number], &child) != 0 ? TROUPE_OK : troupe_last_error();
}

/* Without a start, and with an argument that is kept for nothing. */
static troupe_status
spawn_plainly(troupe_actor *self, kin *k)
{
	static const char bytes[100];

	(void)k;
	return troupe_spawn_child(self, &plain_class, bytes) != 0 ? TROUPE_OK : troupe_last_error();
}

static troupe_status
monitor_one(troupe_actor *self, kin *k)
{
	return troupe_monitor(self, k->children[0].ref) != 0 ? TROUPE_OK : troupe_last_error();
}

static troupe_status
link_one(troupe_actor *self, kin *k)
{
	return troupe_link(self, k->children[0].ref);
}

typedef struct job {
	call *call;
	uint64_t number;
	uint32_t least; /* failures that there are to be seen, at least */
	uint32_t failures, wrong;
	bool worked;
} job;

static const job jobs[] = {
	{ .call = spawn_supervised, .number = 0, .least = 6 },
	{ .call = spawn_supervised, .number = 1, .least = 6 },
	{ .call = spawn_supervised, .number = 2, .least = 6 },
	{ .call = spawn_plainly, .least = 6 },
	{ .call = monitor_one, .least = 3 },
	{ .call = link_one, .least = 4 },
};
#define JOBS 6

static void
fail_in_turn(troupe_actor *self, kin *k, void *job_)
{
	job *j = job_;

	k->number = j->number;
	for (long n = 1; n < MANY_FAULTS && !j->worked; n++) {
		arm(n);
		troupe_status status = j->call(self, k);
		bool struck = disarm();

		j->failures += struck;
		j->wrong += status != (struck ? TROUPE_NOMEM : TROUPE_OK);
		j->worked = !struck;
	}
}

START_TEST(test_system_supervise_faults_of_each_call)
{
	job j = jobs[_i % JOBS];
	bool spawns = j.call == spawn_supervised || j.call == spawn_plainly;
	house h;
	kin other = { 0 }, children[2] = { { 0 }, { 0 } };
	kin s = { .class_ = &supervisor_class, .children = children, .on = kin_count_downs };

	house_open_shape(&h, &(sys_shape){ "", TROUPE_WORKERS_NONE, 0, 0, TROUPE_SCHEDULER_POOL });
	kin_spawn(&h, &other);
	children[0].ref = other.ref;
	/* With and without children from before: the first one makes room for the list. */
	s.child_count = (uint32_t)(_i / JOBS);
	kin_spawn(&h, &s);
	kin_let(&s, fail_in_turn, &j);
	troupe_totals totals = house_settle(&h);
	ck_assert(j.worked);
	ck_assert_uint_eq(j.wrong, 0);
	ck_assert_uint_ge(j.failures, j.least - s.child_count);
	ck_assert_uint_eq(totals.spawned, 2 + s.child_count + spawns);
	/* The one that worked works, and the others left no trace. */
	kin_fail(s.child_count ? &children[0] : &other, 1);
	house_settle(&h);
	if (s.child_count == 0) {
		ck_assert_uint_eq(s.downs, j.call == monitor_one);
		ck_assert_uint_eq(s.stops, j.call == link_one);
	}
	if (j.call == spawn_supervised) {
		kin_fail(&children[1], 2);
		house_settle(&h);
		ck_assert_uint_eq(children[1].starts, 2);
	}
	house_close(&h);
	ck_assert_uint_eq(children[1].starts, children[1].stops);
}
END_TEST

/* --- What goes on without memory. --- */

/* From here on, in the thread that runs the actor, the n-th allocation fails. */
static void
arm_and_fail(troupe_actor *self, kin *k, void *n)
{
	(void)k;
	arm(*(const long *)n);
	troupe_fail(self, 1, "as it was told");
}

/* Who fails is restarted, whatever allocation fails meanwhile: perhaps sooner, perhaps without words. */
START_TEST(test_system_supervise_faults_do_not_keep_from_a_restart)
{
	uint32_t failures = 0;
	bool struck = true;

	for (long n = 1; struck; n++) {
		house h;
		kin a = { 0 }, s = { .class_ = &supervisor_class, .children = &a, .child_count = 1 };

		ck_assert_int_lt(n, MANY_FAULTS);
		house_open(&h, (uint64_t)_i);
		kin_spawn(&h, &s);
		kin_let(&a, arm_and_fail, &n);
		sys_assert_status(troupe_wait(h.t, TROUPE_FOREVER), TROUPE_OK);
		struck = disarm();
		failures += struck;
		ck_assert_uint_eq(a.starts, 2);
		ck_assert_uint_eq(a.stops, 1);
		ck_assert_uint_eq(s.fails, 0);
		kin_send(&a, 1);
		house_settle(&h);
		ck_assert_uint_eq(a.handled, 2);
		house_close(&h);
	}
	/* Words, and the time to wait. */
	ck_assert_uint_ge(failures, 2);
}
END_TEST

static void
note_down(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	const troupe_down *down = troupe_body(msg, sizeof *down);

	(void)self;
	if (msg->type != TROUPE_DOWN)
		return;
	k->downs++;
	kin_expect(k->home, down != NULL && down->reason == TROUPE_REASON_FAILED && down->text != NULL);
	kin_expect(k->home, down->actor_name != NULL && strcmp(down->class_name, "kin") == 0);
	k->number += strcmp(down->text, "as it was told") == 0;
}

/* Who monitors is told, and who is linked goes, with nothing left to say it with. */
START_TEST(test_system_supervise_faults_do_not_keep_from_being_told)
{
	uint32_t failures = 0;
	uint64_t with_text = 0;
	bool struck = true;

	for (long n = 1; struck; n++) {
		house h;
		kin a = { 0 }, l = { 0 }, w = { .on = note_down };

		ck_assert_int_lt(n, MANY_FAULTS);
		house_open(&h, (uint64_t)_i);
		kin_spawn(&h, &a);
		kin_spawn(&h, &w);
		kin_spawn(&h, &l);
		kin_let(&w, kin_watch, &a);
		kin_let(&l, kin_tie, &a);
		sys_wait(h.t);
		kin_let(&a, arm_and_fail, &n);
		sys_assert_status(troupe_wait(h.t, TROUPE_FOREVER), TROUPE_OK);
		struck = disarm();
		failures += struck;
		ck_assert_uint_eq(a.stops, 1);
		ck_assert_uint_eq(w.downs, 1);
		ck_assert_int_eq(l.reason, TROUPE_REASON_LINKED);
		ck_assert_uint_eq(l.stops, 1);
		with_text += w.number;
		house_settle(&h);
		house_close(&h);
	}
	ck_assert_uint_ge(failures, 2);
	ck_assert_uint_eq(with_text, 1);
}
END_TEST

static void
watch_and_revoke(troupe_actor *self, kin *k, void *whom)
{
	troupe_monitoring monitoring = troupe_monitor(self, ((const kin *)whom)->ref);

	kin_expect(k->home, monitoring != 0);
	arm(1);
	kin_expect(k->home, troupe_demonitor(self, monitoring));
	kin_expect(k->home, disarm());
}

/* What is revoked without memory stays away all the same. */
START_TEST(test_system_supervise_faults_do_not_keep_from_revoking)
{
	house h;
	kin a = { 0 }, w = { .on = note_down };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	kin_spawn(&h, &w);
	kin_let(&w, watch_and_revoke, &a);
	sys_wait(h.t);
	kin_fail(&a, 1);
	house_settle(&h);
	ck_assert_uint_eq(w.downs, 0);
	house_close(&h);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_supervise_faults");
	TCase *tc = tcase_create("no memory");

	tcase_add_loop_test(tc, test_system_supervise_faults_of_each_call, 0, 2 * JOBS);
	tcase_add_loop_test(tc, test_system_supervise_faults_do_not_keep_from_a_restart, 0, 4);
	tcase_add_loop_test(tc, test_system_supervise_faults_do_not_keep_from_being_told, 0, 4);
	tcase_add_loop_test(tc, test_system_supervise_faults_do_not_keep_from_revoking, 0, 4);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
