/* SPDX-License-Identifier: MIT */
#ifndef TEST_SYSTEM_H
#define TEST_SYSTEM_H

#include <check.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

#include "tests/scale.h"

/*
 * system -- what the tests of the whole runtime share.
 *
 * Threads    ck_assert belongs to the main test thread.  Behaviors and the
 *            test's own threads record in plain variables, which the main
 *            thread reads when it has waited for them, or in counters.
 *            Counters are relaxed: they order nothing, so that they hide no
 *            race.  A gate does order, and is used only to hold somebody up.
 */

#if defined __SANITIZE_THREAD__
#define SYS_TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define SYS_TSAN 1
#endif
#endif
#ifndef SYS_TSAN
#define SYS_TSAN 0
#endif

#if defined __SANITIZE_ADDRESS__
#define SYS_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SYS_ASAN 1
#endif
#endif
#ifndef SYS_ASAN
#define SYS_ASAN 0
#endif

#define SYS_SANITIZED (SYS_TSAN || SYS_ASAN)

/* A number of repetitions: fewer where each takes longer.  The mask tells compilers that it has no sign. */
#define SYS_SCALED(n) (((n) / (SYS_TSAN ? 16 : SYS_ASAN ? 4 : 1) / test_scale + 1) & INT_MAX)

/* --- Counters. --- */

typedef _Atomic uint64_t sys_counter;

static inline uint64_t
sys_add(sys_counter *counter, uint64_t by)
{
	return atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static inline uint64_t
sys_get(sys_counter *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void
sys_set(sys_counter *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

/* --- Random numbers. --- */

typedef struct sys_random {
	uint64_t state;
} sys_random;

/* The variable TEST_SEED if it is set, else one that no run before had; printed, with the test's name. */
uint64_t sys_seed(const char *test);
uint64_t sys_next(sys_random *random);
/* From 0 to limit - 1. */
uint32_t sys_below(sys_random *random, uint32_t limit);

/* --- Gates. --- */

/* Those who pass stop at it until it is opened; then it stays open. */
typedef struct sys_gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t arrived;
	bool open;
} sys_gate;

#define SYS_GATE_CLOSED \
	{ \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false \
	}

void sys_gate_init(sys_gate *gate);
void sys_gate_pass(sys_gate *gate);
/* Until so many have arrived, whether they are through or not. */
void sys_gate_await(sys_gate *gate, uint64_t arrived);
void sys_gate_open(sys_gate *gate);

/* --- Runtimes. --- */

typedef struct sys_shape {
	const char *name;
	int workers, quantum, ring;
	troupe_scheduler scheduler;
} sys_shape;

/* The ways to run that every whole-system promise holds for. */
extern const sys_shape sys_shapes[];
extern const int sys_shape_count;

/* What a runtime told its callbacks. */
typedef struct sys_ledger {
	sys_counter dead[TROUPE_TAKEN + 1]; /* dead letters by reason */
	sys_counter logged;                     /* lines */
	/* May be NULL: looks at each letter too. */
	void (*letter)(void *context, const troupe_dead_letter *letter);
	void *context;
} sys_ledger;

/* Open with the ledger's callbacks (it may be NULL); asserts that it works. */
troupe *sys_open(int workers, sys_ledger *ledger);
troupe *sys_open_shape(const sys_shape *shape, sys_ledger *ledger);
troupe *sys_open_with(troupe_options options, sys_ledger *ledger);
/* As sys_open_shape, and failures are not logged. */
troupe *sys_open_tolerant(const sys_shape *shape, sys_ledger *ledger);

troupe_options sys_options_of(const sys_shape *shape);
/* The failure callback of a runtime whose failures are not logged. */
void sys_ignore_failure(void *context, const troupe_failure *failure);

/* Wait until t is quiet; asserts that each accepted message has had its outcome.  Returns the totals. */
troupe_totals sys_wait(troupe *t);

/* Close for ever; asserts OK, and that the runtime logged nothing. */
void sys_close(troupe *t, sys_ledger *ledger);

/* Spawn and send that are expected to work. */
troupe_ref sys_spawn(troupe *t, const troupe_class *class_, const void *argument);
void sys_send(troupe_ref to, uint32_t type, const void *data, size_t size);
/* Until no message waits any more. */
void sys_drain(troupe *t);

/* The status of a call that returned NULL or 0. */
#define sys_assert_failed(call, status) \
	do { \
		ck_assert_msg(!(call), #call " did not fail"); \
		sys_assert_status(troupe_last_error(), status); \
	} while (0)

#define sys_assert_status(call, status) \
	do { \
		const troupe_status sys_got = (call); \
		ck_assert_msg(sys_got == (status), "%s is %s, not %s", #call, troupe_status_name(sys_got), \
		    troupe_status_name(status)); \
	} while (0)

#define sys_assert_count(counter, value) ck_assert_uint_eq(sys_get(&(counter)), (uint64_t)(value))

/* --- Callbacks for classes. --- */

/* The state is the pointer that was given to the spawn. */
int sys_start_with_pointer(troupe_actor *self, void *state, const void *argument);
/* All is handled, and nothing done about it. */
void sys_ignore(troupe_actor *self, void *state, const troupe_msg *msg);
/* The first message is the last. */
void sys_stop_now(troupe_actor *self, void *state, const troupe_msg *msg);

/* --- Threads and processes. --- */

pthread_t sys_start(void *(*work)(void *), void *argument);
void *sys_join(pthread_t thread);
/* For sys_start: wait until it is quiet.  The result is the status, as an integer. */
void *sys_wait_in_thread(void *t);

typedef struct sys_ending {
	int status;      /* as waitpid says */
	char text[8192]; /* what went to stderr, cut */
} sys_ending;

/*
 * Run body in a child process, which exits with what it returns.  The child
 * may use troupe only if this process has not.
 */
void sys_run_child(sys_ending *ending, int (*body)(void *argument), void *argument);

#endif /* TEST_SYSTEM_H */
