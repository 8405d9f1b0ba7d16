/* SPDX-License-Identifier: MIT */
#ifndef TEST_STORM_H
#define TEST_STORM_H

#include "tests/system.h"

#include <stdio.h>

/*
 * storm -- actors that do everything to each other, at random: each draws
 * what it does from a generator in its own state.  What must be true of any
 * such run is counted here, and asserted by the test.
 *
 * Threads    run_storm is for any thread that is not the main one: it asserts
 *            nothing, so that its context goes when it ends, and what it took
 *            is in the depots again.
 */

#define STORM_SLOTS 24
#define STORM_ASKS  4096
#define STORM_BORN  8192
#define STORM_NAMES 6

typedef enum storm_end {
	STORM_STOPS_ALL, /* when it is quiet, everybody is told to stop */
	STORM_IS_CLOSED, /* when it is quiet, the runtime is closed */
	STORM_IS_CUT,    /* the runtime is closed in the midst of it */
	STORM_ENDS
} storm_end;

typedef struct storm {
	/* Set by the test. */
	uint64_t seed;
	int workers; /* 0: simulated */
	uint32_t actions;
	storm_end end;
	/* May be NULL: called once it is open, and before it is closed. */
	void (*opened)(struct storm *storm), (*closing)(struct storm *storm);
	bool is_scarce; /* memory may be refused at any time */
	/* What happened, in order: simulated runs only. */
	uint64_t digest, entries;
	/* What came of it. */
	troupe_totals totals; /* at the end, but for STORM_IS_CUT */
	sys_counter wrong;    /* promises that were not kept */
	sys_counter letters[TROUPE_TAKEN + 1], failures;
	sys_counter lives, ends, made, destroyed;
	sys_counter asks, ask_ends[STORM_ASKS];
	troupe *t;
	/* Its own. */
	sys_counter spent, born;
	sys_counter refs[STORM_SLOTS], everybody[STORM_BORN];
} storm;

/* The type of a message that lets an actor do something. */
#define STORM_WORK 1

/* The argument of a spawn, kept for restarts. */
typedef struct storm_birth {
	storm *storm;
	uint64_t seed;
} storm_birth;

extern const troupe_class storm_plain_class, storm_supervisor_class;

enum storm_entry {
	STORM_STARTED = 1,
	STORM_REFUSED,
	STORM_STOPPED,
	STORM_DELIVERED,
	STORM_ANSWERED,
	STORM_BURIED,
	STORM_FAILED,
	STORM_DID
};

void storm_enter(storm *s, enum storm_entry what, uint64_t a, uint64_t b);

#define storm_expect(s, condition) \
	do { \
		if (!(condition)) { \
			sys_add(&(s)->wrong, 1); \
			fprintf(stderr, "%s:%d: not kept: %s\n", __FILE__, __LINE__, #condition); \
		} \
	} while (0)

/* Work for a thread: open, rage, close. */
void *run_storm(void *storm);

#endif /* TEST_STORM_H */
