# SPDX-License-Identifier: MIT
# The order of this list is the order of the modules.
libtroupe_a_SOURCES += \
	%D%/error.c %D%/error.h \
	%D%/message.c %D%/message.h \
	%D%/context.c %D%/context.h \
	%D%/options.c %D%/options.h \
	%D%/actor.c %D%/actor.h \
	%D%/name.c %D%/name.h \
	%D%/runtime.c %D%/runtime.h \
	%D%/dedicated.c %D%/dedicated.h \
	%D%/post.c %D%/post.h \
	%D%/send.c \
	%D%/lanes.c %D%/lanes.h \
	%D%/letter.c %D%/letter.h \
	%D%/stop.c %D%/stop.h \
	%D%/turn_clock.c %D%/turn_clock.h \
	%D%/turn.c %D%/turn.h \
	%D%/spawn.c \
	%D%/close.c
