/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_RANDOM_H
#define SAMPLES_RANDOM_H

/*
 * random -- numbers that look random, the same for the same seed.  Each actor
 * has a stream of its own: so what it draws does not hang on who else draws.
 *
 * SplitMix64: Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators, OOPSLA 2014.
 */

#include <math.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t
random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The stream of that number: streams of one seed, and those of another, do not overlap in practice. */
static inline struct random
random_stream(uint64_t seed, uint64_t stream)
{
	struct random of_seed = { seed };
	struct random r = { random_next(&of_seed) ^ (stream * UINT64_C(0xd1342543de82ef95)) };

	return (struct random){ random_next(&r) };
}

/* From 0 to bound - 1; bound is not 0, and below 2^32.  (Lemire's multiplication; its bias is below 2^-32.) */
static inline uint32_t
random_below(struct random *r, uint32_t bound)
{
	return (uint32_t)(((random_next(r) >> 32) * bound) >> 32);
}

/* Above 0 and up to 1. */
static inline double
random_unit(struct random *r)
{
	return (double)((random_next(r) >> 11) + 1) * 0x1p-53;
}

static inline double
random_exponential(struct random *r, double mean)
{
	return -mean * log(random_unit(r));
}

#endif /* SAMPLES_RANDOM_H */
