/* SPDX-License-Identifier: MIT */
#include <troupe/test.h>

#include "runtime/actor/error.h"
#include "runtime/actor/options.h"
#include "runtime/actor/runtime.h"
#include "runtime/engine/policy.h"
#include "runtime/testing/shrink.h"
#include "runtime/testing/trial.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * explore -- a scenario under many seeds, until it fails; what is said of that,
 * and the search for the shortest run that fails so.
 *
 * Threads    The caller's, which drives every run.
 */

#define DEFAULT_RUNS        1000
#define DEFAULT_SHRINK_RUNS 2000

typedef struct explorer {
	const troupe_exploration *what;
	troupe_options options; /* resolved: the environment is looked at once */
	const troupe_policy *policies;
	size_t policy_count;
	uint64_t first_seed, runs;
	bool follows_length; /* k is the longest run so far */
	bool shows_progress;
	troupe_exploration_result found;
} explorer;

/* --- Saying. --- */

static const char *
name_of(const explorer *e)
{
	return e->what->name != NULL ? e->what->name : "scenario";
}

static void
hide_progress(const explorer *e)
{
	if (e->shows_progress)
		fprintf(stderr, "\r\033[K");
}

static void
show_progress(const explorer *e, const char *what, uint64_t run, uint64_t of)
{
	/* Runs are short: a line for each would take longer than they. */
	if (e->shows_progress && run % 64 == 0)
		fprintf(stderr, "\rtroupe: %s: %s %" PRIu64 " of %" PRIu64, name_of(e), what, run, of);
}

static void say_line(const explorer *e, const char *format, ...) TROUPE_PRINTF(2, 3);

static void
say_line(const explorer *e, const char *format, ...)
{
	va_list arguments;
	char text[1024];

	hide_progress(e);
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (e->what->say != NULL)
		e->what->say(e->what->say_context, text);
	else
		fprintf(stderr, "troupe: %s\n", text);
}

/* Variables may be longer than any line. */
static void
say_variables(const explorer *e, const char *what, const char *variables)
{
	const char *shown = variables != NULL ? variables : "(no memory to say it)";
	size_t size = strlen(what) + strlen(shown) + 1;
	char *text = malloc(size);

	if (text == NULL)
		return;
	snprintf(text, size, "%s%s", what, shown);
	hide_progress(e);
	if (e->what->say != NULL)
		e->what->say(e->what->say_context, text);
	else
		fprintf(stderr, "troupe: %s\n", text);
	free(text);
}

static void
say_bound(const explorer *e)
{
	const troupe_exploration_result *found = &e->found;
	int depth = e->options.depth;

	for (size_t i = 0; i < e->policy_count; i++)
		if (e->policies[i] == TROUPE_POLICY_PCT) {
			say_line(e,
			    "%s: pct: n = %" PRIu64 " actors, k = %" PRIu64
			    " steps: each of its runs finds a bug of depth %d with a "
			    "probability of at least 1 / (n k^%d) = %.3g",
			    name_of(e), found->most_actors, found->most_steps, depth, depth - 1,
			    tr_policy_bound(found->most_actors, found->most_steps, (uint32_t)depth));
			return;
		}
}

/* --- Runs. --- */

static void
note_size(explorer *e, const tr_trial *trial)
{
	if (e->found.most_steps < trial->steps)
		e->found.most_steps = trial->steps;
	if (e->found.most_actors < trial->actors)
		e->found.most_actors = trial->actors;
}

/* The seed's run; the record is the caller's. */
static tr_trial
run_seed(explorer *e, uint64_t seed, troupe_policy policy)
{
	tr_trial trial = { .what = e->what, .options = e->options };

	trial.options.seed = seed;
	trial.options.policy = policy;
	if (e->follows_length && e->found.most_steps > 0)
		trial.options.length = e->found.most_steps;
	tr_trial_run(&trial);
	e->found.runs++;
	note_size(e, &trial);
	return trial;
}

static troupe_policy
policy_of(const explorer *e, uint64_t seed)
{
	return e->policies[(seed - e->first_seed) % e->policy_count];
}

/* Until one fails: true, and *trial is that. */
static bool
run_until_failure(explorer *e, tr_trial *trial)
{
	for (uint64_t i = 0; i < e->runs; i++) {
		uint64_t seed = e->first_seed + i;
		/* How long is a run?  The first one, not by PCT, tells. */
		bool measures = i == 0 && e->follows_length;

		show_progress(e, "run", i, e->runs);
		*trial = run_seed(e, seed,
		    measures && policy_of(e, seed) == TROUPE_POLICY_PCT ? TROUPE_POLICY_ROUND_ROBIN
									: policy_of(e, seed));
		if (trial->verdict != TR_KEPT)
			return true;
		tr_choices_fini(&trial->record);
	}
	return false;
}

/* --- What was found. --- */

static void
shrink_failure(explorer *e, tr_trial *trial)
{
	uint64_t most = e->what->most_shrink_runs != 0 ? e->what->most_shrink_runs : DEFAULT_SHRINK_RUNS;
	tr_shrinking shrinking;

	show_progress(e, "shrinking, runs up to", 0, most);
	tr_shrink(&shrinking, trial, most);
	e->found.shrink_runs = shrinking.runs;
	e->found.faults = shrinking.trial.options.faults;
	if (!shrinking.is_reproduced) {
		say_line(e,
		    "  its choices cannot be replayed: the scenario depends on more than its runtime, or is too long");
	} else {
		e->found.choices = tr_choices_write(&shrinking.shortest);
		if (e->found.choices != NULL)
			e->found.shortest = tr_trial_write_variables(&shrinking.trial.options,
			    e->found.choices);
		say_variables(e, "  shortest: ", e->found.shortest);
	}
	tr_choices_fini(&shrinking.shortest);
}

