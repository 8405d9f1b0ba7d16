/* SPDX-License-Identifier: MIT */
#include "runtime/engine/mailbox.h"
#include "tests/model/model.h"

/*
 * The mailbox word: pushes of any age, the owner's turns, the end of a life and
 * the beginning of the next.
 *
 * A unit is a word in `text`, written plainly by its sender and read plainly by
 * who takes it: an edge that is missing is a race.  So is the actor's private
 * state, `state`, which goes from owner to owner.
 */

enum { UNITS = 9 };

static tr_mailbox mailbox;
static uint32_t next[UNITS];
static uint32_t text[UNITS];
static uint32_t state;
static _Atomic uint32_t home; /* whose the actor is: what tr_mailbox_alive is asked before */

/* The harness's own books: what became of each unit. */
static struct {
	uint32_t life_sent[UNITS];
	uint32_t taken[UNITS], refused[UNITS];
	uint32_t order[UNITS]; /* when it was taken, from 1 */
	uint32_t takes;
	uint32_t owners;
} books;

static MODEL_UNSEEN void
begin_owning(void)
{
	MODEL_CHECK(books.owners++ == 0); /* INV-MB-1 */
}

static MODEL_UNSEEN void
end_owning(void)
{
	books.owners--;
}

static MODEL_UNSEEN void
note_taken(uint32_t unit, uint32_t life)
{
	MODEL_CHECK(unit > 0 && unit < UNITS);
	MODEL_CHECK(books.life_sent[unit] == life); /* INV-MB-2 */
	books.taken[unit]++;
	books.order[unit] = ++books.takes;
}

static MODEL_UNSEEN void
note_sent(uint32_t unit, uint32_t life)
{
	books.life_sent[unit] = life;
}

static MODEL_UNSEEN void
note_refused(uint32_t unit)
{
	books.refused[unit]++;
}

static void
handle(uint32_t unit, uint32_t life)
{
	MODEL_CHECK(text[unit] == unit * 100);
	note_taken(unit, life);
	state++;
}

/* Oldest first, as the real owner does. */
static void
handle_chain(uint32_t newest, uint32_t life)
{
	uint32_t chain[UNITS], count = 0;

	for (uint32_t unit = newest & TR_MAILBOX_NEWEST; unit != TR_MAILBOX_EMPTY; unit = next[unit]) {
		MODEL_CHECK(count < UNITS);
		chain[count++] = unit;
	}
	while (count > 0)
		handle(chain[--count], life);
}

/* A turn of whoever owns the actor, until it owns it no more. */
static void
run_owner(uint32_t life, bool has_todo)
{
	if (has_todo) {
		handle(mailbox.todo, life);
		mailbox.todo = 0;
	}
	for (;;) {
		if (tr_mailbox_has_new(&mailbox))
			handle_chain(tr_mailbox_take(&mailbox, life), life);
		end_owning();
		if (tr_mailbox_try_idle(&mailbox, life))
			return;
		begin_owning();
	}
}

/* The sender that claims the actor runs it at once. */
static void
send(uint32_t unit, uint32_t life)
{
	text[unit] = unit * 100;
	note_sent(unit, life);
	switch (tr_mailbox_push(&mailbox, life, unit, &next[unit], unit % 2 == 0 ? TR_MAILBOX_URGENT : 0)) {
	case TR_PUSH_QUEUED:
		break;
	case TR_PUSH_CLAIMED:
		begin_owning();
		run_owner(life, true);
		break;
	case TR_PUSH_DEAD:
		note_refused(unit);
		break;
	}
}

static void
open_idle(void)
{
	model_name(&mailbox, sizeof mailbox, "mailbox");
	model_name(&mailbox.word, 8, "mailbox.word");
	model_name(&state, 4, "state");
	model_name(text, sizeof text, "text");
	model_name(next, sizeof next, "next");
	MODEL_CHECK(tr_mailbox_open(&mailbox, TR_MAILBOX_IDLE) == 1);
}

static void
send_1_2(void)
{
	send(1, 1);
	send(2, 1);
}

static void
send_3_4(void)
{
	send(3, 1);
	send(4, 1);
}

static void
send_5(void)
{
	send(5, 1);
}

static void
check_each_once(void)
{
	for (uint32_t unit = 1; unit < UNITS; unit++)
		MODEL_CHECK(books.taken[unit] + books.refused[unit] == (books.life_sent[unit] != 0 ? 1 : 0));
}

static void
check_all_handled(void)
{
	check_each_once();
	for (uint32_t unit = 1; unit < UNITS; unit++)
		MODEL_CHECK(books.refused[unit] == 0);
	MODEL_CHECK(books.owners == 0 && tr_mailbox_is_idle(&mailbox));
	MODEL_CHECK(books.order[2] == 0 || books.order[1] < books.order[2]);
	MODEL_CHECK(books.order[4] == 0 || books.order[3] < books.order[4]);
}

/* --- The end of a life, and the next. --- */

