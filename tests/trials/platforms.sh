#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds and tests troupe on platforms other than this build's, each in a
# folder of its own.  What each needs, and what is not tried there, stands
# at its function.

set -u
tree=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
trials=$tree/tests/trials
all='O0 O2 lto clang posix musl musl-posix aarch64 32bit'

usage() {
	cat <<'end'
usage: platforms.sh [PLATFORM...]       (make platforms [ONLY="PLATFORM..."])

Builds troupe and runs its tests on each platform, out of tree in a temporary
folder, and prints a line for each.  The status is 1 when any failed; one that
cannot be tried here is skipped, with the packages that it needs (Debian's).

  O0 O2       gcc with that level
  lto         gcc with -O3 -flto
  clang       clang with -O2
  posix       gcc, nothing beyond POSIX (--disable-linux)
  musl        musl-gcc, static, with the system calls of Linux
  musl-posix  musl-gcc, static, as it comes: without the kernel's headers
  aarch64     cross-built, static, run under qemu-user
  32bit       configure has to refuse it

Variables:
  JOBS        jobs of make (1 for each CPU)
  TEST_SCALE  divides the repetitions of the tests (4; 20 under qemu)
  LIMIT       seconds for each platform (1800)
  PART        the tests that aarch64 runs (all but a few that qemu is in the way of)
  KEEP        when set, the folders of those that passed are kept, too
end
}

# ---- what is missing ----

# need COMMAND PACKAGE
need() {
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

# need_file FILE PACKAGE
need_file() {
	[ -e "$1" ] || missing="$missing $2"
}

# True when nothing is missing; else the platform is skipped.
has_all() {
	[ -z "$missing" ] || result="SKIP missing:$missing"
	[ -z "$missing" ]
}

# ---- building and testing, in the platform's folder ----

step() {
	printf '%-11s %s ...\n' "$platform" "$*" >&2
}

configure_with() {
	step configuring
	"$tree/configure" -q --disable-dependency-tracking --enable-werror "$@" >configure.log 2>&1
}

build_all() {
	step building
	make -s -j"$JOBS" all >build.log 2>&1 && make -s -j"$JOBS" check TESTS= >>build.log 2>&1
}

# run_tests MAKE-ARGUMENT...
run_tests() {
	step testing
	CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-300} TEST_SCALE=$scale \
		timeout --kill-after=10 "$LIMIT" make -s -j"$JOBS" check "$@" >check.log 2>&1
}

# The result, from what the tests left: "PASS 90 programs, 1200 cases, 5 scripts".
count_results() {
	find . -name '*.trs' -o -name '*.log' ! -name 'config*.log' ! -name test-suite.log ! -name check.log | sort | xargs awk '
	/^:test-result: / && FILENAME ~ /\.trs$/ { seen[$2]++ }
	/^:test-result: (FAIL|ERROR)/ { sub(/^\.\//, "", FILENAME); sub(/\.trs$/, "", FILENAME); bad = bad " " FILENAME }
	/^[0-9]+%: Checks: / {
		gsub(/[^0-9 ]/, "")
		programs++
		cases += $2
		failed += $3 + $4
	}
	END {
		scripts = seen["PASS"] + seen["FAIL"] + seen["ERROR"] - programs
		printf "%s %d programs, %d cases, %d scripts", bad == "" && programs ? "PASS" : "FAIL", programs, cases, scripts
		if (seen["SKIP"])
			printf ", %d skipped", seen["SKIP"]
		if (bad != "")
			printf "; %d cases failed; in:%s", failed, bad
		print ""
	}'
}

# test_with CONFIGURE-ARGUMENT...: all of it.
test_with() {
	configure_with "$@" || { result="FAIL configure: see $PWD/configure.log"; return; }
	build_all || { result="FAIL the build: see $PWD/build.log"; return; }
	run_tests || { result=$(count_results | sed 's/^PASS/FAIL/'); return; }
	result=$(count_results)
}

# ---- the platforms ----

try_O0() {
	need gcc gcc
	has_all && test_with CC=gcc CFLAGS='-O0 -g'
}

try_O2() {
	need gcc gcc
	has_all && test_with CC=gcc CFLAGS='-O2 -g'
}

# The archive keeps what the link-time optimiser needs only with gcc's own tools.
try_lto() {
	need gcc gcc
	need gcc-ar gcc
	has_all && test_with CC=gcc CFLAGS='-O3 -flto=auto -g' AR=gcc-ar RANLIB=gcc-ranlib NM=gcc-nm
}

try_clang() {
	need clang clang
	has_all && test_with CC=clang CFLAGS='-O2 -g'
}

try_posix() {
	need gcc gcc
	has_all && test_with CC=gcc --disable-linux
}

# The library check of Debian is made for glibc; check_on_musl.c stands in for
# the few names that it wants from there.
prepare_musl() {
	need musl-gcc musl-tools
	need_file /usr/include/check.h check
	libraries=$(dirname "$(gcc -print-file-name=libcheck_pic.a)")
	need_file "$libraries/libcheck_pic.a" check
	need_file "$libraries/libsubunit.a" libsubunit-dev
	has_all || return
	mkdir check
	ln -s /usr/include/check.h /usr/include/check_stdint.h check/
	musl-gcc -O2 -c -o check/check_on_musl.o "$trials/check_on_musl.c" || result="FAIL check_on_musl.c"
	[ -z "$result" ]
}

# test_musl CONFIGURE-ARGUMENT...
test_musl() {
	test_with CC=musl-gcc LDFLAGS=-static CHECK_CFLAGS="-isystem $PWD/check" \
		CHECK_LIBS="$libraries/libcheck_pic.a $libraries/libsubunit.a $PWD/check/check_on_musl.o" "$@"
}

try_musl() {
	need_file /usr/include/linux/futex.h linux-libc-dev
	prepare_musl || return
	mkdir kernel
	ln -s /usr/include/linux /usr/include/asm-generic kernel/
	ln -s "/usr/include/$(gcc -print-multiarch)/asm" kernel/asm
	test_musl --enable-linux CPPFLAGS="-isystem $PWD/kernel"
}

try_musl_posix() {
	prepare_musl && test_musl --disable-linux
}

# qemu-user is no Linux in some ways, and these would say so: it does not keep
# to RLIMIT_AS (little address space), has room for fewer threads and runtimes,
# speaks on the stderr of a process that dies of a signal, and takes some
# signals for itself.
not_under_qemu='test_arena test_base test_crash test_depot test_fault test_thread
	test_pool test_system_crash test_system_crash_threads test_system_limits test_system_misuse test_system_open'

# Programs that scripts run by themselves.
emulate_programs() {
	for program in samples/hello samples/ring samples/wordcount samples/supervised \
		tests/bench/troupe-bench tests/bench/yardstick tests/soak/soak \
		tests/fuzz/replay_calls tests/fuzz/replay_environment; do
		mv "$program" "$program.aarch64" || return
		# shellcheck disable=SC2016 # for the shell that runs it
		printf '#!/bin/sh\nexec qemu-aarch64 "%s" "$@"\n' "$PWD/$program.aarch64" >"$program"
		chmod +x "$program"
	done
}

tests_under_qemu() {
	pattern=$(printf '/%s$|' $not_under_qemu)
	make -s list-tests | tr ' ' '\n' | grep -Ev "${pattern%|}" | tr '\n' ' '
}

# The order of memory is that of this machine's processor also under qemu: on
# x86-64 this finds no order that is too weak.
try_aarch64() {
	need aarch64-linux-gnu-gcc 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross'
	need qemu-aarch64 qemu-user
	foreign=/usr/lib/aarch64-linux-gnu
	need_file $foreign/libcheck_pic.a 'check:arm64 (after dpkg --add-architecture arm64 and apt-get update)'
	has_all || return
	mkdir check
	ln -s /usr/include/check.h /usr/include/check_stdint.h check/
	configure_with --host=aarch64-linux-gnu LDFLAGS=-static CHECK_CFLAGS="-isystem $PWD/check" \
		CHECK_LIBS="$foreign/libcheck_pic.a $foreign/libsubunit.a -lm" ||
		{ result="FAIL configure: see $PWD/configure.log"; return; }
	build_all || { result="FAIL the build: see $PWD/build.log"; return; }
	emulate_programs || { result="FAIL the build: see $PWD/build.log"; return; }
	# It keeps a record of each page that is reserved: what it refuses, the arenas do without.
	export QEMU_RESERVED_VA=8G
	scale=${TEST_SCALE:-20}
	run_tests LOG_COMPILER=qemu-aarch64 TESTS="${PART:-$(tests_under_qemu)}"
	status=$?
	result="$(count_results), not under qemu: $(echo "$not_under_qemu" | wc -w) programs"
	[ $status -eq 0 ] || result="FAIL ${result#* }"
}

try_32bit() {
	need gcc gcc
	echo 'int main(void) { return 0; }' >probe.c
	gcc -m32 -o probe probe.c >/dev/null 2>&1 || missing="$missing libc6-dev-i386 lib32gcc-$(gcc -dumpversion)-dev"
	has_all || return
	if configure_with CC='gcc -m32'; then
		result="FAIL configure takes it"
	elif grep 'troupe needs a 64-bit target' configure.log >/dev/null; then
		result="PASS configure refuses it: $(sed -n 's/^configure: error: //p' configure.log)"
	else
		result="FAIL configure does not say why it refuses: see $PWD/configure.log"
	fi
}

# ---- from here on it happens ----

case ${1-} in
-h | --help)
	usage
	exit 0
	;;
esac
for platform; do
	case " $all " in
	*" $platform "*) ;;
	*)
		echo "unknown platform: $platform (there are: $all)" >&2
		exit 2
		;;
	esac
