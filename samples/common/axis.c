/* SPDX-License-Identifier: MIT */
#include "axis.h"

#include <math.h>
#include <stdio.h>

static void
add_tick(struct axis *a, double value)
{
	if (a->tick_count < AXIS_MOST_TICKS)
		a->ticks[a->tick_count++] = value;
}

/* ---- linear ---- */

/* 1, 2 or 5 times a power of ten: the least that is not below `least`. */
static double
round_step(double least)
{
	const double power = pow(10, floor(log10(least)));
	const double factor = least / power;

	/* A little more than 1 is 1 that was computed. */
	return power * (factor < 1.001 ? 1 : factor < 2.001 ? 2 : factor < 5.001 ? 5 : 10);
}

static void
make_linear(struct axis *a, bool round, int wanted)
{
	const double step = round_step((a->high - a->low) / wanted);

	if (round) {
		a->low = floor(a->low / step + 1e-9) * step;
		a->high = ceil(a->high / step - 1e-9) * step;
	}
	for (double i = ceil(a->low / step - 1e-9); i * step <= a->high + step * 1e-9; i++)
		add_tick(a, i * step);
}

/* ---- logarithmic ---- */

static void
add_log_ticks(struct axis *a, const double *factors, int count, int every)
{
	const int first = (int)floor(log10(a->low) + 1e-9), last = (int)ceil(log10(a->high) - 1e-9);

	for (int power = first; power <= last; power += every) {
		for (int i = 0; i < count; i++) {
			const double value = factors[i] * pow(10, power);

			if (value >= a->low * (1 - 1e-9) && value <= a->high * (1 + 1e-9))
				add_tick(a, value);
		}
	}
}

static void
make_log(struct axis *a, bool round, int wanted)
{
	static const double factors[] = { 1, 2, 5 };

	if (round) {
		a->low = pow(10, floor(log10(a->low) + 1e-9));
		a->high = pow(10, ceil(log10(a->high) - 1e-9));
	}

	const double decades = log10(a->high / a->low);

	if (decades * 3 <= wanted)
		add_log_ticks(a, factors, 3, 1);
	else
		add_log_ticks(a, factors, 1, (int)ceil(decades / wanted));
}

/* ---- both ---- */

struct axis
axis_make(enum axis_scale scale, double low, double high, bool round, int wanted)
{
	struct axis a = { .scale = scale, .low = low, .high = high };

	if (wanted > AXIS_MOST_TICKS - 3)
		wanted = AXIS_MOST_TICKS - 3;
	if (!(a.high > a.low)) { /* a single value, or none */
		a.high = scale == AXIS_LOG ? a.low * 10 : a.low + (a.low == 0 ? 1 : fabs(a.low));
	}
	if (scale == AXIS_LOG)
		make_log(&a, round, wanted);
	else
		make_linear(&a, round, wanted);
	return a;
}

double
axis_place(const struct axis *a, double value)
{
	const double share = a->scale == AXIS_LOG ? log(value / a->low) / log(a->high / a->low)
						  : (value - a->low) / (a->high - a->low);

	return a->from + share * (a->to - a->from);
}

void
axis_label(const struct axis *a, double value, char text[AXIS_LABEL_SIZE])
{
	static const struct {
		double size;
		const char *name;
	} units[] = { { 1e9, " G" }, { 1e6, " M" }, { 1e4, " k" } };

	const double largest = fmax(fabs(a->low), fabs(a->high));

	if (fabs(value) < largest * 1e-9 && a->scale == AXIS_LINEAR)
		value = 0; /* what rounding left of it */
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		const double by = a->scale == AXIS_LOG ? fabs(value) : largest;

		if (by >= units[i].size) {
			const double size = units[i].size == 1e4 ? 1e3 : units[i].size;

			snprintf(text, AXIS_LABEL_SIZE, value == 0 ? "0" : "%.4g%s", value / size, units[i].name);
			return;
		}
	}
	if (value != 0 && fabs(value) < 1e-4)
		snprintf(text, AXIS_LABEL_SIZE, "%.0e", value);
	else
		snprintf(text, AXIS_LABEL_SIZE, "%.6g", value);
}
