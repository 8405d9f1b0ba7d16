/* SPDX-License-Identifier: MIT */

/*
 * Timers of few actors, so that the workers park between them.  Each actor
 * knows of each of its timers whether it has fired; one is often cancelled
 * at about its time, by the tick of another.  A cancelled timer never fires,
 * and cancelling fails only when it has.
 */
#include "tests/soak/mail.h"

enum { BEGIN = 1, TICK, BEAT };

#define CLOCKS_MAX 16

enum fate { ARMED, FIRED, CANCELLED };

/* Its actor's alone. */
struct clock {
	uint32_t number, most, armed; /* timers to arm, and armed so far */
	troupe_timer *timer;
	unsigned char *fate;
	sys_random random;
	troupe_timer beat;
	uint32_t beats, idle;
};

/* Short ones as often as long ones: 1 us to 20 ms. */
static int64_t
draw_delay(sys_random *random)
{
	int64_t delay = (int64_t)1000 << sys_below(random, 15);

	delay += sys_below(random, (uint32_t)delay);
	return delay < 20 * TROUPE_MS ? delay : 20 * TROUPE_MS;
}

static void
arm(troupe_actor *self, struct clock *c, int64_t time)
{
	uint32_t number = c->armed++;
	soak_letter letter = { 0, c->number, number };

	c->timer[number] = troupe_send_at(self, time, TICK, &letter, sizeof letter);
	soak_expect(c->timer[number] != 0);
}

/* Two or three that come at about the same time. */
static void
arm_some(troupe_actor *self, struct clock *c)
{
	int64_t time = troupe_now(troupe_of(self)) + draw_delay(&c->random);

	for (uint32_t i = 1 + sys_below(&c->random, 3); i > 0 && c->armed < c->most; i--)
		arm(self, c, time + sys_below(&c->random, 400000) - 200000);
}

static void
cancel(troupe_actor *self, struct clock *c, uint32_t number)
{
	bool cancelled = troupe_cancel(self, c->timer[number]);

	soak_expect(cancelled == (c->fate[number] == ARMED));
	if (cancelled)
		c->fate[number] = CANCELLED;
}

static void
change_beat(troupe_actor *self, struct clock *c)
{
	(void)troupe_cancel(self, c->beat);
	c->beat = troupe_send_every(self, draw_delay(&c->random), (troupe_missed)sys_below(&c->random, 2),
	    BEAT, NULL, 0);
	soak_expect(c->beat != 0);
	soak_expect(troupe_set_idle_timeout(self, draw_delay(&c->random)) == TROUPE_OK);
}

/* All that it had to arm is armed. */
static void
wind_down(troupe_actor *self, struct clock *c)
{
	(void)troupe_cancel(self, c->beat);
	c->beat = 0;
	soak_expect(troupe_set_idle_timeout(self, 0) == TROUPE_OK);
}

static void
take_tick(struct clock *c, const troupe_msg *msg)
{
	const soak_letter *letter = troupe_body(msg, sizeof *letter);

	soak_expect(letter != NULL && letter->from == c->number && letter->number < c->armed);
	soak_expect(c->fate[letter->number] == ARMED);
	c->fate[letter->number] = FIRED;
}

static void
receive_tick(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct clock *c = *(struct clock **)state;

	if (msg->type == TICK)
		take_tick(c, msg);
	else if (msg->type == BEAT)
		c->beats++;
	else if (msg->type == TROUPE_IDLE)
		c->idle++;
	soak_expect(msg->type != BEAT || c->beat != 0);
	if (c->armed > 0 && sys_below(&c->random, 2))
		cancel(self, c, c->armed - 1 - sys_below(&c->random, c->armed < 6 ? c->armed : 6));
	if (c->armed == c->most) {
		wind_down(self, c);
		return;
	}
	arm_some(self, c);
	/* The beat keeps it going, even when it has cancelled all others. */
	if (c->beat == 0 || sys_below(&c->random, 20) == 0)
		change_beat(self, c);
}

static const troupe_class clock_class = {
	.name = "clock",
	.state_size = sizeof(struct clock *),
	.start = soak_keep_argument,
	.receive = receive_tick,
};

void
soak_play_timers(soak_round *round)
{
	struct clock clocks[CLOCKS_MAX];
	uint32_t count = soak_draw(&round->random, 1, CLOCKS_MAX);
	uint32_t most = soak_draw(&round->random, 1, SYS_SCALED(200));
	soak_stage stage;

	soak_open(&stage, round);
	for (uint32_t i = 0; i < count; i++) {
		clocks[i] = (struct clock){ .number = i,
			.most = most,
			.random = { sys_next(&round->random) },
			.timer = soak_memory(most, sizeof(troupe_timer)),
			.fate = soak_memory(most, 1) };
		soak_expect(
		    troupe_send(soak_spawn(&stage, &clock_class, &clocks[i]), BEGIN, NULL, 0) == TROUPE_OK);
	}
	(void)soak_settle(&stage);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t open = 0;

		for (uint32_t k = 0; k < most; k++)
			open += clocks[i].fate[k] == ARMED;
		soak_law(clocks[i].armed, most);
		soak_law(open, 0);
		free(clocks[i].timer);
		free(clocks[i].fate);
	}
	soak_close(&stage);
}
