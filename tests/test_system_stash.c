/* SPDX-License-Identifier: MIT */

/*
 * The stash: what is set aside comes back in order and before what is newer,
 * as often as it takes, and has its one outcome whatever becomes of its actor.
 */

#include "tests/puppet.h"
#include "tests/suite.h"

/* --- An actor that stashes while it is shut. --- */

enum { SHUT = 1, OPEN, ITEM, STOP_HERE, FAIL_HERE };

#define KEEP_AT_MOST 5000

/* What it did, in order; read when all is quiet. */
struct shop {
	bool shut;
	uint32_t stashed;   /* now */
	uint32_t refused;   /* FULL */
	uint32_t count, item[KEEP_AT_MOST];
	uint32_t lives;
	size_t on_failure;  /* what unstash said in the failed callback */
};

static struct shop *
shop_of(void *state)
{
	return *(struct shop **)state;
}

static uint32_t
number_in(const troupe_msg *msg)
{
	const uint32_t *number = troupe_body(msg, sizeof *number);

	return number != NULL ? *number : UINT32_MAX;
}

static void
sell(struct shop *s, uint32_t item)
{
	if (s->count < KEEP_AT_MOST)
		s->item[s->count] = item;
	s->count++;
}

static void
stash_or_sell(troupe_actor *self, struct shop *s, const troupe_msg *msg)
{
	troupe_status status = s->shut ? troupe_stash(self) : TROUPE_INVALID;

	promise(!s->shut || status == TROUPE_OK || status == TROUPE_FULL);
	if (status == TROUPE_OK) {
		s->stashed++;
		promise(troupe_sender(self) == 0 && troupe_keep(self) == NULL);
		return;
	}
	s->refused += status == TROUPE_FULL;
	sell(s, number_in(msg));
}

static int
do_nothing_in_start(troupe_actor *self, void *unused)
{
	(void)self;
	(void)unused;
	return 0;
}

static void
keep_shop(troupe_actor *self, void *state, const troupe_msg *msg)
{
	static const puppet_script script = { .start = do_nothing_in_start };
	struct shop *s = shop_of(state);
	size_t most, back;

	switch (msg->type) {
	case SHUT:
		s->shut = true;
		break;
	case OPEN:
		most = number_in(msg) == UINT32_MAX ? SIZE_MAX : number_in(msg);
		back = troupe_unstash(self, most);
		promise(back == (most < s->stashed ? most : s->stashed));
		s->stashed -= (uint32_t)back;
		s->shut = false;
		/* A start that is nested leaves all as it was. */
		promise(troupe_spawn_child(self, &puppet_class, &script) != 0);
		break;
	case STOP_HERE:
		troupe_stop_self(self, number_in(msg) == 0 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN);
		break;
	case FAIL_HERE:
		troupe_fail(self, 1, "as it was told");
		promise(troupe_stash(self) == TROUPE_INVALID);
		break;
	default:
		stash_or_sell(self, s, msg);
	}
}

static int
open_shop(troupe_actor *self, void *state, const void *argument)
{
	*(struct shop **)state = *(struct shop *const *)argument;
	promise(troupe_stash(self) == TROUPE_INVALID);
	promise(troupe_unstash(self, SIZE_MAX) == 0);
	shop_of(state)->shut = false;
	shop_of(state)->stashed = 0;
	shop_of(state)->lives++;
	return 0;
}

static void
close_shop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)state;
	(void)reason;
	promise(troupe_stash(self) == TROUPE_INVALID);
	promise(troupe_unstash(self, SIZE_MAX) == 0);
}

static int
fail_in_start(troupe_actor *self, void *unused)
{
	(void)unused;
	troupe_fail(self, 2, "one failure within another");
	return 0;
}

static void
shop_failed(troupe_actor *self, void *state, const troupe_failure *failure)
{
	static const puppet_script script = { .start = fail_in_start };

	(void)failure;
	promise(troupe_stash(self) == TROUPE_INVALID);
	promise(troupe_spawn(troupe_of(self), &puppet_class, &script) == 0);
	shop_of(state)->on_failure = troupe_unstash(self, SIZE_MAX);
}

