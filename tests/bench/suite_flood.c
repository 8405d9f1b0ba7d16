/* SPDX-License-Identifier: MIT */

/*
 * The suite's floods: many messages to few actors, from inside and outside.
 */
#include "bench.h"

#include <math.h>
#include <stdatomic.h>

/* All message types of this file: each workload uses some. */
enum { START = 1, PING, PONG, AGAIN, STOP, INCREMENT, RETRIEVE, RESULT, WORK, MESSAGE };

/* Actors that have not ended yet; the last one to end stops the clock. */
static _Atomic int64_t still_there;

static void
count_end(double operations)
{
	/* The order: whoever comes to 0 stops the clock after all others have ended. */
	if (atomic_fetch_sub_explicit(&still_there, 1, memory_order_acq_rel) == 1)
		bench_end(operations);
}

/* ---- pingpongsuite: N round trips, with a message to itself before each ---- */

static int64_t pings_seen;

static void
pong(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *count = state;

	if (msg->type == PING) {
		++*count;
		bench_send(msg->sender, PONG, NULL, 0);
		return;
	}
	pings_seen = *count;
	troupe_stop_self(self, TROUPE_STOP_NOW);
	bench_end(3.0 * (double)bench.n + 1);
}

static const troupe_class pong_class = { .name = "pong", .state_size = sizeof(int64_t), .receive = pong };

struct pinger {
	troupe_ref pong;
	int64_t left;
};

