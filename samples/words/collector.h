/* SPDX-License-Identifier: MIT */
#ifndef WORDS_COLLECTOR_H
#define WORDS_COLLECTOR_H

/*
 * collector -- merges the counters' tables and prints them.  Its start
 * argument is a bool **: what it points to is set when all is printed, and
 * outlives the collector.
 */

#include <troupe.h>

extern const troupe_class collector_class;

#endif /* WORDS_COLLECTOR_H */
