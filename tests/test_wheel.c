/* SPDX-License-Identifier: MIT */

/* The wheel beside a list that is searched from end to end. */

#include "runtime/engine/deadlines.h"
#include "tests/cells.h"
#include "tests/support.h"

#include <string.h>

#define CELLS 400

static tr_cache cache;
static tr_wheel wheel;
static tr_cell *cells[CELLS];

static void
init_cells(void)
{
	init_memory();
	take_cells(&cache, cells, CELLS);
}

static void
fini_cells(void)
{
	give_cells(&cache, cells, CELLS);
}

static void
insert_at(int which, int64_t deadline)
{
	ck_assert(!tr_wheel_holds(cells[which]));
	cells[which]->deadline = deadline;
	tr_wheel_insert(&wheel, cells[which]);
	ck_assert(tr_wheel_holds(cells[which]));
}

static void
remove_one(int which)
{
	tr_wheel_remove(&wheel, cells[which]);
	ck_assert(!tr_wheel_holds(cells[which]));
}

static int
index_of(uint32_t unit)
{
	int at = 0;

	while (at < CELLS && tr_cell_unit(cells[at]) != unit)
		at++;
	ck_assert_int_lt(at, CELLS);
	return at;
}

/* What is due at now, up to `most` or so, as numbers of cells; returns how many. */
static uint32_t
take_into(int *taken, int64_t now, uint32_t most)
{
	uint32_t count = 0;

	for (uint32_t unit = tr_wheel_take_due(&wheel, now, most); unit != 0;
	     unit = tr_cell_at(unit)->msg.next_unit) {
		ck_assert_uint_lt(count, CELLS);
		ck_assert(!tr_wheel_holds(tr_cell_at(unit)));
		ck_assert_int_le(tr_cell_at(unit)->deadline, now);
		taken[count++] = index_of(unit);
	}
	return count;
}

static void
assert_takes(int64_t now, const int *expected, uint32_t count)
{
	int taken[CELLS];

	ck_assert_uint_eq(take_into(taken, now, CELLS), count);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(taken[i], expected[i]);
}

#define assert_takes_in_order(now, ...) \
	do { \
		static const int in_order[] = { __VA_ARGS__ }; \
		assert_takes((now), in_order, sizeof in_order / sizeof *in_order); \
	} while (0)

static void
assert_takes_nothing(int64_t now)
{
	assert_takes(now, NULL, 0);
}

/* --- One promise at a time. --- */

static const unsigned shifts[] = { 0, 1, 7, TR_DEADLINES_SHIFT, 32 };
#define SHIFTS ((int)(sizeof shifts / sizeof *shifts))

static const int64_t beginnings[] = { 0, 1, 63, 64, 4095, 1000000007, INT64_C(1) << 40, INT64_MAX / 2 };
#define BEGINNINGS (sizeof beginnings / sizeof *beginnings)

START_TEST(test_wheel_has_nothing_at_first)
{
	for (size_t i = 0; i < BEGINNINGS; i++) {
		tr_wheel_init(&wheel, shifts[_i], beginnings[i]);
		ck_assert_int_eq(tr_wheel_next(&wheel), INT64_MAX);
		assert_takes_nothing(beginnings[i]);
		assert_takes_nothing(INT64_MAX);
		ck_assert_int_eq(tr_wheel_next(&wheel), INT64_MAX);
	}
}
END_TEST

/* The end of the tick that holds ns. */
static int64_t
round_up(int64_t ns, unsigned shift)
{
	int64_t tick = INT64_C(1) << shift;

	return ns % tick == 0 ? ns : ns - ns % tick + tick;
}

