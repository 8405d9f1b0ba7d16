/* SPDX-License-Identifier: MIT */

/*
 * Closing: it has a deadline, names who survives it, lets what runs finish,
 * gives everything else an outcome, and may be done again.  And who would
 * wait for itself is told so.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { NOTHING = 1, HOLD_UP, READ_PIPE, SPREAD };

#define OTHERS 200

struct held {
	sys_gate gate;
	int pipe[2];
	const char *name;
	sys_counter handled, finished, stopped, failed;
	troupe_reason reason;
	troupe_ref others[OTHERS]; /* of SPREAD, which makes all of them runnable */
};

static struct held
fresh_held(const char *name)
{
	return (struct held){ .gate = SYS_GATE_CLOSED, .name = name, .pipe = { -1, -1 } };
}

static void
be_held_up(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct held *h = *(struct held **)state;
	char byte;

	(void)self;
	sys_add(&h->handled, 1);
	if (msg->type == HOLD_UP) {
		sys_gate_pass(&h->gate);
		sys_add(&h->finished, 1);
	} else if (msg->type == SPREAD) {
		for (int i = 0; i < OTHERS; i++)
			if (troupe_send(h->others[i], NOTHING, NULL, 0) != TROUPE_OK)
				sys_add(&h->failed, 1);
		sys_gate_pass(&h->gate);
	} else if (msg->type == READ_PIPE) {
		sys_gate_open(&h->gate);
		sys_gate_pass(&h->gate);
		if (read(h->pipe[0], &byte, 1) != 1)
			sys_add(&h->failed, 1);
		sys_add(&h->finished, 1);
	}
}

static int
start_held(troupe_actor *self, void *state, const void *argument)
{
	struct held *h;

	memcpy(state, &argument, sizeof argument);
	h = *(struct held **)state;
	if (troupe_set_name(self, h->name) != TROUPE_OK)
		sys_add(&h->failed, 1);
	return 0;
}

static void
stop_held(troupe_actor *self, void *state, troupe_reason reason)
{
	struct held *h = *(struct held **)state;

	(void)self;
	sys_add(&h->stopped, 1);
	h->reason = reason;
}

static const troupe_class held_class = {
	.name = "held",
	.state_size = sizeof(struct held *),
	.start = start_held,
	.receive = be_held_up,
	.stop = stop_held,
};

static const troupe_class own_class = {
	.name = "own",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct held *),
	.start = start_held,
	.receive = be_held_up,
	.stop = stop_held,
};

static const troupe_class nameless_class = {
	.state_size = sizeof(struct held *),
	.start = start_held,
	.receive = be_held_up,
	.stop = stop_held,
};

/* --- Survivors. --- */

struct roll {
	uint32_t count;
	troupe_survivor who[8];
	char class_name[8][32], actor_name[8][32];
};

static void
note_survivor(void *context, const troupe_survivor *who)
{
	struct roll *roll = context;

	if (roll->count < 8) {
		roll->who[roll->count] = *who;
		snprintf(roll->class_name[roll->count], 32, "%s", who->class_name);
		snprintf(roll->actor_name[roll->count], 32, "%s", who->actor_name);
	}
	roll->count++;
}

static void
assert_in_roll(const struct roll *roll, troupe_ref ref, const char *class_name, const char *name,
    uint32_t type, uint64_t queued)
{
	uint32_t at = 0;

	while (at < roll->count && roll->who[at].ref != ref)
		at++;
	ck_assert_msg(at < roll->count, "%s \"%s\" was not named", class_name, name);
	ck_assert_str_eq(roll->class_name[at], class_name);
	ck_assert_str_eq(roll->actor_name[at], name);
	ck_assert_uint_eq(roll->who[at].msg_type, type);
	ck_assert_uint_eq(roll->who[at].queued, queued);
}

