/* SPDX-License-Identifier: MIT */
#ifndef TR_ERROR_H
#define TR_ERROR_H

#include "runtime/platform/base.h"

#include <troupe.h>

/*
 * error -- the status and the sentence of a thread's last failed call.
 *
 * Threads    Each thread has its own.
 * Limits     The sentence is cut at 511 bytes.
 */

/* Remember both and return the status. */
troupe_status tr_fail(troupe_status status, const char *format, ...) TROUPE_PRINTF(2, 3);

#endif /* TR_ERROR_H */
