#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each public header compiles alone, and twice, as C11 and as C++17, with
# warnings as errors and nothing but the public headers in reach.

include=${srcdir:-.}/include

scratch=$(mktemp -d ./header-XXXXXX) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# The first C++ compiler that there is.
find_cxx() {
	for name in ${CXX:-} c++ g++ clang++; do
		if command -v "$name" >/dev/null 2>&1; then
			echo "$name"
			return
		fi
	done
}

# compile_alone HEADER SUFFIX COMPILER...
compile_alone() {
	header=$1
	source=$scratch/alone.$2
	shift 2
	printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$source"
	if ! "$@" -Wall -Wextra -Werror -pedantic -fsyntax-only -I "$include" "$source"; then
		echo "<$header> does not compile alone: $*" >&2
		failures=$((failures + 1))
	fi
}

failures=0
headers=0
cxx=$(find_cxx)
[ -n "$cxx" ] || echo "there is no C++ compiler here: C only" >&2

for path in "$include"/*.h "$include"/*/*.h; do
	[ -e "$path" ] || continue
	headers=$((headers + 1))
	name=${path#"$include"/}
	# shellcheck disable=SC2086 # CC may carry options of its own
	compile_alone "$name" c ${CC:-cc} -std=c11
	[ -z "$cxx" ] || compile_alone "$name" cc "$cxx" -std=c++17
done

[ "$headers" -gt 0 ] || { echo "no headers in $include" >&2; exit 1; }
[ "$failures" -eq 0 ]