START_TEST(test_wheel_is_never_early_and_at_most_a_tick_late)
{
	for (size_t i = 0; i < BEGINNINGS; i++) {
		for (unsigned magnitude = 0; magnitude < 61; magnitude++) {
			int64_t deadline = beginnings[i] + (INT64_C(1) << magnitude) +
					   (int64_t)magnitude % 3 - 1;
			int64_t due = round_up(deadline, shifts[_i]);

			tr_wheel_init(&wheel, shifts[_i], beginnings[i]);
			/* The tick that holds its beginning is not over. */
			if (due >> shifts[_i] <= beginnings[i] >> shifts[_i])
				continue;
			insert_at(0, deadline);
			assert_takes_nothing(deadline - 1);
			assert_takes_nothing(due - 1);
			ck_assert_int_le(tr_wheel_next(&wheel), due);
			assert_takes_in_order(due, 0);
			ck_assert_int_eq(tr_wheel_next(&wheel), INT64_MAX);
		}
	}
}
END_TEST

START_TEST(test_wheel_gives_what_is_past_at_once)
{
	for (size_t i = 0; i < BEGINNINGS; i++) {
		int64_t now = beginnings[i] + (INT64_C(3) << shifts[_i]);

		tr_wheel_init(&wheel, shifts[_i], beginnings[i]);
		assert_takes_nothing(now);
		insert_at(0, 0);
		insert_at(1, -1);
		insert_at(2, INT64_MIN);
		insert_at(3, now - (INT64_C(1) << shifts[_i]));
		/* The tick of now has been taken: at once is the next one. */
		int64_t next = ((now >> shifts[_i]) + 1) << shifts[_i];
		ck_assert_int_le(tr_wheel_next(&wheel), next);
		assert_takes_in_order(next, 0, 1, 2, 3);
	}
}
END_TEST

START_TEST(test_wheel_begins_with_what_is_due)
{
	tr_wheel_init(&wheel, shifts[_i], INT64_C(5) << shifts[_i]);
	insert_at(0, INT64_C(5) << shifts[_i]);
	insert_at(1, INT64_MIN);
	insert_at(2, 0);
	ck_assert_int_le(tr_wheel_next(&wheel), INT64_C(5) << shifts[_i]);
	assert_takes_in_order(INT64_C(5) << shifts[_i], 0, 1, 2);
}
END_TEST

START_TEST(test_wheel_holds_the_latest_of_all)
{
	tr_wheel_init(&wheel, shifts[_i], 12345);
	insert_at(0, INT64_MAX);
	insert_at(1, INT64_MAX - 2);
	insert_at(2, INT64_MAX / 2);
	for (int64_t next = 0; next <= INT64_MAX / 4; next = tr_wheel_next(&wheel))
		assert_takes_nothing(next);
	assert_takes_nothing(round_up(INT64_MAX / 2, shifts[_i]) - 1);
	assert_takes_in_order(round_up(INT64_MAX / 2, shifts[_i]), 2);
	assert_takes_nothing(INT64_MAX - 3);
	if (shifts[_i] < 2) {
		assert_takes_in_order(INT64_MAX - 1, 1);
	} else {
		assert_takes_nothing(INT64_MAX - 1);
		remove_one(1);
	}
	if (shifts[_i] > 0) {
		/* The tick that it is due in never comes. */
		assert_takes_nothing(INT64_MAX);
		ck_assert_int_eq(tr_wheel_next(&wheel), INT64_MAX);
		remove_one(0);
	} else {
		assert_takes_in_order(INT64_MAX, 0);
	}
	ck_assert_int_eq(tr_wheel_next(&wheel), INT64_MAX);
}
END_TEST

/* Whatever level they came to at first. */
START_TEST(test_wheel_keeps_the_order_within_a_tick)
{
	int64_t deadline = INT64_C(1) << (shifts[_i] + 20), now = 0;
	int expected[CELLS];
	int count = 0;

	tr_wheel_init(&wheel, shifts[_i], now);
	while (count < 300) {
		for (int i = 0; i < 7; i++, count++) {
			insert_at(count,
			    deadline - (INT64_C(1) << shifts[_i]) / 2 - (shifts[_i] > 1 ? i % 2 : 0));
			expected[count] = count;
		}
		now += (deadline - now) / 2;
		if (now < deadline - (INT64_C(1) << shifts[_i]))
			assert_takes_nothing(now);
	}
	assert_takes(deadline, expected, (uint32_t)count);
}
END_TEST

