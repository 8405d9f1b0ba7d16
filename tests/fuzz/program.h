/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H

#include "tests/fuzz/reference.h"

/*
 * program -- what the bytes of an input are: calls, each with its arguments.
 * A call that makes something which has callbacks, a message, an actor, an
 * ask, takes some of the bytes that follow for these: so calls are made
 * within callbacks too, and whoever handles a message does what it says.
 *
 * Threads    One.
 */

#define FUZZ_KEPT    6
#define FUZZ_BLOCKS  3
#define FUZZ_CLASSES 8

typedef struct fuzz_program {
	troupe *t;
	unsigned budget; /* calls and deliveries to come: then actors do nothing more */
	unsigned holds;
	troupe_msg *kept[FUZZ_KEPT];
	unsigned kept_number[FUZZ_KEPT];
	troupe_shared *block[FUZZ_BLOCKS];
	unsigned block_payload[FUZZ_BLOCKS];
	uint32_t block_size[FUZZ_BLOCKS];
	bool refuses; /* the start callback in hand */
	bool is_in_fault;
	bool traces;
} fuzz_program;

extern fuzz_program program;

/* Someone to send to, or what may be somebody's handle and is not. */
typedef struct fuzz_target {
	unsigned number; /* 0: nobody's */
	troupe_ref ref;
} fuzz_target;

fuzz_target fuzz_pick(fuzz_input *in);
int64_t fuzz_time(fuzz_input *in);
uint32_t fuzz_size(fuzz_input *in);

/* Whether something may be done yet. */
bool fuzz_spend(void);

/* self: NULL is the thread outside. */
typedef void fuzz_deed(troupe_actor *self, fuzz_input *in);

/* All that a script says. */
void fuzz_perform(troupe_actor *self, fuzz_input script);
/* One call of it. */
void fuzz_perform_one(troupe_actor *self, fuzz_input *in);

/* What anybody can do. */
fuzz_deed fuzz_send, fuzz_send_block, fuzz_new_block, fuzz_release_block, fuzz_send_kept, fuzz_free_kept,
    fuzz_answer_kept, fuzz_spawn, fuzz_stop, fuzz_lookup, fuzz_fault;
/* What an actor can. */
fuzz_deed fuzz_keep, fuzz_forward, fuzz_unhandled, fuzz_stash, fuzz_unstash, fuzz_reply, fuzz_ask,
    fuzz_gather, fuzz_await, fuzz_timer, fuzz_cancel, fuzz_idle, fuzz_stop_self, fuzz_fail, fuzz_refuse,
    fuzz_monitor, fuzz_demonitor, fuzz_link, fuzz_register, fuzz_unregister, fuzz_become, fuzz_shut_down;
/* What the thread outside can. */
fuzz_deed fuzz_call, fuzz_run, fuzz_wait, fuzz_hold, fuzz_totals;

/* Whoever has no more to do ends what would go on for ever. */
void fuzz_wind_down(troupe_actor *self);

/* --- actors.c --- */

extern const troupe_class *const fuzz_classes[FUZZ_CLASSES];

/* The argument of a start. */
typedef struct fuzz_birth {
	uint32_t magic, number;
} fuzz_birth;

#define FUZZ_MAGIC UINT32_C(0x5eedca11)

troupe_receive fuzz_receive_a, fuzz_receive_b;
troupe_on_answer fuzz_on_answer;
troupe_on_gathered fuzz_on_gathered;
void fuzz_destroy(void *body, size_t size);

/* The runtime's callbacks. */
void fuzz_on_letter(void *context, const troupe_dead_letter *letter);
void fuzz_on_failure(void *context, const troupe_failure *failure);
void fuzz_on_log(void *context, troupe_log_level level, const char *text);

#endif /* FUZZ_PROGRAM_H */
