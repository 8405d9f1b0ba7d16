/* SPDX-License-Identifier: MIT */
#include "tests/soak/stage.h"

#include "runtime/platform/platform.h"
#include "tests/soak/guests.h"

#include <time.h>

/* Complaints that are printed; the others are only counted. */
#define PRINTED 20

static sys_counter ticks, messages, checks, complaints;

static bool space_is_little; /* set before there are threads */

void
soak_expect_little_space(void)
{
	space_is_little = true;
}

/* --- What is expected. --- */

void
soak_complain(const char *file, int line, const char *what)
{
	if (sys_add(&complaints, 1) < PRINTED)
		fprintf(stderr, "\nsoak: %s:%d: %s\n", file, line, what);
}

void
soak_equal(const char *file, int line, const char *what, uint64_t got, uint64_t want)
{
	char text[300];

	sys_add(&checks, 1);
	if (got == want)
		return;
	snprintf(text, sizeof text, "not kept: %s: %llu and %llu", what, (unsigned long long)got,
	    (unsigned long long)want);
	soak_complain(file, line, text);
}

void
soak_add_messages(uint64_t more)
{
	sys_add(&messages, more);
}

void
soak_tick(void)
{
	sys_add(&ticks, 1);
}

/* --- The open runtimes. --- */

#define SHOWN_MAX 16

static pthread_mutex_t shown_lock = PTHREAD_MUTEX_INITIALIZER;
static troupe *shown[SHOWN_MAX];

static void
replace_shown(troupe *t, troupe *by)
{
	pthread_mutex_lock(&shown_lock);
	for (int i = 0; i < SHOWN_MAX; i++)
		if (shown[i] == t) {
			shown[i] = by;
			break;
		}
	pthread_mutex_unlock(&shown_lock);
}

void
soak_show(troupe *t)
{
	replace_shown(NULL, t);
}

void
soak_hide(troupe *t)
{
	replace_shown(t, NULL);
}

uint64_t
soak_work(void)
{
	uint64_t work = sys_get(&ticks) + sys_get(&messages) + sys_get(&checks);

	pthread_mutex_lock(&shown_lock);
	for (int i = 0; i < SHOWN_MAX; i++)
		if (shown[i] != NULL) {
			troupe_totals totals;

			troupe_get_totals(shown[i], &totals);
			work += totals.accepted + totals.handled + totals.dead + totals.spawned +
				totals.stopped + totals.failed + totals.restarted;
		}
	pthread_mutex_unlock(&shown_lock);
	return work;
}

uint64_t
soak_messages(void)
{
	return sys_get(&messages);
}

uint64_t
soak_checks(void)
{
	return sys_get(&checks);
}

uint64_t
soak_complaints(void)
{
	return sys_get(&complaints);
}

void
soak_print_stages(FILE *to)
{
	pthread_mutex_lock(&shown_lock);
	for (int i = 0; i < SHOWN_MAX; i++)
		if (shown[i] != NULL) {
			troupe_totals totals;

			troupe_get_totals(shown[i], &totals);
			fprintf(to,
			    "  runtime: accepted %llu, handled %llu, dead %llu, unhandled %llu, spawned %llu, stopped %llu, "
			    "failed %llu, restarted %llu\n",
			    (unsigned long long)totals.accepted, (unsigned long long)totals.handled,
			    (unsigned long long)totals.dead, (unsigned long long)totals.unhandled,
			    (unsigned long long)totals.spawned, (unsigned long long)totals.stopped,
			    (unsigned long long)totals.failed, (unsigned long long)totals.restarted);
		}
	pthread_mutex_unlock(&shown_lock);
}

/* --- Stages. --- */

static void
take_letter(void *context, const troupe_dead_letter *letter)
{
	soak_stage *stage = context;

	sys_add(&stage->letters[letter->reason], 1);
}

static void
take_failure(void *context, const troupe_failure *failure)
{
	soak_stage *stage = context;

	(void)failure;
	sys_add(&stage->failures, 1);
}

static void
take_line(void *context, troupe_log_level level, const char *text)
{
	const soak_stage *stage = context;

	(void)level;
	/* Where there is little space it may say, before it is open, that its threads do not fit. */
	if (stage->t != NULL || !space_is_little)
		soak_complain("the runtime's log", 0, text);
}

