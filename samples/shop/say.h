/* SPDX-License-Identifier: MIT */
#ifndef SHOP_SAY_H
#define SHOP_SAY_H

#include <troupe.h>

/* The time that the lines begin with counts from here. */
void begin_to_say(const troupe *t);

/* Print a line, with the time. */
void say(const troupe_actor *self, const char *format, ...) TROUPE_PRINTF(2, 3);

#endif /* SHOP_SAY_H */
