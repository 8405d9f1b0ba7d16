/* SPDX-License-Identifier: MIT */
#include "runtime/actor/runtime.h"
#include "runtime/memory/fault.h"
#include "tests/fuzz/program.h"
#include "tests/units.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * fuzz_calls -- one input is one run of a simulated runtime: how it is opened,
 * the calls of the thread outside, and how it ends.  The model in reference.h
 * watches all of it.  With FUZZ_TRACE in the environment each call is told.
 */

#define BUDGET 500

fuzz_program program;

/* --- Deeds. --- */

typedef struct deed {
	fuzz_deed *call;
	const char *name;
} deed;

#define DEED(name) \
	{ \
		fuzz_##name, #name \
	}

static const deed anybody[] = { DEED(send), DEED(send), DEED(send), DEED(spawn), DEED(stop), DEED(send_block),
	DEED(new_block), DEED(release_block), DEED(send_kept), DEED(free_kept), DEED(answer_kept),
	DEED(lookup), DEED(fault) };

static const deed actors_only[] = { DEED(spawn), DEED(keep), DEED(forward), DEED(unhandled), DEED(stash),
	DEED(unstash), DEED(reply), DEED(ask), DEED(gather), DEED(await), DEED(timer), DEED(cancel),
	DEED(idle), DEED(stop_self), DEED(fail), DEED(refuse), DEED(monitor), DEED(demonitor), DEED(link),
	DEED(register), DEED(unregister), DEED(become), DEED(shut_down) };

static const deed outside_only[] = { DEED(run), DEED(run), DEED(run), DEED(wait), DEED(call), DEED(hold),
	DEED(totals) };

#define COUNT(table) (sizeof(table) / sizeof *(table))

bool
fuzz_spend(void)
{
	program.budget -= program.budget > 0;
	return program.budget > 0;
}

static const deed *
pick_deed(bool is_outside, fuzz_input *in)
{
	size_t own = is_outside ? COUNT(outside_only) : COUNT(actors_only);
	size_t which = fuzz_byte(in) % (COUNT(anybody) + own);

	return which < COUNT(anybody) ? &anybody[which]
	       : is_outside           ? &outside_only[which - COUNT(anybody)]
				      : &actors_only[which - COUNT(anybody)];
}

void
fuzz_perform_one(troupe_actor *self, fuzz_input *in)
{
	static const char *const places[] = { "outside", "start", "receive", "answer", "gathered", "decide",
		"failed", "stop" };
	const deed *one = pick_deed(self == NULL, in);

	if (program.traces)
		fprintf(stderr, "%" PRId64 " actor %u, %s %u: %s\n", troupe_now(program.t), ref.now->actor,
		    places[ref.now->where], ref.now->message, one->name);
	one->call(self, in);
}

void
fuzz_perform(troupe_actor *self, fuzz_input script)
{
	while (script.at < script.end && fuzz_spend())
		fuzz_perform_one(self, &script);
}

/* --- Memory that runs out. --- */

/* Of the thread that drives, and of the one outside. */
static void
follow_faults(void)
{
	tr_cache_follow_faults(&tr_current_context->cache);
	if (tr_current_context != &program.t->contexts[0])
		tr_cache_follow_faults(&program.t->contexts[0].cache);
}

/* One allocation of the next call fails. */
void
fuzz_fault(troupe_actor *self, fuzz_input *in)
{
	long which = 1 + fuzz_below(in, 12);

	if (program.is_in_fault)
		return;
	program.is_in_fault = true;
	tr_fault_arm(which);
	follow_faults();
	fuzz_perform_one(self, in);
	(void)ref_may_lack_memory();
	tr_fault_arm(0);
	follow_faults();
	program.is_in_fault = false;
}

/* --- The thread outside. --- */

void
fuzz_run(troupe_actor *self, fuzz_input *in)
{
	(void)self;
	for (unsigned turns = 1 + fuzz_below(in, 32); turns > 0; turns--) {
		troupe_status status = troupe_run_once(program.t);

		ref_expect(status == TROUPE_OK || status == TROUPE_TIMEOUT, "run_once: it is %s",
		    troupe_status_name(status));
		if (status == TROUPE_TIMEOUT)
			return;
	}
}

