/* SPDX-License-Identifier: MIT */

/*
 * Memory that runs out while actors ask and answer: each allocation of each
 * call fails in turn.  The call says NOMEM, nothing is left behind, and each
 * ask that was accepted ends all the same.
 */

#include "runtime/actor/context.h"
#include "runtime/memory/fault.h"
#include "tests/asking.h"
#include "tests/suite.h"

/* More than any call allocates. */
#define MANY_FAULTS 200

typedef struct job job;

/* A call that is made again and again until no fault strikes. */
struct job {
	troupe_status (*call)(job *j, troupe_actor *self);
	size_t size;
	bool in_request;    /* it is made over a request */
	troupe_status ends; /* how the ask ends then */
	/* Where it is made. */
	troupe_ref to;
	troupe_msg *kept;
	troupe_shared *block;
	payload_fate fate;
	/* What came of it. */
	uint32_t failures, wrong, made, gathered;
	outcome came;
	bool worked;
};

static void
arm(long n)
{
	tr_fault_arm(n);
	tr_cache_follow_faults(&tr_current_context->cache);
}

/* Called in behaviors: only records. */
static void
fail_in_turn(job *j, troupe_actor *self)
{
	for (long n = 1; n < MANY_FAULTS && !j->worked; n++) {
		arm(n);
		troupe_status status = j->call(j, self);
		bool struck = tr_fault_struck();

		arm(0);
		j->failures += struck;
		j->wrong += status != (struck ? TROUPE_NOMEM : TROUPE_OK);
		j->worked = !struck;
	}
}

static const char data[100000];

/* --- Asking. --- */

static troupe_status
ask_copy(job *j, troupe_actor *self)
{
	return troupe_ask(self, j->to, ANSWER_EMPTY, data, j->size, INT64_MAX, note_outcome, &j->came);
}

static troupe_status
ask_moved(job *j, troupe_actor *self)
{
	troupe_msg *msg = payload_message(ANSWER_EMPTY, j->size, &j->fate);

	if (msg == NULL)
		return troupe_last_error();
	j->made++;
	troupe_status status = troupe_ask_msg(self, j->to, &msg, INT64_MAX, note_outcome, &j->came);
	j->wrong += (msg == NULL) != (status == TROUPE_OK);
	troupe_msg_free(&msg);
	return status;
}

static troupe_status
ask_shared(job *j, troupe_actor *self)
{
	troupe_msg *msg = troupe_msg_share(ANSWER_EMPTY, j->block);

	if (msg == NULL)
		return troupe_last_error();
	troupe_status status = troupe_ask_msg(self, j->to, &msg, INT64_MAX, note_outcome, &j->came);
	j->wrong += (msg == NULL) != (status == TROUPE_OK);
	troupe_msg_free(&msg);
	return status;
}

static void
note_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	job *j = gathered->context;

	(void)self;
	(void)state;
	j->gathered++;
	j->came = (outcome){ .calls = j->gathered, .status = gathered->status, .has_msg = true };
	j->wrong += gathered->answered != gathered->count;
}

static troupe_status
gather_all(job *j, troupe_actor *self)
{
	const troupe_request one = { .to = j->to, .type = ANSWER_EMPTY, .data = data, .size = j->size };
	const troupe_request all[] = { one, one, one };

	return troupe_gather(self, all, 3, 3, INT64_MAX, note_gathered, j);
}

/* --- Answering. --- */

static troupe_status
reply_copy(job *j, troupe_actor *self)
{
	return troupe_reply(self, ANSWERED, data, j->size);
}

static troupe_status
reply_error(job *j, troupe_actor *self)
{
	(void)j;
	return troupe_reply_error(self, 4, "%0200d", 1);
}

static troupe_status
reply_moved(job *j, troupe_actor *self)
{
	troupe_msg *msg = payload_message(ANSWERED, j->size, &j->fate);

	if (msg == NULL)
		return troupe_last_error();
	j->made++;
	troupe_status status = troupe_reply_msg(self, &msg);
	j->wrong += (msg == NULL) != (status == TROUPE_OK);
	troupe_msg_free(&msg);
	return status;
}

