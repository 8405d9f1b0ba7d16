/* SPDX-License-Identifier: MIT */
#include "runtime/actor/options.h"
#include "tests/support.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static troupe_options effective;

/* Every variable of ours, whoever set it. */
static void
clear_environment(void)
{
	for (char **at = environ; *at != NULL;) {
		char name[64];
		const size_t length = strcspn(*at, "=");

		if (strncmp(*at, "TROUPE_", 7) != 0 || length >= sizeof name) {
			at++;
			continue;
		}
		memcpy(name, *at, length);
		name[length] = '\0';
		ck_assert_int_eq(unsetenv(name), 0);
		at = environ;
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

/* --- Defaults. --- */

START_TEST(test_options_have_defaults)
{
	static const troupe_options zeros;
	const troupe_options *none[] = { NULL, &zeros };

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(resolve(none[i]), TROUPE_OK);
		ck_assert_uint_eq(effective.size, sizeof effective);
		ck_assert_int_ge(effective.workers, 1);
		ck_assert_int_le(effective.workers, TROUPE_WORKERS_MAX);
		ck_assert_int_eq(effective.scheduler, TROUPE_SCHEDULER_POOL);
		ck_assert_uint_eq(effective.seed, 0);
		ck_assert_int_eq(effective.quantum, 256);
		ck_assert_int_eq(effective.ring, 256);
		ck_assert_int_eq(effective.close_ms, 5000);
		ck_assert_int_eq(effective.crash_report, TROUPE_CRASH_REPORT_ON);
		ck_assert_ptr_null(effective.context);
		ck_assert(effective.dead_letter == NULL);
		ck_assert(effective.log == NULL);
	}
}
END_TEST

START_TEST(test_options_of_the_simulated_scheduler_have_defaults_of_their_own)
{
	const troupe_options given = { .scheduler = TROUPE_SCHEDULER_SIMULATED, .workers = 4 };

	ck_assert_int_eq(resolve(&given), TROUPE_OK);
	ck_assert_int_eq(effective.workers, TROUPE_WORKERS_NONE);
	ck_assert_int_eq(effective.quantum, 1);
}
END_TEST

static void
ignore_letter(void *context, const troupe_dead_letter *letter)
{
	(void)context;
	(void)letter;
}

static void
ignore_line(void *context, troupe_log_level level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
}

START_TEST(test_options_that_are_given_are_kept)
{
	int here;
	const troupe_options given = {
		.size = sizeof given,
		.workers = 3,
		.scheduler = TROUPE_SCHEDULER_POOL,
		.seed = UINT64_MAX,
		.quantum = 17,
		.ring = 8,
		.close_ms = 9,
		.context = &here,
		.dead_letter = ignore_letter,
		.log = ignore_line,
		.crash_report = TROUPE_CRASH_REPORT_OFF,
	};

	ck_assert_int_eq(resolve(&given), TROUPE_OK);
	ck_assert_int_eq(effective.workers, 3);
	ck_assert_uint_eq(effective.seed, UINT64_MAX);
	ck_assert_int_eq(effective.quantum, 17);
	ck_assert_int_eq(effective.ring, 8);
	ck_assert_int_eq(effective.close_ms, 9);
	ck_assert_ptr_eq(effective.context, &here);
	ck_assert(effective.dead_letter == ignore_letter);
	ck_assert(effective.log == ignore_line);
	ck_assert_int_eq(effective.crash_report, TROUPE_CRASH_REPORT_OFF);
}
END_TEST

START_TEST(test_options_tell_how_many_threads)
{
	effective.workers = TROUPE_WORKERS_NONE;
	ck_assert_int_eq(tr_options_threads(&effective), 0);
	effective.workers = 3;
	ck_assert_int_eq(tr_options_threads(&effective), 3);
}
END_TEST

/* --- Bounds. --- */

enum field { SIZE, WORKERS, SCHEDULER, QUANTUM, RING, CLOSE_MS, CRASH_REPORT, FIELDS };

static const struct {
	const char *name;
	int good[8]; /* INT_MIN ends */
	int bad[12];
} bounds[FIELDS] = {
	[SIZE] = { "size", { 0, (int)sizeof(troupe_options), INT_MIN },
	    { 1, (int)sizeof(troupe_options) - 1, (int)sizeof(troupe_options) + 1, INT_MIN } },
	[WORKERS] = { "workers", { -1, 0, 1, 1024, INT_MIN }, { -2, 1025, INT_MAX, INT_MIN + 1, INT_MIN } },
	[SCHEDULER] = { "scheduler", { 0, 1, INT_MIN }, { 2, INT_MAX, INT_MIN } },
	[QUANTUM] = { "quantum", { 0, 1, 1000000, INT_MIN }, { -1, 1000001, INT_MAX, INT_MIN + 1, INT_MIN } },
	[RING] = { "ring", { 0, 4, 8, 16, 128, 256, INT_MIN },
	    { -4, 1, 2, 3, 5, 12, 255, 257, 512, INT_MIN + 1, INT_MIN } },
	[CLOSE_MS] = { "close_ms", { 0, 1, INT_MAX, INT_MIN }, { -1, INT_MIN + 1, INT_MIN } },
	[CRASH_REPORT] = { "crash_report", { 0, 1, INT_MIN }, { 2, INT_MAX, INT_MIN } },
};

static troupe_options
with(enum field field, int value)
{
	troupe_options options = { 0 };

	switch (field) {
	case SIZE:
		options.size = (size_t)value;
		break;
	case WORKERS:
		options.workers = value;
		break;
	case SCHEDULER:
		options.scheduler = (troupe_scheduler)value;
		break;
	case QUANTUM:
		options.quantum = value;
		break;
	case RING:
		options.ring = value;
		break;
	case CLOSE_MS:
		options.close_ms = value;
		break;
	case CRASH_REPORT:
	case FIELDS:
		options.crash_report = (troupe_crash_report)value;
		break;
	}
	return options;
}

START_TEST(test_options_within_their_bounds_are_accepted)
{
	for (const int *value = bounds[_i].good; *value != INT_MIN; value++) {
		const troupe_options given = with((enum field)_i, *value);

		ck_assert_msg(resolve(&given) == TROUPE_OK, "%s = %d: %s", bounds[_i].name, *value,
		    troupe_last_error_text());
	}
}
END_TEST

START_TEST(test_options_beyond_their_bounds_are_named)
{
	for (const int *value = bounds[_i].bad; *value != INT_MIN; value++) {
		const troupe_options given = with((enum field)_i, *value);
		char text[64];

		ck_assert_msg(resolve(&given) == TROUPE_INVALID, "%s = %d was accepted", bounds[_i].name,
		    *value);
		(void)snprintf(text, sizeof text, "option %s is %d;", bounds[_i].name, *value);
		assert_told(text);
	}
}
END_TEST

/* --- Variables. --- */

static long long
workers(void)
{
	return effective.workers;
}

static long long
scheduler(void)
{
	return effective.scheduler;
}

static long long
seed(void)
{
	return (long long)effective.seed;
}

static long long
quantum(void)
{
	return effective.quantum;
}

static long long
ring(void)
{
	return effective.ring;
}

static long long
close_ms(void)
{
	return effective.close_ms;
}

static long long
crash_report(void)
{
	return effective.crash_report;
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
	{ "TROUPE_WORKERS", workers,
	    { { "0", TROUPE_WORKERS_NONE }, { "1", 1 }, { "1024", 1024 }, { "0x10", 16 }, { "010", 10 } },
	    { "", "-1", "1025", "4294967297", "18446744073709551617", "two", "2 ", " 2", "+2", "2x", "0x" } },
	{ "TROUPE_SCHEDULER", scheduler,
	    { { "pool", TROUPE_SCHEDULER_POOL }, { "simulated", TROUPE_SCHEDULER_SIMULATED } },
	    { "", "Pool", "pool ", "simulate", "simulatedx", "0", "1" } },
	{ "TROUPE_SEED", seed,
	    { { "0", 0 }, { "1", 1 }, { "18446744073709551615", -1 }, { "0xffffffffffffffff", -1 },
		{ "0XaB", 171 }, { "0010", 10 } },
	    { "", "-1", "18446744073709551616", "1e6", "1.5", "0x1g", "seed", " 1", "0x-1" } },
	{ "TROUPE_QUANTUM", quantum, { { "1", 1 }, { "1000000", 1000000 }, { "256", 256 } },
	    { "", "0", "-1", "1000001", "4294967297", "many" } },
	{ "TROUPE_RING", ring, { { "4", 4 }, { "64", 64 }, { "256", 256 } },
	    { "", "0", "2", "5", "257", "512", "-4", "4294967300", "4.0" } },
	{ "TROUPE_CLOSE_MS", close_ms, { { "1", 1 }, { "2147483647", INT_MAX } },
	    { "", "0", "-1", "2147483648", "5s" } },
	{ "TROUPE_CRASH_REPORT", crash_report,
	    { { "0", TROUPE_CRASH_REPORT_OFF }, { "1", TROUPE_CRASH_REPORT_ON } },
	    { "", "2", "-1", "on", "off", "1 ", "18446744073709551617" } },
};
#define VARIABLES ((int)(sizeof variables / sizeof *variables))

START_TEST(test_options_follow_each_variable)
{
	for (int i = 0; variables[_i].good[i].text != NULL; i++) {
		set_variable(variables[_i].name, variables[_i].good[i].text);
		ck_assert_msg(resolve(NULL) == TROUPE_OK, "%s", troupe_last_error_text());
		ck_assert_msg(variables[_i].get() == variables[_i].good[i].value, "%s=%s makes it %lld",
		    variables[_i].name, variables[_i].good[i].text, variables[_i].get());
	}
}
END_TEST

START_TEST(test_options_malformed_variable_is_named)
{
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

START_TEST(test_options_variable_overrides_what_was_given)
{
	const troupe_options given = {
		.workers = 3,
		.seed = 4,
		.quantum = 5,
		.ring = 8,
		.close_ms = 6,
		.crash_report = TROUPE_CRASH_REPORT_OFF,
	};

	set_variable("TROUPE_WORKERS", "0");
	set_variable("TROUPE_SCHEDULER", "pool");
	set_variable("TROUPE_SEED", "14");
	set_variable("TROUPE_QUANTUM", "15");
	set_variable("TROUPE_RING", "16");
	set_variable("TROUPE_CLOSE_MS", "17");
	set_variable("TROUPE_CRASH_REPORT", "1");
	ck_assert_int_eq(resolve(&given), TROUPE_OK);
	ck_assert_int_eq(effective.workers, TROUPE_WORKERS_NONE);
	ck_assert_uint_eq(effective.seed, 14);
	ck_assert_int_eq(effective.quantum, 15);
	ck_assert_int_eq(effective.ring, 16);
	ck_assert_int_eq(effective.close_ms, 17);
	ck_assert_int_eq(effective.crash_report, TROUPE_CRASH_REPORT_ON);
}
END_TEST

START_TEST(test_options_variable_that_chooses_the_simulation_changes_the_defaults)
{
	set_variable("TROUPE_SCHEDULER", "simulated");
	ck_assert_int_eq(resolve(NULL), TROUPE_OK);
	ck_assert_int_eq(effective.workers, TROUPE_WORKERS_NONE);
	ck_assert_int_eq(effective.quantum, 1);
}
END_TEST

START_TEST(test_options_unknown_variable_is_named)
{
	static const char *const unknown[] = { "TROUPE_WORKER", "TROUPE_WORKERSX", "TROUPE_workers",
		"TROUPE_SIZE", "TROUPE_CONTEXT", "TROUPE_", "TROUPE_X" };

	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		char text[64];

		set_variable(unknown[i], "1");
		ck_assert_int_eq(resolve(NULL), TROUPE_INVALID);
		(void)snprintf(text, sizeof text, "environment variable %s is unknown", unknown[i]);
		assert_told(text);
		ck_assert_int_eq(unsetenv(unknown[i]), 0);
	}
}
END_TEST

START_TEST(test_options_error_about_an_unknown_variable_lists_the_known_ones)
{
	set_variable("TROUPE_X", "1");
	ck_assert_int_eq(resolve(NULL), TROUPE_INVALID);
	for (int i = 0; i < VARIABLES; i++)
		assert_told(variables[i].name + strlen("TROUPE_"));
}
END_TEST

START_TEST(test_options_variable_without_a_value_is_named)
{
	static char bare[] = "TROUPE_WORKERS";
	char *variables_only[] = { bare, NULL };
	char **before = environ;

	environ = variables_only;
	const troupe_status status = resolve(NULL);
	environ = before;
	ck_assert_int_eq(status, TROUPE_INVALID);
	assert_told("TROUPE_WORKERS");
}
END_TEST

START_TEST(test_options_leave_other_variables_alone)
{
	set_variable("TROUPER", "1");
	set_variable("TROUPE", "1");
	set_variable("troupe_workers", "x");
	set_variable("XTROUPE_WORKERS", "x");
	ck_assert_int_eq(resolve(NULL), TROUPE_OK);
}
END_TEST

START_TEST(test_options_long_names_and_values_are_cut)
{
	char text[600] = "TROUPE_";

	memset(text + 7, 'X', sizeof text - 8);
	text[sizeof text - 1] = '\0';
	set_variable(text, "1");
	ck_assert_int_eq(resolve(NULL), TROUPE_INVALID);
	assert_told("is unknown; there are TROUPE_WORKERS");
	ck_assert_int_eq(unsetenv(text), 0);

	set_variable("TROUPE_RING", text);
	ck_assert_int_eq(resolve(NULL), TROUPE_INVALID);
	assert_told("a power of two from 4 to 256");
}
END_TEST

START_TEST(test_options_given_wrongly_are_not_saved_by_a_variable)
{
	const troupe_options given = { .ring = 5 };

	set_variable("TROUPE_RING", "4");
	ck_assert_int_eq(resolve(&given), TROUPE_INVALID);
	assert_told("option ring");
}
END_TEST

/* --- The log. --- */

struct line {
	int count;
	troupe_log_level level;
	char text[600];
};

static void
keep_line(void *context, troupe_log_level level, const char *text)
{
	struct line *line = context;

	line->count++;
	line->level = level;
	(void)snprintf(line->text, sizeof line->text, "%s", text);
}

START_TEST(test_options_log_goes_to_its_callback)
{
	struct line line = { 0 };

	effective = (troupe_options){ .context = &line, .log = keep_line };
	tr_log(&effective, TROUPE_LOG_INFO, "%d and %s", 1, "two");
	ck_assert_int_eq(line.count, 1);
	ck_assert_int_eq(line.level, TROUPE_LOG_INFO);
	ck_assert_str_eq(line.text, "1 and two");
}
END_TEST

START_TEST(test_options_log_cuts_long_lines)
{
	struct line line = { 0 };
	char text[1001];

	memset(text, 'x', 1000);
	text[1000] = '\0';
	effective = (troupe_options){ .context = &line, .log = keep_line };
	tr_log(&effective, TROUPE_LOG_ERROR, "%s", text);
	ck_assert_uint_eq(strlen(line.text), 511);
}
END_TEST

START_TEST(test_options_log_tells_stderr_of_errors_and_warnings_only)
{
	char text[256];
	int ends[2];
	const int before = dup(STDERR_FILENO);

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	effective = (troupe_options){ 0 };
	tr_log(&effective, TROUPE_LOG_ERROR, "first");
	tr_log(&effective, TROUPE_LOG_WARNING, "second");
	tr_log(&effective, TROUPE_LOG_INFO, "third");
	ck_assert_int_ge(dup2(before, STDERR_FILENO), 0);
	ck_assert_int_eq(close(ends[1]), 0);

	size_t length = 0;
	for (ssize_t got = 1; got > 0; length += (size_t)got)
		got = read(ends[0], text + length, sizeof text - 1 - length);
	text[length] = '\0';
	ck_assert_str_eq(text, "troupe: error: first\ntroupe: warning: second\n");
	ck_assert_int_eq(close(ends[0]), 0);
	ck_assert_int_eq(close(before), 0);
}
END_TEST

START_TEST(test_options_open_logs_the_variable_it_fails_for)
{
	struct line line = { 0 };
	const troupe_options given = { .context = &line, .log = keep_line };

	set_variable("TROUPE_WORKRES", "1");
	ck_assert_ptr_null(troupe_open(&given));
	assert_told("TROUPE_WORKRES");
	ck_assert_int_eq(line.count, 1);
	ck_assert_int_eq(line.level, TROUPE_LOG_ERROR);
	ck_assert_str_eq(line.text, troupe_last_error_text());
}
END_TEST

static TCase *
case_options(void)
{
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, clear_environment, clear_environment);
	tcase_add_test(tc, test_options_have_defaults);
	tcase_add_test(tc, test_options_of_the_simulated_scheduler_have_defaults_of_their_own);
	tcase_add_test(tc, test_options_that_are_given_are_kept);
	tcase_add_test(tc, test_options_tell_how_many_threads);
	tcase_add_loop_test(tc, test_options_within_their_bounds_are_accepted, 0, FIELDS);
	tcase_add_loop_test(tc, test_options_beyond_their_bounds_are_named, 0, FIELDS);
	return tc;
}

