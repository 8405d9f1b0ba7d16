/* SPDX-License-Identifier: MIT */
#include "tests/system.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- Random numbers. --- */

uint64_t
sys_seed(const char *test)
{
	const char *given = getenv("TEST_SEED");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t fresh = (uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid();
	uint64_t seed = given != NULL ? (uint64_t)strtoull(given, NULL, 0) : fresh;

	printf("%s: TEST_SEED=%" PRIu64 "\n", test, seed);
	fflush(stdout);
	return seed;
}

uint64_t
sys_next(sys_random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint32_t
sys_below(sys_random *random, uint32_t limit)
{
	return (uint32_t)((sys_next(random) >> 32) * limit >> 32);
}

/* --- Gates. --- */

void
sys_gate_init(sys_gate *gate)
{
	*gate = (sys_gate)SYS_GATE_CLOSED;
}

void
sys_gate_pass(sys_gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->arrived++;
	pthread_cond_broadcast(&gate->changed);
	while (!gate->open)
		pthread_cond_wait(&gate->changed, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

void
sys_gate_await(sys_gate *gate, uint64_t arrived)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->arrived < arrived)
		pthread_cond_wait(&gate->changed, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

void
sys_gate_open(sys_gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->open = true;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

/* --- Runtimes. --- */

/* Several for each processor of most machines.  Under a sanitizer a thread costs as much as a short test. */
#define MANY (SYS_SANITIZED ? 16 : 64)

const sys_shape sys_shapes[] = {
	{ "1 worker", 1, 0, 0, TROUPE_SCHEDULER_POOL },
	{ "2 workers", 2, 0, 0, TROUPE_SCHEDULER_POOL },
	{ "3 workers", 3, 0, 0, TROUPE_SCHEDULER_POOL },
	{ "8 workers", 8, 0, 0, TROUPE_SCHEDULER_POOL },
	{ "many workers", MANY, 0, 0, TROUPE_SCHEDULER_POOL },
	{ "2 workers, quantum 1, ring 4", 2, 1, 4, TROUPE_SCHEDULER_POOL },
	{ "8 workers, quantum 1, ring 4", 8, 1, 4, TROUPE_SCHEDULER_POOL },
	{ "3 workers, quantum 7, ring 8", 3, 7, 8, TROUPE_SCHEDULER_POOL },
	{ "no workers", TROUPE_WORKERS_NONE, 0, 0, TROUPE_SCHEDULER_POOL },
	{ "simulated", 0, 0, 0, TROUPE_SCHEDULER_SIMULATED },
};
const int sys_shape_count = sizeof sys_shapes / sizeof *sys_shapes;

static void
take_letter(void *context, const troupe_dead_letter *letter)
{
	sys_ledger *ledger = context;

	sys_add(&ledger->dead[letter->reason], 1);
	if (ledger->letter != NULL)
		ledger->letter(ledger->context, letter);
}

static void
take_line(void *context, troupe_log_level level, const char *text)
{
	sys_ledger *ledger = context;

	sys_add(&ledger->logged, 1);
	fprintf(stderr, "logged (%d): %s\n", (int)level, text);
}

troupe *
sys_open_with(troupe_options options, sys_ledger *ledger)
{
	options.size = sizeof options;
	if (ledger != NULL) {
		options.context = ledger;
		options.dead_letter = take_letter;
		options.log = take_line;
	}
	troupe *t = troupe_open(&options);

	ck_assert_msg(t != NULL, "troupe_open: %s: %s", troupe_status_name(troupe_last_error()),
	    troupe_last_error_text());
	return t;
}

troupe *
sys_open(int workers, sys_ledger *ledger)
{
	return sys_open_with((troupe_options){ .workers = workers }, ledger);
}

troupe_options
sys_options_of(const sys_shape *shape)
{
	return (troupe_options){
		.workers = shape->workers,
		.quantum = shape->quantum,
		.ring = shape->ring,
		.scheduler = shape->scheduler,
	};
}

troupe *
sys_open_shape(const sys_shape *shape, sys_ledger *ledger)
{
	return sys_open_with(sys_options_of(shape), ledger);
}

void
sys_ignore_failure(void *context, const troupe_failure *failure)
{
	(void)context;
	(void)failure;
}

troupe *
sys_open_tolerant(const sys_shape *shape, sys_ledger *ledger)
{
	troupe_options options = sys_options_of(shape);

	options.failure = sys_ignore_failure;
	return sys_open_with(options, ledger);
}

troupe_totals
sys_wait(troupe *t)
{
	troupe_totals totals;

	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_OK);
	troupe_get_totals(t, &totals);
	ck_assert_uint_eq(totals.accepted, totals.handled + totals.dead);
	return totals;
}

void
sys_close(troupe *t, sys_ledger *ledger)
{
	sys_assert_status(troupe_close(t, TROUPE_FOREVER, NULL, NULL), TROUPE_OK);
	if (ledger != NULL)
		sys_assert_count(ledger->logged, 0);
}

troupe_ref
sys_spawn(troupe *t, const troupe_class *class_, const void *argument)
{
	troupe_ref ref = troupe_spawn(t, class_, argument);

	ck_assert_msg(ref != 0, "troupe_spawn: %s: %s", troupe_status_name(troupe_last_error()),
	    troupe_last_error_text());
	return ref;
}

void
sys_send(troupe_ref to, uint32_t type, const void *data, size_t size)
{
	sys_assert_status(troupe_send(to, type, data, size), TROUPE_OK);
}

void
sys_drain(troupe *t)
{
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
}

/* --- Callbacks. --- */

int
sys_start_with_pointer(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, &argument, sizeof argument);
	return 0;
}

void
sys_ignore(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)state;
	(void)msg;
}

void
sys_stop_now(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

/* --- Threads and processes. --- */

pthread_t
sys_start(void *(*work)(void *), void *argument)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, work, argument), 0);
	return thread;
}

void *
sys_join(pthread_t thread)
{
	void *result;

	ck_assert_int_eq(pthread_join(thread, &result), 0);
	return result;
}

void *
sys_wait_in_thread(void *t)
{
	return (void *)(uintptr_t)troupe_wait(t, TROUPE_FOREVER);
}

static void
be_child(int text_to, int (*body)(void *), void *argument)
{
	const struct rlimit no_core = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (dup2(text_to, STDERR_FILENO) < 0)
		_exit(99);
	_exit(body(argument));
}

static void
read_text(sys_ending *ending, int from)
{
	char rest[512];
	size_t length = 0;
	ssize_t got;

	for (;;) {
		size_t room = sizeof ending->text - 1 - length;

		got = read(from, room > 0 ? ending->text + length : rest, room > 0 ? room : sizeof rest);
		if (got > 0 && room > 0)
			length += (size_t)got;
		if (got == 0 || (got < 0 && errno != EINTR))
			break;
	}
	ending->text[length] = '\0';
}

void
sys_run_child(sys_ending *ending, int (*body)(void *), void *argument)
{
	int ends[2];

	fflush(NULL);
	ck_assert_int_eq(pipe(ends), 0);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(ends[0]);
		be_child(ends[1], body, argument);
	}
	close(ends[1]);
	read_text(ending, ends[0]);
	close(ends[0]);
	ck_assert_int_eq(waitpid(child, &ending->status, 0), child);
}
