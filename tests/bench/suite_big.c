/* SPDX-License-Identifier: MIT */

/*
 * bigsuite -- the suite's big: M actors that send N pings each to others,
 * chosen by a generator whose values are known in advance.  Each holds the
 * table of all, which is one block that they share.
 */
#include "bench.h"

#include <stdlib.h>

enum { NEIGHBOURS = 1, PING, PONG, EXIT };

/* The first pong, that starts an actor off, comes from nobody. */
#define NOBODY INT64_C(-1)

struct big {
	int64_t number;
	const troupe_ref *neighbours;
	troupe_shared *table; /* what holds them */
	troupe_ref sink;
	int64_t random;
	int64_t sent;
	int64_t asked; /* who has to answer: NOBODY at first */
	int64_t pings; /* that others sent here */
};

/* Told at the end: pings that each actor had, and answers from the wrong one. */
static int64_t *pings_of;
static int64_t *mismatches_of;

static int
big_start(troupe_actor *self, void *state, const void *argument)
{
	struct big *b = state;

	(void)self;
	b->number = *(const int64_t *)argument;
	b->random = b->number;
	b->asked = NOBODY;
	return 0;
}

static void
big_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	struct big *b = state;

	(void)self;
	(void)reason;
	pings_of[b->number] = b->pings;
	troupe_shared_release(&b->table);
}

/* The table: M actors, and the sink after them. */
static void
big_neighbours(struct big *b, const troupe_msg *msg)
{
	b->table = troupe_msg_shared(msg);
	troupe_shared_retain(b->table);
	b->neighbours = msg->body;
	b->sink = b->neighbours[bench.m];
}

static void
big_pong(struct big *b, int64_t from)
{
	if (from != b->asked)
		mismatches_of[b->number]++;
	if (b->sent == bench.n) {
		bench_send(b->sink, EXIT, NULL, 0);
		return;
	}
	b->asked = bench_random(&b->random) % bench.m;
	b->sent++;
	bench_send(b->neighbours[b->asked], PING, &b->number, sizeof b->number);
}

static void
big(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct big *b = state;

	switch (msg->type) {
	case NEIGHBOURS:
		big_neighbours(b, msg);
		break;
	case PING:
		b->pings++;
		bench_send(b->neighbours[*BENCH_BODY(msg, int64_t)], PONG, &b->number, sizeof b->number);
		break;
	case PONG:
		big_pong(b, *BENCH_BODY(msg, int64_t));
		break;
	case EXIT:
		troupe_stop_self(self, TROUPE_STOP_NOW);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class big_class = {
	.name = "big",
	.state_size = sizeof(struct big),
	.receive = big,
	.start = big_start,
	.stop = big_stop,
};

struct sink {
	troupe_shared *table;
	int64_t exits;
};

static void
sink_exit(troupe_actor *self, struct sink *s)
{
	const troupe_ref *actors = troupe_shared_bytes(s->table);

	if (++s->exits < bench.m)
		return;
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(actors[i], EXIT, NULL, 0);
	bench_end((double)(bench.m + 1) + (double)bench.m * 3 + 2.0 * (double)bench.n * (double)bench.m);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
sink(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct sink *s = state;

	switch (msg->type) {
	case NEIGHBOURS:
		s->table = troupe_msg_shared(msg);
		troupe_shared_retain(s->table);
		break;
	case EXIT:
		sink_exit(self, s);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static void
sink_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	struct sink *s = state;

	(void)self;
	(void)reason;
	troupe_shared_release(&s->table);
}

static const troupe_class sink_class = {
	.name = "sink",
	.state_size = sizeof(struct sink),
	.receive = sink,
	.stop = sink_stop,
};

static void
introduce(troupe_ref who, troupe_shared *table)
{
	if (troupe_send_shared(who, NEIGHBOURS, table) != TROUPE_OK)
		bench_abort("a send was not accepted");
}

static void
bigsuite_start(troupe *t)
{
	const int64_t nobody = NOBODY;
	troupe_shared *table = troupe_shared_new(((size_t)bench.m + 1) * sizeof(troupe_ref), NULL);

	if (!table)
		bench_abort(troupe_last_error_text());
	troupe_ref *actors = troupe_shared_bytes(table);
	pings_of = bench_memory((size_t)bench.m, sizeof *pings_of);
	mismatches_of = bench_memory((size_t)bench.m, sizeof *mismatches_of);
	for (int64_t i = 0; i < bench.m; i++)
		actors[i] = bench_spawn(t, &big_class, &i);
	actors[bench.m] = bench_spawn(t, &sink_class, NULL);
	bench_begin();
	for (int64_t i = bench.m; i >= 0; i--)
		introduce(actors[i], table);
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(actors[i], PONG, &nobody, sizeof nobody);
	troupe_shared_release(&table);
}

/* What the generator's author and we agreed on, for the sizes of the suite. */
static void
check_known_values(int64_t self_pings)
{
	int64_t least = 0, most = 0;

	for (int64_t i = 0; i < bench.m; i++) {
		least = pings_of[i] < pings_of[least] ? i : least;
		most = pings_of[i] > pings_of[most] ? i : most;
	}
	bench_expect("pings of actor 0", pings_of[0], 19916);
	bench_expect("pings of actor 1", pings_of[1], 19849);
	bench_expect("pings of actor 119", pings_of[119], 20039);
	bench_expect("who had the fewest", least, 49);
	bench_expect("the fewest", pings_of[least], 19752);
	bench_expect("who had the most", most, 113);
	bench_expect("the most", pings_of[most], 20248);
	bench_expect("pings to oneself", self_pings, 19978);
}

static void
bigsuite_check(troupe *t)
{
	int64_t *expected = bench_memory((size_t)bench.m, sizeof *expected);
	int64_t self_pings = 0;

	(void)t;
	for (int64_t i = 0; i < bench.m; i++) {
		int64_t random = i;
		for (int64_t k = 0; k < bench.n; k++) {
			int64_t target = bench_random(&random) % bench.m;
			expected[target]++;
			self_pings += target == i;
		}
	}
	for (int64_t i = 0; i < bench.m; i++) {
		bench_expect("pings of an actor", pings_of[i], expected[i]);
		bench_expect("pongs from the wrong actor", mismatches_of[i], 0);
	}
	if (bench.n == 20000 && bench.m == 120)
		check_known_values(self_pings);
	free(expected);
}

const bench_workload bench_suite_big[] = {
	{ .name = "bigsuite", .n_is = "pings of each", .m_is = "actors", .n = 20000, .m = 120,
	    .start = bigsuite_start, .check = bigsuite_check },
	{ .name = NULL },
};
