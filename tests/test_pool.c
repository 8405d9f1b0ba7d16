/* SPDX-License-Identifier: MIT */
#include "tests/crew.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * A lost wake-up shows as a hang, and a hang as the case's time-out: nothing
 * here measures time.
 */

static struct crew crew;

/* For a moment, or a longer one. */
static void
linger(uint64_t *random)
{
	for (uint32_t spins = test_below(random, 8) == 0 ? test_below(random, 20000)
							 : test_below(random, 100);
	     spins > 0; spins--)
		tr_spin_hint();
}

/* --- Actors that make others runnable. --- */

/* Actor n makes 2n and 2n + 1 runnable: the first are put by the workers' own means, from few to many. */
#define TREE 4095

static struct {
	uint32_t runs[TREE + 1];  /* plain */
	uint32_t input[TREE + 1]; /* plain: from who puts to who runs */
	uint32_t wrong[CREW_MAX];
	uint32_t round;
} tree;

static void
run_tree(struct crew *of, tr_worker *worker, uint32_t actor)
{
	(void)of;
	tree.runs[actor]++;
	tree.wrong[worker->index] += tree.input[actor] != tree.round;
	for (uint32_t child = 2 * actor; child <= 2 * actor + 1 && child <= TREE; child++) {
		tree.input[child] = tree.round;
		if (actor % 3 == 0)
			worker->scheduler->put_back(worker, child);
		else
			worker->scheduler->put(worker, child);
	}
}

static void
grow_tree(void)
{
	tree.round++;
	tree.input[1] = tree.round;
	tr_pool_put(&crew.pool, 1);
}

static uint32_t
count_wrong_runs(void)
{
	uint32_t wrong = 0;

	for (uint32_t i = 1; i <= TREE; i++)
		wrong += tree.runs[i] != tree.round;
	for (uint32_t i = 0; i < CREW_MAX; i++)
		wrong += tree.wrong[i];
	return wrong;
}

static const struct {
	uint32_t workers, ring;
	uint64_t messages_per_run; /* 0: the governor believes in long work; many: in short work */
} crews[] = { { 1, 4, 0 }, { 2, 4, 0 }, { 3, 4, 100000 }, { 4, 16, 0 }, { 2, 256, 100000 },
	{ 4, 256, 100000 } };
#define CREWS ((int)(sizeof crews / sizeof *crews))

static void
start_tree(int which)
{
	memset(&tree, 0, sizeof tree);
	crew_init(&crew, crews[which].workers, crews[which].ring, run_tree);
	crew.messages_per_run = crews[which].messages_per_run;
	crew_start(&crew);
}

/* Quiet is seen by looking only: nothing but the pool orders what the workers did before what is asserted. */
START_TEST(test_pool_is_quiet_when_every_actor_has_run_once)
{
	start_tree(_i);
	for (int round = 0; round < TEST_SCALED(160); round++) {
		grow_tree();
		crew_watch_until_quiet(&crew);
		ck_assert_uint_eq(count_wrong_runs(), 0);
	}
	crew_stop(&crew);
	crew_fini(&crew);
}
END_TEST

START_TEST(test_pool_tells_when_it_has_become_quiet)
{
	start_tree(_i);
	for (int round = 0; round < TEST_SCALED(160); round++) {
		grow_tree();
		crew_wait_until_quiet(&crew);
		ck_assert_uint_eq(count_wrong_runs(), 0);
	}
	crew_stop(&crew);
	crew_fini(&crew);
}
END_TEST

/* Actors that stay runnable go from ring to ring while threads from outside add to them. */
#define RUNNERS 300

static struct {
	uint32_t runs[RUNNERS + 1]; /* plain: each actor's own */
	uint32_t wrong;
	_Atomic uint32_t finished;
} race;

#define LAPS TEST_SCALED(400)

static void
run_lap(struct crew *of, tr_worker *worker, uint32_t actor)
{
	(void)of;
	if (++race.runs[actor] < (uint32_t)LAPS)
		worker->scheduler->put_back(worker, actor);
	else
		atomic_fetch_add_explicit(&race.finished, 1, memory_order_relaxed);
}

static void *
put_runners(void *first)
{
	for (uint32_t actor = *(uint32_t *)first; actor <= RUNNERS; actor += 2)
		tr_pool_put(&crew.pool, actor);
	return NULL;
}