static TCase *
case_variables(void)
{
	TCase *tc = tcase_create("variables");

	tcase_add_checked_fixture(tc, clear_environment, clear_environment);
	tcase_add_loop_test(tc, test_options_follow_each_variable, 0, VARIABLES);
	tcase_add_loop_test(tc, test_options_malformed_variable_is_named, 0, VARIABLES);
	tcase_add_test(tc, test_options_variable_overrides_what_was_given);
	tcase_add_test(tc, test_options_variable_that_chooses_the_simulation_changes_the_defaults);
	tcase_add_test(tc, test_options_unknown_variable_is_named);
	tcase_add_test(tc, test_options_error_about_an_unknown_variable_lists_the_known_ones);
	tcase_add_test(tc, test_options_variable_without_a_value_is_named);
	tcase_add_test(tc, test_options_leave_other_variables_alone);
	tcase_add_test(tc, test_options_long_names_and_values_are_cut);
	tcase_add_test(tc, test_options_given_wrongly_are_not_saved_by_a_variable);
	return tc;
}

static TCase *
case_log(void)
{
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, clear_environment, clear_environment);
	tcase_add_test(tc, test_options_log_goes_to_its_callback);
	tcase_add_test(tc, test_options_log_cuts_long_lines);
	tcase_add_test(tc, test_options_log_tells_stderr_of_errors_and_warnings_only);
	tcase_add_test(tc, test_options_open_logs_the_variable_it_fails_for);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("options");

	suite_add_tcase(suite, case_options());
	suite_add_tcase(suite, case_variables());
	suite_add_tcase(suite, case_log());
	return run_suite(suite);
}
