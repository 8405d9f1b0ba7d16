/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/program.h"

/*
 * deeds_time -- the calls that end later: asks and timers.
 */

static char bytes[5000];

int64_t
fuzz_time(fuzz_input *in)
{
	static const int64_t times[] = { 0, 1000, 3000, 10000, 70000, TROUPE_MS, TROUPE_SECOND,
		3600 * TROUPE_SECOND, INT64_MAX, INT64_MAX - 1, 4000, 20000, 500, 2000, 1, -1 };

	return times[fuzz_below(in, 16)];
}

static fuzz_input
take_script(fuzz_input *in)
{
	return fuzz_slice(in, fuzz_below(in, 16));
}

/* --- Asks. --- */

/* A request that belongs to the ask; 0: there are enough. */
static unsigned
make_request(unsigned ask, uint32_t size, fuzz_input script)
{
	unsigned request = ref_new_message(REF_REQUEST, size, TROUPE_LANE_NORMAL, 0, script);

	ref.message[request].ask = ask;
	ref.ask[ask].request = request;
	return request;
}

static bool
is_refused(int64_t timeout, troupe_status status)
{
	return status == TROUPE_INVALID && (timeout < 0 || ref.now->ending);
}

void
fuzz_ask(troupe_actor *self, fuzz_input *in)
{
	int64_t timeout = fuzz_time(in);
	fuzz_target to = fuzz_pick(in);
	uint32_t size = fuzz_size(in);
	unsigned ask = ref_new_ask(REF_ASK, timeout < 0 ? 0 : timeout, take_script(in));
	unsigned request = ask != 0 ? make_request(ask, size, take_script(in)) : 0;

	if (request == 0)
		return;
	ref.ask[ask].target = to.ref;
	ref_fill_body(request, bytes);
	troupe_status status = troupe_ask(self, to.ref, REF_TYPE + request, bytes, size, timeout,
	    fuzz_on_answer, (void *)(uintptr_t)ask);
	if (is_refused(timeout, status)) {
		ref_end_message(request);
		return;
	}
	ref_expect(timeout >= 0 || status == TROUPE_NOMEM, "asks: a negative deadline is %s",
	    troupe_status_name(status));
	ref_note_send(request, to.number, to.ref, status, true);
	ref_note_ask(ask, status);
}

/* The requests of a gather may or may not be accepted: nobody is told of each. */
static unsigned
make_parts(unsigned gather, unsigned count, int64_t timeout, fuzz_input *in, troupe_request *requests)
{
	for (unsigned i = 0; i < count; i++) {
		fuzz_target to = fuzz_pick(in);
		unsigned part = ref_new_ask(REF_ASK, timeout < 0 ? 0 : timeout, (fuzz_input){ 0 });
		unsigned request = part != 0 ? make_request(part, 8, take_script(in)) : 0;

		if (request == 0)
			return i;
		ref_message *m = &ref.message[request];

		m->to = to.number;
		m->pusher = ref.now->actor;
		m->sender = ref_me()->ref;
		m->is_loose = true;
		m->accepted = 1;
		ref.ask[part].part_of = gather;
		ref_fill_body(request, bytes + (size_t)8 * i);
		requests[i] = (troupe_request){ to.ref, REF_TYPE + request, bytes + (size_t)8 * i, 8 };
	}
	return count;
}

static void
set_parts(unsigned gather, ref_place place, bool open)
{
	for (unsigned i = 0; i < ref.ask[gather].count; i++) {
		unsigned part = ref.ask[gather].first + i;

		ref.message[ref.ask[part].request].place = place;
		ref.ask[part].open = open;
	}
}

void
fuzz_gather(troupe_actor *self, fuzz_input *in)
{
	int64_t timeout = fuzz_time(in);
	unsigned count = 1 + fuzz_below(in, 4), want = 1 + fuzz_below(in, count);
	troupe_request requests[4];
	unsigned gather = ref_new_ask(REF_GATHER, timeout < 0 ? 0 : timeout, take_script(in));

	if (gather == 0)
		return;
	count = make_parts(gather, count, timeout, in, requests);
	if (count < want)
		return;
	ref.ask[gather].first = gather + 1;
	ref.ask[gather].count = count;
	ref.ask[gather].want = want;
	set_parts(gather, REF_WAITING, true);
	troupe_status status = troupe_gather(self, requests, count, want, timeout, fuzz_on_gathered,
	    (void *)(uintptr_t)gather);
	ref_expect(status != TROUPE_NOMEM || ref_may_lack_memory(), "asks: no memory to gather %u", count);
	ref_expect(timeout >= 0 || status == TROUPE_INVALID, "asks: a gather with a negative deadline is %s",
	    troupe_status_name(status));
	ref_note_ask(gather, status);
	if (status != TROUPE_OK)
		set_parts(gather, REF_WAITING, false);
}

