/* SPDX-License-Identifier: MIT */
#ifndef WORDS_TABLE_H
#define WORDS_TABLE_H

/*
 * table -- words and how often they came.
 *
 * Threads    One at a time; it may wander from thread to thread.
 * Ownership  Copies the words it is given.
 * Limits     UINT32_MAX / 2 words; memory.
 */

#include "protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry {
	uint64_t head; /* as in struct word */
	uint64_t count;
	const unsigned char *word;
	uint32_t length;
	uint32_t hash;
};

struct text_chunk;

/* All zeros is an empty one. */
struct table {
	struct entry *entries;
	size_t used;
	size_t room;
	uint32_t *places; /* by hash: the entry's number plus 1, or 0; at most half of them taken */
	size_t place_mask;
	struct text_chunk *texts;
};

/* Count an item whose bytes are at `word`.  Returns false, with nothing changed, when memory runs out. */
bool table_add(struct table *t, const struct item *item, const unsigned char *word);

/* Have what table_add reads first fetched into the cache meanwhile. */
void table_expect(const struct table *t, const struct item *item);

/* Put the entries in the order they are printed in.  Nothing may be added afterwards. */
void table_sort(struct table *t);

/* Less than 0 when a is printed before b: the higher count first, then the word that is greater as bytes. */
int table_compare(const struct entry *a, const struct entry *b);

void table_fini(struct table *t);

#endif /* WORDS_TABLE_H */
