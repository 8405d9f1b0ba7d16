/* SPDX-License-Identifier: MIT */

/*
 * Cells armed and disarmed by several threads, beside the thread that waits
 * for them: each arming comes to one end, and no deadline is slept through.
 */

#include "runtime/engine/deadlines.h"
#include "tests/cells.h"
#include "tests/support.h"

#include <string.h>

#define OWNERS 3
#define CELLS  40 /* of each owner */
#define SHARDS 2  /* fewer than owners, so that they meet */

#define HOUR INT64_C(3600000000000)

/* A cell of an owner's, found by its number in the owner's list. */
struct item {
	tr_cell *cell;
	/* The owner's. */
	bool armed;
	uint64_t arms, disarms;
	/* Theirs who fire, until `back` is raised, which hands the cell over. */
	uint64_t fired;
	bool early;
	_Atomic bool back;
};

struct owner {
	tr_cache cache;
	uint64_t random;
	uint32_t number;
	struct item items[CELLS];
};

static tr_deadlines *deadlines;
static struct owner owners[OWNERS];
/* Whoever fires counts. */
static _Atomic uint64_t begun, ended;
/* The owners fire too, now and then. */
static bool owners_help;

static void
count_begin(void *owner)
{
	(void)owner;
	atomic_fetch_add_explicit(&begun, 1, memory_order_relaxed);
}

static void
count_end(void *owner)
{
	(void)owner;
	atomic_fetch_add_explicit(&ended, 1, memory_order_relaxed);
}

static void
hand_back(void *owner, tr_cell *cell)
{
	struct item *item = (struct item *)(uintptr_t)cell->msg.body;

	(void)owner;
	item->fired++;
	item->early |= tr_clock_now() < cell->deadline;
	/* As a mailbox would: what comes back is ordered, what goes there is by the deadlines alone. */
	atomic_store_explicit(&item->back, true, memory_order_release);
}

static const tr_deadlines_hooks hooks = { .begin = count_begin, .end = count_end, .fire = hand_back };

static void *
run_deadlines(void *which)
{
	tr_deadlines_run(which);
	return NULL;
}

static pthread_t
start_deadlines(uint32_t shards)
{
	pthread_t thread;

	atomic_store_explicit(&begun, 0, memory_order_relaxed);
	atomic_store_explicit(&ended, 0, memory_order_relaxed);
	init_memory();
	deadlines = tr_deadlines_create(shards, TR_DEADLINES_SHIFT, tr_clock_now(), &hooks, NULL);
	ck_assert_ptr_nonnull(deadlines);
	ck_assert_int_eq(tr_thread_start(&thread, "deadlines", run_deadlines, deadlines), 0);
	return thread;
}

static void
stop_deadlines(pthread_t thread)
{
	tr_deadlines_stop(deadlines);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(atomic_load_explicit(&begun, memory_order_relaxed),
	    atomic_load_explicit(&ended, memory_order_relaxed));
}

static void
init_owner(struct owner *owner, uint32_t number, uint64_t seed)
{
	memset(owner, 0, sizeof *owner);
	tr_cache_init(&owner->cache);
	owner->number = number;
	owner->random = seed + number;
	for (int i = 0; i < CELLS; i++) {
		owner->items[i].cell = take_cell(&owner->cache);
		owner->items[i].cell->msg.body = &owner->items[i];
	}
}

static void
fini_owner(struct owner *owner)
{
	for (int i = 0; i < CELLS; i++)
		give_cell(&owner->cache, owner->items[i].cell);
	tr_cache_fini(&owner->cache);
}

static void
arm_item(struct item *item, uint32_t shard, int64_t deadline)
{
	item->cell->deadline = deadline;
	item->arms++;
	item->armed = true;
	tr_deadlines_arm(deadlines, shard, item->cell);
}

static bool
take_back(struct item *item)
{
	if (!item->armed || !atomic_load_explicit(&item->back, memory_order_acquire))
		return false;
	atomic_store_explicit(&item->back, false, memory_order_relaxed);
	item->armed = false;
	return true;
}

static void
await_back(struct item *item)
{
	while (!take_back(item))
		sched_yield();
}

/* Disarmed now, or fired: then it comes back. */
static void
end_item(struct item *item)
{
	if (!item->armed)
		return;
	if (tr_deadlines_disarm(deadlines, item->cell)) {
		item->disarms++;
		item->armed = false;
	} else {
		await_back(item);
	}
}

