/* SPDX-License-Identifier: MIT */
#ifndef TR_OPTIONS_H
#define TR_OPTIONS_H

#include "runtime/platform/base.h"

#include <stdbool.h>
#include <troupe.h>

/*
 * options -- what a runtime is opened with: the program's options, overridden
 * by the environment, defaults filled in, all checked.
 *
 * Threads    troupe_open reads the environment: nobody should change it then.
 */

/* OK, or INVALID with the option or variable named by tr_fail.  given may be NULL. */
troupe_status tr_options_resolve(const troupe_options *given, troupe_options *effective);

/* Workers as a number of threads: 0 when the caller's thread is to do the work. */
int tr_options_threads(const troupe_options *effective);

/* One line through the log callback, or to stderr. */
void tr_log(const troupe_options *options, troupe_log_level level, const char *format, ...) TROUPE_PRINTF(3, 4);

#endif /* TR_OPTIONS_H */
