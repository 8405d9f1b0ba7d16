/* SPDX-License-Identifier: MIT */
#include "runtime/actor/report.h"

#include "runtime/memory/fault.h"

tr_report *
tr_report_take(tr_context *context)
{
	uint32_t unit = tr_cache_take_message(&context->cache, 0);

	if (unit == 0)
		return NULL;
	tr_report *report = tr_report_at(unit);

	*report = (tr_report){ .msg.flag_bits = TR_MSG_CONTROL, .msg.type = TR_TYPE_CHILD_FAILED };
	return report;
}

void
tr_report_give(tr_context *context, uint32_t unit)
{
	if (unit == 0)
		return;
	tr_heap_give(tr_report_at(unit)->text);
	tr_cache_give_message(&context->cache, 0, unit);
}

const char *
tr_report_text(const tr_report *report)
{
	return report->text != NULL ? report->text : "";
}

const char *
tr_report_name(const tr_report *report)
{
	return report->text != NULL ? report->text + strlen(report->text) + 1 : "";
}
