/* SPDX-License-Identifier: MIT */
#include "runtime/actor/ask.h"
#include "runtime/actor/error.h"
#include "runtime/memory/fault.h"

#include <inttypes.h>

/*
 * gather -- several asks, and one callback for all of them.
 *
 * Each ask has a part of the gather for its context.  The answers that come
 * are kept until the callback; asks that are open then are withdrawn, so that
 * their answers are late.
 */

typedef struct gather gather;

typedef struct part {
	gather *all;
	troupe_msg *kept; /* NULL is none */
	uint64_t token;   /* of the ask */
	bool ended;
} part;

struct gather {
	troupe_on_gathered *on_gathered;
	void *context;
	size_t count, want;
	size_t answered, ended;
	troupe_status last_failure;
	troupe_answer *answers;
	part parts[];
};

static void
destroy_gather(gather *all)
{
	tr_heap_give(all->answers);
	tr_heap_give(all);
}

static gather *
create_gather(size_t count, size_t want, troupe_on_gathered *on_gathered, void *context)
{
	if (count > (SIZE_MAX - sizeof(gather)) / sizeof(troupe_answer))
		return NULL;
	gather *all = tr_heap_take_zeroed(sizeof *all + count * sizeof(part));

	if (all == NULL)
		return NULL;
	all->answers = tr_heap_take_zeroed(count * sizeof *all->answers);
	if (all->answers == NULL) {
		tr_heap_give(all);
		return NULL;
	}
	all->on_gathered = on_gathered;
	all->context = context;
	all->count = count;
	all->want = want;
	for (size_t i = 0; i < count; i++)
		all->parts[i].all = all;
	return all;
}

/* As many as wanted were answered, or can no longer be. */
static bool
is_decided(const gather *all)
{
	return all->answered >= all->want || all->answered + (all->count - all->ended) < all->want;
}

static void
withdraw_open(gather *all, troupe_actor *self)
{
	tr_context *context = tr_current_context;

	for (size_t i = 0; i < all->count; i++) {
		tr_cell *cell = all->parts[i].ended ? NULL : tr_cell_find(all->parts[i].token, tr_context_self(context));

		TR_ASSERT(all->parts[i].ended || cell != NULL);
		if (cell != NULL)
			tr_ask_withdraw(context, self, (tr_ask *)cell);
		if (!all->parts[i].ended)
			all->answers[i].status = TROUPE_CANCELLED;
	}
}

/* The gather is decided, and ends with its callback. */
static void
call_back(gather *all, troupe_actor *self, void *state)
{
	troupe_gathered gathered = {
		.status = all->answered >= all->want ? TROUPE_OK : all->last_failure,
		.count = all->count,
		.answered = all->answered,
		.answers = all->answers,
		.context = all->context,
	};

	withdraw_open(all, self);
	all->on_gathered(self, state, &gathered);
	for (size_t i = 0; i < all->count; i++)
		troupe_msg_free(&all->parts[i].kept);
	destroy_gather(all);
}

/* One of the requests has ended. */
static void
note_end(part *one, troupe_status status, troupe_msg *kept, int code)
{
	gather *all = one->all;
	troupe_answer *noted = &all->answers[one - all->parts];

	one->ended = true;
	one->kept = kept;
	noted->status = status;
	noted->msg = kept;
	noted->code = code;
	noted->text = status == TROUPE_OK ? "" : troupe_status_name(status);
	all->ended++;
	if (status == TROUPE_OK)
		all->answered++;
	else
		all->last_failure = status;
}

static void
on_answer(troupe_actor *self, void *state, const troupe_answer *answer)
{
	part *one = answer->context;
	gather *all = one->all;

	note_end(one, answer->status, answer->status == TROUPE_OK ? troupe_keep(self) : NULL, answer->code);
	if (is_decided(all))
		call_back(all, self, state);
}

/* If it cannot be sent, that is how it ended. */
static void
ask_one(tr_context *context, troupe_actor *self, part *one, const troupe_request *request, int64_t timeout_ns)
{
	troupe_answer *noted = &one->all->answers[one - one->all->parts];
	tr_ask *ask;
	troupe_status status = tr_ask_send(context, self, request, timeout_ns, on_answer, one, &ask);

	noted->target = request->to;
	noted->type = request->type;
	noted->context = one->all->context;
	noted->text = troupe_status_name(TROUPE_CANCELLED);
	if (status == TROUPE_OK)
		one->token = tr_cell_token(&ask->cell, tr_context_self(context));
	else
		note_end(one, status, NULL, 0);
}

troupe_status
troupe_gather(troupe_actor *self, const troupe_request *requests, size_t count, size_t want, int64_t timeout_ns,
    troupe_on_gathered *on_gathered, void *user)
{
	tr_context *context = tr_require_self(self, __func__);

	if (requests == NULL || want == 0 || want > count || timeout_ns < 0 || on_gathered == NULL ||
	    tr_actor_is_ending(self))
		return tr_fail(TROUPE_INVALID, "cannot gather %zu of %zu requests within %" PRId64 " ns", want, count,
		    timeout_ns);
	gather *all = create_gather(count, want, on_gathered, user);
	if (all == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory to gather %zu requests", count);
	for (size_t i = 0; i < count; i++)
		ask_one(context, self, &all->parts[i], &requests[i], timeout_ns);
	if (!is_decided(all))
		return TROUPE_OK;
	/* Too few could be sent. */
	withdraw_open(all, self);
	troupe_status status = all->last_failure;
	destroy_gather(all);
	return tr_fail(status, "of %zu requests fewer than %zu could be sent", count, want);
}
