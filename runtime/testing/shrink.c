/* SPDX-License-Identifier: MIT */
#include "runtime/testing/shrink.h"

#include <stdlib.h>

/* --- Trying. --- */

/* The first beyond the end is the first runnable anyway. */
static void
trim(tr_choices *choices)
{
	while (choices->count > 0 && choices->list[choices->count - 1].rank == 0)
		choices->count--;
}

/* Whether it fails in the same way with the choices; then they, as they were recorded, are the shortest. */
static bool
try_choices(tr_shrinking *s, const tr_choices *choices)
{
	tr_trial trial = { .what = s->trial.what, .options = s->trial.options };
	char *text = choices->is_cut || s->runs == s->most_runs ? NULL : tr_choices_write(choices);

	if (text == NULL)
		return false;
	trial.options.policy = TROUPE_POLICY_REPLAY;
	trial.options.choices = text;
	tr_trial_run(&trial);
	s->runs++;
	free(text);
	bool same = trial.verdict == s->trial.verdict && trial.value == s->trial.value &&
		    !trial.record.is_cut;

	if (!same) {
		tr_choices_fini(&trial.record);
		return false;
	}
	tr_choices_fini(&s->shortest);
	s->shortest = trial.record;
	trim(&s->shortest);
	return true;
}

/* --- Changes. --- */

typedef enum change { LEAVE_OUT, TAKE_FIRST } change;

/* `count` of the list's entries from `at` on. */
static bool
try_change(tr_shrinking *s, change how, size_t at, size_t count)
{
	const tr_choices *from = &s->shortest;
	tr_choices to = { 0 };

	for (size_t i = 0; i < from->count; i++) {
		bool inside = i >= at && i < at + count;

		if (!inside || how == TAKE_FIRST)
			tr_choices_append(&to, inside ? 0 : from->list[i].rank, from->list[i].times);
	}
	bool done = try_choices(s, &to);

	tr_choices_fini(&to);
	return done;
}

/* One entry becomes another, or goes for 0 times. */
static bool
try_entry(tr_shrinking *s, size_t at, uint32_t rank, uint32_t times)
{
	const tr_choices *from = &s->shortest;
	tr_choices to = { 0 };

	for (size_t i = 0; i < from->count; i++)
		tr_choices_append(&to, i == at ? rank : from->list[i].rank,
		    i == at ? times : from->list[i].times);
	bool done = try_choices(s, &to);

	tr_choices_fini(&to);
	return done;
}

static bool
are_first(const tr_choices *choices, size_t at, size_t count)
{
	for (size_t i = at; i < at + count && i < choices->count; i++)
		if (choices->list[i].rank != 0)
			return false;
	return true;
}

/* Half of the entries, a quarter, and so on. */
static bool
cut_tail(tr_shrinking *s)
{
	bool any = false;

	for (size_t chunk = (s->shortest.count + 1) / 2; chunk > 0; chunk /= 2)
		while (
		    chunk <= s->shortest.count && try_change(s, LEAVE_OUT, s->shortest.count - chunk, chunk))
			any = true;
	return any;
}

static bool
change_chunks(tr_shrinking *s, change how)
{
	bool any = false;

	for (size_t chunk = (s->shortest.count + 1) / 2; chunk > 0; chunk /= 2)
		for (size_t at = 0; at < s->shortest.count;) {
			bool vain = how == TAKE_FIRST && are_first(&s->shortest, at, chunk);

			if (!vain && try_change(s, how, at, chunk))
				any = true;
			else
				at += chunk;
		}
	return any;
}

/* Shorter rows of the same rank; and lesser ranks. */
static bool
lower_entries(tr_shrinking *s)
{
	bool any = false;

	for (size_t at = 0; at < s->shortest.count; at++) {
		for (uint32_t by = s->shortest.list[at].times / 2; by > 0; by /= 2)
			while (at < s->shortest.count && s->shortest.list[at].times > by &&
			       try_entry(s, at, s->shortest.list[at].rank, s->shortest.list[at].times - by))
				any = true;
		for (uint32_t by = at < s->shortest.count ? s->shortest.list[at].rank / 2 : 0; by > 0;
		     by /= 2)
			while (at < s->shortest.count && s->shortest.list[at].rank > by &&
			       try_entry(s, at, s->shortest.list[at].rank - by, s->shortest.list[at].times))
				any = true;
	}
	return any;
}

/* --- Faults. --- */

static void
leave_out_fault(tr_shrinking *s, uint32_t *odds)
{
	uint32_t before = *odds;

	if (before == 0)
		return;
	*odds = 0;
	if (!try_choices(s, &s->shortest))
		*odds = before;
}

void
tr_shrink(tr_shrinking *s, tr_trial *failed, uint64_t most_runs)
{
	*s = (tr_shrinking){ .trial = *failed, .shortest = failed->record, .most_runs = most_runs };
	failed->record = s->trial.record = (tr_choices){ 0 };
	s->trial.options.policy = TROUPE_POLICY_REPLAY;
	s->trial.options.choices = NULL;
	s->is_reproduced = try_choices(s, &s->shortest);
	if (!s->is_reproduced)
		return;
	leave_out_fault(s, &s->trial.options.faults.alloc);
	leave_out_fault(s, &s->trial.options.faults.late);
	leave_out_fault(s, &s->trial.options.faults.restart);
	bool shorter = true;

	while (shorter && s->runs < s->most_runs) {
		shorter = cut_tail(s);
		shorter |= change_chunks(s, TAKE_FIRST);
		shorter |= change_chunks(s, LEAVE_OUT);
		shorter |= lower_entries(s);
	}
}
