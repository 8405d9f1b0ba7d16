/* SPDX-License-Identifier: MIT */
#include "tests/soak/words.h"

#include "tests/system.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static char last_words[600];

/* For a signal handler: what cannot be written is lost. */
static void
say_last_words(void)
{
	const int before = errno;

	if (write(STDERR_FILENO, last_words, strlen(last_words)) < 0)
		errno = before;
	last_words[0] = '\0';
}

static void
take_signal(int number)
{
	(void)number;
	/* When this returns, the signal comes again, and takes its default action. */
	say_last_words();
}

/* Sanitizers have handlers of their own for crashes, and call this after their reports. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

void
soak_prepare_last_words(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct sigaction action = { .sa_handler = take_signal, .sa_flags = (int)SA_RESETHAND | SA_ONSTACK };

	sigaction(SIGABRT, &action, NULL);
	for (size_t i = 0; i < sizeof crashes / sizeof *crashes && !SYS_SANITIZED; i++)
		sigaction(crashes[i], &action, NULL);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(say_last_words);
}

void
soak_set_last_words(const char *text)
{
	strncpy(last_words, text, sizeof last_words - 1);
}