START_TEST(test_pool_runs_actors_that_stay_runnable_to_their_end)
{
	uint32_t first[] = { 1, 2 };

	memset(&race, 0, sizeof race);
	crew_init(&crew, crews[_i].workers, crews[_i].ring, run_lap);
	crew.messages_per_run = crews[_i].messages_per_run;
	crew_start(&crew);
	run_together(2, put_runners, first, sizeof *first);
	crew_wait_until_quiet(&crew);
	ck_assert_uint_eq(atomic_load_explicit(&race.finished, memory_order_relaxed), RUNNERS);
	for (uint32_t i = 1; i <= RUNNERS; i++)
		ck_assert_uint_eq(race.runs[i], LAPS);
	crew_stop(&crew);
	crew_fini(&crew);
}
END_TEST

/* --- The bench. --- */

static _Atomic bool is_in_callback, may_return;

/* Actor 1 blocks its worker; all others are counted. */
static void
block_or_count(struct crew *of, tr_worker *worker, uint32_t actor)
{
	(void)of;
	(void)worker;
	if (actor == 1) {
		raise_flag(&is_in_callback);
		await_flag(&may_return);
	} else {
		atomic_fetch_add_explicit(&race.finished, 1, memory_order_relaxed);
	}
}

static void
lower_flags(void)
{
	atomic_store_explicit(&is_in_callback, false, memory_order_relaxed);
	atomic_store_explicit(&may_return, false, memory_order_relaxed);
	memset(&race, 0, sizeof race);
}

/* Worker 0 is the only one that may run, and does not come back: those on the bench must. */
START_TEST(test_pool_calls_the_bench_back_when_a_long_callback_holds_up_the_others)
{
	lower_flags();
	crew_init(&crew, 2, 16, block_or_count);
	atomic_store_explicit(&crew.pool.governor.limit, 1, memory_order_seq_cst);
	crew_start(&crew);
	tr_pool_put(&crew.pool, 1);
	await_flag(&is_in_callback);
	for (uint32_t i = 2; i < 50; i++)
		tr_pool_put(&crew.pool, i);
	while (atomic_load_explicit(&race.finished, memory_order_relaxed) < 48)
		sched_yield();
	raise_flag(&may_return);
	crew_wait_until_quiet(&crew);
	crew_stop(&crew);
	crew_fini(&crew);
}
END_TEST

START_TEST(test_pool_with_a_bench_can_be_quiet_and_can_stop)
{
	for (int round = 0; round < TEST_SCALED(400); round++) {
		lower_flags();
		crew_init(&crew, 3, 16, block_or_count);
		atomic_store_explicit(&crew.pool.governor.limit, 1 + (uint32_t)round % 2,
		    memory_order_seq_cst);
		crew_start(&crew);
		for (uint32_t i = 2; i < 10; i++)
			tr_pool_put(&crew.pool, i);
		if (round % 3 != 0)
			crew_wait_until_quiet(&crew);
		crew_stop(&crew);
		crew_fini(&crew);
	}
}
END_TEST

/* --- Beginning and end. --- */

START_TEST(test_pool_every_worker_comes_and_goes)
{
	memset(&tree, 0, sizeof tree);
	crew_init(&crew, 4, 256, run_tree);
	crew_start(&crew);
	crew_stop(&crew);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(crew.entered[i], 1);
		ck_assert_uint_eq(crew.left[i], 1);
	}
	crew_fini(&crew);
}
END_TEST

/* At whatever moment of beginning, working and falling asleep it comes. */
START_TEST(test_pool_stop_reaches_every_worker)
{
	uint64_t random = test_seed("test_pool_stop_reaches_every_worker");

	for (int round = 0; round < TEST_SCALED(1200); round++) {
		memset(&tree, 0, sizeof tree);
		crew_init(&crew, 1 + (uint32_t)round % 3, 256, run_tree);
		crew_start(&crew);
		if (round % 4 == 0)
			grow_tree();
		linger(&random);
		crew_stop(&crew);
		crew_fini(&crew);
	}
}
END_TEST