void
fuzz_wait(troupe_actor *self, fuzz_input *in)
{
	uint32_t way = fuzz_below(in, 3);
	troupe_ref found = 0;
	troupe_status status = way == 0   ? troupe_wait(program.t, 0)
			       : way == 1 ? troupe_drain(program.t, 0)
					  : troupe_wait_for(program.t, "name", 0, &found);

	(void)self;
	ref_expect(status == TROUPE_OK || status == TROUPE_TIMEOUT ||
		       (status == TROUPE_CLOSING && ref.is_shut_down),
	    "wait: it is %s", troupe_status_name(status));
	if (way == 2)
		ref_expect((status == TROUPE_OK) == (found != 0), "names: one waited for is %" PRIx64 ", %s",
		    found, troupe_status_name(status));
	if (way == 0 && status == TROUPE_OK && !ref.is_shut_down)
		ref_check_quiet();
}

void
fuzz_hold(troupe_actor *self, fuzz_input *in)
{
	(void)self;
	if (fuzz_byte(in) & 1) {
		ref_expect(troupe_hold(program.t) == TROUPE_OK, "hold: refused");
		program.holds++;
		return;
	}
	troupe_status status = troupe_release(program.t);
	ref_expect(status == (program.holds > 0 ? TROUPE_OK : TROUPE_INVALID),
	    "hold: %u are held, and a release is %s", program.holds, troupe_status_name(status));
	program.holds -= program.holds > 0;
}

void
fuzz_totals(troupe_actor *self, fuzz_input *in)
{
	(void)self;
	(void)in;
	ref_check_totals();
}

/* --- The end. --- */

static void
release_all(void)
{
	for (uint8_t i = 0; i < FUZZ_KEPT; i++)
		fuzz_free_kept(NULL, &(fuzz_input){ &i, &i + 1 });
	for (uint8_t i = 0; i < FUZZ_BLOCKS; i++)
		fuzz_release_block(NULL, &(fuzz_input){ &i, &i + 1 });
}

/* Nobody does anything more; what is under way comes to its end. */
static void
wait_until_quiet(void)
{
	program.budget = 0;
	release_all();
	while (program.holds > 0)
		fuzz_hold(NULL, &(fuzz_input){ NULL, NULL });
	if (ref.is_shut_down)
		return;
	if (ref_waits_for_ever()) {
		ref_expect(troupe_drain(program.t, TROUPE_FOREVER) == TROUPE_OK, "drain: refused");
		return;
	}
	ref_expect(troupe_wait(program.t, TROUPE_FOREVER) == TROUPE_OK, "wait: refused");
	ref_check_quiet();
}

static void
stop_everybody(void)
{
	for (unsigned i = 1; i <= ref.actors; i++)
		ref_note_stop_call(i, ref.actor[i].ref, troupe_stop(ref.actor[i].ref, TROUPE_STOP_NOW));
	wait_until_quiet();
}

static void
close_program(void)
{
	ref_check_totals();
	ref.is_closing = true;
	troupe_status status = troupe_close(program.t, TROUPE_FOREVER, NULL, NULL);
	ref_expect(status == TROUPE_OK, "close: it is %s", troupe_status_name(status));
	ref.now = &ref.outside;
	program.t = NULL;
	release_all();
	ref_check_end();
}

static void
end_program(uint8_t how)
{
	if (how & 1)
		wait_until_quiet();
	if (how & 2)
		stop_everybody();
	close_program();
}

/* --- The beginning. --- */

static troupe *
open_program(fuzz_input *in)
{
	static const int quanta[] = { 0, 1, 7, 1000 };
	int quantum = quanta[fuzz_below(in, 4)];
	troupe_options options = {
		.size = sizeof options,
		.scheduler = TROUPE_SCHEDULER_SIMULATED,
		.seed = fuzz_byte(in),
		.quantum = quantum,
		.crash_report = TROUPE_CRASH_REPORT_OFF,
		.dead_letter = fuzz_on_letter,
		.failure = fuzz_on_failure,
		.log = fuzz_on_log,
	};
	troupe *t = troupe_open(&options);

	ref_begin(t, quantum <= 1);
	program = (fuzz_program){ .t = t, .budget = BUDGET, .traces = getenv("FUZZ_TRACE") != NULL };
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t lost;
	fuzz_input in = { data, data + size };
	uint8_t how = fuzz_byte(&in);

	if (tr_context_mine() == NULL || open_program(&in) == NULL)
		ref_break("open: %s", troupe_last_error_text());
	fuzz_perform(NULL, in);
	end_program(how);
	/* What this thread keeps for itself is not lost. */
	tr_cache_fini(&tr_current_context->cache);
	uint64_t out = units_out();
	/* The first run may find in the depots what others left: none did here. */
	ref_expect(out <= lost || lost == 0, "memory: %" PRIu64 " units were lost", out - lost);
	lost = out;
	return 0;
}
