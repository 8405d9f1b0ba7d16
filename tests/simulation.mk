# SPDX-License-Identifier: MIT
# Tests of the simulated scheduler as a tool: policies, faults, explorer, probes.
if HAVE_CHECK
check_PROGRAMS += \
	%D%/test_runnable \
	%D%/test_choices \
	%D%/test_policy \
	%D%/test_late \
	%D%/test_options_simulation \
	%D%/test_explore \
	%D%/test_shrink \
	%D%/test_probe \
	%D%/test_header_example \
	%D%/test_system_late \
	%D%/test_system_mishaps
%C%_test_explore_SOURCES = %D%/test_explore.c %D%/exploring.c %D%/exploring.h
%C%_test_shrink_SOURCES = %D%/test_shrink.c %D%/exploring.c %D%/exploring.h
# The example in the header is a program that works.
nodist_%C%_test_header_example_SOURCES = %D%/test_header_example.c
CLEANFILES += %D%/test_header_example.c
%D%/test_header_example.c: include/troupe/test.h
	$(AM_V_GEN)$(MKDIR_P) %D% && sed -n '/^ \*   #include <check\.h>/,/^ \*\//{/^ \*\//d;s/^ \*$$//;s/^ \*   //;p;}' \
		$(srcdir)/include/troupe/test.h >$@.new && test -s $@.new && mv $@.new $@
endif
