/* SPDX-License-Identifier: MIT */

/*
 * Names: each belongs to one actor of a runtime at a time, from its
 * registration until that actor gives it back or stops, whatever stops it.
 */

#include "tests/puppet.h"
#include "tests/suite.h"

/* --- What one actor does with one name. --- */

struct deed {
	const char *name;
	troupe_status status;
};

static void
do_register(troupe_actor *self, void *deed)
{
	struct deed *d = deed;

	d->status = troupe_register(self, d->name);
}

static void
do_unregister(troupe_actor *self, void *deed)
{
	struct deed *d = deed;

	d->status = troupe_unregister(self, d->name);
}

static troupe_status
status_of(troupe *t, troupe_ref who, puppet_act *act, const char *name)
{
	struct deed d = { .name = name, .status = TROUPE_TIMEOUT };

	puppet_let(t, who, act, &d);
	return d.status;
}

#define assert_register(t, who, name, status)   sys_assert_status(status_of(t, who, do_register, name), status)
#define assert_unregister(t, who, name, status) sys_assert_status(status_of(t, who, do_unregister, name), status)

static void
assert_no_name(troupe *t, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(troupe_lookup(t, names[i]) == 0, "\"%s\" is somebody's", names[i]);
}

START_TEST(test_system_registry_name_belongs_to_one_actor)
{
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);
	troupe_ref a = sys_spawn(t, &puppet_class, NULL), b = sys_spawn(t, &puppet_dedicated_class, NULL);

	ck_assert_uint_eq(troupe_lookup(t, "name"), 0);
	assert_register(t, a, "name", TROUPE_OK);
	ck_assert_uint_eq(troupe_lookup(t, "name"), a);
	assert_register(t, b, "name", TROUPE_TAKEN);
	ck_assert_uint_eq(troupe_lookup(t, "name"), a);
	assert_unregister(t, b, "name", TROUPE_INVALID);
	ck_assert_uint_eq(troupe_lookup(t, "name"), a);
	/* One's own is not taken, and one's own once. */
	assert_register(t, a, "name", TROUPE_OK);
	assert_unregister(t, a, "name", TROUPE_OK);
	ck_assert_uint_eq(troupe_lookup(t, "name"), 0);
	assert_unregister(t, a, "name", TROUPE_INVALID);
	assert_register(t, b, "name", TROUPE_OK);
	ck_assert_uint_eq(troupe_lookup(t, "name"), b);
	assert_register(t, a, "name", TROUPE_TAKEN);
	sys_close(t, NULL);
}
END_TEST

static void
read_taken(troupe_actor *self, void *unused)
{
	(void)unused;
	promise(troupe_register(self, "taken") == TROUPE_TAKEN && troupe_last_error() == TROUPE_TAKEN &&
	        strstr(troupe_last_error_text(), "taken") != NULL);
	promise(troupe_unregister(self, "taken") == TROUPE_INVALID && troupe_last_error() == TROUPE_INVALID);
}

START_TEST(test_system_registry_failure_says_what_it_was)
{
	troupe *t = sys_open(1, NULL);

	assert_register(t, sys_spawn(t, &puppet_class, NULL), "taken", TROUPE_OK);
	puppet_let(t, sys_spawn(t, &puppet_class, NULL), read_taken, NULL);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_registry_name_has_1_to_255_bytes)
{
	static const size_t lengths[] = { 1, 2, 254, 255, 256, 257, 10000 };
	char name[10001];
	troupe_ref found = 77;
	troupe *t = sys_open(1, NULL);
	troupe_ref who = sys_spawn(t, &puppet_class, NULL), other = sys_spawn(t, &puppet_class, NULL);

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		troupe_status status = lengths[i] <= TROUPE_NAME_MAX ? TROUPE_OK : TROUPE_INVALID;

		/* Also bytes that are no ASCII, and a difference in the last one alone. */
		memset(name, i % 2 ? 0xff : 'n', sizeof name);
		name[lengths[i]] = '\0';
		assert_register(t, who, name, status);
		ck_assert_uint_eq(troupe_lookup(t, name), status == TROUPE_OK ? who : 0);
		sys_assert_status(troupe_wait_for(t, name, 0, &found), status);
		ck_assert_uint_eq(found, status == TROUPE_OK ? who : 77);
		found = 77;
		name[lengths[i] - 1] = 'm';
		ck_assert_uint_eq(troupe_lookup(t, name), 0);
		assert_register(t, other, name, status);
		assert_unregister(t, other, name, status);
		name[lengths[i] - 1] = i % 2 ? (char)0xff : 'n';
		assert_unregister(t, who, name, status);
	}
	assert_register(t, who, "", TROUPE_INVALID);
	assert_register(t, who, NULL, TROUPE_INVALID);
	assert_unregister(t, who, "", TROUPE_INVALID);
	assert_unregister(t, who, NULL, TROUPE_INVALID);
	ck_assert_uint_eq(troupe_lookup(t, ""), 0);
	ck_assert_uint_eq(troupe_lookup(t, NULL), 0);
	sys_assert_status(troupe_wait_for(t, "", 0, &found), TROUPE_INVALID);
	sys_assert_status(troupe_wait_for(t, NULL, 0, &found), TROUPE_INVALID);
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_registry_text_of_a_name_is_copied)
{
	char name[] = "before";
	troupe *t = sys_open(1, NULL);
	troupe_ref who = sys_spawn(t, &puppet_class, NULL);

	assert_register(t, who, name, TROUPE_OK);
	name[0] = 'B';
	ck_assert_uint_eq(troupe_lookup(t, name), 0);
	ck_assert_uint_eq(troupe_lookup(t, "before"), who);
	sys_close(t, NULL);
}
END_TEST

