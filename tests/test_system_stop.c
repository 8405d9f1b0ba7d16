/* SPDX-License-Identifier: MIT */

/*
 * How actors end: stop is called once, with the reason; DRAIN and NOW do
 * what they say from inside and outside; children stop before their parents,
 * newest first, however deep or wide the tree is.
 */

#include "tests/suite.h"
#include "tests/system.h"

enum { COUNT = 1, STOP_YOURSELF, HOLD_UP, STOP_OTHER, SPAWN_LATE };

struct mortal {
	sys_gate gate;
	troupe_ref other; /* of STOP_OTHER */
	uint32_t handled; /* counting messages; the actor's until it has stopped */
	uint32_t stopped;
	troupe_reason reason;
	troupe_ref late;
	troupe_status late_error;
	sys_counter failed;
};

/* What a stop may not do is checked here: there is no message in hand. */
static void
end_mortal(troupe_actor *self, void *state, troupe_reason reason)
{
	struct mortal *m = *(struct mortal **)state;

	m->stopped++;
	m->reason = reason;
	if (troupe_sender(self) != 0 || troupe_keep(self) != NULL ||
	    troupe_forward(self, troupe_self(self)) != TROUPE_INVALID ||
	    troupe_reply(self, 1, NULL, 0) != TROUPE_INVALID)
		sys_add(&m->failed, 1);
	if (troupe_send(troupe_self(self), COUNT, NULL, 0) == TROUPE_OK)
		sys_add(&m->failed, 1);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
live(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct mortal *m = *(struct mortal **)state;
	const troupe_stop_mode *mode = msg->body;

	switch (msg->type) {
	case COUNT:
		m->handled++;
		break;
	case STOP_YOURSELF:
		troupe_stop_self(self, *mode);
		break;
	case HOLD_UP:
		sys_gate_pass(&m->gate);
		break;
	case STOP_OTHER:
		if (troupe_stop(m->other != 0 ? m->other : troupe_self(self), *mode) != TROUPE_OK)
			sys_add(&m->failed, 1);
		break;
	default:
		sys_add(&m->failed, 1);
	}
}

static const troupe_class classes[] = {
	{
	    .name = "mortal",
	    .state_size = sizeof(struct mortal *),
	    .start = sys_start_with_pointer,
	    .receive = live,
	    .stop = end_mortal,
	},
	{
	    .name = "dedicated mortal",
	    .flags = TROUPE_DEDICATED,
	    .state_size = sizeof(struct mortal *),
	    .start = sys_start_with_pointer,
	    .receive = live,
	    .stop = end_mortal,
	},
};
#define CLASSES 2

static struct mortal
fresh_mortal(void)
{
	return (struct mortal){ .gate = SYS_GATE_CLOSED };
}

/* --- Modes and reasons. --- */

/* Who stops it, how, and what is then to become of the messages around. */
struct manner {
	const char *name;
	bool inside;     /* STOP_YOURSELF, else troupe_stop from outside */
	bool by_message; /* STOP_OTHER to itself: troupe_stop from inside */
	troupe_stop_mode first, second;
	bool twice; /* second is used too */
	troupe_reason reason;
	bool drains;
};

static const struct manner manners[] = {
	{ "outside, now", false, false, TROUPE_STOP_NOW, 0, false, TROUPE_REASON_ASKED, false },
	{ "outside, drain", false, false, TROUPE_STOP_DRAIN, 0, false, TROUPE_REASON_ASKED, true },
	{ "outside, drain then now", false, false, TROUPE_STOP_DRAIN, TROUPE_STOP_NOW, true,
	    TROUPE_REASON_ASKED, false },
	{ "outside, now then drain", false, false, TROUPE_STOP_NOW, TROUPE_STOP_DRAIN, true,
	    TROUPE_REASON_ASKED, false },
	{ "outside, drain twice", false, false, TROUPE_STOP_DRAIN, TROUPE_STOP_DRAIN, true,
	    TROUPE_REASON_ASKED, true },
	{ "inside, now", true, false, TROUPE_STOP_NOW, 0, false, TROUPE_REASON_SELF, false },
	{ "inside, drain", true, false, TROUPE_STOP_DRAIN, 0, false, TROUPE_REASON_SELF, true },
	{ "inside, drain then now", true, false, TROUPE_STOP_DRAIN, TROUPE_STOP_NOW, true, TROUPE_REASON_SELF,
	    false },
	{ "inside by handle, now", true, true, TROUPE_STOP_NOW, 0, false, TROUPE_REASON_ASKED, false },
	{ "inside by handle, drain", true, true, TROUPE_STOP_DRAIN, 0, false, TROUPE_REASON_ASKED, true },
};
#define MANNERS ((int)(sizeof manners / sizeof *manners))

static void
tell_to_stop(troupe_ref who, const struct manner *how, troupe_stop_mode mode)
{
	if (how->inside)
		sys_send(who, how->by_message ? STOP_OTHER : STOP_YOURSELF, &mode, sizeof mode);
	else
		sys_assert_status(troupe_stop(who, mode), TROUPE_OK);
}

/* Ten messages wait when it is told to stop, and ten more come after. */
static void
check_manner(const struct manner *how, const troupe_class *class_, int workers)
{
	enum { EACH = 10 };
	struct mortal m = fresh_mortal();
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(workers, &ledger);
	troupe_ref who = sys_spawn(t, class_, &m);

	sys_send(who, HOLD_UP, NULL, 0);
	sys_gate_await(&m.gate, 1);
	for (int i = 0; i < EACH; i++)
		sys_send(who, COUNT, NULL, 0);
	tell_to_stop(who, how, how->first);
	if (how->twice)
		tell_to_stop(who, how, how->second);
	for (int i = 0; i < EACH; i++)
		sys_send(who, COUNT, NULL, 0);
	sys_gate_open(&m.gate);
	sys_wait(t);

	ck_assert_msg(m.stopped == 1, "%s: stopped %u times", how->name, m.stopped);
	ck_assert_str_eq(troupe_reason_name(m.reason), troupe_reason_name(how->reason));
	ck_assert_msg(!how->drains || m.handled == 2 * EACH, "%s: handled %u", how->name, m.handled);
	/* A stop from inside is in line with the messages before it; one by handle is noticed when the lanes are. */
	uint32_t before = how->inside ? how->by_message ? 2 * EACH : EACH : 0;
	ck_assert_msg(how->drains || m.handled <= before, "%s: handled %u", how->name, m.handled);
	ck_assert_msg(!how->inside || how->by_message || m.handled >= EACH, "%s: handled %u", how->name,
	    m.handled);
	sys_assert_status(troupe_send(who, COUNT, NULL, 0), TROUPE_DEAD);
	sys_close(t, &ledger);
	ck_assert_uint_eq(m.stopped, 1);
	sys_assert_count(m.failed, 0);
}

START_TEST(test_system_stop_does_what_its_mode_says)
{
	for (int c = 0; c < CLASSES; c++)
		for (int workers = 1; workers <= 2; workers++)
			check_manner(&manners[_i], &classes[c], workers);
}
END_TEST

START_TEST(test_system_stop_of_an_idle_actor)
{
	for (int c = 0; c < CLASSES; c++) {
		for (troupe_stop_mode mode = TROUPE_STOP_DRAIN; mode <= TROUPE_STOP_NOW; mode++) {
			struct mortal m = fresh_mortal();
			sys_ledger ledger = { 0 };
			troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);
			troupe_ref who = sys_spawn(t, &classes[c], &m);

			sys_send(who, COUNT, NULL, 0);
			sys_wait(t);
			sys_assert_status(troupe_stop(who, mode), TROUPE_OK);
			sys_wait(t);
			ck_assert_uint_eq(m.stopped, 1);
			ck_assert_int_eq((int)m.reason, TROUPE_REASON_ASKED);
			sys_assert_status(troupe_stop(who, mode), TROUPE_DEAD);
			sys_close(t, &ledger);
			ck_assert_uint_eq(m.stopped, 1);
			ck_assert_uint_eq(m.handled, 1);
			sys_assert_count(m.failed, 0);
		}
	}
}
END_TEST

