/* SPDX-License-Identifier: MIT */

/*
 * Stress: many actors, messages and threads at once in every shape of a
 * runtime.  What must come out is known beforehand: numbers of messages and
 * actors, which nothing may create or lose.
 */

#include "tests/suite.h"
#include "tests/system.h"

enum { TOKEN = 1, WORK, GO, SEED_SPAWN, CHILD_DONE };

/* --- A ring with several tokens. --- */

#define RING_MAX 503

struct ring {
	uint32_t size;
	troupe_ref member[RING_MAX];
	sys_counter hops, ended, failed;
};

struct token {
	uint64_t hops;
	uint32_t at; /* the member that has it */
};

static void
pass_token(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct ring *ring = *(struct ring **)state;
	struct token token = *(const struct token *)msg->body;

	sys_add(&ring->hops, 1);
	if (ring->member[token.at] != troupe_self(self))
		sys_add(&ring->failed, 1);
	if (token.hops-- == 0) {
		sys_add(&ring->ended, 1);
		return;
	}
	token.at = (token.at + 1) % ring->size;
	if (troupe_send(ring->member[token.at], TOKEN, &token, sizeof token) != TROUPE_OK)
		sys_add(&ring->failed, 1);
}

static const troupe_class ring_class = {
	.name = "ring",
	.state_size = sizeof(struct ring *),
	.start = sys_start_with_pointer,
	.receive = pass_token,
};

static void
check_ring(const sys_shape *shape, uint32_t size, uint32_t tokens, uint64_t hops)
{
	struct ring *ring = calloc(1, sizeof *ring);
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(shape, &ledger);

	ring->size = size;
	for (uint32_t i = 0; i < size; i++)
		ring->member[i] = sys_spawn(t, &ring_class, ring);
	for (uint32_t i = 0; i < tokens; i++)
		sys_send(ring->member[i % size], TOKEN, &(struct token){ hops, i % size },
		    sizeof(struct token));
	troupe_totals totals = sys_wait(t);
	sys_close(t, &ledger);

	sys_assert_count(ring->failed, 0);
	sys_assert_count(ring->ended, tokens);
	sys_assert_count(ring->hops, tokens * (hops + 1));
	ck_assert_uint_eq(totals.handled, tokens * (hops + 1));
	ck_assert_uint_eq(totals.dead, 0);
	free(ring);
}

START_TEST(test_system_stress_tokens_go_round)
{
	check_ring(&sys_shapes[_i], 1, 1, SYS_SCALED(20000));
	check_ring(&sys_shapes[_i], 2, 1, SYS_SCALED(50000));
	check_ring(&sys_shapes[_i], 3, 7, SYS_SCALED(5000));
	check_ring(&sys_shapes[_i], 503, 1, SYS_SCALED(50000));
	check_ring(&sys_shapes[_i], 503, 50, SYS_SCALED(2000));
	check_ring(&sys_shapes[_i], 100, 1000, SYS_SCALED(100));
}
END_TEST

/* --- A random graph: each message wanders, and may leave others behind. --- */

#define GRAPH_ACTORS  200
#define GRAPH_THREADS 3

struct graph {
	troupe_ref node[GRAPH_ACTORS];
	sys_counter handled, sent, failed, destroyed, made;
	uint32_t wrong;
};

/* Life is what the message and all that come of it may still do. */
struct wanderer {
	uint64_t seed;
	uint32_t life;
	uint32_t to;
	struct graph *graph;
};

static void
count_destroyed(void *body, size_t size)
{
	struct wanderer *w = body;

	if (size == sizeof *w)
		sys_add(&w->graph->destroyed, 1);
}

static void
send_wanderer(struct graph *graph, sys_random *random, uint32_t life)
{
	struct wanderer w = { sys_next(random), life, sys_below(random, GRAPH_ACTORS), graph };
	troupe_ref to = graph->node[w.to];
	troupe_status status;

	switch (sys_below(random, 4)) {
	case 0:
		status = troupe_send_urgent(to, WORK, &w, sizeof w);
		break;
	case 1: {
		troupe_msg *msg = troupe_msg_new(WORK, sizeof w, count_destroyed);

		sys_add(&graph->made, 1);
		memcpy(troupe_msg_fill(msg), &w, sizeof w);
		status = troupe_send_msg(to, &msg);
		troupe_msg_free(&msg);
		break;
	}
	default:
		status = troupe_send(to, WORK, &w, sizeof w);
	}
	sys_add(status == TROUPE_OK ? &graph->sent : &graph->failed, 1);
}

static void
wander(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct wanderer *w = msg->body;
	struct graph *graph = w->graph;
	sys_random random = { w->seed };
	uint32_t life = w->life;

	(void)state;
	sys_add(&graph->handled, 1);
	if (graph->node[w->to] != troupe_self(self))
		sys_add(&graph->failed, 1);
	while (life > 0) {
		uint32_t part = life == 1 ? 1 : 1 + sys_below(&random, life);

		send_wanderer(graph, &random, part - 1);
		life -= part;
	}
}

