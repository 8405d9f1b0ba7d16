/* SPDX-License-Identifier: MIT */

/*
 * A child of fork inherits no runtime: every call in it says so, whatever
 * other threads were doing at the fork, and the parent goes on undisturbed.
 */

#include "tests/suite.h"
#include "tests/system.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 1, FORK };

/* What a child of fork needs to try everything. */
struct heirloom {
	troupe *t;
	troupe_ref ref;
	troupe_msg *msg;
	troupe_shared *block;
	sys_counter handled;
	int child_status;
};

static void
receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct heirloom *h = *(struct heirloom **)state;

	(void)self;
	(void)msg;
	sys_add(&h->handled, 1);
}

static int
start_heir(troupe_actor *self, void *state, const void *argument)
{
	memcpy(state, &argument, sizeof argument);
	/* Of the first, for the child to look for. */
	(void)troupe_register(self, "its name");
	return 0;
}

static const troupe_class counting_class = {
	.name = "counting",
	.state_size = sizeof(struct heirloom *),
	.start = start_heir,
	.receive = receive,
};

/* The number of the first thing that is not as promised; 0 is none.  No threads may start in here. */
static int
try_everything(struct heirloom *h)
{
	troupe_totals totals = { .accepted = 77 };
	troupe_msg *answer = NULL;
	troupe_ref found = 77;
	char text[100] = "untouched";
	int code = 77, step = 1;

#define TRY(condition) \
	do { \
		if (!(condition)) \
			return step; \
		step++; \
	} while (0)
#define TRY_NULL(call) TRY((call) == 0 && troupe_last_error() == TROUPE_FORKED)

	TRY(troupe_send(h->ref, COUNT, NULL, 0) == TROUPE_FORKED);
	TRY(troupe_send(h->ref, COUNT, text, sizeof text) == TROUPE_FORKED);
	TRY(troupe_send(0, COUNT, NULL, 0) == TROUPE_FORKED);
	TRY(troupe_send_urgent(h->ref, COUNT, NULL, 0) == TROUPE_FORKED);
	TRY(troupe_send_msg(h->ref, &h->msg) == TROUPE_FORKED && h->msg != NULL);
	TRY(troupe_send_shared(h->ref, COUNT, h->block) == TROUPE_FORKED);
	TRY(troupe_stop(h->ref, TROUPE_STOP_NOW) == TROUPE_FORKED);
	TRY_NULL(troupe_msg_new(COUNT, 10, NULL));
	TRY_NULL(troupe_shared_new(10, NULL));
	TRY_NULL(troupe_spawn(h->t, &counting_class, h));
	TRY_NULL(troupe_open(&(troupe_options){ .workers = TROUPE_WORKERS_NONE }));
	TRY(troupe_wait(h->t, TROUPE_FOREVER) == TROUPE_FORKED);
	TRY(troupe_run(h->t) == TROUPE_FORKED);
	TRY(troupe_run_once(h->t) == TROUPE_FORKED);
	TRY(troupe_close(h->t, 0, NULL, NULL) == TROUPE_FORKED);
	TRY(troupe_drain(h->t, TROUPE_FOREVER) == TROUPE_FORKED);
	TRY(troupe_lookup(h->t, "its name") == 0);
	TRY(troupe_wait_for(h->t, "its name", TROUPE_FOREVER, &found) == TROUPE_FORKED && found == 77);
	TRY(troupe_call(h->ref, COUNT, NULL, 0, TROUPE_SECOND, &answer, &code) == TROUPE_FORKED);
	TRY(answer == NULL && code == 77);
	TRY(troupe_answer_kept(&h->msg, COUNT, NULL, 0) == TROUPE_FORKED && h->msg != NULL);
	TRY(troupe_answer_kept_error(&h->msg, 1, "no") == TROUPE_FORKED && h->msg != NULL);
	TRY(!troupe_is_request(h->msg));
	TRY(troupe_hold(h->t) == TROUPE_FORKED);
	TRY(troupe_release(h->t) == TROUPE_FORKED);
	TRY(troupe_now(h->t) == 0);
	TRY(troupe_config_text(h->t, text, sizeof text) == 0 && text[0] == '\0');
	troupe_get_totals(h->t, &totals);
	TRY(totals.accepted == 77);
	troupe_shutdown(h->t);
	troupe_msg_free(&h->msg);
	TRY(h->msg == NULL);
	troupe_shared_release(&h->block);
	TRY(h->block == NULL);
	TRY(troupe_last_error() == TROUPE_FORKED && strlen(troupe_last_error_text()) > 0);
	return 0;
#undef TRY
#undef TRY_NULL
}

