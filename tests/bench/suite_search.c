/* SPDX-License-Identifier: MIT */

/*
 * The suite's searches: actors that make more actors as they find more to do.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* All message types of this file: each workload uses some. */
enum { FILTER = 1, CANDIDATE, EXIT, WORK, SOLUTION, DONE, STOP, SPREAD, RESULT };

/* ---- sieve: the primes below N, M of them in each filter ---- */

static struct {
	int64_t primes;
	int64_t filters;
	int64_t candidates; /* messages, in all filters together */
} sieve_outcome;

struct filter {
	int64_t *primes; /* bench.m of them */
	int64_t count;
	int64_t number;
	troupe_ref next;
	int64_t candidates;
};

struct first_prime {
	int64_t prime;
	int64_t number; /* of the filter */
};

static const troupe_class filter_class;

static int
filter_start(troupe_actor *self, void *state, const void *argument)
{
	const struct first_prime *first = argument;
	struct filter *f = state;

	(void)self;
	f->primes = bench_memory((size_t)bench.m, sizeof *f->primes);
	f->primes[f->count++] = first->prime;
	f->number = first->number;
	return 0;
}

static void
filter_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	free(((struct filter *)state)->primes);
}

/* All of them are tried, up to the last: this is work for the actors to share. */
static bool
is_multiple(const struct filter *f, int64_t candidate)
{
	for (int64_t i = 0; i < f->count; i++)
		if (candidate % f->primes[i] == 0)
			return true;
	return false;
}

static void
filter_candidate(troupe_actor *self, struct filter *f, const troupe_msg *msg)
{
	int64_t candidate = *BENCH_BODY(msg, int64_t);

	f->candidates++;
	if (is_multiple(f, candidate))
		return;
	if (f->next != 0) {
		if (troupe_forward(self, f->next) != TROUPE_OK)
			bench_abort("a forward was not accepted");
	} else if (f->count < bench.m) {
		f->primes[f->count++] = candidate;
	} else {
		struct first_prime first = { .prime = candidate, .number = f->number + 1 };
		f->next = bench_spawn(troupe_of(self), &filter_class, &first);
	}
}

