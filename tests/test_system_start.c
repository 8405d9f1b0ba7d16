/* SPDX-License-Identifier: MIT */

/*
 * How actors come to life: state, argument, start callbacks that work,
 * refuse, stop themselves or have children; and what spawn does not take.
 */

#include "tests/suite.h"
#include "tests/system.h"

#define GIB ((size_t)1 << 30)

/* --- State. --- */

static const size_t state_sizes[] = { 0, 1, 8, 31, 32, 33, 63, 64, 65, 95, 96, 97, 223, 224, 225, 479, 480,
	481, 959, 960, 961, 991, 992, 993, 4096, 1000000, 1 << 20 };
#define STATE_SIZES ((int)(sizeof state_sizes / sizeof *state_sizes))

struct look {
	size_t size;
	sys_counter wrong, handled, stopped;
};

static struct look state_look;

static bool
is_all(const void *state, size_t size, unsigned char byte)
{
	const unsigned char *bytes = state;

	/* Each is as the one before it. */
	return size == 0 || (bytes[0] == byte && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static void
count_wrong(bool right)
{
	if (!right)
		sys_add(&state_look.wrong, 1);
}

static int
look_at_state(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	count_wrong(argument == &state_look);
	count_wrong((uintptr_t)state % 16 == 0);
	count_wrong(is_all(state, state_look.size, 0));
	memset(state, 1, state_look.size);
	return 0;
}

static void
change_state(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	count_wrong(is_all(state, state_look.size, (unsigned char)msg->type));
	memset(state, (int)msg->type + 1, state_look.size);
	sys_add(&state_look.handled, 1);
}

static void
look_last(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	count_wrong(is_all(state, state_look.size, 4));
	sys_add(&state_look.stopped, 1);
}

START_TEST(test_system_start_state_is_zeroed_aligned_and_kept)
{
	static const unsigned flags[] = { 0, TROUPE_BUSY, TROUPE_DEDICATED, TROUPE_DEDICATED | TROUPE_BUSY };
	enum { LIVES = 5, AT_ONCE = 4 };
	troupe *t = sys_open(2, NULL);

	for (int f = 0; f < 4; f++) {
		troupe_class class_ = {
			.state_size = state_sizes[_i],
			.flags = flags[f],
			.start = look_at_state,
			.receive = change_state,
			.stop = look_last,
		};

		memset(&state_look, 0, sizeof state_look);
		state_look.size = class_.state_size;
		/* Again and again, in slots that were used before. */
		for (int i = 0; i < LIVES; i++) {
			troupe_ref ref[AT_ONCE];

			for (int k = 0; k < AT_ONCE; k++) {
				ref[k] = sys_spawn(t, &class_, &state_look);
				for (uint32_t type = 1; type <= 3; type++)
					sys_send(ref[k], type, NULL, 0);
			}
			for (int k = 0; k < AT_ONCE; k++)
				sys_assert_status(troupe_stop(ref[k], TROUPE_STOP_DRAIN), TROUPE_OK);
			sys_wait(t);
		}
		sys_assert_count(state_look.wrong, 0);
		sys_assert_count(state_look.handled, 3 * LIVES * AT_ONCE);
		sys_assert_count(state_look.stopped, LIVES * AT_ONCE);
	}
	sys_close(t, NULL);
}
END_TEST

/* --- What spawn does not take. --- */

START_TEST(test_system_start_senseless_spawns_are_invalid)
{
	troupe_class good = { .receive = sys_ignore }, bad;
	troupe *t = sys_open(1, NULL);

	sys_assert_failed(troupe_spawn(NULL, &good, NULL), TROUPE_INVALID);
	sys_assert_failed(troupe_spawn(t, NULL, NULL), TROUPE_INVALID);
	bad = (troupe_class){ .name = "no receive" };
	sys_assert_failed(troupe_spawn(t, &bad, NULL), TROUPE_INVALID);
	for (unsigned bit = 2; bit < 32; bit++) {
		bad = (troupe_class){ .receive = sys_ignore, .flags = 1u << bit };
		sys_assert_failed(troupe_spawn(t, &bad, NULL), TROUPE_INVALID);
	}
	bad = (troupe_class){ .receive = sys_ignore, .state_size = GIB + 1 };
	sys_assert_failed(troupe_spawn(t, &bad, NULL), TROUPE_INVALID);
	bad.state_size = SIZE_MAX;
	sys_assert_failed(troupe_spawn(t, &bad, NULL), TROUPE_INVALID);
	ck_assert_int_gt((int)strlen(troupe_last_error_text()), 0);

	ck_assert_uint_eq(sys_wait(t).spawned, 0);
	sys_spawn(t, &good, NULL);
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_start_takes_a_state_of_a_gigabyte)
{
	troupe_class large = { .receive = sys_ignore, .state_size = GIB };
	troupe *t = sys_open(1, NULL);

	/* It is zeroed by being fresh, and so costs nothing until it is used. */
	if (!SYS_SANITIZED && troupe_spawn(t, &large, NULL) == 0)
		sys_assert_status(troupe_last_error(), TROUPE_NOMEM);
	sys_close(t, NULL);
}
END_TEST

/* --- Refusing. --- */

/* What the starts and stops of this part did. */
struct events {
	sys_counter started, stopped, failed, handled;
	troupe_ref self, parent, child[3];
};

enum order { REFUSE, REFUSE_WITH_CHILDREN, STOP_SELF_NOW, STOP_SELF_DRAIN, BE_PARENT, SEND_TO_SELF };

struct plan {
	struct events *events;
	enum order order;
};

static void
count_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	sys_add(&(*(struct events **)state)->stopped, 1);
}

static int
count_start(troupe_actor *self, void *state, const void *argument)
{
	const struct plan *plan = argument;

	*(struct events **)state = plan->events;
	plan->events->parent = troupe_parent(self);
	sys_add(&plan->events->started, 1);
	return 0;
}

static void
count_message(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)msg;
	sys_add(&(*(struct events **)state)->handled, 1);
}

