/* SPDX-License-Identifier: MIT */

/*
 * soak -- rounds of work under disturbances, one recipe after the other, for
 * as long as it is told to.
 */
#include "tests/soak/disturb.h"
#include "tests/soak/mail.h"
#include "tests/soak/options.h"
#include "tests/soak/stage.h"
#include "tests/soak/threads.h"
#include "tests/soak/watch.h"
#include "tests/soak/words.h"
#include "tests/units.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

const soak_recipe soak_recipes[] = {
	{ "pingpong", "pairs that throw letters to and fro", soak_play_pingpong, 0 },
	{ "ring", "letters that go round, in the same order for all", soak_play_ring, 0 },
	{ "fanin", "many to one, in order", soak_play_fanin, 0 },
	{ "fanout", "one to many, in order, and back", soak_play_fanout, 0 },
	{ "big", "everybody to everybody", soak_play_big, 0 },
	{ "meet", "actors that meet two by two at one place", soak_play_meet, 0 },
	{ "lives", "spawns and stops, with senders that hold stale handles", soak_play_lives, 0 },
	{ "storm", "actors that do everything to each other", soak_play_storm, SOAK_GUESTS },
	{ "asks", "asks with deadlines, gathers and names", soak_play_asks, 0 },
	{ "restarts", "supervised children that stash and fail", soak_play_restarts, 0 },
	{ "timers", "timers from 1 us to 20 ms, cancelled around their time", soak_play_timers, 0 },
	{ "park", "a message when all are about to sleep, again and again", soak_play_park, SOAK_GUESTS },
	{ "guests", "threads from outside that come and go", soak_play_guests, 0 },
	{ "several", "runtimes that open and close while others send to them", soak_play_several, SOAK_GUESTS },
	{ "nomem", "no memory for messages in the midst of it, and then again some", soak_play_nomem, SOAK_GUESTS },
	{ "space", "the same in a process with little address space", soak_play_space, SOAK_ALL_DISTURBANCES },
};
const size_t soak_recipe_count = sizeof soak_recipes / sizeof *soak_recipes;

/* What came of each recipe. */
static struct sums {
	uint64_t rounds, messages, checks;
} sums[sizeof soak_recipes / sizeof *soak_recipes];

static volatile sig_atomic_t interrupted;

static void
note_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * TROUPE_SECOND + now.tv_nsec;
}

/* --- A round. --- */

static soak_round
draw_round(const soak_recipe *recipe, uint64_t seed)
{
	static const int workers[] = { 1, 2, 2, 3, 8, 64 };
	static const int quanta[] = { 0, 0, 1, 7, 1000 };
	static const int rings[] = { 0, 0, 4, 8 };
	soak_round round = { .seed = seed, .random = { seed } };

	round.workers = workers[sys_below(&round.random, 6)];
	round.quantum = quanta[sys_below(&round.random, 5)];
	round.ring = rings[sys_below(&round.random, 4)];
	if (sys_below(&round.random, 4) == 0) {
		round.quantum = 1;
		round.ring = 4;
	}
	round.disturbances = sys_below(&round.random, SOAK_ALL_DISTURBANCES + 1) & ~recipe->spared;
	return round;
}

struct playing {
	const soak_recipe *recipe;
	soak_round round;
};

static void *
play(void *playing)
{
	struct playing *p = playing;

	p->recipe->play(&p->round);
	return NULL;
}

/* What must be true between two rounds, whatever was in them. */
static void
check_nothing_is_left(uint64_t units)
{
	soak_law(soak_letters_made(), soak_letters_ended());
	soak_law(units_out(), units);
}

/* Which round it is, and how to repeat it. */
static void
describe_round(char *text, size_t size, const char *recipe, const soak_round *round)
{
	snprintf(text, size,
	    "soak: round %" PRIu64 ", recipe %s, seed %" PRIu64 ": %d workers, quantum %d, ring %d%s%s%s\n"
	    "soak: to repeat it: tests/soak/soak --only %s --seed %" PRIu64 " --same-seed --rounds 100\n",
	    soak_rounds_begun() + 1, recipe, round->seed, round->workers, round->quantum, round->ring,
	    round->disturbances & SOAK_PAUSES ? ", pauses" : "",
	    round->disturbances & SOAK_AFFINITY ? ", one CPU" : "",
	    round->disturbances & SOAK_GUESTS ? ", guests" : "", recipe, round->seed);
}

