# SPDX-License-Identifier: MIT
#
# Reads the exceptions, then what gcov -t says of all objects; prints a table
# of the files of runtime/, what is not covered, and what is wrong.  A line is
# covered when one object that holds it has run it.  Set by the caller: tree
# (the source tree), exceptions (the file), least (per cent), margin (lines).

function trim(text) {
	gsub(/^[ \t]+|[ \t]+$/, "", text)
	return text
}

function complain(text) {
	print "coverage: " text
	wrong++
}

# "runtime/...c", then "> a source line" for each, then "why: ..." in one or more lines.
FILENAME == exceptions && /^(#|[ \t]*$)/ { next }
FILENAME == exceptions && /^runtime\// {
	entry = $1
	quotes = 0
	next
}
FILENAME == exceptions && /^> / {
	quote = entry "\t" trim(substr($0, 3))
	quoted[++quotes] = quote
	unreasoned[quote] = 1
	next
}
FILENAME == exceptions && /^why: ./ {
	for (i = 1; i <= quotes; i++) {
		argued[quoted[i]] = 1
		delete unreasoned[quoted[i]]
	}
	next
}
FILENAME == exceptions && /^[ \t]/ { next }
FILENAME == exceptions {
	complain("not understood in the exceptions: " $0)
	next
}

# "count:number:text"
/^ *-: *0:Source:/ {
	path = $0
	sub(/^ *-: *0:Source:/, "", path)
	file = index(path, tree "/runtime/") == 1 ? substr(path, length(tree) + 2) : ""
	next
}
file == "" || !match($0, /^ *[^:]+: *[0-9]+:/) { next }
{
	split(substr($0, 1, RLENGTH), field, ":")
	count = trim(field[1])
	number = field[2] + 0
	key = file "\t" number
	if (number == 0)
		next
	text[key] = trim(substr($0, RLENGTH + 1))
	exists[file "\t" text[key]] = 1
	if (count == "-")
		next
	if (!(key in ran)) {
		lines[file]++
		last[file] = 0
	}
	if (number > longest[file])
		longest[file] = number
	ran[key] = ran[key] || count ~ /^[0-9]/
}

# Sums up a file, and lists what of it is not covered.
function look_at(name,    number, key, quote) {
	for (number = 1; number <= longest[name]; number++) {
		key = name "\t" number
		if (!(key in ran))
			continue
		if (ran[key]) {
			good[name]++
			continue
		}
		quote = name "\t" text[key]
		if (quote in argued)
			used[quote] = 1
		else
			open++
		list = list sprintf("%s %s:%d: %s\n", quote in argued ? "argued" : "open  ", name, number, text[key])
	}
}

END {
	for (name in lines)
		names = names name "\n"
	count = split(names, unsorted, "\n") - 1
	for (i = 2; i <= count; i++) # by insertion: they are few
		for (j = i; j > 1 && unsorted[j - 1] > unsorted[j]; j--) {
			swap = unsorted[j]
			unsorted[j] = unsorted[j - 1]
			unsorted[j - 1] = swap
		}
	printf "%-40s %6s %8s %7s\n", "file", "lines", "covered", "%"
	for (i = 1; i <= count; i++) {
		name = unsorted[i]
		look_at(name)
		all += lines[name]
		covered += good[name]
		printf "%-40s %6d %8d %6.1f%%\n", name, lines[name], good[name], 100 * good[name] / lines[name]
	}
	if (all == 0) {
		complain("gcov said nothing of " tree "/runtime")
		exit 1
	}
	printf "%-40s %6d %8d %6.1f%%\n\n", "runtime/", all, covered, 100 * covered / all
	printf "%s", list
	for (quote in unreasoned)
		complain("an exception without a reason: " quote)
	for (quote in argued) {
		if (!(quote in exists))
			complain("an exception for a line that is not there: " quote)
		else if (!(quote in used))
			print "note: argued, but covered this time: " quote
	}
	if (100 * covered < least * all)
		complain(sprintf("%.1f %% is less than %d %%", 100 * covered / all, least))
	if (open > margin)
		complain(sprintf("%d lines are neither covered nor argued; %d may be", open, margin))
	printf "%d of %d lines covered, %d argued, %d open\n", covered, all, all - covered - open, open
	exit wrong > 0
}
