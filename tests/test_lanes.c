/* SPDX-License-Identifier: MIT */
#include "runtime/actor/lanes.h"
#include "tests/support.h"

#include <check.h>
#include <string.h>

#define MANY 200

/* Messages are numbered by their type, in the order that they came in. */
static tr_cache cache;
static tr_lanes lanes;
static uint32_t next_number;

static void
init_lanes(void)
{
	init_memory();
	tr_cache_init(&cache);
	memset(&lanes, 0, sizeof lanes);
	next_number = 1;
}

static void
give_all(tr_chain *chain)
{
	while (chain->first != 0)
		tr_message_release(&cache, tr_message_from(tr_chain_take(chain)));
}

static void
fini_lanes(void)
{
	give_all(&lanes.control);
	give_all(&lanes.urgent);
	give_all(&lanes.normal);
	tr_cache_fini(&cache);
}

/* What a mailbox would give: one message for each letter, (c)ontrol, (u)rgent or (n)ormal; the last is the newest. */
static uint32_t
mailbox_of(const char *letters)
{
	uint32_t newest = 0;

	for (; *letters != '\0'; letters++) {
		troupe_msg *msg = tr_message_take(&cache, next_number++, 0, NULL);

		ck_assert_ptr_nonnull(msg);
		msg->flag_bits |= *letters == 'c'   ? TR_MSG_CONTROL | TR_MSG_URGENT
				  : *letters == 'u' ? TR_MSG_URGENT
						    : 0;
		msg->next_unit = newest;
		newest = tr_message_unit(msg);
	}
	return newest;
}

static uint32_t
take_in(const char *letters)
{
	return tr_lanes_take_in(&lanes, mailbox_of(letters));
}

static uint32_t
take_in_normal(const char *letters)
{
	return tr_lanes_take_in_normal(&lanes, mailbox_of(letters));
}

/* The number of the oldest message in the chain, which ends here; 0 when there is none. */
static uint32_t
take_one(tr_chain *chain)
{
	if (chain->first == 0)
		return 0;
	troupe_msg *msg = tr_message_from(tr_chain_take(chain));
	const uint32_t number = msg->type;

	tr_message_release(&cache, msg);
	return number;
}

#define expect_chain(chain, ...) \
	do { \
		const uint32_t wanted[] = { __VA_ARGS__ }; \
		for (size_t at = 0; at < sizeof wanted / sizeof *wanted; at++) \
			ck_assert_uint_eq(take_one(chain), wanted[at]); \
		ck_assert_uint_eq((chain)->first, 0); \
		ck_assert_uint_eq((chain)->last, 0); \
	} while (0)

/* As an actor keeps them between two turns: only where they begin. */
static void
keep_in_actor(void)
{
	tr_lanes_mix(&lanes);
	lanes.normal.last = 0;
}

START_TEST(test_lanes_take_in_nothing)
{
	ck_assert_uint_eq(tr_lanes_take_in(&lanes, 0), 0);
	ck_assert_uint_eq(tr_lanes_take_in_normal(&lanes, 0), 0);
	ck_assert_uint_eq(lanes.control.first | lanes.urgent.first | lanes.normal.first, 0);
}
END_TEST

START_TEST(test_lanes_have_the_oldest_first)
{
	ck_assert_uint_eq(take_in("nnnn"), 4);
	expect_chain(&lanes.normal, 1, 2, 3, 4);
}
END_TEST

START_TEST(test_lanes_take_in_normal_messages_alone)
{
	ck_assert_uint_eq(take_in_normal("nnn"), 3);
	ck_assert_uint_eq(take_in_normal("n"), 1);
	ck_assert_uint_eq(take_in_normal("nn"), 2);
	expect_chain(&lanes.normal, 1, 2, 3, 4, 5, 6);
}
END_TEST

START_TEST(test_lanes_sort_what_they_take_in)
{
	ck_assert_uint_eq(take_in("nucnnucuc"), 9);
	expect_chain(&lanes.control, 3, 7, 9);
	expect_chain(&lanes.urgent, 2, 6, 8);
	expect_chain(&lanes.normal, 1, 4, 5);
}
END_TEST

START_TEST(test_lanes_append_to_what_is_there)
{
	ck_assert_uint_eq(take_in("unc"), 3);
	ck_assert_uint_eq(take_in("cun"), 3);
	ck_assert_uint_eq(take_in("nnu"), 3);
	expect_chain(&lanes.control, 3, 4);
	expect_chain(&lanes.urgent, 1, 5, 9);
	expect_chain(&lanes.normal, 2, 6, 7, 8);
}
END_TEST

START_TEST(test_lanes_go_on_after_they_were_emptied)
{
	ck_assert_uint_eq(take_in("n"), 1);
	ck_assert_uint_eq(take_one(&lanes.normal), 1);
	ck_assert_uint_eq(lanes.normal.last, 0);
	ck_assert_uint_eq(take_in("nn"), 2);
	expect_chain(&lanes.normal, 2, 3);
}
END_TEST

START_TEST(test_lanes_append_to_a_chain_of_unknown_end)
{
	ck_assert_uint_eq(take_in("nnn"), 3);
	lanes.normal.last = 0;
	ck_assert_uint_eq(take_in_normal("nn"), 2);
	ck_assert_uint_eq(take_in("n"), 1);
	expect_chain(&lanes.normal, 1, 2, 3, 4, 5, 6);
}
END_TEST