/* false: something came out wrong. */
static bool
run_round(const soak_recipe *recipe, uint64_t seed, uint64_t units)
{
	struct playing playing = { recipe, draw_round(recipe, seed) };
	struct sums *sum = &sums[recipe - soak_recipes];
	uint64_t messages = soak_messages(), checks = soak_checks();
	char about[500];

	describe_round(about, sizeof about, recipe->name, &playing.round);
	soak_announce(recipe->name, about);
	soak_start_disturbing(&playing.round);
	pthread_join(soak_start_thread("soak/round", play, &playing), NULL);
	soak_stop_disturbing();
	check_nothing_is_left(units);
	soak_announce_end();
	sum->rounds++;
	sum->messages += soak_messages() - messages;
	sum->checks += soak_checks() - checks;
	if (soak_complaints() > 0)
		fprintf(stderr, "\nsoak: FAILED: %" PRIu64 " things came out wrong\n%s", soak_complaints(),
		    about);
	return soak_complaints() == 0;
}

/* --- All rounds. --- */

/* Open and close once, so that what stays for the life of the process is there. */
static void *
warm_up(void *unused)
{
	soak_stage stage;

	soak_open(&stage, &(soak_round){ .workers = 1 });
	soak_close(&stage);
	return unused;
}

static bool
is_over(const soak_options *options, uint64_t turns, int64_t began)
{
	if (interrupted)
		return true;
	if (options->rounds != 0)
		return turns >= options->rounds;
	return now_ns() - began >= (int64_t)options->minutes * 60 * TROUPE_SECOND;
}

static bool
run_all(const soak_options *options)
{
	const int64_t began = now_ns();
	sys_random seeds = { options->seed };
	uint64_t seed = options->seed;

	pthread_join(soak_start_thread("soak/round", warm_up, NULL), NULL);
	const uint64_t units = units_out();
	for (uint64_t turns = 0; !is_over(options, turns, began); turns++)
		for (size_t i = 0; i < soak_recipe_count && !is_over(options, turns, began); i++) {
			if (!options->chosen[i])
				continue;
			if (!run_round(&soak_recipes[i], seed, units))
				return false;
			if (!options->same_seed)
				seed = sys_next(&seeds);
		}
	return true;
}

static void
print_sums(void)
{
	printf("%-10s %10s %14s %10s\n", "recipe", "rounds", "messages", "checks");
	for (size_t i = 0; i < soak_recipe_count; i++)
		if (sums[i].rounds > 0)
			printf("%-10s %10" PRIu64 " %14" PRIu64 " %10" PRIu64 "\n", soak_recipes[i].name,
			    sums[i].rounds, sums[i].messages, sums[i].checks);
}

#define SMALL_STACK ((size_t)256 << 10)

static void
limit_address_space(uint64_t mib)
{
	const rlim_t bytes = (rlim_t)(mib << 20);

	if (mib == 0)
		return;
	if (setrlimit(RLIMIT_AS, &(struct rlimit){ bytes, bytes }) != 0) {
		perror("soak: setrlimit");
		exit(1);
	}
	soak_expect_little_space();
	/* So that as many stacks fit as elsewhere. */
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, SMALL_STACK);
	pthread_setattr_default_np(&small);
	pthread_attr_destroy(&small);
}

int
main(int argc, char **argv)
{
	soak_options options = soak_parse_options(argc, argv);
	/* The second time it ends at once. */
	struct sigaction action = { .sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND };

	limit_address_space(options.address_space);
	soak_prepare_last_words();
	soak_prepare_to_hold_up();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	printf("soak: seed %" PRIu64 "\n", options.seed);
	fflush(stdout);
	soak_start_watching(options.patience);
	bool well = run_all(&options);
	soak_stop_watching();
	print_sums();
	if (fflush(stdout) != 0) {
		perror("soak: standard output");
		return 1;
	}
	return well ? 0 : 1;
}
