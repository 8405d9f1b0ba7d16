# SPDX-License-Identifier: MIT
#
# What the reports have in common: reads the single runs, and knows medians.
# In: program,workload,workers,run,operations,seconds,mops,peak-rss-KiB
# After the last line there are name_at[1..names], workers_at[1..worker_counts]
# and program_at[1..programs], in the order in which they came, and the rounds.

function median(list, n,    i, k, t) {
	for (i = 2; i <= n; i++) {
		t = list[i]
		for (k = i - 1; k > 0 && list[k] > t; k--)
			list[k + 1] = list[k]
		list[k + 1] = t
	}
	return n == 0 ? 0 : n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function median_rate(program, name, w,    list, n, i) {
	for (i = 1; i <= rounds; i++)
		if ((program, name, w, i) in rate)
			list[++n] = rate[program, name, w, i]
	return median(list, n)
}

function median_rss(program, name, w,    list, n, i) {
	for (i = 1; i <= rounds; i++)
		if ((program, name, w, i) in rss)
			list[++n] = rss[program, name, w, i]
	return median(list, n)
}

# The median of the quotients of runs of the same round; 0 when there are none.
function median_ratio(program, w, other, other_w, name,    list, n, i) {
	for (i = 1; i <= rounds; i++)
		if ((program, name, w, i) in rate && (other, name, other_w, i) in rate)
			list[++n] = rate[program, name, w, i] / rate[other, name, other_w, i]
	return median(list, n)
}

# A figure, or a dash where there is none.
function show(value, format) {
	return value > 0 ? sprintf(format, value) : "-"
}

{
	if (!($1 in known_program)) {
		known_program[$1] = 1
		program_at[++programs] = $1
	}
	if (!($2 in known_name)) {
		known_name[$2] = 1
		name_at[++names] = $2
	}
	if (!($3 in known_workers)) {
		known_workers[$3] = 1
		workers_at[++worker_counts] = $3
	}
	if ($4 > rounds)
		rounds = $4 + 0
	# The rate as it was printed has two digits after the point: too few where it is small.
	rate[$1, $2, $3, $4] = $6 > 0 ? $5 / $6 / 1000000 : $7
	rss[$1, $2, $3, $4] = $8
	operations[$1, $2, $3] = $5
}
