/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/reference.h"

#include "runtime/memory/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ref_model ref;

void
ref_break(const char *format, ...)
{
	va_list arguments;

	fputs("promise broken: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}

bool
ref_may_lack_memory(void)
{
	ref.has_faults |= tr_fault_struck();
	return tr_fault_struck();
}

/* --- Frames. --- */

void
ref_begin(troupe *t, bool is_strict)
{
	/* What was used the last time. */
	memset(ref.actor, 0, (ref.actors + 1) * sizeof *ref.actor);
	memset(ref.message, 0, (ref.messages + 1) * sizeof *ref.message);
	memset(ref.payload, 0, (ref.payloads + 1) * sizeof *ref.payload);
	memset(ref.ask, 0, (ref.asks + 1) * sizeof *ref.ask);
	memset(ref.timer, 0, (ref.timers + 1) * sizeof *ref.timer);
	memset(ref.monitor, 0, (ref.monitors + 1) * sizeof *ref.monitor);
	memset(&ref, 0, offsetof(ref_model, actor));
	ref.t = t;
	ref.is_strict = is_strict;
	ref.now = &ref.outside;
}

void
ref_enter(ref_frame *frame, ref_where where, unsigned actor, bool ending)
{
	*frame = (ref_frame){ .outer = ref.now, .where = where, .actor = actor, .ending = ending };
	ref.now = frame;
}

void
ref_leave(ref_frame *frame)
{
	if (frame->in_hand && !frame->untracked)
		ref_end_message(frame->message);
	frame->in_hand = false;
	if (frame->stops && !frame->failed)
		ref_add_cause(frame->actor, TROUPE_REASON_SELF);
	if (frame->unstashed != 0)
		ref_put_in_front(frame->actor, frame->unstashed);
	ref.now = frame->outer;
}

void
ref_note_fail(int code)
{
	ref_frame *frame = ref.now;
	ref_actor *me = ref_me();

	if (frame->failed)
		return;
	frame->failed = true;
	me->is_failing = true;
	me->failure_code = code;
	if (frame->in_hand && !frame->untracked)
		ref.message[frame->message].place = REF_FAILED_OVER;
	frame->in_hand = false;
}

/* --- Sums. --- */

static unsigned
count_stashed(void)
{
	unsigned count = 0;

	for (unsigned i = 1; i <= ref.actors; i++)
		count += ref.actor[i].stashed;
	return count;
}

static uint64_t
count_ends(bool *is_exact)
{
	uint64_t ends = 0;

	*is_exact = ref.bare == 0;
	for (unsigned i = 1; i <= ref.actors; i++) {
		ends += ref.actor[i].state == REF_STOPPED && ref.actor[i].lives > 0 && !ref.actor[i].is_bare;
		*is_exact &= !ref.actor[i].is_lifeless;
	}
	return ends;
}

void
ref_check_totals(void)
{
	const uint64_t *letters = ref.letters;
	troupe_totals now;
	bool is_exact;
	uint64_t ends = count_ends(&is_exact);

	troupe_get_totals(ref.t, &now);
	ref_expect(now.dead == letters[TROUPE_DEAD] + letters[TROUPE_CLOSING] + letters[TROUPE_LATE],
	    "%" PRIu64 " dead letters are counted, and the callback had %" PRIu64 " DEAD, %" PRIu64
	    " CLOSING, %" PRIu64 " LATE",
	    now.dead, letters[TROUPE_DEAD], letters[TROUPE_CLOSING], letters[TROUPE_LATE]);
	ref_expect(now.unhandled == letters[TROUPE_UNHANDLED],
	    "%" PRIu64 " messages are counted as unhandled, not %" PRIu64, now.unhandled,
	    letters[TROUPE_UNHANDLED]);
	ref_expect(now.failed == ref.failures, "%" PRIu64 " failures are counted, and %" PRIu64 " were told",
	    now.failed, ref.failures);
	ref_expect(now.spawned == ref.spawned, "%" PRIu64 " actors are counted as spawned, not %" PRIu64,
	    now.spawned, ref.spawned);
	ref_expect(now.restarted == ref.restarted, "%" PRIu64 " restarts are counted, not %" PRIu64,
	    now.restarted, ref.restarted);
	ref_expect(is_exact ? now.stopped == ends : now.stopped >= ends,
	    "%" PRIu64 " actors are counted as stopped, not %" PRIu64, now.stopped, ends);
}

static void
check_accepted(void)
{
	troupe_totals now;
	unsigned stashed = count_stashed();

	troupe_get_totals(ref.t, &now);
	ref_expect(now.accepted == now.handled + now.dead + stashed,
	    "one outcome: %" PRIu64 " messages were accepted, %" PRIu64 " handled, %" PRIu64
	    " dead, and %u are stashed",
	    now.accepted, now.handled, now.dead, stashed);
}

/* --- Checks of everything. --- */

/* Nobody is told when one is stopped between two lives: that it has gone is seen by asking. */
static void
check_lifeless_quiet(unsigned number)
{
	troupe_status status = troupe_stop(ref.actor[number].ref, TROUPE_STOP_NOW);

	ref_expect(!ref_is_sound(number) &&
		       (status == TROUPE_DEAD || (status == TROUPE_NOMEM && ref_may_lack_memory())),
	    "restart: actor %u is between two lives when all is quiet", number);
}

/* An actor that was told to, and one that failed without a supervisor, has stopped by now. */
static void
check_actor_quiet(unsigned number)
{
	const ref_actor *a = &ref.actor[number];
	unsigned sure = 1u << TROUPE_REASON_SELF | 1u << TROUPE_REASON_ASKED;

	if (a->is_bare || a->state != REF_ALIVE || ref.has_faults)
		return;
	if (a->is_lifeless) {
		check_lifeless_quiet(number);
		return;
	}
	ref_expect((a->causes & sure) == 0, "stop: actor %u was to stop, and lives when all is quiet",
	    number);
	ref_expect(a->is_supervised || (a->causes & 1u << TROUPE_REASON_FAILED) == 0,
	    "failure: actor %u failed without a supervisor, and lives when all is quiet", number);
}

static void
check_link(unsigned one, unsigned other)
{
	const ref_actor *a = &ref.actor[one];
	bool lives = ref.actor[other].state == REF_ALIVE && !ref.actor[other].is_lifeless;

	ref_expect(a->state != REF_STOPPED || !lives ||
		       (a->reason != TROUPE_REASON_FAILED && a->reason != TROUPE_REASON_LINKED),
	    "link: actor %u stopped for %s, and actor %u, linked to it, lives", one,
	    troupe_reason_name(a->reason), other);
}

static void
check_links(void)
{
	for (unsigned i = 1; i <= ref.links && !ref.has_faults; i++) {
		if (ref.actor[ref.link[i].one].is_bare || ref.actor[ref.link[i].other].is_bare)
			continue;
		check_link(ref.link[i].one, ref.link[i].other);
		check_link(ref.link[i].other, ref.link[i].one);
	}
}

void
ref_check_quiet(void)
{
	for (unsigned i = 1; i <= ref.messages; i++) {
		const ref_message *m = &ref.message[i];

		ref_expect(m->place != REF_WAITING || m->is_loose || ref.actor[m->to].state == REF_REFUSED,
		    "one outcome: message %u from actor %u was accepted for actor %u, and has no outcome when all is quiet",
		    i, m->pusher, m->to);
		ref_expect(m->place != REF_FAILED_OVER,
		    "one outcome: actor %u failed over message %u, and it is no dead letter", m->to, i);
	}
	for (unsigned i = 1; i <= ref.actors; i++)
		check_actor_quiet(i);
	check_links();
	ref_check_under_way();
	check_accepted();
}

static void
check_message_end(unsigned number)
{
	const ref_message *m = &ref.message[number];

	ref_expect(m->place == REF_ENDED || m->place == REF_NOWHERE ||
		       (m->place == REF_WAITING && m->is_loose),
	    "one outcome: message %u from actor %u to actor %u had none (place %d)", number, m->pusher, m->to,
	    (int)m->place);
}

static void
check_actor_end(unsigned number)
{
	const ref_actor *a = &ref.actor[number];

	if (a->is_bare || a->state == REF_UNBORN)
		return;
	ref_expect(a->state == REF_STOPPED || a->state == REF_REFUSED ||
		       (a->state == REF_ALIVE && a->is_lifeless),
	    "stop: actor %u was not stopped by the close", number);
	ref_expect(a->lives == a->ends, "stop: actor %u started %u times and stopped %u times", number,
	    a->lives, a->ends);
}

void
ref_check_end(void)
{
	for (unsigned i = 1; i <= ref.messages; i++)
		check_message_end(i);
	for (unsigned i = 1; i <= ref.actors; i++)
		check_actor_end(i);
	for (unsigned i = 1; i <= ref.payloads; i++)
		ref_expect(ref.payload[i].destroyed == 1, "destructor: payload %u was destroyed %u times", i,
		    ref.payload[i].destroyed);
	for (unsigned i = 1; i <= ref.asks; i++)
		ref_expect(!ref.ask[i].open, "ask %u of actor %u has not ended", i, ref.ask[i].asker);
}
