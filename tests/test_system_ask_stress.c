/* SPDX-License-Identifier: MIT */

/*
 * Many asks, calls and gathers at once, with random outcomes: each that was
 * accepted ends exactly once, and no other ends at all.
 */

#include "tests/asking.h"
#include "tests/suite.h"

#include <sched.h>

enum { TARGETS = 12, ASKERS = 12, CALLERS = 3, SLOTS = 16, ASKS = 2000 };

typedef struct world {
	troupe *t;
	_Atomic troupe_ref target[TARGETS];
	/* Requests that were kept: whoever puts one here takes the one that was there. */
	_Atomic(troupe_msg *) kept[SLOTS];
	sys_counter begun, gathers, wrong;
	_Atomic bool over;
	struct asker *askers;
} world;

/* One ask, the asker's own. */
typedef struct record {
	struct asker *asker;
	bool asked;
	uint32_t calls;
} record;

typedef struct asker {
	world *w;
	sys_random random;
	uint32_t begun, most, came[TROUPE_TAKEN + 1];
	record records[ASKS];
} asker;

/* What targets do beside what responders do. */
enum { STORE = 100, PASS_ON, TARGET_KINDS = 16 };

static const uint32_t kinds[TARGET_KINDS] = { ANSWER, ANSWER, ANSWER, ANSWER_ERROR, IGNORE, LEAVE_UNHANDLED, STORE, STORE,
	STORE, PASS_ON, PASS_ON, KEEP_AND_DROP, FAIL_OVER, STOP_AFTER, STASH_IT, ANSWER };

static troupe_ref
some_target(world *w, sys_random *random)
{
	return atomic_load_explicit(&w->target[sys_below(random, TARGETS)], memory_order_relaxed);
}

static void
put_an_end_to(troupe_msg *kept, uint32_t how)
{
	if (kept == NULL)
		return;
	if (how % 4 == 0)
		troupe_msg_free(&kept);
	else if (how % 4 == 1)
		(void)troupe_answer_kept_error(&kept, 1, "stored");
	else
		(void)troupe_answer_kept(&kept, ANSWERED, "some bytes, and a few more", how % 27);
	troupe_msg_free(&kept);
}

static void
exchange_kept(world *w, uint32_t at, troupe_msg *kept, uint32_t how)
{
	/* The new owner reads what the old one wrote. */
	put_an_end_to(atomic_exchange_explicit(&w->kept[at % SLOTS], kept, memory_order_acq_rel), how);
}

/* --- Targets. --- */

typedef struct target {
	world *w;
	uint32_t place, passed;
	sys_random random;
} target;

static const troupe_class target_class, dedicated_target_class;

static int
start_target(troupe_actor *self, void *state, const void *argument)
{
	target *x = state;

	*x = *(const target *)argument;
	x->random.state = troupe_self(self);
	return 0;
}

static void
be_target(troupe_actor *self, void *state, const troupe_msg *msg)
{
	target *x = state;

	switch (msg->type) {
	case ANSWER:
		(void)troupe_reply(self, ANSWERED, msg->body, msg->size);
		break;
	case ANSWER_ERROR:
		(void)troupe_reply_error(self, 1, "error");
		break;
	case LEAVE_UNHANDLED:
		troupe_unhandled(self, msg);
		break;
	case STORE:
		exchange_kept(x->w, sys_below(&x->random, SLOTS), troupe_keep(self), sys_below(&x->random, 1000));
		break;
	case PASS_ON:
		/* It goes round until its asker gives up, or it comes to one that has passed on so many. */
		if (++x->passed % 5 == 0 || troupe_forward(self, some_target(x->w, &x->random)) != TROUPE_OK)
			(void)troupe_reply(self, ANSWERED, NULL, 0);
		break;
	case KEEP_AND_DROP:
		put_an_end_to(troupe_keep(self), 0);
		break;
	case FAIL_OVER:
		if (sys_below(&x->random, 10) == 0)
			troupe_fail(self, 1, "failed");
		break;
	case STOP_AFTER:
		if (sys_below(&x->random, 10) == 0)
			troupe_stop_self(self, sys_below(&x->random, 2) ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN);
		break;
	case STASH_IT:
		(void)troupe_stash(self);
		if (sys_below(&x->random, 20) == 0)
			(void)troupe_unstash(self, SIZE_MAX);
		break;
	default:
		break;
	}
}

static troupe_ref
spawn_target(world *w, uint32_t place)
{
	const target x = { .w = w, .place = place };

	return troupe_spawn(w->t, place % 4 == 0 ? &dedicated_target_class : &target_class, &x);
}

/* Another one takes its place. */
static void
stop_target(troupe_actor *self, void *state, troupe_reason reason)
{
	target *x = state;

	(void)self;
	if (reason == TROUPE_REASON_CLOSING)
		return;
	troupe_ref next = spawn_target(x->w, x->place);
	if (next != 0)
		atomic_store_explicit(&x->w->target[x->place], next, memory_order_relaxed);
}

