/* SPDX-License-Identifier: MIT */
#include "runtime/engine/governor.h"
#include "tests/support.h"

#include <check.h>

/* Clock and work are the test's own. */
static tr_governor governor;
static int64_t now;
static tr_work work;

/* Messages per ms that are neither coarse nor near it, for up to 8 workers. */
#define FAST UINT64_C(100000)

static void
init_governor(uint32_t count)
{
	tr_governor_init(&governor, count);
	now = 1000;
	work = (tr_work){ 0, 0 };
}

static enum tr_governor_action
decide_after(int64_t ns, uint64_t messages)
{
	now += ns;
	work.handled += messages;
	return tr_governor_decide(&governor, now, work, tr_governor_limit(&governor));
}

/* Up to where an epoch is measured. */
static void
warm_up(void)
{
	while (governor.phase == TR_GOVERNOR_WARMING)
		ck_assert_int_eq(decide_after(TR_WARM_NS, FAST / 5), TR_GOVERNOR_NOTHING);
}

/* A whole epoch in which so many messages are handled. */
static enum tr_governor_action
pass_epoch(uint64_t messages)
{
	warm_up();
	return decide_after(TR_EPOCH_NS, messages);
}

static uint32_t
limit(void)
{
	return tr_governor_limit(&governor);
}

/* A trial of another limit begins; so fast was the settled one. */
static void
begin_trial(uint64_t messages)
{
	const uint32_t settled = governor.settled;

	ck_assert_uint_eq(limit(), settled);
	while (limit() == settled)
		(void)pass_epoch(messages);
}

/* Epochs with the settled limit until the next trial, which fails. */
static uint32_t
epochs_until_failed_trial(void)
{
	const uint32_t settled = governor.settled;
	uint32_t epochs = 0;

	while (limit() == settled) {
		(void)pass_epoch(FAST);
		epochs++;
	}
	(void)pass_epoch(FAST);
	ck_assert_uint_eq(limit(), settled);
	return epochs;
}

START_TEST(test_governor_lets_all_run_at_first)
{
	init_governor(4);
	ck_assert_uint_eq(limit(), 4);
	ck_assert(!tr_governor_benches(&governor, 3));
	ck_assert(tr_governor_benches(&governor, 4));
	ck_assert_uint_eq(tr_governor_benched(&governor), 0);
	ck_assert(tr_governor_is_due(&governor, now));
}
END_TEST

START_TEST(test_governor_decides_only_when_it_is_due)
{
	init_governor(4);
	ck_assert_int_eq(decide_after(0, 0), TR_GOVERNOR_NOTHING);
	ck_assert(!tr_governor_is_due(&governor, now + TR_WARM_NS - 1));
	ck_assert(tr_governor_is_due(&governor, now + TR_WARM_NS));
	warm_up();
	for (int i = 0; i < 9; i++)
		ck_assert_int_eq(decide_after(TR_EPOCH_NS / 10, FAST / 10), TR_GOVERNOR_NOTHING);
	ck_assert_uint_eq(limit(), 4);
	ck_assert(!tr_governor_is_due(&governor, now));
	(void)decide_after(TR_EPOCH_NS / 10, FAST / 10);
	ck_assert_uint_eq(limit(), 2);
}
END_TEST

START_TEST(test_governor_tries_half_first)
{
	static const uint32_t halves[] = { 0, 0, 1, 2, 2, 3, 3, 4, 4 };

	init_governor((uint32_t)_i);
	ck_assert_int_eq(pass_epoch(FAST), TR_GOVERNOR_NOTHING);
	ck_assert_uint_eq(limit(), halves[_i]);
	ck_assert(!tr_governor_benches(&governor, halves[_i] - 1));
	ck_assert(tr_governor_benches(&governor, halves[_i]));
}
END_TEST

START_TEST(test_governor_keeps_what_is_clearly_faster)
{
	init_governor(4);
	begin_trial(FAST);
	ck_assert_int_eq(pass_epoch(FAST + FAST / 20), TR_GOVERNOR_NOTHING);
	ck_assert_uint_eq(limit(), 2);
	ck_assert_uint_eq(governor.settled, 2);
}
END_TEST

