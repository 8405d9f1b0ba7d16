/* SPDX-License-Identifier: MIT */
#ifndef MODEL_SEEN_H
#define MODEL_SEEN_H

/*
 * seen -- included before each source that is checked (-include): what the
 * compiler would not tell the checker of, or only in some versions.
 */

#include "runtime/platform/platform.h"

#include <stdlib.h>
#include <string.h>

void model_spin(void);
void *model_copy(void *to, const void *from, size_t size);
void *model_fill(void *at, int byte, size_t size);
void *model_heap_take(size_t size);
void *model_heap_take_zeroed(size_t count, size_t size);
void *model_heap_take_aligned(size_t alignment, size_t size);
void model_heap_give(void *block);

#define tr_spin_hint  model_spin
#define memcpy        model_copy
#define memset        model_fill
#define malloc        model_heap_take
#define calloc        model_heap_take_zeroed
#define aligned_alloc model_heap_take_aligned
#define free          model_heap_give

#endif /* MODEL_SEEN_H */
