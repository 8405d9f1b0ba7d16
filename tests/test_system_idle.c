/* SPDX-License-Identifier: MIT */

/*
 * Idle costs nothing: when nothing is left to do, every thread of a runtime
 * waits without a time-out, so that nothing but work can wake it.  Asked of
 * the system, which says what a thread waits for; no time passes in here.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
count(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)msg;
	sys_add(*(sys_counter **)state, 1);
}

static const troupe_class pooled_class = {
	.name = "pooled",
	.state_size = sizeof(sys_counter *),
	.start = sys_start_with_pointer,
	.receive = count,
};

static const troupe_class own_class = {
	.name = "own",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(sys_counter *),
	.start = sys_start_with_pointer,
	.receive = count,
};

#if defined __linux__ && defined SYS_futex

enum waiting { CANNOT_TELL, AT_WORK, WITH_TIMEOUT, FOR_EVER };

/* What a thread of this process does: the system call that it waits in, and that one's fourth argument. */
static enum waiting
look_at_thread(const char *id)
{
	char path[300];
	long number = -1;
	unsigned long argument[4];
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/task/%s/syscall", id);
	file = fopen(path, "re");
	if (file == NULL)
		return CANNOT_TELL;
	int fields = fscanf(file, "%ld %lx %lx %lx %lx", &number, &argument[0], &argument[1], &argument[2],
	    &argument[3]);
	fclose(file);
	/* "running", or -1 for one that waits outside a call, on a page for example. */
	if (fields != 5 || number != SYS_futex)
		return AT_WORK;
	return argument[3] == 0 ? FOR_EVER : WITH_TIMEOUT;
}

/* Calls look for each thread but the caller's; how many there are, or -1. */
static int
count_threads(int waiting[FOR_EVER + 1])
{
	char mine[32];
	int threads = 0;
	const struct dirent *entry;
	DIR *tasks = opendir("/proc/self/task");

	if (tasks == NULL)
		return -1;
	memset(waiting, 0, (FOR_EVER + 1) * sizeof *waiting);
	snprintf(mine, sizeof mine, "%ld", syscall(SYS_gettid));
	while ((entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, mine) == 0)
			continue;
		waiting[look_at_thread(entry->d_name)]++;
		threads++;
	}
	closedir(tasks);
	return threads;
}

/* false: the system does not tell. */
static bool
can_look(void)
{
	char id[32];

	snprintf(id, sizeof id, "%ld", syscall(SYS_gettid));
	return look_at_thread(id) != CANNOT_TELL;
}

/* Until all threads wait for ever: if that does not come, the limit of the case ends it. */
static void
await_idle(int threads)
{
	int waiting[FOR_EVER + 1];

	do {
		sched_yield();
		ck_assert_int_ge(count_threads(waiting), threads);
	} while (waiting[FOR_EVER] < threads);
}

/* Voluntary and involuntary switches of all threads but the caller's. */
static long
count_switches(void)
{
	char line[256], path[300];
	long sum = 0, value;
	const struct dirent *entry;
	DIR *tasks = opendir("/proc/self/task");

	snprintf(line, sizeof line, "%ld", syscall(SYS_gettid));
	char mine[256];
	strcpy(mine, line);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, mine) == 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
		FILE *file = fopen(path, "re");
		while (file != NULL && fgets(line, sizeof line, file) != NULL)
			if (sscanf(line, "voluntary_ctxt_switches: %ld", &value) == 1 ||
			    sscanf(line, "nonvoluntary_ctxt_switches: %ld", &value) == 1)
				sum += value;
		if (file != NULL)
			fclose(file);
	}
	if (tasks != NULL)
		closedir(tasks);
	return sum;
}

static int
threads_of(const sys_shape *shape)
{
	return shape->workers > 0 ? shape->workers : 0;
}

START_TEST(test_system_idle_threads_wait_for_ever)
{
	const sys_shape *shape = &sys_shapes[_i];
	bool simulated = shape->scheduler == TROUPE_SCHEDULER_SIMULATED;
	/* A sanitizer may have a thread of its own: only more than what is asked for is all right. */
	int threads = threads_of(shape) + (simulated ? 0 : 3);
	sys_counter handled = 0;

	if (!can_look())
		return;
	troupe *t = sys_open_shape(shape, NULL);
	troupe_ref who[6];

	for (int i = 0; i < 6; i++)
		who[i] = sys_spawn(t, i % 2 ? &own_class : &pooled_class, &handled);
	await_idle(threads);
	for (int round = 0; round < SYS_SCALED(20); round++) {
		for (int i = 0; i < 200; i++)
			sys_send(who[i % 6], 1, NULL, 0);
		sys_wait(t);
		await_idle(threads);
	}
	sys_assert_count(handled, 200 * SYS_SCALED(20));
	sys_close(t, NULL);
}
END_TEST

