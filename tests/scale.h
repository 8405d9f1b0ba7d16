/* SPDX-License-Identifier: MIT */
#ifndef TEST_SCALE_H
#define TEST_SCALE_H

#include <stdint.h>

/*
 * scale -- what divides the numbers of repetitions, beyond what a sanitizer
 * does: the variable TEST_SCALE, from 1 to 1000, set from outside where the
 * same programs run slower (an emulator, Valgrind, a busy machine).  1 when it
 * is not set.
 *
 * Threads    Written before main, only read afterwards.
 */
extern uint16_t test_scale;

#endif /* TEST_SCALE_H */