START_TEST(test_wheel_keeps_the_order_of_ticks)
{
	enum { COUNT = 300 };
	int expected[COUNT];

	tr_wheel_init(&wheel, shifts[_i], 0);
	for (int i = 0; i < COUNT; i++) {
		insert_at(i, ((INT64_C(1) << shifts[_i]) + 0) * (COUNT - i) * 41);
		expected[COUNT - 1 - i] = i;
	}
	assert_takes(INT64_MAX, expected, COUNT);
}
END_TEST

/* Each set of the cells of a slot, from its first and from its last. */
START_TEST(test_wheel_removes_any_cell_of_a_slot)
{
	enum { SLOT = 5 };

	for (unsigned gone = 0; gone < 2u << SLOT; gone++) {
		int left[SLOT + 1];
		uint32_t count = 0;

		tr_wheel_init(&wheel, 0, 0);
		for (int i = 0; i < SLOT; i++)
			insert_at(i, 1000);
		for (int i = 0; i < SLOT; i++) {
			int which = gone >> SLOT ? i : SLOT - 1 - i;

			if (gone >> which & 1)
				remove_one(which);
		}
		for (int i = 0; i < SLOT; i++)
			if (!(gone >> i & 1))
				left[count++] = i;
		ck_assert_int_eq(tr_wheel_next(&wheel) == INT64_MAX, count == 0);
		insert_at(SLOT, 1000);
		left[count++] = SLOT;
		assert_takes(1000, left, count);
	}
}
END_TEST

/* A cell can come back at once, and as often as one likes. */
START_TEST(test_wheel_takes_a_cell_again)
{
	tr_wheel_init(&wheel, shifts[_i], 0);
	for (int64_t round = 1; round < 1000; round++) {
		int64_t at = round * 3 << shifts[_i];

		insert_at(0, at);
		remove_one(0);
		ck_assert_int_eq(tr_wheel_next(&wheel), INT64_MAX);
		insert_at(0, at);
		assert_takes_nothing(at - 1);
		assert_takes_in_order(at, 0);
	}
}
END_TEST

START_TEST(test_wheel_gives_no_more_than_is_asked_for)
{
	enum { COUNT = 300 };
	int taken[CELLS];
	uint32_t all = 0;

	/* A tick each. */
	tr_wheel_init(&wheel, shifts[_i], 0);
	for (int i = 0; i < COUNT; i++)
		insert_at(i, (int64_t)(i + 1) << shifts[_i]);
	for (uint32_t count; (count = take_into(taken, INT64_MAX, 7)) != 0; all += count) {
		ck_assert_uint_le(count, 7);
		for (uint32_t i = 0; i < count; i++)
			ck_assert_int_eq(taken[i], (int)(all + i));
	}
	ck_assert_uint_eq(all, COUNT);
	/* It has not gone on beyond what it gave: what is in between comes in between. */
	tr_wheel_init(&wheel, shifts[_i], 0);
	insert_at(0, INT64_C(1) << shifts[_i]);
	insert_at(1, INT64_C(100) << shifts[_i]);
	ck_assert_uint_eq(take_into(taken, INT64_MAX, 1), 1);
	insert_at(2, INT64_C(50) << shifts[_i]);
	insert_at(3, 0);
	assert_takes_in_order(INT64_C(50) << shifts[_i], 3, 2);
	assert_takes_in_order(INT64_C(100) << shifts[_i], 1);
}
END_TEST

