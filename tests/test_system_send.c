/* SPDX-License-Identifier: MIT */

/*
 * Sending: it never blocks, each status means what it says, bodies of every
 * size arrive whole, and a moved message changes owner only on OK.
 */

#include "tests/suite.h"
#include "tests/system.h"

#define MIB ((size_t)1 << 20)

/* --- Bodies arrive whole. --- */

/* What the checker saw; read when the runtime is quiet. */
struct checker {
	uint64_t received, wrong;
	troupe_ref last_sender;
	uint32_t last_type, last_size;
};

static unsigned char
pattern(size_t at, uint32_t type)
{
	return (unsigned char)(at * 7 + at / 251 + type);
}

static void
fill_pattern(void *body, size_t size, uint32_t type)
{
	unsigned char *bytes = body;

	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(i, type);
}

static bool
has_pattern(const void *body, size_t size, uint32_t type)
{
	const unsigned char *bytes = body;

	if (size == 0)
		return body == NULL;
	if (body == NULL || (uintptr_t)body % 16 != 0)
		return false;
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != pattern(i, type))
			return false;
	return true;
}

static void
check_body(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct checker *c = *(struct checker **)state;

	c->received++;
	c->wrong += !has_pattern(msg->body, msg->size, msg->type);
	c->wrong += troupe_body(msg, msg->size) != msg->body || troupe_body(msg, msg->size + 1) != NULL;
	c->wrong += troupe_sender(self) != msg->sender;
	c->last_sender = msg->sender;
	c->last_type = msg->type;
	c->last_size = msg->size;
}

static const troupe_class checker_class = {
	.name = "checker",
	.state_size = sizeof(struct checker *),
	.start = sys_start_with_pointer,
	.receive = check_body,
};

enum way { COPY, COPY_URGENT, MOVE, MOVE_URGENT, MOVE_DESTROYED, SHARE, WAYS };

static void
destroy_nothing(void *body, size_t size)
{
	(void)body;
	(void)size;
}

static troupe_status
move_body(troupe_ref to, uint32_t type, const void *data, size_t size, enum way way)
{
	troupe_msg *msg = troupe_msg_new(type, size, way == MOVE_DESTROYED ? destroy_nothing : NULL);

	if (msg == NULL)
		return troupe_last_error();
	if (way == MOVE_URGENT)
		troupe_msg_set_lane(msg, TROUPE_LANE_URGENT);
	if (size > 0)
		memcpy(troupe_msg_fill(msg), data, size);
	troupe_status status = troupe_send_msg(to, &msg);
	troupe_msg_free(&msg);
	return status;
}

static troupe_status
share_body(troupe_ref to, uint32_t type, const void *data, size_t size)
{
	/* There is no empty block. */
	if (size == 0)
		return troupe_send(to, type, data, size);
	troupe_shared *block = troupe_shared_new(size, NULL);

	if (block == NULL)
		return troupe_last_error();
	memcpy(troupe_shared_bytes(block), data, size);
	troupe_status status = troupe_send_shared(to, type, block);
	troupe_shared_release(&block);
	return status;
}

static troupe_status
send_in_a_way(enum way way, troupe_ref to, uint32_t type, const void *data, size_t size)
{
	switch (way) {
	case COPY:
		return troupe_send(to, type, data, size);
	case COPY_URGENT:
		return troupe_send_urgent(to, type, data, size);
	case MOVE:
	case MOVE_URGENT:
	case MOVE_DESTROYED:
		return move_body(to, type, data, size, way);
	case SHARE:
		return share_body(to, type, data, size);
	case WAYS:
		break;
	}
	return TROUPE_INVALID;
}

/* The sizes around those at which a message takes another form, for heads of 32, 48 and 64 bytes. */
static int
interesting_sizes(size_t sizes[200])
{
	static const size_t heads[] = { 0, 32, 48, 64 };
	int count = 0;

	for (size_t size = 0; size <= 40; size++)
		sizes[count++] = size;
	for (size_t slot = 128; slot <= 131072; slot *= 2)
		for (size_t head = 0; head < 4; head++)
			for (size_t near = 0; near < 3; near++)
				sizes[count++] = slot - heads[head] + near - 1;
	sizes[count++] = MIB;
	return count;
}

