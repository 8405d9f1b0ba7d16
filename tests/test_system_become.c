/* SPDX-License-Identifier: MIT */

/*
 * Behaviors over one another: what is become over is come back to, as deep as
 * is promised; a new life begins with the class's.
 */

#include "tests/puppet.h"
#include "tests/suite.h"

enum { DOWN_ONE = 1, UP_ONE, SIDEWAYS, BAD, LOOK, FAIL };

/* What an actor knows: which behavior it believes to have, as a stack. */
struct ladder {
	uint32_t depth;   /* behaviors to come back to */
	bool sideways;    /* the one on top was replaced */
	uint32_t looks, class_looks;
	uint32_t lives;
};

static struct ladder *
ladder_of(void *state)
{
	return *(struct ladder **)state;
}

static void climb(troupe_actor *self, struct ladder *l, uint32_t type);

/* One function for each step of the ladder, which knows its number. */
static void
be_at(troupe_actor *self, void *state, const troupe_msg *msg, uint32_t depth, bool sideways)
{
	struct ladder *l = ladder_of(state);

	promise(l->depth == depth && l->sideways == sideways);
	l->looks++;
	climb(self, l, msg->type);
}

#define STEP(n) \
	static void \
	be_step_##n(troupe_actor *self, void *state, const troupe_msg *msg) \
	{ \
		be_at(self, state, msg, n, false); \
	} \
	static void \
	be_beside_##n(troupe_actor *self, void *state, const troupe_msg *msg) \
	{ \
		be_at(self, state, msg, n, true); \
	}

STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9) STEP(10) STEP(11) STEP(12)

_Static_assert(TROUPE_BEHAVIORS_MAX == 12, "there is a step for each");

static void
be_beside_0(troupe_actor *self, void *state, const troupe_msg *msg)
{
	be_at(self, state, msg, 0, true);
}

static void
be_the_class(troupe_actor *self, void *state, const troupe_msg *msg)
{
	ladder_of(state)->class_looks++;
	be_at(self, state, msg, 0, false);
}

static troupe_receive *const steps[] = { be_the_class, be_step_1, be_step_2, be_step_3, be_step_4, be_step_5, be_step_6,
	be_step_7, be_step_8, be_step_9, be_step_10, be_step_11, be_step_12 };
static troupe_receive *const beside[] = { be_beside_0, be_beside_1, be_beside_2, be_beside_3, be_beside_4, be_beside_5,
	be_beside_6, be_beside_7, be_beside_8, be_beside_9, be_beside_10, be_beside_11, be_beside_12 };

static void
go_down(troupe_actor *self, struct ladder *l)
{
	if (l->depth == TROUPE_BEHAVIORS_MAX) {
		promise(troupe_become_over(self, be_step_1) == TROUPE_FULL);
		promise(troupe_last_error() == TROUPE_FULL);
		return;
	}
	promise(troupe_become_over(self, steps[l->depth + 1]) == TROUPE_OK);
	l->depth++;
	l->sideways = false;
}

static void
go_up(troupe_actor *self, struct ladder *l)
{
	if (l->depth == 0) {
		promise(troupe_unbecome(self) == TROUPE_INVALID && troupe_last_error() == TROUPE_INVALID);
		return;
	}
	promise(troupe_unbecome(self) == TROUPE_OK);
	l->depth--;
	/* Nobody has gone sideways below: see the tests. */
	l->sideways = false;
}

static void
climb(troupe_actor *self, struct ladder *l, uint32_t type)
{
	switch (type) {
	case DOWN_ONE:
		go_down(self, l);
		break;
	case UP_ONE:
		go_up(self, l);
		break;
	case SIDEWAYS:
		promise(troupe_become(self, beside[l->depth]) == TROUPE_OK);
		l->sideways = true;
		break;
	case BAD:
		promise(troupe_become_over(self, NULL) == TROUPE_INVALID);
		promise(troupe_become(self, NULL) == TROUPE_INVALID);
		break;
	case FAIL:
		troupe_fail(self, 1, "as it was told");
		break;
	default:
		break;
	}
}

static int
start_ladder(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	*(struct ladder **)state = *(struct ladder *const *)argument;
	*ladder_of(state) = (struct ladder){ .lives = ladder_of(state)->lives + 1 };
	return 0;
}

static const troupe_class ladder_class = {
	.name = "ladder",
	.state_size = sizeof(struct ladder *),
	.start = start_ladder,
	.receive = be_the_class,
	.argument_size = sizeof(struct ladder *),
};

