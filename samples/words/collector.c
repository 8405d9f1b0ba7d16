/* SPDX-License-Identifier: MIT */
#include "collector.h"

#include "protocol.h"
#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Entries to look ahead, so that memory answers in time. */
#define AHEAD 4

struct collector {
	bool *printed;
	int received;
	troupe_msg *tables[COUNTERS]; /* kept */
};

/* What of a table is still to be printed. */
struct rest {
	const struct entry *next;
	size_t left;
};

/* The table whose next entry is due; NULL when all have ended. */
static struct rest *
choose_rest(struct rest *rests)
{
	struct rest *best = NULL;

	for (int i = 0; i < COUNTERS; i++) {
		struct rest *r = &rests[i];

		if (r->left > 0 && (best == NULL || table_compare(r->next, best->next) < 0))
			best = r;
	}
	return best;
}

static const struct entry *
take_entry(struct rest *r)
{
	if (r->left > AHEAD)
		__builtin_prefetch(r->next[AHEAD].word);
	r->left--;
	return r->next++;
}

static bool
print_entry(const struct entry *e)
{
	return printf("%7" PRIu64 " ", e->count) > 0 && fwrite(e->word, 1, e->length, stdout) == e->length &&
	    putchar('\n') != EOF;
}

static bool
print_tables(const struct collector *c)
{
	struct rest rests[COUNTERS];
	struct rest *r;

	for (int i = 0; i < COUNTERS; i++) {
		const struct table *t = c->tables[i]->body;

		rests[i] = (struct rest){ t->entries, t->used };
	}
	while ((r = choose_rest(rests)) != NULL)
		if (!print_entry(take_entry(r)))
			return false;
	return fflush(stdout) == 0;
}

static void
report_output(troupe_actor *self)
{
	char why[128];

	snprintf(why, sizeof why, "standard output: %s", strerror(errno));
	give_up(self, why);
}

static void
take_table(troupe_actor *self, struct collector *c)
{
	c->tables[c->received++] = troupe_keep(self);
	if (c->received < COUNTERS)
		return;
	if (print_tables(c))
		*c->printed = true;
	else
		report_output(self);
}

static void
collector_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	if (msg->type == TABLE && msg->size == sizeof(struct table))
		take_table(self, state);
	else
		troupe_unhandled(self, msg);
}

static int
collector_start(troupe_actor *self, void *state, const void *argument)
{
	struct collector *c = state;

	(void)self;
	c->printed = *(bool *const *)argument;
	return 0;
}

static void
collector_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	struct collector *c = state;

	(void)self;
	(void)reason;
	for (int i = 0; i < COUNTERS; i++)
		troupe_msg_free(&c->tables[i]);
}

const troupe_class collector_class = {
	.name = "collector",
	.state_size = sizeof(struct collector),
	.flags = TROUPE_DEDICATED, /* writing to standard output may block */
	.receive = collector_receive,
	.start = collector_start,
	.stop = collector_stop,
};
