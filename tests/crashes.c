/* SPDX-License-Identifier: MIT */
#include "tests/crashes.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

crash_facts *crash_known;
sys_ending crash_ending;
char *crash_forbidden;
static char *behind_end; /* a page behind the end of its file */

static void *
map_page(int protection, int flags, int file)
{
	void *page = mmap(NULL, 4096, protection, flags, file, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	return page;
}

void
crash_prepare(void)
{
	FILE *empty = tmpfile();

	ck_assert_ptr_nonnull(empty);
	crash_known = map_page(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	crash_forbidden = map_page(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	behind_end = map_page(PROT_READ | PROT_WRITE, MAP_SHARED, fileno(empty));
	(void)fclose(empty);
}

/* --- Ways to crash. --- */

static void
write_to(char *address)
{
	crash_known->address = (uintptr_t)address;
	*(volatile char *)address = 1;
}

static void
touch_forbidden(void)
{
	write_to(crash_forbidden + 16);
}

static void
touch_behind_end(void)
{
	write_to(behind_end + 32);
}

static void
raise_fpe(void)
{
	(void)raise(SIGFPE);
}

static void
raise_ill(void)
{
	(void)raise(SIGILL);
}

const crash_kind crash_kinds[] = {
	{ touch_forbidden, SIGSEGV, "SIGSEGV", true },
	{ touch_behind_end, SIGBUS, "SIGBUS", true },
	{ raise_fpe, SIGFPE, "SIGFPE", false },
	{ raise_ill, SIGILL, "SIGILL", false },
	{ abort, SIGABRT, "SIGABRT", false },
};
const int crash_kind_count = sizeof crash_kinds / sizeof *crash_kinds;
const crash_kind *crash_way = crash_kinds;

void
crash_in(troupe_actor *self)
{
	crash_known->self = troupe_self(self);
	crash_known->sender = troupe_sender(self);
	crash_way->crash();
}

void *
crash_here(void *argument)
{
	crash_way->crash();
	return argument;
}

/* --- Children. --- */

void
crash_on_message(troupe_actor *self, void *state, const troupe_msg *msg)
{
	(void)state;
	if (msg->type != CRASH_NOT)
		crash_in(self);
}

int
crash_run_class(const troupe_options *options, const troupe_class *class_, uint32_t type)
{
	troupe *t = troupe_open(options);

	(void)troupe_send(troupe_spawn(t, class_, NULL), type, NULL, 0);
	(void)troupe_run(t);
	return 0;
}

struct child {
	const troupe_class *class_;
	uint32_t type;
};

static int
run_child(void *argument)
{
	const struct child *child = argument;

	return crash_run_class(&(troupe_options){ .workers = 1 }, child->class_, child->type);
}

void
crash_child_of(const troupe_class *class_, uint32_t type)
{
	struct child child = { class_, type };

	sys_run_child(&crash_ending, run_child, &child);
}

/* --- What they should have said. --- */

void
crash_assert_died(void)
{
	int status = crash_ending.status;
	bool so = CRASH_SANITIZED ? status != 0
				  : WIFSIGNALED(status) && WTERMSIG(status) == crash_way->number;

	ck_assert_msg(so, "status %x, and it said: %s", (unsigned)status, crash_ending.text);
}

void
crash_believe_address(void)
{
	ck_assert_msg(sscanf(crash_ending.text, "troupe: %*s at 0x%" SCNxPTR, &crash_known->address) == 1,
	    "it said: %s", crash_ending.text);
}

const char *
crash_line(const char *rest)
{
	static char line[1024];
	char place[64] = "";

	if (crash_way->has_address)
		(void)snprintf(place, sizeof place, " at 0x%" PRIxPTR, crash_known->address);
	(void)snprintf(line, sizeof line, "troupe: %s%s in %s\n", crash_way->signal_name, place, rest);
	return line;
}

void
crash_assert_said(const char *rest)
{
	const char *line = crash_line(rest);

	if (CRASH_SANITIZED)
		crash_ending.text[strnlen(crash_ending.text, strlen(line))] = '\0';
	ck_assert_str_eq(crash_ending.text, line);
}

void
crash_assert_actor(const char *thread, const char *name, const char *class_name, const char *doing, ...)
{
	char rest[900], what[100];
	const char *quote = *name != '\0' ? "\"" : "";
	va_list arguments;

	va_start(arguments, doing);
	(void)vsnprintf(what, sizeof what, doing, arguments);
	va_end(arguments);
	(void)snprintf(rest, sizeof rest, "%s: actor %" PRIx64 "%s%s%s%s of class %s, %s", thread,
	    crash_known->self, *name != '\0' ? " " : "", quote, name, quote, class_name, what);
	crash_assert_died();
	crash_assert_said(rest);
}