/* --- Several names, of several actors, in any order. --- */

static void
register_some(troupe_actor *self, void *first)
{
	for (int i = *(int *)first; i < 1000; i += 10) {
		char name[20];

		snprintf(name, sizeof name, "name %d", i);
		promise(troupe_register(self, name) == TROUPE_OK);
	}
}

static void
unregister_every_third(troupe_actor *self, void *first)
{
	for (int i = *(int *)first; i < 1000; i += 10) {
		char name[20];

		snprintf(name, sizeof name, "name %d", i);
		promise(i % 3 != 0 || troupe_unregister(self, name) == TROUPE_OK);
	}
}

/* Of those who are `living`, but for every third. */
static void
assert_some(troupe *t, const troupe_ref who[10], int living, bool thinned)
{
	for (int i = 0; i < 1000; i++) {
		char name[20];

		snprintf(name, sizeof name, "name %d", i);
		bool owned = i % 10 < living && (!thinned || i % 3 != 0);
		ck_assert_uint_eq(troupe_lookup(t, name), owned ? who[i % 10] : 0);
	}
}

START_TEST(test_system_registry_actor_may_have_several_names)
{
	troupe_ref who[10];
	int first[10];
	troupe *t = sys_open_shape(&sys_shapes[_i], NULL);

	for (int i = 0; i < 10; i++) {
		first[i] = i;
		who[i] = sys_spawn(t, &puppet_class, NULL);
		puppet_tell(who[i], register_some, &first[i]);
	}
	sys_wait(t);
	assert_some(t, who, 10, false);
	for (int i = 0; i < 10; i++)
		puppet_tell(who[i], unregister_every_third, &first[i]);
	sys_wait(t);
	assert_some(t, who, 10, true);
	for (int i = 9; i >= 0; i--) {
		sys_assert_status(troupe_stop(who[i], TROUPE_STOP_DRAIN), TROUPE_OK);
		sys_wait(t);
		assert_some(t, who, i, true);
	}
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_registry_belongs_to_its_runtime)
{
	troupe *first = sys_open(1, NULL), *second = sys_open(TROUPE_WORKERS_NONE, NULL);
	troupe_ref a = sys_spawn(first, &puppet_class, NULL), b = sys_spawn(second, &puppet_class, NULL);

	assert_register(first, a, "name", TROUPE_OK);
	ck_assert_uint_eq(troupe_lookup(second, "name"), 0);
	assert_register(second, b, "name", TROUPE_OK);
	ck_assert_uint_eq(troupe_lookup(first, "name"), a);
	sys_close(first, NULL);
	ck_assert_uint_eq(troupe_lookup(second, "name"), b);
	ck_assert_uint_eq(troupe_lookup(NULL, "name"), 0);
	sys_close(second, NULL);
}
END_TEST

/* --- The end of the owner. --- */

static const char *const names[] = { "first", "second", "third" };

static int
register_in_start(troupe_actor *self, void *unused)
{
	(void)unused;
	for (int i = 0; i < 3; i++) {
		promise(troupe_register(self, names[i]) == TROUPE_OK);
		promise(troupe_lookup(troupe_of(self), names[i]) == troupe_self(self));
	}
	return 0;
}

