/* SPDX-License-Identifier: MIT */

/*
 * Memory that runs out: each allocation of each call fails in turn.  The call
 * says NOMEM, nothing is left behind, and afterwards it works.
 */

#include "runtime/actor/context.h"
#include "runtime/memory/fault.h"
#include "tests/suite.h"
#include "tests/system.h"

/* More than any call allocates. */
#define MANY_FAULTS 200

/* A call that is made again and again until no fault strikes. */
struct job {
	troupe_status (*call)(struct job *job);
	const troupe_class *class_;
	size_t size;
	bool inside;         /* it can be made by an actor only */
	uint32_t sends;      /* messages that it sends when it works, and replies that come */
	bool may_send_more;  /* what it sent before it failed stays sent */
	const troupe_class *worker; /* the actor that makes it; NULL is worker_class */
	uint32_t spawns;     /* actors that it spawns then */
	/* Where it is made. */
	troupe *t;
	troupe_actor *self;
	troupe_ref to;
	/* What came of it. */
	uint32_t failures, wrong;
	bool worked;
};

static sys_counter started, stopped, destroyed, made;

static void
follow_faults(void)
{
	tr_cache_follow_faults(&tr_current_context->cache);
}

/* Called in behaviors too: only records. */
static void
fail_in_turn(struct job *job)
{
	for (long n = 1; n < MANY_FAULTS && !job->worked; n++) {
		/* So that an error of before is not taken for a new one. */
		(void)troupe_release(NULL);
		tr_fault_arm(n);
		follow_faults();
		troupe_status status = job->call(job);
		bool struck = tr_fault_struck();

		tr_fault_arm(0);
		follow_faults();
		job->failures += struck;
		job->wrong += status != (struck ? TROUPE_NOMEM : TROUPE_OK);
		job->worked = !struck;
	}
}

/* --- Actors. --- */

static int
count_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	(void)state;
	(void)argument;
	sys_add(&started, 1);
	return 0;
}

static void
count_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)state;
	(void)reason;
	sys_add(&stopped, 1);
}

static const troupe_class plain_class = { .receive = sys_ignore };
static const troupe_class sink_class = { .name = "sink", .receive = sys_ignore };
static const troupe_class start_class = { .receive = sys_ignore, .start = count_start, .stop = count_stop };
static const troupe_class medium_class = { .receive = sys_ignore, .state_size = 700 };
static const troupe_class big_class = {
	.receive = sys_ignore,
	.state_size = 100000,
	.start = count_start,
	.stop = count_stop,
};
static const troupe_class busy_class = { .receive = sys_ignore, .flags = TROUPE_BUSY, .state_size = 32 };
static const troupe_class dedicated_class = {
	.receive = sys_ignore,
	.flags = TROUPE_DEDICATED,
	.start = count_start,
	.stop = count_stop,
};

/* Makes the call that the message says. */
static void
do_job(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct job *job = *(struct job *const *)msg->body;

	(void)state;
	job->self = self;
	fail_in_turn(job);
}

static const troupe_supervisor restarting = { .restarts = 1 };
static const troupe_class worker_class = { .name = "worker", .receive = do_job, .stop = count_stop };
static const troupe_class supervisor_class = {
	.name = "supervisor",
	.receive = do_job,
	.stop = count_stop,
	.supervisor = &restarting,
};

/* --- Calls. --- */

static troupe_status
spawn_one(struct job *job)
{
	return troupe_spawn(job->t, job->class_, NULL) != 0 ? TROUPE_OK : troupe_last_error();
}

static troupe_status
spawn_one_child(struct job *job)
{
	return troupe_spawn_child(job->self, job->class_, NULL) != 0 ? TROUPE_OK : troupe_last_error();
}

/* As much as any job sends. */
static const char data[100000];

static troupe_status
send_copy(struct job *job)
{
	return troupe_send(job->to, 1, data, job->size);
}

