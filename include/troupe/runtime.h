/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_RUNTIME_H
#define TROUPE_RUNTIME_H

#include <troupe/types.h>

TROUPE_BEGIN

/* Durations are in nanoseconds.  TROUPE_FOREVER, or any negative one, has no end. */
#define TROUPE_FOREVER INT64_C(-1)
#define TROUPE_MS      INT64_C(1000000)
#define TROUPE_SECOND  INT64_C(1000000000)

/* An accepted message that no behavior handled.  All of it is borrowed. */
typedef struct troupe_dead_letter {
	troupe_ref target;
	troupe_status reason;    /* DEAD, CLOSING, UNHANDLED, FAILED (the target failed over it) or LATE (a reply) */
	const char *class_name;  /* of the target */
	const char *actor_name;  /* of the target; "" when it has none */
	const troupe_msg *msg;   /* its body is destroyed after the callback */
} troupe_dead_letter;

typedef enum troupe_log_level { TROUPE_LOG_ERROR, TROUPE_LOG_WARNING, TROUPE_LOG_INFO } troupe_log_level;

typedef enum troupe_scheduler {
	TROUPE_SCHEDULER_POOL = 0,  /* worker threads that steal from each other */
	/*
	 * One thread, the caller's; the next actor is chosen by the seed, one
	 * message at a time, and the clock is virtual: the same program with
	 * the same seed makes the same deliveries.
	 */
	TROUPE_SCHEDULER_SIMULATED
} troupe_scheduler;

/* How the simulated scheduler chooses the actor that runs next. */
typedef enum troupe_policy {
	TROUPE_POLICY_RANDOM = 0,  /* any of those that have something to do, each alike */
	/*
	 * The one with the highest of random priorities, of which some change on
	 * the way: finds a bug that takes `depth` events in a certain order, in a
	 * run of n actors and at most k = `length` steps, with a probability of
	 * at least 1 / (n k^(depth - 1)), whatever the program is.  (PCT:
	 * Burckhardt and others, ASPLOS 2010.)  When the runtime is closed, n,
	 * k and the bound are logged as information.
	 */
	TROUPE_POLICY_PCT,
	TROUPE_POLICY_ROUND_ROBIN, /* the one that has waited for the longest time */
	TROUPE_POLICY_REPLAY       /* as `choices` says */
} troupe_policy;

#define TROUPE_DEPTH_MAX 32

/*
 * What goes wrong in a simulated runtime, drawn by the seed: each once in so
 * many times, at random, and never for 0.  Up to TROUPE_ODDS_MAX.
 */
typedef struct troupe_faults {
	uint32_t alloc;   /* an allocation in a behavior or other callback fails; the call says NOMEM, as it may */
	/*
	 * What waits for an actor is delivered late, by up to some eight virtual
	 * seconds, whether a message or anything else; the order of each sender,
	 * receiver and lane is kept.
	 */
	uint32_t late;
	/*
	 * The behavior of an actor that has a supervisor fails with
	 * TROUPE_CODE_INJECTED, before it has done anything or after all.
	 */
	uint32_t restart;
} troupe_faults;

#define TROUPE_ODDS_MAX 1000000000

typedef enum troupe_crash_report { TROUPE_CRASH_REPORT_ON = 0, TROUPE_CRASH_REPORT_OFF } troupe_crash_report;

#define TROUPE_WORKERS_NONE (-1)
#define TROUPE_WORKERS_MAX  1024

/*
 * What a runtime is opened with.  Zero in any field means the default.  Set
 * size to sizeof(troupe_options), so that a program compiled against this
 * header keeps its meaning with later ones; 0 stands for this first version.
 *
 * Each field named in brackets can be overridden from outside by the
 * environment variable TROUPE_<NAME>, so that a shipped program can be
 * studied as it is.  A variable that is misspelt or malformed makes
 * troupe_open fail with its name in the error.
 */
