/* SPDX-License-Identifier: MIT */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

static int64_t beginning;

void
begin_to_say(const troupe *t)
{
	beginning = troupe_now(t);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* each line at once, also through a pipe */
}

void
say(const troupe_actor *self, const char *format, ...)
{
	const int64_t since = troupe_now(troupe_of(self)) - beginning;
	char text[400];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof text, format, values);
	va_end(values);
	/* In one call, as other actors may print at the same moment. */
	printf("%7.3f s  %s\n", (double)since / (double)TROUPE_SECOND, text);
}
