/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/program.h"

#include <stdio.h>
#include <string.h>

/*
 * actors -- the callbacks of the program's actors: each tells the model, and
 * does what its script says.
 */

static unsigned
number_of(const troupe_actor *self)
{
	unsigned number = ref_find(troupe_self(self));

	ref_expect(number != 0, "handles: a callback of %" PRIx64 ", which was never born",
	    troupe_self(self));
	return number;
}

static void
trace(unsigned actor, const char *what, const char *how)
{
	if (program.traces)
		fprintf(stderr, "%" PRId64 " actor %u: %s %s\n", troupe_now(program.t), actor, what, how);
}

/* --- Messages. --- */

static void
receive_any(troupe_actor *self, const troupe_msg *msg, unsigned behavior)
{
	ref_frame frame;
	fuzz_input script = { 0 };

	ref_enter(&frame, REF_RECEIVE, number_of(self), false);
	ref_note_receive(msg, behavior);
	ref_expect(troupe_sender(self) == msg->sender,
	    "sends: actor %u is told of the sender %" PRIx64 ", not %" PRIx64, frame.actor,
	    troupe_sender(self), msg->sender);
	if (frame.message != 0)
		script = ref.message[frame.message].script;
	if (!fuzz_spend())
		fuzz_wind_down(self);
	fuzz_perform(self, script);
	ref_leave(&frame);
}

void
fuzz_receive_a(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	receive_any(self, msg, 1);
}

void
fuzz_receive_b(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	receive_any(self, msg, 0);
}

void
fuzz_on_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	unsigned ask = (unsigned)(uintptr_t)answer->context;
	ref_frame frame;

	(void)state;
	trace(number_of(self), "answer", troupe_status_name(answer->status));
	ref_enter(&frame, REF_ANSWER, number_of(self),
	    answer->status == TROUPE_CANCELLED || answer->status == TROUPE_CLOSING);
	ref_note_answer(ask, answer);
	fuzz_perform(self, ref.ask[ask].script);
	ref_leave(&frame);
}

void
fuzz_on_gathered(troupe_actor *self, void *state, const troupe_gathered *gathered)
{
	unsigned ask = (unsigned)(uintptr_t)gathered->context;
	ref_frame frame;

	(void)state;
	/* Whether its asker ends is not to be seen from it. */
	ref_enter(&frame, REF_GATHERED, number_of(self), true);
	ref_note_gathered(ask, gathered);
	fuzz_perform(self, ref.ask[ask].script);
	ref_leave(&frame);
}

void
fuzz_destroy(void *body, size_t size)
{
	uint32_t mark[2];

	ref_expect(size >= sizeof mark, "destructor: called with %zu bytes", size);
	memcpy(mark, body, sizeof mark);
	ref_expect(mark[1] == mark[0] * UINT32_C(2654435761),
	    "destructor: the body of payload %u is not what it was", (unsigned)mark[0]);
	ref_note_destroy(mark[0]);
	/* Whoever reads it after that shall see it. */
	memset(body, 0xdd, sizeof mark);
}

/* --- Lives. --- */

static bool
is_zero(const unsigned char *state, size_t size)
{
	return size == 0 || (state[0] == 0 && memcmp(state, state + 1, size - 1) == 0);
}

/* An argument that was not kept is NULL at a restart. */
static unsigned
check_argument(const troupe_actor *self, const fuzz_birth *birth)
{
	unsigned number = ref_find(troupe_self(self));

	if (number != 0 && ref.actor[number].class_->argument_size == 0) {
		ref_expect(birth == NULL, "restart: actor %u has an argument, and its class keeps none",
		    number);
		return number;
	}
	ref_expect(birth != NULL && birth->magic == FUZZ_MAGIC,
	    "start: the argument of actor %u is not what was given", number);
	ref_expect(number == 0 || number == birth->number, "start: actor %u has the argument of actor %u",
	    number, birth->number);
	return birth->number;
}

static int
start_any(troupe_actor *self, void *state, const void *argument)
{
	unsigned number = check_argument(self, argument);
	ref_actor *me = &ref.actor[number];
	bool outer_refuses = program.refuses;
	ref_frame frame;

	ref_note_start(number, troupe_self(self), is_zero(state, me->class_->state_size));
	memset(state, 0xa5, me->class_->state_size);
	program.refuses = false;
	ref_enter(&frame, REF_START, number, false);
	/* Not in every life, so that a restart can go well. */
	if (me->life % 2 == 0)
		fuzz_perform(self, me->on_start);
	int refusal = program.refuses ? 3 : 0;
	program.refuses = outer_refuses;
	ref_leave(&frame);
	ref_note_started(number, refusal != 0 || frame.failed);
	return refusal;
}

