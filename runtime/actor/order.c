/* SPDX-License-Identifier: MIT */
#include "runtime/actor/order.h"

#include "runtime/actor/report.h"
#include "runtime/memory/fault.h"

void
tr_order_give(tr_context *context, uint32_t unit)
{
	if (unit == 0)
		return;
	tr_report_give(context, tr_order_at(unit)->report);
	tr_heap_give(tr_order_at(unit)->argument);
	tr_cache_give_message(&context->cache, 0, unit);
}
