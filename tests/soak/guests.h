/* SPDX-License-Identifier: MIT */
#ifndef SOAK_GUESTS_H
#define SOAK_GUESTS_H

#include "tests/soak/soak.h"

/*
 * guests -- threads from outside that come to a runtime, spawn an actor of
 * their own, send to it, call it, stop it, and go; a bounded number of them,
 * a few at a time.
 */

void soak_admit_guests(soak_stage *stage, uint64_t seed);

/* Until the last has gone.  Does nothing when there are none. */
void soak_dismiss_guests(soak_stage *stage);

#endif /* SOAK_GUESTS_H */
