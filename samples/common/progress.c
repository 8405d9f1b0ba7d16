/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <troupe.h>
#include <unistd.h>

#define INTERVAL    0.1 /* seconds between two drawings */
#define LONGEST_BAR 60  /* columns: a longer one is no easier to read */

static atomic_uint_fast64_t done; /* a count that nothing else hangs on */

/* Written by progress_start, before anybody adds steps. */
static bool enabled;

/* The rest is its holder's. */
static pthread_mutex_t line = PTHREAD_MUTEX_INITIALIZER;
static const char *what;
static uint64_t total;
static bool shown;
static double started, next_time;

int
terminal_columns(int descriptor)
{
	struct winsize size;

	if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

void
progress_start(const char *what_for, uint64_t steps)
{
	pthread_mutex_lock(&line);
	enabled = isatty(STDERR_FILENO) == 1;
	what = what_for;
	total = steps;
	atomic_store_explicit(&done, 0, memory_order_relaxed);
	started = sample_seconds();
	next_time = started + INTERVAL;
	pthread_mutex_unlock(&line);
}

/* As much of it as there are columns for: the share, what for, and the bar. */
static void
draw_bar(double share, int columns)
{
	int bar = columns - (int)strlen(what) - (int)sizeof(" [] 100 %");

	if (bar > LONGEST_BAR)
		bar = LONGEST_BAR;
	fputs("\r\033[K", stderr);
	if (bar >= 5)
		fprintf(stderr, "%s [%.*s%*s] %3.0f %%", what, (int)(share * bar),
		    "############################################################", bar - (int)(share * bar), "",
		    share * 100);
	else
		fprintf(stderr, "%3.0f %%", share * 100);
}

static void
draw(uint64_t now_done, double now)
{
	const double rate = (double)now_done / (now - started);

	if (total != 0)
		draw_bar(now_done < total ? (double)now_done / (double)total : 1, terminal_columns(STDERR_FILENO));
	else
		fprintf(stderr, "\r\033[K%.3g, %.3g/s", (double)now_done, rate);
	fflush(stderr);
	shown = true;
	next_time = now + INTERVAL;
}

/* Whoever finds somebody drawing leaves it to them. */
void
progress_add(uint64_t steps)
{
	if (!enabled)
		return;

	const uint64_t now_done = atomic_fetch_add_explicit(&done, steps, memory_order_relaxed) + steps;

	if (pthread_mutex_trylock(&line) != 0)
		return;

	const double now = sample_seconds();

	if (now >= next_time)
		draw(now_done, now);
	pthread_mutex_unlock(&line);
}

void
progress_clear(void)
{
	pthread_mutex_lock(&line);
	if (shown)
		fputs("\r\033[K", stderr);
	shown = false;
	pthread_mutex_unlock(&line);
}
