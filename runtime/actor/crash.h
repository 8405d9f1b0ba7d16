/* SPDX-License-Identifier: MIT */
#ifndef TR_CRASH_H
#define TR_CRASH_H

#include "runtime/platform/base.h"

/*
 * crash -- one line on stderr that says which actor was doing what when the
 * process crashed.
 *
 *   troupe: SIGSEGV at 0x0 in worker 1: actor 300000040 "ann" of class greeter, handling type 7 from 500000041
 *   troupe: SIGABRT in the thread of a dedicated actor: actor 300000040 of class greeter, while it stops
 *   troupe: SIGSEGV at 0x10 in a thread that runs no actor
 *
 * The line is one write.  Then the crash takes the course that it would have
 * taken without: the handler that was there before is called as the system
 * would have called it, or the default action (a core dump, with the stack
 * and the registers of the fault) follows.  A signal that was ignored and was
 * sent by a process stays ignored, and is not reported.
 *
 * Threads    Any may install, and any may crash, at any time.  What is said
 *            of an actor is read by the thread that runs it.
 * Ownership  The actions of SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT are
 *            the process's.  They are taken once and kept.  A program that
 *            sets its own afterwards has taken them back: then there is no
 *            report, unless it calls the handler that it found.
 * Limits     A program with a handler that lives with such faults gets a line
 *            for each; it should turn the report off.
 *            A stack that is used up is reported in threads that have an
 *            alternate one: the runtime's do (see tr_thread_start), the
 *            program's own have what it gives them.  An earlier handler runs
 *            on the alternate stack, where there is one, whether it asked for
 *            that or not.
 *            A second fault, while the line is made (of a class whose name
 *            cannot be read, say), ends the process at once and without a line.
 *
 * Ordering edges
 *   CR-A  saved (release) -> the handler (acquire): the earlier actions.
 */

/*
 * What else is to be said of a crash in this thread, in a line of its own: a
 * text that outlives its being here; NULL is nothing.  Only its thread changes
 * it.  (Initial-exec for the reason that context.h gives.)
 */
extern _Thread_local const char *tr_crash_remark __attribute__((tls_model("initial-exec")));

/* From now on, crashes are reported.  Once a process; the calls after the first do nothing. */
void tr_crash_install(void);

#endif /* TR_CRASH_H */
