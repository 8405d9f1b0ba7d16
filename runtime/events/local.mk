# SPDX-License-Identifier: MIT
# The order of this list is the order of the modules.
libtroupe_a_SOURCES += \
	%D%/timers.c
