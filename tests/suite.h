/* SPDX-License-Identifier: MIT */
#ifndef TEST_SUITE_H
#define TEST_SUITE_H

#include <check.h>

#if defined __SANITIZE_ADDRESS__
#define SUITE_LOOKS_FOR_LEAKS 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SUITE_LOOKS_FOR_LEAKS 1
#endif
#endif

#if defined SUITE_LOOKS_FOR_LEAKS && defined __linux__
#include <sanitizer/lsan_interface.h>

/*
 * The process of each case ends with a search for leaks, which reads some
 * thousand pages that nobody has touched.  What was read before the fork is
 * there already.
 */
static inline void
touch_what_is_searched(void)
{
	__lsan_do_recoverable_leak_check();
}
#else
static inline void
touch_what_is_searched(void)
{
}
#endif

/* Runs every case of the suite, which it takes; what main is to return. */
static inline int
run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	touch_what_is_searched();
	srunner_run_all(runner, CK_ENV);
	const int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}

#endif /* TEST_SUITE_H */
