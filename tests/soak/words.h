/* SPDX-License-Identifier: MIT */
#ifndef SOAK_WORDS_H
#define SOAK_WORDS_H

/*
 * words -- the last words of a process that ends by a crash, an abort or a
 * sanitizer's finding: which round it was, and how to repeat it.
 */

/* Before any runtime is opened: the runtime calls the handlers that were there before its own. */
void soak_prepare_last_words(void);

/* Copied; "" for none. */
void soak_set_last_words(const char *text);

#endif /* SOAK_WORDS_H */
