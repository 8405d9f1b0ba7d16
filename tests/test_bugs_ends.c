/* SPDX-License-Identifier: MIT */

/*
 * The bugs that the ends of runtimes, threads and processes have had in actor
 * systems and allocators, by name: how each goes wrong, why it cannot here,
 * and the very moment in which it would.
 */

/* The source and not the header: nothing else holds a depot's lock as long as a test wants it held. */
#include "runtime/memory/depot.c"

#include "runtime/actor/actor.h"
#include "runtime/actor/runtime.h"
#include "tests/support.h"
#include "tests/system.h"
#include "tests/window.h"

#include <check.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GO = 1, STOP };

/* --- A send from outside that takes its time. --- */

static struct {
	troupe *t;
	troupe_ref to;
	uint64_t handled; /* plain: the actor's */
	_Atomic bool under_way, may_go_on, may_end;
	tr_visit *visit; /* of the sender */
	uint32_t queued; /* actors, as it leaves the runtime */
	bool has_left;
	troupe_status status;
} flight;

/* It is about to leave the runtime.  Relaxed: see window.h. */
static void
look_as_it_leaves(void)
{
	flight.queued = atomic_load_explicit(&flight.t->pool.overflow.count, memory_order_relaxed);
}

/* It has pushed, and so owns the actor, but nobody else knows of that yet. */
static void
stay_under_way(void)
{
	window_set(&flight.visit->inside, WINDOW_AT_WRITE, look_as_it_leaves);
	atomic_store_explicit(&flight.under_way, true, memory_order_release);
	while (!atomic_load_explicit(&flight.may_go_on, memory_order_acquire))
		sched_yield();
}

#define VISITS (TR_RUNTIMES * sizeof(tr_visit))

/* The visits of this thread are moved: what it counts for the runtime ends a page, and `inside` begins the next. */
static void *
send_from_outside(void *unused)
{
	tr_context *context = tr_context_mine();
	tr_visit *const visits = context->visits;
	const size_t pages = VISITS / window_page_size() + 2;
	const size_t counts_end = flight.t->number * sizeof(tr_visit) + offsetof(tr_visit, inside);
	char *map = window_map(pages);

	(void)unused;
	context->visits = (tr_visit *)(void *)(map + window_page_size() - counts_end % window_page_size());
	memcpy(context->visits, visits, VISITS);
	flight.visit = &context->visits[flight.t->number];
	window_set(&flight.visit->tally, WINDOW_AT_WRITE, stay_under_way);
	flight.status = troupe_send(flight.to, GO, NULL, 0);
	flight.has_left = window_passed();
	/* Whoever asks whether anybody is inside reads the visits of all threads. */
	while (!atomic_load_explicit(&flight.may_end, memory_order_acquire))
		sched_yield();
	memcpy(visits, context->visits, VISITS);
	context->visits = visits;
	window_unmap(map, pages);
	return NULL;
}

static void
count_flight(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)state;
	(void)msg;
	flight.handled++;
}

static pthread_t
begin_flight(int workers, sys_ledger *ledger)
{
	static const troupe_class counting_class = { .name = "counting", .receive = count_flight };

	memset(&flight, 0, sizeof flight);
	flight.t = sys_open(workers, ledger);
	flight.to = sys_spawn(flight.t, &counting_class, NULL);
	sys_assert_status(troupe_hold(flight.t), TROUPE_OK);
	pthread_t thread = sys_start(send_from_outside, NULL);
	while (!atomic_load_explicit(&flight.under_way, memory_order_acquire))
		sched_yield();
	ck_assert(!tr_mailbox_is_idle(&tr_ref_slot(flight.to)->mailbox));
	ck_assert_uint_eq(tr_overflow_count(&flight.t->pool.overflow), 0);
	return thread;
}

static void
let_send_go_on(void)
{
	atomic_store_explicit(&flight.may_go_on, true, memory_order_release);
}

/* Nobody waits for the runtime, or asks it to close, any more. */
static void
end_flight(pthread_t thread)
{
	let_send_go_on();
	atomic_store_explicit(&flight.may_end, true, memory_order_release);
	sys_join(thread);
	ck_assert(flight.has_left);
	sys_assert_status(flight.status, TROUPE_OK);
}

/* Workers may have taken the actor meanwhile; without them it was queued when the sender left. */
static void
end_flight_alone(pthread_t thread)
{
	end_flight(thread);
	if (tr_runtime_is_driven(flight.t))
		ck_assert_uint_eq(flight.queued, 1);
}

