/* SPDX-License-Identifier: MIT */
#include "tests/storm.h"

void
storm_enter(storm *s, enum storm_entry what, uint64_t a, uint64_t b)
{
	if (s->workers != 0)
		return;
	sys_random random = { s->digest ^ ((uint64_t)what << 56) ^ (a << 28) ^ b ^ (uint64_t)troupe_now(s->t) << 8 };

	s->digest = sys_next(&random);
	s->entries++;
}

static void
note_letter(void *context, const troupe_dead_letter *letter)
{
	storm *s = context;

	sys_add(&s->letters[letter->reason], 1);
	storm_enter(s, STORM_BURIED, (uint64_t)letter->reason, letter->msg->type);
}

static void
note_line(void *context, troupe_log_level level, const char *text)
{
	storm *s = context;

	if (level == TROUPE_LOG_INFO)
		return;
	fprintf(stderr, "logged (%d): %s\n", (int)level, text);
	sys_add(&s->wrong, 1);
}

static void
note_failure(void *context, const troupe_failure *failure)
{
	storm *s = context;

	sys_add(&s->failures, 1);
	storm_enter(s, STORM_FAILED, (uint64_t)(uint32_t)failure->code, failure->msg_type);
}

static bool
open_storm(storm *s)
{
	static const int quanta[] = { 0, 1, 7, 1000 };
	troupe_options options = {
		.size = sizeof options,
		.workers = s->workers,
		.scheduler = s->workers == 0 ? TROUPE_SCHEDULER_SIMULATED : TROUPE_SCHEDULER_POOL,
		.seed = s->seed,
		.quantum = quanta[s->seed / STORM_ENDS % 4],
		.ring = s->seed % 5 == 0 ? 4 : 0,
		.context = s,
		.dead_letter = note_letter,
		.log = note_line,
		.failure = note_failure,
	};

	s->t = troupe_open(&options);
	storm_expect(s, s->t != NULL);
	return s->t != NULL;
}

/* The thread outside asks too. */
static void
call_somebody(storm *s, sys_random *random)
{
	troupe_ref who = sys_get(&s->refs[sys_below(random, STORM_SLOTS)]);
	troupe_msg *answer = NULL;
	troupe_status status = troupe_call(who, STORM_WORK, NULL, 0, 100000, &answer, NULL);

	storm_expect(s, status == TROUPE_OK || answer == NULL);
	storm_enter(s, STORM_ANSWERED, 0, (uint64_t)status);
	troupe_msg_free(&answer);
}

static void
stir(storm *s, sys_random *random)
{
	for (int i = 0; i < STORM_SLOTS; i++) {
		storm_birth birth = { s, sys_next(random) };
		troupe_ref ref = sys_get(&s->refs[i]);

		if (ref == 0 || troupe_send(ref, STORM_WORK, NULL, 0) == TROUPE_DEAD) {
			ref = troupe_spawn(s->t, i % 3 ? &storm_supervisor_class : &storm_plain_class, &birth);
			sys_set(&s->refs[i], ref);
		}
		if (ref != 0)
			(void)troupe_send(ref, STORM_WORK, NULL, 0);
	}
	call_somebody(s, random);
}

/* Until it has raged itself out, or is to be cut. */
static void
rage(storm *s)
{
	sys_random random = { s->seed };
	uint32_t enough = s->end == STORM_IS_CUT ? s->actions / 2 : s->actions;

	while (sys_get(&s->spent) < enough) {
		stir(s, &random);
		if (s->workers != 0)
			(void)troupe_drain(s->t, s->end == STORM_IS_CUT ? TROUPE_MS / 10 : TROUPE_FOREVER);
		for (int i = 0; s->workers == 0 && i < 200 && sys_get(&s->spent) < enough; i++)
			(void)troupe_run_once(s->t);
	}
}

static void
stop_everybody(storm *s)
{
	uint64_t born = sys_get(&s->born);

	for (uint64_t i = 0; i < born && i < STORM_BORN; i++) {
		troupe_status status = troupe_stop(sys_get(&s->everybody[i]), TROUPE_STOP_NOW);

		storm_expect(s, status == TROUPE_OK || status == TROUPE_DEAD);
	}
	storm_expect(s, troupe_wait(s->t, TROUPE_FOREVER) == TROUPE_OK);
	for (char name[2] = "a"; name[0] < 'a' + STORM_NAMES; name[0]++)
		storm_expect(s, troupe_lookup(s->t, name) == 0);
	troupe_get_totals(s->t, &s->totals);
	storm_expect(s, s->totals.accepted == s->totals.handled + s->totals.dead);
	storm_expect(s, s->totals.spawned == s->totals.stopped);
	storm_expect(s, s->totals.dead ==
	              sys_get(&s->letters[TROUPE_DEAD]) + sys_get(&s->letters[TROUPE_LATE]));
	storm_expect(s, s->totals.unhandled == sys_get(&s->letters[TROUPE_UNHANDLED]));
	storm_expect(s, s->totals.failed == sys_get(&s->failures));
	storm_expect(s, s->totals.spawned + s->totals.restarted == sys_get(&s->ends));
}

void *
run_storm(void *storm_)
{
	storm *s = storm_;

	if (!open_storm(s))
		return NULL;
	if (s->opened != NULL)
		s->opened(s);
	rage(s);
	if (s->end != STORM_IS_CUT)
		storm_expect(s, troupe_wait(s->t, TROUPE_FOREVER) == TROUPE_OK);
	if (s->end == STORM_STOPS_ALL)
		stop_everybody(s);
	if (s->closing != NULL)
		s->closing(s);
	storm_expect(s, troupe_close(s->t, TROUPE_FOREVER, NULL, NULL) == TROUPE_OK);
	return NULL;
}
