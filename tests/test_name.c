/* SPDX-License-Identifier: MIT */
#include "runtime/actor/name.h"
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>
#include <signal.h>
#include <string.h>

/* A thread's context and an actor in its callback, with no runtime around them. */
static tr_context context;
static troupe_actor *actor;

static void
enter_callback(void)
{
	tr_fault_arm(0);
	init_memory();
	memset(&context, 0, sizeof context);
	tr_cache_init(&context.cache);
	actor = tr_actor_at(tr_cache_take_actor(&context.cache, 0));
	actor->extra = 0;
	actor->flags = 0;
	context.current = actor;
	tr_current_context = &context;
}

static void
leave_callback(void)
{
	tr_fault_arm(0);
	tr_name_drop(&context, actor);
	tr_current_context = NULL;
	tr_cache_fini(&context.cache);
}

static void
set_name(const char *name)
{
	ck_assert_int_eq(troupe_set_name(actor, name), TROUPE_OK);
}

/* What a report says of the thread. */
static const char *
reported(void)
{
	static char name[TROUPE_NAME_MAX + 1];

	memset(name, '?', sizeof name);
	tr_name_copy_running(&context, name);
	return name;
}

START_TEST(test_name_is_empty_at_first)
{
	ck_assert_str_eq(troupe_name(actor), "");
	ck_assert_str_eq(tr_actor_name(actor), "");
}
END_TEST

START_TEST(test_name_is_a_copy)
{
	char text[] = "first";

	set_name(text);
	text[0] = 'w';
	ck_assert_str_eq(troupe_name(actor), "first");
	ck_assert_str_eq(tr_actor_name(actor), "first");
}
END_TEST

START_TEST(test_name_can_be_changed)
{
	set_name("first");
	set_name("a second that is longer");
	ck_assert_str_eq(troupe_name(actor), "a second that is longer");
	set_name("3");
	ck_assert_str_eq(troupe_name(actor), "3");
}
END_TEST

START_TEST(test_name_can_be_taken_away)
{
	set_name("first");
	set_name(NULL);
	ck_assert_str_eq(troupe_name(actor), "");
	set_name("second");
	set_name("");
	ck_assert_str_eq(troupe_name(actor), "");
	set_name(NULL);
}
END_TEST

START_TEST(test_name_that_is_not_there_costs_no_memory_to_take_away)
{
	set_name(NULL);
	set_name("");
	ck_assert_uint_eq(actor->extra, 0);
}
END_TEST

START_TEST(test_name_has_a_longest)
{
	char text[TROUPE_NAME_MAX + 2];

	memset(text, 'x', sizeof text);
	text[TROUPE_NAME_MAX + 1] = '\0';
	set_name("first");
	ck_assert_int_eq(troupe_set_name(actor, text), TROUPE_INVALID);
	ck_assert_int_eq(troupe_last_error(), TROUPE_INVALID);
	ck_assert_ptr_nonnull(strstr(troupe_last_error_text(), "255"));
	ck_assert_str_eq(troupe_name(actor), "first");

	text[TROUPE_NAME_MAX] = '\0';
	set_name(text);
	ck_assert_str_eq(troupe_name(actor), text);
	ck_assert_str_eq(reported(), text);
}
END_TEST

START_TEST(test_name_stays_when_there_is_no_memory_for_another)
{
	for (int named = 0; named < 2; named++) {
		troupe_status status = TROUPE_NOMEM;

		set_name(named ? "first" : NULL);
		for (long n = 1; status != TROUPE_OK; n++) {
			ck_assert_int_lt(n, 20);
			tr_fault_arm(n);
			tr_cache_follow_faults(&context.cache);
			status = troupe_set_name(actor, "second");
			ck_assert_int_eq(status, tr_fault_struck() ? TROUPE_NOMEM : TROUPE_OK);
			ck_assert_str_eq(troupe_name(actor), status == TROUPE_OK ? "second"
							     : named             ? "first"
										 : "");
		}
		tr_fault_arm(0);
		tr_cache_follow_faults(&context.cache);
	}
}
END_TEST

START_TEST(test_name_of_an_actor_is_for_its_own_callback)
{
	context.current = NULL;
	(void)troupe_name(actor);
}
END_TEST

START_TEST(test_name_is_set_in_its_own_callback)
{
	context.current = NULL;
	(void)troupe_set_name(actor, "first");
}
END_TEST

/* --- Reports. --- */

START_TEST(test_name_is_reported_at_once)
{
	ck_assert_str_eq(reported(), "");
	set_name("first");
	ck_assert_str_eq(reported(), "first");
	set_name("second");
	ck_assert_str_eq(reported(), "second");
	set_name(NULL);
	ck_assert_str_eq(reported(), "");
}
END_TEST

START_TEST(test_name_is_reported_while_it_is_shown)
{
	set_name("first");
	tr_name_hide(&context);
	ck_assert_str_eq(reported(), "");
	tr_name_show(&context, actor);
	ck_assert_str_eq(reported(), "first");
	tr_name_hide(&context);
	ck_assert_str_eq(reported(), "");
	ck_assert_str_eq(troupe_name(actor), "first");
}
END_TEST

START_TEST(test_name_that_is_not_there_can_be_shown)
{
	tr_name_show(&context, actor);
	ck_assert_str_eq(reported(), "");
	tr_name_hide(&context);
}
END_TEST

START_TEST(test_name_goes_with_its_actor)
{
	set_name("first");
	tr_name_drop(&context, actor);
	ck_assert_str_eq(reported(), "");
	ck_assert_str_eq(tr_actor_name(actor), "");
}
END_TEST