static void
send_all_sizes(troupe_ref to, enum way way, struct checker *c, troupe *t)
{
	size_t sizes[200];
	int count = interesting_sizes(sizes);
	char *data = malloc(MIB);

	for (int i = 0; i < count; i++) {
		uint32_t type = (uint32_t)i + 1;

		fill_pattern(data, sizes[i], type);
		sys_assert_status(send_in_a_way(way, to, type, sizes[i] > 0 ? data : NULL, sizes[i]),
		    TROUPE_OK);
		sys_wait(t);
		ck_assert_uint_eq(c->received, (uint64_t)i + 1);
		ck_assert_uint_eq(c->last_type, type);
		ck_assert_uint_eq(c->last_size, sizes[i]);
		ck_assert_uint_eq(c->last_sender, 0);
		ck_assert_msg(c->wrong == 0, "a body of %zu bytes did not arrive whole", sizes[i]);
	}
	free(data);
}

START_TEST(test_system_send_bodies_of_every_size_arrive_whole)
{
	struct checker c = { 0 };
	troupe *t = sys_open(TROUPE_WORKERS_NONE, NULL);

	send_all_sizes(sys_spawn(t, &checker_class, &c), (enum way)_i, &c, t);
	sys_close(t, NULL);
}
END_TEST

/* An actor sends what it was told to, so that all the ways are tried in a worker too. */
struct teller {
	troupe_ref to;
	enum way way;
	uint64_t failed;
};

static void
tell(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct teller *l = *(struct teller **)state;

	(void)self;
	if (send_in_a_way(l->way, l->to, msg->type, msg->body, msg->size) != TROUPE_OK)
		l->failed++;
}

static const troupe_class teller_class = {
	.name = "teller",
	.state_size = sizeof(struct teller *),
	.start = sys_start_with_pointer,
	.receive = tell,
};

START_TEST(test_system_send_bodies_arrive_whole_between_actors)
{
	struct checker c = { 0 };
	struct teller l = { .way = (enum way)_i };
	size_t sizes[200];
	int count = interesting_sizes(sizes);
	char *data = malloc(MIB);
	troupe *t = sys_open(2, NULL);
	troupe_ref teller = sys_spawn(t, &teller_class, &l);

	l.to = sys_spawn(t, &checker_class, &c);
	for (int i = 0; i < count; i++) {
		fill_pattern(data, sizes[i], (uint32_t)i);
		sys_send(teller, (uint32_t)i, data, sizes[i]);
	}
	sys_wait(t);
	ck_assert_uint_eq(l.failed, 0);
	ck_assert_uint_eq(c.received, (uint64_t)count);
	ck_assert_uint_eq(c.wrong, 0);
	ck_assert_uint_eq(c.last_sender, teller);
	sys_close(t, NULL);
	free(data);
}
END_TEST

/* Only the ends of a body that is too long to look at. */
static void
check_ends(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct checker *c = *(struct checker **)state;
	const char *bytes = msg->body;

	(void)self;
	c->received++;
	c->wrong += bytes[0] != 'a' || bytes[msg->size - 1] != 'z';
	c->last_size = msg->size;
}

static const troupe_class end_checker_class = {
	.name = "checker of ends",
	.state_size = sizeof(struct checker *),
	.start = sys_start_with_pointer,
	.receive = check_ends,
};

START_TEST(test_system_send_a_gigabyte)
{
	size_t size = (size_t)1 << 30;
	struct checker c = { 0 };
	troupe *t = sys_open(1, NULL);
	troupe_ref to = sys_spawn(t, &end_checker_class, &c);
	troupe_msg *msg = SYS_SANITIZED ? NULL : troupe_msg_new(5, size, NULL);

	if (msg != NULL) {
		char *bytes = troupe_msg_fill(msg);

		bytes[0] = 'a';
		bytes[size - 1] = 'z';
		sys_assert_status(troupe_send_msg(to, &msg), TROUPE_OK);
		sys_wait(t);
		ck_assert_uint_eq(c.received, 1);
		ck_assert_uint_eq(c.wrong, 0);
		ck_assert_uint_eq(c.last_size, size);
	}
	sys_close(t, NULL);
}
END_TEST

