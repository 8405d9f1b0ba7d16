/* SPDX-License-Identifier: MIT */
#include "runtime/platform/platform.h"
#include "tests/suite.h"
#include "tests/support.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define NAME_SIZE 256

struct mask_report {
	int error;
	sigset_t mask;
};

static void *
report_mask(void *argument)
{
	struct mask_report *report = argument;

	report->error = pthread_sigmask(SIG_SETMASK, NULL, &report->mask);
	return NULL;
}

static void
start_and_join(void *(*work)(void *), void *argument)
{
	pthread_t thread;

	ck_assert_int_eq(tr_thread_start(&thread, "probe", work, argument), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void *
give_back(void *argument)
{
	return argument;
}

START_TEST(test_thread_gets_its_argument)
{
	pthread_t thread;
	int here;
	void *result = NULL;

	ck_assert_int_eq(tr_thread_start(&thread, "probe", give_back, &here), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, &here);
}
END_TEST

START_TEST(test_thread_has_signals_blocked)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1, SIGALRM, SIGPIPE };
	struct mask_report report;

	start_and_join(report_mask, &report);
	ck_assert_int_eq(report.error, 0);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		ck_assert_msg(sigismember(&report.mask, signals[i]) == 1, "signal %d is open", signals[i]);
}
END_TEST

START_TEST(test_thread_has_its_own_faults_open)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
	struct mask_report report;

	start_and_join(report_mask, &report);
	ck_assert_int_eq(report.error, 0);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		ck_assert_msg(sigismember(&report.mask, faults[i]) == 0, "signal %d is blocked", faults[i]);
}
END_TEST

/* SIGUSR1 blocked, SIGUSR2 and the rest open. */
static void
set_known_mask(void)
{
	sigset_t mask;

	ck_assert_int_eq(sigemptyset(&mask), 0);
	ck_assert_int_eq(sigaddset(&mask, SIGUSR1), 0);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &mask, NULL), 0);
}

static void
assert_known_mask(void)
{
	struct mask_report here;

	report_mask(&here);
	ck_assert_int_eq(here.error, 0);
	ck_assert_int_eq(sigismember(&here.mask, SIGUSR1), 1);
	ck_assert_int_eq(sigismember(&here.mask, SIGUSR2), 0);
	ck_assert_int_eq(sigismember(&here.mask, SIGTERM), 0);
}

START_TEST(test_thread_start_leaves_the_starters_mask)
{
	set_known_mask();
	start_and_join(give_back, NULL);
	assert_known_mask();
}
END_TEST

/* --- The alternate stack. --- */

struct stack_report {
	int error;
	stack_t stack;
};

static void *
report_stack(void *argument)
{
	struct stack_report *report = argument;

	report->error = sigaltstack(NULL, &report->stack);
	return argument;
}

START_TEST(test_thread_has_an_alternate_stack)
{
	struct stack_report report;

	start_and_join(report_stack, &report);
	ck_assert_int_eq(report.error, 0);
	ck_assert_int_eq(report.stack.ss_flags & SS_DISABLE, 0);
	ck_assert_uint_ge(report.stack.ss_size, TEST_SANITIZED ? (size_t)MINSIGSTKSZ : 65536);
}
END_TEST

static struct stack_report in_handler;

static void
report_to_handler(int number)
{
	(void)number;
	(void)report_stack(&in_handler);
}

static void *
raise_on_alternate_stack(void *argument)
{
	struct sigaction action = { .sa_flags = SA_ONSTACK };

	action.sa_handler = report_to_handler;
	return sigemptyset(&action.sa_mask) || sigaction(SIGFPE, &action, NULL) || raise(SIGFPE) ? NULL : argument;
}

START_TEST(test_thread_handles_signals_on_its_alternate_stack)
{
	start_and_join(raise_on_alternate_stack, NULL);
	ck_assert_int_eq(in_handler.error, 0);
	ck_assert_int_ne(in_handler.stack.ss_flags & SS_ONSTACK, 0);
}
END_TEST

/* Sanitizers give alternate stacks, and map memory, in their own ways. */
#if defined __linux__ && !TEST_SANITIZED
static pthread_key_t at_end;

static void
report_stack_at_end(void *report)
{
	(void)report_stack(report);
}

/* The report is of the moment when the thread's work is over. */
static void *
report_later(void *argument)
{
	return pthread_setspecific(at_end, argument) == 0 ? argument : NULL;
}

static void *
replace_stack(void *argument)
{
	static char other[65536 * 2];
	const stack_t stack = { .ss_sp = other, .ss_size = sizeof other };

	return sigaltstack(&stack, NULL) == 0 ? report_later(argument) : NULL;
}

START_TEST(test_thread_disables_its_alternate_stack_in_the_end)
{
	struct stack_report report = { .error = -1 };

	ck_assert_int_eq(pthread_key_create(&at_end, report_stack_at_end), 0);
	start_and_join(report_later, &report);
	ck_assert_int_eq(report.error, 0);
	ck_assert_int_ne(report.stack.ss_flags & SS_DISABLE, 0);
}
END_TEST

START_TEST(test_thread_leaves_the_alternate_stack_of_somebody_else)
{
	struct stack_report report = { .error = -1 };

	ck_assert_int_eq(pthread_key_create(&at_end, report_stack_at_end), 0);
	start_and_join(replace_stack, &report);
	ck_assert_int_eq(report.error, 0);
	ck_assert_int_eq(report.stack.ss_flags & SS_DISABLE, 0);
	ck_assert_uint_eq(report.stack.ss_size, 65536 * 2);
}
END_TEST

