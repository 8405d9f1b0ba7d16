/* SPDX-License-Identifier: MIT */
#ifndef SOAK_STAGE_H
#define SOAK_STAGE_H

#include "tests/soak/soak.h"

/*
 * stage -- the runtimes that are open, and what is counted over all rounds.
 *
 * Threads    Any; those that open, settle and close a stage are the recipe's.
 */

/* What has been done so far: grows whenever anything goes on. */
uint64_t soak_work(void);

/* Messages that came to an end in stages that were closed, and those that recipes added. */
uint64_t soak_messages(void);

/* Laws looked at, beside the canary of each letter. */
uint64_t soak_checks(void);

/* Things that came out wrong. */
uint64_t soak_complaints(void);

/* The process has little address space: when not all workers of a runtime fit, fewer will do. */
void soak_expect_little_space(void);

/* The totals of each open runtime. */
void soak_print_stages(FILE *to);

#endif /* SOAK_STAGE_H */
