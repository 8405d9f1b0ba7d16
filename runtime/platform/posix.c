/* SPDX-License-Identifier: MIT */
#include "runtime/platform/platform.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND INT64_C(1000000000)

/* For calls that fail only when they are called wrongly: the fault is ours. */
#define MUST_BE_ZERO(call) \
	(TR_LIKELY((call) == 0) ? (void)0 : tr_blame_runtime(#call " failed", __FILE__, __LINE__))

unsigned
tr_cpu_limit(void)
{
	const long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : (unsigned)count;
}

static struct timespec
timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND };
}

/*
 * Time-outs must not move when somebody sets the clock of the wall: a
 * condition is waited for by the monotonic clock, or for a span of time.
 */
#if TR_HAVE_CONDATTR_SETCLOCK
static int
init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int error = pthread_condattr_init(&attributes);

	if (error)
		return error;
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!error)
		error = pthread_cond_init(condition, &attributes);
	MUST_BE_ZERO(pthread_condattr_destroy(&attributes));
	return error;
}

static int
wait_for_span(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t span_ns)
{
	const int64_t now = tr_clock_now();
	const int64_t end = span_ns > INT64_MAX - now ? INT64_MAX : now + span_ns;
	const struct timespec until = timespec_of(end);

	return pthread_cond_timedwait(condition, lock, &until);
}
#else
static int
init_condition(pthread_cond_t *condition)
{
	return pthread_cond_init(condition, NULL);
}

static int
wait_for_span(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t span_ns)
{
	const struct timespec span = timespec_of(span_ns);

	return pthread_cond_timedwait_relative_np(condition, lock, &span);
}
#endif

int
tr_parker_init(tr_parker *parker, uint32_t word)
{
	int error = init_condition(&parker->changed);

	if (error)
		return error;
	error = pthread_mutex_init(&parker->lock, NULL);
	if (error) {
		MUST_BE_ZERO(pthread_cond_destroy(&parker->changed));
		return error;
	}
	/* PK-none: nobody else knows the parker yet. */
	atomic_init(&parker->word, word);
	return 0;
}

void
tr_parker_fini(tr_parker *parker)
{
	MUST_BE_ZERO(pthread_mutex_destroy(&parker->lock));
	MUST_BE_ZERO(pthread_cond_destroy(&parker->changed));
}

void
tr_parker_wait(tr_parker *parker, uint32_t expected, int64_t timeout_ns)
{
	int error = 0;

	MUST_BE_ZERO(pthread_mutex_lock(&parker->lock));
	/*
	 * PK-none: relaxed is enough, because wake takes the lock after the
	 * word was changed.  Either it came first, and the lock shows us the
	 * change, or it finds us asleep and rouses us.
	 */
	if (atomic_load_explicit(&parker->word, memory_order_relaxed) == expected)
		error = timeout_ns < 0 ? pthread_cond_wait(&parker->changed, &parker->lock)
				       : wait_for_span(&parker->changed, &parker->lock, timeout_ns);
	MUST_BE_ZERO(pthread_mutex_unlock(&parker->lock));

	if (error && error != ETIMEDOUT)
		tr_blame_runtime("waiting for a condition failed", __FILE__, __LINE__);
}

void
tr_parker_wake(tr_parker *parker)
{
	MUST_BE_ZERO(pthread_mutex_lock(&parker->lock));
	MUST_BE_ZERO(pthread_cond_signal(&parker->changed));
	MUST_BE_ZERO(pthread_mutex_unlock(&parker->lock));
}

void
tr_pages_advise_huge(void *pages, size_t size)
{
	(void)pages;
	(void)size;
}

void
tr_pages_discard(void *pages, size_t size)
{
	/*
	 * Advice differs from system to system in whether zeros come back; a
	 * fresh mapping laid over the old one does not.  Where there is no
	 * room for it the memory stays, but the zeros are a promise.
	 */
	void *fresh = mmap(pages, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (fresh == MAP_FAILED)
		memset(pages, 0, size);
}
