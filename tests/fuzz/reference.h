/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_REFERENCE_H
#define FUZZ_REFERENCE_H

#include "tests/fuzz/input.h"

#include <inttypes.h>
#include <stdbool.h>
#include <troupe.h>

/*
 * reference -- a small sequential model of what troupe promises.
 *
 * Whoever makes a call tells the model what it was and what came of it; each
 * callback tells it what came in.  The model says what may happen, not what
 * must happen next: where the promises leave a choice, it takes either.  What
 * it does not allow ends the process with a sentence that names the promise
 * and the numbers of those concerned.
 *
 * Actors, messages, payloads, asks, timers and monitors are numbered from 1;
 * 0 is nobody and nothing, and as a sender the thread outside.  A message has
 * REF_TYPE and its number for its type, so that it can be told even without a
 * body.
 *
 * Threads    One.
 * Limits     Numbers up to the limits below.  What would be beyond one is not
 *            done by the program.
 */

#define REF_ACTORS   48
#define REF_MESSAGES 1024
#define REF_PAYLOADS 256
#define REF_ASKS     256
#define REF_TIMERS   256
#define REF_MONITORS 128
#define REF_LINKS    64
#define REF_NAMES    5

#define REF_TYPE UINT32_C(0x10000)

/* --- Breaking. --- */

_Noreturn void ref_break(const char *format, ...) TROUPE_PRINTF(1, 2);

#define ref_expect(condition, ...) \
	do { \
		if (!(condition)) \
			ref_break(__VA_ARGS__); \
	} while (0)

/* --- Who does what at the moment. --- */

/* The kinds of callbacks. */
typedef enum ref_where {
	REF_OUTSIDE,
	REF_START,
	REF_RECEIVE,
	REF_ANSWER,
	REF_GATHERED,
	REF_DECIDE,
	REF_FAILED,
	REF_STOP
} ref_where;

typedef struct ref_frame {
	struct ref_frame *outer;
	ref_where where;
	unsigned actor, message;            /* whose callback; what is in hand, or was */
	bool in_hand;                       /* it is the runtime's yet */
	bool untracked;                     /* another of the same number is elsewhere */
	bool ending;                        /* the actor may be ending: it begins nothing new */
	bool failed, stops;                 /* what the callback asked for */
	unsigned unstashed, unstashed_last; /* linked, oldest first */
} ref_frame;

/* --- Actors. --- */

typedef enum ref_state { REF_UNBORN, REF_STARTING, REF_ALIVE, REF_REFUSED, REF_STOPPED } ref_state;

typedef struct ref_lane {
	unsigned first, last;
} ref_lane;

typedef struct ref_actor {
	troupe_ref ref;
	const troupe_class *class_;
	bool is_bare; /* has no callbacks but receive: its end is only seen by sending to it */
	ref_state state;
	unsigned parent;
	unsigned causes;      /* why it may stop: bits by troupe_reason */
	troupe_reason reason; /* STOPPED: why it did */
	bool is_supervised;
	bool waits;                 /* it has failed, and its supervisor has not decided */
	bool may_wait;              /* not `waits`, but it may do so yet: nobody was told */
	bool is_decided;            /* what its last failure leads to */
	bool is_handed_up;          /* its last failure is its supervisor's, too */
	bool is_lifeless;           /* a life has ended, and the next not begun */
	bool has_failed;            /* ever */
	unsigned life, lives, ends; /* lives: starts that went well */
	int failure_code;           /* of its last failure */
	bool is_failing;            /* it has called troupe_fail, and nobody was told yet */
	ref_lane lanes[2];          /* what waits, by troupe_lane */
	ref_lane stash;
	unsigned stashed;
	unsigned handled, controls; /* messages so far, and control messages it may have had */
	unsigned receives;          /* bits, the newest lowest: which behavior; behind a leading 1 */
	int64_t idle_timeout;       /* 0: none */
	int64_t idle_since;
	bool has_idle_timers; /* ever */
	fuzz_input on_start, on_stop;
	unsigned seen; /* by a search */
} ref_actor;

/* --- Messages. --- */

typedef enum ref_kind { REF_NOTE, REF_REQUEST, REF_REPLY, REF_TICK } ref_kind;