static const troupe_class child_class = {
	.name = "child",
	.state_size = sizeof(struct events *),
	.start = count_start,
	.receive = count_message,
	.stop = count_stop,
};

static void
have_children(troupe_actor *self, const struct plan *plan)
{
	for (int i = 0; i < 3; i++) {
		troupe_ref child = troupe_spawn_child(self, &child_class, plan);

		plan->events->child[i] = child;
		if (child == 0 || troupe_send(child, 1, NULL, 0) != TROUPE_OK)
			sys_add(&plan->events->failed, 1);
	}
}

static int
start_as_planned(troupe_actor *self, void *state, const void *argument)
{
	const struct plan *plan = argument;

	*(struct events **)state = plan->events;
	plan->events->self = troupe_self(self);
	if (troupe_send(troupe_self(self), 1, NULL, 0) != TROUPE_OK)
		sys_add(&plan->events->failed, 1);
	if (troupe_sender(self) != 0 || troupe_keep(self) != NULL ||
	    troupe_forward(self, troupe_self(self)) != TROUPE_INVALID ||
	    troupe_reply(self, 1, NULL, 0) != TROUPE_INVALID)
		sys_add(&plan->events->failed, 1);
	switch (plan->order) {
	case REFUSE:
		return 1;
	case REFUSE_WITH_CHILDREN:
		have_children(self, plan);
		return -1;
	case STOP_SELF_NOW:
		troupe_stop_self(self, TROUPE_STOP_NOW);
		break;
	case STOP_SELF_DRAIN:
		troupe_stop_self(self, TROUPE_STOP_DRAIN);
		break;
	case BE_PARENT:
		have_children(self, plan);
		break;
	case SEND_TO_SELF:
		break;
	}
	sys_add(&plan->events->started, 1);
	return 0;
}

static const troupe_class planned_classes[] = {
	{
	    .name = "planned",
	    .state_size = sizeof(struct events *),
	    .start = start_as_planned,
	    .receive = count_message,
	    .stop = count_stop,
	},
	{
	    .name = "planned, large",
	    .state_size = 5000,
	    .start = start_as_planned,
	    .receive = count_message,
	    .stop = count_stop,
	},
	{
	    .name = "planned, dedicated",
	    .flags = TROUPE_DEDICATED,
	    .state_size = sizeof(struct events *),
	    .start = start_as_planned,
	    .receive = count_message,
	    .stop = count_stop,
	},
};

