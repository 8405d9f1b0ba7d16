#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The Promela models beside this file, searched by Spin.
#
#   spin.sh [--help] [MODEL...]     all models, or those named (mailbox, ring)
#
# A model says at its head, under "Runs", what is to come out:
#
#   holds safety [-DNAME...]        every state is looked at, none is wrong, and
#                                   each statement of each process is reached
#                                   in one of these runs
#   holds ltl:NAME [-DNAME...]      the property holds of every run in which no
#                                   process that can go on is left out for ever;
#                                   assertions are for safety to look at
#   fails safety|ltl:NAME -DNAME    the model, broken there, is found wrong
#
# For each it prints the states stored, the depth, the memory and the seconds.
# Status 1 when something else comes out.  A statement that cannot be reached
# for a reason says "unreached:" and the reason on its line.
#
# CC names the compiler.  SPIN_JOBS (2) models are searched at a time;
# SPIN_MEMORY_MIB (1500) and SPIN_SECONDS (300) bound each search; SPIN_KEEP
# names a directory where what a search printed, and the way to what it found,
# are kept.

usage() {
	sed -n '4,25s/^# \{0,1\}//p' "$0"
}

case ${1-} in
-h | --help)
	usage
	exit 0
	;;
-*)
	echo "spin.sh: no such option: $1 (try --help)" >&2
	exit 2
	;;
esac

command -v spin >/dev/null || {
	echo "spin.sh: spin is missing (Debian: apt-get install spin)" >&2
	exit 1
}
cc=${CC:-cc}
command -v "${cc%% *}" >/dev/null || {
	echo "spin.sh: there is no compiler $cc: name one by CC" >&2
	exit 1
}

models=$(cd "$(dirname "$0")" && pwd) || exit 1
work=$(mktemp -d) && noted=$(mktemp -d) || exit 1
trap 'rm -rf "$work" "$noted"' EXIT
trap 'exit 1' HUP INT TERM
memory=${SPIN_MEMORY_MIB:-1500}
seconds=${SPIN_SECONDS:-300}
failures=0
kept=0

complain() {
	echo "spin.sh: $model: $run: $1" >&2
	failures=$((failures + 1))
}

# build KIND DEFINES: the verifier, in the work directory.
build() {
	flags="-DMEMLIM=$memory -DCOLLAPSE"
	case $1 in
	safety) flags="$flags -DSAFETY -DNOCLAIM" ;;
	*) flags="$flags -DNFAIR=3" ;;
	esac
	# shellcheck disable=SC2086 # words
	spin -a $2 "$models/$model.pml" >spin.out 2>&1 && [ -f pan.c ] && $cc -O2 -w $flags -o pan pan.c >cc.out 2>&1
}

# search KIND
search() {
	case $1 in
	safety) timeout "$seconds" ./pan -m1000000 -w22 ;;
	*) timeout "$seconds" ./pan -m1000000 -w22 -a -f -A -E -N "${1#ltl:}" ;;
	esac >pan.out 2>&1
}

# What pan.out says, in one line.
report() {
	awk -v run="$model: $run" '
	/errors: / { sub(/.*depth reached /, ""); depth = $1 + 0 }
	/ states, stored/ && !states { states = $1 }
	/total actual memory usage/ { memory = $1 }
	/^pan: elapsed time/ { seconds = $4 }
	END { printf "%-56s %10d states %7d deep %7.1f MB %6.1f s\n", run, states, depth, memory, seconds }' pan.out
}

# What kind of wrong was found, or nothing.
wrongs='assertion violated.*\|invalid end state\|acceptance cycle'
what_is_wrong() {
	sed -n "s/^pan:[0-9]*: \\($wrongs\\).*/\\1/p" pan.out | head -n 1
}

is_complete() {
	! grep -q 'Search not completed\|max search depth too small\|out of memory\|reached -DMEMLIM' pan.out &&
		grep -q 'errors: 0' pan.out
}