static void
stop_any(troupe_actor *self, void *state, troupe_reason reason)
{
	unsigned number = number_of(self);
	ref_frame frame;

	(void)state;
	trace(number, "stop", troupe_reason_name(reason));
	ref_note_stop(number, reason);
	ref_enter(&frame, REF_STOP, number, true);
	fuzz_perform(self, ref.actor[number].on_stop);
	ref_leave(&frame);
}

/* The runtime's callback, which comes next, tells the model. */
static void
note_failure(troupe_actor *self, void *state, const troupe_failure *failure)
{
	(void)state;
	ref.failures_told++;
	ref_expect(failure->who == troupe_self(self), "failure: actor %u is told of one of %" PRIx64,
	    number_of(self), failure->who);
}

/* From 128 on not everybody decides the same about a code: what one hands up another resumes. */
static troupe_decision
pick_decision(unsigned supervisor, unsigned code)
{
	static const troupe_decision decisions[] = { TROUPE_RESTART, TROUPE_RESUME, TROUPE_RESTART,
		TROUPE_STOP, TROUPE_RESTART, TROUPE_ESCALATE };

	return decisions[(code + (code < 128 ? 0 : supervisor)) % 6];
}

static troupe_decision
decide_any(troupe_actor *self, void *state, const troupe_failure *failure)
{
	unsigned number = number_of(self);
	troupe_decision decision = pick_decision(number, (unsigned)failure->code);
	ref_frame frame;

	(void)state;
	trace(number, "decide about", failure->text);
	ref_enter(&frame, REF_DECIDE, number, false);
	if (failure->code % 16 == 15)
		fuzz_fail(self, &(fuzz_input){ NULL, NULL });
	ref_leave(&frame);
	ref_note_decision(number, failure, frame.failed ? TROUPE_ESCALATE : decision);
	return decision;
}

/* --- Classes. --- */

static const troupe_supervisor one_for_one = { .backoff_ns = 1000,
	.backoff_max_ns = 100000,
	.decide = decide_any };
static const troupe_supervisor all_for_one = { .strategy = TROUPE_ALL_FOR_ONE, .backoff_ns = 5000 };
static const troupe_supervisor rest_for_one = {
	.strategy = TROUPE_REST_FOR_ONE, .restarts = 2, .backoff_ns = -1, .decide = decide_any
};

#define CLASS(name_, ...) \
	{ \
		.name = name_, .receive = fuzz_receive_a, .start = start_any, .stop = stop_any, \
		.failed = note_failure, .argument_size = sizeof(fuzz_birth), .state_size = 8, __VA_ARGS__ \
	}

static const troupe_class bare = { .name = "bare", .receive = fuzz_receive_a };
static const troupe_class plain = CLASS("plain", .stash_limit = 3);
static const troupe_class supervisor = CLASS("supervisor", .flags = TROUPE_BUSY, .supervisor = &one_for_one);
static const troupe_class group = CLASS("group", .supervisor = &all_for_one);
static const troupe_class rest = CLASS("rest", .supervisor = &rest_for_one);
static const troupe_class dedicated = CLASS("dedicated", .flags = TROUPE_DEDICATED);
static const troupe_class big = { .name = "big",
	.receive = fuzz_receive_a,
	.start = start_any,
	.stop = stop_any,
	.failed = note_failure,
	.state_size = 3000,
	.stash_limit = 1 };

const troupe_class *const fuzz_classes[FUZZ_CLASSES] = { &plain, &bare, &supervisor, &group, &rest,
	&dedicated, &big, &plain };

/* --- The runtime's callbacks. --- */

void
fuzz_on_letter(void *context, const troupe_dead_letter *letter)
{
	(void)context;
	ref_note_letter(letter);
}

void
fuzz_on_failure(void *context, const troupe_failure *failure)
{
	unsigned number = ref_find(failure->who);

	(void)context;
	ref_expect(number != 0, "failure: %" PRIx64 ", which was never born, has failed", failure->who);
	trace(number, "failed", failure->text);
	ref_note_failed(number, failure);
}

void
fuzz_on_log(void *context, troupe_log_level level, const char *text)
{
	(void)context;
	ref_break("the runtime logs (%d): %s", (int)level, text);
}
