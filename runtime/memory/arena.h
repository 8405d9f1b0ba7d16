/* SPDX-License-Identifier: MIT */
#ifndef TR_ARENA_H
#define TR_ARENA_H

#include "runtime/platform/base.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * arena -- address space that is named by 32-bit unit numbers.
 *
 * A unit is a cache line.  A slot is a run of units that holds one object; a
 * slot's size never changes, and actor memory never becomes message memory,
 * for the life of the process.  So a stale actor handle may always be
 * followed to its mailbox word, which then says that it is stale.
 *
 * Threads    Any thread may carve.  init and the forked mark are the only
 *            writers of the rest, before anybody else looks.
 * Ownership  carve hands a block to the caller for ever: memory that is not
 *            in use goes to a depot, never back here.
 * Limits     The reservation: 256 GiB of actors and 128 GiB of messages, or
 *            what the system grants.  Unit 0 of both is never handed out, so
 *            0 can stand for none.
 *
 * Ordering edges
 *   AR-none  top only divides addresses between carvers and grows, and a
 *            block's size class never changes once it is set: nothing is
 *            published.  Whoever was given the name of an object sees a top
 *            above it, as it sees the object.
 */

enum tr_arena_kind { TR_ACTORS, TR_MESSAGES, TR_ARENAS };

#define TR_UNIT ((size_t)TR_CACHE_LINE)

/* Units in a block: 16 KiB, so that a small program touches few pages. */
#define TR_BLOCK_UNITS UINT32_C(256)

/* Slot sizes are powers of two of units: 64 B, 128 B, ... */
#define TR_ACTOR_SIZES   5
#define TR_MESSAGE_SIZES 11

/*
 * Beyond these, classes of message slots that hold one kind of object for
 * ever: 64 B, 128 B.  What stale tokens are looked up by in them is never
 * used for anything else, so they are neither poisoned nor trimmed.
 */
#define TR_CELL_SIZES      2
#define TR_SMALL_CELL      TR_MESSAGE_SIZES
#define TR_LARGE_CELL      (TR_MESSAGE_SIZES + 1)
#define TR_MESSAGE_CLASSES (TR_MESSAGE_SIZES + TR_CELL_SIZES)

/* Slots of a class have 1 << this many units. */
static inline unsigned
tr_slot_shift(unsigned size_class)
{
	return size_class < TR_MESSAGE_SIZES ? size_class : size_class - TR_MESSAGE_SIZES;
}

/* The class of the smallest slot that has room for `bytes`. */
static inline unsigned
tr_size_class(size_t bytes)
{
	return bytes <= TR_UNIT ? 0 : (unsigned)(64 - __builtin_clzll((bytes - 1) / TR_UNIT));
}

typedef struct tr_arena {
	char *base;
	uint32_t limit;       /* units reserved */
	_Atomic uint8_t *block_size; /* of each block: 1 + its size class; 0 is not carved */
	_Atomic uint32_t top; /* units ever carved */
} tr_arena;

extern tr_arena tr_arenas[TR_ARENAS];

/*
 * Reserve both arenas; the first call does, later ones return what it came
 * to unless it failed.  false: the system grants not even a small one.
 */
TR_MUST_USE bool tr_arena_init(void);

/*
 * A fresh zeroed block for slots of a size class: max(TR_BLOCK_UNITS, one
 * slot) units.  Returns its first unit and sets *units, or 0 when the
 * arena is used up or a fault is due.
 */
TR_MUST_USE uint32_t tr_arena_carve(enum tr_arena_kind kind, unsigned size_class, uint32_t *units);

/*
 * Whether anything can ever have been at that unit.  What was never carved is
 * not even read: there are kernels that back it with memory then, and with a
 * huge page at that.  (The first block is nobody's, and as good as carved.)
 */
TR_INLINE bool
tr_arena_is_carved(enum tr_arena_kind kind, uint32_t unit)
{
	/* AR-none */
	return unit < atomic_load_explicit(&tr_arenas[kind].top, memory_order_relaxed);
}

/* The size class of the slots in an actor block. */
#define TR_NOT_CARVED UINT_MAX
TR_INLINE unsigned
tr_arena_size_class(uint32_t block)
{
	/* AR-none */
	return atomic_load_explicit(&tr_arenas[TR_ACTORS].block_size[block], memory_order_relaxed) - 1u;
}

TR_INLINE void *
tr_actor_at(uint32_t unit)
{
	return tr_arenas[TR_ACTORS].base + (size_t)unit * TR_UNIT;
}

TR_INLINE void *
tr_message_at(uint32_t unit)
{
	return tr_arenas[TR_MESSAGES].base + (size_t)unit * TR_UNIT;
}

TR_INLINE uint32_t
tr_actor_unit(const void *actor)
{
	return (uint32_t)(((size_t)((const char *)actor - tr_arenas[TR_ACTORS].base)) / TR_UNIT);
}

TR_INLINE uint32_t
tr_message_unit(const void *message)
{
	return (uint32_t)(((size_t)((const char *)message - tr_arenas[TR_MESSAGES].base)) / TR_UNIT);
}

#endif /* TR_ARENA_H */
