/* SPDX-License-Identifier: MIT */
#ifndef TR_CHARGE_H
#define TR_CHARGE_H

#include "runtime/actor/cells.h"

/*
 * charge -- what a supervisor keeps of a child: its record, the order that is
 * there for it from the spawn on, and what is to be done with it.
 *
 * Threads    The thread that runs the supervisor, with its context.
 */

/* What is to be done with a child. */
typedef enum tr_charge_step {
	TR_STEADY,
	TR_TO_HALT,
	TR_TO_BACK_OFF, /* halted */
	TR_BACKING_OFF,
	TR_TO_BEGIN
} tr_charge_step;

/* The supervisor's record of one child. */
typedef struct tr_charge {
	tr_record record;
	const troupe_class *class_; /* of the child */
	uint32_t order;       /* here, or away */
	uint32_t report;      /* the child's, between its failure and the next order; 0 is none */
	uint32_t backoff;     /* the cell that it waits for, alone or with its group; 0 is none */
	int restarts;         /* in the window */
	int64_t window_begin;
	int64_t delay;        /* before the next begin */
	tr_charge_step step;
	bool order_is_away;
	bool has_no_life;     /* its last start failed */
} tr_charge;

/* Until a child, or a group, is begun anew. */
typedef struct tr_backoff {
	tr_cell cell;
	uint32_t charge; /* 0: the group */
} tr_backoff;

_Static_assert(sizeof(tr_backoff) <= TR_LARGE_CELL_USE, "a backoff fits a large cell");

TR_INLINE tr_charge *
tr_charge_at(uint32_t unit)
{
	return tr_message_at(unit);
}

TR_INLINE tr_backoff *
tr_backoff_at(uint32_t unit)
{
	return (tr_backoff *)tr_cell_at(unit);
}

/* The newest of the actor's, and the next older one; NULL when there is none. */
tr_charge *tr_charge_newest(const tr_extra *extra);
tr_charge *tr_charge_older(const tr_charge *charge);

/* A charge for a new child, which has its report then; `argument` is copied.  NULL: out of memory. */
TR_MUST_USE tr_charge *tr_charge_take(tr_context *context, troupe_actor *child, const void *argument);

/* What it has besides its record goes: it is about to leave the list. */
void tr_charge_strip(tr_context *context, troupe *t, troupe_actor *parent, tr_charge *charge);

/* Those that wait for the cell do so no more, and are at `step`. */
void tr_charge_forget_backoff(tr_extra *extra, uint32_t cell, tr_charge_step step);

/* A backoff of the actor's ends before its time. */
void tr_charge_end_backoff(tr_context *context, troupe *t, troupe_actor *parent, tr_cell *cell);

#endif /* TR_CHARGE_H */
