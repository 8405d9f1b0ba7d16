/* SPDX-License-Identifier: MIT */
#include "runtime/actor/context.h"
#include "runtime/actor/runtime.h"
#include "runtime/memory/depot.h"
#include "runtime/memory/fault.h"
#include "tests/support.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runtimes that are never opened: a number and totals are all that is looked at. */
static troupe first, second;

static tr_context *
mine(void)
{
	tr_context *context = tr_context_mine();

	ck_assert_ptr_nonnull(context);
	return context;
}

static uint8_t
publish(troupe *t)
{
	const uint8_t number = tr_runtime_publish(t);

	ck_assert_uint_ne(number, 0);
	ck_assert_uint_eq(t->number, number);
	return number;
}

static void
close_number(uint8_t number)
{
	tr_runtime_bar(number);
	ck_assert(!tr_runtime_is_entered(number));
	tr_runtime_forget(number);
}

static uint64_t
accepted(uint8_t number)
{
	troupe_totals totals;

	tr_tally_sum(number, &totals);
	return totals.accepted;
}

/* --- The thread's own. --- */

static void *
find_own(void *argument)
{
	tr_context **found = argument;

	*found = tr_context_mine();
	return tr_context_mine() == *found ? argument : NULL;
}

START_TEST(test_context_is_the_same_in_each_call)
{
	ck_assert_ptr_eq(mine(), mine());
	ck_assert_ptr_eq(tr_current_context, mine());
}
END_TEST

START_TEST(test_context_is_inside_no_actor_at_first)
{
	ck_assert_ptr_null(mine()->current);
	ck_assert_ptr_null(mine()->msg);
	ck_assert_uint_eq(tr_context_self(mine()), 0);
	ck_assert_uint_eq(atomic_load_explicit(&mine()->home, memory_order_relaxed), 0);
}
END_TEST

START_TEST(test_context_is_each_threads_own)
{
	tr_context *other = NULL;
	pthread_t thread;
	void *same;

	(void)mine();
	ck_assert_int_eq(tr_thread_start(&thread, "test", find_own, &other), 0);
	ck_assert_int_eq(pthread_join(thread, &same), 0);
	ck_assert_ptr_nonnull(same);
	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_ne(other, mine());
}
END_TEST

START_TEST(test_context_needs_memory)
{
	tr_context *context = NULL;

	init_memory();
	ck_assert_int_eq(tr_process_init(), TROUPE_OK);
	for (long n = 1; context == NULL; n++) {
		ck_assert_int_lt(n, 10);
		tr_fault_arm(n);
		context = tr_context_make();
		ck_assert_int_eq(context == NULL, tr_fault_struck());
		ck_assert_ptr_eq(tr_current_context, context);
		if (context == NULL)
			ck_assert_int_eq(troupe_last_error(), TROUPE_NOMEM);
	}
	tr_fault_arm(0);
	ck_assert_ptr_eq(mine(), context);
}
END_TEST

/* Bits for what is right in the child. */
static int
look_in_child(void)
{
	const bool none = tr_context_mine() == NULL;
	const bool told = troupe_last_error() == TROUPE_FORKED;

	return none + 2 * told + 4 * (tr_process_init() == TROUPE_FORKED);
}

START_TEST(test_context_is_refused_in_a_child_of_fork)
{
	int status = 0;

	(void)mine();
	const pid_t child = fork();
	if (child == 0)
		_exit(look_in_child());
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	ck_assert_int_eq(tr_process_init(), TROUPE_OK);
}
END_TEST

/* --- Numbers. --- */

START_TEST(test_context_runtimes_have_different_numbers)
{
	const uint8_t a = publish(&first), b = publish(&second);

	ck_assert_uint_ne(a, b);
	ck_assert_ptr_eq(tr_runtime_enter(mine(), a), &first);
	ck_assert_ptr_eq(tr_runtime_enter(mine(), b), &second);
	tr_runtime_leave(mine(), a);
	tr_runtime_leave(mine(), b);
	close_number(a);
	close_number(b);
}
END_TEST

START_TEST(test_context_runtimes_have_no_more_numbers_than_there_are)
{
	static troupe all[TR_RUNTIMES];

	for (int i = 1; i < TR_RUNTIMES; i++)
		(void)publish(&all[i]);
	ck_assert_uint_eq(tr_runtime_publish(&first), 0);
	close_number(all[100].number);
	ck_assert_uint_eq(publish(&first), all[100].number);
	ck_assert_uint_eq(tr_runtime_publish(&second), 0);
}
END_TEST

/* --- Inside. --- */

START_TEST(test_context_enters_what_is_published)
{
	const uint8_t number = publish(&first);

	ck_assert(!tr_runtime_is_entered(number));
	ck_assert_ptr_eq(tr_runtime_enter(mine(), number), &first);
	ck_assert(tr_runtime_is_entered(number));
	tr_runtime_leave(mine(), number);
	ck_assert(!tr_runtime_is_entered(number));
}
END_TEST

