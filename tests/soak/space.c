/* SPDX-License-Identifier: MIT */

/*
 * The rounds of `nomem` in a process of their own that may have little
 * address space: there the reservations are small, and all of what is
 * reserved gets used up.
 */
#include "tests/soak/soak.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* The file that this process runs. */
#define SELF "/proc/self/exe"

void
soak_play_space(soak_round *round)
{
	char seed[32], space[32];
	char *arguments[] = { "soak", "--only", "nomem", "--rounds", "3", "--seed", seed, "--address-space",
		space, NULL };
	posix_spawn_file_actions_t actions;
	pid_t child;
	int status = 0;

	snprintf(seed, sizeof seed, "%" PRIu64, round->seed);
	snprintf(space, sizeof space, "%u", 256 + sys_below(&round->random, 512));
	/* Its sums are of no interest; what it complains about is. */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	int error = posix_spawn(&child, SELF, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0) {
		soak_complain(__FILE__, __LINE__, strerror(error));
		return;
	}
	while (waitpid(child, &status, 0) < 0)
		;
	soak_law(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), 0);
}
