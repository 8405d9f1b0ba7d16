#!/bin/sh
# SPDX-License-Identifier: MIT
#
# For the scripts that run a sample as a reader would, read by each:
#
#   sample=ring
#   . "${srcdir:-.}/tests/samples/common.sh"
#   check_common --hops 10000
#   ...
#   exit $failed

export LC_ALL=C
samples=${top_builddir:-.}/samples
readme=${srcdir:-.}/README.md
work=samples-$sample.$$
failed=0

[ -x "$samples/$sample" ] || { echo "no $samples/$sample: run this where it was built" >&2; exit 99; }
mkdir "$work" || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM

fail() {
	echo "FAILED: $sample: $1" >&2
	failed=1
}

# check_status WHAT STATUS EXPECTED_STATUS
check_status() {
	[ "$2" -eq "$3" ] || fail "$1: exit status $2, not $3"
}

# run EXPECTED_STATUS ARGUMENT...: leaves what it printed in $work/out and $work/errors
run() {
	expected=$1
	shift
	"$samples/$sample" "$@" >"$work/out" 2>"$work/errors" </dev/null
	check_status "$*" $? "$expected"
}

# runs_well ARGUMENT...: status 0, and not a word on stderr
runs_well() {
	run 0 "$@"
	[ ! -s "$work/errors" ] || fail "$*: $(cat "$work/errors")"
}

# says PATTERN: it stands in what was printed
says() {
	grep -e "$1" "$work/out" >/dev/null || fail "did not print \"$1\""
}

# refuses ARGUMENT...: status 2, nothing done, and a word
refuses() {
	run 2 "$@"
	[ -s "$work/errors" ] || fail "$*: refused without a word"
	[ ! -s "$work/out" ] || fail "$*: refused, but something was printed"
}

# same_again ARGUMENT...: simulated, the same seed prints the same; what depends on the machine goes to stderr
same_again() {
	run 0 --simulate "$@"
	mv "$work/out" "$work/first"
	run 0 --simulate "$@"
	cmp "$work/first" "$work/out" >&2 || fail "--simulate $*: the same seed printed something else"
}

# check_output ARGUMENT...: who cannot print its result does not say that all is well
check_output() {
	"$samples/$sample" "$@" >&- 2>"$work/errors"
	check_status 'without a standard output' $? 1
	[ -s "$work/errors" ] || fail 'without a standard output: not a word'
	[ -c /dev/full ] || return
	"$samples/$sample" "$@" >/dev/full 2>"$work/errors"
	check_status 'to a full device' $? 1
	[ -s "$work/errors" ] || fail 'to a full device: not a word'
}

# What everybody's options refuse.
check_usage() {
	run 0 --help
	says "^usage: $sample"
	refuses --frobnicate
	for wrong in 0 1025 -1 3x ''; do
		refuses --workers "$wrong"
	done
	refuses --workers
	for wrong in -1 18446744073709551616 1.5 x ''; do
		refuses --seed "$wrong"
	done
}

# check_common ARGUMENT...: what is asked of each sample, with arguments by which it ends soon
check_common() {
	check_usage
	for workers in 1 2 8; do
		runs_well --workers "$workers" "$@"
	done
	same_again "$@"
	same_again --seed 7 "$@"
	check_output "$@"
}

# check_interrupted ARGUMENT...: with arguments by which it runs long, Ctrl-C ends it
check_interrupted() {
	[ -d /proc/self/task ] || return
	"$samples/$sample" "$@" >"$work/out" 2>"$work/errors" </dev/null &
	# With a second thread it is ready for it.
	until [ "$(find /proc/$!/task -maxdepth 1 2>/dev/null | wc -l)" -gt 2 ]; do
		kill -0 $! || break
	done
	kill -INT $!
	wait $!
	check_status "$*, interrupted" $? 130
	grep partial "$work/errors" >/dev/null || fail "$*, interrupted: did not say that the result is partial"
}
