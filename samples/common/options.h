/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_OPTIONS_H
#define SAMPLES_OPTIONS_H

/*
 * options -- what a sample is told on the command line.
 *
 * A sample lists its own options; --help, --workers, --seed and --simulate
 * are everybody's.  What makes no sense is refused with a sentence and status
 * 2, before anything has begun.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One option.  Exactly one of the pointers says where its value goes; its default stands there. */
struct sample_option {
	const char *name; /* without the dashes; NULL ends a list */
	const char *help; /* a few words */

	bool *flag; /* takes no value */

	uint64_t *count; /* a whole number from least to most */
	uint64_t least, most;

	double *number; /* from low to high */
	double low, high;

	size_t *choice; /* which of the words, of which NULL ends the list */
	const char *const *words;

	const char **text;   /* as it stands, such as a file's name; NULL when it was not given */
	const char *metavar; /* what --help calls it: "FILE" */
};

struct sample {
	const char *name;
	const char *about;                   /* what it does: some lines, each ended by a newline */
	const char *operands;                /* "FILE..." when it takes some, at least one; else NULL */
	const struct sample_option *options; /* NULL: only everybody's */
};

/* What everybody's options said. */
struct sample_settings {
	const char *name; /* the sample's */
	int workers;      /* 0: one for each CPU */
	uint64_t seed;
	bool simulate;
	char **operands; /* those that were given; NULL ends them */
};

/* Ends the process after --help (status 0), and when something makes no sense (status 2). */
struct sample_settings sample_parse(const struct sample *sample, int argc, char **argv);

#endif /* SAMPLES_OPTIONS_H */
