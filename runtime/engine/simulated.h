/* SPDX-License-Identifier: MIT */
#ifndef TR_SIMULATED_H
#define TR_SIMULATED_H

#include "runtime/engine/worker.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * simulated -- the scheduler for which the same seed is the same run: one
 * thread, the caller's; the next of the runnable actors is drawn by a seeded
 * generator; time is a count of dispatches, and jumps when there is none.
 *
 * Threads    One: the thread that drives the runtime.  What other threads
 *            post comes through the overflow queue and is not reproducible.
 * Order      Drawn uniformly; with a quantum of 1, for each message anew.
 * Limits     Room for every actor that the arena can hold: put cannot fail.
 *
 * Invariants
 *   INV-SI-1  the order of the runnable actors depends only on what was put
 *             and drawn before: never on an address, a clock or a thread.
 */

/* Virtual nanoseconds that each dispatch takes. */
#define TR_SIMULATED_STEP_NS INT64_C(1000)

extern const tr_scheduler tr_simulated_scheduler;

/* A simulation for a pool of one worker; NULL: no address space. */
TR_MUST_USE void *tr_simulation_create(uint64_t seed);
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

#endif /* TR_SIMULATED_H */
