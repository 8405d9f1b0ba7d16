# SPDX-License-Identifier: MIT
#
# What peers.sh prints.  Comes after medians.awk.

function print_head(    i) {
	printf "%-10s %7s", "workload", "workers"
	for (i = 1; i <= programs; i++)
		printf " %10s", program_at[i]
	printf "\n"
}

function print_rates(name, w,    i) {
	printf "%-10s %7s", name, w
	for (i = 1; i <= programs; i++)
		printf " %10s", show(median_rate(program_at[i], name, w), "%.3g")
	printf "\n"
}

function print_factors(name, w,    i, factor) {
	printf "%-10s %7s %10s", name, w, ""
	for (i = 2; i <= programs; i++) {
		factor = median_ratio("troupe", w, program_at[i], w, name)
		printf " %10s", show(factor, "%.1f")
		if (factor > 0) {
			log_sum[program_at[i], w] += log(factor)
			log_count[program_at[i], w]++
		}
	}
	printf "\n"
}

function print_means(w,    i, count) {
	printf "%-10s %7s %10s", "geo. mean", w, ""
	for (i = 2; i <= programs; i++) {
		count = log_count[program_at[i], w]
		printf " %10s", count ? sprintf("%.1f", exp(log_sum[program_at[i], w] / count)) : "-"
	}
	printf "\n"
}

# What an actor more takes: the peak with many, less the peak with a thousand.
function idle_bytes(program, w,    base, peak) {
	base = median_rss(program, "idle-base", w)
	peak = median_rss(program, "idle", w)
	return base && peak > base ? (peak - base) * 1024 / (operations[program, "idle", w] - 1000) : 0
}

function print_idle_bytes(w,    i) {
	printf "%-10s %7s", "bytes", w
	for (i = 1; i <= programs; i++)
		printf " %10s", show(idle_bytes(program_at[i], w), "%.0f")
	printf "\n"
}

END {
	printf "\nmedians of %d; million operations a second\n\n", rounds
	print_head()
	for (i = 1; i <= names; i++)
		for (k = 1; k <= worker_counts; k++)
			if (name_at[i] != "idle-base")
				print_rates(name_at[i], workers_at[k])
	printf "\nhow many times as fast troupe is\n\n"
	print_head()
	for (i = 1; i <= names; i++)
		for (k = 1; k <= worker_counts; k++)
			if (name_at[i] != "idle-base")
				print_factors(name_at[i], workers_at[k])
	for (k = 1; k <= worker_counts; k++)
		print_means(workers_at[k])
	if ("idle" in known_name) {
		printf "\nbytes of resident memory for one more idle actor\n\n"
		print_head()
		for (k = 1; k <= worker_counts; k++)
			print_idle_bytes(workers_at[k])
	}
}
