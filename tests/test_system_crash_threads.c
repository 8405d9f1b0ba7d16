/* SPDX-License-Identifier: MIT */

/*
 * The process crashes in a thread of some kind, and one line on stderr says
 * in which; if it is to.
 */

#include "runtime/actor/actor.h"
#include "runtime/actor/runtime.h"
#include "tests/crashes.h"
#include "tests/suite.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const troupe_options one_worker = { .workers = 1 };
static const troupe_class crasher = { .name = "crasher", .receive = crash_on_message };
static const troupe_class dedicated_class = {
	.name = "lonely",
	.receive = crash_on_message,
	.flags = TROUPE_DEDICATED,
};
static const troupe_class noter = { .name = "noter", .receive = crash_on_message };

/* --- Faults that the processor finds. --- */

/*
 * Frames are as large as can be without stepping over the page that guards a
 * stack, and not AddressSanitizer's: else sanitizers run out of other things
 * first.
 */
static __attribute__((noinline, no_sanitize_address)) int
descend(int depth)
{
	char frame[3072] = { (char)depth };

	/* Somebody may read and write all of it, for all that the compiler knows. */
	__asm__ volatile("" : : "r"(frame) : "memory");
	return depth > 1000000 ? depth : descend(depth + 1) + frame[0];
}

static void
use_up_stack(void)
{
	(void)descend(0);
}

START_TEST(test_system_crash_by_a_used_up_stack)
{
	static const crash_kind overflow = { use_up_stack, SIGSEGV, "SIGSEGV", true };

	crash_way = &overflow;
	crash_child_of(_i == 0 ? &crasher : &dedicated_class, CRASH_NOW);
	crash_believe_address();
	crash_assert_actor(_i == 0 ? "worker 0" : "the thread of a dedicated actor", "",
	    _i == 0 ? "crasher" : "lonely", "handling type 7 from outside");
}
END_TEST

#if defined __x86_64__
static void
divide_by_zero(void)
{
	__asm__ volatile("xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\tdivl %%ecx"
			 :
			 : "a"(1)
			 : "ecx", "edx", "cc");
}

static void
run_undefined(void)
{
	__asm__ volatile("ud2");
}

static const crash_kind instructions[] = {
	{ divide_by_zero, SIGFPE, "SIGFPE", true },
	{ run_undefined, SIGILL, "SIGILL", true },
};
#else
/* Which instructions raise what is not the same everywhere. */
static const crash_kind instructions[] = { { use_up_stack, SIGSEGV, "SIGSEGV", true } };
#endif
#define INSTRUCTIONS ((int)(sizeof instructions / sizeof *instructions))

START_TEST(test_system_crash_by_an_instruction)
{
	crash_way = &instructions[_i];
	crash_child_of(&crasher, CRASH_NOW);
	crash_believe_address();
	crash_assert_actor("worker 0", "", "crasher", "handling type 7 from outside");
}
END_TEST

/* --- Threads. --- */

/* Two actors hold a worker each; then the one that has worker 1 crashes. */
static sys_gate both = SYS_GATE_CLOSED;

static void
meet_and_crash(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	sys_gate_pass(&both);
	if (tr_current_context->worker.index == 1)
		crash_in(self);
}

static const troupe_class meeter = { .name = "meeter", .receive = meet_and_crash };

static int
crash_on_worker_1(void *unused)
{
	troupe *t = troupe_open(&(troupe_options){ .workers = 2 });

	(void)unused;
	for (int i = 0; i < 2; i++)
		(void)troupe_send(troupe_spawn(t, &meeter, NULL), CRASH_NOW, NULL, 0);
	sys_gate_await(&both, 2);
	sys_gate_open(&both);
	(void)troupe_run(t);
	return 0;
}

START_TEST(test_system_crash_tells_workers_apart)
{
	sys_run_child(&crash_ending, crash_on_worker_1, NULL);
	crash_assert_actor("worker 1", "", "meeter", "handling type 7 from outside");
}
END_TEST

static int
crash_driven(void *options)
{
	return crash_run_class(options, &crasher, CRASH_NOW);
}

START_TEST(test_system_crash_on_a_thread_that_drives)
{
	troupe_options driven[] = {
		{ .workers = TROUPE_WORKERS_NONE },
		{ .scheduler = TROUPE_SCHEDULER_SIMULATED },
	};

	sys_run_child(&crash_ending, crash_driven, &driven[_i]);
	crash_assert_actor("worker 0", "", "crasher", "handling type 7 from outside");
}
END_TEST

