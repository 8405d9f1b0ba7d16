/* SPDX-License-Identifier: MIT */

/*
 * troupe-bench -- what this runtime does in a second.
 */
#include "bench.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: troupe-bench WORKLOAD [N [M]] [--workers W] [--runs R] [--csv]\n"
    "       troupe-bench --list | --help\n"
    "\n"
    "Prints, one line a run: name workers operations seconds Mops/s peak-rss-KiB\n"
    "\n"
    "  --workers W  threads of the runtime; default: as many as it finds fit\n"
    "  --runs R     runs, each in a process of its own; default 1\n"
    "  --csv        comma-separated, with a head line, and with the seconds that\n"
    "               opening and closing the runtime took\n"
    "  --list       the workloads: name, N, M, and what N and M count\n"
    "\n"
    "An operation is a message; but an actor for create, idle, skynet, fib and\n"
    "fibwork, a round trip for ask, a timer armed and cancelled for timers, one armed\n"
    "for timersarmed, an actor spawned, monitored, stopped and reported down for\n"
    "supervise, and a restart for restarts.  idle and timersarmed also say on stderr\n"
    "what an actor or a timer takes of memory.  wake and timerslate print lines of\n"
    "their own: how fast an idle runtime is back at work, and how late timers fire\n"
    "while all workers are busy.\n"
    "\n"
    "A run whose result is not what it must be says so, and makes the status 1.\n";

enum { EXIT_WRONG = 1, EXIT_USAGE = 2 };

struct bench_run bench;

static struct {
	int64_t workers; /* 0: the runtime's choice */
	int64_t runs;
	bool csv;
} option = { .runs = 1 };

static const bench_workload *const lists[] = {
	bench_messages,
	bench_actors,
	bench_wake,
	bench_suite_flood,
	bench_suite_meet,
	bench_suite_big,
	bench_suite_wait,
	bench_suite_search,
	bench_depend_ask,
	bench_depend_timers,
	bench_depend_late,
	bench_depend_supervise,
};

enum { LISTS = sizeof lists / sizeof lists[0] };

int64_t
bench_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void
bench_begin(void)
{
	bench.began = bench_clock();
}

void
bench_end(double operations)
{
	bench.ended = bench_clock();
	bench.operations = operations;
}

void
bench_fail(const char *what)
{
	fprintf(stderr, "troupe-bench: %s: %s\n", bench.workload->name, what);
	bench.failed = true;
}

void
bench_abort(const char *what)
{
	bench_fail(what);
	_exit(EXIT_WRONG);
}

void
bench_expect(const char *what, int64_t got, int64_t want)
{
	if (got == want)
		return;
	fprintf(stderr, "troupe-bench: %s: %s: %lld, and it must be %lld\n", bench.workload->name, what,
	    (long long)got, (long long)want);
	bench.failed = true;
}

void *
bench_memory(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		bench_abort("out of memory");
	return p;
}

int64_t
bench_resident(void)
{
	long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f)
		return 0;
	if (fscanf(f, "%*d %lld", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

int
bench_workers(const troupe *t)
{
	char text[4096];
	int workers = 0;

	troupe_config_text(t, text, sizeof text);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "workers = %d", &workers) == 1)
			break;
	}
	return workers;
}

void
bench_default_to_workers(const troupe *t, int64_t *number)
{
	if (*number == 0)
		*number = bench_workers(t);
	if (*number < 1) /* no workers: the main thread does the work */
		*number = 1;
}

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void
bench_sort(int64_t *times, size_t count)
{
	qsort(times, count, sizeof *times, compare_times);
}

static void
print_head(void)
{
	if (option.csv)
		puts("workload,workers,operations,seconds,mops,peak_rss_kib,open_seconds,close_seconds");
	fflush(stdout);
}

static void
print_run(int workers, double open_seconds, double close_seconds)
{
	struct rusage used;
	double seconds = (double)(bench.ended - bench.began) * 1e-9;

	getrusage(RUSAGE_SELF, &used);
	double rate = bench.operations / seconds / 1e6;
	if (option.csv)
		printf("%s,%d,%.0f,%.6f,%.3f,%ld,%.6f,%.6f\n", bench.workload->name, workers,
		    bench.operations, seconds, rate, used.ru_maxrss, open_seconds, close_seconds);
	else
		printf("%s %d %.0f %.4f %.2f %ld\n", bench.workload->name, workers, bench.operations, seconds,
		    rate, used.ru_maxrss);
	fflush(stdout);
}