static int64_t
soon_or_late(uint64_t *random)
{
	switch (test_below(random, 8)) {
	case 0:
		return 0;
	case 1:
		return INT64_MAX;
	case 2:
		return tr_clock_now() + HOUR;
	case 3:
		return tr_clock_now() - test_below(random, 1000000);
	default:
		return tr_clock_now() + (int64_t)(test_random(random) >> (43 + test_below(random, 20)));
	}
}

static void *
arm_and_disarm(void *argument)
{
	struct owner *owner = argument;

	for (int i = 0; i < TEST_SCALED(100000); i++) {
		struct item *item = &owner->items[test_below(&owner->random, CELLS)];

		if (take_back(item) || !item->armed)
			arm_item(item, (owner->number + test_below(&owner->random, 4) / 3) % SHARDS,
			    soon_or_late(&owner->random));
		else if (test_below(&owner->random, 3) == 0)
			end_item(item);
		if (test_below(&owner->random, 64) == 0)
			sched_yield();
		if (owners_help && test_below(&owner->random, 32) == 0)
			(void)tr_deadlines_expire(deadlines, tr_clock_now());
	}
	/* The last ones come by themselves. */
	for (int i = 0; i < CELLS; i++)
		if (owner->items[i].armed && owner->items[i].cell->deadline > tr_clock_now() + HOUR / 2)
			end_item(&owner->items[i]);
	for (int i = 0; i < CELLS; i++)
		if (owner->items[i].armed)
			await_back(&owner->items[i]);
	return NULL;
}

START_TEST(test_deadlines_each_arming_ends_once)
{
	uint64_t seed = test_seed("test_deadlines_each_arming_ends_once");
	uint64_t arms = 0, disarms = 0, fired = 0;
	pthread_t thread = start_deadlines(SHARDS);

	owners_help = _i;
	for (uint32_t i = 0; i < OWNERS; i++)
		init_owner(&owners[i], i, seed);
	run_together(OWNERS, arm_and_disarm, owners, sizeof *owners);
	tr_deadlines_load load = tr_deadlines_get_load(deadlines);
	ck_assert_int_eq(tr_deadlines_next(deadlines), INT64_MAX);
	stop_deadlines(thread);
	for (int i = 0; i < OWNERS * CELLS; i++) {
		const struct item *item = &owners[i / CELLS].items[i % CELLS];

		ck_assert_uint_eq(item->arms, item->disarms + item->fired);
		ck_assert(!item->early);
		arms += item->arms;
		disarms += item->disarms;
		fired += item->fired;
	}
	/* Both happened, and often. */
	ck_assert_uint_gt(fired, arms / 100);
	ck_assert_uint_gt(disarms, arms / 100);
	ck_assert_uint_eq(load.armed, 0);
	ck_assert_uint_eq(load.changes, arms + disarms + fired);
	for (int i = 0; i < OWNERS; i++)
		fini_owner(&owners[i]);
	tr_deadlines_destroy(deadlines);
}
END_TEST

/* --- The thread sleeps, and is to wake up. --- */

static int64_t
load_sleep(void)
{
	return atomic_load_explicit(&deadlines->sleeps_until, memory_order_relaxed);
}

/*
 * Until it sleeps, or is about to: until the deadline, or before that, until the
 * wheel has a row to spread, whenever the clock comes to that.
 */
static void
await_sleep(void)
{
	while (load_sleep() < tr_clock_now() + TROUPE_SECOND)
		sched_yield();
}