/* Who waits for what next() says, and takes, comes to each cell in a few steps, and never waits for what is past. */
START_TEST(test_wheel_next_leads_to_the_next)
{
	for (unsigned magnitude = 0; magnitude < 60 - shifts[_i]; magnitude++) {
		int64_t due = (INT64_C(1) << (magnitude + shifts[_i])) + (INT64_C(3) << shifts[_i]), now = 0;
		int taken[CELLS];
		uint32_t count = 0, steps = 0;

		tr_wheel_init(&wheel, shifts[_i], 0);
		insert_at(0, due);
		for (; count == 0; steps++) {
			int64_t next = tr_wheel_next(&wheel);

			ck_assert_int_gt(next, now);
			ck_assert_int_le(next, due);
			now = next;
			count = take_into(taken, now, CELLS);
		}
		ck_assert_int_eq(now, due);
		ck_assert_uint_le(steps, TR_WHEEL_LEVELS);
	}
}
END_TEST

/* --- Beside the list. --- */

struct entry {
	int cell;
	uint64_t tick, order;
};

struct list {
	struct entry entries[CELLS];
	int count;
	int unused[CELLS];
	int unused_count;
	uint64_t base, order; /* no cell is due before this tick; insertions so far */
	int64_t now;
};

/* Up to 2^63 - 1, all magnitudes alike. */
static int64_t
random_span(uint64_t *random)
{
	return (int64_t)(test_random(random) >> (1 + test_below(random, 62)));
}

static int64_t
random_deadline(uint64_t *random, int64_t now)
{
	int64_t span = random_span(random);

	switch (test_below(random, 12)) {
	case 0:
		return now;
	case 1:
		return (int64_t)test_below(random, 3) - 1;
	case 2:
		return -span;
	case 3:
		return now - span / 2;
	case 4:
		return INT64_MAX - (int64_t)test_below(random, 3);
	default:
		return span > INT64_MAX - now ? INT64_MAX : now + span;
	}
}

static void
list_insert(struct list *list, uint64_t *random, unsigned shift)
{
	int cell = list->unused[--list->unused_count];
	int64_t deadline = random_deadline(random, list->now);
	uint64_t whole = deadline > 0 ? (uint64_t)deadline >> shift : 0;
	uint64_t tick = whole + (deadline > 0 && (whole << shift) != (uint64_t)deadline);

	list->entries[list->count++] = (struct entry){ cell, tick > list->base ? tick : list->base,
		list->order++ };
	insert_at(cell, deadline);
}

static void
list_remove(struct list *list, int at)
{
	list->unused[list->unused_count++] = list->entries[at].cell;
	list->entries[at] = list->entries[--list->count];
}

/* The entry that is due first; -1 when there is none. */
static int
list_first(const struct list *list)
{
	int first = -1;

	for (int i = 0; i < list->count; i++) {
		const struct entry *e = &list->entries[i], *f = &list->entries[first < 0 ? i : first];

		if (first < 0 || e->tick < f->tick || (e->tick == f->tick && e->order < f->order))
			first = i;
	}
	return first;
}

/* Returns whether there may be more. */
static bool
list_take(struct list *list, uint32_t most, unsigned shift)
{
	uint64_t last = (uint64_t)list->now >> shift;
	int taken[CELLS];
	uint32_t count = take_into(taken, list->now, most);

	for (uint32_t i = 0; i < count; i++) {
		int first = list_first(list);

		ck_assert_int_ge(first, 0);
		ck_assert_int_eq(taken[i], list->entries[first].cell);
		ck_assert_uint_le(list->entries[first].tick, last);
		list->base = list->entries[first].tick;
		list_remove(list, first);
	}
	int left = list_first(list);
	if (left >= 0 && list->entries[left].tick <= last) {
		ck_assert_uint_ge(count, most);
		return true;
	}
	/* It may have stopped short of looking on. */
	if (count >= most)
		assert_takes_nothing(list->now);
	if (list->base <= last)
		list->base = last + 1;
	return false;
}

static void
check_next(const struct list *list, unsigned shift, bool is_taken)
{
	int first = list_first(list);
	int64_t next = tr_wheel_next(&wheel);

	if (first < 0)
		ck_assert_int_eq(next, INT64_MAX);
	else if (list->entries[first].tick <= (uint64_t)INT64_MAX >> shift)
		ck_assert_int_le(next, (int64_t)(list->entries[first].tick << shift));
	if (is_taken && list->now < INT64_MAX)
		ck_assert_int_gt(next, list->now);
	/* The slow way to it is exact. */
	int64_t exact = tr_wheel_first_deadline(&wheel), end = INT64_MAX;

	ck_assert_int_ge(exact, next);
	if (shift == 0)
		ck_assert_int_eq(exact, first < 0 || list->entries[first].tick > INT64_MAX
					    ? end
					    : (int64_t)list->entries[first].tick);
}

