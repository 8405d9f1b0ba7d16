/* SPDX-License-Identifier: MIT */

/*
 * Limits: little address space, until no actor more fits; and more actors
 * than anybody needs.  Each in a process of its own.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

static void
count_message(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)msg;
	(*(uint32_t *)state)++;
}

static const troupe_class counter_class = {
	.name = "counter",
	.state_size = sizeof(uint32_t),
	.receive = count_message,
};

/* Leaves the process with a line when something is not as it should be. */
#define demand(condition)                                                             \
	do {                                                                          \
		if (!(condition)) {                                                   \
			fprintf(stderr, "line %d: not %s\n", __LINE__, #condition); \
			_exit(3);                                                     \
		}                                                                     \
	} while (0)

static void
assert_child_ended(int (*body)(void *), void *argument)
{
	sys_ending ending;

	sys_run_child(&ending, body, argument);
	ck_assert_msg(ending.status == 0, "the child ended with %x and said: %s", (unsigned)ending.status, ending.text);
}

static void
ignore_line(void *context, troupe_log_level level, const char *text)
{
	(void)context;
	(void)level;
	(void)text;
}

/* --- Little address space. --- */

struct limit {
	uint64_t more; /* bytes beyond what the process has already */
	size_t state_size;
	int workers;
};

static uint64_t
address_space(void)
{
	unsigned long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* More than the threads' own stores of free places hold. */
#define LAST 1024

/* Spawn until it fails; the number of actors, and the last of them. */
static uint64_t
fill_with_actors(troupe *t, const troupe_class *class_, troupe_ref last[LAST])
{
	uint64_t count = 0;
	troupe_ref ref;

	while ((ref = troupe_spawn(t, class_, NULL)) != 0)
		last[count++ % LAST] = ref;
	return count;
}

static int
live_in_little_space(void *argument)
{
	const struct limit *limit = argument;
	troupe_class class_ = counter_class;
	const rlim_t bytes = (rlim_t)(address_space() + limit->more);
	troupe_ref last[LAST] = { 0 };

	demand(setrlimit(RLIMIT_AS, &(struct rlimit){ bytes, bytes }) == 0);
	class_.state_size = limit->state_size;
	troupe *t = troupe_open(&(troupe_options){ .workers = limit->workers, .log = ignore_line });
	if (t == NULL) {
		demand(troupe_last_error() == TROUPE_NOMEM);
		return 0;
	}
	uint64_t count = fill_with_actors(t, &class_, last);
	demand(troupe_last_error() == TROUPE_NOMEM);
	demand(count > 100);

	/* There is room for messages, or it is said that there is none. */
	uint64_t accepted = 0;
	for (int i = 0; i < 10000; i++) {
		troupe_status status = troupe_send(last[0], 1, &i, sizeof i);

		demand(status == TROUPE_OK || status == TROUPE_NOMEM);
		accepted += status == TROUPE_OK;
	}
	demand(troupe_wait(t, TROUPE_FOREVER) == TROUPE_OK);
	troupe_totals totals;
	troupe_get_totals(t, &totals);
	demand(totals.handled == accepted && totals.spawned == count);

	/* Places that became free are taken again. */
	uint64_t asked = 0;
	for (uint64_t i = 0; i < LAST && i < count; i++)
		asked += troupe_stop(last[i], TROUPE_STOP_NOW) == TROUPE_OK;
	demand(troupe_wait(t, TROUPE_FOREVER) == TROUPE_OK);
	troupe_get_totals(t, &totals);
	demand(totals.stopped == asked && asked > 0);
	demand(asked < LAST || troupe_spawn(t, &class_, NULL) != 0);
	demand(troupe_close(t, TROUPE_FOREVER, NULL, NULL) == TROUPE_OK);
	return 0;
}

static const struct limit limits[] = {
	{ 1 * MIB, 4, TROUPE_WORKERS_NONE },
	{ 16 * MIB, 4, TROUPE_WORKERS_NONE },
	{ 64 * MIB, 4, TROUPE_WORKERS_NONE },
	{ 64 * MIB, 100000, TROUPE_WORKERS_NONE },
	{ 128 * MIB, 4, TROUPE_WORKERS_NONE },
	{ 1024 * MIB, 200000, TROUPE_WORKERS_NONE },
	/* The threads' stacks do not fit, or just so. */
	{ 64 * MIB, 4, 2 },
	{ 128 * MIB, 4, 64 },
	{ 1024 * MIB, 200000, 4 },
};
#define LIMITS ((int)(sizeof limits / sizeof *limits))

START_TEST(test_system_limits_little_address_space)
{
	/* The sanitizers' own memory would have to fit, too. */
	if (SYS_SANITIZED || address_space() == 0)
		return;
	struct limit limit = limits[_i];

	assert_child_ended(live_in_little_space, &limit);
}
END_TEST

/* --- Very many actors. --- */

static int
have_very_many(void *argument)
{
	uint64_t count = *(const uint64_t *)argument;
	troupe *t = troupe_open(&(troupe_options){ .workers = 1 });
	troupe_ref *ref = malloc(count * sizeof *ref);
	troupe_totals totals;

	demand(t != NULL && ref != NULL);
	for (uint64_t i = 0; i < count; i++) {
		ref[i] = troupe_spawn(t, &counter_class, NULL);
		demand(ref[i] != 0);
	}
	/* No handle twice: those that were never stopped ascend, or not, but differ from their neighbours. */
	for (uint64_t i = 1; i < count; i++)
		demand(ref[i] != ref[i - 1]);
	for (uint64_t i = 0; i < count; i += 7)
		demand(troupe_send(ref[i], 1, NULL, 0) == TROUPE_OK);
	demand(troupe_wait(t, TROUPE_FOREVER) == TROUPE_OK);
	troupe_get_totals(t, &totals);
	demand(totals.spawned == count && totals.handled == (count + 6) / 7 && totals.stopped == 0);
	for (uint64_t i = 0; i < count; i += 2)
		demand(troupe_stop(ref[i], TROUPE_STOP_NOW) == TROUPE_OK);
	demand(troupe_wait(t, TROUPE_FOREVER) == TROUPE_OK);
	troupe_get_totals(t, &totals);
	demand(totals.stopped == (count + 1) / 2);
	for (uint64_t i = 0; i < 1000; i++)
		demand(troupe_send(ref[i], 1, NULL, 0) == (i % 2 == 0 ? TROUPE_DEAD : TROUPE_OK));
	demand(troupe_close(t, TROUPE_FOREVER, NULL, NULL) == TROUPE_OK);
	free(ref);
	return 0;
}

START_TEST(test_system_limits_four_million_actors)
{
	uint64_t count = SYS_SANITIZED ? 50000 : 4000000;

	assert_child_ended(have_very_many, &count);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_limits");
	TCase *tc = tcase_create("limits");

	tcase_add_loop_test(tc, test_system_limits_little_address_space, 0, LIMITS);
	tcase_add_test(tc, test_system_limits_four_million_actors);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
