/* SPDX-License-Identifier: MIT */

/*
 * One outcome: in random programs, whose actors stop, spawn, keep and
 * forward as they like, each accepted message is handled or becomes a dead
 * letter, once; each actor that started stops, once; and the totals say so.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <sched.h>

#define ACTORS   64        /* places for actors; one that stops is succeeded by another */
#define MESSAGES (1 << 18) /* numbers for messages */

struct program {
	troupe *t;
	sys_counter actor[ACTORS]; /* a troupe_ref each */
	sys_counter next_message;
	sys_counter accepted, handled, dead, unhandled; /* as the program counts them */
	sys_counter started, stopped, spawned, shutdowns;
	sys_counter destroyed, made;
	sys_counter over;                 /* somebody asked for an early end */
	uint32_t early_end;               /* one message in so many asks for it; 0: none */
	_Atomic int8_t balance[MESSAGES]; /* of each message: times accepted, less times handled or dead */
};

/* Every message carries this; what it brings about is decided by its seed. */
struct errand {
	struct program *program;
	uint64_t seed;
	uint32_t number, life;
};

struct role {
	struct program *program;
	uint64_t handled;
	troupe_msg *kept;
};

static void
settle_balance(const struct errand *e, int8_t by)
{
	atomic_fetch_add_explicit(&e->program->balance[e->number], by, memory_order_relaxed);
}

static void
count_destroyed(void *body, size_t size)
{
	const struct errand *e = body;

	if (size == sizeof *e)
		sys_add(&e->program->destroyed, 1);
}

/* Counted before it is sent: the receiver may be done before the send returns. */
static void
send_errand(struct program *p, sys_random *random, uint32_t life)
{
	struct errand e = { p, sys_next(random), (uint32_t)sys_add(&p->next_message, 1), life };
	troupe_ref to = sys_get(&p->actor[sys_below(random, ACTORS)]);
	troupe_msg *msg;
	troupe_status status;

	if (e.number >= MESSAGES)
		return;
	settle_balance(&e, 1);
	switch (sys_below(random, 3)) {
	case 0:
		msg = troupe_msg_new(1, sizeof e, count_destroyed);
		sys_add(&p->made, 1);
		memcpy(troupe_msg_fill(msg), &e, sizeof e);
		troupe_msg_set_lane(msg, sys_below(random, 2) ? TROUPE_LANE_URGENT : TROUPE_LANE_NORMAL);
		status = troupe_send_msg(to, &msg);
		troupe_msg_free(&msg);
		break;
	case 1:
		status = troupe_send_urgent(to, 1, &e, sizeof e);
		break;
	default:
		status = troupe_send(to, 1, &e, sizeof e);
	}
	if (status == TROUPE_OK)
		sys_add(&p->accepted, 1);
	else
		settle_balance(&e, -1);
}

static const troupe_class *const classes[];
#define CLASSES 5

static void
spawn_successor(struct program *p, troupe_actor *self, sys_random *random)
{
	const troupe_class *class_ = classes[sys_below(random, CLASSES)];
	troupe_ref ref = sys_below(random, 2) ? troupe_spawn_child(self, class_, &p)
					      : troupe_spawn(p->t, class_, &p);

	if (ref == 0)
		return;
	sys_add(&p->spawned, 1);
	sys_set(&p->actor[sys_below(random, ACTORS)], ref);
}