/* The exit goes down the chain, so no two filters are here at once. */
static void
filter_exit(troupe_actor *self, struct filter *f)
{
	sieve_outcome.candidates += f->candidates;
	if (f->next != 0) {
		bench_send(f->next, EXIT, NULL, 0);
	} else {
		sieve_outcome.filters = f->number;
		sieve_outcome.primes = (f->number - 1) * bench.m + f->count;
		bench_end((double)(1 + sieve_outcome.candidates + f->number));
	}
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
filter(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct filter *f = state;

	if (msg->type == CANDIDATE)
		filter_candidate(self, f, msg);
	else if (msg->type == EXIT)
		filter_exit(self, f);
	else
		troupe_unhandled(self, msg);
}

static const troupe_class filter_class = {
	.name = "filter",
	.state_size = sizeof(struct filter),
	.receive = filter,
	.start = filter_start,
	.stop = filter_stop,
};

static void
sieve_producer(troupe_actor *self, void *state, const troupe_msg *msg)
{
	troupe_ref first = *BENCH_BODY(msg, troupe_ref);

	(void)state;
	for (int64_t candidate = 3; candidate < bench.n; candidate += 2)
		bench_send(first, CANDIDATE, &candidate, sizeof candidate);
	bench_send(first, EXIT, NULL, 0);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class sieve_producer_class = { .name = "producer", .receive = sieve_producer };

static void
sieve_start(troupe *t)
{
	const struct first_prime two = { .prime = 2, .number = 1 };
	troupe_ref first = bench_spawn(t, &filter_class, &two);

	bench_begin();
	bench_send(bench_spawn(t, &sieve_producer_class, NULL), FILTER, &first, sizeof first);
}

static int64_t
count_primes(int64_t limit)
{
	bool *composite = bench_memory((size_t)limit + 1, sizeof *composite);
	int64_t count = 0;

	for (int64_t i = 2; i < limit; i++) {
		if (composite[i])
			continue;
		count++;
		for (int64_t k = i * i; k < limit; k += i)
			composite[k] = true;
	}
	free(composite);
	/* The first filter holds 2, however low the limit. */
	return count > 0 ? count : 1;
}

static void
sieve_check(troupe *t)
{
	(void)t;
	bench_expect("primes", sieve_outcome.primes, count_primes(bench.n));
	if (bench.n == 100000 && bench.m == 1000) {
		bench_expect("primes below 100000", sieve_outcome.primes, 9592);
		bench_expect("filters", sieve_outcome.filters, 10);
		bench_expect("candidates", sieve_outcome.candidates, 91318);
	}
}

/* ---- nqueens: all solutions for a board of N, by M workers ---- */

enum {
	QUEENS_MAX = 20,
	THRESHOLD = 4 /* rows that are placed by messages; below, a worker searches alone */
};

/* Solutions for boards of 1 to QUEENS_MAX. */
static const int64_t queens_known[QUEENS_MAX] = {
	1, 0, 0, 2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512,
	95815104, 666090624, INT64_C(4968057848), INT64_C(39029188884)
};

static struct {
	int64_t solutions;
	int64_t work; /* messages from the master */
} queens_outcome;

/* 24 bytes: how many rows have a queen, and in which column. */
struct board {
	uint8_t depth;
	uint8_t column[QUEENS_MAX + 3];
};

/* Every pair is looked at again, as the suite has it: this is the work. */
static bool
is_valid(const struct board *b)
{
	for (int i = 0; i < b->depth; i++)
		for (int k = i + 1; k < b->depth; k++) {
			int distance = b->column[i] - b->column[k];
			if (distance == 0 || distance == k - i || distance == i - k)
				return false;
		}
	return true;
}

/* The board with one more row, or false when no queen can stand in that column. */
static bool
extend_board(const struct board *board, int64_t column, struct board *longer)
{
	*longer = *board;
	longer->column[longer->depth++] = (uint8_t)column;
	return is_valid(longer);
}

static void
search_alone(troupe_ref master, const struct board *board)
{
	struct board longer;

	if (board->depth == bench.n) {
		bench_send(master, SOLUTION, NULL, 0);
		return;
	}
	for (int64_t column = 0; column < bench.n; column++)
		if (extend_board(board, column, &longer))
			search_alone(master, &longer);
}

static void
queens_work(const troupe_msg *msg)
{
	const struct board *board = BENCH_BODY(msg, struct board);
	struct board longer;

	if (board->depth == bench.n || board->depth >= THRESHOLD) {
		search_alone(msg->sender, board);
	} else {
		for (int64_t column = 0; column < bench.n; column++)
			if (extend_board(board, column, &longer))
				bench_send(msg->sender, WORK, &longer, sizeof longer);
	}
	bench_send(msg->sender, DONE, NULL, 0);
}

static void
queens_worker(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->type == WORK) {
		queens_work(msg);
		return;
	}
	bench_send(msg->sender, STOP, NULL, 0);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class queens_worker_class = { .name = "worker", .receive = queens_worker };

struct master {
	troupe_ref *workers;
	int64_t turn; /* whose it is */
	int64_t sent, done;
	int64_t solutions;
	int64_t stopped;
};

static void
hand_out(struct master *m, const struct board *board)
{
	bench_send(m->workers[m->turn], WORK, board, sizeof *board);
	m->turn = (m->turn + 1) % bench.m;
	m->sent++;
}

static void
master_done(struct master *m)
{
	if (++m->done < m->sent)
		return;
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(m->workers[i], STOP, NULL, 0);
}

static void
master_stop(troupe_actor *self, struct master *m)
{
	if (++m->stopped < bench.m)
		return;
	queens_outcome.solutions = m->solutions;
	queens_outcome.work = m->sent;
	/* Work out, work in but for the first, done, solutions, and two stops a worker. */
	bench_end((double)(3 * m->sent - 1 + m->solutions + 2 * bench.m));
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
master(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct master *m = state;

	switch (msg->type) {
	case WORK:
		hand_out(m, BENCH_BODY(msg, struct board));
		break;
	case SOLUTION:
		m->solutions++;
		break;
	case DONE:
		master_done(m);
		break;
	case STOP:
		master_stop(self, m);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static int
master_start(troupe_actor *self, void *state, const void *argument)
{
	struct master *m = state;

	(void)argument;
	m->workers = bench_memory((size_t)bench.m, sizeof *m->workers);
	for (int64_t i = 0; i < bench.m; i++)
		m->workers[i] = bench_spawn(troupe_of(self), &queens_worker_class, NULL);
	return 0;
}

static void
master_free(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	free(((struct master *)state)->workers);
}

static const troupe_class master_class = {
	.name = "master",
	.state_size = sizeof(struct master),
	.receive = master,
	.start = master_start,
	.stop = master_free,
};

static void
nqueens_start(troupe *t)
{
	const struct board empty = { .depth = 0 };

	if (bench.n > QUEENS_MAX)
		bench_abort("N is at most 20");
	troupe_ref first = bench_spawn(t, &master_class, NULL);
	bench_begin();
	bench_send(first, WORK, &empty, sizeof empty);
}

static void
nqueens_check(troupe *t)
{
	(void)t;
	bench_expect("solutions", queens_outcome.solutions, queens_known[bench.n - 1]);
	if (bench.n == 12)
		bench_expect("boards handed out", queens_outcome.work, 4959);
}

/* ---- actorcreation: a binary tree of depth N, counted from its leaves ---- */

static int64_t tree_count;

struct branch {
	troupe_ref parent;
	int64_t waits_for;
	int64_t count;
};

static const troupe_class branch_class;

static void
branch_report(troupe_actor *self, troupe_ref parent, int64_t count)
{
	if (parent != 0) {
		bench_send(parent, RESULT, &count, sizeof count);
	} else {
		tree_count = count;
		/* A spread and a result for each; the root's result comes here, and not by message. */
		bench_end(2.0 * (double)count);
	}
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
branch_spread(troupe_actor *self, struct branch *b, const troupe_msg *msg)
{
	int64_t depth = *BENCH_BODY(msg, int64_t);

	if (depth == 1) {
		branch_report(self, msg->sender, 1);
		return;
	}
	b->parent = msg->sender;
	b->waits_for = 2;
	b->count = 1;
	depth--;
	for (int i = 0; i < 2; i++)
		bench_send(bench_spawn(troupe_of(self), &branch_class, NULL), SPREAD, &depth, sizeof depth);
}

static void
branch(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct branch *b = state;

	if (msg->type == SPREAD) {
		branch_spread(self, b, msg);
		return;
	}
	b->count += *BENCH_BODY(msg, int64_t);
	if (--b->waits_for == 0)
		branch_report(self, b->parent, b->count);
}

static const troupe_class branch_class = {
	.name = "branch",
	.state_size = sizeof(struct branch),
	.receive = branch,
};

static void
actorcreation_start(troupe *t)
{
	if (bench.n > 40)
		bench_abort("N is at most 40");
	bench_begin();
	bench_send(bench_spawn(t, &branch_class, NULL), SPREAD, &bench.n, sizeof bench.n);
}

static void
actorcreation_check(troupe *t)
{
	struct troupe_totals totals;
	int64_t want = (INT64_C(1) << bench.n) - 1;

	troupe_get_totals(t, &totals);
	bench_expect("actors counted", tree_count, want);
	bench_expect("actors spawned", (int64_t)totals.spawned, want);
	bench_expect("actors stopped", (int64_t)totals.stopped, want);
}

const bench_workload bench_suite_search[] = {
	{ .name = "sieve", .n_is = "limit", .m_is = "primes a filter", .n = 100000, .m = 1000,
	    .start = sieve_start, .check = sieve_check },
	{ .name = "nqueens", .n_is = "board", .m_is = "workers", .n = 12, .m = 20, .start = nqueens_start,
	    .check = nqueens_check },
	{ .name = "actorcreation", .n_is = "depth", .n = 20, .start = actorcreation_start,
	    .check = actorcreation_check },
	{ .name = NULL },
};
