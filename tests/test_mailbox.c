/* SPDX-License-Identifier: MIT */
#include "runtime/engine/mailbox.h"
#include "tests/support.h"

#include <check.h>

/* A mailbox knows a message by its unit and its link only. */
#define LINKS 64

static tr_mailbox mailbox;
static uint32_t generation;
static uint32_t link_of[LINKS];

static uint64_t
load_word(void)
{
	return atomic_load_explicit(&mailbox.word, memory_order_relaxed);
}

static void
set_word(uint64_t word)
{
	atomic_store_explicit(&mailbox.word, word, memory_order_relaxed);
}

static enum tr_push
push(uint32_t unit)
{
	return tr_mailbox_push(&mailbox, generation, unit, &link_of[unit], 0);
}

/* A mailbox whose owner is the test. */
static void
open_owned(void)
{
	set_word(0);
	for (uint32_t i = 0; i < LINKS; i++)
		link_of[i] = 77;
	generation = tr_mailbox_open(&mailbox, TR_MAILBOX_EMPTY);
}

static void
open_idle(void)
{
	open_owned();
	ck_assert(tr_mailbox_try_idle(&mailbox, generation));
}

/* --- Pushing. --- */

START_TEST(test_mailbox_push_to_an_idle_owner_claims_it)
{
	open_idle();
	ck_assert_int_eq(push(5), TR_PUSH_CLAIMED);
	ck_assert_uint_eq(mailbox.todo, 5);
	ck_assert_uint_eq(link_of[5], 0);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 0);
}
END_TEST

START_TEST(test_mailbox_push_claims_once)
{
	open_idle();
	ck_assert_int_eq(push(5), TR_PUSH_CLAIMED);
	ck_assert_int_eq(push(6), TR_PUSH_QUEUED);
	ck_assert_uint_eq(mailbox.todo, 5);
}
END_TEST

START_TEST(test_mailbox_push_to_an_owned_one_queues)
{
	open_owned();
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_uint_eq(mailbox.todo, 0);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 5);
}
END_TEST

START_TEST(test_mailbox_push_of_another_life_changes_nothing)
{
	static const uint32_t others[] = { 0, 1, 2, 4, 5, UINT32_MAX };

	open_owned();
	(void)tr_mailbox_close(&mailbox, generation);
	generation = tr_mailbox_open(&mailbox, TR_MAILBOX_IDLE);
	ck_assert_uint_eq(generation, 3);
	const uint64_t before = load_word();

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		ck_assert_int_eq(tr_mailbox_push(&mailbox, others[i], 5, &link_of[5], 0), TR_PUSH_DEAD);
		ck_assert_uint_eq(load_word(), before);
		ck_assert_uint_eq(link_of[5], 77);
	}
}
END_TEST

START_TEST(test_mailbox_push_to_a_closed_one_changes_nothing)
{
	open_owned();
	(void)tr_mailbox_close(&mailbox, generation);
	const uint64_t before = load_word();

	ck_assert_int_eq(push(5), TR_PUSH_DEAD);
	ck_assert_int_eq(tr_mailbox_push(&mailbox, generation + 1, 5, &link_of[5], 0), TR_PUSH_DEAD);
	ck_assert_uint_eq(load_word(), before);
}
END_TEST

START_TEST(test_mailbox_holds_the_highest_unit)
{
	open_owned();
	ck_assert_int_eq(tr_mailbox_push(&mailbox, generation, TR_MAILBOX_CLOSED - 1, &link_of[0], 0),
	    TR_PUSH_QUEUED);
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_uint_eq(link_of[5], TR_MAILBOX_CLOSED - 1);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 5);
}
END_TEST

/* --- Taking. --- */

