/* SPDX-License-Identifier: MIT */
#ifndef TR_GOVERNOR_H
#define TR_GOVERNOR_H

#include "runtime/platform/base.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * governor -- how many workers run, so that more of them never make a program
 * slower.
 *
 * Actors that exchange many small messages run best on one core: on two, each
 * message moves its cache lines across, which costs more than the work.  Which
 * programs are like that shows only when they run.  So while several workers
 * are busy the governor counts the messages handled in an epoch, tries half or
 * twice the workers for the next, keeps what is clearly faster, and asks again
 * later, ever more seldom.  (Feedback-directed threading: Suleman, Qureshi and
 * Patt, ASPLOS 2008.)
 *
 * It keeps out of the way where it could do harm: messages that take longer
 * than TR_COARSE_NS on average get all workers at once, and the first worker
 * on the bench looks every TR_WATCH_NS whether the others get on; if a long
 * callback holds them up, all come back.
 *
 * Threads    Any worker of the pool, between two actors.
 * Idle       When all others are parked, those on the bench are called back,
 *            so that they park too: an idle pool has none.
 *
 * Invariants
 *   INV-GV-1  a worker on the bench holds no actor.
 *   INV-GV-2  at least one worker is not on the bench.
 *
 * Ordering edges
 *   GV-A  limit (seq_cst) against the word BENCHED of a parker (seq_cst): who
 *         raises the limit sees a worker on the bench, or that worker, before
 *         it sleeps, sees the limit.
 *   GV-B  benched raised (seq_cst) against the idle word (seq_cst): the last worker
 *         to park sees one on the bench, or that one sees that all others are
 *         parked.
 *   GV-C  the decision lock: what was measured, from one decider to the next.
 */

/* Messages that an actor takes at once: 1 MiB of them. */
#define TR_FLOOD 16384

#define TR_EPOCH_NS  INT64_C(1000000)
#define TR_WARM_NS   INT64_C(200000)  /* after a change, before an epoch counts */
#define TR_COARSE_NS INT64_C(1000)
#define TR_WATCH_NS  INT64_C(1000000)

/* Epochs between two trials: the least, and the most that it grows to while trials change nothing. */
#define TR_HOLD_LEAST 32
#define TR_HOLD_MOST  512

/* Epochs in a row, slower than the loser of the last trial was, that make another trial due. */
#define TR_OVERTAKEN 6

enum tr_governor_phase { TR_GOVERNOR_WARMING, TR_GOVERNOR_MEASURING };

/* What a decision asks the caller to do. */
enum tr_governor_action {
	TR_GOVERNOR_NOTHING,
	TR_GOVERNOR_CALL_BACK, /* the limit was raised: let those on the bench look at it */
	TR_GOVERNOR_TIDY_UP    /* one worker is left: what several have mixed up is worth sorting */
};

/* Messages so far. */
typedef struct tr_work {
	uint64_t handled, sent;
} tr_work;

typedef struct tr_governor {
	_Alignas(TR_CACHE_LINE) _Atomic uint32_t limit; /* workers with a lower index may run */
	_Atomic uint32_t benched;
	_Atomic int64_t due;   /* when there is something to decide; 0: at the next occasion */
	_Atomic bool deciding; /* the lock for what follows */
	enum tr_governor_phase phase;
	uint32_t settled;      /* the limit that was best so far */
	uint64_t settled_rate; /* messages per ms with it, in the last epoch */
	uint64_t rival_rate;   /* the same with the limit that lost the last trial, then */
	uint32_t overtaken;    /* epochs in a row that were slower than that */
	uint32_t hold;         /* epochs until the next trial */
	uint32_t next_hold;
	bool try_more;         /* the next trial is with twice the workers */
	_Atomic bool flooded;  /* an actor's mailbox filled faster than it could be emptied */
	bool untidy;           /* workers were benched, and the free messages have not been sorted since */
	int64_t began;
	tr_work work;          /* of all workers, when the epoch began */
	uint32_t count;        /* workers in all */
} tr_governor;

void tr_governor_init(tr_governor *governor, uint32_t count);

/* Whether the worker with that index should sit on the bench. */
TR_INLINE bool
tr_governor_benches(const tr_governor *governor, uint32_t index)
{
	/* GV-none: a hint; the proof is with the look before sleeping. */
	return TR_UNLIKELY(index >= atomic_load_explicit(&governor->limit, memory_order_relaxed));
}

/* The limit as GV-A needs it. */
uint32_t tr_governor_limit(const tr_governor *governor);

/* An occasion to decide: `now`, the work of all workers so far, and how many of them run. */
TR_MUST_USE enum tr_governor_action tr_governor_decide(tr_governor *governor, int64_t now, tr_work work,
    uint32_t running);

/* Is there something to decide? */
TR_INLINE bool
tr_governor_is_due(const tr_governor *governor, int64_t now)
{
	/* GV-none: a hint, checked again under the lock. */
	return now >= atomic_load_explicit(&governor->due, memory_order_relaxed);
}

/*
 * An actor took TR_FLOOD messages at once: its senders, on other cores, are
 * faster than it is, and memory grows.  The next decision is due now, and
 * halves the workers untried unless the work is coarse.
 */
void tr_governor_flood(tr_governor *governor);

/* Let all run, and forget what was measured.  The caller must call those on the bench back. */
void tr_governor_reset(tr_governor *governor);

/* A worker sits down on the bench, or leaves it.  Returns how many sit there now. */
uint32_t tr_governor_sit(tr_governor *governor);
uint32_t tr_governor_stand(tr_governor *governor);
/* As GV-B needs it. */
uint32_t tr_governor_benched(const tr_governor *governor);

#endif /* TR_GOVERNOR_H */
