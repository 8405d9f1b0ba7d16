/* SPDX-License-Identifier: MIT */

/*
 * The explorer: what it finds and how soon, what it says of it, what it makes
 * of the run, and that all of it can be had again.
 */

#include "runtime/actor/runtime.h"
#include "runtime/memory/fault.h"
#include "tests/exploring.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FINDS 100

START_TEST(test_explore_by_pct_finds_a_bug_of_depth_2_within_its_bound)
{
	const troupe_options options = { .depth = 2 };
	notes n = { .length = 0 };
	troupe_exploration_result found;
	troupe_exploration what = reading(&pct, &options, &n);
	uint64_t all = 0;

	/*
	 * A find takes n k = 2 * 63 runs on average, and hardly less, since each run
	 * has just one chance; a hundred finds, of seeds that are fixed, take a hundred
	 * times that but for three standard deviations of 10 % each.
	 */
	for (uint64_t i = 0; i < FINDS; i++) {
		n.length = 0;
		what.seed = i * 10000;
		what.runs = 10000;
		sys_assert_status(troupe_explore(&what, &found), TROUPE_FAILED);
		ck_assert_int_eq(found.value, 7);
		ck_assert_int_eq(found.policy, TROUPE_POLICY_PCT);
		ck_assert_uint_eq(found.most_actors, 2);
		ck_assert_uint_eq(found.most_steps, STEPS);
		all += found.runs;
		troupe_exploration_free(&found);
	}
	ck_assert_uint_le(all, FINDS * 2 * STEPS * 13 / 10);
	ck_assert_uint_ge(all, FINDS * 2 * STEPS * 7 / 10);
	assert_said(&n, "n = 2 actors, k = 63 steps");
	assert_said(&n, "depth 2");
	assert_said(&n, "= 0.00794");
}
END_TEST

START_TEST(test_explore_by_chance_does_not_find_it)
{
	notes n = { .length = 0 };
	troupe_exploration_result found;
	troupe_exploration what = reading(&by_chance, NULL, &n);

	what.runs = 3000;
	sys_assert_status(troupe_explore(&what, &found), TROUPE_OK);
	ck_assert_uint_eq(found.runs, 3000);
	ck_assert_ptr_null(found.why);
	ck_assert_int_eq(n.lines, 1);
	assert_said(&n, "reading: 3000 runs, none failed");
}
END_TEST

/* --- Again. --- */

static void
assert_again(troupe_exploration *what, const char *variables, const char *policy)
{
	troupe_exploration_result found;
	notes *n = what->say_context;

	n->length = 0;
	set_variables(variables);
	sys_assert_status(troupe_explore(what, &found), TROUPE_FAILED);
	ck_assert_int_eq(found.value, 7);
	ck_assert_uint_eq(found.runs, 1);
	ck_assert_str_eq(found.again, variables);
	assert_said(n, policy);
	troupe_exploration_free(&found);
}

START_TEST(test_explore_makes_a_run_again_by_the_variables_that_it_printed)
{
	const troupe_options options = { .depth = 2 };
	notes n = { .length = 0 };
	troupe_exploration_result found;
	troupe_exploration what = reading(&pct, &options, &n);

	sys_assert_status(troupe_explore(&what, &found), TROUPE_FAILED);
	assert_again(&what, found.again, "pct");
	ck_assert_int_eq(unsetenv("TROUPE_DEPTH"), 0);
	ck_assert_int_eq(unsetenv("TROUPE_LENGTH"), 0);
	assert_again(&what, found.shortest, "replay");
	troupe_exploration_free(&found);
}
END_TEST

START_TEST(test_explore_replays_a_file)
{
	char name[] = "/tmp/troupe-choices-XXXXXX", variable[160];
	notes n = { .length = 0 };
	troupe_exploration what = reading(&pct, NULL, &n);
	const int file = mkstemp(name);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq((int)write(file, "0 ,\n1*56\n", 9), 9);
	close(file);
	snprintf(variable, sizeof variable, "TROUPE_SEED=3 TROUPE_POLICY=replay TROUPE_CHOICES=@%s", name);
	assert_again(&what, variable, "replay");
	unlink(name);
}
END_TEST

START_TEST(test_explore_runs_once_when_the_environment_has_a_seed)
{
	notes n = { .length = 0 };
	troupe_exploration_result found;
	troupe_exploration what = reading(&in_turn, NULL, &n);

	set_variables("TROUPE_SEED=17");
	sys_assert_status(troupe_explore(&what, &found), TROUPE_OK);
	ck_assert_uint_eq(found.runs, 1);
}
END_TEST

