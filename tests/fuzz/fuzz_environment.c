/* SPDX-License-Identifier: MIT */
#include "runtime/memory/fault.h"
#include "tests/fuzz/input.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>
#include <unistd.h>

/*
 * fuzz_environment -- one input is a set of environment variables and options:
 * troupe_open either works, with what they say, or fails and says which of
 * them is wrong.
 *
 * The first byte has bits for options that make no sense, for memory that runs
 * out, and for an actor that takes the rest for its name.  Else the rest is
 * text, variables separated by newlines; one that lacks the prefix gets it.  A
 * last variable makes each runtime a simulated one, so that none has threads.
 */

#define PREFIX    "TROUPE_"
#define VARIABLES 8
#define LONGEST   200

enum { HAS_WILD_OPTIONS = 1, HAS_FAULT = 2, HAS_NAME = 4 };

static char logged[1024];
static unsigned log_lines;

_Noreturn static void
give_up(const char *what, const char *detail)
{
	fprintf(stderr, "promise broken: environment: %s: %s\n", what, detail);
	abort();
}

static void
take_line(void *context, troupe_log_level level, const char *text)
{
	(void)context;
	(void)level;
	log_lines++;
	snprintf(logged, sizeof logged, "%s", text);
}

/* --- Variables. --- */

typedef struct variables {
	char text[VARIABLES][sizeof PREFIX + LONGEST];
	char *list[VARIABLES + 2];
	unsigned count;
} variables;

static void
add_variable(variables *all, const uint8_t *from, size_t size)
{
	char *text = all->text[all->count];
	bool has_prefix = size >= strlen(PREFIX) && memcmp(from, PREFIX, strlen(PREFIX)) == 0;

	size = size < LONGEST ? size : LONGEST;
	sprintf(text, "%s%.*s", has_prefix ? "" : PREFIX, (int)size, (const char *)from);
	all->list[all->count++] = text;
}

static void
read_variables(variables *all, fuzz_input *in)
{
	static char simulated[] = PREFIX "SCHEDULER=simulated";

	all->count = 0;
	while (in->at < in->end && all->count < VARIABLES) {
		const uint8_t *line_end = memchr(in->at, '\n', (size_t)(in->end - in->at));
		size_t size = (size_t)((line_end != NULL ? line_end : in->end) - in->at);

		add_variable(all, in->at, size);
		in->at = line_end != NULL ? line_end + 1 : in->end;
	}
	all->list[all->count] = simulated;
	all->list[all->count + 1] = NULL;
}

/* --- Options. --- */

static int
pick_number(fuzz_input *in)
{
	static const int numbers[] = { 0, 1, -1, 2, 3, 4, 8, 255, 256, 257, 1000000, 1000001, INT32_MAX,
		INT32_MIN };

	return numbers[fuzz_below(in, sizeof numbers / sizeof *numbers)];
}

typedef struct choice_list {
	const char *text;
	bool is_right;
} choice_list;

static const choice_list choice_lists[] = { { NULL, true }, { "0,1*56", true }, { "0*12,3,0*5,1", true },
	{ "7*4294967295", true }, { "x", false }, { "1*", false }, { "1,,2", false }, { "-1", false },
	{ "@/nowhere/at/all", false } };

#define CHOICE_LISTS (sizeof choice_lists / sizeof *choice_lists)

static bool
has_right_choices(const troupe_options *o)
{
	for (size_t i = 0; i < CHOICE_LISTS; i++)
		if (o->choices == choice_lists[i].text)
			return choice_lists[i].is_right;
	return false;
}

static uint32_t
pick_odds(fuzz_input *in)
{
	static const uint32_t odds[] = { 0, 1, 1000, TROUPE_ODDS_MAX, TROUPE_ODDS_MAX + 1, UINT32_MAX };

	return odds[fuzz_below(in, sizeof odds / sizeof *odds)];
}

static void
pick_simulation(fuzz_input *in, troupe_options *options)
{
	options->policy = (troupe_policy)fuzz_below(in, 5);
	options->depth = pick_number(in);
	options->length = fuzz_below(in, 4) == 0 ? UINT64_MAX : fuzz_byte(in);
	options->choices = choice_lists[fuzz_below(in, CHOICE_LISTS)].text;
	options->faults = (troupe_faults){ .alloc = pick_odds(in),
		.late = pick_odds(in),
		.restart = pick_odds(in) };
}

static troupe_options
pick_options(fuzz_input *in)
{
	static const size_t sizes[] = { sizeof(troupe_options), 0, 1, sizeof(troupe_options) + 8, SIZE_MAX };
	troupe_options options = { .log = take_line };

	options.size = sizes[fuzz_below(in, 5)];
	options.workers = pick_number(in);
	options.scheduler = (troupe_scheduler)fuzz_below(in, 3);
	options.seed = fuzz_byte(in);
	options.quantum = pick_number(in);
	options.ring = pick_number(in);
	options.close_ms = pick_number(in);
	options.crash_report = (troupe_crash_report)fuzz_below(in, 3);
	if (fuzz_byte(in) % 2 == 0)
		pick_simulation(in, &options);
	return options;
}

