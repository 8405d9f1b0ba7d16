/* SPDX-License-Identifier: MIT */
#include "runtime/actor/options.h"

#include "runtime/actor/error.h"
#include "runtime/engine/choices.h"
#include "runtime/engine/policy.h"
#include "runtime/platform/platform.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "TROUPE_"

/* --- The log. --- */

static void
log_to_stderr(troupe_log_level level, const char *text)
{
	static const char *const names[] = { "error", "warning", "info" };

	if (level != TROUPE_LOG_INFO)
		fprintf(stderr, "troupe: %s: %s\n", names[level], text);
}

void
tr_log(const troupe_options *options, troupe_log_level level, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (options->log != NULL)
		options->log(options->context, level, text);
	else
		log_to_stderr(level, text);
}

/* --- Checks. --- */

static troupe_status
bad_option(const char *name, int64_t value, const char *wanted)
{
	return tr_fail(TROUPE_INVALID, "option %s is %" PRId64 "; it must be %s", name, value, wanted);
}

static troupe_status
bad_variable(const char *name, const char *value, const char *wanted)
{
	return tr_fail(TROUPE_INVALID, "environment variable " PREFIX "%s is \"%.40s\"; it must be %s", name, value,
	    wanted);
}

/* --- Numbers. --- */

#define WORKERS_WANTED "a number from 0 to 1024"
#define QUANTUM_WANTED "a number from 1 to 1000000"
#define RING_WANTED    "a power of two from 4 to 256"
#define CLOSE_WANTED   "a number from 1 to 2147483647"
#define SEED_WANTED    "a number from 0 to 18446744073709551615"
#define CRASH_WANTED   "0 or 1"
#define POLICY_WANTED  "\"random\", \"pct\", \"round-robin\" or \"replay\""
#define DEPTH_WANTED   "a number from 1 to 32"
#define LENGTH_WANTED  "a number from 1 to 18446744073709551615"
#define FAULTS_WANTED  "alloc, late, restart or some of these, each once, up to 1000000000: alloc=1000,late=50"

_Static_assert(TROUPE_DEPTH_MAX == 32 && TROUPE_ODDS_MAX == 1000000000, "the texts say so");

static bool
is_good_ring(int64_t size)
{
	return size >= 4 && size <= 256 && (size & (size - 1)) == 0;
}

/* All of text is a decimal number, or one with 0x. */
static bool
parse_number(const char *text, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	/* Not base 0, which would take a number with a leading zero for an octal one. */
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;

	errno = 0;
	*number = strtoull(text, &end, base);
	return errno == 0 && *end == '\0';
}

/* --- Variables. --- */

static troupe_status
set_workers(troupe_options *options, const char *value)
{
	uint64_t number;

	if (!parse_number(value, &number) || number > TROUPE_WORKERS_MAX)
		return bad_variable("WORKERS", value, WORKERS_WANTED);
	options->workers = number == 0 ? TROUPE_WORKERS_NONE : (int)number;
	return TROUPE_OK;
}

static troupe_status
set_scheduler(troupe_options *options, const char *value)
{
	if (strcmp(value, "pool") == 0)
		options->scheduler = TROUPE_SCHEDULER_POOL;
	else if (strcmp(value, "simulated") == 0)
		options->scheduler = TROUPE_SCHEDULER_SIMULATED;
	else
		return bad_variable("SCHEDULER", value, "\"pool\" or \"simulated\"");
	return TROUPE_OK;
}

static troupe_status
set_seed(troupe_options *options, const char *value)
{
	return parse_number(value, &options->seed) ? TROUPE_OK : bad_variable("SEED", value, SEED_WANTED);
}

static troupe_status
set_quantum(troupe_options *options, const char *value)
{
	uint64_t number;

	if (!parse_number(value, &number) || number < 1 || number > 1000000)
		return bad_variable("QUANTUM", value, QUANTUM_WANTED);
	options->quantum = (int)number;
	return TROUPE_OK;
}

static troupe_status
set_ring(troupe_options *options, const char *value)
{
	uint64_t number;

	if (!parse_number(value, &number) || number > 256 || !is_good_ring((int64_t)number))
		return bad_variable("RING", value, RING_WANTED);
	options->ring = (int)number;
	return TROUPE_OK;
}

static troupe_status
set_close_ms(troupe_options *options, const char *value)
{
	uint64_t number;

	if (!parse_number(value, &number) || number < 1 || number > INT32_MAX)
		return bad_variable("CLOSE_MS", value, CLOSE_WANTED);
	options->close_ms = (int)number;
	return TROUPE_OK;
}

static troupe_status
set_crash_report(troupe_options *options, const char *value)
{
	uint64_t number;

	if (!parse_number(value, &number) || number > 1)
		return bad_variable("CRASH_REPORT", value, CRASH_WANTED);
	options->crash_report = number == 1 ? TROUPE_CRASH_REPORT_ON : TROUPE_CRASH_REPORT_OFF;
	return TROUPE_OK;
}