enum where { KNOWN_TO_TROUPE, NEVER_CALLED_TROUPE, AFTER_CLOSE, WHERES };

/* Crash in a thread that runs no actor. */
static int
crash_outside(void *where)
{
	troupe *t = troupe_open(&one_worker);
	pthread_t thread;

	switch (*(enum where *)where) {
	case NEVER_CALLED_TROUPE:
		if (pthread_create(&thread, NULL, crash_here, NULL) == 0)
			(void)pthread_join(thread, NULL);
		break;
	case AFTER_CLOSE:
		(void)troupe_send(troupe_spawn(t, &noter, NULL), CRASH_NOT, NULL, 0);
		(void)troupe_run(t);
		(void)crash_here(NULL);
		break;
	case KNOWN_TO_TROUPE:
	case WHERES:
		(void)crash_here(NULL);
	}
	return 0;
}

START_TEST(test_system_crash_outside_of_actors)
{
	enum where where = (enum where)(_i % WHERES);

	crash_way = &crash_kinds[_i / WHERES];
	sys_run_child(&crash_ending, crash_outside, &where);
	crash_assert_died();
	crash_assert_said("a thread that runs no actor");
}
END_TEST

static int
crash_in_fork(void *unused)
{
	int status = 0;

	(void)unused;
	troupe *t = troupe_open(&one_worker);
	pid_t child = fork();
	if (child == 0)
		(void)crash_here(NULL);
	bool died = waitpid(child, &status, 0) == child && status != 0;
	(void)troupe_close(t, TROUPE_FOREVER, NULL, NULL);
	return died ? 0 : 1;
}

START_TEST(test_system_crash_of_a_child_of_fork)
{
	sys_run_child(&crash_ending, crash_in_fork, NULL);
	ck_assert_int_eq(crash_ending.status, 0);
	crash_assert_said("a thread that runs no actor");
}
END_TEST

static const troupe_class passing_class = { .name = "passing", .receive = sys_stop_now };

/* Its last actor is idle, or gone. */
static int
crash_sleeping_worker(void *class_)
{
	troupe *t = troupe_open(&one_worker);

	(void)troupe_send(troupe_spawn(t, class_, NULL), CRASH_NOT, NULL, 0);
	(void)troupe_wait(t, TROUPE_FOREVER);
	(void)pthread_kill(t->contexts[0].worker.thread, SIGFPE);
	(void)pthread_join(t->contexts[0].worker.thread, NULL);
	return 0;
}

/*
 * Not for ThreadSanitizer, which takes the signal for the worker's own fault
 * and calls the handler at once, even in the middle of its own business.
 */
START_TEST(test_system_crash_of_a_worker_that_sleeps)
{
	const troupe_class *class_ = _i == 0 ? &noter : &passing_class;

	if (SYS_TSAN)
		return;
	crash_way = &crash_kinds[2];
	sys_run_child(&crash_ending, crash_sleeping_worker, (void *)(uintptr_t)class_);
	crash_assert_died();
	crash_assert_said("worker 0, between two callbacks");
}
END_TEST

static int
note_and_refuse(troupe_actor *self, void *state, const void *argument)
{
	(void)state;
	(void)argument;
	crash_known->self = troupe_self(self);
	return 1;
}

static const troupe_class refuser = { .name = "refuser",
	.start = note_and_refuse,
	.receive = crash_on_message };

/* As in a worker between two turns, when the actor of the first is idle, or has gone and another has its place. */
static int
crash_after_an_actor(void *is_idle)
{
	troupe *t = troupe_open(&one_worker);
	bool refused = troupe_spawn(t, &refuser, NULL) == 0;
	troupe_ref next = troupe_spawn(t, &noter, NULL);

	if (!refused || (uint32_t)next != (uint32_t)crash_known->self)
		return 0;
	tr_current_context->current = tr_ref_slot(next);
	atomic_store_explicit(&tr_current_context->self, *(int *)is_idle ? next : crash_known->self,
	    memory_order_relaxed);
	(void)crash_here(NULL);
	return 0;
}

START_TEST(test_system_crash_does_not_name_an_actor_that_has_left_the_thread)
{
	sys_run_child(&crash_ending, crash_after_an_actor, &_i);
	crash_assert_died();
	crash_assert_said("a thread that runs no actor");
}
END_TEST

/* --- On and off. --- */

