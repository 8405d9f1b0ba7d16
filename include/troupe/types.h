/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_TYPES_H
#define TROUPE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define TROUPE_BEGIN extern "C" {
#define TROUPE_END   }
#else
#define TROUPE_BEGIN
#define TROUPE_END
#endif

#if defined __GNUC__
#define TROUPE_MUST_USE       __attribute__((warn_unused_result))
#define TROUPE_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define TROUPE_MUST_USE
#define TROUPE_PRINTF(fmt, first)
#endif

TROUPE_BEGIN

/* A runtime: a set of actors and the threads that run them. */
typedef struct troupe troupe;

/* An actor seen from inside: valid only in that actor's own callbacks. */
typedef struct troupe_actor troupe_actor;

/*
 * An actor seen from anywhere: a plain number.  Copy it, store it, compare
 * it, print it (PRIx64), put it in a message.  0 is nobody.  The handle of
 * an actor that has stopped is safe for ever: sending to it is TROUPE_DEAD,
 * whatever was spawned in its place since.
 */
typedef uint64_t troupe_ref;

/* What a call came to; also why a message became a dead letter. */
typedef enum troupe_status {
	TROUPE_OK = 0,
	TROUPE_FULL,      /* there is no room: in a stash, for a behavior to come back to; no mailbox is bounded yet */
	TROUPE_DEAD,      /* the actor has stopped */
	TROUPE_CLOSING,   /* the runtime is being closed */
	TROUPE_NOMEM,     /* memory, threads or address space ran out */
	TROUPE_INVALID,   /* an argument makes no sense; see troupe_last_error_text */
	TROUPE_TIMEOUT,   /* the deadline passed first */
	TROUPE_DEADLOCK,  /* waiting here would wait for itself */
	TROUPE_REFUSED,   /* the class's start callback refused */
	TROUPE_FORKED,    /* called in a child of fork */
	TROUPE_UNHANDLED, /* the behavior did not know the message */
	TROUPE_FAILED,    /* answered with an error, or the actor failed over the message */
	TROUPE_UNANSWERED, /* the request came to its end without an answer */
	TROUPE_CANCELLED, /* the asker stopped or was restarted first */
	TROUPE_LATE,      /* a reply to an ask that had ended */
	TROUPE_TAKEN      /* the name belongs to another actor */
} troupe_status;

/* The name of a status, such as "DEAD"; "?" for a number that is none. */
const char *troupe_status_name(troupe_status status);

/*
 * The status of the last call of this thread that failed without returning
 * its status, and a sentence about it.  The text lives until the next failed
 * call of the same thread.  Neither is cleared by a call that succeeds.
 */
troupe_status troupe_last_error(void);
const char *troupe_last_error_text(void);

/* Message types from here up are the runtime's own; sending one is INVALID. */
#define TROUPE_TYPE_RESERVED UINT32_C(0xffff0000)

/* Those that a behavior gets to see. */
#define TROUPE_DOWN UINT32_C(0xffff0100) /* a monitored actor has stopped: see troupe/failure.h */
#define TROUPE_IDLE UINT32_C(0xffff0101) /* nothing came for a while: see troupe_set_idle_timeout */

/* The lanes of a mailbox, most urgent last. */
typedef enum troupe_lane { TROUPE_LANE_NORMAL, TROUPE_LANE_URGENT } troupe_lane;

/*
 * A message.  A behavior borrows it for the length of the call, unless it
 * calls troupe_keep; the fields after body are the runtime's.
 */
typedef struct troupe_msg {
	uint32_t next_unit; /* the runtime's */
	uint32_t flag_bits; /* the runtime's */
	uint32_t type;      /* chosen by the sender, below TROUPE_TYPE_RESERVED */
	uint32_t size;      /* bytes at body */
	troupe_ref sender;  /* 0 when sent from outside any actor */
	const void *body;   /* aligned to 16 bytes; NULL when size is 0 */
} troupe_msg;

/*
 * The body of msg if it is exactly `size` bytes long, else NULL: so that a
 * behavior that expects a struct never reads past a shorter message.
 */
static inline const void *
troupe_body(const troupe_msg *msg, size_t size)
{
	return msg->size == size ? msg->body : (const void *)0;
}

/* Why an actor stopped, as its stop callback is told. */
typedef enum troupe_reason {
	TROUPE_REASON_SELF,    /* it stopped itself */
	TROUPE_REASON_ASKED,   /* troupe_stop was called for it */
	TROUPE_REASON_PARENT,  /* its parent stopped */
	TROUPE_REASON_CLOSING, /* the runtime was closed */
	TROUPE_REASON_FAILED,  /* it failed, and its supervisor did not keep it */
	TROUPE_REASON_LINKED,  /* an actor that it was linked to failed */
	TROUPE_REASON_RESTART, /* only this life of it ends: its supervisor starts it again */
	TROUPE_REASON_GONE     /* to a monitor that came too late: it had stopped before */
} troupe_reason;

/* The name of a reason, such as "PARENT"; "?" for a number that is none. */
const char *troupe_reason_name(troupe_reason reason);

/* A behavior: handles one message.  Never called for the same actor twice at once. */
typedef void troupe_receive(troupe_actor *self, void *state, const troupe_msg *msg);

/* See troupe/failure.h. */
typedef struct troupe_failure troupe_failure;
typedef struct troupe_supervisor troupe_supervisor;

enum {
	/*
	 * Its actors get a thread of their own each, and may block in their
	 * callbacks without holding up anybody else.  (Under the simulated
	 * scheduler they take turns like all others, and hold up the rest.)
	 */
	TROUPE_DEDICATED = 1u << 0,
	/*
	 * Many threads send to its actors at once: their state gets cache
	 * lines that no sender writes, for 64 bytes more per actor.
	 */
	TROUPE_BUSY = 1u << 1
};

/*
 * A kind of actor.  The runtime keeps the pointer, not a copy: a class must
 * outlive its actors, and is best a static constant.  Every field but
 * receive may be left zero.
 */
typedef struct troupe_class {
	const char *name;   /* for reports; NULL is "actor" */
	size_t state_size;  /* bytes of state: zeroed, aligned to 16, up to 1 GiB */
	unsigned flags;     /* TROUPE_DEDICATED, TROUPE_BUSY */
	troupe_receive *receive;
	/*
	 * Called by the spawn, in the spawner's thread, before anybody else
	 * can reach the actor by its handle.  `argument` is the spawn's, and
	 * borrowed.  Anything but 0 refuses: the spawn fails with
	 * TROUPE_REFUSED, and stop is not called.  At a restart it is called
	 * in the actor's turn, with the argument that was kept: see
	 * argument_size.  Refusing is a failure then.
	 */
	int (*start)(troupe_actor *self, void *state, const void *argument);
	/* Called exactly once for each start that did not refuse. */
	void (*stop)(troupe_actor *self, void *state, troupe_reason reason);
	/* Called when a callback of the actor has failed, in the actor, before anything is done about it. */
	void (*failed)(troupe_actor *self, void *state, const troupe_failure *failure);
	/* What its actors do about children that fail; NULL: a child that fails stops. */
	const troupe_supervisor *supervisor;
	/*
	 * Bytes of the start argument that are kept for restarts.  0: a
	 * restart gets NULL.  Whatever the bytes point to must outlive the
	 * actor.
	 */
	size_t argument_size;
	size_t stash_limit; /* messages in the stash; 0 is TROUPE_STASH_LIMIT */
} troupe_class;

#define TROUPE_STASH_LIMIT 1024

TROUPE_END

#endif /* TROUPE_TYPES_H */
