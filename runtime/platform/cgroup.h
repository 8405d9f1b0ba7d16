/* SPDX-License-Identifier: MIT */
#ifndef TR_CGROUP_H
#define TR_CGROUP_H

#include "runtime/platform/base.h"

/*
 * cgroup -- the CPU limits of Linux control groups, versions 1 and 2.
 *
 * A limit is a quota of CPU time in each period: in cpu.max (version 2), or
 * in cpu.cfs_quota_us and cpu.cfs_period_us (version 1).  Each group above
 * limits those below, so the smallest on the way up counts.
 *
 * Threads    Any; nothing is kept.
 * Failure    What cannot be read or understood limits nothing: a runtime
 *            with a few threads too many beats one that does not start.
 */

/*
 * CPUs that the groups named in `groups` may use at once, each quota rounded
 * up to whole CPUs; 0 for no limit.  `groups` is the text of
 * /proc/self/cgroup, `root` the folder where the hierarchies are mounted.
 */
unsigned tr_cgroup_cpu_limit(const char *root, const char *groups);

#endif /* TR_CGROUP_H */
