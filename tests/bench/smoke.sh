#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every workload of troupe-bench and of the yardstick, small, with one worker
# and with two: does it come to its end with the right result?  What it takes
# does not matter here.

bin=${1:-tests/bench}
status=0

complain() {
	echo "failed: $*" >&2
	status=1
}

# The sizes are those that a sanitizer gets through in a second.
sizes='
pingpong 2000
ring 5000 103
fanin 3000 5
fanout 2000 7
big 200 50
create 3000
idle 3000
skynet 1000
fib 15
fibwork 12
wake 1 1
pingpongsuite 1000
counting 10000
forkjoin 200 20
forkjoincreate 2000
mailbox 2000 5
threadring 3000 50
clbg 1000 503
chameneos 2000 20
philosophers 50 5
bigsuite 100 30
logistic 500 5
bank 2000 50
sieve 3000 100
nqueens 6 4
fibonacci 13
actorcreation 10
ask 3000 3
timers 5000 3
timersarmed 3000
timerslate 50 50
supervise 2000 16
restarts 500 20
'

# What is listed and not in the table would never be tried.
check_table() {
	for name in $("$bin/troupe-bench" --list | awk '{ print $1 }'); do
		echo "$sizes" | grep -q "^$name " || complain "smoke.sh does not know the workload $name"
	done
}

# The bare loop has the first nine workloads; it knows no other.
try_yardstick() {
	case $1 in
	pingpong|ring|fanin|fanout|big|create|idle|skynet|fib)
		"$bin/yardstick" "$1" "$2" "${3:-1}" "$workers" >/dev/null ||
			complain "yardstick $* with $workers workers" ;;
	esac
}

check_table
for workers in 1 2; do
	# A here-document and not a pipe: the loop sets the status.
	while read -r name n m; do
		[ -n "$name" ] || continue
		# It takes seconds, which more workers do not make shorter.
		[ "$name" = wake ] && [ "$workers" -gt 1 ] && continue
		# shellcheck disable=SC2086 # there may be no M
		"$bin/troupe-bench" "$name" "$n" $m --workers "$workers" >/dev/null ||
			complain "troupe-bench $name $n $m --workers $workers"
		try_yardstick "$name" "$n" "$m"
	done <<-end
	$sizes
	end
done
exit $status
