/* SPDX-License-Identifier: MIT */

/* What is told of a failure: to the class, to the runtime, in the log. */

#include "tests/suite.h"
#include "tests/system.h"

#include <stdio.h>

/* What one callback was told. */
typedef struct account {
	uint32_t calls, order; /* order: of the last call among all */
	troupe_ref who;
	char class_name[64], actor_name[64], text[512];
	uint32_t msg_type;
	int code;
	unsigned restarts;
	bool in_actor; /* self was valid */
} account;

typedef struct told {
	account by_class, by_runtime;
	uint32_t order, lines;
	troupe_log_level level;
	char line[1024];
	const char *text; /* what to fail with */
} told;

/* Of the test that runs. */
static told *all;

static void
take_account(account *a, const troupe_failure *failure)
{
	a->calls++;
	a->order = ++all->order;
	a->who = failure->who;
	snprintf(a->class_name, sizeof a->class_name, "%s", failure->class_name);
	snprintf(a->actor_name, sizeof a->actor_name, "%s", failure->actor_name);
	snprintf(a->text, sizeof a->text, "%s", failure->text);
	a->msg_type = failure->msg_type;
	a->code = failure->code;
	a->restarts = failure->restarts;
}

static void
note_failed(troupe_actor *self, void *state, const troupe_failure *failure)
{
	(void)state;
	all->by_class.in_actor = troupe_self(self) == failure->who && troupe_sender(self) == 0;
	take_account(&all->by_class, failure);
}

static void
note_failure(void *context, const troupe_failure *failure)
{
	if (context == all)
		take_account(&all->by_runtime, failure);
}

static void
note_line(void *context, troupe_log_level level, const char *text)
{
	told *t = context;

	t->lines++;
	t->level = level;
	snprintf(t->line, sizeof t->line, "%s", text);
}

static void
fail_with_text(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->size > 0)
		(void)troupe_set_name(self, msg->body);
	troupe_fail(self, -17, "%s", all->text);
}

static const troupe_class telling_class = { .name = "telling", .receive = fail_with_text, .failed = note_failed };
static const troupe_class silent_class = { .receive = fail_with_text };

static troupe *
open_telling(told *t, bool with_callback)
{
	memset(t, 0, sizeof *t);
	all = t;
	t->text = "out of luck";
	return sys_open_with(
	    (troupe_options){
		.scheduler = TROUPE_SCHEDULER_SIMULATED,
		.context = t,
		.log = note_line,
		.failure = with_callback ? note_failure : NULL,
	    },
	    NULL);
}

static void
assert_account(const account *a, troupe_ref who, const char *class_name, const char *actor_name)
{
	ck_assert_uint_eq(a->calls, 1);
	ck_assert_uint_eq(a->who, who);
	ck_assert_str_eq(a->class_name, class_name);
	ck_assert_str_eq(a->actor_name, actor_name);
	ck_assert_str_eq(a->text, "out of luck");
	ck_assert_uint_eq(a->msg_type, 77);
	ck_assert_int_eq(a->code, -17);
	ck_assert_uint_eq(a->restarts, 0);
}

START_TEST(test_system_fail_told_to_the_class_and_then_to_the_runtime)
{
	told t;
	troupe *runtime = open_telling(&t, true);
	troupe_ref who = sys_spawn(runtime, &telling_class, NULL);

	sys_send(who, 77, "a name", sizeof "a name");
	sys_wait(runtime);
	assert_account(&t.by_class, who, "telling", "a name");
	assert_account(&t.by_runtime, who, "telling", "a name");
	ck_assert(t.by_class.in_actor);
	ck_assert_uint_eq(t.by_class.order, 1);
	ck_assert_uint_eq(t.by_runtime.order, 2);
	sys_close(runtime, NULL);
	/* It is not logged too. */
	ck_assert_uint_eq(t.lines, 0);
}
END_TEST

START_TEST(test_system_fail_told_of_a_class_that_says_nothing)
{
	told t;
	troupe *runtime = open_telling(&t, true);
	troupe_ref who = sys_spawn(runtime, &silent_class, NULL);

	sys_send(who, 77, NULL, 0);
	sys_wait(runtime);
	assert_account(&t.by_runtime, who, "actor", "");
	sys_close(runtime, NULL);
}
END_TEST

