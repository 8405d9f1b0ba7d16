/* SPDX-License-Identifier: MIT */
#include "runtime/engine/ring.h"
#include "tests/support.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/*
 * An owner and thieves.  What an entry stands for is plain memory that each
 * holder writes, and all waiting is relaxed: only the rings' own edges order
 * anything.
 */

static void
init_ring_at(tr_ring *ring, uint32_t size, uint32_t at)
{
	tr_ring_init(ring, size);
	atomic_store_explicit(&ring->head, at, memory_order_relaxed);
	atomic_store_explicit(&ring->tail, at, memory_order_relaxed);
}

/* --- Everybody owns a ring and steals from the others. --- */

/*
 * They take turns at being the one who has something to share: one pushes
 * PORTION entries, and all take them, until none is left and it is the next
 * one's turn.
 */
#define THIEVES  3
#define PORTION  500
#define PORTIONS TEST_SCALED(240)
#define ALL      ((uint32_t)(PORTION * PORTIONS))
#define ANY_SIZE 3

static const uint32_t sizes[ANY_SIZE] = { 4, 16, 256 };

struct game {
	tr_ring rings[THIEVES];
	uint32_t *body;  /* of each entry: written by who pushes it */
	uint32_t *taken; /* how often: written by who takes it */
	_Atomic uint32_t handled;
};

struct thief {
	struct game *game;
	uint64_t random;
	uint32_t number;
	uint32_t held[PORTION]; /* what the ring had no room for */
	uint32_t held_count;
	uint32_t stolen;
	uint32_t wrong;
};

static void
put(struct thief *thief, uint32_t entry)
{
	tr_ring *own = &thief->game->rings[thief->number];

	while (!tr_ring_push(own, entry)) {
		uint32_t spilled[TR_RING_SIZE / 2];
		const uint32_t count = tr_ring_spill(own, spilled);

		memcpy(thief->held + thief->held_count, spilled, count * sizeof *spilled);
		thief->held_count += count;
	}
}

static uint32_t
get(struct thief *thief)
{
	tr_ring *rings = thief->game->rings;
	uint32_t entry = tr_ring_pop(&rings[thief->number]);

	if (entry == 0 && thief->held_count > 0)
		entry = thief->held[--thief->held_count];
	for (uint32_t i = 1; entry == 0 && i < THIEVES; i++) {
		entry = tr_ring_steal(&rings[(thief->number + i) % THIEVES], &rings[thief->number]);
		thief->stolen += entry != 0;
	}
	return entry;
}

static bool
handle_one(struct thief *thief)
{
	const uint32_t entry = get(thief);

	if (entry == 0)
		return false;
	thief->wrong += thief->game->body[entry] != ~entry;
	thief->game->taken[entry]++;
	atomic_fetch_add_explicit(&thief->game->handled, 1, memory_order_relaxed);
	return true;
}

/* Until somebody else has taken something that can be taken. */
static void
await_thief(struct thief *thief)
{
	_Atomic uint32_t *handled = &thief->game->handled;
	const uint32_t before = atomic_load_explicit(handled, memory_order_relaxed);

	while (tr_ring_has_any(&thief->game->rings[thief->number]) &&
	       atomic_load_explicit(handled, memory_order_relaxed) == before)
		sched_yield();
}

static void
push_portion(struct thief *thief, uint32_t portion)
{
	for (uint32_t i = 1; i <= PORTION; i++) {
		const uint32_t entry = portion * PORTION + i;

		thief->game->body[entry] = ~entry;
		put(thief, entry);
		if (test_below(&thief->random, 4) == 0)
			(void)handle_one(thief);
		else if (test_below(&thief->random, 32) == 0)
			await_thief(thief);
	}
}

static void *
push_and_steal(void *argument)
{
	struct thief *thief = argument;
	uint32_t pushed = UINT32_MAX;
	uint32_t handled;

	while ((handled = atomic_load_explicit(&thief->game->handled, memory_order_relaxed)) < ALL) {
		const uint32_t portion = handled / PORTION;

		if (portion % THIEVES == thief->number && portion != pushed) {
			pushed = portion;
			push_portion(thief, portion);
		} else if (!handle_one(thief)) {
			sched_yield();
		}
	}
	return NULL;
}