/* A sleep that is not interrupted is one that this test does not live to see the end of. */
static void
wake_with_earlier_deadlines(uint32_t shards, bool asleep, int64_t most_ahead)
{
	uint64_t random = test_seed("test_deadlines_wakes_for_an_earlier_deadline");
	struct owner *owner = &owners[0];
	pthread_t thread = start_deadlines(shards);

	init_owner(owner, 0, random);
	/* To see it asleep takes some turns of this thread and that one: slow where others work too. */
	const int rounds = (shards > SHARDS ? 400 : 1600) / (asleep ? 4 : 1);
	for (int i = 0; i < TEST_SCALED(rounds); i++) {
		struct item *late = &owner->items[0], *soon = &owner->items[1 + i % (CELLS - 1)];

		/* Every other round it sleeps without end. */
		if (i % 2)
			arm_item(late, 0, tr_clock_now() + HOUR / 2);
		if (asleep)
			await_sleep();
		int64_t ahead = most_ahead > 0 ? (int64_t)test_below(&random, (uint32_t)most_ahead) : 0;
		/* Now and then while it looks for the next deadline, and has passed this shard. */
		for (uint32_t spins = asleep ? 0 : test_below(&random, 4000); spins > 0; spins--)
			tr_spin_hint();
		arm_item(soon, (uint32_t)i / 2 % SHARDS, tr_clock_now() + ahead);
		await_back(soon);
		if (i % 2)
			end_item(late);
	}
	stop_deadlines(thread);
	for (int i = 0; i < CELLS; i++) {
		ck_assert_uint_eq(owner->items[i].arms, owner->items[i].disarms + owner->items[i].fired);
		ck_assert(!owner->items[i].early);
	}
	ck_assert_uint_eq(owner->items[0].fired, 0);
	fini_owner(owner);
	tr_deadlines_destroy(deadlines);
}

START_TEST(test_deadlines_wakes_for_an_earlier_deadline)
{
	/* With many shards the look takes long. */
	wake_with_earlier_deadlines(_i & 4 ? 1000 : SHARDS, _i & 1, _i & 2 ? 600000 : 0);
}
END_TEST

/* What it sleeps for goes away, and comes back, time and again. */
START_TEST(test_deadlines_does_not_mind_what_is_disarmed)
{
	struct owner *owner = &owners[0];
	pthread_t thread = start_deadlines(SHARDS);

	init_owner(owner, 0, 1);
	for (int i = 0; i < TEST_SCALED(4000); i++) {
		arm_item(&owner->items[0], 0, tr_clock_now() + 5000000 + i);
		end_item(&owner->items[0]);
	}
	arm_item(&owner->items[1], 1, tr_clock_now() + 1000000);
	await_back(&owner->items[1]);
	stop_deadlines(thread);
	ck_assert_uint_eq(owner->items[1].fired, 1);
	ck_assert_uint_eq(owner->items[0].arms, owner->items[0].disarms + owner->items[0].fired);
	fini_owner(owner);
	tr_deadlines_destroy(deadlines);
}
END_TEST

/* Once it sleeps it is late only after what it sleeps for. */
START_TEST(test_deadlines_says_what_it_sleeps_for)
{
	struct owner *owner = &owners[0];
	pthread_t thread = start_deadlines(SHARDS);
	int64_t deadline = tr_clock_now() + HOUR;

	init_owner(owner, 0, 1);
	arm_item(&owner->items[0], 0, deadline);
	/* If that never comes, the limit of the case ends it. */
	do
		await_sleep();
	while (tr_deadlines_is_late(deadlines, tr_clock_now()) || !tr_deadlines_is_late(deadlines, deadline));
	stop_deadlines(thread);
	ck_assert(tr_deadlines_disarm(deadlines, owner->items[0].cell));
	fini_owner(owner);
	tr_deadlines_destroy(deadlines);
}
END_TEST

/* However it sleeps: for ever, for an hour, or not yet. */
START_TEST(test_deadlines_stops_while_it_sleeps)
{
	for (int i = 0; i < TEST_SCALED(400); i++) {
		struct owner *owner = &owners[0];
		pthread_t thread = start_deadlines(SHARDS);

		init_owner(owner, 0, 1);
		if (i % 2)
			arm_item(&owner->items[0], 0, tr_clock_now() + HOUR / 2);
		if (i % 3)
			await_sleep();
		stop_deadlines(thread);
		/* Nothing that was armed is touched any more. */
		if (i % 2)
			ck_assert(tr_deadlines_disarm(deadlines, owner->items[0].cell));
		ck_assert_uint_eq(owner->items[0].fired, 0);
		fini_owner(owner);
		tr_deadlines_destroy(deadlines);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("deadlines_threads");
	TCase *tc = tcase_create("threads");

	tcase_add_loop_test(tc, test_deadlines_each_arming_ends_once, 0, 2);
	tcase_add_loop_test(tc, test_deadlines_wakes_for_an_earlier_deadline, 0, 8);
	tcase_add_test(tc, test_deadlines_does_not_mind_what_is_disarmed);
	tcase_add_test(tc, test_deadlines_says_what_it_sleeps_for);
	tcase_add_test(tc, test_deadlines_stops_while_it_sleeps);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
