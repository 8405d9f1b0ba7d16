/* SPDX-License-Identifier: MIT */

/*
 * Short lives.  Spawners make them, and senders, actors and threads from
 * outside, write to any life that ever was by the handle that it had.  Places
 * are used again at once, so nearly every handle is stale and points to
 * another life's place: no letter may come to any life but its own.
 */
#include "tests/soak/mail.h"

enum { GO_ON = 1, LETTER };

#define SPAWNERS_MAX 8
#define SENDERS_MAX  16
#define OUTSIDE_MAX  3

struct lives;

/* What became of a life: its actor's alone. */
struct life {
	uint32_t handled, ended;
};

struct sender {
	struct lives *lives;
	sys_random random;
	uint64_t left; /* letters to send yet */
	uint64_t accepted, dead;
};

struct spawner {
	struct lives *lives;
	sys_random random;
	uint32_t batch;
};

struct lives {
	troupe *t;
	uint32_t most;
	sys_counter born; /* numbers that were given out */
	sys_counter *ref; /* by number; 0: not yet spawned */
	struct life *life;
	struct spawner spawner[SPAWNERS_MAX];
	struct sender sender[SENDERS_MAX + OUTSIDE_MAX];
};

/* --- A life. --- */

struct birth {
	struct lives *lives;
	uint32_t number;
	uint32_t letters; /* after which it ends itself */
};

static int
begin_life(troupe_actor *self, void *state, const void *birth)
{
	(void)self;
	memcpy(state, birth, sizeof(struct birth));
	return 0;
}

static void
live(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct birth *b = state;
	struct life *l = &b->lives->life[b->number];
	soak_letter letter;

	if (!soak_read(msg, &letter))
		return;
	soak_expect(letter.from == b->number && l->ended == 0);
	if (++l->handled == b->letters)
		troupe_stop_self(self, letter.number % 2 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN);
}

static void
end_life(troupe_actor *self, void *state, troupe_reason reason)
{
	const struct birth *b = state;

	(void)self;
	(void)reason;
	b->lives->life[b->number].ended++;
}

#define LIFE_CLASS(name_, flags_) \
	{ \
		.name = name_, .flags = flags_, .state_size = sizeof(struct birth), .start = begin_life, \
		.receive = live, .stop = end_life \
	}

static const troupe_class life_class = LIFE_CLASS("life", 0);
static const troupe_class busy_life_class = LIFE_CLASS("busy life", TROUPE_BUSY);
static const troupe_class own_life_class = LIFE_CLASS("own life", TROUPE_DEDICATED);

/* --- Spawners. --- */

static void
spawn_one(troupe_actor *self, struct spawner *s)
{
	struct lives *all = s->lives;
	uint64_t number = sys_add(&all->born, 1);

	if (number >= all->most)
		return;
	struct birth birth = { all, (uint32_t)number, soak_draw(&s->random, 1, 10) };
	const troupe_class *class_ = sys_below(&s->random, 500) == 0 ? &own_life_class
				     : sys_below(&s->random, 4) == 0 ? &busy_life_class
								     : &life_class;
	troupe_ref ref = sys_below(&s->random, 2) ? troupe_spawn_child(self, class_, &birth)
						  : troupe_spawn(all->t, class_, &birth);

	soak_expect(ref != 0);
	/* Release: whoever has the handle may be known to have it, by a message to the life. */
	atomic_store_explicit(&all->ref[number], ref, memory_order_release);
}

static void
spawn_more(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct spawner *s = *(struct spawner **)state;

	(void)msg;
	for (uint32_t i = 0; i < s->batch; i++)
		spawn_one(self, s);
	if (sys_get(&s->lives->born) < s->lives->most)
		soak_expect(troupe_send(troupe_self(self), GO_ON, NULL, 0) == TROUPE_OK);
}

static const troupe_class spawner_class = {
	.name = "spawner",
	.state_size = sizeof(struct spawner *),
	.start = soak_keep_argument,
	.receive = spawn_more,
};

/* --- Senders. --- */

/* Any number, the latest as likely as all the others together; UINT32_MAX: nobody was born yet. */
static uint32_t
pick_life(struct sender *s)
{
	uint64_t born = sys_get(&s->lives->born);

	if (born > s->lives->most)
		born = s->lives->most;
	if (born == 0)
		return UINT32_MAX;
	uint32_t span = sys_below(&s->random, 2) ? (uint32_t)born : born > 16 ? 16 : (uint32_t)born;
	return (uint32_t)born - 1 - sys_below(&s->random, span);
}