/* --- Statuses. --- */

/* All ways to send give the same answer. */
static void
assert_all_ways(troupe_ref to, troupe_status expected)
{
	char data[100];

	for (enum way way = COPY; way < WAYS; way++) {
		fill_pattern(data, sizeof data, 1);
		sys_assert_status(send_in_a_way(way, to, 1, data, 1), expected);
		sys_assert_status(send_in_a_way(way, to, 1, data, 32), expected);
		sys_assert_status(send_in_a_way(way, to, 1, data, sizeof data), expected);
	}
	sys_assert_status(troupe_stop(to, TROUPE_STOP_NOW), expected);
	sys_assert_status(troupe_stop(to, TROUPE_STOP_DRAIN), expected);
}

START_TEST(test_system_send_to_no_handle_is_invalid)
{
	static const troupe_ref none[] = { 0, 1, 1000, UINT64_C(0xffffffff), UINT64_C(2) << 32,
		UINT64_C(2) << 32 | 256, UINT64_C(0xfffffffe00000100), UINT64_C(1) << 32 | UINT32_MAX,
		UINT64_MAX };
	troupe *t = sys_open(1, NULL);

	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_all_ways(none[i], TROUPE_INVALID);
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_send_before_any_runtime_is_refused)
{
	assert_all_ways(0, TROUPE_INVALID);
	/* What looks like a handle, but is that of a place where no actor has ever been. */
	assert_all_ways(UINT64_C(1) << 32 | UINT32_MAX / 2, TROUPE_INVALID);
}
END_TEST

