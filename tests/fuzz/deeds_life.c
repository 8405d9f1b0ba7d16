/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/program.h"

#include <string.h>

/*
 * deeds_life -- the calls about actors: spawning, stopping, failing, names,
 * monitors, links, behaviors.
 */

static const char *
pick_name(fuzz_input *in, int *number)
{
	static const char *const names[REF_NAMES] = { "a", "bb", "\xff\x01", "name", "other" };
	static char too_long[TROUPE_NAME_MAX + 2];
	unsigned which = fuzz_below(in, REF_NAMES + 2);

	*number = which < REF_NAMES ? (int)which : -1;
	memset(too_long, 'x', TROUPE_NAME_MAX + 1);
	return which < REF_NAMES ? names[which] : which == REF_NAMES ? "" : too_long;
}

/* --- Births and ends. --- */

void
fuzz_spawn(troupe_actor *self, fuzz_input *in)
{
	uint8_t way = fuzz_byte(in);
	bool is_child = self != NULL && way & 0x80;
	const troupe_class *class_ = fuzz_classes[way % FUZZ_CLASSES];

	/* Of one without callbacks nobody would hear that it was restarted. */
	if (is_child && ref_me()->class_->supervisor != NULL && class_->stop == NULL)
		class_ = fuzz_classes[0];
	unsigned number = ref_conceive(class_, is_child ? ref.now->actor : 0);
	fuzz_birth birth = { FUZZ_MAGIC, number };

	if (number == 0)
		return;
	ref.actor[number].on_start = fuzz_slice(in, fuzz_below(in, 12));
	ref.actor[number].on_stop = fuzz_slice(in, fuzz_below(in, 6));
	troupe_ref got = is_child ? troupe_spawn_child(self, ref.actor[number].class_, &birth)
				  : troupe_spawn(program.t, ref.actor[number].class_, &birth);
	ref_note_spawn(number, got, troupe_last_error());
}

void
fuzz_stop(troupe_actor *self, fuzz_input *in)
{
	troupe_stop_mode mode = fuzz_byte(in) & 1 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN;
	fuzz_target to = fuzz_pick(in);

	(void)self;
	ref_note_stop_call(to.number, to.ref, troupe_stop(to.ref, mode));
}

/* Where it counts for sure; elsewhere a callback is told of what is decided already. */
static bool
may_decide_about_self(void)
{
	return ref.now->where == REF_START || ref.now->where == REF_RECEIVE ||
	       (ref.now->where == REF_ANSWER && !ref.now->ending);
}

void
fuzz_stop_self(troupe_actor *self, fuzz_input *in)
{
	troupe_stop_mode mode = fuzz_byte(in) & 1 ? TROUPE_STOP_NOW : TROUPE_STOP_DRAIN;

	if (!may_decide_about_self())
		return;
	troupe_stop_self(self, mode);
	ref.now->stops = true;
}

void
fuzz_fail(troupe_actor *self, fuzz_input *in)
{
	int code = fuzz_byte(in);

	ref_note_fail(code);
	troupe_fail(self, code, "by plan, with %d", code);
}

void
fuzz_refuse(troupe_actor *self, fuzz_input *in)
{
	(void)self;
	(void)in;
	program.refuses |= ref.now->where == REF_START;
}

void
fuzz_shut_down(troupe_actor *self, fuzz_input *in)
{
	(void)self;
	if (fuzz_byte(in) != 0xaa)
		return;
	ref.is_shut_down = true;
	troupe_shutdown(program.t);
}

/* --- Watching. --- */

void
fuzz_monitor(troupe_actor *self, fuzz_input *in)
{
	fuzz_target who = fuzz_pick(in);

	if (ref.monitors < REF_MONITORS)
		ref_note_monitor(who.number, who.ref, troupe_monitor(self, who.ref));
}

void
fuzz_demonitor(troupe_actor *self, fuzz_input *in)
{
	unsigned number = ref.monitors > 0 ? ref.monitors - fuzz_byte(in) % ref.monitors : 0;

	if (number != 0)
		ref_note_demonitor(number, troupe_demonitor(self, ref.monitor[number].token));
}

void
fuzz_link(troupe_actor *self, fuzz_input *in)
{
	fuzz_target who = fuzz_pick(in);

	if (ref.links < REF_LINKS)
		ref_note_link(who.number, who.ref, troupe_link(self, who.ref));
}

/* --- Names. --- */

void
fuzz_register(troupe_actor *self, fuzz_input *in)
{
	int number;
	const char *name = pick_name(in, &number);

	ref_note_register(number, troupe_register(self, name));
	troupe_status status = troupe_set_name(self, name);
	ref_expect(status == TROUPE_OK || (status == TROUPE_INVALID && strlen(name) > TROUPE_NAME_MAX) ||
		       (status == TROUPE_NOMEM && ref_may_lack_memory()),
	    "names: actor %u cannot be called \"%s\": %s", ref.now->actor, name, troupe_status_name(status));
	ref_expect(status != TROUPE_OK || strcmp(troupe_name(self), name) == 0,
	    "names: actor %u is called \"%s\", not \"%s\"", ref.now->actor, troupe_name(self), name);
}

void
fuzz_unregister(troupe_actor *self, fuzz_input *in)
{
	int number;
	const char *name = pick_name(in, &number);

	ref_note_unregister(number, troupe_unregister(self, name));
}

void
fuzz_lookup(troupe_actor *self, fuzz_input *in)
{
	int number;
	const char *name = pick_name(in, &number);

	(void)self;
	ref_note_lookup(number, troupe_lookup(program.t, name));
}

/* --- Behaviors: behind a leading 1 the model has a bit for each, 1 for a and 0 for b. --- */

static bool
is_full(unsigned receives)
{
	return receives >> TROUPE_BEHAVIORS_MAX != 0;
}

static void
note_become(const char *call, troupe_status status, troupe_status expected)
{
	ref_expect(status == expected || (status == TROUPE_NOMEM && ref_may_lack_memory()),
	    "become: %s of actor %u is %s, not %s", call, ref.now->actor, troupe_status_name(status),
	    troupe_status_name(expected));
}

void
fuzz_become(troupe_actor *self, fuzz_input *in)
{
	uint8_t way = fuzz_byte(in);
	unsigned is_a = way >> 4 & 1, *receives = &ref_me()->receives;
	troupe_receive *receive = is_a ? fuzz_receive_a : fuzz_receive_b;
	troupe_status status;

	if (ref_me()->is_bare || ref.now->where == REF_STOP || ref.now->ending)
		return;
	if (way % 3 == 0) {
		status = troupe_become(self, receive);
		note_become("become", status, TROUPE_OK);
		if (status == TROUPE_OK)
			*receives = (*receives & ~1u) | is_a;
	} else if (way % 3 == 1) {
		status = troupe_become_over(self, receive);
		note_become("become_over", status, is_full(*receives >> 1) ? TROUPE_FULL : TROUPE_OK);
		if (status == TROUPE_OK)
			*receives = *receives << 1 | is_a;
	} else {
		status = troupe_unbecome(self);
		note_become("unbecome", status, *receives > 3 ? TROUPE_OK : TROUPE_INVALID);
		if (status == TROUPE_OK)
			*receives >>= 1;
	}
}
