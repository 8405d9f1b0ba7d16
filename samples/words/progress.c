/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <troupe.h>
#include <unistd.h>

#define INTERVAL (100 * TROUPE_MS)

static bool
stat_file(const char *name, struct stat *s)
{
	return (strcmp(name, "-") == 0 ? fstat(STDIN_FILENO, s) : stat(name, s)) == 0;
}

/* 0 when one of them has no size: a pipe, a terminal, a device. */
static uint64_t
total_size(char *const *files)
{
	uint64_t total = 0;

	for (; *files != NULL; files++) {
		struct stat s;

		if (!stat_file(*files, &s))
			continue; /* the reader will say so */
		if (!S_ISREG(s.st_mode))
			return 0;
		total += (uint64_t)s.st_size;
	}
	return total;
}

void
progress_start(struct progress *p, char *const *files, int64_t now)
{
	*p = (struct progress){ .started = now, .next_show = now + INTERVAL };
	p->enabled = isatty(STDERR_FILENO) == 1;
	if (p->enabled)
		p->total = total_size(files);
}

static void
show_progress(struct progress *p, int64_t now)
{
	const double done = (double)p->read / 1e6;
	const double total = (double)p->total / 1e6;
	const double speed = done * (double)TROUPE_SECOND / (double)(now - p->started);

	if (p->total != 0)
		fprintf(stderr, "\r%.0f of %.0f MB, %.0f MB/s\033[K", done, total, speed);
	else
		fprintf(stderr, "\r%.0f MB, %.0f MB/s\033[K", done, speed);
	p->next_show = now + INTERVAL;
}

void
progress_add(struct progress *p, uint64_t bytes, int64_t now)
{
	p->read += bytes;
	if (p->enabled && now >= p->next_show)
		show_progress(p, now);
}

void
progress_clear(void)
{
	if (isatty(STDERR_FILENO) == 1)
		fputs("\r\033[K", stderr);
}
