/* SPDX-License-Identifier: MIT */
#include "tests/crew.h"

#include <check.h>
#include <string.h>

/*
 * A lost wake-up shows as a hang, and a hang as the case's time-out: nothing
 * here measures time.
 */

static struct crew crew;

/* --- Wake-ups. --- */

#define SENDERS 2

/* Each sender has one actor, and waits until it has run before it puts it again. */
struct sender {
	uint32_t actor;
	uint32_t rounds;
	uint64_t random;
};

static struct {
	_Atomic uint32_t runs[SENDERS + 1];
	uint32_t payload[SENDERS + 1]; /* plain: from the sender to the run */
	uint32_t wrong[SENDERS + 1];
} mail;

static void
run_mail(struct crew *of, tr_worker *worker, uint32_t actor)
{
	const uint32_t run = atomic_load_explicit(&mail.runs[actor], memory_order_relaxed) + 1;

	(void)of;
	(void)worker;
	mail.wrong[actor] += mail.payload[actor] != run;
	/* Release: the sender writes the next payload.  The other way round is the pool's business. */
	atomic_store_explicit(&mail.runs[actor], run, memory_order_release);
}

/* So that the next put comes at any moment of the workers' way to sleep; much of it is short. */
static void
linger(uint64_t *random)
{
	static const uint32_t longest[] = { 100, 300, 1000, 3000 };

	for (uint32_t spins = test_below(random, longest[test_below(random, 4)]); spins > 0; spins--)
		tr_spin_hint();
}

static void *
send_and_await(void *argument)
{
	struct sender *sender = argument;

	for (uint32_t round = 1; round <= sender->rounds; round++) {
		mail.payload[sender->actor] = round;
		tr_pool_put(&crew.pool, sender->actor);
		while (atomic_load_explicit(&mail.runs[sender->actor], memory_order_acquire) < round)
			sched_yield();
		linger(&sender->random);
	}
	return NULL;
}

static void
put_from_outside(const char *test, uint32_t workers, unsigned senders, uint32_t rounds)
{
	struct sender all[SENDERS];
	uint64_t random = test_seed(test);

	memset(&mail, 0, sizeof mail);
	crew_init(&crew, workers, 4, run_mail);
	crew_start(&crew);
	for (uint32_t i = 0; i < senders; i++)
		all[i] = (struct sender){ .actor = i + 1, .rounds = rounds, .random = test_random(&random) };
	run_together(senders, send_and_await, all, sizeof *all);
	crew_stop(&crew);
	for (uint32_t i = 1; i <= senders; i++)
		ck_assert_uint_eq(mail.wrong[i], 0);
	crew_fini(&crew);
}

START_TEST(test_pool_loses_no_wake_from_outside)
{
	put_from_outside("test_pool_loses_no_wake_from_outside", (uint32_t)_i, 1, TEST_SCALED(6000));
}
END_TEST

START_TEST(test_pool_loses_no_wake_of_two_at_once)
{
	put_from_outside("test_pool_loses_no_wake_of_two_at_once", (uint32_t)_i, 2, TEST_SCALED(4000));
}
END_TEST

/* Nobody looks until all sleep: each put finds every worker parked. */
START_TEST(test_pool_wakes_from_the_deepest_sleep)
{
	memset(&mail, 0, sizeof mail);
	crew_init(&crew, (uint32_t)_i, 4, run_mail);
	crew_start(&crew);
	for (uint32_t round = 1; round <= TEST_SCALED(2000); round++) {
		crew_wait_until_quiet(&crew);
		mail.payload[1] = round;
		tr_pool_put(&crew.pool, 1);
	}
	crew_wait_until_quiet(&crew);
	ck_assert_uint_eq(atomic_load_explicit(&mail.runs[1], memory_order_relaxed), TEST_SCALED(2000));
	ck_assert_uint_eq(mail.wrong[1], 0);
	crew_stop(&crew);
	crew_fini(&crew);
}
END_TEST

/* --- The caller's own thread as the worker. --- */

struct driver {
	bool drives;
	uint64_t random;
	uint32_t rounds;
};

static _Atomic uint32_t flag_round;

static bool
has_no_flag(void *round)
{
	return atomic_load_explicit(&flag_round, memory_order_seq_cst) < *(uint32_t *)round;
}