START_TEST(test_system_close_names_who_is_still_at_work)
{
	struct held a = fresh_held("alice"), b = fresh_held(NULL), c = fresh_held("carol"),
		    idle = fresh_held("ivan");
	sys_ledger ledger = { 0 };
	struct roll roll = { 0 };
	char byte = 0;
	troupe *t = sys_open(2, &ledger);
	troupe_ref alice = sys_spawn(t, &held_class, &a), bob = sys_spawn(t, &nameless_class, &b);
	troupe_ref carol = sys_spawn(t, &own_class, &c);

	ck_assert_int_eq(pipe(c.pipe), 0);
	sys_spawn(t, &held_class, &idle);
	sys_spawn(t, &own_class, &idle);
	sys_send(alice, HOLD_UP, NULL, 0);
	sys_send(bob, HOLD_UP, NULL, 0);
	sys_send(carol, READ_PIPE, NULL, 0);
	sys_gate_await(&a.gate, 1);
	sys_gate_await(&b.gate, 1);
	sys_gate_await(&c.gate, 1);
	for (int i = 0; i < 5; i++)
		sys_send(alice, NOTHING, NULL, 0);
	for (int i = 0; i < 7; i++)
		sys_send(carol, NOTHING, NULL, 0);

	sys_assert_status(troupe_close(t, 0, note_survivor, &roll), TROUPE_TIMEOUT);
	ck_assert_uint_eq(roll.count, 3);
	assert_in_roll(&roll, alice, "held", "alice", HOLD_UP, 5);
	assert_in_roll(&roll, bob, "actor", "", HOLD_UP, 0);
	assert_in_roll(&roll, carol, "own", "carol", READ_PIPE, 7);
	sys_assert_count(ledger.dead[TROUPE_CLOSING], 12);

	/* Again, with two of the three gone. */
	sys_gate_open(&a.gate);
	ck_assert_int_eq((int)write(c.pipe[1], &byte, 1), 1);
	do {
		roll.count = 0;
		sys_assert_status(troupe_close(t, 1, note_survivor, &roll), TROUPE_TIMEOUT);
	} while (roll.count > 1);
	assert_in_roll(&roll, bob, "actor", "", HOLD_UP, 0);
	sys_assert_count(a.finished, 1);
	sys_assert_count(c.finished, 1);
	sys_gate_open(&b.gate);
	sys_close(t, &ledger);

	sys_assert_count(a.handled, 1);
	sys_assert_count(b.handled, 1);
	sys_assert_count(c.handled, 1);
	sys_assert_count(a.stopped, 1);
	sys_assert_count(b.stopped, 1);
	sys_assert_count(c.stopped, 1);
	sys_assert_count(idle.stopped, 2);
	sys_assert_count(idle.failed, 0);
	sys_assert_count(c.failed, 0);
	ck_assert_int_eq((int)a.reason, TROUPE_REASON_CLOSING);
	close(c.pipe[0]);
	close(c.pipe[1]);
}
END_TEST

START_TEST(test_system_close_without_a_survivor_callback)
{
	struct held h = fresh_held("h");
	troupe *t = sys_open(1, NULL);

	sys_send(sys_spawn(t, &held_class, &h), HOLD_UP, NULL, 0);
	sys_gate_await(&h.gate, 1);
	for (int i = 0; i < 3; i++)
		sys_assert_status(troupe_close(t, i, NULL, NULL), TROUPE_TIMEOUT);
	sys_gate_open(&h.gate);
	sys_close(t, NULL);
	sys_assert_count(h.stopped, 1);
}
END_TEST

/* "Behaviors that run are let finish, everything still queued becomes a dead letter": also what a turn has taken. */
START_TEST(test_system_close_handles_nothing_more)
{
	enum { WAITING = 200 };
	const troupe_class *class_ = _i % 2 ? &own_class : &held_class;
	struct held h = fresh_held("h");
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(1, &ledger);
	troupe_ref who;

	/* They are there before the turn begins, so that it takes them all. */
	struct held first = fresh_held("first");
	sys_send(sys_spawn(t, &held_class, &first), HOLD_UP, NULL, 0);
	sys_gate_await(&first.gate, 1);
	who = sys_spawn(t, class_, &h);
	sys_send(who, HOLD_UP, NULL, 0);
	for (int i = 0; i < WAITING; i++)
		sys_send(who, NOTHING, NULL, 0);
	sys_gate_open(&first.gate);
	sys_gate_await(&h.gate, 1);
	sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_TIMEOUT);
	sys_gate_open(&h.gate);
	sys_close(t, &ledger);
	sys_assert_count(h.finished, 1);
	/* A turn that goes on looks up once in 32 messages. */
	ck_assert_uint_le(sys_get(&h.handled), 1 + 32);
	ck_assert_uint_eq(sys_get(&h.handled) + sys_get(&ledger.dead[TROUPE_CLOSING]), 1 + WAITING);
}
END_TEST

