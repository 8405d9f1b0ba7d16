/* SPDX-License-Identifier: MIT */
#include "runtime/engine/mailbox.h"
#include "tests/support.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/*
 * Several threads push; who claims the owner runs it, so that the owner
 * migrates between them.  Everything but the mailbox word is plain, and all
 * waiting is relaxed: only the word's own edges order anything.
 */

#define SENDERS 3
#define EACH    TEST_SCALED(64000)
#define ROUNDS  500

struct message {
	uint32_t next;
	uint32_t sender;
	uint32_t number; /* 1, 2, ... of this sender */
	uint32_t life;   /* the generation it was sent to */
};

/* What the owner keeps. */
struct state {
	uint32_t life;
	uint32_t argument; /* of this life, written by whoever opened it */
	uint32_t in_hand;  /* how many run the owner at this moment */
	uint64_t handled;
	uint64_t overlaps; /* times that somebody else ran it too */
	uint64_t strays;   /* messages to another life */
	uint64_t disorders;
	uint32_t last[SENDERS];
};

static tr_mailbox mailbox;
static struct state state;
static struct message *messages; /* by unit */

static void
make_messages(size_t count)
{
	messages = calloc(count + 1, sizeof *messages);
	ck_assert_ptr_nonnull(messages);
	memset(&state, 0, sizeof state);
	atomic_store_explicit(&mailbox.word, 0, memory_order_relaxed);
}

static void
free_messages(void)
{
	free(messages);
	messages = NULL;
}

/* Turn a chain round, so that the oldest is first. */
static uint32_t
reverse(uint32_t newest)
{
	uint32_t oldest = 0;

	for (uint32_t unit = newest & TR_MAILBOX_NEWEST, next; unit != 0; unit = next) {
		next = messages[unit].next;
		messages[unit].next = oldest;
		oldest = unit;
	}
	return oldest;
}

static void
handle(uint32_t unit)
{
	const struct message *message = &messages[unit];

	state.overlaps += state.in_hand++ != 0;
	state.handled++;
	state.strays += message->life != state.life || state.argument != state.life;
	state.disorders += message->number <= state.last[message->sender];
	state.last[message->sender] = message->number;
	/* Let others send to a busy owner, however few processors there are. */
	if (state.handled % 64 == 0)
		sched_yield();
	state.in_hand--;
}

static uint32_t
handle_all(uint32_t oldest)
{
	uint32_t count = 0;

	for (uint32_t unit = oldest, next; unit != 0; unit = next, count++) {
		next = messages[unit].next;
		handle(unit);
	}
	return count;
}

static uint32_t
take_todo(void)
{
	const uint32_t todo = mailbox.todo;

	mailbox.todo = 0;
	return todo;
}

/* For whoever claimed the owner: until nothing waits. */
static void
run_owner(uint32_t life)
{
	(void)handle_all(take_todo());
	while (!tr_mailbox_try_idle(&mailbox, life))
		(void)handle_all(reverse(tr_mailbox_take(&mailbox, life)));
}

static void
assert_all_handled(uint64_t count)
{
	ck_assert_uint_eq(state.handled, count);
	ck_assert_uint_eq(state.overlaps, 0);
	ck_assert_uint_eq(state.strays, 0);
	ck_assert_uint_eq(state.disorders, 0);
}

/* --- The owner goes to and fro. --- */

struct sender {
	uint32_t number; /* 0, 1, ... */
	uint32_t life;
	uint32_t claims;
	uint32_t refused;
};

static uint32_t
write_message(const struct sender *sender, uint32_t slot, uint32_t number)
{
	messages[slot].sender = sender->number;
	messages[slot].number = number;
	messages[slot].life = sender->life;
	return slot;
}

static enum tr_push
push(const struct sender *sender, uint32_t unit)
{
	return tr_mailbox_push(&mailbox, sender->life, unit, &messages[unit].next, 0);
}

