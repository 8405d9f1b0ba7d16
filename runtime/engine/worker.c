/* SPDX-License-Identifier: MIT */
#include "runtime/engine/worker.h"

#include "runtime/memory/depot.h"

/*
 * Rounds over all queues before a searcher parks: about 20 us, the price of
 * the futex hand-over that it may save.  (For tests/model some are as good.)
 */
#ifndef SEARCH_ROUNDS
#define SEARCH_ROUNDS 200
#endif

/* The first sleep of a parked worker: see idle.h on what a relaxed look can miss, and trim_if_idle. */
#define FIRST_SLEEP_NS INT64_C(1000000)

int
tr_worker_init(tr_worker *worker, tr_pool *pool, uint32_t index, uint32_t ring_size)
{
	worker->lifo = 0;
	worker->credit = 0;
	worker->scheduler = pool->scheduler;
	worker->pool = pool;
	worker->index = index;
	worker->tick = 0;
	worker->random = index * UINT32_C(2654435761) + 1;
	tr_ring_init(&worker->ring, ring_size);
	return tr_parker_init(&worker->parker, TR_RUNNING);
}

void
tr_worker_fini(tr_worker *worker)
{
	tr_parker_fini(&worker->parker);
}

/* --- Waking. --- */

/* The holder of a ticket makes one parked worker a searcher. */
static void
use_ticket(tr_pool *pool)
{
	for (uint32_t i = 0;; i = i + 1 < pool->count ? i + 1 : 0) {
		tr_worker *sleeper = pool->workers[i];
		uint32_t parked = TR_PARKED;

		/* WK-A: release, publishes what the waker did.  Relaxed on failure: the next is tried. */
		if (atomic_compare_exchange_strong_explicit(&sleeper->parker.word, &parked, TR_SEARCH,
		        memory_order_release, memory_order_relaxed)) {
			tr_parker_wake(&sleeper->parker);
			return;
		}
	}
}

void
tr_pool_wake_one(tr_pool *pool)
{
	if (tr_idle_take_ticket(&pool->idle))
		use_ticket(pool);
}

void
tr_pool_wake_all(tr_pool *pool)
{
	while (tr_idle_take_any_ticket(&pool->idle))
		use_ticket(pool);
}

void
tr_pool_put(tr_pool *pool, uint32_t actor)
{
	tr_overflow_put(&pool->overflow, &actor, 1);
	tr_pool_wake_one(pool);
}

void
tr_pool_call_back(tr_pool *pool)
{
	for (uint32_t i = 0; i < pool->count; i++) {
		uint32_t benched = TR_BENCHED;

		/* GV-A, GV-B: seq_cst, after the limit, stopping or the idle word was changed; on failure too. */
		if (atomic_compare_exchange_strong_explicit(&pool->workers[i]->parker.word, &benched, TR_RUNNING,
		        memory_order_seq_cst, memory_order_seq_cst))
			tr_parker_wake(&pool->workers[i]->parker);
	}
}

static void
wake_if_wanted(tr_pool *pool)
{
	if (TR_UNLIKELY(tr_idle_wants_wake(&pool->idle)))
		tr_pool_wake_one(pool);
}

/* --- Putting. --- */

void
tr_worker_share(tr_worker *worker, uint32_t actor)
{
	tr_pool *pool = worker->pool;

	while (TR_UNLIKELY(!tr_ring_push(&worker->ring, actor))) {
		uint32_t older[TR_RING_SIZE / 2];

		tr_overflow_put(&pool->overflow, older, tr_ring_spill(&worker->ring, older));
	}
	wake_if_wanted(pool);
}

void
tr_worker_overrun(tr_worker *worker)
{
	uint32_t actor = worker->lifo;

	if (actor != 0) {
		worker->lifo = 0;
		tr_worker_share(worker, actor);
	}
}

static void
put(tr_worker *worker, uint32_t actor)
{
	tr_worker_put(worker, actor);
}

/* Behind all that waited longer: those on the overflow queue, when there are some. */
static void
put_back(tr_worker *worker, uint32_t actor)
{
	/* OV-none: a hint. */
	if (TR_LIKELY(atomic_load_explicit(&worker->pool->overflow.count, memory_order_relaxed) == 0)) {
		tr_worker_share(worker, actor);
		return;
	}
	tr_overflow_put(&worker->pool->overflow, &actor, 1);
	wake_if_wanted(worker->pool);
}