START_TEST(test_system_stop_when_closed)
{
	for (int c = 0; c < CLASSES; c++) {
		struct mortal m[10];
		sys_ledger ledger = { 0 };
		troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

		for (int i = 0; i < 10; i++) {
			m[i] = fresh_mortal();
			sys_send(sys_spawn(t, &classes[c], &m[i]), COUNT, NULL, 0);
		}
		sys_close(t, &ledger);
		for (int i = 0; i < 10; i++) {
			ck_assert_uint_eq(m[i].stopped, 1);
			ck_assert_int_eq((int)m[i].reason, TROUPE_REASON_CLOSING);
			sys_assert_count(m[i].failed, 0);
		}
	}
}
END_TEST

/* --- Families. --- */

/* In the order of their stops. */
struct family {
	troupe_ref born[40], ended[40];
	troupe_reason reason[40];
	uint32_t births, ends;
	sys_counter failed;
	uint32_t width; /* children of each */
	bool dedicated;
	sys_gate gate;
};

struct member {
	struct family *family;
	uint32_t depth; /* generations below this one */
};

static const troupe_class member_classes[2];

static int
start_member(troupe_actor *self, void *state, const void *argument)
{
	const struct member *m = argument;

	memcpy(state, m, sizeof *m);
	m->family->born[m->family->births++] = troupe_self(self);
	if (m->depth == 0)
		return 0;
	struct member below = { m->family, m->depth - 1 };
	for (uint32_t i = 0; i < m->family->width; i++) {
		troupe_ref child = troupe_spawn_child(self, &member_classes[m->family->dedicated && i % 2],
		    &below);

		if (child == 0)
			sys_add(&m->family->failed, 1);
	}
	return 0;
}

