# SPDX-License-Identifier: MIT

# Time-outs can be set from outside.  Options for the sanitizers that are set
# from outside come last, and win.
AM_TESTS_ENVIRONMENT = \
	CK_DEFAULT_TIMEOUT=$${CK_DEFAULT_TIMEOUT:-$(CASE_TIMEOUT)}; export CK_DEFAULT_TIMEOUT; \
	ASAN_OPTIONS="detect_stack_use_after_return=1:$$ASAN_OPTIONS"; export ASAN_OPTIONS; \
	TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:$$TSAN_OPTIONS"; export TSAN_OPTIONS; \
	UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:$$UBSAN_OPTIONS"; export UBSAN_OPTIONS; \
	CC='$(CC)'; export CC; \
	NM='$(NM)'; export NM;

# One program for each module, from the file of its name.
if HAVE_CHECK
AM_CPPFLAGS += $(CHECK_CFLAGS)
LDADD = libtroupe.a $(CHECK_LIBS)
check_PROGRAMS += \
	%D%/test_base \
	%D%/test_platform \
	%D%/test_parker \
	%D%/test_thread
if TR_LINUX
check_PROGRAMS += %D%/test_cgroup
endif
else
check-local:
	@echo "make check needs the check library (check >= 0.15.2): ./bootstrap installs it" >&2; exit 1
endif

EXTRA_DIST += %D%/suite.h
dist_check_SCRIPTS += %D%/symbols.sh %D%/header.sh %D%/lint.sh %D%/samples.sh