static void
await_idle(void)
{
	while ((uint32_t)atomic_load_explicit(&mailbox.word, memory_order_relaxed) != TR_MAILBOX_IDLE)
		sched_yield();
}

static _Atomic uint32_t turn; /* whose it is to send; relaxed: it orders nothing */

static void *
send_in_turn(void *argument)
{
	struct sender *sender = argument;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		while (atomic_load_explicit(&turn, memory_order_relaxed) != sender->number)
			sched_yield();
		await_idle();
		const uint32_t unit = write_message(sender, sender->number * ROUNDS + i, i);

		if (push(sender, unit) == TR_PUSH_CLAIMED) {
			sender->claims++;
			run_owner(sender->life);
		}
		atomic_store_explicit(&turn, (sender->number + 1) % SENDERS, memory_order_relaxed);
	}
	return NULL;
}

START_TEST(test_mailbox_owner_takes_its_state_from_thread_to_thread)
{
	struct sender senders[SENDERS];

	make_messages((size_t)SENDERS * ROUNDS);
	state.life = state.argument = 1;
	ck_assert_uint_eq(tr_mailbox_open(&mailbox, TR_MAILBOX_IDLE), 1);
	for (uint32_t i = 0; i < SENDERS; i++)
		senders[i] = (struct sender){ .number = i, .life = 1 };
	run_together(SENDERS, send_in_turn, senders, sizeof *senders);

	for (uint32_t i = 0; i < SENDERS; i++)
		ck_assert_uint_eq(senders[i].claims, ROUNDS);
	assert_all_handled((uint64_t)SENDERS * ROUNDS);
	free_messages();
}
END_TEST

static void *
send_and_run(void *argument)
{
	struct sender *sender = argument;

	for (uint32_t i = 1; i <= (uint32_t)EACH; i++) {
		const uint32_t unit = write_message(sender, sender->number * (uint32_t)EACH + i, i);
		const enum tr_push pushed = push(sender, unit);

		sender->refused += pushed == TR_PUSH_DEAD;
		if (pushed == TR_PUSH_CLAIMED) {
			sender->claims++;
			run_owner(sender->life);
		}
		/* Who comes first now claims it. */
		if (i % 64 == 0)
			await_idle();
	}
	return NULL;
}

START_TEST(test_mailbox_handles_every_message_once_and_in_order)
{
	struct sender senders[SENDERS];

	make_messages((size_t)SENDERS * EACH);
	state.life = state.argument = 1;
	ck_assert_uint_eq(tr_mailbox_open(&mailbox, TR_MAILBOX_IDLE), 1);
	for (uint32_t i = 0; i < SENDERS; i++)
		senders[i] = (struct sender){ .number = i, .life = 1 };
	run_together(SENDERS, send_and_run, senders, sizeof *senders);

	for (uint32_t i = 0; i < SENDERS; i++) {
		ck_assert_uint_eq(senders[i].refused, 0);
		ck_assert_uint_eq(state.last[i], EACH);
	}
	assert_all_handled((uint64_t)SENDERS * EACH);
	ck_assert_uint_eq(atomic_load_explicit(&mailbox.word, memory_order_relaxed),
	    tr_mailbox_word(1, TR_MAILBOX_IDLE));
	free_messages();
}
END_TEST

/* --- Few messages, used again and again. --- */

#define FEW 3

/* Free messages of each sender: raised by whoever handled it (release), lowered by its sender (acquire). */
static _Atomic bool is_free[SENDERS * FEW + 1];

static void
handle_and_free(uint32_t oldest)
{
	for (uint32_t unit = oldest, next; unit != 0; unit = next) {
		next = messages[unit].next;
		handle(unit);
		messages[unit].next = UINT32_MAX;
		atomic_store_explicit(&is_free[unit], true, memory_order_release);
	}
}

