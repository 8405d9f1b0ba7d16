/* SPDX-License-Identifier: MIT */
#include "tests/timing.h"

static int
start_script(troupe_actor *self, void *state, const void *argument)
{
	timing_script *script = *(timing_script **)state = (timing_script *)(uintptr_t)argument;

	return script->start != NULL ? script->start(self, script) : 0;
}

static void
stop_script(troupe_actor *self, void *state, troupe_reason reason)
{
	timing_script *script = *(timing_script **)state;

	script->stopped++;
	if (script->stop != NULL)
		script->stop(self, script, reason);
}

static void
note_and_do(troupe_actor *self, void *state, const troupe_msg *msg)
{
	timing_script *script = *(timing_script **)state;

	if (msg->type == GO) {
		script->begun = troupe_now(troupe_of(self));
	} else if (msg->type == BUSY) {
		script->busy++;
	} else if (script->count < TIMING_MOST) {
		script->type[script->count] = msg->type;
		script->at[script->count++] = troupe_now(troupe_of(self));
	} else {
		script->wrong++;
	}
	if (script->on != NULL)
		script->on(self, script, msg);
}

const troupe_class timing_class = {
	.name = "timing",
	.state_size = sizeof(timing_script *),
	.start = start_script,
	.receive = note_and_do,
	.stop = stop_script,
};

timing_script *
timing_fresh(timing_on *on)
{
	static timing_script script;

	memset(&script, 0, sizeof script);
	script.on = on;
	return &script;
}

timing_script *
timing_begin(timing_on *on)
{
	timing_script *script = timing_fresh(on);

	script->t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, NULL);
	sys_send(sys_spawn(script->t, &timing_class, script), GO, NULL, 0);
	return script;
}

troupe_totals
timing_end(timing_script *script)
{
	troupe_totals totals = sys_wait(script->t);

	ck_assert_uint_eq(script->wrong, 0);
	sys_close(script->t, NULL);
	ck_assert_uint_eq(script->stopped, 1);
	return totals;
}

/* An actor of its own that waits for that moment: time jumps from one timer to the next. */
static int
wait_for_it(troupe_actor *self, void *state, const void *until)
{
	(void)state;
	return troupe_send_at(self, *(const int64_t *)until, DONE, NULL, 0) == 0;
}

void
timing_pass(timing_script *script, int64_t until)
{
	static const troupe_class class_ = { .start = wait_for_it, .receive = sys_ignore };
	troupe_ref waiter = sys_spawn(script->t, &class_, &until);

	troupe_status status = TROUPE_OK;

	while (status == TROUPE_OK && troupe_now(script->t) < until)
		status = troupe_run_once(script->t);
	sys_assert_status(status, TROUPE_OK);
	sys_assert_status(troupe_stop(waiter, TROUPE_STOP_NOW), TROUPE_OK);
}