START_TEST(test_governor_goes_back_from_what_is_not)
{
	static const uint64_t rates[] = { FAST / 2, FAST - 1, FAST, FAST + FAST / 50, FAST + FAST * 4 / 100 };

	init_governor(4);
	begin_trial(FAST);
	ck_assert_int_eq(pass_epoch(rates[_i]), TR_GOVERNOR_CALL_BACK);
	ck_assert_uint_eq(limit(), 4);
	ck_assert_uint_eq(governor.settled, 4);
}
END_TEST

/* More messages in more time are no gain. */
START_TEST(test_governor_compares_rates_and_not_counts)
{
	init_governor(2);
	begin_trial(FAST);
	warm_up();
	ck_assert_int_eq(decide_after(3 * TR_EPOCH_NS, 2 * FAST), TR_GOVERNOR_CALL_BACK);
	ck_assert_uint_eq(limit(), 2);
}
END_TEST

/* What comes in while the caches are cold, or is only sent, does not count. */
START_TEST(test_governor_counts_what_is_handled_while_it_measures)
{
	init_governor(2);
	begin_trial(FAST);
	ck_assert_int_eq(decide_after(TR_WARM_NS, 100 * FAST), TR_GOVERNOR_NOTHING);
	work.sent += 100 * FAST;
	ck_assert_int_eq(decide_after(TR_EPOCH_NS, FAST), TR_GOVERNOR_CALL_BACK);
	ck_assert_uint_eq(limit(), 2);
}
END_TEST

START_TEST(test_governor_tries_ever_more_seldom_what_changes_nothing)
{
	uint32_t wanted = TR_HOLD_LEAST;

	init_governor(2);
	ck_assert_uint_eq(epochs_until_failed_trial(), 1);
	for (int i = 0; i < 8; i++) {
		ck_assert_uint_eq(epochs_until_failed_trial(), wanted + 1);
		wanted = wanted * 2 < TR_HOLD_MOST ? wanted * 2 : TR_HOLD_MOST;
	}
}
END_TEST

START_TEST(test_governor_tries_soon_again_after_a_change)
{
	init_governor(8);
	for (int i = 0; i < 5; i++)
		(void)epochs_until_failed_trial();
	begin_trial(FAST);
	(void)pass_epoch(2 * FAST);
	const uint32_t settled = limit();
	uint32_t epochs = 0;

	for (; limit() == settled; epochs++)
		(void)pass_epoch(2 * FAST);
	ck_assert_uint_eq(epochs, TR_HOLD_LEAST + 1);
}
END_TEST

START_TEST(test_governor_tries_less_and_more_in_turn)
{
	init_governor(8);
	begin_trial(FAST);
	(void)pass_epoch(2 * FAST);
	ck_assert_uint_eq(governor.settled, 4);
	for (int i = 0; i < 3; i++) {
		begin_trial(2 * FAST);
		ck_assert_uint_eq(limit(), i % 2 == 0 ? 8 : 2);
		(void)pass_epoch(FAST);
		ck_assert_uint_eq(limit(), 4);
	}
}
END_TEST

START_TEST(test_governor_of_one_running_tries_two)
{
	init_governor(4);
	(void)decide_after(0, 0);
	for (int i = 0; i < 2; i++) {
		tr_governor_flood(&governor);
		(void)decide_after(1000, FAST);
	}
	ck_assert_uint_eq(governor.settled, 1);
	begin_trial(100 * FAST);
	ck_assert_uint_eq(limit(), 2);
	(void)pass_epoch(FAST);
	begin_trial(100 * FAST);
	ck_assert_uint_eq(limit(), 2);
}
END_TEST

START_TEST(test_governor_tries_no_more_than_there_are)
{
	init_governor(3);
	begin_trial(FAST);
	(void)pass_epoch(2 * FAST);
	ck_assert_uint_eq(governor.settled, 2);
	begin_trial(2 * FAST);
	ck_assert_uint_eq(limit(), 3);
}
END_TEST

START_TEST(test_governor_tries_again_when_the_loser_of_the_last_trial_was_faster)
{
	init_governor(2);
	begin_trial(FAST);
	(void)pass_epoch(FAST - FAST / 10);
	ck_assert_uint_eq(limit(), 2);
	for (int i = 1; i < TR_OVERTAKEN; i++) {
		(void)pass_epoch(FAST / 2);
		ck_assert_uint_eq(limit(), 2);
	}
	(void)pass_epoch(FAST / 2);
	ck_assert_uint_eq(limit(), 1);
}
END_TEST

