/* SPDX-License-Identifier: MIT */

/*
 * Memory that runs out in the midst of it.  Drivers go from actor to actor,
 * forwarded without a need of memory; whoever has one sends, asks, arms,
 * spawns.  Then all free message memory is taken away, allocations fail on
 * top of that, and what comes in is set aside: soon nothing can be sent.
 * When memory is back, all goes on.  What was refused was not sent, what was
 * accepted was handled, and who owned a message that was refused owns it yet.
 */
#include "runtime/memory/arena.h"
#include "runtime/memory/fault.h"
#include "tests/soak/mail.h"

#include <sched.h>
#include <semaphore.h>

enum { DRIVE = 1, LETTER, QUESTION, TICK, UNSTASH };

#define MAKERS_MAX  16
#define DRIVERS_MAX 8

/* How often the actors must have been refused, together, before there is memory again. */
#define ENOUGH 50

/* No ask needs it: it ends when it is answered, or when it cannot be. */
#define ASK_NS (3600 * TROUPE_SECOND)

struct shop;

/* Its actor's alone. */
struct maker {
	struct shop *shop;
	uint32_t number;
	sys_random random;
	uint64_t accepted, handled; /* letters */
	uint64_t asked, answered, armed, ticked, spawned;
	uint64_t sent_sum, handled_sum; /* of the letters' numbers */
	uint32_t next;
};

struct shop {
	uint32_t makers, drivers;
	troupe_ref ref[MAKERS_MAX];
	troupe_msg *driver[DRIVERS_MAX]; /* before they are sent */
	struct maker maker[MAKERS_MAX];
	sys_counter short_of_memory; /* 0 or 1 */
	sys_counter refusals, ended; /* drivers that have come to their end */
	sem_t enough;
};

static void
note_refusal(struct maker *m, troupe_status status)
{
	soak_expect(status == TROUPE_NOMEM);
	if (sys_add(&m->shop->refusals, 1) == ENOUGH)
		sem_post(&m->shop->enough);
}

static troupe_ref
anybody(struct maker *m)
{
	return m->shop->ref[sys_below(&m->random, m->shop->makers)];
}

/* --- What a maker does. --- */

static void
do_post(troupe_actor *self, struct maker *m)
{
	troupe_status status = soak_post(&m->random, anybody(m), LETTER, m->number, m->next);

	(void)self;
	if (status != TROUPE_OK) {
		note_refusal(m, status);
		return;
	}
	m->accepted++;
	m->sent_sum += m->next++;
}

static void
take_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	struct maker *m = *(struct maker **)state;

	(void)self;
	m->answered++;
	/* Whoever is asked may lack the memory for an answer: then the ask ends, and at once. */
	soak_expect(answer->status == TROUPE_OK || answer->status == TROUPE_UNANSWERED ||
		    answer->status == TROUPE_NOMEM);
}

static void
do_ask(troupe_actor *self, struct maker *m)
{
	troupe_msg *msg = soak_write(&m->random, QUESTION, m->number, 0);

	if (msg == NULL) {
		note_refusal(m, troupe_last_error());
		return;
	}
	troupe_status status = troupe_ask_msg(self, anybody(m), &msg, ASK_NS, take_answer, NULL);
	soak_expect((status == TROUPE_OK) == (msg == NULL));
	troupe_msg_free(&msg);
	if (status == TROUPE_OK)
		m->asked++;
	else
		note_refusal(m, status);
}

static void
do_arm(troupe_actor *self, struct maker *m)
{
	soak_letter letter = { 0, m->number, 0 };

	if (troupe_send_after(self, (int64_t)sys_below(&m->random, 100000), TICK, &letter, sizeof letter) !=
	    0)
		m->armed++;
	else
		note_refusal(m, troupe_last_error());
}

static void
receive_nothing(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	troupe_unhandled(self, msg);
}

static const troupe_class short_class = { .name = "short", .state_size = 100, .receive = receive_nothing };

