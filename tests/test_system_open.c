/* SPDX-License-Identifier: MIT */

/*
 * Opening: options and environment variables, good and bad; how many
 * runtimes there can be; and what the configuration text says.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <stdio.h>

static const troupe_class idle_class = { .receive = sys_ignore };

/* --- Lines of the log. --- */

struct lines {
	uint32_t count;
	troupe_log_level level;
	char last[512];
};

static void
note_line(void *context, troupe_log_level level, const char *text)
{
	struct lines *lines = context;

	lines->count++;
	lines->level = level;
	snprintf(lines->last, sizeof lines->last, "%s", text);
}

/* --- The configuration text. --- */

static void
assert_configured(const troupe *t, const char *line)
{
	char text[2048], wanted[128];

	ck_assert_uint_lt(troupe_config_text(t, text, sizeof text), sizeof text);
	snprintf(wanted, sizeof wanted, "\n%s\n", line);
	/* The first line has no newline before it. */
	ck_assert_msg(strncmp(text, wanted + 1, strlen(wanted + 1)) == 0 || strstr(text, wanted) != NULL,
	    "no line \"%s\" in:\n%s", line, text);
}

START_TEST(test_system_open_config_text_is_as_snprintf)
{
	char whole[2048], part[2048];
	troupe *t = sys_open(3, NULL);
	size_t length = troupe_config_text(t, whole, sizeof whole);

	ck_assert_uint_eq(length, strlen(whole));
	ck_assert_uint_gt(length, 50);
	ck_assert_uint_eq(troupe_config_text(t, NULL, 0), length);
	for (size_t size = 1; size <= length + 2; size++) {
		memset(part, '#', sizeof part);
		ck_assert_uint_eq(troupe_config_text(t, part, size), length);
		ck_assert_uint_eq(strlen(part), size - 1 < length ? size - 1 : length);
		ck_assert_int_eq(strncmp(part, whole, size - 1), 0);
		size_t untouched = 0;
		for (size_t i = size; i < sizeof part; i++)
			untouched += part[i] == '#';
		ck_assert_uint_eq(untouched, sizeof part - size);
	}
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_open_defaults)
{
	troupe *t = troupe_open(NULL);

	ck_assert_ptr_nonnull(t);
	assert_configured(t, "scheduler = pool");
	assert_configured(t, "quantum = 256");
	assert_configured(t, "ring = 256");
	assert_configured(t, "close_ms = 5000");
	sys_close(t, NULL);
	t = troupe_open(&(troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED, .workers = 7 });
	assert_configured(t, "scheduler = simulated");
	assert_configured(t, "workers = 0");
	assert_configured(t, "quantum = 1");
	assert_configured(t, "seed = 0");
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_open_takes_the_ends_of_every_range)
{
	static const struct {
		troupe_options options;
		const char *line;
	} good[] = {
		{ { .workers = 1 }, "workers = 1" },
		{ { .workers = TROUPE_WORKERS_NONE }, "workers = 0" },
		{ { .quantum = 1 }, "quantum = 1" },
		{ { .quantum = 1000000 }, "quantum = 1000000" },
		{ { .ring = 4 }, "ring = 4" },
		{ { .ring = 128 }, "ring = 128" },
		{ { .ring = 256 }, "ring = 256" },
		{ { .close_ms = 1 }, "close_ms = 1" },
		{ { .close_ms = INT32_MAX }, "close_ms = 2147483647" },
		{ { .seed = UINT64_MAX, .scheduler = TROUPE_SCHEDULER_SIMULATED },
		    "seed = 18446744073709551615" },
		{ { .size = sizeof(troupe_options) }, "scheduler = pool" },
	};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		troupe *t = troupe_open(&good[i].options);

		ck_assert_ptr_nonnull(t);
		assert_configured(t, good[i].line);
		sys_close(t, NULL);
	}
}
END_TEST

