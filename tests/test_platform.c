/* SPDX-License-Identifier: MIT */
#include "runtime/platform/platform.h"
#include "tests/suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#if TR_LINUX
#include <sched.h>
#endif

#define READINGS   2000
#define ARENA_SIZE ((size_t)256 << 20)
#define HUGE_PAGE  ((size_t)2 << 20)

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- clock and CPUs ---- */

static int64_t
read_monotonic_clock(void)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

START_TEST(test_platform_clock_never_goes_back)
{
	int64_t before = tr_clock_now();

	for (int i = 0; i < READINGS; i++) {
		const int64_t now = tr_clock_now();
		ck_assert_int_ge(now, before);
		before = now;
	}
}
END_TEST

START_TEST(test_platform_clock_is_the_monotonic_one)
{
	const int64_t before = read_monotonic_clock();
	const int64_t now = tr_clock_now();
	const int64_t after = read_monotonic_clock();

	ck_assert_int_le(before, now);
	ck_assert_int_le(now, after);
}
END_TEST

/* What it must not be before: on Linux that says when the last tick was. */
static int64_t
read_least(void)
{
#if TR_LINUX
	struct timespec tick;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC_COARSE, &tick), 0);
	return (int64_t)tick.tv_sec * 1000000000 + tick.tv_nsec + TR_CLOCK_SLACK_NS;
#else
	return tr_clock_now();
#endif
}

START_TEST(test_platform_clock_about_is_near_the_clock)
{
	for (int i = 0; i < READINGS; i++) {
		const int64_t least = read_least();
		const int64_t about = tr_clock_about();

		ck_assert_int_le(least, about);
		ck_assert_int_le(about, tr_clock_now() + TR_CLOCK_SLACK_NS);
	}
}
END_TEST

START_TEST(test_platform_clock_moves)
{
	const int64_t start = tr_clock_now();

	/* Ends by itself, or the time-out of the case ends it. */
	while (tr_clock_now() == start)
		tr_spin_hint();
}
END_TEST

START_TEST(test_platform_cpu_limit_is_at_least_one)
{
	ck_assert_uint_ge(tr_cpu_limit(), 1);
}
END_TEST

START_TEST(test_platform_cpu_limit_is_at_most_what_is_online)
{
	ck_assert_int_le(tr_cpu_limit(), sysconf(_SC_NPROCESSORS_ONLN));
}
END_TEST

/* ---- conditions ---- */

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool is_open; /* under lock */
};

static void
init_gate(struct gate *gate)
{
	gate->is_open = false;
	ck_assert_int_eq(pthread_mutex_init(&gate->lock, NULL), 0);
	ck_assert_int_eq(tr_cond_init(&gate->opened), 0);
}

static void
fini_gate(struct gate *gate)
{
	ck_assert_int_eq(pthread_mutex_destroy(&gate->lock), 0);
	ck_assert_int_eq(pthread_cond_destroy(&gate->opened), 0);
}

static void *
open_gate(void *argument)
{
	struct gate *gate = argument;

	if (pthread_mutex_lock(&gate->lock))
		return argument;
	gate->is_open = true;
	return pthread_cond_signal(&gate->opened) || pthread_mutex_unlock(&gate->lock) ? argument : NULL;
}

/* True when the gate was opened by another thread, false when the deadline passed first. */
static bool
await_gate(struct gate *gate, int64_t deadline)
{
	pthread_t opener;
	void *failed = NULL;
	bool in_time = true;

	ck_assert_int_eq(pthread_mutex_lock(&gate->lock), 0);
	ck_assert_int_eq(tr_thread_start(&opener, "opener", open_gate, gate), 0);
	while (!gate->is_open && in_time)
		in_time = tr_cond_wait_until(&gate->opened, &gate->lock, deadline);
	ck_assert_int_eq(pthread_mutex_unlock(&gate->lock), 0);
	ck_assert_int_eq(pthread_join(opener, &failed), 0);
	ck_assert_ptr_null(failed);
	return in_time;
}

START_TEST(test_platform_cond_wait_without_deadline_ends_with_a_signal)
{
	struct gate gate;

	init_gate(&gate);
	ck_assert(await_gate(&gate, -1));
	fini_gate(&gate);
}
END_TEST

START_TEST(test_platform_cond_wait_ends_with_a_signal_before_the_deadline)
{
	struct gate gate;

	init_gate(&gate);
	ck_assert(await_gate(&gate, INT64_MAX));
	fini_gate(&gate);
}
END_TEST