START_TEST(test_explore_uses_the_policy_of_the_environment)
{
	notes n = { .length = 0 };
	troupe_exploration_result found;
	troupe_exploration what = reading(&by_chance, NULL, &n);

	set_variables("TROUPE_POLICY=pct TROUPE_DEPTH=2");
	sys_assert_status(troupe_explore(&what, &found), TROUPE_FAILED);
	ck_assert_int_eq(found.policy, TROUPE_POLICY_PCT);
	troupe_exploration_free(&found);
}
END_TEST

/* --- Faults. --- */

static int
fail_always(troupe *t, void *context)
{
	(void)read_in_between(t, context);
	return 7;
}

/* They are part of the run; those that it fails without are not part of the shortest. */
START_TEST(test_explore_leaves_out_faults_that_do_not_matter)
{
	const troupe_options options = { .faults = { .alloc = 1000, .late = 50, .restart = 200 } };
	notes n = { .length = 0 };
	troupe_exploration_result found;
	troupe_exploration what = reading(&pct, &options, &n);

	what.scenario = fail_always;
	sys_assert_status(troupe_explore(&what, &found), TROUPE_FAILED);
	ck_assert_ptr_nonnull(strstr(found.again, "TROUPE_FAULTS=alloc=1000,late=50,restart=200"));
	ck_assert_ptr_nonnull(found.shortest);
	ck_assert_ptr_null(strstr(found.shortest, "TROUPE_FAULTS"));
	/* The first run, which tells how long one is. */
	assert_again(&what, found.again, "round-robin");
	troupe_exploration_free(&found);
}
END_TEST

/* --- Other ways to fail. --- */

static int
do_nothing(troupe *t, void *context)
{
	(void)t;
	(void)context;
	return 0;
}

static int
never_end(troupe *t, void *context)
{
	struct counting c = { INT32_MIN, -1 }, *pointer = &c;

	(void)context;
	(void)troupe_send(troupe_spawn(t, &counting_class, &pointer), COUNT, NULL, 0);
	(void)troupe_wait(t, TROUPE_FOREVER);
	return c.counted >= 0;
}

static int
lose_a_message(troupe *t, void *context)
{
	(void)t;
	(void)context;
	return troupe_msg_new(1, 4000, NULL) == NULL;
}

static void
keep_for_ever(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	(void)troupe_keep(self);
}

static int
keep_a_message(troupe *t, void *context)
{
	static const troupe_class class_ = { .receive = keep_for_ever };

	(void)context;
	(void)troupe_send(troupe_spawn(t, &class_, NULL), 1, NULL, 0);
	return troupe_wait(t, TROUPE_FOREVER) != TROUPE_OK;
}

static int
open_another_thread(troupe *t, void *context)
{
	troupe *other = troupe_open(&(troupe_options){ .workers = 1 });

	(void)t;
	(void)context;
	return troupe_close(other, TROUPE_FOREVER, NULL, NULL) != TROUPE_OK;
}

static int
log_an_error(troupe *t, void *context)
{
	(void)context;
	tr_log(&t->options, TROUPE_LOG_ERROR, "something is wrong");
	return 0;
}

static const struct {
	const char *why;
	int (*scenario)(troupe *t, void *context);
} ways[] = {
	{ NULL, do_nothing },
	{ NULL, open_another_thread },
	{ "it went on after 5000 steps", never_end },
	{ "the runtime logged: something is wrong", log_an_error },
	{ "64 units of 64 bytes, in messages or actors, were not given back", lose_a_message },
	{ "1 units of 64 bytes, in messages or actors, were not given back", keep_a_message },
};
#define WAYS ((int)(sizeof ways / sizeof *ways))

START_TEST(test_explore_sees_what_is_wrong)
{
	notes n = { .length = 0 };
	troupe_exploration_result found;
	const troupe_exploration what = {
		.scenario = ways[_i].scenario,
		.runs = 20,
		.most_steps = 5000,
		.say = note_line,
		.say_context = &n,
	};

	if (ways[_i].why == NULL) {
		sys_assert_status(troupe_explore(&what, &found), TROUPE_OK);
		ck_assert_uint_eq(found.runs, 20);
		return;
	}
	sys_assert_status(troupe_explore(&what, &found), TROUPE_FAILED);
	ck_assert_str_eq(found.why, ways[_i].why);
	ck_assert_int_eq(found.value, 0);
	ck_assert_uint_eq(found.runs, 1);
	assert_said(&n, ways[_i].why);
	assert_said(&n, "scenario: failed in run 1 of 20");
	/* It does so whatever is chosen. */
	ck_assert_str_eq(found.choices, "");
	ck_assert_ptr_nonnull(strstr(troupe_last_error_text(), ways[_i].why));
	troupe_exploration_free(&found);
}
END_TEST