void
fuzz_await(troupe_actor *self, fuzz_input *in)
{
	static const char *const names[] = { "a", "bb", "\xff\x01", "name", "other", "" };
	int64_t timeout = fuzz_time(in);
	unsigned name = fuzz_below(in, REF_NAMES + 1);
	unsigned ask = ref_new_ask(REF_AWAIT, timeout < 0 ? 0 : timeout, take_script(in));

	if (ask == 0)
		return;
	ref.ask[ask].name = (int)name;
	troupe_status status = troupe_await_name(self, names[name], timeout, fuzz_on_answer,
	    (void *)(uintptr_t)ask);
	bool expected = status == TROUPE_NOMEM     ? ref_may_lack_memory()
			: status == TROUPE_INVALID ? name == REF_NAMES || timeout < 0 || ref.now->ending
						   : status == TROUPE_OK && name < REF_NAMES && timeout >= 0;

	ref_expect(expected, "names: to wait for \"%s\" for %" PRId64 " ns is %s", names[name], timeout,
	    troupe_status_name(status));
	ref_note_ask(ask, status);
}

void
fuzz_call(troupe_actor *self, fuzz_input *in)
{
	int64_t timeout = fuzz_time(in);
	fuzz_target to = fuzz_pick(in);
	unsigned ask = ref_new_ask(REF_CALL, timeout < 0 ? 0 : timeout, (fuzz_input){ 0 });
	unsigned request = ask != 0 ? make_request(ask, 8, take_script(in)) : 0;
	troupe_msg *answer = NULL;
	int code = 0;

	(void)self;
	/* One that nobody answers would wait for ever. */
	if (request == 0 || timeout > TROUPE_SECOND || troupe_now(program.t) > INT64_MAX / 2)
		return;
	ref_message *m = &ref.message[request];

	/* It is handled, if it is accepted, before the call returns. */
	m->place = REF_WAITING;
	m->is_loose = true;
	m->to = to.number;
	m->accepted = 1;
	ref.ask[ask].open = true;
	ref_fill_body(request, bytes);
	troupe_status status = troupe_call(to.ref, REF_TYPE + request, bytes, 8, timeout, &answer, &code);
	if (m->place == REF_WAITING && m->is_loose && status != TROUPE_TIMEOUT &&
	    !(status == TROUPE_CLOSING && ref.is_shut_down)) {
		ref.ask[ask].open = false;
		m->place = REF_ENDED;
		if (!(status == TROUPE_INVALID && timeout < 0))
			ref_check_status("a call", to.number, to.ref, status);
		ref_expect(status != TROUPE_OK && answer == NULL,
		    "asks: call %u is answered, and was not handled", ask);
		return;
	}
	ref_note_call_end(ask, status, answer, code);
	if (answer != NULL)
		ref_end_message(answer->type - REF_TYPE);
	troupe_msg_free(&answer);
}

/* --- Timers. --- */

static troupe_timer
arm(troupe_actor *self, uint8_t way, int64_t time, uint32_t type, uint32_t size)
{
	return way == 0   ? troupe_send_after(self, time, type, bytes, size)
	       : way == 1 ? troupe_send_at(self, time, type, bytes, size)
			  : troupe_send_every(self, time,
				way == 2 ? TROUPE_MISSED_SKIP : TROUPE_MISSED_CATCH_UP, type, bytes, size);
}

void
fuzz_timer(troupe_actor *self, fuzz_input *in)
{
	uint8_t way = fuzz_byte(in) % 4;
	int64_t time = fuzz_time(in), now = troupe_now(program.t);
	uint32_t size = fuzz_size(in);
	bool is_invalid = (way == 0 && time < 0) || (way >= 2 && time < 1000);
	unsigned message = ref.timers < REF_TIMERS
			       ? ref_new_message(REF_TICK, size, TROUPE_LANE_NORMAL, 0, take_script(in))
			       : 0;

	if (message == 0)
		return;
	if (is_invalid) {
		ref_expect(arm(self, way, time, REF_TYPE + message, size) == 0 &&
			       troupe_last_error() == TROUPE_INVALID,
		    "timers: one of %" PRId64 " ns is no error", time);
		return;
	}
	int64_t due = way == 1 ? time : time > INT64_MAX - now ? INT64_MAX : now + time;
	unsigned timer = ref_new_timer(message, due, way < 2 ? 0 : time);

	ref_fill_body(message, bytes);
	ref_note_timer(timer, arm(self, way, time, REF_TYPE + message, size));
}

void
fuzz_cancel(troupe_actor *self, fuzz_input *in)
{
	unsigned timer = ref.timers > 0 ? ref.timers - fuzz_byte(in) % ref.timers : 0;

	if (timer != 0)
		ref_note_cancel(timer, ref.timer[timer].token, troupe_cancel(self, ref.timer[timer].token));
}

void
fuzz_idle(troupe_actor *self, fuzz_input *in)
{
	int64_t timeout = fuzz_time(in);

	ref_note_idle_timeout(timeout, troupe_set_idle_timeout(self, timeout));
}

void
fuzz_wind_down(troupe_actor *self)
{
	for (unsigned i = 1; i <= ref.timers; i++)
		if (ref.timer[i].open && ref.timer[i].actor == ref.now->actor && ref.timer[i].period != 0)
			ref_note_cancel(i, ref.timer[i].token, troupe_cancel(self, ref.timer[i].token));
	if (ref_me()->idle_timeout != 0)
		ref_note_idle_timeout(0, troupe_set_idle_timeout(self, 0));
}
