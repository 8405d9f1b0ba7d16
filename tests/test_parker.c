/* SPDX-License-Identifier: MIT */
#include "runtime/platform/platform.h"
#include "tests/suite.h"

#include <check.h>
#include <limits.h>
#include <unistd.h>

#define ROUNDS 2000

START_TEST(test_parker_starts_with_its_word)
{
	tr_parker parker;

	ck_assert_int_eq(tr_parker_init(&parker, 7), 0);
	ck_assert_uint_eq(atomic_load_explicit(&parker.word, memory_order_relaxed), 7);
	tr_parker_fini(&parker);
}
END_TEST

START_TEST(test_parker_does_not_sleep_on_another_word)
{
	tr_parker parker;

	ck_assert_int_eq(tr_parker_init(&parker, 7), 0);
	tr_parker_wait(&parker, 8, -1);
	tr_parker_fini(&parker);
}
END_TEST

START_TEST(test_parker_wait_ends_with_its_time)
{
	static const int64_t times[] = { 0, 1, 1000000, 999999999 / 100 };
	tr_parker parker;

	ck_assert_int_eq(tr_parker_init(&parker, 0), 0);
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		tr_parker_wait(&parker, 0, times[i]);
	tr_parker_fini(&parker);
}
END_TEST

/* Spends 20 ms in a parker that nobody wakes; returns how often it came back. */
static int
park_for_a_while(void)
{
	const int64_t end = tr_clock_now() + INT64_C(20000000);
	tr_parker parker;
	int returns = 0;

	if (tr_parker_init(&parker, 0) != 0)
		return INT_MAX;
	for (int64_t now = tr_clock_now(); now < end; now = tr_clock_now(), returns++)
		tr_parker_wait(&parker, 0, end - now);
	tr_parker_fini(&parker);
	return returns;
}

/* Some returns may be early for no reason; a wait that spins comes back thousands of times. */
#define RETURNS_MAX 100

START_TEST(test_parker_sleeps_through_its_time)
{
	ck_assert_int_lt(park_for_a_while(), RETURNS_MAX);
}
END_TEST

static void *
wake_after_a_while(void *argument)
{
	tr_parker *parker = argument;

	(void)park_for_a_while();
	/* PK-none: the word is all that is handed over. */
	atomic_store_explicit(&parker->word, 1, memory_order_relaxed);
	tr_parker_wake(parker);
	return NULL;
}

START_TEST(test_parker_sleeps_without_limit_until_woken)
{
	tr_parker parker;
	pthread_t waker;
	int returns = 0;

	ck_assert_int_eq(tr_parker_init(&parker, 0), 0);
	ck_assert_int_eq(tr_thread_start(&waker, "waker", wake_after_a_while, &parker), 0);
	/* PK-none: the word is all that is handed over. */
	for (; atomic_load_explicit(&parker.word, memory_order_relaxed) == 0; returns++)
		tr_parker_wait(&parker, 0, -1);
	ck_assert_int_eq(pthread_join(waker, NULL), 0);
	tr_parker_fini(&parker);
	ck_assert_int_lt(returns, RETURNS_MAX);
}
END_TEST

START_TEST(test_parker_wake_needs_no_sleeper)
{
	tr_parker parker;

	ck_assert_int_eq(tr_parker_init(&parker, 0), 0);
	tr_parker_wake(&parker);
	tr_parker_wake(&parker);
	ck_assert_uint_eq(atomic_load_explicit(&parker.word, memory_order_relaxed), 0);
	tr_parker_fini(&parker);
}
END_TEST

/* Two threads that take turns, each asleep while it is the other's. */
struct rally {
	tr_parker side[2];
	int64_t timeout_ns;
	unsigned hits; /* plain: handed to and fro with the word */
};

static void
await_serve(struct rally *rally, int side, uint32_t round)
{
	tr_parker *parker = &rally->side[side];

	/* PK-A: acquire, receives hits from hit_back. */
	for (;;) {
		const uint32_t seen = atomic_load_explicit(&parker->word, memory_order_acquire);
		if (seen == round)
			return;
		tr_parker_wait(parker, seen, rally->timeout_ns);
	}
}

static void
hit_back(struct rally *rally, int side, uint32_t round)
{
	tr_parker *parker = &rally->side[side];

	rally->hits++;
	/* PK-A: release, publishes hits to await_serve. */
	atomic_store_explicit(&parker->word, round, memory_order_release);
	tr_parker_wake(parker);
}

static void *
play_far_side(void *argument)
{
	struct rally *rally = argument;

	for (uint32_t round = 1; round <= ROUNDS; round++) {
		await_serve(rally, 1, round);
		hit_back(rally, 0, round);
	}
	return NULL;
}

static void
play_rally(int64_t timeout_ns)
{
	struct rally rally = { .timeout_ns = timeout_ns };
	pthread_t far_side;

	ck_assert_int_eq(tr_parker_init(&rally.side[0], 0), 0);
	ck_assert_int_eq(tr_parker_init(&rally.side[1], 0), 0);
	ck_assert_int_eq(tr_thread_start(&far_side, "far side", play_far_side, &rally), 0);
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		hit_back(&rally, 1, round);
		await_serve(&rally, 0, round);
	}
	ck_assert_int_eq(pthread_join(far_side, NULL), 0);
	tr_parker_fini(&rally.side[0]);
	tr_parker_fini(&rally.side[1]);
	ck_assert_uint_eq(rally.hits, 2 * ROUNDS);
}

START_TEST(test_parker_loses_no_wake)
{
	play_rally(-1);
}
END_TEST

START_TEST(test_parker_loses_no_wake_with_the_longest_limit)
{
	play_rally(INT64_MAX);
}
END_TEST

#if TR_LINUX
START_TEST(test_parker_wake_may_come_after_the_parker_is_gone)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	tr_parker *parker = tr_pages_reserve(size);

	ck_assert_ptr_nonnull(parker);
	ck_assert_int_eq(tr_parker_init(parker, 0), 0);
	tr_parker_fini(parker);
	tr_pages_release(parker, size);
	tr_parker_wake(parker);
}
END_TEST

static TCase *
case_linux(void)
{
	TCase *tc = tcase_create("Linux");

	tcase_add_test(tc, test_parker_wake_may_come_after_the_parker_is_gone);
	return tc;
}
#else
static TCase *
case_linux(void)
{
	return tcase_create("Linux (none here)");
}
#endif

static TCase *
case_parker(void)
{
	TCase *tc = tcase_create("parker");

	tcase_add_test(tc, test_parker_starts_with_its_word);
	tcase_add_test(tc, test_parker_does_not_sleep_on_another_word);
	tcase_add_test(tc, test_parker_wait_ends_with_its_time);
	tcase_add_test(tc, test_parker_sleeps_through_its_time);
	tcase_add_test(tc, test_parker_sleeps_without_limit_until_woken);
	tcase_add_test(tc, test_parker_wake_needs_no_sleeper);
	tcase_add_test(tc, test_parker_loses_no_wake);
	tcase_add_test(tc, test_parker_loses_no_wake_with_the_longest_limit);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("parker");

	suite_add_tcase(suite, case_parker());
	suite_add_tcase(suite, case_linux());
	return run_suite(suite);
}
