/* SPDX-License-Identifier: MIT */
#include "tests/soak/options.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* Seconds.  Sanitizers make everything slower, and a machine with other work on it too. */
#define PATIENCE (SYS_SANITIZED ? 240 : 60)

static const char usage[] =
    "usage: soak [--minutes N | --rounds N] [--seed S] [--same-seed] [--only NAME,...]\n"
    "            [--patience SECONDS] [--address-space MIB]\n"
    "       soak --list | --help\n"
    "\n"
    "Plays rounds of work with canaries, one recipe after the other, each with a drawn\n"
    "number of workers, quantum and ring, and under drawn disturbances: threads held up\n"
    "anywhere, all threads bound to one CPU, threads from outside that come and go.\n"
    "After each round it looks whether anything was lost, doubled, damaged, out of order\n"
    "or left behind.  At the end, one line for each recipe.\n"
    "\n"
    "  --minutes N          how long; default 1.  The round in hand is finished\n"
    "  --rounds N           instead: so many rounds of each recipe\n"
    "  --seed S             of the first round, from which those of the others come;\n"
    "                       default: one that no run before had\n"
    "  --same-seed          the same seed for every round: to repeat one\n"
    "  --only NAME,...      these recipes; default all\n"
    "  --patience SECONDS   abort, and leave a core, when nothing at all has gone on for\n"
    "                       so long; default 60, with sanitizers 240\n"
    "  --address-space MIB  no more address space than that for the process\n"
    "  --list               the recipes\n"
    "\n"
    "Exit status: 0 when all went well, 1 when not, 2 for a mistake in the options.\n";

static _Noreturn void
refuse(const char *what, const char *which)
{
	fprintf(stderr, "soak: %s: %s\n\n%s", what, which, usage);
	exit(EXIT_USAGE);
}

static uint64_t
parse_number(const char *option, const char *text, uint64_t least, uint64_t most)
{
	char *end;

	if (text == NULL)
		refuse("it needs a value", option);
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < least || value > most)
		refuse("no number, or out of range", text);
	return value;
}

static bool
is_possible(const soak_recipe *recipe)
{
	return !SYS_SANITIZED || recipe->play != soak_play_space;
}

static void
choose(soak_options *options, const char *name, size_t length)
{
	for (size_t i = 0; i < soak_recipe_count; i++)
		if (strlen(soak_recipes[i].name) == length &&
		    strncmp(soak_recipes[i].name, name, length) == 0) {
			if (!is_possible(&soak_recipes[i]))
				refuse("a sanitizer needs more address space than that", name);
			options->chosen[i] = true;
			return;
		}
	refuse("no recipe of that name (see --list)", name);
}

static void
parse_only(soak_options *options, const char *names)
{
	if (names == NULL)
		refuse("it needs a value", "--only");
	memset(options->chosen, 0, sizeof options->chosen);
	for (;;) {
		size_t length = strcspn(names, ",");

		choose(options, names, length);
		if (names[length] == '\0')
			return;
		names += length + 1;
	}
}

static _Noreturn void
list_recipes(void)
{
	for (size_t i = 0; i < soak_recipe_count; i++)
		printf("%-10s %s\n", soak_recipes[i].name, soak_recipes[i].about);
	exit(fflush(stdout) != 0);
}

static _Noreturn void
print_usage(void)
{
	fputs(usage, stdout);
	exit(fflush(stdout) != 0);
}

static uint64_t
fresh_seed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	sys_random random = { (uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid() };
	return sys_next(&random);
}

/* Returns how many words were taken. */
static int
parse_option(soak_options *options, const char *name, const char *value)
{
	if (strcmp(name, "--help") == 0)
		print_usage();
	if (strcmp(name, "--list") == 0)
		list_recipes();
	if (strcmp(name, "--same-seed") == 0) {
		options->same_seed = true;
		return 1;
	}
	if (strcmp(name, "--minutes") == 0)
		options->minutes = parse_number(name, value, 1, 1000000);
	else if (strcmp(name, "--rounds") == 0)
		options->rounds = parse_number(name, value, 1, UINT64_MAX);
	else if (strcmp(name, "--seed") == 0)
		options->seed = parse_number(name, value, 0, UINT64_MAX);
	else if (strcmp(name, "--patience") == 0)
		options->patience = (unsigned)parse_number(name, value, 1, 1000000);
	else if (strcmp(name, "--address-space") == 0)
		options->address_space = parse_number(name, value, 1, 1 << 24);
	else if (strcmp(name, "--only") == 0)
		parse_only(options, value);
	else
		refuse("unknown option", name);
	return 2;
}

soak_options
soak_parse_options(int argc, char **argv)
{
	soak_options options = { .seed = fresh_seed(), .minutes = 1, .patience = PATIENCE };

	for (size_t i = 0; i < soak_recipe_count; i++)
		options.chosen[i] = is_possible(&soak_recipes[i]);
	for (int i = 1; i < argc;)
		i += parse_option(&options, argv[i], argv[i + 1]);
	return options;
}