static const troupe_class shop_class = {
	.name = "shop",
	.state_size = sizeof(struct shop *),
	.start = open_shop,
	.receive = keep_shop,
	.stop = close_shop,
	.argument_size = sizeof(struct shop *),
	.stash_limit = KEEP_AT_MOST,
};

static troupe_class
class_with(size_t limit, unsigned flags)
{
	troupe_class class_ = shop_class;

	class_.stash_limit = limit;
	class_.flags = flags;
	return class_;
}

static void
send_number(troupe_ref to, uint32_t type, uint32_t number)
{
	sys_send(to, type, &number, sizeof number);
}

static void
send_items(troupe_ref to, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		send_number(to, ITEM, first + i);
}

static void
assert_sold(const struct shop *s, uint32_t at, uint32_t first, uint32_t count)
{
	ck_assert_uint_ge(s->count, at + count);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_eq(s->item[at + i], first + i);
}

/* What is in the stash is accepted and not handled. */
static void
assert_stashed(troupe *t, const struct shop *s, uint32_t count)
{
	troupe_totals totals;

	troupe_get_totals(t, &totals);
	ck_assert_uint_eq(s->stashed, count);
	ck_assert_uint_eq(totals.accepted - totals.handled - totals.dead, count);
}

/* --- Order. --- */

