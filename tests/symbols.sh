#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Nothing leaves the library but names that begin with troupe_ or tr_.
# Runs in the build directory, or on the archive that is named.

archive=${1:-libtroupe.a}

NM=${NM:-"nm"}
if ! command -v "${NM%% *}" >/dev/null 2>&1; then
	echo "there is no nm here" >&2
	exit 77
fi

# "address kind name"; archive members and blank lines have fewer words.
names=$($NM -g "$archive" | awk 'NF == 3 { print $3 }') || exit 1
if [ -z "$names" ]; then
	echo "$archive defines nothing" >&2
	exit 1
fi

# Mach-O puts an underscore before each name; AddressSanitizer adds a twin to each global.
strangers=$(printf '%s\n' "$names" | grep -Ev '^_?(troupe|tr)_|^__odr_asan')
if [ -n "$strangers" ]; then
	echo "$archive defines names that are not its own:" >&2
	printf '%s\n' "$strangers" >&2
	exit 1
fi