/* Late enough is as wrong as later: the shortest way is to the first moment. */
static int
read_late(troupe *t, void *context)
{
	int read_at, wrong = read_at_some_time(t, &read_at);

	(void)context;
	return wrong ? wrong : read_at >= TURNS / 3 ? 7 : 0;
}

START_TEST(test_explore_makes_rows_shorter)
{
	notes n = { .length = 0 };
	troupe_exploration_result found;
	troupe_exploration what = reading(&pct, NULL, &n);
	char expected[40];

	what.scenario = read_late;
	what.runs = 100000;
	sys_assert_status(troupe_explore(&what, &found), TROUPE_FAILED);
	snprintf(expected, sizeof expected, "0,1*%d", TURNS / 3 - 1);
	ck_assert_str_eq(found.choices, expected);
	troupe_exploration_free(&found);
}
END_TEST

/* --- Without memory. --- */

static bool
explores_without(const troupe_exploration *what, long n)
{
	troupe_exploration_result found = { 0 };

	tr_fault_arm(n);
	troupe_status status = troupe_explore(what, &found);
	bool struck = tr_fault_struck();
	tr_fault_arm(0);
	ck_assert(status == TROUPE_OK || (struck && (status == TROUPE_NOMEM || status == TROUPE_FAILED)));
	troupe_exploration_free(&found);
	return struck;
}

/* It cannot be opened, or the scenario says that it did not go well. */
START_TEST(test_explore_says_when_there_is_no_memory)
{
	notes n = { .length = 0 };
	const troupe_exploration what = { .scenario = do_nothing, .runs = 2, .say = note_line, .say_context = &n };
	long faults = 1;

	while (explores_without(&what, faults)) {
		n.length = 0;
		faults++;
	}
	ck_assert_int_gt(faults, 5);
}
END_TEST

/* --- What it is asked. --- */

