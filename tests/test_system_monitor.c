/* SPDX-License-Identifier: MIT */

/*
 * Monitors: each is told exactly once of the end of whom it watches, with all
 * that there is to say of it; and not at all if it was revoked.
 */

#include "tests/kin.h"
#include "tests/suite.h"

#define SEEDS 12

/* --- One who watches. --- */

/* What its DOWNs said, in order. */
#define NOTES 128

typedef struct watcher {
	kin k;
	kin *whom;
	troupe_monitoring last;
	uint32_t count;
	struct {
		troupe_down down;
		char class_name[32], actor_name[32], text[64];
		uint64_t before; /* messages handled before it */
	} notes[NOTES];
} watcher;

static void
note_down(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	watcher *w = k->more;
	const troupe_down *down = troupe_body(msg, sizeof *down);

	if (msg->type != TROUPE_DOWN)
		return;
	kin_expect(k->home, down != NULL && msg->sender == down->who && troupe_sender(self) == down->who);
	kin_expect(k->home, !troupe_is_request(msg) && w->count < NOTES);
	k->downs++;
	if (down == NULL || w->count == NOTES)
		return;
	w->notes[w->count].down = *down;
	w->notes[w->count].before = k->handled - 1;
	snprintf(w->notes[w->count].class_name, 32, "%s", down->class_name);
	snprintf(w->notes[w->count].actor_name, 32, "%s", down->actor_name);
	snprintf(w->notes[w->count++].text, 64, "%s", down->text);
	/* It has come: there is nothing to be revoked. */
	kin_expect(k->home, !troupe_demonitor(self, down->monitoring));
}

static void
watch(troupe_actor *self, kin *k, void *whom)
{
	watcher *w = k->more;

	w->last = troupe_monitor(self, ((const kin *)whom)->ref);
	kin_expect(k->home, w->last != 0);
}

/* A watcher that is spawned and watches. */
static void
begin_watcher(house *h, watcher *w, kin *whom)
{
	memset(w, 0, sizeof *w);
	w->k = (kin){ .on = note_down, .more = w };
	kin_spawn(h, &w->k);
	if (whom != NULL)
		kin_let(&w->k, watch, whom);
}

static void
assert_note(const watcher *w, uint32_t which, const kin *who, troupe_reason reason, int code, const char *text)
{
	ck_assert_uint_gt(w->count, which);
	ck_assert_uint_eq(w->notes[which].down.who, who->ref);
	ck_assert_msg(w->notes[which].down.reason == reason, "the reason is %s, not %s",
	    troupe_reason_name(w->notes[which].down.reason), troupe_reason_name(reason));
	ck_assert_int_eq(w->notes[which].down.code, code);
	ck_assert_str_eq(w->notes[which].text, text);
	ck_assert_str_eq(w->notes[which].class_name, reason == TROUPE_REASON_GONE ? "" : "kin");
}

/* --- The reasons. --- */

enum { BY_ITSELF, ASKED, WITH_PARENT, BY_FAILING, BY_LINK, WAYS };

static void
stop_self(troupe_actor *self, kin *k, void *mode)
{
	(void)k;
	troupe_stop_self(self, mode != NULL ? TROUPE_STOP_DRAIN : TROUPE_STOP_NOW);
}

static void
end_in_a_way(house *h, int way, kin *who, kin *parent)
{
	switch (way) {
	case BY_ITSELF:
		kin_let(who, stop_self, NULL);
		break;
	case ASKED:
		sys_assert_status(troupe_stop(who->ref, TROUPE_STOP_NOW), TROUPE_OK);
		break;
	case WITH_PARENT:
		sys_assert_status(troupe_stop(parent->ref, TROUPE_STOP_NOW), TROUPE_OK);
		break;
	case BY_FAILING:
		kin_fail(who, 42);
		break;
	default:
		kin_let(who, kin_tie, parent);
		sys_wait(h->t);
		kin_fail(parent, 43);
	}
}

