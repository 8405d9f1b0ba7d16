/* SPDX-License-Identifier: MIT */

/*
 * The micro workloads of troupe-bench by hand: a thread for each actor, and a
 * mailbox that is a mutex, a condition variable and a list.  This is what a
 * program does that has no runtime.
 *
 *   pthread WORKLOAD N M WORKERS
 *   prints: name workers operations seconds Mops/s peak-rss-KiB
 *
 * WORKERS is the number of processors that it may use.  The status is 77, with
 * the reason on stderr, for a workload that would need too many threads.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_SKIPPED = 77 };

/* Threads that are started before it is waited for them, where they end by themselves. */
#define AT_ONCE 1000

/* ---- Mailboxes and actors ---- */

enum kind { PING, PONG, TOKEN, COUNT, BE, DONE, ASK, ANSWER };

struct actor;

struct message {
	struct message *next;
	enum kind kind;
	struct actor *from;
	int64_t value;
};

struct actor {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct message *head, *tail;
	struct actor *peer;
	int64_t number;
};

static const char *name;
static int64_t n, m;
static int processors;
static struct timespec began;

/* The mailbox of the main thread. */
static struct actor root = { .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER };
static struct actor *crew;

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "pthread: %s: %s\n", name, what);
	_exit(1);
}

static void
post(struct actor *to, enum kind kind, struct actor *from, int64_t value)
{
	struct message *msg = malloc(sizeof *msg);

	if (!msg)
		fail("out of memory");
	*msg = (struct message){ .kind = kind, .from = from, .value = value };
	pthread_mutex_lock(&to->lock);
	if (to->tail)
		to->tail->next = msg;
	else
		to->head = msg;
	to->tail = msg;
	pthread_cond_signal(&to->filled);
	pthread_mutex_unlock(&to->lock);
}

static struct message
receive(struct actor *self)
{
	pthread_mutex_lock(&self->lock);
	while (!self->head)
		pthread_cond_wait(&self->filled, &self->lock);
	struct message *msg = self->head;
	self->head = msg->next;
	if (!self->head)
		self->tail = NULL;
	pthread_mutex_unlock(&self->lock);
	struct message copy = *msg;
	free(msg);
	return copy;
}

static void
actor_init(struct actor *a, int64_t number)
{
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->filled, NULL);
	a->head = a->tail = NULL;
	a->number = number;
}

static void
start_thread(void *(*body)(void *), struct actor *a)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, a) != 0)
		fail("the system refuses another thread");
	pthread_detach(thread);
}

static struct actor *
make_crew(int64_t count)
{
	struct actor *actors = calloc((size_t)count, sizeof *actors);

	if (!actors)
		fail("out of memory");
	for (int64_t i = 0; i < count; i++)
		actor_init(&actors[i], i);
	return actors;
}

static void
wait_for_done(int64_t count)
{
	while (count > 0)
		count -= receive(&root).kind == DONE;
}

/* ---- The workloads: each returns how many operations it was ---- */

static void *
ponger(void *arg)
{
	struct actor *self = arg;

	for (;;)
		post(receive(self).from, PONG, self, 0);
	return NULL;
}

static double
pingpong(void)
{
	struct actor *other = make_crew(1);

	start_thread(ponger, other);
	for (int64_t i = 0; i < n; i++) {
		post(other, PING, &root, 0);
		receive(&root);
	}
	return 2.0 * (double)n;
}

static void *
member(void *arg)
{
	struct actor *self = arg;

	for (;;) {
		int64_t hops = receive(self).value;
		if (hops == 0)
			post(&root, DONE, self, 0);
		else
			post(self->peer, TOKEN, self, hops - 1);
	}
	return NULL;
}

static double
ring(void)
{
	crew = make_crew(m);
	for (int64_t i = 0; i < m; i++)
		crew[i].peer = &crew[(i + 1) % m];
	for (int64_t i = 0; i < m; i++)
		start_thread(member, &crew[i]);
	post(&crew[0], TOKEN, &root, n);
	wait_for_done(1);
	return (double)n;
}

static void *
producer(void *arg)
{
	for (int64_t i = 0; i < n; i++)
		post(&root, COUNT, arg, 0);
	return NULL;
}

static double
fanin(void)
{
	crew = make_crew(m);
	for (int64_t i = 0; i < m; i++)
		start_thread(producer, &crew[i]);
	for (int64_t i = 0; i < n * m; i++)
		receive(&root);
	return (double)n * (double)m;
}

static void *
consumer(void *arg)
{
	struct actor *self = arg;

	for (int64_t i = 0; i < n; i++)
		receive(self);
	post(&root, DONE, self, 0);
	return NULL;
}

