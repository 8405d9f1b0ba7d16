/* SPDX-License-Identifier: MIT */
#ifndef TEST_KIN_H
#define TEST_KIN_H

#include "tests/system.h"

#include <stdio.h>

/*
 * kin -- families of actors that fail: each member notes what befalls it in
 * the journal of its house, and does what the test says.
 *
 * Threads    A journal is for one thread: simulated runtimes.  The counts of
 *            a member are its own, and read when all is quiet.
 *
 * In the journal, a word each, b being a member's tag:
 *   b+   its start is called        b!7  its failed callback, for code 7
 *   b:3  it handles a message of type 3
 *   b-R  its stop callback, by the reason's letter: Self, Asked, Parent,
 *        Closing, Failed, Linked, Restart
 *   b?7  its decide callback, for code 7
 */

#define KIN_LETTERS "SAPCFLRG"

/* Types below are only noted. */
enum {
	KIN_FAIL = 1000, /* with the int in the body as code */
	KIN_ACT          /* call a function of the test's */
};

#define KIN_LIVES 64

typedef struct house {
	sys_ledger ledger; /* first: it is the context of all callbacks */
	troupe *t;
	char journal[8192];
	size_t length;
	sys_counter failures;  /* told to the runtime's callback */
	sys_counter wrong;     /* promises not kept, wherever */
} house;

typedef struct kin kin;

struct kin {
	char tag;                   /* '\0': nothing is noted in the journal */
	const troupe_class *class_; /* of the children when they are spawned; NULL is kin_class */
	kin *children;              /* spawned in start, the first one first */
	uint32_t child_count;
	troupe_decision decision;   /* what decide answers */
	/* What it does besides; any may be NULL. */
	int (*start)(troupe_actor *self, kin *k);
	void (*on)(troupe_actor *self, kin *k, const troupe_msg *msg);
	void (*stop)(troupe_actor *self, kin *k, troupe_reason reason);
	void (*failed)(troupe_actor *self, kin *k, const troupe_failure *failure);
	troupe_decision (*decide)(troupe_actor *self, kin *k, const troupe_failure *failure);
	/* What it noted. */
	house *home;
	troupe_ref ref;
	troupe_reason reason;      /* of its last stop */
	uint32_t starts, stops, handled, fails, decided;
	int64_t started_at[KIN_LIVES], failed_at[KIN_LIVES];
	/* The test's. */
	uint32_t downs;
	uint64_t number;
	void *more;
};

/* The state of a member, zeroed at each start. */
typedef struct kin_state {
	kin *kin;
	uint64_t handled; /* in this life */
} kin_state;

/* The fields of a class whose actors are kin. */
#define KIN_CLASS(name_, supervisor_) \
	.name = (name_), .state_size = sizeof(kin_state), .argument_size = sizeof(kin *), .start = kin_start, \
	.receive = kin_receive, .stop = kin_stop, .failed = kin_failed, .supervisor = (supervisor_)

/* Define a class of kin that supervise; what follows are fields of its troupe_supervisor. */
#define KIN_FLAGGED_CLASS_OF(name_, flags_, ...) \
	static const troupe_supervisor name_##_how = { __VA_ARGS__ }; \
	static const troupe_class name_ = { KIN_CLASS(#name_, &name_##_how), .flags = (flags_) }
#define KIN_CLASS_OF(name_, ...) KIN_FLAGGED_CLASS_OF(name_, 0, __VA_ARGS__)

int kin_start(troupe_actor *self, void *state, const void *argument);
void kin_receive(troupe_actor *self, void *state, const troupe_msg *msg);
void kin_stop(troupe_actor *self, void *state, troupe_reason reason);
void kin_failed(troupe_actor *self, void *state, const troupe_failure *failure);
/* For the decide of a supervisor. */
troupe_decision kin_decide(troupe_actor *self, void *state, const troupe_failure *failure);

extern const troupe_class kin_class;
/* Supervisors that restart as often as it takes, at once or after the default backoff. */
extern const troupe_class kin_at_once_class;
extern const troupe_class kin_slow_class;

/* A simulated house, and one of the shapes.  Failures are counted, and not logged. */
void house_open(house *h, uint64_t seed);
void house_open_shape(house *h, const sys_shape *shape);
/* The failure callback of a runtime whose context is a house. */
void house_count_failure(void *context, const troupe_failure *failure);
/* Forget the journal so far. */
void house_forget(house *h);
/* Until nothing is to be done, in virtual time; asserts the sums. */
troupe_totals house_settle(house *h);
/* Let so much virtual time pass, whatever is to be done after it. */
void house_pass(house *h, int64_t ns);
/* Close; asserts that all promises were kept and nothing was logged. */
void house_close(house *h);

/* Spawn a member at the top, with its children. */
troupe_ref kin_spawn(house *h, kin *k);
/* Sends that are expected to be accepted. */
void kin_send(const kin *k, uint32_t type);
void kin_fail(const kin *k, int code);

typedef void kin_act(troupe_actor *self, kin *k, void *argument);
void kin_let(const kin *k, kin_act *act, void *argument);
/* A stop from outside that is expected to be accepted. */
void kin_stop_now(const kin *k);

/* Functions to let it call, with a kin, or a gate, as argument. */
void kin_tie(troupe_actor *self, kin *k, void *other);
void kin_watch(troupe_actor *self, kin *k, void *whom);
void kin_pass_gate(troupe_actor *self, kin *k, void *gate);
/* For its `on`: types count up from 1 in its number; and notes of the end of others count as downs. */
void kin_expect_next(troupe_actor *self, kin *k, const troupe_msg *msg);
void kin_count_downs(troupe_actor *self, kin *k, const troupe_msg *msg);

/* A supervisor s with a child a, which notes, in a simulated house of their own; the journal is empty. */
typedef struct kin_pair {
	house h;
	kin s, a;
} kin_pair;

/* There is one at a time. */
kin_pair *kin_pair_begin(const troupe_class *class_, int seed);
/* Close; asserts that each life of the child has had its end. */
void kin_pair_end(kin_pair *p);

/* A supervisor s with three children a, b, c; all else as for a pair. */
typedef struct kin_family {
	house h;
	kin s, a[3];
} kin_family;

kin_family *kin_family_begin(const troupe_class *class_, int seed);
/* Close; asserts that each life of the supervisor has had its end. */
void kin_family_end(kin_family *f);

/* In callbacks and threads. */
#define kin_expect(house_, condition) \
	do { \
		if (!(condition)) { \
			sys_add(&(house_)->wrong, 1); \
			fprintf(stderr, "%s:%d: not kept: %s\n", __FILE__, __LINE__, #condition); \
		} \
	} while (0)

#define assert_journal(house_, text) ck_assert_str_eq((house_)->journal, (text))

/* Whether the time that passed is a backoff of that long, a quarter less or more, and a few dispatches. */
#define assert_backoff(passed, ns) \
	do { \
		const int64_t kin_passed = (passed), kin_ns = (ns); \
		ck_assert_int_ge(kin_passed, kin_ns - kin_ns / 4); \
		ck_assert_int_le(kin_passed, kin_ns + kin_ns / 4 + 200000); \
	} while (0)

#endif /* TEST_KIN_H */
