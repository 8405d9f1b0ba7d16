/* SPDX-License-Identifier: MIT */

/* Wheels and what comes out of them, in one thread. */

#include "runtime/engine/deadlines.h"
#include "runtime/memory/fault.h"
#include "tests/cells.h"
#include "tests/support.h"

#include <string.h>

#define CELLS  1000
#define SHARDS 5

static tr_cache cache;
static tr_cell *cells[CELLS];

/* What the hooks were called for. */
static struct record {
	tr_deadlines *deadlines;
	void *owner;
	uint32_t begun, ended, count;
	bool wrong;
	tr_cell *fired[2 * CELLS];
	void (*and_then)(tr_cell *cell);
} record;

static void
note_begin(void *owner)
{
	record.wrong |= record.begun != record.ended || owner != record.owner;
	record.begun++;
}

static void
note_end(void *owner)
{
	record.ended++;
	record.wrong |= record.begun != record.ended || owner != record.owner;
}

static void
note_fired(void *owner, tr_cell *cell)
{
	record.wrong |= record.begun != record.ended + 1 || owner != record.owner ||
			record.count >= 2 * CELLS;
	record.fired[record.count++] = cell;
	if (record.and_then != NULL)
		record.and_then(cell);
}

static const tr_deadlines_hooks hooks = { .begin = note_begin, .end = note_end, .fire = note_fired };

static void
init_all(void)
{
	init_memory();
	take_cells(&cache, cells, CELLS);
	memset(&record, 0, sizeof record);
	record.owner = &record;
	record.deadlines = tr_deadlines_create(SHARDS, 0, 0, &hooks, &record);
	ck_assert_ptr_nonnull(record.deadlines);
}

static void
fini_all(void)
{
	ck_assert(!record.wrong);
	tr_deadlines_destroy(record.deadlines);
	give_cells(&cache, cells, CELLS);
}

static void
arm(uint32_t shard, int which, int64_t deadline)
{
	cells[which]->deadline = deadline;
	tr_deadlines_arm(record.deadlines, shard, cells[which]);
}

static void
assert_load(uint64_t armed, uint64_t changes)
{
	tr_deadlines_load load = tr_deadlines_get_load(record.deadlines);

	ck_assert_uint_eq(load.armed, armed);
	ck_assert_uint_eq(load.changes, changes);
}

START_TEST(test_deadlines_has_nothing_at_first)
{
	ck_assert_int_eq(tr_deadlines_next(record.deadlines), INT64_MAX);
	ck_assert_int_eq(tr_deadlines_first_deadline(record.deadlines), INT64_MAX);
	ck_assert(!tr_deadlines_expire(record.deadlines, 0));
	ck_assert(!tr_deadlines_expire(record.deadlines, INT64_MAX - 1));
	ck_assert(!tr_deadlines_disarm(record.deadlines, cells[0]));
	ck_assert_uint_eq(record.begun, 0);
	assert_load(0, 0);
}
END_TEST

START_TEST(test_deadlines_create_fails_whole)
{
	tr_deadlines *deadlines = NULL;
	long n;

	for (n = 1; deadlines == NULL; n++) {
		ck_assert_int_lt(n, 20);
		tr_fault_arm(n);
		deadlines = tr_deadlines_create(SHARDS, 0, 0, &hooks, NULL);
		ck_assert_int_eq(deadlines == NULL, tr_fault_struck());
	}
	tr_fault_arm(0);
	ck_assert_int_ge(n, 3);
	tr_deadlines_destroy(deadlines);
	tr_deadlines_destroy(NULL);
}
END_TEST

START_TEST(test_deadlines_fires_once_when_due)
{
	for (uint32_t shard = 0; shard < SHARDS; shard++) {
		uint32_t before = shard;

		arm(shard, 0, 1000 * (shard + 1));
		assert_load(1, 2 * shard + 1);
		ck_assert_int_le(tr_deadlines_next(record.deadlines), 1000 * (shard + 1));
		ck_assert(!tr_deadlines_expire(record.deadlines, 1000 * (shard + 1) - 1));
		ck_assert_uint_eq(record.count, before);
		ck_assert(tr_deadlines_expire(record.deadlines, 1000 * (shard + 1)));
		ck_assert_uint_eq(record.count, before + 1);
		ck_assert_ptr_eq(record.fired[before], cells[0]);
		assert_load(0, 2 * shard + 2);
		ck_assert(!tr_deadlines_expire(record.deadlines, 1000 * (shard + 1)));
		ck_assert_int_eq(tr_deadlines_next(record.deadlines), INT64_MAX);
		/* It is the callee's now. */
		ck_assert(!tr_deadlines_disarm(record.deadlines, cells[0]));
		assert_load(0, 2 * shard + 2);
	}
}
END_TEST