static void
end_member(troupe_actor *self, void *state, troupe_reason reason)
{
	struct member *m = state;
	struct family *f = m->family;

	f->reason[f->ends] = reason;
	f->ended[f->ends++] = troupe_self(self);
	if (troupe_spawn_child(self, &member_classes[0], m) != 0)
		sys_add(&f->failed, 1);
}

static void
member_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct member *m = state;

	if (msg->type == HOLD_UP)
		sys_gate_pass(&m->family->gate);
	if (msg->type == STOP_YOURSELF || msg->type == HOLD_UP)
		troupe_stop_self(self, *(const troupe_stop_mode *)msg->body);
}

static const troupe_class member_classes[2] = {
	{
	    .name = "member",
	    .state_size = sizeof(struct member),
	    .start = start_member,
	    .receive = member_receive,
	    .stop = end_member,
	},
	{
	    .name = "dedicated member",
	    .flags = TROUPE_DEDICATED,
	    .state_size = sizeof(struct member),
	    .start = start_member,
	    .receive = member_receive,
	    .stop = end_member,
	},
};

/* Stops are one after the other, so births in reverse is what is promised: newest first, children before parents. */
static void
check_family(const struct family *f, uint32_t size, troupe_reason first, troupe_reason others)
{
	ck_assert_uint_eq(f->births, size);
	ck_assert_uint_eq(f->ends, size);
	for (uint32_t i = 0; i < size; i++) {
		ck_assert_msg(f->ended[i] == f->born[size - 1 - i],
		    "the %u. to stop was not the %u. to be born", i + 1, size - i);
		ck_assert_str_eq(troupe_reason_name(f->reason[i]),
		    troupe_reason_name(i == size - 1 ? first : others));
	}
}

enum family_end { BY_STOP, BY_DRAIN, BY_SELF, BY_SELF_DRAIN, BY_CLOSE, FAMILY_ENDS };

static const struct {
	uint32_t depth, width, size;
} shapes_of_families[] = { { 0, 0, 1 }, { 1, 1, 2 }, { 1, 20, 21 }, { 20, 1, 21 }, { 3, 3, 40 },
	{ 4, 2, 31 } };
#define FAMILIES ((int)(sizeof shapes_of_families / sizeof *shapes_of_families))

