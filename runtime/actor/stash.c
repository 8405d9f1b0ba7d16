/* SPDX-License-Identifier: MIT */
#include "runtime/actor/stash.h"

#include "runtime/actor/error.h"

uint32_t
tr_stash_return(tr_context *context, tr_lanes *lanes)
{
	tr_lanes returned = { .normal = context->unstashed };
	uint32_t count = context->unstashed_count;

	context->unstashed = (tr_chain){ 0, 0 };
	context->unstashed_count = 0;
	tr_lanes_sort(&returned);
	tr_chain_prepend(&lanes->urgent, returned.urgent);
	tr_chain_prepend(&lanes->normal, returned.normal);
	return count;
}

tr_chain
tr_stash_take_all(tr_extra *extra)
{
	tr_chain all = extra->stash;

	extra->stash = (tr_chain){ 0, 0 };
	extra->stash_count = 0;
	return all;
}

static size_t
limit_of(const troupe_actor *actor)
{
	size_t limit = tr_actor_class(actor)->stash_limit;

	return limit != 0 ? limit : TROUPE_STASH_LIMIT;
}

troupe_status
troupe_stash(troupe_actor *self)
{
	tr_context *context = tr_require_self(self, __func__);
	troupe_msg *msg = context->msg;

	if (msg == NULL || context->in_answer || tr_actor_is_ending(self))
		return tr_fail(TROUPE_INVALID, "there is no message of the behavior's in hand to stash");
	tr_extra *extra = tr_actor_make_extra(&context->cache, self);
	if (extra == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for a stash");
	if (extra->stash_count >= limit_of(self))
		return tr_fail(TROUPE_FULL, "the stash holds %zu messages, and no more", limit_of(self));
	context->msg = NULL;
	tr_chain_append_one(&extra->stash, tr_message_unit(msg));
	extra->stash_count++;
	/* It was counted as handled when it came. */
	tr_count(&context->tally->handled, -UINT64_C(1));
	return TROUPE_OK;
}

size_t
troupe_unstash(troupe_actor *self, size_t most)
{
	tr_context *context = tr_require_self(self, __func__);
	tr_extra *extra = tr_actor_extra(self);
	size_t count = 0;

	if (extra == NULL || tr_actor_is_ending(self) || context->failing)
		return 0;
	for (; count < most && extra->stash.first != 0; count++)
		tr_chain_append_one(&context->unstashed, tr_chain_take(&extra->stash));
	extra->stash_count -= (uint32_t)count;
	context->unstashed_count += (uint32_t)count;
	if (count > 0)
		context->after |= TR_AFTER_UNSTASH;
	return count;
}