/* A message that goes on is accepted once more. */
static void
pass_on(struct program *p, troupe_actor *self, struct role *r, sys_random *random, const struct errand *e)
{
	troupe_ref to = sys_get(&p->actor[sys_below(random, ACTORS)]);
	troupe_msg *kept;

	/* With each hop the seed and the life change, or it would go on for ever. */
	switch (sys_below(random, 3)) {
	case 0:
		kept = troupe_keep(self);
		troupe_msg_free(&r->kept);
		r->kept = kept;
		break;
	case 1:
		if (e->life == 0)
			break;
		kept = troupe_keep(self);
		struct errand *body = troupe_msg_fill(kept);
		body->seed = sys_next(random);
		body->life = 0;
		settle_balance(body, 1);
		if (troupe_send_msg(to, &kept) == TROUPE_OK) {
			sys_add(&p->accepted, 1);
		} else {
			settle_balance(body, -1);
			troupe_msg_free(&kept);
		}
		break;
	default:
		if (e->life > 0)
			break;
		/* Its body cannot be changed: a forwarded one ends as the next but one. */
		if (sys_below(random, 2) == 0)
			break;
		settle_balance(e, 1);
		uint32_t number = e->number;
		if (troupe_forward(self, to) == TROUPE_OK)
			sys_add(&p->accepted, 1);
		else
			atomic_fetch_add_explicit(&p->balance[number], -1, memory_order_relaxed);
	}
}

static void
run_errand(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct role *r = state;
	const struct errand *e = msg->body;
	struct program *p = r->program;
	/* A forwarded message comes with the same seed: the actor makes the difference. */
	sys_random random = { e->seed + troupe_self(self) * 31 + r->handled++ };
	uint32_t life = e->life, what = sys_below(&random, 100);

	sys_add(&p->handled, 1);
	settle_balance(e, -1);
	while (life > 0) {
		uint32_t part = 1 + sys_below(&random, life);

		send_errand(p, &random, part - 1);
		life -= part;
	}
	if (what < 1) {
		troupe_stop_self(self, sys_below(&random, 2) ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN);
		spawn_successor(p, self, &random);
	} else if (what < 3) {
		(void)troupe_stop(sys_get(&p->actor[sys_below(&random, ACTORS)]),
		    sys_below(&random, 2) ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN);
		spawn_successor(p, self, &random);
	} else if (what < 6) {
		spawn_successor(p, self, &random);
	} else if (what < 10) {
		sys_add(&p->unhandled, 1);
		troupe_unhandled(self, msg);
	} else if (p->early_end > 0 && sys_below(&random, p->early_end) == 0) {
		sys_add(&p->shutdowns, 1);
		troupe_shutdown(p->t);
	} else if (what < 50) {
		pass_on(p, self, r, &random, e);
	}
}

static int
start_role(troupe_actor *self, void *state, const void *argument)
{
	struct role *r = state;

	(void)self;
	r->program = *(struct program *const *)argument;
	sys_add(&r->program->started, 1);
	return 0;
}

static void
stop_role(troupe_actor *self, void *state, troupe_reason reason)
{
	struct role *r = state;

	(void)self;
	(void)reason;
	troupe_msg_free(&r->kept);
	sys_add(&r->program->stopped, 1);
}

#define ROLE(text, bytes, bits) \
	&(const troupe_class) \
	{ \
		.name = (text), .state_size = (bytes), .flags = (bits), .start = start_role, \
		.receive = run_errand, .stop = stop_role \
	}

static const troupe_class *const classes[CLASSES] = {
	ROLE("small", sizeof(struct role), 0),
	ROLE("busy", sizeof(struct role), TROUPE_BUSY),
	ROLE("large", 700, 0),
	ROLE("huge", 10000, 0),
	ROLE("small again", sizeof(struct role), 0),
};

static const troupe_class *const dedicated_class = ROLE("dedicated", sizeof(struct role), TROUPE_DEDICATED);

static void
bury(void *context, const troupe_dead_letter *letter)
{
	struct program *p = context;
	const struct errand *e = letter->msg->body;

	if (letter->reason == TROUPE_UNHANDLED)
		return;
	sys_add(&p->dead, 1);
	settle_balance(e, -1);
}

struct outsider {
	struct program *program;
	uint64_t seed;
	uint32_t count;
};

static void *
send_from_outside(void *outsider)
{
	const struct outsider *o = outsider;
	sys_random random = { o->seed };

	for (uint32_t i = 0; i < o->count; i++)
		send_errand(o->program, &random, sys_below(&random, 60));
	return NULL;
}