START_TEST(test_context_leaves_once_for_each_time_it_entered)
{
	const uint8_t number = publish(&first);

	for (int i = 0; i < 5; i++)
		ck_assert_ptr_eq(tr_runtime_enter(mine(), number), &first);
	for (int i = 0; i < 5; i++) {
		ck_assert(tr_runtime_is_entered(number));
		tr_runtime_leave(mine(), number);
	}
	ck_assert(!tr_runtime_is_entered(number));
}
END_TEST

START_TEST(test_context_enters_no_number_that_is_none)
{
	for (int number = 0; number < TR_RUNTIMES; number++) {
		ck_assert_ptr_null(tr_runtime_enter(mine(), (uint8_t)number));
		ck_assert(!tr_runtime_is_entered((uint8_t)number));
	}
}
END_TEST

START_TEST(test_context_enters_nothing_that_is_barred)
{
	const uint8_t number = publish(&first);

	ck_assert_ptr_eq(tr_runtime_enter(mine(), number), &first);
	tr_runtime_bar(number);
	ck_assert_ptr_null(tr_runtime_enter(mine(), number));
	ck_assert(tr_runtime_is_entered(number));
	tr_runtime_leave(mine(), number);
	ck_assert(!tr_runtime_is_entered(number));
	tr_runtime_forget(number);
	ck_assert_ptr_null(tr_runtime_enter(mine(), number));
}
END_TEST

START_TEST(test_context_is_inside_one_runtime_and_not_the_other)
{
	const uint8_t a = publish(&first), b = publish(&second);

	ck_assert_ptr_eq(tr_runtime_enter(mine(), a), &first);
	ck_assert(!tr_runtime_is_entered(b));
	tr_runtime_bar(b);
	ck_assert(tr_runtime_is_entered(a));
	tr_runtime_leave(mine(), a);
}
END_TEST

/* --- What was counted. --- */

struct counter {
	uint8_t number;
	uint64_t times;
};

static void *
count_accepted(void *argument)
{
	const struct counter *counter = argument;
	tr_context *context = tr_context_mine();

	for (uint64_t i = 0; i < counter->times; i++) {
		if (tr_runtime_enter(context, counter->number) == NULL)
			return NULL;
		tr_count(&context->visits[counter->number].tally.accepted, 1);
		tr_runtime_leave(context, counter->number);
	}
	return NULL;
}

START_TEST(test_context_tally_has_six_counts)
{
	const uint8_t number = publish(&first);
	tr_tally *tally = &mine()->visits[number].tally;
	troupe_totals totals;

	tr_count(&tally->accepted, 1);
	tr_count(&tally->handled, 2);
	tr_count(&tally->dead, 3);
	tr_count(&tally->unhandled, 4);
	tr_count(&tally->spawned, 5);
	tr_count(&tally->stopped, 6);
	tr_count(&tally->accepted, UINT64_C(1) << 40);
	tr_tally_sum(number, &totals);
	ck_assert_uint_eq(totals.accepted, (UINT64_C(1) << 40) + 1);
	ck_assert_uint_eq(totals.handled, 2);
	ck_assert_uint_eq(totals.dead, 3);
	ck_assert_uint_eq(totals.unhandled, 4);
	ck_assert_uint_eq(totals.spawned, 5);
	ck_assert_uint_eq(totals.stopped, 6);
}
END_TEST

START_TEST(test_context_tally_keeps_what_ended_threads_counted)
{
	const uint8_t a = publish(&first), b = publish(&second);
	struct counter counters[] = { { a, 10 }, { b, 200 }, { a, 3000 }, { b, 1 } };

	for (uint64_t round = 1; round <= 3; round++) {
		run_together(4, count_accepted, counters, sizeof *counters);
		(void)count_accepted(&counters[0]);
		ck_assert_uint_eq(accepted(a), round * 3020);
		ck_assert_uint_eq(accepted(b), round * 201);
	}
}
END_TEST

START_TEST(test_context_tally_begins_anew_with_each_runtime)
{
	const uint8_t number = publish(&first);
	struct counter counter = { number, 10 };

	(void)count_accepted(&counter);
	run_together(1, count_accepted, &counter, sizeof counter);
	ck_assert_uint_eq(accepted(number), 20);
	close_number(number);
	ck_assert_uint_eq(publish(&second), number);
	ck_assert_uint_eq(accepted(number), 0);
	(void)count_accepted(&counter);
	ck_assert_uint_eq(accepted(number), 10);
}
END_TEST

/* --- Somebody closes while others come and go. --- */

#define VISITORS 3
#define ROUNDS   TEST_SCALED(16000)
#define VISITS   16 /* before the others have a turn */
#define GONE     UINT64_MAX

struct house {
	troupe t;
	uint8_t number;
	uint64_t round;           /* written by the closer while nobody is inside */
	uint64_t marks[VISITORS]; /* written by the visitors inside */
	_Atomic uint64_t visits;
	_Atomic bool over;
};

