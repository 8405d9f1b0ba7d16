/* SPDX-License-Identifier: MIT */
#include "tests/soak/guests.h"

#include "tests/soak/mail.h"

enum { LETTER = 1, HOW_MANY };

/* What the host spawned counts the letters that came in the right order. */
struct host {
	uint32_t next;
};

static void
receive_guest(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct host *h = state;
	soak_letter letter;

	if (msg->type == HOW_MANY)
		soak_expect(troupe_reply(self, HOW_MANY, &h->next, sizeof h->next) != TROUPE_INVALID);
	else if (soak_read(msg, &letter))
		h->next += letter.number == h->next;
}

static const troupe_class host_class = {
	.name = "host",
	.state_size = sizeof(struct host),
	.receive = receive_guest,
};

static const troupe_class own_host_class = {
	.name = "own host",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(struct host),
	.receive = receive_guest,
};

struct soak_guests {
	soak_stage *stage;
	uint64_t seed;
	uint32_t visits;
	pthread_t thread;
};

struct guest {
	soak_stage *stage;
	sys_random random;
};

static void
ask_how_many(troupe_ref host, uint32_t sent)
{
	troupe_msg *answer = NULL;

	soak_expect(troupe_call(host, HOW_MANY, NULL, 0, INT64_MAX, &answer, NULL) == TROUPE_OK);
	/* What one thread has sent comes before what it calls. */
	soak_expect(answer != NULL && answer->size == sizeof sent && *(const uint32_t *)answer->body == sent);
	troupe_msg_free(&answer);
}

static void *
visit(void *guest)
{
	struct guest *g = guest;
	const troupe_class *class_ = sys_below(&g->random, 16) == 0 ? &own_host_class : &host_class;
	troupe_ref host = troupe_spawn(g->stage->t, class_, NULL);
	uint32_t letters = soak_draw(&g->random, 0, 200);

	soak_expect(host != 0);
	for (uint32_t i = 0; i < letters; i++)
		soak_expect(soak_post(&g->random, host, LETTER, 0, i) == TROUPE_OK);
	if (sys_below(&g->random, 2) == 0)
		ask_how_many(host, letters);
	soak_expect(troupe_stop(host, (troupe_stop_mode)sys_below(&g->random, 2)) == TROUPE_OK);
	troupe_status status = soak_post(&g->random, host, LETTER, 0, letters);
	soak_expect(status == TROUPE_OK || status == TROUPE_DEAD);
	return NULL;
}

#define AT_A_TIME 4

static void *
let_in(void *guests)
{
	struct soak_guests *all = guests;
	sys_random random = { all->seed };

	for (uint32_t done = 0; done < all->visits;) {
		struct guest guest[AT_A_TIME];
		pthread_t thread[AT_A_TIME];
		uint32_t count = 1 + sys_below(&random, AT_A_TIME);

		for (uint32_t i = 0; i < count; i++) {
			guest[i] = (struct guest){ all->stage, { sys_next(&random) } };
			thread[i] = soak_start_thread("soak/guest", visit, &guest[i]);
		}
		for (uint32_t i = 0; i < count; i++)
			pthread_join(thread[i], NULL);
		done += count;
		soak_tick();
	}
	return NULL;
}

void
soak_admit_guests(soak_stage *stage, uint64_t seed)
{
	sys_random random = { seed };

	stage->guests = soak_memory(1, sizeof *stage->guests);
	*stage->guests = (struct soak_guests){ stage, seed, soak_draw(&random, 1, SYS_SCALED(200)), 0 };
	stage->guests->thread = soak_start_thread("soak/host", let_in, stage->guests);
}

void
soak_dismiss_guests(soak_stage *stage)
{
	if (stage->guests == NULL)
		return;
	pthread_join(stage->guests->thread, NULL);
	free(stage->guests);
	stage->guests = NULL;
}

/* --- The recipe: nothing but guests. --- */

void
soak_play_guests(soak_round *round)
{
	soak_stage stage;

	round->disturbances |= SOAK_GUESTS;
	soak_open(&stage, round);
	troupe_totals totals = soak_settle(&stage);
	soak_law(totals.spawned, totals.stopped);
	soak_close(&stage);
}