static troupe_status
set_policy(troupe_options *options, const char *value)
{
	const char *name;

	for (troupe_policy policy = 0; (name = tr_policy_name(policy)) != NULL; policy++)
		if (strcmp(value, name) == 0) {
			options->policy = policy;
			return TROUPE_OK;
		}
	return bad_variable("POLICY", value, POLICY_WANTED);
}

static troupe_status
set_depth(troupe_options *options, const char *value)
{
	uint64_t number;

	if (!parse_number(value, &number) || number < 1 || number > TROUPE_DEPTH_MAX)
		return bad_variable("DEPTH", value, DEPTH_WANTED);
	options->depth = (int)number;
	return TROUPE_OK;
}

static troupe_status
set_length(troupe_options *options, const char *value)
{
	uint64_t number;

	if (!parse_number(value, &number) || number < 1)
		return bad_variable("LENGTH", value, LENGTH_WANTED);
	options->length = number;
	return TROUPE_OK;
}

/* How long a list may be only the memory says: it is not quoted. */
static troupe_status
set_choices(troupe_options *options, const char *value)
{
	tr_choices choices;
	const char *wrong = tr_choices_read(&choices, value);

	if (wrong != NULL)
		return tr_fail(TROUPE_INVALID, "environment variable " PREFIX "CHOICES is \"%.40s\"; it %s", value, wrong);
	tr_choices_fini(&choices);
	options->choices = value;
	return TROUPE_OK;
}

/* One "name=odds" of `length` bytes; false: it is none. */
static bool
set_fault(troupe_faults *faults, const char *text, size_t length)
{
	const struct {
		const char *name;
		uint32_t *odds;
	} all[] = { { "alloc=", &faults->alloc }, { "late=", &faults->late }, { "restart=", &faults->restart } };
	char digits[32];
	uint64_t number;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		size_t before = strlen(all[i].name);

		if (strncmp(text, all[i].name, before) != 0 || length - before >= sizeof digits || *all[i].odds != UINT32_MAX)
			continue;
		memcpy(digits, text + before, length - before);
		digits[length - before] = '\0';
		if (!parse_number(digits, &number) || number > TROUPE_ODDS_MAX)
			return false;
		*all[i].odds = (uint32_t)number;
		return true;
	}
	return false;
}

static uint32_t
odds_or_never(uint32_t odds)
{
	return odds != UINT32_MAX ? odds : 0;
}

/* What is not named is never, whatever the program has set. */
static troupe_status
set_faults(troupe_options *options, const char *value)
{
	troupe_faults faults = { UINT32_MAX, UINT32_MAX, UINT32_MAX }; /* not named yet */
	const char *at = value;

	for (;;) {
		size_t length = strcspn(at, ",");

		if (!set_fault(&faults, at, length))
			return bad_variable("FAULTS", value, FAULTS_WANTED);
		if (at[length] == '\0')
			break;
		at += length + 1;
	}
	options->faults = (troupe_faults){
		.alloc = odds_or_never(faults.alloc),
		.late = odds_or_never(faults.late),
		.restart = odds_or_never(faults.restart),
	};
	return TROUPE_OK;
}

static const struct variable {
	const char *name;
	troupe_status (*set)(troupe_options *options, const char *value);
} variables[] = {
	{ "WORKERS", set_workers },
	{ "SCHEDULER", set_scheduler },
	{ "SEED", set_seed },
	{ "QUANTUM", set_quantum },
	{ "RING", set_ring },
	{ "CLOSE_MS", set_close_ms },
	{ "CRASH_REPORT", set_crash_report },
	{ "POLICY", set_policy },
	{ "DEPTH", set_depth },
	{ "LENGTH", set_length },
	{ "CHOICES", set_choices },
	{ "FAULTS", set_faults },
};

static troupe_status
apply_variable(troupe_options *options, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	size_t length = equals != NULL ? (size_t)(equals - assignment) : strlen(assignment);

	for (size_t i = 0; equals != NULL && i < sizeof variables / sizeof *variables; i++)
		if (strlen(variables[i].name) == length && strncmp(variables[i].name, assignment, length) == 0)
			return variables[i].set(options, equals + 1);
	return tr_fail(TROUPE_INVALID,
	    "environment variable " PREFIX "%.*s is unknown; there are " PREFIX
	    "WORKERS, SCHEDULER, SEED, QUANTUM, RING, CLOSE_MS, CRASH_REPORT, POLICY, DEPTH, LENGTH, CHOICES and FAULTS",
	    (int)(length < 40 ? length : 40), assignment);
}

static troupe_status
apply_environment(troupe_options *options)
{
	troupe_status status = TROUPE_OK;

	for (char **at = environ; at != NULL && *at != NULL && status == TROUPE_OK; at++)
		if (strncmp(*at, PREFIX, strlen(PREFIX)) == 0)
			status = apply_variable(options, *at + strlen(PREFIX));
	return status;
}

/* --- All together. --- */