START_TEST(test_system_open_refuses_senseless_options)
{
	static const struct {
		troupe_options options;
		const char *name;
	} bad[] = {
		{ { .size = 1 }, "size" },
		{ { .size = sizeof(troupe_options) - 1 }, "size" },
		{ { .size = SIZE_MAX }, "size" },
		{ { .workers = -2 }, "workers" },
		{ { .workers = 1025 }, "workers" },
		{ { .workers = 10000 }, "workers" },
		{ { .workers = INT32_MIN }, "workers" },
		{ { .scheduler = (troupe_scheduler)2 }, "scheduler" },
		{ { .scheduler = (troupe_scheduler)-1 }, "scheduler" },
		{ { .quantum = -1 }, "quantum" },
		{ { .quantum = 1000001 }, "quantum" },
		{ { .ring = -4 }, "ring" },
		{ { .ring = 1 }, "ring" },
		{ { .ring = 2 }, "ring" },
		{ { .ring = 5 }, "ring" },
		{ { .ring = 255 }, "ring" },
		{ { .ring = 512 }, "ring" },
		{ { .close_ms = -1 }, "close_ms" },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct lines lines = { 0 };
		troupe_options options = bad[i].options;

		options.context = &lines;
		options.log = note_line;
		sys_assert_failed(troupe_open(&options), TROUPE_INVALID);
		ck_assert_ptr_nonnull(strstr(troupe_last_error_text(), bad[i].name));
		/* A struct of an unknown size is not looked into. */
		if (options.size != 0)
			continue;
		ck_assert_uint_eq(lines.count, 1);
		ck_assert_int_eq((int)lines.level, TROUPE_LOG_ERROR);
		ck_assert_ptr_nonnull(strstr(lines.last, bad[i].name));
	}
	sys_close(sys_open(1, NULL), NULL);
}
END_TEST

/* --- The environment. --- */

START_TEST(test_system_open_the_environment_wins)
{
	static const char *const good[][3] = {
		{ "TROUPE_WORKERS", "3", "workers = 3" },
		{ "TROUPE_WORKERS", "0", "workers = 0" },
		{ "TROUPE_WORKERS", "0x10", "workers = 16" },
		{ "TROUPE_SCHEDULER", "simulated", "scheduler = simulated" },
		{ "TROUPE_SCHEDULER", "pool", "scheduler = pool" },
		{ "TROUPE_SEED", "18446744073709551615", "seed = 18446744073709551615" },
		{ "TROUPE_SEED", "0xdeadbeef", "seed = 3735928559" },
		{ "TROUPE_QUANTUM", "77", "quantum = 77" },
		{ "TROUPE_RING", "64", "ring = 64" },
		{ "TROUPE_CLOSE_MS", "123", "close_ms = 123" },
	};
	troupe_options options = { .workers = 2, .quantum = 5, .ring = 4, .close_ms = 9, .seed = 1 };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		ck_assert_int_eq(setenv(good[i][0], good[i][1], 1), 0);
		troupe *t = troupe_open(&options);
		ck_assert_ptr_nonnull(t);
		assert_configured(t, good[i][2]);
		sys_close(t, NULL);
		ck_assert_int_eq(unsetenv(good[i][0]), 0);
	}
}
END_TEST

