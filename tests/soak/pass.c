/* SPDX-License-Identifier: MIT */

/*
 * Letters that go round in rings: many of two actors, or one of many.
 * Messages between two actors keep their order, so in each ring all members
 * see the letters in the same order, one after the other.
 */
#include "tests/soak/mail.h"

enum { BEGIN = 1, PASS };

struct circle;

/* Its actor's alone. */
struct member {
	struct circle *circle;
	uint32_t at;
	sys_random random;
	uint64_t seen;
};

struct circle {
	uint32_t size, letters;
	uint32_t hops; /* that each letter makes */
	struct member *member;
	troupe_ref *ref; /* complete before the first letter */
};

/* All letters are there before the first goes round. */
static void
begin(struct member *m)
{
	for (uint32_t i = 0; i < m->circle->letters; i++)
		soak_expect(soak_post(&m->random, m->circle->ref[0], PASS, i, 0) == TROUPE_OK);
}

static void
pass_on(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct member *m = *(struct member **)state;
	const struct circle *c = m->circle;
	soak_letter letter;

	(void)self;
	if (msg->type == BEGIN) {
		begin(m);
		return;
	}
	if (!soak_read(msg, &letter))
		return;
	soak_expect(letter.from == m->seen % c->letters && letter.number % c->size == m->at);
	m->seen++;
	if (letter.number < c->hops)
		soak_expect(soak_post(&m->random, c->ref[(m->at + 1) % c->size], PASS, letter.from,
				letter.number + 1) == TROUPE_OK);
}

static const troupe_class member_class = {
	.name = "member",
	.state_size = sizeof(struct member *),
	.start = soak_keep_argument,
	.receive = pass_on,
};

static void
set_up(soak_stage *stage, struct circle *c)
{
	sys_random *random = &stage->round->random;

	c->member = soak_memory(c->size, sizeof *c->member);
	c->ref = soak_memory(c->size, sizeof *c->ref);
	for (uint32_t i = 0; i < c->size; i++) {
		c->member[i] = (struct member){ c, i, { sys_next(random) }, 0 };
		c->ref[i] = soak_spawn(stage, &member_class, &c->member[i]);
	}
	soak_expect(troupe_send(c->ref[0], BEGIN, NULL, 0) == TROUPE_OK);
}

/* Each letter was at each member as often as it had to be. */
static void
take_down(struct circle *c)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < c->size; i++) {
		seen += c->member[i].seen;
		soak_expect(c->member[i].seen % c->letters == 0);
	}
	soak_law(seen, (uint64_t)c->letters * (c->hops + UINT64_C(1)));
	free(c->member);
	free(c->ref);
}

static void
play_circles(soak_round *round, struct circle *circles, uint32_t count)
{
	soak_stage stage;

	soak_open(&stage, round);
	for (uint32_t i = 0; i < count; i++)
		set_up(&stage, &circles[i]);
	(void)soak_settle(&stage);
	for (uint32_t i = 0; i < count; i++)
		take_down(&circles[i]);
	soak_close(&stage);
}

void
soak_play_pingpong(soak_round *round)
{
	struct circle pairs[32];
	uint32_t count = soak_draw(&round->random, 1, 32);

	for (uint32_t i = 0; i < count; i++)
		pairs[i] = (struct circle){ .size = 2,
			.letters = soak_draw(&round->random, 1, 3),
			.hops = soak_draw(&round->random, 100, SYS_SCALED(10000)) };
	play_circles(round, pairs, count);
}

void
soak_play_ring(soak_round *round)
{
	struct circle circle = { .size = soak_draw(&round->random, 1, 1000),
		.letters = soak_draw(&round->random, 1, 200) };

	circle.hops = SYS_SCALED(400000) / circle.letters;
	play_circles(round, &circle, 1);
}
