/* SPDX-License-Identifier: MIT */
#include "runtime/platform/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two numbers of up to 20 digits, or "max" and one. */
#define LIMIT_TEXT_SIZE 64

/* A piece of the text of /proc/self/cgroup. */
struct slice {
	const char *start;
	size_t length;
};

/* One line of it, "number:controllers:path"; version 2 has no controllers. */
struct membership {
	struct slice controllers;
	struct slice path;
};

/* Reads the limit that one group's folder states; 0 for none. */
typedef unsigned limit_reader(const char *folder);

/* The smaller of two limits, of which 0 is none at all. */
static unsigned
tighter_of(unsigned a, unsigned b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static unsigned
cpus_of_quota(long long quota, long long period)
{
	if (quota <= 0 || period <= 0)
		return 0;

	const long long cpus = quota / period + (quota % period != 0);
	return cpus > UINT_MAX ? UINT_MAX : (unsigned)cpus;
}

/* True when `text` now holds the first line of folder/name. */
static bool
read_first_line(const char *folder, const char *name, char text[LIMIT_TEXT_SIZE])
{
	char path[PATH_MAX];
	const int length = snprintf(path, sizeof path, "%s/%s", folder, name);

	if (length < 0 || (size_t)length >= sizeof path)
		return false;
	FILE *file = fopen(path, "re");
	if (!file)
		return false; /* the group at the root has none, for one */
	const bool has_line = fgets(text, LIMIT_TEXT_SIZE, file) != NULL;
	(void)fclose(file); /* only read: nothing can be lost */
	return has_line;
}

/* The number in the first line of folder/name; 0 when there is none. */
static long long
read_number(const char *folder, const char *name)
{
	char text[LIMIT_TEXT_SIZE];

	return read_first_line(folder, name, text) ? strtoll(text, NULL, 10) : 0;
}

static unsigned
limit_of_version_1(const char *folder)
{
	/* A quota of -1 is none. */
	return cpus_of_quota(read_number(folder, "cpu.cfs_quota_us"),
	    read_number(folder, "cpu.cfs_period_us"));
}

static unsigned
limit_of_version_2(const char *folder)
{
	char text[LIMIT_TEXT_SIZE];

	if (!read_first_line(folder, "cpu.max", text))
		return 0;
	/* A quota of "max" is none, and reads as 0. */
	char *rest = text;
	const long long quota = strtoll(text, &rest, 10);
	return cpus_of_quota(quota, strtoll(rest, NULL, 10));
}

/* A path through ".." belongs to groups that this process cannot see. */
static bool
is_out_of_sight(const char *path)
{
	return strstr(path, "/..") != NULL;
}

/*
 * The tightest limit of a group and those above it, up to the mount.  In a
 * container the path is often the host's and not there: what remains is the
 * mount itself, which then is the container's own group.
 */
static unsigned
limit_of_branch(const char *mount, struct slice group, limit_reader *limit_of)
{
	char folder[PATH_MAX];
	const size_t top = strlen(mount);
	const int length = snprintf(folder, sizeof folder, "%s%.*s", mount, (int)group.length, group.start);

	if (length < 0 || top >= sizeof folder)
		return 0;
	/* A path that was cut short is not there, but still leads up to the mount. */
	if (is_out_of_sight(folder + top))
		folder[top] = '\0';

	unsigned limit = limit_of(folder);
	while (folder[top] != '\0') {
		*strrchr(folder + top, '/') = '\0';
		limit = tighter_of(limit, limit_of(folder));
	}
	return limit;
}

/* True when the list of names, with commas between, has "cpu". */
static bool
controls_cpu(struct slice list)
{
	const char *const end = list.start + list.length;

	for (const char *name = list.start; name < end;) {
		const char *comma = memchr(name, ',', (size_t)(end - name));
		const char *stop = comma ? comma : end;
		if (stop - name == 3 && memcmp(name, "cpu", 3) == 0)
			return true;
		name = stop + 1;
	}
	return false;
}

/* Version 1: its hierarchy is mounted under the controller's name, or under the whole list's. */
static unsigned
limit_of_cpu_hierarchy(const char *root, struct membership in)
{
	char mount[PATH_MAX];
	unsigned limit = 0;
	const struct slice names[] = { { "cpu", 3 }, in.controllers };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const int length =
		    snprintf(mount, sizeof mount, "%s/%.*s", root, (int)names[i].length, names[i].start);
		if (length >= 0 && (size_t)length < sizeof mount)
			limit = tighter_of(limit, limit_of_branch(mount, in.path, limit_of_version_1));
	}
	return limit;
}

static unsigned
limit_of_membership(const char *root, struct membership in)
{
	if (in.controllers.length == 0)
		return limit_of_branch(root, in.path, limit_of_version_2);
	return controls_cpu(in.controllers) ? limit_of_cpu_hierarchy(root, in) : 0;
}

/* False when the line is none that we know, or longer than a precision of printf can say. */
static bool
parse_membership(struct slice line, struct membership *in)
{
	const char *const end = line.start + line.length;
	const char *first = memchr(line.start, ':', line.length);

	if (!first)
		return false;
	const char *second = memchr(first + 1, ':', (size_t)(end - first - 1));
	if (!second || second + 1 == end || second[1] != '/' || line.length > INT_MAX)
		return false;

	in->controllers = (struct slice){ first + 1, (size_t)(second - first - 1) };
	in->path = (struct slice){ second + 1, (size_t)(end - second - 1) };
	return true;
}

unsigned
tr_cgroup_cpu_limit(const char *root, const char *groups)
{
	unsigned limit = 0;

	while (*groups != '\0') {
		const struct slice line = { groups, strcspn(groups, "\n") };
		struct membership in;

		if (parse_membership(line, &in))
			limit = tighter_of(limit, limit_of_membership(root, in));
		groups += line.length + (groups[line.length] == '\n');
	}
	return limit;
}
