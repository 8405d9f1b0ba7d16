/* SPDX-License-Identifier: MIT */
#include "runtime/engine/deadlines.h"

#include "runtime/memory/fault.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { ASLEEP, ROUSED };

/* Looks at a held lock before the holder, which may have lost its CPU, is given ours. */
#define PATIENCE 100

tr_deadlines *
tr_deadlines_create(uint32_t shards, unsigned shift, int64_t now_ns, const tr_deadlines_hooks *hooks, void *owner)
{
	tr_deadlines *deadlines = tr_heap_take_zeroed(sizeof *deadlines);

	if (deadlines == NULL)
		return NULL;
	deadlines->shards = tr_fault_due() ? NULL : aligned_alloc(TR_CACHE_LINE, shards * sizeof(tr_shard));
	if (deadlines->shards == NULL)
		goto fail;
	memset(deadlines->shards, 0, shards * sizeof(tr_shard));
	if (tr_parker_init(&deadlines->parker, ASLEEP) != 0)
		goto fail_shards;
	for (uint32_t i = 0; i < shards; i++)
		tr_wheel_init(&deadlines->shards[i].wheel, shift, now_ns);
	deadlines->hooks = hooks;
	deadlines->owner = owner;
	deadlines->shard_count = shards;
	/* DL-none: nobody else knows it yet, and nobody sleeps. */
	atomic_store_explicit(&deadlines->sleeps_until, INT64_MIN, memory_order_relaxed);
	return deadlines;

fail_shards:
	free(deadlines->shards);
fail:
	tr_heap_give(deadlines);
	return NULL;
}

void
tr_deadlines_destroy(tr_deadlines *deadlines)
{
	if (deadlines == NULL)
		return;
	tr_parker_fini(&deadlines->parker);
	free(deadlines->shards);
	tr_heap_give(deadlines);
}

/* --- Shards. --- */