static troupe_status
send_urgent(struct job *job)
{
	return troupe_send_urgent(job->to, 1, data, job->size);
}

static void
count_destroyed(void *body, size_t size)
{
	(void)body;
	(void)size;
	sys_add(&destroyed, 1);
}

static troupe_status
make_message(struct job *job)
{
	troupe_msg *msg = troupe_msg_new(1, job->size, count_destroyed);

	if (msg == NULL)
		return troupe_last_error();
	sys_add(&made, 1);
	troupe_msg_free(&msg);
	return TROUPE_OK;
}

static troupe_status
make_block(struct job *job)
{
	troupe_shared *block = troupe_shared_new(job->size, count_destroyed);

	if (block == NULL)
		return troupe_last_error();
	sys_add(&made, 1);
	troupe_shared_release(&block);
	return TROUPE_OK;
}

/* Made before the faults begin. */
static troupe_shared *block_to_send;

static troupe_status
send_block(struct job *job)
{
	return troupe_send_shared(job->to, 1, block_to_send);
}

static troupe_status
stop_one(struct job *job)
{
	return troupe_stop(job->to, TROUPE_STOP_NOW);
}

static troupe_status
become_another(struct job *job)
{
	return troupe_become(job->self, sys_ignore);
}

static troupe_status
name_one(struct job *job)
{
	return troupe_set_name(job->self, "a name of its own");
}

static troupe_status
become_over_another(struct job *job)
{
	troupe_status status = troupe_become_over(job->self, sys_ignore);

	return status == TROUPE_OK ? troupe_unbecome(job->self) : status;
}

/* The job's own message: when it comes back, there is nothing left to do. */
static troupe_status
stash_it(struct job *job)
{
	troupe_status status = troupe_stash(job->self);

	job->wrong += status == TROUPE_OK && troupe_unstash(job->self, SIZE_MAX) != 1;
	return status;
}

#define HOUR (3600 * TROUPE_SECOND)

static troupe_status
end_timer(struct job *job, troupe_timer timer)
{
	job->wrong += timer != 0 && !troupe_cancel(job->self, timer);
	return timer != 0 ? TROUPE_OK : troupe_last_error();
}

static troupe_status
arm_once(struct job *job)
{
	return end_timer(job, troupe_send_after(job->self, HOUR, 1, data, job->size));
}

static troupe_status
arm_periodic(struct job *job)
{
	return end_timer(job, troupe_send_every(job->self, HOUR, TROUPE_MISSED_SKIP, 1, data, job->size));
}

static troupe_status
arm_idle(struct job *job)
{
	troupe_status status = troupe_set_idle_timeout(job->self, HOUR);

	/* Another one in its place. */
	if (status == TROUPE_OK)
		status = troupe_set_idle_timeout(job->self, 2 * HOUR);
	job->wrong += troupe_set_idle_timeout(job->self, 0) != TROUPE_OK;
	return status;
}

static troupe_status
monitor_one(struct job *job)
{
	return troupe_monitor(job->self, job->to) != 0 ? TROUPE_OK : troupe_last_error();
}

static troupe_status
link_one(struct job *job)
{
	return troupe_link(job->self, job->to);
}

static troupe_status
register_one(struct job *job)
{
	troupe_status status = troupe_register(job->self, "a name of its own");

	job->wrong += (status == TROUPE_OK) != (troupe_lookup(job->t, "a name of its own") != 0);
	return status == TROUPE_OK ? troupe_unregister(job->self, "a name of its own") : status;
}

static void
count_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	(void)self;
	(void)state;
	sys_add((sys_counter *)answer->context, 1);
}

static void
count_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	(void)self;
	(void)state;
	sys_add((sys_counter *)gathered->context, 1);
}

/* Those that did not begin have no answer. */
static sys_counter answered;

static troupe_status
await_one(struct job *job)
{
	return troupe_await_name(job->self, "nobody's", 0, count_answer, &answered);
}

