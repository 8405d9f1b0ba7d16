#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every input of the kept corpora, once: none breaks a promise.

bin=${1:-tests/fuzz}
corpus=${srcdir:-.}/tests/fuzz/corpus
status=0

for target in calls environment; do
	echo "$target:"
	"$bin/replay_$target" "$corpus/$target" || status=1
done
exit $status