/* The same for actors that have not had a turn yet. */
START_TEST(test_system_close_runs_nobody_else)
{
	struct held first = fresh_held("first"), other = fresh_held("other");
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(1, &ledger);

	for (int i = 0; i < OTHERS; i++)
		first.others[i] = sys_spawn(t, &held_class, &other);
	sys_send(sys_spawn(t, &held_class, &first), SPREAD, NULL, 0);
	sys_gate_await(&first.gate, 1);
	sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_TIMEOUT);
	sys_gate_open(&first.gate);
	sys_close(t, &ledger);
	sys_assert_count(first.failed, 0);
	ck_assert_uint_le(sys_get(&other.handled), 32);
	ck_assert_uint_eq(sys_get(&other.handled) + sys_get(&ledger.dead[TROUPE_CLOSING]), OTHERS);
	sys_assert_count(other.stopped, OTHERS);
}
END_TEST

/* --- troupe_run. --- */

struct lines {
	uint32_t count;
	char text[4][512];
	sys_counter names; /* lines that name whom they should */
};

static void
note_line(void *context, troupe_log_level level, const char *text)
{
	struct lines *lines = context;

	if (level == TROUPE_LOG_WARNING && strstr(text, "peter") != NULL && strstr(text, "held") != NULL)
		sys_add(&lines->names, 1);
	if (lines->count < 4)
		snprintf(lines->text[lines->count++], sizeof lines->text[0], "%s", text);
}

/* Runs until it is told to end, in a thread of its own. */
static void *
run_in_thread(void *t)
{
	return (void *)(uintptr_t)troupe_run(t);
}

START_TEST(test_system_close_run_logs_who_is_still_at_work)
{
	struct held h = fresh_held("peter");
	struct lines lines = { 0 };
	troupe *t = sys_open_with((troupe_options){ .workers = 1,
				      .close_ms = 1,
				      .context = &lines,
				      .log = note_line },
	    NULL);

	sys_send(sys_spawn(t, &held_class, &h), HOLD_UP, NULL, 0);
	sys_gate_await(&h.gate, 1);
	pthread_t thread = sys_start(run_in_thread, t);
	troupe_shutdown(t);
	ck_assert_uint_eq((uintptr_t)sys_join(thread), TROUPE_TIMEOUT);
	sys_assert_count(lines.names, 1);
	sys_gate_open(&h.gate);
	sys_close(t, NULL);
	sys_assert_count(h.stopped, 1);
	ck_assert_uint_eq(lines.count, 1);
}
END_TEST

START_TEST(test_system_close_run_ends_when_nothing_is_left)
{
	struct held h = fresh_held("h");
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);
	troupe_ref who = sys_spawn(t, &held_class, &h);

	for (int i = 0; i < 100; i++)
		sys_send(who, NOTHING, NULL, 0);
	sys_assert_status(troupe_run(t), TROUPE_OK);
	sys_assert_count(h.handled, 100);
	sys_assert_count(h.stopped, 1);
	sys_assert_count(ledger.logged, 0);
}
END_TEST

/* --- Waiting for oneself. --- */

struct waiting {
	sys_counter wrong, made;
};

static void
try_to_wait(troupe_actor *self, struct waiting *w)
{
	troupe *t = troupe_of(self);

	if (troupe_wait(t, 0) != TROUPE_DEADLOCK || troupe_wait(t, TROUPE_FOREVER) != TROUPE_DEADLOCK ||
	    troupe_run(t) != TROUPE_DEADLOCK || troupe_run_once(t) != TROUPE_DEADLOCK ||
	    troupe_close(t, TROUPE_FOREVER, NULL, NULL) != TROUPE_DEADLOCK ||
	    troupe_last_error() != TROUPE_DEADLOCK)
		sys_add(&w->wrong, 1);
	sys_add(&w->made, 1);
}

