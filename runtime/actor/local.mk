# SPDX-License-Identifier: MIT
# The order of this list is the order of the modules.
libtroupe_a_SOURCES += \
	%D%/error.c %D%/error.h \
	%D%/message.c %D%/message.h \
	%D%/context.c %D%/context.h \
	%D%/options.c %D%/options.h \
	%D%/actor.c %D%/actor.h \
	%D%/name.c %D%/name.h \
	%D%/crash.c %D%/crash.h \
	%D%/runtime.c %D%/runtime.h \
	%D%/dedicated.c %D%/dedicated.h \
	%D%/post.c %D%/post.h \
	%D%/timing.c %D%/timing.h \
	%D%/cells.c %D%/cells.h \
	%D%/report.c %D%/report.h \
	%D%/order.c %D%/order.h \
	%D%/request.c %D%/request.h \
	%D%/send.c \
	%D%/lanes.c %D%/lanes.h \
	%D%/letter.c %D%/letter.h \
	%D%/suspect.c %D%/suspect.h \
	%D%/call.c %D%/call.h \
	%D%/ask.c %D%/ask.h \
	%D%/gather.c \
	%D%/registry.c %D%/registry.h \
	%D%/timer.c %D%/timer.h \
	%D%/behavior.c %D%/behavior.h \
	%D%/stash.c %D%/stash.h \
	%D%/failure.c %D%/failure.h \
	%D%/monitor.c %D%/monitor.h \
	%D%/charge.c %D%/charge.h \
	%D%/ending.c %D%/ending.h \
	%D%/children.c %D%/children.h \
	%D%/stop.c %D%/stop.h \
	%D%/restart.c %D%/restart.h \
	%D%/supervise.c %D%/supervise.h \
	%D%/control.c %D%/control.h \
	%D%/delivery.c %D%/delivery.h \
	%D%/mishap.c %D%/mishap.h \
	%D%/turn_clock.c %D%/turn_clock.h \
	%D%/full_turn.c %D%/full_turn.h \
	%D%/turn.c %D%/turn.h \
	%D%/wait.c \
	%D%/spawn.c \
	%D%/close.c
