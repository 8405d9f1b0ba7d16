/* SPDX-License-Identifier: MIT */
#include "runtime/memory/cache.h"
#include "runtime/memory/depot.h"
#include "tests/model/model.h"

/*
 * The depot: free slots that pass from one thread's cache to another's.
 *
 * Who has a slot writes plainly into it, so two who have it at once, or one who
 * has not seen what the last one did, are a race; INV-CA-1 is kept in books too.
 * The lock is tried as often as the runtime tries it, and may be refused.
 */

enum { SLOTS = 8 };

static char messages[SLOTS * TR_UNIT];
static tr_magazine magazines[2];

/* The harness's own books: who has a slot, 0 is nobody. */
static unsigned holder[SLOTS];
static uint32_t refused[3]; /* kept by each thread, since the depot's lock was held */
static unsigned slots;      /* in all */

static MODEL_UNSEEN void
note_taken(uint32_t unit)
{
	MODEL_CHECK(unit > 0 && unit < SLOTS && holder[unit] == 0);
	holder[unit] = model_self() + 1;
}

static MODEL_UNSEEN void
note_given(uint32_t unit)
{
	MODEL_CHECK(unit > 0 && unit < SLOTS && holder[unit] == model_self() + 1);
	holder[unit] = 0;
}

static MODEL_UNSEEN void
note_refused(uint32_t unit)
{
	refused[model_self()] = unit;
}

static void
use(uint32_t unit)
{
	uint32_t *text = tr_message_at(unit);

	for (unsigned i = 0; i < 4; i++)
		text[i]++;
}

/* Batches of one slot, so that caches hold two. */
static void
open_depot(void)
{
	tr_arenas[TR_ACTORS] = (tr_arena){ .base = messages, .limit = SLOTS };
	/* Nothing is left to be carved: what is free is all there is. */
	tr_arenas[TR_MESSAGES] = (tr_arena){ .base = messages, .limit = SLOTS, .top = SLOTS };
	MODEL_CHECK(tr_depot_init());
	for (unsigned i = 0; i < 2; i++)
		magazines[i] = (tr_magazine){ .batch = 1, .capacity = 2 };
	model_name(messages, sizeof messages, "slots");
	model_name(&magazines[0], sizeof magazines[0], "magazine 1");
	model_name(&magazines[1], sizeof magazines[1], "magazine 2");
}

static void
open_with_two(void)
{
	uint32_t units[2] = { 1, 2 };

	open_depot();
	slots = 2;
	MODEL_CHECK(tr_depot_give(TR_MESSAGES, 0, units, 2));
}

static void
open_with_full_caches(void)
{
	open_depot();
	slots = 4;
	for (uint32_t unit = 1; unit <= 4; unit++) {
		tr_magazine *magazine = &magazines[unit % 2];

		magazine->slots[magazine->count++] = unit;
	}
}

/* --- The depot itself. --- */

static void
take_and_give(void)
{
	uint32_t unit;

	if (tr_depot_take(TR_MESSAGES, 0, &unit, 1) == 0) {
		model_outcome(0);
		return;
	}
	note_taken(unit);
	use(unit);
	note_given(unit);
	bool given = tr_depot_give(TR_MESSAGES, 0, &unit, 1);
	model_outcome(given ? 1 : 2);
	if (!given)
		note_refused(unit);
}

static void
take_both(void)
{
	uint32_t units[2], count = tr_depot_take(TR_MESSAGES, 0, units, 2);

	model_outcome(3 + count);
	for (uint32_t i = 0; i < count; i++) {
		note_taken(units[i]);
		use(units[i]);
	}
}

/* --- By way of the caches. --- */

static uint32_t
take(tr_magazine *magazine)
{
	uint32_t unit = magazine->count > 0 ? magazine->slots[--magazine->count]
					    : tr_cache_take_slow(magazine, TR_MESSAGES, 0);

	if (unit != 0) {
		note_taken(unit);
		use(unit);
	}
	return unit;
}

static void
give(tr_magazine *magazine, uint32_t unit)
{
	use(unit);
	note_given(unit);
	if (magazine->count < magazine->capacity)
		magazine->slots[magazine->count++] = unit;
	else
		tr_cache_give_slow(magazine, TR_MESSAGES, 0, unit);
}

/* One that gives what it did not take: what another has handed to it. */
static _Atomic uint32_t handed_over;

static void
produce(void)
{
	uint32_t first = take(&magazines[0]);

	atomic_store_explicit(&handed_over, first, memory_order_release);
	uint32_t second = take(&magazines[0]), third = take(&magazines[0]);
	MODEL_CHECK(second != 0);
	give(&magazines[0], second);
	if (third != 0) {
		give(&magazines[0], third);
		model_outcome(9);
	}
}

static MODEL_UNSEEN void
change_holder(uint32_t unit)
{
	holder[unit] = model_self() + 1;
}

static void
consume(void)
{
	uint32_t unit = atomic_load_explicit(&handed_over, memory_order_acquire);

	if (unit != 0) {
		change_holder(unit);
		give(&magazines[1], unit);
		model_outcome(8);
	}
	/* Once the cache is empty, what the others gave. */
	for (unsigned i = 0; i < 3; i++)
		(void)take(&magazines[1]);
}

/* Slots are nowhere twice, and none is lost but those that the threads keep. */
static MODEL_UNSEEN void
count_slots(void)
{
	unsigned found[SLOTS] = { 0 };
	uint32_t rest[SLOTS], count = tr_depot_take(TR_MESSAGES, 0, rest, SLOTS);

	for (unsigned i = 0; i < count; i++)
		found[rest[i]]++;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned at = 0; at < magazines[i].count; at++)
			found[magazines[i].slots[at]]++;
		for (uint32_t unit = magazines[i].spill; unit != 0; unit = *(uint32_t *)tr_message_at(unit))
			found[unit]++;
	}
	for (uint32_t unit = 1; unit < SLOTS; unit++) {
		unsigned places = found[unit] + (holder[unit] != 0) +
				  (unit == refused[0] || unit == refused[1]);

		MODEL_CHECK(places == (unit <= slots));
	}
}

static const model_case cases[] = {
	{
	    .name = "lock",
	    .proves =
		"a free slot is handed to one thread, who sees what the last one did with it; a lock that is held is refused",
	    .bounds = "2 slots; 1 thread that takes and gives one, 1 that takes both",
	    .gives_up = true,
	    .set_up = open_with_two,
	    .threads = { { "taker", take_and_give }, { "greedy", take_both } },
	    .at_end = count_slots,
	    .outcomes = 0x3f,
	},
	{
	    .name = "caches",
	    .proves =
		"a slot is in one cache, in the depot or in use, wherever it is given back, and no slot is lost",
	    .bounds =
		"4 slots in 2 full caches; one thread takes 3, hands 1 over and gives 2, the other gives 1 that it was handed and takes 3",
	    .gives_up = true,
	    .set_up = open_with_full_caches,
	    .threads = { { "producer", produce }, { "consumer", consume } },
	    .at_end = count_slots,
	    .outcomes = 0x300,
	},
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "depot", cases, sizeof cases / sizeof *cases);
}
