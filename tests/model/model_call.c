/* SPDX-License-Identifier: MIT */
/* What troupe_call is made of is its own; here threads call that with contexts of their own. */
#include "runtime/actor/call.c"

#include "tests/model/model.h"

/*
 * The cell of a call: threads that wait for an answer, while others answer in
 * time, late or twice, close the runtime, or drive it.
 *
 * A request goes from the caller to who answers as its token, by an edge like a
 * mailbox's.  The reply is plain, and so is the call on the caller's stack,
 * which the next call uses again.
 */

enum { CALLERS = 2, ANSWERERS = 2, FIRST_CELL = 2, UNITS = FIRST_CELL + 2 * CALLERS };

#define NO_REQUEST UINT64_MAX /* in place of a token: the call was refused */

typedef struct letter {
	troupe_msg msg;
	tr_ticket ticket;
} letter;

static char messages[UNITS * TR_UNIT];
static tr_context contexts[CALLERS + ANSWERERS];
static tr_visit visits[CALLERS + ANSWERERS][2];
static tr_context outsider; /* no worker's, and no dedicated actor's */
static tr_worker driver;
static tr_worker *workers[1] = { &driver };
static _Atomic uint64_t handled, sent;
static troupe runtime;
static letter requests[CALLERS], replies[ANSWERERS];
static _Atomic uint64_t tokens[2 * CALLERS]; /* of the calls in turn: caller 1's first, its second, caller 2's */

/* The harness's own books. */
static uint32_t calls_of[CALLERS], released[ANSWERERS];

_Thread_local tr_context *tr_current_context = &outsider;

/* --- What call.c needs of the rest of the runtime. --- */

static MODEL_UNSEEN unsigned
number_of_call(unsigned caller)
{
	return 2 * caller + calls_of[caller]++;
}

static void
publish(unsigned caller, uint64_t token)
{
	atomic_store_explicit(&tokens[number_of_call(caller)], token, memory_order_release);
}

troupe_status
tr_post(tr_context *context, troupe_ref to, troupe_msg *request)
{
	(void)context;
	(void)to;
	publish(request == &requests[0].msg ? 0 : 1, tr_message_ticket(request)->token);
	return TROUPE_OK;
}

/* A request that was refused, or a late reply. */
void
tr_message_release(tr_cache *cache, troupe_msg *msg)
{
	(void)cache;
	for (unsigned i = 0; i < CALLERS; i++)
		if (msg == &requests[i].msg)
			publish(i, NO_REQUEST);
	for (int i = 0; i < ANSWERERS; i++)
		if (msg == &replies[i].msg) {
			MODEL_CHECK(released[i] == 0);
			released[i]++;
		}
}

troupe_status
tr_fail(troupe_status status, const char *format, ...)
{
	(void)format;
	return status;
}

void
tr_suspect_describe(tr_context *context, char text[TR_SUSPECT_TEXT], troupe_ref target, uint32_t type, int64_t timeout_ns)
{
	(void)context;
	(void)target;
	(void)type;
	(void)timeout_ns;
	text[0] = '\0';
}

bool
tr_runtime_is_driven(const troupe *t)
{
	return t->options.workers == 0;
}

bool
tr_runtime_is_simulated(const troupe *t)
{
	(void)t;
	return false;
}

bool
tr_runtime_is_closing(troupe *t)
{
	return atomic_load_explicit(&t->closing, memory_order_relaxed);
}

bool
tr_runtime_is_shut_down(troupe *t)
{
	(void)t;
	return false;
}

typedef struct goal {
	bool (*is_reached)(void *argument);
	void *argument;
} goal;

static bool
may_sleep(void *what)
{
	const goal *wanted = what;

	return !wanted->is_reached(wanted->argument);
}

/* As in wait.c, where nothing is to be run. */
bool
tr_runtime_drive_until(troupe *t, bool (*is_reached)(void *), void *argument, int64_t timeout_ns, int64_t deadline)
{
	goal what = { is_reached, argument };

	(void)timeout_ns;
	(void)deadline;
	pthread_mutex_lock(&t->lock);
	bool free_to_drive = !t->driven;
	t->driven = true;
	pthread_mutex_unlock(&t->lock);
	if (!free_to_drive)
		return false;
	while (may_sleep(&what))
		tr_worker_sleep(&driver, -1, may_sleep, &what);
	pthread_mutex_lock(&t->lock);
	t->driven = false;
	tr_call_rouse_all(t);
	pthread_mutex_unlock(&t->lock);
	return true;
}

/* --- The threads. --- */

static void
work(tr_worker *of)
{
	(void)of;
}

static void
all_parked(tr_pool *pool)
{
	(void)pool;
}

static const tr_worker_hooks hooks = { .work = work, .all_parked = all_parked };

static void
open_runtime(void)
{
	tr_arenas[TR_MESSAGES] = (tr_arena){ .base = messages, .limit = UNITS };
	for (unsigned i = 0; i < CALLERS + ANSWERERS; i++)
		contexts[i].visits = visits[i];
	for (unsigned i = 0; i < CALLERS; i++) {
		tr_magazine *cells = &contexts[i].cache.messages[TR_LARGE_CELL];

		cells->capacity = 2;
		cells->slots[cells->count++] = FIRST_CELL + 2 * i;
		model_name(&((call_cell *)tr_cell_at(FIRST_CELL + 2 * i))->state, sizeof(uint64_t), "state");
	}
	runtime.number = 1;
	runtime.options.workers = 1;
	MODEL_CHECK(pthread_mutex_init(&runtime.lock, NULL) == 0);
	model_name(&runtime.lock, sizeof runtime.lock, "lock");
	model_name(tokens, sizeof tokens, "token");
	model_name(replies, sizeof replies, "reply");
}

