/* SPDX-License-Identifier: MIT */

/*
 * The storm of the tests, with as many workers as the round has drawn.
 */
#include "tests/soak/soak.h"
#include "tests/storm.h"

static void
show_storm(storm *s)
{
	soak_show(s->t);
}

static void
hide_storm(storm *s)
{
	troupe_totals totals;

	soak_hide(s->t);
	troupe_get_totals(s->t, &totals);
	soak_add_messages(totals.handled + totals.dead);
}

void
soak_play_storm(soak_round *round)
{
	storm *s = soak_memory(1, sizeof *s);

	s->seed = round->seed;
	s->workers = round->workers;
	s->actions = 3000;
	s->end = (storm_end)sys_below(&round->random, STORM_ENDS);
	s->opened = show_storm;
	s->closing = hide_storm;
	(void)run_storm(s);
	soak_law(sys_get(&s->wrong), 0);
	soak_law(sys_get(&s->made), sys_get(&s->destroyed));
	for (uint64_t i = 0; i < sys_get(&s->asks) && i < STORM_ASKS; i++)
		soak_law(sys_get(&s->ask_ends[i]), 1);
	free(s);
}
