/* SPDX-License-Identifier: MIT */

/*
 * Order: FIFO for each sender, receiver and lane; control before urgent
 * before normal, noticed within LATEST messages; normal never starved.
 */

#include "tests/suite.h"
#include "tests/system.h"

/* Messages after which a higher lane is looked at, at the latest. */
#define LATEST 32

/* --- First in, first out. --- */

#define SENDERS   6
#define RECEIVERS 5

enum { NORMAL, URGENT, LANES };
enum { PRODUCE = 1, NUMBERED };

/* A message of a sender: its number in its lane, to this receiver. */
struct numbered {
	uint32_t sender, lane, number;
	char padding[100]; /* used when the message is to be a large one */
};

struct receiver {
	uint32_t next[SENDERS][LANES];
	uint32_t wrong;
	uint32_t *result; /* wrong, for the main thread */
	sys_counter *received;
};

static void
check_number(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct receiver *r = state;
	const struct numbered *n = msg->body;

	(void)self;
	sys_add(r->received, 1);
	if (r->next[n->sender][n->lane]++ != n->number)
		*r->result += 1;
}

struct wanted {
	uint32_t *result;
	sys_counter *received;
};

static int
start_receiver(troupe_actor *self, void *state, const void *argument)
{
	const struct wanted *wanted = argument;
	struct receiver *r = state;

	(void)self;
	r->result = wanted->result;
	r->received = wanted->received;
	return 0;
}

static const troupe_class receiver_class = {
	.name = "receiver",
	.state_size = sizeof(struct receiver),
	.start = start_receiver,
	.receive = check_number,
};

static const troupe_class busy_receiver_class = {
	.name = "busy receiver",
	.state_size = sizeof(struct receiver),
	.flags = TROUPE_BUSY,
	.start = start_receiver,
	.receive = check_number,
};

static const troupe_class dedicated_receiver_class = {
	.name = "dedicated receiver",
	.state_size = sizeof(struct receiver),
	.flags = TROUPE_DEDICATED,
	.start = start_receiver,
	.receive = check_number,
};

struct sender {
	uint32_t index, rounds;
	uint64_t seed;
	troupe_ref to[RECEIVERS];
	uint32_t next[RECEIVERS][LANES];
	uint32_t failed;
	uint32_t *result; /* failed, for the main thread */
};

/* One of the ways to send, chosen at random; all of them keep the order. */
static troupe_status
send_numbered(troupe_ref to, sys_random *random, const struct numbered *n)
{
	size_t size = sys_below(random, 2) ? offsetof(struct numbered, padding) : sizeof *n;

	if (n->lane == URGENT && sys_below(random, 2))
		return troupe_send_urgent(to, NUMBERED, n, size);
	if (n->lane == NORMAL && sys_below(random, 2))
		return troupe_send(to, NUMBERED, n, size);
	if (n->lane == NORMAL && sys_below(random, 8) == 0) {
		troupe_shared *block = troupe_shared_new(size, NULL);

		if (block == NULL)
			return TROUPE_NOMEM;
		memcpy(troupe_shared_bytes(block), n, size);
		troupe_status status = troupe_send_shared(to, NUMBERED, block);
		troupe_shared_release(&block);
		return status;
	}
	troupe_msg *msg = troupe_msg_new(NUMBERED, size, NULL);

	if (msg == NULL)
		return TROUPE_NOMEM;
	memcpy(troupe_msg_fill(msg), n, size);
	troupe_msg_set_lane(msg, n->lane == URGENT ? TROUPE_LANE_URGENT : TROUPE_LANE_NORMAL);
	return troupe_send_msg(to, &msg);
}

static void
produce(struct sender *s, uint32_t count)
{
	sys_random random = { s->seed++ };

	for (uint32_t i = 0; i < count; i++) {
		uint32_t to = sys_below(&random, RECEIVERS);
		uint32_t lane = sys_below(&random, 4) == 0 ? URGENT : NORMAL;
		struct numbered n = { .sender = s->index, .lane = lane, .number = s->next[to][lane]++ };

		if (send_numbered(s->to[to], &random, &n) != TROUPE_OK)
			*s->result += 1;
	}
}

static void *
produce_outside(void *sender)
{
	struct sender *s = sender;

	while (s->rounds-- > 0)
		produce(s, 20);
	return NULL;
}

static void
produce_inside(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct sender *s = state;

	(void)msg;
	produce(s, 20);
	if (--s->rounds > 0 && troupe_send(troupe_self(self), PRODUCE, NULL, 0) != TROUPE_OK)
		*s->result += 1;
}

static int
start_sender(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(struct sender));
	return 0;
}

static const troupe_class sender_class = {
	.name = "sender",
	.state_size = sizeof(struct sender),
	.start = start_sender,
	.receive = produce_inside,
};

