/* SPDX-License-Identifier: MIT */

/*
 * The bugs that the sleep of threads has had in actor systems and schedulers,
 * by name: how each goes wrong, why it cannot here, and the very moment in
 * which it would.  Who is not woken sleeps for ever, and the case times out.
 */

#include "tests/crew.h"
#include "tests/rounds.h"
#include "tests/system.h"

#include <check.h>

/* --- A worker, or several, without a thread or with one. --- */

static struct crew crew;

static uint32_t runs, parks;
static int puts_left;
static _Atomic bool is_over;

static void
init_crew(uint32_t workers)
{
	runs = parks = 0;
	atomic_store_explicit(&is_over, false, memory_order_relaxed);
	crew_init(&crew, workers, 256, NULL);
}

static void
count_run(struct crew *of, tr_worker *worker, uint32_t actor)
{
	(void)of;
	(void)worker;
	(void)actor;
	runs++;
}

/* The same but for what is done when all are parked: by the last to park, after its last look. */
static void
init_crew_that(uint32_t workers, void (*all_parked)(tr_pool *))
{
	static tr_worker_hooks hooks;

	init_crew(workers);
	crew.run = count_run;
	hooks = *crew.pool.hooks;
	hooks.all_parked = all_parked;
	crew.pool.hooks = &hooks;
}

static uint32_t
try_next(void)
{
	return crew.pool.scheduler->try_next(crew.workers[0]);
}

/* Without a limit: who is to be awake must be woken. */
static void
sleep_unless(bool (*may_sleep)(void *))
{
	tr_worker_sleep(crew.workers[0], -1, may_sleep, NULL);
}

static uint32_t
said_by(uint32_t index)
{
	return atomic_load_explicit(&crew.workers[index]->parker.word, memory_order_relaxed);
}

static void
pretend_parked(uint32_t index)
{
	atomic_store_explicit(&crew.workers[index]->parker.word, TR_PARKED, memory_order_relaxed);
	(void)tr_idle_park(&crew.pool.idle, false);
}

#define assert_idle(searching, parked) \
	do { \
		const uint64_t idle_word = tr_idle_load(&crew.pool.idle); \
		ck_assert_uint_eq(tr_idle_searching(idle_word), (searching)); \
		ck_assert_uint_eq(tr_idle_parked(idle_word), (parked)); \
	} while (0)

static bool
sleep_anyway(void *unused)
{
	(void)unused;
	return true;
}

/* --- Work comes. --- */

/* The worker has counted itself as parked and has looked for the last time. */
static bool
put_and_sleep(void *unused)
{
	(void)unused;
	tr_pool_put(&crew.pool, 7);
	return true;
}

static void
put_when_parked(tr_pool *pool)
{
	if (puts_left-- > 0)
		tr_pool_put(pool, 1);
	else
		raise_flag(&is_over);
}

/*
 * Lost wake between the last look and sleep (Pony, more than once): work comes
 * when the thread has found none, its wake-up when the thread does not sleep
 * yet, and then it sleeps.  Here who comes before the thread counts as parked
 * is seen by the look after that (OV-B), and who comes later changes the
 * parker's word, which is compared as it falls asleep (WK-A).
 */
START_TEST(test_bugs_lost_wake_between_last_look_and_sleep)
{
	init_crew(1);
	/* Still a searcher: nobody is to be woken. */
	ck_assert(tr_idle_begin_search(&crew.pool.idle, 1));
	tr_pool_put(&crew.pool, 5);
	ck_assert(!tr_idle_end_search(&crew.pool.idle));
	sleep_unless(sleep_anyway);
	ck_assert_uint_eq(try_next(), 5);
	sleep_unless(put_and_sleep);
	ck_assert_uint_eq(try_next(), 7);
	assert_idle(0, 0);
	crew_fini(&crew);

	puts_left = 1000;
	init_crew_that(1, put_when_parked);
	crew_start(&crew);
	await_flag(&is_over);
	crew_stop(&crew);
	ck_assert_uint_eq(runs, 1000);
	crew_fini(&crew);
}
END_TEST

