/* SPDX-License-Identifier: MIT */

/*
 * Whatever happens in whatever phase of a restart: each life has one end,
 * each message one outcome, nobody waits for ever, nothing is left behind,
 * and others are not disturbed.  A family is driven step by step, and things
 * are done to it between two steps: one thing in every step in turn, or
 * several at random.  TROUPE_SEED replays one of the latter.
 */

#include "tests/kin.h"
#include "tests/suite.h"
#include "tests/units.h"

/* Members, in the order of their births. */
enum { G, S, A, X, Y, B, C, MEMBERS };

/* How one of them is treated. */
enum { STOP, FAIL, TIE, CLOSE };

typedef struct thing {
	const char *name;
	int how, who;
	int detail; /* a troupe_stop_mode, or a troupe_decision about the failure */
} thing;

/* Closing is the last. */
static const thing things[] = {
	{ "stop a", STOP, A, TROUPE_STOP_NOW },
	{ "drain a", STOP, A, TROUPE_STOP_DRAIN },
	{ "stop b", STOP, B, TROUPE_STOP_NOW },
	{ "stop x", STOP, X, TROUPE_STOP_NOW },
	{ "stop s", STOP, S, TROUPE_STOP_NOW },
	{ "drain s", STOP, S, TROUPE_STOP_DRAIN },
	{ "stop g", STOP, G, TROUPE_STOP_NOW },
	{ "fail a", FAIL, A, TROUPE_RESTART },
	{ "fail b", FAIL, B, TROUPE_RESTART },
	{ "fail c", FAIL, C, TROUPE_RESTART },
	{ "fail x", FAIL, X, TROUPE_RESTART },
	{ "fail s", FAIL, S, TROUPE_RESTART },
	{ "fail s, resume", FAIL, S, TROUPE_RESUME },
	{ "fail s, stop", FAIL, S, TROUPE_STOP },
	{ "fail s, escalate", FAIL, S, TROUPE_ESCALATE },
	{ "fail a, resume", FAIL, A, TROUPE_RESUME },
	{ "fail a, stop", FAIL, A, TROUPE_STOP },
	{ "fail b, escalate", FAIL, B, TROUPE_ESCALATE },
	{ "link a to b", TIE, A, 0 },
	{ "close", CLOSE, 0, 0 },
};
#define THINGS 20
_Static_assert(sizeof things / sizeof *things == THINGS, "all are counted");

#define ACTIONS_MOST 8
#define PINGS        60

/* g > s > a, b, c; and a > x, y. */
typedef struct saga {
	/* Set by the test. */
	uint64_t seed;
	const troupe_class *class_; /* of s */
	uint32_t refusals;          /* starts of b that refuse, one in so many; 0: none */
	uint32_t action_count;
	struct {
		uint32_t step;
		const thing *what;
	} actions[ACTIONS_MOST];
	/* Its own. */
	house h;
	kin g, s, abc[3], xy[2];
	kin *members[MEMBERS];
	sys_random random;
	uint32_t refused;
	bool closed;
	/* A bystander, whose asks and timers go on all the time. */
	uint32_t pinged, answered, ticked;
	troupe_totals totals;
	troupe_status waited;
} saga;

static const troupe_supervisor one_for_one = { .restarts = 1000, .backoff_ns = 8000, .backoff_max_ns = 30000,
	.decide = kin_decide };
static const troupe_supervisor all_for_one = { .strategy = TROUPE_ALL_FOR_ONE, .restarts = 1000, .backoff_ns = 8000,
	.backoff_max_ns = 30000, .decide = kin_decide };
static const troupe_supervisor rest_for_one = { .strategy = TROUPE_REST_FOR_ONE, .restarts = 1000, .backoff_ns = 8000,
	.backoff_max_ns = 30000, .decide = kin_decide };
static const troupe_supervisor at_once = { .restarts = 1000, .backoff_ns = -1, .decide = kin_decide };

static const troupe_class supervisors[] = {
	{ KIN_CLASS("one for one", &one_for_one) },
	{ KIN_CLASS("all for one", &all_for_one) },
	{ KIN_CLASS("rest for one", &rest_for_one) },
	{ KIN_CLASS("at once", &at_once) },
};
#define SUPERVISORS 4

/* --- The bystander. --- */

static void
take_pong(troupe_actor *self, void *state, const troupe_answer *answer)
{
	saga *d = *(saga **)state;

	(void)self;
	d->answered += answer->status == TROUPE_OK || answer->status == TROUPE_CLOSING || answer->status == TROUPE_CANCELLED;
}

/* Its cells come and go, so that those that others gave back are its own. */
static void
ping(troupe_actor *self, void *state, const troupe_msg *msg)
{
	saga *d = *(saga **)state;

	if (msg->type == 1)
		d->ticked++;
	if (d->pinged++ >= PINGS)
		return;
	troupe_ref who = *(const troupe_ref *)((saga **)state + 1);
	kin_expect(&d->h, troupe_ask(self, who, 1, NULL, 0, TROUPE_SECOND, take_pong, NULL) == TROUPE_OK);
	kin_expect(&d->h, troupe_ask(self, who, 2, NULL, 0, TROUPE_SECOND, take_pong, NULL) == TROUPE_OK);
	kin_expect(&d->h, troupe_demonitor(self, troupe_monitor(self, who)));
	kin_expect(&d->h, troupe_send_after(self, 4000, 1, NULL, 0) != 0);
}

