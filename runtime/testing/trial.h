/* SPDX-License-Identifier: MIT */
#ifndef TR_TRIAL_H
#define TR_TRIAL_H

#include <troupe/test.h>

#include "runtime/engine/choices.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * trial -- one run of a scenario, and what came of it.
 *
 * Threads    The one that explores, which drives the runtime.
 */

typedef enum tr_verdict {
	TR_KEPT,      /* all was as promised */
	TR_REFUSED,   /* the scenario did not return 0 */
	TR_ENDLESS,   /* there were most_steps dispatches */
	TR_LOGGED,    /* the runtime logged an error: its sums are not right, for example */
	TR_NOT_CLOSED,
	TR_LOST,      /* units were not given back */
	TR_NOT_OPENED /* there is no verdict: see troupe_last_error */
} tr_verdict;

#define TR_WHY_TEXT 320

typedef struct tr_trial {
	/* To be set: the options are resolved, and the exploration is borrowed. */
	const troupe_exploration *what;
	troupe_options options;
	/* What came of it. */
	tr_verdict verdict;
	int value;           /* what the scenario returned */
	char why[TR_WHY_TEXT];
	uint64_t steps;
	uint32_t actors;
	tr_choices record;   /* the caller's */
} tr_trial;

/* The calling thread has a context. */
void tr_trial_run(tr_trial *trial);

/* From now on, an exit in a run says which run that was. */
void tr_trial_watch_exit(void);

/* The variables that make such a run, from malloc; NULL: out of memory.  choices may be NULL. */
TR_MUST_USE char *tr_trial_write_variables(const troupe_options *options, const char *choices);

#endif /* TR_TRIAL_H */