START_TEST(test_system_monitor_is_told_the_reason)
{
	static const troupe_reason reasons[WAYS] = { TROUPE_REASON_SELF, TROUPE_REASON_ASKED, TROUPE_REASON_PARENT,
		TROUPE_REASON_FAILED, TROUPE_REASON_LINKED };
	static watcher w;
	house h;

	for (int way = 0; way < WAYS; way++) {
		kin child = { 0 }, parent = { .children = &child, .child_count = 1 };

		if (way == BY_LINK)
			parent.child_count = 0;
		house_open_shape(&h, &sys_shapes[_i]);
		kin_spawn(&h, &parent);
		if (way == BY_LINK)
			kin_spawn(&h, &child);
		begin_watcher(&h, &w, &child);
		sys_wait(h.t);
		ck_assert_uint_eq(w.count, 0);
		end_in_a_way(&h, way, &child, &parent);
		troupe_totals totals = house_settle(&h);
		ck_assert_uint_eq(w.count, 1);
		assert_note(&w, 0, &child, reasons[way], way == BY_FAILING ? 42 : 0, way == BY_FAILING ? "as it was told" : "");
		ck_assert_str_eq(w.notes[0].actor_name, "");
		ck_assert_uint_eq(w.notes[0].down.monitoring, w.last);
		/* A DOWN is a message like any other. */
		ck_assert_uint_eq(totals.handled, child.handled + parent.handled + w.k.handled);
		house_close(&h);
	}
}
END_TEST

static void
name_yourself(troupe_actor *self, kin *k, void *name)
{
	kin_expect(k->home, troupe_set_name(self, name) == TROUPE_OK);
}

START_TEST(test_system_monitor_is_told_the_name)
{
	static watcher w;
	char name[] = "somebody";
	house h;
	kin a = { 0 };

	house_open_shape(&h, &sys_shapes[_i]);
	kin_spawn(&h, &a);
	kin_let(&a, name_yourself, name);
	begin_watcher(&h, &w, &a);
	sys_wait(h.t);
	kin_fail(&a, 5);
	house_settle(&h);
	assert_note(&w, 0, &a, TROUPE_REASON_FAILED, 5, "as it was told");
	ck_assert_str_eq(w.notes[0].actor_name, "somebody");
	house_close(&h);
}
END_TEST

/* What it stopped for, not what went wrong on the way. */
static void
fail_again(troupe_actor *self, kin *k, troupe_reason reason)
{
	(void)k;
	(void)reason;
	troupe_fail(self, 2, "second");
}

START_TEST(test_system_monitor_is_told_the_first_failure)
{
	static watcher w;
	house h;
	kin a = { .stop = fail_again }, b = { .stop = fail_again };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	kin_spawn(&h, &b);
	begin_watcher(&h, &w, &a);
	kin_let(&w.k, watch, &b);
	sys_wait(h.t);
	kin_fail(&a, 1);
	troupe_totals totals = house_settle(&h);
	ck_assert_uint_eq(totals.failed, 2);
	assert_note(&w, 0, &a, TROUPE_REASON_FAILED, 1, "as it was told");
	sys_assert_status(troupe_stop(b.ref, TROUPE_STOP_NOW), TROUPE_OK);
	house_settle(&h);
	assert_note(&w, 1, &b, TROUPE_REASON_ASKED, 0, "");
	house_close(&h);
}
END_TEST

/* --- When. --- */

#define WORDS 20

static void
talk(troupe_actor *self, kin *k, void *to)
{
	for (uint32_t i = 0; i < WORDS; i++)
		kin_expect(k->home, troupe_send(((const kin *)to)->ref, 1, NULL, 0) == TROUPE_OK);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
talk_at_the_end(troupe_actor *self, kin *k, troupe_reason reason)
{
	(void)self;
	(void)reason;
	kin_expect(k->home, troupe_send(((const kin *)k->more)->ref, 2, NULL, 0) == TROUPE_OK);
}

START_TEST(test_system_monitor_is_told_after_all_that_was_sent)
{
	static watcher w;
	house h;
	kin a = { .stop = talk_at_the_end, .more = &w.k };

	house_open_shape(&h, &sys_shapes[_i % sys_shape_count]);
	kin_spawn(&h, &a);
	begin_watcher(&h, &w, &a);
	sys_wait(h.t);
	kin_let(&a, talk, &w.k);
	house_settle(&h);
	ck_assert_uint_eq(w.count, 1);
	ck_assert_uint_eq(w.notes[0].before, 1 + WORDS + 1);
	house_close(&h);
}
END_TEST

/* Several of one actor by one, and by others: each is told, in the order in which they came. */
START_TEST(test_system_monitor_is_told_once_for_each)
{
	static watcher w[3];
	troupe_monitoring monitorings[3][NOTES / 4];
	house h;
	kin a = { 0 };

	house_open(&h, (uint64_t)_i);
	kin_spawn(&h, &a);
	for (int i = 0; i < 3; i++)
		begin_watcher(&h, &w[i], NULL);
	for (int j = 0; j < NOTES / 4; j++) {
		for (int i = 0; i < 3; i++) {
			kin_let(&w[i].k, watch, &a);
			sys_wait(h.t);
			monitorings[i][j] = w[i].last;
		}
	}
	kin_let(&a, stop_self, NULL);
	troupe_totals totals = house_settle(&h);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(w[i].count, NOTES / 4);
		for (int j = 0; j < NOTES / 4; j++)
			ck_assert_uint_eq(w[i].notes[j].down.monitoring, monitorings[i][j]);
	}
	ck_assert_uint_eq(totals.handled, 3 * 2 * (NOTES / 4) + 1);
	house_close(&h);
}
END_TEST