static void
drive(uint32_t rounds)
{
	tr_worker *worker = crew.workers[0];

	for (uint32_t round = 1; round <= rounds;) {
		const uint32_t actor = worker->scheduler->try_next(worker);

		if (actor != 0)
			run_mail(&crew, worker, actor);
		if (!has_no_flag(&round))
			round++;
		else if (actor == 0)
			tr_worker_sleep(worker, -1, has_no_flag, &round);
	}
}

/* In turn an actor, which must run before the next, and a flag, which must be seen. */
static void *
drive_or_rouse(void *argument)
{
	struct driver *driver = argument;

	if (driver->drives) {
		drive(driver->rounds);
		return NULL;
	}
	for (uint32_t round = 1; round <= driver->rounds; round++) {
		mail.payload[1] = round;
		tr_pool_put(&crew.pool, 1);
		while (atomic_load_explicit(&mail.runs[1], memory_order_acquire) < round)
			sched_yield();
		linger(&driver->random);
		/* Seq_cst, as the idle word is: either the waker sees the sleeper or the sleeper sees the flag. */
		atomic_store_explicit(&flag_round, round, memory_order_seq_cst);
		tr_pool_wake_all(&crew.pool);
		linger(&driver->random);
	}
	return NULL;
}

START_TEST(test_pool_loses_no_wake_of_its_only_worker)
{
	uint64_t random = test_seed("test_pool_loses_no_wake_of_its_only_worker");
	struct driver drivers[2] = {
		{ .drives = true, .rounds = TEST_SCALED(4000) },
		{ .rounds = TEST_SCALED(4000), .random = test_random(&random) },
	};

	memset(&mail, 0, sizeof mail);
	crew_init(&crew, 1, 256, run_mail);
	run_together(2, drive_or_rouse, drivers, sizeof *drivers);
	ck_assert_uint_eq(mail.wrong[1], 0);
	crew_fini(&crew);
}
END_TEST

/* --- Order of what the waker did. --- */

struct waker {
	bool wakes;
	uint32_t wrong;
};

#define WAKES 300

static uint32_t errand[WAKES + 1]; /* plain: from the waker to the woken */
static _Atomic uint32_t waker_round;

/* A worker that sleeps as the pool's own do, but without looking at anything else than its parker's word. */
static void
be_woken(struct waker *waker)
{
	tr_parker *parker = &crew.members[0].parker;

	for (uint32_t round = 1; round <= WAKES; round++) {
		atomic_store_explicit(&parker->word, TR_PARKED, memory_order_relaxed);
		(void)tr_idle_park(&crew.pool.idle, round > 1);
		atomic_store_explicit(&waker_round, round, memory_order_relaxed);
		/* WK-A: acquire, the sleeper's end. */
		while (atomic_load_explicit(&parker->word, memory_order_acquire) == TR_PARKED)
			tr_parker_wait(parker, TR_PARKED, -1);
		waker->wrong += errand[round] != round;
	}
}

static void *
wake_or_be_woken(void *argument)
{
	struct waker *waker = argument;

	if (!waker->wakes) {
		be_woken(waker);
		return NULL;
	}
	for (uint32_t round = 1; round <= WAKES; round++) {
		while (atomic_load_explicit(&waker_round, memory_order_relaxed) < round)
			sched_yield();
		errand[round] = round;
		tr_pool_wake_one(&crew.pool);
	}
	return NULL;
}

START_TEST(test_pool_shows_the_woken_what_the_waker_did)
{
	struct waker wakers[2] = { { .wakes = true }, { .wakes = false } };

	crew_init(&crew, 1, 256, run_mail);
	run_together(2, wake_or_be_woken, wakers, sizeof *wakers);
	ck_assert_uint_eq(wakers[1].wrong, 0);
	crew_fini(&crew);
}
END_TEST

static TCase *
case_wakes(void)
{
	TCase *tc = tcase_create("wake-ups");

	tcase_add_loop_test(tc, test_pool_loses_no_wake_from_outside, 1, 4);
	tcase_add_loop_test(tc, test_pool_loses_no_wake_of_two_at_once, 1, 4);
	tcase_add_loop_test(tc, test_pool_wakes_from_the_deepest_sleep, 1, 4);
	tcase_add_test(tc, test_pool_loses_no_wake_of_its_only_worker);
	tcase_add_test(tc, test_pool_shows_the_woken_what_the_waker_did);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("wake-ups of a pool");

	suite_add_tcase(suite, case_wakes());
	return run_suite(suite);
}