START_TEST(test_mailbox_take_gives_the_newest_first)
{
	open_owned();
	for (uint32_t i = 1; i <= 4; i++)
		ck_assert_int_eq(push(i), TR_PUSH_QUEUED);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 4);
	ck_assert_uint_eq(link_of[4], 3);
	ck_assert_uint_eq(link_of[3], 2);
	ck_assert_uint_eq(link_of[2], 1);
	ck_assert_uint_eq(link_of[1], 0);
}
END_TEST

START_TEST(test_mailbox_take_leaves_nothing)
{
	open_owned();
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 0);
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 5);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 0);
}
END_TEST

START_TEST(test_mailbox_take_keeps_the_owner)
{
	open_owned();
	(void)tr_mailbox_take(&mailbox, generation);
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
}
END_TEST

START_TEST(test_mailbox_take_tells_of_an_urgent_message)
{
	open_owned();
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_int_eq(tr_mailbox_push(&mailbox, generation, 6, &link_of[6], TR_MAILBOX_URGENT),
	    TR_PUSH_QUEUED);
	ck_assert_int_eq(push(7), TR_PUSH_QUEUED);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), TR_MAILBOX_URGENT | 7);
	ck_assert_uint_eq(link_of[7], 6);
	ck_assert_uint_eq(link_of[6], 5);
}
END_TEST

START_TEST(test_mailbox_urgent_message_is_seen_until_it_is_taken)
{
	open_owned();
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert(!tr_mailbox_has_urgent(&mailbox));
	ck_assert_int_eq(tr_mailbox_push(&mailbox, generation, 6, &link_of[6], TR_MAILBOX_URGENT),
	    TR_PUSH_QUEUED);
	ck_assert(tr_mailbox_has_urgent(&mailbox));
	(void)tr_mailbox_take(&mailbox, generation);
	ck_assert(!tr_mailbox_has_urgent(&mailbox));
}
END_TEST

START_TEST(test_mailbox_new_message_is_seen_until_it_is_taken)
{
	open_owned();
	ck_assert(!tr_mailbox_has_new(&mailbox));
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert(tr_mailbox_has_new(&mailbox));
	(void)tr_mailbox_take(&mailbox, generation);
	ck_assert(!tr_mailbox_has_new(&mailbox));
}
END_TEST

START_TEST(test_mailbox_seize_takes_what_waits_for_an_owner)
{
	open_owned();
	ck_assert_uint_eq(tr_mailbox_seize(&mailbox, generation), 0);
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_int_eq(tr_mailbox_push(&mailbox, generation, 6, &link_of[6], TR_MAILBOX_URGENT),
	    TR_PUSH_QUEUED);
	ck_assert_uint_eq(tr_mailbox_seize(&mailbox, generation), TR_MAILBOX_URGENT | 6);
	ck_assert_int_eq(push(7), TR_PUSH_QUEUED);
}
END_TEST

START_TEST(test_mailbox_seize_leaves_alone_what_has_no_such_owner)
{
	open_idle();
	const uint64_t idle = load_word();
	ck_assert_uint_eq(tr_mailbox_seize(&mailbox, generation), 0);
	ck_assert_uint_eq(load_word(), idle);

	open_owned();
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	const uint64_t owned = load_word();
	ck_assert_uint_eq(tr_mailbox_seize(&mailbox, generation + 2), 0);
	ck_assert_uint_eq(load_word(), owned);

	(void)tr_mailbox_close(&mailbox, generation);
	const uint64_t closed = load_word();
	ck_assert_uint_eq(tr_mailbox_seize(&mailbox, generation), 0);
	ck_assert_uint_eq(tr_mailbox_seize(&mailbox, generation + 1), 0);
	ck_assert_uint_eq(load_word(), closed);
}
END_TEST

START_TEST(test_mailbox_owner_cannot_idle_while_a_message_waits)
{
	open_owned();
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert(!tr_mailbox_try_idle(&mailbox, generation));
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 5);
	ck_assert(tr_mailbox_try_idle(&mailbox, generation));
}
END_TEST

/* --- Lives. --- */

