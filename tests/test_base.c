/* SPDX-License-Identifier: MIT */
#include "runtime/platform/base.h"
#include "tests/suite.h"

#include <check.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_SIZE 256

/* What a child that runs `work` says on stderr; its exit status goes to *status. */
static void
run_and_listen(void (*work)(void), char text[TEXT_SIZE], int *status)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	const pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (dup2(ends[1], STDERR_FILENO) < 0)
			_exit(1);
		work();
		_exit(0);
	}
	ck_assert_int_eq(close(ends[1]), 0);

	size_t length = 0;
	for (ssize_t got = 1; got > 0 && length < TEXT_SIZE - 1; length += (size_t)got) {
		got = read(ends[0], text + length, TEXT_SIZE - 1 - length);
		ck_assert_int_ge(got, 0);
	}
	text[length] = '\0';
	ck_assert_int_eq(close(ends[0]), 0);
	ck_assert_int_eq(waitpid(child, status, 0), child);
}

static void
blame_caller(void)
{
	tr_blame_caller("troupe_send", "the message is NULL");
}

static void
blame_runtime(void)
{
	tr_blame_runtime("a < b", "some.c", 12);
}

static void
require_what_is_not(void)
{
	TR_REQUIRE(0 > 1, "zero is not above one");
}

static void
assert_what_is_not(void)
{
	TR_ASSERT(0 > 1);
}

START_TEST(test_base_blame_caller_names_call_and_fault)
{
	char text[TEXT_SIZE];
	int status;

	run_and_listen(blame_caller, text, &status);
	ck_assert_str_eq(text, "troupe: troupe_send: the message is NULL\n");
}
END_TEST

START_TEST(test_base_blame_runtime_names_condition_and_place)
{
	char text[TEXT_SIZE];
	int status;

	run_and_listen(blame_runtime, text, &status);
	ck_assert_str_eq(text, "troupe: internal error: a < b (some.c:12)\n");
}
END_TEST

START_TEST(test_base_blame_caller_aborts)
{
	tr_blame_caller("troupe_send", "the message is NULL");
}
END_TEST

START_TEST(test_base_blame_runtime_aborts)
{
	tr_blame_runtime("a < b", "some.c", 12);
}
END_TEST

START_TEST(test_base_require_blames_the_function_it_stands_in)
{
	char text[TEXT_SIZE];
	int status;

	run_and_listen(require_what_is_not, text, &status);
	ck_assert_str_eq(text, "troupe: require_what_is_not: zero is not above one\n");
}
END_TEST

START_TEST(test_base_require_lets_the_truth_pass)
{
	TR_REQUIRE(1 > 0, "one is above zero");
}
END_TEST

START_TEST(test_base_assert_is_there_when_asked_for)
{
	char text[TEXT_SIZE];
	int status;

	run_and_listen(assert_what_is_not, text, &status);
	ck_assert_int_eq(WIFSIGNALED(status), TROUPE_CHECKS >= 1);
}
END_TEST

static TCase *
case_base(void)
{
	TCase *tc = tcase_create("base");

	tcase_add_test(tc, test_base_blame_caller_names_call_and_fault);
	tcase_add_test(tc, test_base_blame_runtime_names_condition_and_place);
	tcase_add_test_raise_signal(tc, test_base_blame_caller_aborts, SIGABRT);
	tcase_add_test_raise_signal(tc, test_base_blame_runtime_aborts, SIGABRT);
	tcase_add_test(tc, test_base_require_blames_the_function_it_stands_in);
	tcase_add_test(tc, test_base_require_lets_the_truth_pass);
	tcase_add_test(tc, test_base_assert_is_there_when_asked_for);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("base");

	suite_add_tcase(suite, case_base());
	return run_suite(suite);
}