/* Senders of even number are actors, the others are threads. */
START_TEST(test_system_order_is_first_in_first_out_for_each_sender_and_lane)
{
	uint32_t rounds = SYS_SCALED(100);
	uint32_t wrong[RECEIVERS] = { 0 }, failed[SENDERS] = { 0 };
	uint64_t seed = sys_seed("order");
	sys_counter received = 0;
	sys_ledger ledger = { 0 };
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];
	troupe_ref to[RECEIVERS];
	troupe *t = sys_open_shape(&sys_shapes[_i], &ledger);

	for (int i = 0; i < RECEIVERS; i++)
		to[i] = sys_spawn(t,
		    i == 0   ? &dedicated_receiver_class
		    : i == 1 ? &busy_receiver_class
			     : &receiver_class,
		    &(struct wanted){ &wrong[i], &received });
	for (uint32_t i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .index = i,
			.rounds = rounds,
			.seed = seed + i * 1000,
			.result = &failed[i] };
		memcpy(senders[i].to, to, sizeof to);
		if (i % 2 == 0)
			sys_send(sys_spawn(t, &sender_class, &senders[i]), PRODUCE, NULL, 0);
		else
			threads[i] = sys_start(produce_outside, &senders[i]);
	}
	for (uint32_t i = 1; i < SENDERS; i += 2)
		sys_join(threads[i]);
	sys_wait(t);
	sys_close(t, &ledger);

	for (int i = 0; i < RECEIVERS; i++)
		ck_assert_uint_eq(wrong[i], 0);
	for (int i = 0; i < SENDERS; i++)
		ck_assert_uint_eq(failed[i], 0);
	sys_assert_count(received, (uint64_t)rounds * 20 * SENDERS);
}
END_TEST

/* --- Lanes. --- */

enum { FILL = 10, LOW, HIGH, HIGH_AGAIN };

/*
 * An actor with many messages waiting, which sends itself something of a
 * higher lane while it handles one of them.
 */
struct listener {
	uint32_t low;     /* normal messages handled */
	uint32_t at;      /* when low is this, something urgent is sent */
	uint32_t sends;   /* messages sent away with each that is handled */
	uint32_t sent_at; /* low when it was sent */
	uint32_t seen_at; /* low when it was handled; 0 is not yet */
	bool stop;        /* it is a stop */
	bool stopped;
	troupe_ref sink;
};

static void
listen(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct listener *l = *(struct listener **)state;

	if (msg->type == HIGH) {
		l->seen_at = l->low;
		return;
	}
	l->low++;
	for (uint32_t i = 0; i < l->sends; i++)
		(void)troupe_send(l->sink, LOW, NULL, 0);
	if (l->low != l->at)
		return;
	l->sent_at = l->low;
	if (l->stop)
		(void)troupe_stop(troupe_self(self), TROUPE_STOP_NOW);
	else
		(void)troupe_send_urgent(troupe_self(self), HIGH, NULL, 0);
}

static void
stop_listening(troupe_actor *self, void *state, troupe_reason reason)
{
	struct listener *l = *(struct listener **)state;

	(void)self;
	(void)reason;
	l->stopped = true;
	if (l->stop)
		l->seen_at = l->low;
}

static const troupe_class listener_class = {
	.name = "listener",
	.state_size = sizeof(struct listener *),
	.start = sys_start_with_pointer,
	.receive = listen,
	.stop = stop_listening,
};

static const troupe_class sink_class = { .name = "sink", .receive = sys_ignore };

static const int quanta[] = { 1, 2, 7, 31, 32, 33, 64, 100, 256, 1000, 1000000 };
#define QUANTA ((int)(sizeof quanta / sizeof *quanta))

static void
check_listener(int workers, int quantum, uint32_t sends, uint32_t waiting, bool stop)
{
	struct listener l = { .at = waiting / 3, .sends = sends, .stop = stop };
	troupe *t = sys_open_with((troupe_options){ .workers = workers, .quantum = quantum }, NULL);
	troupe_ref listener = sys_spawn(t, &listener_class, &l);

	l.sink = sys_spawn(t, &sink_class, NULL);
	for (uint32_t i = 0; i < waiting; i++)
		sys_send(listener, LOW, NULL, 0);
	sys_wait(t);
	sys_close(t, NULL);
	ck_assert_uint_eq(l.sent_at, l.at);
	ck_assert_msg(l.seen_at != 0 && l.seen_at <= l.sent_at + LATEST,
	    "quantum %d, %u sends each, %u waiting: %s sent after message %u was noticed after %u", quantum,
	    sends, waiting, stop ? "a stop" : "an urgent message", l.sent_at, l.seen_at);
}

