/* SPDX-License-Identifier: MIT */
/*
 * yardstick -- what message passing must cost on this machine.
 *
 * The smallest loop that still moves messages between actors on several
 * worker threads.  It is no runtime: an actor is named by its address, so
 * nothing may outlive it; nothing can fail, be bounded, be timed, be looked
 * at or be closed.  The runtime is measured beside it, in one sitting, and
 * the ratio is what is quoted: machines differ and drift, ratios hold.
 *
 *   yardstick WORKLOAD N [M [WORKERS]]
 *   prints: name workers operations seconds Mops/s peak-rss-KiB
 *
 * WORKLOAD  pingpong N        2 actors, N round trips         (2N messages)
 *           ring     N M      M actors, one token, N hops     (N messages)
 *           fanin    N M      M producers, N messages each    (N*M messages)
 *           fanout   N M      1 producer, M consumers, N each (N*M messages)
 *           create   N        spawn, one message, stop        (N actors)
 *           idle     N        N actors that stay alive        (N actors)
 *           skynet   N        a tree of fan-out 10, N leaves, a power of ten
 *                                                           (1.11 N actors)
 *           fib      N        two children a call             (2 fib(N)-1 actors)
 *           big      N M      M actors, N random pings each   (2*N*M messages)
 *
 * A producer sends at most 1000 messages at once and then one to itself, so
 * that a scheduler that is fair keeps the queues short.
 *
 * The way of a message, which is all there is:
 *
 *   send      a block from the worker's own stack, one compare-and-swap on
 *             the receiver's inbox.  Was the receiver idle, it goes into the
 *             worker's slot, and what was there to the worker's ring.
 *   run       the batch that waits is taken with one exchange and turned
 *             round.  Each message handled, and each one sent, costs a
 *             credit; without credit the actor goes to the end of the queue.
 *   worker    slot, ring, overflow, then half of another worker's ring.
 */
#include "bare_loop.h"

#include <sys/resource.h>
#include <time.h>

/* Sends in one behavior, at most. */
#define PRODUCE 1000

enum kind {
	START, PING, PONG, TOKEN, FANIN_GO, FANIN, FANOUT_GO, FANOUT, CREATE_GO, CREATE, IDLE_GO, STAY,
	DONE, SKYNET, SKYNET_SUM, FIB, FIB_SUM, ASK, ANSWER
};

static const char *workload_name;
static int64_t N = 1, M = 1;
static double operations;
static actor **crew;
static struct timespec begun;

/*
 * The actor that starts it all, and its state: many send to it at once, so
 * what it counts is kept off the line of its inbox.
 */
static struct {
	alignas(LINE) actor *actor;
	int64_t left;       /* until the end */
	int64_t spawn_left;
} root;

static _Noreturn void
finish(void)
{
	struct timespec ended;
	struct rusage usage;

	clock_gettime(CLOCK_MONOTONIC, &ended);
	getrusage(RUSAGE_SELF, &usage);
	double s = (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) * 1e-9;
	printf("%s %u %.0f %.4f %.2f %ld\n", workload_name, worker_count, operations, s, operations / s / 1e6,
	    usage.ru_maxrss);
	fflush(stdout);
	_exit(0);
}

INLINE void
count_down(void)
{
	if (--root.left == 0)
		finish();
}

static void
start_crew(worker *w)
{
	for (int64_t i = 0; i < M; i++)
		crew[i] = spawn(w);
}

static void
start_pingpong(worker *w)
{
	actor *a = spawn(w), *b = spawn(w);

	a->peer = b;
	b->peer = a;
	a->left = N;
	operations = 2.0 * (double)N;
	send(w, a, PONG, NULL, 0, 0);
}

static void
start_ring(worker *w)
{
	start_crew(w);
	for (int64_t i = 0; i < M; i++)
		crew[i]->peer = crew[(i + 1) % M];
	operations = (double)N;
	send(w, crew[0], TOKEN, NULL, N, 0);
}

static void
start_fanin(worker *w)
{
	operations = (double)N * (double)M;
	root.left = N * M;
	start_crew(w);
	for (int64_t i = 0; i < M; i++) {
		crew[i]->left = N;
		send(w, crew[i], FANIN_GO, NULL, 0, 0);
	}
}

