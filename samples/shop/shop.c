/* SPDX-License-Identifier: MIT */
#include "shop.h"

#include "options.h"
#include "say.h"
#include "worker.h"

#define MOST_RESTARTS 2 /* of a worker, in a second */

struct shop {
	troupe_ref workers[MOST_WORKERS];
	int turn;
};

static void
shop_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct shop *s = state;

	if (msg->type != JOB) {
		troupe_unhandled(self, msg);
		return;
	}
	/* Should this fail, the request ends with this call, and the owner is told. */
	troupe_forward(self, s->workers[s->turn]);
	s->turn = (s->turn + 1) % settings.workers;
}

static int
shop_start(troupe_actor *self, void *state, const void *argument)
{
	struct shop *s = state;

	(void)argument;
	say(self, "the shop opens");
	for (int number = 1; number <= settings.workers; number++)
		if ((s->workers[number - 1] = troupe_spawn_child(self, &worker_class, &number)) == 0)
			return -1;
	return 0;
}

/* Only to tell: to restart is what happens without it, too. */
static troupe_decision
judge_worker(troupe_actor *self, void *state, const troupe_failure *failure)
{
	(void)state;
	say(self, "%s failed: %s (code %d)", failure->actor_name, failure->text, failure->code);
	if (failure->restarts == MOST_RESTARTS)
		say(self, "%s was restarted %d times within a second: too often, the shop fails",
		    failure->actor_name, MOST_RESTARTS);
	return TROUPE_RESTART;
}

static const troupe_supervisor shop_rules = {
	.strategy = TROUPE_ONE_FOR_ONE,
	.restarts = MOST_RESTARTS, /* one more, and the shop fails */
	.window_ns = TROUPE_SECOND,
	.backoff_ns = 50 * TROUPE_MS, /* then 100 ms */
	.decide = judge_worker,
};

const troupe_class shop_class = {
	.name = "shop",
	.state_size = sizeof(struct shop),
	.receive = shop_receive,
	.start = shop_start,
	.supervisor = &shop_rules,
};
