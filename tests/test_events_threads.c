/* SPDX-License-Identifier: MIT */
#include "tests/suite.h"

int
main(void)
{
	return run_suite(suite_create("events_threads"));
}
