/* SPDX-License-Identifier: MIT */

/*
 * The bugs that mailboxes and handles of actor systems have had, by name: how
 * each goes wrong, why it cannot here, and the very moment in which it would.
 */

#include "runtime/actor/actor.h"
#include "tests/suite.h"
#include "tests/system.h"
#include "tests/window.h"

/* --- A mailbox, and a message whose link is written late. --- */

#define UNITS 16

static tr_mailbox *mailbox; /* on a page of its own */
static uint32_t *late_link; /* likewise */
static uint32_t link_of[UNITS];
static uint32_t generation;

static void
open_owned_mailbox(void)
{
	mailbox = window_map(1);
	late_link = window_map(1);
	generation = tr_mailbox_open(mailbox, TR_MAILBOX_EMPTY);
}

static void
unmap_mailbox(void)
{
	window_unmap(mailbox, 1);
	window_unmap(late_link, 1);
}

static enum tr_push
push(uint32_t unit)
{
	return tr_mailbox_push(mailbox, generation, unit, &link_of[unit], 0);
}

/* A push that has looked at the word, and lets act act before it goes on. */
static enum tr_push
push_late(uint32_t unit, void (*act)(void))
{
	window_set(late_link, WINDOW_AT_WRITE, act);
	const enum tr_push pushed = tr_mailbox_push(mailbox, generation, unit, late_link, 0);

	ck_assert(window_passed());
	return pushed;
}

/* What the act saw: it asserts nothing itself. */
static struct {
	uint32_t taken;
	bool idle;
	enum tr_push pushed;
} act;

/* The newest message, which the pusher has seen, is handled, and lives on in another mailbox. */
static void
recycle_newest_and_idle(void)
{
	act.taken = tr_mailbox_take(mailbox, generation);
	link_of[5] = 77;
	act.idle = tr_mailbox_try_idle(mailbox, generation);
}

static void
recycle_newest_as_the_next(void)
{
	recycle_newest_and_idle();
	act.pushed = push(5);
}

#if !SYS_TSAN
/* Between the owner's last look and its step to idle. */
static void
push_recycled(void)
{
	act.pushed = push(5);
}

static void
idle_while_a_recycled_message_comes(void)
{
	open_owned_mailbox();
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_uint_eq(tr_mailbox_take(mailbox, generation), 5);
	ck_assert(!tr_mailbox_has_new(mailbox));
	window_set(mailbox, WINDOW_AT_WRITE, push_recycled);
	ck_assert(!tr_mailbox_try_idle(mailbox, generation));
	ck_assert(window_passed());
	ck_assert_int_eq(act.pushed, TR_PUSH_QUEUED);
	ck_assert_uint_eq(tr_mailbox_take(mailbox, generation), 5);
	ck_assert(tr_mailbox_try_idle(mailbox, generation));
	unmap_mailbox();
}
#else
static void
idle_while_a_recycled_message_comes(void)
{
}
#endif

/*
 * Recycled node, false empty (the global queue of Pony's scheduler, the stacks
 * of Concurrency Kit): an empty queue is known by the link of its newest or
 * oldest node, the node is recycled while it is looked at, and the queue is
 * taken for empty while something waits.  Here the word alone says that
 * nothing waits, and nobody follows a link that it did not take (INV-MB-3).
 */
START_TEST(test_bugs_recycled_node_false_empty)
{
	open_owned_mailbox();
	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_int_eq(push_late(6, recycle_newest_and_idle), TR_PUSH_CLAIMED);
	ck_assert_uint_eq(act.taken, 5);
	ck_assert(act.idle);
	ck_assert_uint_eq(mailbox->todo, 6);
	ck_assert_uint_eq(tr_mailbox_take(mailbox, generation), 0);

	ck_assert_int_eq(push(5), TR_PUSH_QUEUED);
	ck_assert_int_eq(push_late(6, recycle_newest_as_the_next), TR_PUSH_QUEUED);
	ck_assert(act.idle);
	ck_assert_int_eq(act.pushed, TR_PUSH_CLAIMED);
	ck_assert_uint_eq(mailbox->todo, 5);
	ck_assert(!tr_mailbox_try_idle(mailbox, generation));
	ck_assert_uint_eq(tr_mailbox_take(mailbox, generation), 6);
	ck_assert_uint_eq(*late_link, 0);
	unmap_mailbox();

	idle_while_a_recycled_message_comes();
}
END_TEST

/* --- Lives of a slot. --- */

/* An actor that spawns one, which stops at its first message, and tells who it is. */
struct spawned {
	troupe_stop_mode mode;
	troupe_ref ref;
};

static void
stop_oneself(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const troupe_stop_mode *mode = troupe_body(msg, sizeof *mode);

	(void)state;
	troupe_stop_self(self, *mode);
}

static void
spawn_one(troupe_actor *self, void *state, const troupe_msg *msg)
{
	static const troupe_class short_lived = { .name = "short-lived", .receive = stop_oneself };
	struct spawned *const *spawned = troupe_body(msg, sizeof *spawned);
	const troupe_stop_mode mode = (*spawned)->mode;

	(void)state;
	(*spawned)->ref = troupe_spawn(troupe_of(self), &short_lived, NULL);
	(void)troupe_send((*spawned)->ref, 1, &mode, sizeof mode);
}