/* --- Choosing. --- */

/* One actor from the overflow queue to run, and a fair share of the others into the empty ring. */
static uint32_t
take_overflow(tr_worker *worker)
{
	tr_pool *pool = worker->pool;
	uint32_t actors[TR_RING_SIZE / 2];
	/* OV-none: a hint of how many are there. */
	uint32_t most = atomic_load_explicit(&pool->overflow.count, memory_order_relaxed) / pool->count + 1;
	uint32_t room = worker->ring.size / 2;
	uint32_t taken = tr_overflow_take(&pool->overflow, actors, most < room ? most : room);

	if (taken == 0)
		return 0;
	/* They may have waited long enough to be cold: fetch all actors at once, then all first messages. */
	for (uint32_t i = 0; i < taken; i++)
		__builtin_prefetch(tr_actor_at(actors[i]));
	for (uint32_t i = 0; i < taken; i++)
		__builtin_prefetch(tr_message_at(((const tr_mailbox *)tr_actor_at(actors[i]))->todo));
	for (uint32_t i = 1; i < taken; i++)
		tr_worker_share(worker, actors[i]);
	return actors[0];
}

static tr_work
work_of_all(const tr_pool *pool)
{
	tr_work work = { 0, 0 };

	for (uint32_t i = 0; i < pool->count; i++) {
		/* WK-none: two counters, as they come. */
		work.handled += atomic_load_explicit(pool->workers[i]->handled, memory_order_relaxed);
		work.sent += atomic_load_explicit(pool->workers[i]->sent, memory_order_relaxed);
	}
	return work;
}

/* Let the governor decide, if there is something to decide. */
static void
govern(tr_pool *pool)
{
	uint32_t parked = tr_idle_parked(tr_idle_load(&pool->idle));
	uint32_t benched = tr_governor_benched(&pool->governor);
	uint32_t running = pool->count - parked - benched;

	/* Alone by itself: there is nothing to choose. */
	if (running <= 1 && benched == 0)
		return;
	int64_t now = tr_clock_now();

	if (!tr_governor_is_due(&pool->governor, now))
		return;
	switch (tr_governor_decide(&pool->governor, now, work_of_all(pool), running > 0 ? running : 1)) {
	case TR_GOVERNOR_CALL_BACK:
		tr_pool_call_back(pool);
		break;
	case TR_GOVERNOR_TIDY_UP:
		tr_depot_sort(TR_MESSAGES, 0);
		break;
	case TR_GOVERNOR_NOTHING:
		break;
	}
}

/* The overflow queue first, then the ring, and the LIFO slot's actor at the ring's end. */
static uint32_t
take_fairly(tr_worker *worker)
{
	worker->tick = 0;
	if (worker->pool->hooks->fair_tick != NULL)
		worker->pool->hooks->fair_tick(worker);
	if (worker->pool->count > 1)
		govern(worker->pool);
	uint32_t actor = worker->lifo;

	if (actor != 0 && tr_ring_has_any(&worker->ring)) {
		worker->lifo = 0;
		tr_worker_share(worker, actor);
	}
	return tr_overflow_take(&worker->pool->overflow, &actor, 1) == 1 ? actor : 0;
}

static uint32_t
try_next(tr_worker *worker)
{
	uint32_t actor;

	if (worker->tick++ >= TR_FAIR_TICKS && (actor = take_fairly(worker)) != 0)
		return actor;
	if ((actor = worker->lifo) != 0) {
		worker->lifo = 0;
		return actor;
	}
	if ((actor = tr_ring_pop(&worker->ring)) != 0)
		return actor;
	return take_overflow(worker);
}

static uint32_t
steal(tr_worker *worker)
{
	tr_pool *pool = worker->pool;
	uint32_t start = pool->count > 2 ? tr_worker_random(worker) % pool->count : 0;

	for (uint32_t i = 0; i < pool->count; i++) {
		tr_worker *victim = pool->workers[(start + i) % pool->count];
		uint32_t actor;

		if (victim != worker && (actor = tr_ring_steal(&victim->ring, &worker->ring)) != 0)
			return actor;
	}
	return 0;
}

