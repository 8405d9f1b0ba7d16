/* SPDX-License-Identifier: MIT */
#ifndef WORDS_READER_H
#define WORDS_READER_H

/* reader -- joins the files, as cat does, and cuts them into blocks for the splitters. */

#include "protocol.h"

#include <stdbool.h>
#include <troupe.h>

/* The start argument.  What it points to outlives the reader. */
struct reader_task {
	char *const *files; /* names, then NULL; "-" is standard input */
	bool *read_all;     /* set when the end is reached and no file failed */
	troupe_ref splitters[SPLITTERS];
};

extern const troupe_class reader_class;

#endif /* WORDS_READER_H */
