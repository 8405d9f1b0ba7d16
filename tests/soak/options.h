/* SPDX-License-Identifier: MIT */
#ifndef SOAK_OPTIONS_H
#define SOAK_OPTIONS_H

#include "tests/soak/soak.h"

#define SOAK_RECIPES_MAX 32

typedef struct soak_options {
	uint64_t seed;
	bool same_seed;         /* each round has it, and not only the first */
	uint64_t minutes;       /* when rounds is 0 */
	uint64_t rounds;        /* of each recipe; 0: by time */
	unsigned patience;      /* seconds without any progress */
	uint64_t address_space; /* MiB; 0: no limit */
	bool chosen[SOAK_RECIPES_MAX];
} soak_options;

/* Ends the process when there is nothing to run: after --help and --list, and with status 2 when it makes no sense. */
soak_options soak_parse_options(int argc, char **argv);

#endif /* SOAK_OPTIONS_H */
