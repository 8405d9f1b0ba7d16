# SPDX-License-Identifier: MIT

# It finds the threads of a process in /proc, and holds them up by signals
# that carry a value: so it is for Linux.  Not one of check_PROGRAMS, since
# those are run without arguments.
if HAVE_CHECK
if ON_LINUX
EXTRA_PROGRAMS += %D%/soak
check_DATA = %D%/soak$(EXEEXT)
CLEANFILES += %D%/soak$(EXEEXT)
%C%_soak_SOURCES = \
	%D%/soak.h \
	%D%/threads.h %D%/threads.c \
	%D%/words.h %D%/words.c \
	%D%/stage.h %D%/stage.c \
	%D%/mail.h %D%/mail.c \
	%D%/guests.h %D%/guests.c \
	%D%/watch.h %D%/watch.c \
	%D%/disturb.h %D%/disturb.c \
	%D%/pass.c \
	%D%/fan.c \
	%D%/crowd.c \
	%D%/lives.c \
	%D%/storms.c \
	%D%/asks.c \
	%D%/restarts.c \
	%D%/timers.c \
	%D%/park.c \
	%D%/several.c \
	%D%/nomem.c \
	%D%/space.c \
	%D%/options.h %D%/options.c \
	%D%/soak.c
dist_check_SCRIPTS += %D%/smoke.sh

# MINUTES: how long.  SOAK_FLAGS: more options, such as --only park --seed 7.
soak: %D%/soak$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) %D%/soak$(EXEEXT) --minutes $${MINUTES:-5} $$SOAK_FLAGS
else
soak:
	@echo "make soak needs Linux" >&2; exit 1
endif

# The storm of the tests, simulated.  SEEDS: how many.
storm: tests/test_system_storm$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) TEST_SEEDS=$${SEEDS:-10000} CK_RUN_CASE=simulated CK_TIMEOUT_MULTIPLIER=1000 \
		tests/test_system_storm$(EXEEXT)
else
soak storm:
	@echo "make $@ needs the check library (check >= 0.15.2): ./bootstrap installs it" >&2; exit 1
endif
