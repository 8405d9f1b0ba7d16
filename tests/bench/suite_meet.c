/* SPDX-License-Identifier: MIT */

/*
 * The suite's meetings: actors that hand something on, or find each other.
 */
#include "bench.h"

#include <stdlib.h>

/* All message types of this file: each workload uses some. */
enum { DATA = 1, PING, EXIT, MEET, CHANGE, COUNT, HUNGRY, DENIED, EAT, DONE };

static troupe_ref *crew;

static void
spawn_crew(troupe *t, const troupe_class *class_)
{
	crew = bench_memory((size_t)bench.m, sizeof *crew);
	for (int64_t i = 0; i < bench.m; i++)
		crew[i] = bench_spawn(t, class_, &i);
}

/* ---- threadring: N hops round M actors, then they all end, in turn ---- */

struct ring_member {
	troupe_ref next;
	int64_t number;
};

static struct {
	int64_t last_holder;
	int64_t exits;
} ring_outcome;

static int
ring_member_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	((struct ring_member *)state)->number = *(const int64_t *)argument;
	return 0;
}

static void
ring_ping(struct ring_member *r, int64_t hops)
{
	if (hops == 0) {
		ring_outcome.last_holder = r->number;
		bench_send(r->next, EXIT, &bench.m, sizeof bench.m);
		return;
	}
	hops--;
	bench_send(r->next, PING, &hops, sizeof hops);
}

