# SPDX-License-Identifier: MIT
# The order of this list is the order of the modules.
libtroupe_a_SOURCES += \
	%D%/cell.h \
	%D%/wheel.c %D%/wheel.h \
	%D%/events.c %D%/events.h