static void
write_to_somebody(struct sender *s)
{
	uint32_t number = pick_life(s);
	troupe_ref ref = number == UINT32_MAX
			     ? 0
			     : atomic_load_explicit(&s->lives->ref[number], memory_order_acquire);

	if (ref == 0)
		return;
	troupe_status status = soak_post(&s->random, ref, LETTER, number, (uint32_t)s->left);

	soak_expect(status == TROUPE_OK || status == TROUPE_DEAD);
	s->accepted += status == TROUPE_OK;
	s->dead += status == TROUPE_DEAD;
	if (sys_below(&s->random, 16) == 0)
		(void)troupe_stop(ref, (troupe_stop_mode)sys_below(&s->random, 2));
}

static void
send_more(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct sender *s = *(struct sender **)state;

	(void)msg;
	for (int i = 0; i < 20 && s->left > 0; i++, s->left--)
		write_to_somebody(s);
	if (s->left > 0)
		soak_expect(troupe_send(troupe_self(self), GO_ON, NULL, 0) == TROUPE_OK);
}

static const troupe_class sender_class = {
	.name = "sender",
	.state_size = sizeof(struct sender *),
	.start = soak_keep_argument,
	.receive = send_more,
};

static void *
send_from_outside(void *sender)
{
	struct sender *s = sender;

	for (; s->left > 0; s->left--)
		write_to_somebody(s);
	return NULL;
}

/* --- The round. --- */

static void
start_senders(soak_stage *stage, struct lives *all, uint32_t count, pthread_t outside[OUTSIDE_MAX])
{
	for (uint32_t i = 0; i < SENDERS_MAX + OUTSIDE_MAX; i++)
		all->sender[i] = (struct sender){ .lives = all,
			.random = { sys_next(&stage->round->random) },
			.left = SYS_SCALED(100000) / (count + OUTSIDE_MAX) };
	for (uint32_t i = 0; i < count; i++)
		soak_expect(troupe_send(soak_spawn(stage, &sender_class, &all->sender[i]), GO_ON, NULL, 0) ==
			    TROUPE_OK);
	for (uint32_t i = 0; i < OUTSIDE_MAX; i++)
		outside[i] = soak_start_thread("soak/guest", send_from_outside,
		    &all->sender[SENDERS_MAX + i]);
}

static void
check_lives(const soak_stage *stage, const struct lives *all)
{
	uint64_t handled = 0, ended = 0, accepted = 0;

	for (uint32_t i = 0; i < all->most; i++) {
		handled += all->life[i].handled;
		ended += all->life[i].ended;
		soak_expect(all->life[i].ended == 1);
	}
	for (uint32_t i = 0; i < SENDERS_MAX + OUTSIDE_MAX; i++)
		accepted += all->sender[i].accepted;
	soak_law(ended, all->most);
	/* Guests leave dead letters too. */
	if (stage->round->disturbances & SOAK_GUESTS)
		soak_expect(accepted >= handled);
	else
		soak_law(accepted, handled + sys_get((sys_counter *)(uintptr_t)&stage->letters[TROUPE_DEAD]));
}

void
soak_play_lives(soak_round *round)
{
	struct lives *all = soak_memory(1, sizeof *all);
	uint32_t spawners = soak_draw(&round->random, 1, SPAWNERS_MAX);
	pthread_t outside[OUTSIDE_MAX];
	soak_stage stage;

	all->most = soak_draw(&round->random, 1, SYS_SCALED(20000));
	all->ref = soak_memory(all->most, sizeof *all->ref);
	all->life = soak_memory(all->most, sizeof *all->life);
	soak_open(&stage, round);
	all->t = stage.t;
	start_senders(&stage, all, soak_draw(&round->random, 1, SENDERS_MAX), outside);
	for (uint32_t i = 0; i < spawners; i++) {
		all->spawner[i] = (struct spawner){ all, { sys_next(&round->random) },
			soak_draw(&round->random, 1, 50) };
		soak_expect(troupe_send(soak_spawn(&stage, &spawner_class, &all->spawner[i]), GO_ON, NULL,
				0) == TROUPE_OK);
	}
	for (uint32_t i = 0; i < OUTSIDE_MAX; i++)
		pthread_join(outside[i], NULL);
	(void)soak_settle(&stage);
	for (uint32_t i = 0; i < all->most; i++)
		(void)troupe_stop(sys_get(&all->ref[i]), TROUPE_STOP_NOW);
	(void)soak_settle(&stage);
	check_lives(&stage, all);
	soak_close(&stage);
	free(all->life);
	free(all->ref);
	free(all);
}