static bool
any_ring_has_work(const tr_pool *pool)
{
	for (uint32_t i = 0; i < pool->count; i++)
		if (tr_ring_has_any(&pool->workers[i]->ring))
			return true;
	return false;
}

/* A counted searcher looks for work; when it finds some it is no longer counted. */
static uint32_t
search(tr_worker *worker)
{
	tr_pool *pool = worker->pool;

	for (int round = 0; round < SEARCH_ROUNDS; round++) {
		uint32_t actor = steal(worker);

		if (actor == 0)
			actor = take_overflow(worker);
		if (actor != 0) {
			if (tr_idle_end_search(&pool->idle) &&
			    (tr_overflow_count(&pool->overflow) > 0 || any_ring_has_work(pool)))
				tr_pool_wake_one(pool);
			return actor;
		}
		tr_spin_hint();
	}
	return 0;
}

/* --- Parking. --- */

static void
say(tr_worker *worker, enum tr_parker_word word)
{
	/* WK-none: PARKED is published by counting it in the idle word; RUNNING concerns only the owner. */
	atomic_store_explicit(&worker->parker.word, word, memory_order_relaxed);
}

static bool
is_parked(tr_worker *worker)
{
	/* WK-A: acquire, receives what the waker did. */
	return atomic_load_explicit(&worker->parker.word, memory_order_acquire) == TR_PARKED;
}

/*
 * A parked worker wants to search after all.  false: somebody else holds the
 * last ticket, and will use it on this worker.
 */
static bool
unpark_self(tr_worker *worker)
{
	uint32_t parked = TR_PARKED;

	if (!tr_idle_take_any_ticket(&worker->pool->idle))
		return false;
	/* WK-A: acquire, in case another's ticket came first. */
	if (!atomic_compare_exchange_strong_explicit(&worker->parker.word, &parked, TR_RUNNING,
	        memory_order_acquire, memory_order_acquire))
		use_ticket(worker->pool); /* theirs was for us, so ours is for the next */
	return true;
}

static bool
is_stopping(const tr_pool *pool)
{
	/* WK-B: seq_cst, after the worker's own change of the idle word. */
	return atomic_load_explicit(&pool->stopping, memory_order_seq_cst);
}

/* All others are parked: those on the bench shall park too. */
static void
dissolve_bench(tr_pool *pool)
{
	tr_governor_reset(&pool->governor);
	tr_pool_call_back(pool);
}

/* Be counted as parked; true: there is a reason not to sleep, and the worker is a searcher again. */
static bool
begin_park(tr_worker *worker, bool was_searching)
{
	tr_pool *pool = worker->pool;

	TR_ASSERT(worker->lifo == 0 && !tr_ring_has_any(&worker->ring)); /* INV-WK-1 */
	say(worker, TR_PARKED);
	uint64_t word = tr_idle_park(&pool->idle, was_searching);

	if ((tr_overflow_count(&pool->overflow) > 0 || is_stopping(pool)) && unpark_self(worker))
		return true;
	uint32_t parked = tr_idle_parked(word);

	if (parked == pool->count)
		pool->hooks->all_parked(pool);
	else if (parked + tr_governor_benched(&pool->governor) == pool->count)
		dissolve_bench(pool);
	return false;
}

/* Nobody has had anything to do for a while: give back what memory is left over from busier times. */
static void
trim_if_idle(tr_pool *pool)
{
	if (tr_idle_parked(tr_idle_load(&pool->idle)) != pool->count)
		return;
	for (unsigned i = 0; i < TR_MESSAGE_SIZES; i++)
		(void)tr_depot_trim(i);
}

/* Sleep until somebody makes this worker a searcher. */
static void
park(tr_worker *worker, bool was_searching)
{
	tr_pool *pool = worker->pool;

	if (!begin_park(worker, was_searching)) {
		int64_t sleep_ns = FIRST_SLEEP_NS;

		while (is_parked(worker)) {
			tr_parker_wait(&worker->parker, TR_PARKED, sleep_ns);
			if (sleep_ns >= 0 && is_parked(worker) && !(any_ring_has_work(pool) && unpark_self(worker)))
				trim_if_idle(pool);
			sleep_ns = -1;
		}
	}
	say(worker, TR_RUNNING);
}