static int
wait_in_start(troupe_actor *self, void *state, const void *argument)
{
	memcpy(state, &argument, sizeof argument);
	try_to_wait(self, *(struct waiting **)state);
	return 0;
}

static void
wait_in_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)msg;
	try_to_wait(self, *(struct waiting **)state);
}

static void
wait_in_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)reason;
	try_to_wait(self, *(struct waiting **)state);
}

static const troupe_class waiting_classes[] = {
	{
	    .name = "waiting",
	    .state_size = sizeof(struct waiting *),
	    .start = wait_in_start,
	    .receive = wait_in_receive,
	    .stop = wait_in_stop,
	},
	{
	    .name = "waiting, dedicated",
	    .flags = TROUPE_DEDICATED,
	    .state_size = sizeof(struct waiting *),
	    .start = wait_in_start,
	    .receive = wait_in_receive,
	    .stop = wait_in_stop,
	},
};

START_TEST(test_system_close_inside_a_callback_is_a_deadlock)
{
	struct waiting w = { 0 };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	for (int i = 0; i < 4; i++) {
		troupe_ref who = sys_spawn(t, &waiting_classes[i % 2], &w);

		sys_send(who, NOTHING, NULL, 0);
		if (i < 2)
			sys_assert_status(troupe_stop(who, TROUPE_STOP_DRAIN), TROUPE_OK);
	}
	sys_wait(t);
	sys_close(t, &ledger);
	sys_assert_count(w.made, 12);
	sys_assert_count(w.wrong, 0);
}
END_TEST

/* A thread that closes; whoever comes second is told so. */
struct closer {
	troupe *t;
	sys_counter second, result;
};

static void *
close_in_thread(void *closer)
{
	struct closer *c = closer;
	troupe_status status;

	while ((status = troupe_close(c->t, TROUPE_FOREVER, NULL, NULL)) == TROUPE_DEADLOCK)
		sched_yield();
	sys_set(&c->result, status);
	return NULL;
}

START_TEST(test_system_close_twice_at_once_is_a_deadlock)
{
	struct held h = fresh_held("h");
	troupe *t = sys_open(1, NULL);
	struct closer c = { .t = t, .result = TROUPE_TIMEOUT };

	sys_send(sys_spawn(t, &held_class, &h), HOLD_UP, NULL, 0);
	sys_gate_await(&h.gate, 1);
	pthread_t thread = sys_start(close_in_thread, &c);
	troupe_status status;
	while ((status = troupe_close(t, 0, NULL, NULL)) == TROUPE_TIMEOUT)
		sched_yield();
	sys_assert_status(status, TROUPE_DEADLOCK);
	sys_gate_open(&h.gate);
	sys_join(thread);
	sys_assert_count(c.result, TROUPE_OK);
}
END_TEST

START_TEST(test_system_close_while_another_thread_drives_is_a_deadlock)
{
	struct held h = fresh_held("h");
	troupe *t = sys_open_shape(&sys_shapes[8 + _i], NULL);

	sys_send(sys_spawn(t, &held_class, &h), HOLD_UP, NULL, 0);
	pthread_t thread = sys_start(sys_wait_in_thread, t);
	sys_gate_await(&h.gate, 1);
	sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_DEADLOCK);
	sys_assert_status(troupe_run_once(t), TROUPE_DEADLOCK);
	sys_assert_status(troupe_wait(t, 0), TROUPE_DEADLOCK);
	sys_assert_status(troupe_run(t), TROUPE_DEADLOCK);
	sys_gate_open(&h.gate);
	ck_assert_uint_eq((uintptr_t)sys_join(thread), TROUPE_OK);
	sys_close(t, NULL);
}
END_TEST

