/* SPDX-License-Identifier: MIT */

/* The options of the simulated scheduler, and their variables. */

#include "runtime/actor/options.h"
#include "tests/support.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "SCHEDULER", "POLICY", "DEPTH", "LENGTH", "CHOICES", "FAULTS" };
static troupe_options effective;

static void
clear_environment(void)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char name[32];

		snprintf(name, sizeof name, "TROUPE_%s", names[i]);
		ck_assert_int_eq(unsetenv(name), 0);
	}
}

static troupe_status
resolve(const troupe_options *given)
{
	return tr_options_resolve(given, &effective);
}

static void
set_variable(const char *name, const char *value)
{
	ck_assert_int_eq(setenv(name, value, 1), 0);
}

/* The error's sentence has the word in it. */
static void
assert_told(const char *word)
{
	ck_assert_int_eq(troupe_last_error(), TROUPE_INVALID);
	ck_assert_msg(strstr(troupe_last_error_text(), word) != NULL, "\"%s\" does not say \"%s\"",
	    troupe_last_error_text(), word);
}

/* --- Given by the program. --- */

START_TEST(test_options_simulation_has_defaults)
{
	const troupe_options given = { .scheduler = TROUPE_SCHEDULER_SIMULATED };

	ck_assert_int_eq(resolve(&given), TROUPE_OK);
	ck_assert_int_eq(effective.policy, TROUPE_POLICY_RANDOM);
	ck_assert_int_eq(effective.depth, 3);
	ck_assert_uint_eq(effective.length, 1000);
	ck_assert_ptr_null(effective.choices);
	ck_assert_uint_eq(effective.faults.alloc | effective.faults.late | effective.faults.restart, 0);
}
END_TEST

START_TEST(test_options_simulation_is_as_it_is_given)
{
	const troupe_options given = {
		.scheduler = TROUPE_SCHEDULER_SIMULATED,
		.policy = TROUPE_POLICY_REPLAY,
		.depth = 32,
		.length = UINT64_MAX,
		.choices = "0*3,1",
		.faults = { .alloc = 1, .late = 1000000000, .restart = 3 },
	};

	ck_assert_int_eq(resolve(&given), TROUPE_OK);
	ck_assert_int_eq(effective.policy, TROUPE_POLICY_REPLAY);
	ck_assert_int_eq(effective.depth, 32);
	ck_assert_uint_eq(effective.length, UINT64_MAX);
	ck_assert_ptr_eq(effective.choices, given.choices);
	ck_assert_mem_eq(&effective.faults, &given.faults, sizeof given.faults);
}
END_TEST

START_TEST(test_options_simulation_beyond_its_bounds_is_named)
{
	const struct {
		const char *told;
		troupe_options given;
	} all[] = {
		{ "option policy is 4;", { .policy = (troupe_policy)4 } },
		{ "option depth is -1;", { .depth = -1 } },
		{ "option depth is 33;", { .depth = 33 } },
		{ "option faults is 1000000001;", { .faults.alloc = 1000000001 } },
		{ "option faults is 1000000001;", { .faults.late = 1000000001 } },
		{ "option faults is 4294967295;", { .faults.restart = UINT32_MAX } },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		troupe_options given = all[i].given;

		given.scheduler = TROUPE_SCHEDULER_SIMULATED;
		ck_assert_int_eq(resolve(&given), TROUPE_INVALID);
		assert_told(all[i].told);
	}
}
END_TEST

/* --- Variables. --- */

static long long
policy(void)
{
	return effective.policy;
}

static long long
depth(void)
{
	return effective.depth;
}

static long long
run_length(void)
{
	return (long long)effective.length;
}

static long long
choices_given(void)
{
	return effective.choices != NULL;
}

static long long
fault_digits(void)
{
	return effective.faults.alloc * 10000LL + effective.faults.late * 100LL + effective.faults.restart;
}

static const struct {
	const char *name;
	long long (*get)(void);
	struct {
		const char *text;
		long long value;
	} good[8];
	const char *bad[12];
} variables[] = {
	{ "TROUPE_POLICY", policy,
	    { { "random", TROUPE_POLICY_RANDOM }, { "pct", TROUPE_POLICY_PCT },
		{ "round-robin", TROUPE_POLICY_ROUND_ROBIN } },
	    { "", "PCT", "pct ", "round robin", "roundrobin", "0", "1" } },
	{ "TROUPE_DEPTH", depth, { { "1", 1 }, { "32", 32 }, { "0x2", 2 } },
	    { "", "0", "33", "-1", "4294967297", "18446744073709551617", "deep" } },
	{ "TROUPE_LENGTH", run_length, { { "1", 1 }, { "18446744073709551615", -1 } },
	    { "", "0", "-1", "18446744073709551616", "long" } },
	/* What makes lists is for test_choices.c; here they are refused together with another policy. */
	{ "TROUPE_CHOICES", choices_given, { { NULL, 0 } },
	    { ",", "1,", "x", "1 2", "1*0", "@", "@/nonexistent/file" } },
	{ "TROUPE_FAULTS", fault_digits,
	    { { "alloc=1,late=2,restart=3", 10203 }, { "restart=7", 7 }, { "late=5,alloc=0", 500 },
		{ "late=0x10", 1600 } },
	    { "", ",", "late", "late=", "late=-1", "late=1,", ",late=1", "late=1,late=2", "late=1000000001",
		"early=1", "late=1 " } },
};
#define VARIABLES ((int)(sizeof variables / sizeof *variables))