static void
advance_list(struct list *list, uint64_t *random, unsigned shift)
{
	int64_t next = tr_wheel_next(&wheel);
	int64_t step = random_span(random) >> test_below(random, 60);

	list->now = step > INT64_MAX - list->now ? list->now : list->now + step;
	/* Often to the very moment, or just before it. */
	if (test_below(random, 2) == 0 && next != INT64_MAX && next > list->now)
		list->now = next - (test_below(random, 3) == 0);
	uint32_t most = test_below(random, 4) == 0 ? 1 + test_below(random, 5) : CELLS;
	bool more = list_take(list, most, shift);

	check_next(list, shift, !more);
}

static void
run_beside_list(uint64_t *random, unsigned shift, int steps)
{
	static struct list list;

	list.count = list.unused_count = 0;
	list.order = 0;
	while (list.unused_count < CELLS) {
		list.unused[list.unused_count] = list.unused_count;
		list.unused_count++;
	}
	list.now = random_span(random) / 2;
	list.base = (uint64_t)list.now >> shift;
	tr_wheel_init(&wheel, shift, list.now);
	for (int i = 0; i < steps; i++) {
		uint32_t what = test_below(random, 10);

		if (what < 5 && list.unused_count > 0) {
			list_insert(&list, random, shift);
		} else if (what < 7 && list.count > 0) {
			int at = (int)test_below(random, (uint32_t)list.count);

			remove_one(list.entries[at].cell);
			list_remove(&list, at);
		} else {
			advance_list(&list, random, shift);
		}
		check_next(&list, shift, false);
	}
	while (list.count > 0) {
		remove_one(list.entries[0].cell);
		list_remove(&list, 0);
	}
	ck_assert_int_eq(tr_wheel_next(&wheel), INT64_MAX);
}

START_TEST(test_wheel_does_what_a_list_does)
{
	uint64_t random = test_seed("test_wheel_does_what_a_list_does");
	int rounds = TEST_SCALED(250);

	for (int i = 0; i < rounds; i++)
		run_beside_list(&random, shifts[_i], 10 << test_below(&random, 7));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wheel");
	TCase *tc = tcase_create("wheel");

	tcase_add_checked_fixture(tc, init_cells, fini_cells);
	tcase_add_loop_test(tc, test_wheel_has_nothing_at_first, 0, SHIFTS);
	tcase_add_loop_test(tc, test_wheel_is_never_early_and_at_most_a_tick_late, 0, SHIFTS);
	tcase_add_loop_test(tc, test_wheel_gives_what_is_past_at_once, 0, SHIFTS);
	tcase_add_loop_test(tc, test_wheel_begins_with_what_is_due, 0, SHIFTS);
	tcase_add_loop_test(tc, test_wheel_holds_the_latest_of_all, 0, SHIFTS);
	tcase_add_loop_test(tc, test_wheel_keeps_the_order_within_a_tick, 0, SHIFTS);
	tcase_add_loop_test(tc, test_wheel_keeps_the_order_of_ticks, 0, SHIFTS);
	tcase_add_test(tc, test_wheel_removes_any_cell_of_a_slot);
	tcase_add_loop_test(tc, test_wheel_takes_a_cell_again, 0, SHIFTS);
	tcase_add_loop_test(tc, test_wheel_gives_no_more_than_is_asked_for, 0, SHIFTS);
	tcase_add_loop_test(tc, test_wheel_next_leads_to_the_next, 0, SHIFTS);
	tcase_add_loop_test(tc, test_wheel_does_what_a_list_does, 0, SHIFTS);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