static void
play(const char *test, uint32_t size, uint32_t at)
{
	static struct game game;
	static struct thief thieves[THIEVES];
	uint64_t random = test_seed(test);
	uint32_t wrong = 0, stolen = 0;

	game.body = calloc(ALL + 1, sizeof *game.body);
	game.taken = calloc(ALL + 1, sizeof *game.taken);
	ck_assert_ptr_nonnull(game.body);
	ck_assert_ptr_nonnull(game.taken);
	atomic_store_explicit(&game.handled, 0, memory_order_relaxed);
	for (uint32_t i = 0; i < THIEVES; i++) {
		init_ring_at(&game.rings[i], size, at);
		thieves[i] = (struct thief){ .game = &game, .random = test_random(&random), .number = i };
	}
	run_together(THIEVES, push_and_steal, thieves, sizeof *thieves);

	for (uint32_t i = 0; i < THIEVES; i++) {
		wrong += thieves[i].wrong;
		stolen += thieves[i].stolen;
		ck_assert_uint_eq(tr_ring_pop(&game.rings[i]), 0);
	}
	for (uint32_t i = 1; i <= ALL; i++)
		wrong += game.taken[i] != 1;
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_gt(stolen, 0);
	free(game.body);
	free(game.taken);
}

START_TEST(test_ring_gives_each_entry_once)
{
	play("test_ring_gives_each_entry_once", sizes[_i], 0);
}
END_TEST

START_TEST(test_ring_gives_each_entry_once_across_the_wrap)
{
	play("test_ring_gives_each_entry_once_across_the_wrap", sizes[_i], UINT32_MAX - 1000);
}
END_TEST

/* --- From the owner to a thief, and from the thief to a thief of his. --- */

#define PASSED TEST_SCALED(100000)

struct chain {
	tr_ring first, second, third; /* of the source, the middle and the end */
	uint32_t *body;               /* by entry */
	_Atomic uint32_t received;
	uint32_t by_middle, wrong_at_middle;
	uint32_t by_end, wrong_at_end;
};

struct link {
	struct chain *chain;
	void (*work)(struct chain *chain);
};

static void *
be_link(void *argument)
{
	const struct link *link = argument;

	link->work(link->chain);
	return NULL;
}

static bool
is_over(struct chain *chain)
{
	return atomic_load_explicit(&chain->received, memory_order_relaxed) == (uint32_t)PASSED;
}

static void
be_source(struct chain *chain)
{
	for (uint32_t i = 1; i <= (uint32_t)PASSED; i++) {
		chain->body[i] = ~i;
		while (!tr_ring_push(&chain->first, i))
			sched_yield();
	}
}

/* Whether the entry is what the source made of it. */
static bool
receive(struct chain *chain, uint32_t entry)
{
	const bool right = chain->body[entry] == ~entry;

	chain->body[entry] = entry;
	atomic_fetch_add_explicit(&chain->received, 1, memory_order_relaxed);
	return right;
}

/* Receives what steal returns, and leaves to the end what it appended to the second ring. */
static void
be_middle(struct chain *chain)
{
	while (!is_over(chain)) {
		uint32_t entry = 0;

		if (!tr_ring_has_any(&chain->second))
			entry = tr_ring_steal(&chain->first, &chain->second);
		if (entry == 0) {
			sched_yield();
			continue;
		}
		chain->by_middle++;
		chain->wrong_at_middle += !receive(chain, entry);
	}
}

static void
be_end(struct chain *chain)
{
	while (!is_over(chain)) {
		uint32_t entry = tr_ring_pop(&chain->third);

		if (entry == 0)
			entry = tr_ring_steal(&chain->second, &chain->third);
		if (entry == 0) {
			sched_yield();
			continue;
		}
		chain->by_end++;
		chain->wrong_at_end += !receive(chain, entry);
	}
}