START_TEST(test_system_order_urgent_is_noticed_in_time)
{
	for (uint32_t sends = 0; sends <= 40; sends += 20)
		for (uint32_t waiting = 150; waiting < 5000; waiting = waiting * 7 / 2)
			check_listener(TROUPE_WORKERS_NONE, quanta[_i], sends, waiting, false);
}
END_TEST

START_TEST(test_system_order_control_is_noticed_in_time)
{
	for (uint32_t sends = 0; sends <= 40; sends += 20)
		for (uint32_t waiting = 150; waiting < 5000; waiting = waiting * 7 / 2)
			check_listener(TROUPE_WORKERS_NONE, quanta[_i], sends, waiting, true);
}
END_TEST

/* What was handled, in order, by an actor that was filled while it was held up. */
#define HISTORY 1000

struct historian {
	sys_gate *gate;
	uint32_t count;
	uint32_t history[HISTORY];
};

static void
write_history(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct historian *h = *(struct historian **)state;

	(void)self;
	if (msg->type == FILL)
		sys_gate_pass(h->gate);
	else if (h->count < HISTORY)
		h->history[h->count++] = msg->type;
}

static const troupe_class historian_class = {
	.name = "historian",
	.state_size = sizeof(struct historian *),
	.start = sys_start_with_pointer,
	.receive = write_history,
};

static const troupe_class dedicated_historian_class = {
	.name = "dedicated historian",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct historian *),
	.start = sys_start_with_pointer,
	.receive = write_history,
};

/* Types from 1000 are of normal messages, from 2000 of urgent ones. */
static void
check_history(const struct historian *h, uint32_t normal, uint32_t urgent)
{
	uint32_t next_normal = 1000, next_urgent = 2000;

	ck_assert_uint_eq(h->count, normal + urgent);
	for (uint32_t i = 0; i < h->count; i++) {
		if (h->history[i] >= 2000) {
			ck_assert_uint_eq(h->history[i], next_urgent);
			next_urgent++;
			/* A normal one may be in between, but not before them all. */
			ck_assert_uint_le(i, urgent + urgent / LATEST + LATEST);
		} else {
			ck_assert_uint_eq(h->history[i], next_normal);
			next_normal++;
		}
	}
	ck_assert_uint_ge(h->history[0], 2000);
}

START_TEST(test_system_order_urgent_goes_before_waiting_normal)
{
	const troupe_class *class_ = _i % 2 == 0 ? &historian_class : &dedicated_historian_class;
	sys_gate gate = SYS_GATE_CLOSED;
	struct historian h = { .gate = &gate };
	troupe *t = sys_open_with((troupe_options){ .workers = 1, .quantum = quanta[_i / 2] }, NULL);
	troupe_ref to = sys_spawn(t, class_, &h);

	sys_send(to, FILL, NULL, 0);
	sys_gate_await(&gate, 1);
	for (uint32_t i = 0; i < 300; i++) {
		sys_send(to, 1000 + i, NULL, 0);
		if (i < 100)
			sys_assert_status(troupe_send_urgent(to, 2000 + i, NULL, 0), TROUPE_OK);
	}
	sys_gate_open(&gate);
	sys_wait(t);
	check_history(&h, 300, 100);
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_order_stop_goes_before_all_that_wait)
{
	const troupe_class *class_ = _i % 2 == 0 ? &historian_class : &dedicated_historian_class;
	sys_gate gate = SYS_GATE_CLOSED;
	struct historian h = { .gate = &gate };
	sys_ledger ledger = { 0 };
	troupe *t = sys_open_with((troupe_options){ .workers = 1, .quantum = quanta[_i / 2] }, &ledger);
	troupe_ref to = sys_spawn(t, class_, &h);

	sys_send(to, FILL, NULL, 0);
	sys_gate_await(&gate, 1);
	for (uint32_t i = 0; i < 300; i++) {
		sys_send(to, 1000 + i, NULL, 0);
		sys_assert_status(troupe_send_urgent(to, 2000 + i, NULL, 0), TROUPE_OK);
	}
	sys_assert_status(troupe_stop(to, TROUPE_STOP_NOW), TROUPE_OK);
	sys_gate_open(&gate);
	sys_wait(t);
	ck_assert_uint_eq(h.count, 0);
	sys_assert_count(ledger.dead[TROUPE_DEAD], 600);
	sys_close(t, &ledger);
}
END_TEST

/* --- Fairness. --- */

struct glutton {
	uint32_t urgent, limit;
	uint32_t first_normal; /* urgent when it was handled */
	bool seen;
};

