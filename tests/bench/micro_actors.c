/* SPDX-License-Identifier: MIT */

/*
 * The micro workloads that make actors and stop them: the same ones, actor
 * for actor, as those of yardstick.c, and two relatives.
 */
#include "bench.h"

/* Spawns in one behavior, at most: a spawner then sends itself a message to go on. */
#define PRODUCE 1000

/* All message types of this file: each workload uses some. */
enum { START = 1, GO, BE, DONE, CALL, RESULT };

static void
start_root(troupe *t, const troupe_class *class_)
{
	bench_send(bench_spawn(t, class_, NULL), START, NULL, 0);
}

static void
expect_actors(troupe *t, int64_t spawned, int64_t stopped)
{
	struct troupe_totals totals;

	troupe_get_totals(t, &totals);
	bench_expect("actors spawned", (int64_t)totals.spawned, spawned);
	bench_expect("actors stopped", (int64_t)totals.stopped, stopped);
	bench_expect("messages lost", (int64_t)totals.dead, 0);
}

/* ---- create and idle: N actors, each gets one message ---- */

struct spawner {
	int64_t left;
	int64_t done;
	const troupe_class *child;
};

static void
spawn_some(troupe_actor *self, struct spawner *s)
{
	troupe *t = troupe_of(self);

	for (int i = 0; i < PRODUCE && s->left > 0; i++, s->left--)
		bench_send(bench_spawn(t, s->child, NULL), BE, NULL, 0);
	if (s->left > 0)
		bench_send(troupe_self(self), GO, NULL, 0);
}

