/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_TEST_H
#define TROUPE_TEST_H

#include <troupe/message.h>
#include <troupe/runtime.h>
#include <troupe/types.h>

TROUPE_BEGIN

/*
 * For tests of programs that use troupe, whatever library runs them: probes
 * that expect messages, and an explorer that looks for the order of events in
 * which a scenario fails.  With check, a whole test program:
 *
 *   #include <check.h>
 *   #include <troupe.h>
 *   #include <troupe/test.h>
 *
 *   enum { PING = 1, PONG };
 *
 *   static void answer(troupe_actor *self, void *state, const troupe_msg *msg)
 *   {
 *           (void)state;
 *           if (msg->type == PING)
 *                   (void)troupe_reply(self, PONG, NULL, 0);
 *   }
 *
 *   static int scenario(troupe *t, void *context)
 *   {
 *           static const troupe_class class_ = { .name = "ponger", .receive = answer };
 *           troupe_probe *probe = troupe_probe_create(t);
 *
 *           (void)context;
 *           (void)troupe_probe_send(probe, troupe_spawn(t, &class_, NULL), PING, NULL, 0);
 *           bool came = troupe_probe_expect(probe, PONG, TROUPE_SECOND) != NULL;
 *           troupe_probe_destroy(&probe);
 *           return came ? 0 : 1;
 *   }
 *
 *   START_TEST(test_ping_is_answered_in_any_order)
 *   {
 *           ck_assert_int_eq(troupe_explore(&(troupe_exploration){ .name = "ping", .scenario = scenario }, NULL),
 *               TROUPE_OK);
 *   }
 *   END_TEST
 *
 *   int main(void)
 *   {
 *           Suite *suite = suite_create("ping");
 *           TCase *tc = tcase_create("ping");
 *
 *           tcase_add_test(tc, test_ping_is_answered_in_any_order);
 *           suite_add_tcase(suite, tc);
 *           SRunner *runner = srunner_create(suite);
 *           srunner_run_all(runner, CK_ENV);
 *           int failed = srunner_ntests_failed(runner);
 *           srunner_free(runner);
 *           return failed > 0;
 *   }
 */

/*
 * A probe is an actor of the test's: what is sent to it waits for the test to
 * expect it.
 *
 * Its calls are for one thread at a time, outside any callback, while the
 * runtime is open; but destroy may also come after the runtime was closed.
 * Waiting drives a runtime that has no workers.  Under the simulated scheduler
 * the time that a call waits is virtual, and passes at once; else it is real.
 */
typedef struct troupe_probe troupe_probe;

/* NULL: INVALID, NOMEM, CLOSING, FORKED, DEADLOCK inside an actor's callback. */
TROUPE_MUST_USE troupe_probe *troupe_probe_create(troupe *t);

/*
 * Its actor stops, and what was not expected is freed; nulls the pointer.
 * *probe may be NULL.
 */
void troupe_probe_destroy(troupe_probe **probe);

troupe_ref troupe_probe_ref(const troupe_probe *probe);

/*
 * Wait until a message is there, if there is none: is it of that type?  Returns
 * it, to be read until the next call of expect, expect_none, reply or destroy;
 * the one after it is next then.  A request that is not answered until then
 * comes to its end unanswered.
 *
 * NULL, and troupe_last_error_text says what came instead or that nothing did:
 * FAILED, another message is next, and stays so; TIMEOUT, nothing came within
 * that time, or, when it is TROUPE_FOREVER and simulated, nothing is left to
 * do; DEADLOCK inside an actor's callback, or another thread drives the
 * runtime.
 */
const troupe_msg *troupe_probe_expect(troupe_probe *probe, uint32_t type, int64_t within_ns);

/*
 * Whether nothing comes for that time.  false: something is there, and stays
 * next (FAILED, and troupe_last_error_text names it), or it is DEADLOCK as
 * above.
 */
bool troupe_probe_expect_none(troupe_probe *probe, int64_t within_ns);

/* Messages of that type, those that are there too, are as if they had not come.  OK or NOMEM. */
troupe_status troupe_probe_ignore(troupe_probe *probe, uint32_t type);

