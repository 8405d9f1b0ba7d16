/* SPDX-License-Identifier: MIT */
#include "runtime/events/events.h"

#include "runtime/memory/fault.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { ASLEEP, ROUSED };

/* Looks at a held lock before the holder, which may have lost its CPU, is given ours. */
#define PATIENCE 100

tr_events *
tr_events_create(uint32_t shards, unsigned shift, int64_t now_ns, const tr_events_hooks *hooks, void *owner)
{
	tr_events *events = tr_heap_take_zeroed(sizeof *events);

	if (events == NULL)
		return NULL;
	events->shards = tr_fault_due() ? NULL : aligned_alloc(TR_CACHE_LINE, shards * sizeof(tr_shard));
	if (events->shards == NULL)
		goto fail;
	memset(events->shards, 0, shards * sizeof(tr_shard));
	if (tr_parker_init(&events->parker, ASLEEP) != 0)
		goto fail_shards;
	for (uint32_t i = 0; i < shards; i++)
		tr_wheel_init(&events->shards[i].wheel, shift, now_ns);
	events->hooks = hooks;
	events->owner = owner;
	events->shard_count = shards;
	/* EV-none: nobody else knows it yet. */
	atomic_store_explicit(&events->sleeps_until, INT64_MAX, memory_order_relaxed);
	return events;

fail_shards:
	free(events->shards);
fail:
	tr_heap_give(events);
	return NULL;
}

void
tr_events_destroy(tr_events *events)
{
	if (events == NULL)
		return;
	tr_parker_fini(&events->parker);
	free(events->shards);
	tr_heap_give(events);
}

/* --- Shards. --- */

static void
lock(tr_shard *shard)
{
	for (int looks = 1;; looks++) {
		/*
		 * EV-none: looked at before the exchange, so that waiting does
		 * not take the line from the holder.
		 * EV-A: acquire, receives the wheel from the last holder.
		 */
		if (!atomic_load_explicit(&shard->locked, memory_order_relaxed) &&
		    !atomic_exchange_explicit(&shard->locked, true, memory_order_acquire))
			return;
		if (looks % PATIENCE == 0)
			sched_yield();
		else
			tr_spin_hint();
	}
}

static void
unlock(tr_shard *shard)
{
	/* EV-A: release, publishes the wheel and its cells. */
	atomic_store_explicit(&shard->locked, false, memory_order_release);
}

static void
count(tr_shard *shard, uint32_t by)
{
	/* EV-none: both are written under the lock, and read as they come. */
	uint32_t armed = atomic_load_explicit(&shard->armed, memory_order_relaxed);
	uint64_t changes = atomic_load_explicit(&shard->changes, memory_order_relaxed);

	/* EV-none */
	atomic_store_explicit(&shard->changes, changes + 1, memory_order_relaxed);
	atomic_store_explicit(&shard->armed, armed + by, memory_order_relaxed);
}

static tr_shard *
shard_of(tr_events *events, const tr_cell *cell)
{
	return &events->shards[cell->msg.flag_bits >> TR_CELL_SHARD_BIT];
}

static void
rouse(tr_events *events)
{
	/* EV-B: release, what was said before. */
	atomic_store_explicit(&events->parker.word, ROUSED, memory_order_release);
	tr_parker_wake(&events->parker);
}

void
tr_events_arm(tr_events *events, uint32_t number, tr_cell *cell)
{
	tr_shard *shard = &events->shards[number];
	uint32_t flags = cell->msg.flag_bits & ((UINT32_C(1) << TR_CELL_SHARD_BIT) - 1);

	cell->msg.flag_bits = flags | number << TR_CELL_SHARD_BIT;
	lock(shard);
	tr_wheel_insert(&shard->wheel, cell);
	count(shard, 1);
	/* EV-A: ordered by the lock, INV-EV-1. */
	bool is_earliest = cell->deadline < atomic_load_explicit(&events->sleeps_until, memory_order_relaxed);
	unlock(shard);
	if (is_earliest)
		rouse(events);
}

bool
tr_events_disarm(tr_events *events, tr_cell *cell)
{
	tr_shard *shard = shard_of(events, cell);

	lock(shard);
	bool armed = tr_wheel_holds(cell);
	if (armed) {
		tr_wheel_remove(&shard->wheel, cell);
		count(shard, -UINT32_C(1));
	}
	unlock(shard);
	return armed;
}

