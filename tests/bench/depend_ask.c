/* SPDX-License-Identifier: MIT */

/*
 * ask -- requests and their answers: N in all, M askers with one under way
 * each, every one of them to a replier of its own.
 */
#include "bench.h"

#include <stdatomic.h>

/* Far enough that no answer misses it, near enough that it is a deadline like others. */
#define DEADLINE (60 * TROUPE_SECOND)

enum { START = 1, QUESTION, ANSWER };

/* Askers that have not ended yet; the last one to end stops the clock. */
static _Atomic int64_t asking;

/* By asker, told when it ends: answers that were what they must be. */
static int64_t *answered;

static int64_t asked_by_all;

static void
reply(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int64_t *served = state;

	(void)BENCH_BODY(msg, int64_t);
	++*served;
	if (troupe_reply(self, ANSWER, msg->body, msg->size) != TROUPE_OK)
		bench_abort("a reply was not accepted");
}

static const troupe_class replier_class = { .name = "replier", .state_size = sizeof(int64_t), .receive = reply };

struct asker {
	troupe_ref replier;
	int64_t number;
	int64_t left;
	int64_t answered;
};

static void take_answer(troupe_actor *self, void *state, const troupe_answer *answer);

static void
ask_next(troupe_actor *self, struct asker *a)
{
	if (a->left == 0) {
		answered[a->number] = a->answered;
		/* The order: whoever comes to 0 stops the clock after all others have ended. */
		if (atomic_fetch_sub_explicit(&asking, 1, memory_order_acq_rel) == 1)
			bench_end((double)bench.n);
		return;
	}
	if (troupe_ask(self, a->replier, QUESTION, &a->left, sizeof a->left, DEADLINE, take_answer, NULL) !=
	    TROUPE_OK)
		bench_abort("a request was not accepted");
}

static void
take_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	struct asker *a = state;

	if (answer->status != TROUPE_OK)
		bench_abort(answer->text);
	a->answered += *BENCH_BODY(answer->msg, int64_t) == a->left;
	a->left--;
	ask_next(self, a);
}

static void
begin_to_ask(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)msg;
	ask_next(self, state);
}

static int
asker_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	*(struct asker *)state = *(const struct asker *)argument;
	return 0;
}

static const troupe_class asker_class = {
	.name = "asker",
	.state_size = sizeof(struct asker),
	.receive = begin_to_ask,
	.start = asker_start,
};

/* All pairs are there before the first of them begins. */
static void
ask_start(troupe *t)
{
	bench_default_to_workers(t, &bench.m);
	if (bench.m > bench.n)
		bench.m = bench.n;
	answered = bench_memory((size_t)bench.m, sizeof *answered);
	troupe_ref *askers = bench_memory((size_t)bench.m, sizeof *askers);
	atomic_store_explicit(&asking, bench.m, memory_order_relaxed);
	for (int64_t i = 0; i < bench.m; i++) {
		const struct asker a = {
			.replier = bench_spawn(t, &replier_class, NULL),
			.number = i,
			.left = bench_share(i),
		};

		asked_by_all += a.left;
		askers[i] = bench_spawn(t, &asker_class, &a);
	}
	bench_begin();
	for (int64_t i = 0; i < bench.m; i++)
		bench_send(askers[i], START, NULL, 0);
}

static void
ask_check(troupe *t)
{
	struct troupe_totals totals;
	int64_t sum = 0;

	for (int64_t i = 0; i < bench.m; i++)
		sum += answered[i];
	troupe_get_totals(t, &totals);
	bench_expect("requests", asked_by_all, bench.n);
	bench_expect("answers that match their requests", sum, bench.n);
	bench_expect("messages lost", (int64_t)totals.dead, 0);
	bench_expect("messages unhandled", (int64_t)totals.unhandled, 0);
}

const bench_workload bench_depend_ask[] = {
	{ .name = "ask", .n_is = "requests", .m_is = "askers (0: as many as workers)", .n = 5000000, .start = ask_start,
	    .check = ask_check },
	{ .name = NULL },
};
