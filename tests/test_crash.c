/* SPDX-License-Identifier: MIT */

/*
 * What becomes of a crash after its report: the course that it would have
 * taken without.  What the report says of actors is for test_system_crash.c.
 */

#include "runtime/actor/crash.h"
#include "tests/crashes.h"
#include "tests/suite.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a handler that exits exits with. */
#define EARLIER 7

/* The body of a child process; true: all was as promised. */
typedef bool body(int number);

struct child {
	body *body;
	int number;
};

static int
run_body(void *argument)
{
	const struct child *child = argument;

	return child->body(child->number) ? 0 : 1;
}

static void
run(body *of_child, int number)
{
	struct child child = { of_child, number };

	sys_run_child(&crash_ending, run_body, &child);
}

static void
assert_exited(int code)
{
	int status = crash_ending.status;

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code, "status %x, and it said: %s",
	    (unsigned)status, crash_ending.text);
}

/* By the system's hand, even where sanitizers have handlers of their own. */
static void
assert_killed(void)
{
	int status = crash_ending.status;

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == crash_way->number, "status %x",
	    (unsigned)status);
}

/* A child that crashes by an instruction. */
static void
run_fault(body *of_child)
{
	crash_way = &crash_kinds[0];
	run(of_child, crash_way->number);
}

/* A child that sends itself the signal. */
static void
run_sent(body *of_child, int kind)
{
	static crash_kind sent;

	sent = crash_kinds[kind];
	sent.has_address = false;
	crash_way = &sent;
	run(of_child, sent.number);
}

#define OUTSIDE "a thread that runs no actor"

/* The report so many times, then the text; and nothing else. */
static void
assert_said(int times, const char *text)
{
	char whole[512] = "";

	for (int i = 0; i < times; i++)
		strcat(whole, crash_line(OUTSIDE));
	strcat(whole, text);
	ck_assert_str_eq(crash_ending.text, whole);
}

/* --- Earlier handlers. --- */

static struct {
	int calls;
	int number;
	void *address;
	sigset_t mask;
} seen;

static void
note(int number, siginfo_t *info, void *interrupted)
{
	(void)interrupted;
	seen.calls++;
	seen.number = number;
	seen.address = info->si_addr;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &seen.mask);
	errno = 0;
}

static void
note_number(int number)
{
	seen.calls++;
	seen.number = number;
}

static void
leave(int number, siginfo_t *info, void *interrupted)
{
	static const char text[] = "earlier\n";

	note(number, info, interrupted);
	(void)!write(STDERR_FILENO, text, sizeof text - 1);
	_exit((uintptr_t)seen.address == crash_known->address && seen.number == SIGSEGV ? EARLIER : 1);
}

static sigjmp_buf way_out;

static void
jump(int number)
{
	note_number(number);
	siglongjmp(way_out, 1);
}

static void
set_action(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | flags };

	action.sa_sigaction = handler;
	sigemptyset(&action.sa_mask);
	(void)sigaction(number, &action, NULL);
}

static bool
fault_before_leaving(int number)
{
	set_action(number, leave, 0);
	tr_crash_install();
	(void)crash_here(NULL);
	return false;
}

START_TEST(test_crash_earlier_handler_follows_the_report)
{
	run_fault(fault_before_leaving);
	assert_exited(EARLIER);
	assert_said(1, "earlier\n");
}
END_TEST

static bool
raise_with_old_handler(int number)
{
	(void)signal(number, note_number);
	tr_crash_install();
	tr_crash_install();
	(void)raise(number);
	(void)raise(number);
	return seen.calls == 2 && seen.number == number;
}

START_TEST(test_crash_earlier_handler_that_returns_lets_the_program_go_on)
{
	run_sent(raise_with_old_handler, _i);
	assert_exited(0);
	assert_said(2, "");
}
END_TEST

static bool
fault_and_jump(int number)
{
	(void)signal(number, jump);
	tr_crash_install();
	for (volatile int times = 0; times < 3; times++)
		if (sigsetjmp(way_out, 1) == 0)
			(void)crash_here(NULL);
	return seen.calls == 3;
}

START_TEST(test_crash_earlier_handler_may_jump_out)
{
	run_fault(fault_and_jump);
	assert_exited(0);
	assert_said(3, "");
}
END_TEST

static bool
raise_with_passing_handler(int number)
{
	set_action(number, note, (int)SA_RESETHAND);
	tr_crash_install();
	(void)raise(number);
	if (seen.calls != 1)
		return false;
	(void)raise(number);
	return false;
}

