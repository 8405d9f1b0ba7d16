/* SPDX-License-Identifier: MIT */
#ifndef TEST_EXPLORING_H
#define TEST_EXPLORING_H

#include "tests/system.h"

#include <troupe/test.h>

/*
 * exploring -- a scenario with a bug that is known, and what the explorer says
 * of it.
 */

typedef struct notes {
	char text[16384];
	size_t length;
	int lines;
} notes;

/* An exploration's `say`, with notes for its context. */
void note_line(void *notes, const char *text);
void assert_said(const notes *n, const char *text);

/* Variables as a shell has them, with a blank between. */
void set_variables(const char *assignments);

#define TURNS  60
#define MOMENT 57 /* turns of the counter after which it must not be read */
#define STEPS  (TURNS + 1 + 2) /* each of the two has a turn more, in which it finds nothing */

enum { COUNT = 1, READ };

struct counting {
	int counted, read_at;
};

/* The argument is a pointer to a struct counting. */
extern const troupe_class counting_class;

/* Let one count and another read: 0, and when it read, or 1. */
int read_at_some_time(troupe *t, int *read_at);

/*
 * Two actors that are runnable from the beginning; the reader has one turn, and
 * must not have it at one moment of the other's sixty: depth 2, and a chance of
 * some 2^-57 when each turn is drawn alike.  It returns 7.
 */
int read_in_between(troupe *t, void *context);

extern const troupe_policy pct, by_chance, in_turn;

/* To explore it by one policy. */
troupe_exploration reading(const troupe_policy *policy, const troupe_options *options, notes *n);

#endif /* TEST_EXPLORING_H */
