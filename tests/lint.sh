#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What the compiler does not see of the style:
#   - every atomic operation of the runtime states its order (_explicit);
#   - in memory and engine, a comment with an ordering tag (MB-A, MB-none)
#     stands within 12 lines above each atomic operation, or on its line;
#   - a folder of the runtime includes only itself and folders below it;
#   - tests do not sleep;
#   - no file is longer than 600 lines.
# Reads the source tree that holds it, or the one that is named.

tree=${1:-${srcdir:-.}}

cd "$tree" || exit 1
files=$(find runtime include tests samples -name '*.[ch]' | sort)
[ -n "$files" ] || { echo "no sources in $tree" >&2; exit 1; }

# The file names have no blanks in them.
check_sources() {
	awk '
	function complain(text) {
		printf "%s:%d: %s\n", FILENAME, FNR, text
		failures++
	}

	# Split the line into code and comment: in_comment lasts from line to line.
	function split_line(line,    at) {
		code = comment = ""
		gsub(/\047"\047/, "0", line)
		gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
		while (line != "") {
			at = index(line, in_comment ? "*/" : "/*")
			if (in_comment) {
				comment = comment " " (at ? substr(line, 1, at - 1) : line)
			} else {
				code = code " " (at ? substr(line, 1, at - 1) : line)
			}
			if (!at)
				return
			line = substr(line, at + 2)
			in_comment = !in_comment
		}
	}

	# runtime/<folder>/..., or "" for a file that is not in the runtime.
	function folder_of(path,    parts) {
		return split(path, parts, "/") > 2 && parts[1] == "runtime" ? parts[2] : ""
	}

	function check_include(target) {
		if (!(target in rank))
			complain("includes from an unknown folder of the runtime: " target)
		else if (target != folder && rank[target] >= rank[folder])
			complain("includes upwards: " folder " may not know " target)
	}

	function check_atomics(    rest, name) {
		rest = code
		while (match(rest, /(^|[^A-Za-z0-9_])atomic_[a-z_]+[ \t]*\(/)) {
			name = substr(rest, RSTART, RLENGTH)
			rest = substr(rest, RSTART + RLENGTH)
			sub(/^[^a]/, "", name)
			sub(/[ \t]*\($/, "", name)
			if (name == "atomic_init" || name == "atomic_is_lock_free")
				continue
			if (name !~ /_explicit$/ && name !~ /_fence$/)
				complain(name " does not state its order")
			if (wants_tags && (!last_tag || FNR - last_tag > 12))
				complain("no ordering tag within 12 lines above " name)
		}
		if (code ~ /(^|[^A-Za-z0-9_])__(atomic|sync)_[a-z]/)
			complain("atomics are those of stdatomic.h")
	}

	BEGIN {
		# Folders of one rank do not know each other.
		rank["platform"] = 1
		rank["memory"] = 2
		rank["engine"] = 3
		rank["actor"] = 4
		rank["flow"] = rank["events"] = rank["insight"] = 5
		rank["tools"] = rank["testing"] = 6
		tag = "(^|[^A-Za-z0-9_-])[A-Z][A-Z][A-Z]?[A-Z]?-([A-Z]|none)([^A-Za-z0-9_-]|$)"
	}

	FNR == 1 {
		in_comment = 0
		last_tag = 0
		folder = folder_of(FILENAME)
		wants_tags = folder == "memory" || folder == "engine"
		if (folder != "" && !(folder in rank))
			complain("a folder of the runtime that lint.sh does not know: " folder)
	}

	FNR == 601 { complain("more than 600 lines") }

	folder != "" && match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]*"/) {
		path = substr($0, RSTART, RLENGTH)
		gsub(/^[^"]*"|"$/, "", path)
		if (folder_of(path) != "")
			check_include(folder_of(path))
		else if (path != "config.h")
			complain("include it as \"runtime/folder/name.h\": " path)
	}

	{
		split_line($0)
		if (comment ~ tag)
			last_tag = FNR
		if (folder != "")
			check_atomics()
		if (FILENAME ~ /^tests\/[^\/]*$/ && code ~ /(^|[^A-Za-z0-9_])(sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep)[ \t]*\(/)
			complain("tests do not sleep")
	}

	END { exit failures > 0 }
	' "$@"
}

# Shell scripts: a command named sleep; this one only talks about it.
check_scripts() {
	awk '
	FILENAME ~ /\/lint\.sh$/ || /^[ \t]*#/ { next }
	/(^|[ \t;&|({])(u|nano)?sleep([ \t]|$)/ {
		printf "%s:%d: tests do not sleep\n", FILENAME, FNR
		failures++
	}
	END { exit failures > 0 }
	' tests/*.sh
}

status=0
# shellcheck disable=SC2086 # one word for each file is what is wanted
check_sources $files >&2 || status=1
check_scripts >&2 || status=1
exit $status
