/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_PLOT_H
#define SAMPLES_PLOT_H

/*
 * plot -- curves, points and bars as an SVG picture that needs nothing else:
 * for light and dark backgrounds, in colours that the colour-blind tell apart
 * (Okabe and Ito, Color Universal Design, 2008), with a mark or a dash of its
 * own for each series besides.
 *
 *   FILE *to = plot_create(settings.name, file);      before the work begins
 *   ...
 *   plot_write(to, file, panels, count)               at its end
 */

#include "axis.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum plot_mark {
	PLOT_LINE,
	PLOT_DASHES, /* a line, for what is not measured */
	PLOT_POINTS,
	PLOT_BARS /* y[i] from x[i] to x[i + 1]: the last y is not drawn */
};

#define PLOT_MOST_SERIES 7 /* in a panel: so many colours can be told apart */

struct plot_series {
	const char *name; /* in the legend */
	enum plot_mark mark;
	int colour; /* 0: that of its place in the list; else that of the n-th, from 1: for series that belong together */
	size_t count;
	const double *x, *y; /* what is no number, or cannot stand on a logarithmic axis, is left out */
};

struct plot_axis {
	const char *label; /* with the unit */
	enum axis_scale scale;
	double low, high; /* both 0: what the data take, and 0 with it when it is near */
};

struct plot_panel {
	const char *title;
	const char *note; /* one line under the title; may be NULL */
	struct plot_axis x, y;
	const struct plot_series *series;
	size_t count;
};

/* The file, to be written to later; ends the process with status 2 when it cannot be.  NULL for file NULL. */
FILE *plot_create(const char *sample, const char *file);

/*
 * Writes the panels, one below the other, and closes the file.  False when
 * that failed, which is said on stderr.  Nothing to do, and true, when `to` is
 * NULL.
 */
bool plot_write(FILE *to, const char *file, const struct plot_panel *panels, size_t count);

#endif /* SAMPLES_PLOT_H */
