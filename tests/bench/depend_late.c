/* SPDX-License-Identifier: MIT */

/*
 * timerslate -- how late timers fire while all workers are busy.
 *
 * Four actors for each worker send themselves one message after the other, so
 * that there is always somebody else to run.  N actors have one timer each;
 * the deadlines lie evenly in M milliseconds.  How late a timer is, its actor
 * says: so it is the timer, the way to a worker and the wait for it together.
 */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SPINNERS 4

enum { SPIN = 1, TICK };

/* By timer, written by its actor, read when all is quiet. */
static int64_t *lateness;

static _Atomic int64_t still_armed;

/* ---- those who keep the workers busy ---- */

static void
spin(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	/* A reason to end, and no more: what was measured is read when all is quiet. */
	if (atomic_load_explicit(&still_armed, memory_order_relaxed) > 0)
		bench_send(troupe_self(self), SPIN, NULL, 0);
}

static const troupe_class spinner_class = { .name = "spinner", .receive = spin };

static void
start_spinners(troupe *t)
{
	for (int i = 0; i < SPINNERS * bench_workers(t); i++)
		bench_send(bench_spawn(t, &spinner_class, NULL), SPIN, NULL, 0);
}

/* ---- those who wait ---- */

struct waiter {
	int64_t number;
	int64_t due;
};

static void
take_tick(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct waiter *w = state;

	(void)msg;
	lateness[w->number] = troupe_now(troupe_of(self)) - w->due;
	atomic_fetch_sub_explicit(&still_armed, 1, memory_order_relaxed);
}

static int
waiter_start(troupe_actor *self, void *state, const void *argument)
{
	const struct waiter *w = argument;

	*(struct waiter *)state = *w;
	return troupe_send_at(self, w->due, TICK, NULL, 0) == 0;
}

static const troupe_class waiter_class = {
	.name = "waiter",
	.state_size = sizeof(struct waiter),
	.receive = take_tick,
	.start = waiter_start,
};

static void
start_waiters(troupe *t)
{
	/* The first is due when all are armed, and the workers busy. */
	const int64_t begin = troupe_now(t) + TROUPE_SECOND / 2;

	for (int64_t i = 0; i < bench.n; i++) {
		const struct waiter w = { i, begin + bench.m * TROUPE_MS * i / bench.n };

		bench_spawn(t, &waiter_class, &w);
	}
}

/* ---- measuring ---- */

static double
lateness_at(double part)
{
	return (double)lateness[(int64_t)(part * (double)(bench.n - 1))] * 1e-6;
}

static void
timerslate_measure(troupe *t)
{
	struct troupe_totals totals;

	lateness = bench_memory((size_t)bench.n, sizeof *lateness);
	atomic_store_explicit(&still_armed, bench.n, memory_order_relaxed);
	const int64_t began = bench_clock();
	start_spinners(t);
	start_waiters(t);
	if (troupe_wait(t, TROUPE_FOREVER) != TROUPE_OK)
		bench_abort("the runtime did not come to rest");

	const double seconds = (double)(bench_clock() - began) * 1e-9;
	troupe_get_totals(t, &totals);
	bench_expect("timers that did not fire", atomic_load_explicit(&still_armed, memory_order_relaxed), 0);
	bench_expect("messages lost", (int64_t)totals.dead, 0);
	bench_sort(lateness, (size_t)bench.n);
	if (lateness[0] < 0)
		bench_fail("a timer fired early");
	printf("timerslate: %lld timers in %lld ms, %d workers busy: late by %.3f ms (median), %.3f ms (p99), "
	       "%.3f ms (latest)\n",
	    (long long)bench.n, (long long)bench.m, bench_workers(t), lateness_at(0.5), lateness_at(0.99),
	    lateness_at(1));
	printf("timerslate: meanwhile the workers handled %.1f million messages/s\n",
	    (double)totals.handled / seconds / 1e6);
	free(lateness);
}

const bench_workload bench_depend_late[] = {
	{ .name = "timerslate", .n_is = "timers", .m_is = "milliseconds that they are spread over", .n = 2000, .m = 2000,
	    .measure = timerslate_measure },
	{ .name = NULL },
};
