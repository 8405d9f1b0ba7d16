/* SPDX-License-Identifier: MIT */
#include "runtime/platform/base.h"

#include "tests/soak/threads.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TASKS "/proc/self/task"

/*
 * Threads of the runtime block all signals but those that a fault raises, and
 * of these nothing else uses this one.
 */
#define HOLD_UP_SIGNAL SIGSYS

size_t
soak_list_threads(pid_t tids[SOAK_THREADS_MAX])
{
	DIR *tasks = opendir(TASKS);
	const struct dirent *entry;
	size_t count = 0;

	if (tasks == NULL)
		return 0;
	while (count < SOAK_THREADS_MAX && (entry = readdir(tasks)) != NULL)
		if (entry->d_name[0] != '.')
			tids[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
	closedir(tasks);
	return count;
}

/* The first line of one of a thread's files; "?" when it is not to be had. */
static void
read_line(pid_t tid, const char *name, char *line, size_t size)
{
	char path[64];

	snprintf(path, sizeof path, TASKS "/%ld/%s", (long)tid, name);
	FILE *file = fopen(path, "re");
	if (file == NULL || fgets(line, (int)size, file) == NULL)
		snprintf(line, size, "?");
	line[strcspn(line, "\n")] = '\0';
	if (file != NULL)
		fclose(file);
}

int
soak_may_be_held_up(pid_t tid)
{
	char name[32];

	read_line(tid, "comm", name, sizeof name);
	return strncmp(name, "troupe/", 7) == 0 || strncmp(name, "soak/guest", 10) == 0;
}

/* --- Holding up. --- */

#if defined __has_attribute
#if __has_attribute(disable_sanitizer_instrumentation)
#define UNTOUCHED __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef UNTOUCHED
#define UNTOUCHED __attribute__((no_sanitize_thread, no_sanitize_address, no_sanitize_undefined))
#endif

/*
 * It may come at any instruction, inside of a sanitizer's own code too: so it
 * calls nothing but the system, and reads only what the signal carries.
 */
UNTOUCHED static void
stay(int number, siginfo_t *info, void *unused)
{
	const int before = errno;
	const long ns = info->si_value.sival_int;
	const struct timespec span = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	(void)number;
	(void)unused;
	(void)syscall(SYS_nanosleep, &span, NULL);
	errno = before;
}

void
soak_prepare_to_hold_up(void)
{
	struct sigaction action = { .sa_sigaction = stay, .sa_flags = SA_SIGINFO };
	/* Not a sanitizer's, which would do things of its own before and after. */
	int (*real)(int, const struct sigaction *, struct sigaction *);

	*(void **)&real = dlsym(RTLD_NEXT, "sigaction");
	sigemptyset(&action.sa_mask);
	if ((real != NULL ? real : sigaction)(HOLD_UP_SIGNAL, &action, NULL) != 0) {
		perror("soak: sigaction");
		exit(1);
	}
}

void
soak_hold_up(pid_t tid, int64_t ns)
{
	siginfo_t info;

	memset(&info, 0, sizeof info);
	info.si_signo = HOLD_UP_SIGNAL;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = (int)ns;
	(void)syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, HOLD_UP_SIGNAL, &info);
}

/* --- Binding. --- */

static cpu_set_t all_cpus;

static void
learn_cpus(void)
{
	if (CPU_COUNT(&all_cpus) == 0 && sched_getaffinity(0, sizeof all_cpus, &all_cpus) != 0)
		CPU_SET(0, &all_cpus);
}

static void
bind_all(const cpu_set_t *mask)
{
	pid_t tids[SOAK_THREADS_MAX];
	size_t count = soak_list_threads(tids);

	/* One that has ended is refused, and does not matter. */
	for (size_t i = 0; i < count; i++)
		(void)sched_setaffinity(tids[i], sizeof *mask, mask);
}

void
soak_bind_all(unsigned cpu)
{
	cpu_set_t one;

	learn_cpus();
	unsigned skip = cpu % (unsigned)CPU_COUNT(&all_cpus);
	CPU_ZERO(&one);
	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all_cpus) && skip-- == 0) {
			CPU_SET(i, &one);
			break;
		}
	bind_all(&one);
}

void
soak_unbind_all(void)
{
	learn_cpus();
	bind_all(&all_cpus);
}

/* --- Reports. --- */

void
soak_print_threads(FILE *to)
{
	pid_t tids[SOAK_THREADS_MAX];
	size_t count = soak_list_threads(tids);

	for (size_t i = 0; i < count; i++) {
		char name[32], stat[256], where[64], call[128], stack[128];

		read_line(tids[i], "comm", name, sizeof name);
		read_line(tids[i], "stat", stat, sizeof stat);
		read_line(tids[i], "wchan", where, sizeof where);
		read_line(tids[i], "syscall", call, sizeof call);
		read_line(tids[i], "stack", stack, sizeof stack);
		const char *state = strrchr(stat, ')');
		fprintf(to, "  thread %ld %-16s state %c, waits in %s, system call %s, stack %s\n",
		    (long)tids[i], name, state != NULL && state[1] == ' ' ? state[2] : '?', where, call,
		    stack);
	}
}
