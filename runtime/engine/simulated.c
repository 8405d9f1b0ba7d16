/* SPDX-License-Identifier: MIT */
#include "runtime/engine/simulated.h"

#include "runtime/memory/fault.h"

typedef struct simulation {
	uint32_t *runnable;
	uint32_t count;
	uint32_t *births; /* of the actor in each slot; only where one was born */
	_Atomic uint32_t born;
	uint64_t random;
	int64_t now;
} simulation;

/* A number for every actor that there can be. */
static size_t
table_bytes(void)
{
	return (size_t)tr_arenas[TR_ACTORS].limit * sizeof(uint32_t);
}

void *
tr_simulation_create(uint64_t seed)
{
	simulation *sim = tr_heap_take_zeroed(sizeof *sim);

	if (sim == NULL)
		return NULL;
	sim->random = seed;
	sim->runnable = tr_fault_due() ? NULL : tr_pages_reserve(table_bytes());
	if (sim->runnable == NULL)
		goto fail;
	sim->births = tr_fault_due() ? NULL : tr_pages_reserve(table_bytes());
	if (sim->births == NULL)
		goto fail_runnable;
	return sim;

fail_runnable:
	tr_pages_release(sim->runnable, table_bytes());
fail:
	tr_heap_give(sim);
	return NULL;
}

void
tr_simulation_destroy(void *which)
{
	simulation *sim = which;

	if (sim == NULL)
		return;
	tr_pages_release(sim->births, table_bytes());
	tr_pages_release(sim->runnable, table_bytes());
	tr_heap_give(sim);
}

void
tr_simulation_note_birth(tr_pool *pool, uint32_t actor)
{
	simulation *sim = pool->simulation;

	if (sim != NULL)
		/* SI-none: threads outside spawn too; a slot is its spawner's, and only the number is shared. */
		sim->births[actor] = atomic_fetch_add_explicit(&sim->born, 1, memory_order_relaxed) + 1;
}

uint32_t
tr_simulation_birth(const tr_pool *pool, uint32_t actor)
{
	const simulation *sim = pool->simulation;

	return sim != NULL ? sim->births[actor] : 0;
}

/* SplitMix64 (Steele, Lea and Flood 2014): any seed is good, 0 too. */
static uint64_t
next_random(simulation *sim)
{
	uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void
put(tr_worker *worker, uint32_t actor)
{
	simulation *sim = worker->pool->simulation;

	sim->runnable[sim->count++] = actor;
}

static uint32_t
try_next(tr_worker *worker)
{
	simulation *sim = worker->pool->simulation;
	uint32_t actor;

	while (tr_overflow_take(&worker->pool->overflow, &actor, 1) == 1)
		put(worker, actor);
	if (sim->count == 0)
		return 0;
	/* The high half of a product: uniform enough below 2^32, without a division. */
	uint32_t at = (uint32_t)(((next_random(sim) >> 32) * sim->count) >> 32);

	actor = sim->runnable[at];
	sim->runnable[at] = sim->runnable[--sim->count];
	if (sim->now <= INT64_MAX - TR_SIMULATED_STEP_NS)
		sim->now += TR_SIMULATED_STEP_NS;
	return actor;
}

static int64_t
simulated_now(const tr_pool *pool)
{
	const simulation *sim = pool->simulation;

	return sim->now;
}

void
tr_simulation_jump(tr_pool *pool, int64_t now)
{
	simulation *sim = pool->simulation;

	if (sim->now < now)
		sim->now = now;
}

const tr_scheduler tr_simulated_scheduler = {
	.name = "simulated",
	.put = put,
	.put_back = put,
	.try_next = try_next,
	.now = simulated_now,
};