/* Who was runnable when the pool stopped is still there, once. */
START_TEST(test_pool_stop_leaves_the_rest_where_it_is)
{
	uint32_t left[RUNNERS + 1] = { 0 }, actor, wrong = 0;

	memset(&race, 0, sizeof race);
	crew_init(&crew, 2, 16, run_lap);
	for (uint32_t i = 1; i <= RUNNERS; i++)
		tr_pool_put(&crew.pool, i);
	crew_start(&crew);
	crew_stop(&crew);
	for (uint32_t i = 0; i < 2; i++) {
		left[crew.members[i].lifo]++;
		while ((actor = tr_ring_pop(&crew.members[i].ring)) != 0)
			left[actor]++;
	}
	while (tr_overflow_take(&crew.pool.overflow, &actor, 1) == 1)
		left[actor]++;
	for (uint32_t i = 1; i <= RUNNERS; i++)
		wrong += left[i] != (race.runs[i] < (uint32_t)LAPS);
	ck_assert_uint_eq(wrong, 0);
	crew_fini(&crew);
}
END_TEST

START_TEST(test_pool_join_gives_up_at_its_deadline)
{
	lower_flags();
	crew_init(&crew, 2, 16, block_or_count);
	crew_start(&crew);
	tr_pool_put(&crew.pool, 1);
	await_flag(&is_in_callback);
	tr_pool_stop(&crew.pool);
	ck_assert(!tr_pool_join(&crew.pool, 0));
	ck_assert(!tr_pool_join(&crew.pool, tr_clock_now() + 1000000));
	raise_flag(&may_return);
	ck_assert(tr_pool_join(&crew.pool, -1));
	crew_fini(&crew);
}
END_TEST

#if TR_LINUX && defined __GLIBC__ && !TEST_SANITIZED
#include <stdio.h>

/* Room for the stacks of some threads, but not of all. */
static void
limit_threads(size_t stack, size_t room)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;
	pthread_attr_t attributes;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lu", &pages), 1);
	ck_assert_int_eq(fclose(file), 0);
	const rlim_t now = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
	const struct rlimit limit = { now + room, RLIM_INFINITY };
	ck_assert_int_eq(pthread_attr_init(&attributes), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&attributes, stack), 0);
	ck_assert_int_eq(pthread_setattr_default_np(&attributes), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

START_TEST(test_pool_start_that_fails_half_way_leaves_no_thread)
{
	memset(&tree, 0, sizeof tree);
	crew_init(&crew, 4, 256, run_tree);
	limit_threads((size_t)1 << 30, (size_t)5 << 29);
	ck_assert_int_ne(tr_pool_start(&crew.pool), 0);
	ck_assert_uint_gt(crew.entered[0], 0);
	ck_assert_uint_eq(crew.entered[3], 0);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(crew.entered[i], crew.left[i]);
	ck_assert_uint_eq(crew.pool.started, 0);
	crew_fini(&crew);
}
END_TEST

static void
add_limited_tests(TCase *tc)
{
	tcase_add_test(tc, test_pool_start_that_fails_half_way_leaves_no_thread);
}
#else
static void
add_limited_tests(TCase *tc)
{
	(void)tc;
}
#endif

static TCase *
case_work(void)
{
	TCase *tc = tcase_create("work");

	tcase_add_loop_test(tc, test_pool_is_quiet_when_every_actor_has_run_once, 0, CREWS);
	tcase_add_loop_test(tc, test_pool_tells_when_it_has_become_quiet, 0, CREWS);
	tcase_add_loop_test(tc, test_pool_runs_actors_that_stay_runnable_to_their_end, 0, CREWS);
	tcase_add_test(tc, test_pool_calls_the_bench_back_when_a_long_callback_holds_up_the_others);
	tcase_add_test(tc, test_pool_with_a_bench_can_be_quiet_and_can_stop);
	return tc;
}

static TCase *
case_ends(void)
{
	TCase *tc = tcase_create("beginning and end");

	tcase_add_test(tc, test_pool_every_worker_comes_and_goes);
	tcase_add_test(tc, test_pool_stop_reaches_every_worker);
	tcase_add_test(tc, test_pool_stop_leaves_the_rest_where_it_is);
	tcase_add_test(tc, test_pool_join_gives_up_at_its_deadline);
	add_limited_tests(tc);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("pool");

	suite_add_tcase(suite, case_work());
	suite_add_tcase(suite, case_ends());
	return run_suite(suite);
}
