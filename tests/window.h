/* SPDX-License-Identifier: MIT */
#ifndef TEST_WINDOW_H
#define TEST_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * window -- lets a test act between two instructions of the code under test,
 * or look at each of its accesses to a page.
 *
 * What the code is about to touch lies on a page that is closed.  The access
 * faults, the handler opens the page, lets the test act, and returns: the
 * access is done again and the code goes on, in whatever state of the world
 * the test has left.  So a race of a few nanoseconds happens each time, and
 * needs one thread only.
 *
 * Threads    One window and one watch at a time.  What acts runs in the thread
 *            that touched the page.  It may do anything that is right between
 *            two instructions of that thread, so it takes no lock that the
 *            interrupted code could hold.
 * Sanitizers ThreadSanitizer holds locks of its own around an atomic operation
 *            that is not relaxed: what acts inside of one does none but
 *            relaxed ones itself.
 */

typedef enum window_at { WINDOW_AT_ACCESS, WINDOW_AT_WRITE } window_at;

/* Zeroed pages of memory.  Never NULL. */
void *window_map(size_t pages);
void window_unmap(void *from, size_t pages);
size_t window_page_size(void);

/* The next access (or write) to the page that holds `address` lets act act before it. */
void window_set(const void *address, window_at at, void (*act)(void));

/* Whether that has happened; if not, it will not happen any more. */
bool window_passed(void);

/*
 * From begin to end each access to the page that holds `address` is done one
 * by one, by whatever thread, while no two do it at once; is_over tells before
 * each whether it is one that should not be.
 */
#if defined __linux__ && defined __x86_64__
#define WINDOW_CAN_WATCH 1
#else
#define WINDOW_CAN_WATCH 0
#endif

typedef struct window_view {
	uint32_t seen, late; /* accesses in all; those that came when it was over */
} window_view;

void window_watch(const void *address, bool (*is_over)(void));
window_view window_end_watch(void);

#endif /* TEST_WINDOW_H */
