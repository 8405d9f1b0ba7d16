/* SPDX-License-Identifier: MIT */
#include "runtime/engine/simulated.h"

#include "runtime/engine/late.h"
#include "runtime/engine/policy.h"
#include "runtime/engine/runnable.h"
#include "runtime/memory/table.h"

/* A message is late by a virtual microsecond to some eight seconds, by each order of magnitude as often. */
#define LATE_LEAST_NS  INT64_C(1000)
#define LATE_DOUBLINGS 23

_Static_assert(LATE_LEAST_NS << (LATE_DOUBLINGS - 1) <= UINT32_MAX, "a delay can be drawn");

typedef struct simulation {
	tr_runnable runnable;
	tr_policy policy;
	uint32_t *births; /* of the actor in each slot; only where one was born */
	_Atomic uint32_t born;
	int64_t now;
	uint64_t most_steps; /* 0: no limit */
	tr_choices choices;  /* to be replayed */
	tr_choices record;
	bool is_recorded;
	/* Faults: each kind draws from a generator of its own, so that one without the other is the same. */
	troupe_faults faults;
	tr_late late;
	uint64_t late_random, mishap_random;
	tr_fault_source allocations;
} simulation;

/* A number for every actor that there can be. */
static size_t
births_bytes(void)
{
	return (size_t)tr_arenas[TR_ACTORS].limit * sizeof(uint32_t);
}

/* Of these: no more than where an actor can have been, in this runtime or in one before. */
static size_t
births_touched(void)
{
	/* AR-none: what has been carved since does not matter. */
	return (size_t)atomic_load_explicit(&tr_arenas[TR_ACTORS].top, memory_order_relaxed) * sizeof(uint32_t);
}

static void
plan_faults(simulation *sim, const tr_simulation_plan *plan)
{
	uint64_t random = plan->seed ^ UINT64_C(0x6661756c7473);

	sim->faults = plan->faults;
	sim->late_random = tr_random_next(&random);
	sim->mishap_random = tr_random_next(&random);
	sim->allocations = (tr_fault_source){ .random = tr_random_next(&random), .odds = plan->faults.alloc };
}

void *
tr_simulation_create(const tr_simulation_plan *plan)
{
	simulation *sim = tr_heap_take_zeroed(sizeof *sim);

	if (sim == NULL)
		return NULL;
	if (plan->choices != NULL && tr_choices_read(&sim->choices, plan->choices) != NULL)
		goto fail;
	if (tr_runnable_init(&sim->runnable, tr_arenas[TR_ACTORS].limit) != 0)
		goto fail_choices;
	sim->births = tr_table_take(births_bytes());
	if (sim->births == NULL)
		goto fail_runnable;
	if (plan->faults.late != 0 && tr_late_init(&sim->late) != 0)
		goto fail_births;
	plan_faults(sim, plan);
	tr_policy_init(&sim->policy, plan->policy, plan->seed, plan->depth, plan->length, &sim->choices);
	return sim;

fail_births:
	tr_table_give(sim->births, births_bytes(), births_touched());
fail_runnable:
	tr_runnable_fini(&sim->runnable);
fail_choices:
	tr_choices_fini(&sim->choices);
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
	tr_late_fini(&sim->late);
	tr_table_give(sim->births, births_bytes(), births_touched());
	tr_runnable_fini(&sim->runnable);
	tr_choices_fini(&sim->record);
	tr_choices_fini(&sim->choices);
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

/* --- The scheduler. --- */

static int64_t
draw_delay(simulation *sim)
{
	int64_t least = LATE_LEAST_NS << tr_random_below(&sim->late_random, LATE_DOUBLINGS);

	return least + (int64_t)tr_random_below(&sim->late_random, (uint32_t)least);
}

static void
put(tr_worker *worker, uint32_t actor)
{
	simulation *sim = worker->pool->simulation;

	if (TR_UNLIKELY(tr_random_strikes(&sim->late_random, sim->faults.late)) &&
	    tr_late_add(&sim->late, actor, tr_time_after(sim->now, draw_delay(sim))))
		return;
	tr_runnable_put(&sim->runnable, actor);
}

static uint32_t
try_next(tr_worker *worker)
{
	simulation *sim = worker->pool->simulation;
	uint32_t actor;

	while (tr_overflow_take(&worker->pool->overflow, &actor, 1) == 1)
		put(worker, actor);
	while ((actor = tr_late_take(&sim->late, sim->now)) != 0)
		tr_runnable_put(&sim->runnable, actor);
	if (sim->runnable.count == 0)
		return 0;
	size_t rank = tr_policy_choose(&sim->policy, &sim->runnable, sim->births);

	if (sim->is_recorded)
		tr_choices_append(&sim->record, (uint32_t)rank, 1);
	sim->now = tr_time_after(sim->now, TR_SIMULATED_STEP_NS);
	return tr_runnable_take(&sim->runnable, rank);
}

static int64_t
simulated_now(const tr_pool *pool)
{
	const simulation *sim = pool->simulation;

	return sim->now;
}

const tr_scheduler tr_simulated_scheduler = {
	.name = "simulated",
	.put = put,
	.put_back = put,
	.try_next = try_next,
	.now = simulated_now,
};

void
tr_simulation_jump(tr_pool *pool, int64_t now)
{
	simulation *sim = pool->simulation;

	if (sim->now < now)
		sim->now = now;
}

int64_t
tr_simulation_next_late(const tr_pool *pool)
{
	const simulation *sim = pool->simulation;

	return sim != NULL ? tr_late_next(&sim->late) : INT64_MAX;
}

bool
tr_simulation_has_work(const tr_pool *pool)
{
	const simulation *sim = pool->simulation;

	return sim != NULL && (sim->runnable.count > 0 || sim->late.count > 0);
}

/* --- Faults. --- */

tr_fault_source *
tr_simulation_faults(tr_pool *pool)
{
	simulation *sim = pool->simulation;

	return sim != NULL && sim->allocations.odds != 0 ? &sim->allocations : NULL;
}

enum tr_mishap
tr_simulation_draw_mishap(tr_pool *pool)
{
	simulation *sim = pool->simulation;

	if (!tr_random_strikes(&sim->mishap_random, sim->faults.restart))
		return TR_NO_MISHAP;
	return tr_random_below(&sim->mishap_random, 2) == 0 ? TR_FAIL_BEFORE : TR_FAIL_AFTER;
}

/* --- Reports. --- */

char *
tr_simulation_write_choices(const tr_pool *pool)
{
	return tr_choices_write(&((const simulation *)pool->simulation)->choices);
}

uint64_t
tr_simulation_steps(const tr_pool *pool)
{
	return ((const simulation *)pool->simulation)->policy.steps;
}

uint32_t
tr_simulation_born(const tr_pool *pool)
{
	/* SI-none: as it comes. */
	return atomic_load_explicit(&((simulation *)pool->simulation)->born, memory_order_relaxed);
}

/* --- For an explorer. --- */

void
tr_simulation_record(tr_pool *pool)
{
	((simulation *)pool->simulation)->is_recorded = true;
}

tr_choices
tr_simulation_take_record(tr_pool *pool)
{
	simulation *sim = pool->simulation;
	tr_choices record = sim->record;

	sim->record = (tr_choices){ 0 };
	return record;
}

void
tr_simulation_limit(tr_pool *pool, uint64_t steps)
{
	((simulation *)pool->simulation)->most_steps = steps;
}

bool
tr_simulation_is_used_up(const tr_pool *pool)
{
	const simulation *sim = pool->simulation;

	return sim->most_steps != 0 && sim->policy.steps >= sim->most_steps;
}