static void
ping(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct pinger *p = state;

	switch (msg->type) {
	case START:
		p->pong = *BENCH_BODY(msg, troupe_ref);
		p->left = bench.n - 1;
		bench_send(p->pong, PING, NULL, 0);
		break;
	case PONG:
		if (p->left > 0) {
			bench_send(troupe_self(self), AGAIN, NULL, 0);
		} else {
			bench_send(p->pong, STOP, NULL, 0);
			troupe_stop_self(self, TROUPE_STOP_NOW);
		}
		break;
	case AGAIN:
		p->left--;
		bench_send(p->pong, PING, NULL, 0);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class ping_class = {
	.name = "ping",
	.state_size = sizeof(struct pinger),
	.receive = ping,
};

static void
pingpongsuite_start(troupe *t)
{
	troupe_ref other = bench_spawn(t, &pong_class, NULL);

	bench_begin();
	bench_send(bench_spawn(t, &ping_class, NULL), START, &other, sizeof other);
}

static void
pingpongsuite_check(troupe *t)
{
	(void)t;
	bench_expect("pings seen", pings_seen, bench.n);
}

/* ---- counting: N messages from one to one, in one go ---- */

static int64_t count_retrieved;

static void
counter(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *count = state;

	if (msg->type == INCREMENT) {
		++*count;
		return;
	}
	bench_send(msg->sender, RESULT, count, sizeof *count);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class counter_class = {
	.name = "counter",
	.state_size = sizeof(int64_t),
	.receive = counter,
};

static void
count_producer(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->type == RESULT) {
		count_retrieved = *BENCH_BODY(msg, int64_t);
		bench_end((double)bench.n + 3);
		troupe_stop_self(self, TROUPE_STOP_NOW);
		return;
	}
	troupe_ref to = *BENCH_BODY(msg, troupe_ref);
	for (int64_t i = 0; i < bench.n; i++)
		bench_send(to, INCREMENT, NULL, 0);
	bench_send(to, RETRIEVE, NULL, 0);
}

static const troupe_class count_producer_class = { .name = "producer", .receive = count_producer };

static void
counting_start(troupe *t)
{
	troupe_ref to = bench_spawn(t, &counter_class, NULL);

	bench_begin();
	bench_send(bench_spawn(t, &count_producer_class, NULL), INCREMENT, &to, sizeof to);
}

static void
counting_check(troupe *t)
{
	(void)t;
	bench_expect("the count", count_retrieved, bench.n);
}

/* ---- forkjoin: N messages to each of M actors, posted from outside the pool ---- */

/* Volatile, or the compiler would work the sine out once and for all. */
static volatile double angle = 37.2;

/* Actors that saw a square of a sine that is not above 0. */
static _Atomic int64_t wrong_sines;

static void
compute_sine(void)
{
	double sine = sin(angle);

	if (!(sine * sine > 0))
		atomic_fetch_add_explicit(&wrong_sines, 1, memory_order_relaxed);
}

static void
throughput(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *count = state;

	(void)msg;
	compute_sine();
	if (++*count < bench.n)
		return;
	troupe_stop_self(self, TROUPE_STOP_NOW);
	count_end((double)bench.n * (double)bench.m);
}

static const troupe_class throughput_class = {
	.name = "throughput",
	.state_size = sizeof(int64_t),
	.receive = throughput,
};

static void
forkjoin_start(troupe *t)
{
	troupe_ref *actors = bench_memory((size_t)bench.m, sizeof *actors);

	atomic_store_explicit(&still_there, bench.m, memory_order_relaxed);
	for (int64_t i = 0; i < bench.m; i++)
		actors[i] = bench_spawn(t, &throughput_class, NULL);
	bench_begin();
	for (int64_t k = 0; k < bench.n; k++)
		for (int64_t i = 0; i < bench.m; i++)
			bench_send(actors[i], WORK, NULL, 0);
}

static void
forkjoin_check(troupe *t)
{
	struct troupe_totals totals;

	troupe_get_totals(t, &totals);
	bench_expect("messages handled", (int64_t)totals.handled, bench.n * bench.m);
	bench_expect("actors stopped", (int64_t)totals.stopped, bench.m);
	bench_expect("wrong sines", atomic_load_explicit(&wrong_sines, memory_order_relaxed), 0);
}

/* ---- forkjoincreate: N times a spawn, a message and an end, from outside the pool ---- */

static void
work_once(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	compute_sine();
	troupe_stop_self(self, TROUPE_STOP_NOW);
	count_end((double)bench.n);
}

static const troupe_class work_once_class = { .name = "once", .receive = work_once };

static void
forkjoincreate_start(troupe *t)
{
	atomic_store_explicit(&still_there, bench.n, memory_order_relaxed);
	bench_begin();
	for (int64_t i = 0; i < bench.n; i++)
		bench_send(bench_spawn(t, &work_once_class, NULL), WORK, NULL, 0);
}

static void
forkjoincreate_check(troupe *t)
{
	struct troupe_totals totals;

	troupe_get_totals(t, &totals);
	bench_expect("actors spawned", (int64_t)totals.spawned, bench.n);
	bench_expect("actors stopped", (int64_t)totals.stopped, bench.n);
	bench_expect("wrong sines", atomic_load_explicit(&wrong_sines, memory_order_relaxed), 0);
}

/* ---- mailbox: M senders post N messages each to one, in one go ---- */

static void
mailbox_receiver(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *count = state;

	(void)msg;
	if (++*count < bench.n * bench.m)
		return;
	bench_end((double)*count);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class mailbox_receiver_class = {
	.name = "receiver",
	.state_size = sizeof(int64_t),
	.receive = mailbox_receiver,
};

static void
mailbox_sender(troupe_actor *self, void *state, const troupe_msg *msg)
{
	troupe_ref to = *BENCH_BODY(msg, troupe_ref);

	(void)state;
	for (int64_t i = 0; i < bench.n; i++)
		bench_send(to, MESSAGE, NULL, 0);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class mailbox_sender_class = { .name = "sender", .receive = mailbox_sender };

static void
mailbox_start(troupe *t)
{
	troupe_ref to = bench_spawn(t, &mailbox_receiver_class, NULL);

	bench_begin();
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(bench_spawn(t, &mailbox_sender_class, NULL), START, &to, sizeof to);
}

static void
mailbox_check(troupe *t)
{
	struct troupe_totals totals;

	troupe_get_totals(t, &totals);
	bench_expect("messages handled", (int64_t)totals.handled, bench.n * bench.m + bench.m);
	bench_expect("messages lost", (int64_t)totals.dead, 0);
}

const bench_workload bench_suite_flood[] = {
	{ .name = "pingpongsuite", .n_is = "round trips", .n = 1000000, .start = pingpongsuite_start,
	    .check = pingpongsuite_check },
	{ .name = "counting", .n_is = "messages", .n = 1000000, .start = counting_start,
	    .check = counting_check },
	{ .name = "forkjoin", .n_is = "messages to each", .m_is = "actors", .n = 10000, .m = 60,
	    .start = forkjoin_start, .check = forkjoin_check },
	{ .name = "forkjoincreate", .n_is = "actors", .n = 40000, .start = forkjoincreate_start,
	    .check = forkjoincreate_check },
	{ .name = "mailbox", .n_is = "messages of each", .m_is = "senders", .n = 1000000, .m = 20,
	    .start = mailbox_start, .check = mailbox_check },
	{ .name = NULL },
};
