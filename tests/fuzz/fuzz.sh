#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fuzz: build the targets with clang's libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer, in a build of their own below the directory that
# this runs in (fuzz-build), and run each from the kept corpus.  New inputs that
# reach more code are kept in fuzz-build/found; an input that breaks a promise
# is left in fuzz-build/broken, with the command that replays it.
#
# From the environment:
#   SECONDS_ALL  how long, for all targets together (default 120)
#   ONLY         the targets to run (default "calls environment")
#   FUZZ_CC      the compiler (default clang)
#   MERGE        1: afterwards put what was found into the kept corpus, minimised
#
# Ends with 0 when all kept their promises, 1 when one did not, 2 when it could not run.

case ${1:-} in
-h | --help)
	sed -n '/^# Fuzz:/,/^$/s/^# \{0,1\}//p' "$0"
	exit 0
	;;
esac

here=$(cd "$(dirname "$0")" && pwd) || exit 2
tree=$(cd "$here/../.." && pwd) || exit 2
: "${SECONDS_ALL:=120}" "${ONLY:=calls environment}" "${FUZZ_CC:=clang}" "${MERGE:=0}"
work=$PWD/fuzz-build

complain() {
	echo "fuzz: $*" >&2
	exit 2
}

case $SECONDS_ALL in
'' | *[!0-9]*) complain "SECONDS is \"$SECONDS_ALL\"; it must be a number of seconds" ;;
esac
for target in $ONLY; do
	[ -f "$here/fuzz_$target.c" ] || complain "there is no target \"$target\"; there are calls and environment"
done
command -v "$FUZZ_CC" >/dev/null ||
	complain "needs clang, and there is no \"$FUZZ_CC\" (Debian: apt-get install clang)"

mkdir -p "$work/build" "$work/found" "$work/broken" || exit 2
echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n); int LLVMFuzzerTestOneInput(const char *d, unsigned long n)
{ return d && !n; }' >"$work/probe.c"
"$FUZZ_CC" -fsanitize=fuzzer,address,undefined -o "$work/probe" "$work/probe.c" 2>"$work/probe.log" || {
	cat "$work/probe.log" >&2
	complain "\"$FUZZ_CC\" has no libFuzzer (Debian: apt-get install libclang-rt-14-dev, or of clang's version)"
}

echo "fuzz: building in $work/build"
cd "$work/build" || exit 2
if [ ! -f config.status ] || [ "$tree/configure" -nt config.status ] || [ "$(cat compiler)" != "$FUZZ_CC" ]; then
	rm -f config.status
	"$tree/configure" -q CC="$FUZZ_CC" CFLAGS='-g -O1 -fsanitize=fuzzer-no-link' --enable-asan --enable-ubsan \
		--enable-checks=full >configure.log 2>&1 || { tail -n 20 configure.log >&2; complain "configure failed"; }
	echo "$FUZZ_CC" >compiler
fi
programs=
for target in $ONLY; do
	programs="$programs tests/fuzz/fuzz_$target"
done
# What the calling make set for itself is not for this build.
# shellcheck disable=SC2086 # one word for each program
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -j2 $programs >make.log 2>&1 ||
	{ tail -n 30 make.log >&2; complain "the build failed"; }

# Set from outside, these win.
ASAN_OPTIONS="detect_stack_use_after_return=1:$ASAN_OPTIONS"
UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:$UBSAN_OPTIONS"
export ASAN_OPTIONS UBSAN_OPTIONS

# shellcheck disable=SC2086 # one word for each target
set -- $ONLY
share=$((SECONDS_ALL / $#))
[ $share -gt 0 ] || share=1
status=0
for target in "$@"; do
	program=$work/build/tests/fuzz/fuzz_$target
	found=$work/found/$target
	mkdir -p "$found"
	echo "fuzz: $target for $share s"
	"$program" -max_total_time=$share -max_len=600 -len_control=20 -entropic=0 -timeout=20 -rss_limit_mb=2048 \
		-artifact_prefix="$work/broken/$target-" "$found" "$here/corpus/$target" >"$work/$target.log" 2>&1
	result=$?
	grep -E '^#[0-9]+.*(INITED|DONE)' "$work/$target.log"
	[ $result -ne 0 ] || continue
	status=1
	grep -E 'promise broken|runtime error|ERROR: |SUMMARY|Assertion|internal error' "$work/$target.log" >&2
	input=$(sed -n 's/.*Test unit written to //p' "$work/$target.log" | tail -n 1)
	echo "fuzz: $target broke a promise; all of it is in $work/$target.log" >&2
	echo "fuzz: replay it with: FUZZ_TRACE=1 $program $input" >&2
done

if [ "$MERGE" = 1 ] && [ $status -eq 0 ]; then
	for target in "$@"; do
		program=$work/build/tests/fuzz/fuzz_$target
		rm -rf "$work/merged"
		mkdir "$work/merged"
		"$program" -merge=1 -use_counters=0 -max_len=600 "$work/merged" "$here/corpus/$target" "$work/found/$target" >"$work/merge.log" 2>&1 ||
			{ tail -n 20 "$work/merge.log" >&2; complain "the merge failed"; }
		rm -rf "$here/corpus/$target"
		mv "$work/merged" "$here/corpus/$target"
		echo "fuzz: the corpus of $target has $(find "$here/corpus/$target" -type f | wc -l) inputs"
	done
fi
exit $status
