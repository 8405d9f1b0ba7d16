/* SPDX-License-Identifier: MIT */

/*
 * supervise and restarts -- what it costs to watch an actor, and to start it
 * again.
 */
#include "bench.h"

#include <limits.h>

/* All message types of this file: each workload uses some. */
enum { START = 1, MISHAP };

/* Of the actors that are monitored: how many are down, and for the reason that it must be. */
static int64_t downs, downs_as_expected;

static void
take_down(const troupe_msg *msg, troupe_reason expected)
{
	const troupe_down *down = msg->body;

	if (msg->type != TROUPE_DOWN)
		bench_abort("a message that nobody sent");
	downs++;
	downs_as_expected += down->reason == expected;
}

static void
monitor(troupe_actor *self, troupe_ref who)
{
	if (__builtin_expect(troupe_monitor(self, who) == 0, 0))
		bench_abort(troupe_last_error_text());
}

static void
expect_downs(int64_t want)
{
	bench_expect("actors down", downs, want);
	bench_expect("actors down for the right reason", downs_as_expected, want);
}

/* ---- supervise: N times a spawn, a monitor, a stop and a TROUPE_DOWN, up to M under way ---- */

static void
ignore_message(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	troupe_unhandled(self, msg);
}

static const troupe_class mortal_class = { .name = "mortal", .receive = ignore_message };

struct keeper {
	int64_t left; /* to be spawned */
};

static void
keep_next(troupe_actor *self, struct keeper *k)
{
	troupe_ref mortal = bench_spawn(troupe_of(self), &mortal_class, NULL);

	monitor(self, mortal);
	if (__builtin_expect(troupe_stop(mortal, TROUPE_STOP_NOW) != TROUPE_OK, 0))
		bench_abort("an actor could not be stopped");
	k->left--;
}

static void
keeper(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct keeper *k = state;

	if (msg->type == START) {
		bench_begin();
		k->left = bench.n;
		for (int64_t i = 0; i < bench.m && k->left > 0; i++)
			keep_next(self, k);
		return;
	}
	take_down(msg, TROUPE_REASON_ASKED);
	if (k->left > 0)
		keep_next(self, k);
	else if (downs == bench.n)
		bench_end((double)bench.n);
}

static const troupe_class keeper_class = {
	.name = "keeper",
	.state_size = sizeof(struct keeper),
	.receive = keeper,
};

static void
supervise_start(troupe *t)
{
	bench_send(bench_spawn(t, &keeper_class, NULL), START, NULL, 0);
}

static void
supervise_check(troupe *t)
{
	struct troupe_totals totals;

	troupe_get_totals(t, &totals);
	expect_downs(bench.n);
	bench_expect("actors spawned", (int64_t)totals.spawned, bench.n + 1);
	bench_expect("actors stopped", (int64_t)totals.stopped, bench.n);
	bench_expect("messages lost", (int64_t)totals.dead, 0);
	bench_expect("messages unhandled", (int64_t)totals.unhandled, 0);
}

/*
 * ---- restarts: M children fail until they were restarted N times in all ----
 *
 * The backoff is the least that there is, a nanosecond, which the ticks of the
 * timers make 0.3 ms.  So one child alone is restarted less than 4000 times a
 * second, whatever a restart costs: many fail at a time, to see the cost.
 */

/* Of one child, over all its lives.  On a cache line of its own, or nearly. */
struct fate {
	int64_t mishaps; /* yet to come */
	int64_t lives;
	int64_t spare[6];
};

static struct fate *fates;

static void
unlucky(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct fate *fate = *(struct fate **)state;

	(void)msg;
	if (fate->mishaps == 0) {
		troupe_stop_self(self, TROUPE_STOP_NOW);
		return;
	}
	fate->mishaps--;
	troupe_fail(self, 1, "on purpose");
}

static int
unlucky_start(troupe_actor *self, void *state, const void *argument)
{
	struct fate *fate = *(struct fate *const *)argument;

	*(struct fate **)state = fate;
	fate->lives++;
	bench_send(troupe_self(self), MISHAP, NULL, 0);
	return 0;
}

static const troupe_class unlucky_class = {
	.name = "unlucky",
	.state_size = sizeof(struct fate *),
	.receive = unlucky,
	.start = unlucky_start,
	.argument_size = sizeof(struct fate *),
};

static void
spawn_unlucky(troupe_actor *self)
{
	for (int64_t i = 0; i < bench.m; i++) {
		struct fate *fate = &fates[i];

		fate->mishaps = bench_share(i);
		troupe_ref child = troupe_spawn_child(self, &unlucky_class, &fate);
		if (child == 0)
			bench_abort(troupe_last_error_text());
		monitor(self, child);
	}
}

static void
patient(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->type == START) {
		bench_begin();
		spawn_unlucky(self);
		return;
	}
	take_down(msg, TROUPE_REASON_SELF);
	if (downs == bench.m)
		bench_end((double)bench.n);
}

static const troupe_supervisor patience = {
	.restarts = INT_MAX,
	.backoff_ns = 1,
	.backoff_max_ns = 1,
};

static const troupe_class patient_class = {
	.name = "patient",
	.receive = patient,
	.supervisor = &patience,
};

static void
restarts_start(troupe *t)
{
	if (bench.m > bench.n)
		bench.m = bench.n;
	fates = bench_memory((size_t)bench.m, sizeof *fates);
	bench_send(bench_spawn(t, &patient_class, NULL), START, NULL, 0);
}

static void
restarts_check(troupe *t)
{
	struct troupe_totals totals;
	int64_t lives = 0;

	for (int64_t i = 0; i < bench.m; i++)
		lives += fates[i].lives;
	troupe_get_totals(t, &totals);
	expect_downs(bench.m);
	bench_expect("lives", lives, bench.n + bench.m);
	bench_expect("restarts", (int64_t)totals.restarted, bench.n);
	bench_expect("failures", (int64_t)totals.failed, bench.n);
	bench_expect("messages lost", (int64_t)totals.dead, 0); /* one that was failed over counts as handled */
	bench_expect("actors stopped", (int64_t)totals.stopped, bench.m);
}

static void
ignore_failure(void *context, const troupe_failure *failure)
{
	(void)context;
	(void)failure;
}

const bench_workload bench_depend_supervise[] = {
	{ .name = "supervise", .n_is = "actors", .m_is = "of them under way", .n = 1000000, .m = 64,
	    .start = supervise_start, .check = supervise_check },
	{ .name = "restarts", .n_is = "restarts", .m_is = "children", .n = 1000000, .m = 1000, .start = restarts_start,
	    .check = restarts_check, .failure = ignore_failure },
	{ .name = NULL },
};