typedef enum ref_place {
	REF_NOWHERE, /* made by the runtime, or not sent yet */
	REF_OWNED,   /* the program's: made, or kept */
	REF_WAITING,
	REF_IN_HAND,
	REF_STASHED,
	REF_FAILED_OVER,
	REF_ENDED
} ref_place;

typedef struct ref_message {
	ref_place place;
	ref_kind kind;
	troupe_lane lane;
	bool is_front;    /* it was unstashed */
	bool is_loose;    /* in no lane, since nobody is told when it leaves it */
	bool is_answered; /* REQUEST */
	bool is_dead;     /* it ended as a dead letter, of the reason below */
	troupe_status reason;
	int code; /* of the failure over it */
	troupe_ref sender;
	unsigned pusher, to;
	unsigned next; /* in a lane or stash */
	unsigned payload, ask, timer;
	unsigned overtaken;      /* URGENT: by how many that came after it */
	unsigned handled_before; /* by the receiver, when it was accepted */
	uint64_t accepted;       /* when: a count */
	uint32_t size;
	fuzz_input script;
} ref_message;

typedef struct ref_payload {
	unsigned holders; /* messages, and the one who made a block */
	unsigned destroyed;
} ref_payload;

/* --- What is under way. --- */

typedef enum ref_ask_kind { REF_ASK, REF_CALL, REF_AWAIT, REF_GATHER } ref_ask_kind;

typedef struct ref_ask {
	ref_ask_kind kind;
	unsigned asker, life;
	unsigned request;            /* ASK, CALL */
	unsigned first, count, want; /* GATHER: the asks of its parts */
	unsigned part_of;            /* the gather */
	unsigned answer;             /* the message that answers it, if it was OK */
	bool is_error;               /* it was answered with an error: */
	int code;
	troupe_ref target;
	int name; /* AWAIT */
	int64_t deadline;
	bool open;
	unsigned ends;
	fuzz_input script;
} ref_ask;

typedef struct ref_timer {
	troupe_timer token;
	unsigned actor, life, message;
	int64_t due, period; /* due: of the next tick; period 0: once */
	bool open;
	unsigned ticks;
} ref_timer;

typedef struct ref_monitor {
	troupe_monitoring token;
	unsigned watcher, life, who; /* who: 0 for one that was never born */
	troupe_ref ref;
	bool open, was_gone; /* was_gone: it had surely stopped before */
} ref_monitor;

typedef struct ref_link {
	unsigned one, other;
} ref_link;

/* --- All of it. --- */

typedef struct ref_model {
	troupe *t;
	bool is_strict; /* an actor may handle one message a turn */
	bool is_shut_down, is_closing;
	bool has_faults; /* memory ran out at least once */
	unsigned actors, messages, payloads, asks, timers, monitors, links;
	unsigned bare;
	uint64_t accepted;
	uint64_t letters[TROUPE_TAKEN + 1], failures, failures_told, spawned, restarted;
	unsigned names[REF_NAMES]; /* who has it */
	ref_frame outside, *now;
	const troupe_msg *hand; /* in receive, the message that came last */
	ref_actor actor[REF_ACTORS + 1];
	ref_message message[REF_MESSAGES + 1];
	ref_payload payload[REF_PAYLOADS + 1];
	ref_ask ask[REF_ASKS + 1];
	ref_timer timer[REF_TIMERS + 1];
	ref_monitor monitor[REF_MONITORS + 1];
	ref_link link[REF_LINKS + 1];
} ref_model;

extern ref_model ref;

static inline ref_actor *
ref_me(void)
{
	return &ref.actor[ref.now->actor];
}

/* A new run, of a runtime that is open. */
void ref_begin(troupe *t, bool is_strict);
/* The runtime is quiet: nothing is under way. */
void ref_check_quiet(void);
/* The sums so far, while it is open and nothing runs. */
void ref_check_totals(void);
/* It is closed: everything has had its end. */
void ref_check_end(void);

/* A callback of the actor begins, and ends. */
void ref_enter(ref_frame *frame, ref_where where, unsigned actor, bool ending);
void ref_leave(ref_frame *frame);
/* It calls troupe_fail. */
void ref_note_fail(int code);

