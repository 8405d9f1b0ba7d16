/* SPDX-License-Identifier: MIT */
#ifndef SOAK_DISTURB_H
#define SOAK_DISTURB_H

#include "tests/soak/soak.h"

/*
 * disturb -- what goes on beside a round: threads of the runtime are held up
 * where they are, and all threads are bound to one CPU and let go again.
 *
 * Threads    The main one starts and stops it.
 */

void soak_start_disturbing(const soak_round *round);
/* When it returns, nobody is held up for long any more, and nobody is bound. */
void soak_stop_disturbing(void);

#endif /* SOAK_DISTURB_H */