START_TEST(test_governor_is_not_misled_by_slow_epochs_now_and_then)
{
	init_governor(2);
	begin_trial(FAST);
	(void)pass_epoch(FAST - FAST / 10);
	for (int i = 1; i <= TR_HOLD_LEAST; i++) {
		(void)pass_epoch(i % TR_OVERTAKEN == 0 ? FAST : FAST / 2);
		ck_assert_uint_eq(limit(), 2);
	}
}
END_TEST

/* --- Coarse work, floods, and a new start. --- */

START_TEST(test_governor_lets_all_run_when_messages_take_long)
{
	init_governor(4);
	begin_trial(FAST);
	ck_assert_uint_eq(limit(), 2);
	ck_assert_int_eq(pass_epoch(2 * TR_EPOCH_NS / TR_COARSE_NS - 1), TR_GOVERNOR_CALL_BACK);
	ck_assert_uint_eq(limit(), 4);
}
END_TEST

START_TEST(test_governor_tries_nothing_while_messages_take_long)
{
	init_governor(4);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(pass_epoch(4 * TR_EPOCH_NS / TR_COARSE_NS - 1), TR_GOVERNOR_NOTHING);
		ck_assert_uint_eq(limit(), 4);
	}
	(void)pass_epoch(4 * TR_EPOCH_NS / TR_COARSE_NS);
	ck_assert_uint_eq(limit(), 2);
}
END_TEST

START_TEST(test_governor_takes_sending_for_work)
{
	init_governor(4);
	warm_up();
	work.sent += FAST;
	ck_assert_int_eq(decide_after(TR_EPOCH_NS, 0), TR_GOVERNOR_NOTHING);
	ck_assert_uint_eq(limit(), 2);
}
END_TEST

/* Whether it warms up or measures. */
START_TEST(test_governor_halves_in_a_flood_at_once)
{
	init_governor(4);
	(void)decide_after(0, 0);
	if (_i == 1)
		warm_up();
	tr_governor_flood(&governor);
	ck_assert(tr_governor_is_due(&governor, now));
	ck_assert_int_eq(decide_after(1000, FAST), TR_GOVERNOR_NOTHING);
	ck_assert_uint_eq(limit(), 2);
	tr_governor_flood(&governor);
	ck_assert_int_eq(decide_after(1000, FAST), TR_GOVERNOR_NOTHING);
	ck_assert_uint_eq(limit(), 1);
	ck_assert_uint_eq(governor.settled, 1);
}
END_TEST

START_TEST(test_governor_leaves_one_running_in_a_flood)
{
	init_governor(4);
	(void)decide_after(0, 0);
	for (int i = 0; i < 10; i++) {
		tr_governor_flood(&governor);
		(void)decide_after(1000, FAST);
	}
	ck_assert_uint_eq(limit(), 1);
}
END_TEST

START_TEST(test_governor_halves_once_for_a_flood)
{
	init_governor(8);
	(void)decide_after(0, 0);
	tr_governor_flood(&governor);
	(void)decide_after(1000, FAST);
	for (int i = 1; i < TR_HOLD_LEAST; i++) {
		(void)pass_epoch(FAST);
		ck_assert_uint_eq(limit(), 4);
	}
}
END_TEST

START_TEST(test_governor_lets_all_run_in_a_flood_of_coarse_work)
{
	init_governor(4);
	(void)decide_after(0, 0);
	warm_up();
	tr_governor_flood(&governor);
	(void)decide_after(TR_EPOCH_NS, 1);
	ck_assert_uint_eq(limit(), 4);
}
END_TEST

START_TEST(test_governor_forgets_when_it_is_reset)
{
	init_governor(4);
	begin_trial(FAST);
	(void)pass_epoch(2 * FAST);
	tr_governor_flood(&governor);
	tr_governor_reset(&governor);
	ck_assert_uint_eq(limit(), 4);
	ck_assert(tr_governor_is_due(&governor, 0));
	ck_assert_int_eq(decide_after(1000, FAST), TR_GOVERNOR_NOTHING);
	warm_up();
	ck_assert_uint_eq(limit(), 4);
	ck_assert_uint_eq(epochs_until_failed_trial(), 1);
	ck_assert_uint_eq(epochs_until_failed_trial(), TR_HOLD_LEAST + 1);
}
END_TEST

