/* SPDX-License-Identifier: MIT */
#include "tests/soak/disturb.h"

#include "tests/soak/threads.h"

#include <errno.h>
#include <time.h>

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop;
	bool running;
	unsigned disturbances;
	sys_random random;
	pthread_t thread;
} disturber = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* false: it is time to stop. */
static bool
pause_between(int64_t ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)ns;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&disturber.lock);
	while (!disturber.stop &&
	       pthread_cond_timedwait(&disturber.changed, &disturber.lock, &until) != ETIMEDOUT)
		;
	bool go_on = !disturber.stop;
	pthread_mutex_unlock(&disturber.lock);
	return go_on;
}

/* From 10 us to 10 ms, short ones far more often; now and then one that is as long as a lost time slice can be. */
static int64_t
draw_hold_up(void)
{
	if (sys_below(&disturber.random, 64) == 0)
		return 60 * TROUPE_MS;
	return (int64_t)10000 << sys_below(&disturber.random, 11);
}

static void
hold_somebody_up(void)
{
	pid_t tids[SOAK_THREADS_MAX];
	uint32_t count = (uint32_t)soak_list_threads(tids);

	/* A few at a time: what one of them holds, another may wait for. */
	for (uint32_t tries = 1 + sys_below(&disturber.random, 4); count > 0 && tries > 0; tries--) {
		pid_t tid = tids[sys_below(&disturber.random, count)];

		if (soak_may_be_held_up(tid))
			soak_hold_up(tid, draw_hold_up());
	}
}

static void
change_affinity(void)
{
	if (sys_below(&disturber.random, 2) == 0)
		soak_unbind_all();
	else
		soak_bind_all(sys_below(&disturber.random, 64));
}

static void *
disturb(void *unused)
{
	(void)unused;
	do {
		if (disturber.disturbances & SOAK_PAUSES)
			hold_somebody_up();
		if ((disturber.disturbances & SOAK_AFFINITY) && sys_below(&disturber.random, 8) == 0)
			change_affinity();
	} while (pause_between((int64_t)1000 << sys_below(&disturber.random, 13)));
	return NULL;
}

void
soak_start_disturbing(const soak_round *round)
{
	static bool ready;
	pthread_condattr_t monotonic;

	if (!ready) {
		pthread_condattr_init(&monotonic);
		pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
		pthread_cond_init(&disturber.changed, &monotonic);
		pthread_condattr_destroy(&monotonic);
		ready = true;
	}
	disturber.disturbances = round->disturbances;
	disturber.random.state = ~round->seed;
	disturber.stop = false;
	disturber.running = (round->disturbances & (SOAK_PAUSES | SOAK_AFFINITY)) != 0;
	if (disturber.running)
		disturber.thread = soak_start_thread("soak/disturb", disturb, NULL);
}

void
soak_stop_disturbing(void)
{
	if (!disturber.running)
		return;
	pthread_mutex_lock(&disturber.lock);
	disturber.stop = true;
	pthread_cond_signal(&disturber.changed);
	pthread_mutex_unlock(&disturber.lock);
	pthread_join(disturber.thread, NULL);
	if (disturber.disturbances & SOAK_AFFINITY)
		soak_unbind_all();
}
