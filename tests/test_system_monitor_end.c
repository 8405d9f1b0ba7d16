/* SPDX-License-Identifier: MIT */

/* Monitors that are revoked, outlive one side or the other, or are many; DOWN messages that are kept. */

#include "tests/kin.h"
#include "tests/suite.h"

#include <sched.h>

#define SEEDS 12

/* --- Revoked. --- */

/* One who watches and revokes. */
typedef struct doubter {
	kin k;
	kin *whom;
	troupe_monitoring monitoring, other;
	troupe_reason reason; /* of the last DOWN */
} doubter;

static void
note_down(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	const troupe_down *down = troupe_body(msg, sizeof *down);

	(void)self;
	if (msg->type != TROUPE_DOWN)
		return;
	k->downs++;
	if (down != NULL && k->more != NULL)
		((doubter *)k->more)->reason = down->reason;
}

static void
watch(troupe_actor *self, kin *k, void *whom)
{
	doubter *d = k->more;

	d->other = d->monitoring;
	d->monitoring = troupe_monitor(self, ((const kin *)whom)->ref);
	kin_expect(k->home, d->monitoring != 0);
}

static void
revoke(troupe_actor *self, kin *k, void *unused)
{
	doubter *d = k->more;

	(void)unused;
	kin_expect(k->home, troupe_demonitor(self, d->monitoring));
	kin_expect(k->home, !troupe_demonitor(self, d->monitoring));
}

static void
begin_doubter(house *h, doubter *d, kin *whom)
{
	memset(d, 0, sizeof *d);
	d->k = (kin){ .on = note_down, .more = d };
	kin_spawn(h, &d->k);
	if (whom != NULL)
		kin_let(&d->k, watch, whom);
}

START_TEST(test_system_monitor_end_before_it_stops)
{
	static doubter d;
	house h;
	kin a = { 0 };

	house_open_shape(&h, &sys_shapes[_i % sys_shape_count]);
	kin_spawn(&h, &a);
	begin_doubter(&h, &d, &a);
	kin_let(&d.k, watch, &a);
	if (_i % 2)
		sys_wait(h.t);
	/* The second of two: the first stays. */
	kin_let(&d.k, revoke, NULL);
	sys_wait(h.t);
	kin_stop_now(&a);
	house_settle(&h);
	ck_assert_uint_eq(d.k.downs, 1);
	house_close(&h);
}
END_TEST

