/* SPDX-License-Identifier: MIT */

/*
 * wake -- what an idle runtime costs, and how fast it is back at work.
 *
 * Sleeping is what is measured here, so this is the one place that sleeps.
 * A send from a foreign thread after a second of silence is held against the
 * machine's own way to wake a thread, after the same silence, in turn: on a
 * virtual machine both are slow, and only their ratio says something.
 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

/* Not every libc of Linux comes with the kernel's headers. */
#if defined __linux__ && defined __has_include
#if __has_include(<linux/futex.h>)
#define HAS_FUTEX 1
#include <linux/futex.h>
#include <sys/syscall.h>
#endif
#endif

enum { KNOCK = 1 };

/* When whoever was to wake up did; 0: not yet. */
static _Atomic int64_t woken;

static void
sleep_seconds(int64_t seconds)
{
	struct timespec left = { .tv_sec = (time_t)seconds };

	while (nanosleep(&left, &left) != 0)
		continue;
}

/* ---- The machine's own ---- */

#ifdef HAS_FUTEX
static atomic_uint knocks;

static void
wait_for_knock(unsigned seen)
{
	while (atomic_load_explicit(&knocks, memory_order_acquire) == seen)
		syscall(SYS_futex, &knocks, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void
knock_machine(void)
{
	atomic_fetch_add_explicit(&knocks, 1, memory_order_release);
	syscall(SYS_futex, &knocks, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
#else
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t knocked = PTHREAD_COND_INITIALIZER;
static unsigned knocks;

static void
wait_for_knock(unsigned seen)
{
	pthread_mutex_lock(&door);
	while (knocks == seen)
		pthread_cond_wait(&knocked, &door);
	pthread_mutex_unlock(&door);
}

static void
knock_machine(void)
{
	pthread_mutex_lock(&door);
	knocks++;
	pthread_cond_signal(&knocked);
	pthread_mutex_unlock(&door);
}
#endif

static void *
answer_the_door(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < (unsigned)bench.n; i++) {
		wait_for_knock(i);
		atomic_store_explicit(&woken, bench_clock(), memory_order_release);
	}
	return NULL;
}

/* ---- The runtime's ---- */

static void
answer(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)state;
	(void)msg;
	atomic_store_explicit(&woken, bench_clock(), memory_order_release);
}

static const troupe_class porter_class = { .name = "porter", .receive = answer };

static troupe_ref porter;

static void
knock_runtime(void)
{
	bench_send(porter, KNOCK, NULL, 0);
}

/* ---- Measuring ---- */

static int64_t
measure_once(void (*knock)(void))
{
	sleep_seconds(1);
	atomic_store_explicit(&woken, 0, memory_order_relaxed);
	int64_t before = bench_clock();
	knock();
	sleep_seconds(1); /* not a spin: on one processor that would be in the way */
	int64_t at = atomic_load_explicit(&woken, memory_order_acquire);
	if (at == 0)
		bench_abort("nobody woke up within a second");
	return at - before;
}

/* Print a line about the times, and return their median in us. */
static double
report_times(const char *what, int64_t *times, size_t count)
{
	bench_sort(times, count);
	/* Of an even number, the mean of the two in the middle. */
	double median = (double)(times[(count - 1) / 2] + times[count / 2]) * 0.5e-3;
	printf("wake: %s: median %.1f us of %zu (%.1f to %.1f)\n", what, median, count,
	    (double)times[0] * 1e-3, (double)times[count - 1] * 1e-3);
	return median;
}

static void
measure_pick_up(void)
{
	size_t count = (size_t)bench.n;
	int64_t *runtime = bench_memory(count, sizeof *runtime);
	int64_t *machine = bench_memory(count, sizeof *machine);
	pthread_t thread;

	if (pthread_create(&thread, NULL, answer_the_door, NULL) != 0)
		bench_abort("cannot start a thread");
	for (size_t i = 0; i < count; i++) {
		runtime[i] = measure_once(knock_runtime);
		machine[i] = measure_once(knock_machine);
	}
	pthread_join(thread, NULL);
	double ours = report_times("a send after 1 s of silence", runtime, count);
	double bare = report_times("the machine's own hand-over after 1 s", machine, count);
	printf("wake: ratio %.2f\n", ours / bare);
	free(runtime);
	free(machine);
}

static int64_t
cpu_ticks(void)
{
	struct tms used;

	times(&used);
	return (int64_t)used.tms_utime + (int64_t)used.tms_stime;
}

static int64_t
micros_of(struct timeval tv)
{
	return (int64_t)tv.tv_sec * 1000000 + (int64_t)tv.tv_usec;
}

static void
measure_idleness(void)
{
	struct rusage before, after;

	/* Work first: an idle runtime has usually done something before. */
	knock_runtime();
	sleep_seconds(1);
	int64_t ticks = cpu_ticks();
	getrusage(RUSAGE_SELF, &before);
	sleep_seconds(bench.m);
	getrusage(RUSAGE_SELF, &after);
	ticks = cpu_ticks() - ticks;
	int64_t used = micros_of(after.ru_utime) + micros_of(after.ru_stime);
	used -= micros_of(before.ru_utime) + micros_of(before.ru_stime);
	int64_t switches = after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw - before.ru_nivcsw;
	/* The thread that measures goes to sleep once, which is one of the switches. */
	printf("wake: idle for %lld s: %lld CPU ticks, %lld us, %lld context switches (1 is the clock's)\n",
	    (long long)bench.m, (long long)ticks, (long long)used, (long long)switches);
	if (ticks > 0)
		fprintf(stderr, "troupe-bench: wake: an idle runtime used CPU time\n");
}

static void
wake_measure(troupe *t)
{
	porter = bench_spawn(t, &porter_class, NULL);
	measure_idleness();
	measure_pick_up();
	fflush(stdout);
}

const bench_workload bench_wake[] = {
	{ .name = "wake", .n_is = "samples of 4 s each", .m_is = "seconds of idleness", .n = 20, .m = 10,
	    .measure = wake_measure },
	{ .name = NULL },
};