static void
open_driven(void)
{
	open_runtime();
	runtime.options.workers = 0;
	driver.handled = &handled;
	driver.sent = &sent;
	MODEL_CHECK(tr_pool_init(&runtime.pool, workers, 1, 4, &tr_pool_scheduler, &hooks, &runtime) == 0);
	model_name(&runtime.pool.idle, 8, "idle word");
	model_name(&driver.parker, 4, "parker of the driver");
}

static troupe_status
call(unsigned caller, int64_t timeout_ns)
{
	troupe_msg *request = &requests[caller].msg, *answer = NULL;
	troupe_status status;

	request->flag_bits = 0;
	status = call_and_wait(&contexts[caller], &runtime, 1, request, timeout_ns, &answer, NULL);
	model_outcome(status == TROUPE_OK ? 0 : status == TROUPE_TIMEOUT ? 1 : 2);
	MODEL_CHECK((status == TROUPE_OK) == (answer != NULL));
	MODEL_CHECK(answer == NULL || answer->type == 100 + caller);
	return status;
}

static void
call_for_ever_1(void)
{
	MODEL_CHECK(call(0, INT64_MAX) != TROUPE_TIMEOUT);
}

static void
call_for_ever_2(void)
{
	MODEL_CHECK(call(1, INT64_MAX) != TROUPE_TIMEOUT);
}

static void
call_with_deadline(void)
{
	(void)call(0, 1000);
}

static void
call_twice(void)
{
	(void)call(0, 1000);
	MODEL_CHECK(call(0, INT64_MAX) == TROUPE_OK);
}

static void
reach_deadline(void)
{
	model_clock_reach(1000);
}

static void
answer(unsigned answerer, unsigned number)
{
	uint64_t token;

	while ((token = atomic_load_explicit(&tokens[number], memory_order_acquire)) == 0)
		sched_yield();
	if (token == NO_REQUEST)
		return;
	replies[answerer].msg.flag_bits = TR_MSG_REPLY;
	replies[answerer].msg.type = 100 + number / 2;
	MODEL_CHECK(tr_call_deliver(&contexts[CALLERS + answerer], token, &replies[answerer].msg) == TROUPE_OK);
}

static void
answer_first(void)
{
	answer(0, 0);
}

static void
answer_second(void)
{
	answer(1, 1);
}

static void
answer_other(void)
{
	answer(1, 2);
}

static void
close_runtime(void)
{
	atomic_store_explicit(&runtime.closing, true, memory_order_relaxed);
	tr_call_end_all(&runtime);
}

#define ONE_ANSWER "a call ends once, by its own answer, its deadline or the closer, and nobody looks at its stack after that"

static const model_case cases[] = {
	{
	    .name = "answer",
	    .proves = "who waits is roused by the answer, and sees it",
	    .bounds = "1 caller; 1 thread that answers",
	    .gives_up = true,
	    .set_up = open_runtime,
	    .threads = { { "caller", call_for_ever_1 }, { "answerer", answer_first } },
	    .outcomes = 0x1,
	},
	{
	    .name = "deadline",
	    .proves = ONE_ANSWER,
	    .bounds = "1 caller with a deadline, which may pass at any time; 1 thread that answers; 1 early return",
	    .gives_up = true,
	    .early = 1,
	    .set_up = open_runtime,
	    .threads = { { "caller", call_with_deadline }, { "answerer", answer_first }, { "clock", reach_deadline } },
	    .outcomes = 0x3,
	},
	{
	    .name = "late",
	    .proves = ONE_ANSWER,
	    .bounds = "1 caller that calls twice, with the same cell; its first deadline may pass at any time; 2 threads that "
	              "answer a call each; 1 early return",
	    .gives_up = true,
	    .early = 1,
	    .preemptions = 2,
	    .set_up = open_runtime,
	    .threads = { { "caller", call_twice }, { "answerer 1", answer_first }, { "answerer 2", answer_second },
	        { "clock", reach_deadline } },
	    .outcomes = 0x3,
	},
	{
	    .name = "close",
	    .proves = ONE_ANSWER,
	    .bounds = "1 caller; 1 thread that answers; 1 that closes",
	    .gives_up = true,
	    .set_up = open_runtime,
	    .threads = { { "caller", call_for_ever_1 }, { "answerer", answer_first }, { "closer", close_runtime } },
	    .outcomes = 0x5,
	},
	{
	    .name = "drive",
	    .proves = "a caller that drives is roused by its answer, and leaves the driving to another",
	    .bounds = "2 callers, of which one drives at a time, with nothing to run; 2 threads that answer; at most 1 preemption",
	    .gives_up = true,
	    .preemptions = 1,
	    .set_up = open_driven,
	    .threads = { { "caller 1", call_for_ever_1 }, { "caller 2", call_for_ever_2 }, { "answerer 1", answer_first },
	        { "answerer 2", answer_other } },
	    .outcomes = 0x1,
	},
	{
	    .name = "drive-alone",
	    .proves = "a caller that drives is roused by its answer",
	    .bounds = "1 caller, which drives; 1 thread that answers",
	    .gives_up = true,
	    .set_up = open_driven,
	    .threads = { { "caller", call_for_ever_1 }, { "answerer", answer_first } },
	    .outcomes = 0x1,
	},
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "call", cases, sizeof cases / sizeof *cases);
}
