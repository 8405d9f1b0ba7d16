/* SPDX-License-Identifier: MIT */
/*
 * coverage_flush -- what a process covered is written down also when it ends
 * by a signal or _exit, which gcov does not see.  The linker takes these for
 * the originals (--wrap).
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

extern void __gcov_dump(void);
extern void __gcov_reset(void);

_Noreturn void __real_abort(void);
_Noreturn void __real__exit(int status);
int __real_raise(int number);
int __real_sigaction(int number, const struct sigaction *action, struct sigaction *before);

_Noreturn void __wrap_abort(void);
_Noreturn void __wrap__exit(int status);
int __wrap_raise(int number);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before);

static void
write_down(void)
{
	__gcov_dump();
	__gcov_reset();
}

_Noreturn void
__wrap_abort(void)
{
	write_down();
	__real_abort();
}

_Noreturn void
__wrap__exit(int status)
{
	write_down();
	__real__exit(status);
}

int
__wrap_raise(int number)
{
	write_down();
	return __real_raise(number);
}

/* Who takes the default action back is about to die of it. */
int
__wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
	if (action != NULL && action->sa_handler == SIG_DFL)
		write_down();
	return __real_sigaction(number, action, before);
}
