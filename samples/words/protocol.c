/* SPDX-License-Identifier: MIT */
#include "protocol.h"

#include "progress.h"

#include <stdatomic.h>
#include <stdio.h>

void
report_failure(const char *why)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (atomic_flag_test_and_set_explicit(&said, memory_order_relaxed))
		return;
	progress_clear();
	fprintf(stderr, "wordcount: %s\n", why);
}

bool
give_up(troupe_actor *self, const char *why)
{
	report_failure(why);
	troupe_shutdown(troupe_of(self));
	return false;
}
