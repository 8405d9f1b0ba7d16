/* SPDX-License-Identifier: MIT */

/*
 * The bugs that queues of work-stealing schedulers have had, by name: how each
 * goes wrong, why it cannot here, and the very moment in which it would.
 */

#include "tests/crew.h"
#include "tests/window.h"

#include <check.h>

/* --- A ring whose slots lie on another page than its indices. --- */

static tr_ring *ring;
static tr_ring thief; /* of whoever steals from it */
static char *ring_map;
static uint32_t refused;

#define RING_PAGES 2

static void
map_ring(uint32_t size)
{
	ring_map = window_map(RING_PAGES);
	ring = (tr_ring *)(void *)(ring_map + window_page_size() - offsetof(tr_ring, slot));
	tr_ring_init(ring, size);
	tr_ring_init(&thief, size);
}

static void
unmap_ring(void)
{
	ck_assert_uint_eq(refused, 0);
	window_unmap(ring_map, RING_PAGES);
}

static void
push_to_ring(uint32_t first, uint32_t last)
{
	for (uint32_t entry = first; entry <= last; entry++)
		refused += !tr_ring_push(ring, entry);
}

/* Each after it has read the indices, and before it moves head. */
static uint32_t
steal_late(void (*then)(void))
{
	window_set(ring->slot, WINDOW_AT_ACCESS, then);
	const uint32_t entry = tr_ring_steal(ring, &thief);

	ck_assert(window_passed());
	return entry;
}

static uint32_t
pop_late(void (*then)(void))
{
	window_set(ring->slot, WINDOW_AT_ACCESS, then);
	const uint32_t entry = tr_ring_pop(ring);

	ck_assert(window_passed());
	return entry;
}

static uint32_t
indices_apart(void)
{
	return atomic_load_explicit(&ring->tail, memory_order_relaxed) -
	       atomic_load_explicit(&ring->head, memory_order_relaxed);
}

enum { STALE = 1000, FRESH };

static uint32_t gone_by;

/* As if so many entries had come and gone, the last of them through all slots; and now one waits. */
static void
let_entries_go_by(void)
{
	const uint32_t at = atomic_load_explicit(&ring->head, memory_order_relaxed) + gone_by;

	for (uint32_t i = 0; i < ring->size; i++)
		atomic_store_explicit(&ring->slot[i], STALE, memory_order_relaxed);
	atomic_store_explicit(&ring->head, at, memory_order_relaxed);
	atomic_store_explicit(&ring->tail, at, memory_order_relaxed);
	push_to_ring(FRESH, FRESH);
}

/* A mailbox, and messages of which one has its link on a page of its own. */
static struct {
	tr_mailbox mailbox;
	uint32_t generation;
	uint32_t link[8];
	uint32_t *late_link;
	uint32_t taken;
	enum tr_push pushed;
} box;

static enum tr_push
push(uint32_t unit, uint32_t *link)
{
	return tr_mailbox_push(&box.mailbox, box.generation, unit, link, 0);
}

/* All that the pusher saw is handled, and its newest message is pushed again: the word is what it was. */
static void
take_batch_and_push_newest_again(void)
{
	box.taken = tr_mailbox_take(&box.mailbox, box.generation);
	box.pushed = push(5, &box.link[5]);
}

static void
push_while_a_batch_is_taken(void)
{
	box.generation = tr_mailbox_open(&box.mailbox, TR_MAILBOX_EMPTY);
	box.late_link = window_map(1);
	ck_assert_int_eq(push(4, &box.link[4]), TR_PUSH_QUEUED);
	ck_assert_int_eq(push(5, &box.link[5]), TR_PUSH_QUEUED);
	window_set(box.late_link, WINDOW_AT_WRITE, take_batch_and_push_newest_again);
	ck_assert_int_eq(push(6, box.late_link), TR_PUSH_QUEUED);
	ck_assert(window_passed());
	ck_assert_uint_eq(box.taken, 5);
	ck_assert_int_eq(box.pushed, TR_PUSH_QUEUED);
	ck_assert_uint_eq(tr_mailbox_take(&box.mailbox, box.generation), 6);
	ck_assert_uint_eq(*box.late_link, 5);
	ck_assert_uint_eq(box.link[5], 0);
	window_unmap(box.late_link, 1);
}

/*
 * ABA: an index of 16 bits comes round while a thief is held up, and it steals
 * what is not there (Tokio); a batch is popped without a new version, and a
 * popper goes on with a link of before (Concurrency Kit).  Here an index has
 * 32 bits (INV-RG-1); a mailbox has no version because nobody pops one
 * message, and who pushes links to whatever is newest at that moment (INV-MB-3).
 */