START_TEST(test_deadlines_does_not_fire_what_is_disarmed)
{
	for (uint32_t shard = 0; shard < SHARDS; shard++) {
		arm(shard, 0, 1000);
		arm(shard, 1, 500);
		ck_assert(tr_deadlines_disarm(record.deadlines, cells[0]));
		ck_assert(!tr_deadlines_disarm(record.deadlines, cells[0]));
		ck_assert(tr_deadlines_disarm(record.deadlines, cells[1]));
		assert_load(0, 4 * (shard + 1));
	}
	ck_assert_int_eq(tr_deadlines_next(record.deadlines), INT64_MAX);
	ck_assert(!tr_deadlines_expire(record.deadlines, INT64_MAX));
	ck_assert_uint_eq(record.count, 0);
}
END_TEST

/* What says of what kind a cell is stays. */
START_TEST(test_deadlines_keeps_the_flags)
{
	cells[0]->msg.flag_bits = 0xabcd;
	for (uint32_t shard = 0; shard < SHARDS; shard++) {
		arm(shard, 0, 1000);
		ck_assert_uint_eq(cells[0]->msg.flag_bits & 0xffff, 0xabcd);
		ck_assert(tr_deadlines_disarm(record.deadlines, cells[0]));
	}
	cells[0]->msg.flag_bits = TR_SMALL_CELL;
}
END_TEST

START_TEST(test_deadlines_has_room_for_many_shards)
{
	tr_deadlines *few = record.deadlines;
	uint32_t shards = TROUPE_WORKERS_MAX + 1;

	record.deadlines = tr_deadlines_create(shards, 0, 0, &hooks, &record);
	ck_assert_ptr_nonnull(record.deadlines);
	for (uint32_t i = 0; i < CELLS; i++)
		arm(shards - 1 - i, (int)i, 10 + i);
	ck_assert_int_le(tr_deadlines_next(record.deadlines), 10);
	for (uint32_t i = 0; i < CELLS; i += 2)
		ck_assert(tr_deadlines_disarm(record.deadlines, cells[i]));
	ck_assert(tr_deadlines_expire(record.deadlines, 10 + CELLS));
	ck_assert_uint_eq(record.count, CELLS / 2);
	tr_deadlines_destroy(record.deadlines);
	record.deadlines = few;
}
END_TEST

/* More than come out at once: all of them, in order. */
START_TEST(test_deadlines_fires_any_number_in_order)
{
	for (int i = 0; i < CELLS; i++)
		arm(1, i, _i ? 777 : 10 + 3 * (CELLS - i));
	assert_load(CELLS, CELLS);
	ck_assert(tr_deadlines_expire(record.deadlines, 4 * CELLS));
	ck_assert_uint_eq(record.count, CELLS);
	for (int i = 0; i < CELLS; i++)
		ck_assert_ptr_eq(record.fired[i], cells[_i ? i : CELLS - 1 - i]);
	assert_load(0, 2 * CELLS);
	ck_assert(CELLS > 2 * TR_DEADLINES_BATCH);
}
END_TEST

START_TEST(test_deadlines_says_the_earliest_of_all_shards)
{
	for (uint32_t shard = 0; shard < SHARDS; shard++)
		arm(shard, (int)shard, 1000 - 100 * shard);
	for (uint32_t shard = SHARDS; shard-- > 0;) {
		int64_t due = 1000 - 100 * shard, next = tr_deadlines_next(record.deadlines);

		ck_assert_int_le(next, due);
		ck_assert_int_gt(next, due - 100);
		ck_assert_int_eq(tr_deadlines_first_deadline(record.deadlines), due);
		ck_assert(!tr_deadlines_expire(record.deadlines, due - 1));
		ck_assert(tr_deadlines_expire(record.deadlines, due));
		ck_assert_ptr_eq(record.fired[SHARDS - 1 - shard], cells[shard]);
	}
}
END_TEST

/* --- While it fires. --- */

static int again;

static void
arm_again(tr_cell *cell)
{
	if (again-- <= 0)
		return;
	cell->deadline -= 1;
	tr_deadlines_arm(record.deadlines, 2, cell);
}

/* A cell that comes back, already due, waits for the next time: else one that is always late would never end. */
START_TEST(test_deadlines_arms_while_it_fires)
{
	again = 100;
	record.and_then = arm_again;
	arm(2, 0, 1000);
	for (int64_t now = 1000; now < 1101; now++)
		ck_assert(tr_deadlines_expire(record.deadlines, now));
	ck_assert(!tr_deadlines_expire(record.deadlines, 2000));
	ck_assert_uint_eq(record.count, 101);
	assert_load(0, 202);
}
END_TEST

static bool disarmed_early, disarmed_late;

