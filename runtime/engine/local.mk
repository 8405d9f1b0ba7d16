# SPDX-License-Identifier: MIT
# The order of this list is the order of the modules.
libtroupe_a_SOURCES += \
	%D%/mailbox.c %D%/mailbox.h \
	%D%/ring.c %D%/ring.h \
	%D%/overflow.c %D%/overflow.h \
	%D%/idle.c %D%/idle.h \
	%D%/governor.c %D%/governor.h \
	%D%/worker.c %D%/worker.h \
	%D%/pool.c %D%/pool.h \
	%D%/runnable.c %D%/runnable.h \
	%D%/choices.c %D%/choices.h \
	%D%/policy.c %D%/policy.h \
	%D%/late.c %D%/late.h \
	%D%/simulated.c %D%/simulated.h \
	%D%/cell.h \
	%D%/wheel.c %D%/wheel.h \
	%D%/deadlines.c %D%/deadlines.h
