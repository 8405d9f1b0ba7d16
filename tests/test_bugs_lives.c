/* SPDX-License-Identifier: MIT */

/*
 * The bugs that the lives of actors and timers have had in actor systems, by
 * name: how each goes wrong, why it cannot here, and the very moment in which
 * it would.
 */

#include "runtime/actor/actor.h"
#include "runtime/actor/runtime.h"
#include "tests/support.h"
#include "tests/system.h"
#include "tests/window.h"

#include <check.h>

/* --- An actor of which each access is looked at. --- */

enum { GO = 1, STOP, SEND_AND_STOP, DRAIN, FAIL, REGISTER };

static void
do_as_told(troupe_actor *self, void *state, const troupe_msg *msg)
{
	++*(int *)state;
	if (msg->type == SEND_AND_STOP)
		(void)troupe_send(troupe_self(self), GO, NULL, 0);
	if (msg->type == STOP || msg->type == SEND_AND_STOP)
		troupe_stop_self(self, TROUPE_STOP_NOW);
	else if (msg->type == DRAIN)
		troupe_stop_self(self, TROUPE_STOP_DRAIN);
	else if (msg->type == FAIL)
		troupe_fail(self, 1, "as told");
	else if (msg->type == REGISTER)
		(void)troupe_register(self, "its name");
}

static void
note_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	++*(int *)state;
}

static const troupe_class obedient_classes[] = {
	{ .name = "obedient", .state_size = sizeof(int), .receive = do_as_told },
	{ .name = "with a stop", .state_size = sizeof(int), .receive = do_as_told, .stop = note_stop },
	{ .name = "busy", .flags = TROUPE_BUSY, .state_size = sizeof(int), .receive = do_as_told },
};
#define OBEDIENT ((int)(sizeof obedient_classes / sizeof *obedient_classes))

static troupe *runtime;
static troupe_actor *actor;

static troupe_ref
open_with_actor(const troupe_class *class_)
{
	const sys_shape driven = { "driven", TROUPE_WORKERS_NONE, 0, 0, TROUPE_SCHEDULER_POOL };

	runtime = sys_open_tolerant(&driven, NULL);
	const troupe_ref ref = sys_spawn(runtime, class_, NULL);
	actor = tr_ref_slot(ref);
	return ref;
}

/* One turn: it is the only actor, and the only one on its page. */
static void
watch_turn(bool (*is_over)(void))
{
	window_watch(actor, is_over);
	const troupe_status status = troupe_run_once(runtime);
	const window_view view = window_end_watch();

	sys_assert_status(status, TROUPE_OK);
	ck_assert_uint_eq(view.late, 0);
	ck_assert_int_eq(view.seen > 0, WINDOW_CAN_WATCH);
}

static bool
is_idle(void)
{
	return tr_mailbox_is_idle(&actor->mailbox);
}

/* It is in the magazine of the thread that ran it, to be the next actor. */
static bool
is_free(void)
{
	const unsigned size_class = tr_arena_size_class(tr_actor_unit(actor) / TR_BLOCK_UNITS);
	const tr_magazine *magazine = &runtime->contexts[0].cache.actors[size_class];
	bool found = false;

	for (uint32_t i = 0; i < magazine->count; i++)
		found |= magazine->slots[i] == tr_actor_unit(actor);
	return found;
}

/* Not driven by this thread: held up in its callback until each access is looked at. */
static sys_gate callback_gate;

static void
pass_gate(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)msg;
	sys_gate_pass(&callback_gate);
	++*(int *)state;
}

static void
watch_turn_of_another_thread(unsigned flags)
{
	const troupe_class class_ = { .flags = flags, .state_size = sizeof(int), .receive = pass_gate };
	troupe *t = sys_open(1, NULL);
	const troupe_ref ref = sys_spawn(t, &class_, NULL);

	actor = tr_ref_slot(ref);
	sys_gate_init(&callback_gate);
	sys_send(ref, GO, NULL, 0);
	sys_gate_await(&callback_gate, 1);
	window_watch(actor, is_idle);
	sys_gate_open(&callback_gate);
	const troupe_status status = troupe_drain(t, TROUPE_FOREVER);
	const window_view view = window_end_watch();
	sys_assert_status(status, TROUPE_OK);
	ck_assert_uint_eq(view.late, 0);
	ck_assert_int_eq(view.seen > 0, WINDOW_CAN_WATCH);
	ck_assert(is_idle());
	sys_close(t, NULL);
}

/*
 * Actor freed while its last runner still marks it idle (Pony, where who frees
 * it spins until the runner has let go): between the step to idle and what the
 * runner does after it, another thread runs the actor, stops it, and gives its
 * slot to somebody else.  Here the step to idle is the last access to an actor
 * in a turn (tr_mailbox_try_idle), of whatever kind of turn.
 */
START_TEST(test_bugs_actor_freed_while_its_last_runner_marks_it_idle)
{
	for (int i = 0; i < OBEDIENT; i++) {
		const troupe_ref ref = open_with_actor(&obedient_classes[i]);

		for (int round = 0; round < 4; round++) {
			sys_send(ref, GO, NULL, 0);
			sys_send(ref, GO, NULL, 0);
			if (round % 2 == 1)
				sys_assert_status(troupe_send_urgent(ref, GO, NULL, 0), TROUPE_OK);
			if (round == 2)
				sys_send(ref, REGISTER, NULL, 0); /* no turn is a plain one from here on */
			watch_turn(is_idle);
			ck_assert(is_idle());
		}
		sys_close(runtime, NULL);
	}
	watch_turn_of_another_thread(0);
	watch_turn_of_another_thread(TROUPE_DEDICATED);
}
END_TEST