static const troupe_class target_class = {
	.name = "target",
	.state_size = sizeof(target),
	.start = start_target,
	.receive = be_target,
	.stop = stop_target,
};
static const troupe_class dedicated_target_class = {
	.name = "dedicated target",
	.state_size = sizeof(target),
	.start = start_target,
	.receive = be_target,
	.stop = stop_target,
	.flags = TROUPE_DEDICATED,
};

/* --- Askers. --- */

static void ask_some(troupe_actor *self, asker *a);

static void
count_end(record *r, troupe_status status)
{
	r->calls++;
	r->asker->came[status]++;
}

static void
note_end(troupe_actor *self, void *state, const troupe_answer *answer)
{
	record *r = answer->context;
	asker *a = r->asker;

	if (*(asker **)state != a || (answer->msg != NULL) != (answer->status == TROUPE_OK))
		sys_add(&a->w->wrong, 1);
	count_end(r, answer->status);
	if (sys_below(&a->random, 8) == 0) {
		troupe_msg *kept = troupe_keep(self);
		troupe_msg_free(&kept);
	}
	ask_some(self, a);
}

static void
note_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	record *r = gathered->context;
	size_t answered = 0;

	(void)state;
	for (size_t i = 0; i < gathered->count; i++)
		answered += gathered->answers[i].status == TROUPE_OK;
	if (answered != gathered->answered)
		sys_add(&r->asker->w->wrong, 1);
	sys_add(&r->asker->w->gathers, 1);
	count_end(r, gathered->status);
	ask_some(self, r->asker);
}

static int64_t
some_time(sys_random *random)
{
	static const int64_t times[] = { 0, 1, 1000, 50000, TROUPE_MS, 5 * TROUPE_MS, TROUPE_SECOND, INT64_MAX };

	return times[sys_below(random, sizeof times / sizeof *times)];
}

static bool
gather_once(troupe_actor *self, asker *a, record *r)
{
	troupe_request requests[7];
	size_t count = 1 + sys_below(&a->random, 7);

	for (size_t i = 0; i < count; i++)
		requests[i] = (troupe_request){ .to = some_target(a->w, &a->random),
			.type = kinds[sys_below(&a->random, TARGET_KINDS)] };
	return troupe_gather(self, requests, count, 1 + sys_below(&a->random, (uint32_t)count), some_time(&a->random),
	           note_gathered, r) == TROUPE_OK;
}

static bool
ask_once(troupe_actor *self, asker *a, record *r)
{
	static const char bytes[70000];
	uint32_t type = kinds[sys_below(&a->random, TARGET_KINDS)];
	uint32_t size = sys_below(&a->random, 20) == 0 ? 70000 : sys_below(&a->random, 100);
	troupe_ref to = some_target(a->w, &a->random);

	if (sys_below(&a->random, 8) == 0)
		return gather_once(self, a, r);
	if (sys_below(&a->random, 4) != 0)
		return troupe_ask(self, to, type, bytes, size, some_time(&a->random), note_end, r) == TROUPE_OK;
	troupe_msg *msg = troupe_msg_new(type, size, NULL);
	bool asked = troupe_ask_msg(self, to, &msg, some_time(&a->random), note_end, r) == TROUPE_OK;
	if (asked != (msg == NULL))
		sys_add(&a->w->wrong, 1);
	troupe_msg_free(&msg);
	return asked;
}

static void
ask_some(troupe_actor *self, asker *a)
{
	for (uint32_t n = sys_below(&a->random, 4); n > 0 && a->begun < a->most; n--) {
		record *r = &a->records[a->begun++];

		r->asker = a;
		r->asked = ask_once(self, a, r);
		sys_add(&a->w->begun, 1);
	}
	/* It ends in the middle of what it has begun. */
	if (a->begun >= a->most / 2 && sys_below(&a->random, 2000) == 0)
		troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
be_asker(troupe_actor *self, void *state, const troupe_msg *msg)
{
	asker *a = *(asker **)state;

	(void)msg;
	ask_some(self, a);
	/* So that it does not run dry before it is through. */
	if (a->begun < a->most)
		(void)troupe_send_after(self, 20000, 1, NULL, 0);
}

static const troupe_class asker_class = {
	.name = "asker",
	.state_size = sizeof(asker *),
	.start = sys_start_with_pointer,
	.receive = be_asker,
};

/* --- Threads. --- */

typedef struct stranger {
	world *w;
	sys_random random;
	uint64_t calls, wrong;
} stranger;

static void *
be_stranger(void *argument)
{
	stranger *s = argument;

	while (!atomic_load_explicit(&s->w->over, memory_order_relaxed)) {
		troupe_msg *answer = NULL;
		int64_t time = some_time(&s->random);
		troupe_status status = troupe_call(some_target(s->w, &s->random), kinds[sys_below(&s->random, TARGET_KINDS)],
		    "a call", 7, time > 5 * TROUPE_MS ? 5 * TROUPE_MS : time, &answer, NULL);

		s->calls++;
		s->wrong += (status == TROUPE_OK) != (answer != NULL);
		troupe_msg_free(&answer);
		exchange_kept(s->w, sys_below(&s->random, SLOTS), NULL, sys_below(&s->random, 1000));
	}
	return NULL;
}

/* --- The test. --- */

static void
free_all_kept(world *w)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		exchange_kept(w, i, NULL, i);
}

