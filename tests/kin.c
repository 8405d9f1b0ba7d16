/* SPDX-License-Identifier: MIT */
#include "tests/kin.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct order {
	kin_act *act;
	void *argument;
} order;

/* --- The journal. --- */

static void __attribute__((format(printf, 2, 3)))
note(kin *k, const char *format, ...)
{
	house *h = k->home;
	va_list arguments;

	if (k->tag == '\0')
		return;
	if (h->length > 0 && h->length + 1 < sizeof h->journal)
		h->journal[h->length++] = ' ';
	va_start(arguments, format);
	int wrote = vsnprintf(h->journal + h->length, sizeof h->journal - h->length, format, arguments);
	va_end(arguments);
	kin_expect(h, wrote > 0 && h->length + (size_t)wrote < sizeof h->journal);
	if (h->length + (size_t)wrote < sizeof h->journal)
		h->length += (size_t)wrote;
}

/* --- Callbacks. --- */

static void
spawn_children(troupe_actor *self, kin *k)
{
	for (uint32_t i = 0; i < k->child_count; i++) {
		kin *child = &k->children[i];

		child->home = k->home;
		child->ref = troupe_spawn_child(self, child->class_ != NULL ? child->class_ : &kin_class, &child);
	}
}

int
kin_start(troupe_actor *self, void *state, const void *argument)
{
	kin_state *s = state;
	kin *k = *(kin *const *)argument;

	kin_expect(k->home, s->kin == NULL && s->handled == 0);
	kin_expect(k->home, troupe_sender(self) == 0);
	s->kin = k;
	k->started_at[k->starts++ % KIN_LIVES] = troupe_now(troupe_of(self));
	/* Others may read it, from the first start on. */
	if (k->ref != troupe_self(self))
		k->ref = troupe_self(self);
	note(k, "%c+", k->tag);
	spawn_children(self, k);
	return k->start != NULL ? k->start(self, k) : 0;
}

void
kin_receive(troupe_actor *self, void *state, const troupe_msg *msg)
{
	kin_state *s = state;
	kin *k = s->kin;

	s->handled++;
	k->handled++;
	if (msg->type == KIN_ACT) {
		const order *o = msg->body;

		o->act(self, k, o->argument);
		return;
	}
	note(k, "%c:%" PRIu32, k->tag, msg->type);
	if (msg->type == KIN_FAIL)
		troupe_fail(self, *(const int *)msg->body, "%s", "as it was told");
	else if (k->on != NULL)
		k->on(self, k, msg);
}

void
kin_stop(troupe_actor *self, void *state, troupe_reason reason)
{
	kin *k = ((kin_state *)state)->kin;

	k->stops++;
	k->reason = reason;
	note(k, "%c-%c", k->tag, KIN_LETTERS[reason]);
	if (k->stop != NULL)
		k->stop(self, k, reason);
}

void
kin_failed(troupe_actor *self, void *state, const troupe_failure *failure)
{
	kin *k = ((kin_state *)state)->kin;

	k->failed_at[k->fails++ % KIN_LIVES] = troupe_now(troupe_of(self));
	kin_expect(k->home, failure->who == k->ref);
	note(k, "%c!%d", k->tag, failure->code);
	if (k->failed != NULL)
		k->failed(self, k, failure);
}

troupe_decision
kin_decide(troupe_actor *self, void *state, const troupe_failure *failure)
{
	kin *k = ((kin_state *)state)->kin;

	k->decided++;
	note(k, "%c?%d", k->tag, failure->code);
	return k->decide != NULL ? k->decide(self, k, failure) : k->decision;
}

static const troupe_supervisor at_once = { .restarts = 1000, .backoff_ns = -1 };
static const troupe_supervisor in_a_while = { .restarts = 1000 };

const troupe_class kin_class = { KIN_CLASS("kin", NULL) };
const troupe_class kin_at_once_class = { KIN_CLASS("at once", &at_once) };
const troupe_class kin_slow_class = { KIN_CLASS("slow", &in_a_while) };

/* --- Houses. --- */

void
house_count_failure(void *context, const troupe_failure *failure)
{
	house *h = context;

	(void)failure;
	sys_add(&h->failures, 1);
}

static void
open_house(house *h, troupe_options options)
{
	memset(h, 0, sizeof *h);
	options.failure = house_count_failure;
	h->t = sys_open_with(options, &h->ledger);
}

void
house_open(house *h, uint64_t seed)
{
	open_house(h, (troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED, .seed = seed });
}

