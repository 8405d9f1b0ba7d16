/* SPDX-License-Identifier: MIT */
#include "tests/model/checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * report -- what happened in the execution that failed.
 */

#define m model_checker

static const char *const operation_names[] = { "", "load", "store", "change", "exchange", "lock", "unlock",
	"wait", "wake", "", "", "spin", "choose" };
static const char *const order_names[] = { "relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst" };

void
model_note(enum operation operation, const place *p, int order, unsigned index, uint64_t value,
    const void *pc)
{
	thread *t = &m->thread[m->running];

	if (m->events == STEPS)
		model_report("an execution does not end", __FILE__, __LINE__);
	unsigned which = p->kind == VARIABLE ? index : p->count;

	t->digest = (t->digest ^ (uint64_t)operation << 32 ^ (uint64_t)(order < 0) << 40 ^
			(uint64_t)(p - m->place) << 16 ^ which) *
		    UINT64_C(0x9e3779b97f4a7c15);
	t->digest ^= t->digest >> 29;
	m->event[m->events++] = (event){
		.thread = (uint8_t)m->running,
		.operation = (uint8_t)operation,
		.order = (int8_t)order,
		.place = (uint16_t)(p - m->place),
		.index = (uint16_t)index,
		.count = (uint16_t)p->count,
		.value = value,
		.pc = pc,
	};
}

void
model_name(const volatile void *address, uint64_t size, const char *name)
{
	if (m->names == NAMES)
		model_report("more names than the checker keeps", __FILE__, __LINE__);
	m->name[m->names].address = (uintptr_t)address;
	m->name[m->names].size = size;
	m->name[m->names++].name = name;
}

static void
print_address(uintptr_t address)
{
	char text[64];

	snprintf(text, sizeof text, "%#" PRIxPTR, address);
	/* The smallest that was named: a field, rather than what it is in. */
	for (unsigned i = 0, best = NAMES; i < m->names; i++) {
		uintptr_t offset = address - m->name[i].address;

		if (offset >= m->name[i].size || (best < NAMES && m->name[best].size <= m->name[i].size))
			continue;
		best = i;
		snprintf(text, sizeof text, offset != 0 ? "%s+%" PRIuPTR : "%s", m->name[i].name, offset);
	}
	fprintf(stderr, "%-22s", text);
}

/* Where in the sources: binutils' addr2line says it, if it is here. */
static void
print_source(const void *pc)
{
	char command[128], function[128], line[512], *name;
	FILE *pipe;

	if (pc == NULL)
		return;
	snprintf(command, sizeof command, "addr2line -s -i -f -e /proc/%ld/exe %#" PRIxPTR " 2>/dev/null",
	    (long)getpid(), (uintptr_t)pc - 1);
	pipe = popen(command, "r");
	if (pipe == NULL)
		return;
	for (int depth = 0;
	     depth < 3 && fgets(function, sizeof function, pipe) && fgets(line, sizeof line, pipe); depth++) {
		function[strcspn(function, "\n")] = '\0';
		line[strcspn(line, " \n")] = '\0';
		name = line;
		fprintf(stderr, "%s%s %s", depth == 0 ? "" : " < ", function, name);
	}
	(void)pclose(pipe);
}

static void
print_event(unsigned number)
{
	const event *e = &m->event[number];
	bool fails = e->order < 0;
	int order = fails ? -1 - e->order : e->order;
	char what[48];

	snprintf(what, sizeof what, "%s%s %s", operation_names[e->operation], fails ? " fails" : "",
	    e->operation <= COMPARE ? order_names[order] : "");
	fprintf(stderr, "%5u  %-12s %-24s ", number, m->what->threads[e->thread].name, what);
	print_address(m->place[e->place].address);
	if (e->operation <= COMPARE)
		fprintf(stderr, " %#" PRIx64 "%s", e->value, e->index + 1 < e->count ? " (stale)" : "");
	else if (e->operation == WAIT)
		fprintf(stderr, " %s",
		    e->index == 0   ? "sleeps"
		    : e->index == 1 ? "returns"
				    : "returns early");
	fprintf(stderr, "   ");
	print_source(e->pc);
	fprintf(stderr, "\n");
}

static void
print_threads(void)
{
	static const char
	    *const states[] = { [NOTHING] = "has ended", [WAIT_ASLEEP] = "sleeps", [SPIN] = "spins" };

	for (unsigned i = 0; i < m->threads; i++) {
		enum operation next = m->thread[i].next;
		const char *state = next < sizeof states / sizeof *states && states[next] != NULL
					? states[next]
					: "is about to ";

		fprintf(stderr, "    %s %s%s\n", m->what->threads[i].name,
		    (int)i == m->running ? "runs" : state,
		    (int)i == m->running || (next < sizeof states / sizeof *states && states[next] != NULL)
			? ""
			: operation_names[next]);
	}
}

static void
print_choices(void)
{
	if (m->replays)
		return;
	fprintf(stderr, "again: %s --replay '", m->what->name);
	for (unsigned i = 0; i < m->choices; i++) {
		const choice *c = &m->choice[i];

		/* Of a thread that goes on again and again, the last is enough. */
		if (c->kind == 't' && i + 1 < m->choices && m->choice[i + 1].kind == 't' &&
		    m->choice[i + 1].first == c->first)
			continue;
		if (c->kind == 't')
			fprintf(stderr, "t%u:%u", c->first, c->second);
		else if (c->kind == '=')
			fprintf(stderr, "=%u", c->second);
		else
			fprintf(stderr, "~");
	}
	if (m->running >= 0)
		fprintf(stderr, "t%d:%u", m->running, m->thread[m->running].operations + 1);
	fprintf(stderr, "'\n");
}

__attribute__((noreturn)) static void
end_report(void)
{
	for (unsigned i = m->events > 100 ? m->events - 100 : 0; i < m->events; i++)
		print_event(i);
	if (m->running >= 0 || m->what->at_rest == NULL)
		print_threads();
	print_choices();
	_exit(1);
}

static void
begin_report(const char *what)
{
	if (m->what->fails != NULL && strncmp(what, m->what->fails, strlen(m->what->fails)) == 0)
		_longjmp(m->failed, 1);
	fflush(stdout);
	fprintf(stderr, "    FAILED after %" PRIu64 " executions: %s", m->complete, what);
}

void
model_report(const char *what, const char *file, int line)
{
	begin_report(what);
	fprintf(stderr, " (%s:%d)\n", file, line);
	end_report();
}

void
model_report_race(uintptr_t address, const char *one, const void *one_at, const char *other,
    const void *other_at)
{
	begin_report("a race on ");
	print_address(address);
	fprintf(stderr, "\n    %s by %s: ", one, m->what->threads[m->running].name);
	print_source(one_at);
	fprintf(stderr, "\n    %s by another thread: ", other);
	print_source(other_at);
	fprintf(stderr, "\n");
	end_report();
}

void
model_fail(const char *what, const char *file, int line)
{
	model_report(what, file, line);
	_exit(1);
}

/* In place of the C library's: tr_blame_runtime has said why. */
void
abort(void)
{
	model_fail("the runtime aborts", __FILE__, __LINE__);
}