START_TEST(test_platform_cond_wait_says_when_the_deadline_is_over)
{
	struct gate gate;

	init_gate(&gate);
	ck_assert_int_eq(pthread_mutex_lock(&gate.lock), 0);
	ck_assert(!tr_cond_wait_until(&gate.opened, &gate.lock, 0));
	ck_assert(!tr_cond_wait_until(&gate.opened, &gate.lock, tr_clock_now()));
	ck_assert_int_eq(pthread_mutex_unlock(&gate.lock), 0);
	fini_gate(&gate);
}
END_TEST

START_TEST(test_platform_cond_wait_is_not_over_before_its_deadline)
{
	struct gate gate;
	const int64_t deadline = tr_clock_now() + INT64_C(20000000);

	init_gate(&gate);
	ck_assert_int_eq(pthread_mutex_lock(&gate.lock), 0);
	while (tr_cond_wait_until(&gate.opened, &gate.lock, deadline))
		continue; /* early, for no reason */
	ck_assert_int_ge(tr_clock_now(), deadline);
	ck_assert_int_eq(pthread_mutex_unlock(&gate.lock), 0);
	fini_gate(&gate);
}
END_TEST

/* ---- pages ---- */

/* How many of the `size` bytes are not zero. */
static size_t
count_marks(const unsigned char *pages, size_t size)
{
	size_t marks = 0;

	for (size_t i = 0; i < size; i++)
		marks += pages[i] != 0;
	return marks;
}

static unsigned char *
reserve_marked(size_t size)
{
	unsigned char *pages = tr_pages_reserve(size);

	ck_assert_ptr_nonnull(pages);
	memset(pages, 0xa5, size);
	return pages;
}

START_TEST(test_platform_pages_are_zero)
{
	const size_t size = 16 * page_size();
	unsigned char *pages = tr_pages_reserve(size);

	ck_assert_ptr_nonnull(pages);
	ck_assert_uint_eq(count_marks(pages, size), 0);
	tr_pages_release(pages, size);
}
END_TEST

START_TEST(test_platform_pages_are_aligned)
{
	void *pages = tr_pages_reserve(page_size());

	ck_assert_ptr_nonnull(pages);
	ck_assert_uint_eq((uintptr_t)pages % page_size(), 0);
	tr_pages_release(pages, page_size());
}
END_TEST

START_TEST(test_platform_pages_hold_what_is_written)
{
	const size_t size = 16 * page_size();
	unsigned char *pages = reserve_marked(size);

	ck_assert_uint_eq(count_marks(pages, size), size);
	tr_pages_release(pages, size);
}
END_TEST

START_TEST(test_platform_pages_beyond_the_address_space_are_refused)
{
	ck_assert_ptr_null(tr_pages_reserve(SIZE_MAX / 2 / page_size() * page_size()));
}
END_TEST

START_TEST(test_platform_pages_discarded_read_as_zero)
{
	const size_t size = 16 * page_size();
	unsigned char *pages = reserve_marked(size);

	tr_pages_discard(pages, size);
	ck_assert_uint_eq(count_marks(pages, size), 0);
	tr_pages_release(pages, size);
}
END_TEST

START_TEST(test_platform_pages_discarded_can_be_written_again)
{
	const size_t size = 16 * page_size();
	unsigned char *pages = reserve_marked(size);

	tr_pages_discard(pages, size);
	memset(pages, 0xa5, size);
	ck_assert_uint_eq(count_marks(pages, size), size);
	tr_pages_release(pages, size);
}
END_TEST

START_TEST(test_platform_pages_discard_leaves_the_neighbours)
{
	const size_t page = page_size();
	unsigned char *pages = reserve_marked(3 * page);

	tr_pages_discard(pages + page, page);
	ck_assert_uint_eq(count_marks(pages, page), page);
	ck_assert_uint_eq(count_marks(pages + 2 * page, page), page);
	tr_pages_release(pages, 3 * page);
}
END_TEST

START_TEST(test_platform_pages_advised_for_huge_pages_are_as_before)
{
	unsigned char *pages = tr_pages_reserve(4 * HUGE_PAGE);

	ck_assert_ptr_nonnull(pages);
	pages[0] = 0xa5;
	tr_pages_advise_huge(pages, 4 * HUGE_PAGE);
	ck_assert_uint_eq(pages[0], 0xa5);
	ck_assert_uint_eq(pages[HUGE_PAGE], 0);
	tr_pages_release(pages, 4 * HUGE_PAGE);
}
END_TEST

START_TEST(test_platform_pages_discard_zeroes_what_the_system_must_keep)
{
	const size_t size = 4 * page_size();
	unsigned char *pages = reserve_marked(size);

	/* Where locking is not allowed this is one more plain discard. */
	(void)mlock(pages, size);
	tr_pages_discard(pages, size);
	ck_assert_uint_eq(count_marks(pages, size), 0);
	tr_pages_release(pages, size);
}
END_TEST

