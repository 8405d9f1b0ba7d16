#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Mutants: breaks the runtime by one statement at a time, and looks whether a
# test fails.  See --help.

usage() {
	cat <<'TEXT'
usage: mutants.sh [OPTION]...       (make mutants ARGUMENTS="OPTION...")

Breaks the runtime by one statement at a time: each ordered atomic operation
made relaxed, each statement of a hand-over protocol left out.  Each must make
a test fail, or stand in tests/mutants/survivors with a reason.

  --list            print the mutants, and end
  --only PATTERN    those whose line in the list matches (an awk pattern)
  --sample N        N of them, drawn by the seed
  --seed TEXT       of the sample; default: today's date
  --seconds N       begin no other one after so many seconds
  --argued          try those in the survivors' list too
  --help            print this text, and end

Builds a copy of the sources in ./mutants, three times: plain with full checks,
with clang's ThreadSanitizer, and without what is Linux's own.  All of them
take an hour or two; a sample, minutes.
Exit status: 0 when all that were tried were killed, 1 when one survived, 2
when it could not begin.
TEXT
}

here=$(cd "$(dirname "$0")" && pwd)
tree=${srcdir:-$(cd "$here/../.." && pwd)}
work=$PWD/mutants
only='' sample='' seconds='' listing='' argued=''
seed=$(date +%F)
tab=$(printf '\t')

give_up() {
	echo "mutants: $1" >&2
	exit 2
}

number_of() {
	case $2 in
	'' | *[!0-9]*) give_up "$1 takes a number, not \"$2\"" ;;
	*) echo "$2" ;;
	esac
}

while [ $# -gt 0 ]; do
	case $1 in
	--list) listing=yes ;;
	--argued) argued=yes ;;
	--help) usage; exit 0 ;;
	--only | --sample | --seed | --seconds)
		[ $# -gt 1 ] || give_up "$1 takes an argument"
		case $1 in
		--only) only=$2 ;;
		--seed) seed=$2 ;;
		--sample) sample=$(number_of "$1" "$2") || exit 2 ;;
		--seconds) seconds=$(number_of "$1" "$2") || exit 2 ;;
		esac
		shift
		;;
	*) give_up "unknown option $1; see --help" ;;
	esac
	shift
done

# ---- which ----

list_mutants() {
	(
		cd "$tree" || exit 2
		find runtime -name '*.[ch]' | sort |
			xargs awk -v protocols=tests/mutants/protocols -f tests/mutants/list.awk
	)
}

