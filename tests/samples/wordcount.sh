#!/bin/sh
# SPDX-License-Identifier: MIT
# Against the coreutils.
sample=wordcount
. "${srcdir:-.}/tests/samples/common.sh"

count_with_coreutils() {
	cat "$@" | tr -s '[:space:]' '\n' | sed '/^$/d' | sort | uniq -c | sort -rn
}

# compare_counts WHAT EXPECTED_STATUS FILE...
compare_counts() {
	what=$1 expected=$2
	shift 2
	"$samples/wordcount" "$@" >"$work/got" 2>"$work/errors" <"$work/stdin"
	check_status "$what" $? "$expected"
	count_with_coreutils "$@" >"$work/wanted" 2>/dev/null <"$work/stdin"
	cmp "$work/wanted" "$work/got" >&2 || fail "$what: not what the coreutils count"
	[ "$expected" -ne 0 ] || [ ! -s "$work/errors" ] || fail "$what: $(cat "$work/errors")"
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
	grep "$work/missing" "$work/errors" >/dev/null || fail 'the missing file is not named'
	compare_counts 'a missing file among others' 1 "$work/first-half" "$work/missing" "$work/second-half"
	compare_counts 'a directory' 1 "$work" "$work/no-newline"
}

test_wordcount_pipe() {
	# shellcheck disable=SC2002 # a pipe is what is wanted
	cat "$work/mixed" | "$samples/wordcount" - >"$work/got"
	count_with_coreutils "$work/mixed" >"$work/wanted"
	cmp "$work/wanted" "$work/got" >&2 || fail 'a pipe: not what the coreutils count'
}

test_wordcount_usage() {
	"$samples/wordcount" >/dev/null 2>"$work/errors"
	check_status 'without a file' $? 2
	[ -s "$work/errors" ] || fail 'without a file: refused without a word'
	"$samples/wordcount" --help | grep usage >/dev/null || fail '--help: no usage'
	[ -c /dev/full ] || return
	"$samples/wordcount" "$work/no-newline" >/dev/full 2>"$work/errors"
	check_status 'to a full device' $? 1
	[ -s "$work/errors" ] || fail 'to a full device: not a word'
}

test_wordcount
test_wordcount_pipe
test_wordcount_usage
exit $failed
