/* SPDX-License-Identifier: MIT */
#include "tests/asking.h"

/* --- Actors that do what they are told. --- */

typedef struct order {
	act *run;
	void *argument;
} order;

static void
do_act(troupe_actor *self, void *state, const troupe_msg *msg)
{
	const order *o = msg->type == ACT ? troupe_body(msg, sizeof *o) : NULL;

	(void)state;
	if (o != NULL)
		o->run(self, o->argument);
	else
		troupe_unhandled(self, msg);
}

const troupe_class act_class = { .name = "acting", .receive = do_act };
const troupe_class dedicated_act_class = { .name = "acting alone", .receive = do_act, .flags = TROUPE_DEDICATED };

void
act_in(troupe_ref who, act *run, void *argument)
{
	sys_send(who, ACT, &(order){ run, argument }, sizeof(order));
}

/* --- Actors that answer. --- */

static void
check(responder *r, bool right)
{
	if (!right)
		sys_add(&r->wrong, 1);
}

static void
answer(troupe_actor *self, responder *r, const troupe_msg *msg)
{
	check(r, troupe_is_request(msg));
	check(r, troupe_reply(self, ANSWERED, msg->body, msg->size) == TROUPE_OK);
	check(r, !troupe_is_request(msg));
}

static void
answer_twice(troupe_actor *self, responder *r, const troupe_msg *msg)
{
	answer(self, r, msg);
	check(r, troupe_reply(self, ANSWERED, NULL, 0) == TROUPE_INVALID);
	check(r, troupe_reply_error(self, 1, "again") == TROUPE_INVALID);
	troupe_msg *fresh = troupe_msg_new(1, 0, NULL);
	check(r, troupe_reply_msg(self, &fresh) == TROUPE_INVALID && fresh != NULL);
	troupe_msg_free(&fresh);
}

static void
keep(troupe_actor *self, responder *r)
{
	check(r, r->kept == NULL);
	r->kept = troupe_keep(self);
	check(r, r->kept != NULL && troupe_is_request(r->kept));
	check(r, troupe_reply(self, ANSWERED, NULL, 0) == TROUPE_INVALID);
}

static void
respond_at_length(troupe_actor *self, responder *r, const troupe_msg *msg)
{
	troupe_msg *kept;

	switch (msg->type) {
	case KEEP_AND_DROP:
		kept = troupe_keep(self);
		troupe_msg_free(&kept);
		check(r, kept == NULL);
		break;
	case DROP:
		troupe_msg_free(&r->kept);
		break;
	case PASS:
		check(r, troupe_forward(self, r->next) == TROUPE_OK);
		break;
	case PASS_KEPT:
		kept = troupe_keep(self);
		check(r, troupe_send_msg(r->next, &kept) == TROUPE_OK && kept == NULL);
		break;
	case ANSWER_KEPT:
		check(r, troupe_answer_kept(&r->kept, ANSWERED, NULL, 0) == TROUPE_OK && r->kept == NULL);
		break;
	case WAIT_AT_GATE:
		sys_gate_pass(r->gate);
		break;
	case STASH_IT:
		check(r, troupe_stash(self) == TROUPE_OK);
		break;
	default:
		break;
	}
}

static void
respond(troupe_actor *self, void *state, const troupe_msg *msg)
{
	responder *r = *(responder **)state;

	sys_add(&r->handled, 1);
	switch (msg->type) {
	case ANSWER:
		answer(self, r, msg);
		break;
	case ANSWER_EMPTY:
		check(r, troupe_reply(self, ANSWERED, NULL, 0) == TROUPE_OK);
		break;
	case ANSWER_TWICE:
		answer_twice(self, r, msg);
		break;
	case ANSWER_ERROR:
		check(r, troupe_reply_error(self, 7, "se%s", "ven") == TROUPE_OK);
		check(r, troupe_reply_error(self, 8, "eight") == TROUPE_INVALID);
		break;
	case FAIL_OVER:
		troupe_fail(self, 9, "ni%s", "ne");
		check(r, troupe_reply(self, ANSWERED, NULL, 0) == TROUPE_INVALID);
		break;
	case STOP_AFTER:
		troupe_stop_self(self, TROUPE_STOP_NOW);
		break;
	case LEAVE_UNHANDLED:
		troupe_unhandled(self, msg);
		break;
	case KEEP:
		keep(self, r);
		break;
	default:
		respond_at_length(self, r, msg);
	}
}

static void
stop_responder(troupe_actor *self, void *state, troupe_reason reason)
{
	(void)self;
	(void)reason;
	sys_add(&(*(responder **)state)->stopped, 1);
}

const troupe_class responder_class = {
	.name = "responder",
	.state_size = sizeof(responder *),
	.start = sys_start_with_pointer,
	.receive = respond,
	.stop = stop_responder,
};

const troupe_class dedicated_responder_class = {
	.name = "dedicated responder",
	.state_size = sizeof(responder *),
	.start = sys_start_with_pointer,
	.receive = respond,
	.stop = stop_responder,
	.flags = TROUPE_DEDICATED,
};

/* --- What asks came to. --- */

void
note_outcome(troupe_actor *self, void *state, const troupe_answer *answer)
{
	outcome *came = answer->context;

	(void)self;
	(void)state;
	came->calls++;
	came->status = answer->status;
	came->code = answer->code;
	strncpy(came->text, answer->text, sizeof came->text - 1);
	came->target = answer->target;
	came->type = answer->type;
	came->has_msg = answer->msg != NULL;
	if (answer->msg == NULL)
		return;
	came->answer_type = answer->msg->type;
	came->size = answer->msg->size;
	came->answer_sender = troupe_sender(self);
}

void
ask_it(troupe_actor *self, void *an_asking)
{
	asking *a = an_asking;

	a->asked = troupe_ask(self, a->to, a->type, a->data, a->size, a->timeout_ns != 0 ? a->timeout_ns : INT64_MAX,
	    note_outcome, &a->came);
}

/* --- Runtimes. --- */

troupe *
asking_open(int workers, sys_ledger *ledger)
{
	return sys_open_with((troupe_options){ .workers = workers, .failure = sys_ignore_failure }, ledger);
}

troupe *
asking_open_virtual(sys_ledger *ledger)
{
	return sys_open_with(
	    (troupe_options){ .scheduler = TROUPE_SCHEDULER_SIMULATED, .failure = sys_ignore_failure }, ledger);
}
