# SPDX-License-Identifier: MIT
noinst_PROGRAMS += %D%/troupe-bench %D%/yardstick

%C%_troupe_bench_SOURCES = \
	%D%/bench.h %D%/bench.c \
	%D%/micro_messages.c \
	%D%/micro_actors.c \
	%D%/wake.c \
	%D%/skip_queue.h \
	%D%/suite_flood.c \
	%D%/suite_meet.c \
	%D%/suite_big.c \
	%D%/suite_wait.c \
	%D%/suite_search.c \
	%D%/depend_ask.c \
	%D%/depend_timers.c \
	%D%/depend_late.c \
	%D%/depend_supervise.c
%C%_troupe_bench_LDADD = libtroupe.a -lm

%C%_yardstick_SOURCES = \
	%D%/bare_memory.h \
	%D%/bare_loop.h \
	%D%/yardstick.c

dist_check_SCRIPTS += %D%/smoke.sh

EXTRA_DIST += \
	%D%/medians.awk \
	%D%/bench.sh %D%/bench.awk \
	%D%/peers.sh %D%/peers.awk %D%/chart.awk \
	%D%/peers/caf.cpp \
	%D%/peers/messages.erl \
	%D%/peers/peer.go \
	%D%/peers/pthread.c

# What these take from the environment, they say at their heads.
.PHONY: bench bench-peers
bench: %D%/troupe-bench %D%/yardstick
	$(SHELL) $(srcdir)/%D%/bench.sh %D%

bench-peers: %D%/troupe-bench
	CC='$(CC)' $(SHELL) $(srcdir)/%D%/peers.sh %D%
