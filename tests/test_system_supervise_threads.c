/* SPDX-License-Identifier: MIT */

/* Supervised actors on the threads of a pool, and on their own. */

#include "tests/kin.h"
#include "tests/suite.h"

#define CHILDREN 6

static const troupe_supervisor one = { .restarts = 1000000, .backoff_ns = -1, .decide = kin_decide };
static const troupe_supervisor all = { .strategy = TROUPE_ALL_FOR_ONE, .restarts = 1000000, .backoff_ns = -1 };
static const troupe_supervisor rest = { .strategy = TROUPE_REST_FOR_ONE, .restarts = 1000000, .backoff_ns = 20000 };

static const troupe_class supervisors[] = {
	{ KIN_CLASS("one", &one) },
	{ KIN_CLASS("all", &all) },
	{ KIN_CLASS("rest", &rest) },
	{ KIN_CLASS("one alone", &one), .flags = TROUPE_DEDICATED },
	{ KIN_CLASS("all alone", &all), .flags = TROUPE_DEDICATED },
};
#define SUPERVISORS 5

static const troupe_class dedicated_class = { KIN_CLASS("dedicated", NULL), .flags = TROUPE_DEDICATED };
static const troupe_class busy_class = { KIN_CLASS("busy", NULL), .flags = TROUPE_BUSY };

typedef struct family {
	house h;
	kin s, children[CHILDREN], grandchildren[CHILDREN];
} family;

static family f;

static void
begin_family(int shape, int supervisor)
{
	memset(&f, 0, sizeof f);
	f.s = (kin){ .class_ = &supervisors[supervisor], .children = f.children, .child_count = CHILDREN };
	for (int i = 0; i < CHILDREN; i++) {
		f.children[i].class_ = i % 3 == 1 ? &dedicated_class : i % 3 == 2 ? &busy_class : NULL;
		f.children[i].children = &f.grandchildren[i];
		f.children[i].child_count = 1;
	}
	house_open_shape(&f.h, &sys_shapes[shape]);
	kin_spawn(&f.h, &f.s);
}

static void
assert_lives(uint32_t at_least)
{
	for (int i = 0; i < CHILDREN; i++) {
		ck_assert_uint_ge(f.children[i].starts, at_least);
		ck_assert_uint_eq(f.children[i].starts, f.children[i].stops);
		/* A start while the runtime is being closed has no children. */
		ck_assert_uint_le(f.grandchildren[i].starts, f.children[i].starts);
		ck_assert_uint_ge(f.grandchildren[i].starts + 1, f.children[i].starts);
		ck_assert_uint_eq(f.grandchildren[i].starts, f.grandchildren[i].stops);
	}
	ck_assert_uint_eq(f.s.starts, 1);
	ck_assert_uint_eq(f.s.stops, 1);
}

/* --- Each message once, and in order. --- */

#define ROUNDS 60

/* The messages of one sender come in order, through all lives. */
static void *
send_to_all(void *unused)
{
	const int code = 1;

	(void)unused;
	for (uint32_t round = 1; round <= SYS_SCALED(ROUNDS); round++) {
		for (int i = 0; i < CHILDREN; i++) {
			(void)troupe_send(f.children[i].ref, round, NULL, 0);
			if (round % 8 == (uint32_t)i)
				(void)troupe_send(f.children[i].ref, KIN_FAIL, &code, sizeof code);
		}
	}
	return NULL;
}

START_TEST(test_system_supervise_threads_handle_each_message_once)
{
	begin_family(_i / SUPERVISORS, _i % SUPERVISORS);
	for (int i = 0; i < CHILDREN; i++)
		f.children[i].on = kin_expect_next;
	sys_join(sys_start(send_to_all, NULL));
	troupe_totals totals = house_settle(&f.h);
	uint64_t failures = 0;

	for (int i = 0; i < CHILDREN; i++) {
		ck_assert_uint_eq(f.children[i].number, SYS_SCALED(ROUNDS));
		failures += f.children[i].fails;
	}
	ck_assert_uint_eq(totals.failed, failures);
	ck_assert_uint_eq(totals.dead, 0);
	ck_assert_uint_ge(totals.restarted, _i % 3 == 0 ? failures : 0);
	ck_assert_uint_eq(totals.spawned, 1 + CHILDREN + CHILDREN + totals.restarted);
	house_close(&f.h);
	assert_lives(1);
}
END_TEST

/* --- Stopped and closed in the midst of it. --- */

static void *
send_failures(void *unused)
{
	const int code = 1;

	(void)unused;
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < CHILDREN; i++)
			(void)troupe_send(f.children[i].ref, KIN_FAIL, &code, sizeof code);
	return NULL;
}

START_TEST(test_system_supervise_threads_end_in_the_midst_of_it)
{
	for (uint64_t round = 0; round < SYS_SCALED(12); round++) {
		begin_family(_i / SUPERVISORS, _i % SUPERVISORS);
		pthread_t threads[2] = { sys_start(send_failures, NULL), sys_start(send_failures, NULL) };

		if (round % 3 == 1)
			(void)troupe_stop(f.s.ref, TROUPE_STOP_NOW);
		if (round % 3 == 2)
			for (int i = 0; i < CHILDREN; i += 2)
				(void)troupe_stop(f.children[i].ref, (troupe_stop_mode)(i / 2 % 2));
		if (round % 2)
			(void)sys_join(threads[0]);
		if (round % 3 == 1 && round % 2)
			(void)house_settle(&f.h);
		house_close(&f.h);
		(void)sys_join(threads[1]);
		if (round % 2 == 0)
			(void)sys_join(threads[0]);
		assert_lives(1);
	}
}
END_TEST

/* --- Chains of supervisors that all fail. --- */

#define DEPTH 20

static troupe_decision
escalate(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	(void)failure;
	return k->number == 0 ? TROUPE_RESTART : TROUPE_ESCALATE;
}

START_TEST(test_system_supervise_threads_escalate_far)
{
	static kin chain[DEPTH + 1];
	house h;

	memset(chain, 0, sizeof chain);
	for (uint32_t i = 0; i <= DEPTH; i++) {
		chain[i].number = i;
		chain[i].decide = escalate;
		chain[i].class_ = &supervisors[i % 4 == 3 ? 3 : 0];
		chain[i].children = i < DEPTH ? &chain[i + 1] : NULL;
		chain[i].child_count = i < DEPTH;
	}
	house_open_shape(&h, &sys_shapes[_i]);
	kin_spawn(&h, &chain[0]);
	for (uint32_t round = 1; round <= 5; round++) {
		kin_fail(&chain[DEPTH], (int)round);
		troupe_totals totals = house_settle(&h);
		/* All but the top one failed, one after the other, and each that did was begun anew. */
		ck_assert_uint_eq(totals.failed, (uint64_t)round * DEPTH);
		for (int i = 0; i <= DEPTH; i++)
			ck_assert_uint_eq(chain[i].starts, i == 0 ? 1 : round + 1);
		ck_assert_uint_eq(totals.restarted, round);
		ck_assert_uint_eq(totals.spawned, totals.stopped + DEPTH + 1);
	}
	house_close(&h);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_supervise_threads");
	TCase *tc = tcase_create("threads");

	tcase_add_loop_test(tc, test_system_supervise_threads_handle_each_message_once, 0, sys_shape_count * SUPERVISORS);
	tcase_add_loop_test(tc, test_system_supervise_threads_end_in_the_midst_of_it, 0, sys_shape_count * SUPERVISORS);
	tcase_add_loop_test(tc, test_system_supervise_threads_escalate_far, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
