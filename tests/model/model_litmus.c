/* SPDX-License-Identifier: MIT */
#include "tests/model/model.h"

#include "runtime/platform/platform.h"

#include <stdatomic.h>
#include <string.h>

/*
 * Tests of the checker: programs so small that C11 says what may come of them.
 * Each names all outcomes that must be found; what is not named must not be.
 * See Maranget, Sarkar and Sewell, "A Tutorial Introduction to the ARM and
 * POWER Relaxed Memory Models", for the names.
 */

static _Atomic unsigned x, y;
static unsigned data;
static unsigned a, b, c, d;
static pthread_mutex_t lock;
static tr_parker parker;

#define GET(place, order)        atomic_load_explicit(&(place), memory_order_##order)
#define SET(place, value, order) atomic_store_explicit(&(place), value, memory_order_##order)

#define THREAD(name, ...) \
	static void name(void) \
	{ \
		__VA_ARGS__ \
	}

static void
tell_a_b(void)
{
	model_outcome(a + 2 * b);
}

static void
tell_a_b_c_d(void)
{
	model_outcome(a + 2 * b + 4 * c + 8 * d);
}

/* Store buffering: both may miss the other's store, unless all four are seq_cst. */
THREAD(sb_sc_1, SET(x, 1, seq_cst); a = GET(y, seq_cst);)
THREAD(sb_sc_2, SET(y, 1, seq_cst); b = GET(x, seq_cst);)
THREAD(sb_ra_1, SET(x, 1, release); a = GET(y, acquire);)
THREAD(sb_rmw_1, atomic_fetch_add_explicit(&x, 1, memory_order_seq_cst); a = GET(y, seq_cst);)
THREAD(sb_half_2, SET(y, 1, seq_cst); b = GET(x, relaxed);)

/* Message passing, of a plain variable. */
THREAD(mp_send, data = 1; SET(x, 1, release);)
THREAD(mp_send_weak, data = 1; SET(x, 1, relaxed);)
THREAD(mp_take, a = GET(x, acquire); if (a) b = data;)
/* The end of what was atomic: its memory is used for something else. */
THREAD(leave_x, SET(x, 1, release);)
THREAD(retire_x, a = GET(x, acquire); if (a) memset((void *)(uintptr_t)&x, 0, sizeof x);)
THREAD(retire_x_weak, a = GET(x, relaxed); if (a) memset((void *)(uintptr_t)&x, 0, sizeof x);)
THREAD(mp_take_weak, a = GET(x, relaxed); if (a) b = data;)
/* And of an atomic one. */
THREAD(mp_atomic_send, SET(y, 1, relaxed); SET(x, 1, release);)
THREAD(mp_atomic_take, a = GET(x, acquire); b = GET(y, relaxed);)
THREAD(mp_atomic_take_weak, a = GET(x, relaxed); b = GET(y, relaxed);)

/* Two reads of one place never go back. */
THREAD(co_write, SET(x, 1, relaxed);)
THREAD(co_read, a = GET(x, relaxed); b = GET(x, relaxed);)

/* A release sequence goes on through a read-modify-write, and not through a store. */
THREAD(rs_change, atomic_fetch_add_explicit(&x, 2, memory_order_relaxed);)
THREAD(rs_store, if (GET(x, relaxed) == 1) SET(x, 3, relaxed);)
THREAD(rs_take, if (GET(x, acquire) == 3) b = data; a = 1;)

/* Two writers, and two readers that see them in different orders. */
THREAD(iriw_x, SET(x, 1, seq_cst);)
THREAD(iriw_y, SET(y, 1, seq_cst);)
THREAD(iriw_sc_1, a = GET(x, seq_cst); b = GET(y, seq_cst);)
THREAD(iriw_sc_2, c = GET(y, seq_cst); d = GET(x, seq_cst);)
THREAD(iriw_ra_1, a = GET(x, acquire); b = GET(y, acquire);)
THREAD(iriw_ra_2, c = GET(y, acquire); d = GET(x, acquire);)

