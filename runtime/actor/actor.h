/* SPDX-License-Identifier: MIT */
#ifndef TR_ACTOR_H
#define TR_ACTOR_H

#include "runtime/actor/context.h"
#include "runtime/actor/message.h"
#include "runtime/engine/mailbox.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <troupe.h>

/*
 * actor -- how an actor lies in memory.
 *
 *   troupe_actor (32 bytes) | state          up to 32 bytes: one cache line
 *   troupe_actor | unused   | state          TROUPE_BUSY: senders write only the first line
 *   troupe_actor | pointer                   a state over TR_INLINE_STATE bytes, on the heap
 *
 * What few actors need lies in an extra: a slot of the message arena that
 * starts with a message header, since it is also the message that a child
 * leaves to its parent when it has stopped, which so cannot fail.
 *
 * Threads    Senders read and write `mailbox.word` and read `home`; who
 *            reports on a running actor reads `kind` and `phase`.  All else
 *            belongs to the owner (see mailbox.h).
 *
 * Invariants
 *   INV-AC-1  an actor of a runtime is in that runtime for its whole life.
 *   INV-AC-2  children are counted in the parent's extra from the spawn until
 *             the parent has handled the child's extra; a parent stops only
 *             at zero.
 */

enum {
	TR_ACTOR_WAITING = 1u << 0,      /* for its supervisor: see phase */
	TR_ACTOR_HEAP_STATE = 1u << 1,   /* the inline state is a pointer to it */
	TR_ACTOR_BUSY = 1u << 2,         /* the state begins at the second line */
	TR_ACTOR_DEDICATED = 1u << 3,    /* extra->dedicated runs it */
	TR_ACTOR_MIXED = 1u << 4,        /* todo holds messages of several lanes */
	TR_ACTOR_DRAINING = 1u << 5,     /* stops when its mailbox is empty */
	TR_ACTOR_STOP_WANTED = 1u << 6,  /* stops at its next turn */
	TR_ACTOR_STOPPING = 1u << 7,     /* waits for its children to stop */
	TR_ACTOR_REFUSED = 1u << 8,      /* start did: there is no stop callback to call */
	/*
	 * Turns in a row that ended with messages of the upper lanes left, modulo
	 * TR_ACTOR_PASSED_LIMIT: the next but so many begins with a normal one.
	 */
	TR_ACTOR_PASSED_SHIFT = 9,
	TR_ACTOR_PASSED_LIMIT = 1 << 3,
	TR_ACTOR_REASON_SHIFT = 12       /* and up: the troupe_reason of its end */
};

/* Of an actor that is TR_ACTOR_WAITING: see restart.h. */
typedef enum tr_phase {
	TR_PHASE_NONE,
	TR_PHASE_FAILED,        /* its life may go on */
	TR_PHASE_HALTING,       /* its children stop before its life ends */
	TR_PHASE_HALTING_AGAIN, /* from here on it has no life; its children stop that a start which failed left */
	TR_PHASE_HALTED
} tr_phase;

struct troupe_actor {
	tr_mailbox mailbox;
	_Atomic(const troupe_class *) kind; /* atomic only for reports about running actors */
	uint32_t extra;       /* a unit of the message arena; 0 is none */
	_Atomic uint8_t home; /* its runtime's number */
	_Atomic uint8_t phase; /* while it is TR_ACTOR_WAITING: a tr_phase; atomic only for reports */
	uint16_t flags;
};

_Static_assert(sizeof(struct troupe_actor) == TR_UNIT / 2, "a small actor is one cache line");

/* Parts of an actor that most have not. */
typedef struct tr_extra {
	troupe_msg msg;              /* to the parent, when this child, the sender, has stopped */
	troupe_ref parent;           /* 0 is none */
	troupe_ref told;             /* the child that was told to stop and has not gone; 0 is none */
	troupe_receive *receive;     /* the behavior, if it is not the class's */
	char *name;                  /* from the heap; NULL is none */
	struct tr_dedicated *dedicated;
	uint32_t record;             /* of this child, in the parent's list */
	uint32_t children;           /* newest record; 0 is none */
	uint32_t child_count;
	uint32_t cells;              /* newest of what is under way: see cells.h */
	uint32_t idle_timer;         /* the cell; 0 is none */
	uint32_t watchers;           /* newest of who is told of its end: see monitor.h */
	uint32_t behaviors;          /* to come back to: see behavior.c; 0 is none */
	uint32_t report;             /* to the supervisor, while it is here: see report.h */
	uint32_t order;              /* of the supervisor, while it is carried out: see restart.h */
	uint32_t stash_count;
	tr_chain stash;
	tr_chain held;               /* what came in while it is TR_ACTOR_WAITING */
} tr_extra;

/* The slot size of an extra: two units. */
#define TR_EXTRA_CLASS 1
_Static_assert(sizeof(tr_extra) <= TR_UNIT << TR_EXTRA_CLASS, "an extra fits its slot");

/*
 * One child in its parent's list, newest first; and the message that stops
 * it, so that stopping cannot fail for lack of memory.  The parent's until
 * it is sent.
 */
typedef struct tr_record {
	troupe_msg msg;
	troupe_ref child;
	uint32_t newer, older;
	bool supervised; /* it is a tr_charge: see charge.h */
} tr_record;

_Static_assert(sizeof(tr_record) <= TR_UNIT, "a record fits the smallest slot");