static int
start_ping(troupe_actor *self, void *state, const void *argument)
{
	memcpy(state, argument, sizeof(saga *) + sizeof(troupe_ref));
	ping(self, state, &(troupe_msg){ .type = 0 });
	return 0;
}

static void
pong(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	(void)troupe_reply(self, 1, NULL, 0);
}

static const troupe_class ping_class = { .start = start_ping, .receive = ping,
	.state_size = sizeof(saga *) + sizeof(troupe_ref) };
static const troupe_class pong_class = { .receive = pong };

static void
begin_bystander(saga *d)
{
	struct {
		saga *d;
		troupe_ref pong;
	} argument = { d, troupe_spawn(d->h.t, &pong_class, NULL) };

	kin_expect(&d->h, troupe_spawn(d->h.t, &ping_class, &argument) != 0);
}

/* --- The family. --- */

static int
refuse_sometimes(troupe_actor *self, kin *k)
{
	saga *d = k->more;

	if (k->starts == 1 || d->refusals == 0 || sys_below(&d->random, d->refusals) != 0)
		return 0;
	d->refused++;
	if (sys_below(&d->random, 2))
		return 1;
	troupe_fail(self, 1, "no start");
	return 0;
}

static troupe_decision
decide_as_told(troupe_actor *self, kin *k, const troupe_failure *failure)
{
	(void)self;
	(void)k;
	return (troupe_decision)(failure->code % 10);
}

static void
count_line(void *context, troupe_log_level level, const char *text)
{
	house *h = context;

	fprintf(stderr, "logged (%d): %s\n", (int)level, text);
	sys_add(&h->wrong, 1);
}

static void
begin_family(saga *d)
{
	kin *top = &d->g;

	memcpy(d->members, (kin *[]){ top, &d->s, &d->abc[0], &d->xy[0], &d->xy[1], &d->abc[1], &d->abc[2] },
	    sizeof d->members);
	d->g = (kin){ .class_ = &supervisors[3], .children = &d->s, .child_count = 1, .decide = decide_as_told };
	d->s = (kin){ .class_ = d->class_, .children = d->abc, .child_count = 3, .decide = decide_as_told };
	d->abc[0].children = d->xy;
	d->abc[0].child_count = 2;
	d->abc[1].start = refuse_sometimes;
	d->abc[1].more = d;
	d->g.home = &d->h;
	kin_expect(&d->h, troupe_spawn(d->h.t, d->g.class_, &top) != 0);
}

/* --- What is done to it. --- */

static void
fail_with(const kin *k, troupe_decision decision)
{
	const int code = 10 + (int)decision;

	(void)troupe_send(k->ref, KIN_FAIL, &code, sizeof code);
	(void)troupe_send(k->ref, 1, NULL, 0);
}

static void
tie(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	if (msg->type == 3)
		(void)troupe_link(self, ((const kin *)k->more)->ref);
}

static void
do_thing(saga *d, const thing *what)
{
	kin *who = d->members[what->who];

	switch (what->how) {
	case STOP:
		(void)troupe_stop(who->ref, (troupe_stop_mode)what->detail);
		break;
	case FAIL:
		fail_with(who, (troupe_decision)what->detail);
		break;
	case TIE:
		who->on = tie;
		who->more = d->members[B];
		(void)troupe_send(who->ref, 3, NULL, 0);
		break;
	default:
		kin_expect(&d->h, troupe_close(d->h.t, TROUPE_FOREVER, NULL, NULL) == TROUPE_OK);
		d->closed = true;
	}
}

/* Nobody is left waiting for a decision: each answers to a message, or is dead. */
static void
look_after_all(saga *d)
{
	kin_expect(&d->h, troupe_wait(d->h.t, TROUPE_FOREVER) == TROUPE_OK);
	for (int i = 0; i < MEMBERS; i++)
		(void)troupe_send(d->members[i]->ref, 2, NULL, 0);
	kin_expect(&d->h, troupe_wait(d->h.t, TROUPE_FOREVER) == TROUPE_OK);
	troupe_get_totals(d->h.t, &d->totals);
	kin_expect(&d->h, d->totals.accepted == d->totals.handled + d->totals.dead);
	kin_expect(&d->h, d->answered == 2 * PINGS && d->ticked == PINGS);
	kin_expect(&d->h, d->totals.failed == sys_get(&d->h.failures));
	kin_expect(&d->h, troupe_close(d->h.t, TROUPE_FOREVER, NULL, NULL) == TROUPE_OK);
}