typedef struct troupe_options {
	size_t size;
	/*
	 * [WORKERS] Threads in the pool, up to TROUPE_WORKERS_MAX.  0: as many
	 * as the affinity mask and the cgroup's CPU limit allow.
	 * TROUPE_WORKERS_NONE: none; troupe_run and troupe_run_once do the
	 * work on the caller's thread.  (The variable says 0 for none.)
	 */
	int workers;
	troupe_scheduler scheduler; /* [SCHEDULER] "pool" or "simulated" */
	uint64_t seed;              /* [SEED] of the simulated scheduler; 0 is a seed like any other */
	/*
	 * [QUANTUM] Messages that an actor may handle or send before others
	 * get their turn; 1 to 1 000 000.  Default 256; 1 when simulated.
	 * Unless it is 1, an actor first clears what had come in before, for
	 * about a millisecond at most if its messages are short.
	 */
	int quantum;
	/* [RING] Runnable actors that a worker holds itself: a power of two, 4 to 256.  Default 256. */
	int ring;
	/* [CLOSE_MS] How long troupe_run waits for behaviors to return when it closes.  Default 5000. */
	int close_ms;
	void *context;  /* handed to the callbacks below */
	/*
	 * Called for each dead letter, in the thread that found it.  It may
	 * send.  Default: they are only counted.
	 */
	void (*dead_letter)(void *context, const troupe_dead_letter *letter);
	/*
	 * Called with one line of text, without a newline.  Default: errors
	 * and warnings go to stderr.
	 */
	void (*log)(void *context, troupe_log_level level, const char *text);
	/*
	 * Called when a callback of any actor has failed, in its thread, after
	 * the class's own `failed`.  Default: it is logged as a warning.
	 */
	void (*failure)(void *context, const troupe_failure *failure);
	/*
	 * [CRASH_REPORT] On SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, say on
	 * stderr which actor was doing what, before the handler that was there
	 * or the default action (a core dump).  Set when the first runtime of
	 * the process that wants it is opened, and kept; handlers that the
	 * program sets later replace it.  To be turned off in a program whose
	 * own handler lives with such signals.  Default: yes.  (The variable
	 * says 0 or 1.)
	 */
	troupe_crash_report crash_report;
	/*
	 * What follows is for the simulated scheduler; with another one it is
	 * INVALID.
	 *
	 * [POLICY] "random", "pct", "round-robin" or "replay".
	 */
	troupe_policy policy;
	int depth;       /* [DEPTH] of PCT: 1 to TROUPE_DEPTH_MAX.  Default 3. */
	uint64_t length; /* [LENGTH] of PCT: steps that a run is expected to take.  Default 1000. */
	/*
	 * [CHOICES] What the policy REPLAY replays, and only that: for each step
	 * the rank of the actor that ran, 0 being the one that had waited for the
	 * longest time; with commas between, and "*n" for n times in a row, as in
	 * "0*12,3,0*5,1".  Beyond the end all are 0; a rank that nobody has is the
	 * last one.  "@name" is a file with that in it.  Borrowed until
	 * troupe_open returns.  troupe_explore prints such lists.
	 */
	const char *choices;
	/* [FAULTS] "alloc=1000,late=50,restart=200", or some of these. */
	troupe_faults faults;
} troupe_options;

/*
 * Open a runtime and start its threads.  NULL options are all defaults.
 * Several may be open at once in a process, up to 255.  The caller owns it
 * and ends it with troupe_run or troupe_close.
 *
 * Returns NULL on failure: INVALID (an option or variable, named in
 * troupe_last_error_text and in the log), NOMEM, FORKED.
 */
TROUPE_MUST_USE troupe *troupe_open(const troupe_options *options);

/*
 * Work until nothing is left to do (no message waits, no behavior runs, no
 * timer is armed, no ask is open, no troupe_hold is held; a thread in
 * troupe_call does not count) or troupe_shutdown is called, then close with
 * the option close_ms.
 *
 * Returns OK, and t is gone; TIMEOUT, when behaviors did not return in time:
 * they are logged by name, and t is as after troupe_close; CLOSING when
 * another thread closes t; INVALID for NULL; DEADLOCK inside an actor's
 * callback, or without workers while another thread drives t (one in
 * troupe_call may); FORKED.  A program may return it from main: 0 is OK.
 */
troupe_status troupe_run(troupe *t);

/*
 * Without workers (TROUPE_WORKERS_NONE or simulated): let one actor have its
 * turn on the caller's thread, for a loop of the caller's own.  Never waits.
 * Only one thread at a time may drive a runtime.
 *
 * Returns OK when something ran; TIMEOUT when nothing was ready; INVALID when
 * t is NULL or has workers of its own; CLOSING while another thread closes t,
 * or when one that did ran out of time; DEADLOCK inside an actor's callback or
 * while another thread drives t; FORKED.
 */
