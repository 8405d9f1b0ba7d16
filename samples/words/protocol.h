/* SPDX-License-Identifier: MIT */
#ifndef WORDS_PROTOCOL_H
#define WORDS_PROTOCOL_H

/*
 * protocol -- what the actors of wordcount say to each other.
 *
 *                 BLOCK                 BATCH                  TABLE
 *   reader ----------------> splitter ----------> counter ----------------> collector
 *      ^   one in turn              the word's hash      when all is in       prints
 *      |                                                      |
 *      +---- CREDIT ---- the block's last holder lets go -----+
 *
 * Text goes through in blocks, cut at white space.  Splitters find the words
 * in a block; each counter owns the words of some hashes, and gets them in
 * batches that name bytes of the block instead of copying them.
 *
 * Flow control: the reader reads one block for one CREDIT.  It has CREDITS
 * of them in the beginning, and a block gives its own back when the last
 * batch that points into it is done.  So it never runs further ahead than
 * that, however large the input is.
 *
 * The end of the input goes the same way as END; it comes after everything
 * that the same sender sent before it.
 */

#include <stdint.h>
#include <troupe.h>

enum {
	SPLITTERS = 8, /* more than there are cores costs little; fewer would leave some idle */
	COUNTERS = 8,
	CREDITS = 2 * SPLITTERS /* one block for each to work on and one that waits */
};

enum {
	CREDIT = 1, /* no body */
	BLOCK,      /* struct block, shared */
	BATCH,      /* struct batch */
	TABLE,      /* struct table */
	END         /* no body */
};

struct block {
	troupe_ref credit_to; /* the reader, once the block is under way */
	uint32_t length;
	unsigned char text[]; /* and TEXT_SLACK */
};

/* A word and how often it came, as bytes of a block. */
struct item {
	uint64_t head; /* as in struct word */
	uint32_t hash;
	uint32_t offset;
	uint32_t length;
	uint32_t count;
};

#define BATCH_ITEMS 1024

struct batch {
	troupe_shared *block; /* retained for as long as the batch lives */
	uint32_t count;
	struct item items[BATCH_ITEMS];
};

/* Say on stderr why the run fails.  What others meet because of that is not said again.  For any thread. */
void report_failure(const char *why);

/* Report, and end the whole run with nothing more printed.  Returns false. */
bool give_up(troupe_actor *self, const char *why);

#endif /* WORDS_PROTOCOL_H */
