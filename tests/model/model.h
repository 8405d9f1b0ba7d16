/* SPDX-License-Identifier: MIT */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * model -- runs the runtime's own sources in every order that counts.
 *
 * The sources of a core and a harness of two to four short threads are
 * compiled with -fsanitize=thread, but linked with the checker in place of the
 * sanitizer's library: so each access to memory, plain or atomic, with its
 * order, comes to the checker, and nothing in the sources is changed for it.
 * The threads are coroutines; before each atomic operation on a place that
 * several threads use and one writes, and at each call of the system, the
 * checker chooses who goes on.  It runs a case again and again, depth first,
 * until it has made every choice.
 *
 * Memory is that of C11 as RC11 mends it (Lahav et al., "Repairing sequential
 * consistency in C/C++11", PLDI 2017), as a machine with views:
 *   - each atomic place keeps all its stores; each thread has a view, the
 *     oldest store of each place that it may still read.  A load reads any
 *     store from there on, as the checker chooses: so what a store buffer or
 *     a stale line can show is shown, whatever the machine at hand does;
 *   - a release store carries its thread's view and an acquire load takes it
 *     over; a read-modify-write reads the newest store and carries on the
 *     release sequence; a plain store in between breaks it, as in C++20;
 *   - a seq_cst load reads nothing older than the last seq_cst store of the
 *     place that was made before it, in the order of the run;
 *   - plain accesses to the same bytes, one of them a write, that no such edge
 *     orders are an error (by vector clocks), and so are plain and atomic ones.
 * Locks and condition variables are the checker's own; of a parker, linux.c or
 * posix.c is the real source and the system call, or the lock and the
 * condition, is modelled: the kernel compares with any value that the thread
 * may still read, unless a wake came before that knew better.
 *
 * Errors are: a check of the harness that fails, a race, threads that all wait
 * where the case does not allow it, an execution that does not end, and
 * tr_blame_runtime (so also TR_ASSERT, where it is configured).  The report
 * names each operation with its thread, place, order, value and source line,
 * and the choices that lead there again (--replay).
 *
 * What is left out, because it would be the same again: orders of operations
 * that do not touch the same place, and of a load and a store, which are told
 * apart by what the load reads (sleep sets, refined by the newest store that a
 * sleeping load has seen); rounds of a spin loop that read the same again.  So
 * an execution is counted once for each outcome of each read and each order
 * of the stores of each place.  Nothing else is left out within a case's bounds.
 * A case with a bound on preemptions leaves none of these out, so that each
 * execution within the bound is made; it is then counted as often as it is.
 *
 * Not covered: loads that read stores which their own thread's later stores
 * lead to (load buffering); seq_cst loads that read what is older than a
 * seq_cst store which came before them in the run, but which nothing that the
 * language promises puts before them (when a relaxed load has seen the store
 * after it, for one); stores that fall in the order of their place
 * before one that was made earlier in the run; spurious failures of weak
 * exchanges, which the loops around them take like one more round; fences,
 * which the runtime does not use: one ends the program with an error; places
 * that are written atomically with different sizes.  Early returns of waits
 * are as many as the case allows.
 */

#define MODEL_THREADS 5

typedef struct model_thread {
	const char *name;
	void (*work)(void);
} model_thread;

typedef struct model_case {
	const char *name;
	const char *proves;
	const char *bounds;
	bool is_deep;   /* takes longer than make check should: only with --deep */
	bool times_out; /* when all wait, the wait with the earliest deadline ends; else none ever does */
	bool gives_up;  /* spin loops are bounded: each may run to its end and see nothing new */
	unsigned
	    settled; /* so many threads, the first ones, go on one by one until they wait, before the search begins */
	unsigned
	    preemptions; /* at most so many times another thread goes on although the last one could; 0: no bound */
	unsigned early;       /* waits that return for no reason, in one execution */
	void (*set_up)(void); /* alone, before the threads, in memory as it was at the program's start */
	model_thread threads[MODEL_THREADS]; /* those with a name */
	void (*at_rest)(
	    void); /* checks when all threads wait or have ended; NULL: waiting for ever is an error */
	void (*at_end)(void); /* checks when all threads have ended, or are at rest */
	uint64_t
	    outcomes; /* those of model_outcome that all executions together must have come to: these, and no others */
	const char
	    *fails; /* how the report of the error begins that must be found: for tests of the checker */
} model_case;

/* Run the cases that the command line asks for: the exit status. */
int model_main(int argc, char **argv, const char *core, const model_case *cases, unsigned count);

/* For a harness, what the checker shall not take for the program's own accesses. */
#define MODEL_UNSEEN __attribute__((no_sanitize("thread"), noinline))

/* A name for bytes in reports. */
void model_name(const volatile void *address, uint64_t size, const char *name);

/*
 * Of an atomic variable: what a thread has read of it must happen before it is
 * stored over, if the thread then made an exchange (or another change) that
 * says that the read counts.  Without that, a compiler or a core could let the
 * read see the later store, which the search cannot show (see above).
 */
void model_guard(const volatile void *address);

/* Any of the numbers below n, each in turn. */
unsigned model_choose(unsigned n);

/* One of 64 things that may happen has: see outcomes. */
void model_outcome(unsigned n);

/* The index of the calling thread in the case. */
unsigned model_self(void);

/* The clock stands still unless a wait times out or this is called: it goes on to `ns`, if it is not beyond. */
void model_clock_reach(int64_t ns);

/* Zeroed memory that lasts until the end of the execution. */
void *model_take(uint64_t size);

/* An error in the program. */
__attribute__((noreturn)) void model_fail(const char *what, const char *file, int line);
#define MODEL_CHECK(condition) ((condition) ? (void)0 : model_fail(#condition, __FILE__, __LINE__))

#endif /* MODEL_H */