static troupe *
try_to_open(soak_stage *stage, int workers)
{
	return troupe_open(&(troupe_options){
	    .size = sizeof(troupe_options),
	    .workers = workers,
	    .quantum = stage->round->quantum,
	    .ring = stage->round->ring,
	    .context = stage,
	    .dead_letter = take_letter,
	    .log = take_line,
	    .failure = take_failure,
	});
}

void
soak_open(soak_stage *stage, soak_round *round)
{
	memset(stage, 0, sizeof *stage);
	stage->round = round;
	for (int workers = round->workers; stage->t == NULL && workers > 0;
	     workers = space_is_little ? workers / 2 : 0)
		stage->t = try_to_open(stage, workers);
	if (stage->t == NULL) {
		fprintf(stderr, "soak: troupe_open: %s\n", troupe_last_error_text());
		exit(1);
	}
	soak_show(stage->t);
	if (round->disturbances & SOAK_GUESTS)
		soak_admit_guests(stage, sys_next(&round->random));
}

troupe_totals
soak_settle(soak_stage *stage)
{
	troupe_totals totals;

	soak_law(troupe_wait(stage->t, TROUPE_FOREVER), TROUPE_OK);
	soak_dismiss_guests(stage);
	soak_law(troupe_wait(stage->t, TROUPE_FOREVER), TROUPE_OK);
	troupe_get_totals(stage->t, &totals);
	soak_law(totals.accepted, totals.handled + totals.dead);
	soak_law(totals.dead, sys_get(&stage->letters[TROUPE_DEAD]) + sys_get(&stage->letters[TROUPE_LATE]));
	soak_law(totals.unhandled, sys_get(&stage->letters[TROUPE_UNHANDLED]));
	soak_law(totals.failed, sys_get(&stage->failures));
	return totals;
}

void
soak_close(soak_stage *stage)
{
	troupe_totals totals;

	soak_dismiss_guests(stage);
	soak_hide(stage->t);
	troupe_get_totals(stage->t, &totals);
	soak_add_messages(totals.handled + totals.dead);
	soak_law(troupe_close(stage->t, TROUPE_FOREVER, NULL, NULL), TROUPE_OK);
	stage->t = NULL;
}

troupe_ref
soak_spawn(soak_stage *stage, const troupe_class *class_, const void *argument)
{
	troupe_ref ref = troupe_spawn(stage->t, class_, argument);

	if (ref == 0)
		soak_complain(__FILE__, __LINE__, troupe_last_error_text());
	return ref;
}

int
soak_keep_argument(troupe_actor *self, void *state, const void *argument)
{
	(void)self;
	memcpy(state, &argument, sizeof argument);
	return 0;
}

/* --- Sizes. --- */

uint32_t
soak_draw(sys_random *random, uint32_t least, uint32_t most)
{
	uint32_t span = most - least;
	uint32_t bits = 0;

	while (bits < 32 && span >> bits != 0)
		bits++;
	if (sys_below(random, 2) == 0)
		return least + sys_below(random, span + 1);
	/* Each power of two is as likely as the others. */
	uint32_t limit = (uint32_t)1 << sys_below(random, bits + 1);
	uint32_t more = sys_below(random, limit);

	return least + (more <= span ? more : span);
}

void *
soak_memory(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL) {
		fprintf(stderr, "soak: out of memory\n");
		exit(1);
	}
	return memory;
}

pthread_t
soak_start_thread(const char *name, void *(*work)(void *), void *argument)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, work, argument);

	if (error != 0) {
		fprintf(stderr, "soak: pthread_create: %s\n", strerror(error));
		exit(1);
	}
	(void)pthread_setname_np(thread, name);
	return thread;
}

/* Shorter than this the system cannot sleep: it takes as long to wake up. */
#define SLEEP_LEAST_NS (200 * INT64_C(1000))

/* Time that passes is what the recipe is about, a worker held up or a gap between two storms; nothing is awaited by it. */
void
soak_pass_time(int64_t ns)
{
	const struct timespec span = { .tv_sec = ns / TROUPE_SECOND, .tv_nsec = ns % TROUPE_SECOND };

	if (ns >= SLEEP_LEAST_NS) {
		(void)nanosleep(&span, NULL);
		return;
	}
	for (const int64_t until = tr_clock_now() + ns; tr_clock_now() < until;)
		tr_spin_hint();
}