START_TEST(test_system_stop_children_before_parents_and_newest_first)
{
	enum family_end end = (enum family_end)(_i % FAMILY_ENDS);
	troupe_reason reason = end == BY_CLOSE                          ? TROUPE_REASON_CLOSING
			       : end == BY_SELF || end == BY_SELF_DRAIN ? TROUPE_REASON_SELF
									: TROUPE_REASON_ASKED;

	for (int i = 0; i < 2 * FAMILIES; i++) {
		struct family f = { .width = shapes_of_families[i / 2].width, .dedicated = i % 2 };
		sys_ledger ledger = { 0 };
		troupe *t = sys_open_shape(&sys_shapes[_i / FAMILY_ENDS], &ledger);
		troupe_stop_mode mode = end == BY_DRAIN || end == BY_SELF_DRAIN ? TROUPE_STOP_DRAIN
										: TROUPE_STOP_NOW;
		troupe_ref root = sys_spawn(t, &member_classes[f.dedicated],
		    &(struct member){ &f, shapes_of_families[i / 2].depth });

		if (end == BY_STOP || end == BY_DRAIN)
			sys_assert_status(troupe_stop(root, mode), TROUPE_OK);
		else if (end != BY_CLOSE)
			sys_send(root, STOP_YOURSELF, &mode, sizeof mode);
		if (end != BY_CLOSE) {
			sys_wait(t);
			check_family(&f, shapes_of_families[i / 2].size, reason, TROUPE_REASON_PARENT);
		}
		sys_close(t, &ledger);
		check_family(&f, shapes_of_families[i / 2].size, reason,
		    end == BY_CLOSE ? TROUPE_REASON_CLOSING : TROUPE_REASON_PARENT);
		sys_assert_count(f.failed, 0);
	}
}
END_TEST

/* A parent that stops when nobody can be told to any more. */
static const troupe_class only_child_class = { .name = "only child", .receive = sys_ignore };

static int
start_with_child(troupe_actor *self, void *state, const void *argument)
{
	(void)state;
	(void)argument;
	return troupe_spawn_child(self, &only_child_class, NULL) == 0;
}

/* Far more than an actor buries in one turn while its child has not stopped. */
START_TEST(test_system_stop_buries_turn_by_turn_while_a_child_stops)
{
	enum { WAITING = 4000 };
	static const troupe_class class_ = { .start = start_with_child, .receive = sys_ignore };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_with((troupe_options){ .workers = TROUPE_WORKERS_NONE }, &ledger);
	troupe_ref parent = sys_spawn(t, &class_, NULL);

	for (int i = 0; i < WAITING; i++)
		sys_send(parent, COUNT, NULL, 0);
	sys_assert_status(troupe_stop(parent, TROUPE_STOP_NOW), TROUPE_OK);
	troupe_totals totals = sys_wait(t);
	ck_assert_uint_eq(totals.dead, WAITING);
	ck_assert_uint_eq(totals.stopped, 2);
	sys_close(t, &ledger);
}
END_TEST

START_TEST(test_system_stop_begun_while_the_runtime_is_closed)
{
	for (int i = 0; i < 4 * FAMILIES; i++) {
		struct family f = { .width = shapes_of_families[i / 4].width,
			.gate = SYS_GATE_CLOSED,
			.dedicated = i % 2 };
		troupe_stop_mode mode = i / 2 % 2 ? TROUPE_STOP_DRAIN : TROUPE_STOP_NOW;
		sys_ledger ledger = { 0 };
		troupe *t = sys_open(1 + i % 3, &ledger);
		troupe_ref root = sys_spawn(t, &member_classes[f.dedicated],
		    &(struct member){ &f, shapes_of_families[i / 4].depth });

		sys_send(root, HOLD_UP, &mode, sizeof mode);
		sys_gate_await(&f.gate, 1);
		sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_TIMEOUT);
		sys_gate_open(&f.gate);
		sys_close(t, &ledger);
		/* One that drains may not get so far. */
		troupe_reason reason = f.reason[f.ends - 1];
		ck_assert(reason == TROUPE_REASON_SELF ||
			  (mode == TROUPE_STOP_DRAIN && reason == TROUPE_REASON_CLOSING));
		check_family(&f, shapes_of_families[i / 4].size, reason, TROUPE_REASON_CLOSING);
		sys_assert_count(f.failed, 0);
	}
}
END_TEST

