/* SPDX-License-Identifier: MIT */

/*
 * The process crashes in a callback, and one line on stderr says in which
 * actor's, of what class, over which message.  What follows the line is for
 * test_crash.c.
 */

#include "tests/crashes.h"
#include "tests/suite.h"

/* --- Actors. --- */

static const troupe_class crasher = { .name = "crasher", .receive = crash_on_message };
static const troupe_class nameless_class = { .receive = crash_on_message };
static const troupe_class dedicated_class = {
	.name = "lonely",
	.receive = crash_on_message,
	.flags = TROUPE_DEDICATED,
};

START_TEST(test_system_crash_names_worker_actor_class_message_and_signal)
{
	crash_way = &crash_kinds[_i];
	crash_child_of(&crasher, CRASH_NOW);
	crash_assert_actor("worker 0", "", "crasher", "handling type 7 from outside");
}
END_TEST

START_TEST(test_system_crash_in_a_dedicated_actor)
{
	crash_way = &crash_kinds[_i];
	crash_child_of(&dedicated_class, CRASH_NOW);
	crash_assert_actor("the thread of a dedicated actor", "", "lonely", "handling type 7 from outside");
}
END_TEST

START_TEST(test_system_crash_of_a_class_without_a_name)
{
	crash_child_of(&nameless_class, CRASH_NOW);
	crash_assert_actor("worker 0", "", "actor", "handling type 7 from outside");
}
END_TEST

START_TEST(test_system_crash_keeps_the_beginning_of_a_long_class_name)
{
	char name[2001];
	troupe_class class_ = { .name = name, .receive = crash_on_message };

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	crash_child_of(&class_, CRASH_NOW);
	name[128] = '\0';
	crash_assert_actor("worker 0", "", name, "handling type 7 from outside");
}
END_TEST

/* --- Names. --- */

static const char *name_before, *name_now;

static int
start_named(troupe_actor *self, void *state, const void *argument)
{
	(void)state;
	(void)argument;
	return (int)troupe_set_name(self, name_before);
}

static void
rename_and_crash(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	if (name_now != NULL)
		(void)troupe_set_name(self, name_now);
	crash_in(self);
}

static const troupe_class named_class = {
	.name = "named",
	.start = start_named,
	.receive = rename_and_crash,
};

static const struct {
	const char *before, *now, *shown;
} names[] = {
	{ "ann", NULL, "ann" },
	{ "ann", "bob", "bob" },
	{ "ann", "", "" },
	{ NULL, "carl", "carl" },
	{ "two\nlines\x1b[31m\x7f", NULL, "two?lines?[31m?" },
	{ "caf\xc3\xa9", NULL, "caf\xc3\xa9" },
};
#define NAMES ((int)(sizeof names / sizeof *names))

START_TEST(test_system_crash_shows_the_name)
{
	name_before = names[_i].before;
	name_now = names[_i].now;
	crash_child_of(&named_class, CRASH_NOW);
	crash_assert_actor("worker 0", names[_i].shown, "named", "handling type 7 from outside");
}
END_TEST

START_TEST(test_system_crash_shows_the_longest_name_and_the_longest_class)
{
	static char name[TROUPE_NAME_MAX + 1], class_name[200];
	troupe_class class_ = { .name = class_name, .start = start_named, .receive = rename_and_crash };

	memset(name, 'a', sizeof name - 1);
	memset(class_name, 'c', sizeof class_name - 1);
	name_before = name;
	name_now = NULL;
	crash_child_of(&class_, CRASH_NOW);
	class_name[128] = '\0';
	crash_assert_actor("worker 0", name, class_name, "handling type 7 from outside");
}
END_TEST

/* --- Messages. --- */

static void
pass_crash_on(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	troupe_ref other = troupe_spawn_child(self, &crasher, NULL);

	(void)troupe_send(other, msg->type, NULL, 0);
}

static const troupe_class passer = { .name = "passer", .receive = pass_crash_on };

