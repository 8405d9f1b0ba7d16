/* SPDX-License-Identifier: MIT */

/*
 * The suite's waits: actors that want one message before they go on with the
 * others, and set those aside.
 */
#include "bench.h"
#include "skip_queue.h"

#include <math.h>
#include <stdatomic.h>

/* All message types of this file: each workload uses some. */
enum { START = 1, STOP, NEXT_TERM, COMPUTE, GET_TERM, RESULT, CREDIT, DEBIT, REPLY };

static troupe_ref *crew;

static void
spawn_crew(troupe *t, const troupe_class *class_)
{
	crew = bench_memory((size_t)bench.m, sizeof *crew);
	for (int64_t i = 0; i < bench.m; i++)
		crew[i] = bench_spawn(t, class_, &i);
}

static void
stop_all(const troupe_ref *actors)
{
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(actors[i], STOP, NULL, 0);
}

/* ---- logistic: M series of N terms, each term computed by another actor ---- */

/* The series that #14 of the suite starts with, and what its ten terms come to. */
#define START_RATE 3.46
#define INCREMENT  0.0025
#define KNOWN_SUM  6.38783514460412

static troupe_ref *computers;
static double terms_sum;

/*
 * Not inlined, so that the computers and the check do the same arithmetic,
 * whatever the compiler makes of it elsewhere.
 */
static __attribute__((noinline)) double
next_term(double rate, double term)
{
	return rate * term * (1 - term);
}

static double
rate_of(int64_t number)
{
	return START_RATE + INCREMENT * (double)number;
}

struct computer {
	double rate;
};

static int
computer_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	((struct computer *)state)->rate = rate_of(*(const int64_t *)argument);
	return 0;
}

static void
computer(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct computer *c = state;
	double term;

	switch (msg->type) {
	case COMPUTE:
		term = next_term(c->rate, *BENCH_BODY(msg, double));
		bench_send(msg->sender, RESULT, &term, sizeof term);
		break;
	case STOP:
		troupe_stop_self(self, TROUPE_STOP_NOW);
		break;
	default:
		troupe_unhandled(self, msg);
	}
}

static const troupe_class computer_class = {
	.name = "computer",
	.state_size = sizeof(struct computer),
	.receive = computer,
	.start = computer_start,
};

struct series {
	troupe_ref computer;
	double term;
	bool waiting;
	struct skip_queue skipped;
};

static int
series_start(troupe_actor *self, void *state, const void *argument)
{
	struct series *s = state;
	int64_t number = *(const int64_t *)argument;

	(void)self;
	s->computer = computers[number];
	s->term = INCREMENT * (double)number;
	return 0;
}

static void
series_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	skip_queue_fini(&((struct series *)state)->skipped);
}

/* A message that only counts while no result is under way. */
static void
series_go_on(struct series *s, const troupe_msg *msg)
{
	if (msg->type == NEXT_TERM) {
		bench_send(s->computer, COMPUTE, &s->term, sizeof s->term);
		s->waiting = true;
	} else {
		bench_send(msg->sender, RESULT, &s->term, sizeof s->term);
	}
}

static void
series_result(struct series *s, double term)
{
	troupe_msg *msg;

	s->term = term;
	s->waiting = false;
	while (!s->waiting && (msg = skip_queue_take(&s->skipped))) {
		series_go_on(s, msg);
		troupe_msg_free(&msg);
	}
}

static void
series(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct series *s = state;

	if (msg->type == RESULT)
		series_result(s, *BENCH_BODY(msg, double));
	else if (msg->type == STOP)
		troupe_stop_self(self, TROUPE_STOP_NOW);
	else if (s->waiting)
		skip_queue_put(&s->skipped, self);
	else
		series_go_on(s, msg);
}

static const troupe_class series_class = {
	.name = "series",
	.state_size = sizeof(struct series),
	.receive = series,
	.start = series_start,
	.stop = series_stop,
};

struct logistic {
	double sum;
	int64_t results;
};

static void
logistic_ask(void)
{
	for (int64_t k = 0; k < bench.n; k++)
		for (int64_t i = 0; i < bench.m; i++)
			bench_send(crew[i], NEXT_TERM, NULL, 0);
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(crew[i], GET_TERM, NULL, 0);
}

