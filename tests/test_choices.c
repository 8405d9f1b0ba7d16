/* SPDX-License-Identifier: MIT */
#include "runtime/engine/choices.h"
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
assert_written(const tr_choices *choices, const char *text)
{
	char *written = tr_choices_write(choices);

	ck_assert_str_eq(written, text);
	free(written);
}

static const struct {
	const char *text, *written;
} good[] = {
	{ "", "" },
	{ "0", "" },
	{ "0*7", "" },
	{ "3", "3" },
	{ "0*12,3,0*5,1", "0*12,3,0*5,1" },
	{ "1,1,1", "1*3" },
	{ "1*2,1*3,0", "1*5" },
	{ "0,0,2*1", "0*2,2" },
	{ "4294967295*4294967295,1", "4294967295*4294967295,1" },
	{ "4294967295*4294967295,4294967295", "4294967295*4294967295,4294967295" },
};

START_TEST(test_choices_are_written_as_short_as_can_be)
{
	tr_choices choices;
	const char *wrong = tr_choices_read(&choices, good[_i].text);

	ck_assert_msg(wrong == NULL, "\"%s\" %s", good[_i].text, wrong);
	assert_written(&choices, good[_i].written);
	tr_choices_fini(&choices);
}
END_TEST

static const char *const bad[] = { ",", "1,", ",1", "1,,2", "a", "1a", "-1", "1 ", " 1", "1, 2", "1*", "1*0",
	"*3", "1*2*3", "4294967296", "1*4294967296", "0x10", "1.5", "@", "@/", "@/nonexistent/file",
	"99999999999999999999999" };

START_TEST(test_choices_that_are_none_are_refused)
{
	tr_choices choices;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *wrong = tr_choices_read(&choices, bad[i]);

		ck_assert_msg(wrong != NULL, "\"%s\" was read", bad[i]);
		ck_assert_int_eq(strncmp(wrong, "must ", 5), 0);
		ck_assert_ptr_null(choices.list);
	}
}
END_TEST

START_TEST(test_choices_are_those_that_were_appended)
{
	enum { STEPS = 20000 };
	static uint32_t ranks[STEPS];
	uint64_t random = test_seed("test_choices_are_those_that_were_appended");
	tr_choices choices = { 0 }, read;
	tr_choices_cursor cursor = { 0 }, again = { 0 };
	uint32_t wrong = 0;

	for (int i = 0; i < STEPS; i++) {
		ranks[i] = test_below(&random, 3) == 0 ? test_below(&random, 1000) : 0;
		tr_choices_append(&choices, ranks[i], 1);
	}
	char *text = tr_choices_write(&choices);
	ck_assert_ptr_null(tr_choices_read(&read, text));
	for (int i = 0; i < STEPS; i++) {
		wrong += tr_choices_next(&choices, &cursor) != ranks[i];
		wrong += tr_choices_next(&read, &again) != ranks[i];
	}
	ck_assert_uint_eq(wrong, 0);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(tr_choices_next(&choices, &cursor) + tr_choices_next(&read, &again), 0);
	free(text);
	tr_choices_fini(&choices);
	tr_choices_fini(&read);
}
END_TEST

START_TEST(test_choices_come_from_a_file)
{
	enum { STEPS = 5000 }; /* more than one read's worth */
	char name[] = "/tmp/troupe-choices-XXXXXX", text[64];
	const int number = mkstemp(name);
	FILE *file = fdopen(number, "w");
	tr_choices choices;
	tr_choices_cursor cursor = { 0 };

	ck_assert_ptr_nonnull(file);
	for (uint32_t i = 0; i < STEPS; i++)
		fprintf(file, "%s%u%s", i > 0 ? "," : " \n", i * 7 % 100, i % 10 == 0 ? " \r\n\t" : "");
	ck_assert_int_eq(fclose(file), 0);
	snprintf(text, sizeof text, "@%s", name);
	ck_assert_ptr_null(tr_choices_read(&choices, text));
	for (uint32_t i = 0; i < STEPS; i++)
		ck_assert_uint_eq(tr_choices_next(&choices, &cursor), i * 7 % 100);
	tr_choices_fini(&choices);
	unlink(name);
}
END_TEST

START_TEST(test_choices_say_when_there_is_no_memory)
{
	char text[600] = "1";
	tr_choices choices = { 0 };

	for (int i = 0; i < 200; i++)
		strcat(text, i % 2 ? ",1" : ",2");
	for (long n = 1; n <= 3; n++) {
		tr_fault_arm(n);
		ck_assert_ptr_nonnull(tr_choices_read(&choices, text));
		ck_assert_ptr_null(choices.list);
	}
	tr_fault_arm(1);
	tr_choices_append(&choices, 5, 1);
	ck_assert(choices.is_cut);
	/* And stays so: what is written down later would stand at the wrong step. */
	tr_choices_append(&choices, 6, 1);
	ck_assert_uint_eq(choices.count, 0);
	tr_fault_arm(1);
	ck_assert_ptr_null(tr_choices_write(&choices));
	tr_fault_arm(0);
	tr_choices_fini(&choices);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("choices");
	TCase *tc = tcase_create("choices");

	tcase_add_loop_test(tc, test_choices_are_written_as_short_as_can_be, 0,
	    (int)(sizeof good / sizeof *good));
	tcase_add_test(tc, test_choices_that_are_none_are_refused);
	tcase_add_test(tc, test_choices_are_those_that_were_appended);
	tcase_add_test(tc, test_choices_come_from_a_file);
	tcase_add_test(tc, test_choices_say_when_there_is_no_memory);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
