/* SPDX-License-Identifier: MIT */
#include "plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All in pixels of the picture as it was made; it can be shown at any size. */
#define WIDTH         760
#define PANEL_HEIGHT  420
#define LEFT          84
#define RIGHT         28
#define BOTTOM        64 /* tick labels, and the axis's label */
#define TITLE_LINE    34
#define NOTE_LINE     20
#define LEGEND_LINE   22
#define LETTER        7.8 /* of the legend: about as wide as it gets on average */
#define LEGEND_SYMBOL 30

#define COLOURS PLOT_MOST_SERIES

/* A panel while it is drawn. */
struct drawing {
	FILE *to;
	const struct plot_panel *panel;
	struct axis x, y;
	int number; /* of the panel, for names that are unique in the picture */
};

/* A series of colour n is of class sn where it is drawn as a line, and fn where it is filled. */
static const char style[] =
    "<style>\n"
    "text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#222}\n"
    ".title{font-size:17px;font-weight:600}.note,.tick{fill:#666}.tick{font-size:12px}\n"
    ".paper{fill:#fff}.grid{stroke:#e4e4e4}.frame{stroke:#666;fill:none}\n"
    ".line{fill:none;stroke-width:2.2;stroke-linejoin:round}.bar{fill-opacity:.65}\n"
    ".s0{stroke:#0072b2}.s1{stroke:#d55e00}.s2{stroke:#009e73}.s3{stroke:#b35a92}.s4{stroke:#c98500}"
    ".s5{stroke:#3a9bd0}.s6{stroke:#555}\n"
    ".f0{fill:#0072b2}.f1{fill:#d55e00}.f2{fill:#009e73}.f3{fill:#b35a92}.f4{fill:#c98500}"
    ".f5{fill:#3a9bd0}.f6{fill:#555}\n"
    "@media(prefers-color-scheme:dark){text{fill:#e6e6e6}.note,.tick{fill:#a2a8ae}.paper{fill:#15181c}"
    ".grid{stroke:#30353b}.frame{stroke:#a2a8ae}"
    ".s0{stroke:#56b4e9}.s1{stroke:#ff8c42}.s2{stroke:#2fc79a}.s3{stroke:#e39ac6}.s4{stroke:#f0c419}"
    ".s5{stroke:#9fd4f5}.s6{stroke:#c0c0c0}"
    ".f0{fill:#56b4e9}.f1{fill:#ff8c42}.f2{fill:#2fc79a}.f3{fill:#e39ac6}.f4{fill:#f0c419}"
    ".f5{fill:#9fd4f5}.f6{fill:#c0c0c0}}\n"
    "</style>\n";

/* ---- text ---- */

static void
write_text(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&': fputs("&amp;", to); break;
		case '<': fputs("&lt;", to); break;
		case '>': fputs("&gt;", to); break;
		default: fputc(*text, to);
		}
	}
}

static void
put_text(FILE *to, double x, double y, const char *class, const char *anchor, const char *text)
{
	fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, class, anchor);
	write_text(to, text);
	fputs("</text>\n", to);
}

/* ---- axes ---- */

static bool
can_stand(const struct plot_axis *axis, double value)
{
	return isfinite(value) && (axis->scale == AXIS_LINEAR || value > 0);
}

/* From low to high: what the values of that direction take. */
static void
find_range(const struct plot_panel *panel, bool is_x, double *low, double *high)
{
	const struct plot_axis *axis = is_x ? &panel->x : &panel->y;

	*low = INFINITY;
	*high = -INFINITY;
	for (size_t s = 0; s < panel->count; s++) {
		const struct plot_series *series = &panel->series[s];
		const double *values = is_x ? series->x : series->y;

		for (size_t i = 0; i < series->count; i++) {
			if (!can_stand(axis, values[i]))
				continue;
			*low = fmin(*low, values[i]);
			*high = fmax(*high, values[i]);
		}
		if (series->mark == PLOT_BARS && !is_x && axis->scale == AXIS_LINEAR)
			*low = fmin(*low, 0);
	}
	if (*low > *high) /* nothing at all */
		*low = *high = 1;
}

static struct axis
make_axis(const struct plot_panel *panel, bool is_x, double from, double to)
{
	const struct plot_axis *wanted = is_x ? &panel->x : &panel->y;
	const bool given = wanted->low != 0 || wanted->high != 0;
	double low = wanted->low, high = wanted->high;

	if (!given)
		find_range(panel, is_x, &low, &high);
	if (!given && wanted->scale == AXIS_LINEAR && low > 0 && low < high / 2)
		low = 0;

	/* Along x the data end where they end; y ends at a tick, so that there is room above. */
	struct axis a = axis_make(wanted->scale, low, high, !given && !is_x, is_x ? 8 : 6);

	a.from = from;
	a.to = to;
	return a;
}