static void
lock_shard(tr_shard *shard)
{
	for (int looks = 1;; looks++) {
		/*
		 * DL-none: looked at before the exchange, so that waiting does
		 * not take the line from the holder.
		 * DL-A: acquire, receives the wheel from the last holder.
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
unlock_shard(tr_shard *shard)
{
	/* DL-A: release, publishes the wheel and its cells. */
	atomic_store_explicit(&shard->locked, false, memory_order_release);
}

static void
unlock_changed_shard(tr_shard *shard)
{
	/* DL-none: both are written under the lock. */
	uint32_t before = atomic_load_explicit(&shard->armed, memory_order_relaxed), after = shard->wheel.count;
	uint64_t changes = atomic_load_explicit(&shard->changes, memory_order_relaxed);

	changes += after > before ? after - before : before - after;
	/* DL-C: release, that this thread is at work; who sees fewer armed sees that too. */
	atomic_store_explicit(&shard->changes, changes, memory_order_release);
	atomic_store_explicit(&shard->armed, after, memory_order_release);
	unlock_shard(shard);
}

static tr_shard *
shard_of(tr_deadlines *deadlines, const tr_cell *cell)
{
	return &deadlines->shards[cell->msg.flag_bits >> TR_CELL_SHARD_BIT];
}

static void
rouse_thread(tr_deadlines *deadlines)
{
	/* DL-B: release, what was said before. */
	atomic_store_explicit(&deadlines->parker.word, ROUSED, memory_order_release);
	tr_parker_wake(&deadlines->parker);
}

void
tr_deadlines_arm(tr_deadlines *deadlines, uint32_t number, tr_cell *cell)
{
	tr_shard *shard = &deadlines->shards[number];
	uint32_t flags = cell->msg.flag_bits & ((UINT32_C(1) << TR_CELL_SHARD_BIT) - 1);

	cell->msg.flag_bits = flags | number << TR_CELL_SHARD_BIT;
	lock_shard(shard);
	tr_wheel_insert(&shard->wheel, cell);
	/* DL-A: ordered by the lock, INV-DL-1. */
	bool is_earliest = cell->deadline < atomic_load_explicit(&deadlines->sleeps_until, memory_order_relaxed);
	unlock_changed_shard(shard);
	if (is_earliest)
		rouse_thread(deadlines);
}

bool
tr_deadlines_disarm(tr_deadlines *deadlines, tr_cell *cell)
{
	tr_shard *shard = shard_of(deadlines, cell);

	lock_shard(shard);
	if (!tr_wheel_holds(cell)) {
		unlock_shard(shard);
		return false;
	}
	tr_wheel_remove(&shard->wheel, cell);
	unlock_changed_shard(shard);
	return true;
}

tr_deadlines_load
tr_deadlines_get_load(tr_deadlines *deadlines)
{
	tr_deadlines_load load = { 0, 0 };

	for (uint32_t i = 0; i < deadlines->shard_count; i++) {
		/* DL-C: acquire, receives who was at work; and the caller's next look comes after it. */
		load.armed += atomic_load_explicit(&deadlines->shards[i].armed, memory_order_acquire);
		load.changes += atomic_load_explicit(&deadlines->shards[i].changes, memory_order_acquire);
	}
	return load;
}

/* --- Expiry. --- */

static int64_t
ask_wheel(tr_shard *shard, int64_t (*get_time)(const tr_wheel *))
{
	lock_shard(shard);
	int64_t time = get_time(&shard->wheel);
	unlock_shard(shard);
	return time;
}

static int64_t
find_earliest(tr_deadlines *deadlines, int64_t (*get_time)(const tr_wheel *))
{
	int64_t earliest = INT64_MAX;

	for (uint32_t i = 0; i < deadlines->shard_count; i++) {
		int64_t time = ask_wheel(&deadlines->shards[i], get_time);

		if (time < earliest)
			earliest = time;
	}
	return earliest;
}

int64_t
tr_deadlines_next(tr_deadlines *deadlines)
{
	return find_earliest(deadlines, tr_wheel_next);
}

int64_t
tr_deadlines_first_deadline(tr_deadlines *deadlines)
{
	return find_earliest(deadlines, tr_wheel_first_deadline);
}

static uint32_t
take_due(tr_shard *shard, int64_t now_ns)
{
	lock_shard(shard);
	uint32_t due = tr_wheel_take_due(&shard->wheel, now_ns, TR_DEADLINES_BATCH);
	unlock_changed_shard(shard);
	return due;
}

static bool
is_due(tr_shard *shard, int64_t now_ns)
{
	/* DL-none: what is armed beside this look is seen by the next. */
	return atomic_load_explicit(&shard->armed, memory_order_relaxed) != 0 && ask_wheel(shard, tr_wheel_next) <= now_ns;
}

static bool
expire_shard(tr_deadlines *deadlines, tr_shard *shard, int64_t now_ns)
{
	uint32_t due;
	bool any = false;

	if (!is_due(shard, now_ns))
		return false;
	deadlines->hooks->begin(deadlines->owner);
	while ((due = take_due(shard, now_ns)) != 0) {
		any = true;
		for (uint32_t next; due != 0; due = next) {
			tr_cell *cell = tr_cell_at(due);

			next = cell->msg.next_unit;
			deadlines->hooks->fire(deadlines->owner, cell);
		}
	}
	deadlines->hooks->end(deadlines->owner);
	return any;
}

bool
tr_deadlines_expire(tr_deadlines *deadlines, int64_t now_ns)
{
	bool any = false;

	for (uint32_t i = 0; i < deadlines->shard_count; i++)
		any |= expire_shard(deadlines, &deadlines->shards[i], now_ns);
	return any;
}

bool
tr_deadlines_is_late(const tr_deadlines *deadlines, int64_t now_ns)
{
	/* DL-none: a hint. */
	return atomic_load_explicit(&deadlines->sleeps_until, memory_order_relaxed) <= now_ns;
}

/* --- The event thread. --- */

static void
say_sleeps_until(tr_deadlines *deadlines, int64_t until)
{
	/* DL-A: the locks that are taken after it publish it (INV-DL-1). */
	atomic_store_explicit(&deadlines->sleeps_until, until, memory_order_relaxed);
}

static bool
is_stopping(const tr_deadlines *deadlines)
{
	/* DL-B: ordered by the parker's word. */
	return atomic_load_explicit(&deadlines->stopping, memory_order_relaxed);
}

static void
sleep_until_next(tr_deadlines *deadlines)
{
	/* DL-B: acquire, receives what whoever roused it did; seen after it, it rouses again. */
	(void)atomic_exchange_explicit(&deadlines->parker.word, ASLEEP, memory_order_acquire);
	if (is_stopping(deadlines))
		return;
	say_sleeps_until(deadlines, INT64_MAX);
	int64_t next = tr_deadlines_next(deadlines);
	int64_t now = tr_clock_now();

	say_sleeps_until(deadlines, next);
	if (next > now)
		tr_parker_wait(&deadlines->parker, ASLEEP, next == INT64_MAX ? -1 : next - now);
	/* Awake: who arms need not wake it. */
	say_sleeps_until(deadlines, INT64_MIN);
}

void
tr_deadlines_run(tr_deadlines *deadlines)
{
	while (!is_stopping(deadlines)) {
		(void)tr_deadlines_expire(deadlines, tr_clock_now());
		sleep_until_next(deadlines);
	}
}

void
tr_deadlines_stop(tr_deadlines *deadlines)
{
	/* DL-B: published by the word. */
	atomic_store_explicit(&deadlines->stopping, true, memory_order_relaxed);
	rouse_thread(deadlines);
}
