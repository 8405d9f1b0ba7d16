/* SPDX-License-Identifier: MIT */

/*
 * Supervised children that set letters aside, take them up again, and fail:
 * over some letters they are started again, their stash and what waits for
 * them stays.  Each letter is handled or failed over, exactly once.
 */
#include "tests/soak/mail.h"

enum { GO_ON = 1, LETTER, FINISH };

#define CHILDREN_MAX 16
#define WRITERS_MAX  8

struct family;

/* Of one child, over all its lives: its actor's alone. */
struct record {
	struct family *family;
	sys_random random;
	bool finishing;
	unsigned char *ends; /* of each letter: by writer, then by number */
	uint64_t failed;
};

struct writer {
	struct family *family;
	uint32_t number, sent;
	sys_random random;
};

struct family {
	uint32_t children, writers, letters; /* the last: from each writer to each child */
	bool together;
	troupe_ref child[CHILDREN_MAX];
	struct record record[CHILDREN_MAX];
	struct writer writer[WRITERS_MAX];
};

/* --- Children. --- */

static void
handle(troupe_actor *self, struct record *r, const soak_letter *letter)
{
	unsigned char *end = &r->ends[letter->from * r->family->letters + letter->number];

	soak_expect(*end == 0);
	if (!r->finishing && sys_below(&r->random, 4) == 0 && troupe_stash(self) == TROUPE_OK)
		return;
	++*end;
	if (!r->finishing && sys_below(&r->random, 40) == 0) {
		r->failed++;
		troupe_fail(self, 1, "over letter %u of %u", letter->number, letter->from);
	} else if (sys_below(&r->random, 10) == 0) {
		(void)troupe_unstash(self, sys_below(&r->random, 2) ? SIZE_MAX : 3);
	}
}

static void
receive_child(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct record *r = *(struct record **)state;
	soak_letter letter;

	if (msg->type == FINISH) {
		r->finishing = true;
		(void)troupe_unstash(self, SIZE_MAX);
	} else if (soak_read(msg, &letter) && letter.from < r->family->writers &&
		   letter.number < r->family->letters) {
		handle(self, r, &letter);
	}
}

static int
start_child(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(struct record *));
	return 0;
}

static const troupe_class child_class = {
	.name = "child",
	.state_size = sizeof(struct record *),
	.start = start_child,
	.receive = receive_child,
	.argument_size = sizeof(struct record *),
	.stash_limit = 64,
};

/* --- The parent. --- */

static int
start_parent(troupe_actor *self, void *state, const void *argument)
{
	struct family *f = (struct family *)(uintptr_t)argument;

	(void)state;
	for (uint32_t i = 0; i < f->children; i++) {
		struct record *record = &f->record[i];

		f->child[i] = troupe_spawn_child(self, &child_class, &record);
		soak_expect(f->child[i] != 0);
	}
	return 0;
}

static void
receive_parent(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	troupe_unhandled(self, msg);
}

/* How often is not what is tried here. */
#define AS_OFTEN_AS_IT_TAKES .restarts = 1000000, .window_ns = 1, .backoff_ns = 1000, .backoff_max_ns = 500000
static const troupe_supervisor one_for_one = { AS_OFTEN_AS_IT_TAKES };
static const troupe_supervisor all_for_one = { .strategy = TROUPE_ALL_FOR_ONE, AS_OFTEN_AS_IT_TAKES };

#define PARENT_CLASS(name_, supervisor_) \
	{ \
		.name = name_, .start = start_parent, .receive = receive_parent, .supervisor = supervisor_ \
	}

static const troupe_class parent_class = PARENT_CLASS("parent", &one_for_one);
static const troupe_class strict_parent_class = PARENT_CLASS("strict parent", &all_for_one);

/* --- Writers. --- */

static void
write_more(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct writer *w = *(struct writer **)state;
	const struct family *f = w->family;

	(void)msg;
	for (int burst = 0; burst < 10 && w->sent < f->letters; burst++, w->sent++)
		for (uint32_t i = 0; i < f->children; i++)
			soak_expect(
			    soak_post(&w->random, f->child[i], LETTER, w->number, w->sent) == TROUPE_OK);
	if (w->sent < f->letters)
		soak_expect(troupe_send(troupe_self(self), GO_ON, NULL, 0) == TROUPE_OK);
}

static const troupe_class writer_class = {
	.name = "writer",
	.state_size = sizeof(struct writer *),
	.start = soak_keep_argument,
	.receive = write_more,
};

/* --- The round. --- */

static void
set_up(soak_stage *stage, struct family *f)
{
	sys_random *random = &stage->round->random;

	f->children = soak_draw(random, 1, CHILDREN_MAX);
	f->writers = soak_draw(random, 1, WRITERS_MAX);
	f->together = sys_below(random, 2);
	/* One failure stops and starts all of them when they go together. */
	f->letters = SYS_SCALED(f->together ? 4000u : 20000u) / (f->children * f->writers) + 1;
	for (uint32_t i = 0; i < f->children; i++)
		f->record[i] = (struct record){ .family = f,
			.random = { sys_next(random) },
			.ends = soak_memory((size_t)f->writers * f->letters, 1) };
	soak_spawn(stage, f->together ? &strict_parent_class : &parent_class, f);
	for (uint32_t i = 0; i < f->writers; i++) {
		f->writer[i] = (struct writer){ f, i, 0, { sys_next(random) } };
		soak_expect(troupe_send(soak_spawn(stage, &writer_class, &f->writer[i]), GO_ON, NULL, 0) ==
			    TROUPE_OK);
	}
}

void
soak_play_restarts(soak_round *round)
{
	struct family *f = soak_memory(1, sizeof *f);
	soak_stage stage;
	uint64_t failed = 0;

	soak_open(&stage, round);
	set_up(&stage, f);
	soak_law(troupe_wait(stage.t, TROUPE_FOREVER), TROUPE_OK);
	for (uint32_t i = 0; i < f->children; i++)
		soak_expect(troupe_send(f->child[i], FINISH, NULL, 0) == TROUPE_OK);
	troupe_totals totals = soak_settle(&stage);
	for (uint32_t i = 0; i < f->children; i++) {
		for (uint32_t k = 0; k < f->writers * f->letters; k++)
			soak_expect(f->record[i].ends[k] == 1);
		failed += f->record[i].failed;
		free(f->record[i].ends);
	}
	soak_law(totals.failed, failed);
	soak_law(sys_get(&stage.letters[TROUPE_FAILED]), failed);
	soak_close(&stage);
	free(f);
}
