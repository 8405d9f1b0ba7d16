/* SPDX-License-Identifier: MIT */
#ifndef TR_SIMULATED_H
#define TR_SIMULATED_H

#include "runtime/engine/choices.h"
#include "runtime/engine/worker.h"
#include "runtime/memory/fault.h"

#include <stdbool.h>
#include <stdint.h>
#include <troupe.h>

/*
 * simulated -- the scheduler for which the same seed is the same run: one
 * thread, the caller's; the next of the runnable actors is chosen by a policy
 * (see policy.h) that draws from a seeded generator; time is a count of
 * dispatches, and jumps when there is none.
 *
 * Threads    One: the thread that drives the runtime.  What other threads
 *            post comes through the overflow queue and is not reproducible.
 * Order      The policy's; with a quantum of 1, for each message anew.
 * Limits     Room for every actor that the arena can hold: put cannot fail.
 *
 * Invariants
 *   INV-SI-1  the order of the runnable actors, and which faults there are,
 *             depend only on what was put, drawn and allocated before: never
 *             on an address, a clock, a thread or what the process did before.
 */

/* Virtual nanoseconds that each dispatch takes. */
#define TR_SIMULATED_STEP_NS INT64_C(1000)

extern const tr_scheduler tr_simulated_scheduler;

/* What is to be simulated. */
typedef struct tr_simulation_plan {
	uint64_t seed;
	troupe_policy policy;
	uint32_t depth;       /* PCT */
	uint64_t length;      /* PCT */
	const char *choices;  /* replay: see tr_choices_read; copied */
	troupe_faults faults;
} tr_simulation_plan;

/* A simulation for a pool of one worker; NULL: no address space, no memory, or the choices cannot be read. */
TR_MUST_USE void *tr_simulation_create(const tr_simulation_plan *plan);
void tr_simulation_destroy(void *which);

/*
 * The order in which actors came to be, since slots are handed out in one that
 * depends on what went before in the process.  Without a simulation nothing is
 * noted, and each birth is 0.
 */
void tr_simulation_note_birth(tr_pool *pool, uint32_t actor);
uint32_t tr_simulation_birth(const tr_pool *pool, uint32_t actor);

/* Let it be `now`, which is not in the past; earlier times change nothing. */
void tr_simulation_jump(tr_pool *pool, int64_t now);

/* When an actor that is late may run; INT64_MAX: none is, or nothing is simulated. */
int64_t tr_simulation_next_late(const tr_pool *pool);

/* Whether an actor is runnable or late; false when nothing is simulated. */
bool tr_simulation_has_work(const tr_pool *pool);

/* The allocations of which some fail, or NULL. */
tr_fault_source *tr_simulation_faults(tr_pool *pool);

/* Draw what befalls a callback of an actor that has a supervisor. */
enum tr_mishap { TR_NO_MISHAP, TR_FAIL_BEFORE, TR_FAIL_AFTER };
enum tr_mishap tr_simulation_draw_mishap(tr_pool *pool);

/* The choices to be replayed as text, from malloc; "" when there are none.  NULL: out of memory. */
char *tr_simulation_write_choices(const tr_pool *pool);

uint64_t tr_simulation_steps(const tr_pool *pool);
/* Actors that came to be so far. */
uint32_t tr_simulation_born(const tr_pool *pool);

/* --- For an explorer. --- */

/* Write down each choice from now on. */
void tr_simulation_record(tr_pool *pool);
/* What was written down so far is the caller's from now on. */
tr_choices tr_simulation_take_record(tr_pool *pool);

/* How many dispatches there may be; and whether there were so many. */
void tr_simulation_limit(tr_pool *pool, uint64_t steps);
bool tr_simulation_is_used_up(const tr_pool *pool);

#endif /* TR_SIMULATED_H */
