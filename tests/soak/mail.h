/* SPDX-License-Identifier: MIT */
#ifndef SOAK_MAIL_H
#define SOAK_MAIL_H

#include "tests/soak/soak.h"

/*
 * mail -- messages that show when they were damaged, lost or doubled.
 *
 * A letter has a canary, made of all that it says, and behind it bytes that
 * follow from the canary.  It goes by copy, by move or as a shared block, and
 * the last two count their ends.
 */

typedef struct soak_letter {
	uint64_t canary;
	uint32_t from, number; /* what the recipe makes of them */
} soak_letter;

/* Send a letter in a way that is drawn.  What is not accepted is freed. */
troupe_status soak_post(sys_random *random, troupe_ref to, uint32_t type, uint32_t from, uint32_t number);

/* An owned letter.  NULL: no memory. */
troupe_msg *soak_write(sys_random *random, uint32_t type, uint32_t from, uint32_t number);

/* Whether msg is a letter and whole; if so, what it says.  If not, it is complained about. */
bool soak_read(const troupe_msg *msg, soak_letter *letter);

/* Of moved letters and shared blocks: how many were made and how many came to their end, since the program began. */
uint64_t soak_letters_made(void);
uint64_t soak_letters_ended(void);

#endif /* SOAK_MAIL_H */
