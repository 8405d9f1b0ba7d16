# SPDX-License-Identifier: MIT
#
# The mutants of the sources that it reads, one a line, with tabs between:
#
#   kind  file  function  edges  first-line  last-line  text
#
#   weaken  a statement whose ordered atomic operations become relaxed
#   drop    a statement of a protocol that is left out
#
# The text is the statement's, with single blanks, and "#2" when the function
# has it a second time: it names the mutant when line numbers have moved.  -v protocols=FILE tells the functions that are
# protocols: "file function" a line, or "file *".

BEGIN {
	while ((getline line < protocols) > 0)
		if (line !~ /^(#|$)/ && split(line, words, " ") >= 2)
			for (i = 2; i in words; i++)
				is_protocol[words[1] " " words[i]] = 1
	close(protocols)
	types = "(const|static|struct|enum|unsigned|int|long|char|bool|void \\*|size_t|u?int(8|16|32|64)_t|sigset_t|pthread_[a-z]+_t|troupe|troupe_[a-z]+|tr_[a-z_]+|call_cell|depot|simulation)"
}

FNR == 1 {
	function_name = statement = edges = ""
	in_comment = 0
}

# Leaves the code of the line in code, and notes the edges that its comments name.
function read_line(line,    at, comment, edge) {
	code = ""
	while (line != "") {
		at = index(line, in_comment ? "*/" : "/*")
		comment = in_comment ? (at ? substr(line, 1, at - 1) : line) : ""
		if (!in_comment)
			code = code (at ? substr(line, 1, at - 1) : line)
		while (match(comment, /(^|[^A-Z-])[A-Z][A-Z]-([A-Z]|none)/)) {
			edge = substr(comment, RSTART, RLENGTH)
			sub(/^[^A-Z]/, "", edge)
			edges = edges (edges == "" ? "" : ",") edge
			comment = substr(comment, RSTART + RLENGTH)
		}
		if (!at)
			return
		line = substr(line, at + 2)
		in_comment = !in_comment
		if (in_comment)
			edges = ""
	}
}

function indentation(line) {
	match(line, /^\t*/)
	return RLENGTH
}

function emit(kind,    text) {
	text = statement
	if (++times[kind, FILENAME, function_name, statement] > 1)
		text = text " #" times[kind, FILENAME, function_name, statement]
	printf "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", kind, FILENAME, function_name, edges == "" ? "-" : edges, first, FNR, text
}

function can_be_dropped() {
	if (statement !~ /;$/ || statement ~ /^(TR_ASSERT|TR_AUDIT|TR_REQUIRE|static_assert|_Static_assert|do|else|case|default|for|while|if|})/)
		return 0
	if (statement ~ "^(" types " )+[*]*[a-z_]+( =|;|,|\\[)" || statement ~ /^\./)
		return 0
	# Only those that are conditional: without the others nothing is left.
	if (statement ~ /^(return|break|continue|goto)/)
		return depth > 1 && statement !~ /^goto fail/
	return 1
}

function end_statement() {
	if (statement ~ /memory_order_(acquire|release|acq_rel|seq_cst)/)
		emit("weaken")
	if (((FILENAME " " function_name) in is_protocol || (FILENAME " *") in is_protocol) && can_be_dropped())
		emit("drop")
	statement = ""
}

{
	read_line($0)
	if (code ~ /^}/) {
		function_name = ""
		edges = ""
	}
	if (code ~ /^[a-z_][a-z_0-9]*\(/ && code !~ /;[ \t]*$/)
		function_name = substr(code, 1, index(code, "(") - 1)
	if (function_name == "" || code !~ /^\t/)
		next
	if (statement == "") {
		first = FNR
		depth = indentation(code)
	}
	gsub(/[ \t]+/, " ", code)
	sub(/^ /, "", code)
	sub(/ $/, "", code)
	if (code == "")
		next
	statement = statement (statement == "" ? "" : " ") code
	opened = gsub(/\(/, "(", statement)
	# The head of a block or of a loop is over with its bracket; a statement with its semicolon.
	if (opened == gsub(/\)/, ")", statement) && statement ~ /[;{:})]$|^else$|^do$/)
		end_statement()
}
