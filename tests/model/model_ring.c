/* SPDX-License-Identifier: MIT */
#include "runtime/engine/ring.h"
#include "tests/model/model.h"

/*
 * The ring: its owner pushes, pops and spills; thieves steal into rings of
 * their own, from which others steal.
 *
 * An entry is the number of a word in `work`, written plainly before it is
 * pushed and changed plainly by who takes it: a missing edge is a race.  The
 * slots are guarded: who takes an entry must have read it before it is stored
 * over (RG-B).  Indices begin just below 2^32, and wrap.
 */

enum { ENTRIES = 8, RINGS = 3 };

static tr_ring rings[RINGS];
static uint32_t work[ENTRIES];

/* The harness's own books. */
static uint32_t pushed[ENTRIES], taken[ENTRIES];

static MODEL_UNSEEN void
note_pushed(uint32_t entry)
{
	pushed[entry]++;
}

static MODEL_UNSEEN void
note_taken(uint32_t entry)
{
	MODEL_CHECK(entry > 0 && entry < ENTRIES);
	MODEL_CHECK(taken[entry]++ == 0 && pushed[entry] == 1); /* INV-RG-2 */
}

/* As memory has it, not as a thread may see it. */
static MODEL_UNSEEN uint32_t
value_of(const _Atomic uint32_t *place)
{
	return *(const volatile uint32_t *)(uintptr_t)place;
}

static MODEL_UNSEEN void
check_rings(void)
{
	for (unsigned i = 0; i < RINGS; i++)
		MODEL_CHECK(
		    value_of(&rings[i].tail) - value_of(&rings[i].head) <= rings[i].size); /* INV-RG-1 */
}

static void
set_up(uint32_t size)
{
	static const char *const names[RINGS] = { "owner's ring", "first thief's ring",
		"second thief's ring" };

	for (unsigned i = 0; i < RINGS; i++) {
		tr_ring_init(&rings[i], size);
		atomic_store_explicit(&rings[i].head, UINT32_MAX, memory_order_relaxed);
		atomic_store_explicit(&rings[i].tail, UINT32_MAX, memory_order_relaxed);
		model_name(&rings[i], sizeof rings[i], names[i]);
		model_name(&rings[i].tail, 4, "tail");
		for (uint32_t slot = 0; slot < size; slot++)
			model_guard(&rings[i].slot[slot]);
	}
	model_name(work, sizeof work, "work");
}

static void
of_two(void)
{
	set_up(2);
}

static void
of_four(void)
{
	set_up(4);
}

static void
push(uint32_t entry)
{
	work[entry] = entry * 100;
	note_pushed(entry);
	MODEL_CHECK(tr_ring_push(&rings[0], entry));
	check_rings();
}

static void
use(uint32_t entry)
{
	if (entry == 0)
		return;
	note_taken(entry);
	MODEL_CHECK(work[entry] == entry * 100);
	work[entry]++;
	check_rings();
}

/* As the worker does: room is made through the overflow queue. */
static void
share(uint32_t entry)
{
	uint32_t older[TR_RING_SIZE / 2], count;

	work[entry] = entry * 100;
	note_pushed(entry);
	while (!tr_ring_push(&rings[0], entry)) {
		count = tr_ring_spill(&rings[0], older);
		model_outcome(count > 0);
		for (uint32_t i = 0; i < count; i++)
			use(older[i]);
	}
	check_rings();
}

static void
use_own(unsigned own)
{
	uint32_t entry;

	while ((entry = tr_ring_pop(&rings[own])) != 0)
		use(entry);
}

static void
steal(unsigned victim, unsigned own)
{
	uint32_t entry = tr_ring_steal(&rings[victim], &rings[own]);

	if (entry != 0)
		model_outcome(2);
	check_rings();
	use(entry);
}

static void
push_and_pop(void)
{
	push(1);
	push(2);
	use(tr_ring_pop(&rings[0]));
	share(3);
	share(4);
	use(tr_ring_pop(&rings[0]));
}

static void
push_three(void)
{
	push(1);
	push(2);
	push(3);
	use(tr_ring_pop(&rings[0]));
}

