/* SPDX-License-Identifier: MIT */
#ifndef WORDS_COUNTER_H
#define WORDS_COUNTER_H

/* counter -- counts the words of some hashes.  Its start argument is the collector's handle. */

#include <troupe.h>

extern const troupe_class counter_class;

#endif /* WORDS_COUNTER_H */
