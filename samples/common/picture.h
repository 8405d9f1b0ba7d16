/* SPDX-License-Identifier: MIT */
#ifndef SAMPLES_PICTURE_H
#define SAMPLES_PICTURE_H

/*
 * picture -- pixels, as a PPM file, as one frame of many, or on the terminal.
 *
 * A terminal shows two pixels in each character, one above the other, in 24-bit
 * colours when COLORTERM says that it knows them, and else in 256; a picture
 * that is larger than the terminal is made smaller.
 */

#include <stdbool.h>
#include <stdint.h>

struct pixel {
	uint8_t red, green, blue;
};

struct picture {
	int width, height;
	struct pixel *pixels; /* row by row, from the top */
};

/* Black.  Ends the process when there is no memory for it.  free(pixels) ends it. */
struct picture picture_create(int width, int height);

/* As PPM.  False when that failed, which is said on stderr. */
bool picture_write(const struct picture *p, const char *file);

/* Writes it as frame-000042.ppm into the folder, which has to be there.  False as for picture_write. */
bool picture_write_frame(const struct picture *p, const char *folder, int number);

/* Ends the process with status 2 when nothing can be written into the folder; NULL is no folder. */
void picture_check_folder(const char *sample, const char *folder);

/* Draws it on the terminal at stdout, over the one before; `caption` is a line below it.  Nothing when there is none. */
void picture_show(const struct picture *p, const char *caption);

/* Whether stdout is a terminal that shows pictures. */
bool picture_can_show(void);

#endif /* SAMPLES_PICTURE_H */
