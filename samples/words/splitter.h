/* SPDX-License-Identifier: MIT */
#ifndef WORDS_SPLITTER_H
#define WORDS_SPLITTER_H

/* splitter -- finds the words of a block and sends them to the counters.  Its start argument is the array of them. */

#include <troupe.h>

extern const troupe_class splitter_class;

#endif /* WORDS_SPLITTER_H */
