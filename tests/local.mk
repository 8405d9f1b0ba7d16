# SPDX-License-Identifier: MIT

# Time-outs can be set from outside.  Options for the sanitizers that are set
# from outside come last, and win.
AM_TESTS_ENVIRONMENT = \
	CK_DEFAULT_TIMEOUT=$${CK_DEFAULT_TIMEOUT:-300}; export CK_DEFAULT_TIMEOUT; \
	ASAN_OPTIONS="detect_stack_use_after_return=1:max_uar_stack_size_log=16:$$ASAN_OPTIONS"; export ASAN_OPTIONS; \
	TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:$$TSAN_OPTIONS"; export TSAN_OPTIONS; \
	UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:$$UBSAN_OPTIONS"; export UBSAN_OPTIONS; \
	CC='$(CC)'; export CC; \
	NM='$(NM)'; export NM;

# One program for each module, from the file of its name.
if HAVE_CHECK
AM_CPPFLAGS += $(CHECK_CFLAGS)
LDADD = %D%/libmodules.a libtroupe.a $(CHECK_LIBS)
check_PROGRAMS += \
	%D%/test_base \
	%D%/test_platform \
	%D%/test_parker \
	%D%/test_thread \
	%D%/test_fault \
	%D%/test_table \
	%D%/test_arena \
	%D%/test_depot \
	%D%/test_depot_trim \
	%D%/test_cache \
	%D%/test_mailbox \
	%D%/test_mailbox_threads \
	%D%/test_ring \
	%D%/test_ring_threads \
	%D%/test_overflow \
	%D%/test_idle \
	%D%/test_governor \
	%D%/test_worker \
	%D%/test_worker_fair \
	%D%/test_pool \
	%D%/test_pool_wakes \
	%D%/test_simulated \
	%D%/test_wheel \
	%D%/test_deadlines \
	%D%/test_deadlines_threads \
	%D%/test_error \
	%D%/test_message \
	%D%/test_context \
	%D%/test_options \
	%D%/test_name \
	%D%/test_crash \
	%D%/test_sleepers \
	%D%/test_lanes \
	%D%/test_runtime \
	%D%/test_bugs_ends \
	%D%/test_bugs_lives \
	%D%/test_bugs_mailbox \
	%D%/test_bugs_queue \
	%D%/test_bugs_wait \
	%D%/test_bugs_wake \
	%D%/test_system_become \
	%D%/test_system_ask \
	%D%/test_system_ask_bodies \
	%D%/test_system_ask_faults \
	%D%/test_system_ask_lives \
	%D%/test_system_ask_stress \
	%D%/test_system_ask_text \
	%D%/test_system_behavior \
	%D%/test_system_call \
	%D%/test_system_call_late \
	%D%/test_system_close \
	%D%/test_system_close_open \
	%D%/test_system_close_told \
	%D%/test_system_crash \
	%D%/test_system_crash_threads \
	%D%/test_system_dedicated \
	%D%/test_system_destroy \
	%D%/test_system_fail \
	%D%/test_system_fail_told \
	%D%/test_system_faults \
	%D%/test_system_fork \
	%D%/test_system_gather \
	%D%/test_system_handle \
	%D%/test_system_idle \
	%D%/test_system_limits \
	%D%/test_system_link \
	%D%/test_system_misuse \
	%D%/test_system_monitor \
	%D%/test_system_monitor_end \
	%D%/test_system_open \
	%D%/test_system_order \
	%D%/test_system_outcome \
	%D%/test_system_registry \
	%D%/test_system_registry_wait \
	%D%/test_system_reply \
	%D%/test_system_restart \
	%D%/test_system_restart_begin \
	%D%/test_system_restart_phases \
	%D%/test_system_same_run \
	%D%/test_system_send \
	%D%/test_system_shared \
	%D%/test_system_start \
	%D%/test_system_stash \
	%D%/test_system_stash_kinds \
	%D%/test_system_stop \
	%D%/test_system_storm \
	%D%/test_system_stress \
	%D%/test_system_supervise \
	%D%/test_system_supervise_faults \
	%D%/test_system_supervise_order \
	%D%/test_system_supervise_threads \
	%D%/test_system_supervise_time \
	%D%/test_system_timers \
	%D%/test_system_timers_end \
	%D%/test_system_timers_faults \
	%D%/test_system_timers_threads \
	%D%/test_system_wait \
	%D%/test_system_wait_beside
check_LIBRARIES += %D%/libmodules.a
%C%_libmodules_a_SOURCES = \
	%D%/scale.c %D%/scale.h \
	%D%/support.c %D%/support.h \
	%D%/cells.c %D%/cells.h \
	%D%/crew.c %D%/crew.h \
	%D%/rounds.c %D%/rounds.h \
	%D%/window.c %D%/window.h \
	%D%/system.c %D%/system.h \
	%D%/payload.c %D%/payload.h \
	%D%/timing.c %D%/timing.h \
	%D%/asking.c %D%/asking.h \
	%D%/puppet.c %D%/puppet.h \
	%D%/kin.c %D%/kin.h \
	%D%/storm.c %D%/storm_member.c %D%/storm.h \
	%D%/units.c %D%/units.h \
	%D%/crashes.c %D%/crashes.h
if TR_LINUX
check_PROGRAMS += %D%/test_cgroup
endif
else
check-local:
	@echo "make check needs the check library (check >= 0.15.2): ./bootstrap installs it" >&2; exit 1
endif

EXTRA_DIST += %D%/suite.h
dist_check_SCRIPTS += %D%/symbols.sh %D%/header.sh %D%/lint.sh