START_TEST(test_crash_earlier_handler_that_wanted_one_call_gets_one)
{
	run_sent(raise_with_passing_handler, _i);
	crash_assert_died();
	crash_assert_said(OUTSIDE);
}
END_TEST

/* The same mask with the crash handler in between as without.  ThreadSanitizer blocks what it likes. */
static bool
raise_and_compare_masks(int flags)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | flags };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigaddset(&blocked, SIGILL);
	(void)pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	action.sa_sigaction = note;
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR1);
	sigaddset(&action.sa_mask, SIGBUS);
	(void)sigaction(SIGFPE, &action, NULL);
	(void)raise(SIGFPE);
	sigset_t direct = seen.mask;

	tr_crash_install();
	(void)raise(SIGFPE);
	bool same = seen.calls == 2;
	for (int number = 1; number < NSIG; number++)
		same &= sigismember(&direct, number) == sigismember(&seen.mask, number);
	return same || SYS_TSAN;
}

START_TEST(test_crash_earlier_handler_finds_the_mask_it_asked_for)
{
	static const int flags[] = { 0, SA_NODEFER };

	run(raise_and_compare_masks, flags[_i]);
	assert_exited(0);
}
END_TEST

static bool
raise_unheard(int number)
{
	set_action(number, note, 0);
	tr_crash_install();
	(void)close(STDERR_FILENO);
	errno = EDOM;
	(void)raise(number);
	return seen.calls == 1 && errno == EDOM;
}

START_TEST(test_crash_leaves_errno_alone)
{
	run(raise_unheard, SIGSEGV);
	assert_exited(0);
}
END_TEST

static bool
compare_restart(int flags)
{
	struct sigaction now;

	set_action(SIGBUS, note, flags);
	(void)signal(SIGFPE, SIG_IGN);
	tr_crash_install();
	bool good = sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_RESTART) == flags;
	return good && sigaction(SIGFPE, NULL, &now) == 0 && (now.sa_flags & SA_RESTART) != 0;
}

START_TEST(test_crash_calls_restart_as_they_did)
{
	static const int flags[] = { 0, SA_RESTART };

	run(compare_restart, flags[_i]);
	assert_exited(0);
}
END_TEST

/* --- No earlier handler. --- */

static bool
raise_with_default(int number)
{
	(void)signal(number, SIG_DFL);
	tr_crash_install();
	(void)raise(number);
	return false;
}

START_TEST(test_crash_by_default_ends_the_process_with_the_signal)
{
	run_sent(raise_with_default, _i);
	assert_killed();
	assert_said(1, "");
}
END_TEST

static bool
be_killed(int number)
{
	tr_crash_install();
	(void)kill(getpid(), number);
	return false;
}

START_TEST(test_crash_sent_by_a_process_has_no_address)
{
	run_sent(be_killed, _i);
	crash_assert_died();
	crash_assert_said(OUTSIDE);
}
END_TEST

static bool
fault_by_default(int number)
{
	(void)signal(number, SIG_DFL);
	tr_crash_install();
	(void)crash_here(NULL);
	return false;
}

START_TEST(test_crash_by_default_is_what_it_was)
{
	crash_way = &crash_kinds[_i];
	run(fault_by_default, crash_way->number);
	assert_killed();
	assert_said(1, "");
}
END_TEST

/* --- Ignored signals. --- */

static bool
raise_ignored(int number)
{
	(void)signal(number, SIG_IGN);
	tr_crash_install();
	(void)raise(number);
	(void)kill(getpid(), number);
	return true;
}

START_TEST(test_crash_ignored_signal_that_is_sent_stays_ignored)
{
	run_sent(raise_ignored, _i);
	assert_exited(0);
	assert_said(0, "");
}
END_TEST

static bool
fault_ignored(int number)
{
	(void)signal(number, SIG_IGN);
	tr_crash_install();
	(void)crash_here(NULL);
	return false;
}

START_TEST(test_crash_of_an_instruction_cannot_be_ignored)
{
	crash_way = &crash_kinds[_i];
	run(fault_ignored, crash_way->number);
	assert_killed();
	assert_said(1, "");
}
END_TEST

/* --- Later handlers. --- */

static bool
fault_with_later_handler(int number)
{
	tr_crash_install();
	set_action(number, leave, 0);
	tr_crash_install();
	(void)crash_here(NULL);
	return false;
}