/* ---- what linux.c promises beyond posix.c ---- */

#if TR_LINUX
START_TEST(test_platform_cpu_limit_honours_the_affinity_mask)
{
	cpu_set_t mask;
	size_t cpu = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof mask, &mask), 0);
	while (!CPU_ISSET(cpu, &mask))
		cpu++;
	CPU_ZERO(&mask);
	CPU_SET(cpu, &mask);
	ck_assert_int_eq(sched_setaffinity(0, sizeof mask, &mask), 0);

	ck_assert_uint_eq(tr_cpu_limit(), 1);
}
END_TEST

/* Bytes of the reservation that have memory behind them. */
static size_t
count_resident(void *pages, size_t size)
{
	const size_t count = size / page_size();
	unsigned char *in_core = malloc(count);
	size_t resident = 0;

	ck_assert_ptr_nonnull(in_core);
	ck_assert_int_eq(mincore(pages, size, in_core), 0);
	for (size_t i = 0; i < count; i++)
		resident += in_core[i] & 1;
	free(in_core);
	return resident * page_size();
}

START_TEST(test_platform_pages_take_memory_only_where_touched)
{
	unsigned char *pages = tr_pages_reserve(ARENA_SIZE);

	ck_assert_ptr_nonnull(pages);
	pages[ARENA_SIZE / 2] = 1;
	ck_assert_uint_ge(count_resident(pages, ARENA_SIZE), page_size());
	ck_assert_uint_le(count_resident(pages, ARENA_SIZE), HUGE_PAGE);
	tr_pages_release(pages, ARENA_SIZE);
}
END_TEST

START_TEST(test_platform_pages_discard_gives_memory_back)
{
	unsigned char *pages = reserve_marked(8 * HUGE_PAGE);

	ck_assert_uint_eq(count_resident(pages, 8 * HUGE_PAGE), 8 * HUGE_PAGE);
	tr_pages_discard(pages, 8 * HUGE_PAGE);
	ck_assert_uint_eq(count_resident(pages, 8 * HUGE_PAGE), 0);
	tr_pages_release(pages, 8 * HUGE_PAGE);
}
END_TEST

static TCase *
case_linux(void)
{
	TCase *tc = tcase_create("Linux");

	tcase_add_test(tc, test_platform_cpu_limit_honours_the_affinity_mask);
	tcase_add_test(tc, test_platform_pages_take_memory_only_where_touched);
	tcase_add_test(tc, test_platform_pages_discard_gives_memory_back);
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
case_clock_and_cpus(void)
{
	TCase *tc = tcase_create("clock and CPUs");

	tcase_add_test(tc, test_platform_clock_never_goes_back);
	tcase_add_test(tc, test_platform_clock_is_the_monotonic_one);
	tcase_add_test(tc, test_platform_clock_about_is_near_the_clock);
	tcase_add_test(tc, test_platform_clock_moves);
	tcase_add_test(tc, test_platform_cpu_limit_is_at_least_one);
	tcase_add_test(tc, test_platform_cpu_limit_is_at_most_what_is_online);
	return tc;
}

static TCase *
case_conditions(void)
{
	TCase *tc = tcase_create("conditions");

	tcase_add_test(tc, test_platform_cond_wait_without_deadline_ends_with_a_signal);
	tcase_add_test(tc, test_platform_cond_wait_ends_with_a_signal_before_the_deadline);
	tcase_add_test(tc, test_platform_cond_wait_says_when_the_deadline_is_over);
	tcase_add_test(tc, test_platform_cond_wait_is_not_over_before_its_deadline);
	return tc;
}

static TCase *
case_pages(void)
{
	TCase *tc = tcase_create("pages");

	tcase_add_test(tc, test_platform_pages_are_zero);
	tcase_add_test(tc, test_platform_pages_are_aligned);
	tcase_add_test(tc, test_platform_pages_hold_what_is_written);
	tcase_add_test(tc, test_platform_pages_beyond_the_address_space_are_refused);
	tcase_add_test(tc, test_platform_pages_discarded_read_as_zero);
	tcase_add_test(tc, test_platform_pages_discarded_can_be_written_again);
	tcase_add_test(tc, test_platform_pages_discard_leaves_the_neighbours);
	tcase_add_test(tc, test_platform_pages_advised_for_huge_pages_are_as_before);
	tcase_add_test(tc, test_platform_pages_discard_zeroes_what_the_system_must_keep);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("platform");

	suite_add_tcase(suite, case_clock_and_cpus());
	suite_add_tcase(suite, case_conditions());
	suite_add_tcase(suite, case_pages());
	suite_add_tcase(suite, case_linux());
	return run_suite(suite);
}
