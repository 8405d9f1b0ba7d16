/* SPDX-License-Identifier: MIT */
#include "runtime/engine/idle.h"
#include "tests/support.h"

#include <check.h>
#include <string.h>

static tr_idle idle;

/* So many search and so many are parked. */
static void
set_idle(uint32_t searching, uint32_t parked)
{
	atomic_store_explicit(&idle.word, searching * TR_IDLE_SEARCHING + parked * TR_IDLE_PARKED,
	    memory_order_relaxed);
}

#define assert_idle(searching, parked) \
	do { \
		const uint64_t idle_word = tr_idle_load(&idle); \
		ck_assert_uint_eq(tr_idle_searching(idle_word), (searching)); \
		ck_assert_uint_eq(tr_idle_parked(idle_word), (parked)); \
	} while (0)

START_TEST(test_idle_begins_with_all_running)
{
	set_idle(3, 4);
	tr_idle_init(&idle);
	assert_idle(0, 0);
}
END_TEST

START_TEST(test_idle_wants_a_wake_only_if_somebody_sleeps_and_nobody_searches)
{
	for (uint32_t searching = 0; searching < 3; searching++)
		for (uint32_t parked = 0; parked < 3; parked++) {
			set_idle(searching, parked);
			ck_assert_int_eq(tr_idle_wants_wake(&idle), searching == 0 && parked > 0);
		}
}
END_TEST

START_TEST(test_idle_ticket_makes_a_sleeper_a_searcher)
{
	set_idle(0, 3);
	ck_assert(tr_idle_take_ticket(&idle));
	assert_idle(1, 2);
}
END_TEST

START_TEST(test_idle_gives_no_ticket_while_somebody_searches)
{
	set_idle(1, 3);
	ck_assert(!tr_idle_take_ticket(&idle));
	assert_idle(1, 3);
}
END_TEST

START_TEST(test_idle_gives_no_ticket_when_nobody_sleeps)
{
	set_idle(0, 0);
	ck_assert(!tr_idle_take_ticket(&idle));
	ck_assert(!tr_idle_take_any_ticket(&idle));
	set_idle(2, 0);
	ck_assert(!tr_idle_take_any_ticket(&idle));
	assert_idle(2, 0);
}
END_TEST

START_TEST(test_idle_gives_any_ticket_even_while_somebody_searches)
{
	set_idle(2, 2);
	ck_assert(tr_idle_take_any_ticket(&idle));
	ck_assert(tr_idle_take_any_ticket(&idle));
	assert_idle(4, 0);
}
END_TEST

START_TEST(test_idle_lets_no_more_search_than_is_wanted)
{
	set_idle(0, 5);
	for (uint32_t most = 1; most <= 3; most++) {
		ck_assert(tr_idle_begin_search(&idle, most));
		ck_assert(!tr_idle_begin_search(&idle, most));
		assert_idle(most, 5);
	}
}
END_TEST

START_TEST(test_idle_tells_the_last_searcher_that_somebody_sleeps)
{
	set_idle(2, 1);
	ck_assert(!tr_idle_end_search(&idle));
	ck_assert(tr_idle_end_search(&idle));
	assert_idle(0, 1);
}
END_TEST

START_TEST(test_idle_tells_the_last_searcher_nothing_when_nobody_sleeps)
{
	set_idle(1, 0);
	ck_assert(!tr_idle_end_search(&idle));
	assert_idle(0, 0);
}
END_TEST

START_TEST(test_idle_counts_who_parks)
{
	set_idle(2, 1);
	ck_assert_uint_eq(tr_idle_park(&idle, true), TR_IDLE_SEARCHING + 2 * TR_IDLE_PARKED);
	assert_idle(1, 2);
	ck_assert_uint_eq(tr_idle_park(&idle, false), TR_IDLE_SEARCHING + 3 * TR_IDLE_PARKED);
	assert_idle(1, 3);
}
END_TEST

/* --- Several threads. --- */

#define WORKERS 4
#define STEPS   TEST_SCALED(400000)

struct walker {
	uint64_t random;
	_Atomic uint32_t *searchers; /* without tickets */
	uint64_t crowds;             /* times that more than one searched by its own decision */
	uint64_t lost_tickets;
	uint64_t searches, parks;
};

