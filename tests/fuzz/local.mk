# SPDX-License-Identifier: MIT

# Each target is built twice: with replay.c, by any compiler, to run inputs
# that are there; and in a build of its own (fuzz.sh) with libFuzzer.
noinst_PROGRAMS += %D%/replay_calls %D%/replay_environment
EXTRA_PROGRAMS += %D%/fuzz_calls %D%/fuzz_environment

%C%_calls = \
	tests/units.c tests/units.h \
	%D%/input.h \
	%D%/reference.c %D%/reference.h \
	%D%/life.c \
	%D%/mail.c \
	%D%/under_way.c \
	%D%/program.h \
	%D%/actors.c \
	%D%/deeds_mail.c \
	%D%/deeds_life.c \
	%D%/deeds_time.c \
	%D%/fuzz_calls.c
%C%_replay_calls_SOURCES = $(%C%_calls) %D%/replay.c
%C%_replay_calls_LDADD = libtroupe.a
%C%_fuzz_calls_SOURCES = $(%C%_calls)
%C%_fuzz_calls_LDADD = libtroupe.a
%C%_fuzz_calls_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer

%C%_replay_environment_SOURCES = %D%/input.h %D%/fuzz_environment.c %D%/replay.c
%C%_replay_environment_LDADD = libtroupe.a
%C%_fuzz_environment_SOURCES = %D%/input.h %D%/fuzz_environment.c
%C%_fuzz_environment_LDADD = libtroupe.a
%C%_fuzz_environment_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer

dist_check_SCRIPTS += %D%/replay.sh
EXTRA_DIST += %D%/fuzz.sh %D%/corpus

# SECONDS: for both targets together.
.PHONY: fuzz
fuzz:
	SECONDS_ALL='$(SECONDS)' $(SHELL) $(srcdir)/%D%/fuzz.sh