START_TEST(test_crash_handler_of_the_program_that_is_set_later_replaces_it)
{
	run_fault(fault_with_later_handler);
	assert_exited(EARLIER);
	assert_said(0, "earlier\n");
}
END_TEST

static struct sigaction found;

static void
pass_on(int number, siginfo_t *info, void *interrupted)
{
	found.sa_sigaction(number, info, interrupted);
}

static bool
fault_with_chaining_handler(int number)
{
	(void)signal(number, SIG_DFL);
	tr_crash_install();
	(void)sigaction(number, NULL, &found);
	set_action(number, pass_on, 0);
	(void)crash_here(NULL);
	return false;
}

START_TEST(test_crash_handler_that_is_set_later_may_call_it)
{
	run_fault(fault_with_chaining_handler);
	assert_killed();
	assert_said(1, "");
}
END_TEST

/* --- The core dump. --- */

/* Sanitizers turn it off, and some systems hand it to a program. */
static bool
expects_core(void)
{
	struct rlimit limit;
	char first = '|';
	FILE *pattern = fopen("/proc/sys/kernel/core_pattern", "r");

	if (pattern != NULL) {
		first = (char)fgetc(pattern);
		(void)fclose(pattern);
	}
	return !CRASH_SANITIZED && first != '|' && first != '/' && getrlimit(RLIMIT_CORE, &limit) == 0 &&
	       limit.rlim_max == RLIM_INFINITY;
}

static void
dump_core_in(const char *directory)
{
	const struct rlimit whole = { RLIM_INFINITY, RLIM_INFINITY };

	if (chdir(directory) != 0 || setrlimit(RLIMIT_CORE, &whole) != 0)
		_exit(1);
	(void)close(STDERR_FILENO);
	(void)fault_by_default(SIGSEGV);
	_exit(1);
}

/* Of the one file that may be there. */
static void
remove_with_file(const char *directory, pid_t child)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/core", directory);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/core.%d", directory, (int)child);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
}

START_TEST(test_crash_leaves_a_core_dump)
{
	char directory[] = "/tmp/troupe-core-XXXXXX";
	int status;

	if (!expects_core())
		return;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		dump_core_in(directory);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	remove_with_file(directory, child);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && WCOREDUMP(status), "status %x",
	    (unsigned)status);
}
END_TEST

static TCase *
case_handlers(void)
{
	TCase *tc = tcase_create("earlier and later handlers");

	tcase_add_checked_fixture(tc, crash_prepare, NULL);
	tcase_add_test(tc, test_crash_earlier_handler_follows_the_report);
	tcase_add_loop_test(tc, test_crash_earlier_handler_that_returns_lets_the_program_go_on, 0,
	    crash_kind_count);
	tcase_add_test(tc, test_crash_earlier_handler_may_jump_out);
	tcase_add_loop_test(tc, test_crash_earlier_handler_that_wanted_one_call_gets_one, 0,
	    crash_kind_count);
	tcase_add_loop_test(tc, test_crash_earlier_handler_finds_the_mask_it_asked_for, 0, 2);
	tcase_add_test(tc, test_crash_leaves_errno_alone);
	tcase_add_loop_test(tc, test_crash_calls_restart_as_they_did, 0, 2);
	tcase_add_test(tc, test_crash_handler_of_the_program_that_is_set_later_replaces_it);
	tcase_add_test(tc, test_crash_handler_that_is_set_later_may_call_it);
	return tc;
}

static TCase *
case_defaults(void)
{
	TCase *tc = tcase_create("no handlers");

	tcase_add_checked_fixture(tc, crash_prepare, NULL);
	tcase_add_loop_test(tc, test_crash_by_default_ends_the_process_with_the_signal, 0, crash_kind_count);
	tcase_add_loop_test(tc, test_crash_sent_by_a_process_has_no_address, 0, crash_kind_count);
	tcase_add_loop_test(tc, test_crash_by_default_is_what_it_was, 0, crash_kind_count);
	tcase_add_loop_test(tc, test_crash_ignored_signal_that_is_sent_stays_ignored, 0, crash_kind_count);
	tcase_add_loop_test(tc, test_crash_of_an_instruction_cannot_be_ignored, 0, CRASH_INSTRUCTIONS);
	tcase_add_test(tc, test_crash_leaves_a_core_dump);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("crash");

	suite_add_tcase(suite, case_handlers());
	suite_add_tcase(suite, case_defaults());
	return run_suite(suite);
}
