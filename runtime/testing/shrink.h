/* SPDX-License-Identifier: MIT */
#ifndef TR_SHRINK_H
#define TR_SHRINK_H

#include "runtime/testing/trial.h"

/*
 * shrink -- a run that fails is made as short as can be.
 *
 * Its choices are replayed with some of them left out, or with the first of the
 * runnable actors in their place, by halves, quarters and so on to single ones
 * (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input",
 * 2002), again and again until no single change makes it shorter.  What still
 * fails in the same way is gone on with, as it was recorded then.  Each step
 * leaves fewer steps, fewer that are not the first, or lesser ranks: so it
 * ends.
 *
 * Threads    The one that explores.
 */

typedef struct tr_shrinking {
	tr_trial trial;      /* the way it fails, and options for the next try */
	tr_choices shortest; /* so far */
	uint64_t runs, most_runs;
	bool is_reproduced;  /* replaying the whole of it fails too */
} tr_shrinking;

/* failed was run, and is borrowed; its record is taken.  The caller fini's `shortest`. */
void tr_shrink(tr_shrinking *shrinking, tr_trial *failed, uint64_t most_runs);

#endif /* TR_SHRINK_H */