/* Exchanges: one of two wins, and the other sees what it lost to; a stale one fails. */
static unsigned
exchange(unsigned from, unsigned to)
{
	return atomic_compare_exchange_strong_explicit(&x, &from, to, memory_order_relaxed,
		   memory_order_relaxed)
		   ? 0
		   : from;
}
THREAD(cas_1, a = exchange(0, 1) != 0;)
THREAD(cas_2, b = exchange(0, 1) != 0;)
THREAD(cas_back, SET(x, 1, relaxed); SET(x, 2, relaxed); SET(x, 0, relaxed);)
THREAD(cas_stale, unsigned found = exchange(3, 4); a = found & 1; b = found >> 1;)

/* Locks, and plain variables under them. */
THREAD(lock_add, pthread_mutex_lock(&lock); data++; pthread_mutex_unlock(&lock);)
THREAD(bare_add, data++;)
static void
tell_data(void)
{
	model_outcome(data);
}

/* A spin loop sees what it waits for; one that is bounded may not. */
THREAD(spin, while (GET(x, acquire) != 1) tr_spin_hint(); b = data;)
THREAD(spin_bounded, for (int i = 0; i < 100 && GET(x, acquire) != 1; i++) tr_spin_hint();
       a = GET(x, acquire); if (a) b = data;)
THREAD(spin_forever, while (GET(y, relaxed) != 1) tr_spin_hint();)

/* A parker: the word is changed, then the owner is roused; or that is forgotten. */
THREAD(park, while (GET(parker.word, acquire) == 0) tr_parker_wait(&parker, 0, -1); b = data;)
THREAD(park_weak, while (GET(parker.word, relaxed) == 0) tr_parker_wait(&parker, 0, -1); b = data;)
THREAD(park_for_a_while, tr_parker_wait(&parker, 0, 1000); a = GET(parker.word, relaxed);
       b = tr_clock_now() == 1000;)
THREAD(rouse, data = 1; SET(parker.word, 1, release); tr_parker_wake(&parker);)
THREAD(forget_to_rouse, data = 1; SET(parker.word, 1, release);)

#define PAIR(one, two)        .threads = { { #one, one }, { #two, two } }
#define TRIO(one, two, three) .threads = { { #one, one }, { #two, two }, { #three, three } }
#define ALL_BUT(mask)         (UINT64_C(0xffff) & ~(UINT64_C(1) << (mask)))
#define SMALL                 .bounds = "a program of a few operations"

