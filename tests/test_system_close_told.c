/* SPDX-License-Identifier: MIT */

/*
 * Closing while an actor goes on beyond the deadline: what the runtime itself
 * has put into its mailbox ends like everything else there.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <sched.h>

enum { HOLD_UP = 1, WATCH };

#define WATCHERS 20

struct scene {
	sys_gate gate;
	troupe_ref held;
	sys_counter watching, told, failed;
};

static struct scene scene = { .gate = SYS_GATE_CLOSED };

static void
be_held_up(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)self;
	(void)state;
	if (msg->type == HOLD_UP)
		sys_gate_pass(&scene.gate);
}

static const troupe_class held_class = { .name = "held", .receive = be_held_up };
static const troupe_class own_class = { .name = "own", .flags = TROUPE_DEDICATED, .receive = be_held_up };

static void
watch(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->type == TROUPE_DOWN)
		sys_add(&scene.told, 1);
	else if (troupe_monitor(self, scene.held) == 0)
		sys_add(&scene.failed, 1);
	sys_add(&scene.watching, 1);
}

static const troupe_class watcher_class = { .name = "watcher", .receive = watch };

/* One that has counted itself as watching may not have returned from that yet. */
static void
note_survivor(void *context, const troupe_survivor *who)
{
	uint64_t *held = context;

	*held += who->ref == scene.held;
}

/* Those who watch it are not told, as they handle nothing more either; each accepted message has its outcome. */
START_TEST(test_system_close_told_to_an_actor_that_goes_on)
{
	sys_ledger ledger = { 0 };
	troupe *t = sys_open(2, &ledger);
	uint64_t held = 0;

	scene.held = sys_spawn(t, _i == 0 ? &held_class : &own_class, NULL);
	sys_send(scene.held, HOLD_UP, NULL, 0);
	sys_gate_await(&scene.gate, 1);
	for (int i = 0; i < WATCHERS; i++)
		sys_send(sys_spawn(t, &watcher_class, NULL), WATCH, NULL, 0);
	while (sys_get(&scene.watching) < WATCHERS)
		sched_yield();
	sys_assert_count(scene.failed, 0);

	sys_assert_status(troupe_close(t, 0, note_survivor, &held), TROUPE_TIMEOUT);
	ck_assert_uint_eq(held, 1);
	sys_gate_open(&scene.gate);
	sys_assert_status(troupe_close(t, -1, NULL, NULL), TROUPE_OK);
	sys_assert_count(scene.told, 0);
	sys_assert_count(ledger.logged, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_close_told");
	TCase *tc = tcase_create("survivors");

	tcase_add_loop_test(tc, test_system_close_told_to_an_actor_that_goes_on, 0, 2);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