/* In its own callback, or told from outside. */
#define WAYS_TO_END 6

static void
tell_end(troupe_ref ref, int how)
{
	static const uint32_t orders[] = { STOP, SEND_AND_STOP, DRAIN, FAIL };

	if (how < 4)
		sys_send(ref, orders[how], NULL, 0);
	else
		sys_assert_status(troupe_stop(ref, how == 4 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN),
		    TROUPE_OK);
}

/* What there may be besides: a name, and a message that waits. */
static void
end_watched(const troupe_class *class_, int how, bool has_name, bool is_sent_more)
{
	const troupe_ref ref = open_with_actor(class_);

	if (has_name) {
		sys_send(ref, REGISTER, NULL, 0);
		(void)sys_wait(runtime);
	}
	sys_send(ref, GO, NULL, 0);
	tell_end(ref, how);
	if (is_sent_more)
		sys_send(ref, GO, NULL, 0);
	watch_turn(is_free);
	ck_assert(is_free());
	sys_assert_status(troupe_send(ref, GO, NULL, 0), TROUPE_DEAD);
	sys_close(runtime, NULL);
}

/*
 * Use of the actor after it was stopped by its own runner: the turn that stops
 * an actor goes on with it, to count, to look for more, to put it back, when
 * the slot is somebody else's already.  Here tr_stop_finish gives the slot
 * back as the last thing, and a turn that has come to TR_TURN_GONE looks at
 * its context only.
 */
START_TEST(test_bugs_use_of_the_actor_after_stop_by_its_own_runner)
{
	for (int i = 0; i < OBEDIENT; i++)
		for (int how = 0; how < WAYS_TO_END; how++)
			for (int more = 0; more < 4; more++)
				end_watched(&obedient_classes[i], how, more / 2, more % 2);
}
END_TEST

/* --- Timers. --- */

enum { TICK = 10, TOCK };

#define TICKS TEST_SCALED(800)

/* Plain: the actor's. */
static struct {
	troupe_timer first, second, third;
	uint32_t ticks, tocks, reused, wrong;
	uint32_t rounds;
} watchmaker;

static uint32_t
cell_of(troupe_timer timer)
{
	return (uint32_t)timer;
}

/* The event thread has fired it, and its tick is in the mailbox: cancel it, and arm another. */
static void
cancel_on_its_way(troupe_actor *self)
{
	const size_t size = watchmaker.rounds++ % 2 == 0 ? 0 : sizeof watchmaker.rounds;

	watchmaker.first = troupe_send_after(self, 0, TICK, &watchmaker.rounds, size);
	while (!tr_mailbox_has_new(&self->mailbox))
		sched_yield();
	watchmaker.wrong += !troupe_cancel(self, watchmaker.first);
	watchmaker.second = troupe_send_after(self, 0, TOCK, NULL, 0);
	watchmaker.wrong += cell_of(watchmaker.second) == cell_of(watchmaker.first);
	watchmaker.wrong += troupe_cancel(self, watchmaker.first);
}

/* The first one's tick has gone by: its cell is another timer's now. */
static void
use_the_cell_again(troupe_actor *self)
{
	watchmaker.third = troupe_send_after(self, 0, TOCK, NULL, 0);
	watchmaker.reused += cell_of(watchmaker.third) == cell_of(watchmaker.first);
	watchmaker.wrong += troupe_cancel(self, watchmaker.first);
	watchmaker.wrong += troupe_cancel(self, watchmaker.second);
}

static void
make_watches(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->type == GO)
		cancel_on_its_way(self);
	else if (msg->type == TICK)
		watchmaker.ticks++;
	else if (watchmaker.tocks++ % 2 == 0)
		use_the_cell_again(self);
	else if (watchmaker.rounds < (uint32_t)TICKS)
		watchmaker.wrong += troupe_send(troupe_self(self), GO, NULL, 0) != TROUPE_OK;
}

/*
 * Timer fired, cancelled and its slot used again, all at once: the cancelled
 * timer fires all the same, or its tick is taken for that of the timer which
 * has its slot now.  Here a cell that is on its way when it is cancelled is
 * marked as ended, and given back by whoever gets it from the mailbox, not
 * before (cells.h); a token of before is another generation's (INV-CE-1).
 */
START_TEST(test_bugs_timer_fire_vs_cancel_vs_slot_reuse)
{
	static const troupe_class watchmaker_class = { .name = "watchmaker", .receive = make_watches };
	troupe *t = sys_open(1, NULL);

	sys_send(sys_spawn(t, &watchmaker_class, NULL), GO, NULL, 0);
	(void)sys_wait(t);
	ck_assert_uint_eq(watchmaker.ticks, 0);
	ck_assert_uint_eq(watchmaker.tocks, 2 * TICKS);
	ck_assert_uint_eq(watchmaker.reused, TICKS);
	ck_assert_uint_eq(watchmaker.wrong, 0);
	sys_close(t, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bugs of lives");
	TCase *tc = tcase_create("bugs");

	tcase_add_test(tc, test_bugs_actor_freed_while_its_last_runner_marks_it_idle);
	tcase_add_test(tc, test_bugs_use_of_the_actor_after_stop_by_its_own_runner);
	tcase_add_test(tc, test_bugs_timer_fire_vs_cancel_vs_slot_reuse);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
