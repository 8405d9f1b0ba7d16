/* SPDX-License-Identifier: MIT */
#include "runtime/actor/ending.h"

#include "runtime/actor/ask.h"
#include "runtime/actor/charge.h"
#include "runtime/actor/failure.h"
#include "runtime/actor/monitor.h"
#include "runtime/actor/registry.h"
#include "runtime/actor/timer.h"

void
tr_ending_settle(tr_context *context, troupe *t, troupe_actor *actor)
{
	if (context->after & TR_AFTER_FAIL)
		tr_failure_settle(context, t, actor);
	context->after = 0;
}

static void
end_ask(tr_context *context, troupe *t, troupe_actor *actor, tr_ask *ask, troupe_status status)
{
	tr_ask_end(context, t, actor, ask, status);
	tr_ending_settle(context, t, actor);
}

static void
end_cell(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *cell, troupe_status status)
{
	switch (cell->msg.type) {
	case TR_TYPE_ASK:
	case TR_TYPE_AWAIT:
		end_ask(context, t, actor, (tr_ask *)cell, status);
		break;
	case TR_TYPE_MONITORING:
		tr_monitor_end(context, actor, cell);
		break;
	case TR_TYPE_NAME:
		tr_registry_end_name(context, t, actor, cell);
		break;
	case TR_TYPE_BACKOFF:
		tr_charge_end_backoff(context, t, actor, cell);
		break;
	default:
		tr_timer_end(context, t, actor, cell);
	}
}

/* The newest first, and each time anew: a callback may have ended others. */
static void
end_cells(tr_context *context, troupe *t, troupe_actor *actor, troupe_status status, bool keep_names)
{
	tr_extra *extra = tr_actor_extra(actor);
	uint32_t kept = 0;

	while (extra->cells != 0) {
		tr_cell *cell = tr_cell_at(extra->cells);

		if (keep_names && cell->msg.type == TR_TYPE_NAME) {
			tr_cells_delist(extra, cell);
			cell->older = kept;
			kept = tr_cell_unit(cell);
		} else {
			end_cell(context, t, actor, cell, status);
		}
	}
	for (uint32_t next; kept != 0; kept = next) {
		next = tr_cell_at(kept)->older;
		tr_cells_link(extra, tr_cell_at(kept));
	}
}

void
tr_ending_run(tr_context *context, troupe *t, troupe_actor *actor, troupe_status status)
{
	if (actor->extra != 0)
		end_cells(context, t, actor, status, false);
}

void
tr_ending_run_for_restart(tr_context *context, troupe *t, troupe_actor *actor)
{
	end_cells(context, t, actor, TROUPE_CANCELLED, true);
}