START_TEST(test_governor_wants_order_once_after_one_was_left)
{
	unsigned tidied = 0;

	init_governor(2);
	begin_trial(FAST);
	for (int i = 0; i < 20; i++)
		tidied += pass_epoch(2 * FAST) == TR_GOVERNOR_TIDY_UP;
	ck_assert_uint_eq(limit(), 1);
	ck_assert_uint_eq(tidied, 1);

	tr_governor_reset(&governor);
	begin_trial(FAST);
	for (int i = 0; i < 20; i++)
		tidied += pass_epoch(2 * FAST) == TR_GOVERNOR_TIDY_UP;
	ck_assert_uint_eq(tidied, 2);
}
END_TEST

START_TEST(test_governor_begins_again_when_the_clock_stands_still)
{
	init_governor(4);
	(void)decide_after(0, 0);
	warm_up();
	tr_governor_flood(&governor);
	ck_assert_int_eq(decide_after(0, FAST), TR_GOVERNOR_NOTHING);
	ck_assert_uint_eq(limit(), 4);
}
END_TEST

START_TEST(test_governor_leaves_a_decision_to_who_decides_already)
{
	init_governor(4);
	begin_trial(FAST);
	warm_up();
	atomic_store_explicit(&governor.deciding, true, memory_order_relaxed);
	ck_assert_int_eq(decide_after(TR_EPOCH_NS, 1), TR_GOVERNOR_NOTHING);
	tr_governor_reset(&governor);
	ck_assert_uint_eq(limit(), 2);
	atomic_store_explicit(&governor.deciding, false, memory_order_relaxed);
	ck_assert_int_eq(decide_after(TR_EPOCH_NS, 1), TR_GOVERNOR_CALL_BACK);
}
END_TEST

START_TEST(test_governor_counts_those_on_the_bench)
{
	init_governor(4);
	ck_assert_uint_eq(tr_governor_sit(&governor), 1);
	ck_assert_uint_eq(tr_governor_sit(&governor), 2);
	ck_assert_uint_eq(tr_governor_benched(&governor), 2);
	ck_assert_uint_eq(tr_governor_stand(&governor), 1);
	ck_assert_uint_eq(tr_governor_stand(&governor), 0);
	ck_assert_uint_eq(tr_governor_benched(&governor), 0);
}
END_TEST

/* Whatever comes: one is left, no more run than there are, and who is to come back is called. */
START_TEST(test_governor_stays_within_its_limits)
{
	uint64_t random = test_seed("test_governor_stays_within_its_limits");

	for (uint32_t count = 1; count <= 9; count++) {
		init_governor(count);
		for (int i = 0; i < 3000; i++) {
			const uint32_t before = limit();

			if (test_below(&random, 50) == 0)
				tr_governor_flood(&governor);
			const enum tr_governor_action action = decide_after(test_below(&random,
										2 * TR_EPOCH_NS),
			    test_below(&random, 40) * FAST / 20);
			ck_assert_uint_ge(limit(), 1);
			ck_assert_uint_le(limit(), count);
			ck_assert_int_eq(action == TR_GOVERNOR_CALL_BACK, limit() > before);
			ck_assert(action != TR_GOVERNOR_TIDY_UP || limit() == 1);
		}
	}
}
END_TEST

/* --- Several threads. --- */

#define DECIDERS  4
#define DECISIONS TEST_SCALED(80000)

struct decider {
	_Atomic int64_t *clock;
	uint64_t random;
	uint64_t decided, called_back, wrong;
};

