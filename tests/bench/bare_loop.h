/* SPDX-License-Identifier: MIT */
#ifndef BARE_LOOP_H
#define BARE_LOOP_H

/*
 * The loop of the yardstick: messages, actors, and the workers that run them.
 * Who includes it says what an actor does with a message, in behave().
 */

#include "bare_memory.h"

#include <stdlib.h>

#if defined __linux__
#if defined __has_include
#if __has_include(<linux/futex.h>)
#include <linux/futex.h>
#endif
#endif
#ifndef FUTEX_WAIT_PRIVATE /* a libc without the kernel's headers */
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129
#endif
#include <sys/syscall.h>
#endif

enum {
	TURN = 256,       /* credits of a turn whose backlog is no longer than this */
	CHAIN = 64,       /* turns in a row from the slot, before the ring has its turn */
	FAIR = 64,        /* dispatches until the overflow is looked at, busy or not */
	RING = 256,       /* runnable actors that a worker holds; a power of two */
	REFILL = 63,      /* and one: runnable actors taken from the overflow at once */
	SPIN = 200,       /* looks around before a worker sleeps */
	WORTH = 4,        /* turns for each stolen actor that make a theft worth while */
	PATIENCE = 8192,  /* pauses before a theft, at most: a fraction of a millisecond */
	CHUNK_ACTORS = 510, /* of the overflow: with what else a chunk has, a page */
	WORKERS_MAX = 64
};

/* ---- What moves: messages and actors ---------------------------------- */

typedef struct actor actor;
typedef struct msg msg;

struct msg {
	msg *next;          /* older while in an inbox, newer once taken */
	uint32_t kind;
	int32_t extra;
	actor *from;
	int64_t value;
};

/* The inbox word is the newest message that waits, or one of these. */
static const uintptr_t BUSY = 0; /* runs or is queued to run; nothing waits */
static const uintptr_t IDLE = 1; /* whoever takes this mark away must queue the actor */

struct actor {
	/* Every sender writes it. */
	alignas(LINE) _Atomic(uintptr_t) inbox;

	/* The rest is for whoever holds the actor: a queue, or the worker that runs it. */
	msg *todo;          /* taken, oldest first */
	int32_t backlog;    /* length of todo */
	bool stopping;

	/* The state: 32 bytes, whatever the workload makes of them. */
	actor *peer;        /* or parent */
	int64_t left;
	int64_t sum;
	uint64_t seed;
};

_Static_assert(sizeof(msg) == 32 && sizeof(actor) == 64, "half a line and a line");

typedef struct {
	alignas(LINE) actor *slot; /* runs next, here: never stolen, wakes nobody */
	int credit;
	uint32_t chain;     /* turns from the slot without a look at the ring */
	uint32_t tick;      /* turns so far */
	uint32_t loot;      /* actors of the last theft; 0 once it is judged */
	uint32_t looted_at; /* its tick */
	uint32_t patience;  /* pauses before the next */
	stack msgs, actors;

	/* Who takes moves head, thieves too; only the worker moves tail. */
	alignas(LINE) atomic_uint head;
	alignas(LINE) atomic_uint tail;
	alignas(LINE) _Atomic(actor *) ring[RING];
} worker;

static worker workers[WORKERS_MAX];
static unsigned worker_count = 2;

/* ---- Sleep and wake ------------------------------------------------------- */

static struct {
	alignas(LINE) atomic_int sleepers;
	atomic_int searchers;
	atomic_uint epoch;
} parking;