static const model_case cases[] = {
	{ .name = "sb-sc",
	    .proves = "seq_cst excludes that both miss the other's store",
	    SMALL,
	    PAIR(sb_sc_1, sb_sc_2),
	    .at_end = tell_a_b,
	    .outcomes = 0xe },
	{ .name = "sb-ra",
	    .proves = "release and acquire do not",
	    SMALL,
	    PAIR(sb_ra_1, sb_sc_2),
	    .at_end = tell_a_b,
	    .outcomes = 0xf },
	{ .name = "sb-rmw",
	    .proves = "a read-modify-write that is seq_cst does",
	    SMALL,
	    PAIR(sb_rmw_1, sb_sc_2),
	    .at_end = tell_a_b,
	    .outcomes = 0xe },
	{ .name = "sb-half",
	    .proves = "three of the four are not enough",
	    SMALL,
	    PAIR(sb_sc_1, sb_half_2),
	    .at_end = tell_a_b,
	    .outcomes = 0xf },
	{ .name = "mp",
	    .proves = "release to acquire hands over what is plain",
	    SMALL,
	    PAIR(mp_send, mp_take),
	    .at_end = tell_a_b,
	    .outcomes = 0x9 },
	{ .name = "mp-weak-send",
	    .proves = "a relaxed store does not",
	    SMALL,
	    PAIR(mp_send_weak, mp_take),
	    .fails = "a race" },
	{ .name = "mp-weak-take",
	    .proves = "nor does a relaxed load",
	    SMALL,
	    PAIR(mp_send, mp_take_weak),
	    .fails = "a race" },
	{ .name = "mp-atomic",
	    .proves = "nor is what is older read after it",
	    SMALL,
	    PAIR(mp_atomic_send, mp_atomic_take),
	    .at_end = tell_a_b,
	    .outcomes = 0xd },
	{ .name = "mp-atomic-weak",
	    .proves = "but by a relaxed load",
	    SMALL,
	    PAIR(mp_atomic_send, mp_atomic_take_weak),
	    .at_end = tell_a_b,
	    .outcomes = 0xf },
	{ .name = "corr",
	    .proves = "reads of one place do not go back",
	    SMALL,
	    PAIR(co_write, co_read),
	    .at_end = tell_a_b,
	    .outcomes = 0xd },
	{ .name = "retire",
	    .proves = "what was atomic is plain again for who acquires the last store",
	    SMALL,
	    PAIR(leave_x, retire_x),
	    .at_end = tell_a_b,
	    .outcomes = 0x3 },
	{ .name = "retire-weak",
	    .proves = "to have read it is not enough",
	    SMALL,
	    PAIR(leave_x, retire_x_weak),
	    .fails = "a race" },
	{ .name = "sequence",
	    .proves = "a change carries a release on",
	    SMALL,
	    TRIO(mp_send, rs_change, rs_take),
	    .at_end = tell_a_b,
	    .outcomes = 0xa },
	{ .name = "sequence-cut",
	    .proves = "a store does not",
	    SMALL,
	    TRIO(mp_send, rs_store, rs_take),
	    .fails = "a race" },
	{ .name = "iriw-sc",
	    .proves = "seq_cst stores come to all in one order",
	    SMALL,
	    .threads = { { "x", iriw_x }, { "y", iriw_y }, { "r1", iriw_sc_1 }, { "r2", iriw_sc_2 } },
	    .at_end = tell_a_b_c_d,
	    .outcomes = ALL_BUT(1 + 4) },
	{ .name = "iriw-ra",
	    .proves = "to acquire loads they need not",
	    SMALL,
	    .threads = { { "x", iriw_x }, { "y", iriw_y }, { "r1", iriw_ra_1 }, { "r2", iriw_ra_2 } },
	    .at_end = tell_a_b_c_d,
	    .outcomes = 0xffff },
	{ .name = "exchange",
	    .proves = "one of two exchanges wins",
	    SMALL,
	    PAIR(cas_1, cas_2),
	    .at_end = tell_a_b,
	    .outcomes = 0x6 },
	{ .name = "exchange-stale",
	    .proves = "one that fails may read any store that it may see",
	    SMALL,
	    PAIR(cas_back, cas_stale),
	    .at_end = tell_a_b,
	    .outcomes = 0x7 },
	{ .name = "lock",
	    .proves = "a lock orders",
	    SMALL,
	    TRIO(lock_add, lock_add, lock_add),
	    .at_end = tell_data,
	    .outcomes = 0x8 },
	{ .name = "no-lock", .proves = "and is missed", SMALL, PAIR(lock_add, bare_add), .fails = "a race" },
	{ .name = "spin",
	    .proves = "a spin loop ends",
	    SMALL,
	    PAIR(mp_send, spin),
	    .at_end = tell_a_b,
	    .outcomes = 0x4 },
	{ .name = "spin-bounded",
	    .proves = "a bounded one may see nothing",
	    SMALL,
	    PAIR(mp_send, spin_bounded),
	    .at_end = tell_a_b,
	    .gives_up = true,
	    .outcomes = 0x9 },
	{ .name = "spin-forever",
	    .proves = "one that waits in vain is found",
	    SMALL,
	    PAIR(mp_send, spin_forever),
	    .fails = "threads wait for ever" },
	{ .name = "park",
	    .proves = "a parker's owner is roused",
	    SMALL,
	    PAIR(park, rouse),
	    .early = 1,
	    .at_end = tell_a_b,
	    .outcomes = 0x4 },
	{ .name = "park-weak",
	    .proves = "the system call orders nothing for C",
	    SMALL,
	    PAIR(park_weak, rouse),
	    .fails = "a race" },
	{ .name = "park-forgotten",
	    .proves = "or not, if that is forgotten",
	    SMALL,
	    PAIR(park, forget_to_rouse),
	    .fails = "threads wait for ever" },
	{ .name = "park-timed",
	    .proves = "time passes when all wait",
	    SMALL,
	    PAIR(park_for_a_while, forget_to_rouse),
	    .times_out = true,
	    .at_end = tell_a_b,
	    .outcomes = 0xe },
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "checker", cases, sizeof cases / sizeof *cases);
}
