/* SPDX-License-Identifier: MIT */
#include "runtime/platform/platform.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* For calls that fail only when they are called wrongly: the fault is ours. */
#define MUST_BE_ZERO(call) \
	(TR_LIKELY((call) == 0) ? (void)0 : tr_blame_runtime(#call " failed", __FILE__, __LINE__))

unsigned
tr_cpu_limit(void)
{
	const long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : (unsigned)count;
}

int64_t
tr_clock_about(void)
{
	return tr_clock_now();
}

int
tr_parker_init(tr_parker *parker, uint32_t word)
{
	int error = tr_cond_init(&parker->changed);

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
	const int64_t deadline = tr_clock_deadline(timeout_ns);

	MUST_BE_ZERO(pthread_mutex_lock(&parker->lock));
	/*
	 * PK-none: relaxed is enough, because wake takes the lock after the
	 * word was changed.  Either it came first, and the lock shows us the
	 * change, or it finds us asleep and rouses us.
	 */
	if (atomic_load_explicit(&parker->word, memory_order_relaxed) == expected)
		(void)tr_cond_wait_until(&parker->changed, &parker->lock, deadline);
	MUST_BE_ZERO(pthread_mutex_unlock(&parker->lock));
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
	void *fresh = mmap(pages, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    -1, 0);

	if (fresh == MAP_FAILED)
		memset(pages, 0, size);
}
