/* SPDX-License-Identifier: MIT */
#include "tests/exploring.h"

#include <stdio.h>

void
note_line(void *notes_, const char *text)
{
	notes *n = notes_;

	n->lines++;
	n->length += (size_t)snprintf(n->text + n->length, sizeof n->text - n->length, "%s\n", text);
	ck_assert_uint_lt(n->length, sizeof n->text);
}

void
assert_said(const notes *n, const char *text)
{
	ck_assert_msg(strstr(n->text, text) != NULL, "\"%s\" was not said in:\n%s", text, n->text);
}

void
set_variables(const char *assignments)
{
	char text[1024], *rest = text;

	snprintf(text, sizeof text, "%s", assignments);
	for (char *one; (one = strsep(&rest, " ")) != NULL;) {
		char *value = strchr(one, '=');

		*value++ = '\0';
		ck_assert_int_eq(setenv(one, value, 1), 0);
	}
}

/* --- The scenario. --- */

static void
count_on(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct counting *c = *(struct counting **)state;

	if (msg->type == READ)
		c->read_at = c->counted;
	else if (++c->counted < TURNS)
		(void)troupe_send(troupe_self(self), COUNT, NULL, 0);
}

static int
keep_argument(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, argument, sizeof(void *));
	return 0;
}

const troupe_class counting_class = {
	.name = "counting",
	.state_size = sizeof(struct counting *),
	.start = keep_argument,
	.receive = count_on,
};

int
read_at_some_time(troupe *t, int *read_at)
{
	struct counting c = { 0, -1 }, *pointer = &c;
	troupe_ref counter = troupe_spawn(t, &counting_class, &pointer);
	troupe_ref reader = troupe_spawn(t, &counting_class, &pointer);

	(void)troupe_send(counter, COUNT, NULL, 0);
	(void)troupe_send(reader, READ, NULL, 0);
	if (troupe_wait(t, TROUPE_FOREVER) != TROUPE_OK || c.counted != TURNS)
		return 1;
	*read_at = c.read_at;
	return c.read_at < 0;
}

int
read_in_between(troupe *t, void *context)
{
	int read_at, wrong = read_at_some_time(t, &read_at);

	(void)context;
	return wrong ? wrong : read_at == MOMENT ? 7 : 0;
}

const troupe_policy pct = TROUPE_POLICY_PCT, by_chance = TROUPE_POLICY_RANDOM,
		    in_turn = TROUPE_POLICY_ROUND_ROBIN;

troupe_exploration
reading(const troupe_policy *policy, const troupe_options *options, notes *n)
{
	return (troupe_exploration){
		.name = "reading",
		.scenario = read_in_between,
		.policies = policy,
		.policy_count = 1,
		.options = options,
		.say = note_line,
		.say_context = n,
	};
}