START_TEST(test_system_open_refuses_a_malformed_environment)
{
	static const char *const bad[][2] = {
		{ "TROUPE_WORKERS", "" },
		{ "TROUPE_WORKERS", "two" },
		{ "TROUPE_WORKERS", "-1" },
		{ "TROUPE_WORKERS", " 2" },
		{ "TROUPE_WORKERS", "2 " },
		{ "TROUPE_WORKERS", "+2" },
		{ "TROUPE_WORKERS", "1025" },
		{ "TROUPE_WORKERS", "99999999999999999999" },
		{ "TROUPE_SCHEDULER", "Pool" },
		{ "TROUPE_SCHEDULER", "" },
		{ "TROUPE_SEED", "-1" },
		{ "TROUPE_SEED", "18446744073709551616" },
		{ "TROUPE_QUANTUM", "0" },
		{ "TROUPE_QUANTUM", "1000001" },
		{ "TROUPE_RING", "3" },
		{ "TROUPE_RING", "4294967300" },
		{ "TROUPE_CLOSE_MS", "0" },
		{ "TROUPE_CLOSE_MS", "2147483648" },
		{ "TROUPE_WORKER", "2" },
		{ "TROUPE_WORKERSX", "2" },
		{ "TROUPE_", "2" },
		{ "TROUPE_workers", "2" },
		{ "TROUPE_A_VERY_LONG_NAME_THAT_IS_CUT_SOMEWHERE_IN_THE_MIDDLE_OF_THE_MESSAGE_ABOUT_IT",
		    "2" },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct lines lines = { 0 };

		ck_assert_int_eq(setenv(bad[i][0], bad[i][1], 1), 0);
		sys_assert_failed(troupe_open(&(troupe_options){ .context = &lines, .log = note_line }),
		    TROUPE_INVALID);
		ck_assert_uint_eq(lines.count, 1);
		ck_assert_int_eq(strncmp(strstr(lines.last, "TROUPE_"), bad[i][0],
				     strlen(bad[i][0]) < 40 ? strlen(bad[i][0]) : 40),
		    0);
		ck_assert_int_eq(unsetenv(bad[i][0]), 0);
	}
	ck_assert_int_eq(setenv("TROUPER", "x", 1), 0);
	sys_close(sys_open(1, NULL), NULL);
}
END_TEST

/* --- Many. --- */

START_TEST(test_system_open_255_at_once)
{
	/* ThreadSanitizer leaves too little address space for all. */
	enum { MOST = SYS_TSAN ? 150 : 255 };
	struct lines lines = { 0 };
	troupe_options one_more = { .workers = 1, .log = note_line, .context = &lines };
	troupe *t[MOST];
	troupe_ref who[MOST];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MOST; i++) {
			t[i] = sys_open(i % 8 == 0 ? 1 : TROUPE_WORKERS_NONE, NULL);
			who[i] = sys_spawn(t[i], &idle_class, NULL);
		}
		if (MOST == 255)
			sys_assert_failed(troupe_open(&one_more), TROUPE_NOMEM);
		for (int i = 0; i < MOST; i++)
			sys_send(who[i], 1, NULL, 0);
		for (int i = 0; i < MOST; i++)
			ck_assert_uint_eq(sys_wait(t[i]).handled, 1);
		/* One less, and there is room for one again. */
		sys_close(t[100], NULL);
		t[100] = sys_open(1, NULL);
		for (int i = 0; i < MOST; i++)
			sys_close(t[(i * 7) % MOST], NULL);
	}
}
END_TEST

START_TEST(test_system_open_1024_workers)
{
	enum { ACTORS = 3000 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(SYS_TSAN ? 200 : TROUPE_WORKERS_MAX, &ledger);

	for (int i = 0; i < ACTORS; i++)
		sys_send(sys_spawn(t, &idle_class, NULL), 1, NULL, 0);
	ck_assert_uint_eq(sys_wait(t).handled, ACTORS);
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_open_and_close_over_and_over)
{
	sys_ledger ledger = { 0 };

	for (int i = 0; i < SYS_SCALED(100); i++) {
		troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

		if (i % 2 == 0)
			sys_send(sys_spawn(t, &idle_class, NULL), 1, NULL, 0);
		if (i % 4 < 2)
			sys_wait(t);
		sys_close(t, &ledger);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_open");
	TCase *options = tcase_create("options");
	TCase *many = tcase_create("many");

	tcase_add_test(options, test_system_open_config_text_is_as_snprintf);
	tcase_add_test(options, test_system_open_defaults);
	tcase_add_test(options, test_system_open_takes_the_ends_of_every_range);
	tcase_add_test(options, test_system_open_refuses_senseless_options);
	tcase_add_test(options, test_system_open_the_environment_wins);
	tcase_add_test(options, test_system_open_refuses_a_malformed_environment);
	tcase_add_test(many, test_system_open_255_at_once);
	tcase_add_test(many, test_system_open_1024_workers);
	tcase_add_loop_test(many, test_system_open_and_close_over_and_over, 0, sys_shape_count);
	suite_add_tcase(suite, options);
	suite_add_tcase(suite, many);
	return run_suite(suite);
}