/* Some asks have all the time there is: they end with those who keep or stash them. */
static void
run_until_quiet(world *w)
{
	while (troupe_wait(w->t, 5 * TROUPE_MS) != TROUPE_OK) {
		free_all_kept(w);
		for (int i = 0; i < TARGETS; i++)
			(void)troupe_stop(atomic_load_explicit(&w->target[i], memory_order_relaxed), TROUPE_STOP_NOW);
	}
}

static void
check_records(const world *w, uint32_t *came)
{
	for (int i = 0; i < ASKERS; i++) {
		for (uint32_t k = 0; k < w->askers[i].begun; k++) {
			const record *r = &w->askers[i].records[k];

			ck_assert_uint_eq(r->calls, r->asked);
		}
		for (int k = 0; k <= TROUPE_TAKEN; k++)
			came[k] += w->askers[i].came[k];
	}
}

static void
begin(world *w, uint64_t seed, uint32_t most)
{
	for (uint32_t i = 0; i < TARGETS; i++) {
		troupe_ref first = spawn_target(w, i);

		ck_assert(first != 0);
		atomic_store_explicit(&w->target[i], first, memory_order_relaxed);
	}
	for (uint32_t i = 0; i < ASKERS; i++) {
		w->askers[i] = (asker){ .w = w, .random = { seed + i }, .most = most };
		sys_send(sys_spawn(w->t, &asker_class, &w->askers[i]), 1, NULL, 0);
	}
}

/* Counts in came the asks that ended with each status. */
static void
run_world(const sys_shape *shape, uint32_t most, bool close_early, uint32_t *came)
{
	world *w = calloc(1, sizeof *w);
	sys_ledger ledger = { 0 };
	stranger s[CALLERS] = { 0 };
	pthread_t thread[CALLERS];
	bool threads = shape->workers > 0;
	uint64_t seed = sys_seed("test_system_ask_stress");

	w->askers = calloc(ASKERS, sizeof *w->askers);
	w->t = sys_open_tolerant(shape, &ledger);
	begin(w, seed, most);
	for (int i = 0; threads && i < CALLERS; i++) {
		s[i] = (stranger){ .w = w, .random = { seed - 1 - (uint64_t)i } };
		thread[i] = sys_start(be_stranger, &s[i]);
	}
	/* Some of it; all of it comes later, or never. */
	while (sys_get(&w->begun) < ASKERS * most / 3)
		if (!threads)
			(void)troupe_run_once(w->t);
		else
			sched_yield();
	if (close_early)
		sys_close(w->t, &ledger);
	atomic_store_explicit(&w->over, true, memory_order_relaxed);
	for (int i = 0; threads && i < CALLERS; i++) {
		sys_join(thread[i]);
		ck_assert_uint_eq(s[i].wrong, 0);
	}
	free_all_kept(w);
	if (!close_early) {
		run_until_quiet(w);
		free_all_kept(w);
		sys_close(w->t, &ledger);
	}
	check_records(w, came);
	sys_assert_count(w->wrong, 0);
	free(w->askers);
	free(w);
}

START_TEST(test_system_ask_stress_each_ends_exactly_once)
{
	uint32_t came[TROUPE_TAKEN + 1] = { 0 };

	run_world(&sys_shapes[_i], (uint32_t)SYS_SCALED(ASKS - 1), false, came);
	/* Each way to end was gone. */
	ck_assert(came[TROUPE_OK] > 0 && came[TROUPE_FAILED] > 0 && came[TROUPE_UNANSWERED] > 0 && came[TROUPE_TIMEOUT] > 0);
}
END_TEST

START_TEST(test_system_ask_stress_closed_in_the_middle)
{
	uint32_t came[TROUPE_TAKEN + 1] = { 0 };

	for (int round = 0; round < 4; round++)
		run_world(&sys_shapes[_i], (uint32_t)SYS_SCALED(ASKS - 1), true, came);
	/* How far it is when the close comes is a matter of chance; but some wait for ever. */
	ck_assert_uint_gt(came[TROUPE_CLOSING], 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_ask_stress");
	TCase *tc = tcase_create("stress");

	tcase_add_loop_test(tc, test_system_ask_stress_each_ends_exactly_once, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_ask_stress_closed_in_the_middle, 0, sys_shape_count);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
