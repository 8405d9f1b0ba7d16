/* SPDX-License-Identifier: MIT */
#ifndef TR_POLICY_H
#define TR_POLICY_H

#include "runtime/engine/choices.h"
#include "runtime/engine/runnable.h"
#include "runtime/platform/random.h"

#include <troupe.h>

/*
 * policy -- how a simulated scheduler chooses who runs next.
 *
 *   random       each of the runnable actors alike
 *   PCT          the one with the highest priority (Burckhardt, Kothari,
 *                Musuvathi and Nagarakatte, "A randomized scheduler with
 *                probabilistic guarantees of finding bugs", ASPLOS 2010).
 *                Actors are the paper's threads: each has a random priority
 *                from its birth on.  At depth - 1 steps, drawn from the first
 *                `length`, the one that runs gets a priority below all these.
 *                If a run has n actors and no more than k = length steps, it
 *                comes upon a bug of that depth with a probability of at least
 *                1 / (n k^(depth - 1)).
 *   round robin  the one that has been runnable for the longest time
 *   replay       by the ranks of a list; what is beyond the last takes the last
 *
 * Threads    One.
 * Limits     PCT looks at each runnable actor in each step: it is for runs
 *            with some thousands of them.
 *
 * What is drawn depends on the seed, the births and the steps alone (INV-SI-1).
 */

/* An actor whose priority was changed, and to what; birth 0 is none. */
typedef struct tr_demotion {
	uint64_t step;
	uint32_t birth;
} tr_demotion;

typedef struct tr_policy {
	troupe_policy kind;
	uint64_t random;
	uint64_t steps; /* so far */
	/* PCT: the i-th gives the priority i + 1. */
	uint64_t salt;
	uint32_t demotion_count;
	tr_demotion demotions[TROUPE_DEPTH_MAX];
	/* Replay: the caller's. */
	const tr_choices *choices;
	tr_choices_cursor cursor;
} tr_policy;

/* depth is 1 to TROUPE_DEPTH_MAX, length not 0; choices may be NULL unless the kind is replay. */
void tr_policy_init(tr_policy *policy, troupe_policy kind, uint64_t seed, uint32_t depth, uint64_t length,
    const tr_choices *choices);

/* The rank in `set`, which is not empty, of who runs next.  births: by actor, 1 being the first. */
size_t tr_policy_choose(tr_policy *policy, const tr_runnable *set, const uint32_t *births);

/* "random" and so on; NULL for a number that is none. */
const char *tr_policy_name(troupe_policy kind);

/* 1 / (n k^(depth - 1)); 1 when a factor is 0. */
double tr_policy_bound(uint64_t actors, uint64_t length, uint32_t depth);

#endif /* TR_POLICY_H */