static void
play_workload(troupe *t)
{
	if (bench.workload->measure) {
		bench.workload->measure(t);
		return;
	}
	bench.workload->start(t);
	if (troupe_wait(t, TROUPE_FOREVER) != TROUPE_OK)
		bench_abort("the runtime did not come to rest");
	if (bench.ended == 0)
		bench_abort("all is quiet, and the work is not done: something was lost");
	if (bench.workload->check)
		bench.workload->check(t);
}

/* One run, in this process: its exit status. */
static int
run_here(void)
{
	const troupe_options options = {
		.size = sizeof options,
		.workers = (int)option.workers,
		.failure = bench.workload->failure,
	};
	int64_t before = bench_clock();
	troupe *t = troupe_open(&options);
	int64_t opened = bench_clock();

	if (!t)
		bench_abort(troupe_last_error_text());
	int workers = bench_workers(t);
	play_workload(t);
	int64_t closing = bench_clock();
	if (troupe_close(t, 10 * TROUPE_SECOND, NULL, NULL) != TROUPE_OK)
		bench_fail("the runtime did not close");
	int64_t closed = bench_clock();
	if (!bench.workload->measure && !bench.failed)
		print_run(workers, (double)(opened - before) * 1e-9, (double)(closed - closing) * 1e-9);
	return bench.failed ? EXIT_WRONG : 0;
}

/* One run in a process of its own: true when it went well. */
static bool
run_apart(void)
{
	fflush(NULL);
	pid_t child = fork();
	int status;

	if (child < 0) {
		perror("troupe-bench: fork");
		return false;
	}
	if (child == 0) {
		status = run_here();
		fflush(NULL);
		_exit(status);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFSIGNALED(status))
		fprintf(stderr, "troupe-bench: %s: ended by signal %d\n", bench.workload->name,
		    WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const bench_workload *
find_workload(const char *name)
{
	for (size_t i = 0; i < LISTS; i++)
		for (const bench_workload *w = lists[i]; w->name; w++)
			if (strcmp(w->name, name) == 0)
				return w;
	return NULL;
}

static void
print_list(void)
{
	for (size_t i = 0; i < LISTS; i++) {
		for (const bench_workload *w = lists[i]; w->name; w++) {
			printf("%-14s %9lld %7lld  N %s", w->name, (long long)w->n, (long long)w->m, w->n_is);
			if (w->m_is)
				printf(", M %s", w->m_is);
			putchar('\n');
		}
	}
}

static _Noreturn void
refuse(const char *what, const char *which)
{
	fprintf(stderr, "troupe-bench: %s: %s\n\n%s", what, which, usage);
	exit(EXIT_USAGE);
}

static int64_t
parse_number(const char *text, int64_t most)
{
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 || value > most)
		refuse("not a number, or out of range", text);
	return value;
}

/* Parse the option at argv[i], and return how many words it took; 0 when it is none. */
static int
parse_option(int argc, char **argv, int i)
{
	const char *name = argv[i];

	if (strncmp(name, "--", 2) != 0)
		return 0;
	if (strcmp(name, "--csv") == 0) {
		option.csv = true;
		return 1;
	}
	bool is_workers = strcmp(name, "--workers") == 0;
	if (!is_workers && strcmp(name, "--runs") != 0)
		refuse("unknown option", name);
	if (i + 1 == argc)
		refuse("an option needs a number", name);
	if (is_workers)
		option.workers = parse_number(argv[i + 1], TROUPE_WORKERS_MAX);
	else
		option.runs = parse_number(argv[i + 1], 1000000);
	return 2;
}

static void
parse_arguments(int argc, char **argv)
{
	int numbers = 0;

	for (int i = 1; i < argc;) {
		int words = parse_option(argc, argv, i);
		if (words > 0) {
			i += words;
			continue;
		}
		const char *word = argv[i++];
		if (!bench.workload) {
			bench.workload = find_workload(word);
			if (!bench.workload)
				refuse("unknown workload (--list shows them)", word);
			bench.n = bench.workload->n;
			bench.m = bench.workload->m;
			continue;
		}
		if (numbers == (bench.workload->m_is ? 2 : 1))
			refuse("one number too many", word);
		*(numbers++ == 0 ? &bench.n : &bench.m) = parse_number(word, INT64_C(1000000000000));
	}
	if (!bench.workload)
		refuse("which workload?", "--list shows them");
}

int
main(int argc, char **argv)
{
	bool went_well = true;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		print_list();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	parse_arguments(argc, argv);
	print_head();
	for (int64_t i = 0; i < option.runs; i++)
		went_well &= run_apart();
	return went_well ? 0 : EXIT_WRONG;
}
