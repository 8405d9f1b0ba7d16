/* SPDX-License-Identifier: MIT */
#ifndef SHOP_OPTIONS_H
#define SHOP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define MOST_WORKERS 100

/* Written by parse_options, before there are any actors. */
extern struct settings {
	uint64_t seed;
	int workers;
	int64_t seconds;
	bool simulate;
} settings;

/* Ends the process after --help, and when there is something that makes no sense. */
void parse_options(int argc, char **argv);

#endif /* SHOP_OPTIONS_H */
