/* SPDX-License-Identifier: MIT */
#ifndef TEST_UNITS_H
#define TEST_UNITS_H

#include <stdint.h>

/*
 * Units that were carved and are in no depot: what is in use, and what never
 * can be.  Nobody but the caller, who holds none, may be at work.
 */
uint64_t units_out(void);

#endif /* TEST_UNITS_H */