static troupe_status
check_simulation(const troupe_options *options)
{
	const uint32_t odds[] = { options->faults.alloc, options->faults.late, options->faults.restart };
	tr_choices choices;

	if (tr_policy_name(options->policy) == NULL)
		return bad_option("policy", (int64_t)options->policy, "a troupe_policy");
	if (options->depth < 0 || options->depth > TROUPE_DEPTH_MAX)
		return bad_option("depth", options->depth, DEPTH_WANTED ", or 0 for the default");
	for (size_t i = 0; i < sizeof odds / sizeof *odds; i++)
		if (odds[i] > TROUPE_ODDS_MAX)
			return bad_option("faults", odds[i], "odds up to 1000000000, or 0 for never");
	const char *wrong = options->choices != NULL ? tr_choices_read(&choices, options->choices) : NULL;
	if (wrong != NULL)
		return tr_fail(TROUPE_INVALID, "option choices is \"%.40s\"; it %s", options->choices, wrong);
	if (options->choices != NULL)
		tr_choices_fini(&choices);
	return TROUPE_OK;
}

static troupe_status
check_options(const troupe_options *options)
{
	if (options->workers < TROUPE_WORKERS_NONE || options->workers > TROUPE_WORKERS_MAX)
		return bad_option("workers", options->workers, "from 1 to 1024, 0 for the default, or TROUPE_WORKERS_NONE");
	if (options->scheduler != TROUPE_SCHEDULER_POOL && options->scheduler != TROUPE_SCHEDULER_SIMULATED)
		return bad_option("scheduler", (int64_t)options->scheduler, "a troupe_scheduler");
	if (options->quantum < 0 || options->quantum > 1000000)
		return bad_option("quantum", options->quantum, QUANTUM_WANTED ", or 0 for the default");
	if (options->ring != 0 && !is_good_ring(options->ring))
		return bad_option("ring", options->ring, RING_WANTED ", or 0 for the default");
	if (options->close_ms < 0)
		return bad_option("close_ms", options->close_ms, CLOSE_WANTED ", or 0 for the default");
	if (options->crash_report != TROUPE_CRASH_REPORT_ON && options->crash_report != TROUPE_CRASH_REPORT_OFF)
		return bad_option("crash_report", (int64_t)options->crash_report, "a troupe_crash_report");
	return check_simulation(options);
}

static troupe_status
needs_simulation(const char *option, const char *variable)
{
	return tr_fail(TROUPE_INVALID,
	    "option %s (environment variable " PREFIX "%s) is for the simulated scheduler (" PREFIX "SCHEDULER=simulated)",
	    option, variable);
}

/* Options that are good by themselves may not be so together. */
static troupe_status
check_together(const troupe_options *options)
{
	const troupe_faults *faults = &options->faults;

	if (options->scheduler != TROUPE_SCHEDULER_SIMULATED)
		return options->policy != TROUPE_POLICY_RANDOM             ? needs_simulation("policy", "POLICY")
		       : options->depth != 0                               ? needs_simulation("depth", "DEPTH")
		       : options->length != 0                              ? needs_simulation("length", "LENGTH")
		       : options->choices != NULL                          ? needs_simulation("choices", "CHOICES")
		       : (faults->alloc | faults->late | faults->restart) ? needs_simulation("faults", "FAULTS")
		                                                           : TROUPE_OK;
	if (options->policy == TROUPE_POLICY_REPLAY && options->choices == NULL)
		return tr_fail(TROUPE_INVALID, "policy replay needs option choices (environment variable " PREFIX "CHOICES)");
	if (options->policy != TROUPE_POLICY_REPLAY && options->choices != NULL)
		return tr_fail(TROUPE_INVALID,
		    "option choices (environment variable " PREFIX "CHOICES) needs policy replay (" PREFIX "POLICY=replay)");
	return TROUPE_OK;
}

static void
fill_defaults(troupe_options *options)
{
	bool simulated = options->scheduler == TROUPE_SCHEDULER_SIMULATED;

	options->size = sizeof *options;
	if (simulated)
		options->workers = TROUPE_WORKERS_NONE;
	else if (options->workers == 0)
		options->workers = (int)(tr_cpu_limit() < TROUPE_WORKERS_MAX ? tr_cpu_limit() : TROUPE_WORKERS_MAX);
	if (options->quantum == 0)
		options->quantum = simulated ? 1 : 256;
	if (options->ring == 0)
		options->ring = 256;
	if (options->close_ms == 0)
		options->close_ms = 5000;
	if (options->depth == 0)
		options->depth = 3;
	if (options->length == 0)
		options->length = 1000;
}

troupe_status
tr_options_resolve(const troupe_options *given, troupe_options *effective)
{
	troupe_status status;

	*effective = (troupe_options){ 0 };
	if (given != NULL && given->size != 0 && given->size != sizeof *given)
		return bad_option("size", (int64_t)given->size, "sizeof(troupe_options) of this version, or 0");
	if (given != NULL)
		*effective = *given;
	if ((status = check_options(effective)) != TROUPE_OK || (status = apply_environment(effective)) != TROUPE_OK ||
	    (status = check_together(effective)) != TROUPE_OK)
		return status;
	fill_defaults(effective);
	return TROUPE_OK;
}

int
tr_options_threads(const troupe_options *effective)
{
	return effective->workers == TROUPE_WORKERS_NONE ? 0 : effective->workers;
}