START_TEST(test_options_simulation_follows_each_variable)
{
	set_variable("TROUPE_SCHEDULER", "simulated");
	for (int i = 0; variables[_i].good[i].text != NULL; i++) {
		set_variable(variables[_i].name, variables[_i].good[i].text);
		ck_assert_msg(resolve(NULL) == TROUPE_OK, "%s", troupe_last_error_text());
		ck_assert_msg(variables[_i].get() == variables[_i].good[i].value, "%s=%s makes it %lld",
		    variables[_i].name, variables[_i].good[i].text, variables[_i].get());
	}
}
END_TEST

START_TEST(test_options_simulation_malformed_variable_is_named)
{
	set_variable("TROUPE_SCHEDULER", "simulated");
	for (int i = 0; variables[_i].bad[i] != NULL; i++) {
		char text[128];

		set_variable(variables[_i].name, variables[_i].bad[i]);
		ck_assert_msg(resolve(NULL) == TROUPE_INVALID, "%s=\"%s\" was accepted", variables[_i].name,
		    variables[_i].bad[i]);
		(void)snprintf(text, sizeof text, "environment variable %s is \"%s\";", variables[_i].name,
		    variables[_i].bad[i]);
		assert_told(text);
	}
}
END_TEST

/* --- Together. --- */

START_TEST(test_options_simulation_is_for_its_scheduler_alone)
{
	const struct {
		const char *word, *variable, *value;
		troupe_options given;
	} all[] = {
		{ "policy", "TROUPE_POLICY", "pct", { .policy = TROUPE_POLICY_PCT } },
		{ "depth", "TROUPE_DEPTH", "3", { .depth = 3 } },
		{ "length", "TROUPE_LENGTH", "1000", { .length = 1000 } },
		{ "choices", "TROUPE_CHOICES", "", { .choices = "" } },
		{ "faults", "TROUPE_FAULTS", "restart=1", { .faults.restart = 1 } },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		char text[64];

		snprintf(text, sizeof text, "option %s (environment variable %s) is for the simulated",
		    all[i].word, all[i].variable);
		ck_assert_int_eq(resolve(&all[i].given), TROUPE_INVALID);
		assert_told(text);
		set_variable(all[i].variable, all[i].value);
		ck_assert_int_eq(resolve(NULL), TROUPE_INVALID);
		assert_told(text);
		ck_assert_int_eq(unsetenv(all[i].variable), 0);
	}
}
END_TEST

START_TEST(test_options_simulation_choices_and_replay_belong_together)
{
	set_variable("TROUPE_SCHEDULER", "simulated");
	set_variable("TROUPE_POLICY", "replay");
	ck_assert_int_eq(resolve(NULL), TROUPE_INVALID);
	assert_told("TROUPE_CHOICES");
	set_variable("TROUPE_CHOICES", "0,1");
	ck_assert_int_eq(resolve(NULL), TROUPE_OK);
	ck_assert_str_eq(effective.choices, "0,1");
	/* An empty list is one, too. */
	set_variable("TROUPE_CHOICES", "");
	ck_assert_int_eq(resolve(NULL), TROUPE_OK);
	set_variable("TROUPE_POLICY", "random");
	ck_assert_int_eq(resolve(NULL), TROUPE_INVALID);
	assert_told("TROUPE_POLICY=replay");
}
END_TEST

START_TEST(test_options_simulation_choices_that_are_none_are_named)
{
	const troupe_options given = {
		.scheduler = TROUPE_SCHEDULER_SIMULATED,
		.policy = TROUPE_POLICY_REPLAY,
		.choices = "0,one",
	};

	ck_assert_int_eq(resolve(&given), TROUPE_INVALID);
	assert_told("option choices is \"0,one\"; it must be ranks");
}
END_TEST

START_TEST(test_options_simulation_faults_of_the_environment_replace_all_that_were_given)
{
	const troupe_options given = { .scheduler = TROUPE_SCHEDULER_SIMULATED, .faults = { 1, 2, 3 } };

	set_variable("TROUPE_FAULTS", "late=9");
	ck_assert_int_eq(resolve(&given), TROUPE_OK);
	ck_assert_uint_eq(effective.faults.alloc, 0);
	ck_assert_uint_eq(effective.faults.late, 9);
	ck_assert_uint_eq(effective.faults.restart, 0);
}
END_TEST

START_TEST(test_options_simulation_is_listed_where_a_variable_is_unknown)
{
	set_variable("TROUPE_X", "1");
	ck_assert_int_eq(resolve(NULL), TROUPE_INVALID);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_told(names[i]);
	ck_assert_int_eq(unsetenv("TROUPE_X"), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("options_simulation");
	TCase *tc = tcase_create("options_simulation");

	tcase_add_checked_fixture(tc, clear_environment, clear_environment);
	tcase_add_test(tc, test_options_simulation_has_defaults);
	tcase_add_test(tc, test_options_simulation_is_as_it_is_given);
	tcase_add_test(tc, test_options_simulation_beyond_its_bounds_is_named);
	tcase_add_loop_test(tc, test_options_simulation_follows_each_variable, 0, VARIABLES);
	tcase_add_loop_test(tc, test_options_simulation_malformed_variable_is_named, 0, VARIABLES);
	tcase_add_test(tc, test_options_simulation_is_for_its_scheduler_alone);
	tcase_add_test(tc, test_options_simulation_choices_and_replay_belong_together);
	tcase_add_test(tc, test_options_simulation_choices_that_are_none_are_named);
	tcase_add_test(tc, test_options_simulation_faults_of_the_environment_replace_all_that_were_given);
	tcase_add_test(tc, test_options_simulation_is_listed_where_a_variable_is_unknown);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
