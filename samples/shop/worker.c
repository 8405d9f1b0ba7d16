/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include "options.h"
#include "say.h"

#include <inttypes.h>
#include <stdio.h>

#define MISHAP_IN 8 /* jobs, on average */

static const char *const mishaps[] = { "the saw broke", "the glue ran dry", "the light went out" };

enum { MISHAPS = sizeof mishaps / sizeof mishaps[0] };

static uint64_t
luck_of(int64_t job)
{
	uint64_t x = settings.seed + (uint64_t)job * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

bool
is_mishap(int64_t job)
{
	return luck_of(job) % MISHAP_IN == 0;
}

static void
do_job(troupe_actor *self, int64_t job)
{
	const int which = (int)(luck_of(job) / MISHAP_IN % MISHAPS);

	if (is_mishap(job))
		troupe_fail(self, which + 1, "job %" PRId64 ": %s", job, mishaps[which]);
	else
		troupe_reply(self, DONE, NULL, 0);
}

static void
worker_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const int64_t *job = troupe_body(msg, sizeof *job);

	(void)state;
	if (msg->type == JOB && job)
		do_job(self, *job);
	else
		troupe_unhandled(self, msg);
}

/* Each life begins here, with the argument of the first. */
static int
worker_start(troupe_actor *self, void *state, const void *argument)
{
	char name[24];

	(void)state;
	snprintf(name, sizeof name, "worker %d", *(const int *)argument);
	say(self, "%s starts", name);
	return troupe_set_name(self, name) == TROUPE_OK ? 0 : -1;
}

const troupe_class worker_class = {
	.name = "worker",
	.receive = worker_receive,
	.start = worker_start,
	.argument_size = sizeof(int), /* is kept for the lives to come */
};
