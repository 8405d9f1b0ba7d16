#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make bench -- troupe-bench beside the yardstick: the same work in turn
# (yardstick, troupe, yardstick, troupe ...), and what counts is the median of
# the ratios, taken pair by pair.  Then the suite, which the yardstick does
# not have.
#
# From the environment:
#   RUNS=5          runs of each
#   WORKERS="1 2"   numbers of workers
#   ONLY="fib big"  these workloads, and no others
#   SUITE=no        leave the suite out
#   BARE=path       another yardstick
#   OUT=file        every single run, as comma-separated values

bin=${1:-tests/bench}
here=$(dirname "$0")
bare=${BARE:-$bin/yardstick}
runs=${RUNS:-5}
case $runs in
'' | *[!0-9]* | 0*)
	echo "RUNS is \"$runs\"; it must be a number from 1" >&2
	exit 2 ;;
esac
workers=${WORKERS:-1 2}
micro='pingpong ring fanin fanout create idle skynet fib big'

raw=$(mktemp) || exit 1
trap 'rm -f "$raw"' EXIT
trap 'exit 1' HUP INT TERM
status=0

warn_if_busy() {
	load=$(uptime | sed 's/.*average[s]*: *//; s/[, ].*//')
	if awk "BEGIN { exit !(0 + \"$load\" > 0.5) }"; then
		echo "warning: the load average is $load; what else runs here spoils the figures" >&2
	fi
}

# N and M of a workload, as troupe-bench has them; empty for one that it does not know.
size_of() {
	"$bin/troupe-bench" --list | awk -v name="$1" '$1 == name { print $2, ($3 > 0 ? $3 : "") }'
}

# record PROGRAM RUN COMMAND...: run it, and note its line.
record() {
	program=$1
	run=$2
	shift 2
	if line=$("$@" 2>/dev/null); then
		echo "$line" | awk -v program="$program" -v run="$run" -v OFS=, \
			'{ print program, $1, $2, run, $3, $4, $5, $6 }' >>"$raw"
	else
		echo "failed: $*" >&2
		status=1
	fi
}

# compare WORKLOAD N [M]: a round is all numbers of workers, both programs in turn.
compare() {
	echo "  $*" >&2
	run=0
	while [ "$run" -lt "$runs" ]; do
		run=$((run + 1))
		for w in $workers; do
			is_micro "$1" && record yardstick "$run" "$bare" "$1" "$2" "${3:-1}" "$w"
			record troupe "$run" "$bin/troupe-bench" "$@" --workers "$w"
		done
	done
}

is_micro() {
	case " $micro " in
	*" $1 "*) return 0 ;;
	*) return 1 ;;
	esac
}

# What the user asked for; wake and timerslate measure something else, and run by themselves.
chosen() {
	if [ -n "$ONLY" ]; then
		echo "$ONLY"
		return
	fi
	echo "$micro"
	if [ "$SUITE" != no ]; then
		for name in $("$bin/troupe-bench" --list | awk '$1 !~ /^(wake|timerslate)$/ { print $1 }'); do
			is_micro "$name" || echo "$name"
		done
	fi
}

warn_if_busy
for name in $(chosen); do
	size=$(size_of "$name")
	if [ -z "$size" ]; then
		echo "no such workload: $name" >&2
		exit 1
	fi
	# shellcheck disable=SC2086 # N and M are two words
	compare "$name" $size
done
if [ -n "$OUT" ]; then
	{ echo program,workload,workers,run,operations,seconds,mops,peak_rss_kib && cat "$raw"; } >"$OUT" || status=1
fi
awk -F, -f "$here/medians.awk" -f "$here/bench.awk" "$raw"
exit $status