/* --- Of a running program. --- */

static _Atomic bool is_blocked, may_end;

static void
name_oneself(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	(void)troupe_set_name(self, "first");
}

static void
block(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)state;
	(void)msg;
	raise_flag(&is_blocked);
	await_flag(&may_end);
}

static void
keep_name(void *name, const troupe_survivor *who)
{
	(void)strcpy(name, who->actor_name);
}

/* A worker runs an actor that names itself, and then one that has no name. */
START_TEST(test_name_of_one_actor_is_not_reported_of_the_next)
{
	static const troupe_class named_class = { .name = "named", .receive = name_oneself };
	static const troupe_class blocking_class = { .name = "blocking", .receive = block };
	char name[TROUPE_NAME_MAX + 1] = "?";
	troupe *t = troupe_open(&(troupe_options){ .workers = 1 });
	const troupe_ref named = troupe_spawn(t, &named_class, NULL);
	const troupe_ref blocking = troupe_spawn(t, &blocking_class, NULL);

	ck_assert_int_eq(troupe_send(named, 1, NULL, 0), TROUPE_OK);
	ck_assert_int_eq(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	ck_assert_int_eq(troupe_send(blocking, 1, NULL, 0), TROUPE_OK);
	await_flag(&is_blocked);
	ck_assert_int_eq(troupe_close(t, 0, keep_name, name), TROUPE_TIMEOUT);
	raise_flag(&may_end);
	ck_assert_int_eq(troupe_close(t, TROUPE_FOREVER, NULL, NULL), TROUPE_OK);
	ck_assert_str_eq(name, "");
}
END_TEST

/* --- Several threads. --- */

#define CHANGES TEST_SCALED(20000)

struct party {
	bool is_owner;
	_Atomic bool *over;
	uint64_t random;
	uint64_t seen, torn;
};

/* Names are letters, all alike, as many as the letter says. */
static void
change_name(struct party *party)
{
	char text[27] = "";
	const uint32_t letter = test_below(&party->random, 26);

	memset(text, (int)('a' + letter), letter + 1);
	switch (test_below(&party->random, 8)) {
	case 0:
		(void)troupe_set_name(actor, NULL);
		break;
	case 1:
		tr_name_hide(&context);
		break;
	case 2:
		tr_name_show(&context, actor);
		break;
	default:
		(void)troupe_set_name(actor, text);
		break;
	}
}

static void
look_at_name(struct party *party)
{
	char text[TROUPE_NAME_MAX + 1];

	tr_name_copy_running(&context, text);
	const size_t length = strlen(text);

	party->seen += length > 0;
	for (size_t i = 0; i < length; i++)
		party->torn += text[i] != (char)('a' + length - 1);
}

static void *
change_or_look(void *argument)
{
	struct party *party = argument;

	if (!party->is_owner) {
		while (!flag_is_up(party->over))
			look_at_name(party);
		return NULL;
	}
	tr_current_context = &context;
	for (int i = 0; i < CHANGES; i++) {
		change_name(party);
		if (i % 64 == 0)
			sched_yield();
	}
	tr_current_context = NULL;
	raise_flag(party->over);
	return NULL;
}

START_TEST(test_name_is_whole_in_every_report)
{
	_Atomic bool over = false;
	uint64_t random = test_seed("test_name_is_whole_in_every_report");
	struct party parties[] = {
		{ .is_owner = true, .over = &over, .random = test_random(&random) },
		{ .over = &over },
		{ .over = &over },
	};

	run_together(3, change_or_look, parties, sizeof *parties);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(parties[i].torn, 0);
}
END_TEST

static TCase *
case_name(void)
{
	TCase *tc = tcase_create("name");

	tcase_add_checked_fixture(tc, enter_callback, leave_callback);
	tcase_add_test(tc, test_name_is_empty_at_first);
	tcase_add_test(tc, test_name_is_a_copy);
	tcase_add_test(tc, test_name_can_be_changed);
	tcase_add_test(tc, test_name_can_be_taken_away);
	tcase_add_test(tc, test_name_that_is_not_there_costs_no_memory_to_take_away);
	tcase_add_test(tc, test_name_has_a_longest);
	tcase_add_test(tc, test_name_stays_when_there_is_no_memory_for_another);
	tcase_add_test_raise_signal(tc, test_name_of_an_actor_is_for_its_own_callback, SIGABRT);
	tcase_add_test_raise_signal(tc, test_name_is_set_in_its_own_callback, SIGABRT);
	return tc;
}

static TCase *
case_reports(void)
{
	TCase *tc = tcase_create("reports");

	tcase_add_checked_fixture(tc, enter_callback, leave_callback);
	tcase_add_test(tc, test_name_is_reported_at_once);
	tcase_add_test(tc, test_name_is_reported_while_it_is_shown);
	tcase_add_test(tc, test_name_that_is_not_there_can_be_shown);
	tcase_add_test(tc, test_name_goes_with_its_actor);
	tcase_add_test(tc, test_name_is_whole_in_every_report);
	return tc;
}

static TCase *
case_program(void)
{
	TCase *tc = tcase_create("a running program");

	tcase_add_test(tc, test_name_of_one_actor_is_not_reported_of_the_next);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("name");

	suite_add_tcase(suite, case_name());
	suite_add_tcase(suite, case_reports());
	suite_add_tcase(suite, case_program());
	return run_suite(suite);
}
