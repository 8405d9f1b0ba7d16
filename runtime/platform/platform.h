/* SPDX-License-Identifier: MIT */
#ifndef TR_PLATFORM_H
#define TR_PLATFORM_H

#include "runtime/platform/base.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * platform -- all that troupe needs of the operating system.
 *
 * common.c has what POSIX gives everywhere; exactly one of linux.c and
 * posix.c is built, and nothing else in the runtime asks which.
 *
 * Threads    Any thread may call anything here, but for a parker's wait,
 *            which is for its one owner.
 * Failure    By return value, as each call says; a parker and the clock
 *            cannot fail.
 */

/* Nanoseconds of the monotonic clock. */
int64_t tr_clock_now(void);

/* `delay` (not negative) after `time`; INT64_MAX when that is beyond. */
static inline int64_t
tr_time_after(int64_t time, int64_t delay)
{
	return time > INT64_MAX - delay ? INT64_MAX : time + delay;
}

/* When a wait that begins now ends: a time of the clock, or -1, for ever, when timeout_ns is negative or beyond. */
static inline int64_t
tr_clock_deadline(int64_t timeout_ns)
{
	int64_t deadline = timeout_ns < 0 ? INT64_MAX : tr_time_after(tr_clock_now(), timeout_ns);

	return deadline == INT64_MAX ? -1 : deadline;
}

/*
 * A time at most TR_CLOCK_SLACK_NS after now, and not before it unless the
 * system's tick is later than that: for a fraction of the price, where the
 * system keeps such a clock.
 */
int64_t tr_clock_about(void);
#define TR_CLOCK_SLACK_NS INT64_C(10000000)

/*
 * CPUs that this process may use at once: the affinity mask and the CPU
 * limits of its cgroup and the groups above (quota / period, rounded up)
 * taken together.  At least 1.
 */
unsigned tr_cpu_limit(void);

/*
 * A parker is where one thread, its owner, sleeps until another changes its
 * word.  The word is the caller's; a parker only compares it.
 *
 * Ordering edges: none of its own.  Who changes the word publishes with the
 * order that the change needs, and then calls wake.
 */
typedef struct tr_parker {
	_Atomic uint32_t word;
#if !TR_LINUX
	pthread_mutex_t lock;
	pthread_cond_t changed;
#endif
} tr_parker;

/* 0, or ENOMEM/EAGAIN from the system.  The word starts as `word`. */
int tr_parker_init(tr_parker *parker, uint32_t word);
void tr_parker_fini(tr_parker *parker);

/*
 * Sleep while the word is `expected`, at most timeout_ns (negative: no
 * limit).  May return early for no reason: the caller looks at the word and
 * decides.
 */
void tr_parker_wait(tr_parker *parker, uint32_t expected, int64_t timeout_ns);

/* Rouse the owner if it sleeps.  To be called after the word was changed. */
void tr_parker_wake(tr_parker *parker);

/* Tell the core that this is a spin loop. */
static inline void
tr_spin_hint(void)
{
#if defined __x86_64__ || defined __i386__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ __volatile__("isb");
#endif
}

/*
 * Start a thread with every signal blocked, but for those that it can only
 * raise by a fault of its own (SIGSEGV and the like), which stay open for
 * whoever reports crashes; with an alternate stack for signals, so that even
 * a stack that is used up can be reported, unless there is no memory for it
 * or the system has given the thread one; and, where the system can, with
 * `name` (at most 15 bytes are used).  The thread ends when work returns.
 * 0, or an errno value, and *thread is untouched.
 */
int tr_thread_start(pthread_t *thread, const char *name, void *(*work)(void *), void *argument);

/* A condition variable on the clock of tr_clock_now.  0, or an errno value. */
int tr_cond_init(pthread_cond_t *cond);

/* Wait on it until `deadline` (negative: for ever); false when the deadline has passed.  May return early. */
bool tr_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *held, int64_t deadline);

/*
 * Reserve `size` bytes of zeroed address space that takes memory only where
 * it is touched.  NULL when the system refuses.  Page-aligned.
 */
void *tr_pages_reserve(size_t size);
void tr_pages_release(void *pages, size_t size);

/* Bytes of a page: a power of two. */
size_t tr_page_size(void);

/* The reserved bytes may be backed by huge pages, where the system has them. */
void tr_pages_advise_huge(void *pages, size_t size);

/* Give the memory behind whole pages back; they read as zero afterwards. */
void tr_pages_discard(void *pages, size_t size);

#endif /* TR_PLATFORM_H */