static uint32_t
await_free(const struct sender *sender)
{
	for (uint32_t i = 0;; i = (i + 1) % FEW) {
		const uint32_t unit = sender->number * FEW + i + 1;

		if (atomic_load_explicit(&is_free[unit], memory_order_acquire)) {
			atomic_store_explicit(&is_free[unit], false, memory_order_relaxed);
			return unit;
		}
		if (i == FEW - 1)
			sched_yield();
	}
}

static void *
send_few(void *argument)
{
	struct sender *sender = argument;

	for (uint32_t i = 1; i <= (uint32_t)EACH; i++) {
		const uint32_t unit = write_message(sender, await_free(sender), i);

		if (push(sender, unit) != TR_PUSH_CLAIMED)
			continue;
		handle_and_free(take_todo());
		while (!tr_mailbox_try_idle(&mailbox, sender->life))
			handle_and_free(reverse(tr_mailbox_take(&mailbox, sender->life)));
	}
	return NULL;
}

START_TEST(test_mailbox_may_see_the_same_unit_again_and_again)
{
	struct sender senders[SENDERS];

	make_messages(SENDERS * FEW);
	state.life = state.argument = 1;
	ck_assert_uint_eq(tr_mailbox_open(&mailbox, TR_MAILBOX_IDLE), 1);
	for (uint32_t i = 0; i < SENDERS; i++)
		senders[i] = (struct sender){ .number = i, .life = 1 };
	for (uint32_t i = 1; i <= SENDERS * FEW; i++)
		atomic_store_explicit(&is_free[i], true, memory_order_relaxed);
	run_together(SENDERS, send_few, senders, sizeof *senders);
	assert_all_handled((uint64_t)SENDERS * EACH);
	free_messages();
}
END_TEST

/* --- Many lives. --- */

/*
 * One thread opens the slot again and again; the others send to whatever life
 * they see, new or old, and whoever claims an owner ends its life after some
 * messages.
 */
static _Atomic uint32_t newest_life; /* relaxed: a hint whom to send to */
static _Atomic uint32_t ended_life;  /* release, acquire: the slot goes back to the opener */
static _Atomic uint32_t senders_done;

struct mortal {
	struct sender sender;
	uint64_t random;
	uint64_t dropped; /* accepted, and in the chain of a close */
	uint64_t stray;   /* of those, sent to another life */
};

static void
end_life(struct mortal *mortal, uint32_t life)
{
	if (test_below(&mortal->random, 2) == 0) {
		/* To the last message. */
		while (!tr_mailbox_try_close(&mailbox, life))
			(void)handle_all(reverse(tr_mailbox_take(&mailbox, life)));
	} else {
		for (uint32_t unit = reverse(tr_mailbox_close(&mailbox, life)); unit != 0;
		     unit = messages[unit].next) {
			mortal->dropped++;
			mortal->stray += messages[unit].life != life;
		}
	}
	atomic_store_explicit(&ended_life, life, memory_order_release);
}

static void
run_mortal(struct mortal *mortal, uint32_t life)
{
	(void)handle_all(take_todo());
	do {
		if (test_below(&mortal->random, 4) == 0) {
			end_life(mortal, life);
			return;
		}
		(void)handle_all(reverse(tr_mailbox_take(&mailbox, life)));
	} while (!tr_mailbox_try_idle(&mailbox, life));
}

static void
open_lives(struct mortal *opener)
{
	uint32_t life = 0;

	while (atomic_load_explicit(&senders_done, memory_order_relaxed) < SENDERS - 1) {
		if (atomic_load_explicit(&ended_life, memory_order_acquire) != life) {
			sched_yield();
			continue;
		}
		state.life = state.argument = tr_mailbox_own_generation(&mailbox) + 1;
		life = tr_mailbox_open(&mailbox, TR_MAILBOX_IDLE);
		atomic_store_explicit(&newest_life, life, memory_order_relaxed);
		opener->sender.claims++;
	}
}

