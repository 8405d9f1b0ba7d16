#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Can the models fail?  Weakens each ordering of the cores in turn, one
# memory_order in a copy of the sources, and tells which model finds it.
#
# usage: mutants.sh BUILD-DIR SOURCE-DIR [MODEL...]
#
# A model is a line of MODELS: its name, the files to break, a slash, and the
# other sources that it is made of.  CC and CFLAGS are used as they are set.

set -u

models='
mailbox runtime/engine/mailbox.h runtime/engine/mailbox.c / runtime/memory/arena.c runtime/memory/fault.c
ring runtime/engine/ring.h runtime/engine/ring.c /
park runtime/engine/idle.c runtime/engine/overflow.h runtime/engine/overflow.c runtime/engine/worker.c runtime/engine/governor.c runtime/engine/pool.c / runtime/engine/ring.c runtime/memory/arena.c runtime/memory/fault.c runtime/memory/depot.c
depot runtime/memory/depot.c / runtime/memory/arena.c runtime/memory/fault.c runtime/memory/cache.c
deadlines runtime/engine/deadlines.c / runtime/engine/wheel.c runtime/memory/arena.c runtime/memory/fault.c
quiet runtime/actor/runtime.c runtime/actor/wait.c runtime/engine/idle.c runtime/engine/pool.c / runtime/engine/ring.c runtime/engine/overflow.c runtime/engine/governor.c runtime/engine/worker.c runtime/engine/deadlines.c runtime/engine/wheel.c runtime/memory/arena.c runtime/memory/fault.c runtime/memory/depot.c runtime/actor/timing.c runtime/actor/options.c
'
platform='runtime/platform/common.c runtime/platform/linux.c runtime/platform/cgroup.c'
library='search classes memory callbacks system report'

usage() {
	echo "usage: mutants.sh BUILD-DIR SOURCE-DIR [MODEL...]: weaken each ordering in turn, and see it found" >&2
	exit 2
}

[ $# -ge 2 ] && [ -f "$1/config.h" ] && [ -d "$2/runtime" ] || usage
build=$(cd "$1" && pwd)
source=$(cd "$2" && pwd)
shift 2
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp -R "$source/runtime" "$source/include" "$work" && mkdir "$work/tests" && cp -R "$source/tests/model" "$work/tests" ||
	exit 1
# What the copy is broken from, and put back from: the tree may change meanwhile.
mkdir "$work/whole" && cp -R "$work/runtime" "$work/whole" || exit 1
source=$work/whole
cd "$work" || exit 1

flags="-std=gnu11 -O1 -g -DSEARCH_ROUNDS=3 -fno-pie -U_FORTIFY_SOURCE -I$build -I. -Iinclude"
for name in $library; do
	# shellcheck disable=SC2086 # words are what is wanted, here and below
	$cc $flags -c "tests/model/$name.c" -o "$name.o" || exit 1
	objects="${objects-} $name.o"
done

# compile MODEL SOURCE...: into ./model; what has not changed is not compiled again
compile() {
	model=$1
	shift
	linked=
	for unit in "tests/model/model_$model.c" "$@" $platform; do
		object=$model-$(basename "$unit" .c).o
		if [ ! -f "$object" ] || [ -n "$stale" ] || [ "$unit" -nt "$object" ]; then
			$cc $flags -fsanitize=thread -include tests/model/seen.h -c "$unit" -o "$object" || return 1
		fi
		linked="$linked $object"
	done
	# What a core could call, but does not here, need not be there.
	$cc -no-pie -Wl,--unresolved-symbols=ignore-all -o model $linked $objects
}

# Line and column of each ordering in code that can be weakened.
list_sites() {
	awk '
	{
		line = $0
		sub(/\/\*.*/, "", line)
		if ($0 ~ /^[ \t]*\*/ || $0 ~ /^[ \t]*\/\*/)
			next
		at = 0
		while (match(line, /memory_order_(acquire|release|acq_rel|seq_cst)/)) {
			print FNR, at + RSTART, substr(line, RSTART, RLENGTH)
			at += RSTART + RLENGTH - 1
			line = substr(line, RSTART + RLENGTH)
		}
	}' "$1"
}

# break_site FILE LINE COLUMN ORDER NEW
break_site() {
	awk -v line="$2" -v at="$3" -v old="$4" -v new="$5" '
	FNR == line { $0 = substr($0, 1, at - 1) new substr($0, at + length(old)) }
	{ print }' "$source/$1" >"$1"
}

weaker_than() {
	case $1 in
	memory_order_seq_cst) echo memory_order_acq_rel memory_order_relaxed ;;
	memory_order_acq_rel) echo memory_order_acquire memory_order_release ;;
	*) echo memory_order_relaxed ;;
	esac
}

# What a load or a store cannot be, acq_rel stands for: the compiler is told what it can.
fit_order() {
	text=$(sed -n "$2p" "$1")
	case $3:$text in
	memory_order_acq_rel:*atomic_load*) echo memory_order_acquire ;;
	memory_order_acq_rel:*atomic_store*) echo memory_order_release ;;
	*) echo "$3" ;;
	esac
}

found=0
missed=0
unclean=

# try MODEL FILE LINE COLUMN ORDER NEW SOURCE...
try() {
	model=$1 file=$2 line=$3
	new=$(fit_order "$source/$2" "$3" "$6")
	break_site "$2" "$3" "$4" "$5" "$new"
	shift 6
	# After a header that was broken, all that has seen it is compiled again.
	stale=$unclean
	unclean=
	case $file in
	*.h) stale=yes unclean=yes ;;
	esac
	if ! compile "$model" "$@" 2>compile.log; then
		result="does not compile"
	elif timeout 120 ./model >model.log 2>&1; then
		result="NOT FOUND"
	else
		result=$(sed -n 's/ *FAILED after [0-9]* executions: //p' model.log | tail -n 1)
		result=${result:-"ran out of time"}
	fi
	[ "$result" = "NOT FOUND" ] && missed=$((missed + 1)) || found=$((found + 1))
	printf '%-8s %s:%s %s -> %s: %s\n' "$model" "$file" "$line" "$(sed -n "${line}s/^[ 	]*//p" "$source/$file" | cut -c1-60)" \
		"${new#memory_order_}" "$result"
	cp -p "$source/$file" "$file"
	touch "$file"
}

run_model() {
	model=$1
	shift
	files=
	while [ "$1" != / ]; do
		files="$files $1"
		shift
	done
	shift
	sources=$*
	for file in $files; do
		case $file in
		*.c) sources="$sources $file" ;;
		esac
	done
	stale=yes
	compile "$model" $sources && ./model >/dev/null || exit 1
	for file in $files; do
		list_sites "$source/$file" >sites
		while read -r line at order <&3; do
			for new in $(weaker_than "$order"); do
				try "$model" "$file" "$line" "$at" "$order" "$new" $sources
			done
		done 3<sites
	done
}

while read -r name rest <&4; do
	case " ${*:-$name} " in
	*" $name "*) [ -z "$name" ] || run_model "$name" $rest ;;
	esac
done 4<<END
$models
END
echo "$found found, $missed not"
