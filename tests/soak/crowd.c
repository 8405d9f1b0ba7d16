/* SPDX-License-Identifier: MIT */

/*
 * Crowds: everybody pings everybody, and actors that meet two by two.
 */
#include "tests/soak/mail.h"

enum { BEGIN = 1, PING, PONG, MEET_ME, MET };

/* --- Big: each pings all others, itself too, in rounds of its own. --- */

#define BIG_MAX 200

struct crowd;

struct one {
	struct crowd *crowd;
	uint32_t number;
	uint32_t rounds, waiting; /* begun; answers that this one waits for */
	uint64_t pings, pongs;
	sys_random random;
};

struct crowd {
	uint32_t size, rounds;
	troupe_ref ref[BIG_MAX];
	struct one one[BIG_MAX];
};

static void
ping_all(struct one *o)
{
	const struct crowd *c = o->crowd;

	o->waiting = c->size;
	for (uint32_t i = 0; i < c->size; i++)
		soak_expect(soak_post(&o->random, c->ref[i], PING, o->number, o->rounds) == TROUPE_OK);
	o->rounds++;
}

static void
receive_big(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct one *o = *(struct one **)state;
	const struct crowd *c = o->crowd;
	soak_letter letter;

	(void)self;
	if (msg->type == BEGIN) {
		ping_all(o);
		return;
	}
	if (!soak_read(msg, &letter) || letter.from >= c->size)
		return;
	if (msg->type == PING) {
		o->pings++;
		soak_expect(
		    soak_post(&o->random, c->ref[letter.from], PONG, o->number, letter.number) == TROUPE_OK);
		return;
	}
	o->pongs++;
	soak_expect(letter.number + 1 == o->rounds && o->waiting > 0);
	if (--o->waiting == 0 && o->rounds < c->rounds)
		ping_all(o);
}

static const troupe_class big_class = {
	.name = "big",
	.state_size = sizeof(struct one *),
	.start = soak_keep_argument,
	.receive = receive_big,
};

void
soak_play_big(soak_round *round)
{
	struct crowd *c = soak_memory(1, sizeof *c);
	soak_stage stage;

	c->size = soak_draw(&round->random, 2, BIG_MAX);
	c->rounds = SYS_SCALED(200000) / (c->size * c->size) + 1;
	soak_open(&stage, round);
	for (uint32_t i = 0; i < c->size; i++) {
		c->one[i] = (struct one){ .crowd = c, .number = i, .random = { sys_next(&round->random) } };
		c->ref[i] = soak_spawn(&stage, &big_class, &c->one[i]);
	}
	for (uint32_t i = 0; i < c->size; i++)
		soak_expect(troupe_send(c->ref[i], BEGIN, NULL, 0) == TROUPE_OK);
	(void)soak_settle(&stage);
	for (uint32_t i = 0; i < c->size; i++) {
		soak_law(c->one[i].pings, (uint64_t)c->size * c->rounds);
		soak_law(c->one[i].pongs, (uint64_t)c->size * c->rounds);
	}
	soak_close(&stage);
	free(c);
}

/* --- Meetings at one place. --- */

struct place {
	uint32_t size, meetings;
	troupe_ref place, ref[BIG_MAX];
	struct one one[BIG_MAX];
	/* The place's alone. */
	uint32_t waits, done; /* who waits: its number + 1 */
	sys_random random;
};

static void
bring_together(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct place *p = *(struct place **)state;
	soak_letter letter;

	(void)self;
	if (!soak_read(msg, &letter) || letter.from >= p->size || p->done == p->meetings)
		return;
	if (p->waits == 0) {
		p->waits = letter.from + 1;
		return;
	}
	uint32_t other = p->waits - 1;

	soak_expect(other != letter.from);
	p->waits = 0;
	p->done++;
	soak_expect(soak_post(&p->random, p->ref[other], MET, letter.from, p->done) == TROUPE_OK);
	soak_expect(soak_post(&p->random, p->ref[letter.from], MET, other, p->done) == TROUPE_OK);
}

/* What a visitor needs: set before it is spawned. */
struct visitor {
	struct place *place;
	struct one *one;
};

static void
go_to_place(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct visitor *v = *(struct visitor **)state;
	soak_letter letter;

	(void)self;
	if (msg->type == MET && soak_read(msg, &letter)) {
		/* Meetings have numbers that only grow. */
		soak_expect(letter.from != v->one->number && letter.number > v->one->waiting);
		v->one->waiting = letter.number;
		v->one->pings++;
	}
	soak_expect(soak_post(&v->one->random, v->place->place, MEET_ME, v->one->number, 0) == TROUPE_OK);
}

static const troupe_class place_class = {
	.name = "place",
	.flags = TROUPE_BUSY,
	.state_size = sizeof(struct place *),
	.start = soak_keep_argument,
	.receive = bring_together,
};

static const troupe_class visitor_class = {
	.name = "visitor",
	.state_size = sizeof(struct visitor *),
	.start = soak_keep_argument,
	.receive = go_to_place,
};

void
soak_play_meet(soak_round *round)
{
	struct place *p = soak_memory(1, sizeof *p);
	struct visitor visitors[BIG_MAX];
	soak_stage stage;
	uint64_t met = 0;

	p->size = soak_draw(&round->random, 2, BIG_MAX);
	p->meetings = soak_draw(&round->random, 1, SYS_SCALED(100000));
	p->random.state = sys_next(&round->random);
	soak_open(&stage, round);
	p->place = soak_spawn(&stage, &place_class, p);
	for (uint32_t i = 0; i < p->size; i++) {
		p->one[i] = (struct one){ .number = i, .random = { sys_next(&round->random) } };
		visitors[i] = (struct visitor){ p, &p->one[i] };
		p->ref[i] = soak_spawn(&stage, &visitor_class, &visitors[i]);
	}
	for (uint32_t i = 0; i < p->size; i++)
		soak_expect(troupe_send(p->ref[i], BEGIN, NULL, 0) == TROUPE_OK);
	(void)soak_settle(&stage);
	for (uint32_t i = 0; i < p->size; i++)
		met += p->one[i].pings;
	soak_law(p->done, p->meetings);
	soak_law(met, 2 * (uint64_t)p->meetings);
	soak_close(&stage);
	free(p);
}