START_TEST(test_thread_gives_its_alternate_stack_back)
{
	struct stack_report report;

	start_and_join(report_stack, &report);
	ck_assert_int_eq(msync(report.stack.ss_sp, 1, MS_ASYNC), -1);
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

/* Whether a thread can be had where there is no room for a new stack: not every libc keeps one of a thread that ended. */
static bool
stacks_are_kept(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, give_back, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

/* Leaves room for nothing but a thread whose stack is there already. */
START_TEST(test_thread_starts_without_an_alternate_stack_when_there_is_no_memory)
{
	struct stack_report report;
	struct rlimit limit;

	/* The system keeps the stack of a thread that has ended for the next. */
	start_and_join(give_back, NULL);
	ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
	const struct rlimit little = { 1, limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &little), 0);
	pthread_t thread;
	const bool kept = stacks_are_kept();
	const int error = tr_thread_start(&thread, "probe", report_stack, &report);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	if (!kept) {
		ck_assert_int_eq(error, EAGAIN);
		return;
	}
	ck_assert_int_eq(error, 0);
	void *result = NULL;
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, &report);
	ck_assert_int_eq(report.error, 0);
	ck_assert_int_ne(report.stack.ss_flags & SS_DISABLE, 0);
}
END_TEST

static void
add_memory_tests(TCase *tc)
{
	tcase_add_test(tc, test_thread_disables_its_alternate_stack_in_the_end);
	tcase_add_test(tc, test_thread_leaves_the_alternate_stack_of_somebody_else);
	tcase_add_test(tc, test_thread_gives_its_alternate_stack_back);
	tcase_add_test(tc, test_thread_starts_without_an_alternate_stack_when_there_is_no_memory);
}
#else
static void
add_memory_tests(TCase *tc)
{
	(void)tc;
}
#endif

static TCase *
case_alternate_stacks(void)
{
	TCase *tc = tcase_create("alternate stacks");

	tcase_add_test(tc, test_thread_has_an_alternate_stack);
	tcase_add_test(tc, test_thread_handles_signals_on_its_alternate_stack);
	add_memory_tests(tc);
	return tc;
}

#if TR_HAVE_SETNAME
static void *
pass_gate(void *argument)
{
	pthread_mutex_t *gate = argument;

	return pthread_mutex_lock(gate) || pthread_mutex_unlock(gate) ? argument : NULL;
}

/* What the system calls a thread that was started with `name`, while it stands at a gate. */
static void
read_name_back(const char *name, char text[NAME_SIZE])
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	pthread_t thread;

	ck_assert_int_eq(pthread_mutex_lock(&gate), 0);
	ck_assert_int_eq(tr_thread_start(&thread, name, pass_gate, &gate), 0);
	const int error = pthread_getname_np(thread, text, NAME_SIZE);
	ck_assert_int_eq(pthread_mutex_unlock(&gate), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(error, 0);
}

START_TEST(test_thread_has_its_name)
{
	char text[NAME_SIZE];

	read_name_back("troupe-7", text);
	ck_assert_str_eq(text, "troupe-7");
}
END_TEST

START_TEST(test_thread_keeps_15_bytes_of_a_long_name)
{
	char text[NAME_SIZE];

	read_name_back("0123456789abcdefgh", text);
	ck_assert_str_eq(text, "0123456789abcde");
}
END_TEST

static TCase *
case_thread_names(void)
{
	TCase *tc = tcase_create("thread names");

	tcase_add_test(tc, test_thread_has_its_name);
	tcase_add_test(tc, test_thread_keeps_15_bytes_of_a_long_name);
	return tc;
}
#else
static TCase *
case_thread_names(void)
{
	return tcase_create("thread names (none here)");
}
#endif

#if defined __GLIBC__
/* Ask for stacks that no address space holds, so that no thread can start. */
static void
make_threads_impossible(void)
{
	pthread_attr_t attributes;

	ck_assert_int_eq(pthread_attr_init(&attributes), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&attributes, (size_t)1 << 60), 0);
	ck_assert_int_eq(pthread_setattr_default_np(&attributes), 0);
	ck_assert_int_eq(pthread_attr_destroy(&attributes), 0);
}

START_TEST(test_thread_start_says_when_it_cannot)
{
	pthread_t thread;

	make_threads_impossible();
	ck_assert_int_ne(tr_thread_start(&thread, "probe", give_back, NULL), 0);
}
END_TEST

START_TEST(test_thread_start_that_fails_leaves_the_starters_mask)
{
	pthread_t thread;

	make_threads_impossible();
	set_known_mask();
	ck_assert_int_ne(tr_thread_start(&thread, "probe", give_back, NULL), 0);
	assert_known_mask();
}
END_TEST

static TCase *
case_impossible_threads(void)
{
	TCase *tc = tcase_create("threads that cannot start");

	tcase_add_test(tc, test_thread_start_says_when_it_cannot);
	tcase_add_test(tc, test_thread_start_that_fails_leaves_the_starters_mask);
	return tc;
}
#else
static TCase *
case_impossible_threads(void)
{
	return tcase_create("threads that cannot start (none here)");
}
#endif

static TCase *
case_threads(void)
{
	TCase *tc = tcase_create("threads");

	tcase_add_test(tc, test_thread_gets_its_argument);
	tcase_add_test(tc, test_thread_has_signals_blocked);
	tcase_add_test(tc, test_thread_has_its_own_faults_open);
	tcase_add_test(tc, test_thread_start_leaves_the_starters_mask);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("thread");

	suite_add_tcase(suite, case_threads());
	suite_add_tcase(suite, case_alternate_stacks());
	suite_add_tcase(suite, case_thread_names());
	suite_add_tcase(suite, case_impossible_threads());
	return run_suite(suite);
}
