/* SPDX-License-Identifier: MIT */
#include "runtime/platform/cgroup.h"
#include "tests/suite.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SIZE 256

/* A tree of groups in the build directory. */
static char groups_root[] = "cgroup-XXXXXX";

static void
plant_root(void)
{
	ck_assert_ptr_nonnull(mkdtemp(groups_root));
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void
fell_root(void)
{
	ck_assert_int_eq(nftw(groups_root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Write `text` to root/path, and make the folders on the way. */
static void
plant_file(const char *path, const char *text)
{
	char full[PATH_MAX];

	ck_assert_int_lt(snprintf(full, sizeof full, "%s/%s", groups_root, path), PATH_MAX);
	for (char *slash = strchr(full, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ck_assert(mkdir(full, 0777) == 0 || errno == EEXIST);
		*slash = '/';
	}
	FILE *file = fopen(full, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void
plant_version_1(const char *folder, const char *quota, const char *period)
{
	char path[NAME_SIZE];

	ck_assert_int_lt(snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder), NAME_SIZE);
	plant_file(path, quota);
	ck_assert_int_lt(snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder), NAME_SIZE);
	plant_file(path, period);
}

static unsigned
limit_of(const char *groups)
{
	return tr_cgroup_cpu_limit(groups_root, groups);
}

START_TEST(test_cgroup_of_no_group_has_no_limit)
{
	ck_assert_uint_eq(limit_of(""), 0);
}
END_TEST

START_TEST(test_cgroup_without_files_has_no_limit)
{
	ck_assert_uint_eq(limit_of("0::/a/b\n3:cpu,cpuacct:/a/b\n"), 0);
}
END_TEST

START_TEST(test_cgroup_2_limit_is_quota_by_period)
{
	plant_file("a/cpu.max", "300000 100000\n");
	ck_assert_uint_eq(limit_of("0::/a\n"), 3);
}
END_TEST

START_TEST(test_cgroup_2_limit_is_rounded_up)
{
	plant_file("a/cpu.max", "250001 100000\n");
	ck_assert_uint_eq(limit_of("0::/a\n"), 3);
	plant_file("a/cpu.max", "1000 100000\n");
	ck_assert_uint_eq(limit_of("0::/a\n"), 1);
}
END_TEST

START_TEST(test_cgroup_2_max_is_no_limit)
{
	plant_file("a/cpu.max", "max 100000\n");
	ck_assert_uint_eq(limit_of("0::/a\n"), 0);
}
END_TEST

START_TEST(test_cgroup_2_parent_limits_child)
{
	plant_file("a/cpu.max", "200000 100000\n");
	plant_file("a/b/cpu.max", "max 100000\n");
	plant_file("a/b/c/cpu.max", "500000 100000\n");
	ck_assert_uint_eq(limit_of("0::/a/b/c\n"), 2);
}
END_TEST

START_TEST(test_cgroup_2_child_limits_itself)
{
	plant_file("a/cpu.max", "500000 100000\n");
	plant_file("a/b/cpu.max", "200000 100000\n");
	ck_assert_uint_eq(limit_of("0::/a/b\n"), 2);
}
END_TEST

START_TEST(test_cgroup_2_sibling_does_not_limit)
{
	plant_file("a/b/cpu.max", "500000 100000\n");
	plant_file("a/bb/cpu.max", "100000 100000\n");
	ck_assert_uint_eq(limit_of("0::/a/b\n"), 5);
}
END_TEST

START_TEST(test_cgroup_2_at_the_mount)
{
	plant_file("cpu.max", "200000 100000\n");
	ck_assert_uint_eq(limit_of("0::/\n"), 2);
}
END_TEST

START_TEST(test_cgroup_2_path_of_the_host_falls_back_to_the_mount)
{
	plant_file("cpu.max", "200000 100000\n");
	ck_assert_uint_eq(limit_of("0::/docker/0123456789abcdef\n"), 2);
}
END_TEST

START_TEST(test_cgroup_2_path_out_of_sight_is_not_followed)
{
	plant_file("cpu.max", "400000 100000\n");
	plant_file("a/cpu.max", "100000 100000\n");
	ck_assert_uint_eq(limit_of("0::/../a\n"), 4);
}
END_TEST

START_TEST(test_cgroup_2_path_may_have_colons)
{
	plant_file("a:b:c/cpu.max", "200000 100000\n");
	ck_assert_uint_eq(limit_of("0::/a:b:c\n"), 2);
}
END_TEST

START_TEST(test_cgroup_2_needs_no_newline_at_the_end)
{
	plant_file("a/cpu.max", "200000 100000");
	ck_assert_uint_eq(limit_of("0::/a"), 2);
}
END_TEST

START_TEST(test_cgroup_1_limit_is_quota_by_period)
{
	plant_version_1("cpu/a", "300000\n", "100000\n");
	ck_assert_uint_eq(limit_of("4:cpu:/a\n"), 3);
}
END_TEST

START_TEST(test_cgroup_1_negative_quota_is_no_limit)
{
	plant_version_1("cpu/a", "-1\n", "100000\n");
	ck_assert_uint_eq(limit_of("4:cpu:/a\n"), 0);
}
END_TEST

START_TEST(test_cgroup_1_parent_limits_child)
{
	plant_version_1("cpu/a", "150000\n", "100000\n");
	plant_version_1("cpu/a/b", "800000\n", "100000\n");
	ck_assert_uint_eq(limit_of("4:cpu:/a/b\n"), 2);
}
END_TEST

START_TEST(test_cgroup_1_is_found_in_a_list_of_controllers)
{
	plant_version_1("cpu/a", "300000\n", "100000\n");
	ck_assert_uint_eq(limit_of("4:cpuacct,cpu:/a\n"), 3);
}
END_TEST

START_TEST(test_cgroup_1_may_be_mounted_under_the_lists_name)
{
	plant_version_1("cpu,cpuacct/a", "300000\n", "100000\n");
	ck_assert_uint_eq(limit_of("4:cpu,cpuacct:/a\n"), 3);
}
END_TEST

START_TEST(test_cgroup_1_controllers_with_longer_names_do_not_count)
{
	plant_version_1("cpu/a", "100000\n", "100000\n");
	ck_assert_uint_eq(limit_of("4:cpuset,cpuacct:/a\n1:name=cpu:/a\n"), 0);
}
END_TEST

START_TEST(test_cgroup_1_and_2_together_take_the_tighter)
{
	plant_version_1("cpu/a", "300000\n", "100000\n");
	plant_file("b/cpu.max", "200000 100000\n");
	ck_assert_uint_eq(limit_of("12:pids:/x\n4:cpu:/a\n0::/b\n"), 2);
	ck_assert_uint_eq(limit_of("4:cpu:/a\n0::/nowhere\n"), 3);
}
END_TEST

START_TEST(test_cgroup_nonsense_has_no_limit)
{
	plant_file("a/cpu.max", "two of them\n");
	plant_file("b/cpu.max", "");
	plant_file("c/cpu.max", "100000 0\n");
	ck_assert_uint_eq(limit_of("0::/a\n"), 0);
	ck_assert_uint_eq(limit_of("0::/b\n"), 0);
	ck_assert_uint_eq(limit_of("0::/c\n"), 0);
	ck_assert_uint_eq(limit_of("\n\n:\n::\n0:\n0::\n0::a\nno colons\n"), 0);
}
END_TEST

START_TEST(test_cgroup_2_path_too_long_falls_back_to_the_mount)
{
	static char groups[3 * PATH_MAX];

	plant_file("cpu.max", "200000 100000\n");
	memset(groups, 'a', sizeof groups - 1);
	memcpy(groups, "0::/", 4);
	ck_assert_uint_eq(limit_of(groups), 2);
}
END_TEST

static TCase *
case_any_version(void)
{
	TCase *tc = tcase_create("any version");

	tcase_add_checked_fixture(tc, plant_root, fell_root);
	tcase_add_test(tc, test_cgroup_of_no_group_has_no_limit);
	tcase_add_test(tc, test_cgroup_without_files_has_no_limit);
	tcase_add_test(tc, test_cgroup_nonsense_has_no_limit);
	return tc;
}

static TCase *
case_version_1(void)
{
	TCase *tc = tcase_create("version 1");

	tcase_add_checked_fixture(tc, plant_root, fell_root);
	tcase_add_test(tc, test_cgroup_1_limit_is_quota_by_period);
	tcase_add_test(tc, test_cgroup_1_negative_quota_is_no_limit);
	tcase_add_test(tc, test_cgroup_1_parent_limits_child);
	tcase_add_test(tc, test_cgroup_1_is_found_in_a_list_of_controllers);
	tcase_add_test(tc, test_cgroup_1_may_be_mounted_under_the_lists_name);
	tcase_add_test(tc, test_cgroup_1_controllers_with_longer_names_do_not_count);
	tcase_add_test(tc, test_cgroup_1_and_2_together_take_the_tighter);
	return tc;
}

static TCase *
case_version_2(void)
{
	TCase *tc = tcase_create("version 2");

	tcase_add_checked_fixture(tc, plant_root, fell_root);
	tcase_add_test(tc, test_cgroup_2_limit_is_quota_by_period);
	tcase_add_test(tc, test_cgroup_2_limit_is_rounded_up);
	tcase_add_test(tc, test_cgroup_2_max_is_no_limit);
	tcase_add_test(tc, test_cgroup_2_parent_limits_child);
	tcase_add_test(tc, test_cgroup_2_child_limits_itself);
	tcase_add_test(tc, test_cgroup_2_sibling_does_not_limit);
	tcase_add_test(tc, test_cgroup_2_at_the_mount);
	tcase_add_test(tc, test_cgroup_2_path_of_the_host_falls_back_to_the_mount);
	tcase_add_test(tc, test_cgroup_2_path_out_of_sight_is_not_followed);
	tcase_add_test(tc, test_cgroup_2_path_may_have_colons);
	tcase_add_test(tc, test_cgroup_2_path_too_long_falls_back_to_the_mount);
	tcase_add_test(tc, test_cgroup_2_needs_no_newline_at_the_end);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("cgroup");

	suite_add_tcase(suite, case_any_version());
	suite_add_tcase(suite, case_version_1());
	suite_add_tcase(suite, case_version_2());
	return run_suite(suite);
}
