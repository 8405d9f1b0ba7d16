/* SPDX-License-Identifier: MIT */

/*
 * Many to one and one to many.  Producers send a drawn number of letters in a
 * turn, and then tell themselves to go on; whoever receives has a counter for
 * each sender, which the letters must follow.
 */
#include "tests/soak/mail.h"

enum { GO_ON = 1, LETTER };

#define FAN_MAX 100

struct fan;

/* A producer in fan-in, a leaf in fan-out: its actor's alone. */
struct end {
	struct fan *fan;
	uint32_t number;
	uint32_t batch;
	uint32_t done; /* sent, or received in order */
	sys_random random;
};

struct fan {
	uint32_t size, letters; /* ends, and letters to or from each */
	troupe_ref hub, leaf[FAN_MAX];
	struct end end[FAN_MAX];
	/* The hub's alone. */
	uint32_t next[FAN_MAX];
	uint32_t batch, sent;
	sys_random random;
};

/* --- Fan-in. --- */

static void
produce(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct end *e = *(struct end **)state;
	const struct fan *f = e->fan;

	(void)msg;
	for (uint32_t i = 0; i < e->batch && e->done < f->letters; i++)
		soak_expect(soak_post(&e->random, f->hub, LETTER, e->number, e->done++) == TROUPE_OK);
	if (e->done < f->letters)
		soak_expect(troupe_send(troupe_self(self), GO_ON, NULL, 0) == TROUPE_OK);
}

/* For a letter of a leaf or of a producer. */
static void
count_in(struct fan *f, const troupe_msg *msg)
{
	soak_letter letter;

	if (soak_read(msg, &letter) && letter.from < f->size)
		soak_expect(letter.number == f->next[letter.from]++);
}

static void
collect(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	count_in(*(struct fan **)state, msg);
}

#define FAN_CLASS(name_, flags_, receive_) \
	{ \
		.name = name_, .flags = flags_, .state_size = sizeof(void *), .start = soak_keep_argument, \
		.receive = receive_ \
	}

static const troupe_class producer_class = FAN_CLASS("producer", 0, produce);
static const troupe_class collector_class = FAN_CLASS("collector", TROUPE_BUSY, collect);

static void
draw_fan(struct fan *f, sys_random *random)
{
	f->size = soak_draw(random, 1, FAN_MAX);
	f->letters = soak_draw(random, 1, SYS_SCALED(400000) / f->size);
	f->batch = soak_draw(random, 1, f->letters);
	f->random.state = sys_next(random);
	for (uint32_t i = 0; i < f->size; i++)
		f->end[i] = (struct end){ f, i, soak_draw(random, 1, f->letters), 0, { sys_next(random) } };
}

void
soak_play_fanin(soak_round *round)
{
	struct fan *f = soak_memory(1, sizeof *f);
	soak_stage stage;

	draw_fan(f, &round->random);
	soak_open(&stage, round);
	f->hub = soak_spawn(&stage, &collector_class, f);
	for (uint32_t i = 0; i < f->size; i++)
		soak_expect(troupe_send(soak_spawn(&stage, &producer_class, &f->end[i]), GO_ON, NULL, 0) ==
			    TROUPE_OK);
	(void)soak_settle(&stage);
	for (uint32_t i = 0; i < f->size; i++)
		soak_law(f->next[i], f->letters);
	soak_close(&stage);
	free(f);
}

/* --- Fan-out, and back. --- */

static void
answer_back(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct end *e = *(struct end **)state;
	soak_letter letter;

	(void)self;
	if (!soak_read(msg, &letter))
		return;
	soak_expect(letter.number == e->done++);
	soak_expect(soak_post(&e->random, e->fan->hub, LETTER, e->number, letter.number) == TROUPE_OK);
}

static void
hand_out(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct fan *f = *(struct fan **)state;

	if (msg->type == LETTER) {
		count_in(f, msg);
		return;
	}
	for (uint32_t k = 0; k < f->batch && f->sent < f->letters; k++, f->sent++)
		for (uint32_t i = 0; i < f->size; i++)
			soak_expect(soak_post(&f->random, f->leaf[i], LETTER, i, f->sent) == TROUPE_OK);
	if (f->sent < f->letters)
		soak_expect(troupe_send(troupe_self(self), GO_ON, NULL, 0) == TROUPE_OK);
}

static const troupe_class hub_class = FAN_CLASS("hub", 0, hand_out);
static const troupe_class busy_hub_class = FAN_CLASS("busy hub", TROUPE_BUSY, hand_out);
static const troupe_class own_hub_class = FAN_CLASS("own hub", TROUPE_DEDICATED, hand_out);
static const troupe_class leaf_class = FAN_CLASS("leaf", 0, answer_back);

void
soak_play_fanout(soak_round *round)
{
	static const troupe_class *const hubs[] = { &hub_class, &busy_hub_class, &own_hub_class };
	struct fan *f = soak_memory(1, sizeof *f);
	soak_stage stage;

	draw_fan(f, &round->random);
	f->letters = f->letters / 2 + 1;
	soak_open(&stage, round);
	for (uint32_t i = 0; i < f->size; i++)
		f->leaf[i] = soak_spawn(&stage, &leaf_class, &f->end[i]);
	f->hub = troupe_spawn(stage.t, hubs[sys_below(&round->random, 3)], f);
	soak_expect(troupe_send(f->hub, GO_ON, NULL, 0) == TROUPE_OK);
	(void)soak_settle(&stage);
	for (uint32_t i = 0; i < f->size; i++) {
		soak_law(f->end[i].done, f->letters);
		soak_law(f->next[i], f->letters);
	}
	soak_close(&stage);
	free(f);
}