static const troupe_class small_node = { .name = "node", .receive = wander };
static const troupe_class busy_node = { .name = "busy node", .flags = TROUPE_BUSY, .receive = wander };
static const troupe_class own_node = { .name = "own node", .flags = TROUPE_DEDICATED, .receive = wander };

struct outsider {
	struct graph *graph;
	uint64_t seed;
	uint32_t count, life;
};

static void *
send_from_outside(void *outsider)
{
	const struct outsider *o = outsider;
	sys_random random = { o->seed };

	for (uint32_t i = 0; i < o->count; i++)
		send_wanderer(o->graph, &random, o->life);
	return NULL;
}

START_TEST(test_system_stress_graph_conserves_messages)
{
	struct graph *graph = calloc(1, sizeof *graph);
	uint64_t seed = sys_seed("graph");
	sys_ledger ledger = { 0 };
	struct outsider outsiders[GRAPH_THREADS];
	pthread_t threads[GRAPH_THREADS];
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	for (int i = 0; i < GRAPH_ACTORS; i++)
		graph->node[i] = sys_spawn(t,
		    i % 50 == 0  ? &own_node
		    : i % 7 == 0 ? &busy_node
				 : &small_node,
		    NULL);
	for (uint32_t i = 0; i < GRAPH_THREADS; i++) {
		outsiders[i] = (struct outsider){ graph, seed + i, SYS_SCALED(300), 100 };
		threads[i] = sys_start(send_from_outside, &outsiders[i]);
	}
	for (int i = 0; i < GRAPH_THREADS; i++)
		sys_join(threads[i]);
	troupe_totals totals = sys_wait(t);
	sys_close(t, &ledger);

	uint64_t expected = (uint64_t)GRAPH_THREADS * SYS_SCALED(300) * (100 + 1);
	sys_assert_count(graph->failed, 0);
	sys_assert_count(graph->sent, expected);
	sys_assert_count(graph->handled, expected);
	ck_assert_uint_eq(totals.accepted, expected);
	ck_assert_uint_eq(sys_get(&graph->destroyed), sys_get(&graph->made));
	free(graph);
}
END_TEST

/* --- Fan-in and fan-out: every worker sends to one, and one to every worker. --- */

#define FAN 40

struct fan {
	troupe_ref collector, leaf[FAN];
	uint32_t rounds;
	uint64_t collected, wrong; /* the collector's */
	uint32_t next[FAN];        /* the collector's */
	sys_counter failed, handled;
};

static void
collect(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct fan *fan = *(struct fan **)state;

	if (msg->type == GO) {
		for (uint32_t i = 0; i < FAN; i++)
			for (uint32_t r = 0; r < fan->rounds; r++)
				if (troupe_send(fan->leaf[i], WORK, &(uint32_t[2]){ i, r }, 8) != TROUPE_OK)
					sys_add(&fan->failed, 1);
		return;
	}
	const uint32_t *from = msg->body;

	(void)self;
	fan->collected++;
	if (fan->next[from[0]]++ != from[1])
		fan->wrong++;
}

static void
answer(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct fan *fan = *(struct fan **)state;

	sys_add(&fan->handled, 1);
	if (troupe_reply(self, WORK, msg->body, msg->size) != TROUPE_OK)
		sys_add(&fan->failed, 1);
}

static const troupe_class collector_class = {
	.name = "collector",
	.state_size = sizeof(struct fan *),
	.start = sys_start_with_pointer,
	.receive = collect,
};

static const troupe_class leaf_class = {
	.name = "leaf",
	.state_size = sizeof(struct fan *),
	.start = sys_start_with_pointer,
	.receive = answer,
};

START_TEST(test_system_stress_fan_out_and_in)
{
	struct fan *fan = calloc(1, sizeof *fan);
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	fan->rounds = SYS_SCALED(2000);
	for (int i = 0; i < FAN; i++)
		fan->leaf[i] = sys_spawn(t, &leaf_class, fan);
	fan->collector = sys_spawn(t, &collector_class, fan);
	sys_send(fan->collector, GO, NULL, 0);
	troupe_totals totals = sys_wait(t);
	sys_close(t, &ledger);

	sys_assert_count(fan->failed, 0);
	sys_assert_count(fan->handled, (uint64_t)FAN * fan->rounds);
	ck_assert_uint_eq(fan->collected, (uint64_t)FAN * fan->rounds);
	ck_assert_uint_eq(fan->wrong, 0);
	ck_assert_uint_eq(totals.handled, 2 * (uint64_t)FAN * fan->rounds + 1);
	free(fan);
}
END_TEST

/* --- Spawn and stop: a tree that grows, counts itself and goes. --- */

