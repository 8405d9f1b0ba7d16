/* SPDX-License-Identifier: MIT */
#include "tests/model/checker.h"
#include "tests/model/seen.h"

#include "runtime/platform/platform.h"

#undef memset

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * system -- what the sources call of the system, in place of it.  A name that
 * the program defines itself is what it calls; the C library has its own.
 */

#define m  model_checker
#define PC __builtin_return_address(0)

static thread *
self(void)
{
	return &m->thread[m->running];
}

static unsigned
number_of(const place *p)
{
	return (unsigned)(p - m->place);
}

/* An operation on a lock or a queue: others in between make a difference. */
static void
pause_at(enum operation operation, place *p, place *and_also)
{
	self()->operations++;
	self()->gives_up = false;
	bool is_shared = model_is_shared(p, true);
	bool also_shared = and_also != NULL && model_is_shared(and_also, false);
	if (is_shared || also_shared)
		model_pause(operation, p, and_also, false);
	p->count++;
	self()->has_written = true;
}

/* --- Locks. --- */

static void
take_lock(place *lock, const void *pc)
{
	pause_at(TAKE_LOCK, lock, NULL);
	/* A lock that was never shared before may be held now. */
	while (lock->holder >= 0)
		model_pause(TAKE_LOCK, lock, NULL, false);
	lock->holder = m->running;
	model_acquire(&lock->messages[0]);
	model_note(TAKE_LOCK, lock, 0, 0, 0, pc);
}

static void
give_lock(place *lock, const void *pc)
{
	if (lock->holder != m->running)
		model_report("a lock is given by a thread that does not hold it", __FILE__, __LINE__);
	/* Nobody can do anything with the lock just before that he could not do after. */
	lock->holder = -1;
	lock->count++;
	self()->has_written = true;
	model_release(&lock->messages[0], false);
	model_note(GIVE_LOCK, lock, 0, 0, 0, pc);
}

int
pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attributes)
{
	(void)lock;
	(void)attributes;
	return 0;
}

int
pthread_mutex_destroy(pthread_mutex_t *lock)
{
	(void)lock;
	return 0;
}

int
pthread_mutex_lock(pthread_mutex_t *lock)
{
	if (m->running >= 0)
		take_lock(model_place((void *)lock, LOCK, 1), PC);
	return 0;
}

int
pthread_mutex_unlock(pthread_mutex_t *lock)
{
	if (m->running >= 0)
		give_lock(model_place((void *)lock, LOCK, 1), PC);
	return 0;
}

/* --- Waiting. --- */

void
model_rouse(thread *t, bool by_time)
{
	t->asleep = NULL;
	t->has_timed_out = by_time;
	t->next = ROUSED;
	t->at = t->and_at = NULL;
}

/* Until roused; whether by time. */
static bool
sleep_in(place *queue, bool may_time_out, int64_t deadline)
{
	thread *t = self();

	t->asleep = queue;
	t->may_time_out = may_time_out;
	t->deadline = deadline;
	model_pause(WAIT_ASLEEP, NULL, NULL, false);
	return t->has_timed_out;
}

static void
rouse_one(const place *queue)
{
	for (unsigned i = 0; i < m->threads; i++)
		if (m->thread[i].next == WAIT_ASLEEP && m->thread[i].asleep == queue) {
			model_rouse(&m->thread[i], false);
			return;
		}
}

/*
 * The oldest store that the thread may read, and that is not older than what a
 * wake knew of, that is as expected, or is not; the number of stores: none.
 */
static unsigned
find_store(const place *word, const place *queue, uint32_t expected, bool same)
{
	unsigned oldest = self()->view[number_of(word)];
	unsigned i = oldest > queue->floor ? oldest : queue->floor;

	while (i < word->count && (word->messages[i].value == expected) != same)
		i++;
	return i;
}

enum { SLEEPS, RETURNS, RETURNS_EARLY };