START_TEST(test_mailbox_is_alive_while_it_is_open)
{
	set_word(0);
	ck_assert_uint_eq(tr_mailbox_alive(&mailbox), 0);
	open_owned();
	ck_assert_uint_eq(tr_mailbox_alive(&mailbox), generation);
	ck_assert(tr_mailbox_try_idle(&mailbox, generation));
	ck_assert_uint_eq(tr_mailbox_alive(&mailbox), generation);
	ck_assert_int_eq(push(5), TR_PUSH_CLAIMED);
	(void)tr_mailbox_close(&mailbox, generation);
	ck_assert_uint_eq(tr_mailbox_alive(&mailbox), 0);
}
END_TEST

START_TEST(test_mailbox_opens_with_nothing_in_it)
{
	set_word(0);
	mailbox.todo = 5;
	tr_mailbox_set_backlog(&mailbox, 6);
	generation = tr_mailbox_open(&mailbox, TR_MAILBOX_EMPTY);
	ck_assert_uint_eq(mailbox.todo, 0);
	ck_assert_uint_eq(tr_mailbox_waiting(&mailbox), 0);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 0);
}
END_TEST

START_TEST(test_mailbox_shows_how_many_wait_until_the_next_life)
{
	open_owned();
	ck_assert_uint_eq(tr_mailbox_waiting(&mailbox), 0);
	tr_mailbox_set_backlog(&mailbox, 7);
	ck_assert_uint_eq(tr_mailbox_waiting(&mailbox), 7);
	(void)tr_mailbox_close(&mailbox, generation);
	open_owned();
	ck_assert_uint_eq(tr_mailbox_waiting(&mailbox), 0);
}
END_TEST

START_TEST(test_mailbox_opened_idle_can_be_claimed)
{
	set_word(0);
	generation = tr_mailbox_open(&mailbox, TR_MAILBOX_IDLE);
	ck_assert_int_eq(push(5), TR_PUSH_CLAIMED);
}
END_TEST

START_TEST(test_mailbox_has_a_new_generation_in_each_life)
{
	set_word(0);
	for (uint32_t life = 0; life < 1000; life++) {
		ck_assert_uint_eq(tr_mailbox_open(&mailbox, TR_MAILBOX_EMPTY), 2 * life + 1);
		(void)tr_mailbox_close(&mailbox, 2 * life + 1);
	}
}
END_TEST

START_TEST(test_mailbox_close_gives_what_was_not_taken)
{
	open_owned();
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_int_eq(tr_mailbox_push(&mailbox, generation, 6, &link_of[6], TR_MAILBOX_URGENT),
	    TR_PUSH_QUEUED);
	ck_assert_uint_eq(tr_mailbox_close(&mailbox, generation), TR_MAILBOX_URGENT | 6);
	ck_assert_uint_eq(link_of[6], 5);
}
END_TEST

START_TEST(test_mailbox_try_close_refuses_while_a_message_waits)
{
	open_owned();
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert(!tr_mailbox_try_close(&mailbox, generation));
	ck_assert_uint_eq(tr_mailbox_alive(&mailbox), generation);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 5);
	ck_assert(tr_mailbox_try_close(&mailbox, generation));
	ck_assert_uint_eq(tr_mailbox_alive(&mailbox), 0);
	ck_assert_int_eq(push(6), TR_PUSH_DEAD);
}
END_TEST

/* --- The last life of a slot. --- */

#define LAST UINT32_MAX

static void
open_last_life(void)
{
	set_word(tr_mailbox_word(LAST - 1, TR_MAILBOX_CLOSED));
	generation = tr_mailbox_open(&mailbox, TR_MAILBOX_EMPTY);
}

START_TEST(test_mailbox_last_life_is_like_any_other)
{
	open_last_life();
	ck_assert_uint_eq(generation, LAST);
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_uint_eq(tr_mailbox_take(&mailbox, generation), 5);
	ck_assert(tr_mailbox_try_idle(&mailbox, generation));
	ck_assert_int_eq(push(6), TR_PUSH_CLAIMED);
}
END_TEST