/* --- The end comes. --- */

static bool
stop_and_sleep(void *unused)
{
	(void)unused;
	tr_pool_stop(&crew.pool);
	return true;
}

static void
put_and_stop_when_parked(tr_pool *pool)
{
	parks++;
	tr_pool_put(pool, 1);
	tr_pool_stop(pool);
}

static void
stop_when_parked(tr_pool *pool)
{
	tr_pool_stop(pool);
}

/*
 * Sleep again after the wake for shutdown (Pony): the thread is woken to end,
 * and sleeps again before it has seen why; nobody is left to wake it.  Here it
 * looks at `stopping` after each step to sleep (WK-B), and on its way round
 * once it is awake.
 */
START_TEST(test_bugs_sleep_again_after_shutdown_wake)
{
	init_crew(1);
	sleep_unless(stop_and_sleep);
	for (int i = 0; i < 3; i++) {
		sleep_unless(sleep_anyway);
		ck_assert_uint_eq(tr_worker_next(crew.workers[0]), 0);
	}
	crew_fini(&crew);

	/* It is woken for work, and the end comes before it has found any. */
	init_crew_that(1, put_and_stop_when_parked);
	ck_assert_uint_eq(tr_worker_next(crew.workers[0]), 0);
	ck_assert_uint_eq(tr_worker_next(crew.workers[0]), 0);
	ck_assert_uint_eq(parks, 1);
	crew_fini(&crew);

	for (int round = 0; round < TEST_SCALED(400); round++) {
		init_crew_that(1 + (uint32_t)round % CREW_MAX, stop_when_parked);
		crew_start(&crew);
		ck_assert(tr_pool_join(&crew.pool, -1));
		crew_fini(&crew);
	}
}
END_TEST

/* --- Two flags. --- */

static void
sleep_as_worker(void)
{
	sleep_unless(sleep_anyway);
}

static void
queue_actor(void)
{
	tr_pool_put(&crew.pool, 1);
}

static void
take_actor(void)
{
	uint32_t actor;

	(void)tr_overflow_take(&crew.pool.overflow, &actor, 1);
}

static void
stop_pool(void)
{
	tr_pool_stop(&crew.pool);
}

static void
let_pool_go_on(void)
{
	atomic_store_explicit(&crew.pool.stopping, false, memory_order_relaxed);
}

/*
 * Store-buffer miss between two flags (Pony's event thread and its scheduler):
 * each raises its flag and looks at the other's; both looks come before either
 * store is seen, and each believes itself alone.  Here all four are seq_cst,
 * so not both can miss: the overflow count and the idle word (OV-B), stopping
 * and the idle word (WK-B).  Other pairs of the kind: test_sleepers.c.
 */
START_TEST(test_bugs_store_buffer_miss_between_two_flags)
{
	static const rounds_pair pairs[] = {
		{ sleep_as_worker, queue_actor, take_actor },
		{ sleep_as_worker, stop_pool, let_pool_go_on },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		init_crew(1);
		run_rounds(&pairs[i], "test_bugs_store_buffer_miss_between_two_flags");
		crew_fini(&crew);
	}
}
END_TEST

/* --- The LIFO slot. --- */

enum { GO = 1, FILL, RUN };

#define QUANTUM 16

static struct {
	troupe_ref neighbour;
	int before, after; /* messages sent before and after the neighbour's */
	bool urgent;
	_Atomic bool has_run;
	uint64_t failed;
} house;

static void
send_oneself(troupe_actor *self, int messages)
{
	for (int i = 0; i < messages; i++)
		house.failed += troupe_send(troupe_self(self), FILL, NULL, 0) != TROUPE_OK;
}

/* One that does not return until its neighbour has run, which it was the last to make runnable. */
static void
hold_up(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->type != GO)
		return;
	send_oneself(self, house.before);
	house.failed += (house.urgent ? troupe_send_urgent(house.neighbour, RUN, NULL, 0)
				      : troupe_send(house.neighbour, RUN, NULL, 0)) != TROUPE_OK;
	send_oneself(self, house.after);
	await_flag(&house.has_run);
}