struct party {
	struct house *house;
	uint32_t index; /* VISITORS is the closer */
	uint64_t visited, refused, wrong, wrong_sums;
};

static void
visit_house(struct party *party, tr_context *context)
{
	struct house *house = party->house;
	troupe *t = tr_runtime_enter(context, house->number);

	if (t == NULL) {
		party->refused++;
		return;
	}
	party->wrong += t != &house->t || house->round == GONE;
	house->marks[party->index]++;
	tr_count(&context->visits[house->number].tally.accepted, 1);
	party->wrong += house->round == GONE;
	tr_runtime_leave(context, house->number);
	party->visited++;
	atomic_fetch_add_explicit(&house->visits, 1, memory_order_relaxed);
}

/* Awake for some time first: to bar somebody's way at the very moment, one must not sleep. */
static void
await_visit(struct house *house, uint64_t before)
{
	for (unsigned i = 1; atomic_load_explicit(&house->visits, memory_order_relaxed) == before; i++)
		if (i % 256 == 0)
			sched_yield();
		else
			tr_spin_hint();
}

/* Bar, wait until all have left, and look at what they did. */
static void
close_house(struct party *party)
{
	struct house *house = party->house;
	uint64_t marks = 0;

	tr_runtime_bar(house->number);
	while (tr_runtime_is_entered(house->number))
		sched_yield();
	house->round = GONE;
	for (int i = 0; i < VISITORS; i++) {
		marks += house->marks[i];
		house->marks[i] = 0;
	}
	party->wrong_sums += accepted(house->number) != marks;
	tr_runtime_forget(house->number);
}

static void
open_and_close_house(struct party *party)
{
	struct house *house = party->house;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		const uint64_t before = atomic_load_explicit(&house->visits, memory_order_relaxed);

		house->round = round;
		party->wrong += tr_runtime_publish(&house->t) != house->number;
		await_visit(house, before);
		close_house(party);
	}
	raise_flag(&house->over);
}

static void *
visit_or_close(void *argument)
{
	struct party *party = argument;
	tr_context *context = tr_context_mine();

	if (party->index == VISITORS)
		open_and_close_house(party);
	while (!flag_is_up(&party->house->over)) {
		for (int i = 0; i < VISITS; i++)
			visit_house(party, context);
		sched_yield();
	}
	return NULL;
}

/* One visitor is seldom held up by others; several are more to look for. */
START_TEST(test_context_is_inside_nothing_that_was_closed)
{
	static struct house house = { .number = TR_RUNTIMES - 1 };
	const uint32_t visitors = _i == 0 ? 1 : VISITORS;
	struct party parties[VISITORS + 1] = { { 0 } };

	for (uint32_t i = 0; i <= visitors; i++)
		parties[i] = (struct party){ .house = &house, .index = i < visitors ? i : VISITORS };
	run_together(visitors + 1, visit_or_close, parties, sizeof *parties);

	uint64_t visited = 0;
	for (uint32_t i = 0; i <= visitors; i++) {
		ck_assert_uint_eq(parties[i].wrong, 0);
		ck_assert_uint_eq(parties[i].wrong_sums, 0);
		visited += parties[i].visited;
	}
	ck_assert_uint_eq(visited, atomic_load_explicit(&house.visits, memory_order_relaxed));
}
END_TEST

static TCase *
case_thread(void)
{
	TCase *tc = tcase_create("thread");

	tcase_add_test(tc, test_context_is_the_same_in_each_call);
	tcase_add_test(tc, test_context_is_inside_no_actor_at_first);
	tcase_add_test(tc, test_context_is_each_threads_own);
	tcase_add_test(tc, test_context_needs_memory);
	tcase_add_test(tc, test_context_is_refused_in_a_child_of_fork);
	return tc;
}

static TCase *
case_runtimes(void)
{
	TCase *tc = tcase_create("runtimes");

	tcase_add_test(tc, test_context_runtimes_have_different_numbers);
	tcase_add_test(tc, test_context_runtimes_have_no_more_numbers_than_there_are);
	tcase_add_test(tc, test_context_enters_what_is_published);
	tcase_add_test(tc, test_context_leaves_once_for_each_time_it_entered);
	tcase_add_test(tc, test_context_enters_no_number_that_is_none);
	tcase_add_test(tc, test_context_enters_nothing_that_is_barred);
	tcase_add_test(tc, test_context_is_inside_one_runtime_and_not_the_other);
	tcase_add_loop_test(tc, test_context_is_inside_nothing_that_was_closed, 0, 2);
	return tc;
}

static TCase *
case_tally(void)
{
	TCase *tc = tcase_create("tally");

	tcase_add_test(tc, test_context_tally_has_six_counts);
	tcase_add_test(tc, test_context_tally_keeps_what_ended_threads_counted);
	tcase_add_test(tc, test_context_tally_begins_anew_with_each_runtime);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("context");

	suite_add_tcase(suite, case_thread());
	suite_add_tcase(suite, case_runtimes());
	suite_add_tcase(suite, case_tally());
	return run_suite(suite);
}
