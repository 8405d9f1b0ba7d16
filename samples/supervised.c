/* SPDX-License-Identifier: MIT */

/*
 * supervised -- a shop that goes on working while its workers fail.
 *
 *   owner ---- shop --+-- worker 1
 *                     +-- worker 2 ...
 *
 * The owner asks the shop to do a job, again and again; the shop passes the
 * request on to the next worker, who answers the owner.  Some jobs go wrong,
 * and the worker fails.  The shop, its supervisor, starts it again after a
 * while; but when the same worker fails too often, the shop itself fails, and
 * its own supervisor, the owner, starts it again, with new workers.
 *
 * No job is lost.  The one that a worker fails over ends with FAILED.  Those
 * that wait for a worker, or for the shop, wait until it is started again.
 * Those that wait for a worker when the shop fails end with DEAD, as the old
 * worker does not come back, and the owner hands them out once more.
 */

#include "shop/options.h"
#include "shop/say.h"
#include "shop/shop.h"
#include "shop/worker.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <troupe.h>

/* What became of the jobs: the owner's own, until the runtime is quiet. */
static struct {
	int64_t handed_out, done, failed;
	int64_t lost;  /* ended otherwise, which must not happen */
	int64_t again; /* handed out once more */
} jobs;

/* ---- the owner ---- */

#define MOST_UNDER_WAY 100 /* else a shop that falls behind would have more to do with each second */
#define DEADLINE       (86400 * TROUPE_SECOND) /* of a job: only one that was lost comes to it */

enum { NEXT_JOB = DONE + 1, REPORT, NO_MORE_JOBS };

struct owner {
	troupe_ref shop;
	troupe_timer next_job, report;
	bool ending;
};

static int64_t
count_under_way(void)
{
	return jobs.handed_out - jobs.done - jobs.failed - jobs.lost;
}

static void
report_jobs(const troupe_actor *self)
{
	say(self, "jobs: %" PRId64 " handed out, %" PRId64 " done, %" PRId64 " failed", jobs.handed_out,
	    jobs.done, jobs.failed);
}

static void job_ended(troupe_actor *self, void *state, const troupe_answer *answer);

static void
hand_out(troupe_actor *self, const struct owner *o, int64_t job)
{
	void *const context = (void *)(intptr_t)job;

	if (troupe_ask(self, o->shop, JOB, &job, sizeof job, DEADLINE, job_ended, context) != TROUPE_OK)
		jobs.lost++;
}

/* Once the last timer is gone, the runtime is quiet. */
static void
end_if_done(troupe_actor *self, const struct owner *o)
{
	if (o->ending && count_under_way() == 0)
		troupe_cancel(self, o->report);
}

static void
job_ended(troupe_actor *self, void *state, const troupe_answer *answer)
{
	if (answer->status == TROUPE_OK) {
		jobs.done++;
	} else if (answer->status == TROUPE_FAILED) {
		jobs.failed++;
	} else if (answer->status == TROUPE_DEAD) {
		jobs.again++;
		hand_out(self, state, (int64_t)(intptr_t)answer->context);
	} else {
		jobs.lost++;
	}
	end_if_done(self, state);
}

static void
owner_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct owner *o = state;

	switch (msg->type) {
	case NEXT_JOB:
		if (count_under_way() < MOST_UNDER_WAY)
			hand_out(self, o, ++jobs.handed_out);
		break;
	case REPORT:
		report_jobs(self);
		break;
	case NO_MORE_JOBS:
		o->ending = true;
		troupe_cancel(self, o->next_job);
		end_if_done(self, o);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static int
owner_start(troupe_actor *self, void *state, const void *argument)
{
	struct owner *o = state;

	(void)argument;
	o->shop = troupe_spawn_child(self, &shop_class, NULL);
	o->next_job = troupe_send_every(self, 20 * TROUPE_MS, TROUPE_MISSED_SKIP, NEXT_JOB, NULL, 0);
	o->report = troupe_send_every(self, 500 * TROUPE_MS, TROUPE_MISSED_SKIP, REPORT, NULL, 0);
	if (o->shop == 0 || o->next_job == 0 || o->report == 0)
		return -1;
	return troupe_send_after(self, settings.seconds * TROUPE_SECOND, NO_MORE_JOBS, NULL, 0) != 0 ? 0 : -1;
}

static troupe_decision
judge_shop(troupe_actor *self, void *state, const troupe_failure *failure)
{
	(void)state;
	say(self, "the owner starts the %s again, with new workers", failure->class_name);
	return TROUPE_RESTART;
}

static const troupe_supervisor owner_rules = {
	.restarts = 20, /* never reached: the waits between so many take longer than the window */
	.window_ns = 10 * TROUPE_SECOND,
	.backoff_ns = 200 * TROUPE_MS,
	.backoff_max_ns = TROUPE_SECOND,
	.decide = judge_shop,
};

static const troupe_class owner_class = {
	.name = "owner",
	.state_size = sizeof(struct owner),
	.receive = owner_receive,
	.start = owner_start,
	.supervisor = &owner_rules,
};

/* ---- the program ---- */

/* What failed was told by the supervisors; without this it would be logged, too. */
static void
ignore_failure(void *context, const troupe_failure *failure)
{
	(void)context;
	(void)failure;
}

static bool
check_jobs(void)
{
	int64_t mishaps = 0;

	for (int64_t job = 1; job <= jobs.handed_out; job++)
		mishaps += is_mishap(job);
	if (jobs.handed_out > 0 && jobs.failed == mishaps && jobs.done == jobs.handed_out - mishaps)
		return true;
	fprintf(stderr, "supervised: of %" PRId64 " jobs %" PRId64 " had to fail and all others to be done\n",
	    jobs.handed_out, mishaps);
	return false;
}

static bool
print_summary(const troupe_totals *totals)
{
	printf("%" PRId64 " jobs: %" PRId64 " done, %" PRId64 " failed, %" PRId64 " lost; %" PRId64
	       " handed out again; %" PRIu64 " restarts\n",
	    jobs.handed_out, jobs.done, jobs.failed, jobs.lost, jobs.again, totals->restarted);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	fputs("supervised: cannot write to standard output\n", stderr);
	return false;
}

int
main(int argc, char **argv)
{
	troupe_totals totals;

	parse_options(argc, argv);
	signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error like any other */

	troupe *t = troupe_open(&(troupe_options){
	    .size = sizeof(troupe_options),
	    .scheduler = settings.simulate ? TROUPE_SCHEDULER_SIMULATED : TROUPE_SCHEDULER_POOL,
	    .seed = settings.seed,
	    .failure = ignore_failure,
	});
	if (t == NULL)
		return 1; /* the log, here stderr, says why */
	begin_to_say(t);
	if (troupe_spawn(t, &owner_class, NULL) == 0)
		fprintf(stderr, "supervised: %s\n", troupe_last_error_text());

	bool good = troupe_wait(t, TROUPE_FOREVER) == TROUPE_OK;
	troupe_get_totals(t, &totals);
	good &= troupe_close(t, 5 * TROUPE_SECOND, NULL, NULL) == TROUPE_OK;
	good &= print_summary(&totals);
	good &= check_jobs();
	return good ? 0 : 1;
}
