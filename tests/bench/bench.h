/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <troupe.h>

/*
 * bench -- what a workload of troupe-bench is made of.
 *
 * Each run is a process of its own, forked before any runtime was opened, so
 * that its peak memory is its own and the workloads may keep what all their
 * actors know in static variables.  The harness opens the runtime, calls
 * start, waits until the runtime is quiet, calls check and closes.
 *
 * The clock runs from bench_begin to bench_end.  A workload that is quiet
 * without having called bench_end has lost something on the way, and fails.
 */

typedef struct bench_workload {
	const char *name;
	const char *n_is; /* what N counts; NULL when there is none */
	const char *m_is;
	int64_t n, m;     /* what they are when not given */
	/* Called in the main thread: spawns, and sends the first message. */
	void (*start)(troupe *t);
	/* Called in the main thread once all is quiet: calls bench_expect.  May be NULL. */
	void (*check)(troupe *t);
	/* Instead of the two above: does all by itself, prints what it found. */
	void (*measure)(troupe *t);
	/* The runtime's option of that name, for a workload whose actors fail on purpose. */
	void (*failure)(void *context, const troupe_failure *failure);
} bench_workload;

/* The workloads, each list ended by a NULL name. */
extern const bench_workload bench_messages[];
extern const bench_workload bench_actors[];
extern const bench_workload bench_wake[];
extern const bench_workload bench_suite_flood[];
extern const bench_workload bench_suite_meet[];
extern const bench_workload bench_suite_big[];
extern const bench_workload bench_suite_wait[];
extern const bench_workload bench_suite_search[];
extern const bench_workload bench_depend_ask[];
extern const bench_workload bench_depend_timers[];
extern const bench_workload bench_depend_late[];
extern const bench_workload bench_depend_supervise[];

/* The run that this process makes. */
extern struct bench_run {
	const bench_workload *workload;
	int64_t n, m;
	int64_t began, ended; /* ns of the monotonic clock; 0: not yet */
	double operations;
	bool failed;
} bench;

/* Nanoseconds of the monotonic clock. */
int64_t bench_clock(void);

/* The first message goes out now. */
void bench_begin(void);

/* The last message was handled: the operations are what the time is divided by. */
void bench_end(double operations);

/* Compare a result with what it must be: another value fails the run, with a message. */
void bench_expect(const char *what, int64_t got, int64_t want);

/* Fail the run with a message. */
void bench_fail(const char *what);

/* Give up at once: for what leaves nothing to measure. */
_Noreturn void bench_abort(const char *what);

/* bytes of zeroed memory, or the end of the process. */
void *bench_memory(size_t count, size_t size);

/* How many workers there are, whatever set it: option, environment or machine. */
int bench_workers(const troupe *t);

/* For an N or M whose default is the number of workers: 0 becomes that. */
void bench_default_to_workers(const troupe *t, int64_t *number);

/* What falls to actor `number`, from 0, when M actors share N. */
static inline int64_t
bench_share(int64_t number)
{
	return bench.n / bench.m + (number < bench.n % bench.m);
}

/* Sort times, ascending. */
void bench_sort(int64_t *times, size_t count);

/* Resident memory of this process, in bytes; 0 where the system does not tell. */
int64_t bench_resident(void);

/* Send, and end the process if it was not accepted: no workload here can lose a message. */
static inline void
bench_send(troupe_ref to, uint32_t type, const void *data, size_t size)
{
	if (__builtin_expect(troupe_send(to, type, data, size) != TROUPE_OK, 0))
		bench_abort("a send was not accepted");
}

static inline troupe_ref
bench_spawn(troupe *t, const troupe_class *class_, const void *argument)
{
	troupe_ref ref = troupe_spawn(t, class_, argument);

	if (__builtin_expect(ref == 0, 0))
		bench_abort(troupe_last_error_text());
	return ref;
}

/*
 * The body of a message as a pointer to const TYPE.  Every sender is in the
 * same file, so a body of another size is a mistake there, and ends the run.
 */
#define BENCH_BODY(msg, TYPE) ((const TYPE *)bench_body((msg), sizeof(TYPE)))

static inline const void *
bench_body(const troupe_msg *msg, size_t size)
{
	const void *body = troupe_body(msg, size);

	if (__builtin_expect(!body, 0))
		bench_abort("a message has the wrong size");
	return body;
}

/*
 * The generator of the suite: 16 bits of state, so that results can be known
 * in advance.  Its values come from the seed alone.
 */
static inline int64_t
bench_random(int64_t *state)
{
	*state = (*state * 1309 + 13849) & 65535;
	return *state;
}

#endif /* BENCH_H */
