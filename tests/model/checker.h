/* SPDX-License-Identifier: MIT */
#ifndef MODEL_CHECKER_H
#define MODEL_CHECKER_H

#include "tests/model/model.h"

#include <setjmp.h>
#include <stddef.h>

/*
 * checker -- what the parts of the checker share.  search.c chooses and runs
 * the coroutines; memory.c has the places, views and races; callbacks.c is what
 * the compiler calls; system.c is what the sources call of the system;
 * report.c prints.
 *
 * All that the checker keeps is in one block from the heap, so that the
 * program's own data can be put back to its beginning before each execution.
 */

enum {
	PLACES = 160,  /* atomic variables, locks, condition variables, wait queues */
	MESSAGES = 60, /* stores of one place in one execution: they fit a mask of 64 bits */
	STEPS = 3000,  /* operations of one execution: more is taken for one that does not end */
	NODES = 3000,  /* choices of one execution that have an alternative */
	READS = 64,    /* places that a spin loop reads */
	NAMES = 64,
	STACK = 256 * 1024,
	HEAP = 4 << 20,
	SHADOWS = 1 << 15, /* words that threads access plainly in one execution */
};

enum place_kind { VARIABLE, LOCK, QUEUE };

/* What a thread is about to do, or did. */
enum operation {
	NOTHING,
	LOAD,
	STORE,
	CHANGE,
	COMPARE,
	TAKE_LOCK,
	GIVE_LOCK,
	WAIT,
	WAKE,
	WAIT_ASLEEP,
	ROUSED,
	SPIN,
	CHOOSE
};

typedef struct message {
	uint64_t value;
	uint32_t clock[MODEL_THREADS]; /* that it releases */
	uint32_t made[MODEL_THREADS];  /* its thread's, when it was made */
	uint8_t view[PLACES];
} message;

typedef struct place {
	uintptr_t address;
	enum place_kind kind;
	uint8_t size;
	/* Of all executions: who has used it. */
	uint8_t users;
	bool is_written;
	bool is_guarded;
	/* Of this execution, if the number is its. */
	uint64_t execution;
	unsigned count; /* stores of a variable; changes of another */
	unsigned last_sc;
	bool is_dirty;  /* was written plainly: the newest value is in memory */
	int holder;     /* of a lock; -1 is nobody */
	unsigned floor; /* of a queue: the oldest store of its word that a wait may compare with */
	uint32_t
	    counts[MODEL_THREADS]; /* of a guarded one: when each thread last made a read of it that counts */
	uint32_t stored[MODEL_THREADS]; /* when each thread last stored it */
	message *messages;
} place;

typedef struct look {
	unsigned place, index;
	uint32_t when;  /* by the thread's own clock */
	const void *pc; /* of an exchange that failed */
} look;

typedef struct thread {
	jmp_buf begin, here;
	char *stack;
	bool has_begun;
	bool has_ended;
	uint32_t clock[MODEL_THREADS];
	uint8_t view[PLACES];
	/* What it does next; what that touches. */
	enum operation next;
	place *at, *and_at;
	bool writes_sc;
	/* Waits: in which queue, and until when. */
	place *asleep;
	bool may_time_out, has_timed_out;
	int64_t deadline;
	/* What was explored of its next operation already: -1, or the stamp of its places then. */
	int explored;
	unsigned begin_at; /* the store from which on the next load reads */
	/* Reads in this round of a spin loop, and in the round before. */
	unsigned reads, reads_before;
	look now[READS], before[READS];
	bool has_written, gives_up;
	bool may_give_up; /* the loop that it waits in is bounded */
	unsigned fails;   /* exchanges since the last write */
	look failed[READS];
	/* Reads of guarded places that may come to count. */
	unsigned guarded;
	look guarded_reads[READS];
	unsigned operations;
	uint64_t digest; /* of what it did, and which stores it read */
} thread;

typedef struct node {
	bool is_thread;
	uint8_t chosen;
	uint64_t left; /* alternatives */
	int explored[MODEL_THREADS];
	int stamp[MODEL_THREADS];
} node;

/*
 * As printed and replayed: tN:K, thread N goes on until it is about to begin
 * its K-th operation; =N, a load reads store N, or another pick; ~, time passes.
 */