struct forest {
	sys_counter started, stopped, sums, failed;
	uint64_t leaves; /* of all trees, when all is done */
};

struct tree {
	struct forest *forest;
	uint32_t depth, width;
};

struct branch {
	struct tree tree;
	uint32_t waiting;
	uint64_t leaves;
};

static const troupe_class branch_class;

static void
report_up(troupe_actor *self, struct branch *b)
{
	troupe_ref parent = troupe_parent(self);

	if (parent == 0)
		sys_add(&b->tree.forest->sums, b->leaves);
	else if (troupe_send(parent, CHILD_DONE, &b->leaves, sizeof b->leaves) != TROUPE_OK)
		sys_add(&b->tree.forest->failed, 1);
	troupe_stop_self(self, b->leaves % 2 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN);
}

static void
grow(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct branch *b = state;

	if (msg->type == CHILD_DONE) {
		b->leaves += *(const uint64_t *)msg->body;
		if (--b->waiting == 0)
			report_up(self, b);
		return;
	}
	if (b->tree.depth == 0) {
		b->leaves = 1;
		report_up(self, b);
		return;
	}
	struct tree below = { b->tree.forest, b->tree.depth - 1, b->tree.width };

	for (uint32_t i = 0; i < b->tree.width; i++) {
		troupe_ref child = troupe_spawn_child(self, &branch_class, &below);

		if (child == 0 || troupe_send(child, GO, NULL, 0) != TROUPE_OK)
			sys_add(&b->tree.forest->failed, 1);
	}
	b->waiting = b->tree.width;
}

static int
start_branch(troupe_actor *self, void *state, const void *argument)
{
	struct branch *b = state;

	(void)self;
	b->tree = *(const struct tree *)argument;
	sys_add(&b->tree.forest->started, 1);
	return 0;
}

static void
stop_branch(troupe_actor *self, void *state, troupe_reason reason)
{
	struct branch *b = state;

	(void)self;
	(void)reason;
	sys_add(&b->tree.forest->stopped, 1);
}

static const troupe_class branch_class = {
	.name = "branch",
	.state_size = sizeof(struct branch),
	.start = start_branch,
	.receive = grow,
	.stop = stop_branch,
};

struct planter {
	troupe *t;
	struct tree tree;
	uint32_t count;
};

static void *
plant(void *planter)
{
	const struct planter *p = planter;

	for (uint32_t i = 0; i < p->count; i++) {
		troupe_ref root = troupe_spawn(p->t, &branch_class, &p->tree);

		if (root == 0 || troupe_send(root, GO, NULL, 0) != TROUPE_OK)
			sys_add(&p->tree.forest->failed, 1);
	}
	return NULL;
}

START_TEST(test_system_stress_trees_grow_and_go)
{
	struct forest forest = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);
	struct planter planters[] = {
		{ t, { &forest, 4, 5 }, SYS_SCALED(20) },
		{ t, { &forest, 10, 2 }, SYS_SCALED(8) },
		{ t, { &forest, 0, 0 }, SYS_SCALED(5000) },
	};
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		threads[i] = sys_start(plant, &planters[i]);
	for (int i = 0; i < 3; i++)
		sys_join(threads[i]);
	troupe_totals totals = sys_wait(t);
	uint64_t trees = (uint64_t)SYS_SCALED(20) * 781 + (uint64_t)SYS_SCALED(8) * 2047 + SYS_SCALED(5000);

	ck_assert_uint_eq(totals.spawned, trees);
	ck_assert_uint_eq(totals.stopped, trees);
	sys_close(t, &ledger);
	sys_assert_count(forest.failed, 0);
	sys_assert_count(forest.started, trees);
	sys_assert_count(forest.stopped, trees);
	sys_assert_count(forest.sums,
	    (uint64_t)SYS_SCALED(20) * 625 + (uint64_t)SYS_SCALED(8) * 1024 + SYS_SCALED(5000));
}
END_TEST

/* --- Waking: rounds of a little work, with everybody asleep in between. --- */

START_TEST(test_system_stress_bursts_after_silence)
{
	struct forest forest = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);
	uint64_t spawned = 0;

	for (int i = 0; i < SYS_SCALED(300); i++) {
		struct planter planter = { t, { &forest, (uint32_t)i % 4, 3 }, 1 };
		static const uint32_t nodes[] = { 1, 4, 13, 40 };

		plant(&planter);
		spawned += nodes[i % 4];
		ck_assert_uint_eq(sys_wait(t).stopped, spawned);
	}
	sys_close(t, &ledger);
	sys_assert_count(forest.stopped, spawned);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_stress");
	TCase *tc = tcase_create("stress");

	tcase_add_loop_test(tc, test_system_stress_tokens_go_round, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stress_graph_conserves_messages, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stress_fan_out_and_in, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stress_trees_grow_and_go, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stress_bursts_after_silence, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