static const struct {
	const char *variable;
	troupe_crash_report first, second; /* of the runtimes that are opened one after the other */
	bool reported;
} switches[] = {
	{ NULL, TROUPE_CRASH_REPORT_ON, TROUPE_CRASH_REPORT_ON, true },
	{ NULL, TROUPE_CRASH_REPORT_OFF, TROUPE_CRASH_REPORT_OFF, false },
	{ NULL, TROUPE_CRASH_REPORT_OFF, TROUPE_CRASH_REPORT_ON, true },
	{ NULL, TROUPE_CRASH_REPORT_ON, TROUPE_CRASH_REPORT_OFF, true },
	{ "0", TROUPE_CRASH_REPORT_ON, TROUPE_CRASH_REPORT_ON, false },
	{ "1", TROUPE_CRASH_REPORT_OFF, TROUPE_CRASH_REPORT_OFF, true },
};
#define SWITCHES ((int)(sizeof switches / sizeof *switches))

static int
crash_with_switches(void *index)
{
	int i = *(int *)index;
	troupe *t;

	if (switches[i].variable != NULL && setenv("TROUPE_CRASH_REPORT", switches[i].variable, 1) != 0)
		return 0;
	t = troupe_open(&(troupe_options){ .workers = 1, .crash_report = switches[i].first });
	(void)troupe_close(t, TROUPE_FOREVER, NULL, NULL);
	return crash_run_class(&(troupe_options){ .workers = 1, .crash_report = switches[i].second },
	    &crasher, CRASH_NOW);
}

START_TEST(test_system_crash_report_is_on_or_off)
{
	sys_run_child(&crash_ending, crash_with_switches, &_i);
	crash_assert_died();
	ck_assert_msg((strstr(crash_ending.text, "troupe: ") != NULL) == switches[_i].reported, "it said: %s",
	    crash_ending.text);
}
END_TEST

START_TEST(test_system_crash_report_is_in_the_configuration)
{
	static const char *const lines[] = { "\ncrash_report = on\n", "\ncrash_report = off\n" };
	troupe *t = sys_open_with((troupe_options){ .crash_report = (troupe_crash_report)_i }, NULL);
	char text[1000];

	ck_assert_uint_lt(troupe_config_text(t, text, sizeof text), sizeof text);
	ck_assert_ptr_nonnull(strstr(text, lines[_i]));
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_crash_while_it_is_reported_ends_the_process)
{
	const troupe_class unreadable = { .name = crash_forbidden, .receive = crash_on_message };

	crash_child_of(&unreadable, CRASH_NOW);
	ck_assert_msg(WIFSIGNALED(crash_ending.status) && WTERMSIG(crash_ending.status) == SIGSEGV,
	    "status %x, and it said: %s", (unsigned)crash_ending.status, crash_ending.text);
	ck_assert_str_eq(crash_ending.text, "");
}
END_TEST

static TCase *
case_threads(void)
{
	TCase *tc = tcase_create("threads");

	tcase_add_checked_fixture(tc, crash_prepare, NULL);
	tcase_add_loop_test(tc, test_system_crash_by_a_used_up_stack, 0, 2);
	tcase_add_loop_test(tc, test_system_crash_by_an_instruction, 0, INSTRUCTIONS);
	tcase_add_test(tc, test_system_crash_tells_workers_apart);
	tcase_add_loop_test(tc, test_system_crash_on_a_thread_that_drives, 0, 2);
	tcase_add_loop_test(tc, test_system_crash_outside_of_actors, 0, WHERES * crash_kind_count);
	tcase_add_test(tc, test_system_crash_of_a_child_of_fork);
	tcase_add_loop_test(tc, test_system_crash_of_a_worker_that_sleeps, 0, 2);
	tcase_add_loop_test(tc, test_system_crash_does_not_name_an_actor_that_has_left_the_thread, 0, 2);
	return tc;
}

static TCase *
case_switches(void)
{
	TCase *tc = tcase_create("on and off");

	tcase_add_checked_fixture(tc, crash_prepare, NULL);
	tcase_add_loop_test(tc, test_system_crash_report_is_on_or_off, 0, SWITCHES);
	tcase_add_loop_test(tc, test_system_crash_report_is_in_the_configuration, 0, 2);
	tcase_add_test(tc, test_system_crash_while_it_is_reported_ends_the_process);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("system_crash_threads");

	suite_add_tcase(suite, case_threads());
	suite_add_tcase(suite, case_switches());
	return run_suite(suite);
}