typedef struct choice {
	char kind;
	uint8_t first;
	uint16_t second;
} choice;

typedef struct event {
	uint8_t thread;
	uint8_t operation;
	int8_t order; /* -1 - order: of an exchange that failed */
	uint16_t place;
	uint16_t index, count;
	uint64_t value;
	const void *pc;
} event;

typedef struct shadow {
	uintptr_t word;
	uint64_t execution;
	bool has_place;
	uint32_t wrote[MODEL_THREADS], has_read[MODEL_THREADS];
	uint8_t wrote_bytes[MODEL_THREADS], read_bytes[MODEL_THREADS];
	const void *wrote_at[MODEL_THREADS], *read_at[MODEL_THREADS];
} shadow;

enum outcome { GOES_ON, ENDED, REDUNDANT, SHARED_MORE, FAILED };

typedef struct checker {
	const model_case *what;
	enum outcome outcome;
	unsigned threads;
	bool is_settling;   /* no choices yet: see settled */
	int running;        /* the thread, or -1: the checker or the harness alone */
	int last;           /* the thread that ran last */
	unsigned preempted; /* times so far */
	unsigned early;
	int64_t now;
	jmp_buf search; /* from a thread to the search */
	jmp_buf failed; /* from anywhere, when a case fails that shall */
	thread thread[MODEL_THREADS];
	/* Counted. */
	uint64_t execution, complete, redundant, steps;
	uint64_t outcomes;
	bool is_plain;   /* of the command line: counts what is distinct, in `classes` */
	bool leaves_out; /* what is the same again */
	uint64_t *classes;
	size_t distinct, room;
	/* The choices: a node for each that has alternatives, and all as numbers. */
	unsigned depth, nodes;
	node node[NODES];
	unsigned choices;
	choice choice[STEPS];
	const char *replay; /* choices to be made again: what is left of them */
	bool replays;
	unsigned events;
	event event[STEPS];
	unsigned places;
	place place[PLACES];
	uint16_t index[1024]; /* by address: 1 + the number of a place */
	message message[PLACES][MESSAGES];
	unsigned names;
	struct {
		uintptr_t address;
		uint64_t size;
		const char *name;
	} name[NAMES];
	size_t heap_used;
	char *heap;
	char *snapshot;
	shadow *shadow;
} checker;

extern checker *model_checker;

/* search.c: stop here until the checker lets the calling thread do this. */
void model_pause(enum operation next, place *at, place *and_at, bool writes_sc);
/* One of the numbers in the mask, the higher first; the mask is what is left to explore of all that are possible. */
unsigned model_pick(uint64_t mask, uint64_t all);
/* The execution is over; does not return in a thread. */
/* A round of a loop that waits for others is over; is_bounded: one that gives up some time. */
void model_round(bool is_bounded);         /* system.c */
void model_rouse(thread *t, bool by_time); /* system.c */
void model_leave(enum outcome outcome);
unsigned model_stamp(const thread *t);

/* memory.c */
place *model_place(const volatile void *address, enum place_kind kind, unsigned size);
/* Whether an operation of the running thread there is one to choose at; takes note of it. */
bool model_is_shared(place *p, bool writes);
uint64_t model_load(place *p, int order, const void *pc);
void model_store(place *p, uint64_t value, int order, const void *pc);
/* A read-modify-write; `compared` fails, as a load, where it reads something else.  Returns what it read. */
uint64_t
model_change(place *p, uint64_t (*change)(uint64_t, uint64_t), uint64_t operand, int order, const void *pc);
bool
model_compare(place *p, uint64_t *expected, uint64_t value, int order, int order_of_failure, const void *pc);
void model_acquire(const message *from);
void model_release(message *to, bool joins);
void model_plain(uintptr_t address, size_t size, bool writes, const void *pc);

/* classes.c: for --plain, keep the execution, if none like it was kept. */
void model_keep_class(void);

/* report.c */
void model_note(enum operation operation, const place *p, int order, unsigned index, uint64_t value,
    const void *pc);
__attribute__((noreturn)) void model_report(const char *what, const char *file, int line);
__attribute__((noreturn)) void model_report_race(uintptr_t address, const char *one, const void *one_at,
    const char *other, const void *other_at);

#endif /* MODEL_CHECKER_H */