static int
wait_for_child(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child ? status : -1;
}

static void
assert_child(int status)
{
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "step %d in the child, or signal %d",
	    WEXITSTATUS(status), WTERMSIG(status));
}

static void
make_heirloom(struct heirloom *h, troupe *t)
{
	h->t = t;
	h->ref = sys_spawn(t, &counting_class, h);
	h->msg = troupe_msg_new(COUNT, 500, NULL);
	h->block = troupe_shared_new(500, NULL);
}

START_TEST(test_system_fork_child_is_told_by_every_call)
{
	struct heirloom h = { 0 };
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	make_heirloom(&h, t);
	sys_send(h.ref, COUNT, NULL, 0);
	sys_wait(t);
	fflush(NULL);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(try_everything(&h));
	assert_child(wait_for_child(child));

	/* The parent has what it had. */
	sys_assert_status(troupe_send_msg(h.ref, &h.msg), TROUPE_OK);
	sys_assert_status(troupe_send_shared(h.ref, COUNT, h.block), TROUPE_OK);
	troupe_shared_release(&h.block);
	sys_wait(t);
	sys_assert_count(h.handled, 3);
	sys_close(t, NULL);
}
END_TEST

/* --- At any moment. --- */

struct noise {
	struct heirloom *heirloom;
	sys_counter stop;
};

/* Takes whatever locks there are, as often as it can. */
static void *
make_noise(void *noise)
{
	struct noise *n = noise;
	troupe_totals totals;

	while (sys_get(&n->stop) == 0) {
		troupe_msg *kept[300];

		for (int i = 0; i < 300; i++)
			kept[i] = troupe_msg_new(COUNT, 0, NULL);
		for (int i = 0; i < 300; i++)
			troupe_msg_free(&kept[i]);
		(void)troupe_send(n->heirloom->ref, COUNT, NULL, 0);
		troupe_get_totals(n->heirloom->t, &totals);
		(void)troupe_lookup(n->heirloom->t, "its name");
		(void)troupe_call(n->heirloom->ref, COUNT, NULL, 0, TROUPE_SECOND, NULL, NULL);
		(void)troupe_hold(n->heirloom->t);
		(void)troupe_release(n->heirloom->t);
	}
	return NULL;
}

START_TEST(test_system_fork_while_threads_are_at_it)
{
	struct heirloom h = { 0 };
	struct noise noise = { .heirloom = &h };
	pthread_t threads[3];
	troupe *t = sys_open(2, NULL);

	make_heirloom(&h, t);
	for (int i = 0; i < 3; i++)
		threads[i] = sys_start(make_noise, &noise);
	for (int i = 0; i < SYS_SCALED(200); i++) {
		pid_t child = fork();

		ck_assert_int_ge(child, 0);
		if (child == 0)
			_exit(try_everything(&h));
		assert_child(wait_for_child(child));
	}
	sys_set(&noise.stop, 1);
	for (int i = 0; i < 3; i++)
		sys_join(threads[i]);
	troupe_msg_free(&h.msg);
	troupe_shared_release(&h.block);
	sys_wait(t);
	sys_close(t, NULL);
}
END_TEST

