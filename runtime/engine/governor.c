/* SPDX-License-Identifier: MIT */
#include "runtime/engine/governor.h"

/* A trial must win by this much, in percent, to be kept: less is noise. */
#define MARGIN_PERCENT 104

void
tr_governor_init(tr_governor *governor, uint32_t count)
{
	*governor = (tr_governor){ .count = count };
	tr_governor_reset(governor);
}

static void
set_limit(tr_governor *governor, uint32_t limit)
{
	/* GV-A: seq_cst, before the caller looks for workers on the bench. */
	atomic_store_explicit(&governor->limit, limit, memory_order_seq_cst);
}

uint32_t
tr_governor_limit(const tr_governor *governor)
{
	/* GV-A: seq_cst, after the worker said BENCHED. */
	return atomic_load_explicit(&governor->limit, memory_order_seq_cst);
}

static void
set_due(tr_governor *governor, int64_t due)
{
	/* GV-none: a hint, checked again under the lock. */
	atomic_store_explicit(&governor->due, due, memory_order_relaxed);
}

static bool
try_lock(tr_governor *governor)
{
	/* GV-C: acquire, receives what was measured. */
	return !atomic_exchange_explicit(&governor->deciding, true, memory_order_acquire);
}

static void
unlock(tr_governor *governor)
{
	/* GV-C: release, publishes what was measured. */
	atomic_store_explicit(&governor->deciding, false, memory_order_release);
}

static void
begin(tr_governor *governor, enum tr_governor_phase phase, int64_t now, tr_work work)
{
	governor->phase = phase;
	governor->began = now;
	governor->work = work;
	set_due(governor, now + (phase == TR_GOVERNOR_WARMING ? TR_WARM_NS : TR_EPOCH_NS));
}

static void
start_over(tr_governor *governor)
{
	governor->settled = governor->count;
	governor->settled_rate = 0;
	governor->rival_rate = 0;
	governor->overtaken = 0;
	governor->hold = 0;
	governor->next_hold = TR_HOLD_LEAST;
	governor->try_more = false;
	governor->phase = TR_GOVERNOR_WARMING;
	governor->began = 0;
	/* GV-none: a hint from before. */
	atomic_store_explicit(&governor->flooded, false, memory_order_relaxed);
	set_limit(governor, governor->count);
	set_due(governor, 0);
}

void
tr_governor_flood(tr_governor *governor)
{
	/* GV-none: hints for the next decision. */
	atomic_store_explicit(&governor->flooded, true, memory_order_relaxed);
	set_due(governor, 0);
}

void
tr_governor_reset(tr_governor *governor)
{
	/* Whoever decides at this moment may undo it, and will decide again. */
	if (!try_lock(governor))
		return;
	start_over(governor);
	unlock(governor);
}

/* The next limit to try from the settled one: half or twice, in turn where both are possible. */
static uint32_t
next_trial(tr_governor *governor)
{
	uint32_t settled = governor->settled;
	bool more = settled == 1 || (governor->try_more && settled < governor->count);
	uint32_t twice = settled * 2 < governor->count ? settled * 2 : governor->count;

	governor->try_more = !more;
	return more ? twice : settled - settled / 2;
}

/* An epoch with the settled limit is over: go on, or try another. */
static uint32_t
after_settled(tr_governor *governor, uint64_t rate)
{
	bool overtaken = rate * MARGIN_PERCENT < governor->rival_rate * 100;

	governor->settled_rate = rate;
	governor->overtaken = overtaken ? governor->overtaken + 1 : 0;
	/* What lost the last trial did better then than this has done for a while: the work has changed. */
	if (governor->hold > 0 && governor->overtaken < TR_OVERTAKEN) {
		governor->hold--;
		return governor->settled;
	}
	governor->overtaken = 0;
	return next_trial(governor);
}

static void
hold_longer(tr_governor *governor)
{
	governor->hold = governor->next_hold;
	if (governor->next_hold < TR_HOLD_MOST)
		governor->next_hold *= 2;
}

/* An epoch with another limit is over: keep it, or go back. */
static uint32_t
after_trial(tr_governor *governor, uint32_t limit, uint64_t rate)
{
	bool better = rate * 100 > governor->settled_rate * MARGIN_PERCENT;

	if (better) {
		governor->rival_rate = governor->settled_rate;
		governor->settled = limit;
		governor->next_hold = TR_HOLD_LEAST;
	} else {
		governor->rival_rate = rate;
	}
	hold_longer(governor);
	return governor->settled;
}

