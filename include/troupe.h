/* SPDX-License-Identifier: MIT */
#ifndef TROUPE_H
#define TROUPE_H

/*
 * troupe -- actors for C on POSIX threads.
 *
 * An actor owns a private state and a mailbox.  A pool of worker threads
 * drains the mailboxes and calls each actor's behavior, one message at a
 * time.  Senders post and return at once.
 *
 *   troupe/types.h    statuses, handles, messages, classes
 *   troupe/runtime.h  open, run, wait, close; options and callbacks
 *   troupe/message.h  sending: by copy, by move, by shared block
 *   troupe/actor.h    spawning, stopping, and what a behavior may do
 *   troupe/timer.h    messages that come later, or again and again
 *   troupe/ask.h      request and reply
 *   troupe/failure.h  failing, monitors, links, supervisors
 *   troupe/registry.h actors by name
 *   troupe/test.h     for tests; not included here
 *
 * Threads    Unless a call says otherwise, any thread may make it.  A call
 *            that takes `self` belongs to that actor's callbacks alone; made
 *            from anywhere else it aborts with a message that says so.
 * Blocking   Only troupe_run, troupe_run_once, troupe_wait, troupe_drain,
 *            troupe_close, troupe_call and troupe_wait_for may block.  Inside
 *            the pool they refuse; nothing else that a behavior calls blocks.
 * Failure    A call that can fail says so by its status, or returns NULL or
 *            0 and leaves the status in troupe_last_error().  Out-parameters
 *            are untouched on failure.
 * fork       A child of fork inherits no runtime: every call in it answers
 *            TROUPE_FORKED (or 0, or NULL), and one that takes `self` aborts
 *            with a message that says so.
 * exit       No handler is registered with atexit, but by troupe_explore (see
 *            troupe/test.h): a program may return from main or call exit with
 *            a runtime open, and its threads end with the process; what is
 *            queued then is lost.
 */

#include <troupe/types.h>

#include <troupe/runtime.h>

#include <troupe/message.h>

#include <troupe/actor.h>

#include <troupe/timer.h>

#include <troupe/ask.h>

#include <troupe/failure.h>

#include <troupe/registry.h>

#endif /* TROUPE_H */
