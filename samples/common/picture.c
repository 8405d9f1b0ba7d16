/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MOST_FOLDER 4000 /* letters of a folder's name */

struct picture
picture_create(int width, int height)
{
	struct picture p = { width, height, calloc((size_t)width * (size_t)height, sizeof *p.pixels) };

	if (p.pixels == NULL) {
		fprintf(stderr, "no memory for a picture of %d x %d\n", width, height);
		exit(1);
	}
	return p;
}

/* ---- files ---- */

bool
picture_write(const struct picture *p, const char *file)
{
	const size_t count = (size_t)p->width * (size_t)p->height;
	FILE *to = fopen(file, "wb");

	if (to != NULL) {
		const bool good = fprintf(to, "P6\n%d %d\n255\n", p->width, p->height) > 0 &&
		    fwrite(p->pixels, sizeof *p->pixels, count, to) == count;

		if (fclose(to) == 0 && good)
			return true;
	}
	fprintf(stderr, "cannot write to %s: %s\n", file, strerror(errno));
	return false;
}

bool
picture_write_frame(const struct picture *p, const char *folder, int number)
{
	char file[MOST_FOLDER + 32];

	snprintf(file, sizeof file, "%.*s/frame-%06d.ppm", MOST_FOLDER, folder, number);
	return picture_write(p, file);
}

void
picture_check_folder(const char *sample, const char *folder)
{
	if (folder == NULL || (strlen(folder) <= MOST_FOLDER && access(folder, W_OK | X_OK) == 0))
		return;
	fprintf(stderr, "%s: cannot write into %s: %s\n", sample, folder,
	    strlen(folder) > MOST_FOLDER ? "its name is too long" : strerror(errno));
	exit(2);
}

/* ---- the terminal ---- */

/* A square of pixels that becomes one, as their average. */
static struct pixel
average(const struct picture *p, int left, int top, int side)
{
	unsigned red = 0, green = 0, blue = 0, count = 0;

	for (int y = top; y < top + side && y < p->height; y++) {
		for (int x = left; x < left + side && x < p->width; x++) {
			const struct pixel *at = &p->pixels[(size_t)y * (size_t)p->width + (size_t)x];

			red += at->red;
			green += at->green;
			blue += at->blue;
			count++;
		}
	}
	if (count == 0)
		return (struct pixel){ 0, 0, 0 };
	return (struct pixel){ (uint8_t)(red / count), (uint8_t)(green / count), (uint8_t)(blue / count) };
}

/* Of the 256 colours: those of the cube of six steps in each direction. */
static unsigned
cube_colour(struct pixel c)
{
	return 16 + 36 * ((c.red * 5u + 127) / 255) + 6 * ((c.green * 5u + 127) / 255) +
	    (c.blue * 5u + 127) / 255;
}

/* `layer` is 38 for the letter, 48 for what is behind it. */
static void
set_colour(int layer, struct pixel c, bool all_colours)
{
	if (all_colours)
		printf("\033[%d;2;%d;%d;%dm", layer, c.red, c.green, c.blue);
	else
		printf("\033[%d;5;%um", layer, cube_colour(c));
}

static bool
knows_all_colours(void)
{
	const char *says = getenv("COLORTERM");

	return says != NULL && (strcmp(says, "truecolor") == 0 || strcmp(says, "24bit") == 0);
}

static void
show_line(const struct picture *p, int top, int side, bool all_colours)
{
	for (int x = 0; x < p->width; x += side) {
		set_colour(38, average(p, x, top, side), all_colours);
		set_colour(48, average(p, x, top + side, side), all_colours);
		fputs("\u2580", stdout); /* the upper half of the place */
	}
	fputs("\033[0m\033[K\n", stdout);
}

bool
picture_can_show(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void
picture_show(const struct picture *p, const char *caption)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int side = 1;

	if (!picture_can_show())
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row < 3)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	while (p->width > side * size.ws_col || p->height > side * 2 * (size.ws_row - 2))
		side++;

	const bool all_colours = knows_all_colours();

	fputs("\033[H", stdout);
	for (int y = 0; y < p->height; y += 2 * side)
		show_line(p, y, side, all_colours);
	printf("%.*s\033[K\033[J", size.ws_col - 1, caption);
	fflush(stdout);
}