/* Whoever closes waits for a dedicated actor, and owns all others soon: they are run no more. */
START_TEST(test_system_close_lets_nobody_drive)
{
	struct held h = fresh_held("h"), idle = fresh_held("idle");
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(TROUPE_WORKERS_NONE, &ledger);

	sys_send(sys_spawn(t, &own_class, &h), HOLD_UP, NULL, 0);
	sys_gate_await(&h.gate, 1);
	sys_send(sys_spawn(t, &held_class, &idle), NOTHING, NULL, 0);
	sys_assert_status(troupe_close(t, 0, NULL, NULL), TROUPE_TIMEOUT);
	sys_assert_status(troupe_run_once(t), TROUPE_CLOSING);
	sys_assert_status(troupe_wait(t, TROUPE_FOREVER), TROUPE_CLOSING);
	sys_gate_open(&h.gate);
	sys_close(t, &ledger);
	sys_assert_count(idle.finished, 0);
	sys_assert_count(ledger.dead[TROUPE_CLOSING], 1);
}
END_TEST

START_TEST(test_system_close_of_nothing_is_invalid)
{
	troupe_totals totals = { .accepted = 77 };

	sys_assert_status(troupe_close(NULL, 0, NULL, NULL), TROUPE_INVALID);
	sys_assert_status(troupe_run(NULL), TROUPE_INVALID);
	sys_assert_status(troupe_run_once(NULL), TROUPE_INVALID);
	sys_assert_status(troupe_wait(NULL, 0), TROUPE_INVALID);
	sys_assert_status(troupe_hold(NULL), TROUPE_INVALID);
	sys_assert_status(troupe_release(NULL), TROUPE_INVALID);
	troupe_shutdown(NULL);
	troupe_get_totals(NULL, &totals);
	ck_assert_int_eq(troupe_now(NULL), 0);
	ck_assert_uint_eq(troupe_config_text(NULL, NULL, 0), 0);
}
END_TEST

/* --- Closing with everything going on. --- */

static void
echo(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct held *h = *(struct held **)state;

	/* What is refused here is no dead letter. */
	if (troupe_send(troupe_self(self), msg->type, NULL, 0) != TROUPE_OK)
		sys_add(&h->finished, 1);
}

static const troupe_class echo_class = {
	.name = "echo",
	.state_size = sizeof(struct held *),
	.start = start_held,
	.receive = echo,
	.stop = stop_held,
};

START_TEST(test_system_close_ends_what_would_never_end)
{
	enum { ACTORS = 50 };
	struct held h = fresh_held("echo");
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	for (int i = 0; i < ACTORS; i++)
		sys_send(sys_spawn(t, &echo_class, &h), NOTHING, NULL, 0);
	sys_assert_status(troupe_wait(t, 0), TROUPE_TIMEOUT);
	sys_close(t, &ledger);
	sys_assert_count(h.stopped, ACTORS);
	ck_assert_uint_eq(sys_get(&h.finished) + sys_get(&ledger.dead[TROUPE_CLOSING]), ACTORS);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_close");
	TCase *tc = tcase_create("close");

	tcase_add_test(tc, test_system_close_names_who_is_still_at_work);
	tcase_add_test(tc, test_system_close_without_a_survivor_callback);
	tcase_add_loop_test(tc, test_system_close_handles_nothing_more, 0, 2);
	tcase_add_test(tc, test_system_close_runs_nobody_else);
	tcase_add_test(tc, test_system_close_run_logs_who_is_still_at_work);
	tcase_add_loop_test(tc, test_system_close_run_ends_when_nothing_is_left, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_close_inside_a_callback_is_a_deadlock, 0, sys_shape_count);
	tcase_add_test(tc, test_system_close_twice_at_once_is_a_deadlock);
	tcase_add_loop_test(tc, test_system_close_while_another_thread_drives_is_a_deadlock, 0, 2);
	tcase_add_test(tc, test_system_close_lets_nobody_drive);
	tcase_add_test(tc, test_system_close_of_nothing_is_invalid);
	tcase_add_loop_test(tc, test_system_close_ends_what_would_never_end, 0, sys_shape_count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
