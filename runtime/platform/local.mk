# SPDX-License-Identifier: MIT
libtroupe_a_SOURCES += \
	%D%/base.h %D%/platform.h %D%/random.h \
	%D%/common.c
if TR_LINUX
libtroupe_a_SOURCES += \
	%D%/cgroup.c %D%/cgroup.h \
	%D%/linux.c
else
libtroupe_a_SOURCES += %D%/posix.c
endif
