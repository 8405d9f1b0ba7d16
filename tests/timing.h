/* SPDX-License-Identifier: MIT */
#ifndef TEST_TIMING_H
#define TEST_TIMING_H

#include "tests/system.h"

/*
 * timing -- an actor for tests of timers: it notes what comes and when, and
 * does what the test says.
 */

#define TIMING_MOST 20000

enum { GO = 1, TICK, TOCK, BUSY, CANCEL, DONE };

typedef struct timing_script timing_script;
typedef void timing_on(troupe_actor *self, timing_script *script, const troupe_msg *msg);

struct timing_script {
	/* For each message, after it was noted; may be NULL. */
	timing_on *on;
	/* Likewise, in start and in stop. */
	int (*start)(troupe_actor *self, timing_script *script);
	void (*stop)(troupe_actor *self, timing_script *script, troupe_reason reason);
	troupe *t;
	int64_t begun; /* the time of GO */
	/* All but GO and BUSY, in order. */
	uint32_t count;
	uint32_t type[TIMING_MOST];
	int64_t at[TIMING_MOST];
	uint32_t busy, stopped, wrong;
	/* The test's. */
	troupe_timer timer, other;
	uint64_t number;
};

/* Its argument is the script. */
extern const troupe_class timing_class;

/* A dispatch takes a microsecond of virtual time. */
#define TIMING_STEP 1000

/* Not early, and under the simulated scheduler with nothing else to do not late. */
#define assert_on_time(at, deadline) \
	do { \
		ck_assert_int_ge((at), (deadline)); \
		ck_assert_int_le((at) - (deadline), 2 * TIMING_STEP); \
	} while (0)

/* A fresh script, the same memory each time. */
timing_script *timing_fresh(timing_on *on);

/* The same with a simulated runtime, and an actor that was sent GO. */
timing_script *timing_begin(timing_on *on);

/* Until nothing is armed; asserts that nothing was wrong and, but for timers, the sums.  Then closes. */
troupe_totals timing_end(timing_script *script);

/* Let virtual time pass until then, whatever is armed. */
void timing_pass(timing_script *script, int64_t until);

#endif /* TEST_TIMING_H */