static bool
is_right_number(int value, int least, int most)
{
	return value >= least && value <= most;
}

static const char *
find_wrong_simulation(const troupe_options *o)
{
	bool faults = o->faults.alloc <= TROUPE_ODDS_MAX && o->faults.late <= TROUPE_ODDS_MAX &&
		      o->faults.restart <= TROUPE_ODDS_MAX;

	return (unsigned)o->policy > TROUPE_POLICY_REPLAY        ? "option policy"
	       : !is_right_number(o->depth, 0, TROUPE_DEPTH_MAX) ? "option depth"
	       : !faults                                         ? "option faults"
	       : !has_right_choices(o)                           ? "option choices"
								 : NULL;
}

/* Which option is wrong, as the header tells it; NULL: none. */
static const char *
find_wrong_option(const troupe_options *o)
{
	bool ring = o->ring == 0 || (is_right_number(o->ring, 4, 256) && (o->ring & (o->ring - 1)) == 0);

	return o->size != 0 && o->size != sizeof *o                                    ? "option size"
	       : !is_right_number(o->workers, TROUPE_WORKERS_NONE, TROUPE_WORKERS_MAX) ? "option workers"
	       : (unsigned)o->scheduler > 1                                            ? "option scheduler"
	       : !is_right_number(o->quantum, 0, 1000000)                              ? "option quantum"
	       : !ring                                                                 ? "option ring"
	       : o->close_ms < 0                                                       ? "option close_ms"
	       : (unsigned)o->crash_report > 1                                         ? "option crash_report"
										       : find_wrong_simulation(o);
}

/* --- What came of it. --- */

static void
check_named(const char *named, const char *error)
{
	if (strstr(error, named) == NULL)
		give_up(named, error);
}

/* The error says which variable: all of its name, or as much as is shown of a long one. */
static bool
names_a_variable(const variables *all, const char *error)
{
	for (unsigned i = 0; i < all->count; i++) {
		char name[sizeof PREFIX + 40];
		size_t length = strcspn(all->text[i], "=");

		snprintf(name, sizeof name, "%.*s",
		    (int)(length < sizeof name - 1 ? length : sizeof name - 1), all->text[i]);
		if (strstr(error, name) != NULL)
			return true;
	}
	return false;
}

/* Each is good by itself, and they are not so together: unless a variable says otherwise. */
static bool
is_in_two_minds(const troupe_options *o)
{
	return (o->policy == TROUPE_POLICY_REPLAY) != (o->choices != NULL);
}

static void
check_failure(const variables *all, const troupe_options *options)
{
	troupe_status status = troupe_last_error();
	const char *error = troupe_last_error_text(), *wrong = find_wrong_option(options);

	/* A list of choices is too long when there is no memory for it. */
	if (tr_fault_struck() &&
	    (status == TROUPE_NOMEM || strstr(error, "must be short enough for the memory") != NULL))
		return;
	if (status != TROUPE_INVALID)
		give_up("open fails with another status than INVALID", troupe_status_name(status));
	if (wrong != NULL)
		check_named(wrong, error);
	else if (!names_a_variable(all, error) &&
		 !(is_in_two_minds(options) && strstr(error, "choices") != NULL))
		give_up("no variable is named", error);
	/* Options of another size say nothing of a log.  Its lines are cut. */
	if ((options->size == 0 || options->size == sizeof *options) &&
	    (log_lines != 1 || strncmp(logged, error, 200) != 0))
		give_up("the log is not told of the error", error);
}

/* What the header calls a number, with a digit at least. */
static bool
is_number(const char *text)
{
	const char *digits = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? "0123456789abcdefABCDEF"
										  : "0123456789";
	const char *from = strlen(digits) > 10 ? text + 2 : text;

	return *from != '\0' && strspn(from, digits) == strlen(from);
}

/* A variable that was taken is known and well-formed; the last of a name is what the configuration says. */
static void
check_variable(const char *variable, const char *config, bool is_last)
{
	static const char *const names[][2] = { { "SEED", "seed" }, { "QUANTUM", "quantum" },
		{ "RING", "ring" }, { "CLOSE_MS", "close_ms" }, { "WORKERS", NULL }, { "CRASH_REPORT", NULL },
		{ "DEPTH", NULL }, { "LENGTH", NULL } };
	const char *name = variable + strlen(PREFIX), *value = strchr(name, '=');
	char line[64];

	if (value == NULL)
		give_up("one without a value was taken", variable);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strlen(names[i][0]) != (size_t)(value - name) ||
		    strncmp(name, names[i][0], strlen(names[i][0])) != 0)
			continue;
		if (!is_number(value + 1))
			give_up("one that is no number was taken", variable);
		snprintf(line, sizeof line, "%s = %llu\n", names[i][1] != NULL ? names[i][1] : "",
		    strtoull(value + 1, NULL,
			value[1] == '0' && (value[2] == 'x' || value[2] == 'X') ? 16 : 10));
		if (names[i][1] != NULL && is_last && strstr(config, line) == NULL)
			give_up(line, config);
		return;
	}
	/* Of these the values are a language of their own. */
	if (strncmp(name, "POLICY=", 7) == 0 || strncmp(name, "CHOICES=", 8) == 0 ||
	    strncmp(name, "FAULTS=", 7) == 0)
		return;
	if (strcmp(variable, PREFIX "SCHEDULER=pool") != 0 &&
	    strcmp(variable, PREFIX "SCHEDULER=simulated") != 0)
		give_up("one that is unknown was taken", variable);
}

