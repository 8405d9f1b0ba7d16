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
take hours; a sample, minutes.
Exit status: 0 when all that were tried were killed, 1 when one survived, 2
when it could not begin.
TEXT
}

here=$(cd "$(dirname "$0")" && pwd)
tree=${srcdir:-$(cd "$here/../.." && pwd)}
work=$PWD/mutants
only= sample= seconds= listing= argued=
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

# ---- the builds ----

builds='plain tsan posix'

configure_and_build() {
	build=$1
	shift
	mkdir -p "$work/$build" && cd "$work/$build" || return
	# shellcheck disable=SC2046 # one word for each program
	"$work/source/configure" -q "$@" >log 2>&1 && make -s -j2 $(programs_of "$build") >>log 2>&1
}

# The programs of the build that any line of the killers' list names.
programs_of() {
	awk -v build="$1/" '!/^#/ { for (i = 2; i <= NF; i++) if (index($i, build) == 1) print substr($i, length(build) + 1) }' \
		"$here/killers" | sort -u
}

prepare() {
	rm -rf "$work"
	mkdir -p "$work" || return
	echo "mutants: building in $work" >&2
	make -s distdir distdir="$work/source" >"$work/log" 2>&1 || { tail "$work/log" >&2; return 1; }
	chmod -R u+w "$work/source"
	# Lists the programs of the sources under test, not of those that came later.
	(configure_and_build plain --enable-checks=full CC="${CC:-cc}" CFLAGS='-O1 -g') ||
		{ tail "$work/plain/log" >&2; return 1; }
	(configure_and_build tsan --enable-tsan CC="${TSAN_CC:-clang}" CFLAGS='-O1 -g') ||
		{ tail "$work/tsan/log" >&2; return 1; }
	(configure_and_build posix --disable-linux --enable-checks=full CC="${CC:-cc}" CFLAGS='-O1 -g') ||
		{ tail "$work/posix/log" >&2; return 1; }
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
		export TSAN_OPTIONS='halt_on_error=1' ASAN_OPTIONS=
		timeout --kill-after=5 "$2" setarch "$(uname -m)" -R "./${1#*/}" >"$work/output" 2>&1 </dev/null
	)
}

# How long the program may take, from what it takes without a mutant: a mutant that hangs must not cost more.
seconds_for() {
	awk -v program="$1" '$1 == program { print 10 + 6 * $2 }' "$work/times"
}

# Builds the program; what does not compile is not a mutant.
build_program() {
	(cd "$work/${1%%/*}" && make -s "${1#*/}" >"$work/output" 2>&1)
}

# Leaves what became of it in outcome.
try_mutant() {
	outcome=survived
	for program in $(killers_of "$2"); do
		build_program "$program" || { outcome="does not compile"; return; }
		run_program "$program" "$(seconds_for "$program")" || { outcome="killed by $program"; return; }
	done
}

# ---- all of them ----

# Leaves in times what each program takes.
run_unmutated() {
	for program in $(for build in $builds; do programs_of "$build" | sed "s|^|$build/|"; done); do
		started=$(date +%s)
		build_program "$program" && run_program "$program" 300 || {
			tail "$work/output" >&2
			give_up "$program fails without a mutant"
		}
		echo "$program $(($(date +%s) - started))" >>"$work/times"
	done
}

begun=$(date +%s)
if [ -n "$listing" ]; then
	choose | cut -f 1-4,7 | tr "$tab" ' '
	exit
fi
check_survivors || exit 2
command -v "${TSAN_CC:-clang}" >/dev/null || give_up 'needs clang (Debian: clang)'
prepare || give_up 'could not build the copy'
run_unmutated

choose >"$work/mutants"
total=$(wc -l <"$work/mutants")
done=0 killed=0 survived=0
while IFS=$tab read -r kind file function edges first last text <&3; do
	[ -z "$seconds" ] || [ $(($(date +%s) - begun)) -lt "$seconds" ] || break
	done=$((done + 1))
	mutate "$kind" "$file" "$first" "$last"
	try_mutant "$kind" "$file"
	restore "$file"
	case $outcome in
	survived) survived=$((survived + 1)) ;;
	killed*) killed=$((killed + 1)) ;;
	esac
	printf '[%d/%d] %s %s %s %s "%s": %s\n' "$done" "$total" "$kind" "$file" "$function" "$edges" "$text" "$outcome"
done 3<"$work/mutants"

printf 'mutants: %d of %d tried, %d killed, %d survived, %d did not compile; %d s\n' "$done" "$total" "$killed" \
	"$survived" $((done - killed - survived)) $(($(date +%s) - begun))
[ "$survived" -eq 0 ]
