#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the samples as a reader would, wordcount against the coreutils.

export LC_ALL=C
samples=${top_builddir:-.}/samples
readme=${srcdir:-.}/README.md
work=samples-test.$$
failed=0

for sample in hello ring wordcount supervised; do
	[ -x "$samples/$sample" ] || { echo "no $samples/$sample: run this where it was built" >&2; exit 99; }
done
mkdir "$work" || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM

fail() {
	echo "FAILED: $1" >&2
	failed=1
}

# check WHAT STATUS EXPECTED_STATUS
check_status() {
	[ "$2" -eq "$3" ] || fail "$1: exit status $2, not $3"
}

count_with_coreutils() {
	cat "$@" | tr -s '[:space:]' '\n' | sed '/^$/d' | sort | uniq -c | sort -rn
}

# compare_counts WHAT EXPECTED_STATUS FILE...
compare_counts() {
	what=$1 expected=$2
	shift 2
	"$samples/wordcount" "$@" >"$work/got" 2>"$work/errors" <"$work/stdin"
	check_status "wordcount: $what" $? "$expected"
	count_with_coreutils "$@" >"$work/wanted" 2>/dev/null <"$work/stdin"
	cmp "$work/wanted" "$work/got" >&2 || fail "wordcount: $what: not what the coreutils count"
	[ "$expected" -ne 0 ] || [ ! -s "$work/errors" ] || fail "wordcount: $what: $(cat "$work/errors")"
}

test_hello() {
	got=$("$samples/hello")
	check_status hello $? 0
	[ "$got" = 'hello, world (1 so far)' ] || fail "hello: printed \"$got\""
}

# check_ring ACTORS HOPS: the token starts at actor 1
check_ring() {
	got=$("$samples/ring" "$1" "$2" | head -n 1)
	[ "$got" = "actor $(($2 % $1 + 1)) held the token last" ] || fail "ring $1 $2: printed \"$got\""
}

check_ring_refuses() {
	"$samples/ring" "$@" >/dev/null 2>"$work/errors"
	check_status "ring $*" $? 2
	[ -s "$work/errors" ] || fail "ring $*: refused without a word"
}

test_ring() {
	check_ring 1 0
	check_ring 1 1000
	check_ring 2 1001
	check_ring 503 100000
	check_ring 10000 12345
	check_ring_refuses 0
	check_ring_refuses 3 -1
	check_ring_refuses 3 1x
	check_ring_refuses ''
	check_ring_refuses 99999999999999999999
	check_ring_refuses 1 2 3
	"$samples/ring" --help | grep usage >/dev/null || fail 'ring --help: no usage'
}

make_inputs() {
	: >"$work/empty"
	printf 'stdin one\ntwo\n' >"$work/stdin"
	printf 'one two\ntwo' >"$work/no-newline"
	printf ' \t\n\v\f\r\n\n  ' >"$work/white"
	printf 'the mid' >"$work/first-half"
	printf 'dle of the word' >"$work/second-half"
	printf 'a\0b a\0 a \0 \0\0 a\0b \377\200 \001\t\001 \037 \016 \010\n' >"$work/nul"
	printf '7 7 07 7x 1,000 -3 +3 .5 9 9 9' >"$work/numbers"
	printf '12345678 1234567 123456789 1234567890123456 1234567890123457 12345678\0 1234567\0 12345678' >"$work/lengths"
	awk 'BEGIN { for (i = 0; i < 200000; i++) print i % 7, i % 1009, i, "word" i * 7 % 50021 }' >"$work/many"
	awk 'BEGIN { for (s = "x"; length(s) < 1000; s = s s); for (i = 0; i < 10240; i++) printf "%s", s }' >"$work/long"
	{ cat "$work/many"; printf ' '; cat "$work/long"; printf 'a '; cat "$work/long"; printf ' end '; cat "$work/long"; } >"$work/mixed"
}