done
[ -x "$tree/configure" ] || { echo "there is no $tree/configure: run ./bootstrap first" >&2; exit 2; }
[ ! -e "$tree/config.status" ] || { echo "$tree is configured in place: make distclean there first" >&2; exit 2; }
JOBS=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
LIMIT=${LIMIT:-1800}
# What make was told for the build that called this is not for these.
unset MAKEFLAGS MFLAGS MAKELEVEL ONLY CC CFLAGS CPPFLAGS LDFLAGS LIBS AR NM RANLIB
work=$(mktemp -d "${TMPDIR:-/tmp}/troupe-platforms-XXXXXX") || exit 1
failed=0

# shellcheck disable=SC2086 # one word for each
[ $# -gt 0 ] || set -- $all
for platform; do
	missing='' result='' scale=${TEST_SCALE:-4}
	start=$(date +%s)
	mkdir "$work/$platform" && cd "$work/$platform" || exit 1
	"try_$(echo "$platform" | tr - _)"
	took=$(($(date +%s) - start))
	printf '%s %-11s %s (%d s)\n' "${result%% *}" "$platform" "${result#* }" $took
	cd "$work" || exit 1
	case $result in
	FAIL*)
		failed=1
		echo "     what it left: $work/$platform"
		;;
	*) [ -n "${KEEP-}" ] || rm -rf "${work:?}/$platform" ;;
	esac
done
rmdir "$work" 2>/dev/null
exit $failed
