/* SPDX-License-Identifier: MIT */
#include "tests/suite.h"

int
main(void)
{
	return run_suite(suite_create("system_timers"));
}
