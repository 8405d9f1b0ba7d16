/* SPDX-License-Identifier: MIT */
#ifndef SOAK_H
#define SOAK_H

/* First: it says which of the system's functions are wanted. */
#include "runtime/platform/base.h"

#include "tests/system.h"

#include <stdio.h>

/*
 * soak -- what the recipes of the soak share.
 *
 * A round is one recipe, played once with everything drawn from the round's
 * seed: how large it is, how many workers, which disturbances.  What must
 * come out is known beforehand, whatever happens on the way.
 *
 * Threads    Each round is played by a thread of its own, so that what its
 *            context holds is in the depots when it has ended.  The main
 *            thread calls nothing of troupe.
 *            Behaviors count in plain variables of their actor's own: an
 *            atomic counter for all would order what is to be tried.  The
 *            round's thread reads them once the runtime is quiet.
 */

/* What goes on beside the work of a round. */
enum {
	SOAK_PAUSES = 1u << 0,   /* threads of the runtime are held up at any instruction */
	SOAK_AFFINITY = 1u << 1, /* all threads go to one CPU, and back */
	SOAK_GUESTS = 1u << 2    /* threads from outside come, spawn, send, call, and go */
};
#define SOAK_ALL_DISTURBANCES (SOAK_PAUSES | SOAK_AFFINITY | SOAK_GUESTS)

typedef struct soak_round {
	uint64_t seed;
	sys_random random; /* of the thread that plays it */
	int workers, quantum, ring;
	unsigned disturbances;
} soak_round;

typedef struct soak_recipe {
	const char *name;
	const char *about;
	void (*play)(soak_round *round);
	unsigned spared; /* disturbances that it cannot do with */
} soak_recipe;

extern const soak_recipe soak_recipes[];
extern const size_t soak_recipe_count;

void soak_play_pingpong(soak_round *round);
void soak_play_ring(soak_round *round);
void soak_play_fanin(soak_round *round);
void soak_play_fanout(soak_round *round);
void soak_play_big(soak_round *round);
void soak_play_meet(soak_round *round);
void soak_play_lives(soak_round *round);
void soak_play_storm(soak_round *round);
void soak_play_asks(soak_round *round);
void soak_play_restarts(soak_round *round);
void soak_play_timers(soak_round *round);
void soak_play_park(soak_round *round);
void soak_play_guests(soak_round *round);
void soak_play_several(soak_round *round);
void soak_play_nomem(soak_round *round);
void soak_play_space(soak_round *round);

/* --- What is expected. --- */

/* Something came out wrong: said, and counted against the round.  For any thread. */
void soak_complain(const char *file, int line, const char *what);

/* For behaviors: counts nothing when it holds. */
#define soak_expect(condition) \
	do { \
		if (!(condition)) \
			soak_complain(__FILE__, __LINE__, "not kept: " #condition); \
	} while (0)

/* Law: two sums that must be equal.  For the thread that plays a round. */
void soak_equal(const char *file, int line, const char *what, uint64_t got, uint64_t want);
#define soak_law(got, want) soak_equal(__FILE__, __LINE__, #got " is " #want, (got), (want))

/* Count messages and checks that no stage counts. */
void soak_add_messages(uint64_t messages);

/* For the watchdog: this goes on, although no message says so. */
void soak_tick(void);

/* --- Runtimes. --- */

/* A runtime of a round, and what it told its callbacks. */
typedef struct soak_stage {
	troupe *t;
	soak_round *round;
	sys_counter letters[TROUPE_TAKEN + 1];
	sys_counter failures;
	struct soak_guests *guests;
} soak_stage;

/* Open with what the round has drawn, and let guests in if they are drawn too; ends the process if it cannot. */
void soak_open(soak_stage *stage, soak_round *round);

/* Wait until all is done and the guests are gone, and check the totals. */
troupe_totals soak_settle(soak_stage *stage);

/* Close, with whatever goes on in it.  The guests must be gone. */
void soak_close(soak_stage *stage);

/* Let the watchdog look at a runtime that was opened elsewhere, until it is about to be closed. */
void soak_show(troupe *t);
void soak_hide(troupe *t);

/* Spawn that must not fail. */
troupe_ref soak_spawn(soak_stage *stage, const troupe_class *class_, const void *argument);

/* A start callback for a state that begins with a pointer: to the argument. */
int soak_keep_argument(troupe_actor *self, void *state, const void *argument);

/* --- Sizes. --- */

/* From `least` to `most`: half of them anything, of the others small numbers as likely as large ones. */
uint32_t soak_draw(sys_random *random, uint32_t least, uint32_t most);

/* Memory that is there, zeroed, or the end of the process. */
void *soak_memory(size_t count, size_t size);

/* A thread that starts, or the end of the process; its name is for the disturber and for reports. */
pthread_t soak_start_thread(const char *name, void *(*work)(void *), void *argument);

/* Let real time pass: what some recipes are about, and never a way to wait for a result. */
void soak_pass_time(int64_t ns);

#endif /* SOAK_H */