/* Sending is work too: an actor that sends a million messages in one callback is not a coarse one. */
static bool
was_coarse(const tr_governor *governor, tr_work work, uint64_t spent, uint32_t running)
{
	uint64_t messages = work.handled - governor->work.handled + (work.sent - governor->work.sent);

	return messages * (uint64_t)TR_COARSE_NS < spent * running;
}

/* Under the lock: an epoch is over.  Returns the limit for the next. */
static uint32_t
after_epoch(tr_governor *governor, uint32_t limit, int64_t now, tr_work work, uint32_t running)
{
	uint64_t spent = (uint64_t)(now - governor->began);
	/* Handled, and not sent: what only fills mailboxes is no gain. */
	uint64_t rate = (work.handled - governor->work.handled) * 1000000 / spent;
	/* GV-none: if it comes a moment later, it counts for the next epoch. */
	bool flooded = atomic_exchange_explicit(&governor->flooded, false, memory_order_relaxed);

	if (was_coarse(governor, work, spent, running)) {
		start_over(governor);
		return governor->count;
	}
	if (flooded && limit > 1) {
		governor->settled = limit / 2;
		hold_longer(governor);
		return governor->settled;
	}
	return limit == governor->settled ? after_settled(governor, rate) : after_trial(governor, limit, rate);
}

/* Under the lock: the limit goes from `before` to `limit`, or stays. */
static enum tr_governor_action
change_limit(tr_governor *governor, uint32_t before, uint32_t limit)
{
	enum tr_governor_action action = limit > before ? TR_GOVERNOR_CALL_BACK : TR_GOVERNOR_NOTHING;

	if (limit != before)
		set_limit(governor, limit);
	if (limit < before)
		governor->untidy = true;
	/* An epoch later, what the others had left behind has been handled. */
	if (limit == before && limit == 1 && governor->untidy) {
		governor->untidy = false;
		action = TR_GOVERNOR_TIDY_UP;
	}
	return action;
}

/* Under the lock. */
static enum tr_governor_action
decide(tr_governor *governor, int64_t now, tr_work work, uint32_t running)
{
	/* GV-none: written under the lock that is held. */
	uint32_t before = atomic_load_explicit(&governor->limit, memory_order_relaxed);
	/* GV-none: a hint. */
	bool flooded = atomic_load_explicit(&governor->flooded, memory_order_relaxed) && before > 1;

	if (governor->began == 0 || now <= governor->began) {
		begin(governor, TR_GOVERNOR_WARMING, now, work);
		return TR_GOVERNOR_NOTHING;
	}
	if (governor->phase == TR_GOVERNOR_WARMING && !flooded) {
		begin(governor, TR_GOVERNOR_MEASURING, now, work);
		return TR_GOVERNOR_NOTHING;
	}
	uint32_t limit = after_epoch(governor, before, now, work, running);

	begin(governor, limit != before ? TR_GOVERNOR_WARMING : TR_GOVERNOR_MEASURING, now, work);
	return change_limit(governor, before, limit);
}

enum tr_governor_action
tr_governor_decide(tr_governor *governor, int64_t now, tr_work work, uint32_t running)
{
	enum tr_governor_action action = TR_GOVERNOR_NOTHING;

	if (!try_lock(governor))
		return action;
	if (tr_governor_is_due(governor, now))
		action = decide(governor, now, work, running);
	unlock(governor);
	return action;
}

uint32_t
tr_governor_sit(tr_governor *governor)
{
	/* GV-B: seq_cst, before the idle word is looked at. */
	return atomic_fetch_add_explicit(&governor->benched, 1, memory_order_seq_cst) + 1;
}

uint32_t
tr_governor_stand(tr_governor *governor)
{
	/* GV-none: whoever sees this worker park sees this; until then it is called back once too often at worst. */
	return atomic_fetch_sub_explicit(&governor->benched, 1, memory_order_relaxed) - 1;
}

uint32_t
tr_governor_benched(const tr_governor *governor)
{
	/* GV-B: seq_cst, after the idle word was changed. */
	return atomic_load_explicit(&governor->benched, memory_order_seq_cst);
}
