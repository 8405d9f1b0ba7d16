/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_TIMER_H
#define TROUPE_TIMER_H

#include <troupe/types.h>

TROUPE_BEGIN

/*
 * A timer sends its actor a message when its time has come, on the normal
 * lane, with the actor itself as the sender.  It belongs to the actor that
 * armed it and dies with it; an actor that is restarted begins without.
 *
 * Times are in nanoseconds, absolute ones of the clock that troupe_now reads.
 * A timer never fires early.  It fires up to 0.3 ms late, plus what the
 * system and the actor's own queue take; timers less than 0.3 ms apart, and
 * those that are late together, may fire in any order.  Under the simulated scheduler time is virtual and exact:
 * it jumps to the next timer when nothing else is to be done.  A behavior,
 * however long it runs, holds up another actor's timer only if it takes the
 * last worker: those that may run long belong on TROUPE_DEDICATED.
 *
 * Memory: 64 bytes a timer, and one message more if it has data.
 */
typedef uint64_t troupe_timer; /* valid for the actor that armed it; 0 is none */

/*
 * Send self a message once: `delay_ns` from now (0: as soon as possible), or
 * at `time_ns` (in the past: as soon as possible).  A time beyond INT64_MAX is
 * INT64_MAX, and never comes.  The `size` bytes at `data` are copied.
 *
 * Returns the timer, or 0: INVALID (negative delay, reserved type, size over
 * UINT32_MAX, NULL data with a size, or self is stopping), or NOMEM.
 */
troupe_timer troupe_send_after(troupe_actor *self, int64_t delay_ns, uint32_t type, const void *data, size_t size);
troupe_timer troupe_send_at(troupe_actor *self, int64_t time_ns, uint32_t type, const void *data, size_t size);

/* When an actor was too busy for a tick before the next ones were due. */
typedef enum troupe_missed {
	TROUPE_MISSED_SKIP,    /* they are left out; the next comes at its own time */
	TROUPE_MISSED_CATCH_UP /* each of them comes, one after the other */
} troupe_missed;

/*
 * Send self a message every `period_ns`, first one period from now, until it
 * is cancelled.  The ticks keep their distance from the first one: they do
 * not drift, whatever the actor takes to handle them.  At most one tick of a
 * timer waits in the mailbox at a time; one for which there is no memory is
 * left out.
 *
 * Returns the timer, or 0, as above; a period under 1 microsecond is INVALID.
 */
troupe_timer troupe_send_every(troupe_actor *self, int64_t period_ns, troupe_missed missed, uint32_t type,
    const void *data, size_t size);

/*
 * Cancel a timer of self's.  true: it was armed or its tick was queued, and it
 * will not fire (again).  false: it had fired or was cancelled before, or is
 * none of self's.
 */
bool troupe_cancel(troupe_actor *self, troupe_timer timer);

/*
 * Send self a message of type TROUPE_IDLE, without a body, whenever it has
 * handled nothing for `timeout_ns`; a new timeout replaces the one before, and
 * 0 ends it.  OK, INVALID (negative, under 1 microsecond, or self is
 * stopping), or NOMEM.
 */
troupe_status troupe_set_idle_timeout(troupe_actor *self, int64_t timeout_ns);

TROUPE_END

#endif /* TROUPE_TIMER_H */
