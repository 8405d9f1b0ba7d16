/* SPDX-License-Identifier: MIT */
#ifndef TR_RUNNABLE_H
#define TR_RUNNABLE_H

#include "runtime/platform/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * runnable -- the actors that may run next, in the order in which they were
 * put: any of them can be taken by its rank in that order.
 *
 * An actor stays at its position until it is taken; what is left behind is a
 * hole.  A bit for each position says whether an actor is there, and sums over
 * the words of these bits (a tree: Fenwick, "A new data structure for
 * cumulative frequency tables", 1994) find a rank.  When the positions are used
 * up the holes are squeezed out, or there are twice as many.
 *
 * Threads    One.
 * Limits     Room for `most` actors: put cannot fail while no more are in it.
 *            Putting, and taking one of n, cost some steps for each doubling of n.
 */

typedef struct tr_runnable {
	uint32_t *actors;  /* by position */
	uint64_t *present; /* a bit for each position */
	uint32_t *sums;    /* over the words of present; from 1 on */
	size_t size, reserved; /* positions; multiples of 64 */
	size_t end;        /* the first position that was never used */
	size_t count;
} tr_runnable;

/* 0, or ENOMEM: no address space. */
int tr_runnable_init(tr_runnable *set, size_t most);
void tr_runnable_fini(tr_runnable *set);

void tr_runnable_put(tr_runnable *set, uint32_t actor);

/* The one with that rank, 0 being the first that was put; the rank is less than count. */
uint32_t tr_runnable_take(tr_runnable *set, size_t rank);

/* Go through all in their order: *position is 0 to begin with.  0: there are no more. */
uint32_t tr_runnable_next(const tr_runnable *set, size_t *position);

#endif /* TR_RUNNABLE_H */