START_TEST(test_bugs_aba_by_narrow_index_and_by_unversioned_batch_pop)
{
	for (unsigned bits = 8; bits < 32; bits++) {
		map_ring(8);
		push_to_ring(1, 8);
		gone_by = UINT32_C(1) << bits;
		ck_assert_uint_eq(steal_late(let_entries_go_by), FRESH);
		ck_assert_uint_eq(indices_apart(), 0);
		ck_assert(!tr_ring_has_any(&thief));
		unmap_ring();
	}

	push_while_a_batch_is_taken();
}
END_TEST

/* --- Who got what. --- */

#define ENTRIES 16

static uint32_t spilled[TR_RING_SIZE / 2], spilled_count, stolen;

static void
assert_each_came_once(uint32_t last)
{
	uint32_t times[ENTRIES] = { 0 }, entry;

	for (uint32_t i = 0; i < spilled_count; i++)
		times[spilled[i]]++;
	times[stolen]++;
	while ((entry = tr_ring_pop(ring)) != 0)
		times[entry]++;
	while ((entry = tr_ring_pop(&thief)) != 0)
		times[entry]++;
	for (entry = 1; entry <= last; entry++)
		ck_assert_msg(times[entry] == 1, "entry %u came %u times", entry, times[entry]);
}

/* The full ring gets room, and what the thief has read is overwritten. */
static void
spill_and_push_more(void)
{
	spilled_count = tr_ring_spill(ring, spilled);
	push_to_ring(5, 6);
}

static void
steal_half(void)
{
	stolen = tr_ring_steal(ring, &thief);
}

/*
 * Double pop on a buffer swap (crossbeam-deque, CVE-2021-32810): a deque that
 * is full gets a new buffer while a thief reads the old one; some tasks are
 * popped twice, and others never.  Here no ring ever gets another buffer: what
 * it has no room for is spilled, and spill, steal and pop each count only if
 * they move head (INV-RG-2).
 */
START_TEST(test_bugs_double_pop_on_buffer_swap)
{
	_Static_assert(sizeof ring->slot == TR_RING_SIZE * sizeof(uint32_t), "the slots are in the ring");

	spilled_count = 0;
	map_ring(4);
	push_to_ring(1, 4);
	stolen = steal_late(spill_and_push_more);
	ck_assert_uint_eq(spilled_count, 2);
	assert_each_came_once(6);
	unmap_ring();

	map_ring(4);
	push_to_ring(1, 4);
	window_set(ring->slot, WINDOW_AT_ACCESS, steal_half);
	spilled_count = tr_ring_spill(ring, spilled);
	ck_assert(window_passed());
	ck_assert_uint_eq(spilled_count, 0);
	assert_each_came_once(4);
	unmap_ring();
}
END_TEST

/* --- Nothing to take. --- */

static void
pop_the_last(void)
{
	stolen = tr_ring_pop(ring);
}

static void
assert_empty_ring_works(void)
{
	ck_assert_uint_eq(indices_apart(), 0);
	ck_assert(!tr_ring_has_any(ring));
	ck_assert_uint_eq(tr_ring_pop(ring), 0);
	ck_assert_uint_eq(tr_ring_steal(ring, &thief), 0);
	ck_assert_uint_eq(tr_ring_spill(ring, spilled), 0);
	ck_assert_uint_eq(indices_apart(), 0);
	push_to_ring(9, 9);
	ck_assert_uint_eq(indices_apart(), 1);
	ck_assert_uint_eq(tr_ring_pop(ring), 9);
}

static tr_overflow *overflow;

static void
take_the_last_waiting(void)
{
	(void)tr_overflow_take(overflow, &stolen, 1);
}

/* Between the look that finds somebody waiting and the lock: count and lock lie on two pages. */
static void
take_from_overflow_that_was_just_emptied(void)
{
	const uint32_t actor = 3;
	uint32_t none = 77;
	char *map = window_map(2);

	overflow = (tr_overflow *)(void *)(map + window_page_size() - offsetof(tr_overflow, count));
	init_memory();
	ck_assert_int_eq(tr_overflow_init(overflow), 0);
	tr_overflow_put(overflow, &actor, 1);
	window_set(&overflow->lock, WINDOW_AT_ACCESS, take_the_last_waiting);
	ck_assert_uint_eq(tr_overflow_take(overflow, &none, 1), 0);
	ck_assert(window_passed());
	ck_assert_uint_eq(stolen, 3);
	ck_assert_uint_eq(none, 77);
	ck_assert_uint_eq(tr_overflow_count(overflow), 0);
	tr_overflow_fini(overflow);
	window_unmap(map, 2);
}