/* Spawns what its message says as a child of its own; for starts in a worker. */
static void
spawn_planned(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct plan *plan = *(const struct plan *const *)msg->body;
	troupe_ref *result = ((void *const *)msg->body)[1];

	(void)state;
	*result = troupe_spawn_child(self, &planned_classes[msg->type], plan);
	if (*result == 0 && troupe_last_error() != TROUPE_REFUSED)
		sys_add(&plan->events->failed, 1);
	/* What the outer callback was doing is as before, and its message is in hand. */
	troupe_msg *kept = troupe_keep(self);

	if (kept != msg || troupe_self(self) == plan->events->self)
		sys_add(&plan->events->failed, 1);
	troupe_msg_free(&kept);
}

static const troupe_class spawner_class = { .name = "spawner", .receive = spawn_planned };

/* From the main thread (how 0), or as a child by a behavior (how 1); of each class. */
static troupe_ref
spawn_in_a_way(troupe *t, int how, const struct plan *plan)
{
	const troupe_class *class_ = &planned_classes[how / 2];
	troupe_ref result = 1;

	if (how % 2 == 0) {
		result = troupe_spawn(t, class_, plan);
		sys_wait(t);
		return result;
	}
	const void *body[] = { plan, &result };

	sys_send(sys_spawn(t, &spawner_class, NULL), (uint32_t)(how / 2), body, sizeof body);
	sys_wait(t);
	return result;
}
#define HOWS 6

START_TEST(test_system_start_that_refuses_fails_the_spawn)
{
	struct events events = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i / HOWS], &ledger);

	ck_assert_uint_eq(spawn_in_a_way(t, _i % HOWS, &(struct plan){ &events, REFUSE }), 0);
	sys_assert_status(troupe_send(events.self, 1, NULL, 0), TROUPE_DEAD);
	troupe_totals totals = sys_wait(t);
	ck_assert_uint_eq(totals.spawned, (uint64_t)_i % 2);
	ck_assert_uint_eq(totals.stopped, 0);
	sys_close(t, &ledger);
	sys_assert_count(events.failed, 0);
	sys_assert_count(events.handled, 0);
	sys_assert_count(events.stopped, 0);
	sys_assert_count(ledger.dead[TROUPE_DEAD], 1);
}
END_TEST

START_TEST(test_system_start_that_refuses_takes_its_children_along)
{
	struct events events = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i / HOWS], &ledger);

	ck_assert_uint_eq(spawn_in_a_way(t, _i % HOWS, &(struct plan){ &events, REFUSE_WITH_CHILDREN }), 0);
	sys_assert_status(troupe_send(events.self, 1, NULL, 0), TROUPE_DEAD);
	for (int i = 0; i < 3; i++)
		sys_assert_status(troupe_send(events.child[i], 1, NULL, 0), TROUPE_DEAD);
	troupe_totals totals = sys_wait(t);
	ck_assert_uint_eq(totals.spawned, (uint64_t)_i % 2 + 3);
	ck_assert_uint_eq(totals.stopped, 3);
	sys_close(t, &ledger);
	sys_assert_count(events.failed, 0);
	sys_assert_count(events.started, 3);
	sys_assert_count(events.stopped, 3);
	ck_assert_uint_eq(events.parent, events.self);
	ck_assert_uint_eq(sys_get(&ledger.dead[TROUPE_DEAD]) + sys_get(&events.handled), 4);
}
END_TEST

/* --- Starts that do more than start. --- */

START_TEST(test_system_start_may_stop_itself)
{
	for (int drain = 0; drain < 2; drain++) {
		struct events events = { 0 };
		sys_ledger ledger = { 0 };
		troupe *t = sys_open_shape(&sys_shapes[_i / HOWS], &ledger);
		troupe_ref ref = spawn_in_a_way(t, _i % HOWS,
		    &(struct plan){ &events, drain ? STOP_SELF_DRAIN : STOP_SELF_NOW });

		ck_assert_uint_eq(ref, events.self);
		sys_assert_status(troupe_send(ref, 1, NULL, 0), TROUPE_DEAD);
		sys_assert_count(events.stopped, 1);
		sys_assert_count(events.handled, drain);
		sys_assert_count(ledger.dead[TROUPE_DEAD], !drain);
		sys_close(t, &ledger);
		sys_assert_count(events.failed, 0);
		sys_assert_count(events.stopped, 1);
	}
}
END_TEST