START_TEST(test_ring_hands_on_what_the_first_owner_wrote)
{
	static struct chain chain;
	struct link links[] = { { &chain, be_source }, { &chain, be_middle }, { &chain, be_end } };

	memset(&chain, 0, sizeof chain);
	init_ring_at(&chain.first, sizes[_i], UINT32_MAX - 100);
	init_ring_at(&chain.second, sizes[_i], 0);
	init_ring_at(&chain.third, sizes[_i], 0);
	chain.body = calloc((size_t)PASSED + 1, sizeof *chain.body);
	ck_assert_ptr_nonnull(chain.body);
	run_together(3, be_link, links, sizeof *links);

	ck_assert_uint_eq(chain.wrong_at_middle + chain.wrong_at_end, 0);
	ck_assert_uint_eq(chain.by_middle + chain.by_end, PASSED);
	uint32_t lost = 0;
	for (uint32_t i = 1; i <= (uint32_t)PASSED; i++)
		lost += chain.body[i] != i;
	ck_assert_uint_eq(lost, 0);
	free(chain.body);
}
END_TEST

/* --- From a thief back to the owner. --- */

/*
 * Before each steal the thief signs for every entry that it may come to take.
 * A push that finds room knows that the entry before was taken, and so sees
 * its sign.
 */
struct exchange {
	tr_ring ring, own; /* the owner's, the thief's */
	uint32_t size;
	uint32_t *sign; /* by the count of entries before */
	uint32_t unsigned_entries;
	uint32_t taken;
};

struct side {
	struct exchange *exchange;
	void (*work)(struct exchange *exchange);
};

static void *
be_side(void *argument)
{
	const struct side *side = argument;

	side->work(side->exchange);
	return NULL;
}

static void
be_owner(struct exchange *exchange)
{
	for (uint32_t pushed = 0; pushed < (uint32_t)PASSED; pushed++) {
		while (!tr_ring_push(&exchange->ring, pushed + 1))
			sched_yield();
		if (pushed >= exchange->size)
			exchange->unsigned_entries += exchange->sign[pushed - exchange->size] == 0;
	}
}

static void
be_thief(struct exchange *exchange)
{
	while (exchange->taken < (uint32_t)PASSED) {
		for (uint32_t i = 0; i < exchange->size; i++)
			exchange->sign[exchange->taken + i] = 1;
		if (tr_ring_steal(&exchange->ring, &exchange->own) == 0) {
			sched_yield();
			continue;
		}
		exchange->taken++;
		while (tr_ring_pop(&exchange->own) != 0)
			exchange->taken++;
	}
}

START_TEST(test_ring_owner_overwrites_only_what_a_thief_has_done_with)
{
	static struct exchange exchange;
	struct side sides[] = { { &exchange, be_owner }, { &exchange, be_thief } };

	memset(&exchange, 0, sizeof exchange);
	exchange.size = sizes[_i];
	init_ring_at(&exchange.ring, sizes[_i], UINT32_MAX - 100);
	init_ring_at(&exchange.own, sizes[_i], 0);
	exchange.sign = calloc((size_t)PASSED + sizes[_i], sizeof *exchange.sign);
	ck_assert_ptr_nonnull(exchange.sign);
	run_together(2, be_side, sides, sizeof *sides);

	ck_assert_uint_eq(exchange.unsigned_entries, 0);
	ck_assert_uint_eq(exchange.taken, PASSED);
	free(exchange.sign);
}
END_TEST

static TCase *
case_threads(void)
{
	TCase *tc = tcase_create("several threads");

	tcase_add_loop_test(tc, test_ring_gives_each_entry_once, 0, ANY_SIZE);
	tcase_add_loop_test(tc, test_ring_gives_each_entry_once_across_the_wrap, 0, ANY_SIZE);
	tcase_add_loop_test(tc, test_ring_hands_on_what_the_first_owner_wrote, 0, ANY_SIZE);
	tcase_add_loop_test(tc, test_ring_owner_overwrites_only_what_a_thief_has_done_with, 0, ANY_SIZE);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("ring with several threads");

	suite_add_tcase(suite, case_threads());
	return run_suite(suite);
}