START_TEST(test_system_monitor_of_the_dead_is_told_at_once)
{
	static watcher w;
	house h;
	kin a = { 0 }, nobody = { 0 };

	house_open_shape(&h, &sys_shapes[_i]);
	kin_spawn(&h, &a);
	kin_let(&a, stop_self, NULL);
	sys_wait(h.t);
	begin_watcher(&h, &w, &a);
	house_settle(&h);
	assert_note(&w, 0, &a, TROUPE_REASON_GONE, 0, "");
	ck_assert_uint_eq(w.notes[0].down.monitoring, w.last);
	/* A handle that never was anybody's yet: in a slot that was used, but for a generation to come. */
	nobody.ref = a.ref + (UINT64_C(1000) << 32);
	kin_let(&w.k, watch, &nobody);
	kin_let(&w.k, watch, &a);
	house_settle(&h);
	ck_assert_uint_eq(w.count, 3);
	assert_note(&w, 1, &nobody, TROUPE_REASON_GONE, 0, "");
	house_close(&h);
}
END_TEST

static void
watch_in_vain(troupe_actor *self, kin *k, void *unused)
{
	static const troupe_ref wrong[] = { 0, 1, UINT64_C(2) << 32 | 5, UINT64_MAX, UINT64_C(1) << 32 | UINT32_MAX };

	(void)unused;
	for (int i = 0; i < 5; i++)
		kin_expect(k->home, troupe_monitor(self, wrong[i]) == 0 && troupe_last_error() == TROUPE_INVALID);
	for (int i = 0; i < 5; i++)
		kin_expect(k->home, !troupe_demonitor(self, wrong[i]));
}

static void
watch_too_late(troupe_actor *self, kin *k, troupe_reason reason)
{
	(void)reason;
	kin_expect(k->home, troupe_monitor(self, k->ref) == 0 && troupe_last_error() == TROUPE_INVALID);
	kin_expect(k->home, !troupe_demonitor(self, k->number));
}

START_TEST(test_system_monitor_refuses_what_is_no_actor)
{
	static watcher w;
	house h;

	house_open(&h, (uint64_t)_i);
	begin_watcher(&h, &w, NULL);
	w.k.stop = watch_too_late;
	kin_let(&w.k, watch_in_vain, NULL);
	kin_let(&w.k, stop_self, NULL);
	house_settle(&h);
	ck_assert_uint_eq(w.count, 0);
	house_close(&h);
}
END_TEST

/* --- Itself. --- */

static void
watch_and_stop(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	if (msg->type == TROUPE_DOWN)
		k->downs++;
	else if (msg->type == 1)
		kin_expect(k->home, troupe_monitor(self, k->ref) != 0);
	else
		troupe_stop_self(self, msg->type == 2 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN);
}

START_TEST(test_system_monitor_of_oneself_comes_to_nothing)
{
	house h;
	kin children[3] = { { 0 }, { 0 }, { 0 } };
	kin a = { .on = watch_and_stop, .children = children };

	for (uint32_t count = 0; count <= 3; count++) {
		for (uint32_t type = 2; type <= 3; type++) {
			a.child_count = count;
			a.ref = 0;
			house_open_shape(&h, &sys_shapes[_i]);
			kin_spawn(&h, &a);
			kin_send(&a, 1);
			kin_send(&a, 1);
			sys_wait(h.t);
			kin_send(&a, 1);
			kin_send(&a, type);
			house_settle(&h);
			house_close(&h);
		}
	}
	ck_assert_uint_eq(a.downs, 0);
	ck_assert_uint_eq(a.stops, 8);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_monitor");
	TCase *tc = tcase_create("told");

	tcase_add_loop_test(tc, test_system_monitor_is_told_the_reason, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_monitor_is_told_the_name, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_monitor_is_told_the_first_failure, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_monitor_is_told_after_all_that_was_sent, 0, 10 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_monitor_is_told_once_for_each, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_monitor_of_the_dead_is_told_at_once, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_monitor_refuses_what_is_no_actor, 0, SEEDS);
	tcase_add_loop_test(tc, test_system_monitor_of_oneself_comes_to_nothing, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