static void
open_owned(void)
{
	open_idle();
	MODEL_CHECK(tr_mailbox_close(&mailbox, 1) == TR_MAILBOX_IDLE);
	MODEL_CHECK(tr_mailbox_open(&mailbox, TR_MAILBOX_EMPTY) == 3);
	books.owners = 1;
}

static void
refuse_chain(uint32_t newest)
{
	for (uint32_t unit = newest & TR_MAILBOX_NEWEST; unit != TR_MAILBOX_EMPTY; unit = next[unit]) {
		MODEL_CHECK(text[unit] == unit * 100);
		note_refused(unit);
	}
}

/* A first life as its owner: takes, stops; then the slot's next life begins, and is left to who claims it. */
static void
live_and_stop(void)
{
	if (tr_mailbox_has_new(&mailbox))
		handle_chain(tr_mailbox_take(&mailbox, 3), 3);
	state = 0;
	end_owning();
	refuse_chain(tr_mailbox_close(&mailbox, 3));
	state = 1000;
	MODEL_CHECK(tr_mailbox_open(&mailbox, TR_MAILBOX_IDLE) == 5);
}

/* The same by try_close, as a closer does that wants nothing to be left. */
static void
live_and_try_to_stop(void)
{
	while (!tr_mailbox_try_close(&mailbox, 3))
		handle_chain(tr_mailbox_take(&mailbox, 3), 3);
	end_owning();
	state = 1000;
	atomic_store_explicit(&home, 5, memory_order_relaxed);
	MODEL_CHECK(tr_mailbox_open(&mailbox, TR_MAILBOX_IDLE) == 5);
}

static void
send_3_then_5(void)
{
	send(1, 3);
	send(2, 5);
}

static void
send_5_then_3(void)
{
	send(3, 5);
	send(4, 3);
}

static void
send_stale(void)
{
	send(5, 1);
	MODEL_CHECK(tr_mailbox_alive(&mailbox) != 1);
}

/* Alive with the fifth: then what open published is there. */
static void
look_alive(void)
{
	if (tr_mailbox_alive(&mailbox) != 5)
		return;
	MODEL_CHECK(atomic_load_explicit(&home, memory_order_relaxed) == 5);
	send(6, 5);
	model_outcome(0);
}

static void
check_lives(void)
{
	check_each_once();
	MODEL_CHECK(books.refused[5] == (books.life_sent[5] != 0) && books.owners == 0);
}

/* --- A closer that seizes what waits for an actor that another thread runs. --- */

static void
own_and_keep(void)
{
	if (tr_mailbox_has_new(&mailbox))
		handle_chain(tr_mailbox_take(&mailbox, 3), 3);
}

static void
seize(void)
{
	refuse_chain(tr_mailbox_seize(&mailbox, 3));
}

static void
send_1_2_to_third(void)
{
	send(1, 3);
	send(2, 3);
}

static void
take_the_rest(void)
{
	refuse_chain(tr_mailbox_take(&mailbox, 3));
	check_each_once();
}

static const model_case cases[] = {
	{
	    .name = "claims",
	    .proves =
		"each message is handled once, in its sender's order, by one owner at a time, who sees it and the state",
	    .bounds = "2 senders of 2 messages, who run the actor when they claim it",
	    .set_up = open_idle,
	    .threads = { { "sender 1", send_1_2 }, { "sender 2", send_3_4 } },
	    .at_end = check_all_handled,
	},
	{
	    .name = "three-claims",
	    .proves = "the same, with the state handed on twice",
	    .bounds = "3 senders of 2, 2 and 1 messages",
	    .is_deep = true,
	    .set_up = open_idle,
	    .threads = { { "sender 1", send_1_2 }, { "sender 2", send_3_4 }, { "sender 3", send_5 } },
	    .at_end = check_all_handled,
	},
	{
	    .name = "lives",
	    .proves =
		"a message reaches the life that it was sent to or is refused; the next life begins with its own state",
	    .bounds =
		"an owner that stops and begins the next life; 2 senders to this and the next; a stale one",
	    .set_up = open_owned,
	    .threads = { { "owner", live_and_stop }, { "sender 1", send_3_then_5 },
		{ "sender 2", send_5_then_3 }, { "stale", send_stale } },
	    .at_end = check_lives,
	},
	{
	    .name = "try-close",
	    .proves = "a life that ends only when nothing waits leaves no message behind",
	    .bounds = "an owner; 1 sender to this and the next life; one that asks whether the next lives",
	    .set_up = open_owned,
	    .threads = { { "owner", live_and_try_to_stop }, { "sender 1", send_3_then_5 },
		{ "looker", look_alive } },
	    .at_end = check_lives,
	    .outcomes = 0x1,
	},
	{
	    .name = "seize",
	    .proves = "what a closer seizes from an owner's mailbox is taken by one of them",
	    .bounds = "an owner that takes once, a closer that seizes once, a sender of 2 messages",
	    .set_up = open_owned,
	    .threads = { { "owner", own_and_keep }, { "closer", seize }, { "sender", send_1_2_to_third } },
	    .at_end = take_the_rest,
	},
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "mailbox", cases, sizeof cases / sizeof *cases);
}
