/* SPDX-License-Identifier: MIT */
#include "runtime/actor/behavior.h"

#include "runtime/actor/error.h"

/* A slot of the message arena; NULL in it is the class's. */
typedef struct behavior_stack {
	troupe_msg msg;
	uint32_t count;
	troupe_receive *below[TROUPE_BEHAVIORS_MAX];
} behavior_stack;

_Static_assert(sizeof(behavior_stack) <= 3 * TR_UNIT, "a stack of behaviors is small");
#define STACK_CLASS 2

static behavior_stack *
stack_of(const tr_extra *extra)
{
	return extra->behaviors != 0 ? tr_message_at(extra->behaviors) : NULL;
}

void
tr_behavior_reset(tr_context *context, tr_extra *extra)
{
	extra->receive = NULL;
	if (extra->behaviors != 0)
		tr_cache_give_message(&context->cache, STACK_CLASS, extra->behaviors);
	extra->behaviors = 0;
}

/* NULL: out of memory. */
static behavior_stack *
make_stack(tr_context *context, tr_extra *extra)
{
	if (extra->behaviors == 0) {
		extra->behaviors = tr_cache_take_message(&context->cache, STACK_CLASS);
		if (extra->behaviors != 0)
			stack_of(extra)->count = 0;
	}
	return stack_of(extra);
}

static void
use_behavior(tr_context *context, tr_extra *extra, troupe_receive *receive)
{
	extra->receive = receive;
	context->after |= TR_AFTER_BECOME;
}

troupe_status
troupe_become(troupe_actor *self, troupe_receive *receive)
{
	tr_context *context = tr_require_self(self, __func__);

	if (receive == NULL)
		return tr_fail(TROUPE_INVALID, "an actor cannot become NULL");
	tr_extra *extra = tr_actor_make_extra(&context->cache, self);
	if (extra == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for an actor's new behavior");
	use_behavior(context, extra, receive);
	return TROUPE_OK;
}

troupe_status
troupe_become_over(troupe_actor *self, troupe_receive *receive)
{
	tr_context *context = tr_require_self(self, __func__);

	if (receive == NULL)
		return tr_fail(TROUPE_INVALID, "an actor cannot become NULL");
	tr_extra *extra = tr_actor_make_extra(&context->cache, self);
	behavior_stack *stack = extra != NULL ? make_stack(context, extra) : NULL;

	if (stack == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for an actor's new behavior");
	if (stack->count == TROUPE_BEHAVIORS_MAX)
		return tr_fail(TROUPE_FULL, "%d behaviors wait to be come back to, and there is room for no more",
		    TROUPE_BEHAVIORS_MAX);
	stack->below[stack->count++] = extra->receive;
	use_behavior(context, extra, receive);
	return TROUPE_OK;
}

troupe_status
troupe_unbecome(troupe_actor *self)
{
	tr_context *context = tr_require_self(self, __func__);
	tr_extra *extra = tr_actor_extra(self);
	behavior_stack *stack = extra != NULL ? stack_of(extra) : NULL;

	if (stack == NULL || stack->count == 0)
		return tr_fail(TROUPE_INVALID, "there is no behavior to come back to");
	use_behavior(context, extra, stack->below[--stack->count]);
	return TROUPE_OK;
}