tr_events_load
tr_events_get_load(tr_events *events)
{
	tr_events_load load = { 0, 0 };

	for (uint32_t i = 0; i < events->shard_count; i++) {
		/* EV-none: what orders them is with the caller. */
		load.armed += atomic_load_explicit(&events->shards[i].armed, memory_order_relaxed);
		load.changes += atomic_load_explicit(&events->shards[i].changes, memory_order_relaxed);
	}
	return load;
}

/* --- Expiry. --- */

static int64_t
next_of(tr_shard *shard)
{
	lock(shard);
	int64_t next = tr_wheel_next(&shard->wheel);
	unlock(shard);
	return next;
}

int64_t
tr_events_next(tr_events *events)
{
	int64_t earliest = INT64_MAX;

	for (uint32_t i = 0; i < events->shard_count; i++) {
		int64_t next = next_of(&events->shards[i]);

		if (next < earliest)
			earliest = next;
	}
	return earliest;
}

int64_t
tr_events_first_deadline(tr_events *events)
{
	int64_t earliest = INT64_MAX;

	for (uint32_t i = 0; i < events->shard_count; i++) {
		lock(&events->shards[i]);
		int64_t first = tr_wheel_first_deadline(&events->shards[i].wheel);
		unlock(&events->shards[i]);

		if (first < earliest)
			earliest = first;
	}
	return earliest;
}

static uint32_t
take_due(tr_shard *shard, int64_t now_ns)
{
	lock(shard);
	uint32_t due = tr_wheel_take_due(&shard->wheel, now_ns, TR_EVENTS_BATCH);
	for (uint32_t unit = due; unit != 0; unit = tr_cell_at(unit)->msg.next_unit)
		count(shard, -UINT32_C(1));
	unlock(shard);
	return due;
}

static bool
expire_shard(tr_events *events, tr_shard *shard, int64_t now_ns)
{
	uint32_t due;
	bool any = false;

	if (next_of(shard) > now_ns)
		return false;
	events->hooks->begin(events->owner);
	while ((due = take_due(shard, now_ns)) != 0) {
		any = true;
		for (uint32_t next; due != 0; due = next) {
			tr_cell *cell = tr_cell_at(due);

			next = cell->msg.next_unit;
			events->hooks->fire(events->owner, cell);
		}
	}
	events->hooks->end(events->owner);
	return any;
}

bool
tr_events_expire(tr_events *events, int64_t now_ns)
{
	bool any = false;

	for (uint32_t i = 0; i < events->shard_count; i++)
		any |= expire_shard(events, &events->shards[i], now_ns);
	return any;
}

bool
tr_events_is_late(const tr_events *events, int64_t now_ns)
{
	/* EV-none: a hint. */
	return atomic_load_explicit(&events->sleeps_until, memory_order_relaxed) <= now_ns;
}

/* --- The event thread. --- */

static void
say(tr_events *events, int64_t until)
{
	/* EV-A: the locks that are taken after it publish it (INV-EV-1). */
	atomic_store_explicit(&events->sleeps_until, until, memory_order_relaxed);
}

static bool
is_stopping(const tr_events *events)
{
	/* EV-B: ordered by the parker's word. */
	return atomic_load_explicit(&events->stopping, memory_order_relaxed);
}

static void
sleep_until_next(tr_events *events)
{
	/* EV-B: acquire, receives what whoever roused it did; seen after it, it rouses again. */
	(void)atomic_exchange_explicit(&events->parker.word, ASLEEP, memory_order_acquire);
	if (is_stopping(events))
		return;
	say(events, INT64_MAX);
	int64_t next = tr_events_next(events);
	int64_t now = tr_clock_now();

	say(events, next);
	if (next > now)
		tr_parker_wait(&events->parker, ASLEEP, next == INT64_MAX ? -1 : next - now);
	/* Awake: who arms need not wake it. */
	say(events, INT64_MIN);
}

void
tr_events_run(tr_events *events)
{
	while (!is_stopping(events)) {
		(void)tr_events_expire(events, tr_clock_now());
		sleep_until_next(events);
	}
}

void
tr_events_stop(tr_events *events)
{
	/* EV-B: published by the word. */
	atomic_store_explicit(&events->stopping, true, memory_order_relaxed);
	rouse(events);
}
