/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_SECONDS 3600

static const char usage[] =
    "usage: supervised [--seed N] [--workers N] [--seconds N] [--simulate]\n"
    "\n"
    "Workers do jobs and fail now and then; supervisors start them again.\n"
    "\n"
    "  --seed N     which jobs end in an accident (1)\n"
    "  --workers N  1 to 100 (3)\n"
    "  --seconds N  how long jobs are handed out, 1 to 3600 (3)\n"
    "  --simulate   in virtual time: ends at once, and prints the same each time\n";

enum { HELP = 1, SEED, WORKERS, SECONDS, SIMULATE };

static const struct option options[] = {
	{ "help", no_argument, NULL, HELP },
	{ "seed", required_argument, NULL, SEED },
	{ "workers", required_argument, NULL, WORKERS },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "simulate", no_argument, NULL, SIMULATE },
	{ NULL, 0, NULL, 0 },
};

struct settings settings = { .seed = 1, .workers = 3, .seconds = 3 };

static uint64_t
parse_number(const char *name, const char *text, uint64_t least, uint64_t most)
{
	char *end;

	errno = 0;
	const uint64_t number = strtoull(text, &end, 10);
	if (isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 && number >= least &&
	    number <= most)
		return number;
	fprintf(stderr, "supervised: --%s \"%s\": not a number from %" PRIu64 " to %" PRIu64 "\n%s", name,
	    text, least, most, usage);
	exit(2);
}

static void
apply_option(int which)
{
	switch (which) {
	case HELP:
		exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0);
	case SEED:
		settings.seed = parse_number("seed", optarg, 0, UINT64_MAX);
		break;
	case WORKERS:
		settings.workers = (int)parse_number("workers", optarg, 1, MOST_WORKERS);
		break;
	case SECONDS:
		settings.seconds = (int64_t)parse_number("seconds", optarg, 1, MOST_SECONDS);
		break;
	case SIMULATE:
		settings.simulate = true;
		break;
	default: /* getopt_long has said what is wrong */
		fputs(usage, stderr);
		exit(2);
	}
}

void
parse_options(int argc, char **argv)
{
	int which;

	while ((which = getopt_long(argc, argv, "", options, NULL)) != -1)
		apply_option(which);
	if (optind < argc) {
		fprintf(stderr, "supervised: \"%s\" is no option\n%s", argv[optind], usage);
		exit(2);
	}
}
