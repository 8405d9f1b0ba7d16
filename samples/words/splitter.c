/* SPDX-License-Identifier: MIT */
#include "splitter.h"

#include "protocol.h"
#include "text.h"

#include <string.h>

/*
 * The words of a block that were met last, each at the place its hash says,
 * so that a frequent one goes to its counter once and not each time it
 * comes.  Small enough for a core's cache.
 */
#define RECENT_WORDS 2048

struct splitter {
	troupe_ref counters[COUNTERS];
	/* The rest is in use during one message only. */
	troupe_shared *shared;
	const unsigned char *text; /* of the block */
	bool failed;
	troupe_msg *batches[COUNTERS]; /* being filled, or NULL */
	struct item recent[RECENT_WORDS];
};

static void
release_batch(void *body, size_t size)
{
	struct batch *b = body;

	(void)size;
	troupe_shared_release(&b->block);
}

static struct batch *
open_batch(struct splitter *s, unsigned counter)
{
	troupe_msg *msg = s->batches[counter];

	if (msg != NULL)
		return troupe_msg_fill(msg);
	msg = troupe_msg_new(BATCH, sizeof(struct batch), release_batch);
	if (msg == NULL)
		return NULL;

	struct batch *b = troupe_msg_fill(msg);
	troupe_shared_retain(s->shared);
	b->block = s->shared;
	b->count = 0;
	s->batches[counter] = msg;
	return b;
}

static void
send_batch(struct splitter *s, unsigned counter)
{
	troupe_msg **msg = &s->batches[counter];

	if (*msg != NULL && troupe_send_msg(s->counters[counter], msg) != TROUPE_OK) {
		troupe_msg_free(msg);
		s->failed = true;
	}
}

static void
emit_item(struct splitter *s, const struct item *item)
{
	const unsigned counter = item->hash % COUNTERS;
	struct batch *b = open_batch(s, counter);

	if (b == NULL) {
		s->failed = true;
		return;
	}
	b->items[b->count++] = *item;
	if (b->count == BATCH_ITEMS)
		send_batch(s, counter);
}

static bool
is_same_word(const struct splitter *s, const struct item *item, const struct word *w)
{
	if (item->head != w->head || item->length != w->length)
		return false;
	return w->length <= sizeof w->head || memcmp(s->text + item->offset, w->text, w->length) == 0;
}

static void
take_word(struct splitter *s, const struct word *w)
{
	struct item *item = &s->recent[w->hash / COUNTERS % RECENT_WORDS];

	if (is_same_word(s, item, w)) { /* an empty one has length 0, like no word */
		item->count++;
		return;
	}
	if (item->count > 0)
		emit_item(s, item);
	*item = (struct item){ w->head, w->hash, (uint32_t)(w->text - s->text), (uint32_t)w->length, 1 };
}

static void
split_text(struct splitter *s, size_t length)
{
	const unsigned char *p = s->text;
	const unsigned char *end = p + length;

	for (;;) {
		while (p < end && text_is_space(*p))
			p++;
		if (p == end)
			return;

		const struct word w = text_word(p);

		take_word(s, &w);
		p += w.length;
	}
}

static void
flush_items(struct splitter *s)
{
	for (unsigned i = 0; i < RECENT_WORDS; i++)
		if (s->recent[i].count > 0)
			emit_item(s, &s->recent[i]);
	memset(s->recent, 0, sizeof s->recent);
	for (unsigned i = 0; i < COUNTERS; i++)
		send_batch(s, i);
}

static bool
split_block(struct splitter *s, const troupe_msg *msg)
{
	const struct block *block = msg->body;

	s->shared = troupe_msg_shared(msg);
	s->text = block->text;
	s->failed = false;
	split_text(s, block->length);
	flush_items(s);
	return !s->failed;
}

static bool
pass_end(const struct splitter *s)
{
	bool sent = true;

	for (unsigned i = 0; i < COUNTERS; i++)
		sent = troupe_send(s->counters[i], END, NULL, 0) == TROUPE_OK && sent;
	return sent;
}

static void
splitter_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	bool done = true;

	if (msg->type == BLOCK)
		done = split_block(state, msg);
	else if (msg->type == END)
		done = pass_end(state);
	else
		troupe_unhandled(self, msg);

	if (!done)
		give_up(self, "out of memory");
}

static int
splitter_start(troupe_actor *self, void *state, const void *argument)
{
	struct splitter *s = state;

	(void)self;
	memcpy(s->counters, argument, sizeof s->counters);
	return 0;
}

const troupe_class splitter_class = {
	.name = "splitter",
	.state_size = sizeof(struct splitter),
	.receive = splitter_receive,
	.start = splitter_start,
};
