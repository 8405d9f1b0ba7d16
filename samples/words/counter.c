/* SPDX-License-Identifier: MIT */
#include "counter.h"

#include "protocol.h"
#include "table.h"

/* Items to look ahead, so that memory answers in time. */
#define AHEAD 8

struct counter {
	troupe_ref collector;
	int ends; /* splitters that have nothing more */
	struct table table;
};

static bool
count_batch(struct counter *c, const struct batch *batch)
{
	const struct block *block = troupe_shared_bytes(batch->block);

	for (uint32_t i = 0; i < batch->count; i++) {
		const struct item *item = &batch->items[i];

		if (i + AHEAD < batch->count)
			table_expect(&c->table, item + AHEAD);
		if (!table_add(&c->table, item, block->text + item->offset))
			return false;
	}
	return true;
}

static void
release_table(void *body, size_t size)
{
	(void)size;
	table_fini(body);
}

/* The table leaves with the message: from then on it is the collector's. */
static bool
send_table(struct counter *c)
{
	troupe_msg *msg = troupe_msg_new(TABLE, sizeof(struct table), release_table);

	if (msg == NULL)
		return false;
	table_sort(&c->table);
	*(struct table *)troupe_msg_fill(msg) = c->table;
	c->table = (struct table){ 0 };

	const bool sent = troupe_send_msg(c->collector, &msg) == TROUPE_OK;

	troupe_msg_free(&msg);
	return sent;
}

static bool
take_end(struct counter *c)
{
	return ++c->ends < SPLITTERS || send_table(c);
}

static void
counter_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const struct batch *batch = troupe_body(msg, sizeof *batch);
	bool done = true;

	if (msg->type == BATCH && batch)
		done = count_batch(state, batch);
	else if (msg->type == END)
		done = take_end(state);
	else
		troupe_unhandled(self, msg);

	if (!done)
		give_up(self, "out of memory");
}

static int
counter_start(troupe_actor *self, void *state, const void *argument)
{
	struct counter *c = state;

	(void)self;
	c->collector = *(const troupe_ref *)argument;
	return 0;
}

static void
counter_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	struct counter *c = state;

	(void)self;
	(void)reason;
	table_fini(&c->table);
}

const troupe_class counter_class = {
	.name = "counter",
	.state_size = sizeof(struct counter),
	.flags = TROUPE_BUSY, /* all splitters send to it */
	.receive = counter_receive,
	.start = counter_start,
	.stop = counter_stop,
};