# Of a search that looked at everything: the statements that there are, and
# those reached, as "process file:line".
# One that stands at several places of a process (of an inline) is reached when
# all of them are.
note_reached() {
	./pan -d >states.out 2>&1
	awk -v there="$noted/there" -v reached="$noted/reached" '
	FNR == 1 { file++ }
	file == 1 && /^unreached in / { process = $3 == "init" ? ":init:" : $4; next }
	file == 1 && /, state [0-9]+, / && !/"-end-"/ {
		sub(/,$/, "", $1)
		partly[process " " $1] = 1
		next
	}
	file == 2 && /^(proctype|init|claim)/ { process = $1 == "init" ? ":init:" : $2; is_claim = $1 == "claim"; next }
	file == 2 && !is_claim && /=> / && !/-end-/ {
		sub(/ => .*/, "")
		at = process " " $NF
		print at >>there
		if (!(at in partly))
			print at >>reached
	}' pan.out states.out
}

# Reached in no search of the model, but for those that say why.
never_reached() {
	sort -u "$noted/there" >"$noted/all"
	sort -u "$noted/reached" | comm -23 "$noted/all" - | while read -r process at; do
		sed -n "${at##*:}p" "$models/$(basename "${at%:*}")" | grep -q 'unreached:' ||
			echo "$process at $(basename "$at")"
	done
}

keep() {
	[ -n "${SPIN_KEEP-}" ] || return
	kept=$((kept + 1))
	mkdir -p "$SPIN_KEEP" && cp pan.out "$SPIN_KEEP/$model.$kept.out" || return
	# shellcheck disable=SC2086 # words
	[ ! -f "$model.pml.trail" ] || spin -t -p -g -l $1 "$models/$model.pml" >"$SPIN_KEEP/$model.$kept.way" 2>&1
}

# check VERDICT KIND DEFINES
check() {
	rm -f "$work"/*
	if ! build "$2" "$3"; then
		cat spin.out cc.out >&2
		complain "the verifier cannot be built"
		return
	fi
	search "$2"
	report
	keep "$3"
	wrong=$(what_is_wrong)
	if [ "$1" = fails ]; then
		[ -n "$wrong" ] || complain "nothing wrong was found"
		return
	fi
	if ! is_complete; then
		tail -n 40 pan.out >&2
		complain "${wrong:-the search did not come to its end}"
		return
	fi
	[ "$2" != safety ] || note_reached
}

# The lines of a model's head, as words.
runs_of() {
	sed -n '/^ \* Runs/,/^ \*\//s/^ \*   \(holds\|fails\) /\1 /p' "$1"
}

if [ $# -eq 0 ]; then
	for file in "$models"/*.pml; do
		[ -z "$(runs_of "$file")" ] || set -- "$@" "$(basename "$file" .pml)"
	done
fi
# Several: each by a process of its own.
if [ $# -gt 1 ]; then
	printf '%s\n' "$@" | xargs -n 1 -P "${SPIN_JOBS:-2}" "${SHELL:-/bin/sh}" "$models/spin.sh" || {
		echo "spin.sh: not all came out as they should" >&2
		exit 1
	}
	exit
fi

cd "$work" || exit 1
for model; do
	if [ ! -f "$models/$model.pml" ] || [ -z "$(runs_of "$models/$model.pml")" ]; then
		echo "spin.sh: there is no model $model" >&2
		exit 2
	fi
	rm -f "$noted"/*
	: >"$noted/there"
	: >"$noted/reached"
	runs_of "$models/$model.pml" >"$noted/runs"
	while read -r verdict kind defines; do
		run="$verdict $kind${defines:+ $defines}"
		check "$verdict" "$kind" "$defines" </dev/null
	done <"$noted/runs"
	run="all that hold"
	missed=$(never_reached)
	[ -z "$missed" ] || complain "never reached:
$missed"
done
[ "$failures" -eq 0 ] || {
	echo "spin.sh: $1: $failures of the runs came out wrong" >&2
	exit 1
}