/*
 * Underflow of an empty pop (crossbeam-deque after Chase and Lev): the owner
 * takes its end down before it knows whether there is something, and at index
 * 0 an unsigned one becomes the largest number.  Here nothing is taken back:
 * pop moves head up, past an entry that it has seen below tail (INV-RG-1), and
 * the overflow queue counts anew under its lock (OV-A).
 */
START_TEST(test_bugs_empty_pop_underflow)
{
	map_ring(4);
	assert_empty_ring_works();
	push_to_ring(1, 1);
	ck_assert_uint_eq(pop_late(steal_half), 0);
	ck_assert_uint_eq(stolen, 1);
	assert_empty_ring_works();
	push_to_ring(2, 2);
	ck_assert_uint_eq(steal_late(pop_the_last), 0);
	ck_assert_uint_eq(stolen, 2);
	assert_empty_ring_works();
	unmap_ring();

	take_from_overflow_that_was_just_emptied();
}
END_TEST

/* --- Growing while others take. --- */

/* More than the overflow queue has room for at first, three times over. */
#define EARLY ((uint32_t)4000)
#define ALL   (EARLY + (TEST_SANITIZED ? 20000 : 160000))

static struct crew crew;

static struct {
	uint32_t body[ALL + 1];  /* plain: written by who makes the actor runnable */
	uint32_t taken[ALL + 1]; /* plain: by who runs it */
	uint32_t wrong;
	_Atomic bool many_wait;
} growth;

struct hand {
	void (*work)(void);
};

static void *
lend_hand(void *argument)
{
	((const struct hand *)argument)->work();
	return NULL;
}

static void
share_all(void)
{
	for (uint32_t actor = 1; actor <= ALL; actor++) {
		growth.body[actor] = ~actor;
		tr_worker_share(crew.workers[0], actor);
		if (actor == EARLY)
			raise_flag(&growth.many_wait);
	}
	/* The last ones cannot be waited for: a ring is not full then. */
	while (tr_ring_has_any(&crew.workers[0]->ring))
		sched_yield();
}

static void
run_all(void)
{
	await_flag(&growth.many_wait);
	for (uint32_t i = 1; i <= ALL; i++) {
		const uint32_t actor = tr_worker_next(crew.workers[1]);

		growth.wrong += growth.body[actor] != ~actor;
		growth.taken[actor]++;
	}
}

/* The oldest lies behind the newest in the circle when it grows. */
static void
grow_wrapped_around(tr_overflow *queue)
{
	uint32_t actors[1000];

	for (uint32_t i = 0; i < 1000; i++)
		actors[i] = i;
	tr_overflow_put(queue, actors, 1000);
	ck_assert_uint_eq(tr_overflow_take(queue, actors, 600), 600);
	for (uint32_t i = 0; i < 1000; i++)
		actors[i] = 1000 + i;
	const size_t size = queue->size;
	tr_overflow_put(queue, actors, 1000);
	ck_assert_uint_gt(queue->size, size);
	for (uint32_t i = 600; i < 2000; i++) {
		ck_assert_uint_eq(tr_overflow_take(queue, actors, 1), 1);
		ck_assert_uint_eq(actors[0], i);
	}
}

/*
 * A missing release on a resize (the published C11 version of the deque of
 * Chase and Lev): a thief finds the new buffer, but not yet what was copied
 * into it.  Here nobody finds a buffer: a ring has one for ever, published
 * entry by entry with tail (RG-A), and the overflow queue grows in the memory
 * that it has reserved, and under its lock (OV-A).
 */
START_TEST(test_bugs_missing_release_on_resize)
{
	struct hand hands[] = { { share_all }, { run_all } };
	uint32_t twice = 0;

	crew_init(&crew, 2, 4, NULL);
	const uint32_t *const slots = crew.pool.overflow.slots;

	grow_wrapped_around(&crew.pool.overflow);
	const size_t size = crew.pool.overflow.size;
	run_together(2, lend_hand, hands, sizeof *hands);
	ck_assert_ptr_eq(crew.pool.overflow.slots, slots);
	ck_assert_uint_gt(crew.pool.overflow.size, size);
	ck_assert_uint_eq(growth.wrong, 0);
	for (uint32_t actor = 1; actor <= ALL; actor++)
		twice += growth.taken[actor] != 1;
	ck_assert_uint_eq(twice, 0);
	crew_fini(&crew);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bugs of queues");
	TCase *tc = tcase_create("bugs");

	tcase_add_test(tc, test_bugs_aba_by_narrow_index_and_by_unversioned_batch_pop);
	tcase_add_test(tc, test_bugs_double_pop_on_buffer_swap);
	tcase_add_test(tc, test_bugs_empty_pop_underflow);
	tcase_add_test(tc, test_bugs_missing_release_on_resize);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
