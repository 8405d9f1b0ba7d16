/* SPDX-License-Identifier: MIT */

/*
 * ring -- actors in a circle hand a token on; nothing else happens, so this
 * is what a message costs when only one is under way.
 */

#include "common/options.h"
#include "common/progress.h"
#include "common/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <troupe.h>

static uint64_t actor_count = 503, hop_count = 5000000;

static const struct sample_option options[] = {
	{ .name = "actors", .count = &actor_count, .least = 1, .most = 100000000, .help = "in the circle" },
	{ .name = "hops", .count = &hop_count, .most = UINT64_MAX, .help = "that the token makes" },
	{ .name = NULL },
};

static const struct sample ring = {
	.name = "ring",
	.about = "Actors in a circle hand a token on.  Prints who held it last, and how many\n"
		 "messages a second that was.\n",
	.options = options,
};

#define ACTOR_BYTES        128.0
#define HOPS_FOR_PROGRESS  65536 /* to tell of each would take longer than the hop */

enum {
	CLOSE_RING = 1, /* troupe_ref of the first actor: it is next to the last */
	TOKEN           /* uint64_t: the hops it still has to make */
};

struct member {
	troupe_ref next;
	uint64_t number; /* from 1 */
};

/* Who held the token last: written by that actor, and read when all is over.  0: it is under way. */
static uint64_t last_holder;

static void
take_token(troupe_actor *self, const struct member *m, uint64_t hops)
{
	if (hops % HOPS_FOR_PROGRESS == 0)
		progress_add(HOPS_FOR_PROGRESS);
	if (hops == 0) {
		last_holder = m->number;
		return;
	}
	hops--;
	if (troupe_send(m->next, TOKEN, &hops, sizeof hops) != TROUPE_OK)
		sample_give_up(self, "actor %" PRIu64 " could not pass the token on", m->number);
}

static void
member_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct member *m = state;
	const uint64_t *hops = troupe_body(msg, sizeof *hops);
	const troupe_ref *first = troupe_body(msg, sizeof *first);

	if (msg->type == TOKEN && hops != NULL)
		take_token(self, m, *hops);
	else if (msg->type == CLOSE_RING && first != NULL)
		m->next = *first;
	else
		troupe_unhandled(self, msg);
}

static int
member_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	*(struct member *)state = *(const struct member *)argument;
	return 0;
}

static const troupe_class member_class = {
	.name = "member",
	.state_size = sizeof(struct member),
	.receive = member_receive,
	.start = member_start,
};

/* From the last to the first, so that each can be told who is next.  Returns the first; 0: there is no memory. */
static troupe_ref
spawn_ring(troupe *t)
{
	troupe_ref next = 0, last = 0;

	for (uint64_t number = actor_count; number > 0; number--) {
		next = troupe_spawn(t, &member_class, &(struct member){ next, number });
		if (next == 0)
			return 0;
		if (last == 0)
			last = next;
	}
	return troupe_send(last, CLOSE_RING, &next, sizeof next) == TROUPE_OK ? next : 0;
}

int
main(int argc, char **argv)
{
	const struct sample_settings settings = sample_parse(&ring, argc, argv);

	sample_need_memory(&settings, (double)actor_count * ACTOR_BYTES, "--actors %" PRIu64, actor_count);

	troupe *t = sample_open(&settings);
	const troupe_ref first = spawn_ring(t);

	progress_start("ring", hop_count);

	const double started = sample_seconds();

	if (first == 0 || troupe_send(first, TOKEN, &hop_count, sizeof hop_count) != TROUPE_OK)
		sample_give_up(NULL, "%s", troupe_last_error_text());
	if (!sample_finish(t))
		return sample_status();

	const double seconds = sample_seconds() - started;

	if (last_holder != hop_count % actor_count + 1)
		sample_give_up(NULL, "actor %" PRIu64 " held the token last: a message was lost", last_holder);
	printf("actor %" PRIu64 " held the token last\n", last_holder);
	fprintf(sample_machine_output(&settings), "%.1f million messages a second\n",
	    (double)hop_count / seconds / 1e6);
	return sample_end();
}
