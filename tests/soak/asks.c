/* SPDX-License-Identifier: MIT */

/*
 * Asks, gathers and names.  Askers ask with deadlines that are often missed;
 * those asked answer, answer later, hand on, fail, stop, or do nothing.  Each
 * ask has exactly one end, and an answer is the one to its own question.
 */
#include "tests/soak/mail.h"

enum { BEGIN = 1, QUESTION, ANSWER };

#define ASKERS_MAX    32
#define ANSWERERS_MAX 24
#define NAMES         4

struct questions;

struct asker {
	struct questions *all;
	uint32_t number, asks, begun, open; /* the last: asks under way */
	sys_random random;
	uint32_t *ends; /* of each ask */
	uint64_t answered;
};

struct answerer {
	struct questions *all;
	uint32_t number;
	sys_random random;
	troupe_msg *kept;
	uint64_t taken;
};

struct questions {
	uint32_t askers, answerers;
	troupe_ref ref[ANSWERERS_MAX];
	struct asker asker[ASKERS_MAX];
	struct answerer answerer[ANSWERERS_MAX];
};

static const char *const names[NAMES] = { "north", "east", "south", "west" };

/* --- Those asked. --- */

static void
answer_kept(struct answerer *a)
{
	soak_letter letter;

	if (a->kept == NULL)
		return;
	if (soak_read(a->kept, &letter))
		soak_expect(troupe_answer_kept(&a->kept, ANSWER, &letter.number, sizeof letter.number) !=
			    TROUPE_INVALID);
	troupe_msg_free(&a->kept);
}

static void
take_question(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct answerer *a = *(struct answerer **)state;
	soak_letter letter;

	a->taken++;
	if (!soak_read(msg, &letter))
		return;
	soak_expect(troupe_is_request(msg));
	switch (sys_below(&a->random, 12)) {
	case 0:
		soak_expect(
		    troupe_reply_error(self, 7, "question %u is a bad one", letter.number) != TROUPE_INVALID);
		break;
	case 1:
		answer_kept(a);
		a->kept = troupe_keep(self);
		break;
	case 2:
		(void)troupe_forward(self, a->all->ref[sys_below(&a->random, a->all->answerers)]);
		break;
	case 3:
		soak_expect(troupe_stash(self) == TROUPE_OK);
		break;
	case 4:
		(void)troupe_unstash(self, SIZE_MAX);
		break;
	case 5: {
		const char *name = names[sys_below(&a->random, NAMES)];

		if (troupe_register(self, name) == TROUPE_OK && sys_below(&a->random, 2))
			soak_expect(troupe_unregister(self, name) == TROUPE_OK);
		break;
	}
	case 6:
		if (sys_below(&a->random, 64) == 0)
			troupe_fail(self, 5, "over question %u", letter.number);
		break;
	default:
		soak_expect(
		    troupe_reply(self, ANSWER, &letter.number, sizeof letter.number) != TROUPE_INVALID);
	}
}

static void
end_answerer(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	answer_kept(*(struct answerer **)state);
}

static const troupe_class answerer_class = {
	.name = "answerer",
	.state_size = sizeof(struct answerer *),
	.start = soak_keep_argument,
	.receive = take_question,
	.stop = end_answerer,
	.stash_limit = SIZE_MAX / 2,
};

/* --- Askers. --- */

static void ask_more(troupe_actor *self, struct asker *a);

static void
note_end(troupe_actor *self, struct asker *a, uint32_t *end)
{
	(*end)++;
	a->open--;
	ask_more(self, a);
}

static void
take_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	struct asker *a = *(struct asker **)state;
	uint32_t *end = answer->context;

	if (answer->msg != NULL) {
		a->answered++;
		soak_expect(answer->msg->size == sizeof(uint32_t) &&
			    *(const uint32_t *)answer->msg->body == (uint32_t)(end - a->ends));
	}
	note_end(self, a, end);
}

static void
take_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	struct asker *a = *(struct asker **)state;
	uint32_t *end = gathered->context;

	for (size_t i = 0; i < gathered->count; i++)
		if (gathered->answers[i].status == TROUPE_OK && gathered->answers[i].msg != NULL)
			soak_expect(
			    *(const uint32_t *)gathered->answers[i].msg->body == (uint32_t)(end - a->ends));
	note_end(self, a, end);
}

static int64_t
draw_deadline(sys_random *random)
{
	/* 1 us to 16 ms; and now and then one that only what is kept and never answered waits out. */
	return sys_below(random, 8) == 0 ? 100 * TROUPE_MS : (int64_t)1000 << sys_below(random, 15);
}

