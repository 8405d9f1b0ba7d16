/* SPDX-License-Identifier: MIT */

/*
 * timers and timersarmed -- what a timer costs that never fires, as most
 * never do, and what it takes of memory while it waits.
 */
#include "bench.h"

#include <stdatomic.h>
#include <string.h>

/* Timers that an actor arms or cancels in one go. */
#define BATCH 1000

/* All message types of this file: each workload uses some. */
enum { START = 1, GO, ARM, SETTLED, CANCEL, TICK };

static _Atomic int64_t fired;

static void
count_tick(void)
{
	/* A counter only, read when all is quiet. */
	atomic_fetch_add_explicit(&fired, 1, memory_order_relaxed);
}

static troupe_timer
arm_timer(troupe_actor *self, int64_t delay)
{
	troupe_timer timer = troupe_send_after(self, delay, TICK, NULL, 0);

	if (__builtin_expect(timer == 0, 0))
		bench_abort(troupe_last_error_text());
	return timer;
}

/* ---- timers: N armed and cancelled, by M actors, 1000 at a time ---- */

/* Told by each actor when it has ended. */
static _Atomic int64_t still_there, armed_by_all, cancelled_by_all;

struct armer {
	int64_t left;
	int64_t armed;
	int64_t cancelled;
	troupe_timer timers[BATCH];
};

static void
arm_and_cancel(troupe_actor *self, struct armer *a)
{
	int64_t count = a->left < BATCH ? a->left : BATCH;

	/* A minute away and more, so that none can fire, over many slots of whatever keeps them. */
	for (int64_t i = 0; i < count; i++)
		a->timers[i] = arm_timer(self, 60 * TROUPE_SECOND + i * 7 * TROUPE_MS);
	for (int64_t i = 0; i < count; i++)
		a->cancelled += troupe_cancel(self, a->timers[i]);
	a->armed += count;
	a->left -= count;
}

static void
armer(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct armer *a = state;

	if (msg->type == TICK) {
		count_tick();
		return;
	}
	arm_and_cancel(self, a);
	if (a->left > 0) {
		bench_send(troupe_self(self), GO, NULL, 0);
		return;
	}
	atomic_fetch_add_explicit(&armed_by_all, a->armed, memory_order_relaxed);
	atomic_fetch_add_explicit(&cancelled_by_all, a->cancelled, memory_order_relaxed);
	/* The order: whoever comes to 0 stops the clock after all others have ended. */
	if (atomic_fetch_sub_explicit(&still_there, 1, memory_order_acq_rel) == 1)
		bench_end((double)bench.n);
}

static int
armer_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	((struct armer *)state)->left = bench_share(*(const int64_t *)argument);
	return 0;
}

static const troupe_class armer_class = {
	.name = "armer",
	.state_size = sizeof(struct armer),
	.receive = armer,
	.start = armer_start,
};

/* All actors are there before the first of them begins. */
static void
timers_start(troupe *t)
{
	bench_default_to_workers(t, &bench.m);
	troupe_ref *armers = bench_memory((size_t)bench.m, sizeof *armers);
	atomic_store_explicit(&still_there, bench.m, memory_order_relaxed);
	for (int64_t i = 0; i < bench.m; i++)
		armers[i] = bench_spawn(t, &armer_class, &i);
	bench_begin();
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(armers[i], GO, NULL, 0);
}

static void
expect_timers(int64_t armed, int64_t cancelled)
{
	bench_expect("timers armed", armed, bench.n);
	bench_expect("timers cancelled", cancelled, bench.n);
	bench_expect("timers that fired", atomic_load_explicit(&fired, memory_order_relaxed), 0);
}

static void
timers_check(troupe *t)
{
	(void)t;
	expect_timers(atomic_load_explicit(&armed_by_all, memory_order_relaxed),
	    atomic_load_explicit(&cancelled_by_all, memory_order_relaxed));
}

/* ---- timersarmed: N armed at once, by one actor ---- */

/* From 10 s, so that the first do not fire before they are cancelled, to a week. */
#define NEAREST   (10 * TROUPE_SECOND)
#define DOUBLINGS 16

static troupe_timer *timers;
static int64_t armed, cancelled;
static int64_t resident_before, resident_after;

static int64_t
spread_delay(int64_t i)
{
	return (NEAREST << (i % DOUBLINGS)) + i * 1000;
}

static int64_t
end_of_batch(int64_t begun)
{
	return bench.n - begun < BATCH ? bench.n : begun + BATCH;
}

static void
arm_some(troupe_actor *self)
{
	for (int64_t end = end_of_batch(armed); armed < end; armed++)
		timers[armed] = arm_timer(self, spread_delay(armed));
	if (armed < bench.n) {
		bench_send(troupe_self(self), ARM, NULL, 0);
		return;
	}
	bench_end((double)bench.n);
	/* Memory is looked at once the timers are where they will stay, whoever puts them there. */
	if (troupe_send_after(self, 100 * TROUPE_MS, SETTLED, NULL, 0) == 0)
		bench_abort(troupe_last_error_text());
}

static void
cancel_some(troupe_actor *self)
{
	static int64_t next;

	for (int64_t end = end_of_batch(next); next < end; next++)
		cancelled += troupe_cancel(self, timers[next]);
	if (next < bench.n)
		bench_send(troupe_self(self), CANCEL, NULL, 0);
}

static void
hoarder(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	switch (msg->type) {
	case START:
		resident_before = bench_resident();
		bench_begin();
		arm_some(self);
		break;
	case ARM:
		arm_some(self);
		break;
	case SETTLED:
		resident_after = bench_resident();
		cancel_some(self);
		break;
	case CANCEL:
		cancel_some(self);
		break;
	case TICK:
		count_tick();
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class hoarder_class = { .name = "hoarder", .receive = hoarder };

static void
timersarmed_start(troupe *t)
{
	timers = bench_memory((size_t)bench.n, sizeof *timers);
	/* Resident from the beginning, so that what grows are the timers alone. */
	memset(timers, 0xff, (size_t)bench.n * sizeof *timers);
	bench_send(bench_spawn(t, &hoarder_class, NULL), START, NULL, 0);
}

static void
timersarmed_check(troupe *t)
{
	(void)t;
	expect_timers(armed, cancelled);
	if (resident_before > 0)
		fprintf(stderr, "troupe-bench: timersarmed: %.1f bytes resident per timer\n",
		    (double)(resident_after - resident_before) / (double)bench.n);
}

const bench_workload bench_depend_timers[] = {
	{ .name = "timers", .n_is = "timers", .m_is = "actors (0: as many as workers)", .n = 1000000,
	    .start = timers_start, .check = timers_check },
	{ .name = "timersarmed", .n_is = "timers", .n = 1000000, .start = timersarmed_start,
	    .check = timersarmed_check },
	{ .name = NULL },
};
