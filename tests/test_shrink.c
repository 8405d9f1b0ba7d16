/* SPDX-License-Identifier: MIT */

/* What the explorer makes of a run that fails: a short one that fails so, too. */

#include "tests/exploring.h"
#include "tests/suite.h"

#include <stdio.h>

START_TEST(test_shrink_stops_at_the_first_run_that_fails_and_makes_it_short)
{
	const troupe_options options = { .depth = 2 };
	notes n = { .length = 0 };
	troupe_exploration_result found;
	troupe_exploration what = reading(&pct, &options, &n);
	char again[200];

	sys_assert_status(troupe_explore(&what, &found), TROUPE_FAILED);
	ck_assert_uint_eq(found.seed, found.runs - 1);
	snprintf(again, sizeof again,
	    "TROUPE_SEED=%" PRIu64 " TROUPE_POLICY=pct TROUPE_DEPTH=2 TROUPE_LENGTH=63", found.seed);
	ck_assert_str_eq(found.again, again);
	assert_said(&n, again);
	/* The reader is the second that was runnable: it waits for as long as the counter, at rank 1, is chosen. */
	ck_assert_str_eq(found.choices, "0,1*56");
	ck_assert_uint_le(found.shrink_runs, 200);
	snprintf(again, sizeof again, "TROUPE_SEED=%" PRIu64 " TROUPE_POLICY=replay TROUPE_CHOICES=0,1*56",
	    found.seed);
	ck_assert_str_eq(found.shortest, again);
	assert_said(&n, again);
	ck_assert_str_eq(found.why, "the scenario returned 7");
	troupe_exploration_free(&found);
}
END_TEST

/* The same, and something else is wrong where all is chosen in turn. */
static int
read_early_or_in_between(troupe *t, void *context)
{
	int read_at, wrong = read_at_some_time(t, &read_at);

	(void)context;
	return wrong ? wrong : read_at == MOMENT ? 7 : read_at == 1 ? 8 : 0;
}

START_TEST(test_shrink_makes_short_what_failed_and_not_something_else)
{
	const troupe_options options = { .depth = 2, .length = STEPS };
	notes n = { .length = 0 };
	troupe_exploration_result found = { 0 };
	troupe_exploration what = reading(&pct, &options, &n);

	what.scenario = read_early_or_in_between;
	what.runs = 1;
	/* By seeds that fail with 8, too, up to one that fails with 7. */
	for (; found.value != 7; what.seed++) {
		n.length = 0;
		troupe_exploration_free(&found);
		(void)troupe_explore(&what, &found);
		ck_assert_uint_lt(what.seed, 10000);
	}
	ck_assert_str_eq(found.choices, "0,1*56");
	troupe_exploration_free(&found);
}
END_TEST

/* --- A turn at one moment of all. --- */

#define NOISES  5
#define NOISE   40 /* turns of each */
#define THE_ONE 30 /* which turn of all must not be the one's */

struct crowd {
	int turns, turn_of_one;
};

struct noise {
	struct crowd *crowd;
	int left;
};

static void
make_noise(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct noise *s = state;

	s->crowd->turns++;
	if (msg->type == READ)
		s->crowd->turn_of_one = s->crowd->turns;
	else if (--s->left > 0)
		(void)troupe_send(troupe_self(self), COUNT, NULL, 0);
}

static int
start_noise(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(struct noise));
	return 0;
}

static int
run_at_one_moment(troupe *t, void *context)
{
	static const troupe_class class_ = { .state_size = sizeof(struct noise),
		.start = start_noise,
		.receive = make_noise };
	struct crowd crowd = { 0, 0 };

	(void)context;
	for (int i = 0; i < NOISES; i++)
		(void)troupe_send(troupe_spawn(t, &class_, &(struct noise){ &crowd, NOISE }), COUNT, NULL, 0);
	(void)troupe_send(troupe_spawn(t, &class_, &(struct noise){ &crowd, 1 }), READ, NULL, 0);
	if (troupe_wait(t, TROUPE_FOREVER) != TROUPE_OK || crowd.turns != NOISES * NOISE + 1)
		return 1;
	return crowd.turn_of_one == THE_ONE ? 2 : 0;
}

/* How many entries a list has, the largest rank in it, and how many steps are not the first's. */
static int
count_entries(const char *choices, long *largest, long *others)
{
	int count = 0;

	*largest = *others = 0;
	for (char *end; *choices != '\0'; choices = *end != '\0' ? end + 1 : end) {
		long rank = strtol(choices, &end, 10);
		long times = *end == '*' ? strtol(end + 1, &end, 10) : 1;

		*largest = rank > *largest ? rank : *largest;
		*others += rank > 0 ? times : 0;
		count++;
	}
	return count;
}

/*
 * Nothing can be left out, or the one comes earlier; but the first of the
 * runnable will do where that is not the one, and else the second: "0*5,1*24"
 * at best, where the run that failed had 29 choices from 0 to 5.
 */
START_TEST(test_shrink_makes_choices_the_first_where_they_cannot_be_left_out)
{
	notes n = { .length = 0 };
	troupe_exploration_result found;
	troupe_exploration what = {
		.scenario = run_at_one_moment,
		.policies = &by_chance,
		.policy_count = 1,
		.runs = 20000,
		.say = note_line,
		.say_context = &n,
	};

	sys_assert_status(troupe_explore(&what, &found), TROUPE_FAILED);
	ck_assert_int_eq(found.value, 2);
	long largest, others;
	int entries = count_entries(found.choices, &largest, &others);

	ck_assert_msg(entries <= 8 && largest <= 3 && others <= 24, "%s", found.choices);
	ck_assert_uint_lt(found.shrink_runs, 1000);
	troupe_exploration_free(&found);
}
END_TEST

/* A scenario that is not the same each time. */
static int
fail_once(troupe *t, void *context)
{
	int *times = context;

	(void)t;
	return ++*times == 5 ? 3 : 0;
}

START_TEST(test_shrink_says_when_a_run_cannot_be_made_again)
{
	notes n = { .length = 0 };
	troupe_exploration_result found;
	int times = 0;
	const troupe_exploration what = { .scenario = fail_once,
		.context = &times,
		.say = note_line,
		.say_context = &n };

	sys_assert_status(troupe_explore(&what, &found), TROUPE_FAILED);
	ck_assert_uint_eq(found.runs, 5);
	ck_assert_ptr_null(found.shortest);
	ck_assert_ptr_null(found.choices);
	ck_assert_uint_eq(found.shrink_runs, 1);
	assert_said(&n, "cannot be replayed");
	troupe_exploration_free(&found);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("shrink");
	TCase *tc = tcase_create("shrink");

	tcase_add_test(tc, test_shrink_stops_at_the_first_run_that_fails_and_makes_it_short);
	tcase_add_test(tc, test_shrink_makes_short_what_failed_and_not_something_else);
	tcase_add_test(tc, test_shrink_makes_choices_the_first_where_they_cannot_be_left_out);
	tcase_add_test(tc, test_shrink_says_when_a_run_cannot_be_made_again);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
