/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_HISTOGRAM_H
#define SAMPLES_HISTOGRAM_H

/*
 * histogram -- how often values of each size came, to about three per cent.
 *
 * Sixteen buckets for each power of two, so that a nanosecond and an hour fit
 * into one.  One writer at a time.
 */

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS (61 * 16)

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total;
	double sum;
	uint64_t most;
};

void histogram_add(struct histogram *h, uint64_t value);

/* All that is in `other` too. */
void histogram_merge(struct histogram *h, const struct histogram *other);

/* The value that `share` (0 to 1) of all do not exceed; 0 when there is none. */
uint64_t histogram_quantile(const struct histogram *h, double share);

/*
 * As bars (see plot.h) for a logarithmic axis: from x[i] to x[i + 1] the share
 * of all in y[i], for each doubling of the value, so that the width of a
 * bucket does not matter.  Both have room for HISTOGRAM_BUCKETS + 1.  Returns how
 * many were written: 0 when there is nothing in it.
 */
size_t histogram_bars(const struct histogram *h, double *x, double *y);

double histogram_mean(const struct histogram *h);

/* The least value that falls into the bucket: one past the last bucket is allowed. */
double histogram_edge(size_t bucket);

#endif /* SAMPLES_HISTOGRAM_H */