static void
run_beside(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)state;
	(void)msg;
	raise_flag(&house.has_run);
}

/*
 * Stranded LIFO slot (Tokio): whom a running task made runnable last waits in
 * a slot that nobody steals from, while the task works on for long.  Here who
 * sends as much as a turn may spend, or more, has its slot emptied to where
 * others steal, and one of them is woken (tr_worker_overrun); who sends less
 * and does not return holds up that one actor, as README.md says.
 */
START_TEST(test_bugs_stranded_lifo_slot)
{
	static const troupe_class hog_class = { .name = "hog", .receive = hold_up };
	static const troupe_class neighbour_class = { .name = "neighbour", .receive = run_beside };
	const troupe_options options = { .workers = 2, .quantum = QUANTUM };
	troupe *t = sys_open_with(options, NULL);

	for (int round = 0; round < TEST_SCALED(400); round++) {
		atomic_store_explicit(&house.has_run, false, memory_order_relaxed);
		/* With the credit to the last message, with more than that, or with none left. */
		house.before = round % 3 == 0 ? 0 : round % 3 == 1 ? QUANTUM - 1 : 10 * QUANTUM;
		house.after = round % 3 == 0 ? QUANTUM - 1 : 0;
		house.urgent = round % 2;
		house.neighbour = sys_spawn(t, &neighbour_class, NULL);
		sys_send(sys_spawn(t, &hog_class, NULL), GO, NULL, 0);
		(void)sys_wait(t);
	}
	ck_assert_uint_eq(house.failed, 0);
	sys_close(t, NULL);
}
END_TEST

/* --- Many wakes. --- */

static uint32_t
count_woken(void)
{
	uint32_t woken = 0;

	for (uint32_t i = 0; i < crew.pool.count; i++)
		woken += said_by(i) == TR_SEARCH;
	return woken;
}

/*
 * Wake storm (Go, when a goroutine yields; Tokio, when its LIFO slot could be
 * stolen): each thing that becomes runnable wakes a sleeper, which finds
 * nothing and sleeps again; the system calls cost more than the work.  Here
 * what runs next wakes nobody; while one searches no other is woken (INV-ID-2);
 * and the last searcher that finds more than it takes wakes one.
 */
START_TEST(test_bugs_wake_storm)
{
	init_crew(4);
	for (uint32_t i = 1; i < 4; i++)
		pretend_parked(i);
	tr_worker_put(crew.workers[0], 1);
	ck_assert_uint_eq(count_woken(), 0);
	for (uint32_t i = 2; i <= 100; i++)
		tr_worker_share(crew.workers[0], i);
	for (uint32_t i = 101; i <= 200; i++)
		tr_pool_put(&crew.pool, i);
	for (int i = 0; i < 100; i++)
		tr_pool_wake_one(&crew.pool);
	ck_assert_uint_eq(count_woken(), 1);
	assert_idle(1, 2);
	crew_fini(&crew);

	init_crew(4);
	for (uint32_t i = 1; i <= 100; i++)
		tr_worker_share(crew.workers[0], i);
	pretend_parked(2);
	pretend_parked(3);
	ck_assert_uint_ne(tr_worker_next(crew.workers[1]), 0);
	ck_assert_uint_eq(count_woken(), 1);
	assert_idle(1, 1);
	crew_fini(&crew);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bugs of waking");
	TCase *tc = tcase_create("bugs");

	tcase_add_test(tc, test_bugs_lost_wake_between_last_look_and_sleep);
	tcase_add_test(tc, test_bugs_sleep_again_after_shutdown_wake);
	tcase_add_test(tc, test_bugs_store_buffer_miss_between_two_flags);
	tcase_add_test(tc, test_bugs_stranded_lifo_slot);
	tcase_add_test(tc, test_bugs_wake_storm);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