#if defined __linux__
static void
epoch_wait(unsigned seen)
{
	syscall(SYS_futex, &parking.epoch, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void
epoch_advance(void)
{
	atomic_fetch_add_explicit(&parking.epoch, 1, RELEASE);
	syscall(SYS_futex, &parking.epoch, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
#else
static pthread_mutex_t epoch_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t epoch_moved = PTHREAD_COND_INITIALIZER;

static void
epoch_wait(unsigned seen)
{
	pthread_mutex_lock(&epoch_lock);
	while (atomic_load_explicit(&parking.epoch, RELAXED) == seen)
		pthread_cond_wait(&epoch_moved, &epoch_lock);
	pthread_mutex_unlock(&epoch_lock);
}

static void
epoch_advance(void)
{
	pthread_mutex_lock(&epoch_lock);
	atomic_fetch_add_explicit(&parking.epoch, 1, RELEASE);
	pthread_cond_signal(&epoch_moved);
	pthread_mutex_unlock(&epoch_lock);
}
#endif

/*
 * There is more to run than this worker can: wake one, unless one is looking
 * already.  A sleeper that counts itself just now may be missed, for there
 * is no fence here: no harm, the caller is awake and will run it all.
 */
INLINE void
wake_one(void)
{
	if (UNLIKELY(atomic_load_explicit(&parking.sleepers, RELAXED) > 0) &&
	    atomic_load_explicit(&parking.searchers, RELAXED) == 0)
		epoch_advance();
}

INLINE void
relax(void)
{
#if defined __x86_64__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ volatile("isb");
#endif
}

/* ---- Queues of actors that can run ------------------------------------------ */

/* A page of runnable actors.  Addresses again, and no list through the actors: see stack. */
typedef struct chunk {
	struct chunk *next;
	uint32_t first, end; /* what is taken, what is put: slots between them are in use */
	actor *slot[CHUNK_ACTORS];
} chunk;

/* What no ring has room for: one queue for all, first in, first out. */
static struct {
	alignas(LINE) pthread_mutex_t lock;
	chunk *head, *tail, *spare;
	atomic_uint count; /* also read without the lock, as a hint */
} overflow = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
overflow_grow_locked(void)
{
	chunk *c = overflow.spare;

	if (c)
		overflow.spare = c->next;
	else
		c = map_memory(sizeof *c);
	c->next = NULL;
	c->first = c->end = 0;
	if (overflow.tail)
		overflow.tail->next = c;
	else
		overflow.head = c;
	overflow.tail = c;
}

static void
overflow_append_locked(actor *a)
{
	if (!overflow.tail || overflow.tail->end == CHUNK_ACTORS)
		overflow_grow_locked();
	overflow.tail->slot[overflow.tail->end++] = a;
	atomic_store_explicit(&overflow.count, atomic_load_explicit(&overflow.count, RELAXED) + 1, RELAXED);
}

/* The oldest; there is one. */
static actor *
overflow_pop_locked(void)
{
	chunk *c = overflow.head;
	actor *a = c->slot[c->first++];

	if (c->first == c->end) {
		overflow.head = c->next;
		if (!c->next)
			overflow.tail = NULL;
		c->next = overflow.spare;
		overflow.spare = c;
	}
	return a;
}

SLOW void
overflow_append(actor *a)
{
	pthread_mutex_lock(&overflow.lock);
	overflow_append_locked(a);
	pthread_mutex_unlock(&overflow.lock);
}

SLOW void
ring_spill(worker *w, unsigned head, actor *last)
{
	actor *half[RING / 2];

	for (unsigned i = 0; i < RING / 2; i++)
		half[i] = atomic_load_explicit(&w->ring[(head + i) % RING], RELAXED);
	if (!atomic_compare_exchange_strong_explicit(&w->head, &head, head + RING / 2, ACQ_REL, RELAXED)) {
		overflow_append(last); /* a thief made room meanwhile; simple is good enough */
		return;
	}
	pthread_mutex_lock(&overflow.lock);
	for (unsigned i = 0; i < RING / 2; i++)
		overflow_append_locked(half[i]);
	overflow_append_locked(last);
	pthread_mutex_unlock(&overflow.lock);
}

INLINE void
ring_push(worker *w, actor *a)
{
	unsigned tail = atomic_load_explicit(&w->tail, RELAXED);
	unsigned head = atomic_load_explicit(&w->head, ACQUIRE);

	if (UNLIKELY(tail - head == RING)) {
		ring_spill(w, head, a);
		return;
	}
	atomic_store_explicit(&w->ring[tail % RING], a, RELAXED);
	atomic_store_explicit(&w->tail, tail + 1, RELEASE);
}

INLINE actor *
ring_pop(worker *w)
{
	unsigned tail = atomic_load_explicit(&w->tail, RELAXED);
	unsigned head = atomic_load_explicit(&w->head, ACQUIRE);

	while (head != tail) {
		actor *a = atomic_load_explicit(&w->ring[head % RING], RELAXED);
		if (atomic_compare_exchange_weak_explicit(&w->head, &head, head + 1, ACQ_REL, ACQUIRE))
			return a;
	}
	return NULL;
}

/* Move half of the victim's ring to w's own, which is empty, and return one of them. */
static actor *
ring_steal(worker *w, worker *victim)
{
	unsigned head = atomic_load_explicit(&victim->head, ACQUIRE);
	unsigned length = atomic_load_explicit(&victim->tail, ACQUIRE) - head;
	unsigned tail = atomic_load_explicit(&w->tail, RELAXED);
	unsigned n = length - length / 2;

	if (n == 0 || n > RING / 2) /* empty, or the two were read too far apart */
		return NULL;
	for (unsigned i = 0; i < n; i++) {
		actor *a = atomic_load_explicit(&victim->ring[(head + i) % RING], RELAXED);
		atomic_store_explicit(&w->ring[(tail + i) % RING], a, RELAXED);
	}
	if (!atomic_compare_exchange_strong_explicit(&victim->head, &head, head + n, ACQ_REL, RELAXED))
		return NULL;
	w->loot = n;
	w->looted_at = w->tick;
	atomic_store_explicit(&w->tail, tail + n - 1, RELEASE);
	return atomic_load_explicit(&w->ring[(tail + n - 1) % RING], RELAXED);
}

/*
 * Take the first of the overflow, and with it up to `more` for the ring of w,
 * which has room for them.
 */
SLOW actor *
overflow_take(worker *w, unsigned more)
{
	unsigned tail = atomic_load_explicit(&w->tail, RELAXED);
	actor *first = NULL;

	pthread_mutex_lock(&overflow.lock);
	unsigned count = atomic_load_explicit(&overflow.count, RELAXED);
	if (count > 0) {
		unsigned share = (count - 1) / worker_count;
		share = share < more ? share : more;
		first = overflow_pop_locked();
		for (unsigned i = 0; i < share; i++) {
			actor *a = overflow_pop_locked();
			__builtin_prefetch(a, 1);
			atomic_store_explicit(&w->ring[tail++ % RING], a, RELAXED);
		}
		atomic_store_explicit(&overflow.count, count - share - 1, RELAXED);
	}
	pthread_mutex_unlock(&overflow.lock);
	atomic_store_explicit(&w->tail, tail, RELEASE);
	return first;
}

INLINE actor *
overflow_try_take(worker *w, unsigned more)
{
	return UNLIKELY(atomic_load_explicit(&overflow.count, RELAXED)) ? overflow_take(w, more) : NULL;
}

/* Queue an actor that has become runnable. */
INLINE void
schedule(worker *w, actor *a)
{
	actor *before = w->slot;

	w->slot = a;
	if (before) {
		ring_push(w, before);
		wake_one();
	}
}

/* Queue an actor that had its turn: behind all that waited longer. */
INLINE void
schedule_last(worker *w, actor *a)
{
	if (atomic_load_explicit(&overflow.count, RELAXED))
		overflow_append(a);
	else
		ring_push(w, a);
}

/* ---- Messages --------------------------------------------------------------- */

INLINE void
send(worker *w, actor *to, uint32_t kind, actor *from, int64_t value, int32_t extra)
{
	msg *m = take(&w->msgs);
	uintptr_t seen = atomic_load_explicit(&to->inbox, RELAXED);

	m->kind = kind;
	m->extra = extra;
	m->from = from;
	m->value = value;
	w->credit--;
	for (;;) {
		if (seen == IDLE) {
			/* The actor is ours by this: the message needs no inbox. */
			if (atomic_compare_exchange_weak_explicit(&to->inbox, &seen, BUSY, ACQUIRE,
				RELAXED)) {
				m->next = NULL;
				to->todo = m;
				to->backlog = 1;
				schedule(w, to);
				return;
			}
		} else {
			m->next = (msg *)seen;
			if (atomic_compare_exchange_weak_explicit(&to->inbox, &seen, (uintptr_t)m, RELEASE,
				RELAXED))
				return;
		}
	}
}

INLINE bool
try_idle(actor *a)
{
	uintptr_t seen = atomic_load_explicit(&a->inbox, RELAXED);

	return seen == BUSY &&
	       atomic_compare_exchange_strong_explicit(&a->inbox, &seen, IDLE, RELEASE, RELAXED);
}

/* Take all that waits: it comes newest first, and is turned round. */
INLINE msg *
take_all(actor *a, int32_t *count)
{
	msg *m = (msg *)atomic_exchange_explicit(&a->inbox, BUSY, ACQUIRE);
	msg *oldest = NULL;

	for (*count = 0; m; ++*count) {
		msg *older = m->next;
		m->next = oldest;
		oldest = m;
		m = older;
	}
	return oldest;
}

INLINE actor *
spawn(worker *w)
{
	actor *a = take(&w->actors);

	*a = (actor){ .inbox = IDLE };
	return a;
}

/* What an actor does with a message: for who includes this to say. */
INLINE void behave(worker *w, actor *self, const msg *m);

/* ---- Workers ------------------------------------------------------------------- */

/* One turn of an actor: it clears the backlog that it began with, and more while there is credit. */
static void
run(worker *w, actor *a)
{
	msg *m = a->todo;
	int32_t backlog = a->backlog;

	w->credit = backlog > TURN ? backlog : TURN;
	for (;;) {
		if (!m) {
			if (a->stopping) { /* nobody knows it any more: bare loops have no late senders */
				give(&w->actors, a);
				return;
			}
			a->todo = NULL;
			a->backlog = 0;
			if (try_idle(a))
				return;
			if (w->credit <= 0)
				break;
			m = take_all(a, &backlog);
			if (w->credit < backlog)
				w->credit = backlog;
		}
		msg *next = m->next;
		behave(w, a, m);
		give(&w->msgs, m);
		m = next;
		backlog--;
		if (--w->credit <= 0 && m) {
			a->todo = m;
			a->backlog = backlog;
			break;
		}
	}
	schedule_last(w, a);
}

static actor *
look_around(worker *w)
{
	unsigned self = (unsigned)(w - workers);

	for (unsigned i = 1; i < worker_count; i++) {
		actor *a = ring_steal(w, &workers[(self + i) % worker_count]);
		if (a)
			return a;
	}
	return overflow_try_take(w, REFILL);
}

/*
 * Actors that only wait to be told something make no work of their own: they
 * are done in a few turns, and all that they touch was in the cache of the
 * other worker, which they make slower.  So each theft of such waits twice as
 * long as the one before, until one was worth while again.
 */
static void
judge_last_theft(worker *w)
{
	if (w->loot == 0)
		return;
	if (w->tick - w->looted_at >= WORTH * w->loot)
		w->patience = 0;
	else if (w->patience < PATIENCE)
		w->patience = w->patience > 0 ? 2 * w->patience : 16;
	w->loot = 0;
}

/* Search for a while, then sleep until there is something. */
SLOW actor *
find_work(worker *w)
{
	actor *a = NULL;

	judge_last_theft(w);
	for (unsigned i = 0; i < w->patience; i++)
		relax();
	atomic_fetch_add_explicit(&parking.searchers, 1, RELAXED);
	for (int i = 0; i < SPIN && !(a = look_around(w)); i++)
		relax();
	if (atomic_fetch_sub_explicit(&parking.searchers, 1, RELAXED) == 1 && a)
		wake_one(); /* nobody woke another while this one was looking */
	if (a)
		return a;

	unsigned epoch = atomic_load_explicit(&parking.epoch, ACQUIRE);
	atomic_fetch_add_explicit(&parking.sleepers, 1, memory_order_seq_cst);
	a = look_around(w); /* what was queued before others could see the sleeper */
	if (!a)
		epoch_wait(epoch);
	atomic_fetch_sub_explicit(&parking.sleepers, 1, RELAXED);
	return a;
}

INLINE actor *
next_actor(worker *w)
{
	actor *a;

	if (UNLIKELY(++w->tick % FAIR == 0) && (a = overflow_try_take(w, 0)))
		return a;
	a = w->slot;
	if (LIKELY(a != NULL)) {
		w->slot = NULL;
		if (LIKELY(++w->chain < CHAIN))
			return a;
		schedule_last(w, a);
	}
	w->chain = 0;
	if ((a = ring_pop(w)) || (a = overflow_try_take(w, REFILL)))
		return a;
	return find_work(w);
}

static void *
work(void *arg)
{
	worker *w = arg;

	for (;;) {
		actor *a = next_actor(w);
		if (a)
			run(w, a);
	}
	return NULL;
}

#endif /* BARE_LOOP_H */
