/* SPDX-License-Identifier: MIT */
#include "runtime/platform/platform.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND INT64_C(1000000000)

/* What the system keeps of a thread's name, with the final NUL; Linux refuses more. */
#define THREAD_NAME_SIZE 16

/* A hint only: systems without it reserve lazily anyway. */
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* For calls that fail only when they are called wrongly: the fault is ours. */
#define MUST_BE_ZERO(call) \
	(TR_LIKELY((call) == 0) ? (void)0 : tr_blame_runtime(#call " failed", __FILE__, __LINE__))

void
tr_blame_caller(const char *call, const char *what)
{
	/* One call is one write: lines of several threads do not mix. */
	(void)fprintf(stderr, "troupe: %s: %s\n", call, what);
	abort();
}

void
tr_blame_runtime(const char *condition, const char *file, int line)
{
	(void)fprintf(stderr, "troupe: internal error: %s (%s:%d)\n", condition, file, line);
	abort();
}

static struct timespec
timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND };
}

int64_t
tr_clock_now(void)
{
	struct timespec now;

	MUST_BE_ZERO(clock_gettime(CLOCK_MONOTONIC, &now));
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/*
 * The signals that a thread raises by its own fault stay open: the system
 * kills a process whose fault is blocked, and neither a crash handler nor a
 * sanitizer would get to say where.  abort is one of them: not every libc
 * opens SIGABRT before it takes the handler away.
 */
static void
fill_all_but_faults(sigset_t *set)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };

	MUST_BE_ZERO(sigfillset(set));
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		MUST_BE_ZERO(sigdelset(set, faults[i]));
}

#if TR_HAVE_SETNAME
static void
name_thread(pthread_t thread, const char *name)
{
	char text[THREAD_NAME_SIZE] = "";

	strncat(text, name, sizeof text - 1);
	/* A name is a courtesy to whoever looks: a thread works without one. */
	(void)pthread_setname_np(thread, text);
}
#else
static void
name_thread(pthread_t thread, const char *name)
{
	(void)thread;
	(void)name;
}
#endif

/* --- Alternate stacks. --- */

/*
 * For handlers of any kind, beyond what the system itself puts on the stack:
 * sanitizers and libraries that print a backtrace allow for 32 KiB and less.
 * It takes memory only where it is used.
 */
#define SIGNAL_STACK_ROOM 65536

/* What a thread begins with: at the upper end of its alternate stack, which grows away from it. */
struct beginning {
	_Alignas(16) void *(*work)(void *);
	void *argument;
	void *stack;
	size_t size; /* of the stack, without this */
};

static size_t
size_of_signal_stack(void)
{
#ifdef _SC_MINSIGSTKSZ
	const long least = sysconf(_SC_MINSIGSTKSZ);
#else
	const long least = MINSIGSTKSZ;
#endif

	return SIGNAL_STACK_ROOM + (least > 0 ? (size_t)least & ~(size_t)15 : 0);
}

/* NULL: no memory. */
static struct beginning *
create_beginning(void *(*work)(void *), void *argument)
{
	const size_t size = size_of_signal_stack();
	char *stack = tr_pages_reserve(size + sizeof(struct beginning));

	if (!stack)
		return NULL;
	struct beginning *beginning = (struct beginning *)(void *)(stack + size);
	*beginning = (struct beginning){ work, argument, stack, size };
	return beginning;
}

static void
destroy_beginning(struct beginning *beginning)
{
	if (beginning)
		tr_pages_release(beginning->stack, beginning->size + sizeof *beginning);
}

/* Sanitizers give the threads of a program an alternate stack of their own. */
static bool
has_signal_stack(void)
{
	stack_t now;

	MUST_BE_ZERO(sigaltstack(NULL, &now));
	return !(now.ss_flags & SS_DISABLE);
}

static void *
begin_thread(void *argument)
{
	struct beginning *beginning = argument;
	const stack_t mine = { .ss_sp = beginning->stack, .ss_size = beginning->size };
	const stack_t none = { .ss_flags = SS_DISABLE, .ss_size = beginning->size };
	stack_t last;

	if (!has_signal_stack())
		MUST_BE_ZERO(sigaltstack(&mine, NULL));
	void *result = beginning->work(beginning->argument);
	/* Whoever set another one meanwhile sees to that. */
	MUST_BE_ZERO(sigaltstack(NULL, &last));
	if (!(last.ss_flags & SS_DISABLE) && last.ss_sp == mine.ss_sp)
		MUST_BE_ZERO(sigaltstack(&none, NULL));
	destroy_beginning(beginning);
	return result;
}

/* As pthread_create, which it is when there is no memory for an alternate stack. */
static int
create_thread(pthread_t *thread, void *(*work)(void *), void *argument)
{
	struct beginning *beginning = create_beginning(work, argument);
	const int error = beginning ? pthread_create(thread, NULL, begin_thread, beginning)
	                            : pthread_create(thread, NULL, work, argument);

	if (error)
		destroy_beginning(beginning);
	return error;
}

int
tr_thread_start(pthread_t *thread, const char *name, void *(*work)(void *), void *argument)
{
	sigset_t blocked;
	sigset_t before;

	/*
	 * A new thread inherits the mask: blocking here, and not first thing
	 * in the thread, leaves no moment in which it could take a signal.
	 */
	fill_all_but_faults(&blocked);
	int error = pthread_sigmask(SIG_SETMASK, &blocked, &before);
	if (error)
		return error;

	/* *thread is not the caller's business before there is a thread. */
	pthread_t started;
	error = create_thread(&started, work, argument);
	MUST_BE_ZERO(pthread_sigmask(SIG_SETMASK, &before, NULL));
	if (error)
		return error;

	name_thread(started, name);
	*thread = started;
	return 0;
}

size_t
tr_page_size(void)
{
	long size = sysconf(_SC_PAGESIZE);

	return size > 0 ? (size_t)size : 4096;
}

void *
tr_pages_reserve(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	    -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

void
tr_pages_release(void *pages, size_t size)
{
	MUST_BE_ZERO(munmap(pages, size));
}

/*
 * Deadlines must not move when somebody sets the clock of the wall: a
 * condition is waited for by the monotonic clock or, where it cannot be, for
 * the span that is left.
 */
#if TR_HAVE_CONDATTR_SETCLOCK
int
tr_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	int error = pthread_condattr_init(&attributes);

	if (error)
		return error;
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!error)
		error = pthread_cond_init(cond, &attributes);
	MUST_BE_ZERO(pthread_condattr_destroy(&attributes));
	return error;
}

static int
wait_with_deadline(pthread_cond_t *cond, pthread_mutex_t *held, int64_t deadline)
{
	const struct timespec until = timespec_of(deadline);

	return pthread_cond_timedwait(cond, held, &until);
}
#else
int
tr_cond_init(pthread_cond_t *cond)
{
	return pthread_cond_init(cond, NULL);
}

static int
wait_with_deadline(pthread_cond_t *cond, pthread_mutex_t *held, int64_t deadline)
{
	const int64_t now = tr_clock_now();
	const struct timespec span = timespec_of(deadline > now ? deadline - now : 0);

	return pthread_cond_timedwait_relative_np(cond, held, &span);
}
#endif

bool
tr_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *held, int64_t deadline)
{
	const int error = deadline < 0 ? pthread_cond_wait(cond, held) : wait_with_deadline(cond, held, deadline);

	if (error && error != ETIMEDOUT)
		tr_blame_runtime("waiting for a condition failed", __FILE__, __LINE__);
	return error == 0;
}
