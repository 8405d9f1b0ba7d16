/* SPDX-License-Identifier: MIT */
#ifndef TR_POISON_H
#define TR_POISON_H

#include "runtime/platform/base.h"

/*
 * poison -- under AddressSanitizer, free slots are marked unreadable, so that
 * a program that uses a message after it has gone is told at once.
 */

#if defined __SANITIZE_ADDRESS__
#define TR_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define TR_ASAN 1
#endif
#endif
#ifndef TR_ASAN
#define TR_ASAN 0
#endif

#if TR_ASAN
#include <sanitizer/asan_interface.h>
#define tr_poison(address, size)   __asan_poison_memory_region((address), (size))
#define tr_unpoison(address, size) __asan_unpoison_memory_region((address), (size))
#else
#define tr_poison(address, size)   ((void)(address), (void)(size))
#define tr_unpoison(address, size) ((void)(address), (void)(size))
#endif

#endif /* TR_POISON_H */
