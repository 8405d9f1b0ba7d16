/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <troupe.h>

enum { GREET = 1 };

struct greet {
	char name[24];
};

static void
greeter(troupe_actor *self, void *state, const troupe_msg *msg)
{
	int *greeted = state;
	const struct greet *g = troupe_body(msg, sizeof *g);

	if (msg->type == GREET && g)
		printf("hello, %s (%d so far)\n", g->name, ++*greeted);
	else
		troupe_unhandled(self, msg);
}

static const troupe_class greeter_class = {
	.name = "greeter",
	.state_size = sizeof(int),
	.receive = greeter,
};

int
main(void)
{
	troupe *t = troupe_open(NULL);
	if (t == NULL)
		return 1; /* the log, here stderr, says why */

	troupe_ref who = troupe_spawn(t, &greeter_class, NULL);
	if (troupe_send(who, GREET, &(struct greet){ "world" }, sizeof(struct greet)) != TROUPE_OK)
		fprintf(stderr, "hello: %s\n", troupe_last_error_text());
	return troupe_run(t) != TROUPE_OK; /* until nothing is left to do; then closes */
}