/* A thread that used troupe forks, and the child ends by leaving that thread. */
static void *
fork_and_leave(void *heirloom)
{
	struct heirloom *h = heirloom;

	(void)troupe_send(h->ref, COUNT, NULL, 0);
	pid_t child = fork();
	if (child == 0)
		pthread_exit(NULL); /* the last thread: exits with 0, after what threads do at their end */
	h->child_status = child < 0 ? -1 : wait_for_child(child);
	return NULL;
}

START_TEST(test_system_fork_child_may_end_its_thread)
{
	struct heirloom h = { 0 };
	struct noise noise = { .heirloom = &h };
	troupe *t = sys_open(2, NULL);

	make_heirloom(&h, t);
	pthread_t noisy = sys_start(make_noise, &noise);
	/* A sanitizer has its own idea of the end of a process. */
	for (int i = 0; i < (SYS_SANITIZED ? 0 : 50); i++) {
		sys_join(sys_start(fork_and_leave, &h));
		assert_child(h.child_status);
	}
	sys_set(&noise.stop, 1);
	sys_join(noisy);
	troupe_msg_free(&h.msg);
	troupe_shared_release(&h.block);
	sys_close(t, NULL);
}
END_TEST

/* --- From a behavior. --- */

static void
fork_in_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	struct heirloom *h = *(struct heirloom **)state;

	(void)self;
	if (msg->type != FORK)
		return;
	pid_t child = fork();
	if (child == 0)
		_exit(try_everything(h));
	h->child_status = child < 0 ? -1 : wait_for_child(child);
}

static const troupe_class forking_classes[] = {
	{
	    .name = "forking",
	    .state_size = sizeof(struct heirloom *),
	    .start = start_heir,
	    .receive = fork_in_receive,
	},
	{
	    .name = "forking, dedicated",
	    .flags = TROUPE_DEDICATED,
	    .state_size = sizeof(struct heirloom *),
	    .start = start_heir,
	    .receive = fork_in_receive,
	},
};

START_TEST(test_system_fork_from_a_behavior)
{
	struct heirloom h = { .child_status = -1 };
	troupe *t = sys_open_shape(&sys_shapes[_i / 2], NULL);

	make_heirloom(&h, t);
	sys_send(sys_spawn(t, &forking_classes[_i % 2], &h), FORK, NULL, 0);
	sys_wait(t);
	assert_child(h.child_status);
	sys_send(h.ref, COUNT, NULL, 0);
	sys_wait(t);
	sys_assert_count(h.handled, 1);
	troupe_msg_free(&h.msg);
	troupe_shared_release(&h.block);
	sys_close(t, NULL);
}
END_TEST

/* --- Before troupe is used, a fork is nothing special. --- */

static int
use_troupe(void *argument)
{
	(void)argument;
	troupe *t = troupe_open(&(troupe_options){ .workers = 1 });

	if (t == NULL)
		return 1;
	struct heirloom h = { .t = t };
	h.ref = troupe_spawn(t, &counting_class, &h);
	if (h.ref == 0 || troupe_send(h.ref, COUNT, NULL, 0) != TROUPE_OK || troupe_run(t) != TROUPE_OK)
		return 2;
	return sys_get(&h.handled) == 1 ? 0 : 3;
}

START_TEST(test_system_fork_before_the_first_call_is_free)
{
	sys_ending ending;

	sys_run_child(&ending, use_troupe, NULL);
	assert_child(ending.status);
	ck_assert_int_eq(use_troupe(NULL), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_fork");
	TCase *tc = tcase_create("fork");

	tcase_add_loop_test(tc, test_system_fork_child_is_told_by_every_call, 0, sys_shape_count);
	tcase_add_test(tc, test_system_fork_while_threads_are_at_it);
	tcase_add_test(tc, test_system_fork_child_may_end_its_thread);
	tcase_add_loop_test(tc, test_system_fork_from_a_behavior, 0, 2 * sys_shape_count);
	tcase_add_test(tc, test_system_fork_before_the_first_call_is_free);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
