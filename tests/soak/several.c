/* SPDX-License-Identifier: MIT */

/*
 * Several runtimes, each opened, filled with letters and closed in the midst
 * of it, again and again, by a thread of its own.  Letters wander from any
 * actor to any other, of any runtime; those to one that is gone, or about to
 * go, are refused.  What was accepted was handled or became a dead letter.
 */
#include "tests/soak/mail.h"

enum { WANDER = 1 };

#define RUNTIMES_MAX 5
#define ACTORS       16

struct place {
	sys_counter ref[RUNTIMES_MAX][ACTORS]; /* 0: none yet */
	uint32_t runtimes;
};

/* One for each actor of each opening: the actor's alone. */
struct wanderers {
	struct place *place;
	sys_random random;
	uint64_t handled, accepted;
};

struct opener {
	struct place *place;
	soak_round round; /* its own draws */
	uint32_t number, openings, letters, hops;
	uint64_t handled, accepted, dead; /* all its openings together */
};

/* Whether it was accepted. */
static bool
send_on(struct place *p, sys_random *random, uint32_t hops)
{
	troupe_ref ref = sys_get(&p->ref[sys_below(random, p->runtimes)][sys_below(random, ACTORS)]);

	if (ref == 0)
		return false;
	troupe_status status = soak_post(random, ref, WANDER, 0, hops);

	soak_expect(status == TROUPE_OK || status == TROUPE_DEAD || status == TROUPE_CLOSING);
	return status == TROUPE_OK;
}

static void
wander(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct wanderers *w = *(struct wanderers **)state;
	soak_letter letter;

	(void)self;
	w->handled++;
	if (soak_read(msg, &letter) && letter.number > 0)
		w->accepted += send_on(w->place, &w->random, letter.number - 1);
}

static const troupe_class wanderer_class = {
	.name = "wanderer",
	.state_size = sizeof(struct wanderers *),
	.start = soak_keep_argument,
	.receive = wander,
};

static void
open_once(struct opener *o)
{
	struct wanderers actors[ACTORS];
	sys_random *random = &o->round.random;
	soak_stage stage;

	soak_open(&stage, &o->round);
	for (uint32_t i = 0; i < ACTORS; i++) {
		actors[i] = (struct wanderers){ o->place, { sys_next(random) }, 0, 0 };
		sys_set(&o->place->ref[o->number][i], soak_spawn(&stage, &wanderer_class, &actors[i]));
	}
	for (uint32_t i = 0; i < o->letters; i++)
		o->accepted += send_on(o->place, random, o->hops);
	/* It may never be drained while the others send. */
	(void)troupe_drain(stage.t, (int64_t)1000 << sys_below(random, 14));
	soak_close(&stage);
	for (uint32_t i = 0; i < ACTORS; i++) {
		o->handled += actors[i].handled;
		o->accepted += actors[i].accepted;
	}
	for (int i = 0; i <= TROUPE_TAKEN; i++)
		o->dead += sys_get(&stage.letters[i]);
}

static void *
open_and_close(void *opener)
{
	struct opener *o = opener;

	for (uint32_t i = 0; i < o->openings; i++) {
		o->round.workers = (int[]){ 1, 2, 3, 8 }[sys_below(&o->round.random, 4)];
		open_once(o);
	}
	return NULL;
}

void
soak_play_several(soak_round *round)
{
	struct place *place = soak_memory(1, sizeof *place);
	struct opener openers[RUNTIMES_MAX];
	pthread_t thread[RUNTIMES_MAX];
	uint64_t accepted = 0, ended = 0;

	place->runtimes = soak_draw(&round->random, 2, RUNTIMES_MAX);
	for (uint32_t i = 0; i < place->runtimes; i++) {
		openers[i] = (struct opener){ .place = place,
			.round = *round,
			.number = i,
			.openings = soak_draw(&round->random, 1, SYS_SCALED(30)),
			.letters = soak_draw(&round->random, 1, 200),
			.hops = soak_draw(&round->random, 1, 10000) };
		openers[i].round.random.state = sys_next(&round->random);
		thread[i] = soak_start_thread("soak/guest", open_and_close, &openers[i]);
	}
	for (uint32_t i = 0; i < place->runtimes; i++)
		pthread_join(thread[i], NULL);
	for (uint32_t i = 0; i < place->runtimes; i++) {
		accepted += openers[i].accepted;
		ended += openers[i].handled + openers[i].dead;
	}
	soak_law(accepted, ended);
	free(place);
}
