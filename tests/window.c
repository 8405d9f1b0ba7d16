/* SPDX-License-Identifier: MIT */
#include "runtime/platform/base.h"
#include "tests/window.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* Written before the page is closed, and by the one thread that faults. */
static struct {
	char *page; /* NULL: none is set */
	void (*act)(void);
	bool passed;
} window;

static struct {
	char *page;
	bool (*is_over)(void);
	window_view view;
} watch;

static struct sigaction before_segv, before_bus;

static void
require(bool done)
{
	if (!done)
		abort();
}

size_t
window_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void *
window_map(size_t pages)
{
	void *map = mmap(NULL, pages * window_page_size(), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(map != MAP_FAILED);
	return map;
}

void
window_unmap(void *from, size_t pages)
{
	require(munmap(from, pages * window_page_size()) == 0);
}

static char *
page_of(const void *address)
{
	return (char *)((uintptr_t)address & ~(uintptr_t)(window_page_size() - 1));
}

static void
protect(char *page, int protection)
{
	require(mprotect(page, window_page_size(), protection) == 0);
}

static bool
is_on(const char *page, const void *address)
{
	return page != NULL && page_of(address) == page;
}

/* --- The watch: the access is done as a single step, after which the page is closed again. --- */

#if WINDOW_CAN_WATCH
#define TRAP_FLAG 0x100

static struct sigaction before_trap;

static void
begin_step(void *machine)
{
	ucontext_t *context = machine;

	protect(watch.page, PROT_READ | PROT_WRITE);
	watch.view.seen++;
	watch.view.late += watch.is_over();
	context->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void
end_step(int signal, siginfo_t *info, void *machine)
{
	ucontext_t *context = machine;

	(void)signal;
	(void)info;
	context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	if (watch.page != NULL)
		protect(watch.page, PROT_NONE);
}
#else
static void
begin_step(void *machine)
{
	(void)machine;
}
#endif

/* --- Faults. --- */

static void
take_fault(int signal, siginfo_t *info, void *machine)
{
	if (is_on(watch.page, info->si_addr)) {
		begin_step(machine);
	} else if (is_on(window.page, info->si_addr)) {
		protect(window.page, PROT_READ | PROT_WRITE);
		window.page = NULL;
		window.passed = true;
		window.act();
	} else {
		/* A fault like any other: it comes again, and goes where it would have gone. */
		(void)sigaction(signal, signal == SIGBUS ? &before_bus : &before_segv, NULL);
	}
}

static void
handle(int signal, void (*handler)(int, siginfo_t *, void *), struct sigaction *before)
{
	struct sigaction action, now;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO;
	require(sigaction(signal, NULL, &now) == 0);
	if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handler)
		return;
	*before = now;
	require(sigaction(signal, &action, NULL) == 0);
}

/* Each time: a runtime that is opened has handlers of its own. */
static void
handle_faults(void)
{
	handle(SIGSEGV, take_fault, &before_segv);
	handle(SIGBUS, take_fault, &before_bus); /* what some systems raise for a closed page */
}

void
window_set(const void *address, window_at at, void (*act)(void))
{
	handle_faults();
	window.page = page_of(address);
	window.act = act;
	window.passed = false;
	protect(window.page, at == WINDOW_AT_WRITE ? PROT_READ : PROT_NONE);
}

bool
window_passed(void)
{
	if (window.page != NULL)
		protect(window.page, PROT_READ | PROT_WRITE);
	window.page = NULL;
	return window.passed;
}

#if WINDOW_CAN_WATCH
void
window_watch(const void *address, bool (*is_over)(void))
{
	handle_faults();
	handle(SIGTRAP, end_step, &before_trap);
	watch.view = (window_view){ 0, 0 };
	watch.is_over = is_over;
	watch.page = page_of(address);
	protect(watch.page, PROT_NONE);
}
#else
void
window_watch(const void *address, bool (*is_over)(void))
{
	(void)address;
	(void)is_over;
}
#endif

window_view
window_end_watch(void)
{
	if (watch.page != NULL)
		protect(watch.page, PROT_READ | PROT_WRITE);
	watch.page = NULL;
	return watch.view;
}