static troupe_status
answer_kept(job *j, troupe_actor *self)
{
	if (j->kept == NULL)
		j->kept = troupe_keep(self);
	troupe_status status = troupe_answer_kept(&j->kept, ANSWERED, data, j->size);
	j->wrong += (j->kept == NULL) != (status == TROUPE_OK);
	return status;
}

static troupe_status
answer_kept_error(job *j, troupe_actor *self)
{
	if (j->kept == NULL)
		j->kept = troupe_keep(self);
	troupe_status status = troupe_answer_kept_error(&j->kept, 4, "%s", "four");
	j->wrong += (j->kept == NULL) != (status == TROUPE_OK);
	return status;
}

/* --- Each of them, in turn. --- */

static const job jobs[] = {
	{ .call = ask_copy, .size = 0 },
	{ .call = ask_copy, .size = 17 },
	{ .call = ask_copy, .size = 100000 },
	{ .call = ask_moved, .size = sizeof(payload) },
	{ .call = ask_moved, .size = 100000 },
	{ .call = ask_shared },
	{ .call = gather_all, .size = 0 },
	{ .call = gather_all, .size = 100000 },
	{ .call = reply_copy, .size = 0, .in_request = true },
	{ .call = reply_copy, .size = 100, .in_request = true },
	{ .call = reply_copy, .size = 100000, .in_request = true },
	{ .call = reply_error, .in_request = true, .ends = TROUPE_FAILED },
	{ .call = reply_moved, .size = sizeof(payload), .in_request = true },
	{ .call = reply_moved, .size = 100000, .in_request = true },
	{ .call = answer_kept, .size = 20, .in_request = true },
	{ .call = answer_kept, .size = 100000, .in_request = true },
	{ .call = answer_kept_error, .in_request = true, .ends = TROUPE_FAILED },
};
#define JOBS ((int)(sizeof jobs / sizeof *jobs))

static void
do_job(troupe_actor *self, void *argument)
{
	fail_in_turn(argument, self);
}

static void
do_job_over_request(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	fail_in_turn(*(job *const *)msg->body, self);
}

static const troupe_class worker_class = { .receive = do_job_over_request };

static void
ask_for_job(troupe_actor *self, void *argument)
{
	job *j = argument;

	j->wrong += troupe_ask(self, j->to, 1, &j, sizeof j, INT64_MAX, note_outcome, &j->came) != TROUPE_OK;
}

START_TEST(test_system_ask_faults_of_each_call)
{
	job j = jobs[_i];
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	payload_fate block_fate = { 0 };
	troupe *t = asking_open(TROUPE_WORKERS_NONE, &ledger);

	j.to = sys_spawn(t, j.in_request ? &worker_class : &responder_class, &r);
	j.block = payload_block(1000, &block_fate);
	act_in(sys_spawn(t, &act_class, NULL), j.in_request ? ask_for_job : do_job, &j);
	sys_wait(t);
	ck_assert(j.worked);
	ck_assert_uint_ge(j.failures, 1);
	ck_assert_uint_eq(j.wrong, 0);
	ck_assert_uint_eq(j.came.calls, 1);
	sys_assert_status(j.came.status, j.ends);
	assert_fate(j.fate, j.made);
	troupe_shared_release(&j.block);
	assert_fate(block_fate, 1);
	/* What a gather sent in vain is answered too late. */
	if (j.call != gather_all)
		sys_assert_count(ledger.dead[TROUPE_LATE], 0);
	sys_assert_count(r.wrong, 0);
	sys_close(t, &ledger);
	ck_assert_uint_eq(j.came.calls, 1);
}
END_TEST

/* --- Ends that may not fail. --- */

typedef struct last_fault {
	troupe_ref to;
	long n;
	uint32_t type;
	outcome came;
	bool struck;
} last_fault;

