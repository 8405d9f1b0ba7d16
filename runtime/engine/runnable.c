/* SPDX-License-Identifier: MIT */
#include "runtime/engine/runnable.h"

#include "runtime/memory/table.h"

#include <errno.h>
#include <string.h>

#define WORD_BITS ((size_t)64)

/* Positions to begin with. */
#define FIRST_SIZE (16 * WORD_BITS)

static size_t
actors_bytes(const tr_runnable *set)
{
	return set->reserved * sizeof *set->actors;
}

static size_t
present_bytes(const tr_runnable *set)
{
	return set->reserved / WORD_BITS * sizeof *set->present;
}

static size_t
sums_bytes(const tr_runnable *set)
{
	return (set->reserved / WORD_BITS + 1) * sizeof *set->sums;
}

static size_t
table_bytes(const tr_runnable *set)
{
	return present_bytes(set) + actors_bytes(set) + sums_bytes(set);
}

static void
clear_present(tr_runnable *set)
{
	memset(set->present, 0, set->size / WORD_BITS * sizeof *set->present);
}

static void
make_sums(tr_runnable *set)
{
	size_t words = set->size / WORD_BITS;

	memset(set->sums, 0, (words + 1) * sizeof *set->sums);
	for (size_t i = 1; i <= words; i++) {
		size_t next = i + (i & -i);

		set->sums[i] += (uint32_t)__builtin_popcountll(set->present[i - 1]);
		if (next <= words)
			set->sums[next] += set->sums[i];
	}
}

int
tr_runnable_init(tr_runnable *set, size_t most)
{
	*set = (tr_runnable){ .size = FIRST_SIZE };
	/* A quarter more than can be in it, so that squeezing out the holes is paid for by as many puts. */
	set->reserved = (most + most / 4 + FIRST_SIZE) / WORD_BITS * WORD_BITS;
	/* The bits first: their words are the widest. */
	char *table = tr_table_take(table_bytes(set));

	if (table == NULL)
		return ENOMEM;
	set->present = (uint64_t *)(void *)table;
	set->actors = (uint32_t *)(void *)(table + present_bytes(set));
	set->sums = (uint32_t *)(void *)(table + present_bytes(set) + actors_bytes(set));
	clear_present(set);
	make_sums(set);
	return 0;
}

void
tr_runnable_fini(tr_runnable *set)
{
	if (set->present != NULL)
		tr_table_give(set->present, table_bytes(set), set->size * (sizeof *set->actors + 1));
}

/* The sums that the word is in change by `by`. */
static void
change_sums(tr_runnable *set, size_t word, uint32_t by)
{
	for (size_t i = word + 1; i <= set->size / WORD_BITS; i += i & -i)
		set->sums[i] += by;
}

/* Positions are used up. */
static void
make_room(tr_runnable *set)
{
	size_t used = set->end;

	set->end = 0;
	for (size_t position = 0; position < used; position++)
		if (set->present[position / WORD_BITS] >> position % WORD_BITS & 1)
			set->actors[set->end++] = set->actors[position];
	if (set->count > set->size / 2)
		set->size = set->size * 2 < set->reserved ? set->size * 2 : set->reserved;
	clear_present(set);
	for (size_t position = 0; position < set->end; position++)
		set->present[position / WORD_BITS] |= UINT64_C(1) << position % WORD_BITS;
	make_sums(set);
}

void
tr_runnable_put(tr_runnable *set, uint32_t actor)
{
	if (set->end == set->size)
		make_room(set);
	TR_ASSERT(set->end < set->size);
	size_t position = set->end++;

	set->actors[position] = actor;
	set->present[position / WORD_BITS] |= UINT64_C(1) << position % WORD_BITS;
	change_sums(set, position / WORD_BITS, 1);
	set->count++;
}

static size_t
find_rank(const tr_runnable *set, size_t rank)
{
	size_t words = set->size / WORD_BITS, word = 0, step = 1;

	while (step * 2 <= words)
		step *= 2;
	for (; step > 0; step /= 2)
		if (word + step <= words && set->sums[word + step] <= rank) {
			word += step;
			rank -= set->sums[word];
		}
	uint64_t bits = set->present[word];

	while (rank-- > 0)
		bits &= bits - 1;
	return word * WORD_BITS + (size_t)__builtin_ctzll(bits);
}

uint32_t
tr_runnable_take(tr_runnable *set, size_t rank)
{
	TR_ASSERT(rank < set->count);
	size_t position = find_rank(set, rank);

	set->present[position / WORD_BITS] &= ~(UINT64_C(1) << position % WORD_BITS);
	change_sums(set, position / WORD_BITS, -UINT32_C(1));
	set->count--;
	return set->actors[position];
}

uint32_t
tr_runnable_next(const tr_runnable *set, size_t *position)
{
	while (*position < set->end) {
		uint64_t bits = set->present[*position / WORD_BITS] >> *position % WORD_BITS;

		if (bits != 0) {
			*position += (size_t)__builtin_ctzll(bits);
			return set->actors[(*position)++];
		}
		*position = (*position / WORD_BITS + 1) * WORD_BITS;
	}
	return 0;
}