START_TEST(test_explore_refuses_what_makes_no_sense)
{
	static const troupe_policy replay = TROUPE_POLICY_REPLAY, none = (troupe_policy)9;
	const troupe_options bad = { .ring = 5 };
	troupe_exploration what = { .scenario = do_nothing };

	sys_assert_status(troupe_explore(NULL, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_explore(&(troupe_exploration){ .name = "x" }, NULL), TROUPE_INVALID);
	what.policy_count = 1;
	what.policies = &replay;
	sys_assert_status(troupe_explore(&what, NULL), TROUPE_INVALID);
	what.policies = &none;
	sys_assert_status(troupe_explore(&what, NULL), TROUPE_INVALID);
	what.policies = NULL;
	what.options = &bad;
	sys_assert_status(troupe_explore(&what, NULL), TROUPE_INVALID);
	ck_assert_ptr_nonnull(strstr(troupe_last_error_text(), "option ring is 5"));
	what.options = NULL;
	set_variables("TROUPE_SCHEDULER=pool");
	sys_assert_status(troupe_explore(&what, NULL), TROUPE_INVALID);
	ck_assert_ptr_nonnull(strstr(troupe_last_error_text(), "TROUPE_SCHEDULER=pool"));
	set_variables("TROUPE_SCHEDULER=simulated TROUPE_FAULTS=late");
	sys_assert_status(troupe_explore(&what, NULL), TROUPE_INVALID);
	ck_assert_ptr_nonnull(strstr(troupe_last_error_text(), "TROUPE_FAULTS"));
	troupe_exploration_free(NULL);
}
END_TEST

static void
explore_inside(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const troupe_exploration what = { .scenario = do_nothing };

	(void)self;
	(void)state;
	**(troupe_status *const *)msg->body = troupe_explore(&what, NULL);
}

START_TEST(test_explore_refuses_to_wait_inside_a_callback)
{
	static const troupe_class class_ = { .receive = explore_inside };
	troupe_status status = TROUPE_OK, *pointer = &status;
	troupe *t = sys_open(TROUPE_WORKERS_NONE, NULL);

	sys_send(sys_spawn(t, &class_, NULL), 1, &pointer, sizeof pointer);
	sys_wait(t);
	sys_assert_status(status, TROUPE_DEADLOCK);
	sys_close(t, NULL);
}
END_TEST

/* --- The program's own callbacks. --- */

struct heard {
	int letters, failures, lines;
};

static void
hear_letter(void *context, const troupe_dead_letter *letter)
{
	(void)letter;
	((struct heard *)context)->letters++;
}

static void
hear_failure(void *context, const troupe_failure *failure)
{
	(void)failure;
	((struct heard *)context)->failures++;
}

static void
hear_line(void *context, troupe_log_level level, const char *text)
{
	(void)level;
	(void)text;
	((struct heard *)context)->lines++;
}

static void
fail_at_once(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	troupe_fail(self, 1, "at once");
}

static int
fail_an_actor(troupe *t, void *context)
{
	static const troupe_class class_ = { .receive = fail_at_once };

	(void)context;
	(void)troupe_send(troupe_spawn(t, &class_, NULL), 1, NULL, 0);
	return troupe_wait(t, TROUPE_FOREVER) != TROUPE_OK;
}

START_TEST(test_explore_leaves_the_callbacks_their_context)
{
	struct heard heard = { 0 };
	notes n = { .length = 0 };
	troupe_options options = { .context = &heard, .dead_letter = hear_letter, .log = hear_line };
	const troupe_exploration what = {
		.scenario = fail_an_actor,
		.runs = 3,
		.policies = &in_turn,
		.policy_count = 1,
		.options = &options,
		.say = note_line,
		.say_context = &n,
	};

	sys_assert_status(troupe_explore(&what, NULL), TROUPE_OK);
	ck_assert_int_eq(heard.letters, 3);
	ck_assert_int_eq(heard.lines, 3);
	options.failure = hear_failure;
	sys_assert_status(troupe_explore(&what, NULL), TROUPE_OK);
	ck_assert_int_eq(heard.failures, 3);
	ck_assert_int_eq(heard.lines, 3);
}
END_TEST

/* --- Runs that do not return. --- */

static int
end_in_the_third_run(troupe *t, void *context)
{
	static int runs;

	(void)t;
	if (++runs < 3)
		return 0;
	if (context != NULL)
		abort();
	exit(5);
}

static int
explore_to_an_end(void *how)
{
	static char crash;

	return (int)troupe_explore(&(troupe_exploration){ .name = "ending",
	                               .scenario = end_in_the_third_run,
	                               .context = *(int *)how ? &crash : NULL,
	                               .policies = &in_turn,
	                               .policy_count = 1,
	                               .seed = 40 },
	    NULL);
}

/* _exit, which a child of sys_run_child ends with, calls no handlers: the scenario's exit does. */
START_TEST(test_explore_says_which_run_it_was_that_did_not_return)
{
	sys_ending ending;
	int crashes = _i;

	sys_run_child(&ending, explore_to_an_end, &crashes);
	ck_assert_ptr_nonnull(strstr(ending.text, "ending: it was in the run of TROUPE_SEED=42 TROUPE_POLICY=round-robin\n"));
	ck_assert_int_ne(ending.status, 0);
	/* One that returns says nothing of the kind. */
	ck_assert_ptr_null(strstr(ending.text, "TROUPE_SEED=41"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("explore");
	TCase *tc = tcase_create("explore");

	tcase_add_test(tc, test_explore_by_pct_finds_a_bug_of_depth_2_within_its_bound);
	tcase_add_test(tc, test_explore_by_chance_does_not_find_it);
	tcase_add_test(tc, test_explore_makes_a_run_again_by_the_variables_that_it_printed);
	tcase_add_test(tc, test_explore_leaves_out_faults_that_do_not_matter);
	tcase_add_test(tc, test_explore_replays_a_file);
	tcase_add_test(tc, test_explore_runs_once_when_the_environment_has_a_seed);
	tcase_add_test(tc, test_explore_uses_the_policy_of_the_environment);
	tcase_add_loop_test(tc, test_explore_sees_what_is_wrong, 0, WAYS);
	tcase_add_test(tc, test_explore_makes_rows_shorter);
	tcase_add_test(tc, test_explore_says_when_there_is_no_memory);
	tcase_add_test(tc, test_explore_refuses_what_makes_no_sense);
	tcase_add_test(tc, test_explore_refuses_to_wait_inside_a_callback);
	tcase_add_test(tc, test_explore_leaves_the_callbacks_their_context);
	tcase_add_loop_test(tc, test_explore_says_which_run_it_was_that_did_not_return, 0, 2);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
