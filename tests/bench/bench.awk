# SPDX-License-Identifier: MIT
#
# What bench.sh prints.  Comes after medians.awk.

function print_line(name, w,    ratio, gain) {
	ratio = median_ratio("troupe", w, "yardstick", w, name)
	gain = w == first_workers ? 0 : median_ratio("troupe", w, "troupe", first_workers, name)
	printf "%-15s %7s %10s %9s %7s %7s %9s %9s\n", name, w, \
	    show(median_rate("yardstick", name, w), "%.2f"), show(median_rate("troupe", name, w), "%.2f"), \
	    show(ratio, "%.2f"), show(gain, "%.2f"), \
	    show(median_rss("yardstick", name, w), "%d"), show(median_rss("troupe", name, w), "%d")
	if (ratio > 0) {
		log_sum[w] += log(ratio)
		log_count[w]++
	}
}

END {
	first_workers = workers_at[1]
	printf "medians of %d; million operations a second; peak memory (rss) in KiB\n", rounds
	print "ratio: troupe by yardstick; gain: troupe by troupe with " first_workers " worker(s)\n"
	printf "%-15s %7s %10s %9s %7s %7s %9s %9s\n", "", "", "yardstick", "troupe", "", "", "yardstick", "troupe"
	printf "%-15s %7s %10s %9s %7s %7s %9s %9s\n", "workload", "workers", "Mops/s", "Mops/s", "ratio", "gain", \
	    "rss", "rss"
	for (i = 1; i <= names; i++)
		for (k = 1; k <= worker_counts; k++)
			print_line(name_at[i], workers_at[k])
	for (k = 1; k <= worker_counts; k++)
		if (log_count[workers_at[k]])
			printf "%sgeometric mean of the ratios, %d worker(s): %.2f\n", k == 1 ? "\n" : "", \
			    workers_at[k], exp(log_sum[workers_at[k]] / log_count[workers_at[k]])
}