/* Whether NOMEM is no wonder. */
bool ref_may_lack_memory(void);

/* --- life.c: actors. --- */

/* A number for one that is about to be born; 0: there are enough. */
unsigned ref_conceive(const troupe_class *class_, unsigned parent);
/* Its spawn returned. */
void ref_note_spawn(unsigned actor, troupe_ref got, troupe_status status);
unsigned ref_find(troupe_ref who);
/* Nothing is known that may stop it: what is sent to it is accepted. */
bool ref_is_sound(unsigned actor);
void ref_note_start(unsigned actor, troupe_ref self, bool state_is_zero);
void ref_note_started(unsigned actor, bool refused);
void ref_note_stop(unsigned actor, troupe_reason reason);
void ref_note_failed(unsigned actor, const troupe_failure *failure);
void ref_note_decision(unsigned supervisor, const troupe_failure *failure, troupe_decision decision);
/* Something may stop it from here on. */
void ref_add_cause(unsigned actor, troupe_reason reason);
/* A control message went to it. */
void ref_note_stop_call(unsigned actor, troupe_ref to, troupe_status status);

/* --- mail.c: messages. --- */

/* 0: there are enough. */
unsigned ref_new_message(ref_kind kind, uint32_t size, troupe_lane lane, unsigned payload, fuzz_input script);
unsigned ref_new_payload(void);
/* How the sending of it ended; what is a copy of the program's is gone if it was not accepted. */
void ref_note_send(unsigned message, unsigned to, troupe_ref to_ref, troupe_status status, bool is_copy);
/* Whether a call that sends may say so. */
void ref_check_status(const char *call, unsigned to, troupe_ref to_ref, troupe_status status);
/* The message has come in; the frame is entered.  NULL for one of the runtime's. */
void ref_note_receive(const troupe_msg *msg, unsigned behavior);
void ref_check_body(unsigned message, const troupe_msg *msg);
void ref_fill_body(unsigned message, void *body);
void ref_note_letter(const troupe_dead_letter *letter);
void ref_note_destroy(unsigned payload);
void ref_end_message(unsigned message);
void ref_append(ref_lane *lane, unsigned message);
/* A message that waits comes in: in its order. */
void ref_take_out(unsigned message);
/* The program sets it aside, and takes so many back. */
void ref_note_stash(troupe_status status);
void ref_note_unstash(size_t most, size_t got);
/* The stash of an actor goes before all that waits for it. */
void ref_return_stash(unsigned actor);
void ref_put_in_front(unsigned actor, unsigned first);

/* --- under_way.c: asks, timers, monitors, names, links. --- */

unsigned ref_new_ask(ref_ask_kind kind, int64_t timeout, fuzz_input script);
void ref_note_ask(unsigned ask, troupe_status status);
void ref_note_answer(unsigned ask, const troupe_answer *answer);
void ref_note_call_end(unsigned ask, troupe_status status, const troupe_msg *answer, int code);
void ref_note_gathered(unsigned ask, const troupe_gathered *gathered);
/* A request was answered. */
void ref_note_reply(unsigned request, unsigned answer, int code, troupe_status status);

unsigned ref_new_timer(unsigned message, int64_t due, int64_t period);
void ref_note_timer(unsigned timer, troupe_timer token);
void ref_note_cancel(unsigned timer, troupe_timer token, bool was_open);
void ref_note_tick(unsigned timer);
void ref_note_idle_timeout(int64_t timeout, troupe_status status);
void ref_note_idle(unsigned actor);

void ref_note_monitor(unsigned who, troupe_ref who_ref, troupe_monitoring token);
void ref_note_demonitor(unsigned monitor, bool was_open);
void ref_note_down(const troupe_down *down);
void ref_note_link(unsigned other, troupe_ref other_ref, troupe_status status);

void ref_note_register(int name, troupe_status status);
void ref_note_unregister(int name, troupe_status status);
void ref_note_lookup(int name, troupe_ref found);

/* A life has ended, and with it all that it had under way; and its names, unless it is restarted. */
void ref_end_under_way(unsigned actor, bool keep_names);
void ref_check_under_way(void);
/* Whether something is under way that will never be over by itself. */
bool ref_waits_for_ever(void);

#endif /* FUZZ_REFERENCE_H */
