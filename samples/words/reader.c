/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include "progress.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Large enough that a message per block costs nothing, small enough to stay in a core's cache. */
#define BLOCK_TEXT (256u * 1024)

/* The size of a shared block is at most UINT32_MAX, and a word must fit into one. */
#define LONGEST_TEXT (UINT32_MAX - sizeof(struct block) - TEXT_SLACK)

struct reader {
	struct reader_task task;
	bool failed; /* some file was not read to its end */
	bool ended;
	int file;             /* descriptor, or -1 between two files */
	troupe_shared *block; /* the one that is being filled */
	size_t room;          /* of its text */
	size_t filled;
	unsigned turn; /* of the splitters */
	struct progress progress;
};

static struct block *
current_block(const struct reader *r)
{
	return troupe_shared_bytes(r->block);
}

/* Runs in whatever thread lets go of the block last. */
static void
return_credit(void *bytes, size_t size)
{
	const struct block *b = bytes;

	(void)size;
	/* Refused when all comes to an end, and then nobody needs it; but without memory the run falls short. */
	if (b->credit_to != 0 && troupe_send(b->credit_to, CREDIT, NULL, 0) == TROUPE_NOMEM)
		report_failure("out of memory");
}

/* Begin a block with text that an earlier one could not end with. */
static bool
begin_block(struct reader *r, size_t room, const unsigned char *tail, size_t tail_length)
{
	troupe_shared *fresh = troupe_shared_new(sizeof(struct block) + room + TEXT_SLACK, return_credit);

	if (fresh == NULL)
		return false;

	struct block *b = troupe_shared_bytes(fresh);
	b->credit_to = 0;
	if (tail_length > 0)
		memcpy(b->text, tail, tail_length);
	r->block = fresh;
	r->room = room;
	r->filled = tail_length;
	return true;
}

static void
report_file(struct reader *r)
{
	const char *why = strerror(errno);

	progress_clear();
	fprintf(stderr, "wordcount: %s: %s\n", *r->task.files, why);
	r->failed = true;
}

static void
next_file(struct reader *r)
{
	if (r->file > STDIN_FILENO)
		close(r->file);
	r->file = -1;
	r->task.files++;
}

static bool
open_file(struct reader *r)
{
	for (; *r->task.files != NULL; r->task.files++) {
		const char *name = *r->task.files;

		r->file = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
		if (r->file >= 0)
			return true;
		report_file(r);
	}
	return false;
}

/* Read until the block is full or there is nothing more to read. */
static void
fill_block(troupe_actor *self, struct reader *r)
{
	while (r->filled < r->room) {
		if (r->file < 0 && !open_file(r)) {
			r->ended = true;
			return;
		}

		const ssize_t got = read(r->file, current_block(r)->text + r->filled, r->room - r->filled);

		if (got > 0) {
			r->filled += (size_t)got;
			progress_add(&r->progress, (uint64_t)got, troupe_now(troupe_of(self)));
		} else if (got == 0) {
			next_file(r);
		} else if (errno != EINTR) {
			report_file(r);
			next_file(r);
		}
	}
}

/* How much of the block can be sent so that no word is cut; 0 when a single word fills it. */
static size_t
whole_words(const struct reader *r)
{
	const unsigned char *text = current_block(r)->text;
	size_t length = r->filled;

	if (!r->ended)
		while (length > 0 && !text_is_space(text[length - 1]))
			length--;
	return length;
}

static size_t
add_room(size_t room, size_t more)
{
	return room < LONGEST_TEXT - more ? room + more : LONGEST_TEXT;
}

/* Twice the room, for a word that is longer than the block. */
static bool
grow_block(troupe_actor *self, struct reader *r)
{
	troupe_shared *full = r->block;

	if (r->room == LONGEST_TEXT)
		return give_up(self, "a word is too long");
	if (!begin_block(r, add_room(r->room, r->room), current_block(r)->text, r->filled))
		return give_up(self, "out of memory");
	troupe_shared_release(&full);
	return true;
}

static troupe_status
send_block(troupe_actor *self, struct reader *r, troupe_shared *block, size_t length)
{
	struct block *b = troupe_shared_bytes(block);

	b->credit_to = troupe_self(self);
	b->length = (uint32_t)length;
	memset(b->text + length, '\n', TEXT_SLACK);
	return troupe_send_shared(r->task.splitters[r->turn++ % SPLITTERS], BLOCK, block);
}

/* Send what the block has of whole words; the rest begins the next one. */
static bool
pass_block(troupe_actor *self, struct reader *r, size_t length)
{
	troupe_shared *done = r->block;
	const unsigned char *tail = current_block(r)->text + length;
	const size_t tail_length = r->filled - length;

	if (!begin_block(r, add_room(tail_length, BLOCK_TEXT), tail, tail_length))
		return give_up(self, "out of memory");

	const bool sent = length == 0 || send_block(self, r, done, length) == TROUPE_OK;

	troupe_shared_release(&done);
	return sent || give_up(self, "out of memory");
}

static bool
read_block(troupe_actor *self, struct reader *r)
{
	size_t length;

	fill_block(self, r);
	while ((length = whole_words(r)) == 0 && !r->ended) {
		if (!grow_block(self, r))
			return false;
		fill_block(self, r);
	}
	return pass_block(self, r, length);
}

static void
finish_reading(troupe_actor *self, struct reader *r)
{
	progress_clear();
	*r->task.read_all = !r->failed;
	for (int i = 0; i < SPLITTERS; i++)
		if (troupe_send(r->task.splitters[i], END, NULL, 0) != TROUPE_OK)
			give_up(self, "out of memory");
}

static void
reader_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct reader *r = state;

	if (msg->type != CREDIT) {
		troupe_unhandled(self, msg);
	} else if (!r->ended) { /* credits that come in afterwards are of no use any more */
		if (read_block(self, r) && r->ended)
			finish_reading(self, r);
	}
}

static int
reader_start(troupe_actor *self, void *state, const void *argument)
{
	struct reader *r = state;

	r->task = *(const struct reader_task *)argument;
	r->file = -1;
	progress_start(&r->progress, r->task.files, troupe_now(troupe_of(self)));
	return begin_block(r, BLOCK_TEXT, NULL, 0) ? 0 : -1;
}

static void
reader_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	struct reader *r = state;

	(void)self;
	(void)reason;
	if (r->file > STDIN_FILENO)
		close(r->file);
	troupe_shared_release(&r->block);
}

const troupe_class reader_class = {
	.name = "reader",
	.state_size = sizeof(struct reader),
	.flags = TROUPE_DEDICATED, /* read(2) blocks */
	.receive = reader_receive,
	.start = reader_start,
	.stop = reader_stop,
};
