/* SPDX-License-Identifier: MIT */
#include "runtime/testing/trial.h"

#include "runtime/actor/crash.h"
#include "runtime/actor/runtime.h"
#include "runtime/engine/policy.h"
#include "runtime/engine/simulated.h"
#include "runtime/memory/census.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void decide(tr_trial *trial, tr_verdict verdict, const char *format, ...) TROUPE_PRINTF(3, 4);

/* The first thing that is wrong counts. */
static void
decide(tr_trial *trial, tr_verdict verdict, const char *format, ...)
{
	va_list arguments;

	if (trial->verdict != TR_KEPT)
		return;
	trial->verdict = verdict;
	va_start(arguments, format);
	vsnprintf(trial->why, sizeof trial->why, format, arguments);
	va_end(arguments);
}

/* --- The program's callbacks, and what the trial sees of them. --- */

static void
see_line(void *trial_, troupe_log_level level, const char *text)
{
	tr_trial *trial = trial_;

	if (level == TROUPE_LOG_ERROR)
		decide(trial, TR_LOGGED, "the runtime logged: %s", text);
	if (trial->options.log != NULL)
		trial->options.log(trial->options.context, level, text);
}

static void
see_letter(void *trial_, const troupe_dead_letter *letter)
{
	const tr_trial *trial = trial_;

	trial->options.dead_letter(trial->options.context, letter);
}

static void
see_failure(void *trial_, const troupe_failure *failure)
{
	const tr_trial *trial = trial_;

	trial->options.failure(trial->options.context, failure);
}

static troupe *
open_watched(tr_trial *trial)
{
	troupe_options options = trial->options;

	options.context = trial;
	options.log = see_line;
	if (options.dead_letter != NULL)
		options.dead_letter = see_letter;
	if (options.failure != NULL)
		options.failure = see_failure;
	return tr_runtime_open(&options);
}

/* --- Whatever may happen. --- */

/* What is said when the process crashes or exits in the run; as static as the thread, since a run may never return. */
static _Thread_local char remark[512];

static void
begin_remark(const tr_trial *trial)
{
	char *again = tr_trial_write_variables(&trial->options, trial->options.choices);

	snprintf(remark, sizeof remark, "%.80s: it was in the run of %s",
	    trial->what->name != NULL ? trial->what->name : "scenario", again != NULL ? again : "?");
	free(again);
	tr_crash_remark = remark;
}

static void
say_remark(void)
{
	if (tr_crash_remark != NULL)
		fprintf(stderr, "troupe: exit in %s\n", tr_crash_remark);
}

static void
register_say_remark(void)
{
	/* If it is refused, nothing is said. */
	(void)atexit(say_remark);
}

void
tr_trial_watch_exit(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, register_say_remark);
}

/* --- The run. --- */

static void
close_runtime(tr_trial *trial, troupe *t)
{
	troupe_status status = troupe_close(t, trial->options.close_ms * TROUPE_MS, NULL, NULL);

	if (status != TROUPE_OK)
		decide(trial, TR_NOT_CLOSED, "closing it: %s: %s", troupe_status_name(status),
		    troupe_last_error_text());
}

static void
run_in(tr_trial *trial, troupe *t)
{
	uint64_t most = trial->what->most_steps != 0 ? trial->what->most_steps : 1000000;

	tr_simulation_record(&t->pool);
	tr_simulation_limit(&t->pool, most);
	trial->value = trial->what->scenario(t, trial->what->context);
	/* What it returns after that may be due to that. */
	if (tr_simulation_is_used_up(&t->pool)) {
		trial->value = 0;
		decide(trial, TR_ENDLESS, "it went on after %" PRIu64 " steps", most);
	}
	if (trial->value != 0)
		decide(trial, TR_REFUSED, "the scenario returned %d", trial->value);
	trial->steps = tr_simulation_steps(&t->pool);
	trial->actors = tr_simulation_born(&t->pool);
	trial->record = tr_simulation_take_record(&t->pool);
	close_runtime(trial, t);
}

void
tr_trial_run(tr_trial *trial)
{
	bool alone = tr_context_is_alone();
	uint64_t before = alone ? tr_census_units(&tr_current_context->cache) : 0;
	troupe *t = open_watched(trial);

	if (t == NULL) {
		decide(trial, TR_NOT_OPENED, "%s", troupe_last_error_text());
		return;
	}
	begin_remark(trial);
	run_in(trial, t);
	tr_crash_remark = NULL;
	if (!alone || !tr_context_is_alone() || trial->verdict == TR_NOT_CLOSED)
		return;
	uint64_t after = tr_census_units(&tr_current_context->cache);

	if (after != before)
		decide(trial, TR_LOST,
		    "%" PRId64 " units of %zu bytes, in messages or actors, were not given back",
		    (int64_t)(after - before), TR_UNIT);
}

/* --- Variables. --- */

/* As snprintf. */
static int
write_fixed(const troupe_options *options, char *text, size_t size)
{
	const troupe_faults *faults = &options->faults;
	char pct[64] = "", bad[96] = "";

	if (options->policy == TROUPE_POLICY_PCT)
		snprintf(pct, sizeof pct, " TROUPE_DEPTH=%d TROUPE_LENGTH=%" PRIu64, options->depth,
		    options->length);
	if ((faults->alloc | faults->late | faults->restart) != 0)
		snprintf(bad, sizeof bad,
		    " TROUPE_FAULTS=alloc=%" PRIu32 ",late=%" PRIu32 ",restart=%" PRIu32, faults->alloc,
		    faults->late, faults->restart);
	return snprintf(text, size, "TROUPE_SEED=%" PRIu64 " TROUPE_POLICY=%s%s%s", options->seed,
	    tr_policy_name(options->policy), pct, bad);
}

char *
tr_trial_write_variables(const troupe_options *options, const char *choices)
{
	char fixed[320];
	const char *name = choices != NULL ? " TROUPE_CHOICES=" : "";

	write_fixed(options, fixed, sizeof fixed);
	size_t size = strlen(fixed) + strlen(name) + (choices != NULL ? strlen(choices) : 0) + 1;
	char *text = malloc(size);

	if (text != NULL)
		snprintf(text, size, "%s%s%s", fixed, name, choices != NULL ? choices : "");
	return text;
}
