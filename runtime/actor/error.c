/* SPDX-License-Identifier: MIT */
#include "runtime/actor/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local troupe_status last_status;
static _Thread_local char last_text[512];

troupe_status
tr_fail(troupe_status status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last_text, sizeof last_text, format, arguments);
	va_end(arguments);
	last_status = status;
	return status;
}

troupe_status
troupe_last_error(void)
{
	return last_status;
}

const char *
troupe_last_error_text(void)
{
	return last_text;
}

const char *
troupe_status_name(troupe_status status)
{
	static const char *const names[] = {
		[TROUPE_OK] = "OK",
		[TROUPE_FULL] = "FULL",
		[TROUPE_DEAD] = "DEAD",
		[TROUPE_CLOSING] = "CLOSING",
		[TROUPE_NOMEM] = "NOMEM",
		[TROUPE_INVALID] = "INVALID",
		[TROUPE_TIMEOUT] = "TIMEOUT",
		[TROUPE_DEADLOCK] = "DEADLOCK",
		[TROUPE_REFUSED] = "REFUSED",
		[TROUPE_FORKED] = "FORKED",
		[TROUPE_UNHANDLED] = "UNHANDLED",
		[TROUPE_FAILED] = "FAILED",
		[TROUPE_UNANSWERED] = "UNANSWERED",
		[TROUPE_CANCELLED] = "CANCELLED",
		[TROUPE_LATE] = "LATE",
		[TROUPE_TAKEN] = "TAKEN",
	};

	return (size_t)status < sizeof names / sizeof *names ? names[status] : "?";
}

const char *
troupe_reason_name(troupe_reason reason)
{
	static const char *const names[] = {
		[TROUPE_REASON_SELF] = "SELF",
		[TROUPE_REASON_ASKED] = "ASKED",
		[TROUPE_REASON_PARENT] = "PARENT",
		[TROUPE_REASON_CLOSING] = "CLOSING",
		[TROUPE_REASON_FAILED] = "FAILED",
		[TROUPE_REASON_LINKED] = "LINKED",
		[TROUPE_REASON_RESTART] = "RESTART",
		[TROUPE_REASON_GONE] = "GONE",
	};

	return (size_t)reason < sizeof names / sizeof *names ? names[reason] : "?";
}