static void
do_spawn(troupe_actor *self, struct maker *m)
{
	troupe_ref ref = troupe_spawn_child(self, &short_class, NULL);

	if (ref == 0) {
		note_refusal(m, troupe_last_error());
		return;
	}
	m->spawned++;
	/* One that is not told to stop goes with the runtime. */
	troupe_status status = troupe_stop(ref, TROUPE_STOP_NOW);
	if (status != TROUPE_OK)
		note_refusal(m, status);
}

static void
do_name(troupe_actor *self, struct maker *m)
{
	troupe_status status = troupe_set_name(self,
	    "a name that is too long for the room that every actor has");

	if (status != TROUPE_OK)
		note_refusal(m, status);
}

static void (*const deeds[])(troupe_actor *self, struct maker *m) = { do_post, do_post, do_post, do_post,
	do_post, do_ask, do_arm, do_spawn, do_name };

/* A driver needs no memory: it is kept, written on and sent on. */
static void
drive(troupe_actor *self, struct maker *m)
{
	troupe_msg *driver = troupe_keep(self);
	uint32_t *hops = troupe_msg_fill(driver);

	for (int i = 0; i < 8; i++)
		deeds[sys_below(&m->random, sizeof deeds / sizeof *deeds)](self, m);
	if (--*hops > 0) {
		soak_expect(troupe_send_msg(anybody(m), &driver) == TROUPE_OK);
		return;
	}
	troupe_msg_free(&driver);
	if (sys_add(&m->shop->ended, 1) + 1 == m->shop->drivers)
		sem_post(&m->shop->enough);
}

static void
take_letter(troupe_actor *self, struct maker *m, const troupe_msg *msg)
{
	soak_letter letter;

	if (sys_get(&m->shop->short_of_memory)) {
		troupe_status status = troupe_stash(self);

		if (status == TROUPE_OK)
			return;
		note_refusal(m, status);
	}
	/* Whatever became of the try, it is in hand. */
	if (!soak_read(msg, &letter))
		return;
	m->handled++;
	m->handled_sum += letter.number;
}

static void
receive_maker(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct maker *m = *(struct maker **)state;
	troupe_status status;

	switch (msg->type) {
	case DRIVE:
		drive(self, m);
		break;
	case LETTER:
		take_letter(self, m, msg);
		break;
	case QUESTION:
		status = troupe_reply(self, LETTER, NULL, 0);
		soak_expect(status == TROUPE_OK || status == TROUPE_NOMEM || status == TROUPE_DEAD);
		break;
	case TICK:
		m->ticked++;
		break;
	default:
		(void)troupe_unstash(self, SIZE_MAX);
	}
}

static const troupe_class maker_class = {
	.name = "maker",
	.state_size = sizeof(struct maker *),
	.start = soak_keep_argument,
	.receive = receive_maker,
	.stash_limit = SIZE_MAX / 2,
};

/* --- All free memory. --- */

/* Sizes of bodies, from which each class of slots gets its messages. */
static const size_t sizes[] = { 32, 90, 200, 400, 900 };
#define SIZES (sizeof sizes / sizeof *sizes)

struct hoard {
	troupe_msg *first[SIZES]; /* of each class: linked by their bodies */
};

static void
hoard_all(struct hoard *h)
{
	for (size_t i = 0; i < SIZES; i++) {
		troupe_msg *msg;

		while ((msg = troupe_msg_new(LETTER, sizes[i], NULL)) != NULL) {
			memcpy(troupe_msg_fill(msg), &h->first[i], sizeof h->first[i]);
			h->first[i] = msg;
		}
		soak_expect(troupe_last_error() == TROUPE_NOMEM);
	}
}

static void
give_all(struct hoard *h)
{
	for (size_t i = 0; i < SIZES; i++)
		while (h->first[i] != NULL) {
			troupe_msg *msg = h->first[i];

			memcpy(&h->first[i], msg->body, sizeof h->first[i]);
			troupe_msg_free(&msg);
		}
}

/* --- The round. --- */

static void
set_up(soak_stage *stage, struct shop *s)
{
	sys_random *random = &stage->round->random;

	s->makers = soak_draw(random, 1, MAKERS_MAX);
	s->drivers = soak_draw(random, 1, DRIVERS_MAX);
	sem_init(&s->enough, 0, 0);
	for (uint32_t i = 0; i < s->makers; i++) {
		s->maker[i] = (struct maker){ .shop = s, .number = i, .random = { sys_next(random) } };
		s->ref[i] = soak_spawn(stage, &maker_class, &s->maker[i]);
	}
}

