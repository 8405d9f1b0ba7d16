/* SPDX-License-Identifier: MIT */
#include "runtime/engine/deadlines.h"
#include "tests/model/model.h"

/*
 * Deadlines: cells that are armed and disarmed by their owners while the event
 * thread sleeps until the next one, and while others help it.
 *
 * The clock stands still until all wait; then the sleep that ends first ends by
 * time.  So a deadline that the event thread does not know of when it falls
 * asleep is never fired, and that is found.  What a cell is for stands in
 * `purpose`, plain, which its owner changes when the cell is his again.
 */

enum { UNITS = 4 };

static char messages[UNITS * TR_UNIT];
static tr_deadlines *deadlines;
static uint32_t purpose[UNITS];
static _Atomic uint32_t ticks[UNITS]; /* in the owner's mailbox, as it were */

/* The harness's own books. */
static uint32_t armed[UNITS], fired[UNITS], disarmed[UNITS];

static MODEL_UNSEEN void
note(uint32_t *book, uint32_t unit)
{
	book[unit]++;
}

static void
begin(void *owner)
{
	(void)owner;
}

static MODEL_UNSEEN void
note_fired(uint32_t unit)
{
	MODEL_CHECK(++fired[unit] <= armed[unit] - disarmed[unit]);
}

static void
fire(void *owner, tr_cell *cell)
{
	uint32_t unit = tr_cell_unit(cell);

	(void)owner;
	MODEL_CHECK(purpose[unit] == (uint32_t)cell->deadline);
	MODEL_CHECK(cell->deadline <= tr_clock_now());
	note_fired(unit);
	atomic_fetch_add_explicit(&ticks[unit], 1, memory_order_release);
}

static const tr_deadlines_hooks hooks = { .begin = begin, .end = begin, .fire = fire };

static void
open_shards(uint32_t shards)
{
	tr_arenas[TR_MESSAGES] = (tr_arena){ .base = messages, .limit = UNITS };
	deadlines = tr_deadlines_create(shards, 0, 1, &hooks, NULL);
	MODEL_CHECK(deadlines != NULL);
	model_clock_reach(1);
	model_name(deadlines, sizeof *deadlines, "deadlines");
	model_name(&deadlines->sleeps_until, 8, "sleeps_until");
	model_name(&deadlines->stopping, 1, "stopping");
	model_name(&deadlines->parker, sizeof deadlines->parker, "parker");
	model_name(&deadlines->shards[0], sizeof(tr_shard), "shard 1");
	if (shards > 1)
		model_name(&deadlines->shards[1], sizeof(tr_shard), "shard 2");
	model_name(messages, sizeof messages, "cells");
	model_name(purpose, sizeof purpose, "purpose");
	model_name(ticks, sizeof ticks, "ticks");
}

static void
open_one(void)
{
	open_shards(1);
}

static void
open_two(void)
{
	open_shards(2);
}

static void
arm(uint32_t unit, uint32_t shard, int64_t deadline)
{
	tr_cell *cell = tr_cell_at(unit);

	purpose[unit] = (uint32_t)deadline;
	cell->deadline = deadline;
	note(armed, unit);
	tr_deadlines_arm(deadlines, shard, cell);
}

/* --- Who is at work. --- */

static _Atomic uint32_t at_work; /* times that somebody began to fire */

static void
count_begin(void *owner)
{
	(void)owner;
	atomic_fetch_add_explicit(&at_work, 1, memory_order_relaxed);
}

static const tr_deadlines_hooks counting = { .begin = count_begin, .end = begin, .fire = fire };

static void
open_with_one_due(void)
{
	open_one();
	deadlines->hooks = &counting;
	model_name(&at_work, sizeof at_work, "at work");
	arm(1, 0, 20);
	model_clock_reach(20);
}

static void
fire_due(void)
{
	MODEL_CHECK(tr_deadlines_expire(deadlines, 20));
}

/* As one that asks whether all is quiet: first what is armed, then who is at work. */
static void
look_who_is_at_work(void)
{
	tr_deadlines_load load = tr_deadlines_get_load(deadlines);
	uint32_t works = atomic_load_explicit(&at_work, memory_order_relaxed);

	MODEL_CHECK(works == 1 || (load.armed == 1 && load.changes == 1));
	model_outcome(load.armed == 0 ? 1 : 0);
}

static void
run_event_thread(void)
{
	tr_deadlines_run(deadlines);
}

static void
arm_20(void)
{
	arm(1, 0, 20);
}

static void
arm_10_in_the_other(void)
{
	arm(2, 1, 10);
}