/* --- Very deep and very wide trees. --- */

struct tree {
	sys_counter started, stopped, failed;
	uint64_t left, width; /* of the one actor that grows it, each in its turn */
};

static const troupe_class node_class;

/* A link of a chain makes the next and hands the growing over to it; a wide one makes all of them itself. */
static void
grow(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct tree *tree = *(struct tree **)state;
	troupe_ref child = 0;

	for (uint64_t i = 0; i < tree->width && tree->left > 0; i++, tree->left--) {
		child = troupe_spawn_child(self, &node_class, tree);
		if (child == 0)
			sys_add(&tree->failed, 1);
	}
	if (tree->left > 0 && troupe_send(child, msg->type, NULL, 0) != TROUPE_OK)
		sys_add(&tree->failed, 1);
}

static int
start_node(troupe_actor *self, void *state, const void *argument)
{
	sys_start_with_pointer(self, state, argument);
	sys_add(&(*(struct tree **)state)->started, 1);
	return 0;
}

static void
end_node(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	sys_add(&(*(struct tree **)state)->stopped, 1);
}

static const troupe_class node_class = {
	.name = "node",
	.state_size = sizeof(struct tree *),
	.start = start_node,
	.receive = grow,
	.stop = end_node,
};

static void
check_tree(const sys_shape *shape, uint64_t width, bool by_close)
{
	uint64_t size = SYS_SCALED(100000);
	struct tree tree = { .left = size, .width = width };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(shape, &ledger);
	troupe_ref root = sys_spawn(t, &node_class, &tree);

	sys_send(root, 1, NULL, 0);
	sys_wait(t);
	sys_assert_count(tree.started, size + 1);
	sys_assert_count(tree.stopped, 0);
	if (!by_close) {
		sys_assert_status(troupe_stop(root, TROUPE_STOP_NOW), TROUPE_OK);
		sys_wait(t);
		sys_assert_count(tree.stopped, size + 1);
	}
	sys_close(t, &ledger);
	sys_assert_count(tree.stopped, size + 1);
	sys_assert_count(tree.failed, 0);
}

/* The shapes that differ here: one thread, several, the smallest turns, driven, simulated. */
static const int tree_shapes[] = { 0, 1, 6, 8, 9 };
#define TREE_SHAPES 5

START_TEST(test_system_stop_a_very_deep_tree)
{
	check_tree(&sys_shapes[tree_shapes[_i / 2]], 1, _i % 2);
}
END_TEST

START_TEST(test_system_stop_a_very_wide_tree)
{
	check_tree(&sys_shapes[tree_shapes[_i / 2]], UINT64_MAX, _i % 2);
}
END_TEST

START_TEST(test_system_stop_a_tree_both_deep_and_wide)
{
	check_tree(&sys_shapes[tree_shapes[_i / 2]], 300, _i % 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_stop");
	TCase *tc = tcase_create("stop");
	TCase *trees = tcase_create("trees");

	tcase_add_loop_test(tc, test_system_stop_does_what_its_mode_says, 0, MANNERS);
	tcase_add_loop_test(tc, test_system_stop_of_an_idle_actor, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stop_when_closed, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_stop_children_before_parents_and_newest_first, 0,
	    FAMILY_ENDS * sys_shape_count);
	tcase_add_test(tc, test_system_stop_buries_turn_by_turn_while_a_child_stops);
	tcase_add_test(tc, test_system_stop_begun_while_the_runtime_is_closed);
	tcase_add_loop_test(trees, test_system_stop_a_very_deep_tree, 0, 2 * TREE_SHAPES);
	tcase_add_loop_test(trees, test_system_stop_a_very_wide_tree, 0, 2 * TREE_SHAPES);
	tcase_add_loop_test(trees, test_system_stop_a_tree_both_deep_and_wide, 0, 2 * TREE_SHAPES);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, trees);
	return run_suite(suite);
}
