/* SPDX-License-Identifier: MIT */
#ifndef SOAK_THREADS_H
#define SOAK_THREADS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * threads -- the threads of this process as the system sees them: what the
 * runtime keeps to itself, such as its workers and its event thread, too.
 *
 * Threads    Any.
 */

#define SOAK_THREADS_MAX 1024

/* Their numbers; returns how many.  Some may have ended, and others begun, by the time it returns. */
size_t soak_list_threads(pid_t tids[SOAK_THREADS_MAX]);

/* Whether the thread is one of a runtime, or a guest's. */
int soak_may_be_held_up(pid_t tid);

/* Make the calls below possible; before any thread is started. */
void soak_prepare_to_hold_up(void);

/* Hold the thread up for so long, wherever it is.  One that is held up already, or gone, is left alone. */
void soak_hold_up(pid_t tid, int64_t ns);

/* Bind all threads to one CPU of those that the process had when it began, or to all of them. */
void soak_bind_all(unsigned cpu);
void soak_unbind_all(void);

/* A line for each thread: its name, its state, where it waits in the kernel. */
void soak_print_threads(FILE *to);

#endif /* SOAK_THREADS_H */