static void
spawner(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct spawner *s = state;

	switch (msg->type) {
	case START:
		bench_begin();
		s->left = bench.n;
		spawn_some(self, s);
		break;
	case GO:
		spawn_some(self, s);
		break;
	case DONE:
		if (++s->done == bench.n)
			bench_end((double)bench.n);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static void
be_and_stop(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	bench_send(msg->sender, DONE, NULL, 0);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class mayfly_class = { .name = "mayfly", .receive = be_and_stop };

static int
creator_start(troupe_actor *self, void *state, const void *argument)
{
	struct spawner *s = state;

	(void)self;
	(void)argument;
	s->child = &mayfly_class;
	return 0;
}

static const troupe_class creator_class = {
	.name = "creator",
	.state_size = sizeof(struct spawner),
	.receive = spawner,
	.start = creator_start,
};

static void
create_start(troupe *t)
{
	start_root(t, &creator_class);
}

static void
create_check(troupe *t)
{
	expect_actors(t, bench.n + 1, bench.n);
}

/* What an idle actor keeps: 32 bytes that are its own. */
struct stayer {
	int64_t messages;
	int64_t spare[3];
};

static void
be_and_stay(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct stayer *s = state;

	(void)self;
	s->messages++;
	bench_send(msg->sender, DONE, NULL, 0);
}

static const troupe_class stayer_class = {
	.name = "stayer",
	.state_size = sizeof(struct stayer),
	.receive = be_and_stay,
};

static int
gatherer_start(troupe_actor *self, void *state, const void *argument)
{
	struct spawner *s = state;

	(void)self;
	(void)argument;
	s->child = &stayer_class;
	return 0;
}

static const troupe_class gatherer_class = {
	.name = "gatherer",
	.state_size = sizeof(struct spawner),
	.receive = spawner,
	.start = gatherer_start,
};

static int64_t resident_before;

static void
idle_start(troupe *t)
{
	resident_before = bench_resident();
	start_root(t, &gatherer_class);
}

static void
idle_check(troupe *t)
{
	int64_t grown = bench_resident() - resident_before;

	expect_actors(t, bench.n + 1, 0);
	if (resident_before > 0)
		fprintf(stderr, "troupe-bench: idle: %.1f bytes resident per actor\n",
		    (double)grown / (double)bench.n);
}

/* ---- skynet: a tree of fan-out 10 with N leaves, summed up ---- */

/* A node of any of the trees: it waits for the sums of its children. */
struct node {
	troupe_ref parent; /* 0: the root of the tree */
	int64_t waits_for;
	int64_t sum;
};

/* What the root of the tree came to. */
static int64_t tree_sum;

static void
report_sum(troupe_actor *self, troupe_ref parent, int64_t sum)
{
	if (parent != 0) {
		bench_send(parent, RESULT, &sum, sizeof sum);
	} else {
		tree_sum = sum;
		bench_end(bench.operations);
	}
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
add_result(troupe_actor *self, struct node *node, const troupe_msg *msg)
{
	node->sum += *BENCH_BODY(msg, int64_t);
	if (--node->waits_for == 0)
		report_sum(self, node->parent, node->sum);
}

struct span {
	int64_t first;
	int64_t leaves;
};

static const troupe_class skynet_class;

static void
skynet_call(troupe_actor *self, struct node *node, const troupe_msg *msg)
{
	const struct span span = *BENCH_BODY(msg, struct span);
	struct span part = { .first = span.first, .leaves = span.leaves / 10 };

	if (span.leaves == 1) {
		report_sum(self, msg->sender, span.first);
		return;
	}
	node->parent = msg->sender;
	node->waits_for = 10;
	for (int i = 0; i < 10; i++, part.first += part.leaves)
		bench_send(bench_spawn(troupe_of(self), &skynet_class, NULL), CALL, &part, sizeof part);
}

static void
skynet(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct node *node = state;

	if (msg->type == CALL)
		skynet_call(self, node, msg);
	else
		add_result(self, node, msg);
}

static const troupe_class skynet_class = {
	.name = "skynet",
	.state_size = sizeof(struct node),
	.receive = skynet,
};

static void
skynet_start(troupe *t)
{
	struct span all = { .leaves = bench.n };

	for (int64_t n = bench.n; n > 1; n /= 10)
		if (n % 10 != 0)
			bench_abort("N must be a power of ten");
	bench.operations = (double)(bench.n * 10 / 9);
	bench_begin();
	bench_send(bench_spawn(t, &skynet_class, NULL), CALL, &all, sizeof all);
}

static void
skynet_check(troupe *t)
{
	int64_t nodes = bench.n * 10 / 9;

	bench_expect("sum of the leaves", tree_sum, bench.n * (bench.n - 1) / 2);
	expect_actors(t, nodes, nodes);
}

/* ---- fib, fibwork, fibonacci: two children a call ---- */

/*
 * Work at the leaves: about a microsecond of steps that each need the one
 * before, the same number on every machine.  0: none.
 */
static int leaf_steps;

static int64_t
work_at_leaf(int64_t value)
{
	uint64_t x = (uint64_t)value;

	for (int i = 0; i < leaf_steps; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	/* Opaque to the compiler, which could otherwise drop the loop. */
	__asm__ volatile("" : : "r"(x));
	return value;
}

static const troupe_class fib_class;

static void
fib_call(troupe_actor *self, struct node *node, const troupe_msg *msg)
{
	int64_t n = *BENCH_BODY(msg, int64_t);

	if (n <= 2) {
		report_sum(self, msg->sender, work_at_leaf(1));
		return;
	}
	node->parent = msg->sender;
	node->waits_for = 2;
	for (int i = 0; i < 2; i++) {
		n--;
		bench_send(bench_spawn(troupe_of(self), &fib_class, NULL), CALL, &n, sizeof n);
	}
}

static void
fib(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct node *node = state;

	if (msg->type == CALL)
		fib_call(self, node, msg);
	else
		add_result(self, node, msg);
}

static const troupe_class fib_class = {
	.name = "fib",
	.state_size = sizeof(struct node),
	.receive = fib,
};

static int64_t
fib_of(int64_t n)
{
	int64_t a = 1, b = 1;

	for (int64_t i = 2; i < n; i++) {
		int64_t next = a + b;
		a = b;
		b = next;
	}
	return b;
}

static void
fib_start(troupe *t)
{
	if (bench.n > 60)
		bench_abort("N is at most 60");
	if (bench.operations == 0)
		bench.operations = 2.0 * (double)fib_of(bench.n) - 1;
	bench_begin();
	bench_send(bench_spawn(t, &fib_class, NULL), CALL, &bench.n, sizeof bench.n);
}

static void
fibwork_start(troupe *t)
{
	leaf_steps = 700;
	fib_start(t);
}

/* The suite counts messages: a request for each actor, and a response from all but the root. */
static void
fibonacci_start(troupe *t)
{
	bench.operations = 4.0 * (double)fib_of(bench.n) - 3;
	fib_start(t);
}

static void
fib_check(troupe *t)
{
	int64_t want = fib_of(bench.n);

	bench_expect("the number", tree_sum, want);
	expect_actors(t, 2 * want - 1, 2 * want - 1);
}

const bench_workload bench_actors[] = {
	{ .name = "create", .n_is = "actors", .n = 1000000, .start = create_start, .check = create_check },
	{ .name = "idle", .n_is = "actors", .n = 1000000, .start = idle_start, .check = idle_check },
	{ .name = "skynet", .n_is = "leaves, a power of ten", .n = 1000000, .start = skynet_start,
	    .check = skynet_check },
	{ .name = "fib", .n_is = "which number", .n = 30, .start = fib_start, .check = fib_check },
	{ .name = "fibwork", .n_is = "which number, with work at each leaf", .n = 28, .start = fibwork_start,
	    .check = fib_check },
	{ .name = "fibonacci", .n_is = "which number", .n = 25, .start = fibonacci_start, .check = fib_check },
	{ .name = NULL },
};