START_TEST(test_mailbox_is_dead_for_all_handles_after_its_last_life)
{
	for (int round = 0; round < 2; round++) {
		open_last_life();
		if (round == 0)
			ck_assert_uint_eq(tr_mailbox_close(&mailbox, generation), 0);
		else
			ck_assert(tr_mailbox_try_close(&mailbox, generation));
		ck_assert_uint_eq(tr_mailbox_alive(&mailbox), 0);
		for (uint32_t bits = 0; bits <= 32; bits++) {
			const uint32_t handle = (uint32_t)((UINT64_C(1) << bits) - 1);

			ck_assert_int_eq(tr_mailbox_push(&mailbox, handle, 5, &link_of[5], 0), TR_PUSH_DEAD);
		}
	}
}
END_TEST

START_TEST(test_mailbox_cannot_be_reopened_after_its_last_life)
{
	ck_assert(tr_mailbox_can_reopen(1));
	ck_assert(tr_mailbox_can_reopen(LAST - 2));
	ck_assert(!tr_mailbox_can_reopen(LAST));
}
END_TEST

/* --- Against a model. --- */

/* What a mailbox with one owner should do, said in the plainest way. */
struct model {
	enum { CLOSED, IDLE, OWNED } is;
	uint32_t generation;
	uint32_t waiting[LINKS], count;
	bool urgent;
};

static uint32_t
read_chain(uint32_t newest, uint32_t units[LINKS])
{
	uint32_t count = 0;

	for (uint32_t unit = newest & TR_MAILBOX_NEWEST; unit != 0 && count < LINKS; unit = link_of[unit])
		units[count++] = unit;
	return count;
}

static void
compare_chain(struct model *model, uint32_t taken)
{
	uint32_t units[LINKS];

	ck_assert_uint_eq(read_chain(taken, units), model->count);
	for (uint32_t i = 0; i < model->count; i++)
		ck_assert_uint_eq(units[i], model->waiting[model->count - 1 - i]);
	ck_assert_int_eq((taken & TR_MAILBOX_URGENT) != 0, model->urgent);
	model->count = 0;
	model->urgent = false;
}

static void
push_both(struct model *model, uint64_t *random)
{
	const bool current = test_below(random, 4) > 0, urgent = test_below(random, 4) == 0;
	const uint32_t to = model->generation - (current ? 0 : 2 * test_below(random, 3));
	const uint32_t unit = model->count + 1;
	const enum tr_push got = tr_mailbox_push(&mailbox, to, unit, &link_of[unit],
	    urgent ? TR_MAILBOX_URGENT : 0);

	if (model->is == CLOSED || to != model->generation) {
		ck_assert_int_eq(got, TR_PUSH_DEAD);
	} else if (model->is == IDLE) {
		ck_assert_int_eq(got, TR_PUSH_CLAIMED);
		ck_assert_uint_eq(mailbox.todo, unit);
		model->is = OWNED;
	} else {
		ck_assert_int_eq(got, TR_PUSH_QUEUED);
		model->waiting[model->count++] = unit;
		model->urgent |= urgent;
	}
}

static void
act_as_owner(struct model *model, uint64_t *random)
{
	switch (test_below(random, 5)) {
	case 0:
		compare_chain(model, tr_mailbox_take(&mailbox, model->generation));
		break;
	case 1:
		ck_assert_int_eq(tr_mailbox_try_idle(&mailbox, model->generation), model->count == 0);
		model->is = model->count == 0 ? IDLE : OWNED;
		break;
	case 2:
		ck_assert_int_eq(tr_mailbox_try_close(&mailbox, model->generation), model->count == 0);
		model->is = model->count == 0 ? CLOSED : OWNED;
		break;
	case 3:
		compare_chain(model, tr_mailbox_close(&mailbox, model->generation));
		model->is = CLOSED;
		break;
	default:
		compare_chain(model, tr_mailbox_seize(&mailbox, model->generation));
		break;
	}
}