static void
draw_ticks(const struct drawing *d)
{
	char label[AXIS_LABEL_SIZE];

	for (int i = 0; i < d->x.tick_count; i++) {
		const double x = axis_place(&d->x, d->x.ticks[i]);

		fprintf(d->to, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x, d->y.from, d->y.to);
		axis_label(&d->x, d->x.ticks[i], label);
		put_text(d->to, x, d->y.from + 19, "tick", "middle", label);
	}
	for (int i = 0; i < d->y.tick_count; i++) {
		const double y = axis_place(&d->y, d->y.ticks[i]);

		fprintf(d->to, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", d->x.from, y, d->x.to);
		axis_label(&d->y, d->y.ticks[i], label);
		put_text(d->to, d->x.from - 8, y + 4, "tick", "end", label);
	}
}

static void
draw_frame(const struct drawing *d)
{
	const double middle = (d->y.from + d->y.to) / 2;

	fprintf(d->to, "<path class=\"frame\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", d->x.from, d->y.to, d->y.from,
	    d->x.to);
	put_text(d->to, (d->x.from + d->x.to) / 2, d->y.from + 44, "label", "middle", d->panel->x.label);
	fprintf(d->to, "<g transform=\"rotate(-90 20 %.1f)\">", middle);
	put_text(d->to, 20, middle, "label", "middle", d->panel->y.label);
	fputs("</g>\n", d->to);
}

/* ---- series ---- */

static int
colour_of(const struct plot_panel *panel, size_t s)
{
	return (panel->series[s].colour != 0 ? panel->series[s].colour - 1 : (int)s) % COLOURS;
}

/* A mark around (x, y); its form is that of the colour. */
static void
draw_mark(FILE *to, int colour, double x, double y)
{
	static const char *const forms[] = {
		"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" class=\"f%d\"/>\n",
		"<path transform=\"translate(%.1f %.1f)\" d=\"M-4 -4H4V4H-4Z\" class=\"f%d\"/>\n",
		"<path transform=\"translate(%.1f %.1f)\" d=\"M0 -5L5 4H-5Z\" class=\"f%d\"/>\n",
		"<path transform=\"translate(%.1f %.1f)\" d=\"M0 -5.5L5.5 0L0 5.5L-5.5 0Z\" class=\"f%d\"/>\n",
	};
	const char *form = forms[colour % 4];

#if defined __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#endif
	fprintf(to, form, x, y, colour);
#if defined __GNUC__
#pragma GCC diagnostic pop
#endif
}

static bool
is_drawn(const struct drawing *d, const struct plot_series *series, size_t i)
{
	return can_stand(&d->panel->x, series->x[i]) && can_stand(&d->panel->y, series->y[i]);
}

static void
draw_points(const struct drawing *d, const struct plot_series *series, int colour)
{
	for (size_t i = 0; i < series->count; i++)
		if (is_drawn(d, series, i))
			draw_mark(d->to, colour, axis_place(&d->x, series->x[i]), axis_place(&d->y, series->y[i]));
}

/* A dash pattern of its own for each colour, as far as dashes can be told apart. */
static const char *
dashes_of(enum plot_mark mark, int colour)
{
	static const char *const dashes[] = { "7 5", "2 4", "11 4 2 4", "4 3" };

	return mark == PLOT_DASHES ? dashes[colour % 4] : "none";
}

/* What cannot stand there is a gap. */
static void
draw_line(const struct drawing *d, const struct plot_series *series, int colour)
{
	char command = 'M';

	fprintf(d->to, "<path class=\"line s%d\" stroke-dasharray=\"%s\" d=\"", colour,
	    dashes_of(series->mark, colour));
	for (size_t i = 0; i < series->count; i++) {
		if (!is_drawn(d, series, i)) {
			command = 'M';
			continue;
		}
		fprintf(d->to, "%c%.1f %.1f", command, axis_place(&d->x, series->x[i]),
		    axis_place(&d->y, series->y[i]));
		command = 'L';
	}
	fputs("\"/>\n", d->to);
}

static void
draw_bars(const struct drawing *d, const struct plot_series *series, int colour)
{
	for (size_t i = 0; i + 1 < series->count; i++) {
		if (!is_drawn(d, series, i) || !can_stand(&d->panel->x, series->x[i + 1]) || series->y[i] == 0)
			continue;

		const double x = axis_place(&d->x, series->x[i]), end = axis_place(&d->x, series->x[i + 1]);
		const double y = axis_place(&d->y, series->y[i]);

		fprintf(d->to,
		    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		    "class=\"bar f%d\"/>\n",
		    x, y, end - x > 8 ? end - x - 1 : fmax(end - x, 0.5), fmax(d->y.from - y, 0), colour);
	}
}

static void
draw_series(const struct drawing *d)
{
	fprintf(d->to, "<clipPath id=\"inside%d\"><path d=\"M%.1f %.1fH%.1fV%.1fH%.1fZ\"/></clipPath>\n", d->number,
	    d->x.from - 6, d->y.from + 6, d->x.to + 6, d->y.to - 6, d->x.from - 6);
	fprintf(d->to, "<g clip-path=\"url(#inside%d)\">\n", d->number);
	for (size_t s = 0; s < d->panel->count; s++) {
		const struct plot_series *series = &d->panel->series[s];
		const int colour = colour_of(d->panel, s);

		switch (series->mark) {
		case PLOT_POINTS: draw_points(d, series, colour); break;
		case PLOT_BARS: draw_bars(d, series, colour); break;
		case PLOT_LINE:
		case PLOT_DASHES: draw_line(d, series, colour); break;
		}
	}
	fputs("</g>\n", d->to);
}

/* ---- the legend ---- */

static void
draw_symbol(FILE *to, enum plot_mark mark, int colour, double x, double y)
{
	switch (mark) {
	case PLOT_POINTS: draw_mark(to, colour, x + 10, y); break;
	case PLOT_BARS:
		fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"20\" height=\"10\" "
			    "class=\"bar f%d\"/>\n",
		    x, y - 5, colour);
		break;
	case PLOT_LINE:
	case PLOT_DASHES:
		fprintf(to, "<path class=\"line s%d\" stroke-dasharray=\"%s\" d=\"M%.1f %.1fh22\"/>\n",
		    colour, dashes_of(mark, colour), x, y);
		break;
	}
}