/* The cell is the owner's again, or will be when its tick has come. */
static bool
disarm(uint32_t unit)
{
	if (!tr_deadlines_disarm(deadlines, tr_cell_at(unit)))
		return false;
	note(disarmed, unit);
	return true;
}

/* Cancel; if it is too late, wait for the tick; then the cell is for something else. */
static void
cancel(void)
{
	arm(1, 0, 20);
	model_clock_reach(20);
	if (disarm(1)) {
		model_outcome(0);
	} else {
		while (atomic_load_explicit(&ticks[1], memory_order_acquire) == 0)
			tr_spin_hint();
		model_outcome(1);
	}
	purpose[1] = 0;
}

static void
help(void)
{
	int64_t now = tr_clock_now();

	if (tr_deadlines_is_late(deadlines, now))
		(void)tr_deadlines_expire(deadlines, now);
}

/* Until the cell is in no wheel, by whomever. */
static void
help_until_done(void)
{
	model_clock_reach(20);
	while (!tr_deadlines_expire(deadlines, 20) && tr_deadlines_get_load(deadlines).changes < 2)
		tr_spin_hint();
}

static void
arm_and_wait_until_20(void)
{
	arm(1, 0, 20);
	model_clock_reach(20);
}

static void
stop(void)
{
	tr_deadlines_stop(deadlines);
}

static MODEL_UNSEEN void
check_all_fired(void)
{
	for (uint32_t unit = 1; unit < UNITS; unit++)
		MODEL_CHECK(fired[unit] + disarmed[unit] == armed[unit]);
	tr_deadlines_load load = tr_deadlines_get_load(deadlines);
	MODEL_CHECK(load.armed == 0);
}

#define NONE_MISSED \
	"the event thread sleeps no longer than until the earliest deadline (INV-DL-1), and each fires once"
#define FIRES .times_out = true, .at_rest = check_all_fired

static const model_case cases[] = {
	{
	    .name = "arm",
	    .proves = NONE_MISSED,
	    .bounds = "1 shard; 1 thread that arms a cell while the event thread falls asleep",
	    FIRES,
	    .early = 1,
	    .set_up = open_one,
	    .threads = { { "events", run_event_thread }, { "owner", arm_20 } },
	},
	{
	    .name = "arm-two",
	    .proves = NONE_MISSED,
	    .bounds = "2 shards; 2 threads that arm a cell each; the event thread sleeps at first",
	    .is_deep = true,
	    FIRES,
	    .set_up = open_two,
	    .settled = 1,
	    .threads = { { "events", run_event_thread }, { "owner 1", arm_20 },
		{ "owner 2", arm_10_in_the_other } },
	},
	{
	    .name = "cancel",
	    .is_deep = true,
	    .proves =
		"a cell that was disarmed never fires, another fires once, and either way its owner can write to it",
	    .bounds = "1 shard; 1 owner that cancels when it is due; the event thread sleeps at first",
	    FIRES,
	    .set_up = open_one,
	    .settled = 1,
	    .threads = { { "events", run_event_thread }, { "owner", cancel } },
	    .outcomes = 0x3,
	},
	{
	    .name = "help",
	    .proves = "what is due is fired once, whoever helps",
	    .preemptions = 1,
	    .bounds =
		"1 shard, 1 cell; 1 owner; 1 helper; the event thread sleeps at first; at most 1 preemption",
	    .is_deep = true,
	    FIRES,
	    .set_up = open_one,
	    .settled = 1,
	    .threads = { { "events", run_event_thread }, { "owner", arm_and_wait_until_20 },
		{ "helper", help } },
	},
	{
	    .name = "cancel-help",
	    .proves =
		"what is cancelled while helpers fire what is due is either cancelled or fired, and its owner's again",
	    .bounds = "1 shard, no event thread; 1 owner; 1 helper",
	    FIRES,
	    .set_up = open_one,
	    .threads = { { "owner", cancel }, { "helper", help_until_done } },
	    .outcomes = 0x3,
	},
	{
	    .name = "at-work",
	    .proves = "who sees that a cell is armed no more sees whoever took it out at work",
	    .bounds = "1 shard, 1 cell that is due; 1 thread that fires it; 1 that looks",
	    .at_rest = check_all_fired,
	    .set_up = open_with_one_due,
	    .threads = { { "firing", fire_due }, { "looking", look_who_is_at_work } },
	    .outcomes = 0x3,
	},
	{
	    .name = "stop",
	    .proves = "the event thread ends when it is told to",
	    .bounds = "1 shard; the event thread runs, or sleeps",
	    .early = 1,
	    .set_up = open_one,
	    .threads = { { "events", run_event_thread }, { "stopper", stop } },
	},
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "deadlines", cases, sizeof cases / sizeof *cases);
}