/* Each urgent message brings two more, so that there are always some. */
static void
breed(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct glutton *g = *(struct glutton **)state;

	if (msg->type == LOW) {
		g->first_normal = g->urgent;
		g->seen = true;
		return;
	}
	g->urgent++;
	for (int i = 0; i < 2 && !g->seen && g->urgent < g->limit; i++)
		(void)troupe_send_urgent(troupe_self(self), HIGH, NULL, 0);
}

static const troupe_class glutton_class = {
	.name = "glutton",
	.state_size = sizeof(struct glutton *),
	.start = sys_start_with_pointer,
	.receive = breed,
};

START_TEST(test_system_order_normal_is_never_starved)
{
	struct glutton g = { .limit = 20000 };
	troupe *t = sys_open_with((troupe_options){ .workers = TROUPE_WORKERS_NONE, .quantum = quanta[_i] },
	    NULL);
	troupe_ref to = sys_spawn(t, &glutton_class, &g);

	sys_send(to, LOW, NULL, 0);
	for (int i = 0; i < 100; i++)
		sys_assert_status(troupe_send_urgent(to, HIGH, NULL, 0), TROUPE_OK);
	sys_wait(t);
	sys_close(t, NULL);
	ck_assert(g.seen);
	ck_assert_uint_lt(g.first_normal, g.limit);
}
END_TEST

/* An actor that never runs out of messages does not keep the worker from others. */
struct hog {
	bool *done;
	uint32_t handled;
};

static void
go_on_for_ever(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct hog *h = *(struct hog **)state;

	h->handled++;
	if (!*h->done)
		(void)troupe_send(troupe_self(self), msg->type, NULL, 0);
}

static void
end_it(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)msg;
	**(bool **)state = true;
}

static const troupe_class hog_class = {
	.state_size = sizeof(struct hog *),
	.start = sys_start_with_pointer,
	.receive = go_on_for_ever,
};

static const troupe_class ender_class = {
	.state_size = sizeof(bool *),
	.start = sys_start_with_pointer,
	.receive = end_it,
};

START_TEST(test_system_order_one_actor_does_not_hold_up_the_others)
{
	bool done = false;
	struct hog h = { &done, 0 };
	troupe *t = sys_open_with((troupe_options){ .workers = TROUPE_WORKERS_NONE, .quantum = quanta[_i] },
	    NULL);
	troupe_ref hog = sys_spawn(t, &hog_class, &h);
	troupe_ref ender = sys_spawn(t, &ender_class, &done);

	for (int i = 0; i < 10; i++)
		sys_send(hog, LOW, NULL, 0);
	sys_send(ender, LOW, NULL, 0);
	sys_wait(t);
	sys_close(t, NULL);
	ck_assert(done);
}
END_TEST

/* What an actor that goes on and on does in one turn, sends counted like messages. */
START_TEST(test_system_order_quantum_bounds_a_turn)
{
	bool done = false;
	struct hog h = { &done, 0 };
	troupe *t = sys_open_with((troupe_options){ .workers = TROUPE_WORKERS_NONE, .quantum = quanta[_i] },
	    NULL);

	sys_send(sys_spawn(t, &hog_class, &h), LOW, NULL, 0);
	for (uint32_t turn = 1; turn < 5; turn++) {
		uint32_t before = h.handled;

		sys_assert_status(troupe_run_once(t), TROUPE_OK);
		ck_assert_int_le((int)(h.handled - before), quanta[_i] / 2 + 1);
		ck_assert_uint_gt(h.handled, before);
	}
	done = true;
	sys_wait(t);
	sys_close(t, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_order");
	TCase *fifo = tcase_create("first in first out");
	TCase *lanes = tcase_create("lanes");
	TCase *fair = tcase_create("fairness");

	tcase_add_loop_test(fifo, test_system_order_is_first_in_first_out_for_each_sender_and_lane, 0,
	    sys_shape_count);
	tcase_add_loop_test(lanes, test_system_order_urgent_is_noticed_in_time, 0, QUANTA);
	tcase_add_loop_test(lanes, test_system_order_control_is_noticed_in_time, 0, QUANTA);
	tcase_add_loop_test(lanes, test_system_order_urgent_goes_before_waiting_normal, 0, 2 * QUANTA);
	tcase_add_loop_test(lanes, test_system_order_stop_goes_before_all_that_wait, 0, 2 * QUANTA);
	tcase_add_loop_test(fair, test_system_order_normal_is_never_starved, 0, QUANTA);
	tcase_add_loop_test(fair, test_system_order_one_actor_does_not_hold_up_the_others, 0, QUANTA);
	tcase_add_loop_test(fair, test_system_order_quantum_bounds_a_turn, 0, QUANTA);
	suite_add_tcase(suite, fifo);
	suite_add_tcase(suite, lanes);
	suite_add_tcase(suite, fair);
	return run_suite(suite);
}
