# SPDX-License-Identifier: MIT
# The order of this list is the order of the modules.
libtroupe_a_SOURCES += \
	%D%/probe.c \
	%D%/trial.c %D%/trial.h \
	%D%/shrink.c %D%/shrink.h \
	%D%/explore.c