static void
logistic(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct logistic *l = state;

	if (msg->type == START) {
		logistic_ask();
		return;
	}
	l->sum += *BENCH_BODY(msg, double);
	if (++l->results < bench.m)
		return;
	terms_sum = l->sum;
	stop_all(computers);
	stop_all(crew);
	bench_end(1 + 3.0 * (double)bench.n * (double)bench.m + 4.0 * (double)bench.m);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class logistic_class = {
	.name = "logistic",
	.state_size = sizeof(struct logistic),
	.receive = logistic,
};

static void
logistic_start(troupe *t)
{
	spawn_crew(t, &computer_class);
	computers = crew;
	spawn_crew(t, &series_class);
	bench_begin();
	bench_send(bench_spawn(t, &logistic_class, NULL), START, NULL, 0);
}

static void
logistic_check(troupe *t)
{
	double want = 0;

	(void)t;
	for (int64_t i = 0; i < bench.m; i++) {
		double term = INCREMENT * (double)i;
		for (int64_t k = 0; k < bench.n; k++)
			term = next_term(rate_of(i), term);
		want += term;
	}
	/* The order of the additions may move the last digits, and nothing else. */
	if (!(fabs(terms_sum - want) < 1e-12 * (double)bench.m))
		bench_fail("the sum of the terms is wrong");
	if (bench.n == 25000 && bench.m == 10 && !(fabs(terms_sum - KNOWN_SUM) < 1e-9))
		bench_fail("the sum of the terms is not the known one");
}

/* ---- bank: N transactions between M accounts ---- */

/* More than an account can lose; all amounts are whole numbers, so that a sum is exact. */
#define FIRST_BALANCE INT64_C(1000000000000)

#define BANK_SEED INT64_C(123456)

static _Atomic int64_t balance_sum;
static _Atomic int64_t accounts_closed;

struct transfer {
	int64_t amount;
	troupe_ref to;
};

struct account {
	int64_t balance;
	troupe_ref teller;
	bool waiting; /* for the reply to a debit: nothing else is handled meanwhile */
	struct skip_queue skipped;
};

static int
account_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	(void)argument;
	((struct account *)state)->balance = FIRST_BALANCE;
	return 0;
}

static void
account_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	struct account *a = state;

	(void)self;
	(void)reason;
	/* Relaxed: read once all is quiet. */
	atomic_fetch_add_explicit(&balance_sum, a->balance, memory_order_relaxed);
	atomic_fetch_add_explicit(&accounts_closed, 1, memory_order_relaxed);
	skip_queue_fini(&a->skipped);
}

static void
account_handle(struct account *a, const troupe_msg *msg)
{
	if (msg->type == CREDIT) {
		const struct transfer *transfer = BENCH_BODY(msg, struct transfer);
		a->balance -= transfer->amount;
		a->teller = msg->sender;
		a->waiting = true;
		bench_send(transfer->to, DEBIT, &transfer->amount, sizeof transfer->amount);
	} else {
		a->balance += *BENCH_BODY(msg, int64_t);
		bench_send(msg->sender, REPLY, NULL, 0);
	}
}

static void
account_reply(struct account *a)
{
	troupe_msg *msg;

	a->waiting = false;
	bench_send(a->teller, REPLY, NULL, 0);
	while (!a->waiting && (msg = skip_queue_take(&a->skipped))) {
		account_handle(a, msg);
		troupe_msg_free(&msg);
	}
}

static void
account(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct account *a = state;

	if (msg->type == REPLY)
		account_reply(a);
	else if (msg->type == STOP)
		troupe_stop_self(self, TROUPE_STOP_NOW);
	else if (a->waiting)
		skip_queue_put(&a->skipped, self);
	else
		account_handle(a, msg);
}

static const troupe_class account_class = {
	.name = "account",
	.state_size = sizeof(struct account),
	.receive = account,
	.start = account_start,
	.stop = account_stop,
};

static struct {
	int64_t from_sum;
	int64_t to_sum;
} transfers;

static void
transfer_once(int64_t *random)
{
	int64_t from = bench_random(random) % (bench.m / 10 * 8);
	int64_t distance = bench_random(random) % (bench.m - from);
	int64_t to = from + (distance == 0 ? 1 : distance);
	/* The generator's double is 1 / (draw + 1); in millionths of a thousand. */
	struct transfer transfer = { .amount = 1000000000 / (bench_random(random) + 1), .to = crew[to] };

	transfers.from_sum += from;
	transfers.to_sum += to;
	bench_send(crew[from], CREDIT, &transfer, sizeof transfer);
}

static void
teller(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *replies = state;
	int64_t random = BANK_SEED;

	if (msg->type == START) {
		for (int64_t i = 0; i < bench.n; i++)
			transfer_once(&random);
		return;
	}
	if (++*replies < bench.n)
		return;
	stop_all(crew);
	bench_end(1 + 4.0 * (double)bench.n + (double)bench.m);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class teller_class = {
	.name = "teller",
	.state_size = sizeof(int64_t),
	.receive = teller,
};

static void
bank_start(troupe *t)
{
	if (bench.m < 10)
		bench_abort("M must be 10 at least");
	spawn_crew(t, &account_class);
	bench_begin();
	bench_send(bench_spawn(t, &teller_class, NULL), START, NULL, 0);
}

static void
bank_check(troupe *t)
{
	(void)t;
	bench_expect("accounts closed", atomic_load_explicit(&accounts_closed, memory_order_relaxed),
	    bench.m);
	bench_expect("money in all accounts", atomic_load_explicit(&balance_sum, memory_order_relaxed),
	    bench.m * FIRST_BALANCE);
	if (bench.n == 50000 && bench.m == 1000) {
		bench_expect("sum of the sources", transfers.from_sum, 19946712);
		bench_expect("sum of the destinations", transfers.to_sum, 34817366);
	}
}

const bench_workload bench_suite_wait[] = {
	{ .name = "logistic", .n_is = "terms", .m_is = "series", .n = 25000, .m = 10,
	    .start = logistic_start, .check = logistic_check },
	{ .name = "bank", .n_is = "transactions", .m_is = "accounts", .n = 50000, .m = 1000,
	    .start = bank_start, .check = bank_check },
	{ .name = NULL },
};
