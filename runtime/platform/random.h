/* SPDX-License-Identifier: MIT */
#ifndef TR_RANDOM_H
#define TR_RANDOM_H

#include "runtime/platform/base.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * random -- numbers that the same seed makes the same on every system.
 *
 * Threads    The owner of the state.
 */

/* SplitMix64 (Steele, Lea and Flood 2014): any seed is good, 0 too. */
TR_INLINE uint64_t
tr_random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* From 0 to limit - 1: the high half of a product is uniform enough below 2^32, without a division. */
TR_INLINE uint32_t
tr_random_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)((tr_random_next(state) >> 32) * limit >> 32);
}

/* Whether something that happens once in `odds` times happens now; nothing is drawn for 0, which is never. */
TR_INLINE bool
tr_random_strikes(uint64_t *state, uint32_t odds)
{
	return odds != 0 && tr_random_below(state, odds) == 0;
}

#endif /* TR_RANDOM_H */