static void
wait_on_word(uint32_t *address, uint32_t expected, const struct timespec *timeout, const void *pc)
{
	place *queue = model_place(address, QUEUE, 4), *word = model_place(address, VARIABLE, 4);

	pause_at(WAIT, queue, word);
	unsigned differs = find_store(word, queue, expected, false);
	bool may_differ = differs < word->count,
	     may_be_same = find_store(word, queue, expected, true) < word->count;
	uint64_t mask = (uint64_t)may_be_same << SLEEPS | (uint64_t)may_differ << RETURNS |
			(uint64_t)(m->early > 0 && !may_differ && !m->is_settling) << RETURNS_EARLY;
	unsigned picked = model_pick(mask, mask);

	model_note(WAIT, queue, 0, picked, expected, pc);
	m->early -= picked == RETURNS_EARLY;
	/* It was read for this thread, on its core: what it reads next there is not older. */
	if (picked == RETURNS)
		self()->view[number_of(word)] = (uint8_t)differs;
	if (picked == SLEEPS)
		(void)sleep_in(queue, timeout != NULL,
		    timeout != NULL ? m->now + timeout->tv_sec * 1000000000 + timeout->tv_nsec : 0);
}

static void
wake_on_word(uint32_t *address, const void *pc)
{
	place *queue = model_place(address, QUEUE, 4), *word = model_place(address, VARIABLE, 4);
	unsigned known;

	pause_at(WAKE, queue, NULL);
	known = self()->view[number_of(word)];
	if (queue->floor < known)
		queue->floor = known;
	model_note(WAKE, queue, 0, 0, 0, pc);
	rouse_one(queue);
}

long
syscall(long number, ...)
{
	va_list arguments;

	va_start(arguments, number);
	uint32_t *address = va_arg(arguments, uint32_t *);
	int operation = va_arg(arguments, int);
	uint32_t value = va_arg(arguments, uint32_t);
	const struct timespec *timeout = va_arg(arguments, const struct timespec *);
	va_end(arguments);
	if (number != SYS_futex)
		model_fail("a system call that is not modelled", __FILE__, __LINE__);
	if (m->running < 0)
		return 0;
	if (operation == FUTEX_WAIT_PRIVATE)
		wait_on_word(address, value, timeout, PC);
	else
		wake_on_word(address, PC);
	return 0;
}

static int
wait_on_condition(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until,
    const void *pc)
{
	place *queue = model_place((void *)condition, QUEUE, 4), *lock = model_place((void *)mutex, LOCK, 1);
	bool timed_out = false;

	pause_at(WAIT, queue, NULL);
	uint64_t mask = m->early > 0 && !m->is_settling ? 1u << SLEEPS | 1u << RETURNS_EARLY : 1u << SLEEPS;
	unsigned picked = model_pick(mask, mask);

	model_note(WAIT, queue, 0, picked, 0, pc);
	give_lock(lock, pc);
	if (picked == SLEEPS)
		timed_out = sleep_in(queue, until != NULL,
		    until != NULL ? until->tv_sec * 1000000000 + until->tv_nsec : 0);
	else
		m->early--;
	take_lock(lock, pc);
	return timed_out ? ETIMEDOUT : 0;
}

int
pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock)
{
	return wait_on_condition(condition, lock, NULL, PC);
}

int
pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *lock, const struct timespec *until)
{
	return wait_on_condition(condition, lock, until, PC);
}

static void
signal_condition(pthread_cond_t *condition, bool all, const void *pc)
{
	place *queue = model_place((void *)condition, QUEUE, 4);

	pause_at(WAKE, queue, NULL);
	model_note(WAKE, queue, 0, 0, 0, pc);
	for (unsigned i = 0; i < (all ? m->threads : 1); i++)
		rouse_one(queue);
}

int
pthread_cond_signal(pthread_cond_t *condition)
{
	if (m->running >= 0)
		signal_condition(condition, false, PC);
	return 0;
}

int
pthread_cond_broadcast(pthread_cond_t *condition)
{
	if (m->running >= 0)
		signal_condition(condition, true, PC);
	return 0;
}

/* --- Spinning. --- */