/* As troupe_send, with the probe as the sender. */
troupe_status troupe_probe_send(troupe_probe *probe, troupe_ref to, uint32_t type, const void *data, size_t size);

/*
 * Answer the message that was expected last: if it is a request, its asker; else
 * its sender gets an ordinary message from the probe.  The message is not to be
 * read any more.  As troupe_answer_kept or troupe_send; INVALID also when
 * nothing was expected, it was answered, or it has no sender.
 */
troupe_status troupe_probe_reply(troupe_probe *probe, uint32_t type, const void *data, size_t size);

/* Let the probe monitor `who`: a message of type TROUPE_DOWN comes when that has stopped.  As troupe_send. */
troupe_status troupe_probe_monitor(troupe_probe *probe, troupe_ref who);

/* What is to be explored.  Zero in any field but scenario is its default. */
typedef struct troupe_exploration {
	const char *name;  /* for reports; default "scenario" */
	/*
	 * Uses t, a simulated runtime that was opened for it, until it has seen
	 * enough: 0 when all was as promised, else a number that says what was
	 * not.  It does not close t.  It may be called thousands of times, with
	 * other orders of events each time, and must do the same in the same
	 * order: depend on nothing but t and what it makes itself.  It should
	 * return where a test would end the process: of a run that crashes or
	 * exits no more is said than how to make it again (on stderr; by a handler
	 * registered with atexit, and by the report of crashes).
	 */
	int (*scenario)(troupe *t, void *context);
	void *context;
	/* To open the runtimes with: faults, for example.  Scheduler, seed, policy and choices are the explorer's. */
	const troupe_options *options;
	uint64_t runs;     /* default 1000 */
	uint64_t seed;     /* of the first run; each other has the next one */
	/* Taken in turn; default: random and PCT. */
	const troupe_policy *policies;
	size_t policy_count;
	uint64_t most_steps;       /* dispatches after which a run has failed, since it does not end; default 1 000 000 */
	uint64_t most_shrink_runs; /* default 2000 */
	/* Called with one line of text, without a newline.  Default: to stderr, and progress if that is a terminal. */
	void (*say)(void *context, const char *text);
	void *say_context;
} troupe_exploration;

/* What came of it.  Free it with troupe_exploration_free. */
typedef struct troupe_exploration_result {
	uint64_t runs;        /* without those of shrinking */
	uint64_t shrink_runs;
	uint64_t most_steps;  /* the k of PCT, */
	uint64_t most_actors; /* and its n */
	/* What follows is for FAILED. */
	int value;            /* what the scenario returned; 0: something else was wrong */
	char *why;            /* in words */
	uint64_t seed;
	troupe_policy policy;
	troupe_faults faults; /* that it takes */
	char *again;          /* the variables that make the run that failed, as in a shell */
	char *shortest;       /* the same of the shortest that fails so; NULL: the run cannot be replayed */
	char *choices;        /* of that, as in troupe_options; NULL as well */
} troupe_exploration_result;

/*
 * Run the scenario again and again, until it fails or was run as often as said.
 * It has failed when it does not return 0, when a run does not end, when
 * closing finds messages or actors without their outcome or the runtime logs
 * an error, or when messages or actors are never given back (this is not looked
 * at while other threads use troupe).
 *
 * Of a run that fails the explorer says seed and policy, and how to make it
 * again.  Then it shrinks the run: it leaves out what it can, first faults and
 * then choices, for as long as the scenario fails with the same number, and
 * prints what is left in the form of TROUPE_CHOICES.
 *
 * With TROUPE_SEED or TROUPE_CHOICES in the environment there is one run, the
 * one that these say; TROUPE_POLICY alone is the only policy then.  Other
 * variables are in force as for any program.
 *
 * Returns OK when it did not fail; FAILED when it did (and
 * troupe_last_error_text says how to make it again); INVALID (no scenario, or
 * options or variables that are wrong, which are named); NOMEM; DEADLOCK inside
 * an actor's callback; FORKED.  *result (may be NULL) is set for OK and FAILED.
 */
troupe_status troupe_explore(const troupe_exploration *what, troupe_exploration_result *result);

/* Frees the texts; result may be NULL. */
void troupe_exploration_free(troupe_exploration_result *result);

TROUPE_END

#endif /* TROUPE_TEST_H */
