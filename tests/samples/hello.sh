#!/bin/sh
# SPDX-License-Identifier: MIT
sample=hello
. "${srcdir:-.}/tests/samples/common.sh"

runs_well
says '^hello, world (1 so far)$'
exit $failed