/*
 * Quiescence with a foreign send under way (wherever a runtime counts what is
 * queued): the sender's message is not seen yet, the runtime is taken for
 * quiet, and ends beneath it.  Here who sends from outside is inside the
 * runtime from before the push until the actor is queued, and it is not freed
 * before (INV-CX-1); a thread whose sends shall be waited for holds it.
 */
START_TEST(test_bugs_quiescence_with_a_foreign_send_under_way)
{
	/* Without workers: nothing but the sender can keep it from being closed. */
	for (int workers = TROUPE_WORKERS_NONE; workers <= 2; workers++) {
		sys_ledger ledger = { 0 };
		pthread_t thread = begin_flight(workers, &ledger);

		for (int i = 0; i < 100; i++)
			sys_assert_status(troupe_close(flight.t, 0, NULL, NULL), TROUPE_TIMEOUT);
		end_flight_alone(thread);
		sys_close(flight.t, &ledger);
		ck_assert_uint_eq(flight.handled, 0);
		sys_assert_count(ledger.dead[TROUPE_CLOSING], 1);
	}
	for (int workers = TROUPE_WORKERS_NONE; workers <= 2; workers++) {
		pthread_t thread = begin_flight(workers, NULL);

		sys_assert_status(troupe_drain(flight.t, 1), TROUPE_TIMEOUT);
		sys_assert_status(troupe_wait(flight.t, 1), TROUPE_TIMEOUT);
		end_flight_alone(thread);
		sys_assert_status(troupe_drain(flight.t, TROUPE_FOREVER), TROUPE_OK);
		sys_assert_status(troupe_release(flight.t), TROUPE_OK);
		(void)sys_wait(flight.t);
		ck_assert_uint_eq(flight.handled, 1);
		sys_close(flight.t, NULL);
	}
}
END_TEST

static void *
wait_or_drain(void *drains)
{
	return (void *)(uintptr_t)(*(const bool *)drains ? troupe_drain : troupe_wait)(flight.t, TROUPE_FOREVER);
}

/*
 * The same for what others send: a message that was accepted waits behind the
 * one that is under way, in a mailbox whose owner is in nobody's hand.
 */
START_TEST(test_bugs_quiescence_behind_a_foreign_send_under_way)
{
	enum { MORE = 10 };
	bool drains = _i % 2;

	for (int workers = TROUPE_WORKERS_NONE; workers <= 2; workers++) {
		pthread_t sender = begin_flight(workers, NULL);

		sys_assert_status(troupe_release(flight.t), TROUPE_OK);
		for (int i = 0; i < MORE; i++)
			sys_send(flight.to, GO, NULL, 0);
		sys_assert_status((drains ? troupe_drain : troupe_wait)(flight.t, 1), TROUPE_TIMEOUT);
		/* Whoever waits, by looking now and then, is told of the end. */
		pthread_t waiter = sys_start(wait_or_drain, &drains);
		let_send_go_on();
		ck_assert_uint_eq((uintptr_t)sys_join(waiter), TROUPE_OK);
		end_flight(sender);
		ck_assert_uint_eq(flight.handled, 1 + MORE);
		sys_close(flight.t, NULL);
	}
}
END_TEST

/* --- Threads that end. --- */

static uint32_t
units_of(enum tr_arena_kind kind, unsigned classes)
{
	uint32_t units = atomic_load_explicit(&tr_arenas[kind].top, memory_order_relaxed);

	for (unsigned i = 0; i < classes; i++)
		units -= tr_depot_count(kind, i) << tr_slot_shift(i);
	return units;
}

/* Carved and not in a depot. */
static uint32_t
units_in_use(void)
{
	return units_of(TR_ACTORS, TR_ACTOR_SIZES) + units_of(TR_MESSAGES, TR_MESSAGE_CLASSES);
}

static void *
fill_magazines(void *unused)
{
	tr_cache *cache = &tr_context_mine()->cache;

	(void)unused;
	for (unsigned class_ = 0; class_ < TR_MESSAGE_CLASSES; class_++) {
		uint32_t units[2 * TR_BATCH_SLOTS];
		const uint32_t full = cache->messages[class_].capacity;

		for (uint32_t i = 0; i < full; i++)
			units[i] = tr_cache_take_message(cache, class_);
		for (uint32_t i = 0; i < full; i++)
			tr_cache_give_message(cache, class_, units[i]);
	}
	for (unsigned class_ = 0; class_ < TR_ACTOR_SIZES; class_++)
		tr_cache_give_actor(cache, class_, tr_cache_take_actor(cache, class_));
	return NULL;
}

static void
stop_if_told(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->type == STOP)
		troupe_stop_self(self, TROUPE_STOP_NOW);
}

