/* SPDX-License-Identifier: MIT */
#ifndef SHOP_SHOP_H
#define SHOP_SHOP_H

#include <troupe.h>

/* Takes JOB requests, and passes them on to workers of its own.  Its restart is a new set of workers. */
extern const troupe_class shop_class;

#endif /* SHOP_SHOP_H */
