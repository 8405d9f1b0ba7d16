/* SPDX-License-Identifier: MIT */
#ifndef SHOP_WORKER_H
#define SHOP_WORKER_H

#include <troupe.h>

enum {
	JOB = 1, /* a request; int64_t: the number of the job */
	DONE     /* its answer */
};

/* Whether doing this job fails: depends on the seed and the number alone, not on who does it and when. */
bool is_mishap(int64_t job);

/* Does jobs.  Its argument is an int: its number. */
extern const troupe_class worker_class;

#endif /* SHOP_WORKER_H */
