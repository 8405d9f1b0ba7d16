# SPDX-License-Identifier: MIT
# The order of this list is the order of the modules.
libtroupe_a_SOURCES += \
	%D%/poison.h \
	%D%/fault.c %D%/fault.h \
	%D%/table.c %D%/table.h \
	%D%/arena.c %D%/arena.h \
	%D%/depot.c %D%/depot.h \
	%D%/cache.c %D%/cache.h \
	%D%/census.c %D%/census.h
