/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_RUN_H
#define SAMPLES_RUN_H

/*
 * run -- a sample's runtime, from its settings to its end, and Ctrl-C.
 *
 * Threads  sample_open and sample_finish are for the main thread, one runtime
 *          after the other; sample_is_interrupted is for any.
 */

#include "options.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <troupe.h>

/* Exit status of a sample whose result is wrong; of one that was interrupted. */
#define SAMPLE_WRONG       1
#define SAMPLE_INTERRUPTED 130

/*
 * Opens the runtime that the settings ask for.  From here to sample_finish,
 * Ctrl-C (SIGINT) and SIGTERM shut it down; a second one ends the process.
 * Ends the process when it cannot be opened.
 */
troupe *sample_open(const struct sample_settings *settings);

/*
 * Works until nothing is left to do, and closes t.  False when it was
 * interrupted or shut down by an actor that had failed, which is said on stderr:
 * then what there is of a result is partial.
 */
bool sample_finish(troupe *t);

/* Whether Ctrl-C was pressed: for loops that are not actors. */
bool sample_is_interrupted(void);

/*
 * For an actor that cannot go on, or sees that something is wrong: says why,
 * and shuts its runtime down; sample_finish returns false then.  Only the first
 * that gives up is heard.  From anywhere else, self is NULL, and the process
 * ends with SAMPLE_WRONG.
 */
void sample_give_up(troupe_actor *self, const char *format, ...) TROUPE_PRINTF(2, 3);

/* The status to return from main with, when sample_finish said false. */
int sample_status(void);

/* The same when all went well: 0, or SAMPLE_WRONG when stdout could not take what was printed, which is said. */
int sample_end(void);

/*
 * Prints a line about what was found: on stdout.  What depends on the machine,
 * such as a speed, goes there too, but to stderr under --simulate, whose
 * stdout is the same each time.
 */
FILE *sample_machine_output(const struct sample_settings *settings);

/* Real time, in seconds, of a clock that never goes back. */
double sample_seconds(void);

/*
 * Ends the process with status 2 when this machine has less memory than
 * `bytes`, and says what asks for so much: "--size 1000000", for one.
 */
void sample_need_memory(const struct sample_settings *settings, double bytes, const char *format, ...)
    TROUPE_PRINTF(3, 4);

/* Memory that the process had at its most, in bytes. */
double sample_peak_memory(void);

#endif /* SAMPLES_RUN_H */