/* In a thread of its own, so that what it took is in the depots again when it has ended. */
static void *
live(void *saga_)
{
	saga *d = saga_;
	troupe_options options = {
		.size = sizeof options,
		.scheduler = TROUPE_SCHEDULER_SIMULATED,
		.seed = d->seed,
		.context = &d->h,
		.log = count_line,
		.failure = house_count_failure,
	};
	uint32_t step = 0;

	d->random.state = d->seed;
	d->h.t = troupe_open(&options);
	begin_family(d);
	begin_bystander(d);
	for (uint32_t i = 0; i < d->action_count && !d->closed; i++) {
		while (step < d->actions[i].step) {
			(void)troupe_run_once(d->h.t);
			step++;
		}
		do_thing(d, d->actions[i].what);
	}
	if (!d->closed)
		look_after_all(d);
	return NULL;
}

/* --- What must be true of it. --- */

static const char *
story_of(const saga *d)
{
	static char text[500];
	int length = snprintf(text, sizeof text, "seed %" PRIu64 ", %s", d->seed, d->class_->name);

	for (uint32_t i = 0; i < d->action_count; i++)
		length += snprintf(text + length, sizeof text - (size_t)length, "; at %" PRIu32 " %s", d->actions[i].step,
		    d->actions[i].what->name);
	return text;
}

/* The first promise that it broke, or NULL. */
static const char *
fault_of(saga *d)
{
	/* A context is a few slots, which stay where they are from the second time on. */
	static uint64_t out;
	const uint64_t out_before = out;
	static char text[100];

	out = units_out();
	if (sys_get(&d->h.wrong) != 0)
		return "promises were not kept";
	for (int i = 0; i < MEMBERS; i++) {
		uint32_t begun = d->members[i]->starts - (i == B ? d->refused : 0);

		if (begun == d->members[i]->stops)
			continue;
		(void)snprintf(text, sizeof text, "of %" PRIu32 " lives of member %d %" PRIu32 " ended", begun, i,
		    d->members[i]->stops);
		return text;
	}
	if (out_before == 0 || out == out_before)
		return NULL;
	(void)snprintf(text, sizeof text, "%" PRId64 " units were lost", (int64_t)(out - out_before));
	return text;
}

static void
tell(saga *d)
{
	sys_join(sys_start(live, d));
	const char *fault = fault_of(d);

	/* Each assertion that holds is written down, too, and there are many sagas. */
	if (fault != NULL)
		ck_abort_msg("%s: %s", fault, story_of(d));
}

#define STEPS 90

/* Three beginnings, each the same each time: it fails, and each thing is done in a step after that. */
START_TEST(test_system_restart_phases_bear_each_thing)
{
	static saga d;
	static const thing beginnings[] = {
		{ "fail a", FAIL, A, TROUPE_RESTART },
		{ "fail b", FAIL, B, TROUPE_RESTART },
		{ "fail c", FAIL, C, TROUPE_RESTART },
	};

	for (uint32_t step = 0; step < STEPS; step += SYS_SANITIZED ? 3 : 1) {
		for (uint32_t begin = 0; begin < 3; begin++) {
			memset(&d, 0, sizeof d);
			d.seed = step;
			d.class_ = &supervisors[_i % SUPERVISORS];
			d.action_count = 2;
			d.actions[0].what = &beginnings[begin];
			d.actions[0].step = 5;
			d.actions[1].what = &things[_i / SUPERVISORS];
			d.actions[1].step = 5 + step;
			tell(&d);
		}
	}
}
END_TEST

static void
tell_at_random(uint64_t seed, uint32_t refusals)
{
	static saga d;
	sys_random random = { seed };

	memset(&d, 0, sizeof d);
	d.seed = seed;
	d.refusals = refusals;
	d.class_ = &supervisors[sys_below(&random, SUPERVISORS)];
	d.action_count = 2 + sys_below(&random, ACTIONS_MOST - 1);
	for (uint32_t i = 0, step = 0; i < d.action_count; i++) {
		step += sys_below(&random, sys_below(&random, 2) ? 40 : 5);
		d.actions[i].step = step;
		d.actions[i].what = &things[sys_below(&random, i + 1 == d.action_count ? THINGS : THINGS - 1)];
	}
	tell(&d);
}

static void
tell_many(uint64_t from, uint64_t count, uint32_t refusals)
{
	const char *given = getenv("TROUPE_SEED");

	if (given != NULL) {
		tell_at_random(strtoull(given, NULL, 0), refusals);
		tell_at_random(strtoull(given, NULL, 0), refusals);
	}
	for (uint64_t seed = from; given == NULL && seed < from + count; seed++)
		tell_at_random(seed, refusals);
}

#define TALES 2000

START_TEST(test_system_restart_phases_bear_anything)
{
	tell_many((uint64_t)_i * TALES, SYS_SCALED(TALES), 0);
}
END_TEST

START_TEST(test_system_restart_phases_bear_starts_that_fail)
{
	tell_many((uint64_t)_i * TALES, SYS_SCALED(TALES), 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_restart_phases");
	TCase *tc = tcase_create("phases");

	tcase_add_loop_test(tc, test_system_restart_phases_bear_each_thing, 0, THINGS * SUPERVISORS);
	tcase_add_loop_test(tc, test_system_restart_phases_bear_anything, 0, 8);
	tcase_add_loop_test(tc, test_system_restart_phases_bear_starts_that_fail, 0, 8);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
