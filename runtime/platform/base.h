/* SPDX-License-Identifier: MIT */
#ifndef TR_BASE_H
#define TR_BASE_H

#include "config.h"

#include <stddef.h>

/*
 * base -- what every internal header may use: attributes and checks.
 *
 * Three kinds of check, by who is to blame and when it is compiled in:
 *   TR_REQUIRE  the caller of the public interface broke its contract and
 *               memory safety is at stake: always there, aborts
 *   TR_ASSERT   the runtime broke an invariant of its own: --enable-checks=fast
 *   TR_AUDIT    the same, but costly to find out: --enable-checks=full
 */

/* The unit of transfer between cores; what two writers must not share. */
#define TR_CACHE_LINE 64

#define TR_MUST_USE    __attribute__((warn_unused_result))
#define TR_COLD        __attribute__((noinline, cold))
#define TR_NORETURN    __attribute__((noreturn))
#define TR_LIKELY(x)   __builtin_expect(!!(x), 1)
#define TR_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TR_INLINE      static inline __attribute__((always_inline))

/* Prints "troupe: <call>: <what the caller did>" to stderr and aborts. */
TR_NORETURN TR_COLD void tr_blame_caller(const char *call, const char *what);
/* Prints "troupe: internal error: <condition> (<file>:<line>)" and aborts. */
TR_NORETURN TR_COLD void tr_blame_runtime(const char *condition, const char *file, int line);

#define TR_REQUIRE(condition, what) \
	(TR_LIKELY(condition) ? (void)0 : tr_blame_caller(__func__, what))

#if TROUPE_CHECKS >= 1
#define TR_ASSERT(condition) \
	(TR_LIKELY(condition) ? (void)0 : tr_blame_runtime(#condition, __FILE__, __LINE__))
#else
#define TR_ASSERT(condition) ((void)sizeof(condition))
#endif

#if TROUPE_CHECKS >= 2
#define TR_AUDIT(condition) TR_ASSERT(condition)
#else
#define TR_AUDIT(condition) ((void)sizeof(condition))
#endif

#endif /* TR_BASE_H */
