/* SPDX-License-Identifier: MIT */
#ifndef TEST_CRASHES_H
#define TEST_CRASHES_H

#include "tests/system.h"

/*
 * crashes -- child processes that crash in a callback, and what they should
 * have said about it.
 *
 * A case sets crash_way, unless it is the first, runs a child that comes to
 * crash_in or crash_here, and compares its line.
 */

/* Whether a sanitizer has handlers of its own, which say more and end the process in their own way. */
#if SYS_SANITIZED
#define CRASH_SANITIZED 1
#elif defined __has_feature
#if __has_feature(undefined_behavior_sanitizer)
#define CRASH_SANITIZED 1
#endif
#endif
#ifndef CRASH_SANITIZED
#define CRASH_SANITIZED 0
#endif

typedef struct crash_kind {
	void (*crash)(void);
	int number;
	const char *signal_name;
	bool has_address; /* it is raised by an instruction */
} crash_kind;

/* One for each signal; the first is SIGSEGV, and so many are raised by instructions. */
#define CRASH_INSTRUCTIONS 2
extern const crash_kind crash_kinds[];
extern const int crash_kind_count;

/* The one of this case. */
extern const crash_kind *crash_way;

/* What the child told of itself before it crashed. */
typedef struct crash_facts {
	troupe_ref self, sender;
	uintptr_t address; /* of the fault */
} crash_facts;

extern crash_facts *crash_known;

/* How it ended. */
extern sys_ending crash_ending;

/* A page that nobody may touch. */
extern char *crash_forbidden;

/* To be called before the rest, as a fixture of each case. */
void crash_prepare(void);

/* For the child: crash in a callback of self; or anywhere, which returns its argument if it does not crash. */
void crash_in(troupe_actor *self);
void *crash_here(void *argument);

/* A behavior that crashes over each message but those of type CRASH_NOT. */
void crash_on_message(troupe_actor *self, void *state, const troupe_msg *msg);

/* Message types. */
enum { CRASH_NOW = 7, CRASH_NOT };

/* For the child: open, spawn one of the class, send it a message of the type, run. */
int crash_run_class(const troupe_options *options, const troupe_class *class_, uint32_t type);

/* Run a child that does this with one worker. */
void crash_child_of(const troupe_class *class_, uint32_t type);

/* The child died of what it did. */
void crash_assert_died(void);

/* Take the address that it reported for the right one. */
void crash_believe_address(void);

/* "troupe: <signal and address> in <rest>" and a newline: of this case, until the next call. */
const char *crash_line(const char *rest);

/*
 * It said this line, first of all; and no more than that, but for a
 * sanitizer's report.
 */
void crash_assert_said(const char *rest);

/* It died, and said this of the actor that the child had told of.  The name may be "". */
void crash_assert_actor(const char *thread, const char *name, const char *class_name, const char *doing, ...)
    TROUPE_PRINTF(4, 5);

#endif /* TEST_CRASHES_H */
