#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make bench-peers -- the same work on troupe and on other systems, in turn.
# Each peer is used as its own documentation would; what is not installed is
# named and left out.  The sizes differ, so that each run takes a second or
# two: what is compared are operations a second.
#
# From the environment:
#   RUNS=5           runs of each
#   WORKERS="1 2"    numbers of workers
#   ONLY="fib big"   these workloads, and no others
#   PEERS="caf go"   these peers, and no others
#   SCALE=10         a tenth of the messages: to see that it runs at all
#   OUT=file         every single run, as comma-separated values
#   SVG=file         the picture; default peers.svg

# The builders are called by names that are put together.
# shellcheck disable=SC2317

bin=${1:-tests/bench}
here=$(dirname "$0")
runs=${RUNS:-5}
case $runs in
'' | *[!0-9]* | 0*)
	echo "RUNS is \"$runs\"; it must be a number from 1" >&2
	exit 2 ;;
esac
workers=${WORKERS:-1 2}
peers=${PEERS:-caf erlang go pthread pony}
scale=${SCALE:-1}
svg=${SVG:-peers.svg}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
raw=$work/raw
: >"$raw"
: >"$work/given-up"
status=0

# M, and for each system its N; - where it has no such workload.
sizes='
workload m   troupe   caf     erlang  go      pthread pony
pingpong 1   20000000 2000000 2500000 5000000 200000  4000000
ring     503 40000000 3000000 4000000 6000000 60000   6000000
fanin    10  5000000  400000  600000  3000000 1000000 3000000
fanout   60  1000000  60000   60000   300000  10000   600000
create   1   10000000 100000  1000000 1000000 20000   1000000
idle     1   2000000  100000  400000  600000  2000    1000000
skynet   1   10000000 1000000 100000  1000000 100000  1000000
fib      1   32       27      25      27      25      27
big      200 100000   15000   10000   25000   1000    40000
'

skip() {
	echo "skipped: $1: $2" >&2
}

has() {
	command -v "$1" >/dev/null 2>&1
}

# ---- Building: each returns 0 when there is a program ----

build_with() {
	peer=$1
	shift
	"$@" >"$work/log" 2>&1 && return 0
	skip "$peer" "it does not build here:"
	tail -n 5 "$work/log" >&2
	return 1
}

build_caf() {
	if ! has "${CXX:-c++}"; then
		skip caf "no C++ compiler"
	elif ! echo '#include <caf/all.hpp>' | "${CXX:-c++}" -E -x c++ - >/dev/null 2>&1; then
		skip caf "not installed (Debian: libcaf-dev)"
	else
		build_with caf "${CXX:-c++}" -std=c++17 -O3 -o "$work/caf" "$here/peers/caf.cpp" -lcaf_core -pthread
		return
	fi
	return 1
}

build_erlang() {
	if ! has erl || ! has erlc; then
		skip erlang "not installed (Debian: erlang-base)"
		return 1
	fi
	build_with erlang erlc -o "$work" "$here/peers/messages.erl"
}

build_go() {
	if ! has go; then
		skip go "not installed (Debian: golang-go)"
		return 1
	fi
	build_with go env GOCACHE="$work/go-cache" GO111MODULE=off go build -o "$work/go" "$here/peers/peer.go"
}

build_pthread() {
	# shellcheck disable=SC2086 # CC may have options
	build_with pthread ${CC:-cc} -std=gnu11 -O3 -o "$work/pthread" "$here/peers/pthread.c" -pthread
}

build_pony() {
	if has ponyc; then
		skip pony "ponyc is there, and nobody has written its program yet"
	else
		skip pony "not installed (ponyc)"
	fi
	return 1
}

# ---- Running ----

# A system that hangs must not hold up the others.
patiently() {
	if has timeout; then
		timeout 120 "$@"
	else
		"$@"
	fi
}

# run_one SYSTEM WORKLOAD N M WORKERS
run_one() {
	case $1 in
	troupe)
		set -- "$2" "$3" "$(test "$4" -gt 1 && echo "$4")" "$5"
		# shellcheck disable=SC2086 # M is not there, or a word
		patiently "$bin/troupe-bench" "$1" "$2" $3 --workers "$4" ;;
	erlang)
		# Without +P there can be no more than 262144 processes.
		patiently erl -noshell +P 4000000 +S "$5:$5" -pa "$work" -run messages main "$2" "$3" "$4" ;;
	*)
		patiently "$work/$1" "$2" "$3" "$4" "$5" ;;
	esac
}

# record SYSTEM WORKLOAD N M WORKERS RUN [NAME]: run it, and note its line, under another name if it is given.
record() {
	line=$(run_one "$1" "$2" "$3" "$4" "$5" 2>"$work/log")
	result=$?
	if [ "$result" -eq 0 ]; then
		echo "$line" | awk -v program="$1" -v name="${7:-$2}" -v run="$6" -v OFS=, \
			'{ print program, name, $2, run, $3, $4, $5, $6 }' >>"$raw"
	elif [ "$result" -eq 77 ]; then
		skip "$1 $2" "$(cat "$work/log")"
		give_up "$1" "$2" all
	else
		skip "$1 $2 with $5 worker(s)" "failed, or took more than 120 s"
		tail -n 3 "$work/log" >&2
		give_up "$1" "$2" "$5"
		[ "$1" != troupe ] || status=1
	fi
}

# What did not work is not tried again in the next round.
give_up() {
	echo "$1 $2 $3" >>"$work/given-up"
}

gave_up() {
	grep -qx -e "$1 $2 $3" -e "$1 $2 all" "$work/given-up"
}

size_of() {
	echo "$sizes" | awk -v name="$1" -v column="$2" -v scale="$scale" '
	$1 == "workload" { for (i = 3; i <= NF; i++) if ($i == column) field = i }
	$1 == name {
		n = $field
		print (name == "fib" || name == "skynet" || scale == 1) ? n : int(n / scale) + 1
	}'
}

m_of() {
	echo "$sizes" | awk -v name="$1" '$1 == name { print $2 }'
}

# One round: all systems in turn, with each number of workers.
play_round() {
	for w in $workers; do
		for system in troupe $ready; do
			gave_up "$system" "$1" "$w" && continue
			# How much memory there is before the actors that are counted.
			if [ "$1" = idle ] && [ "$2" -eq 1 ]; then
				record "$system" idle 1000 1 "$w" 1 idle-base
			fi
			record "$system" "$1" "$(size_of "$1" "$system")" "$(m_of "$1")" "$w" "$2"
		done
	done
}

ready=
for peer in $peers; do
	if "build_$peer"; then
		ready="$ready $peer"
	fi
done
for name in ${ONLY:-pingpong ring fanin fanout create idle skynet fib big}; do
	if [ -z "$(m_of "$name")" ]; then
		echo "no such workload: $name" >&2
		exit 1
	fi
	echo "  $name" >&2
	run=0
	while [ "$run" -lt "$runs" ]; do
		run=$((run + 1))
		play_round "$name" "$run"
	done
done
if [ -n "$OUT" ]; then
	{ echo system,workload,workers,run,operations,seconds,mops,peak_rss_kib && cat "$raw"; } >"$OUT" || status=1
fi
awk -F, -f "$here/medians.awk" -f "$here/peers.awk" "$raw"
awk -F, -f "$here/medians.awk" -f "$here/chart.awk" "$raw" >"$svg" || status=1
echo "the picture is in $svg"
exit $status
