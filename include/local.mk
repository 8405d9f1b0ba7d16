# SPDX-License-Identifier: MIT
include_HEADERS = %D%/troupe.h
troupeincludedir = $(includedir)/troupe
troupeinclude_HEADERS = \
	%D%/troupe/types.h \
	%D%/troupe/runtime.h \
	%D%/troupe/message.h \
	%D%/troupe/actor.h
