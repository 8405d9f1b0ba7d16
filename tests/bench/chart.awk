# SPDX-License-Identifier: MIT
#
# The picture that peers.sh draws: a panel for each number of workers, in it a
# group of bars for each workload, a bar for each system.  The scale is
# logarithmic: linear, all but the longest bars would be specks.
# Comes after medians.awk.

function log10(x) {
	return log(x) / log(10)
}

function x_of(value) {
	return left + (log10(value) - log_least) / (log_most - log_least) * plot_width
}

function text(x, y, anchor, size, string) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\">%s</text>\n", x, y, anchor, size, string
}

function rect(x, y, width, height, fill) {
	printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, width, height, fill
}

# Whole powers of ten around all that is shown.
function find_scale(    i, k, p, value, least, most) {
	for (i = 1; i <= names; i++)
		for (k = 1; k <= worker_counts; k++)
			for (p = 1; p <= programs; p++) {
				value = median_rate(program_at[p], name_at[i], workers_at[k])
				if (value <= 0 || name_at[i] == "idle-base")
					continue
				least = least == 0 || value < least ? value : least
				most = value > most ? value : most
			}
	if (most == 0)
		least = most = 1
	log_least = int(log10(least) + 100) - 100
	log_most = int(log10(most) + 100) - 99
}

# Systems that have a figure here; the others get no bar, and no gap.
function bars_of(name, w,    p, count) {
	for (p = 1; p <= programs; p++)
		count += median_rate(program_at[p], name, w) > 0
	return count
}

function panel_height(w,    i, height) {
	height = 50
	for (i = 1; i <= names; i++)
		if (name_at[i] != "idle-base" && bars_of(name_at[i], w))
			height += bars_of(name_at[i], w) * bar + gap
	return height
}

function draw_grid(top, bottom,    decade, x) {
	for (decade = log_least; decade <= log_most; decade++) {
		x = x_of(10 ^ decade)
		printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#d8d8d8\"/>\n", x, top, x, bottom
		text(x, bottom + 14, "middle", 11, decade < 0 ? sprintf("%." (-decade) "f", 10 ^ decade) : 10 ^ decade)
	}
}

function draw_group(name, w, y,    p, value) {
	text(left - 8, y + (bars_of(name, w) * bar) / 2 + 4, "end", 13, name)
	for (p = 1; p <= programs; p++) {
		value = median_rate(program_at[p], name, w)
		if (value <= 0)
			continue
		rect(left, y, x_of(value) - left, bar - 2, colour[p])
		text(x_of(value) + 4, y + bar - 3, "start", 10, sprintf("%.3g", value))
		y += bar
	}
	return y + gap
}

function draw_panel(w, top,    i, y) {
	text(left, top + 14, "start", 14, w == 1 ? "1 worker" : w " workers")
	y = top + 26
	draw_grid(y - 4, top + panel_height(w) - 24)
	for (i = 1; i <= names; i++)
		if (name_at[i] != "idle-base" && bars_of(name_at[i], w))
			y = draw_group(name_at[i], w, y)
	return top + panel_height(w) + 16
}

function draw_legend(y,    p, x) {
	x = left
	for (p = 1; p <= programs; p++) {
		rect(x, y - 10, 12, 12, colour[p])
		text(x + 17, y, "start", 12, program_at[p])
		x += 40 + 8 * length(program_at[p])
	}
}

END {
	width = 860
	left = 90
	plot_width = width - left - 70
	bar = 13
	gap = 9
	split("#1f5fa8 #e08a1e #b03a48 #3fa39b #8a8a8a #7d5ba6", colour, " ")
	find_scale()
	height = 76
	for (k = 1; k <= worker_counts; k++)
		height += panel_height(workers_at[k]) + 16
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\"", \
	    width, height, width, height
	print " font-family=\"sans-serif\" fill=\"#222\">"
	rect(0, 0, width, height, "#ffffff")
	text(left, 24, "start", 15, "million operations a second, medians of " rounds ", logarithmic")
	draw_legend(48)
	y = 64
	for (k = 1; k <= worker_counts; k++)
		y = draw_panel(workers_at[k], y)
	print "</svg>"
}