static troupe_status
ask_one(struct job *job)
{
	return troupe_ask(job->self, job->to, 1, data, job->size, HOUR, count_answer, &answered);
}

static troupe_status
gather_two(struct job *job)
{
	troupe_request requests[2] = { { .to = job->to, .type = 1 }, { .to = job->to, .type = 1 } };

	return troupe_gather(job->self, requests, 2, 2, HOUR, count_gathered, &answered);
}

/* --- Each of them, in turn. --- */

static const struct job jobs[] = {
	{ .call = spawn_one, .class_ = &plain_class, .spawns = 1 },
	{ .call = spawn_one, .class_ = &start_class, .spawns = 1 },
	{ .call = spawn_one, .class_ = &medium_class, .spawns = 1 },
	{ .call = spawn_one, .class_ = &big_class, .spawns = 1 },
	{ .call = spawn_one, .class_ = &busy_class, .spawns = 1 },
	{ .call = spawn_one, .class_ = &dedicated_class, .spawns = 1 },
	{ .call = spawn_one_child, .class_ = &plain_class, .spawns = 1, .inside = true },
	{ .call = spawn_one_child, .class_ = &start_class, .spawns = 1, .inside = true },
	{ .call = spawn_one_child, .class_ = &big_class, .spawns = 1, .inside = true },
	{ .call = spawn_one_child, .class_ = &busy_class, .spawns = 1, .inside = true },
	{ .call = spawn_one_child, .class_ = &dedicated_class, .spawns = 1, .inside = true },
	{ .call = send_copy, .size = 0, .sends = 1 },
	{ .call = send_copy, .size = 32, .sends = 1 },
	{ .call = send_copy, .size = 33, .sends = 1 },
	{ .call = send_copy, .size = 5000, .sends = 1 },
	{ .call = send_copy, .size = 100000, .sends = 1 },
	{ .call = send_urgent, .size = 8, .sends = 1 },
	{ .call = send_urgent, .size = 100000, .sends = 1 },
	{ .call = make_message, .size = 0 },
	{ .call = make_message, .size = 1000 },
	{ .call = make_message, .size = 100000 },
	{ .call = make_block, .size = 1 },
	{ .call = make_block, .size = 1000 },
	{ .call = make_block, .size = 100000 },
	{ .call = send_block, .sends = 1 },
	{ .call = stop_one },
	{ .call = become_another, .inside = true },
	{ .call = name_one, .inside = true },
	{ .call = become_over_another, .inside = true },
	{ .call = stash_it, .inside = true },
	{ .call = arm_once, .inside = true },
	{ .call = arm_once, .inside = true, .size = 100000 },
	{ .call = arm_periodic, .inside = true },
	{ .call = arm_periodic, .inside = true, .size = 1000 },
	{ .call = arm_idle, .inside = true },
	{ .call = monitor_one, .inside = true },
	{ .call = link_one, .inside = true },
	{ .call = register_one, .inside = true },
	{ .call = await_one, .inside = true },
	{ .call = ask_one, .inside = true, .sends = 2 },
	{ .call = ask_one, .inside = true, .sends = 2, .size = 100000 },
	{ .call = gather_two, .inside = true, .sends = 4, .may_send_more = true },
	{ .call = spawn_one_child, .class_ = &start_class, .spawns = 1, .inside = true, .worker = &supervisor_class },
	{ .call = spawn_one_child, .class_ = &big_class, .spawns = 1, .inside = true, .worker = &supervisor_class },
};
#define JOBS ((int)(sizeof jobs / sizeof *jobs))

/* From outside any actor, and in a behavior. */
enum { OUTSIDE, IN_A_BEHAVIOR, PLACES };

