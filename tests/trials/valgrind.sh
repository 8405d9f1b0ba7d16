#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The test programs under Valgrind, in the build directory.
#
# memcheck runs all of them but those below.  Leaks are those of malloc:
# names, tables, threads.  The arenas are reserved from the system and never
# given back; what is lost in them the runtime's own sums find at each close.
#
# helgrind knows no C11 atomics, by which nearly all of the runtime is
# ordered, so it takes correct code for races: that part is ThreadSanitizer's
# (--enable-tsan).  It is asked for the rest, where the runtime uses mutexes
# and condition variables: the order in which locks are taken, and whether
# threads, locks and conditions are used as POSIX has it.

set -u
trials=$(dirname "$0")

usage() {
	cat <<'end'
usage: valgrind.sh TEST...       (make valgrind [ONLY="test_NAME..."])

Runs test programs under Valgrind: memcheck all of them, helgrind those that
are about locks.  Prints a line for each; the status is 1 when any failed.
To be run in a build directory that is built without sanitizers.

Variables:
  ONLY        names of those TESTs to run; all when it is empty
  TOOLS       "memcheck helgrind" or one of them
  TEST_SCALE  divides the repetitions of the tests (50)
  LIMIT       seconds for each program (1200)
end
}

# What Valgrind is in the way of.
reason_to_leave_out() {
	case $1 in
	test_arena) echo 'limits address space to what Valgrind needs for itself' ;;
	esac
}

# Locks and conditions: names, the registry and its waiters, callers that wait, closing,
# dedicated actors, and the parker (which has them where it is built without futexes).
for_helgrind='test_name test_parker test_thread test_sleepers test_system_registry test_system_registry_wait
	test_system_call test_system_close test_system_dedicated test_system_wait'

# run_under TOOL PROGRAM: what it says goes to the log.
run_under() {
	tool=$1
	shift
	case $tool in
	memcheck) set -- --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite "$@" ;;
	esac
	timeout --kill-after=10 "$LIMIT" valgrind --tool="$tool" -q --error-exitcode=99 --vgdb=no --fair-sched=yes \
		--num-callers=20 --suppressions="$trials/valgrind.supp" "$@" >"$log" 2>&1
}

# judge TOOL PROGRAM SECONDS STATUS
judge() {
	cases=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$log")
	# shellcheck disable=SC2086 # three numbers, or none
	set -- "$@" ${cases:-0 0 0}
	if [ "$4" -eq 0 ] && [ "$5" -gt 0 ] && [ $(($6 + $7)) -eq 0 ] && ! grep '^==[0-9]*== ' "$log" >/dev/null; then
		printf 'PASS %-8s %-36s %4d cases (%d s)\n' "$1" "$2" "$5" "$3"
		passed=$((passed + $5))
	else
		printf 'FAIL %-8s %-36s status %d, %d of %d cases failed (%d s)\n' "$1" "$2" "$4" $(($6 + $7)) "$5" "$3"
		sed 's/^/     /' "$log" | head -n 100
		failed=$((failed + 1))
	fi
}

# try TOOL PROGRAM
try() {
	start=$(date +%s)
	run_under "$1" "$2"
	status=$?
	judge "$1" "$2" $(($(date +%s) - start)) $status
}

case ${1-} in
'' | -h | --help)
	usage
	exit 0
	;;
esac
command -v valgrind >/dev/null 2>&1 || { echo 'there is no valgrind here: apt-get install valgrind' >&2; exit 2; }
! grep '^SAN_CFLAGS = .*-fsanitize' Makefile >/dev/null 2>&1 ||
	{ echo 'this is built with a sanitizer, which does not run under Valgrind' >&2; exit 2; }
TOOLS=${TOOLS:-memcheck helgrind}
LIMIT=${LIMIT:-1200}
TEST_SCALE=${TEST_SCALE:-50}
CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-300}
export TEST_SCALE CK_DEFAULT_TIMEOUT

# The tools keep a record of each 64 KiB that are reserved: with 384 GiB of arenas
# a program takes half a minute to begin, and with this limit, to which the arenas
# shrink, a second.  Threads get little stacks, to have room beside them.
ulimit -v 4194304 && ulimit -s 1024 || exit 2

for name in ${ONLY:-}; do
	case " $* " in
	*"/$name "*) ;;
	*)
		echo "there is no test program $name" >&2
		exit 2
		;;
	esac
done
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
trap 'exit 2' HUP INT TERM
passed=0 failed=0 left=0
for program; do
	name=${program##*/}
	case " ${ONLY:-$name} " in *" $name "*) ;; *) continue ;; esac
	case " $TOOLS " in *" memcheck "*)
		reason=$(reason_to_leave_out "$name")
		if [ -z "$reason" ]; then
			try memcheck "$program"
		else
			printf 'SKIP memcheck %s: %s\n' "$program" "$reason"
			left=$((left + 1))
		fi
		;;
	esac
	# shellcheck disable=SC2086 # one word for each
	case " $TOOLS " in *" helgrind "*)
		case " $(echo $for_helgrind) " in *" $name "*) try helgrind "$program" ;; esac
		;;
	esac
done
printf '%d cases passed, %d programs failed, %d left out\n' $passed $failed $left
[ $failed -eq 0 ] && [ $passed -gt 0 ]
