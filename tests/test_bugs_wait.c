/* SPDX-License-Identifier: MIT */

/*
 * The bugs that waiting itself has had, in libraries and systems below a
 * runtime, by name: how each goes wrong, and why it cannot here.  Who is not
 * woken sleeps for ever, and the case times out.
 */

#include "runtime/actor/runtime.h"
#include "runtime/engine/deadlines.h"
#include "tests/crew.h"
#include "tests/system.h"

#include <check.h>
#include <signal.h>

/* --- Condition variables. --- */

#define WAITERS 3

static struct {
	troupe *t;
	_Atomic uint32_t round, returned;
} meeting;

struct member {
	bool releases;
	uint32_t wrong;
};

/* All are counted, and have let go of the lock: they are asleep. */
static void
await_sleeping_waiters(void)
{
	while (atomic_load_explicit(&meeting.t->waiters, memory_order_seq_cst) < WAITERS)
		sched_yield();
	(void)pthread_mutex_lock(&meeting.t->lock);
	(void)pthread_mutex_unlock(&meeting.t->lock);
}

static void
hold_and_release(struct member *member, uint32_t round)
{
	member->wrong += troupe_hold(meeting.t) != TROUPE_OK;
	atomic_store_explicit(&meeting.round, round, memory_order_release);
	/* Every other time some are on their way to sleep. */
	if (round % 2 == 0)
		await_sleeping_waiters();
	member->wrong += troupe_release(meeting.t) != TROUPE_OK;
	while (atomic_load_explicit(&meeting.returned, memory_order_acquire) < round * WAITERS)
		sched_yield();
}

static void *
wait_or_release(void *argument)
{
	struct member *member = argument;

	for (uint32_t round = 1; round <= (uint32_t)TEST_SCALED(2400); round++) {
		if (member->releases) {
			hold_and_release(member, round);
			continue;
		}
		while (atomic_load_explicit(&meeting.round, memory_order_acquire) < round)
			sched_yield();
		member->wrong += troupe_wait(meeting.t, TROUPE_FOREVER) != TROUPE_OK;
		atomic_fetch_add_explicit(&meeting.returned, 1, memory_order_acq_rel);
	}
	return NULL;
}

/*
 * Lost signal of a condition variable (glibc, bug 25847): of several waiters
 * one takes the signal that was meant for another, and that one sleeps on.
 * Here a signal is given only where no more than one thread can wait (the
 * owner of a parker, the closer); where several can, for a runtime, all of
 * them are woken, and each looks again.
 */
START_TEST(test_bugs_condvar_lost_signal)
{
	struct member members[WAITERS + 1] = { { .releases = true } };

	meeting.t = sys_open(2, NULL);
	run_together(WAITERS + 1, wait_or_release, members, sizeof *members);
	for (int i = 0; i <= WAITERS; i++)
		ck_assert_uint_eq(members[i].wrong, 0);
	sys_close(meeting.t, NULL);
}
END_TEST

/* --- Waking for no reason. --- */

#define INTERRUPTIONS 300

static struct crew crew;
static uint32_t runs, fired;
static _Atomic bool has_fired;

static void
give_others_time(void)
{
	for (int i = 0; i < 10; i++)
		sched_yield();
}

static void
count_run(struct crew *of, tr_worker *worker, uint32_t actor)
{
	(void)of;
	(void)worker;
	(void)actor;
	runs++;
}

static void
assert_one_parked(void)
{
	const uint64_t word = tr_idle_load(&crew.pool.idle);

	ck_assert_uint_eq(atomic_load_explicit(&crew.workers[0]->parker.word, memory_order_relaxed),
	    TR_PARKED);
	ck_assert_uint_eq(tr_idle_parked(word), 1);
	ck_assert_uint_eq(tr_idle_searching(word), 0);
}

static void
rouse_parked_worker_for_nothing(void)
{
	crew_init(&crew, 1, 256, count_run);
	crew_start(&crew);
	crew_wait_until_quiet(&crew);
	for (int i = 0; i < INTERRUPTIONS; i++) {
		tr_parker_wake(&crew.workers[0]->parker);
		give_others_time();
	}
	assert_one_parked();
	tr_pool_put(&crew.pool, 1);
	crew_wait_until_quiet(&crew);
	crew_stop(&crew);
	ck_assert_uint_eq(runs, 1);
	crew_fini(&crew);
}

static void
note_nothing(void *unused)
{
	(void)unused;
}