static double
fanout(void)
{
	crew = make_crew(m);
	for (int64_t i = 0; i < m; i++)
		start_thread(consumer, &crew[i]);
	for (int64_t k = 0; k < n; k++)
		for (int64_t i = 0; i < m; i++)
			post(&crew[i], COUNT, &root, 0);
	wait_for_done(m);
	return (double)n * (double)m;
}

static void *
mayfly(void *arg)
{
	struct actor *self = arg;

	receive(self);
	post(&root, DONE, self, 0);
	return NULL;
}

static double
create(void)
{
	crew = make_crew(n);
	for (int64_t first = 0; first < n; first += AT_ONCE) {
		int64_t end = first + AT_ONCE < n ? first + AT_ONCE : n;
		for (int64_t i = first; i < end; i++) {
			start_thread(mayfly, &crew[i]);
			post(&crew[i], BE, &root, 0);
		}
		wait_for_done(end - first);
	}
	return (double)n;
}

static void *
stayer(void *arg)
{
	struct actor *self = arg;
	volatile int64_t state[4] = { 0 };

	for (;;) {
		receive(self);
		state[0]++;
		post(&root, DONE, self, 0);
	}
	return NULL;
}

static double
idle(void)
{
	crew = make_crew(n);
	for (int64_t i = 0; i < n; i++) {
		start_thread(stayer, &crew[i]);
		post(&crew[i], BE, &root, 0);
	}
	wait_for_done(n);
	return (double)n;
}

static void *
chatter(void *arg)
{
	struct actor *self = arg;
	uint64_t seed = (uint64_t)self->number * 2654435761u + 1;

	for (int64_t left = n;;) {
		struct message msg = receive(self);
		if (msg.kind == ASK) {
			post(msg.from, ANSWER, self, 0);
		} else if (left-- == 0) {
			post(&root, DONE, self, 0);
		} else {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			post(&crew[(seed >> 33) % (uint64_t)m], ASK, self, 0);
		}
	}
	return NULL;
}

static double
big(void)
{
	crew = make_crew(m);
	for (int64_t i = 0; i < m; i++)
		start_thread(chatter, &crew[i]);
	for (int64_t i = 0; i < m; i++)
		post(&crew[i], ANSWER, &root, 0);
	wait_for_done(m);
	return 2.0 * (double)n * (double)m;
}

static double
too_many_threads(void)
{
	fprintf(stderr, "each actor waits for its children, so all of the tree would be threads at once\n");
	exit(EXIT_SKIPPED);
}

static const struct workload {
	const char *name;
	double (*run)(void);
} workloads[] = {
	{ "pingpong", pingpong }, { "ring", ring }, { "fanin", fanin }, { "fanout", fanout },
	{ "create", create }, { "idle", idle }, { "big", big },
	{ "skynet", too_many_threads }, { "fib", too_many_threads },
};

static const struct workload *
find_workload(const char *which)
{
	for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++)
		if (strcmp(workloads[i].name, which) == 0)
			return &workloads[i];
	return NULL;
}

/* The processors that others may use are the affair of the scheduler of the system, as is all else here. */
static void
keep_to_processors(int count)
{
#if defined __linux__
	cpu_set_t allowed, some;

	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
		return;
	CPU_ZERO(&some);
	for (size_t i = 0; i < CPU_SETSIZE && count > 0; i++) {
		if (CPU_ISSET(i, &allowed)) {
			CPU_SET(i, &some);
			count--;
		}
	}
	sched_setaffinity(0, sizeof some, &some);
#else
	(void)count;
#endif
}

static void
print_run(double operations)
{
	struct timespec ended;
	struct rusage used;

	clock_gettime(CLOCK_MONOTONIC, &ended);
	getrusage(RUSAGE_SELF, &used);
	double s = (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) * 1e-9;
	printf("%s %d %.0f %.4f %.2f %ld\n", name, processors, operations, s, operations / s / 1e6,
	    used.ru_maxrss);
}

int
main(int argc, char **argv)
{
	const struct workload *workload = argc == 5 ? find_workload(argv[1]) : NULL;

	if (!workload) {
		fprintf(stderr, "usage: pthread WORKLOAD N M WORKERS\n");
		return 2;
	}
	name = workload->name;
	n = atoll(argv[2]);
	m = atoll(argv[3]);
	processors = atoi(argv[4]);
	keep_to_processors(processors);
	clock_gettime(CLOCK_MONOTONIC, &began);
	print_run(workload->run());
	fflush(stdout);
	_exit(0); /* threads that still wait are not waited for */
}
