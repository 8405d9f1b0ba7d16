/* SPDX-License-Identifier: MIT */
#include "tests/puppet.h"

#include <limits.h>

sys_counter puppet_wrong;

typedef struct order {
	puppet_act *act;
	void *argument;
} order;

static int
start_puppet(troupe_actor *self, void *state, const void *argument)
{
	puppet_script *script = state;

	if (argument != NULL)
		*script = *(const puppet_script *)argument;
	return script->start != NULL ? script->start(self, script->argument) : 0;
}

static void
receive_order(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const puppet_script *script = state;

	if (msg->type == PUPPET_ORDER && msg->size == sizeof(order)) {
		order what = *(const order *)msg->body;

		what.act(self, what.argument);
	} else if (script->receive != NULL) {
		script->receive(self, script->argument, msg);
	}
}

static void
stop_puppet(troupe_actor *self, void *state, troupe_reason reason)
{
	const puppet_script *script = state;

	if (script->stop != NULL)
		script->stop(self, script->argument, reason);
}

static void
puppet_failed(troupe_actor *self, void *state, const troupe_failure *failure)
{
	const puppet_script *script = state;

	if (script->failed != NULL)
		script->failed(self, script->argument, failure);
}

const troupe_class puppet_class = {
	.name = "puppet",
	.state_size = sizeof(puppet_script),
	.start = start_puppet,
	.receive = receive_order,
	.stop = stop_puppet,
	.failed = puppet_failed,
	.argument_size = sizeof(puppet_script),
};

const troupe_class puppet_dedicated_class = {
	.name = "dedicated puppet",
	.flags = TROUPE_DEDICATED,
	.state_size = sizeof(puppet_script),
	.start = start_puppet,
	.receive = receive_order,
	.stop = stop_puppet,
	.failed = puppet_failed,
	.argument_size = sizeof(puppet_script),
};

static const troupe_supervisor at_once = { .restarts = INT_MAX, .backoff_ns = -1 };

const troupe_class puppet_supervisor_class = {
	.name = "supervising puppet",
	.state_size = sizeof(puppet_script),
	.start = start_puppet,
	.receive = receive_order,
	.stop = stop_puppet,
	.supervisor = &at_once,
};

void
puppet_tell(troupe_ref who, puppet_act *act, void *argument)
{
	order what = { act, argument };

	sys_send(who, PUPPET_ORDER, &what, sizeof what);
}

void
puppet_let(troupe *t, troupe_ref who, puppet_act *act, void *argument)
{
	puppet_tell(who, act, argument);
	sys_drain(t);
}

void
puppet_fail(troupe_actor *self, void *unused)
{
	(void)unused;
	troupe_fail(self, 1, "as it was told");
}

void
puppet_stop_now(troupe_actor *self, void *unused)
{
	(void)unused;
	troupe_stop_self(self, TROUPE_STOP_NOW);
}