/* Text from malloc; NULL: out of memory. */
static char *
copy_text(const char *text)
{
	char *copy = malloc(strlen(text) + 1);

	return copy != NULL ? strcpy(copy, text) : NULL;
}

static troupe_status
report_failure(explorer *e, tr_trial *trial)
{
	troupe_exploration_result *found = &e->found;
	bool was_replay = trial->options.policy == TROUPE_POLICY_REPLAY;

	found->value = trial->value;
	found->why = copy_text(trial->why);
	found->seed = trial->options.seed;
	found->policy = trial->options.policy;
	found->faults = trial->options.faults;
	found->again = tr_trial_write_variables(&trial->options, trial->options.choices);
	say_line(e,
	    "%s: failed in run %" PRIu64 " of %" PRIu64 " (seed %" PRIu64 ", %s, %" PRIu64 " steps): %s",
	    name_of(e), found->runs, e->runs, found->seed, tr_policy_name(found->policy), trial->steps,
	    trial->why);
	say_variables(e, "  again: ", found->again);
	if (was_replay)
		tr_choices_fini(&trial->record);
	else
		shrink_failure(e, trial);
	return tr_fail(TROUPE_FAILED, "%.60s failed: %.150s; again with %.200s", name_of(e),
	    found->why != NULL ? found->why : "?",
	    found->shortest != NULL ? found->shortest
	    : found->again != NULL  ? found->again
				    : "?");
}

static troupe_status
explore(explorer *e)
{
	tr_trial trial;

	if (!run_until_failure(e, &trial)) {
		hide_progress(e);
		say_line(e, "%s: %" PRIu64 " runs, none failed", name_of(e), e->found.runs);
		say_bound(e);
		return TROUPE_OK;
	}
	if (trial.verdict == TR_NOT_OPENED)
		return troupe_last_error();
	troupe_status status = report_failure(e, &trial);
	say_bound(e);
	return status;
}

/* --- What is to be done. --- */

static troupe_status
resolve_options(explorer *e)
{
	troupe_options given = { 0 };

	if (e->what->options != NULL)
		given = *e->what->options;
	given.scheduler = TROUPE_SCHEDULER_SIMULATED;
	/* These are the explorer's, unless the environment has them. */
	given.policy = TROUPE_POLICY_RANDOM;
	given.choices = NULL;
	e->follows_length = given.length == 0 && getenv("TROUPE_LENGTH") == NULL;
	troupe_status status = tr_options_resolve(&given, &e->options);
	if (status == TROUPE_OK && e->options.scheduler != TROUPE_SCHEDULER_SIMULATED)
		status = tr_fail(TROUPE_INVALID,
		    "troupe_explore is for the simulated scheduler: not with TROUPE_SCHEDULER=pool");
	return status;
}

static void
plan_runs(explorer *e)
{
	static const troupe_policy defaults[] = { TROUPE_POLICY_RANDOM, TROUPE_POLICY_PCT };
	bool given = e->what->policies != NULL && e->what->policy_count > 0;

	e->policies = given ? e->what->policies : defaults;
	e->policy_count = given ? e->what->policy_count : sizeof defaults / sizeof *defaults;
	if (getenv("TROUPE_POLICY") != NULL) {
		e->policies = &e->options.policy;
		e->policy_count = 1;
	}
	e->first_seed = e->what->seed;
	e->runs = e->what->runs != 0 ? e->what->runs : DEFAULT_RUNS;
	e->shows_progress = e->what->say == NULL && isatty(STDERR_FILENO);
}

/* The environment wants one run: the seed's. */
static void
plan_only_run(explorer *e, troupe_policy *policy)
{
	if (getenv("TROUPE_SEED") == NULL && e->options.policy != TROUPE_POLICY_REPLAY)
		return;
	*policy = policy_of(e, e->options.seed);
	e->policies = policy;
	e->policy_count = 1;
	e->first_seed = e->options.seed;
	e->runs = 1;
	e->follows_length = false;
}

static troupe_status
check_policies(const troupe_exploration *what)
{
	for (size_t i = 0; what->policies != NULL && i < what->policy_count; i++)
		if (tr_policy_name(what->policies[i]) == NULL || what->policies[i] == TROUPE_POLICY_REPLAY)
			return tr_fail(TROUPE_INVALID, "troupe_explore: policy %d cannot be explored with",
			    (int)what->policies[i]);
	return TROUPE_OK;
}

troupe_status
troupe_explore(const troupe_exploration *what, troupe_exploration_result *result)
{
	explorer e = { .what = what };
	troupe_policy only;
	troupe_status status = tr_process_init();

	if (status != TROUPE_OK)
		return status;
	if (what == NULL || what->scenario == NULL)
		return tr_fail(TROUPE_INVALID, "%s: there is no scenario", __func__);
	if (tr_context_mine() == NULL)
		return troupe_last_error();
	if (tr_current_context->current != NULL)
		return tr_fail(TROUPE_DEADLOCK, "%s: a callback would wait for itself", __func__);
	if ((status = check_policies(what)) != TROUPE_OK || (status = resolve_options(&e)) != TROUPE_OK)
		return status;
	plan_runs(&e);
	plan_only_run(&e, &only);
	tr_trial_watch_exit();
	status = explore(&e);
	if (result != NULL && (status == TROUPE_OK || status == TROUPE_FAILED))
		*result = e.found;
	else
		troupe_exploration_free(&e.found);
	return status;
}

void
troupe_exploration_free(troupe_exploration_result *result)
{
	if (result == NULL)
		return;
	free(result->why);
	free(result->again);
	free(result->shortest);
	free(result->choices);
	*result = (troupe_exploration_result){ 0 };
}
