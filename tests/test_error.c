/* SPDX-License-Identifier: MIT */
#include "runtime/actor/error.h"
#include "tests/support.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

START_TEST(test_error_is_none_at_first)
{
	ck_assert_int_eq(troupe_last_error(), TROUPE_OK);
	ck_assert_str_eq(troupe_last_error_text(), "");
}
END_TEST

START_TEST(test_error_fail_returns_its_status)
{
	ck_assert_int_eq(tr_fail(TROUPE_NOMEM, "no memory"), TROUPE_NOMEM);
}
END_TEST

START_TEST(test_error_is_the_last_one)
{
	tr_fail(TROUPE_NOMEM, "no memory");
	tr_fail(TROUPE_INVALID, "%d is no %s", 7, "number");
	ck_assert_int_eq(troupe_last_error(), TROUPE_INVALID);
	ck_assert_str_eq(troupe_last_error_text(), "7 is no number");
}
END_TEST

START_TEST(test_error_text_is_cut_at_511_bytes)
{
	char text[1001];

	memset(text, 'x', 1000);
	text[1000] = '\0';
	tr_fail(TROUPE_INVALID, "%s", text);
	ck_assert_uint_eq(strlen(troupe_last_error_text()), 511);
	ck_assert_int_eq(strncmp(troupe_last_error_text(), text, 511), 0);
}
END_TEST

struct witness {
	troupe_status first, last;
	bool text_was_empty, text_is_own;
	troupe_status status; /* that it fails with */
};

static void *
fail_somewhere_else(void *argument)
{
	struct witness *witness = argument;
	char expected[32];

	witness->first = troupe_last_error();
	witness->text_was_empty = *troupe_last_error_text() == '\0';
	for (int i = 0; i < 1000; i++)
		tr_fail(witness->status, "failure %d", (int)witness->status);
	witness->last = troupe_last_error();
	(void)snprintf(expected, sizeof expected, "failure %d", (int)witness->status);
	witness->text_is_own = strcmp(troupe_last_error_text(), expected) == 0;
	return NULL;
}

START_TEST(test_error_belongs_to_its_thread)
{
	struct witness witnesses[] = { { .status = TROUPE_DEAD }, { .status = TROUPE_FULL } };

	tr_fail(TROUPE_NOMEM, "here");
	run_together(2, fail_somewhere_else, witnesses, sizeof *witnesses);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(witnesses[i].first, TROUPE_OK);
		ck_assert(witnesses[i].text_was_empty);
		ck_assert_int_eq(witnesses[i].last, witnesses[i].status);
		ck_assert(witnesses[i].text_is_own);
	}
	ck_assert_int_eq(troupe_last_error(), TROUPE_NOMEM);
	ck_assert_str_eq(troupe_last_error_text(), "here");
}
END_TEST

START_TEST(test_error_every_status_has_its_name)
{
	static const struct {
		troupe_status status;
		const char *name;
	} all[] = {
		{ TROUPE_OK, "OK" },
		{ TROUPE_FULL, "FULL" },
		{ TROUPE_DEAD, "DEAD" },
		{ TROUPE_CLOSING, "CLOSING" },
		{ TROUPE_NOMEM, "NOMEM" },
		{ TROUPE_INVALID, "INVALID" },
		{ TROUPE_TIMEOUT, "TIMEOUT" },
		{ TROUPE_DEADLOCK, "DEADLOCK" },
		{ TROUPE_REFUSED, "REFUSED" },
		{ TROUPE_FORKED, "FORKED" },
		{ TROUPE_UNHANDLED, "UNHANDLED" },
		{ TROUPE_FAILED, "FAILED" },
		{ TROUPE_UNANSWERED, "UNANSWERED" },
		{ TROUPE_CANCELLED, "CANCELLED" },
		{ TROUPE_LATE, "LATE" },
		{ TROUPE_TAKEN, "TAKEN" },
	};
	const size_t count = sizeof all / sizeof *all;

	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(troupe_status_name(all[i].status), all[i].name);
	/* None was forgotten: the next number has none. */
	ck_assert_str_eq(troupe_status_name((troupe_status)count), "?");
}
END_TEST

START_TEST(test_error_every_reason_has_its_name)
{
	static const struct {
		troupe_reason reason;
		const char *name;
	} all[] = {
		{ TROUPE_REASON_SELF, "SELF" },
		{ TROUPE_REASON_ASKED, "ASKED" },
		{ TROUPE_REASON_PARENT, "PARENT" },
		{ TROUPE_REASON_CLOSING, "CLOSING" },
		{ TROUPE_REASON_FAILED, "FAILED" },
		{ TROUPE_REASON_LINKED, "LINKED" },
		{ TROUPE_REASON_RESTART, "RESTART" },
		{ TROUPE_REASON_GONE, "GONE" },
	};
	const size_t count = sizeof all / sizeof *all;

	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(troupe_reason_name(all[i].reason), all[i].name);
	ck_assert_str_eq(troupe_reason_name((troupe_reason)count), "?");
}
END_TEST

START_TEST(test_error_a_number_that_is_no_status_has_no_name)
{
	ck_assert_str_eq(troupe_status_name((troupe_status)-1), "?");
	ck_assert_str_eq(troupe_status_name((troupe_status)1000), "?");
	ck_assert_str_eq(troupe_reason_name((troupe_reason)-1), "?");
	ck_assert_str_eq(troupe_reason_name((troupe_reason)1000), "?");
}
END_TEST

static TCase *
case_error(void)
{
	TCase *tc = tcase_create("error");

	tcase_add_test(tc, test_error_is_none_at_first);
	tcase_add_test(tc, test_error_fail_returns_its_status);
	tcase_add_test(tc, test_error_is_the_last_one);
	tcase_add_test(tc, test_error_text_is_cut_at_511_bytes);
	tcase_add_test(tc, test_error_belongs_to_its_thread);
	tcase_add_test(tc, test_error_every_status_has_its_name);
	tcase_add_test(tc, test_error_every_reason_has_its_name);
	tcase_add_test(tc, test_error_a_number_that_is_no_status_has_no_name);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("error");

	suite_add_tcase(suite, case_error());
	return run_suite(suite);
}