START_TEST(test_system_start_may_have_children_and_send)
{
	struct events events = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i / HOWS], &ledger);
	troupe_ref ref = spawn_in_a_way(t, _i % HOWS, &(struct plan){ &events, BE_PARENT });

	ck_assert_uint_ne(ref, 0);
	sys_assert_count(events.started, 4);
	sys_assert_count(events.handled, 4);
	sys_assert_status(troupe_stop(ref, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	sys_assert_count(events.stopped, 4);
	sys_close(t, &ledger);
	sys_assert_count(events.failed, 0);
	sys_assert_count(events.stopped, 4);
}
END_TEST

/* A start that spawns into its own depth: what the outer one was doing comes back each time. */
struct nest {
	int depth;
	sys_counter *failed;
};

static const troupe_class nest_class;

static int
start_nest(troupe_actor *self, void *state, const void *argument)
{
	struct nest nest = *(const struct nest *)argument;
	troupe_ref before = troupe_self(self);

	(void)state;
	if (nest.depth-- > 0) {
		troupe_ref child = troupe_spawn_child(self, &nest_class, &nest);
		troupe_ref other = troupe_spawn(troupe_of(self), &nest_class,
		    &(struct nest){ 0, nest.failed });

		if (child == 0 || other == 0)
			sys_add(nest.failed, 1);
	}
	if (troupe_self(self) != before || troupe_send(before, 1, NULL, 0) != TROUPE_OK)
		sys_add(nest.failed, 1);
	return nest.depth % 3 == 1 ? 1 : 0;
}

static const troupe_class nest_class = { .name = "nest", .start = start_nest, .receive = sys_ignore };

START_TEST(test_system_start_may_nest)
{
	sys_counter failed = 0;
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	for (int depth = 0; depth < 12; depth++)
		(void)troupe_spawn(t, &nest_class, &(struct nest){ depth, &failed });
	sys_wait(t);
	sys_close(t, &ledger);
	/* Of three depths one refuses, and its parent's spawn fails. */
	ck_assert_uint_gt(sys_get(&failed), 0);
}
END_TEST

/* What start began ends with it, and has callbacks: a call of theirs fails for another reason. */
static void
fail_a_call(troupe_actor *self, void *state, const troupe_answer *answer)
{
	(void)self;
	(void)state;
	(void)troupe_send(0, 1, NULL, 0);
	sys_add(answer->context, answer->status == TROUPE_CANCELLED);
}

static int
ask_and_refuse(troupe_actor *self, void *state, const void *argument)
{
	const bool *fails = argument;
	static sys_counter cancelled;

	(void)state;
	sys_set(&cancelled, 0);
	if (troupe_await_name(self, "nobody", TROUPE_SECOND, fail_a_call, &cancelled) != TROUPE_OK)
		return 0;
	if (*fails)
		troupe_fail(self, 7, "on purpose");
	return *fails ? 0 : 7;
}

START_TEST(test_system_start_that_refuses_is_the_last_error)
{
	static const troupe_class class_ = { .name = "refuser", .start = ask_and_refuse, .receive = sys_ignore };
	troupe *t = sys_open_tolerant(&sys_shapes[_i / 2], NULL);
	bool fails = _i % 2;

	sys_assert_failed(troupe_spawn(t, &class_, &fails), TROUPE_REFUSED);
	ck_assert_str_eq(troupe_last_error_text(), fails ? "start of class refuser failed with 7: on purpose"
	                                                 : "start of class refuser refused with 7");
	sys_close(t, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_start");
	TCase *tc = tcase_create("start");

	tcase_add_loop_test(tc, test_system_start_state_is_zeroed_aligned_and_kept, 0, STATE_SIZES);
	tcase_add_test(tc, test_system_start_senseless_spawns_are_invalid);
	tcase_add_test(tc, test_system_start_takes_a_state_of_a_gigabyte);
	tcase_add_loop_test(tc, test_system_start_that_refuses_fails_the_spawn, 0, HOWS * sys_shape_count);
	tcase_add_loop_test(tc, test_system_start_that_refuses_takes_its_children_along, 0,
	    HOWS * sys_shape_count);
	tcase_add_loop_test(tc, test_system_start_that_refuses_is_the_last_error, 0, 2 * sys_shape_count);
	tcase_add_loop_test(tc, test_system_start_may_stop_itself, 0, HOWS * sys_shape_count);
	tcase_add_loop_test(tc, test_system_start_may_have_children_and_send, 0, HOWS * sys_shape_count);
	tcase_add_loop_test(tc, test_system_start_may_nest, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