static void
ring_exit(troupe_actor *self, struct ring_member *r, int64_t left)
{
	ring_outcome.exits++;
	if (left == 1)
		bench_end((double)(bench.m + bench.n + 1 + bench.m + 1));
	left--;
	/* The last one goes to the first that ended: that it is DEAD is right. */
	troupe_status status = troupe_send(r->next, EXIT, &left, sizeof left);
	if (status != TROUPE_OK && !(status == TROUPE_DEAD && left == 0))
		bench_fail("an exit was not accepted");
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
ring_member(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct ring_member *r = state;

	switch (msg->type) {
	case DATA:
		r->next = *BENCH_BODY(msg, troupe_ref);
		break;
	case PING:
		ring_ping(r, *BENCH_BODY(msg, int64_t));
		break;
	case EXIT:
		ring_exit(self, r, *BENCH_BODY(msg, int64_t));
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class ring_member_class = {
	.name = "member",
	.state_size = sizeof(struct ring_member),
	.receive = ring_member,
	.start = ring_member_start,
};

static void
threadring_start(troupe *t)
{
	spawn_crew(t, &ring_member_class);
	bench_begin();
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(crew[i], DATA, &crew[(i + 1) % bench.m], sizeof crew[0]);
	bench_send(crew[0], PING, &bench.n, sizeof bench.n);
}

static void
threadring_check(troupe *t)
{
	struct troupe_totals totals;

	troupe_get_totals(t, &totals);
	bench_expect("who held it last", ring_outcome.last_holder, bench.n % bench.m);
	bench_expect("exits handled", ring_outcome.exits, bench.m);
	bench_expect("actors stopped", (int64_t)totals.stopped, bench.m);
}

/* ---- clbg: the same in short: N hops, and who holds the token then wins ---- */

static int64_t clbg_winner;

static void
clbg_member(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct ring_member *r = state;
	int64_t token = *BENCH_BODY(msg, int64_t);

	(void)self;
	if (token == 0) {
		clbg_winner = r->number + 1;
		bench_end((double)bench.n + 1);
		return;
	}
	token--;
	bench_send(crew[(r->number + 1) % bench.m], PING, &token, sizeof token);
}

static const troupe_class clbg_member_class = {
	.name = "member",
	.state_size = sizeof(struct ring_member),
	.receive = clbg_member,
	.start = ring_member_start,
};

static void
clbg_start(troupe *t)
{
	spawn_crew(t, &clbg_member_class);
	bench_begin();
	bench_send(crew[0], PING, &bench.n, sizeof bench.n);
}

static void
clbg_check(troupe *t)
{
	(void)t;
	bench_expect("the winner", clbg_winner, bench.n % bench.m + 1);
	if (bench.m == 503 && bench.n == 1000)
		bench_expect("the winner after 1000", clbg_winner, 498);
	if (bench.m == 503 && bench.n == 5000000)
		bench_expect("the winner after 5 million", clbg_winner, 181);
}

/* ---- chameneos: N meetings of M creatures in a mall for two ---- */

enum colour { RED, YELLOW, BLUE };

static troupe_ref mall;
static int64_t meetings_counted;

static enum colour
complement(enum colour a, enum colour b)
{
	return a == b ? a : (enum colour)(RED + YELLOW + BLUE - a - b);
}

struct creature {
	enum colour colour;
	int64_t meetings;
};

static void
enter_mall(const struct creature *c)
{
	bench_send(mall, MEET, &c->colour, sizeof c->colour);
}

static int
creature_start(troupe_actor *self, void *state, const void *argument)
{
	struct creature *c = state;

	(void)self;
	c->colour = (enum colour)(*(const int64_t *)argument % 3);
	return 0;
}

static void
creature(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct creature *c = state;

	switch (msg->type) {
	case DATA:
		enter_mall(c);
		break;
	case MEET: /* another one's, which the mall passed on */
		c->colour = complement(c->colour, *BENCH_BODY(msg, enum colour));
		c->meetings++;
		bench_send(msg->sender, CHANGE, &c->colour, sizeof c->colour);
		enter_mall(c);
		break;
	case CHANGE:
		c->colour = *BENCH_BODY(msg, enum colour);
		c->meetings++;
		enter_mall(c);
		break;
	case EXIT:
		bench_send(mall, COUNT, &c->meetings, sizeof c->meetings);
		troupe_stop_self(self, TROUPE_STOP_NOW);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class creature_class = {
	.name = "creature",
	.state_size = sizeof(struct creature),
	.receive = creature,
	.start = creature_start,
};

struct mall {
	troupe_ref waiting;
	int64_t meetings_left;
	int64_t gone;
	int64_t sum;
};

static void
mall_meet(troupe_actor *self, struct mall *m, const troupe_msg *msg)
{
	if (m->meetings_left == 0) {
		bench_send(msg->sender, EXIT, NULL, 0);
	} else if (m->waiting == 0) {
		m->waiting = msg->sender;
	} else {
		m->meetings_left--;
		if (troupe_forward(self, m->waiting) != TROUPE_OK)
			bench_abort("a forward was not accepted");
		m->waiting = 0;
	}
}

static void
mall_count(troupe_actor *self, struct mall *m, int64_t meetings)
{
	m->sum += meetings;
	if (++m->gone < bench.m)
		return;
	meetings_counted = m->sum;
	bench_end(4.0 * (double)bench.n + 3.0 * (double)bench.m);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
mall_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct mall *m = state;

	switch (msg->type) {
	case DATA:
		m->meetings_left = bench.n;
		break;
	case MEET:
		mall_meet(self, m, msg);
		break;
	case COUNT:
		mall_count(self, m, *BENCH_BODY(msg, int64_t));
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class mall_class = {
	.name = "mall",
	.state_size = sizeof(struct mall),
	.receive = mall_receive,
};

static void
chameneos_start(troupe *t)
{
	mall = bench_spawn(t, &mall_class, NULL);
	spawn_crew(t, &creature_class);
	bench_begin();
	bench_send(mall, DATA, NULL, 0);
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(crew[i], DATA, NULL, 0);
}

static void
chameneos_check(troupe *t)
{
	struct troupe_totals totals;

	troupe_get_totals(t, &totals);
	bench_expect("meetings that creatures counted", meetings_counted, 2 * bench.n);
	bench_expect("actors stopped", (int64_t)totals.stopped, bench.m + 1);
}

/* ---- philosophers: M of them eat N times each ---- */

static troupe_ref arbitrator;

static struct {
	int64_t meals;
	int64_t forks_taken;
	int64_t denials;
} dinner;

struct philosopher {
	int64_t number;
	int64_t rounds;
};

static int
philosopher_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	((struct philosopher *)state)->number = *(const int64_t *)argument;
	return 0;
}

static void
philosopher(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct philosopher *p = state;

	switch (msg->type) {
	case DATA:
	case DENIED:
		bench_send(arbitrator, HUNGRY, &p->number, sizeof p->number);
		break;
	case EAT:
		bench_send(arbitrator, DONE, &p->number, sizeof p->number);
		if (++p->rounds < bench.n) {
			bench_send(troupe_self(self), DATA, NULL, 0);
		} else {
			bench_send(arbitrator, EXIT, NULL, 0);
			troupe_stop_self(self, TROUPE_STOP_NOW);
		}
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class philosopher_class = {
	.name = "philosopher",
	.state_size = sizeof(struct philosopher),
	.receive = philosopher,
	.start = philosopher_start,
};

struct table {
	bool *taken; /* fork i lies between i - 1 and i */
	int64_t gone;
};

static int
table_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	(void)argument;
	((struct table *)state)->taken = bench_memory((size_t)bench.m, sizeof(bool));
	return 0;
}

static void
table_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	free(((struct table *)state)->taken);
}

static void
table_hungry(struct table *table, const troupe_msg *msg)
{
	int64_t number = *BENCH_BODY(msg, int64_t);
	bool *left = &table->taken[number];
	bool *right = &table->taken[(number + 1) % bench.m];

	if (*left || *right) {
		dinner.denials++;
		bench_send(msg->sender, DENIED, NULL, 0);
		return;
	}
	*left = *right = true;
	dinner.meals++;
	bench_send(msg->sender, EAT, NULL, 0);
}

static void
table_exit(troupe_actor *self, struct table *table)
{
	if (++table->gone < bench.m)
		return;
	for (int64_t i = 0; i < bench.m; i++)
		dinner.forks_taken += table->taken[i];
	/* Start, hungry, eat and done of each meal, two a denial, and the exits. */
	bench_end(4.0 * (double)dinner.meals + 2.0 * (double)dinner.denials + (double)bench.m);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
table(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct table *table = state;
	int64_t number;

	switch (msg->type) {
	case HUNGRY:
		table_hungry(table, msg);
		break;
	case DONE:
		number = *BENCH_BODY(msg, int64_t);
		table->taken[number] = table->taken[(number + 1) % bench.m] = false;
		break;
	case EXIT:
		table_exit(self, table);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class table_class = {
	.name = "arbitrator",
	.state_size = sizeof(struct table),
	.receive = table,
	.start = table_start,
	.stop = table_stop,
};

static void
philosophers_start(troupe *t)
{
	if (bench.m < 2)
		bench_abort("M must be 2 at least");
	arbitrator = bench_spawn(t, &table_class, NULL);
	spawn_crew(t, &philosopher_class);
	bench_begin();
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(crew[i], DATA, NULL, 0);
}

static void
philosophers_check(troupe *t)
{
	(void)t;
	bench_expect("meals", dinner.meals, bench.n * bench.m);
	bench_expect("forks not put back", dinner.forks_taken, 0);
}

const bench_workload bench_suite_meet[] = {
	{ .name = "threadring", .n_is = "hops", .m_is = "actors", .n = 1000000, .m = 100,
	    .start = threadring_start, .check = threadring_check },
	{ .name = "clbg", .n_is = "hops", .m_is = "actors", .n = 5000000, .m = 503, .start = clbg_start,
	    .check = clbg_check },
	{ .name = "chameneos", .n_is = "meetings", .m_is = "creatures", .n = 200000, .m = 100,
	    .start = chameneos_start, .check = chameneos_check },
	{ .name = "philosophers", .n_is = "meals of each", .m_is = "philosophers", .n = 10000, .m = 20,
	    .start = philosophers_start, .check = philosophers_check },
	{ .name = NULL },
};