/* Without a callback of the runtime's there is a line, whatever the class does about it. */
START_TEST(test_system_fail_told_in_the_log)
{
	told t;
	troupe *runtime = open_telling(&t, false);
	troupe_ref who = sys_spawn(runtime, _i ? &telling_class : &silent_class, NULL);
	char expected[256];

	sys_send(who, 77, "a name", sizeof "a name");
	sys_wait(runtime);
	ck_assert_uint_eq(t.lines, 1);
	ck_assert_int_eq(t.level, TROUPE_LOG_WARNING);
	snprintf(expected, sizeof expected,
	    "actor %" PRIx64 " \"a name\" of class %s failed over type 77 with code -17: out of luck", who,
	    _i ? "telling" : "actor");
	ck_assert_str_eq(t.line, expected);
	ck_assert_uint_eq(t.by_class.calls, (unsigned)_i);
	sys_close(runtime, NULL);
	ck_assert_uint_eq(t.lines, 1);
}
END_TEST

/* A text of any length: none, as much as there is room for, and more than that. */
START_TEST(test_system_fail_told_as_much_as_there_is_room_for)
{
	static const size_t lengths[] = { 0, 1, TROUPE_FAILURE_MAX - 1, TROUPE_FAILURE_MAX, TROUPE_FAILURE_MAX + 1, 5000 };
	size_t length = lengths[_i], kept = length < TROUPE_FAILURE_MAX ? length : TROUPE_FAILURE_MAX;
	char text[5001];
	told t;
	troupe *runtime = open_telling(&t, true);
	troupe_ref who = sys_spawn(runtime, &telling_class, NULL);

	for (size_t i = 0; i < length; i++)
		text[i] = (char)('a' + i % 26);
	text[length] = '\0';
	t.text = text;
	sys_send(who, 1, NULL, 0);
	sys_wait(runtime);
	ck_assert_uint_eq(strlen(t.by_class.text), kept);
	ck_assert_int_eq(memcmp(t.by_class.text, text, kept), 0);
	ck_assert_str_eq(t.by_runtime.text, t.by_class.text);
	sys_close(runtime, NULL);
}
END_TEST

/* To stderr, when nobody takes the lines either. */
static int
fail_by_default(void *unused)
{
	static told t;
	troupe *runtime = troupe_open(&(troupe_options){ .size = sizeof(troupe_options), .workers = 1 });

	(void)unused;
	all = &t;
	t.text = "out of luck";
	(void)troupe_send(troupe_spawn(runtime, &silent_class, NULL), 77, NULL, 0);
	return troupe_run(runtime) == TROUPE_OK ? 0 : 1;
}

START_TEST(test_system_fail_told_on_stderr_by_default)
{
	sys_ending ending;

	sys_run_child(&ending, fail_by_default, NULL);
	ck_assert_int_eq(ending.status, 0);
	ck_assert_ptr_nonnull(strstr(ending.text, " of class actor failed over type 77 with code -17: out of luck\n"));
}
END_TEST

/* --- self is the actor's alone. --- */

static troupe_actor *stolen;

static int
steal_self(troupe_actor *self, void *state, const void *argument)
{
	(void)state;
	(void)argument;
	stolen = self;
	return 0;
}

/* Which call is made from outside. */
static int
call_from_outside(void *which)
{
	static const troupe_class class_ = { .start = steal_self, .receive = fail_with_text };
	troupe *runtime = troupe_open(&(troupe_options){ .size = sizeof(troupe_options), .workers = TROUPE_WORKERS_NONE });

	(void)troupe_spawn(runtime, &class_, NULL);
	switch (*(const int *)which) {
	case 0:
		troupe_fail(stolen, 1, "from outside");
		break;
	case 1:
		(void)troupe_monitor(stolen, 0);
		break;
	case 2:
		(void)troupe_demonitor(stolen, 0);
		break;
	default:
		(void)troupe_link(stolen, 0);
	}
	return 0;
}

START_TEST(test_system_fail_told_from_outside_is_a_mistake)
{
	static const char *const names[] = { "troupe_fail", "troupe_monitor", "troupe_demonitor", "troupe_link" };
	sys_ending ending;

	sys_run_child(&ending, call_from_outside, &_i);
	ck_assert(ending.status != 0);
	ck_assert_ptr_nonnull(strstr(ending.text, names[_i]));
	ck_assert_ptr_nonnull(strstr(ending.text, "outside its own callbacks"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_fail_told");
	TCase *tc = tcase_create("told");

	/* Those whose child uses the runtime, before this process does. */
	tcase_add_test(tc, test_system_fail_told_on_stderr_by_default);
	tcase_add_loop_test(tc, test_system_fail_told_from_outside_is_a_mistake, 0, 4);
	tcase_add_test(tc, test_system_fail_told_to_the_class_and_then_to_the_runtime);
	tcase_add_test(tc, test_system_fail_told_of_a_class_that_says_nothing);
	tcase_add_loop_test(tc, test_system_fail_told_in_the_log, 0, 2);
	tcase_add_loop_test(tc, test_system_fail_told_as_much_as_there_is_room_for, 0, 6);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