/* Nor does a wake-up come from what others do: another runtime at full work, or sends to the dead. */
START_TEST(test_system_idle_threads_are_left_alone)
{
	sys_counter handled = 0, other = 0;

	if (!can_look() || SYS_SANITIZED)
		return;
	troupe *idle = sys_open(4, NULL);
	troupe_ref dead = sys_spawn(idle, &pooled_class, &handled);
	troupe_ref own = sys_spawn(idle, &own_class, &handled);

	sys_send(own, 1, NULL, 0);
	sys_assert_status(troupe_stop(dead, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(idle);
	await_idle(5);
	long before = count_switches();
	troupe *busy = sys_open(TROUPE_WORKERS_NONE, NULL);
	troupe_ref who = sys_spawn(busy, &pooled_class, &other);
	for (int i = 0; i < 100000; i++) {
		sys_send(who, 1, NULL, 0);
		sys_assert_status(troupe_send(dead, 1, NULL, 0), TROUPE_DEAD);
		if (i % 100 == 0)
			sys_wait(busy);
	}
	sys_wait(busy);
	ck_assert_int_eq(count_switches(), before);
	sys_close(busy, NULL);
	sys_close(idle, NULL);
}
END_TEST

/* Whoever waits for a runtime that is held waits for ever as well. */
START_TEST(test_system_idle_waiters_wait_for_ever)
{
	if (!can_look())
		return;
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	sys_assert_status(troupe_hold(t), TROUPE_OK);
	pthread_t thread = sys_start(sys_wait_in_thread, t);
	await_idle(threads_of(&sys_shapes[_i]) + 1);
	sys_assert_status(troupe_release(t), TROUPE_OK);
	ck_assert_uint_eq((uintptr_t)sys_join(thread), TROUPE_OK);
	sys_close(t, NULL);
}
END_TEST

enum { QUESTION = 1, TELL };

static sys_counter asked;

static void
await_asked(uint64_t times)
{
	while (sys_get(&asked) < times)
		sched_yield();
}

/* Keeps the request, and answers it when it is told to. */
static void
answer_when_told(troupe_actor *self, void *state, const troupe_msg *msg)
{
	troupe_msg **kept = state;

	if (msg->type == QUESTION) {
		*kept = troupe_keep(self);
		sys_add(&asked, 1);
	} else {
		(void)troupe_answer_kept(kept, 1, NULL, 0);
	}
}

static const troupe_class answering_class = {
	.name = "answering",
	.state_size = sizeof(troupe_msg *),
	.receive = answer_when_told,
};

static void *
call_in_thread(void *who)
{
	return (void *)(uintptr_t)troupe_call(*(troupe_ref *)who, QUESTION, NULL, 0, INT64_MAX, NULL, NULL);
}

/* And so does whoever waits for an answer. */
START_TEST(test_system_idle_callers_wait_for_ever)
{
	const sys_shape *shape = &sys_shapes[_i];

	if (!can_look() || shape->scheduler == TROUPE_SCHEDULER_SIMULATED)
		return;
	troupe *t = sys_open_shape(shape, NULL);
	troupe_ref who = troupe_spawn(t, &answering_class, NULL);
	pthread_t thread = sys_start(call_in_thread, &who);

	await_asked(1);
	await_idle(threads_of(shape) + 1);
	sys_send(who, TELL, NULL, 0);
	ck_assert_uint_eq((uintptr_t)sys_join(thread), TROUPE_OK);
	sys_close(t, NULL);
}
END_TEST

/* One after the other drives; whom the leaving one has roused in vain is asleep again. */
START_TEST(test_system_idle_callers_beside_a_driver_wait_for_ever)
{
	enum { CALLERS = 3 };
	pthread_t threads[CALLERS];
	troupe_ref who[CALLERS];

	if (!can_look())
		return;
	troupe *t = sys_open(TROUPE_WORKERS_NONE, NULL);
	for (int i = 0; i < CALLERS; i++) {
		who[i] = troupe_spawn(t, &answering_class, NULL);
		threads[i] = sys_start(call_in_thread, &who[i]);
		/* The first drives. */
		await_asked((uint64_t)i + 1);
		await_idle(i + 1);
	}
	for (int i = 0; i < CALLERS; i++) {
		await_idle(CALLERS - i);
		sys_send(who[i], TELL, NULL, 0);
		ck_assert_uint_eq((uintptr_t)sys_join(threads[i]), TROUPE_OK);
	}
	sys_close(t, NULL);
}
END_TEST

static TCase *
case_idle(void)
{
	TCase *tc = tcase_create("idle");

	tcase_add_loop_test(tc, test_system_idle_threads_wait_for_ever, 0, sys_shape_count);
	tcase_add_test(tc, test_system_idle_threads_are_left_alone);
	tcase_add_loop_test(tc, test_system_idle_waiters_wait_for_ever, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_idle_callers_wait_for_ever, 0, sys_shape_count);
	tcase_add_test(tc, test_system_idle_callers_beside_a_driver_wait_for_ever);
	return tc;
}

#else

static TCase *
case_idle(void)
{
	(void)pooled_class;
	(void)own_class;
	return tcase_create("idle (nobody here to ask)");
}

#endif

int
main(void)
{
	Suite *suite = suite_create("system_idle");

	suite_add_tcase(suite, case_idle());
	return run_suite(suite);
}