START_TEST(test_system_send_to_a_stopped_actor_is_dead)
{
	struct checker c = { 0 };
	troupe *t = sys_open(1, NULL);
	troupe_ref who = sys_spawn(t, &checker_class, &c);

	sys_assert_status(troupe_stop(who, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	assert_all_ways(who, TROUPE_DEAD);
	ck_assert_uint_eq(c.received, 0);
	sys_close(t, NULL);
	assert_all_ways(who, TROUPE_DEAD);
}
END_TEST

static void
be_held_up(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	if (msg->type == 1)
		sys_gate_pass(*(sys_gate **)state);
}

static const troupe_class held_class = {
	.name = "held up",
	.state_size = sizeof(sys_gate *),
	.start = sys_start_with_pointer,
	.receive = be_held_up,
};

START_TEST(test_system_send_while_closing_is_closing)
{
	sys_gate gate = SYS_GATE_CLOSED;
	struct checker c = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(2, &ledger);
	troupe_ref held = sys_spawn(t, &held_class, &gate), idle = sys_spawn(t, &checker_class, &c);

	sys_send(held, 1, NULL, 0);
	sys_gate_await(&gate, 1);
	sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_TIMEOUT);
	assert_all_ways(held, TROUPE_CLOSING);
	assert_all_ways(idle, TROUPE_CLOSING);
	sys_assert_failed(troupe_spawn(t, &checker_class, &c), TROUPE_CLOSING);
	sys_assert_status(troupe_hold(t), TROUPE_CLOSING);
	sys_gate_open(&gate);
	sys_close(t, &ledger);
	ck_assert_uint_eq(c.received, 0);
}
END_TEST

START_TEST(test_system_send_with_senseless_arguments_is_invalid)
{
	static const uint32_t reserved[] = { TROUPE_TYPE_RESERVED, TROUPE_TYPE_RESERVED + 1, UINT32_MAX - 1,
		UINT32_MAX };
	size_t huge = (size_t)UINT32_MAX + 1;
	struct checker c = { 0 };
	char data[64] = "";
	troupe_msg *none = NULL;
	troupe *t = sys_open(1, NULL);
	troupe_ref to = sys_spawn(t, &checker_class, &c);
	troupe_shared *block = troupe_shared_new(1, NULL);

	for (size_t i = 0; i < 4; i++) {
		sys_assert_status(troupe_send(to, reserved[i], data, 1), TROUPE_INVALID);
		sys_assert_status(troupe_send(to, reserved[i], data, sizeof data), TROUPE_INVALID);
		sys_assert_status(troupe_send_urgent(to, reserved[i], data, 1), TROUPE_INVALID);
		sys_assert_status(troupe_send_shared(to, reserved[i], block), TROUPE_INVALID);
		sys_assert_failed(troupe_msg_new(reserved[i], 1, NULL), TROUPE_INVALID);
	}
	for (size_t size = 1; size <= 64; size += 21) {
		sys_assert_status(troupe_send(to, 1, NULL, size), TROUPE_INVALID);
		sys_assert_status(troupe_send_urgent(to, 1, NULL, size), TROUPE_INVALID);
	}
	for (int i = 0; i < 2; i++, huge = SIZE_MAX) {
		sys_assert_status(troupe_send(to, 1, data, huge), TROUPE_INVALID);
		sys_assert_status(troupe_send_urgent(to, 1, data, huge), TROUPE_INVALID);
		sys_assert_failed(troupe_msg_new(1, huge, NULL), TROUPE_INVALID);
		sys_assert_failed(troupe_shared_new(huge, NULL), TROUPE_INVALID);
	}
	sys_assert_failed(troupe_shared_new(0, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_send_msg(to, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_send_msg(to, &none), TROUPE_INVALID);
	sys_assert_status(troupe_send_shared(to, 1, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_stop(to, (troupe_stop_mode)17), TROUPE_INVALID);
	ck_assert_int_gt((int)strlen(troupe_last_error_text()), 0);
	troupe_msg_free(&none);
	troupe_shared_release(&block);
	troupe_shared_release(&block);
	ck_assert_uint_eq(sys_wait(t).accepted, 0);
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_send_takes_the_largest_free_type)
{
	struct checker c = { 0 };
	troupe *t = sys_open(1, NULL);
	troupe_ref to = sys_spawn(t, &checker_class, &c);

	sys_send(to, TROUPE_TYPE_RESERVED - 1, NULL, 0);
	sys_wait(t);
	ck_assert_uint_eq(c.last_type, TROUPE_TYPE_RESERVED - 1);
	sys_send(to, 0, NULL, 0);
	sys_wait(t);
	ck_assert_uint_eq(c.last_type, 0);
	ck_assert_uint_eq(c.received, 2);
	sys_close(t, NULL);
}
END_TEST

/* --- Ownership. --- */

static void
assert_still_owned(troupe_ref to, troupe_status expected)
{
	for (size_t size = 0; size <= 100000; size = size * 11 + 1) {
		troupe_msg *msg = troupe_msg_new(9, size, NULL), *before = msg;

		ck_assert_ptr_nonnull(msg);
		fill_pattern(troupe_msg_fill(msg), size, 9);
		for (int i = 0; i < 3; i++) {
			sys_assert_status(troupe_send_msg(to, &msg), expected);
			ck_assert_ptr_eq(msg, before);
		}
		ck_assert(has_pattern(msg->body, size, 9));
		ck_assert_uint_eq(msg->type, 9);
		troupe_msg_free(&msg);
		ck_assert_ptr_null(msg);
	}
}

START_TEST(test_system_send_msg_changes_owner_only_when_accepted)
{
	struct checker c = { 0 };
	sys_gate gate = SYS_GATE_CLOSED;
	troupe *t = sys_open(2, NULL);
	troupe_ref dead = sys_spawn(t, &checker_class, &c);
	troupe_ref held = sys_spawn(t, &held_class, &gate);
	troupe_msg *msg = troupe_msg_new(3, 50, NULL);

	sys_assert_status(troupe_stop(dead, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	assert_still_owned(0, TROUPE_INVALID);
	assert_still_owned(dead, TROUPE_DEAD);

	/* Refused by one, the same message may go to another. */
	fill_pattern(troupe_msg_fill(msg), 50, 3);
	sys_assert_status(troupe_send_msg(dead, &msg), TROUPE_DEAD);
	sys_assert_status(troupe_send_msg(sys_spawn(t, &checker_class, &c), &msg), TROUPE_OK);
	ck_assert_ptr_null(msg);
	sys_wait(t);
	ck_assert_uint_eq(c.received, 1);
	ck_assert_uint_eq(c.wrong, 0);

	sys_send(held, 1, NULL, 0);
	sys_gate_await(&gate, 1);
	sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_TIMEOUT);
	assert_still_owned(held, TROUPE_CLOSING);
	sys_gate_open(&gate);
	sys_close(t, NULL);
}
END_TEST

/* --- Never blocking. --- */

START_TEST(test_system_send_never_waits_for_the_receiver)
{
	uint32_t count = SYS_SCALED(500000);
	sys_gate gate = SYS_GATE_CLOSED;
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(1, &ledger);
	troupe_ref held = sys_spawn(t, &held_class, &gate);

	sys_send(held, 1, NULL, 0);
	sys_gate_await(&gate, 1);
	/* Nothing moves in the runtime: if a send waited, it would wait for ever. */
	for (uint32_t i = 0; i < count; i++)
		sys_send(held, 2, &i, sizeof i);
	sys_gate_open(&gate);
	ck_assert_uint_eq(sys_wait(t).handled, (uint64_t)count + 1);
	sys_close(t, &ledger);
}
END_TEST

/* --- Who sent it. --- */

struct place {
	troupe_ref to, self;
	troupe_status in_start, in_stop;
};

static int
send_in_start(troupe_actor *self, void *state, const void *argument)
{
	struct place *p;

	sys_start_with_pointer(self, state, argument);
	p = *(struct place **)state;
	p->self = troupe_self(self);
	p->in_start = troupe_send(p->to, 0, NULL, 0);
	return 0;
}

static void
send_in_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	struct place *p = *(struct place **)state;

	(void)self;
	(void)reason;
	p->in_stop = troupe_send(p->to, 0, NULL, 0);
}

static const troupe_class placed_class = {
	.state_size = sizeof(struct place *),
	.start = send_in_start,
	.receive = be_held_up,
	.stop = send_in_stop,
};

START_TEST(test_system_send_fills_in_the_sender_in_start_and_stop)
{
	struct checker c = { 0 };
	troupe *t = sys_open(1, NULL);
	struct place p = { .to = sys_spawn(t, &checker_class, &c) };
	troupe_ref placed = sys_spawn(t, &placed_class, &p);

	sys_wait(t);
	sys_assert_status(p.in_start, TROUPE_OK);
	ck_assert_uint_eq(p.self, placed);
	ck_assert_uint_eq(c.last_sender, placed);
	c.last_sender = 0;
	sys_assert_status(troupe_stop(placed, TROUPE_STOP_NOW), TROUPE_OK);
	sys_wait(t);
	sys_assert_status(p.in_stop, TROUPE_OK);
	ck_assert_uint_eq(c.last_sender, placed);
	ck_assert_uint_eq(c.received, 2);
	sys_close(t, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_send");
	TCase *bodies = tcase_create("bodies");
	TCase *statuses = tcase_create("statuses");
	TCase *owners = tcase_create("owners");

	tcase_add_loop_test(bodies, test_system_send_bodies_of_every_size_arrive_whole, 0, WAYS);
	tcase_add_loop_test(bodies, test_system_send_bodies_arrive_whole_between_actors, 0, WAYS);
	tcase_add_test(bodies, test_system_send_a_gigabyte);
	tcase_add_test(statuses, test_system_send_to_no_handle_is_invalid);
	tcase_add_test(statuses, test_system_send_before_any_runtime_is_refused);
	tcase_add_test(statuses, test_system_send_to_a_stopped_actor_is_dead);
	tcase_add_test(statuses, test_system_send_while_closing_is_closing);
	tcase_add_test(statuses, test_system_send_with_senseless_arguments_is_invalid);
	tcase_add_test(statuses, test_system_send_takes_the_largest_free_type);
	tcase_add_test(owners, test_system_send_msg_changes_owner_only_when_accepted);
	tcase_add_test(owners, test_system_send_never_waits_for_the_receiver);
	tcase_add_test(owners, test_system_send_fills_in_the_sender_in_start_and_stop);
	suite_add_tcase(suite, bodies);
	suite_add_tcase(suite, statuses);
	suite_add_tcase(suite, owners);
	return run_suite(suite);
}