static const troupe_class dedicated_class = {
	.name = "dedicated ladder",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct ladder *),
	.start = start_ladder,
	.receive = be_the_class,
	.argument_size = sizeof(struct ladder *),
};

static const troupe_class *
class_of(int number)
{
	return number % 2 ? &dedicated_class : &ladder_class;
}

static void
send_times(troupe_ref who, uint32_t type, int times)
{
	for (int i = 0; i < times; i++)
		sys_send(who, type, NULL, 0);
}

START_TEST(test_system_become_over_is_come_back_from_in_order)
{
	struct ladder l = { 0 }, *pointer = &l;
	troupe *t = sys_open_shape(&sys_shapes[_i / 2], NULL);
	troupe_ref who = sys_spawn(t, class_of(_i), &pointer);

	/* One more than there is room for, and one more than there is to come back to. */
	for (int round = 0; round < 3; round++) {
		send_times(who, DOWN_ONE, TROUPE_BEHAVIORS_MAX + 1);
		send_times(who, BAD, 1);
		send_times(who, LOOK, 2);
		sys_wait(t);
		ck_assert_uint_eq(l.depth, TROUPE_BEHAVIORS_MAX);
		send_times(who, UP_ONE, TROUPE_BEHAVIORS_MAX + 1);
		sys_wait(t);
		ck_assert_uint_eq(l.depth, 0);
	}
	uint32_t before = l.class_looks;

	send_times(who, LOOK, 5);
	sys_wait(t);
	ck_assert_uint_eq(l.class_looks, before + 5);
	ck_assert_uint_eq(l.looks, 3 * (2 * TROUPE_BEHAVIORS_MAX + 5) + 5);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* To become another replaces the one on top: what is below stays. */
START_TEST(test_system_become_replaces_the_one_on_top)
{
	struct ladder l = { 0 }, *pointer = &l;
	troupe *t = sys_open_shape(&sys_shapes[_i / 2], NULL);
	troupe_ref who = sys_spawn(t, class_of(_i), &pointer);

	for (int depth = 1; depth <= TROUPE_BEHAVIORS_MAX; depth++) {
		send_times(who, DOWN_ONE, depth);
		send_times(who, SIDEWAYS, 1);
		send_times(who, LOOK, 1);
		send_times(who, UP_ONE, depth);
		send_times(who, LOOK, 1);
	}
	/* With nothing below, the class's is not what one comes back to. */
	send_times(who, SIDEWAYS, 1);
	send_times(who, UP_ONE, 1);
	send_times(who, LOOK, 1);
	sys_wait(t);
	ck_assert(l.sideways);
	ck_assert_uint_eq(l.depth, 0);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* Of several in one callback the last counts, from the next message on. */
static void
change_often(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct ladder *l = ladder_of(state);

	(void)msg;
	for (int i = 0; i < 5; i++) {
		promise(troupe_become_over(self, be_step_3) == TROUPE_OK);
		promise(troupe_become_over(self, be_step_4) == TROUPE_OK);
		promise(troupe_unbecome(self) == TROUPE_OK);
		promise(troupe_become(self, be_step_5) == TROUPE_OK);
		promise(troupe_unbecome(self) == TROUPE_OK);
	}
	promise(troupe_unbecome(self) == TROUPE_INVALID);
	promise(troupe_become_over(self, be_step_1) == TROUPE_OK);
	l->depth = 1;
	l->looks++;
	promise(troupe_send_urgent(troupe_self(self), LOOK, NULL, 0) == TROUPE_OK);
}

START_TEST(test_system_become_counts_from_the_next_message_on)
{
	troupe_class class_ = ladder_class;
	struct ladder l = { 0 }, *pointer = &l;
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	class_.receive = change_often;
	send_times(sys_spawn(t, &class_, &pointer), LOOK, 3);
	sys_wait(t);
	ck_assert_uint_eq(l.looks, 4);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* --- In other callbacks. --- */

static const char the_name[] = "the name";

static void
take_name(troupe_actor *self, void *unused)
{
	(void)unused;
	promise(troupe_register(self, the_name) == TROUPE_OK);
}

static void
become_when_answered(troupe_actor *self, void *state, const troupe_answer *answer)
{
	promise(answer->status == TROUPE_OK);
	ladder_of(state)->depth = 1;
	ladder_of(state)->sideways = false;
	promise(troupe_become_over(self, be_step_1) == TROUPE_OK);
}

static int
become_in_start(troupe_actor *self, void *state, const void *argument)
{
	(void)start_ladder(self, state, argument);
	promise(troupe_await_name(self, the_name, 3600 * TROUPE_SECOND, become_when_answered, NULL) == TROUPE_OK);
	promise(troupe_become(self, be_beside_0) == TROUPE_OK);
	ladder_of(state)->sideways = true;
	return 0;
}

static void
become_in_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)state;
	(void)reason;
	/* It may, and it makes no difference. */
	promise(troupe_become_over(self, be_step_3) == TROUPE_OK && troupe_unbecome(self) == TROUPE_OK);
}

START_TEST(test_system_become_works_in_any_callback)
{
	troupe_class class_ = ladder_class;
	struct ladder l = { 0 }, *pointer = &l;
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	class_.start = become_in_start;
	class_.stop = become_in_stop;
	troupe_ref who = sys_spawn(t, &class_, &pointer);
	sys_send(who, SIDEWAYS, NULL, 0);
	sys_assert_status(troupe_drain(t, TROUPE_FOREVER), TROUPE_OK);
	puppet_let(t, sys_spawn(t, &puppet_class, NULL), take_name, NULL);
	sys_wait(t);
	sys_send(who, LOOK, NULL, 0);
	sys_wait(t);
	ck_assert_uint_eq(l.looks, 2);
	sys_close(t, NULL);
	/* One that never had an extra part before it stopped. */
	class_.start = start_ladder;
	t = sys_open(1, NULL);
	sys_assert_status(troupe_stop(sys_spawn(t, &class_, &pointer), TROUPE_STOP_NOW), TROUPE_OK);
	sys_spawn(t, &class_, &pointer);
	sys_wait(t);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* --- Another life. --- */

struct nursery {
	const troupe_class *class_;
	struct ladder *ladder;
	troupe_ref child;
};

static void
spawn_ladder(troupe_actor *self, void *nursery)
{
	struct nursery *n = nursery;

	n->child = troupe_spawn_child(self, n->class_, &n->ladder);
	promise(n->child != 0);
}

START_TEST(test_system_become_is_forgotten_by_a_restart)
{
	struct ladder l = { 0 };
	struct nursery n = { .class_ = class_of(_i), .ladder = &l };
	troupe *t = sys_open_tolerant(&sys_shapes[_i / 2], NULL);
	troupe_ref supervisor = sys_spawn(t, &puppet_supervisor_class, NULL);

	puppet_let(t, supervisor, spawn_ladder, &n);
	for (uint32_t lives = 1; lives <= 3; lives++) {
		ck_assert_uint_eq(l.lives, lives);
		send_times(n.child, DOWN_ONE, 5);
		send_times(n.child, SIDEWAYS, 1);
		send_times(n.child, FAIL, 1);
		/* These wait for the next life, which has the class's behavior and none below it. */
		send_times(n.child, LOOK, 2);
		send_times(n.child, UP_ONE, 1);
		sys_wait(t);
		ck_assert_uint_eq(l.class_looks, 3);
		ck_assert_uint_eq(l.depth, 0);
	}
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

static troupe_decision
decide_to_resume(troupe_actor *self, void *state, const troupe_failure *failure)
{
	(void)self;
	(void)state;
	(void)failure;
	return TROUPE_RESUME;
}

static const troupe_supervisor resuming = { .decide = decide_to_resume };

START_TEST(test_system_become_survives_a_failure_that_is_resumed)
{
	struct ladder l = { 0 };
	struct nursery n = { .class_ = class_of(_i), .ladder = &l };
	troupe_class class_ = puppet_supervisor_class;
	troupe *t = sys_open_tolerant(&sys_shapes[_i / 2], NULL);

	class_.supervisor = &resuming;
	puppet_let(t, sys_spawn(t, &class_, NULL), spawn_ladder, &n);
	send_times(n.child, DOWN_ONE, 5);
	send_times(n.child, FAIL, 2);
	send_times(n.child, LOOK, 1);
	send_times(n.child, UP_ONE, 4);
	send_times(n.child, LOOK, 1);
	sys_wait(t);
	ck_assert_uint_eq(l.depth, 1);
	ck_assert_uint_eq(l.looks, 13);
	ck_assert_uint_eq(l.lives, 1);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_become");
	TCase *tc = tcase_create("become");

	tcase_add_loop_test(tc, test_system_become_over_is_come_back_from_in_order, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_become_replaces_the_one_on_top, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_become_counts_from_the_next_message_on, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_become_works_in_any_callback, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_become_is_forgotten_by_a_restart, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_become_survives_a_failure_that_is_resumed, 0, 2 * sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