/* Returns how many lines it takes; draws them from y on when `to` is not NULL. */
static int
lay_out_legend(const struct plot_panel *panel, FILE *to, double y)
{
	double x = LEFT;
	int lines = 1;

	for (size_t s = 0; s < panel->count; s++) {
		const double width = LEGEND_SYMBOL + LETTER * (double)strlen(panel->series[s].name) + 16;

		if (x > LEFT && x + width > WIDTH - RIGHT) {
			x = LEFT;
			y += LEGEND_LINE;
			lines++;
		}
		if (to != NULL) {
			draw_symbol(to, panel->series[s].mark, colour_of(panel, s), x, y);
			put_text(to, x + LEGEND_SYMBOL, y + 4, "legend", "start", panel->series[s].name);
		}
		x += width;
	}
	return lines;
}

/* ---- panels ---- */

static void
draw_panel(FILE *to, const struct plot_panel *panel, int number, double top)
{
	double y = top + TITLE_LINE;

	put_text(to, LEFT, y, "title", "start", panel->title);
	if (panel->note != NULL)
		put_text(to, LEFT, y += NOTE_LINE, "note", "start", panel->note);
	y += LEGEND_LINE;
	y += LEGEND_LINE * lay_out_legend(panel, to, y) - 4;

	const struct drawing d = {
		.to = to,
		.panel = panel,
		.x = make_axis(panel, true, LEFT, WIDTH - RIGHT),
		.y = make_axis(panel, false, top + PANEL_HEIGHT - BOTTOM, y),
		.number = number,
	};

	draw_ticks(&d);
	draw_series(&d);
	draw_frame(&d);
}

FILE *
plot_create(const char *sample, const char *file)
{
	if (file == NULL)
		return NULL;

	FILE *to = fopen(file, "w");

	if (to == NULL) {
		fprintf(stderr, "%s: cannot write to %s: %s\n", sample, file, strerror(errno));
		exit(2);
	}
	return to;
}

bool
plot_write(FILE *to, const char *file, const struct plot_panel *panels, size_t count)
{
	const int height = (int)count * PANEL_HEIGHT + 8;

	if (to == NULL)
		return true;
	fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n",
	    WIDTH, height, WIDTH, height);
	fputs(style, to);
	fprintf(to, "<rect width=\"%d\" height=\"%d\" class=\"paper\"/>\n", WIDTH, height);
	for (size_t i = 0; i < count; i++)
		draw_panel(to, &panels[i], (int)i, (double)i * PANEL_HEIGHT);
	fputs("</svg>\n", to);

	const bool good = ferror(to) == 0;

	if (fclose(to) == 0 && good)
		return true;
	fprintf(stderr, "cannot write to %s: %s\n", file, strerror(errno));
	return false;
}
