/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_FAILURE_H
#define TROUPE_FAILURE_H

#include <troupe/types.h>

TROUPE_BEGIN

/* A callback that failed.  All of it is borrowed. */
struct troupe_failure {
	troupe_ref who;
	const char *class_name;
	const char *actor_name; /* "" when it has none */
	uint32_t msg_type;      /* of the message in hand; 0 in start and stop */
	int code;
	const char *text;
	unsigned restarts;      /* for a supervisor: how often the child was restarted in the window */
};

/*
 * Declare that self has failed.  It returns: the callback should do so too,
 * soon, and its state need not make sense any more.  The message in hand
 * becomes a dead letter with reason FAILED (a request ends so for its asker,
 * with code and text), and is not handled again; those that wait are kept.
 * Then the class's and the runtime's error callbacks are called, and self
 * waits for its supervisor's decision or, without one, stops.
 *
 * The first call in a callback counts, and goes before a troupe_stop_self in
 * the same callback.  In start it refuses; in stop it is
 * reported, and the actor stops as it would have.  Text beyond
 * TROUPE_FAILURE_MAX bytes is cut.
 */
void troupe_fail(troupe_actor *self, int code, const char *format, ...) TROUPE_PRINTF(3, 4);

#define TROUPE_FAILURE_MAX 239

/* The code of a failure that the simulation made (see troupe_faults); its text is "injected". */
#define TROUPE_CODE_INJECTED (-32767)

/* What a supervisor does about a child that has failed. */
typedef enum troupe_decision {
	TROUPE_RESTART = 0, /* end this life of it, and start it again in its place */
	TROUPE_RESUME,      /* go on with the next message and the state as it is */
	TROUPE_STOP,        /* stop it */
	TROUPE_ESCALATE     /* fail too, with the child's code and text; if then it is resumed itself, so is the child */
} troupe_decision;

/* Which children are restarted when one is. */
typedef enum troupe_strategy {
	TROUPE_ONE_FOR_ONE = 0, /* that one */
	TROUPE_ALL_FOR_ONE,     /* all that are supervised */
	TROUPE_REST_FOR_ONE     /* that one and all that were spawned after it */
} troupe_strategy;

/*
 * How the actors of a class supervise: named by the class, constant.  It is
 * in force for the children that they spawn with troupe_spawn_child.
 *
 * A child that fails is suspended: its messages wait.  A restart stops its
 * children, calls stop with TROUPE_REASON_RESTART, waits for the backoff, and
 * calls start with the argument that was kept (see argument_size), on zeroed
 * state and with the class's behavior.  The handle, the names, the messages,
 * and those who monitor it or are linked to it stay; the stash is put back;
 * its timers, asks and monitors of others are ended.  A start that refuses or
 * fails counts as another failure.  Several children are stopped in reverse
 * order of their spawns, one after the other, and started in that order.  A
 * child that ends without failing is not restarted.
 *
 * Zero in a field is its default; negative times are 0.
 */
struct troupe_supervisor {
	troupe_strategy strategy;
	/*
	 * A child that would be restarted more often than `restarts` times
	 * (default 5; negative: never) within `window_ns` (default 30 s) of
	 * the first is not: its supervisor fails instead.
	 */
	int restarts;
	int64_t window_ns;
	/*
	 * The first restart in a window comes after `backoff_ns` (default
	 * 100 ms), each next one after twice the time, up to `backoff_max_ns`
	 * (default 10 s); a quarter less or more by chance, so that not all
	 * come back at once.
	 */
	int64_t backoff_ns, backoff_max_ns;
	/*
	 * Called in the supervisor for each failure, between its messages.
	 * NULL: restart.  If it fails itself, that is its decision: escalate.
	 */
	troupe_decision (*decide)(troupe_actor *self, void *state, const troupe_failure *failure);
};

/*
 * Monitoring: a message of type TROUPE_DOWN comes when `who` has stopped, at
 * once if it had before (reason GONE).  It comes after all that who sent, and
 * exactly once for each monitor.  A restart is not a stop.
 */
typedef uint64_t troupe_monitoring; /* valid for the actor that monitors; 0 is none */

/* The body of a TROUPE_DOWN message.  The texts live as long as the message. */
typedef struct troupe_down {
	troupe_ref who;
	troupe_monitoring monitoring;
	const char *class_name; /* "" with reason GONE, when it is not known */
	const char *actor_name; /* "" when it had none */
	const char *text;       /* FAILED: why; else "" */
	int code;               /* FAILED: why; else 0 */
	troupe_reason reason;
} troupe_down;

/* Returns the monitoring, or 0: INVALID (who is no handle, or self is stopping), CLOSING or NOMEM. */
troupe_monitoring troupe_monitor(troupe_actor *self, troupe_ref who);

/* End it: no TROUPE_DOWN comes any more, even if one was queued.  false: it had come, or there is none. */
bool troupe_demonitor(troupe_actor *self, troupe_monitoring monitoring);

/*
 * Link self and `other`: when one of them stops with reason FAILED or LINKED,
 * the other stops too, with reason LINKED; when one stops for another reason,
 * nothing happens.  Links go on from actor to actor, also in a circle.  A link
 * stays until one of the two has stopped.
 *
 * OK; DEAD, CLOSING, NOMEM; INVALID when other is self or no handle, or self
 * is stopping.
 */
troupe_status troupe_link(troupe_actor *self, troupe_ref other);

TROUPE_END

#endif /* TROUPE_FAILURE_H */
