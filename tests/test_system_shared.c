/* SPDX-License-Identifier: MIT */

/*
 * Shared blocks at their interface: what they say of themselves, and what no
 * message can be made of.  That they arrive whole and are freed once is
 * tested where messages are sent.
 */

#include "tests/suite.h"
#include "tests/system.h"

static uint64_t freed;

static void
count_freed(void *data, size_t size)
{
	(void)data;
	freed += size;
}

START_TEST(test_system_shared_says_its_size)
{
	static const size_t sizes[] = { 1, 63, 64, 65, 4096, 1000003 };
	const size_t size = sizes[_i];
	troupe *t = sys_open(1, NULL);
	troupe_shared *block = troupe_shared_new(size, count_freed);

	ck_assert_ptr_nonnull(block);
	ck_assert_uint_eq(troupe_shared_size(block), size);
	troupe_shared_release(&block);
	ck_assert_ptr_null(block);
	ck_assert_uint_eq(freed, size);
	sys_close(t, NULL);
}
END_TEST

START_TEST(test_system_shared_message_needs_a_block_and_a_free_type)
{
	troupe *t = sys_open(1, NULL);
	troupe_shared *block = troupe_shared_new(10, count_freed);

	sys_assert_failed(troupe_msg_share(1, NULL), TROUPE_INVALID);
	sys_assert_failed(troupe_msg_share(TROUPE_TYPE_RESERVED, block), TROUPE_INVALID);
	/* What was refused holds no reference. */
	troupe_shared_release(&block);
	ck_assert_uint_eq(freed, 10);
	sys_close(t, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_shared");
	TCase *tc = tcase_create("shared");

	tcase_add_loop_test(tc, test_system_shared_says_its_size, 0, 6);
	tcase_add_test(tc, test_system_shared_message_needs_a_block_and_a_free_type);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