static troupe_status
gather_some(troupe_actor *self, struct asker *a, uint32_t *end)
{
	uint32_t number = (uint32_t)(end - a->ends);
	uint32_t count = 1 + sys_below(&a->random, 4);
	troupe_request requests[4];
	troupe_msg *letter[4];

	for (uint32_t i = 0; i < count; i++) {
		letter[i] = soak_write(&a->random, QUESTION, a->number, number);
		requests[i] = (troupe_request){ a->all->ref[sys_below(&a->random, a->all->answerers)],
			QUESTION, letter[i]->body, letter[i]->size };
	}
	troupe_status status = troupe_gather(self, requests, count, 1 + sys_below(&a->random, count),
	    draw_deadline(&a->random), take_gathered, end);
	for (uint32_t i = 0; i < count; i++)
		troupe_msg_free(&letter[i]);
	return status;
}

static troupe_status
ask_one(troupe_actor *self, struct asker *a, uint32_t *end)
{
	troupe_ref to = a->all->ref[sys_below(&a->random, a->all->answerers)];
	troupe_msg *msg = soak_write(&a->random, QUESTION, a->number, (uint32_t)(end - a->ends));
	troupe_status status = troupe_ask_msg(self, to, &msg, draw_deadline(&a->random), take_answer, end);

	soak_expect((status == TROUPE_OK) == (msg == NULL));
	troupe_msg_free(&msg);
	return status;
}

/* One more ask, or what stands for one. */
static void
begin_ask(troupe_actor *self, struct asker *a)
{
	uint32_t *end = &a->ends[a->begun++];
	uint32_t way = sys_below(&a->random, 16);
	troupe_status status;

	if (way == 0)
		status = gather_some(self, a, end);
	else if (way == 1)
		status = troupe_await_name(self, names[sys_below(&a->random, NAMES)],
		    draw_deadline(&a->random), take_answer, end);
	else
		status = ask_one(self, a, end);
	/* One that did not begin has no end, but for the count. */
	if (status == TROUPE_OK) {
		a->open++;
	} else {
		soak_expect(status == TROUPE_DEAD);
		(*end)++;
	}
}

#define UNDER_WAY 8

static void
ask_more(troupe_actor *self, struct asker *a)
{
	while (a->open < UNDER_WAY && a->begun < a->asks)
		begin_ask(self, a);
}

static void
begin(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)msg;
	ask_more(self, *(struct asker **)state);
}

static const troupe_class asker_class = {
	.name = "asker",
	.state_size = sizeof(struct asker *),
	.start = soak_keep_argument,
	.receive = begin,
};

/* --- The round. --- */

static void
spawn_all(soak_stage *stage, struct questions *q)
{
	sys_random *random = &stage->round->random;

	for (uint32_t i = 0; i < q->answerers; i++) {
		q->answerer[i] = (struct answerer){ .all = q, .number = i, .random = { sys_next(random) } };
		q->ref[i] = soak_spawn(stage, &answerer_class, &q->answerer[i]);
	}
	for (uint32_t i = 0; i < q->askers; i++) {
		struct asker *a = &q->asker[i];

		*a = (struct asker){ .all = q,
			.number = i,
			.asks = soak_draw(random, 1, SYS_SCALED(20000) / q->askers),
			.random = { sys_next(random) } };
		a->ends = soak_memory(a->asks, sizeof *a->ends);
		soak_expect(troupe_send(soak_spawn(stage, &asker_class, a), BEGIN, NULL, 0) == TROUPE_OK);
	}
}

void
soak_play_asks(soak_round *round)
{
	struct questions *q = soak_memory(1, sizeof *q);
	soak_stage stage;

	q->askers = soak_draw(&round->random, 1, ASKERS_MAX);
	q->answerers = soak_draw(&round->random, 1, ANSWERERS_MAX);
	soak_open(&stage, round);
	spawn_all(&stage, q);
	soak_law(troupe_wait(stage.t, TROUPE_FOREVER), TROUPE_OK);
	for (uint32_t i = 0; i < q->answerers; i++)
		(void)troupe_stop(q->ref[i], TROUPE_STOP_NOW);
	(void)soak_settle(&stage);
	for (uint32_t i = 0; i < q->askers; i++) {
		soak_law(q->asker[i].begun, q->asker[i].asks);
		soak_law(q->asker[i].open, 0);
		for (uint32_t k = 0; k < q->asker[i].asks; k++)
			soak_expect(q->asker[i].ends[k] == 1);
		free(q->asker[i].ends);
	}
	soak_close(&stage);
	free(q);
}
