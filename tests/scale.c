/* SPDX-License-Identifier: MIT */
#include "tests/scale.h"

#include <stdio.h>
#include <stdlib.h>

#define SCALE_MAX 1000

uint16_t test_scale = 1;

static __attribute__((constructor)) void
read_scale(void)
{
	const char *given = getenv("TEST_SCALE");
	char *rest;

	if (given == NULL)
		return;
	const long scale = strtol(given, &rest, 10);
	if (rest == given || *rest != '\0' || scale < 1 || scale > SCALE_MAX) {
		(void)fprintf(stderr, "TEST_SCALE is a number from 1 to %d, not \"%s\"\n", SCALE_MAX, given);
		exit(2);
	}
	test_scale = (uint16_t)scale;
}
