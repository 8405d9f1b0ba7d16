#!/bin/sh
# SPDX-License-Identifier: MIT
sample=supervised
. "${srcdir:-.}/tests/samples/common.sh"

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
		[ "$(grep -c "$event" "$work/got")" -gt 1 ] || fail "not seen twice: $event"
	done
	mv "$work/got" "$work/wanted"
	check_supervised --simulate
	cmp "$work/wanted" "$work/got" >&2 || fail 'the same seed printed something else'
	for seed in 0 2 3 18446744073709551615; do
		check_supervised --simulate --seed "$seed"
		! cmp -s "$work/wanted" "$work/got" || fail 'another seed printed the same'
	done
	check_supervised --simulate --workers 1 --seconds 60
	check_supervised --simulate --workers 100 --seconds 60
}

# README.md shows some of the lines; "..." stands for others.
test_supervised_readme() {
	check_supervised --simulate
	sed -n '/^\$ build\/samples\/supervised --simulate$/,/^```/p' "$readme" | sed '1d; $d; /^ *\.\.\.$/d' >"$work/wanted"
	[ -s "$work/wanted" ] || fail 'README.md shows nothing of it'
	! grep -Fvx -f "$work/got" "$work/wanted" >&2 || fail 'README.md shows lines that it does not print'
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

test_supervised_simulated
check_supervised --seconds 1
test_supervised_readme
test_supervised_usage
test_supervised_output
exit $failed