static void *
decide_again_and_again(void *argument)
{
	struct decider *decider = argument;

	for (int i = 0; i < DECISIONS; i++) {
		const int64_t time = atomic_fetch_add_explicit(decider->clock, TR_WARM_NS,
		    memory_order_relaxed);
		const tr_work done = { .handled = (uint64_t)time / 1000 *
						  (1 + test_below(&decider->random, 2)) };

		switch (test_below(&decider->random, 32)) {
		case 0:
			tr_governor_flood(&governor);
			break;
		case 1:
			tr_governor_reset(&governor);
			break;
		case 2:
			decider->wrong += tr_governor_sit(&governor) > DECIDERS;
			decider->wrong += tr_governor_stand(&governor) >= DECIDERS;
			break;
		default:
			decider->decided++;
			decider->called_back += tr_governor_decide(&governor, time, done, 1) ==
						TR_GOVERNOR_CALL_BACK;
			break;
		}
		const uint32_t here = tr_governor_limit(&governor);
		decider->wrong += here < 1 || here > DECIDERS;
	}
	return NULL;
}

START_TEST(test_governor_is_decided_by_one_at_a_time)
{
	static struct decider deciders[DECIDERS];
	_Atomic int64_t clock = 1;
	uint64_t random = test_seed("test_governor_is_decided_by_one_at_a_time");

	init_governor(DECIDERS);
	for (int i = 0; i < DECIDERS; i++)
		deciders[i] = (struct decider){ .clock = &clock, .random = test_random(&random) };
	run_together(DECIDERS, decide_again_and_again, deciders, sizeof *deciders);

	for (int i = 0; i < DECIDERS; i++)
		ck_assert_uint_eq(deciders[i].wrong, 0);
	ck_assert_uint_eq(tr_governor_benched(&governor), 0);
	ck_assert(!atomic_load_explicit(&governor.deciding, memory_order_relaxed));
}
END_TEST

static TCase *
case_trials(void)
{
	TCase *tc = tcase_create("trials");

	tcase_add_test(tc, test_governor_lets_all_run_at_first);
	tcase_add_test(tc, test_governor_decides_only_when_it_is_due);
	tcase_add_loop_test(tc, test_governor_tries_half_first, 2, 9);
	tcase_add_test(tc, test_governor_keeps_what_is_clearly_faster);
	tcase_add_loop_test(tc, test_governor_goes_back_from_what_is_not, 0, 5);
	tcase_add_test(tc, test_governor_compares_rates_and_not_counts);
	tcase_add_test(tc, test_governor_counts_what_is_handled_while_it_measures);
	tcase_add_test(tc, test_governor_tries_ever_more_seldom_what_changes_nothing);
	tcase_add_test(tc, test_governor_tries_soon_again_after_a_change);
	tcase_add_test(tc, test_governor_tries_less_and_more_in_turn);
	tcase_add_test(tc, test_governor_of_one_running_tries_two);
	tcase_add_test(tc, test_governor_tries_no_more_than_there_are);
	tcase_add_test(tc, test_governor_tries_again_when_the_loser_of_the_last_trial_was_faster);
	tcase_add_test(tc, test_governor_is_not_misled_by_slow_epochs_now_and_then);
	return tc;
}

static TCase *
case_rest(void)
{
	TCase *tc = tcase_create("rest");

	tcase_add_test(tc, test_governor_lets_all_run_when_messages_take_long);
	tcase_add_test(tc, test_governor_tries_nothing_while_messages_take_long);
	tcase_add_test(tc, test_governor_takes_sending_for_work);
	tcase_add_loop_test(tc, test_governor_halves_in_a_flood_at_once, 0, 2);
	tcase_add_test(tc, test_governor_leaves_one_running_in_a_flood);
	tcase_add_test(tc, test_governor_halves_once_for_a_flood);
	tcase_add_test(tc, test_governor_lets_all_run_in_a_flood_of_coarse_work);
	tcase_add_test(tc, test_governor_forgets_when_it_is_reset);
	tcase_add_test(tc, test_governor_wants_order_once_after_one_was_left);
	tcase_add_test(tc, test_governor_begins_again_when_the_clock_stands_still);
	tcase_add_test(tc, test_governor_leaves_a_decision_to_who_decides_already);
	tcase_add_test(tc, test_governor_counts_those_on_the_bench);
	tcase_add_test(tc, test_governor_stays_within_its_limits);
	tcase_add_test(tc, test_governor_is_decided_by_one_at_a_time);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("governor");

	suite_add_tcase(suite, case_trials());
	suite_add_tcase(suite, case_rest());
	return run_suite(suite);
}