static void *
send_to_mortals(void *argument)
{
	struct mortal *mortal = argument;
	struct sender *sender = &mortal->sender;
	const uint32_t first = (sender->number - 1) * (uint32_t)EACH;

	if (sender->number == 0) {
		open_lives(mortal);
		return NULL;
	}
	while (atomic_load_explicit(&newest_life, memory_order_relaxed) == 0)
		sched_yield();
	for (uint32_t i = 1; i <= (uint32_t)EACH;) {
		sender->life = atomic_load_explicit(&newest_life, memory_order_relaxed);
		/* Some to a life that is over, if there was one. */
		if (sender->life > 2 && test_below(&mortal->random, 8) == 0)
			sender->life -= 2;
		const enum tr_push pushed = push(sender, write_message(sender, first + i, i));

		if (pushed == TR_PUSH_DEAD) {
			sender->refused++;
			sched_yield();
			continue;
		}
		i++;
		if (pushed == TR_PUSH_CLAIMED)
			run_mortal(mortal, sender->life);
	}
	atomic_fetch_add_explicit(&senders_done, 1, memory_order_relaxed);
	return NULL;
}

START_TEST(test_mailbox_gives_each_life_its_own_messages)
{
	struct mortal mortals[SENDERS];
	uint64_t random = test_seed("test_mailbox_gives_each_life_its_own_messages");
	uint64_t dropped = 0, stray = 0, refused = 0;

	make_messages((size_t)(SENDERS - 1) * EACH);
	for (uint32_t i = 0; i < SENDERS; i++)
		mortals[i] = (struct mortal){ .sender.number = i, .random = test_random(&random) };
	run_together(SENDERS, send_to_mortals, mortals, sizeof *mortals);

	for (uint32_t i = 0; i < SENDERS; i++) {
		dropped += mortals[i].dropped;
		stray += mortals[i].stray;
		refused += mortals[i].sender.refused;
	}
	assert_all_handled((uint64_t)(SENDERS - 1) * EACH - dropped);
	ck_assert_uint_eq(stray, 0);
	ck_assert_uint_gt(refused, 0);
	ck_assert_uint_gt(mortals[0].sender.claims, 10);
	free_messages();
}
END_TEST

/* --- An owner that does not run. --- */

static _Atomic uint32_t pushers_left;

struct catcher {
	struct sender sender;
	uint32_t (*empty)(tr_mailbox *mailbox, uint32_t life);
};

static uint32_t
take(tr_mailbox *of, uint32_t life)
{
	return tr_mailbox_take(of, life);
}

/* Sender 0 empties the mailbox in its own way, and closes it; the others push. */
static void *
push_or_catch(void *argument)
{
	struct catcher *catcher = argument;
	const uint32_t life = catcher->sender.life;

	if (catcher->sender.number == 0) {
		while (atomic_load_explicit(&pushers_left, memory_order_relaxed) > 0)
			if (handle_all(reverse(catcher->empty(&mailbox, life))) == 0)
				sched_yield();
		(void)handle_all(reverse(tr_mailbox_close(&mailbox, life)));
		return NULL;
	}
	for (uint32_t i = 1; i <= (uint32_t)EACH; i++) {
		const uint32_t slot = (catcher->sender.number - 1) * (uint32_t)EACH + i;

		if (push(&catcher->sender, write_message(&catcher->sender, slot, i)) != TR_PUSH_QUEUED)
			catcher->sender.refused++;
	}
	atomic_fetch_sub_explicit(&pushers_left, 1, memory_order_relaxed);
	return NULL;
}

