#!/bin/sh
# SPDX-License-Identifier: MIT
sample=ring
. "${srcdir:-.}/tests/samples/common.sh"

# check_ring ACTORS HOPS: the token starts at actor 1
check_ring() {
	runs_well --actors "$1" --hops "$2"
	says "^actor $(($2 % $1 + 1)) held the token last$"
}

check_common --hops 10000
check_ring 1 0
check_ring 1 1000
check_ring 2 1001
check_ring 503 100000
check_ring 10000 12345
refuses --actors 0
refuses --actors
refuses --hops -1
refuses --hops 1x
refuses --hops ''
refuses --hops 99999999999999999999
refuses 1
check_interrupted --hops 1000000000000
exit $failed
