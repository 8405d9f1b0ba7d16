/* SPDX-License-Identifier: MIT */

/*
 * wordcount -- how often each word comes in some files, the most frequent first.
 *
 * A pipeline with flow control: see words/protocol.h for the actors and what
 * they say to each other.
 */

#include "words/collector.h"
#include "words/counter.h"
#include "words/protocol.h"
#include "words/reader.h"
#include "words/splitter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: wordcount FILE...\n"
    "\n"
    "Counts the words of the files taken together; - is standard input.  Prints\n"
    "what this does, but faster:\n"
    "\n"
    "  export LC_ALL=C\n"
    "  cat FILE... | tr -s '[:space:]' '\\n' | sed '/^$/d' | sort | uniq -c | sort -rn\n";

/* Set by the reader and by the collector, and read after troupe_run. */
static bool read_all, printed;

static bool
spawn_several(troupe *t, const troupe_class *class, const void *argument, troupe_ref *refs, int count)
{
	for (int i = 0; i < count; i++)
		if ((refs[i] = troupe_spawn(t, class, argument)) == 0)
			return false;
	return true;
}

/* The end of the pipeline first, as each actor is told whom to send to. */
static bool
start_pipeline(troupe *t, char *const *files)
{
	bool *const done = &printed;
	struct reader_task task = { .files = files, .read_all = &read_all };
	troupe_ref collector, counters[COUNTERS], reader;

	if (!spawn_several(t, &collector_class, &done, &collector, 1) ||
	    !spawn_several(t, &counter_class, &collector, counters, COUNTERS) ||
	    !spawn_several(t, &splitter_class, counters, task.splitters, SPLITTERS) ||
	    !spawn_several(t, &reader_class, &task, &reader, 1))
		return false;
	for (int i = 0; i < CREDITS; i++)
		if (troupe_send(reader, CREDIT, NULL, 0) != TROUPE_OK)
			return false;
	return true;
}

static void
check_arguments(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0);
	if (argc < 2) {
		fprintf(stderr, "wordcount: no file named\n%s", usage);
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	check_arguments(argc, argv);

	troupe *t = troupe_open(NULL);

	if (t == NULL)
		return EXIT_FAILURE; /* the log, here stderr, says why */
	if (!start_pipeline(t, argv + 1)) {
		fprintf(stderr, "wordcount: %s\n", troupe_last_error_text());
		troupe_shutdown(t);
	}
	return troupe_run(t) == TROUPE_OK && read_all && printed ? EXIT_SUCCESS : EXIT_FAILURE;
}
