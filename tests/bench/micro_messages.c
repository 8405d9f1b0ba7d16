/* SPDX-License-Identifier: MIT */

/*
 * The micro workloads that pass messages between actors that stay: the same
 * ones, message for message, as those of yardstick.c.
 */
#include "bench.h"

#include <stdlib.h>

/* Sends in one behavior, at most: a producer then sends itself a message to go on. */
#define PRODUCE 1000

/* All message types of this file: each workload uses some. */
enum { START = 1, PING, PONG, JOIN, TOKEN, GO, COUNT, DONE, ASK, ANSWER, TELL };

/* The actors of a workload that all others know, by number. */
static troupe_ref *crew;

static void
spawn_crew(troupe *t, const troupe_class *class_)
{
	crew = bench_memory((size_t)bench.m, sizeof *crew);
	for (int64_t i = 0; i < bench.m; i++)
		crew[i] = bench_spawn(t, class_, &i);
}

/* A root actor that gets START: what happens first happens in a worker, as all that follows. */
static void
start_root(troupe *t, const troupe_class *class_)
{
	bench_send(bench_spawn(t, class_, NULL), START, NULL, 0);
}

/* ---- pingpong: two actors, N round trips ---- */

struct player {
	troupe_ref peer;
	int64_t left;
};

static void
play(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct player *p = state;

	switch (msg->type) {
	case PING:
		bench_send(msg->sender, PONG, NULL, 0);
		break;
	case PONG:
		if (p->left-- > 0)
			bench_send(p->peer, PING, NULL, 0);
		else
			bench_end(2.0 * (double)bench.n);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static int
player_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	if (argument)
		*(struct player *)state = *(const struct player *)argument;
	return 0;
}

static const troupe_class player_class = {
	.name = "player",
	.state_size = sizeof(struct player),
	.receive = play,
	.start = player_start,
};

static void
serve(troupe_actor *self, void *state, const troupe_msg *msg)
{
	troupe *t = troupe_of(self);
	struct player server = { .left = bench.n };

	(void)state;
	(void)msg;
	bench_begin();
	server.peer = bench_spawn(t, &player_class, NULL);
	bench_send(bench_spawn(t, &player_class, &server), PONG, NULL, 0);
}

static const troupe_class pingpong_class = { .name = "pingpong", .receive = serve };

static void
pingpong_start(troupe *t)
{
	start_root(t, &pingpong_class);
}

/* ---- ring: M actors, one token, N hops ---- */

static void
pass_token(troupe_actor *self, void *state, const troupe_msg *msg)
{
	troupe_ref *next = state;
	int64_t hops;

	switch (msg->type) {
	case JOIN:
		*next = *BENCH_BODY(msg, troupe_ref);
		break;
	case TOKEN:
		hops = *BENCH_BODY(msg, int64_t);
		if (hops == 0) {
			bench_end((double)bench.n);
			break;
		}
		hops--;
		bench_send(*next, TOKEN, &hops, sizeof hops);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class member_class = {
	.name = "member",
	.state_size = sizeof(troupe_ref),
	.receive = pass_token,
};

static void
form_ring(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	bench_begin();
	spawn_crew(troupe_of(self), &member_class);
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(crew[i], JOIN, &crew[(i + 1) % bench.m], sizeof crew[0]);
	bench_send(crew[0], TOKEN, &bench.n, sizeof bench.n);
}

static const troupe_class ring_class = { .name = "ring", .receive = form_ring };

static void
ring_start(troupe *t)
{
	start_root(t, &ring_class);
}

/* ---- fanin: M producers, N messages each, to one sink ---- */

struct producer {
	troupe_ref sink;
	int64_t left;
};

static void
produce(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct producer *p = state;

	if (p->sink == 0)
		*p = (struct producer){ .sink = msg->sender, .left = bench.n };
	for (int i = 0; i < PRODUCE && p->left > 0; i++, p->left--)
		bench_send(p->sink, COUNT, NULL, 0);
	if (p->left > 0)
		bench_send(troupe_self(self), GO, NULL, 0);
}

static const troupe_class producer_class = {
	.name = "producer",
	.state_size = sizeof(struct producer),
	.receive = produce,
};

static void
sink(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *count = state;

	switch (msg->type) {
	case COUNT:
		if (++*count == bench.n * bench.m)
			bench_end((double)*count);
		break;
	case START:
		bench_begin();
		spawn_crew(troupe_of(self), &producer_class);
		for (int64_t i = 0; i < bench.m; i++)
			bench_send(crew[i], GO, NULL, 0);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class sink_class = {
	.name = "sink",
	.state_size = sizeof(int64_t),
	/*
	 * All the producers send to it all the time: its count must not share
	 * a cache line with the mailbox word that they write.
	 */
	.flags = TROUPE_BUSY,
	.receive = sink,
};

static void
fanin_start(troupe *t)
{
	start_root(t, &sink_class);
}

/* One message more than was sent would show here; one less, and bench_end is never reached. */
static void
fanin_check(troupe *t)
{
	struct troupe_totals totals;

	troupe_get_totals(t, &totals);
	int64_t go = bench.m * ((bench.n + PRODUCE - 1) / PRODUCE);
	bench_expect("messages handled", (int64_t)totals.handled, 1 + go + bench.n * bench.m);
	bench_expect("messages lost", (int64_t)totals.dead, 0);
}

/* ---- fanout: one producer, M consumers, N messages each ---- */

static void
consume(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *left = state;

	(void)self;
	if (--*left == 0)
		bench_send(msg->sender, DONE, NULL, 0);
}

static int
consumer_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	(void)argument;
	*(int64_t *)state = bench.n;
	return 0;
}

static const troupe_class consumer_class = {
	.name = "consumer",
	.state_size = sizeof(int64_t),
	.receive = consume,
	.start = consumer_start,
};

struct source {
	int64_t left; /* rounds, a message to each consumer in each */
	int64_t done; /* consumers that had all of theirs */
};

static void
spread(troupe_actor *self, struct source *s)
{
	for (int64_t sent = 0; sent < PRODUCE && s->left > 0; sent += bench.m, s->left--)
		for (int64_t i = 0; i < bench.m; i++)
			bench_send(crew[i], COUNT, NULL, 0);
	if (s->left > 0)
		bench_send(troupe_self(self), GO, NULL, 0);
}

static void
source(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct source *s = state;

	switch (msg->type) {
	case GO:
		spread(self, s);
		break;
	case DONE:
		if (++s->done == bench.m)
			bench_end((double)bench.n * (double)bench.m);
		break;
	case START:
		bench_begin();
		s->left = bench.n;
		spawn_crew(troupe_of(self), &consumer_class);
		bench_send(troupe_self(self), GO, NULL, 0);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class source_class = {
	.name = "source",
	.state_size = sizeof(struct source),
	.receive = source,
};

static void
fanout_start(troupe *t)
{
	start_root(t, &source_class);
}

/* ---- big: M actors, N random pings each ---- */

struct chatter {
	int64_t left;
	uint64_t seed;
	int64_t number;
	int64_t served; /* pings that others sent here */
};

/* What each served, told after the end. */
static int64_t *served;

static int64_t
next_target(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((*seed >> 33) % (uint64_t)bench.m);
}

static uint64_t
first_seed(int64_t number)
{
	return (uint64_t)number * 2654435761u + 1;
}

static troupe_ref big_root;

static void
chat(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct chatter *c = state;

	switch (msg->type) {
	case ASK:
		c->served++;
		bench_send(msg->sender, ANSWER, NULL, 0);
		break;
	case ANSWER:
		if (c->left-- > 0)
			bench_send(crew[next_target(&c->seed)], ASK, NULL, 0);
		else
			bench_send(big_root, DONE, NULL, 0);
		break;
	case TELL:
		served[c->number] = c->served;
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static int
chatter_start(troupe_actor *self, void *state, const void *argument)
{
	struct chatter *c = state;

	(void)self;
	c->number = *(const int64_t *)argument;
	c->left = bench.n;
	c->seed = first_seed(c->number);
	return 0;
}

static const troupe_class chatter_class = {
	.name = "chatter",
	.state_size = sizeof(struct chatter),
	.receive = chat,
	.start = chatter_start,
};

static void
host_big(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *done = state;

	switch (msg->type) {
	case DONE:
		if (++*done == bench.m)
			bench_end(2.0 * (double)bench.n * (double)bench.m);
		break;
	case START:
		bench_begin();
		big_root = troupe_self(self);
		spawn_crew(troupe_of(self), &chatter_class);
		for (int64_t i = 0; i < bench.m; i++)
			bench_send(crew[i], ANSWER, NULL, 0);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class big_class = {
	.name = "big",
	.state_size = sizeof(int64_t),
	.receive = host_big,
};

static void
big_start(troupe *t)
{
	start_root(t, &big_class);
}

/* The targets come from the seeds alone, so each one's pings are known. */
static void
big_check(troupe *t)
{
	int64_t *expected = bench_memory((size_t)bench.m, sizeof *expected);

	served = bench_memory((size_t)bench.m, sizeof *served);
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(crew[i], TELL, NULL, 0);
	if (troupe_wait(t, TROUPE_FOREVER) != TROUPE_OK)
		bench_abort("the runtime did not come to rest");
	for (int64_t i = 0; i < bench.m; i++) {
		uint64_t seed = first_seed(i);
		for (int64_t k = 0; k < bench.n; k++)
			expected[next_target(&seed)]++;
	}
	for (int64_t i = 0; i < bench.m; i++)
		bench_expect("pings that an actor served", served[i], expected[i]);
	free(expected);
}

const bench_workload bench_messages[] = {
	{ .name = "pingpong", .n_is = "round trips", .n = 2000000, .start = pingpong_start },
	{ .name = "ring", .n_is = "hops", .m_is = "actors", .n = 5000000, .m = 503, .start = ring_start },
	{ .name = "fanin", .n_is = "messages of each", .m_is = "producers", .n = 1000000, .m = 10,
	    .start = fanin_start, .check = fanin_check },
	{ .name = "fanout", .n_is = "messages to each", .m_is = "consumers", .n = 200000, .m = 60,
	    .start = fanout_start },
	{ .name = "big", .n_is = "pings of each", .m_is = "actors", .n = 100000, .m = 200,
	    .start = big_start, .check = big_check },
	{ .name = NULL },
};
