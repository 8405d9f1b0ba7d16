/* SPDX-License-Identifier: MIT */
#include "runtime/engine/pool.h"

#include <stdio.h>

int
tr_pool_init(tr_pool *pool, tr_worker **workers, uint32_t count, uint32_t ring_size,
    const tr_scheduler *scheduler, const tr_worker_hooks *hooks, void *owner)
{
	uint32_t ready = 0;
	int error;

	pool->hooks = hooks;
	pool->scheduler = scheduler;
	pool->owner = owner;
	pool->workers = workers;
	pool->count = count;
	pool->started = 0;
	pool->exited = 0;
	/* WK-none: nobody else knows the pool yet. */
	atomic_store_explicit(&pool->stopping, false, memory_order_relaxed);
	tr_idle_init(&pool->idle);
	tr_governor_init(&pool->governor, count);
	if ((error = tr_overflow_init(&pool->overflow)) != 0)
		return error;
	if ((error = pthread_mutex_init(&pool->exit_lock, NULL)) != 0)
		goto fail_overflow;
	if ((error = tr_cond_init(&pool->exit_changed)) != 0)
		goto fail_lock;
	for (; ready < count; ready++)
		if ((error = tr_worker_init(workers[ready], pool, ready, ring_size)) != 0)
			goto fail_workers;
	return 0;

fail_workers:
	while (ready-- > 0)
		tr_worker_fini(workers[ready]);
	pthread_cond_destroy(&pool->exit_changed);
fail_lock:
	pthread_mutex_destroy(&pool->exit_lock);
fail_overflow:
	tr_overflow_fini(&pool->overflow);
	return error;
}

void
tr_pool_fini(tr_pool *pool)
{
	for (uint32_t i = 0; i < pool->count; i++)
		tr_worker_fini(pool->workers[i]);
	pthread_cond_destroy(&pool->exit_changed);
	pthread_mutex_destroy(&pool->exit_lock);
	tr_overflow_fini(&pool->overflow);
}

static void *
work(void *argument)
{
	tr_worker *worker = argument;
	tr_pool *pool = worker->pool;

	pool->hooks->work(worker);

	pthread_mutex_lock(&pool->exit_lock);
	pool->exited++;
	pthread_cond_signal(&pool->exit_changed);
	pthread_mutex_unlock(&pool->exit_lock);
	return NULL;
}

int
tr_pool_start(tr_pool *pool)
{
	for (; pool->started < pool->count; pool->started++) {
		tr_worker *worker = pool->workers[pool->started];
		char name[sizeof "troupe/4294967295"];
		int error;

		snprintf(name, sizeof name, "troupe/%u", pool->started);
		error = tr_thread_start(&worker->thread, name, work, worker);
		if (error != 0) {
			tr_pool_stop(pool);
			bool joined = tr_pool_join(pool, -1);
			TR_ASSERT(joined);
			(void)joined;
			return error;
		}
	}
	return 0;
}

void
tr_pool_stop(tr_pool *pool)
{
	/* WK-B: seq_cst, before the tickets are taken. */
	atomic_store_explicit(&pool->stopping, true, memory_order_seq_cst);
	tr_pool_wake_all(pool);
	tr_pool_call_back(pool);
}

bool
tr_pool_join(tr_pool *pool, int64_t deadline)
{
	bool all;

	pthread_mutex_lock(&pool->exit_lock);
	while (pool->exited < pool->started && tr_cond_wait_until(&pool->exit_changed, &pool->exit_lock, deadline))
		;
	all = pool->exited == pool->started;
	pthread_mutex_unlock(&pool->exit_lock);
	if (!all)
		return false;
	for (uint32_t i = 0; i < pool->started; i++)
		pthread_join(pool->workers[i]->thread, NULL);
	pool->started = pool->exited = 0;
	return true;
}

bool
tr_pool_is_quiet(tr_pool *pool)
{
	bool quiet;

	/*
	 * While the queue is locked and empty nothing can be put on it, and a
	 * parked worker holds nothing (INV-WK-1): so if all are parked, nothing
	 * is queued and nobody runs.
	 */
	pthread_mutex_lock(&pool->overflow.lock);
	quiet = tr_overflow_count(&pool->overflow) == 0 &&
	        tr_idle_parked(tr_idle_load(&pool->idle)) == pool->count;
	pthread_mutex_unlock(&pool->overflow.lock);
	return quiet;
}
