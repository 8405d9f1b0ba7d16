/* SPDX-License-Identifier: MIT */

/*
 * ring -- actors in a circle hand a token on; nothing else happens, so this
 * is what a message costs when only one is under way.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

#define DEFAULT_ACTORS 503
#define DEFAULT_HOPS   5000000

static const char usage[] =
    "usage: ring [ACTORS [HOPS]]\n"
    "\n"
    "ACTORS actors (503) in a circle hand a token on HOPS times (5000000).\n"
    "Prints who held it last, and how many messages a second that was.\n";

enum {
	CLOSE_RING = 1, /* struct ends: the first actor is next to the last */
	TOKEN           /* uint64_t: the hops it still has to make */
};

struct ends {
	troupe_ref first;
	uint64_t hops;
};

/* How it ended: written by the actor that holds the token last, read after troupe_run. */
struct outcome {
	uint64_t holder; /* counted from 1; 0 while the token is under way */
	int64_t started;
	int64_t finished;
};

struct member {
	troupe_ref next;
	uint64_t number;
	struct outcome *outcome;
};

static void
pass_token(troupe_actor *self, struct member *m, uint64_t hops)
{
	if (troupe_send(m->next, TOKEN, &hops, sizeof hops) == TROUPE_OK)
		return;
	fprintf(stderr, "ring: actor %" PRIu64 " could not pass the token on\n", m->number);
	troupe_shutdown(troupe_of(self));
}

static void
take_token(troupe_actor *self, struct member *m, uint64_t hops)
{
	if (hops > 0) {
		pass_token(self, m, hops - 1);
	} else {
		m->outcome->finished = troupe_now(troupe_of(self));
		m->outcome->holder = m->number;
	}
}

static void
close_ring(troupe_actor *self, struct member *m, const struct ends *e)
{
	m->next = e->first;
	m->outcome->started = troupe_now(troupe_of(self));
	pass_token(self, m, e->hops);
}

static void
member_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const uint64_t *hops = troupe_body(msg, sizeof *hops);
	const struct ends *e = troupe_body(msg, sizeof *e);

	if (msg->type == TOKEN && hops)
		take_token(self, state, *hops);
	else if (msg->type == CLOSE_RING && e)
		close_ring(self, state, e);
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

/* From the last to the first, so that each can be told who is next. */
static bool
start_ring(troupe *t, uint64_t actors, uint64_t hops, struct outcome *outcome)
{
	troupe_ref next = 0, last = 0;

	for (uint64_t number = actors; number > 0; number--) {
		const struct member m = { next, number, outcome };

		next = troupe_spawn(t, &member_class, &m);
		if (next == 0)
			return false;
		if (last == 0)
			last = next;
	}
	return troupe_send(last, CLOSE_RING, &(struct ends){ next, hops }, sizeof(struct ends)) == TROUPE_OK;
}

static void
print_outcome(const struct outcome *o, uint64_t hops)
{
	const double seconds = (double)(o->finished - o->started) / (double)TROUPE_SECOND;

	printf("actor %" PRIu64 " held the token last\n", o->holder);
	if (hops > 0 && seconds > 0) /* the clock of the simulated scheduler may stand still */
		printf("%.1f million messages per second\n", (double)hops / seconds / 1e6);
}

static uint64_t
parse_count(const char *what, const char *text, uint64_t least)
{
	char *end;

	errno = 0;
	const uint64_t count = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || count < least) {
		fprintf(stderr, "ring: %s \"%s\": not a number from %" PRIu64 " to %" PRIu64 "\n%s", what,
		    text, least, UINT64_MAX, usage);
		exit(2);
	}
	return count;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	if (argc > 3) {
		fprintf(stderr, "ring: too many arguments\n%s", usage);
		return 2;
	}

	const uint64_t actors = argc > 1 ? parse_count("ACTORS", argv[1], 1) : DEFAULT_ACTORS;
	const uint64_t hops = argc > 2 ? parse_count("HOPS", argv[2], 0) : DEFAULT_HOPS;
	struct outcome outcome = { 0 };
	troupe *t = troupe_open(NULL);

	if (t == NULL)
		return 1; /* the log, here stderr, says why */
	if (!start_ring(t, actors, hops, &outcome)) {
		fprintf(stderr, "ring: %s\n", troupe_last_error_text());
		troupe_close(t, TROUPE_FOREVER, NULL, NULL);
		return 1;
	}
	if (troupe_run(t) != TROUPE_OK || outcome.holder == 0)
		return 1;
	print_outcome(&outcome, hops);
	return 0;
}
