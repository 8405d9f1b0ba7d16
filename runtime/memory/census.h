/* SPDX-License-Identifier: MIT */
#ifndef TR_CENSUS_H
#define TR_CENSUS_H

#include "runtime/memory/cache.h"

/*
 * census -- how much of the arenas is in use.
 *
 * Threads    The owner of the cache, while no other thread has one.
 */

/* Units that were carved and are neither in a depot nor in the one cache that there is. */
uint64_t tr_census_units(const tr_cache *cache);

#endif /* TR_CENSUS_H */