/*
 * There is memory, but an arena that is used up has none for as long as
 * somebody tidies up its free slots.
 */
static troupe_msg *
make_driver(void)
{
	troupe_msg *driver;

	while ((driver = troupe_msg_new(DRIVE, sizeof(uint32_t), NULL)) == NULL)
		sched_yield();
	return driver;
}

static void
make_drivers(struct shop *s)
{
	for (uint32_t i = 0; i < s->drivers; i++) {
		s->driver[i] = make_driver();
		*(uint32_t *)troupe_msg_fill(s->driver[i]) = SYS_SCALED(20000) / s->drivers;
	}
}

static void
start_drivers(struct shop *s, sys_random *random)
{
	for (uint32_t i = 0; i < s->drivers; i++)
		soak_expect(
		    troupe_send_msg(s->ref[sys_below(random, s->makers)], &s->driver[i]) == TROUPE_OK);
}

/* Take memory away, in the midst of the work or before it, until that has been felt; and give it back. */
static void
run_short(struct shop *s, sys_random *random)
{
	struct hoard hoard = { { NULL } };
	bool before = sys_below(random, 2) == 0;

	make_drivers(s);
	if (!before)
		start_drivers(s, random);
	hoard_all(&hoard);
	sys_set(&s->short_of_memory, 1);
	tr_fault_arm(1 + (long)sys_below(random, 100));
	if (before)
		start_drivers(s, random);
	while (sem_wait(&s->enough) != 0)
		;
	tr_fault_arm(0);
	sys_set(&s->short_of_memory, 0);
	give_all(&hoard);
}

static void
check_shop(const struct shop *s)
{
	struct maker all = { 0 };

	for (uint32_t i = 0; i < s->makers; i++) {
		const struct maker *m = &s->maker[i];

		all.accepted += m->accepted;
		all.handled += m->handled;
		all.sent_sum += m->sent_sum;
		all.handled_sum += m->handled_sum;
		soak_law(m->asked, m->answered);
		soak_law(m->armed, m->ticked);
	}
	soak_law(all.accepted, all.handled);
	soak_law(all.sent_sum, all.handled_sum);
}

/* An arena that can be used up as it is. */
#define LITTLE (UINT32_C(1) << 22)

/* Units that are enough to begin with. */
#define ARENA_LEAST (64 * TR_BLOCK_UNITS)

/*
 * What was carved so far is all there is, from here on: so it does not grow
 * from round to round.  Returns the limit before.
 */
static uint32_t
close_arena(void)
{
	tr_arena *arena = &tr_arenas[TR_MESSAGES];
	uint32_t limit = arena->limit;
	/* Nobody is at work yet. */
	uint32_t top = atomic_load_explicit(&arena->top, memory_order_relaxed);

	arena->limit = top > ARENA_LEAST ? top : ARENA_LEAST;
	return limit;
}

void
soak_play_nomem(soak_round *round)
{
	struct shop *s = soak_memory(1, sizeof *s);
	/* A process with little address space has its limit already. */
	uint32_t limit = tr_arenas[TR_MESSAGES].limit < LITTLE ? tr_arenas[TR_MESSAGES].limit : close_arena();
	troupe_status status = TROUPE_OK;
	soak_stage stage;

	soak_open(&stage, round);
	set_up(&stage, s);
	run_short(s, &round->random);
	soak_law(troupe_wait(stage.t, TROUPE_FOREVER), TROUPE_OK);
	for (uint32_t i = 0; i < s->makers; i++)
		while ((status = troupe_send(s->ref[i], UNSTASH, NULL, 0)) == TROUPE_NOMEM)
			sched_yield();
	soak_law(status, TROUPE_OK);
	(void)soak_settle(&stage);
	check_shop(s);
	soak_close(&stage);
	tr_arenas[TR_MESSAGES].limit = limit;
	sem_destroy(&s->enough);
	free(s);
}
