/* SPDX-License-Identifier: MIT */
#include "runtime/memory/arena.h"
#include "runtime/platform/platform.h"
#include "tests/support.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <troupe.h>

/*
 * Who finds a runtime quiet sees all that its actors did, with nothing else
 * to order it: the actors write plain memory, and they are looked for by
 * troupe_wait alone, which does not sleep here.
 */

#define ROUNDS 300

static uint32_t done[ROUNDS + 1];

static void
note_round(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const uint32_t *round = troupe_body(msg, sizeof *round);

	(void)self;
	(void)state;
	done[*round] = *round;
}

static const struct {
	int workers;
	unsigned flags;
} places[] = { { 1, 0 }, { 2, 0 }, { 1, TROUPE_DEDICATED }, { TROUPE_WORKERS_NONE, TROUPE_DEDICATED } };
#define PLACES ((int)(sizeof places / sizeof *places))

START_TEST(test_runtime_that_is_quiet_shows_what_its_actors_did)
{
	const troupe_class noting = { .name = "noting", .flags = places[_i].flags, .receive = note_round };
	troupe *t = troupe_open(&(troupe_options){ .workers = places[_i].workers });
	const troupe_ref actor = troupe_spawn(t, &noting, NULL);
	uint32_t wrong = 0;

	memset(done, 0, sizeof done);
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		ck_assert_int_eq(troupe_send(actor, 1, &round, sizeof round), TROUPE_OK);
		/* Mostly it is quiet before anybody asks: then nobody has to be told. */
		for (int i = 0; i < 20; i++)
			sched_yield();
		while (troupe_wait(t, 0) != TROUPE_OK)
			sched_yield();
		wrong += done[round] != round;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_int_eq(troupe_close(t, TROUPE_FOREVER, NULL, NULL), TROUPE_OK);
}
END_TEST

/*
 * A handle or a token of nothing may name a place where nothing ever was.  No
 * call looks there: to some systems a look is reason enough to find memory,
 * and with large pages little garbage would take all that the machine has.
 */

#define GARBAGE 4096

/* All that was not carved: no access to it, or each. */
static void
protect_fresh(enum tr_arena_kind kind, int protection)
{
	const tr_arena *arena = &tr_arenas[kind];
	const size_t page = tr_page_size();
	const uint32_t top = atomic_load_explicit(&arena->top, memory_order_relaxed);
	const size_t from = (top * TR_UNIT + page - 1) / page * page, end = arena->limit * TR_UNIT;

	ck_assert_uint_lt(from, end);
	ck_assert_int_eq(mprotect(arena->base + from, end - from, protection), 0);
}

/* Names of places that were never carved, from the first to the last. */
static uint64_t
name_of_nothing(enum tr_arena_kind kind, uint64_t i)
{
	const uint64_t top = atomic_load_explicit(&tr_arenas[kind].top, memory_order_relaxed);

	return (2 * i + 1) << 32 | (top + i * (UINT32_MAX - top) / (GARBAGE - 1));
}

static uint32_t tried, found;

static void
try_tokens_of_nothing(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	for (; tried < GARBAGE; tried++) {
		found += troupe_cancel(self, name_of_nothing(TR_MESSAGES, tried));
		found += troupe_demonitor(self, name_of_nothing(TR_MESSAGES, tried));
	}
}

START_TEST(test_runtime_looks_at_no_place_where_nothing_was)
{
	const troupe_class trying = { .name = "trying", .receive = try_tokens_of_nothing };
	troupe *t = troupe_open(&(troupe_options){ .workers = TROUPE_WORKERS_NONE });
	const troupe_ref actor = troupe_spawn(t, &trying, NULL);

	ck_assert_int_eq(troupe_send(actor, 1, NULL, 0), TROUPE_OK);
	tried = found = 0;
	protect_fresh(TR_ACTORS, PROT_NONE);
	protect_fresh(TR_MESSAGES, PROT_NONE);
	for (uint64_t i = 0; i < GARBAGE; i++) {
		const troupe_ref nobody = name_of_nothing(TR_ACTORS, i);

		ck_assert_int_eq(troupe_send(nobody, 1, NULL, 0), TROUPE_INVALID);
		ck_assert_int_eq(troupe_stop(nobody, TROUPE_STOP_NOW), TROUPE_INVALID);
	}
	ck_assert_int_eq(troupe_run_once(t), TROUPE_OK);
	protect_fresh(TR_ACTORS, PROT_READ | PROT_WRITE);
	protect_fresh(TR_MESSAGES, PROT_READ | PROT_WRITE);
	ck_assert_uint_eq(tried, GARBAGE);
	ck_assert_uint_eq(found, 0);
	ck_assert_int_eq(troupe_close(t, TROUPE_FOREVER, NULL, NULL), TROUPE_OK);
}
END_TEST

static TCase *
case_nothing(void)
{
	TCase *tc = tcase_create("nothing");

	tcase_add_test(tc, test_runtime_looks_at_no_place_where_nothing_was);
	return tc;
}

static TCase *
case_quiet(void)
{
	TCase *tc = tcase_create("quiet");

	tcase_add_loop_test(tc, test_runtime_that_is_quiet_shows_what_its_actors_did, 0, PLACES);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("runtime");

	suite_add_tcase(suite, case_quiet());
	suite_add_tcase(suite, case_nothing());
	return run_suite(suite);
}
