/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

#define MOST_OPTIONS 24
#define HELP_COLUMN  22

/* What the values of everybody's options are while they are parsed. */
static bool help, simulate;
static uint64_t workers, seed = 1;

static const struct sample_option common[] = {
	{ .name = "workers", .count = &workers, .least = 1, .most = TROUPE_WORKERS_MAX,
	    .help = "threads that run the actors (one for each CPU)" },
	{ .name = "seed", .count = &seed, .most = UINT64_MAX, .help = "of all that is random" },
	{ .name = "simulate", .flag = &simulate,
	    .help = "one thread and virtual time: the same seed, the same run" },
	{ .name = "help", .flag = &help, .help = "print this text, and end" },
	{ .name = NULL },
};

/* ---- the help ---- */

static const char *
metavar_of(const struct sample_option *o)
{
	if (o->flag != NULL)
		return "";
	if (o->count != NULL)
		return "N";
	if (o->number != NULL)
		return "X";
	return o->choice != NULL ? "WORD" : o->metavar;
}

static void
print_words(FILE *to, const struct sample_option *o)
{
	for (size_t i = 0; o->words[i] != NULL; i++)
		fprintf(to, "%s%s", i == 0 ? ": " : ", ", o->words[i]);
	fprintf(to, " (%s)", o->words[*o->choice]);
}

/* Called before anything was parsed, so that the value is the default. */
static void
print_option(FILE *to, const struct sample_option *o)
{
	const int width = fprintf(to, "  --%s %s", o->name, metavar_of(o));

	fprintf(to, "%*s %s", width < HELP_COLUMN ? HELP_COLUMN - width : 0, "", o->help);
	if (o->count != NULL && o->count != &workers)
		fprintf(to, " (%" PRIu64 ")", *o->count);
	else if (o->number != NULL)
		fprintf(to, " (%g)", *o->number);
	else if (o->choice != NULL)
		print_words(to, o);
	fputc('\n', to);
}

static void
print_usage(FILE *to, const struct sample *sample)
{
	const char *operands = sample->operands;

	fprintf(to, "usage: %s [OPTION]...%s%s\n\n%s\n", sample->name, operands ? " " : "",
	    operands ? operands : "", sample->about);
	for (const struct sample_option *o = sample->options; o != NULL && o->name != NULL; o++)
		print_option(to, o);
	for (const struct sample_option *o = common; o->name != NULL; o++)
		print_option(to, o);
}

static _Noreturn void
refuse(const struct sample *sample)
{
	fprintf(stderr, "see %s --help\n", sample->name);
	exit(2);
}

/* ---- values ---- */

static bool
parse_count(const char *text, const struct sample_option *o)
{
	char *end;

	errno = 0;
	const uint64_t count = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || count < o->least ||
	    count > o->most)
		return false;
	*o->count = count;
	return true;
}

static bool
parse_number(const char *text, const struct sample_option *o)
{
	char *end;
	const double number = strtod(text, &end);

	/* Neither hexadecimal numbers nor the words that strtod knows. */
	if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0' || *end != '\0' ||
	    !isfinite(number) || number < o->low || number > o->high)
		return false;
	*o->number = number;
	return true;
}

static bool
parse_choice(const char *text, const struct sample_option *o)
{
	for (size_t i = 0; o->words[i] != NULL; i++) {
		if (strcmp(text, o->words[i]) == 0) {
			*o->choice = i;
			return true;
		}
	}
	return false;
}

static void
explain_refusal(const struct sample *sample, const struct sample_option *o, const char *text)
{
	fprintf(stderr, "%s: --%s \"%s\": not ", sample->name, o->name, text);
	if (o->count != NULL) {
		fprintf(stderr, "a whole number from %" PRIu64 " to %" PRIu64, o->least, o->most);
	} else if (o->number != NULL) {
		fprintf(stderr, "a number from %g to %g", o->low, o->high);
	} else {
		fputs("one of", stderr);
		for (size_t i = 0; o->words[i] != NULL; i++)
			fprintf(stderr, " %s", o->words[i]);
	}
	fputc('\n', stderr);
}

static void
apply_option(const struct sample *sample, const struct sample_option *o, const char *text)
{
	bool good = true;

	if (o->flag != NULL)
		*o->flag = true;
	else if (o->count != NULL)
		good = parse_count(text, o);
	else if (o->number != NULL)
		good = parse_number(text, o);
	else if (o->choice != NULL)
		good = parse_choice(text, o);
	else
		*o->text = text;
	if (!good) {
		explain_refusal(sample, o, text);
		refuse(sample);
	}
}

/* ---- the command line ---- */

/* The options of both lists: as we know them, and as getopt does. */
struct known {
	const struct sample_option *options[MOST_OPTIONS];
	struct option names[MOST_OPTIONS + 1];
	int count;
};

static void
add_options(struct known *known, const struct sample_option *list)
{
	for (; list != NULL && list->name != NULL; list++) {
		if (known->count == MOST_OPTIONS) {
			fprintf(stderr, "more than %d options: raise MOST_OPTIONS\n", MOST_OPTIONS);
			abort();
		}
		known->options[known->count] = list;
		known->names[known->count++] = (struct option){
			.name = list->name,
			.has_arg = list->flag != NULL ? no_argument : required_argument,
		};
	}
}

static void
parse_options(const struct sample *sample, const struct known *known, int argc, char **argv)
{
	int index;

	for (;;) {
		const int found = getopt_long(argc, argv, "", known->names, &index);

		if (found == -1)
			return;
		if (found != 0)
			refuse(sample); /* getopt_long has said what is wrong */
		apply_option(sample, known->options[index], optarg);
	}
}

static void
check_operands(const struct sample *sample, char **operands)
{
	if (sample->operands == NULL && operands[0] != NULL)
		fprintf(stderr, "%s: \"%s\" is no option\n", sample->name, operands[0]);
	else if (sample->operands != NULL && operands[0] == NULL)
		fprintf(stderr, "%s: %s is missing\n", sample->name, sample->operands);
	else
		return;
	refuse(sample);
}

/* --help goes before all that is wrong. */
static void
help_if_asked(const struct sample *sample, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		help |= strcmp(argv[i], "--help") == 0;
	if (help) {
		print_usage(stdout, sample);
		exit(fflush(stdout) != 0 || ferror(stdout) != 0);
	}
}

struct sample_settings
sample_parse(const struct sample *sample, int argc, char **argv)
{
	struct known known = { .count = 0 };

	help_if_asked(sample, argc, argv);
	add_options(&known, sample->options);
	add_options(&known, common);
	parse_options(sample, &known, argc, argv);
	check_operands(sample, argv + optind);
	return (struct sample_settings){ sample->name, (int)workers, seed, simulate, argv + optind };
}
