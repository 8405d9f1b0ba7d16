/* SPDX-License-Identifier: MIT */
#ifndef TR_CHOICES_H
#define TR_CHOICES_H

#include "runtime/platform/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * choices -- which of the runnable actors was run in each step of a simulated
 * run: its rank, 0 being the one that had been runnable for the longest time.
 *
 * As text: ranks with commas between them, each with how often it comes in a
 * row if that is more than once: 0*12,3,0*5,1.  A step beyond the end is 0, so
 * zeros at the end say nothing and are not written.
 *
 * Threads    The owner's.
 * Ownership  The owner fini's it; a cursor borrows.
 */

typedef struct tr_choice {
	uint32_t rank, times; /* times is not 0 */
} tr_choice;

typedef struct tr_choices {
	tr_choice *list;
	size_t count, room;
	bool is_cut; /* there was no memory for all of them */
} tr_choices;

/* All zero is an empty list. */
void tr_choices_fini(tr_choices *choices);

/* One step more; without memory for it the list is cut. */
void tr_choices_append(tr_choices *choices, uint32_t rank, uint32_t times);

/*
 * Read a text, or with "@name" the file of that name, where white space may
 * stand between ranks too.  NULL when it was read, else what is wrong, a
 * sentence's end that begins with "must"; then nothing was made.
 */
TR_MUST_USE const char *tr_choices_read(tr_choices *choices, const char *text);

/* The text, from malloc; "" for an empty list.  NULL: out of memory. */
TR_MUST_USE char *tr_choices_write(const tr_choices *choices);

/* Where the next step is. */
typedef struct tr_choices_cursor {
	size_t at;
	uint32_t used; /* of the times at `at` */
} tr_choices_cursor;

/* The rank of the next step; 0 beyond the end. */
uint32_t tr_choices_next(const tr_choices *choices, tr_choices_cursor *cursor);

#endif /* TR_CHOICES_H */
