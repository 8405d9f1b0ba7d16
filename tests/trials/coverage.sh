#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What the tests cover of runtime/: two builds with gcov in the folder
# coverage/ of the build directory, one with the system calls of Linux, whose
# whole suite runs, and one without, for the tests of the platform.

set -u
tree=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
trials=$tree/tests/trials
least=95
# Lines that some runs cover and others do not: which thread comes first is not in the tests' hands.
margin=15

usage() {
	cat <<end
usage: coverage.sh       (make coverage)

Builds with gcc --coverage in the folder coverage/, runs the tests, and prints
for each file of runtime/ the lines, how many are covered, and those that are
not.  The status is 1 when a test fails, when fewer than $least % are covered,
when more than $margin lines are neither covered nor argued in
tests/trials/coverage-exceptions, or when that has a line that is not there.
With gcovr installed there are pages, too: coverage/pages/index.html.

Variables:
  JOBS        jobs of make (1 for each CPU)
  TEST_SCALE  divides the repetitions of the tests (4)
end
}

die() {
	echo "coverage: $*" >&2
	exit 1
}

# build FOLDER CONFIGURE-ARGUMENT...
build() {
	mkdir -p "$work/$1" && cd "$work/$1" || die "no folder $work/$1"
	echo "coverage: building in $PWD" >&2
	shift
	gcc -c -o coverage_flush.o "$trials/coverage_flush.c" || die 'coverage_flush.c does not compile'
	"$tree/configure" -q --disable-dependency-tracking CC=gcc CFLAGS='-O0 -g --coverage -fprofile-update=atomic' \
		LDFLAGS='-Wl,--wrap=abort -Wl,--wrap=_exit -Wl,--wrap=raise -Wl,--wrap=sigaction' LIBS="$PWD/coverage_flush.o" "$@" >configure.log 2>&1 ||
		die "configure failed: see $PWD/configure.log"
	make -s -j"$JOBS" check TESTS= >build.log 2>&1 || die "the build failed: see $PWD/build.log"
}

# run_tests [TESTS=...]
run_tests() {
	echo "coverage: testing in $PWD" >&2
	make -s -j"$JOBS" check "$@" >check.log 2>&1 && return
	grep -E '^(FAIL|ERROR)' check.log >&2
	failed=1
}

case ${1-} in
-h | --help)
	usage
	exit 0
	;;
esac
for tool in gcc gcov; do
	command -v $tool >/dev/null 2>&1 || die "there is no $tool here: apt-get install gcc"
done
[ -x "$tree/configure" ] || die "there is no $tree/configure: run ./bootstrap first"
[ ! -e "$tree/config.status" ] || die "$tree is configured in place: make distclean there first"
JOBS=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
TEST_SCALE=${TEST_SCALE:-4}
CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-300}
export TEST_SCALE CK_DEFAULT_TIMEOUT
unset MAKEFLAGS MFLAGS MAKELEVEL
work=$PWD/coverage
failed=0
rm -rf "$work"

build linux
run_tests
build posix --disable-linux
run_tests TESTS='tests/test_base tests/test_platform tests/test_parker tests/test_thread tests/test_system_timers'

cd "$work" || exit 1
find linux/runtime posix/runtime/platform -name '*.gcda' | sort | xargs gcov -t >gcov.txt 2>gcov.log ||
	die "gcov failed: see $work/gcov.log"
awk -v tree="$tree" -v least=$least -v margin=$margin -v exceptions="$trials/coverage-exceptions" \
	-f "$trials/coverage.awk" "$trials/coverage-exceptions" gcov.txt || failed=1
if command -v gcovr >/dev/null 2>&1; then
	mkdir pages
	gcovr -q -r "$tree" -f "$tree/runtime/" --html-details pages/index.html linux 2>/dev/null &&
		echo "pages: $work/pages/index.html"
fi
[ $failed -eq 0 ] || die 'failed'
