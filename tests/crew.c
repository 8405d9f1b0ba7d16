/* SPDX-License-Identifier: MIT */
#include "tests/crew.h"

#include <string.h>

static void
count_run(struct crew *crew, const tr_worker *worker)
{
	_Atomic uint64_t *handled = &crew->handled[worker->index];

	atomic_store_explicit(handled,
	    atomic_load_explicit(handled, memory_order_relaxed) + crew->messages_per_run,
	    memory_order_relaxed);
}

static void
work(tr_worker *worker)
{
	struct crew *crew = worker->pool->owner;
	uint32_t actor;

	crew->entered[worker->index]++;
	while ((actor = tr_worker_next(worker)) != 0) {
		count_run(crew, worker);
		crew->run(crew, worker, actor);
	}
	crew->left[worker->index]++;
}

static void
tell_all_parked(tr_pool *pool)
{
	struct crew *crew = pool->owner;

	(void)pthread_mutex_lock(&crew->lock);
	(void)pthread_cond_broadcast(&crew->all_parked);
	(void)pthread_mutex_unlock(&crew->lock);
}

static const tr_worker_hooks hooks = { .work = work, .all_parked = tell_all_parked };

void
crew_init(struct crew *crew, uint32_t count, uint32_t ring_size,
    void (*run)(struct crew *, tr_worker *, uint32_t))
{
	ck_assert_uint_le(count, CREW_MAX);
	init_memory();
	memset(crew, 0, sizeof *crew);
	crew->run = run;
	ck_assert_int_eq(pthread_mutex_init(&crew->lock, NULL), 0);
	ck_assert_int_eq(pthread_cond_init(&crew->all_parked, NULL), 0);
	for (uint32_t i = 0; i < count; i++) {
		crew->workers[i] = &crew->members[i];
		crew->members[i].handled = &crew->handled[i];
		crew->members[i].sent = &crew->sent[i];
	}
	ck_assert_int_eq(tr_pool_init(&crew->pool, crew->workers, count, ring_size, &tr_pool_scheduler,
			     &hooks, crew),
	    0);
}

void
crew_fini(struct crew *crew)
{
	tr_pool_fini(&crew->pool);
	ck_assert_int_eq(pthread_cond_destroy(&crew->all_parked), 0);
	ck_assert_int_eq(pthread_mutex_destroy(&crew->lock), 0);
}

void
crew_start(struct crew *crew)
{
	ck_assert_int_eq(tr_pool_start(&crew->pool), 0);
}

void
crew_stop(struct crew *crew)
{
	tr_pool_stop(&crew->pool);
	ck_assert(tr_pool_join(&crew->pool, -1));
}

void
crew_watch_until_quiet(struct crew *crew)
{
	while (!tr_pool_is_quiet(&crew->pool))
		sched_yield();
}

void
crew_wait_until_quiet(struct crew *crew)
{
	ck_assert_int_eq(pthread_mutex_lock(&crew->lock), 0);
	while (!tr_pool_is_quiet(&crew->pool))
		ck_assert_int_eq(pthread_cond_wait(&crew->all_parked, &crew->lock), 0);
	ck_assert_int_eq(pthread_mutex_unlock(&crew->lock), 0);
}