static const troupe_class short_lived_class = { .name = "short-lived",
	.state_size = 100,
	.receive = stop_if_told };

static void *
run_a_runtime(void *unused)
{
	troupe *t = troupe_open(&(troupe_options){ .workers = 3 });

	(void)unused;
	for (int i = 0; t != NULL && i < 1000; i++)
		(void)troupe_send(troupe_spawn(t, &short_lived_class, NULL), i % 2 ? GO : STOP, NULL, 0);
	return troupe_run(t) == TROUPE_OK ? NULL : t;
}

/*
 * Thread that ends with full magazines (allocators that keep what is free for
 * each thread): nobody takes what they hold, and a program whose threads come
 * and go grows for ever.  Here the end of a thread gives all of it to the
 * depots, whether it was the program's or the pool's (tr_cache_fini).
 */
START_TEST(test_bugs_thread_exit_with_full_magazines)
{
	char none[4] = "";

	init_memory();
	const uint32_t before = units_in_use();

	for (int i = 0; i < 3; i++) {
		run_together(4, fill_magazines, none, sizeof *none);
		ck_assert_uint_eq(units_in_use(), before);
		run_together(1, run_a_runtime, none, sizeof *none);
		ck_assert_uint_eq(units_in_use(), before);
	}
}
END_TEST

/* --- A child of fork. --- */

static _Atomic bool is_locked, may_unlock;

static void
hold_depots(bool held)
{
	for (unsigned i = 0; i < TR_ACTOR_SIZES; i++)
		atomic_store_explicit(&actor_depots[i].locked, held, memory_order_relaxed);
	for (unsigned i = 0; i < TR_MESSAGE_CLASSES; i++)
		atomic_store_explicit(&message_depots[i].locked, held, memory_order_relaxed);
}

/* A thread that will not be there in the child has every lock that can be had from here. */
static void *
hold_locks(void *of)
{
	troupe *t = of;

	(void)pthread_mutex_lock(&t->lock);
	(void)pthread_mutex_lock(&t->pool.overflow.lock);
	(void)pthread_mutex_lock(&t->pool.exit_lock);
	hold_depots(true);
	raise_flag(&is_locked);
	await_flag(&may_unlock);
	hold_depots(false);
	(void)pthread_mutex_unlock(&t->pool.exit_lock);
	(void)pthread_mutex_unlock(&t->pool.overflow.lock);
	(void)pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* The number of the first call that does not say FORKED; 0 is none. */
static int
call_in_child(troupe *t, troupe_ref ref)
{
	const troupe_status statuses[] = {
		troupe_send(ref, GO, NULL, 0),
		troupe_stop(ref, TROUPE_STOP_NOW),
		troupe_spawn(t, &short_lived_class, NULL) == 0 ? troupe_last_error() : TROUPE_OK,
		troupe_msg_new(GO, 1000, NULL) == NULL ? troupe_last_error() : TROUPE_OK,
		troupe_hold(t),
		troupe_release(t),
		troupe_wait(t, TROUPE_FOREVER),
		troupe_drain(t, TROUPE_FOREVER),
		troupe_close(t, TROUPE_FOREVER, NULL, NULL),
		troupe_run(t),
		troupe_open(NULL) == NULL ? troupe_last_error() : TROUPE_OK,
	};

	troupe_shutdown(t);
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		if (statuses[i] != TROUPE_FORKED)
			return (int)i + 1;
	return 0;
}

/*
 * Fork: the child has one thread, and what the others had locked stays locked
 * for ever; the child waits for it, at the latest as it ends.  Here a child
 * inherits no runtime: each call says FORKED before it takes a lock or memory.
 * While threads are at it in earnest: test_system_fork.c.
 */
START_TEST(test_bugs_fork)
{
	troupe *t = sys_open(2, NULL);
	const troupe_ref ref = sys_spawn(t, &short_lived_class, NULL);
	pthread_t holder = sys_start(hold_locks, t);
	int status;

	await_flag(&is_locked);
	const pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(call_in_child(t, ref));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	raise_flag(&may_unlock);
	sys_join(holder);
	/* The parent goes on undisturbed. */
	sys_send(ref, GO, NULL, 0);
	ck_assert_uint_eq(sys_wait(t).handled, 1);
	sys_close(t, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bugs of ends");
	TCase *tc = tcase_create("bugs");

	tcase_add_test(tc, test_bugs_quiescence_with_a_foreign_send_under_way);
	tcase_add_loop_test(tc, test_bugs_quiescence_behind_a_foreign_send_under_way, 0, 2);
	tcase_add_test(tc, test_bugs_thread_exit_with_full_magazines);
	tcase_add_test(tc, test_bugs_fork);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
