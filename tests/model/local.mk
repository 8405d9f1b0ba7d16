# SPDX-License-Identifier: MIT

# The cores under search: see model.h.  Their sources are compiled for it with
# flags of their own, whatever the rest is built with.
if HAVE_MODEL
MODELS = \
	%D%/model_litmus \
	%D%/model_mailbox \
	%D%/model_ring \
	%D%/model_park \
	%D%/model_depot \
	%D%/model_deadlines \
	%D%/model_quiet \
	%D%/model_enter \
	%D%/model_call \
	%D%/model_dedicated

check_PROGRAMS += $(MODELS)
check_LIBRARIES += %D%/libmodel.a

%C%_libmodel_a_SOURCES = \
	%D%/model.h %D%/seen.h %D%/checker.h \
	%D%/search.c \
	%D%/classes.c \
	%D%/memory.c \
	%D%/callbacks.c \
	%D%/system.c \
	%D%/report.c
%C%_libmodel_a_CFLAGS = $(STD_CFLAGS) $(WARN_CFLAGS) -U_FORTIFY_SOURCE -fno-pie

MODEL_COMPILE = $(STD_CFLAGS) $(WARN_CFLAGS) -U_FORTIFY_SOURCE -fno-pie -fsanitize=thread -include $(top_srcdir)/%D%/seen.h
MODEL_LINK = -no-pie -fno-sanitize=all
SEEN_PLATFORM = runtime/platform/common.c $(MODEL_PLATFORM)

%C%_model_litmus_SOURCES = %D%/model_litmus.c $(SEEN_PLATFORM)
%C%_model_litmus_CFLAGS = $(MODEL_COMPILE)
%C%_model_litmus_LDFLAGS = $(MODEL_LINK)
%C%_model_litmus_LDADD = %D%/libmodel.a

%C%_model_mailbox_SOURCES = %D%/model_mailbox.c runtime/engine/mailbox.c runtime/memory/arena.c runtime/memory/fault.c \
	$(SEEN_PLATFORM)
%C%_model_mailbox_CFLAGS = $(MODEL_COMPILE)
%C%_model_mailbox_LDFLAGS = $(MODEL_LINK)
%C%_model_mailbox_LDADD = %D%/libmodel.a

%C%_model_ring_SOURCES = %D%/model_ring.c runtime/engine/ring.c $(SEEN_PLATFORM)
%C%_model_ring_CFLAGS = $(MODEL_COMPILE)
%C%_model_ring_LDFLAGS = $(MODEL_LINK)
%C%_model_ring_LDADD = %D%/libmodel.a

%C%_model_park_SOURCES = %D%/model_park.c runtime/engine/ring.c runtime/engine/idle.c runtime/engine/overflow.c \
	runtime/engine/governor.c runtime/engine/worker.c runtime/engine/pool.c \
	runtime/memory/arena.c runtime/memory/fault.c runtime/memory/table.c runtime/memory/depot.c $(SEEN_PLATFORM)
%C%_model_park_CFLAGS = $(MODEL_COMPILE) -DSEARCH_ROUNDS=3
%C%_model_park_LDFLAGS = $(MODEL_LINK)
%C%_model_park_LDADD = %D%/libmodel.a

%C%_model_depot_SOURCES = %D%/model_depot.c runtime/memory/arena.c runtime/memory/fault.c runtime/memory/depot.c \
	runtime/memory/cache.c $(SEEN_PLATFORM)
%C%_model_depot_CFLAGS = $(MODEL_COMPILE)
%C%_model_depot_LDFLAGS = $(MODEL_LINK)
%C%_model_depot_LDADD = %D%/libmodel.a

%C%_model_deadlines_SOURCES = %D%/model_deadlines.c runtime/memory/arena.c runtime/memory/fault.c \
	runtime/engine/wheel.c runtime/engine/deadlines.c $(SEEN_PLATFORM)
%C%_model_deadlines_CFLAGS = $(MODEL_COMPILE)
%C%_model_deadlines_LDFLAGS = $(MODEL_LINK)
%C%_model_deadlines_LDADD = %D%/libmodel.a

# What runtime.c could call to open a runtime need not be there.
%C%_model_quiet_SOURCES = %D%/model_quiet.c runtime/memory/arena.c runtime/memory/fault.c runtime/memory/table.c \
	runtime/memory/depot.c \
	runtime/engine/ring.c runtime/engine/idle.c runtime/engine/overflow.c runtime/engine/governor.c \
	runtime/engine/worker.c runtime/engine/pool.c runtime/engine/wheel.c runtime/engine/deadlines.c \
	runtime/actor/options.c runtime/actor/runtime.c runtime/actor/timing.c runtime/actor/wait.c $(SEEN_PLATFORM)
%C%_model_quiet_CFLAGS = $(MODEL_COMPILE) -DSEARCH_ROUNDS=3
%C%_model_quiet_LDFLAGS = $(MODEL_LINK) -Wl,--unresolved-symbols=ignore-all
%C%_model_quiet_LDADD = %D%/libmodel.a

# Each includes the source that it is about.
%C%_model_enter_SOURCES = %D%/model_enter.c runtime/memory/arena.c runtime/memory/fault.c $(SEEN_PLATFORM)
%C%_model_enter_CFLAGS = $(MODEL_COMPILE)
%C%_model_enter_LDFLAGS = $(MODEL_LINK) -Wl,--unresolved-symbols=ignore-all
%C%_model_enter_LDADD = %D%/libmodel.a

%C%_model_call_SOURCES = %D%/model_call.c runtime/memory/arena.c runtime/memory/fault.c runtime/memory/table.c \
	runtime/memory/depot.c \
	runtime/memory/cache.c runtime/engine/ring.c runtime/engine/idle.c runtime/engine/overflow.c \
	runtime/engine/governor.c runtime/engine/worker.c runtime/engine/pool.c $(SEEN_PLATFORM)
%C%_model_call_CFLAGS = $(MODEL_COMPILE) -DSEARCH_ROUNDS=3
%C%_model_call_LDFLAGS = $(MODEL_LINK) -Wl,--unresolved-symbols=ignore-all
%C%_model_call_LDADD = %D%/libmodel.a

%C%_model_dedicated_SOURCES = %D%/model_dedicated.c runtime/memory/arena.c runtime/memory/fault.c $(SEEN_PLATFORM)
%C%_model_dedicated_CFLAGS = $(MODEL_COMPILE)
%C%_model_dedicated_LDFLAGS = $(MODEL_LINK) -Wl,--unresolved-symbols=ignore-all
%C%_model_dedicated_LDADD = %D%/libmodel.a

if TR_LINUX
MODEL_PLATFORM = runtime/platform/linux.c runtime/platform/cgroup.c
else
MODEL_PLATFORM = runtime/platform/posix.c
endif
endif

# Every case of every model: some minutes.
.PHONY: model
model: $(MODELS)
if HAVE_MODEL
	@for model in $(MODELS); do ./$$model --deep || exit 1; done
else
	@echo "make model needs a compiler with -fsanitize=thread, on an ELF system with Linux headers" >&2; exit 1
endif