static void
catch_all(uint32_t (*empty)(tr_mailbox *, uint32_t))
{
	struct catcher catchers[SENDERS];

	make_messages((size_t)(SENDERS - 1) * EACH);
	state.life = state.argument = 1;
	ck_assert_uint_eq(tr_mailbox_open(&mailbox, TR_MAILBOX_EMPTY), 1);
	atomic_store_explicit(&pushers_left, SENDERS - 1, memory_order_relaxed);
	for (uint32_t i = 0; i < SENDERS; i++)
		catchers[i] = (struct catcher){ .sender = { .number = i, .life = 1 }, .empty = empty };
	run_together(SENDERS, push_or_catch, catchers, sizeof *catchers);
	for (uint32_t i = 0; i < SENDERS; i++)
		ck_assert_uint_eq(catchers[i].sender.refused, 0);
	assert_all_handled((uint64_t)(SENDERS - 1) * EACH);
	free_messages();
}

START_TEST(test_mailbox_take_receives_every_message)
{
	catch_all(take);
}
END_TEST

START_TEST(test_mailbox_seize_receives_every_message)
{
	catch_all(tr_mailbox_seize);
}
END_TEST

static uint32_t
leave(tr_mailbox *of, uint32_t life)
{
	(void)of;
	(void)life;
	return 0;
}

START_TEST(test_mailbox_close_receives_every_message)
{
	catch_all(leave);
}
END_TEST

/* One opens and tries to close, as fast as it can; nothing that was accepted in between may be lost. */
static void *
push_or_try_close(void *argument)
{
	struct catcher *catcher = argument;
	struct sender *sender = &catcher->sender;

	while (sender->number == 0 && atomic_load_explicit(&pushers_left, memory_order_relaxed) > 0) {
		const uint32_t life = tr_mailbox_open(&mailbox, TR_MAILBOX_EMPTY);

		atomic_store_explicit(&newest_life, life, memory_order_relaxed);
		while (!tr_mailbox_try_close(&mailbox, life))
			(void)handle_all(reverse(tr_mailbox_take(&mailbox, life)));
	}
	for (uint32_t i = 1; sender->number > 0 && i <= (uint32_t)EACH;) {
		const uint32_t unit = (sender->number - 1) * (uint32_t)EACH + i;

		sender->life = atomic_load_explicit(&newest_life, memory_order_relaxed);
		if (sender->life != 0 && push(sender, write_message(sender, unit, i)) == TR_PUSH_QUEUED)
			i++;
	}
	if (sender->number > 0)
		atomic_fetch_sub_explicit(&pushers_left, 1, memory_order_relaxed);
	return NULL;
}

START_TEST(test_mailbox_try_close_loses_no_message)
{
	struct catcher catchers[SENDERS];

	make_messages((size_t)(SENDERS - 1) * EACH);
	atomic_store_explicit(&newest_life, 0, memory_order_relaxed);
	atomic_store_explicit(&pushers_left, SENDERS - 1, memory_order_relaxed);
	for (uint32_t i = 0; i < SENDERS; i++)
		catchers[i] = (struct catcher){ .sender.number = i };
	run_together(SENDERS, push_or_try_close, catchers, sizeof *catchers);
	ck_assert_uint_eq(state.handled, (uint64_t)(SENDERS - 1) * EACH);
	ck_assert_uint_eq(state.disorders, 0);
	free_messages();
}
END_TEST

static TCase *
case_threads(void)
{
	TCase *tc = tcase_create("several threads");

	tcase_add_test(tc, test_mailbox_owner_takes_its_state_from_thread_to_thread);
	tcase_add_test(tc, test_mailbox_handles_every_message_once_and_in_order);
	tcase_add_test(tc, test_mailbox_may_see_the_same_unit_again_and_again);
	tcase_add_test(tc, test_mailbox_gives_each_life_its_own_messages);
	tcase_add_test(tc, test_mailbox_take_receives_every_message);
	tcase_add_test(tc, test_mailbox_seize_receives_every_message);
	tcase_add_test(tc, test_mailbox_close_receives_every_message);
	tcase_add_test(tc, test_mailbox_try_close_loses_no_message);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("mailbox with several threads");

	suite_add_tcase(suite, case_threads());
	return run_suite(suite);
}