/* The handle of an actor that has lived and stopped in the thread that drives t. */
static troupe_ref
live_one_life(troupe *t, troupe_ref spawner, troupe_stop_mode mode)
{
	struct spawned spawned = { .mode = mode }, *there = &spawned;

	sys_send(spawner, 1, &there, sizeof there);
	(void)sys_wait(t);
	sys_assert_status(troupe_send(spawned.ref, 1, NULL, 0), TROUPE_DEAD);
	return spawned.ref;
}

#define LAST UINT32_MAX

/*
 * Wrap of a generation (handles of slot and generation everywhere): the
 * generation of a slot comes back to what it was, and an old handle names
 * somebody else.  Here a slot is not given back after its last life
 * (tr_mailbox_can_reopen), so that no generation comes twice.
 */
START_TEST(test_bugs_generation_wrap)
{
	static const troupe_class spawner_class = { .name = "spawner", .receive = spawn_one };
	static const troupe_stop_mode modes[] = { TROUPE_STOP_NOW, TROUPE_STOP_DRAIN };
	troupe *t = sys_open(TROUPE_WORKERS_NONE, NULL);
	const troupe_ref spawner = sys_spawn(t, &spawner_class, NULL);

	for (int i = 0; i < 2; i++) {
		const uint32_t slot = (uint32_t)live_one_life(t, spawner, modes[i]);
		tr_mailbox *of_slot = tr_actor_at(slot);

		/* It would be used again, ... */
		ck_assert_uint_eq((uint32_t)live_one_life(t, spawner, modes[i]), slot);
		/* ... but 2^31 lives later */
		atomic_store_explicit(&of_slot->word, tr_mailbox_word(LAST - 1, TR_MAILBOX_CLOSED),
		    memory_order_relaxed);
		ck_assert_uint_eq(live_one_life(t, spawner, modes[i]), (troupe_ref)LAST << 32 | slot);
		ck_assert_uint_ne((uint32_t)live_one_life(t, spawner, modes[i]), slot);
	}
	sys_close(t, NULL);
}
END_TEST

/* --- A turn that gets lanes. --- */

enum { NORMAL = 1, URGENT };

#define BEFORE 70
#define AFTER  40

/* Sends itself BEFORE messages, at one of them some of both lanes, and at one of these the others. */
struct reader {
	uint32_t at;
	uint32_t last[2]; /* number on each lane */
	uint32_t wrong;
};

static void
send_numbered(troupe_actor *self, struct reader *r, bool urgent, uint32_t number)
{
	const troupe_ref to = troupe_self(self);

	r->wrong += (urgent ? troupe_send_urgent(to, URGENT, &number, sizeof number)
			    : troupe_send(to, NORMAL, &number, sizeof number)) != TROUPE_OK;
}

static void
send_on_both_lanes(troupe_actor *self, struct reader *r, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++) {
		send_numbered(self, r, true, i);
		send_numbered(self, r, false, BEFORE + i);
	}
}

static void
read_numbers(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct reader *r = *(struct reader **)state;
	const uint32_t *number = troupe_body(msg, sizeof *number);
	const bool urgent = msg->type == URGENT;

	r->wrong += *number != ++r->last[urgent];
	if (urgent && *number == 3)
		send_on_both_lanes(self, r, AFTER / 2 + 1, AFTER);
	if (urgent)
		return;
	for (uint32_t i = 2; *number == 1 && i <= BEFORE; i++)
		send_numbered(self, r, false, i);
	if (*number == r->at)
		send_on_both_lanes(self, r, 1, AFTER / 2);
}

static int
start_reader(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, &argument, sizeof argument);
	return 0;
}

/*
 * Order of lane and main queue at inflation (mailboxes that get lanes for
 * their senders once they are hot, as the BEAM's): what a sender put on a lane
 * overtakes what it had put on the main queue.  Here senders have one word for
 * ever (INV-MB-1).  Lanes come into being in the owner's hands, when a turn
 * that has one chain meets an urgent message: the rest of the chain stays
 * ahead of what is sorted later (lanes.h), at any point of the turn.
 */
START_TEST(test_bugs_lane_and_main_order_at_inflation)
{
	static const troupe_class reader_class = {
		.name = "reader",
		.state_size = sizeof(struct reader *),
		.start = start_reader,
		.receive = read_numbers,
	};
	static const int quanta[] = { 0, 1, 3, 33 };

	for (size_t q = 0; q < sizeof quanta / sizeof *quanta; q++) {
		const troupe_options options = { .workers = TROUPE_WORKERS_NONE, .quantum = quanta[q] };
		troupe *t = sys_open_with(options, NULL);

		for (uint32_t at = 1; at <= BEFORE; at++) {
			struct reader reader = { .at = at };
			const uint32_t first = 1;

			sys_send(sys_spawn(t, &reader_class, &reader), NORMAL, &first, sizeof first);
			(void)sys_wait(t);
			ck_assert_uint_eq(reader.wrong, 0);
			ck_assert_uint_eq(reader.last[0], BEFORE + AFTER);
			ck_assert_uint_eq(reader.last[1], AFTER);
		}
		sys_close(t, NULL);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bugs of mailboxes");
	TCase *tc = tcase_create("bugs");

	tcase_add_test(tc, test_bugs_recycled_node_false_empty);
	tcase_add_test(tc, test_bugs_generation_wrap);
	tcase_add_test(tc, test_bugs_lane_and_main_order_at_inflation);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