START_TEST(test_mailbox_does_what_its_model_does)
{
	uint64_t random = test_seed("test_mailbox_does_what_its_model_does");
	struct model model = { .is = CLOSED };

	set_word(0);
	for (int step = 0; step < 20000; step++) {
		if (model.is == CLOSED) {
			model.is = test_below(&random, 2) ? IDLE : OWNED;
			model.generation = tr_mailbox_open(&mailbox,
			    model.is == IDLE ? TR_MAILBOX_IDLE : TR_MAILBOX_EMPTY);
		} else if (model.is == OWNED && (model.count == LINKS - 2 || test_below(&random, 3) == 0)) {
			act_as_owner(&model, &random);
		} else {
			push_both(&model, &random);
		}
		ck_assert_uint_eq(tr_mailbox_alive(&mailbox), model.is == CLOSED ? 0 : model.generation);
		if (model.is == OWNED)
			ck_assert_int_eq(tr_mailbox_has_new(&mailbox), model.count > 0);
	}
}
END_TEST

static TCase *
case_mailbox(void)
{
	TCase *tc = tcase_create("mailbox");

	tcase_add_test(tc, test_mailbox_push_to_an_idle_owner_claims_it);
	tcase_add_test(tc, test_mailbox_push_claims_once);
	tcase_add_test(tc, test_mailbox_push_to_an_owned_one_queues);
	tcase_add_test(tc, test_mailbox_push_of_another_life_changes_nothing);
	tcase_add_test(tc, test_mailbox_push_to_a_closed_one_changes_nothing);
	tcase_add_test(tc, test_mailbox_holds_the_highest_unit);
	tcase_add_test(tc, test_mailbox_take_gives_the_newest_first);
	tcase_add_test(tc, test_mailbox_take_leaves_nothing);
	tcase_add_test(tc, test_mailbox_take_keeps_the_owner);
	tcase_add_test(tc, test_mailbox_take_tells_of_an_urgent_message);
	tcase_add_test(tc, test_mailbox_urgent_message_is_seen_until_it_is_taken);
	tcase_add_test(tc, test_mailbox_new_message_is_seen_until_it_is_taken);
	tcase_add_test(tc, test_mailbox_seize_takes_what_waits_for_an_owner);
	tcase_add_test(tc, test_mailbox_seize_leaves_alone_what_has_no_such_owner);
	tcase_add_test(tc, test_mailbox_owner_cannot_idle_while_a_message_waits);
	tcase_add_test(tc, test_mailbox_is_alive_while_it_is_open);
	tcase_add_test(tc, test_mailbox_opens_with_nothing_in_it);
	tcase_add_test(tc, test_mailbox_shows_how_many_wait_until_the_next_life);
	tcase_add_test(tc, test_mailbox_opened_idle_can_be_claimed);
	tcase_add_test(tc, test_mailbox_has_a_new_generation_in_each_life);
	tcase_add_test(tc, test_mailbox_close_gives_what_was_not_taken);
	tcase_add_test(tc, test_mailbox_try_close_refuses_while_a_message_waits);
	tcase_add_test(tc, test_mailbox_does_what_its_model_does);
	return tc;
}

static TCase *
case_last_life(void)
{
	TCase *tc = tcase_create("last life");

	tcase_add_test(tc, test_mailbox_last_life_is_like_any_other);
	tcase_add_test(tc, test_mailbox_is_dead_for_all_handles_after_its_last_life);
	tcase_add_test(tc, test_mailbox_cannot_be_reopened_after_its_last_life);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("mailbox");

	suite_add_tcase(suite, case_mailbox());
	suite_add_tcase(suite, case_last_life());
	return run_suite(suite);
}