static void
share_four(void)
{
	share(1);
	share(2);
	share(3);
	share(4);
}

static void
push_four(void)
{
	push(1);
	push(2);
	push(3);
	push(4);
}

static void
steal_first(void)
{
	steal(0, 1);
	use_own(1);
}

static void
steal_second(void)
{
	steal(0, 2);
	use_own(2);
}

static void
steal_twice(void)
{
	steal_first();
	steal_first();
}

static void
steal_and_keep(void)
{
	steal(0, 1);
	model_outcome(tr_ring_has_any(&rings[1]) ? 3 : 4);
}

static void
steal_from_thief(void)
{
	steal(1, 2);
	use_own(2);
}

/* The first thief's ring is full, and is emptied by the second; then the first appends to it again. */
static void
of_two_and_four(void)
{
	set_up(4);
	tr_ring_init(&rings[1], 2);
	atomic_store_explicit(&rings[1].head, UINT32_MAX, memory_order_relaxed);
	atomic_store_explicit(&rings[1].tail, UINT32_MAX, memory_order_relaxed);
	push_four();
	for (uint32_t entry = 5; entry <= 6; entry++) {
		work[entry] = entry * 100;
		note_pushed(entry);
		MODEL_CHECK(tr_ring_push(&rings[1], entry));
	}
}

static void
steal_when_empty(void)
{
	if (tr_ring_has_any(&rings[1]))
		return;
	steal(0, 1);
	use_own(1);
}

static void
empty_thief(void)
{
	steal(1, 2);
	steal(1, 2);
}

static void
take_the_rest(void)
{
	for (unsigned i = 0; i < RINGS; i++)
		use_own(i);
	for (uint32_t entry = 1; entry < ENTRIES; entry++)
		MODEL_CHECK(pushed[entry] == taken[entry]);
}

#define ONCE \
	"each entry is taken once, by who sees what was done before it was pushed, and is read before it is stored over"

static const model_case cases[] = {
	{
	    .name = "pair",
	    .proves = ONCE,
	    .bounds = "a ring of 2, 4 entries, 2 pops and spills; 1 thief, twice",
	    .set_up = of_two,
	    .threads = { { "owner", push_and_pop }, { "thief", steal_twice } },
	    .at_end = take_the_rest,
	    .outcomes = 0x7,
	},
	{
	    .name = "spill",
	    .proves = ONCE,
	    .bounds = "a ring of 2, 4 entries that are spilled when it is full; 2 thieves",
	    .set_up = of_two,
	    .threads = { { "owner", share_four }, { "thief 1", steal_first }, { "thief 2", steal_second } },
	    .at_end = take_the_rest,
	    .outcomes = 0x7,
	},
	{
	    .name = "half",
	    .proves = ONCE,
	    .bounds = "a ring of 4, 3 entries, 1 pop; 2 thieves",
	    .set_up = of_four,
	    .threads = { { "owner", push_three }, { "thief 1", steal_first }, { "thief 2", steal_second } },
	    .at_end = take_the_rest,
	    .outcomes = 0x4,
	},
	{
	    .name = "chain",
	    .proves = "the same of what is stolen from a thief, who appends what it stole to its own ring",
	    .bounds = "a ring of 4, 4 entries; a thief; another that steals from the thief",
	    .set_up = of_four,
	    .threads = { { "owner", push_four }, { "thief", steal_and_keep },
		{ "thief's thief", steal_from_thief } },
	    .at_end = take_the_rest,
	    .outcomes = 0x1c,
	},
	{
	    .name = "reuse",
	    .proves =
		"a thief appends to its own ring only over what others have taken from it, and have read",
	    .bounds = "a ring of 4, full, that is stolen from; the thief's of 2, full, that another empties",
	    .set_up = of_two_and_four,
	    .threads = { { "thief", steal_when_empty }, { "thief's thief", empty_thief } },
	    .at_end = take_the_rest,
	    .outcomes = 0x4,
	},
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "ring", cases, sizeof cases / sizeof *cases);
}
