/* SPDX-License-Identifier: MIT */
#ifndef TEST_ROUNDS_H
#define TEST_ROUNDS_H

/*
 * rounds -- one thread goes to sleep at the moment in which another has a
 * reason for it to be awake.  That they miss each other is a matter of
 * nanoseconds, so there are many rounds; who is missed sleeps for ever, and
 * the case times out.
 *
 * Threads    Two: rest and prepare are called in one, wake in the other.  What
 *            they meet by is relaxed.
 */

typedef struct rounds_pair {
	void (*rest)(void);
	void (*wake)(void);
	void (*prepare)(void); /* while both are awake, in the sleeper's thread; may be NULL */
} rounds_pair;

/* Fresh moments each time, from test_seed(test). */
void run_rounds(const rounds_pair *pair, const char *test);

#endif /* TEST_ROUNDS_H */
