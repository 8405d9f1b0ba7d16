/* SPDX-License-Identifier: MIT */

/*
 * Misuse: a call that takes self, made anywhere but in the callback that was
 * given it, ends the process with a line that names the call.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <signal.h>
#include <sys/wait.h>

static const troupe_class plain_class = { .name = "plain", .receive = sys_ignore };

/* --- Every call that takes self. --- */

static void
call_stop_self(troupe_actor *self)
{
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static void
call_self(troupe_actor *self)
{
	(void)troupe_self(self);
}

static void
call_of(troupe_actor *self)
{
	(void)troupe_of(self);
}

static void
call_parent(troupe_actor *self)
{
	(void)troupe_parent(self);
}

static void
call_sender(troupe_actor *self)
{
	(void)troupe_sender(self);
}

static void
call_forward(troupe_actor *self)
{
	(void)troupe_forward(self, 0);
}

static void
call_keep(troupe_actor *self)
{
	troupe_msg *msg = troupe_keep(self);

	troupe_msg_free(&msg);
}

static void
call_unhandled(troupe_actor *self)
{
	troupe_unhandled(self, NULL);
}

static void
call_become(troupe_actor *self)
{
	(void)troupe_become(self, sys_ignore);
}

static void
call_set_name(troupe_actor *self)
{
	(void)troupe_set_name(self, "a name");
}

static void
call_name(troupe_actor *self)
{
	(void)troupe_name(self);
}

static void
call_spawn_child(troupe_actor *self)
{
	(void)troupe_spawn_child(self, &plain_class, NULL);
}

static void
call_reply(troupe_actor *self)
{
	(void)troupe_reply(self, 1, NULL, 0);
}

static void
hear(troupe_actor *self, void *state, const troupe_answer *answer)
{
	(void)self;
	(void)state;
	(void)answer;
}

static void
call_reply_msg(troupe_actor *self)
{
	(void)troupe_reply_msg(self, NULL);
}

static void
call_reply_error(troupe_actor *self)
{
	(void)troupe_reply_error(self, 1, "no");
}

static void
call_ask(troupe_actor *self)
{
	(void)troupe_ask(self, 0, 1, NULL, 0, 0, hear, NULL);
}

static void
call_ask_msg(troupe_actor *self)
{
	(void)troupe_ask_msg(self, 0, NULL, 0, hear, NULL);
}

static void
call_gather(troupe_actor *self)
{
	(void)troupe_gather(self, NULL, 0, 0, 0, NULL, NULL);
}

static void
call_send_after(troupe_actor *self)
{
	(void)troupe_send_after(self, 0, 1, NULL, 0);
}

static void
call_send_at(troupe_actor *self)
{
	(void)troupe_send_at(self, 0, 1, NULL, 0);
}

static void
call_send_every(troupe_actor *self)
{
	(void)troupe_send_every(self, TROUPE_MS, TROUPE_MISSED_SKIP, 1, NULL, 0);
}

static void
call_cancel(troupe_actor *self)
{
	(void)troupe_cancel(self, 0);
}

static void
call_set_idle_timeout(troupe_actor *self)
{
	(void)troupe_set_idle_timeout(self, TROUPE_MS);
}

static void
call_fail(troupe_actor *self)
{
	troupe_fail(self, 1, "no");
}

static void
call_monitor(troupe_actor *self)
{
	(void)troupe_monitor(self, 0);
}

static void
call_demonitor(troupe_actor *self)
{
	(void)troupe_demonitor(self, 0);
}

static void
call_link(troupe_actor *self)
{
	(void)troupe_link(self, 0);
}

static void
call_stash(troupe_actor *self)
{
	(void)troupe_stash(self);
}

static void
call_unstash(troupe_actor *self)
{
	(void)troupe_unstash(self, 1);
}

static void
call_become_over(troupe_actor *self)
{
	(void)troupe_become_over(self, sys_ignore);
}

static void
call_unbecome(troupe_actor *self)
{
	(void)troupe_unbecome(self);
}

static void
call_register(troupe_actor *self)
{
	(void)troupe_register(self, "a name");
}

static void
call_unregister(troupe_actor *self)
{
	(void)troupe_unregister(self, "a name");
}

static void
call_await_name(troupe_actor *self)
{
	(void)troupe_await_name(self, "a name", 0, hear, NULL);
}

static const struct call {
	const char *name; /* that the line is to have */
	void (*make)(troupe_actor *self);
} calls[] = {
	{ "troupe_stop_self", call_stop_self },
	{ "troupe_self", call_self },
	{ "troupe_of", call_of },
	{ "troupe_parent", call_parent },
	{ "troupe_sender", call_sender },
	{ "troupe_reply", call_reply },
	{ "troupe_forward", call_forward },
	{ "troupe_keep", call_keep },
	{ "troupe_unhandled", call_unhandled },
	{ "troupe_become", call_become },
	{ "troupe_set_name", call_set_name },
	{ "troupe_name", call_name },
	{ "troupe_spawn_child", call_spawn_child },
	{ "troupe_reply_msg", call_reply_msg },
	{ "troupe_reply_error", call_reply_error },
	{ "troupe_ask", call_ask },
	{ "troupe_ask_msg", call_ask_msg },
	{ "troupe_gather", call_gather },
	{ "troupe_send_after", call_send_after },
	{ "troupe_send_at", call_send_at },
	{ "troupe_send_every", call_send_every },
	{ "troupe_cancel", call_cancel },
	{ "troupe_set_idle_timeout", call_set_idle_timeout },
	{ "troupe_fail", call_fail },
	{ "troupe_monitor", call_monitor },
	{ "troupe_demonitor", call_demonitor },
	{ "troupe_link", call_link },
	{ "troupe_stash", call_stash },
	{ "troupe_unstash", call_unstash },
	{ "troupe_become_over", call_become_over },
	{ "troupe_unbecome", call_unbecome },
	{ "troupe_register", call_register },
	{ "troupe_unregister", call_unregister },
	{ "troupe_await_name", call_await_name },
};
#define CALLS ((int)(sizeof calls / sizeof *calls))

/* --- Every place where it does not belong. --- */

enum place {
	NOWHERE,          /* NULL, and no callback runs */
	NULL_IN_CALLBACK, /* NULL in a callback */
	AFTERWARDS,       /* in the thread that ran the callback, after it */
	OTHER_THREAD,     /* while the callback runs */
	OTHER_ACTOR,      /* in another actor's callback */
	NESTED_START,     /* the spawner's, in the start of what it spawns */
	IN_DESTRUCTOR,    /* of a message that nobody handles any more, outside of any callback */
	PLACES
};

/* Read and written by the process that is to end. */
static struct misuse {
	const struct call *call;
	enum place place;
	troupe *t;
	troupe_actor *first;
} misuse;

static void *
make_call_in_thread(void *self)
{
	misuse.call->make(self);
	return NULL;
}

static int
misuse_in_start(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	(void)state;
	(void)argument;
	misuse.call->make(misuse.first);
	return 0;
}

static const troupe_class nested_class = { .name = "nested", .receive = sys_ignore, .start = misuse_in_start };

static void
misuse_in_behavior(troupe_actor *self, void *state, const troupe_msg *msg)
{
	pthread_t thread;

	(void)state;
	(void)msg;
	if (misuse.first == NULL)
		misuse.first = self;
	switch (misuse.place) {
	case NULL_IN_CALLBACK:
		misuse.call->make(NULL);
		break;
	case OTHER_THREAD:
		if (pthread_create(&thread, NULL, make_call_in_thread, self) == 0)
			pthread_join(thread, NULL);
		break;
	case OTHER_ACTOR:
		if (misuse.first != self)
			misuse.call->make(misuse.first);
		break;
	case NESTED_START:
		(void)troupe_spawn(misuse.t, &nested_class, NULL);
		break;
	case NOWHERE:
	case AFTERWARDS:
	case IN_DESTRUCTOR:
	case PLACES:
		break;
	}
}

static const troupe_class misuser_class = { .name = "misuser", .receive = misuse_in_behavior };

static void
misuse_in_destructor(void *body, size_t size)
{
	(void)body;
	(void)size;
	misuse.call->make(misuse.first);
}

/* Returns if nothing ended it. */
static int
commit_misuse(void *unused)
{
	(void)unused;
	misuse.t = troupe_open(&(troupe_options){ .workers = TROUPE_WORKERS_NONE });
	troupe_ref who[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		who[i] = troupe_spawn(misuse.t, &misuser_class, NULL);
		if (troupe_send(who[i], 1, NULL, 0) != TROUPE_OK || troupe_wait(misuse.t, TROUPE_FOREVER) != TROUPE_OK)
			return 2;
	}
	if (misuse.place == NOWHERE)
		misuse.call->make(NULL);
	if (misuse.place == AFTERWARDS)
		misuse.call->make(misuse.first);
	if (misuse.place == IN_DESTRUCTOR) {
		troupe_msg *msg = troupe_msg_new(1, 8, misuse_in_destructor);

		troupe_msg_free(&msg);
	}
	return 1;
}

START_TEST(test_system_misuse_of_self_is_named)
{
	sys_ending ending;

	misuse = (struct misuse){ .call = &calls[_i / PLACES], .place = (enum place)(_i % PLACES) };
	sys_run_child(&ending, commit_misuse, NULL);
	ck_assert_msg(WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGABRT,
	    "%s at place %d: the process ended with status %x and said: %s", misuse.call->name, (int)misuse.place,
	    (unsigned)ending.status, ending.text);
	ck_assert_msg(strstr(ending.text, misuse.call->name) != NULL && strstr(ending.text, "self") != NULL,
	    "%s at place %d: it said: %s", misuse.call->name, (int)misuse.place, ending.text);
}
END_TEST

/* --- What is right, so that the check is not for nothing. --- */

struct right {
	bool behaved, started, stopped;
};

static bool
make_all_calls(troupe_actor *self, bool has_message)
{
	bool right = troupe_self(self) != 0 && troupe_of(self) != NULL && troupe_parent(self) == 0 &&
	             troupe_sender(self) == 0 && troupe_reply(self, 1, NULL, 0) == TROUPE_INVALID &&
	             troupe_forward(self, 0) == TROUPE_INVALID && troupe_set_name(self, "right") == TROUPE_OK &&
	             strcmp(troupe_name(self), "right") == 0;
	troupe_msg *msg = troupe_keep(self);

	right = right && (msg != NULL) == has_message;
	troupe_msg_free(&msg);
	return right && troupe_stash(self) == TROUPE_INVALID && troupe_unstash(self, 1) == 0 &&
	       troupe_become_over(self, sys_ignore) == TROUPE_OK && troupe_unbecome(self) == TROUPE_OK &&
	       !troupe_cancel(self, 0) && !troupe_demonitor(self, 0) && troupe_link(self, 0) == TROUPE_INVALID &&
	       troupe_unregister(self, "another's") == TROUPE_INVALID;
}

static int
start_quietly(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	(void)state;
	(void)argument;
	return 0;
}

static const troupe_class started_class = { .name = "started", .receive = sys_ignore, .start = start_quietly };

static void
be_right(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct right *r = *(struct right **)state;

	(void)msg;
	/* A start that is nested leaves all as it was, the message in hand too. */
	r->behaved = troupe_spawn_child(self, &started_class, NULL) != 0 && make_all_calls(self, true);
	troupe_stop_self(self, TROUPE_STOP_NOW);
}

static int
start_right(troupe_actor *self, void *state, const void *argument)
{
	struct right *r;

	memcpy(state, &argument, sizeof argument);
	r = *(struct right **)state;
	r->started = make_all_calls(self, false);
	return 0;
}

static void
stop_right(troupe_actor *self, void *state, troupe_reason reason)
{
	struct right *r = *(struct right **)state;

	(void)reason;
	r->stopped = make_all_calls(self, false);
}

static const troupe_class right_class = {
	.name = "right",
	.state_size = sizeof(struct right *),
	.receive = be_right,
	.start = start_right,
	.stop = stop_right,
};

/* Stopped by itself, and by the close of its runtime. */
START_TEST(test_system_misuse_is_not_what_callbacks_do)
{
	struct right r[2] = { { false, false, false }, { false, false, false } };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	troupe_ref first = sys_spawn(t, &right_class, &r[0]);

	sys_spawn(t, &right_class, &r[1]);
	sys_send(first, 1, NULL, 0);
	sys_wait(t);
	sys_close(t, NULL);
	ck_assert(r[0].started && r[0].behaved && r[0].stopped);
	ck_assert(r[1].started && r[1].stopped);
}
END_TEST

/* --- Another actor's tokens. --- */

enum { LEND = 1, STEAL };

typedef struct loan {
	troupe_timer timer;
	troupe_monitoring monitoring;
	uint32_t wrong;
} loan;

/*
 * Lends what it has ended; or takes the same slots for its own, again and
 * again, and tries what was lent to it.
 */
static void
lend_or_steal(troupe_actor *self, void *state, const troupe_msg *msg)
{
	loan *t = *(loan *const *)msg->body;
	troupe_timer timer = 0;

	(void)state;
	for (int round = 0; round < (msg->type == STEAL ? SYS_SCALED(3000) : 1); round++) {
		troupe_monitoring monitoring = troupe_monitor(self, troupe_self(self));

		timer = troupe_send_after(self, TROUPE_SECOND, STEAL, NULL, 0);
		if (msg->type == STEAL)
			t->wrong += troupe_cancel(self, t->timer) || troupe_demonitor(self, t->monitoring);
		t->wrong += !troupe_cancel(self, timer) || !troupe_demonitor(self, monitoring);
		if (msg->type == LEND)
			*t = (loan){ timer, monitoring, t->wrong };
	}
}

START_TEST(test_system_misuse_of_the_tokens_of_others_does_nothing)
{
	static const troupe_class class_ = { .receive = lend_or_steal };
	troupe *t = sys_open_with((troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED }, NULL);
	loan theft = { 0 }, *body = &theft;
	troupe_ref refs[20];

	for (int i = 0; i < 20; i++)
		refs[i] = sys_spawn(t, &class_, NULL);
	for (int i = 0; i < 19; i++) {
		sys_send(refs[i], LEND, &body, sizeof body);
		sys_wait(t);
		sys_send(refs[i + 1], STEAL, &body, sizeof body);
		sys_wait(t);
	}
	sys_close(t, NULL);
	ck_assert_uint_eq(theft.wrong, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_misuse");
	TCase *tc = tcase_create("self");

	tcase_add_loop_test(tc, test_system_misuse_of_self_is_named, 0, CALLS * PLACES);
	tcase_add_loop_test(tc, test_system_misuse_is_not_what_callbacks_do, 0, sys_shape_count);
	tcase_add_test(tc, test_system_misuse_of_the_tokens_of_others_does_nothing);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
