/* SPDX-License-Identifier: MIT */
#ifndef TR_CONTEXT_H
#define TR_CONTEXT_H

#include "runtime/engine/worker.h"
#include "runtime/memory/cache.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <troupe.h>

/*
 * context -- what the runtime knows of the calling thread: its memory cache,
 * the actor it runs, what it counted, and which runtimes it is inside.
 *
 * Every thread that ever sends has one: a pool worker, a dedicated actor's
 * thread, or a thread from outside, which gets its own on the first call and
 * loses it when it ends.
 *
 * Threads    A context is its thread's, but for the visits, which the closer
 *            of a runtime and troupe_get_totals read, and for what is shown
 *            in reports, which other threads read.
 *
 * A visit is what one thread has to do with one runtime.  While `inside` is
 * not 0 the thread holds a pointer to the runtime, and closing waits.
 *
 * Invariants
 *   INV-CX-1  a runtime is freed only when no context is inside it, and no
 *             context goes inside once it is barred.
 *   INV-CX-2  the counters of a visit are written by its context's thread
 *             alone; when the thread ends they are added to the runtime's.
 *
 * Ordering edges
 *   CX-A  inside (seq_cst) against the table of runtimes (seq_cst): who goes
 *         inside sees that it is barred, or the closer, which bars it and
 *         looks after that, sees somebody inside.
 *   CX-B  inside back to 0 (release) -> the closer (acquire): all that the
 *         thread did to the runtime.
 *   CX-C  the runtime's slot in the table (release) -> enter (acquire): the
 *         opened runtime.
 */

/* Runtimes that may be open at once; number 0 is none. */
#define TR_RUNTIMES 256

/* Messages that wait outside a mailbox, linked by next_unit, oldest first. */
typedef struct tr_chain {
	uint32_t first; /* 0 is none */
	uint32_t last;  /* 0 when not known, or none */
} tr_chain;

typedef struct tr_tally {
	_Atomic uint64_t accepted, handled, dead, unhandled, spawned, stopped, failed, restarted;
} tr_tally;

typedef struct tr_visit {
	_Alignas(TR_CACHE_LINE) tr_tally tally;
	_Atomic uint32_t inside;
} tr_visit;

/* What a callback asked for, to be done when it returns. */
enum {
	TR_AFTER_STOP_NOW = 1u << 0,
	TR_AFTER_DRAIN = 1u << 1,
	TR_AFTER_BECOME = 1u << 2,
	TR_AFTER_FULL = 1u << 3, /* no more than that: the turn is no plain one any more */
	TR_AFTER_UNSTASH = 1u << 4,
	TR_AFTER_FAIL = 1u << 5
};

typedef struct tr_context {
	tr_worker worker; /* used when the thread is one, and its credit always */
	/* The callback in hand. */
	troupe_actor *current; /* whose callback runs; NULL outside of any */
	troupe *current_runtime;
	troupe_msg *msg;       /* in hand; NULL in start and stop, and once kept or forwarded */
	tr_tally *tally;       /* of home, or of the dedicated actor's runtime */
	int64_t turn_deadline; /* of a turn that has lasted some time already; else 0 */
	uint8_t after;         /* TR_AFTER_ bits */
	bool in_answer;        /* the callback is an ask's */
	bool failing;          /* the callback is told of a failure: nothing that it asks for is done */
	uint8_t mishap;        /* what befalls the turn: see mishap.h; only when simulated */
	_Atomic uint8_t leave; /* set by a closer: the turn ends with the callback in hand */
	_Atomic uint8_t home;  /* the runtime in whose pool this is a worker; 0: none, or it is closing */
	/* The same for reports: written by the thread, read by others as it comes (CX-none). */
	_Atomic uint32_t running_type;
	_Atomic troupe_ref self; /* current's handle, or 0; a worker's last one between two turns */
	_Atomic(const char *) running_name; /* under the lock of names, see name.h */
	troupe *runtime;       /* for a worker and a dedicated thread */
	tr_visit *visits;      /* one for each runtime number */
	struct tr_context *before, *after_it; /* in the list of all */
	/* Left by the callback in hand, for when it returns. */
	tr_chain unstashed;
	uint32_t unstashed_count;
	int failure_code;      /* with TR_AFTER_FAIL */
	troupe_msg *failed_msg; /* that it failed over, taken out of its hand; NULL is none */
	char failure_text[TROUPE_FAILURE_MAX + 1];
	tr_cache cache;
} tr_context;

/*
 * Initial-exec even in a shared library that the runtime is linked into: the
 * other way would have a thread's first access allocate, which the crash
 * handler must not.
 */
extern _Thread_local tr_context *tr_current_context __attribute__((tls_model("initial-exec")));

/* The calling thread's context; made on the first call.  NULL: NOMEM or FORKED, remembered by tr_fail. */
tr_context *tr_context_make(void);

TR_INLINE tr_context *
tr_context_mine(void)
{
	tr_context *context = tr_current_context;

	return TR_LIKELY(context != NULL) ? context : tr_context_make();
}

/* Memory, fork handler and thread key, once a process.  OK, NOMEM or FORKED. */
troupe_status tr_process_init(void);

/* Whether this is a child of fork that inherits no runtime: what other threads had locked stays locked. */
bool tr_process_is_forked(void);

/* Make and list, or unlist and clear, a context that the caller allocated.  false: no memory. */
TR_MUST_USE bool tr_context_init(tr_context *context, troupe *runtime);
void tr_context_fini(tr_context *context);

/* Whether the calling thread's is the only one there is. */
bool tr_context_is_alone(void);

/* Number a runtime and let it be entered; 0 when TR_RUNTIMES - 1 are open. */
TR_MUST_USE uint8_t tr_runtime_publish(troupe *t);
/* Let nobody enter any more. */
void tr_runtime_bar(uint8_t number);
/* Free the number of a barred runtime that nobody is inside. */
void tr_runtime_forget(uint8_t number);

/*
 * Go inside the runtime with that number.  NULL, and not inside, when there
 * is none or it is barred.  Entries nest; each is left once.
 */
TR_MUST_USE troupe *tr_runtime_enter(tr_context *context, uint8_t number);
void tr_runtime_leave(tr_context *context, uint8_t number);

/* Whether any context is inside.  For the closer, after it barred the runtime. */
bool tr_runtime_is_entered(uint8_t number);

/* The sum over all contexts. */
void tr_tally_sum(uint8_t number, troupe_totals *totals);

TR_INLINE troupe_ref
tr_context_self(const tr_context *context)
{
	/* CX-none: only this thread writes it. */
	return atomic_load_explicit(&context->self, memory_order_relaxed);
}

/* Whether the thread of the context may wait for others: it is outside of any pool. */
TR_INLINE bool
tr_context_may_wait(const tr_context *context)
{
	return context == NULL || context->current == NULL || context->worker.pool == NULL;
}

/* A callback without a message begins: start or stop. */
TR_INLINE void
tr_context_empty_hand(tr_context *context)
{
	context->msg = NULL;
	/* CX-none: for reports as it comes. */
	atomic_store_explicit(&context->running_type, 0, memory_order_relaxed);
}

TR_INLINE void
tr_count(_Atomic uint64_t *counter, uint64_t by)
{
	/* CX-none: one writer; readers take it as it comes (INV-CX-2). */
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
	/* CX-none */
	atomic_store_explicit(counter, value + by, memory_order_relaxed);
}

#endif /* TR_CONTEXT_H */