/* In the list of the watched one: the newest, one in the middle, the oldest. */
START_TEST(test_system_monitor_end_of_any_of_many)
{
	static doubter d[5];
	house h;
	kin a = { 0 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	for (int i = 0; i < 5; i++) {
		begin_doubter(&h, &d[i], &a);
		sys_wait(h.t);
	}
	for (int i = 0; i < 5; i++)
		if (_i >> i & 1)
			kin_let(&d[i].k, revoke, NULL);
	sys_wait(h.t);
	kin_stop_now(&a);
	house_settle(&h);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(d[i].k.downs, !(_i >> i & 1));
	house_close(&h);
}
END_TEST

/* The DOWN waits behind the message in which it is revoked. */
START_TEST(test_system_monitor_end_with_the_notice_queued)
{
	static doubter d;
	sys_gate gate;
	house h;
	kin a = { 0 };

	sys_gate_init(&gate);
	house_open_shape(&h, &sys_shapes[1 + _i % 3]);
	kin_spawn(&h, &a);
	begin_doubter(&h, &d, &a);
	sys_wait(h.t);
	kin_let(&d.k, kin_pass_gate, &gate);
	kin_let(&d.k, revoke, NULL);
	sys_gate_await(&gate, 1);
	kin_stop_now(&a);
	/* It has stopped, and said so. */
	while (troupe_send(a.ref, 1, NULL, 0) == TROUPE_OK)
		sched_yield();
	troupe_totals totals;
	do
		troupe_get_totals(h.t, &totals);
	while (totals.stopped == 0);
	sys_gate_open(&gate);
	house_settle(&h);
	ck_assert_uint_eq(d.k.downs, 0);
	/* A DOWN that was revoked was none. */
	troupe_get_totals(h.t, &totals);
	ck_assert_uint_eq(totals.handled, d.k.handled + a.handled);
	house_close(&h);
}
END_TEST

/* The same at once, in one callback: whether the other lives or not. */
static void
watch_and_revoke(troupe_actor *self, kin *k, void *whom)
{
	for (int i = 0; i < 10; i++) {
		troupe_monitoring monitoring = troupe_monitor(self, ((const kin *)whom)->ref);

		kin_expect(k->home, monitoring != 0 && troupe_demonitor(self, monitoring));
		kin_expect(k->home, !troupe_demonitor(self, monitoring));
	}
}

START_TEST(test_system_monitor_end_in_the_same_callback)
{
	static doubter d;
	house h;
	kin a = { 0 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	begin_doubter(&h, &d, NULL);
	kin_let(&d.k, watch_and_revoke, &a);
	kin_stop_now(&a);
	kin_let(&d.k, watch_and_revoke, &a);
	sys_wait(h.t);
	kin_let(&d.k, watch_and_revoke, &a);
	house_settle(&h);
	ck_assert_uint_eq(d.k.downs, 0);
	house_close(&h);
}
END_TEST

static void
revoke_others(troupe_actor *self, kin *k, void *other)
{
	troupe_timer timer = troupe_send_after(self, TROUPE_SECOND, 7, NULL, 0);

	kin_expect(k->home, !troupe_demonitor(self, ((const doubter *)other)->monitoring));
	/* A timer is no monitoring, and a monitoring no timer. */
	kin_expect(k->home, !troupe_demonitor(self, timer));
	kin_expect(k->home, !troupe_cancel(self, ((const doubter *)k->more)->monitoring));
	kin_expect(k->home, troupe_cancel(self, timer));
}

START_TEST(test_system_monitor_end_is_the_watchers_alone)
{
	static doubter d[2];
	house h;
	kin a = { 0 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	begin_doubter(&h, &d[0], &a);
	begin_doubter(&h, &d[1], &a);
	sys_wait(h.t);
	kin_let(&d[0].k, revoke_others, &d[1]);
	kin_let(&d[1].k, revoke_others, &d[0]);
	sys_wait(h.t);
	kin_stop_now(&a);
	house_settle(&h);
	ck_assert_uint_eq(d[0].k.downs, 1);
	ck_assert_uint_eq(d[1].k.downs, 1);
	house_close(&h);
}
END_TEST

/* --- One side goes. --- */

START_TEST(test_system_monitor_end_of_the_watcher)
{
	static doubter d;
	house h;
	kin a = { 0 }, heirs[20];

	memset(heirs, 0, sizeof heirs);
	house_open_shape(&h, &sys_shapes[_i]);
	kin_spawn(&h, &a);
	begin_doubter(&h, &d, &a);
	kin_let(&d.k, watch, &a);
	sys_wait(h.t);
	kin_stop_now(&d.k);
	sys_wait(h.t);
	/* One of these has its place. */
	for (int i = 0; i < 20; i++) {
		heirs[i].on = note_down;
		kin_spawn(&h, &heirs[i]);
	}
	kin_stop_now(&a);
	house_settle(&h);
	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(heirs[i].downs, 0);
	ck_assert_uint_eq(d.k.downs, 0);
	house_close(&h);
}
END_TEST

static const troupe_supervisor how = { .restarts = 100 };
static const troupe_class supervisor_class = { KIN_CLASS("supervisor", &how) };

/* Through many lives, with some revoked in between: told when the last one ends, and no earlier. */
START_TEST(test_system_monitor_end_after_the_last_life)
{
	static doubter d[3];
	house h;
	kin a = { 0 }, s = { .class_ = &supervisor_class, .children = &a, .child_count = 1 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &s);
	for (int i = 0; i < 3; i++)
		begin_doubter(&h, &d[i], &a);
	kin_fail(&a, 1);
	house_pass(&h, 10 * TROUPE_MS);
	/* While it backs off. */
	kin_let(&d[0].k, watch, &a);
	kin_let(&d[1].k, revoke, NULL);
	house_settle(&h);
	kin_fail(&a, 1);
	house_settle(&h);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(d[i].k.downs, 0);
	kin_fail(&a, 1);
	house_pass(&h, 10 * TROUPE_MS);
	kin_stop_now(&a);
	house_settle(&h);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(d[i].k.downs, i == 0 ? 2 : i == 1 ? 0 : 1);
	ck_assert_int_eq(d[0].reason, TROUPE_REASON_ASKED);
	ck_assert_uint_eq(a.starts, 3);
	house_close(&h);
}
END_TEST

/* --- Closing. --- */

#define MANY 60

static void
watch_all(troupe_actor *self, kin *k, void *all)
{
	for (int i = 0; i < MANY; i++)
		kin_expect(k->home,
		    troupe_monitor(self, ((const kin *)all)[i].ref) != 0 || troupe_last_error() == TROUPE_CLOSING);
}

/* Each watches each, itself too, and some have stopped; what is not told by then is told to nobody. */
START_TEST(test_system_monitor_end_by_closing)
{
	static kin all[MANY];
	house h;

	memset(all, 0, sizeof all);
	house_open_shape(&h, &sys_shapes[_i % sys_shape_count]);
	for (int i = 0; i < MANY; i++) {
		all[i].on = note_down;
		kin_spawn(&h, &all[i]);
	}
	for (int i = 0; i < MANY; i++)
		kin_let(&all[i], watch_all, all);
	if (_i / sys_shape_count == 0)
		sys_wait(h.t);
	for (int i = 0; i < MANY; i += 7)
		kin_stop_now(&all[i]);
	if (_i / sys_shape_count == 1)
		sys_wait(h.t);
	house_close(&h);
	if (_i / sys_shape_count == 1)
		for (int i = 1; i < MANY; i += 7)
			ck_assert_uint_eq(all[i].downs, (MANY + 6) / 7);
	for (int i = 0; i < MANY; i++)
		ck_assert_uint_eq(all[i].stops, 1);
}
END_TEST

/* The watcher lives in another runtime: that is told of closing, whether it had come to watch or not. */
START_TEST(test_system_monitor_end_by_closing_the_other_runtime)
{
	static doubter d[2];
	house here, there;
	kin a = { 0 };

	house_open(&here, (uint64_t)_i);
	house_open(&there, (uint64_t)_i);
	kin_spawn(&there, &a);
	begin_doubter(&here, &d[0], &a);
	sys_wait(here.t);
	sys_wait(there.t);
	begin_doubter(&here, &d[1], &a);
	sys_wait(here.t);
	house_close(&there);
	house_settle(&here);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(d[i].k.downs, 1);
		ck_assert_int_eq(d[i].reason, TROUPE_REASON_CLOSING);
	}
	house_close(&here);
}
END_TEST

/* --- What becomes of a DOWN. --- */

/* It keeps what comes: the texts live as long as that. */
static void
keep_down(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)msg;
	k->more = troupe_keep(self);
	kin_expect(k->home, k->more != NULL);
}

static void
look_at_kept(troupe_actor *self, kin *k, void *who)
{
	const troupe_msg *msg = k->more;
	const troupe_down *down = troupe_body(msg, sizeof *down);

	(void)self;
	kin_expect(k->home, down != NULL && down->who == ((const kin *)who)->ref && down->code == 3);
	kin_expect(k->home, strcmp(down->text, "as it was told") == 0 && strcmp(down->actor_name, "kept") == 0);
	kin_expect(k->home, strcmp(down->class_name, "kin") == 0);
}

static int
be_named(troupe_actor *self, kin *k)
{
	kin_expect(k->home, troupe_set_name(self, "kept") == TROUPE_OK);
	return 0;
}

START_TEST(test_system_monitor_end_that_is_kept)
{
	house h;
	kin a = { .start = be_named }, w = { .on = keep_down };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	kin_spawn(&h, &w);
	kin_let(&w, kin_watch, &a);
	sys_wait(h.t);
	kin_fail(&a, 3);
	house_settle(&h);
	for (int i = 0; i < 50; i++) {
		kin other = { .start = be_named };

		kin_spawn(&h, &other);
		kin_fail(&other, 4);
		house_settle(&h);
	}
	kin_let(&w, look_at_kept, &a);
	house_settle(&h);
	troupe_msg *kept = w.more;
	/* Nobody can be made to believe it. */
	sys_assert_status(troupe_send_msg(w.ref, &kept), TROUPE_INVALID);
	ck_assert_ptr_eq(kept, w.more);
	troupe_msg_free(&kept);
	ck_assert_ptr_null(kept);
	house_close(&h);
}
END_TEST

static void
stash_first(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	if (msg->type == TROUPE_DOWN && k->downs++ == 0)
		kin_expect(k->home, troupe_stash(self) == TROUPE_OK);
	else if (msg->type == 1)
		kin_expect(k->home, troupe_unstash(self, SIZE_MAX) == 1);
	else if (msg->type == TROUPE_DOWN)
		kin_expect(k->home, strcmp(((const troupe_down *)msg->body)->text, "as it was told") == 0);
}

START_TEST(test_system_monitor_end_that_is_stashed)
{
	house h;
	kin a = { 0 }, w = { .on = stash_first };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	kin_spawn(&h, &w);
	kin_let(&w, kin_watch, &a);
	sys_wait(h.t);
	kin_fail(&a, 3);
	sys_assert_status(troupe_wait(h.t, TROUPE_FOREVER), TROUPE_OK);
	kin_send(&w, 1);
	house_settle(&h);
	ck_assert_uint_eq(w.downs, 2);
	house_close(&h);
}
END_TEST

/* --- Many at once. --- */

#define CROWD 24

/* In every round each is watched by all, while it stops in one way or another. */
typedef struct crowd {
	house h;
	kin watchers[CROWD], watched[CROWD];
} crowd;

static void
watch_crowd(troupe_actor *self, kin *k, void *crowd_)
{
	const crowd *c = crowd_;

	for (int i = 0; i < CROWD; i++) {
		troupe_monitoring monitoring = troupe_monitor(self, c->watched[i].ref);

		kin_expect(k->home, monitoring != 0);
		/* Every third is revoked, whatever it has come to by now. */
		if (i % 3 == 0)
			kin_expect(k->home, troupe_demonitor(self, monitoring));
	}
}

START_TEST(test_system_monitor_end_of_a_crowd)
{
	static crowd c;

	for (uint64_t round = 0; round < SYS_SCALED(40); round++) {
		memset(&c, 0, sizeof c);
		house_open_shape(&c.h, &sys_shapes[_i]);
		for (int i = 0; i < CROWD; i++) {
			c.watchers[i].on = note_down;
			kin_spawn(&c.h, &c.watchers[i]);
			kin_spawn(&c.h, &c.watched[i]);
		}
		for (int i = 0; i < CROWD; i++) {
			kin_let(&c.watchers[i], watch_crowd, &c);
			if (i % 2)
				kin_stop_now(&c.watched[i]);
			else
				kin_fail(&c.watched[i], i);
		}
		troupe_totals totals = house_settle(&c.h);
		ck_assert_uint_eq(totals.stopped, CROWD);
		for (int i = 0; i < CROWD; i++)
			ck_assert_uint_eq(c.watchers[i].downs, CROWD - (CROWD + 2) / 3);
		house_close(&c.h);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_monitor_end");
	TCase *tc = tcase_create("revoked");

	tcase_add_loop_test(tc, test_system_monitor_end_before_it_stops, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_monitor_end_of_any_of_many, 0, 32);
	tcase_add_loop_test(tc, test_system_monitor_end_with_the_notice_queued, 0, 30);
	tcase_add_loop_test(tc, test_system_monitor_end_in_the_same_callback, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_monitor_end_is_the_watchers_alone, 0, SEEDS);
	suite_add_tcase(suite, tc);
	tc = tcase_create("ends");
	tcase_add_loop_test(tc, test_system_monitor_end_of_the_watcher, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_monitor_end_after_the_last_life, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_monitor_end_by_closing, 0, 3 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_monitor_end_by_closing_the_other_runtime, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_monitor_end_that_is_kept, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_monitor_end_that_is_stashed, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_monitor_end_of_a_crowd, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