static void
count_fired(void *unused, tr_cell *cell)
{
	(void)unused;
	(void)cell;
	fired++;
	raise_flag(&has_fired);
}

static void *
run_deadlines(void *deadlines)
{
	tr_deadlines_run(deadlines);
	return NULL;
}

static void
arm(tr_deadlines *deadlines, tr_cell *cell, int64_t deadline)
{
	cell->msg = (troupe_msg){ .flag_bits = TR_SMALL_CELL };
	cell->deadline = deadline;
	tr_deadlines_arm(deadlines, 0, cell);
}

/* It sleeps until something that is far away. */
static void
rouse_event_thread_for_nothing(void)
{
	static const tr_deadlines_hooks hooks = { note_nothing, note_nothing, count_fired };
	static tr_cache cache;
	tr_deadlines *deadlines = tr_deadlines_create(1, TR_DEADLINES_SHIFT, tr_clock_now(), &hooks, NULL);
	pthread_t thread;

	ck_assert_ptr_nonnull(deadlines);
	tr_cache_init(&cache);
	tr_cell *cell = tr_cell_at(tr_cache_take_message(&cache, TR_SMALL_CELL));
	atomic_store_explicit(&has_fired, false, memory_order_relaxed);
	arm(deadlines, cell, INT64_MAX / 2);
	ck_assert_int_eq(tr_thread_start(&thread, "events", run_deadlines, deadlines), 0);
	for (int i = 0; i < INTERRUPTIONS; i++) {
		tr_parker_wake(&deadlines->parker);
		give_others_time();
	}
	/* Nothing has fired: it is there yet. */
	ck_assert(tr_deadlines_disarm(deadlines, cell));
	arm(deadlines, cell, 0);
	await_flag(&has_fired);
	tr_deadlines_stop(deadlines);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(fired, 1);
	tr_deadlines_destroy(deadlines);
	tr_cache_give_message(&cache, TR_SMALL_CELL, tr_cell_unit(cell));
	tr_cache_fini(&cache);
}

/* A thread of the program's that waits, and is interrupted. */
struct caller {
	troupe *t;
	pthread_t thread;
	bool drives;
	_Atomic bool released;
};

static void
take_signal(int signal)
{
	(void)signal;
}

static bool
is_asleep(struct caller *caller)
{
	return caller->drives ? atomic_load_explicit(&caller->t->contexts[0].worker.parker.word,
				    memory_order_relaxed) == TR_PARKED
			      : atomic_load_explicit(&caller->t->waiters, memory_order_relaxed) > 0;
}

static void *
interrupt_and_release(void *argument)
{
	struct caller *caller = argument;

	for (int i = 0; i < INTERRUPTIONS; i++) {
		while (!is_asleep(caller))
			sched_yield();
		give_others_time();
		(void)pthread_kill(caller->thread, SIGUSR1);
	}
	raise_flag(&caller->released);
	(void)troupe_release(caller->t);
	return NULL;
}

static void
interrupt_waiting_caller(int workers)
{
	struct caller caller = { .thread = pthread_self(), .drives = workers == TROUPE_WORKERS_NONE };

	caller.t = sys_open(workers, NULL);
	sys_assert_status(troupe_hold(caller.t), TROUPE_OK);
	pthread_t other = sys_start(interrupt_and_release, &caller);
	sys_assert_status(troupe_wait(caller.t, TROUPE_FOREVER), TROUPE_OK);
	ck_assert(flag_is_up(&caller.released));
	sys_join(other);
	sys_close(caller.t, NULL);
}

/*
 * A wait that ends for no reason (EINTR, and whatever else a futex or a
 * condition variable returns for): it is taken for the wake-up, and the thread
 * runs without a claim, or for a failure.  Here a parker tells nothing but
 * that it is time to look: the word says what is so, and who finds it as
 * before sleeps on (park, tr_parker_wait).
 */
START_TEST(test_bugs_eintr_and_spurious_futex_returns)
{
	/* Without SA_RESTART: what can be interrupted is. */
	const struct sigaction action = { .sa_handler = take_signal };

	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	rouse_parked_worker_for_nothing();
	rouse_event_thread_for_nothing();
	interrupt_waiting_caller(1);
	interrupt_waiting_caller(TROUPE_WORKERS_NONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bugs of waiting");
	TCase *tc = tcase_create("bugs");

	tcase_add_test(tc, test_bugs_condvar_lost_signal);
	tcase_add_test(tc, test_bugs_eintr_and_spurious_futex_returns);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