void
house_open_shape(house *h, const sys_shape *shape)
{
	open_house(h, sys_options_of(shape));
}

void
house_forget(house *h)
{
	h->length = 0;
	h->journal[0] = '\0';
}

troupe_totals
house_settle(house *h)
{
	troupe_totals totals = sys_wait(h->t);

	sys_assert_count(h->wrong, 0);
	ck_assert_uint_eq(totals.failed, sys_get(&h->failures));
	return totals;
}

void
house_close(house *h)
{
	sys_close(h->t, &h->ledger);
	sys_assert_count(h->wrong, 0);
}

/* An actor of its own that waits for that moment: time jumps to it when nothing else is to be done. */
static int
wait_for_it(troupe_actor *self, void *state, const void *until)
{
	(void)state;
	return troupe_send_at(self, *(const int64_t *)until, 1, NULL, 0) == 0;
}

void
house_pass(house *h, int64_t ns)
{
	static const troupe_class class_ = { .start = wait_for_it, .receive = sys_stop_now };
	int64_t until = troupe_now(h->t) + ns;
	troupe_ref waiter = sys_spawn(h->t, &class_, &until);
	troupe_status status = TROUPE_OK;

	while (status == TROUPE_OK && troupe_now(h->t) < until)
		status = troupe_run_once(h->t);
	sys_assert_status(status, TROUPE_OK);
	(void)troupe_stop(waiter, TROUPE_STOP_NOW);
}

troupe_ref
kin_spawn(house *h, kin *k)
{
	k->home = h;
	return k->ref = sys_spawn(h->t, k->class_ != NULL ? k->class_ : &kin_class, &k);
}

void
kin_send(const kin *k, uint32_t type)
{
	sys_send(k->ref, type, NULL, 0);
}

void
kin_fail(const kin *k, int code)
{
	sys_send(k->ref, KIN_FAIL, &code, sizeof code);
}

void
kin_let(const kin *k, kin_act *act, void *argument)
{
	sys_send(k->ref, KIN_ACT, &(order){ act, argument }, sizeof(order));
}

void
kin_stop_now(const kin *k)
{
	sys_assert_status(troupe_stop(k->ref, TROUPE_STOP_NOW), TROUPE_OK);
}

/* --- What several tests have members do. --- */

void
kin_tie(troupe_actor *self, kin *k, void *other)
{
	kin_expect(k->home, troupe_link(self, ((const kin *)other)->ref) == TROUPE_OK);
}

void
kin_watch(troupe_actor *self, kin *k, void *whom)
{
	kin_expect(k->home, troupe_monitor(self, ((const kin *)whom)->ref) != 0);
}

void
kin_pass_gate(troupe_actor *self, kin *k, void *gate)
{
	(void)self;
	(void)k;
	sys_gate_pass(gate);
}

void
kin_expect_next(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)self;
	kin_expect(k->home, ++k->number == msg->type);
}

void
kin_count_downs(troupe_actor *self, kin *k, const troupe_msg *msg)
{
	(void)self;
	k->downs += msg->type == TROUPE_DOWN;
}

/* --- Small families. --- */

kin_pair *
kin_pair_begin(const troupe_class *class_, int seed)
{
	static kin_pair p;

	memset(&p, 0, sizeof p);
	p.s = (kin){ .class_ = class_, .children = &p.a, .child_count = 1 };
	p.a.tag = 'a';
	house_open(&p.h, (uint64_t)seed);
	kin_spawn(&p.h, &p.s);
	house_forget(&p.h);
	return &p;
}

void
kin_pair_end(kin_pair *p)
{
	house_settle(&p->h);
	house_close(&p->h);
	ck_assert_uint_eq(p->a.starts, p->a.stops);
}

kin_family *
kin_family_begin(const troupe_class *class_, int seed)
{
	static kin_family f;

	memset(&f, 0, sizeof f);
	f.s = (kin){ .tag = 's', .class_ = class_, .children = f.a, .child_count = 3 };
	for (int i = 0; i < 3; i++)
		f.a[i].tag = (char)('a' + i);
	house_open(&f.h, (uint64_t)seed);
	kin_spawn(&f.h, &f.s);
	assert_journal(&f.h, "s+ a+ b+ c+");
	house_forget(&f.h);
	return &f;
}

void
kin_family_end(kin_family *f)
{
	house_settle(&f->h);
	house_close(&f->h);
	/* A life that ends is told so once. */
	ck_assert_uint_eq(f->s.starts, f->s.stops);
}