static void
check_variables(const variables *all, const char *config)
{
	for (unsigned i = 0; i < all->count; i++) {
		bool is_last = true;

		for (unsigned k = i + 1; k < all->count; k++)
			is_last &= strncmp(all->text[i], all->text[k], strcspn(all->text[i], "=") + 1) != 0;
		check_variable(all->text[i], config, is_last);
	}
}

static void
check_config(troupe *t, const variables *all)
{
	char text[1024];
	size_t length = troupe_config_text(t, text, sizeof text), cut = length / 2;
	char part[sizeof text];

	if (length == 0 || length >= sizeof text || strlen(text) != length)
		give_up("the text of the configuration has another length", text);
	if (troupe_config_text(t, part, cut) != length || strncmp(part, text, cut - 1) != 0 ||
	    part[cut - 1] != '\0')
		give_up("a part of the configuration is not its beginning", text);
	check_variables(all, text);
}

/* --- Names. --- */

static fuzz_input names_input;

static int
use_names(troupe_actor *self, void *state, const void *argument)
{
	char name[300];
	size_t size = (size_t)(names_input.end - names_input.at);

	(void)state;
	(void)argument;
	size = size < sizeof name - 1 ? size : sizeof name - 1;
	memcpy(name, names_input.at, size);
	name[size] = '\0';
	size = strlen(name);
	troupe_status expected = size >= 1 && size <= TROUPE_NAME_MAX ? TROUPE_OK : TROUPE_INVALID;
	troupe_status status = troupe_register(self, name);
	if (status != expected)
		give_up(name, troupe_status_name(status));
	if (troupe_lookup(troupe_of(self), name) != (status == TROUPE_OK ? troupe_self(self) : 0))
		give_up(name, "another is found");
	status = troupe_set_name(self, name);
	if (status != (size <= TROUPE_NAME_MAX ? TROUPE_OK : TROUPE_INVALID))
		give_up(name, troupe_status_name(status));
	if (status == TROUPE_OK && strcmp(troupe_name(self), name) != 0)
		give_up(name, troupe_name(self));
	if (troupe_unregister(self, name) != expected || troupe_lookup(troupe_of(self), name) != 0)
		give_up(name, "it cannot be unregistered");
	troupe_fail(self, 1, "%s", name);
	return 0;
}

static void
ignore_failure(void *context, const troupe_failure *failure)
{
	(void)context;
	if (strlen(failure->text) > TROUPE_FAILURE_MAX || strlen(failure->actor_name) > TROUPE_NAME_MAX)
		give_up("a failure's text is too long", failure->text);
}

static void
ignore_message(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)state;
	(void)msg;
}

static void
run_names(troupe *t)
{
	static const troupe_class class_ = { .name = "named", .start = use_names, .receive = ignore_message };

	if (troupe_spawn(t, &class_, NULL) != 0 || troupe_last_error() != TROUPE_REFUSED)
		give_up("one that failed to start was spawned", troupe_last_error_text());
}

/* --- One run. --- */

static void
close_runtime(troupe *t)
{
	troupe_status status = troupe_close(t, TROUPE_FOREVER, NULL, NULL);

	if (status != TROUPE_OK)
		give_up("close", troupe_status_name(status));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static variables all;
	fuzz_input in = { data, data + size };
	char **environment = environ;
	uint8_t how = fuzz_byte(&in);
	troupe_options options = { .size = sizeof options,
		.log = take_line,
		.crash_report = TROUPE_CRASH_REPORT_OFF };

	log_lines = 0;
	if (how & HAS_WILD_OPTIONS)
		options = pick_options(&in);
	options.failure = ignore_failure;
	names_input = in;
	if (how & HAS_NAME)
		in.end = in.at;
	read_variables(&all, &in);
	environ = all.list;
	tr_fault_arm(how & HAS_FAULT ? 1 + how / 8 : 0);
	troupe *t = troupe_open(&options);
	environ = environment;
	if (t == NULL)
		check_failure(&all, &options);
	tr_fault_arm(0);
	if (t == NULL)
		return 0;
	if (find_wrong_option(&options) != NULL)
		give_up("a wrong option was taken", find_wrong_option(&options));
	check_config(t, &all);
	if (how & HAS_NAME)
		run_names(t);
	close_runtime(t);
	return 0;
}
