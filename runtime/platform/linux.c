/* SPDX-License-Identifier: MIT */
#include "runtime/platform/platform.h"

#include "runtime/platform/cgroup.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND INT64_C(1000000000)

/* Linux builds for up to 8192 CPUs today; beyond this the mask is not worth the memory. */
#define AFFINITY_CPUS_MAX (1 << 16)

/* Bytes of /proc/self/cgroup that are looked at: 13 hierarchies of version 1 with long paths. */
#define GROUPS_TEXT_SIZE 16384

/* The kernel compares 32 bits at the word's address. */
static_assert(sizeof(_Atomic uint32_t) == 4, "a parker's word must be what a futex is");

static unsigned
smaller_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* CPUs in this thread's affinity mask; 0 when the system does not say. */
static unsigned
count_affinity_cpus(void)
{
	/* The system refuses a mask that is shorter than its own. */
	for (int cpus = 1024; cpus <= AFFINITY_CPUS_MAX; cpus *= 2) {
		cpu_set_t *mask = CPU_ALLOC((size_t)cpus);
		if (!mask)
			return 0;

		const size_t size = CPU_ALLOC_SIZE((size_t)cpus);
		CPU_ZERO_S(size, mask);
		const int failed = sched_getaffinity(0, size, mask);
		const int error = errno;
		const int count = failed ? 0 : CPU_COUNT_S(size, mask);
		CPU_FREE(mask);
		if (!failed || error != EINVAL)
			return (unsigned)count;
	}
	return 0;
}

static unsigned
count_online_cpus(void)
{
	const long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : (unsigned)count;
}

/* CPUs that the groups of this process allow; 0 for no limit. */
static unsigned
count_group_cpus(void)
{
	char text[GROUPS_TEXT_SIZE];
	FILE *file = fopen("/proc/self/cgroup", "re");

	if (!file)
		return 0; /* a system without groups */
	const size_t length = fread(text, 1, sizeof text - 1, file);
	(void)fclose(file); /* only read: nothing can be lost */
	text[length] = '\0';
	return tr_cgroup_cpu_limit("/sys/fs/cgroup", text);
}

unsigned
tr_cpu_limit(void)
{
	const unsigned in_mask = count_affinity_cpus();
	const unsigned in_group = count_group_cpus();
	const unsigned cpus = in_mask ? in_mask : count_online_cpus();

	return in_group ? smaller_of(cpus, in_group) : cpus;
}

/* Whether the coarse clock goes on by steps, the kernel's ticks, that are short enough: which does not change. */
static bool
has_fine_ticks(void)
{
	struct timespec step;

	return clock_getres(CLOCK_MONOTONIC_COARSE, &step) == 0 && step.tv_sec == 0 && step.tv_nsec <= TR_CLOCK_SLACK_NS;
}

int64_t
tr_clock_about(void)
{
	static _Thread_local enum { UNKNOWN, USABLE, UNUSABLE } coarse;
	struct timespec last;

	if (coarse == UNKNOWN)
		coarse = has_fine_ticks() ? USABLE : UNUSABLE;
	if (coarse == UNUSABLE || clock_gettime(CLOCK_MONOTONIC_COARSE, &last) != 0)
		return tr_clock_now();
	/* It says when the last tick was.  The next one may be late, on a virtual machine by more than a step. */
	return (int64_t)last.tv_sec * NS_PER_SECOND + last.tv_nsec + TR_CLOCK_SLACK_NS;
}

int
tr_parker_init(tr_parker *parker, uint32_t word)
{
	/* PK-none: nobody else knows the parker yet. */
	atomic_init(&parker->word, word);
	return 0;
}

void
tr_parker_fini(tr_parker *parker)
{
	(void)parker;
}

void
tr_parker_wait(tr_parker *parker, uint32_t expected, int64_t timeout_ns)
{
	/* Relative, and measured on the monotonic clock. */
	const struct timespec limit = {
		.tv_sec = timeout_ns / NS_PER_SECOND,
		.tv_nsec = timeout_ns % NS_PER_SECOND,
	};

	/*
	 * The kernel compares and falls asleep in one step under a lock that
	 * wake takes too: a change of the word before the comparison is seen,
	 * and the wake after a later one finds the sleeper.
	 */
	const long result = syscall(SYS_futex, &parker->word, FUTEX_WAIT_PRIVATE, expected,
	    timeout_ns < 0 ? NULL : &limit, NULL, 0);

	if (result == -1 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
		tr_blame_runtime("futex wait failed", __FILE__, __LINE__);
}

void
tr_parker_wake(tr_parker *parker)
{
	/*
	 * The address is all that is used, so the owner may have seen the
	 * word, gone its way and freed the parker: then this rouses nobody,
	 * fails, or ends early a wait on what lies there now, which a wait
	 * may do.  Hence no look at the result.
	 */
	(void)syscall(SYS_futex, &parker->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void
tr_pages_advise_huge(void *pages, size_t size)
{
	/* A kernel without huge pages refuses, and that is all right. */
	(void)madvise(pages, size, MADV_HUGEPAGE);
}

void
tr_pages_discard(void *pages, size_t size)
{
	/* Locked pages are refused: they keep their memory, but the zeros are a promise. */
	if (madvise(pages, size, MADV_DONTNEED) != 0)
		memset(pages, 0, size);
}
