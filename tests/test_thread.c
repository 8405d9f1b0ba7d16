/* SPDX-License-Identifier: MIT */
#include "runtime/platform/platform.h"
#include "tests/suite.h"

#include <check.h>
#include <signal.h>

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
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
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
	suite_add_tcase(suite, case_thread_names());
	suite_add_tcase(suite, case_impossible_threads());
	return run_suite(suite);
}
