/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_PROGRESS_H
#define SAMPLES_PROGRESS_H

/*
 * progress -- a bar on the terminal that tells how far a long run is; nothing
 * when stderr is no terminal.
 *
 * Any thread may add steps; the line is drawn by one at a time, and at most
 * ten times a second.
 */

#include <stdint.h>

/*
 * Begins a bar of `total` steps, 0 when it is not known; `what` (a literal) is
 * written before it.  For the main thread, before there are actors that add.
 */
void progress_start(const char *what, uint64_t total);

/* So many more steps are done. */
void progress_add(uint64_t steps);

/* Wipes the line, before anything else is printed; the next step draws it again. */
void progress_clear(void);

/* Columns of the terminal at that descriptor: 80 when it does not say. */
int terminal_columns(int descriptor);

#endif /* SAMPLES_PROGRESS_H */