test_wordcount() {
	make_inputs
	set -- /usr/share/common-licenses/*
	[ ! -f "$1" ] || compare_counts 'licences' 0 "$@"
	compare_counts 'a program' 0 "$samples/wordcount"
	for input in empty no-newline white nul numbers lengths many long mixed; do
		compare_counts "$input" 0 "$work/$input"
	done
	compare_counts 'a word in two files' 0 "$work/first-half" "$work/second-half"
	compare_counts 'the same file twice' 0 "$work/no-newline" "$work/no-newline"
	compare_counts 'a long word in two files' 0 "$work/long" "$work/empty" "$work/long"
	compare_counts 'standard input' 0 -
	compare_counts 'standard input among files' 0 "$work/first-half" - "$work/second-half"
	compare_counts 'a missing file' 1 "$work/missing" "$work/no-newline"
	grep "$work/missing" "$work/errors" >/dev/null || fail 'wordcount: the missing file is not named'
	compare_counts 'a missing file among others' 1 "$work/first-half" "$work/missing" "$work/second-half"
	compare_counts 'a directory' 1 "$work" "$work/no-newline"
}

test_wordcount_pipe() {
	# shellcheck disable=SC2002 # a pipe is what is wanted
	cat "$work/mixed" | "$samples/wordcount" - >"$work/got"
	count_with_coreutils "$work/mixed" >"$work/wanted"
	cmp "$work/wanted" "$work/got" >&2 || fail 'wordcount: a pipe: not what the coreutils count'
}

test_wordcount_usage() {
	"$samples/wordcount" >/dev/null 2>"$work/errors"
	check_status 'wordcount without a file' $? 2
	[ -s "$work/errors" ] || fail 'wordcount without a file: refused without a word'
	"$samples/wordcount" --help | grep usage >/dev/null || fail 'wordcount --help: no usage'
	[ -c /dev/full ] || return
	"$samples/wordcount" "$work/no-newline" >/dev/full 2>"$work/errors"
	check_status 'wordcount to a full device' $? 1
	[ -s "$work/errors" ] || fail 'wordcount to a full device: not a word'
}

# check_supervised OPTION...: leaves what it printed in "$work/got"
check_supervised() {
	"$samples/supervised" "$@" >"$work/got" 2>"$work/errors"
	check_status "supervised $*" $? 0
	[ ! -s "$work/errors" ] || fail "supervised $*: $(cat "$work/errors")"
	grep ', 0 lost;' "$work/got" >/dev/null || fail "supervised $*: no summary"
}

check_supervised_refuses() {
	"$samples/supervised" "$@" >/dev/null 2>"$work/errors"
	check_status "supervised $*" $? 2
	[ -s "$work/errors" ] || fail "supervised $*: refused without a word"
}

# What a reader is to see, in virtual time.
test_supervised_simulated() {
	check_supervised --simulate
	for event in 'worker . starts' 'worker . failed' 'too often' 'the shop opens' 'with new workers'; do
		[ "$(grep -c "$event" "$work/got")" -gt 1 ] || fail "supervised: not seen twice: $event"
	done
	mv "$work/got" "$work/wanted"
	check_supervised --simulate
	cmp "$work/wanted" "$work/got" >&2 || fail 'supervised: the same seed printed something else'
	for seed in 0 2 3 18446744073709551615; do
		check_supervised --simulate --seed "$seed"
		! cmp -s "$work/wanted" "$work/got" || fail 'supervised: another seed printed the same'
	done
	check_supervised --simulate --workers 1 --seconds 60
	check_supervised --simulate --workers 100 --seconds 60
}

# README.md shows some of the lines; "..." stands for others.
test_supervised_readme() {
	check_supervised --simulate
	sed -n '/^\$ build\/samples\/supervised --simulate$/,/^```/p' "$readme" | sed '1d; $d; /^ *\.\.\.$/d' >"$work/wanted"
	[ -s "$work/wanted" ] || fail 'supervised: README.md shows nothing of it'
	! grep -Fvx -f "$work/got" "$work/wanted" >&2 || fail 'supervised: README.md shows lines that it does not print'
}

test_supervised_usage() {
	check_supervised_refuses --seed
	check_supervised_refuses --seed -1
	check_supervised_refuses --seed 18446744073709551616
	check_supervised_refuses --workers 0
	check_supervised_refuses --workers 101
	check_supervised_refuses --workers 3x
	check_supervised_refuses --seconds ''
	check_supervised_refuses --seconds 0
	check_supervised_refuses --frobnicate
	check_supervised_refuses 3
	"$samples/supervised" --help | grep usage >/dev/null || fail 'supervised --help: no usage'
}

test_supervised_output() {
	"$samples/supervised" --simulate >&- 2>"$work/errors"
	check_status 'supervised without a standard output' $? 1
	[ -s "$work/errors" ] || fail 'supervised without a standard output: not a word'
	[ -c /dev/full ] || return
	"$samples/supervised" --simulate >/dev/full 2>"$work/errors"
	check_status 'supervised to a full device' $? 1
	[ -s "$work/errors" ] || fail 'supervised to a full device: not a word'
}

test_hello
test_ring
test_wordcount
test_wordcount_pipe
test_wordcount_usage
test_supervised_simulated
check_supervised --seconds 1
test_supervised_readme
test_supervised_usage
test_supervised_output
exit $failed