/* Whether this round of the loop has read or done anything that the last one has not. */
static bool
is_new_round(const thread *t)
{
	if (t->has_written || t->reads_before == 0)
		return true;
	for (unsigned i = 0; i < t->reads; i++) {
		unsigned j = 0;

		while (j < t->reads_before && t->before[j].place != t->now[i].place)
			j++;
		if (j == t->reads_before || t->now[i].index > t->before[j].index)
			return true;
	}
	return false;
}

void
model_round(bool is_bounded)
{
	thread *t = self();

	if (t->gives_up && is_bounded)
		return;
	if (!m->replays && !is_new_round(t))
		model_leave(REDUNDANT);
	memmove(t->before, t->now, sizeof t->before);
	t->reads_before = t->reads;
	t->reads = 0;
	bool has_written = t->has_written;
	t->has_written = t->gives_up = false;
	t->operations++;
	/* It only wrote: what it waits for is not known yet. */
	if (t->reads_before == 0 && has_written)
		return;
	if (is_bounded && m->is_settling) {
		t->gives_up = true;
		return;
	}
	if (is_bounded && m->what->gives_up) {
		t->gives_up = model_pick(3, 3) == 0;
		if (t->gives_up)
			return;
	}
	t->may_give_up = is_bounded && m->what->gives_up;
	model_pause(SPIN, NULL, NULL, false);
}

void
model_spin(void)
{
	if (m->running >= 0)
		model_round(true);
}

int
sched_yield(void)
{
	if (m->running >= 0)
		model_round(false);
	return 0;
}

/* --- Time and memory. --- */

/* Who looks at the clock, and who moves it on, make a difference to each other. */
static void
pause_at_clock(bool moves)
{
	place *clock = model_place(&m->now, QUEUE, 4);

	self()->operations++;
	if (model_is_shared(clock, moves))
		model_pause(CHOOSE, clock, NULL, false);
	clock->count++;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	if (m->running >= 0)
		pause_at_clock(false);
	*now = (struct timespec){ .tv_sec = m->now / 1000000000, .tv_nsec = m->now % 1000000000 };
	return 0;
}

void
model_clock_reach(int64_t ns)
{
	if (m->running >= 0)
		pause_at_clock(true);
	if (m->now < ns)
		m->now = ns;
}

void *
model_take(uint64_t size)
{
	size_t at = (m->heap_used + 63) & ~(size_t)63;

	if (size > HEAP - at)
		model_fail("more memory than the checker has", __FILE__, __LINE__);
	m->heap_used = at + size;
	return m->heap + at;
}

void *
mmap(void *at, size_t size, int protection, int flags, int file, off_t offset)
{
	(void)at;
	(void)protection;
	(void)flags;
	(void)file;
	(void)offset;
	return model_take(size);
}

int
munmap(void *pages, size_t size)
{
	(void)pages;
	(void)size;
	return 0;
}

int
madvise(void *pages, size_t size, int advice)
{
	if (advice == MADV_DONTNEED)
		memset(pages, 0, size);
	return 0;
}

void *
model_heap_take(size_t size)
{
	return model_take(size);
}

void *
model_heap_take_zeroed(size_t count, size_t size)
{
	return model_take(count * size);
}

void *
model_heap_take_aligned(size_t alignment, size_t size)
{
	return alignment <= 64 ? model_take(size) : NULL;
}

void
model_heap_give(void *block)
{
	(void)block;
}

void *
model_copy(void *to, const void *from, size_t size)
{
	model_plain((uintptr_t)from, size, false, PC);
	model_plain((uintptr_t)to, size, true, PC);
	return memmove(to, from, size);
}

void *
model_fill(void *at, int byte, size_t size)
{
	model_plain((uintptr_t)at, size, true, PC);
	return memset(at, byte, size);
}

/* --- For harnesses. --- */

unsigned
model_choose(unsigned n)
{
	return model_pick((UINT64_C(1) << n) - 1, (UINT64_C(1) << n) - 1);
}

void
model_outcome(unsigned n)
{
	m->outcomes |= UINT64_C(1) << n;
}

unsigned
model_self(void)
{
	return (unsigned)m->running;
}
