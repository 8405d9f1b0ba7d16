/* SPDX-License-Identifier: MIT */

/*
 * A storm of everything at once.  Whatever happens in it, each message and
 * each ask has one outcome, each actor one end, and nothing is left behind;
 * and the same seed is the same storm.  TROUPE_SEED replays one; TEST_SEEDS
 * says how many are simulated (see the target storm of make).
 */

#include "tests/storm.h"
#include "tests/suite.h"
#include "tests/units.h"

#include <stdio.h>
#include <unistd.h>

#define SEEDS 1000

/* The storm that a case is in at the moment. */
static storm now;

static void
assert_storm(const storm *s)
{
	storm *counters = (storm *)(uintptr_t)s;
	uint64_t asks = sys_get(&counters->asks);

	ck_assert_msg(sys_get(&counters->wrong) == 0, "seed %" PRIu64 ": promises were not kept", s->seed);
	for (uint64_t i = 0; i < asks && i < STORM_ASKS; i++)
		ck_assert_msg(sys_get(&counters->ask_ends[i]) == 1, "seed %" PRIu64 ": ask %" PRIu64 " ended %" PRIu64
		    " times", s->seed, i, sys_get(&counters->ask_ends[i]));
	ck_assert_msg(sys_get(&counters->made) == sys_get(&counters->destroyed),
	    "seed %" PRIu64 ": of %" PRIu64 " payloads %" PRIu64 " were destroyed", s->seed, sys_get(&counters->made),
	    sys_get(&counters->destroyed));
}

/* One storm, in a thread of its own; what it took is given back. */
static void
weather(uint64_t seed, int workers, uint32_t actions, storm_end end)
{
	memset(&now, 0, sizeof now);
	now.seed = seed;
	now.workers = workers;
	now.actions = actions;
	now.end = end;
	sys_join(sys_start(run_storm, &now));
	assert_storm(&now);
}

/* The seeds of a case: all of them, or the one that is to be replayed. */
static bool
find_only_seed(uint64_t *seed)
{
	const char *given = getenv("TROUPE_SEED");

	*seed = given != NULL ? strtoull(given, NULL, 0) : 0;
	return given != NULL;
}

/* How many seeds there are to be, if that was said: then it takes a while, and says how it goes. */
static bool
find_seeds_wanted(uint64_t *seeds)
{
	const char *given = getenv("TEST_SEEDS");

	if (given != NULL)
		*seeds = strtoull(given, NULL, 0);
	return given != NULL;
}

#define SAY_EVERY 250

static void
say_how_far(uint64_t done, uint64_t seeds)
{
	const char *end = isatty(STDERR_FILENO) && done < seeds ? "\r" : "\n";

	if (done % SAY_EVERY == 0 || done == seeds)
		fprintf(stderr, "storm: %" PRIu64 " of %" PRIu64 " seeds%s", done, seeds, end);
}

static void
weather_all(uint64_t seeds, int workers, uint32_t actions)
{
	uint64_t only, out = 0;
	bool replay = find_only_seed(&only);
	bool says = workers == 0 && find_seeds_wanted(&seeds);

	for (uint64_t i = 0; i < (replay ? 3 : seeds); i++) {
		uint64_t seed = replay ? only : i;

		weather(seed, workers, actions, (storm_end)((replay ? i : seed) % STORM_ENDS));
		/* What the first of all found in the depots it may have left in another order, but not less. */
		if (i > 0)
			ck_assert_msg(units_out() == out, "seed %" PRIu64 ": %" PRId64 " units were lost", seed,
			    (int64_t)(units_out() - out));
		out = units_out();
		if (says && !replay)
			say_how_far(i + 1, seeds);
	}
}

START_TEST(test_system_storm_leaves_nothing_behind_when_simulated)
{
	weather_all(SYS_SCALED(SEEDS), 0, 5000);
}
END_TEST

START_TEST(test_system_storm_leaves_nothing_behind_with_workers)
{
	weather_all(SYS_SCALED(150), _i, 3000);
}
END_TEST

/* Not only that it ends, but that it was one: each kind of thing has happened. */
START_TEST(test_system_storm_rages)
{
	storm all = { 0 };
	uint64_t restarted = 0;

	for (uint64_t seed = 0; seed < 30; seed++) {
		weather(seed, 0, 400, STORM_STOPS_ALL);
		for (int i = 0; i <= TROUPE_TAKEN; i++)
			sys_add(&all.letters[i], sys_get(&now.letters[i]));
		sys_add(&all.asks, sys_get(&now.asks));
		sys_add(&all.failures, sys_get(&now.failures));
		sys_add(&all.made, sys_get(&now.made));
		restarted += now.totals.restarted;
		ck_assert_uint_gt(now.totals.spawned, STORM_SLOTS / 2);
	}
	ck_assert_uint_gt(restarted, 10);
	ck_assert_uint_gt(sys_get(&all.asks), 100);
	ck_assert_uint_gt(sys_get(&all.failures), 100);
	ck_assert_uint_gt(sys_get(&all.made), 100);
	ck_assert_uint_gt(sys_get(&all.letters[TROUPE_DEAD]), 100);
	ck_assert_uint_gt(sys_get(&all.letters[TROUPE_LATE]), 10);
	ck_assert_uint_gt(sys_get(&all.letters[TROUPE_FAILED]), 10);
	ck_assert_uint_gt(sys_get(&all.letters[TROUPE_UNHANDLED]), 10);
}
END_TEST

START_TEST(test_system_storm_is_the_same_with_the_same_seed)
{
	uint64_t only, first = 0, others = 0;
	uint64_t seeds = find_only_seed(&only) ? 1 : SYS_SCALED(100);

	for (uint64_t seed = only; seed < only + seeds; seed++) {
		weather(seed, 0, 400, (storm_end)(seed % STORM_ENDS));
		uint64_t digest = now.digest, entries = now.entries;

		/* In between, others: what lies where in memory is to make no difference. */
		weather(seed + 1, 0, 100, STORM_IS_CUT);
		weather(seed, 0, 400, (storm_end)(seed % STORM_ENDS));
		ck_assert_msg(now.digest == digest && now.entries == entries,
		    "seed %" PRIu64 ": %" PRIu64 " entries, and then %" PRIu64, seed, entries, now.entries);
		ck_assert_uint_gt(entries, 200);
		others += digest != first;
		first = digest;
	}
	ck_assert_uint_eq(others, seeds);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_storm");
	TCase *simulated = tcase_create("simulated");
	TCase *tc = tcase_create("storm");

	tcase_set_timeout(simulated, 200);
	tcase_add_test(simulated, test_system_storm_leaves_nothing_behind_when_simulated);
	suite_add_tcase(suite, simulated);
	tcase_set_timeout(tc, 200);
	tcase_add_test(tc, test_system_storm_rages);
	tcase_add_loop_test(tc, test_system_storm_leaves_nothing_behind_with_workers, 1, 5);
	tcase_add_test(tc, test_system_storm_is_the_same_with_the_same_seed);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
