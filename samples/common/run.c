/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "progress.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Flags that any thread may set and read; nothing else is published by them. */
static atomic_bool interrupted, gave_up;

static const char *name = "sample";

/* ---- Ctrl-C ---- */

/* Waits for a signal that ends the run, or for END_OF_RUN, by which sample_finish ends it. */
#define END_OF_RUN SIGUSR1

static pthread_t watcher;
static sigset_t watched;

static void
restore_default(int signal)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signal);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

static void *
watch_signals(void *runtime)
{
	for (;;) {
		int signal;

		if (sigwait(&watched, &signal) != 0 || signal == END_OF_RUN)
			return NULL;
		atomic_store_explicit(&interrupted, true, memory_order_relaxed);
		troupe_shutdown(runtime);
		restore_default(signal); /* this thread takes the next one, and the process ends */
	}
}

/* The threads of the runtime inherit the mask: so these signals come to the watcher alone. */
static void
hold_signals_back(void)
{
	sigemptyset(&watched);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, END_OF_RUN);
	pthread_sigmask(SIG_BLOCK, &watched, NULL);
}

static void
end_watcher(void)
{
	pthread_kill(watcher, END_OF_RUN);
	pthread_join(watcher, NULL);
	pthread_sigmask(SIG_UNBLOCK, &watched, NULL);
}

bool
sample_is_interrupted(void)
{
	return atomic_load_explicit(&interrupted, memory_order_relaxed);
}

/* ---- from the beginning to the end ---- */

troupe *
sample_open(const struct sample_settings *settings)
{
	const troupe_options options = {
		.size = sizeof options,
		.workers = settings->simulate ? 0 : settings->workers,
		.scheduler = settings->simulate ? TROUPE_SCHEDULER_SIMULATED : TROUPE_SCHEDULER_POOL,
		.seed = settings->simulate ? settings->seed : 0,
	};

	name = settings->name;
	hold_signals_back();

	troupe *t = troupe_open(&options);

	if (t == NULL)
		exit(SAMPLE_WRONG); /* the log, here stderr, says why */
	if (pthread_create(&watcher, NULL, watch_signals, t) != 0)
		sample_give_up(NULL, "no memory for a thread");
	return t;
}

/* The watcher ends before t does, as it may be about to shut t down. */
bool
sample_finish(troupe *t)
{
	bool good = troupe_wait(t, TROUPE_FOREVER) == TROUPE_OK;

	end_watcher();
	good &= troupe_close(t, TROUPE_FOREVER, NULL, NULL) == TROUPE_OK;
	progress_clear();
	if (sample_is_interrupted())
		fprintf(stderr, "%s: interrupted: the result is partial\n", name);
	return good && sample_status() == 0;
}

int
sample_status(void)
{
	if (atomic_load_explicit(&gave_up, memory_order_relaxed))
		return SAMPLE_WRONG;
	return sample_is_interrupted() ? SAMPLE_INTERRUPTED : 0;
}

int
sample_end(void)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return 0;
	fprintf(stderr, "%s: cannot write to the standard output: %s\n", name, strerror(errno));
	return SAMPLE_WRONG;
}

void
sample_give_up(troupe_actor *self, const char *format, ...)
{
	char text[400];
	va_list values;

	/* What others cannot do any more follows from that. */
	if (self != NULL &&
	    (sample_is_interrupted() || atomic_exchange_explicit(&gave_up, true, memory_order_relaxed)))
		return;
	va_start(values, format);
	vsnprintf(text, sizeof text, format, values);
	va_end(values);
	progress_clear();
	fprintf(stderr, "%s: %s\n", name, text);
	if (self == NULL)
		exit(SAMPLE_WRONG);
	troupe_shutdown(troupe_of(self));
}

FILE *
sample_machine_output(const struct sample_settings *settings)
{
	return settings->simulate ? stderr : stdout;
}

/* ---- the machine ---- */

double
sample_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
memory_of_machine(void)
{
	return (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
}

void
sample_need_memory(const struct sample_settings *settings, double bytes, const char *format, ...)
{
	char what[200];
	va_list values;

	if (bytes <= memory_of_machine())
		return;
	va_start(values, format);
	vsnprintf(what, sizeof what, format, values);
	va_end(values);
	fprintf(stderr, "%s: %s needs %.1f GB of memory; this machine has %.1f GB\n", settings->name, what,
	    bytes / 1e9, memory_of_machine() / 1e9);
	exit(2);
}

double
sample_peak_memory(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss * 1024; /* Linux counts in KiB */
}