START_TEST(test_system_crash_names_the_sender)
{
	crash_child_of(&passer, CRASH_NOW);
	ck_assert_uint_ne(crash_known->sender, 0);
	crash_assert_actor("worker 0", "", "crasher", "handling type 7 from %" PRIx64, crash_known->sender);
}
END_TEST

static void
keep_and_crash(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	troupe_msg *kept = troupe_keep(self);

	troupe_msg_free(&kept);
	crash_in(self);
}

static const troupe_class keeper = { .name = "keeper", .receive = keep_and_crash };

START_TEST(test_system_crash_names_the_type_of_a_message_that_has_gone)
{
	crash_child_of(&keeper, CRASH_NOW);
	crash_assert_actor("worker 0", "", "keeper", "handling type 7");
}
END_TEST

static void
crash_on_destruction(void *body, size_t size)
{
	(void)body;
	(void)size;
	crash_way->crash();
}

static void
note_self(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	crash_known->self = troupe_self(self);
}

static const troupe_class noter = { .name = "noter", .receive = note_self };

static int
send_crashing_body(void *unused)
{
	troupe *t = troupe_open(&(troupe_options){ .workers = 1 });
	troupe_ref who = troupe_spawn(t, &noter, NULL);
	troupe_msg *msg = troupe_msg_new(CRASH_NOW, 10, crash_on_destruction);

	(void)unused;
	(void)troupe_send_msg(who, &msg);
	(void)troupe_run(t);
	return 0;
}

START_TEST(test_system_crash_in_the_destructor_of_a_message)
{
	sys_run_child(&crash_ending, send_crashing_body, NULL);
	crash_assert_actor("worker 0", "", "noter", "handling type 7 from outside");
}
END_TEST

/* --- Start and stop. --- */

static int
crash_in_start(troupe_actor *self, void *state, const void *argument)
{
	(void)state;
	(void)argument;
	(void)troupe_set_name(self, "early");
	crash_in(self);
	return 0;
}

static int
refuse_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	(void)state;
	(void)argument;
	return 1;
}

static const troupe_class starter = {
	.name = "starter",
	.start = crash_in_start,
	.receive = crash_on_message,
};
static const troupe_class refuser = {
	.name = "refuser",
	.start = refuse_start,
	.receive = crash_on_message,
};

START_TEST(test_system_crash_in_start_on_a_thread_from_outside)
{
	crash_child_of(&starter, CRASH_NOW);
	crash_assert_actor("a thread of the program's own", "early", "starter", "while it starts");
}
END_TEST

static void
spawn_starter(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	(void)troupe_spawn_child(self, &starter, NULL);
}

static const troupe_class parent_class = { .name = "parent", .receive = spawn_starter };

START_TEST(test_system_crash_in_start_inside_a_behavior)
{
	crash_child_of(&parent_class, CRASH_NOW);
	crash_assert_actor("worker 0", "early", "starter", "while it starts");
}
END_TEST

static void
spawn_and_crash(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	(void)troupe_set_name(self, "outer");
	(void)troupe_spawn_child(self, &refuser, NULL);
	crash_in(self);
}

static const troupe_class outer_class = { .name = "outer", .receive = spawn_and_crash };

START_TEST(test_system_crash_after_a_start_inside_a_behavior)
{
	crash_child_of(&outer_class, CRASH_NOW);
	crash_assert_actor("worker 0", "outer", "outer", "handling type 7 from outside");
}
END_TEST

static void
stop_on_crash(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->type == CRASH_NOW)
		troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
crash_in_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)state;
	(void)reason;
	crash_in(self);
}

static const troupe_class stopper = {
	.name = "stopper",
	.receive = stop_on_crash,
	.stop = crash_in_stop,
};
static const troupe_class named_stopper = {
	.name = "stopper",
	.start = start_named,
	.receive = stop_on_crash,
	.stop = crash_in_stop,
};
static const troupe_class dedicated_stopper = {
	.name = "stopper",
	.receive = stop_on_crash,
	.stop = crash_in_stop,
	.flags = TROUPE_DEDICATED,
};