static void
disarm_others(tr_cell *cell)
{
	if (cell != cells[0])
		return;
	/* One that is due too, and on its way; and one that is not yet. */
	disarmed_early = tr_deadlines_disarm(record.deadlines, cells[1]);
	disarmed_late = tr_deadlines_disarm(record.deadlines, cells[2]);
}

START_TEST(test_deadlines_disarms_while_it_fires)
{
	record.and_then = disarm_others;
	arm(3, 0, 1000);
	arm(3, 1, 1000);
	arm(3, 2, 1001);
	ck_assert(tr_deadlines_expire(record.deadlines, 1000));
	ck_assert(!tr_deadlines_expire(record.deadlines, 2000));
	ck_assert(!disarmed_early);
	ck_assert(disarmed_late);
	ck_assert_uint_eq(record.count, 2);
	ck_assert_ptr_eq(record.fired[1], cells[1]);
}
END_TEST

/* --- Waking. --- */

static bool
is_roused(void)
{
	return atomic_exchange_explicit(&record.deadlines->parker.word, 0, memory_order_relaxed) != 0;
}

/* As if the thread slept until then. */
static void
pretend_sleep(int64_t until)
{
	atomic_store_explicit(&record.deadlines->sleeps_until, until, memory_order_relaxed);
}

START_TEST(test_deadlines_wakes_only_for_what_is_earlier)
{
	/* It has not begun. */
	arm(3, 6, 0);
	ck_assert(!is_roused());
	pretend_sleep(1000);
	arm(0, 0, 1000);
	ck_assert(!is_roused());
	arm(1, 1, INT64_MAX);
	ck_assert(!is_roused());
	arm(2, 2, 999);
	ck_assert(is_roused());
	arm(2, 3, INT64_MIN);
	ck_assert(is_roused());
	/* Nobody is woken for what will not be. */
	ck_assert(tr_deadlines_disarm(record.deadlines, cells[2]));
	ck_assert(!is_roused());
	/* It sleeps for ever. */
	pretend_sleep(INT64_MAX);
	arm(2, 4, INT64_MAX - 1);
	ck_assert(is_roused());
	/* It is awake. */
	pretend_sleep(INT64_MIN);
	arm(2, 5, 0);
	ck_assert(!is_roused());
}
END_TEST

START_TEST(test_deadlines_knows_when_it_is_late)
{
	/* It has not begun, and looks when it does. */
	ck_assert(tr_deadlines_is_late(record.deadlines, 0));
	pretend_sleep(1000);
	ck_assert(!tr_deadlines_is_late(record.deadlines, 999));
	ck_assert(tr_deadlines_is_late(record.deadlines, 1000));
	/* Awake. */
	pretend_sleep(INT64_MIN);
	ck_assert(tr_deadlines_is_late(record.deadlines, 0));
}
END_TEST

START_TEST(test_deadlines_stops_before_it_runs)
{
	arm(0, 0, 0);
	tr_deadlines_stop(record.deadlines);
	tr_deadlines_run(record.deadlines);
	tr_deadlines_stop(record.deadlines);
	tr_deadlines_run(record.deadlines);
	ck_assert_uint_eq(record.count, 0);
}
END_TEST

static void
stop_at_once(tr_cell *cell)
{
	(void)cell;
	tr_deadlines_stop(record.deadlines);
}

START_TEST(test_deadlines_stops_while_it_fires)
{
	record.and_then = stop_at_once;
	arm(0, 0, 1);
	arm(0, 1, INT64_MAX / 2);
	tr_deadlines_run(record.deadlines);
	ck_assert_uint_eq(record.count, 1);
	assert_load(1, 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("deadlines");
	TCase *tc = tcase_create("deadlines");

	tcase_add_checked_fixture(tc, init_all, fini_all);
	tcase_add_test(tc, test_deadlines_has_nothing_at_first);
	tcase_add_test(tc, test_deadlines_create_fails_whole);
	tcase_add_test(tc, test_deadlines_fires_once_when_due);
	tcase_add_test(tc, test_deadlines_does_not_fire_what_is_disarmed);
	tcase_add_test(tc, test_deadlines_keeps_the_flags);
	tcase_add_test(tc, test_deadlines_has_room_for_many_shards);
	tcase_add_loop_test(tc, test_deadlines_fires_any_number_in_order, 0, 2);
	tcase_add_test(tc, test_deadlines_says_the_earliest_of_all_shards);
	tcase_add_test(tc, test_deadlines_arms_while_it_fires);
	tcase_add_test(tc, test_deadlines_disarms_while_it_fires);
	tcase_add_test(tc, test_deadlines_wakes_only_for_what_is_earlier);
	tcase_add_test(tc, test_deadlines_knows_when_it_is_late);
	tcase_add_test(tc, test_deadlines_stops_before_it_runs);
	tcase_add_test(tc, test_deadlines_stops_while_it_fires);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