START_TEST(test_lanes_have_upper_ones_while_something_is_in_them)
{
	ck_assert(!tr_lanes_have_upper(&lanes));
	ck_assert_uint_eq(take_in("nn"), 2);
	ck_assert(!tr_lanes_have_upper(&lanes));
	ck_assert_uint_eq(take_in("u"), 1);
	ck_assert(tr_lanes_have_upper(&lanes));
	ck_assert_uint_eq(take_one(&lanes.urgent), 3);
	ck_assert(!tr_lanes_have_upper(&lanes));
	ck_assert_uint_eq(take_in("c"), 1);
	ck_assert(tr_lanes_have_upper(&lanes));
	ck_assert_uint_eq(take_one(&lanes.control), 4);
	ck_assert(!tr_lanes_have_upper(&lanes));
}
END_TEST

START_TEST(test_lanes_mixed_are_one_chain)
{
	ck_assert_uint_eq(take_in("nucnuc"), 6);
	tr_lanes_mix(&lanes);
	ck_assert_uint_eq(lanes.control.first | lanes.urgent.first, 0);
	expect_chain(&lanes.normal, 3, 6, 2, 5, 1, 4);
}
END_TEST

/* Whichever of the lanes are empty. */
START_TEST(test_lanes_are_the_same_when_mixed_and_sorted)
{
	uint32_t expected[3][2] = { { 0 } };
	char letters[7] = "";
	size_t length = 0;

	for (int round = 0; round < 2; round++)
		for (int lane = 0; lane < 3; lane++)
			if (_i >> lane & 1) {
				letters[length++] = "cun"[lane];
				expected[lane][round] = (uint32_t)length;
			}
	ck_assert_uint_eq(take_in(letters), length);
	keep_in_actor();
	tr_lanes_sort(&lanes);
	for (int round = 0; round < 2; round++) {
		ck_assert_uint_eq(take_one(&lanes.control), expected[0][round]);
		ck_assert_uint_eq(take_one(&lanes.urgent), expected[1][round]);
		ck_assert_uint_eq(take_one(&lanes.normal), expected[2][round]);
	}
	ck_assert_uint_eq(lanes.control.first | lanes.urgent.first | lanes.normal.first, 0);
}
END_TEST

START_TEST(test_lanes_sort_a_single_message_that_claimed_its_actor)
{
	lanes.normal.first = mailbox_of("u");
	tr_lanes_sort(&lanes);
	ck_assert_uint_eq(lanes.normal.first, 0);
	ck_assert_uint_eq(take_in("u"), 1);
	expect_chain(&lanes.urgent, 1, 2);
}
END_TEST

/* --- Any sequence of these. --- */

struct model {
	uint32_t numbers[3][16 * MANY];
	size_t first[3], end[3];
};

static void
model_take_in(struct model *model, const char *letters)
{
	uint32_t number = next_number;

	for (; *letters != '\0'; letters++) {
		const int lane = *letters == 'c' ? 0 : *letters == 'u' ? 1 : 2;

		model->numbers[lane][model->end[lane]++] = number++;
	}
}

static void
random_letters(uint64_t *random, char letters[17])
{
	const uint32_t length = test_below(random, 17);

	for (uint32_t i = 0; i < length; i++)
		letters[i] = "cunnnn"[test_below(random, 6)];
	letters[length] = '\0';
}

static uint32_t
model_take_one(struct model *model, int lane)
{
	return model->first[lane] < model->end[lane] ? model->numbers[lane][model->first[lane]++] : 0;
}

START_TEST(test_lanes_keep_order_whatever_is_done)
{
	static struct model model;
	tr_chain *const chains[] = { &lanes.control, &lanes.urgent, &lanes.normal };
	uint64_t random = test_seed("test_lanes_keep_order_whatever_is_done");
	char letters[17];

	memset(&model, 0, sizeof model);
	for (int step = 0; step < MANY; step++) {
		random_letters(&random, letters);
		model_take_in(&model, letters);
		ck_assert_uint_eq(take_in(letters), strlen(letters));
		for (uint32_t n = test_below(&random, 20); n > 0; n--) {
			const int lane = (int)test_below(&random, 3);

			ck_assert_uint_eq(take_one(chains[lane]), model_take_one(&model, lane));
		}
		if (test_below(&random, 3) == 0) {
			keep_in_actor();
			tr_lanes_sort(&lanes);
		}
	}
	for (int lane = 0; lane < 3; lane++)
		while (chains[lane]->first != 0)
			ck_assert_uint_eq(take_one(chains[lane]), model_take_one(&model, lane));
	for (int lane = 0; lane < 3; lane++)
		ck_assert_uint_eq(model.first[lane], model.end[lane]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lanes");
	TCase *tc = tcase_create("lanes");

	tcase_add_checked_fixture(tc, init_lanes, fini_lanes);
	tcase_add_test(tc, test_lanes_take_in_nothing);
	tcase_add_test(tc, test_lanes_have_the_oldest_first);
	tcase_add_test(tc, test_lanes_take_in_normal_messages_alone);
	tcase_add_test(tc, test_lanes_sort_what_they_take_in);
	tcase_add_test(tc, test_lanes_append_to_what_is_there);
	tcase_add_test(tc, test_lanes_go_on_after_they_were_emptied);
	tcase_add_test(tc, test_lanes_append_to_a_chain_of_unknown_end);
	tcase_add_test(tc, test_lanes_have_upper_ones_while_something_is_in_them);
	tcase_add_test(tc, test_lanes_mixed_are_one_chain);
	tcase_add_loop_test(tc, test_lanes_are_the_same_when_mixed_and_sorted, 0, 8);
	tcase_add_test(tc, test_lanes_sort_a_single_message_that_claimed_its_actor);
	tcase_add_test(tc, test_lanes_keep_order_whatever_is_done);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