/* Types of control messages. */
enum {
	TR_TYPE_STOP_DRAIN = UINT32_C(0xffff0001),
	TR_TYPE_STOP_NOW = UINT32_C(0xffff0002),
	TR_TYPE_STOP_CHILD = UINT32_C(0xffff0003),  /* a tr_record */
	TR_TYPE_CHILD_GONE = UINT32_C(0xffff0004),  /* a tr_extra */
	TR_TYPE_MONITOR = UINT32_C(0xffff0005),     /* a tr_watcher */
	TR_TYPE_DEMONITOR = UINT32_C(0xffff0006),   /* its ticket names the tr_watcher */
	TR_TYPE_LINK_DOWN = UINT32_C(0xffff0007),   /* a tr_watcher */
	TR_TYPE_CHILD_FAILED = UINT32_C(0xffff0008), /* a tr_report */
	TR_TYPE_ORDER = UINT32_C(0xffff0009),       /* a tr_order, to the child */
	TR_TYPE_ORDER_DONE = UINT32_C(0xffff000a)   /* the same, back */
};

/* Types of cells that are no timers of the program. */
enum {
	TR_TYPE_ASK = UINT32_C(0xffff0020),
	TR_TYPE_AWAIT = UINT32_C(0xffff0021), /* an ask for a name */
	TR_TYPE_MONITORING = UINT32_C(0xffff0022),
	TR_TYPE_NAME = UINT32_C(0xffff0023),
	TR_TYPE_BACKOFF = UINT32_C(0xffff0024)
};

/* States up to this many bytes share the actor's first cache line. */
#define TR_SMALL_STATE (TR_UNIT - sizeof(struct troupe_actor))
/* States above this many bytes lie on the heap. */
#define TR_INLINE_STATE ((TR_UNIT << (TR_ACTOR_SIZES - 1)) - sizeof(struct troupe_actor))
#define TR_STATE_MAX    ((size_t)1 << 30)

TR_INLINE troupe_ref
tr_actor_ref(const troupe_actor *actor, uint32_t generation)
{
	return (troupe_ref)generation << 32 | tr_actor_unit(actor);
}

TR_INLINE uint32_t
tr_ref_generation(troupe_ref ref)
{
	return (uint32_t)(ref >> 32);
}

/* Whether ref can be any actor's: a generation in a handle is odd, which 0 and half of all garbage is not. */
TR_INLINE bool
tr_ref_is_handle(troupe_ref ref)
{
	return (ref >> 32 & 1) != 0 && tr_arena_is_carved(TR_ACTORS, (uint32_t)ref);
}

TR_INLINE troupe_actor *
tr_ref_slot(troupe_ref ref)
{
	return tr_actor_at((uint32_t)ref);
}

TR_INLINE const troupe_class *
tr_actor_class(const troupe_actor *actor)
{
	/* AC-none: constant while the actor lives. */
	return atomic_load_explicit(&actor->kind, memory_order_relaxed);
}

TR_INLINE tr_phase
tr_actor_phase(const troupe_actor *actor)
{
	/* AC-none: the owner's own, and for reports as it comes. */
	return (tr_phase)atomic_load_explicit(&actor->phase, memory_order_relaxed);
}

TR_INLINE void
tr_actor_set_phase(troupe_actor *actor, tr_phase phase)
{
	/* AC-none: as above. */
	atomic_store_explicit(&actor->phase, (uint8_t)phase, memory_order_relaxed);
}

/* Why the actor ends, once it does. */
TR_INLINE troupe_reason
tr_actor_reason(const troupe_actor *actor)
{
	return (troupe_reason)(actor->flags >> TR_ACTOR_REASON_SHIFT);
}

TR_INLINE void
tr_actor_set_reason(troupe_actor *actor, troupe_reason reason)
{
	unsigned kept = actor->flags & ((1u << TR_ACTOR_REASON_SHIFT) - 1);

	actor->flags = (uint16_t)(kept | (unsigned)reason << TR_ACTOR_REASON_SHIFT);
}

TR_INLINE size_t
tr_state_offset(unsigned flags)
{
	return flags & TR_ACTOR_BUSY ? TR_UNIT : sizeof(struct troupe_actor);
}

TR_INLINE void *
tr_actor_state(troupe_actor *actor)
{
	char *state = (char *)actor + tr_state_offset(actor->flags);

	return TR_UNLIKELY(actor->flags & TR_ACTOR_HEAP_STATE) ? *(void **)(void *)state : state;
}

TR_INLINE tr_extra *
tr_actor_extra(const troupe_actor *actor)
{
	return actor->extra != 0 ? tr_message_at(actor->extra) : NULL;
}

/* Whether the actor begins nothing new: it stops, or waits for its supervisor. */
TR_INLINE bool
tr_actor_is_ending(const troupe_actor *actor)
{
	return actor->flags & (TR_ACTOR_STOPPING | TR_ACTOR_WAITING);
}

/* The extra, made if there is none; NULL: out of memory. */
TR_MUST_USE tr_extra *tr_actor_make_extra(tr_cache *cache, troupe_actor *actor);

TR_INLINE troupe_receive *
tr_actor_receive(const troupe_actor *actor)
{
	const tr_extra *extra = tr_actor_extra(actor);

	return extra != NULL && extra->receive != NULL ? extra->receive : tr_actor_class(actor)->receive;
}

const char *tr_actor_name(const troupe_actor *actor);
const char *tr_class_name(const troupe_class *class_);

/* Ends the process, blaming the caller, unless self's callback is what the calling thread runs. */
TR_INLINE tr_context *
tr_require_self(const troupe_actor *self, const char *call)
{
	tr_context *context = tr_current_context;

	if (TR_UNLIKELY(context == NULL || self == NULL || context->current != self))
		tr_blame_caller(call, tr_process_is_forked() ? "self was used in a child of fork"
		                                              : "self was used outside its own callbacks");
	return context;
}

#endif /* TR_ACTOR_H */