START_TEST(test_system_crash_in_stop_on_a_worker)
{
	static const troupe_class *const classes[] = { &stopper, &named_stopper };

	name_before = "late";
	crash_child_of(classes[_i], CRASH_NOW);
	crash_assert_actor("worker 0", _i == 1 ? "late" : "", "stopper", "while it stops");
}
END_TEST

START_TEST(test_system_crash_in_stop_of_a_dedicated_actor)
{
	crash_child_of(&dedicated_stopper, CRASH_NOW);
	crash_assert_actor("the thread of a dedicated actor", "", "stopper", "while it stops");
}
END_TEST

START_TEST(test_system_crash_in_stop_on_the_thread_that_closes)
{
	static const troupe_class *const classes[] = { &stopper, &named_stopper };

	name_before = "late";
	crash_child_of(classes[_i], CRASH_NOT);
	crash_assert_actor("a thread of the program's own", _i == 1 ? "late" : "", "stopper",
	    "while it stops");
}
END_TEST

/* While it waits for its child if it has one, which is another way to stop. */
static void
stop_with_rest(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	crash_known->self = troupe_self(self);
	if (msg->type == CRASH_NOW)
		(void)troupe_spawn_child(self, &noter, NULL);
	(void)troupe_send(crash_known->self, CRASH_NOT, NULL, 0);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
crash_on_letter(void *context, const troupe_dead_letter *letter)
{
	(void)context;
	(void)letter;
	crash_way->crash();
}

static int
leave_letter(void *type)
{
	static const troupe_class leaver = { .name = "leaver", .receive = stop_with_rest };
	const troupe_options options = { .workers = 1, .dead_letter = crash_on_letter };

	return crash_run_class(&options, &leaver, *(uint32_t *)type);
}

START_TEST(test_system_crash_in_the_letter_of_an_actor_that_stops)
{
	static uint32_t types[] = { CRASH_NOT, CRASH_NOW };

	sys_run_child(&crash_ending, leave_letter, &types[_i]);
	crash_assert_actor("worker 0", "", "leaver", "while it stops");
}
END_TEST

static TCase *
case_actors(void)
{
	TCase *tc = tcase_create("actors");

	tcase_add_checked_fixture(tc, crash_prepare, NULL);
	tcase_add_loop_test(tc, test_system_crash_names_worker_actor_class_message_and_signal, 0,
	    crash_kind_count);
	tcase_add_loop_test(tc, test_system_crash_in_a_dedicated_actor, 0, crash_kind_count);
	tcase_add_test(tc, test_system_crash_of_a_class_without_a_name);
	tcase_add_test(tc, test_system_crash_keeps_the_beginning_of_a_long_class_name);
	tcase_add_loop_test(tc, test_system_crash_shows_the_name, 0, NAMES);
	tcase_add_test(tc, test_system_crash_shows_the_longest_name_and_the_longest_class);
	return tc;
}

static TCase *
case_callbacks(void)
{
	TCase *tc = tcase_create("callbacks");

	tcase_add_checked_fixture(tc, crash_prepare, NULL);
	tcase_add_test(tc, test_system_crash_names_the_sender);
	tcase_add_test(tc, test_system_crash_names_the_type_of_a_message_that_has_gone);
	tcase_add_test(tc, test_system_crash_in_the_destructor_of_a_message);
	tcase_add_test(tc, test_system_crash_in_start_on_a_thread_from_outside);
	tcase_add_test(tc, test_system_crash_in_start_inside_a_behavior);
	tcase_add_test(tc, test_system_crash_after_a_start_inside_a_behavior);
	tcase_add_loop_test(tc, test_system_crash_in_stop_on_a_worker, 0, 2);
	tcase_add_test(tc, test_system_crash_in_stop_of_a_dedicated_actor);
	tcase_add_loop_test(tc, test_system_crash_in_stop_on_the_thread_that_closes, 0, 2);
	tcase_add_loop_test(tc, test_system_crash_in_the_letter_of_an_actor_that_stops, 0, 2);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("system_crash");

	suite_add_tcase(suite, case_actors());
	suite_add_tcase(suite, case_callbacks());
	return run_suite(suite);
}
