/* SPDX-License-Identifier: MIT */
#ifndef TEST_CREW_H
#define TEST_CREW_H

#include "runtime/engine/pool.h"
#include "tests/support.h"

/*
 * crew -- a pool of workers with nothing above it: actors are numbers, and
 * running one is a function of the test's.
 */

#define CREW_MAX 4

struct crew {
	tr_pool pool;
	tr_worker members[CREW_MAX];
	tr_worker *workers[CREW_MAX];
	/* In a worker's thread. */
	void (*run)(struct crew *crew, tr_worker *worker, uint32_t actor);
	/* What the governor believes: so many messages were handled in each run. */
	uint64_t messages_per_run;
	_Atomic uint64_t handled[CREW_MAX], sent[CREW_MAX];
	/* Plain: each worker's own. */
	uint32_t entered[CREW_MAX], left[CREW_MAX];
	/* Under the lock: all workers were parked. */
	pthread_mutex_t lock;
	pthread_cond_t all_parked;
};

/* A pool of `count` workers without threads. */
void crew_init(struct crew *crew, uint32_t count, uint32_t ring_size,
    void (*run)(struct crew *, tr_worker *, uint32_t));
void crew_fini(struct crew *crew);

/* The threads begin, and end. */
void crew_start(struct crew *crew);
void crew_stop(struct crew *crew);

/* Wait until the pool is quiet: by looking again and again, or asleep until all_parked is called. */
void crew_watch_until_quiet(struct crew *crew);
void crew_wait_until_quiet(struct crew *crew);

#endif /* TEST_CREW_H */
