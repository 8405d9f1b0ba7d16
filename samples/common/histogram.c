/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <math.h>

/*
 * Values below 32 have buckets of their own; above, a bucket is the five
 * highest bits of its values, of which the first is 1.
 */
#define STEPS_LOG2 4
#define STEPS      (1u << STEPS_LOG2)

static size_t
bucket_of(uint64_t value)
{
	if (value < 2 * STEPS)
		return (size_t)value;

	const unsigned shift = 63u - (unsigned)__builtin_clzll(value) - STEPS_LOG2;

	return shift * STEPS + (size_t)(value >> shift);
}

double
histogram_edge(size_t bucket)
{
	if (bucket < 2 * STEPS)
		return (double)bucket;
	return ldexp((double)(STEPS + bucket % STEPS), (int)(bucket / STEPS) - 1);
}

void
histogram_add(struct histogram *h, uint64_t value)
{
	h->counts[bucket_of(value)]++;
	h->total++;
	h->sum += (double)value;
	if (value > h->most)
		h->most = value;
}

void
histogram_merge(struct histogram *h, const struct histogram *other)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->counts[i] += other->counts[i];
	h->total += other->total;
	h->sum += other->sum;
	if (other->most > h->most)
		h->most = other->most;
}

uint64_t
histogram_quantile(const struct histogram *h, double share)
{
	const double wanted = share * (double)h->total;
	double so_far = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		so_far += (double)h->counts[i];
		if (h->counts[i] != 0 && so_far >= wanted) {
			const double highest = histogram_edge(i + 1) - 1;

			return highest < (double)h->most ? (uint64_t)highest : h->most;
		}
	}
	return h->most;
}

size_t
histogram_bars(const struct histogram *h, double *x, double *y)
{
	size_t first = 1, last = HISTOGRAM_BUCKETS - 1, count = 0; /* 0 has no place on such an axis */

	if (h->total == h->counts[0])
		return 0;
	while (h->counts[first] == 0)
		first++;
	while (h->counts[last] == 0)
		last--;
	for (size_t i = first; i <= last; i++) {
		x[count] = histogram_edge(i);
		y[count++] = (double)h->counts[i] / (double)h->total /
		    log2(histogram_edge(i + 1) / histogram_edge(i));
	}
	x[count] = histogram_edge(last + 1);
	y[count++] = 0;
	return count;
}

double
histogram_mean(const struct histogram *h)
{
	return h->total == 0 ? 0 : h->sum / (double)h->total;
}
