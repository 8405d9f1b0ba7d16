/* SPDX-License-Identifier: MIT */

/*
 * Messages that the simulated scheduler delivers late: their order is kept,
 * they are waited for, time passes meanwhile, and each has its one end.
 */

#include "tests/suite.h"
#include "tests/system.h"

static sys_ledger ledger;

static troupe *
open_with(troupe_faults faults, uint64_t seed)
{
	memset(&ledger, 0, sizeof ledger);
	return sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED,
				 .seed = seed,
				 .faults = faults,
				 .failure = sys_ignore_failure },
	    &ledger);
}

static uint64_t made, destroyed;
static sys_counter refused;

static void
expect_ok(troupe_status status)
{
	sys_add(&refused, status != TROUPE_OK);
}

static void
count_end(void *body, size_t size)
{
	(void)body;
	(void)size;
	destroyed++;
}

#define SENDERS  4
#define MESSAGES 300

struct sender {
	troupe_ref to;
	uint32_t number, sent;
};

static uint32_t expected[SENDERS][2], disorder, received;

struct parcel {
	uint32_t sender, number;
	troupe_lane lane;
};

static void
send_parcels(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct sender *s = state;

	(void)msg;
	for (int lane = 0; lane < 2; lane++) {
		troupe_msg *parcel = troupe_msg_new(1, sizeof(struct parcel), count_end);

		made++;
		*(struct parcel *)troupe_msg_fill(
		    parcel) = (struct parcel){ s->number, s->sent, (troupe_lane)lane };
		troupe_msg_set_lane(parcel, (troupe_lane)lane);
		expect_ok(troupe_send_msg(s->to, &parcel));
		troupe_msg_free(&parcel);
	}
	if (++s->sent < MESSAGES)
		expect_ok(troupe_send(troupe_self(self), 1, NULL, 0));
}

static int
start_sender(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(struct sender));
	return 0;
}

static void
take_parcel(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct parcel *p = msg->body;

	(void)self;
	(void)state;
	disorder += expected[p->sender][p->lane]++ != p->number;
	received++;
}

static const troupe_class sender_class = { .state_size = sizeof(struct sender),
	.start = start_sender,
	.receive = send_parcels };
static const troupe_class taker_class = { .receive = take_parcel };

static void
begin_parcels(troupe *t)
{
	troupe_ref taker = sys_spawn(t, &taker_class, NULL);

	memset(expected, 0, sizeof expected);
	disorder = received = 0;
	made = destroyed = 0;
	for (uint32_t i = 0; i < SENDERS; i++)
		sys_send(sys_spawn(t, &sender_class, &(struct sender){ taker, i, 0 }), 1, NULL, 0);
}

START_TEST(test_system_late_messages_keep_their_order_and_are_waited_for)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		troupe *t = open_with((troupe_faults){ .late = 5 }, seed);

		begin_parcels(t);
		if (seed % 2)
			sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
		sys_wait(t);
		ck_assert_uint_eq(received, SENDERS * MESSAGES * 2);
		ck_assert_uint_eq(disorder, 0);
		ck_assert_uint_eq(made, destroyed);
		/* Time has passed that a run without late messages would not have taken. */
		ck_assert_int_gt(troupe_now(t), TROUPE_SECOND);
		sys_close(t, &ledger);
		sys_assert_count(refused, 0);
	}
}
END_TEST

START_TEST(test_system_late_messages_have_their_end_at_a_close)
{
	for (uint64_t seed = 0; seed < 50; seed++) {
		troupe *t = open_with((troupe_faults){ .late = 2 }, seed);
		troupe_totals totals;

		begin_parcels(t);
		for (uint64_t i = 0; i < seed * 20; i++)
			sys_assert_status(troupe_run_once(t), TROUPE_OK);
		troupe_get_totals(t, &totals);
		/* The sums are checked at the close, and an error would be logged. */
		sys_close(t, &ledger);
		sys_assert_count(refused, 0);
		ck_assert_uint_eq(made, destroyed);
		sys_assert_count(ledger.dead[TROUPE_CLOSING], totals.accepted - totals.handled);
	}
}
END_TEST

struct asker {
	uint64_t *ends; /* by status */
	troupe_ref whom;
	uint32_t left;
};

static void
count_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	struct asker *a = state;

	a->ends[answer->status]++;
	if (--a->left > 0)
		expect_ok(troupe_send(troupe_self(self), 1, NULL, 0));
}

static void
ask_on(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct asker *a = state;

	(void)msg;
	expect_ok(troupe_ask(self, a->whom, 1, NULL, 0, TROUPE_MS, count_answer, NULL));
}

static int
start_asker(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(struct asker));
	return 0;
}

static void
answer_at_once(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	expect_ok(troupe_reply(self, 2, NULL, 0));
}

static const troupe_class asker_class = { .state_size = sizeof(struct asker),
	.start = start_asker,
	.receive = ask_on };
static const troupe_class answerer_class = { .receive = answer_at_once };

START_TEST(test_system_late_messages_let_deadlines_pass)
{
	enum { ASKS = 2000 };

	for (uint32_t late = 0; late <= 10; late += 10) {
		troupe *t = open_with((troupe_faults){ .late = late }, 3);
		uint64_t ends[TROUPE_TAKEN + 1] = { 0 };
		struct asker asker = { ends, sys_spawn(t, &answerer_class, NULL), ASKS };

		sys_send(sys_spawn(t, &asker_class, &asker), 1, NULL, 0);
		sys_wait(t);
		ck_assert_uint_eq(ends[TROUPE_OK] + ends[TROUPE_TIMEOUT], ASKS);
		if (late == 0) {
			ck_assert_uint_eq(ends[TROUPE_TIMEOUT], 0);
		} else {
			/* Two deliveries in ten asks are late, half of these by more than a millisecond, or a thousand. */
			ck_assert_uint_gt(ends[TROUPE_TIMEOUT], ASKS / 20);
			ck_assert_uint_gt(ends[TROUPE_OK], ASKS / 20);
			ck_assert_uint_gt(sys_get(&ledger.dead[TROUPE_LATE]), ASKS / 40);
		}
		sys_close(t, &ledger);
		sys_assert_count(refused, 0);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_late");
	TCase *tc = tcase_create("late");

	tcase_add_test(tc, test_system_late_messages_keep_their_order_and_are_waited_for);
	tcase_add_test(tc, test_system_late_messages_have_their_end_at_a_close);
	tcase_add_test(tc, test_system_late_messages_let_deadlines_pass);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
