/* SPDX-License-Identifier: MIT */
#include "runtime/engine/policy.h"

/* Priorities of those that were never demoted are above all others. */
#define HIGH (UINT64_C(1) << 63)

void
tr_policy_init(tr_policy *policy, troupe_policy kind, uint64_t seed, uint32_t depth, uint64_t length,
    const tr_choices *choices)
{
	*policy = (tr_policy){ .kind = kind, .random = seed, .choices = choices };
	if (kind != TROUPE_POLICY_PCT)
		return;
	TR_ASSERT(depth >= 1 && depth <= TROUPE_DEPTH_MAX && length > 0);
	policy->salt = tr_random_next(&policy->random);
	policy->demotion_count = depth - 1;
	for (uint32_t i = 0; i < policy->demotion_count; i++)
		policy->demotions[i].step = 1 + tr_random_next(&policy->random) % length;
}

/* A priority that was drawn for the actor's birth, whenever that was; nothing has to be kept for it. */
static uint64_t
priority_of_birth(const tr_policy *policy, uint32_t birth)
{
	uint64_t state = policy->salt ^ birth * UINT64_C(0xd1342543de82ef95);

	return tr_random_next(&state) | HIGH;
}

/* The last demotion counts. */
static uint64_t
priority_of(const tr_policy *policy, uint32_t birth)
{
	uint64_t priority = 0, last = 0;

	for (uint32_t i = 0; i < policy->demotion_count; i++) {
		const tr_demotion *demotion = &policy->demotions[i];

		if (demotion->birth == birth && demotion->step >= last) {
			priority = i + 1;
			last = demotion->step;
		}
	}
	return priority != 0 ? priority : priority_of_birth(policy, birth);
}

static void
demote(tr_policy *policy, uint32_t birth)
{
	for (uint32_t i = 0; i < policy->demotion_count; i++)
		if (policy->demotions[i].step == policy->steps)
			policy->demotions[i].birth = birth;
}

/* Of equals, which hardly are, the first. */
static size_t
choose_by_priority(tr_policy *policy, const tr_runnable *set, const uint32_t *births)
{
	size_t best = 0, rank = 0, position = 0;
	uint64_t highest = 0;
	uint32_t birth = 0, actor;

	for (; (actor = tr_runnable_next(set, &position)) != 0; rank++) {
		uint64_t priority = priority_of(policy, births[actor]);

		if (priority > highest) {
			highest = priority;
			best = rank;
			birth = births[actor];
		}
	}
	demote(policy, birth);
	return best;
}

size_t
tr_policy_choose(tr_policy *policy, const tr_runnable *set, const uint32_t *births)
{
	size_t rank = 0;

	policy->steps++;
	switch (policy->kind) {
	case TROUPE_POLICY_RANDOM:
		rank = tr_random_below(&policy->random, (uint32_t)set->count);
		break;
	case TROUPE_POLICY_PCT:
		rank = choose_by_priority(policy, set, births);
		break;
	case TROUPE_POLICY_ROUND_ROBIN:
		break;
	case TROUPE_POLICY_REPLAY:
		rank = tr_choices_next(policy->choices, &policy->cursor);
		break;
	}
	return rank < set->count ? rank : set->count - 1;
}

const char *
tr_policy_name(troupe_policy kind)
{
	static const char *const names[] = { "random", "pct", "round-robin", "replay" };

	return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : NULL;
}

double
tr_policy_bound(uint64_t actors, uint64_t length, uint32_t depth)
{
	double bound = actors > 0 ? 1 / (double)actors : 1;

	for (uint32_t i = 1; i < depth && length > 0; i++)
		bound /= (double)length;
	return bound;
}
