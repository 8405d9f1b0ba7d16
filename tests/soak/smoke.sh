#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The soak, short: each recipe once or twice, always with new seeds; and what
# it says of itself.

soak=${1:-tests/soak/soak}
status=0
work=soak-smoke.$$

[ -x "$soak" ] || { echo "no $soak: run this where it was built" >&2; exit 99; }
mkdir "$work" || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM

complain() {
	echo "failed: $*" >&2
	status=1
}

refuses() {
	"$soak" "$@" >/dev/null 2>"$work/errors"
	[ $? -eq 2 ] || complain "soak $*: not refused"
	grep usage "$work/errors" >/dev/null || complain "soak $*: refused without a usage"
}

check_options() {
	refuses --frobnicate
	refuses --minutes
	refuses --minutes 0
	refuses --rounds 3x
	refuses --seed -1
	refuses --seed 18446744073709551616
	refuses --only nothing
	refuses --only ring,
	"$soak" --help | grep usage >/dev/null || complain 'soak --help: no usage'
	"$soak" --list | grep '^park ' >/dev/null || complain 'soak --list: no recipes'
}

# The same seed is the same round: as many messages, where nothing depends on time.
check_seed() {
	for run in 1 2; do
		"$soak" --only ring --rounds 1 --seed 7 >"$work/seed$run" || complain 'soak --only ring --seed 7'
	done
	cmp "$work/seed1" "$work/seed2" >&2 || complain 'soak: the same seed, and not the same round'
}

check_options
check_seed
"$soak" --rounds 1 || complain "a round of all recipes"
exit $status