static void
end_badly(troupe_actor *self, void *state, const troupe_msg *msg)
{
	last_fault *l = *(last_fault *const *)msg->body;

	(void)state;
	arm(l->n);
	if (msg->type == FAIL_OVER)
		troupe_fail(self, 9, "nine");
	else if (msg->type == STOP_AFTER)
		troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class bad_end_class = { .receive = end_badly };

static void
ask_then_disarm(troupe_actor *self, void *state, const troupe_answer *answer)
{
	last_fault *l = answer->context;

	l->struck |= tr_fault_struck();
	arm(0);
	note_outcome(self, state, &(troupe_answer){ .status = answer->status, .msg = answer->msg, .code = answer->code,
	    .text = answer->text, .target = answer->target, .type = answer->type, .context = &l->came });
}

static void
ask_for_bad_end(troupe_actor *self, void *argument)
{
	last_fault *l = argument;

	(void)troupe_ask(self, l->to, l->type, &l, sizeof l, INT64_MAX, ask_then_disarm, l);
}

START_TEST(test_system_ask_faults_do_not_keep_a_request_from_its_end)
{
	static const uint32_t types[] = { FAIL_OVER, STOP_AFTER, IGNORE };
	static const troupe_status ends[] = { TROUPE_FAILED, TROUPE_UNANSWERED, TROUPE_UNANSWERED };
	bool struck = false;

	for (long n = 1; n < 12; n++) {
		sys_ledger ledger = { 0 };
		troupe *t = asking_open(TROUPE_WORKERS_NONE, &ledger);
		last_fault l = { .to = sys_spawn(t, &bad_end_class, NULL), .n = n, .type = types[_i] };

		act_in(sys_spawn(t, &act_class, NULL), ask_for_bad_end, &l);
		sys_wait(t);
		assert_outcome(l.came, ends[_i]);
		ck_assert_int_eq(l.came.code, types[_i] == FAIL_OVER ? 9 : 0);
		struck |= l.struck;
		sys_close(t, &ledger);
	}
	ck_assert_int_eq(struck, types[_i] == FAIL_OVER);
}
END_TEST

/* --- Calls. --- */

START_TEST(test_system_ask_faults_of_a_call)
{
	static const size_t sizes[] = { 0, 17, 100000 };
	sys_ledger ledger = { 0 };
	responder r = { 0 };
	troupe *t = asking_open(TROUPE_WORKERS_NONE, &ledger);
	troupe_ref to = sys_spawn(t, &responder_class, &r);
	uint32_t failures = 0, unanswered = 0;
	bool struck = true;

	for (long n = 1; struck; n++) {
		troupe_msg *answer = NULL;

		ck_assert_int_lt(n, MANY_FAULTS);
		arm(n);
		troupe_status status = troupe_call(to, ANSWER, data, sizes[_i], INT64_C(100) * TROUPE_SECOND, &answer, NULL);
		struck = tr_fault_struck();
		arm(0);
		/* The answer may be what there was no memory for; the caller's thread runs its actor. */
		ck_assert(struck ? status == TROUPE_NOMEM || status == TROUPE_UNANSWERED : status == TROUPE_OK);
		ck_assert_int_eq(answer != NULL, status == TROUPE_OK);
		troupe_msg_free(&answer);
		failures += status == TROUPE_NOMEM;
		unanswered += status == TROUPE_UNANSWERED;
	}
	ck_assert_uint_ge(failures, 2);
	sys_assert_count(r.handled, unanswered + 1);
	sys_wait(t);
	sys_close(t, &ledger);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("system_ask_faults");
	TCase *tc = tcase_create("faults");

	tcase_add_loop_test(tc, test_system_ask_faults_of_each_call, 0, JOBS);
	tcase_add_loop_test(tc, test_system_ask_faults_do_not_keep_a_request_from_its_end, 0, 3);
	tcase_add_loop_test(tc, test_system_ask_faults_of_a_call, 0, 3);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
