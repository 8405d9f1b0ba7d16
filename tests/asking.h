/* SPDX-License-Identifier: MIT */
#ifndef TEST_ASKING_H
#define TEST_ASKING_H

#include "tests/payload.h"

/*
 * asking -- actors that ask and answer, for the tests of request and reply.
 *
 * An actor of act_class runs functions of the test's, which are sent to it.
 * One of responder_class does with each request what its type says.
 */

/* --- Actors that do what they are told. --- */

typedef void act(troupe_actor *self, void *argument);

extern const troupe_class act_class;
extern const troupe_class dedicated_act_class;
/* Anything but a function is kept from them: what comes without one is UNHANDLED. */
#define ACT UINT32_C(77)

/* Have the actor run it. */
void act_in(troupe_ref who, act *run, void *argument);

/* --- Actors that answer. --- */

enum {
	ANSWER = 1,     /* with the same bytes, and ANSWERED */
	ANSWER_EMPTY,
	ANSWER_TWICE,   /* counted as wrong unless the second answer is INVALID */
	ANSWER_ERROR,   /* code 7, "seven" */
	FAIL_OVER,      /* code 9, "nine" */
	STOP_AFTER,     /* stop now, and do not answer */
	IGNORE,
	LEAVE_UNHANDLED,
	KEEP,           /* until DROP or the test takes it */
	KEEP_AND_DROP,  /* and free at once */
	DROP,
	PASS,           /* forward to the next */
	PASS_KEPT,      /* keep, and send that to the next */
	ANSWER_KEPT,    /* what was kept, from this actor */
	WAIT_AT_GATE,   /* and do not answer */
	STASH_IT,
	ANSWERED = 500
};

/* The state of a responder is a pointer to this, the argument of its spawn. */
typedef struct responder {
	troupe_ref next;
	troupe_msg *kept; /* plain: for whoever has waited */
	sys_gate *gate;
	sys_counter handled, wrong, stopped;
} responder;

extern const troupe_class responder_class;
extern const troupe_class dedicated_responder_class;

/* --- What asks came to. --- */

typedef struct outcome {
	uint32_t calls;
	troupe_status status;
	int code;
	char text[512];
	troupe_ref target;
	uint32_t type;
	bool has_msg;
	uint32_t answer_type;
	size_t size;
	troupe_ref answer_sender;
} outcome;

/* An on_answer whose context is an outcome. */
void note_outcome(troupe_actor *self, void *state, const troupe_answer *answer);

/* An ask of an act actor, its outcome, and what it returned. */
typedef struct asking {
	troupe_ref to;
	uint32_t type;
	const void *data;
	size_t size;
	int64_t timeout_ns; /* 0 is the longest */
	troupe_status asked;
	outcome came;
} asking;

/* An act whose argument is an asking. */
void ask_it(troupe_actor *self, void *an_asking);

#define assert_outcome(came_, status_) \
	do { \
		ck_assert_uint_eq((came_).calls, 1); \
		sys_assert_status((came_).status, status_); \
		ck_assert_int_eq((came_).has_msg, (status_) == TROUPE_OK); \
		ck_assert_int_eq((came_).text[0] == '\0', (status_) == TROUPE_OK); \
	} while (0)

/* As sys_open, and failures are not logged. */
troupe *asking_open(int workers, sys_ledger *ledger);
/* Simulated. */
troupe *asking_open_virtual(sys_ledger *ledger);

#endif /* TEST_ASKING_H */