void
tr_worker_sleep(tr_worker *worker, int64_t timeout_ns, bool (*may_sleep)(void *), void *argument)
{
	if (!begin_park(worker, false)) {
		if (may_sleep(argument))
			tr_parker_wait(&worker->parker, TR_PARKED, timeout_ns);
		/* Nobody's ticket, so take one; or somebody's, which is about to arrive. */
		if (!is_parked(worker) || !unpark_self(worker))
			while (is_parked(worker))
				tr_parker_wait(&worker->parker, TR_PARKED, -1);
	}
	say(worker, TR_RUNNING);
	tr_idle_end_search(&worker->pool->idle);
}

/* --- The bench. --- */

/* What this worker holds is for the others (INV-GV-1). */
static void
hand_over_all(tr_worker *worker)
{
	tr_pool *pool = worker->pool;
	uint32_t held[TR_RING_SIZE + 1];
	uint32_t count = 0;
	uint32_t actor;

	if (worker->lifo != 0)
		held[count++] = worker->lifo;
	worker->lifo = 0;
	while ((actor = tr_ring_pop(&worker->ring)) != 0)
		held[count++] = actor;
	tr_overflow_put(&pool->overflow, held, count);
	if (tr_overflow_count(&pool->overflow) > 0)
		tr_pool_wake_one(pool);
}

/* Whether the worker, which has said BENCHED, may sleep. */
static bool
may_sit(tr_worker *worker)
{
	tr_pool *pool = worker->pool;

	return worker->index >= tr_governor_limit(&pool->governor) && !is_stopping(pool) &&
	       tr_idle_parked(tr_idle_load(&pool->idle)) + tr_governor_benched(&pool->governor) < pool->count;
}

static bool
is_benched(tr_worker *worker)
{
	/* GV-none: what has changed is looked at once BENCHED is said again (GV-A, GV-B, WK-B). */
	return atomic_load_explicit(&worker->parker.word, memory_order_relaxed) == TR_BENCHED;
}

/* Do the others get on?  The first on the bench looks, and lets the governor decide if nobody else comes to it. */
static void
watch(tr_pool *pool, uint64_t *work_then)
{
	tr_work all = work_of_all(pool);
	uint64_t work = all.handled + all.sent;

	if ((work - *work_then) * (uint64_t)TR_COARSE_NS < (uint64_t)TR_WATCH_NS)
		dissolve_bench(pool);
	else
		govern(pool);
	*work_then = work;
}

static void
sit_out(tr_worker *worker)
{
	tr_pool *pool = worker->pool;
	uint64_t work_then = 0;

	hand_over_all(worker);
	tr_governor_sit(&pool->governor);
	for (;;) {
		/* GV-A: seq_cst, before the limit is looked at. */
		atomic_store_explicit(&worker->parker.word, TR_BENCHED, memory_order_seq_cst);
		if (!may_sit(worker))
			break;
		bool first = worker->index == tr_governor_limit(&pool->governor);

		tr_parker_wait(&worker->parker, TR_BENCHED, first ? TR_WATCH_NS : -1);
		/* One that was called back has other things to look at. */
		if (first && is_benched(worker))
			watch(pool, &work_then);
	}
	say(worker, TR_RUNNING);
	tr_governor_stand(&pool->governor);
}

uint32_t
tr_worker_next_slow(tr_worker *worker)
{
	tr_pool *pool = worker->pool;
	uint32_t most = pool->count > 2 ? pool->count / 2 : 1;

	/* WK-none: a hint; the proof is with the look before sleeping. */
	while (!atomic_load_explicit(&pool->stopping, memory_order_relaxed)) {
		if (tr_governor_benches(&pool->governor, worker->index))
			sit_out(worker);
		uint32_t actor = try_next(worker);

		if (TR_LIKELY(actor != 0))
			return actor;
		bool searching = tr_idle_begin_search(&pool->idle, most);

		while (!is_stopping(pool)) {
			if (searching && (actor = search(worker)) != 0)
				return actor;
			park(worker, searching);
			searching = true;
		}
		if (searching)
			tr_idle_end_search(&pool->idle);
	}
	return 0;
}

static int64_t
pool_now(const tr_pool *pool)
{
	(void)pool;
	return tr_clock_now();
}

const tr_scheduler tr_pool_scheduler = {
	.name = "pool",
	.put = put,
	.put_back = put_back,
	.try_next = try_next,
	.now = pool_now,
};