static void
check_outcomes(struct program *p, uint64_t unhandled_letters)
{
	uint32_t unbalanced = 0;

	for (int i = 0; i < MESSAGES; i++)
		unbalanced += atomic_load_explicit(&p->balance[i], memory_order_relaxed) != 0;
	ck_assert_msg(unbalanced == 0, "%u messages had no outcome, or two", unbalanced);
	ck_assert_uint_eq(sys_get(&p->accepted), sys_get(&p->handled) + sys_get(&p->dead));
	ck_assert_uint_eq(sys_get(&p->destroyed), sys_get(&p->made));
	ck_assert_uint_eq(sys_get(&p->stopped), sys_get(&p->started));
	ck_assert_uint_eq(sys_get(&p->spawned), sys_get(&p->started));
	ck_assert_uint_eq(unhandled_letters, sys_get(&p->unhandled));
}

static void
check_totals(struct program *p)
{
	troupe_totals totals = sys_wait(p->t);

	ck_assert_uint_eq(totals.accepted, sys_get(&p->accepted));
	ck_assert_uint_eq(totals.handled, sys_get(&p->handled));
	ck_assert_uint_eq(totals.dead, sys_get(&p->dead));
	ck_assert_uint_eq(totals.unhandled, sys_get(&p->unhandled));
	ck_assert_uint_eq(totals.spawned, sys_get(&p->started));
	ck_assert_uint_eq(totals.stopped, sys_get(&p->stopped));
}

/* early_end 0: wait until all is quiet.  1: close at once.  Else: when one message in so many asks for it. */
static void
run_program(const sys_shape *shape, uint32_t early_end)
{
	uint64_t seed = sys_seed("outcome");
	sys_random random = { seed };
	struct program *p = calloc(1, sizeof *p);
	sys_ledger ledger = { .letter = bury, .context = p };
	struct outsider outsiders[2];
	pthread_t threads[2];

	p->t = sys_open_shape(shape, &ledger);
	p->early_end = early_end > 1 ? early_end : 0;
	for (uint32_t i = 0; i < ACTORS; i++) {
		const troupe_class *class_ = i % 16 == 0 ? dedicated_class
							 : classes[sys_below(&random, CLASSES)];

		sys_set(&p->actor[i], sys_spawn(p->t, class_, &p));
		sys_add(&p->spawned, 1);
	}
	for (uint32_t i = 0; i < 2; i++) {
		outsiders[i] = (struct outsider){ p, sys_next(&random), SYS_SCALED(4000) };
		threads[i] = sys_start(send_from_outside, &outsiders[i]);
	}
	if (early_end == 0) {
		sys_join(threads[0]);
		sys_join(threads[1]);
		check_totals(p);
		sys_close(p->t, &ledger);
	} else {
		/* In the middle of things: the threads go on sending. */
		while (sys_get(&p->next_message) < SYS_SCALED(4000))
			sched_yield();
		if (early_end > 1)
			sys_assert_status(troupe_wait(p->t, TROUPE_FOREVER), TROUPE_OK);
		sys_close(p->t, &ledger);
		sys_join(threads[0]);
		sys_join(threads[1]);
	}
	check_outcomes(p, sys_get(&ledger.dead[TROUPE_UNHANDLED]));
	free(p);
}

START_TEST(test_system_outcome_of_each_message_when_all_is_done)
{
	run_program(&sys_shapes[_i], 0);
}
END_TEST

START_TEST(test_system_outcome_of_each_message_when_closed_at_once)
{
	run_program(&sys_shapes[_i], 1);
}
END_TEST

START_TEST(test_system_outcome_of_each_message_when_a_behavior_ends_it)
{
	run_program(&sys_shapes[_i], 500);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_outcome");
	TCase *tc = tcase_create("one outcome");

	tcase_add_loop_test(tc, test_system_outcome_of_each_message_when_all_is_done, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_outcome_of_each_message_when_closed_at_once, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_outcome_of_each_message_when_a_behavior_ends_it, 0,
	    sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
