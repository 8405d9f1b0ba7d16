/* SPDX-License-Identifier: MIT */
#ifndef TR_POOL_H
#define TR_POOL_H

#include "runtime/engine/worker.h"

/*
 * pool -- the workers of one runtime: their threads, whether they are quiet,
 * and their end.
 *
 * Threads    init, start, stop and fini are for one thread, the runtime's
 *            opener or closer.  is_quiet is for any thread.
 * Failure    start is all or nothing: on failure no thread is left.
 */

/*
 * A pool over `count` workers, which the caller allocated (the array too) and
 * keeps until fini.  0, or an errno value.
 */
int tr_pool_init(tr_pool *pool, tr_worker **workers, uint32_t count, uint32_t ring_size,
    const tr_scheduler *scheduler, const tr_worker_hooks *hooks, void *owner);
void tr_pool_fini(tr_pool *pool);

/* Start a thread for each worker.  Not called when the caller's thread is the only worker. */
int tr_pool_start(tr_pool *pool);

/* Ask every worker to leave after the callback in hand.  May be repeated. */
void tr_pool_stop(tr_pool *pool);

/* Wait until all have left, and join them; false when deadline (tr_clock_now; negative: none) passed first. */
TR_MUST_USE bool tr_pool_join(tr_pool *pool, int64_t deadline);

/*
 * Whether there was a moment during this call in which every worker was
 * parked and nothing was queued.
 */
bool tr_pool_is_quiet(tr_pool *pool);

#endif /* TR_POOL_H */
