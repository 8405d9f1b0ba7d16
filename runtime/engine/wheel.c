/* SPDX-License-Identifier: MIT */
#include "runtime/engine/wheel.h"

#include <string.h>

/* No tick: later than all. */
#define NEVER UINT64_MAX

typedef struct chain {
	uint32_t first, last;
} chain;

void
tr_wheel_init(tr_wheel *wheel, unsigned shift, int64_t now_ns)
{
	memset(wheel, 0, sizeof *wheel);
	wheel->shift = shift;
	wheel->now = (uint64_t)now_ns >> shift;
}

static unsigned
digit(uint64_t tick, unsigned level)
{
	return (unsigned)(tick >> (TR_WHEEL_DIGIT * level)) % TR_WHEEL_SLOTS;
}

/* The first tick that is not before `ns`, so that nothing is early. */
static uint64_t
tick_of(const tr_wheel *wheel, int64_t ns)
{
	return ns <= 0 ? 0 : (((uint64_t)ns - 1) >> wheel->shift) + 1;
}

/* Append the cell to its slot, as seen from now. */
static void
put_in_slot(tr_wheel *wheel, tr_cell *cell)
{
	uint64_t tick = tick_of(wheel, cell->deadline);

	if (tick < wheel->now)
		tick = wheel->now;
	uint64_t differs = tick ^ wheel->now;
	unsigned level = differs == 0 ? 0 : (63u - (unsigned)__builtin_clzll(differs)) / TR_WHEEL_DIGIT;
	unsigned slot = digit(tick, level);
	uint32_t unit = tr_cell_unit(cell);
	uint32_t *first = &wheel->first[level][slot];

	cell->msg.size = level * TR_WHEEL_SLOTS + slot + 1;
	cell->msg.next_unit = 0;
	if (*first == 0) {
		*first = unit;
		cell->previous = unit;
		wheel->occupied[level] |= UINT64_C(1) << slot;
		wheel->levels |= UINT32_C(1) << level;
		return;
	}
	tr_cell *head = tr_cell_at(*first);

	cell->previous = head->previous;
	tr_cell_at(head->previous)->msg.next_unit = unit;
	head->previous = unit;
}

void
tr_wheel_insert(tr_wheel *wheel, tr_cell *cell)
{
	put_in_slot(wheel, cell);
	wheel->count++;
}

static void
mark_empty(tr_wheel *wheel, unsigned level, unsigned slot)
{
	wheel->first[level][slot] = 0;
	wheel->occupied[level] &= ~(UINT64_C(1) << slot);
	if (wheel->occupied[level] == 0)
		wheel->levels &= ~(UINT32_C(1) << level);
}

void
tr_wheel_remove(tr_wheel *wheel, tr_cell *cell)
{
	unsigned level = (cell->msg.size - 1) / TR_WHEEL_SLOTS;
	unsigned slot = (cell->msg.size - 1) % TR_WHEEL_SLOTS;
	uint32_t *first = &wheel->first[level][slot];
	uint32_t unit = tr_cell_unit(cell), next = cell->msg.next_unit;

	cell->msg.size = 0;
	wheel->count--;
	if (*first == unit && next == 0) {
		mark_empty(wheel, level, slot);
		return;
	}
	if (*first == unit)
		*first = next;
	else
		tr_cell_at(cell->previous)->msg.next_unit = next;
	/* The first one's previous is the last. */
	tr_cell_at(next != 0 ? next : *first)->previous = cell->previous;
}

/* The first of a level's slots that hold cells: the tick at which it begins. */
static uint64_t
first_of_level(const tr_wheel *wheel, unsigned level)
{
	unsigned low = TR_WHEEL_DIGIT * (level + 1);
	uint64_t base = low < 64 ? wheel->now >> low << low : 0;

	return base | (uint64_t)__builtin_ctzll(wheel->occupied[level]) << (TR_WHEEL_DIGIT * level);
}

/* The first slot that holds cells: the tick at which it begins, or NEVER. */
static uint64_t
find_first(const tr_wheel *wheel, unsigned *level)
{
	uint64_t begin = NEVER;

	/* From the top: of two that begin together, the higher is to come down before the lower is taken. */
	for (uint32_t levels = wheel->levels; levels != 0;) {
		unsigned at = 31u - (unsigned)__builtin_clz(levels);
		uint64_t tick = first_of_level(wheel, at);

		if (tick < begin) {
			begin = tick;
			*level = at;
		}
		levels &= ~(UINT32_C(1) << at);
	}
	return begin;
}

int64_t
tr_wheel_next(const tr_wheel *wheel)
{
	unsigned level = 0;
	uint64_t tick = find_first(wheel, &level);

	return tick > (uint64_t)INT64_MAX >> wheel->shift ? INT64_MAX : (int64_t)(tick << wheel->shift);
}

int64_t
tr_wheel_first_deadline(const tr_wheel *wheel)
{
	unsigned highest = 0;
	uint64_t begin = find_first(wheel, &highest);
	int64_t first = INT64_MAX;

	for (uint32_t levels = wheel->levels; levels != 0; levels &= levels - 1) {
		unsigned level = (unsigned)__builtin_ctz(levels);

		if (first_of_level(wheel, level) != begin)
			continue;
		for (uint32_t unit = wheel->first[level][digit(begin, level)]; unit != 0; unit = tr_cell_at(unit)->msg.next_unit)
			if (tr_cell_at(unit)->deadline < first)
				first = tr_cell_at(unit)->deadline;
	}
	/* One that was in the past when it was inserted lies in the slot that was now. */
	int64_t earliest = tr_wheel_next(wheel);
	return first > earliest ? first : earliest;
}

static uint32_t
take_slot(tr_wheel *wheel, unsigned level, uint64_t begin)
{
	unsigned slot = digit(begin, level);
	uint32_t unit = wheel->first[level][slot];

	mark_empty(wheel, level, slot);
	return unit;
}

static void
take_all(tr_wheel *wheel, chain *due, uint32_t unit)
{
	if (due->first == 0)
		due->first = unit;
	else
		tr_cell_at(due->last)->msg.next_unit = unit;
	for (; unit != 0; unit = tr_cell_at(unit)->msg.next_unit) {
		tr_cell_at(unit)->msg.size = 0;
		due->last = unit;
		wheel->count--;
	}
}

static void
move_down(tr_wheel *wheel, uint32_t unit)
{
	for (uint32_t next; unit != 0; unit = next) {
		next = tr_cell_at(unit)->msg.next_unit;
		put_in_slot(wheel, tr_cell_at(unit));
	}
}

uint32_t
tr_wheel_take_due(tr_wheel *wheel, int64_t now_ns, uint32_t most)
{
	uint64_t last = (uint64_t)now_ns >> wheel->shift;
	uint32_t before = wheel->count;
	chain due = { 0, 0 };
	uint64_t begin;
	unsigned level = 0;

	while ((begin = find_first(wheel, &level)) <= last) {
		if (before - wheel->count >= most)
			return due.first;
		wheel->now = begin;
		uint32_t unit = take_slot(wheel, level, begin);
		if (level == 0)
			take_all(wheel, &due, unit);
		else
			move_down(wheel, unit);
	}
	if (wheel->now <= last)
		wheel->now = last + 1;
	/* INV-WH-2 */
	while (find_first(wheel, &level) == wheel->now && level > 0)
		move_down(wheel, take_slot(wheel, level, wheel->now));
	return due.first;
}