/* One call at one place; the totals say that the failed ones left nothing behind. */
static void
check_job(const struct job *which, int place)
{
	struct job job = *which, *pointer = &job;
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(TROUPE_WORKERS_NONE, &ledger);
	troupe_ref worker = sys_spawn(t, which->worker != NULL ? which->worker : &worker_class, NULL);
	uint64_t sends = place == IN_A_BEHAVIOR ? 1 : 0;

	sys_set(&started, 0);
	sys_set(&stopped, 0);
	sys_set(&made, 0);
	sys_set(&destroyed, 0);
	sys_set(&answered, 0);
	block_to_send = troupe_shared_new(50, count_destroyed);
	job.t = t;
	job.to = sys_spawn(t, &sink_class, NULL);
	if (place == IN_A_BEHAVIOR) {
		sys_send(worker, 1, &pointer, sizeof pointer);
		sys_wait(t);
	} else {
		fail_in_turn(&job);
	}
	ck_assert(job.worked);
	ck_assert_uint_eq(job.wrong, 0);

	troupe_totals totals = sys_wait(t);
	ck_assert_uint_eq(totals.spawned, 2 + job.spawns);
	if (job.may_send_more)
		ck_assert_uint_ge(totals.accepted, sends + job.sends);
	else
		ck_assert_uint_eq(totals.accepted, sends + job.sends);
	sys_assert_count(answered, job.call == await_one || job.sends > 1 ? 1 : 0);
	ck_assert_uint_eq(sys_get(&destroyed), sys_get(&made));
	/* The worker's children go with it, as if there had been no failure. */
	sys_assert_status(troupe_stop(worker, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	sys_assert_count(stopped, 1 + (job.call == spawn_one_child ? sys_get(&started) : 0));
	troupe_shared_release(&block_to_send);
	sys_assert_count(destroyed, sys_get(&made) + 1);
	sys_close(t, &ledger);
	sys_assert_count(stopped, 1 + sys_get(&started));
}

START_TEST(test_system_faults_of_each_call)
{
	const struct job *job = &jobs[_i / PLACES];

	if (_i % PLACES == OUTSIDE && job->inside)
		return;
	check_job(job, _i % PLACES);
}
END_TEST

/* What takes memory at all is known: else a fault loop that finds none would go unseen. */
START_TEST(test_system_faults_strike)
{
	struct job job = { .call = spawn_one, .class_ = &big_class };
	troupe *t = sys_open(TROUPE_WORKERS_NONE, NULL);

	sys_spawn(t, &plain_class, NULL);
	job.t = t;
	fail_in_turn(&job);
	/* A slot and a state. */
	ck_assert_uint_ge(job.failures, 2);
	sys_close(t, NULL);
}
END_TEST

/* --- Slots are given back: the same failure for ever takes no more memory. --- */

/* Enough to use up the blocks of slots that were carved before. */
#define FAILURES 5000

static uint32_t
units_carved(enum tr_arena_kind kind)
{
	/* This thread alone allocates. */
	return atomic_load_explicit(&tr_arenas[kind].top, memory_order_relaxed);
}

START_TEST(test_system_faults_take_no_slot_for_good)
{
	troupe *t = sys_open(TROUPE_WORKERS_NONE, NULL);
	troupe_msg *msg = troupe_msg_new(1, 100000, NULL);

	sys_spawn(t, &big_class, NULL);
	uint32_t actors = units_carved(TR_ACTORS), messages = units_carved(TR_MESSAGES);
	for (int i = 0; i < FAILURES; i++) {
		/* What follows the slot fails: the state, the body. */
		tr_fault_arm(2);
		follow_faults();
		sys_assert_failed(troupe_spawn(t, &big_class, NULL), TROUPE_NOMEM);
		tr_fault_arm(2);
		sys_assert_failed(troupe_msg_new(1, 100000, NULL), TROUPE_NOMEM);
	}
	tr_fault_arm(0);
	follow_faults();
	/* There are slots left for these. */
	troupe_msg_free(&msg);
	msg = troupe_msg_new(1, 100000, NULL);
	troupe_msg *another = troupe_msg_new(1, 100000, NULL);
	ck_assert(msg != NULL && another != NULL);
	sys_spawn(t, &big_class, NULL);
	ck_assert_uint_eq(units_carved(TR_ACTORS), actors);
	ck_assert_uint_eq(units_carved(TR_MESSAGES), messages);
	troupe_msg_free(&msg);
	troupe_msg_free(&another);
	sys_close(t, NULL);
}
END_TEST

/* --- Opening. --- */

static void
count_line(void *context, troupe_log_level level, const char *text)
{
	(void)level;
	(void)text;
	sys_add((sys_counter *)context, 1);
}

START_TEST(test_system_faults_of_open)
{
	static const troupe_options shapes[] = {
		{ .workers = 1 },
		{ .workers = 4 },
		{ .workers = TROUPE_WORKERS_NONE },
		{ .scheduler = TROUPE_SCHEDULER_SIMULATED },
	};
	sys_counter lines = 0;
	uint32_t failures = 0;
	troupe *t = NULL;

	for (long n = 1; t == NULL; n++) {
		troupe_options options = shapes[_i];

		options.log = count_line;
		options.context = &lines;
		ck_assert_int_lt(n, MANY_FAULTS);
		(void)troupe_release(NULL);
		tr_fault_arm(n);
		t = troupe_open(&options);
		bool struck = tr_fault_struck();
		tr_fault_arm(0);
		ck_assert_msg(struck == (t == NULL), "allocation %ld failed, and the runtime was opened", n);
		if (t == NULL)
			sys_assert_status(troupe_last_error(), TROUPE_NOMEM);
		failures += struck;
		sys_assert_count(lines, failures);
	}
	ck_assert_uint_ge(failures, 3);
	sys_send(sys_spawn(t, &plain_class, NULL), 1, NULL, 0);
	ck_assert_uint_eq(sys_wait(t).handled, 1);
	sys_close(t, NULL);
}
END_TEST

/* --- A thread that was never here before needs memory of its own. --- */

struct newcomer {
	troupe *t;
	troupe_ref to;
	long n;
	bool spawns;
	troupe_status status;
	bool struck;
};

static void *
come_in(void *newcomer)
{
	struct newcomer *c = newcomer;

	tr_fault_arm(c->n);
	if (c->spawns)
		c->status = troupe_spawn(c->t, &plain_class, NULL) != 0 ? TROUPE_OK : troupe_last_error();
	else
		c->status = troupe_send(c->to, 1, NULL, 0);
	c->struck = tr_fault_struck();
	tr_fault_arm(0);
	return NULL;
}

START_TEST(test_system_faults_of_a_new_thread)
{
	troupe *t = sys_open(TROUPE_WORKERS_NONE, NULL);
	struct newcomer c = { .t = t, .to = sys_spawn(t, &sink_class, NULL), .spawns = _i == 1, .struck = true };

	for (c.n = 1; c.struck; c.n++) {
		ck_assert_int_lt(c.n, MANY_FAULTS);
		sys_join(sys_start(come_in, &c));
		sys_assert_status(c.status, c.struck ? TROUPE_NOMEM : TROUPE_OK);
	}
	/* A context is two allocations. */
	ck_assert_int_gt(c.n, 3);
	troupe_totals totals = sys_wait(t);
	ck_assert_uint_eq(totals.spawned, c.spawns ? 2 : 1);
	ck_assert_uint_eq(totals.handled, c.spawns ? 0 : 1);
	sys_close(t, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_faults");
	TCase *tc = tcase_create("no memory");

	tcase_add_test(tc, test_system_faults_strike);
	tcase_add_loop_test(tc, test_system_faults_of_each_call, 0, JOBS * PLACES);
	tcase_add_test(tc, test_system_faults_take_no_slot_for_good);
	tcase_add_loop_test(tc, test_system_faults_of_open, 0, 4);
	tcase_add_loop_test(tc, test_system_faults_of_a_new_thread, 0, 2);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