static void
start_fanout(worker *w)
{
	operations = (double)N * (double)M;
	root.left = M;
	root.spawn_left = N;
	start_crew(w);
	for (int64_t i = 0; i < M; i++)
		crew[i]->left = N;
	send(w, root.actor, FANOUT_GO, NULL, 0, 0);
}

static void
start_create(worker *w)
{
	operations = (double)N;
	root.left = root.spawn_left = N;
	send(w, root.actor, CREATE_GO, NULL, 0, 0);
}

static void
start_idle(worker *w)
{
	operations = (double)N;
	root.left = root.spawn_left = N;
	send(w, root.actor, IDLE_GO, NULL, 0, 0);
}

static void
start_skynet(worker *w)
{
	operations = (double)N * 10 / 9;
	send(w, spawn(w), SKYNET, NULL, 0, (int32_t)N);
}

static void
start_fib(worker *w)
{
	send(w, spawn(w), FIB, NULL, N, 0);
}

static void
start_big(worker *w)
{
	operations = 2.0 * (double)N * (double)M;
	root.left = M;
	start_crew(w);
	for (int64_t i = 0; i < M; i++) {
		crew[i]->left = N;
		crew[i]->seed = (uint64_t)i * 2654435761u + 1;
	}
	for (int64_t i = 0; i < M; i++)
		send(w, crew[i], ANSWER, NULL, 0, 0);
}

static const struct workload {
	const char *name;
	void (*start)(worker *w);
} table[] = {
	{ "pingpong", start_pingpong }, { "ring", start_ring }, { "fanin", start_fanin },
	{ "fanout", start_fanout }, { "create", start_create }, { "idle", start_idle },
	{ "skynet", start_skynet }, { "fib", start_fib }, { "big", start_big },
};
static const struct workload *workload;

INLINE void
on_start(worker *w, actor *self)
{
	clock_gettime(CLOCK_MONOTONIC, &begun);
	root.actor = self;
	workload->start(w);
}

INLINE void
on_pong(worker *w, actor *self)
{
	if (self->left-- == 0)
		finish();
	send(w, self->peer, PING, NULL, 0, 0);
}

INLINE void
on_token(worker *w, actor *self, int64_t hops)
{
	if (hops == 0)
		finish();
	send(w, self->peer, TOKEN, NULL, hops - 1, 0);
}

INLINE void
on_fanin_go(worker *w, actor *self)
{
	actor *to = root.actor;

	for (int i = 0; i < PRODUCE && self->left > 0; i++, self->left--)
		send(w, to, FANIN, NULL, 0, 0);
	if (self->left > 0)
		send(w, self, FANIN_GO, NULL, 0, 0);
}

INLINE void
on_fanout_go(worker *w, actor *self)
{
	for (int64_t sent = 0; sent < PRODUCE && root.spawn_left > 0; sent += M, root.spawn_left--)
		for (int64_t i = 0; i < M; i++)
			send(w, crew[i], FANOUT, NULL, 0, 0);
	if (root.spawn_left > 0)
		send(w, self, FANOUT_GO, NULL, 0, 0);
}

INLINE void
on_fanout(worker *w, actor *self)
{
	if (--self->left == 0)
		send(w, root.actor, DONE, NULL, 0, 0);
}

INLINE void
on_spawn_go(worker *w, actor *self, enum kind again, enum kind child)
{
	for (int i = 0; i < PRODUCE && root.spawn_left > 0; i++, root.spawn_left--)
		send(w, spawn(w), child, NULL, 0, 0);
	if (root.spawn_left > 0)
		send(w, self, again, NULL, 0, 0);
}

INLINE void
on_create(worker *w, actor *self)
{
	send(w, root.actor, DONE, NULL, 0, 0);
	self->stopping = true;
}

INLINE void
on_skynet(worker *w, actor *self, const msg *m)
{
	int64_t first = m->value;
	int32_t leaves = m->extra;

	if (leaves == 1) {
		send(w, m->from, SKYNET_SUM, NULL, first, 0);
		self->stopping = true;
		return;
	}
	self->peer = m->from;
	self->left = 10;
	for (int i = 0; i < 10; i++)
		send(w, spawn(w), SKYNET, self, first + i * (leaves / 10), leaves / 10);
}

