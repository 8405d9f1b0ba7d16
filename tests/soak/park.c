/* SPDX-License-Identifier: MIT */

/*
 * Messages that come when the workers are about to sleep.  A thread outside
 * sends one and waits until a chain of actors has passed it on to the end and
 * says so; then it lets 5 us to 20 ms pass, and sends the next.  When one
 * wake-up is lost, all stands still.
 */
#include "runtime/platform/platform.h"
#include "tests/soak/mail.h"

#include <semaphore.h>

enum { PASS = 1 };

#define CHAIN_MAX   8
#define PINGERS_MAX 3

struct chain {
	uint32_t length;
	sys_random random; /* the one's who has the letter */
	troupe_ref link[CHAIN_MAX];
	sem_t arrived;
	uint32_t pings, seen;
	sys_random pauses; /* the thread's */
};

struct link {
	struct chain *chain;
	uint32_t at;
};

static int
start_link(troupe_actor *self, void *state, const void *link)
{
	(void)self;
	memcpy(state, link, sizeof(struct link));
	return 0;
}

static void
pass_on(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct link *l = state;
	struct chain *c = l->chain;
	soak_letter letter;

	(void)self;
	if (!soak_read(msg, &letter))
		return;
	if (l->at + 1 < c->length) {
		soak_expect(
		    soak_post(&c->random, c->link[l->at + 1], PASS, letter.from, letter.number) == TROUPE_OK);
		return;
	}
	soak_expect(letter.number == c->seen);
	c->seen++;
	sem_post(&c->arrived);
}

static const troupe_class link_class = {
	.name = "link",
	.state_size = sizeof(struct link),
	.start = start_link,
	.receive = pass_on,
};

static const troupe_class own_link_class = {
	.name = "own link",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct link),
	.start = start_link,
	.receive = pass_on,
};

/* About as long as workers search (20 us) or sleep at first (1 ms); and anything from 5 us to 20 ms. */
static int64_t
draw_pause(sys_random *random)
{
	switch (sys_below(random, 8)) {
	case 0:
		return 900000 + sys_below(random, 300000);
	case 1:
	case 2:
		return (int64_t)5000 << sys_below(random, 13);
	default:
		return sys_below(random, 50000);
	}
}

/* About as long as a worker searches before it parks. */
#define SPINS 2000

/*
 * The thread does not sleep at once: it would wake up when the workers sleep
 * long since, and what is tried is the moment before.
 */
static void
await_arrival(struct chain *c)
{
	for (int i = 0; i < SPINS; i++) {
		if (sem_trywait(&c->arrived) == 0)
			return;
		tr_spin_hint();
	}
	while (sem_wait(&c->arrived) != 0)
		;
}

static void *
ping(void *chain)
{
	struct chain *c = chain;

	for (uint32_t i = 0; i < c->pings; i++) {
		soak_expect(soak_post(&c->random, c->link[0], PASS, 0, i) == TROUPE_OK);
		await_arrival(c);
		soak_expect(c->seen == i + 1);
		soak_pass_time(draw_pause(&c->pauses));
	}
	return NULL;
}

static void
set_up(soak_stage *stage, struct chain *c)
{
	sys_random *random = &stage->round->random;

	*c = (struct chain){ .length = soak_draw(random, 1, CHAIN_MAX),
		.pings = soak_draw(random, 10, SYS_SCALED(1000)),
		.random = { sys_next(random) },
		.pauses = { sys_next(random) } };
	sem_init(&c->arrived, 0, 0);
	for (uint32_t i = 0; i < c->length; i++)
		c->link[i] = soak_spawn(stage, sys_below(random, 8) == 0 ? &own_link_class : &link_class,
		    &(struct link){ c, i });
}

void
soak_play_park(soak_round *round)
{
	struct chain chains[PINGERS_MAX];
	pthread_t pinger[PINGERS_MAX];
	/* With more than one, the next message of another makes up for a wake-up that was lost. */
	uint32_t count = sys_below(&round->random, 4) ? 1 : 1 + sys_below(&round->random, PINGERS_MAX);
	soak_stage stage;

	soak_open(&stage, round);
	for (uint32_t i = 0; i < count; i++)
		set_up(&stage, &chains[i]);
	for (uint32_t i = 0; i < count; i++)
		pinger[i] = soak_start_thread("soak/guest", ping, &chains[i]);
	for (uint32_t i = 0; i < count; i++)
		pthread_join(pinger[i], NULL);
	(void)soak_settle(&stage);
	for (uint32_t i = 0; i < count; i++) {
		soak_law(chains[i].seen, chains[i].pings);
		sem_destroy(&chains[i].arrived);
	}
	soak_close(&stage);
}
