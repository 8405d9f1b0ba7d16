# SPDX-License-Identifier: MIT
include_HEADERS = %D%/troupe.h
troupeincludedir = $(includedir)/troupe
troupeinclude_HEADERS = \
	%D%/troupe/types.h \
	%D%/troupe/runtime.h \
	%D%/troupe/message.h \
	%D%/troupe/actor.h \
	%D%/troupe/timer.h \
	%D%/troupe/ask.h \
	%D%/troupe/failure.h \
	%D%/troupe/registry.h \
	%D%/troupe/test.h
