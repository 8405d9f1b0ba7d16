/* SPDX-License-Identifier: MIT */
#include "tests/support.h"

#include <check.h>
#include <string.h>
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
	return run_suite(suite);
}
