/* SPDX-License-Identifier: MIT */
#ifndef SOAK_WATCH_H
#define SOAK_WATCH_H

#include "tests/soak/soak.h"

/*
 * watch -- says how it goes, and ends the process when nothing goes on.
 *
 * It never looks at how long a round takes, only at what has been done since
 * it last looked: messages of the open runtimes, ticks, rounds.  So it also
 * ends a round in which far more is done than any round has to do, and one
 * that does not come to its end after something in it came out wrong.
 *
 * Threads    A thread of its own, from start to stop.
 */

/* `patience` in seconds: how long nothing may go on. */
void soak_start_watching(unsigned patience);
void soak_stop_watching(void);

/* A round begins; `about`, borrowed until it ends, says which, and how to repeat it. */
void soak_announce(const char *recipe, const char *about);
void soak_announce_end(void);

/* How many rounds were announced. */
uint64_t soak_rounds_begun(void);

#endif /* SOAK_WATCH_H */
