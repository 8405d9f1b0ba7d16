/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/input.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * replay -- the main program of a fuzz target without libFuzzer: runs each
 * input once.  An input that is wrong aborts, and the last "running" line
 * on stderr names it.
 */

#define LARGEST (1 << 20)

static unsigned long runs;

static void
fail_on(const char *path)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	exit(2);
}

static void
run_file(const char *path)
{
	static uint8_t bytes[LARGEST];
	FILE *file = fopen(path, "rb");

	if (file == NULL)
		fail_on(path);
	size_t size = fread(bytes, 1, sizeof bytes, file);
	if (ferror(file))
		fail_on(path);
	fclose(file);
	/* In a block of its own size, so that reading beyond it is seen. */
	uint8_t *input = malloc(size > 0 ? size : 1);
	if (input == NULL)
		fail_on(path);
	memcpy(input, bytes, size);
	fprintf(stderr, "running %s\n", path);
	(void)LLVMFuzzerTestOneInput(input, size);
	free(input);
	runs++;
}

static void
run_directory(const char *path, DIR *directory)
{
	struct dirent *entry;

	while ((entry = readdir(directory)) != NULL) {
		char file[4096];

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(file, sizeof file, "%s/%s", path, entry->d_name) >= (int)sizeof file) {
			errno = ENAMETOOLONG;
			fail_on(path);
		}
		run_file(file);
	}
}

int
main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		printf(
		    "usage: %s FILE|DIRECTORY...\nRuns each input once; aborts at one that breaks a promise.\n",
		    argv[0]);
		return argc < 2 ? 2 : 0;
	}
	for (int i = 1; i < argc; i++) {
		DIR *directory = opendir(argv[i]);

		if (directory != NULL) {
			run_directory(argv[i], directory);
			closedir(directory);
		} else {
			run_file(argv[i]);
		}
	}
	fprintf(stderr, "%lu inputs kept all promises\n", runs);
	return 0;
}
