/* SPDX-License-Identifier: MIT */
#include "tests/soak/watch.h"

#include "tests/soak/stage.h"
#include "tests/soak/threads.h"
#include "tests/soak/words.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

/* What is done in the largest round is under a hundredth of this. */
#define ROUND_WORK_MAX UINT64_C(200000000)

/* Seconds between the lines that a log gets; a terminal has one line, renewed every second. */
#define LOG_EVERY 60

static struct {
	pthread_mutex_t lock; /* for all of it */
	pthread_cond_t changed;
	bool stop;
	unsigned patience;
	uint64_t rounds;
	uint64_t work_before; /* the round */
	const char *recipe, *about;
	pthread_t thread;
} watchdog = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec;
}

/* Under the lock. */
static _Noreturn void
give_up(const char *why)
{
	fprintf(stderr, "\nsoak: FAILED: %s\n%s", why, watchdog.about);
	soak_print_stages(stderr);
	soak_print_threads(stderr);
	fflush(stderr);
	soak_set_last_words("");
	abort();
}

static void
print_progress(int64_t began, int64_t now, int64_t moved)
{
	int64_t took = now > began ? now - began : 1;
	char line[200];

	int length = snprintf(line, sizeof line,
	    "soak: %llu rounds, %.1f a second, now %s; %llu messages; last progress %lld s ago",
	    (unsigned long long)watchdog.rounds, (double)watchdog.rounds / (double)took, watchdog.recipe,
	    (unsigned long long)soak_messages(), (long long)(now - moved));
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%-100.*s", length, line);
	else
		fprintf(stderr, "%s\n", line);
}

/* Until a second has passed; false: it is time to stop.  Under the lock. */
static bool
pass_second(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	while (!watchdog.stop &&
	       pthread_cond_timedwait(&watchdog.changed, &watchdog.lock, &until) != ETIMEDOUT)
		;
	return !watchdog.stop;
}

/* Under the lock; `moved` is when something was done last, `well` when nothing had come out wrong yet. */
static void
look_for_end(int64_t now, int64_t moved, int64_t well, uint64_t work)
{
	if (now - moved > (int64_t)watchdog.patience)
		give_up("nothing goes on any more");
	if (now - well > (int64_t)watchdog.patience)
		give_up("something came out wrong, and the round does not end");
	if (work - watchdog.work_before > ROUND_WORK_MAX)
		give_up("more is done than a round has to do, and it does not end");
}

static void *
watch(void *unused)
{
	const int64_t began = seconds_now();
	int64_t moved = began, said = began, well = began;
	uint64_t work = 0;

	(void)unused;
	pthread_mutex_lock(&watchdog.lock);
	while (pass_second()) {
		const int64_t now = seconds_now();
		const uint64_t work_now = watchdog.rounds + soak_work();

		if (work_now != work)
			moved = now;
		work = work_now;
		if (soak_complaints() == 0)
			well = now;
		look_for_end(now, moved, well, work);
		if (now - said >= (isatty(STDERR_FILENO) ? 1 : LOG_EVERY)) {
			print_progress(began, now, moved);
			said = now;
		}
	}
	pthread_mutex_unlock(&watchdog.lock);
	return NULL;
}

void
soak_start_watching(unsigned patience)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&watchdog.changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	watchdog.patience = patience;
	watchdog.recipe = "none";
	watchdog.about = "";
	watchdog.thread = soak_start_thread("soak/watch", watch, NULL);
}

void
soak_stop_watching(void)
{
	pthread_mutex_lock(&watchdog.lock);
	watchdog.stop = true;
	pthread_cond_signal(&watchdog.changed);
	pthread_mutex_unlock(&watchdog.lock);
	pthread_join(watchdog.thread, NULL);
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
}

void
soak_announce(const char *recipe, const char *about)
{
	pthread_mutex_lock(&watchdog.lock);
	watchdog.rounds++;
	watchdog.work_before = watchdog.rounds + soak_work();
	watchdog.recipe = recipe;
	watchdog.about = about;
	soak_set_last_words(about);
	pthread_mutex_unlock(&watchdog.lock);
}

void
soak_announce_end(void)
{
	pthread_mutex_lock(&watchdog.lock);
	watchdog.about = "";
	soak_set_last_words("");
	pthread_mutex_unlock(&watchdog.lock);
}

uint64_t
soak_rounds_begun(void)
{
	pthread_mutex_lock(&watchdog.lock);
	uint64_t rounds = watchdog.rounds;
	pthread_mutex_unlock(&watchdog.lock);
	return rounds;
}
