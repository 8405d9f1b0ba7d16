/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_AXIS_H
#define SAMPLES_AXIS_H

/*
 * axis -- from values to places on a line, and where its ticks are.
 */

#include <stdbool.h>
#include <stddef.h>

enum axis_scale { AXIS_LINEAR, AXIS_LOG };

#define AXIS_MOST_TICKS 16
#define AXIS_LABEL_SIZE 24

/* Where values from low to high stand: from `from` to `to`, which may be less. */
struct axis {
	enum axis_scale scale;
	double low, high;
	double from, to;
	double ticks[AXIS_MOST_TICKS];
	int tick_count;
};

/*
 * An axis for values from low to high, which are moved outwards to ticks when
 * `round` is true.  There are about `wanted` ticks.  On a logarithmic axis low
 * is above 0, and the ticks are powers of ten, or 2 and 5 times these.
 */
struct axis axis_make(enum axis_scale scale, double low, double high, bool round, int wanted);

/* The place of a value: one outside low and high is beyond the ends; no number is no number. */
double axis_place(const struct axis *a, double value);

/* A number as it stands at a tick: 0.25, 1500, 20 k, 3 M, 10^-6. */
void axis_label(const struct axis *a, double value, char text[AXIS_LABEL_SIZE]);

#endif /* SAMPLES_AXIS_H */