/* One walk through the states of a worker, and back to running. */
static void
walk(struct walker *walker)
{
	bool searching = tr_idle_begin_search(&idle, 1);

	if (searching) {
		walker->searches++;
		walker->crowds += atomic_fetch_add_explicit(walker->searchers, 1, memory_order_relaxed) != 0;
		if (test_below(&walker->random, 16) == 0)
			sched_yield();
		atomic_fetch_sub_explicit(walker->searchers, 1, memory_order_relaxed);
	}
	if (test_below(&walker->random, 2) == 0) {
		(void)tr_idle_park(&idle, searching);
		walker->parks++;
		/* There is one for each that is parked, so there is one for this. */
		walker->lost_tickets += !tr_idle_take_any_ticket(&idle);
		searching = true;
	}
	if (searching)
		(void)tr_idle_end_search(&idle);
}

static void *
walk_about(void *argument)
{
	for (int step = 0; step < STEPS; step++)
		walk(argument);
	return NULL;
}

START_TEST(test_idle_loses_nobody)
{
	struct walker walkers[WORKERS];
	_Atomic uint32_t searchers = 0;
	uint64_t random = test_seed("test_idle_loses_nobody");

	tr_idle_init(&idle);
	for (int i = 0; i < WORKERS; i++)
		walkers[i] = (struct walker){ .random = test_random(&random), .searchers = &searchers };
	run_together(WORKERS, walk_about, walkers, sizeof *walkers);

	for (int i = 0; i < WORKERS; i++) {
		ck_assert_uint_eq(walkers[i].crowds, 0);
		ck_assert_uint_eq(walkers[i].lost_tickets, 0);
		ck_assert_uint_gt(walkers[i].parks, 0);
	}
	assert_idle(0, 0);
}
END_TEST

/* Each parks once it has worked; who sees all parked sees the work of all. */
#define ROUNDS 300

struct day {
	uint32_t work[WORKERS - 1][ROUNDS + 1]; /* plain: from the workers to who waits for quiet */
	uint64_t wrong;
	_Atomic uint32_t round;
};

struct worker {
	struct day *day;
	uint32_t number; /* the last one waits */
};

static void
work_round_by_round(struct worker *worker)
{
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		while (atomic_load_explicit(&worker->day->round, memory_order_relaxed) < round)
			sched_yield();
		worker->day->work[worker->number][round] = round;
		(void)tr_idle_park(&idle, false);
	}
}

static void
wait_round_by_round(struct day *day)
{
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		atomic_store_explicit(&day->round, round, memory_order_relaxed);
		while (tr_idle_parked(tr_idle_load(&idle)) < WORKERS - 1)
			sched_yield();
		for (int i = 0; i < WORKERS - 1; i++)
			day->wrong += day->work[i][round] != round;
		/* All run again.  Not what is tested: seq_cst, like every change of the word. */
		while (tr_idle_take_any_ticket(&idle))
			(void)tr_idle_end_search(&idle);
	}
}

static void *
work_or_wait(void *argument)
{
	struct worker *worker = argument;

	if (worker->number < WORKERS - 1)
		work_round_by_round(worker);
	else
		wait_round_by_round(worker->day);
	return NULL;
}

START_TEST(test_idle_shows_what_was_done_before_all_parked)
{
	static struct day day;
	struct worker workers[WORKERS];

	tr_idle_init(&idle);
	for (uint32_t i = 0; i < WORKERS; i++)
		workers[i] = (struct worker){ &day, i };
	run_together(WORKERS, work_or_wait, workers, sizeof *workers);
	ck_assert_uint_eq(day.wrong, 0);
}
END_TEST

static TCase *
case_idle(void)
{
	TCase *tc = tcase_create("idle");

	tcase_add_test(tc, test_idle_begins_with_all_running);
	tcase_add_test(tc, test_idle_wants_a_wake_only_if_somebody_sleeps_and_nobody_searches);
	tcase_add_test(tc, test_idle_ticket_makes_a_sleeper_a_searcher);
	tcase_add_test(tc, test_idle_gives_no_ticket_while_somebody_searches);
	tcase_add_test(tc, test_idle_gives_no_ticket_when_nobody_sleeps);
	tcase_add_test(tc, test_idle_gives_any_ticket_even_while_somebody_searches);
	tcase_add_test(tc, test_idle_lets_no_more_search_than_is_wanted);
	tcase_add_test(tc, test_idle_tells_the_last_searcher_that_somebody_sleeps);
	tcase_add_test(tc, test_idle_tells_the_last_searcher_nothing_when_nobody_sleeps);
	tcase_add_test(tc, test_idle_counts_who_parks);
	tcase_add_test(tc, test_idle_loses_nobody);
	tcase_add_test(tc, test_idle_shows_what_was_done_before_all_parked);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("idle");

	suite_add_tcase(suite, case_idle());
	return run_suite(suite);
}
