/* SPDX-License-Identifier: MIT */
#ifndef WORDS_PROGRESS_H
#define WORDS_PROGRESS_H

/* progress -- a line on a terminal that tells how far the reading is; nothing when stderr is none. */

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool enabled;
	uint64_t read;
	uint64_t total; /* bytes; 0 when it cannot be known */
	int64_t started;
	int64_t next_show; /* not before this time */
};

/* Times are those of troupe_now. */
void progress_start(struct progress *p, char *const *files, int64_t now);
void progress_add(struct progress *p, uint64_t bytes, int64_t now);
/* Wipe the line, before anything else is printed there.  For any thread. */
void progress_clear(void);

#endif /* WORDS_PROGRESS_H */
