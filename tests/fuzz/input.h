/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

/*
 * input -- bytes to be read as a program.  One that is at its end gives zeros,
 * so that every prefix of an input is an input.
 */

typedef struct fuzz_input {
	const uint8_t *at, *end;
} fuzz_input;

/* What libFuzzer, or replay.c, calls with each input.  Returns 0; what is wrong aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline uint8_t
fuzz_byte(fuzz_input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* From 0 to limit - 1. */
static inline uint32_t
fuzz_below(fuzz_input *in, uint32_t limit)
{
	return fuzz_byte(in) % limit;
}

/* The next `size` bytes, or as many as there are, are another's to read. */
static inline fuzz_input
fuzz_slice(fuzz_input *in, size_t size)
{
	size_t left = (size_t)(in->end - in->at);
	fuzz_input slice = { in->at, in->at + (size < left ? size : left) };

	in->at = slice.end;
	return slice;
}

#endif /* FUZZ_INPUT_H */