INLINE void
on_fib(worker *w, actor *self, const msg *m)
{
	int64_t n = m->value;

	if (n <= 2) {
		send(w, m->from, FIB_SUM, NULL, 1, 0);
		self->stopping = true;
		return;
	}
	self->peer = m->from;
	self->left = 2;
	send(w, spawn(w), FIB, self, n - 1, 0);
	send(w, spawn(w), FIB, self, n - 2, 0);
}

INLINE void
on_sum(worker *w, actor *self, enum kind kind, int64_t part)
{
	self->sum += part;
	if (--self->left > 0)
		return;
	if (!self->peer) {
		if (kind == FIB_SUM)
			operations = 2.0 * (double)self->sum - 1;
		finish();
	}
	send(w, self->peer, kind, NULL, self->sum, 0);
	self->stopping = true;
}

INLINE void
on_answer(worker *w, actor *self)
{
	if (self->left-- == 0) {
		send(w, root.actor, DONE, NULL, 0, 0);
		return;
	}
	self->seed = self->seed * 6364136223846793005u + 1442695040888963407u;
	send(w, crew[(self->seed >> 33) % (uint64_t)M], ASK, self, 0, 0);
}

INLINE void
behave(worker *w, actor *self, const msg *m)
{
	switch ((enum kind)m->kind) {
	case START:      on_start(w, self); break;
	case PING:       send(w, self->peer, PONG, NULL, 0, 0); break;
	case PONG:       on_pong(w, self); break;
	case TOKEN:      on_token(w, self, m->value); break;
	case FANIN_GO:   on_fanin_go(w, self); break;
	case FANIN:      count_down(); break;
	case FANOUT_GO:  on_fanout_go(w, self); break;
	case FANOUT:     on_fanout(w, self); break;
	case CREATE_GO:  on_spawn_go(w, self, CREATE_GO, CREATE); break;
	case CREATE:     on_create(w, self); break;
	case IDLE_GO:    on_spawn_go(w, self, IDLE_GO, STAY); break;
	case STAY:       send(w, root.actor, DONE, NULL, 0, 0); break;
	case DONE:       count_down(); break;
	case SKYNET:     on_skynet(w, self, m); break;
	case SKYNET_SUM: on_sum(w, self, SKYNET_SUM, m->value); break;
	case FIB:        on_fib(w, self, m); break;
	case FIB_SUM:    on_sum(w, self, FIB_SUM, m->value); break;
	case ASK:        send(w, m->from, ANSWER, NULL, 0, 0); break;
	case ANSWER:     on_answer(w, self); break;
	}
}

static void
start_workers(void)
{
	for (unsigned i = 0; i < worker_count; i++) {
		workers[i].msgs.size = sizeof(msg);
		workers[i].msgs.kind = MSGS;
		workers[i].actors.size = sizeof(actor);
		workers[i].actors.kind = ACTORS;
	}
	send(&workers[0], spawn(&workers[0]), START, NULL, 0, 0);
	for (unsigned i = 0; i < worker_count; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, work, &workers[i]) != 0) {
			fprintf(stderr, "yardstick: cannot start a thread\n");
			_exit(1);
		}
	}
}

static const struct workload *
find_workload(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: yardstick WORKLOAD N [M [WORKERS]]\n");
		return 2;
	}
	workload_name = argv[1];
	workload = find_workload(workload_name);
	N = atol(argv[2]);
	M = argc > 3 ? atol(argv[3]) : 1;
	int count = argc > 4 ? atoi(argv[4]) : 2;
	if (!workload || N < 1 || M < 1 || count < 1 || count > WORKERS_MAX) {
		fprintf(stderr, "yardstick: unknown workload, or a number out of range\n");
		return 2;
	}
	worker_count = (unsigned)count;
	crew = calloc((size_t)M, sizeof(actor *));
	if (!crew)
		return 1;
	start_workers();
	for (;;)
		pause();
}