/* Its names went before, and it gets no more. */
static void
look_in_stop(troupe_actor *self, void *unused, troupe_reason reason)
{
	(void)unused;
	/* One that is restarted goes on. */
	troupe_ref owner = reason == TROUPE_REASON_RESTART ? troupe_self(self) : 0;

	for (int i = 0; i < 3; i++)
		promise(troupe_lookup(troupe_of(self), names[i]) == owner);
	promise(troupe_register(self, "too late") == TROUPE_INVALID);
	promise(troupe_unregister(self, "too late") == TROUPE_INVALID);
}

static const puppet_script named = { .start = register_in_start, .stop = look_in_stop };

static void
act_drain(troupe_actor *self, void *unused)
{
	(void)unused;
	troupe_stop_self(self, TROUPE_STOP_DRAIN);
}

static void
act_spawn_named(troupe_actor *self, void *child)
{
	*(troupe_ref *)child = troupe_spawn_child(self, &puppet_class, &named);
	promise(*(troupe_ref *)child != 0);
}

static void
act_link(troupe_actor *self, void *other)
{
	promise(troupe_link(self, *(troupe_ref *)other) == TROUPE_OK);
}

static puppet_act *const endings[] = { puppet_stop_now, act_drain, puppet_fail };

START_TEST(test_system_registry_names_go_with_their_owner)
{
	troupe *t = sys_open_tolerant(&sys_shapes[_i], NULL);

	for (int i = 0; i < 3; i++) {
		troupe_ref who = sys_spawn(t, i % 2 ? &puppet_dedicated_class : &puppet_class, &named);

		ck_assert_uint_eq(troupe_lookup(t, "second"), who);
		puppet_let(t, who, endings[i], NULL);
		assert_no_name(t, names, 3);
	}
	for (int mode = 0; mode < 2; mode++) {
		troupe_ref who = sys_spawn(t, &puppet_class, &named);

		sys_assert_status(troupe_stop(who, (troupe_stop_mode)mode), TROUPE_OK);
		sys_wait(t);
		assert_no_name(t, names, 3);
	}
	/* And with its parent, and one that it is linked to. */
	troupe_ref child, parent = sys_spawn(t, &puppet_class, NULL);

	puppet_let(t, parent, act_spawn_named, &child);
	ck_assert_uint_eq(troupe_lookup(t, "third"), child);
	puppet_let(t, parent, act_drain, NULL);
	assert_no_name(t, names, 3);

	troupe_ref friend = sys_spawn(t, &puppet_class, NULL), who = sys_spawn(t, &puppet_class, &named);

	puppet_let(t, friend, act_link, &who);
	puppet_let(t, friend, puppet_fail, NULL);
	assert_no_name(t, names, 3);
	/* Close: the stop callback looks. */
	sys_spawn(t, &puppet_class, &named);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

struct refusal {
	bool by_failure, with_child, told;
};

static int
register_and_refuse(troupe_actor *self, void *refusal)
{
	const struct refusal *r = refusal;

	(void)register_in_start(self, NULL);
	promise(!r->with_child || troupe_spawn_child(self, &puppet_class, NULL) != 0);
	/* Whoever found it may have sent already. */
	promise(!r->told || troupe_send(troupe_lookup(troupe_of(self), "first"), 1, NULL, 0) == TROUPE_OK);
	if (r->by_failure)
		troupe_fail(self, 3, "it does not like it here");
	return r->by_failure ? 0 : 1;
}

START_TEST(test_system_registry_names_go_when_start_refuses)
{
	troupe *t = sys_open_tolerant(&sys_shapes[_i], NULL);

	for (int i = 0; i < 8; i++) {
		struct refusal r = { i & 1, i & 2, i & 4 };
		puppet_script script = { .argument = &r, .start = register_and_refuse };

		sys_assert_failed(troupe_spawn(t, &puppet_class, &script), TROUPE_REFUSED);
		troupe_totals totals = sys_wait(t);
		assert_no_name(t, names, 3);
		ck_assert_uint_eq(totals.spawned, totals.stopped);
	}
	/* They are free. */
	sys_spawn(t, &puppet_class, &named);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

START_TEST(test_system_registry_names_stay_over_a_restart)
{
	troupe_ref child;
	troupe *t = sys_open_tolerant(&sys_shapes[_i], NULL);
	troupe_ref supervisor = sys_spawn(t, &puppet_supervisor_class, NULL);

	puppet_let(t, supervisor, act_spawn_named, &child);
	for (uint64_t i = 1; i <= 3; i++) {
		puppet_tell(child, puppet_fail, NULL);
		troupe_totals totals = sys_wait(t);
		ck_assert_uint_eq(totals.restarted, i);
		for (int k = 0; k < 3; k++)
			ck_assert_uint_eq(troupe_lookup(t, names[k]), child);
	}
	/* They are its own yet. */
	assert_unregister(t, child, "first", TROUPE_OK);
	ck_assert_uint_eq(troupe_lookup(t, "first"), 0);
	assert_register(t, supervisor, "second", TROUPE_TAKEN);
	puppet_let(t, supervisor, act_drain, NULL);
	assert_no_name(t, names, 3);
	sys_close(t, NULL);
	assert_promises_kept();
}
END_TEST

/* --- Threads that look while actors come and go. --- */

struct market {
	troupe *t;
	sys_counter done, found;
	uint64_t rounds;
};

static const char *
name_of(uint64_t number)
{
	static const char *const some[] = { "a", "b", "c", "d" };

	return some[number % 4];
}

/* Tries each name, and stops with whatever it has got. */
static int
grab_names(troupe_actor *self, void *unused)
{
	(void)unused;
	for (uint64_t i = 0; i < 4; i++) {
		troupe_status status = troupe_register(self, name_of(i));

		promise(status == TROUPE_OK || status == TROUPE_TAKEN);
		promise(status == TROUPE_TAKEN || troupe_lookup(troupe_of(self), name_of(i)) == troupe_self(self));
	}
	return 0;
}

static void *
look_for_names(void *market)
{
	struct market *m = market;

	for (uint64_t i = 0; sys_get(&m->done) == 0; i++) {
		troupe_ref who = troupe_lookup(m->t, name_of(i));

		if (who == 0)
			continue;
		troupe_status status = troupe_send(who, 1, NULL, 0);
		promise(status == TROUPE_OK || status == TROUPE_DEAD);
		sys_add(&m->found, status == TROUPE_OK);
	}
	return NULL;
}

static void *
come_and_go(void *market)
{
	static const puppet_script script = { .start = grab_names };
	const struct market *m = market;

	for (uint64_t i = 0; i < m->rounds; i++) {
		troupe_ref who = troupe_spawn(m->t, &puppet_class, &script);

		promise(who != 0 && troupe_send(who, 1, NULL, 0) == TROUPE_OK);
		promise(troupe_stop(who, i % 2 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN) == TROUPE_OK);
	}
	return NULL;
}

START_TEST(test_system_registry_may_be_looked_at_by_any_thread)
{
	static const char *const all[] = { "a", "b", "c", "d" };
	pthread_t lookers[2], makers[2];
	struct market m = { .t = sys_open(2, NULL), .rounds = SYS_SCALED(20000) };

	for (int i = 0; i < 2; i++) {
		lookers[i] = sys_start(look_for_names, &m);
		makers[i] = sys_start(come_and_go, &m);
	}
	for (int i = 0; i < 2; i++)
		sys_join(makers[i]);
	sys_set(&m.done, 1);
	for (int i = 0; i < 2; i++)
		sys_join(lookers[i]);
	troupe_totals totals = sys_wait(m.t);
	ck_assert_uint_eq(totals.spawned, 2 * m.rounds);
	ck_assert_uint_eq(totals.stopped, totals.spawned);
	assert_no_name(m.t, all, 4);
	sys_close(m.t, NULL);
	assert_promises_kept();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_registry");
	TCase *tc = tcase_create("registry");

	tcase_add_loop_test(tc, test_system_registry_name_belongs_to_one_actor, 0, sys_shape_count);
	tcase_add_test(tc, test_system_registry_failure_says_what_it_was);
	tcase_add_test(tc, test_system_registry_name_has_1_to_255_bytes);
	tcase_add_test(tc, test_system_registry_text_of_a_name_is_copied);
	tcase_add_loop_test(tc, test_system_registry_actor_may_have_several_names, 0, sys_shape_count);
	tcase_add_test(tc, test_system_registry_belongs_to_its_runtime);
	tcase_add_loop_test(tc, test_system_registry_names_go_with_their_owner, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_registry_names_go_when_start_refuses, 0, sys_shape_count);
	tcase_add_loop_test(tc, test_system_registry_names_stay_over_a_restart, 0, sys_shape_count);
	tcase_add_test(tc, test_system_registry_may_be_looked_at_by_any_thread);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