# Leaves out those that have a reason to survive.
drop_argued() {
	awk -F '\t' -v survivors="$here/survivors" '
	BEGIN {
		while ((getline line < survivors) > 0)
			if (line !~ /^(#|$)/ && split(line, field, "\t") >= 5)
				argued[field[1] field[2] field[3] field[4]] = 1
	}
	!(($1 $2 $3 $7) in argued)'
}

# A line's place in the sample comes from the seed and its text.
draw() {
	while IFS= read -r mutant; do
		printf '%s\t%s\n' "$(printf '%s %s' "$seed" "$mutant" | cksum | cut -d ' ' -f 1)" "$mutant"
	done | sort -n | cut -f 2- | head -n "$1"
}

choose() {
	list_mutants |
		{ if [ -n "$only" ]; then awk -v only="$only" '$0 ~ only'; else cat; fi; } |
		{ if [ -n "$argued" ]; then cat; else drop_argued; fi; } |
		{ if [ -n "$sample" ]; then draw "$sample"; else cat; fi; }
}

# What is argued must still be there.
check_survivors() {
	list_mutants | awk -F '\t' -v survivors="$here/survivors" '
	{ there[$1 "\t" $2 "\t" $3 "\t" $7] = 1 }
	END {
		while ((getline line < survivors) > 0) {
			if (line ~ /^(#|$)/)
				continue
			if (split(line, field, "\t") < 5) {
				print "mutants: no reason given in tests/mutants/survivors: " line
				bad = 1
			} else if (!((field[1] "\t" field[2] "\t" field[3] "\t" field[4]) in there)) {
				print "mutants: argued in tests/mutants/survivors, but no mutant any more: " line
				bad = 1
			}
		}
		exit bad
	}' >&2
}

# ---- the builds: each when it is needed first ----

configure_build() {
	case $1 in
	plain) set -- "$1" --enable-checks=full CC="${CC:-cc}" ;;
	tsan) set -- "$1" --enable-tsan CC="${TSAN_CC:-clang}" ;;
	posix) set -- "$1" --disable-linux --enable-checks=full CC="${CC:-cc}" ;;
	esac
	mkdir -p "$work/$1" && cd "$work/$1" && shift &&
		"$work/source/configure" -q CFLAGS='-O1 -g' "$@" >log 2>&1
}

# Builds the program; with a mutant: what does not compile is none.
build_program() {
	build=${1%%/*}
	[ -e "$work/$build/config.status" ] || (configure_build "$build") || give_up "configure failed: see $work/$build/log"
	(cd "$work/$build" && ${MAKE:-make} -s -j2 "${1#*/}" >"$work/output" 2>&1)
}

prepare() {
	rm -rf "$work"
	mkdir -p "$work" && : >"$work/times" || return
	echo "mutants: building in $work" >&2
	${MAKE:-make} -s distdir distdir="$work/source" >"$work/log" 2>&1 || { tail "$work/log" >&2; return 1; }
	chmod -R u+w "$work/source"
}

# ---- one mutant ----

# mutate KIND FILE FIRST LAST
mutate() {
	cp -p "$work/source/$2" "$work/original" &&
		awk -v kind="$1" -v first="$3" -v last="$4" '
		FNR < first || FNR > last { print; next }
		kind == "weaken" { gsub(/memory_order_(acquire|release|acq_rel|seq_cst)/, "memory_order_relaxed"); print; next }
		FNR == first { match($0, /^\t*/); print substr($0, 1, RLENGTH) "(void)0;"; next }
		{ print "" }' "$work/original" >"$work/source/$2"
}

restore() {
	cat "$work/original" >"$work/source/$1"
}

# The programs that are to notice, in turn: those of the first line that matches the file, then those of "*".
killers_of() {
	awk -v file="$1" '/^#/ || NF == 0 { next } $1 == file || $1 == "*" { for (i = 2; i <= NF; i++) print $i }' "$here/killers"
}

# run_program PROGRAM SECONDS
run_program() {
	(
		cd "$work/${1%%/*}" || exit
		export TSAN_OPTIONS='halt_on_error=1' ASAN_OPTIONS='' CK_DEFAULT_TIMEOUT=300
		timeout --kill-after=5 "$2" setarch "$(uname -m)" -R "./${1#*/}" >"$work/output" 2>&1 </dev/null
	)
}

# How long the program may take, from what it takes without a mutant: a mutant that hangs must not cost more.
seconds_for() {
	awk -v program="$1" '$1 == program { print 10 + 6 * $2 }' "$work/times"
}

# Leaves in times what the program takes, from the sources as they are.
measure_program() {
	build_program "$1"
	built=$?
	started=$(date +%s)
	if [ $built -ne 0 ] || ! run_program "$1" 300; then
		tail "$work/output" >&2
		give_up "$1 fails without a mutant"
	fi
	echo "$1 $(($(date +%s) - started))" >>"$work/times"
}

# The program's time is known, or taken without the mutant.
know_time() {
	grep "^$1 " "$work/times" >/dev/null && return
	[ -z "$mutated" ] || restore "$mutated"
	mutated=
	measure_program "$1"
}

# try_mutant KIND FILE FIRST LAST: leaves what became of it in outcome, and the sources as they were.
try_mutant() {
	outcome=survived mutated=
	for program in $(killers_of "$2"); do
		know_time "$program"
		[ -n "$mutated" ] || mutate "$@"
		mutated=$2
		build_program "$program" || { outcome="does not compile"; break; }
		run_program "$program" "$(seconds_for "$program")"
		status=$?
		case $status in
		0) ;;
		124 | 137) outcome="killed by $program, which hung"; break ;;
		*) outcome="killed by $program"; break ;;
		esac
	done
	[ -z "$mutated" ] || restore "$mutated"
}

# ---- all of them ----

if [ -n "$listing" ]; then
	choose | cut -f 1-4,7 | tr "$tab" ' '
	exit
fi
check_survivors || exit 2
command -v "${TSAN_CC:-clang}" >/dev/null || give_up 'needs clang (Debian: clang)'
prepare || give_up 'could not copy the sources'

choose >"$work/mutants"
[ -s "$work/mutants" ] || give_up 'there is no such mutant'
[ -z "$sample" ] || echo "mutants: a sample of $sample by the seed $seed"
begun=$(date +%s)
total=$(wc -l <"$work/mutants")
done=0 killed=0 survived=0
while IFS=$tab read -r kind file function edges first last text <&3; do
	[ -z "$seconds" ] || [ "$done" -eq 0 ] || [ $(($(date +%s) - begun)) -lt "$seconds" ] || break
	done=$((done + 1))
	try_mutant "$kind" "$file" "$first" "$last"
	case $outcome in
	survived) survived=$((survived + 1)) ;;
	killed*) killed=$((killed + 1)) ;;
	esac
	printf '[%d/%d] %s %s %s %s "%s": %s\n' "$done" "$total" "$kind" "$file" "$function" "$edges" "$text" "$outcome"
done 3<"$work/mutants"

printf 'mutants: %d of %d tried, %d killed, %d survived, %d did not compile; %d s\n' "$done" "$total" "$killed" \
	"$survived" $((done - killed - survived)) $(($(date +%s) - begun))
[ $((killed + survived)) -gt 0 ] || give_up 'none of them compiled'
[ "$survived" -eq 0 ]