START_TEST(test_system_stash_comes_back_in_order_before_what_is_newer)
{
	uint32_t many = 500;
	troupe_class class_ = class_with(0, _i % 2 ? TROUPE_DEDICATED : 0);
	struct shop s = { 0 }, *pointer = &s;
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i / 2], &ledger);
	troupe_ref who = sys_spawn(t, &class_, &pointer);

	for (uint32_t round = 0; round < 3; round++) {
		s.count = 0;
		send_number(who, SHUT, 0);
		send_items(who, 0, many);
		send_number(who, OPEN, UINT32_MAX);
		send_items(who, many, many);
		sys_drain(t);
		ck_assert_uint_eq(s.count, 2 * many);
		assert_sold(&s, 0, 0, 2 * many);
		assert_stashed(t, &s, 0);
	}
	sys_wait(t);
	sys_close(t, &ledger);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_stash_comes_back_as_many_as_are_wanted)
{
	struct shop s = { 0 }, *pointer = &s;
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	troupe_ref who = sys_spawn(t, &shop_class, &pointer);

	/* Nothing of nothing. */
	send_number(who, OPEN, UINT32_MAX);
	send_number(who, OPEN, 7);
	send_number(who, SHUT, 0);
	send_items(who, 0, 10);
	send_number(who, OPEN, 0);
	sys_drain(t);
	assert_stashed(t, &s, 10);
	send_number(who, OPEN, 3);
	send_items(who, 100, 2);
	sys_drain(t);
	assert_sold(&s, 0, 0, 3);
	assert_sold(&s, 3, 100, 2);
	assert_stashed(t, &s, 7);
	/* What is stashed now comes after what was before. */
	send_number(who, SHUT, 0);
	send_items(who, 10, 5);
	send_number(who, OPEN, 6);
	sys_drain(t);
	assert_sold(&s, 5, 3, 6);
	assert_stashed(t, &s, 6);
	send_number(who, OPEN, UINT32_MAX);
	sys_drain(t);
	assert_sold(&s, 11, 9, 6);
	assert_stashed(t, &s, 0);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

static void
send_urgent(troupe_ref to, uint32_t type, uint32_t number)
{
	sys_assert_status(troupe_send_urgent(to, type, &number, sizeof number), TROUPE_OK);
}

START_TEST(test_system_stash_comes_back_in_its_lane)
{
	struct shop s = { 0 }, *pointer = &s;
	troupe *t = sys_open_shape(&sys_shapes[8 + _i], NULL);
	troupe_ref who = sys_spawn(t, &shop_class, &pointer);

	send_number(who, SHUT, 0);
	sys_drain(t);
	send_number(who, ITEM, 10);
	send_urgent(who, ITEM, 0);
	send_number(who, ITEM, 11);
	send_urgent(who, ITEM, 1);
	sys_drain(t);
	assert_stashed(t, &s, 4);
	send_number(who, ITEM, 12);
	send_urgent(who, OPEN, UINT32_MAX);
	send_urgent(who, ITEM, 2);
	sys_drain(t);
	ck_assert_uint_eq(s.count, 6);
	assert_sold(&s, 0, 0, 3);
	assert_sold(&s, 3, 10, 3);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* Set aside and taken back at once, it is next. */
static void
stash_and_unstash(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct shop *s = shop_of(state);

	sell(s, number_in(msg));
	if (++s->stashed % 3 == 0)
		return;
	promise(troupe_stash(self) == TROUPE_OK);
	promise(troupe_stash(self) == TROUPE_INVALID);
	promise(troupe_unstash(self, 1) == 1);
	promise(troupe_unstash(self, SIZE_MAX) == 0);
	/* It is out of hand for all that. */
	promise(troupe_stash(self) == TROUPE_INVALID && troupe_keep(self) == NULL);
	promise(troupe_forward(self, troupe_self(self)) == TROUPE_INVALID);
}

START_TEST(test_system_stash_may_be_taken_back_at_once)
{
	troupe_class class_ = class_with(1, 0);
	struct shop s = { 0 }, *pointer = &s;
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	class_.receive = stash_and_unstash;
	send_items(sys_spawn(t, &class_, &pointer), 0, 100);
	sys_drain(t);
	ck_assert_uint_eq(s.count, 300);
	for (uint32_t i = 0; i < 300; i++)
		ck_assert_uint_eq(s.item[i], i / 3);
	ck_assert_uint_eq(sys_wait(t).handled, 100);
	sys_close(t, &ledger);
	assert_promises_kept();
}
END_TEST

/* --- Its limit. --- */

START_TEST(test_system_stash_holds_so_many_and_no_more)
{
	static const size_t limits[] = { 1, 2, 100, 0 };
	uint32_t limit = limits[_i] != 0 ? (uint32_t)limits[_i] : TROUPE_STASH_LIMIT;
	troupe_class class_ = class_with(limits[_i], 0);
	struct shop s = { 0 }, *pointer = &s;
	troupe *t = sys_open(1, NULL);
	troupe_ref who = sys_spawn(t, &class_, &pointer);

	send_number(who, SHUT, 0);
	/* The one that does not fit is still in hand. */
	send_items(who, 0, limit + 3);
	sys_drain(t);
	ck_assert_uint_eq(s.refused, 3);
	assert_sold(&s, 0, limit, 3);
	assert_stashed(t, &s, limit);
	/* One taken out, there is room for one. */
	send_number(who, OPEN, 1);
	send_number(who, SHUT, 0);
	sys_drain(t);
	s.count = s.refused = 0;
	send_items(who, 2 * limit, 2);
	sys_drain(t);
	ck_assert_uint_eq(s.refused, limit == 1 ? 1 : s.refused);
	assert_stashed(t, &s, limit);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* --- Its actor's end. --- */

struct burials {
	uint32_t count, item[KEEP_AT_MOST];
	troupe_status reason;
	bool mixed; /* not all of one reason */
};

static void
note_burial(void *burials, const troupe_dead_letter *letter)
{
	struct burials *b = burials;

	if (letter->msg->type != ITEM)
		return;
	b->mixed |= b->count > 0 && b->reason != letter->reason;
	b->reason = letter->reason;
	if (b->count < KEEP_AT_MOST)
		b->item[b->count++] = number_in(letter->msg);
}

enum { BY_ITSELF, DRAINED_BY_ITSELF, BY_FAILURE, STOPPED, DRAINED, CLOSED, ENDS };

/* Ten stashed, and ten more behind what ends it. */
START_TEST(test_system_stash_is_buried_before_the_mailbox)
{
	const sys_shape *shape = &sys_shapes[_i / ENDS];
	int end = _i % ENDS;
	struct burials b = { 0 };
	struct shop s = { 0 }, *pointer = &s;
	sys_ledger ledger = { .letter = note_burial, .context = &b };
	troupe *t = sys_open_tolerant(shape, &ledger);
	bool drains = end == DRAINED || end == DRAINED_BY_ITSELF;
	troupe_ref who = sys_spawn(t, &shop_class, &pointer);

	send_number(who, SHUT, 0);
	send_items(who, 0, 10);
	sys_drain(t);
	assert_stashed(t, &s, 10);
	/* Nobody else runs it, so that all of it waits. */
	bool alone = shape->workers == TROUPE_WORKERS_NONE || shape->scheduler == TROUPE_SCHEDULER_SIMULATED;
	if (end == BY_ITSELF || end == DRAINED_BY_ITSELF)
		send_number(who, STOP_HERE, drains);
	else if (end == BY_FAILURE)
		send_number(who, FAIL_HERE, 0);
	if (alone || end == DRAINED)
		send_items(who, 10, 10);
	if (end == STOPPED || end == DRAINED)
		sys_assert_status(troupe_stop(who, drains ? TROUPE_STOP_DRAIN : TROUPE_STOP_NOW), TROUPE_OK);
	if (end != CLOSED)
		ck_assert_uint_eq(sys_wait(t).stopped, 1);
	sys_close(t, &ledger);
	ck_assert_uint_eq(b.count, alone || end == DRAINED ? 20 : 10);
	for (uint32_t i = 0; i < b.count; i++)
		ck_assert_uint_eq(b.item[i], i);
	ck_assert(!b.mixed);
	sys_assert_status(b.reason, end == CLOSED ? TROUPE_CLOSING : TROUPE_DEAD);
	ck_assert_uint_eq(s.count, 0);
	assert_promises_kept();
}
END_TEST

/* Taken back by the callback that stops its actor: buried, or handled by one that drains. */
static void
unstash_and_stop(troupe_actor *self, void *state, const troupe_msg *msg)
{
	if (msg->type == STOP_HERE) {
		promise(troupe_unstash(self, 3) == 3);
		shop_of(state)->shut = false;
	}
	keep_shop(self, state, msg);
}

START_TEST(test_system_stash_taken_back_by_one_that_stops)
{
	struct burials b = { 0 };
	struct shop s = { 0 }, *pointer = &s;
	sys_ledger ledger = { .letter = note_burial, .context = &b };
	troupe_class class_ = shop_class;
	troupe *t = sys_open_shape(&sys_shapes[_i / 2], &ledger);

	class_.receive = unstash_and_stop;
	troupe_ref who = sys_spawn(t, &class_, &pointer);
	send_number(who, SHUT, 0);
	send_items(who, 0, 5);
	send_number(who, STOP_HERE, (uint32_t)(_i % 2));
	ck_assert_uint_eq(sys_wait(t).stopped, 1);
	sys_close(t, &ledger);
	/* Those in the stash yet come first. */
	ck_assert_uint_eq(b.count, _i % 2 ? 2 : 5);
	ck_assert(b.item[0] == 3 && b.item[1] == 4);
	for (uint32_t i = 2; i < b.count; i++)
		ck_assert_uint_eq(b.item[i], i - 2);
	ck_assert_uint_eq(s.count, _i % 2 ? 3 : 0);
	assert_sold(&s, 0, 0, s.count);
	assert_promises_kept();
}
END_TEST

/* --- Failure. --- */

static void
spawn_shop(troupe_actor *self, void *argument)
{
	struct shop *s = argument;
	troupe_ref child = troupe_spawn_child(self, &shop_class, &s);

	promise(child != 0);
	s->item[0] = (uint32_t)child;
	s->item[1] = (uint32_t)(child >> 32);
}

static troupe_ref
spawn_supervised(troupe *t, const troupe_class *supervisor, struct shop *s)
{
	puppet_let(t, sys_spawn(t, supervisor, NULL), spawn_shop, s);
	return (troupe_ref)s->item[1] << 32 | s->item[0];
}

START_TEST(test_system_stash_is_put_back_by_a_restart)
{
	struct shop s = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);
	troupe_ref who = spawn_supervised(t, &puppet_supervisor_class, &s);

	send_number(who, SHUT, 0);
	send_items(who, 0, 20);
	send_number(who, FAIL_HERE, 0);
	send_items(who, 20, 20);
	sys_wait(t);
	ck_assert_uint_eq(s.lives, 2);
	ck_assert_uint_eq(s.count, 40);
	assert_sold(&s, 0, 0, 40);
	assert_stashed(t, &s, 0);
	sys_close(t, &ledger);
	sys_assert_count(ledger.dead[TROUPE_DEAD], 0);
	assert_promises_kept();
}
END_TEST

/* --- Other callbacks. --- */

static void
unstash_when_asked(troupe_actor *self, void *state, const troupe_answer *answer)
{
	struct shop *s = shop_of(state);

	promise(answer->status == TROUPE_TIMEOUT);
	promise(troupe_stash(self) == TROUPE_INVALID);
	s->shut = false;
	s->stashed -= (uint32_t)troupe_unstash(self, SIZE_MAX);
}

static void
shut_for_a_while(troupe_actor *self, void *state, const troupe_msg *msg)
{
	if (msg->type == SHUT)
		promise(troupe_await_name(self, "nobody's", TROUPE_MS, unstash_when_asked, NULL) == TROUPE_OK);
	keep_shop(self, state, msg);
}

START_TEST(test_system_stash_may_be_taken_back_when_an_answer_comes)
{
	struct shop s = { 0 }, *pointer = &s;
	troupe_class class_ = shop_class;
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	class_.receive = shut_for_a_while;
	troupe_ref who = sys_spawn(t, &class_, &pointer);
	send_number(who, SHUT, 0);
	send_items(who, 0, 50);
	sys_wait(t);
	ck_assert_uint_eq(s.count, 50);
	assert_sold(&s, 0, 0, 50);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/*
 * The callback about a failure can change nothing: what it would take back
 * must not come to anybody else who takes something back.
 */
START_TEST(test_system_stash_is_not_lost_over_a_failure)
{
	struct burials b = { 0 };
	struct shop s = { 0 }, *pointer = &s, other = { 0 }, *other_pointer = &other;
	sys_ledger ledger = { .letter = note_burial, .context = &b };
	troupe_class class_ = shop_class;
	troupe *t = sys_open_tolerant(&sys_shapes[_i], &ledger);

	class_.failed = shop_failed;
	troupe_ref who = sys_spawn(t, &class_, &pointer), another = sys_spawn(t, &shop_class, &other_pointer);
	send_number(who, SHUT, 0);
	send_items(who, 0, 10);
	send_number(who, FAIL_HERE, 0);
	sys_wait(t);
	send_number(another, SHUT, 0);
	send_items(another, 100, 10);
	send_number(another, OPEN, UINT32_MAX);
	sys_wait(t);
	sys_close(t, &ledger);
	ck_assert_uint_eq(b.count, 10);
	ck_assert_uint_eq(s.on_failure, 0);
	ck_assert_uint_eq(other.count, 10);
	assert_sold(&other, 0, 100, 10);
	assert_promises_kept();
}
END_TEST

static TCase *
make_ends(void)
{
	TCase *tc = tcase_create("ends");

	tcase_add_loop_test(tc, test_system_stash_is_buried_before_the_mailbox, 0, ENDS * sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_taken_back_by_one_that_stops, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_is_put_back_by_a_restart, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_is_not_lost_over_a_failure, 0, sys_shape_count);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("system_stash");
	TCase *tc = tcase_create("stash");

	tcase_add_loop_test(tc, test_system_stash_comes_back_in_order_before_what_is_newer, 0,
	    2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_comes_back_as_many_as_are_wanted, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_comes_back_in_its_lane, 0, 2);
	tcase_add_loop_test(tc, test_system_stash_may_be_taken_back_at_once, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stash_holds_so_many_and_no_more, 0, 4);
	tcase_add_loop_test(tc, test_system_stash_may_be_taken_back_when_an_answer_comes, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, make_ends());
	return run_suite(suite);
}
