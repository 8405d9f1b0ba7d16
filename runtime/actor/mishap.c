/* SPDX-License-Identifier: MIT */
#include "runtime/actor/mishap.h"

#include "runtime/actor/report.h"
#include "runtime/actor/runtime.h"
#include "runtime/engine/simulated.h"

static void
fail_before(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	(void)msg;
	troupe_fail(self, TROUPE_CODE_INJECTED, "injected");
}

static void
fail_after(troupe_actor *self, void *state, const troupe_msg *msg)
{
	tr_actor_receive(self)(self, state, msg);
	troupe_fail(self, TROUPE_CODE_INJECTED, "injected");
}

troupe_receive *
tr_mishap_receive(const tr_context *context)
{
	return context->mishap == TR_FAIL_BEFORE ? fail_before : fail_after;
}

/* Its report, which it has from its spawn on, names what its supervisor keeps of it. */
static bool
has_supervisor(const troupe_actor *actor)
{
	const tr_extra *extra = tr_actor_extra(actor);

	return extra != NULL && extra->report != 0 && tr_report_at(extra->report)->charge != 0;
}

void
tr_mishap_begin(tr_context *context, troupe *t, const troupe_actor *actor)
{
	if (has_supervisor(actor) && !tr_actor_is_ending(actor))
		context->mishap = (uint8_t)tr_simulation_draw_mishap(&t->pool);
	tr_fault_draw_from(tr_simulation_faults(&t->pool));
}

void
tr_mishap_end(tr_context *context)
{
	context->mishap = TR_NO_MISHAP;
	tr_fault_draw_from(NULL);
}