troupe_status troupe_run_once(troupe *t);

/*
 * Wait until t is quiet, as troupe_run does, but leave it open.  A call of
 * another thread that is under way, a send or a spawn with its start, is waited
 * for too.
 *
 * Returns OK when it was quiet at some moment during the call or
 * troupe_shutdown was called; TIMEOUT (real time, also when simulated; with a
 * timeout of 0 also right after troupe_open, while the workers begin);
 * CLOSING when another thread closes t, or one that did ran out of time;
 * INVALID for NULL; DEADLOCK as for troupe_run; FORKED.
 */
troupe_status troupe_wait(troupe *t, int64_t timeout_ns);

/*
 * The same, but without regard to timers, open asks and holds: wait until
 * every accepted message has been handled.  troupe_drain and then
 * troupe_close is the way to end a program that has timers.  What actors have
 * stashed or kept is not waited for, nor what waits for an actor that is to be
 * restarted.
 */
troupe_status troupe_drain(troupe *t, int64_t timeout_ns);

/*
 * Ask the runtime to come to an end: troupe_run and troupe_wait return as
 * soon as they can, whatever is still queued.  For behaviors and any thread
 * while t is open.  Not for signal handlers.
 */
void troupe_shutdown(troupe *t);

/*
 * Keep t from being quiet until the matching troupe_release: for a thread
 * outside that will send later.  A hold does not outlive t: after
 * troupe_shutdown or while another thread closes t, release it before t is
 * gone or not at all.  OK, CLOSING, INVALID or FORKED.
 */
troupe_status troupe_hold(troupe *t);
troupe_status troupe_release(troupe *t);

/* Who was still at work when the time to close was over.  All of it is borrowed. */
typedef struct troupe_survivor {
	troupe_ref ref;
	const char *class_name;
	const char *actor_name;  /* "" when it has none */
	uint32_t msg_type;       /* of the message that its behavior has in hand */
	uint64_t queued;         /* messages that wait for it, about */
} troupe_survivor;

/*
 * Close t now: behaviors that run are let finish, everything still queued or
 * stashed becomes a dead letter with reason CLOSING, timers are cancelled,
 * open asks end with CLOSING or CANCELLED, each actor's stop callback is
 * called (children before parents, and of siblings the later one first), and
 * all of t's threads and memory are given back.  To let the work end first,
 * call troupe_wait or troupe_drain.
 *
 * After timeout_ns with behaviors still running, `survivor` (may be NULL) is
 * called for each, and TIMEOUT is returned: t is then still there, accepts
 * nothing, and may be closed again.
 *
 * Returns OK, TIMEOUT, INVALID for NULL, DEADLOCK inside an actor's callback
 * or while another thread closes or drives t, NOMEM when the calling thread
 * has never called troupe before and there is no memory for it, FORKED.
 */
troupe_status troupe_close(troupe *t, int64_t timeout_ns,
    void (*survivor)(void *context, const troupe_survivor *who), void *context);

/*
 * What became of the messages so far.  Exact when t is quiet, and then
 * accepted == handled + dead, but for what is stashed; about right at other
 * times.
 */
typedef struct troupe_totals {
	uint64_t accepted;  /* sends that returned OK, answers, ticks and notices */
	uint64_t handled;   /* handed to a behavior */
	uint64_t dead;      /* accepted and not handled: dead letters but for UNHANDLED and FAILED */
	uint64_t unhandled; /* of those handled, passed to troupe_unhandled */
	uint64_t spawned;   /* actors that started */
	uint64_t stopped;
	uint64_t failed;    /* callbacks that failed, and failures that were handed on to a supervisor's supervisor */
	uint64_t restarted; /* actors that were started again by their supervisors */
} troupe_totals;

void troupe_get_totals(troupe *t, troupe_totals *totals);

/*
 * The effective configuration, one "name = value" a line, options and
 * environment taken together: as snprintf, writes at most `size` bytes with
 * the final NUL, and returns the length of the whole text.
 */
size_t troupe_config_text(const troupe *t, char *text, size_t size);

/* Nanoseconds of a clock that never goes back; virtual under the simulated scheduler. */
int64_t troupe_now(const troupe *t);

TROUPE_END

#endif /* TROUPE_RUNTIME_H */
