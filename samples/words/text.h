/* SPDX-License-Identifier: MIT */
#ifndef WORDS_TEXT_H
#define WORDS_TEXT_H

/*
 * text -- bytes as words.
 *
 * A word is a longest run of bytes that are not white space of the C locale;
 * a NUL is a byte like any other.  Eight bytes are looked at at once, as a
 * number whose order is the order of the bytes, so a text must end in
 * TEXT_SLACK bytes of white space that are not part of it.
 */

#include <stddef.h>
#include <stdint.h>

#define TEXT_SLACK 8

struct word {
	const unsigned char *text;
	size_t length;
	uint64_t head; /* its first eight bytes, zeros behind a shorter one */
	uint32_t hash;
};

static inline uint64_t
text_load(const unsigned char *p)
{
	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
	    (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

/* The first n of eight bytes, n < 8. */
static inline uint64_t
text_first(uint64_t bytes, unsigned n)
{
	return bytes & ~(UINT64_MAX >> 8 * n);
}

#define TEXT_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* 0x80 in each byte that is in low..high, else 0.  No sum leaves its byte, so none disturbs another. */
static inline uint64_t
text_find_range(uint64_t bytes, unsigned low, unsigned high)
{
	const uint64_t ascii = bytes & TEXT_EACH_BYTE(0x7fu);
	const uint64_t reaches_low = ascii + TEXT_EACH_BYTE(0x80u - low);
	const uint64_t exceeds_high = ascii + TEXT_EACH_BYTE(0x7fu - high);

	return reaches_low & ~exceeds_high & ~bytes & TEXT_EACH_BYTE(0x80u);
}

static inline uint64_t
text_find_space(uint64_t bytes)
{
	return text_find_range(bytes, '\t', '\r') | text_find_range(bytes, ' ', ' ');
}

/* How many bytes stand before the first one that was found; found is not 0. */
static inline unsigned
text_before(uint64_t found)
{
	return (unsigned)__builtin_clzll(found) / 8;
}

static inline int
text_is_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline uint64_t
text_mix(uint64_t hash)
{
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static inline uint32_t
text_hash(uint64_t mixed, size_t length)
{
	return (uint32_t)(text_mix(text_mix(mixed ^ length)) >> 16);
}

/* The rest of a word whose first eight bytes, `head`, hold no space. */
static inline struct word
text_long_word(const unsigned char *p, uint64_t head)
{
	const unsigned char *q = p + 8;
	uint64_t bytes, found, hash = head;

	while ((found = text_find_space(bytes = text_load(q))) == 0) {
		hash = text_mix(hash) ^ bytes;
		q += 8;
	}

	const unsigned rest = text_before(found);
	const size_t length = (size_t)(q - p) + rest;

	hash = text_mix(hash) ^ text_first(bytes, rest);
	return (struct word){ p, length, head, text_hash(hash, length) };
}

/* The word that begins at p. */
static inline struct word
text_word(const unsigned char *p)
{
	const uint64_t bytes = text_load(p);
	const uint64_t found = text_find_space(bytes);

	if (found == 0)
		return text_long_word(p, bytes);

	const unsigned length = text_before(found);
	const uint64_t head = text_first(bytes, length);

	return (struct word){ p, length, head, text_hash(head, length) };
}

#endif /* WORDS_TEXT_H */
