/* SPDX-License-Identifier: MIT */
#include "tests/model/checker.h"

/*
 * callbacks -- what gcc and clang call for the accesses of sources that are
 * compiled with -fsanitize=thread.  The names are theirs; there are no headers
 * that declare them all.
 */

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#if defined __clang__
#pragma GCC diagnostic ignored "-Wreserved-identifier"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#endif

#define PC __builtin_return_address(0)

void
__tsan_init(void)
{
}

void
__tsan_func_entry(void *pc)
{
	(void)pc;
}

void
__tsan_func_exit(void)
{
}

/* --- Plain accesses. --- */

#define PLAIN(size) \
	void __tsan_read##size(void *address) \
	{ \
		model_plain((uintptr_t)address, size, false, PC); \
	} \
	void __tsan_write##size(void *address) \
	{ \
		model_plain((uintptr_t)address, size, true, PC); \
	} \
	void __tsan_unaligned_read##size(void *address) \
	{ \
		model_plain((uintptr_t)address, size, false, PC); \
	} \
	void __tsan_unaligned_write##size(void *address) \
	{ \
		model_plain((uintptr_t)address, size, true, PC); \
	} \
	void __tsan_read_write##size(void *address) \
	{ \
		model_plain((uintptr_t)address, size, false, PC); \
		model_plain((uintptr_t)address, size, true, PC); \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void
__tsan_read_range(void *address, unsigned long size)
{
	model_plain((uintptr_t)address, size, false, PC);
}

void
__tsan_write_range(void *address, unsigned long size)
{
	model_plain((uintptr_t)address, size, true, PC);
}

/* --- Atomic accesses. --- */

static uint64_t
put(uint64_t before, uint64_t operand)
{
	(void)before;
	return operand;
}

static uint64_t
add(uint64_t before, uint64_t operand)
{
	return before + operand;
}

static uint64_t
sub(uint64_t before, uint64_t operand)
{
	return before - operand;
}

static uint64_t and (uint64_t before, uint64_t operand)
{
	return before & operand;
}

static uint64_t or (uint64_t before, uint64_t operand)
{
	return before | operand;
}

static uint64_t xor (uint64_t before, uint64_t operand) { return before ^ operand; }

#define HERE(address, type) model_place((address), VARIABLE, sizeof(type))

#define CHANGES(bits, type, name, how) \
	type __tsan_atomic##bits##_##name(volatile type *address, type operand, int order) \
	{ \
		return (type)model_change(HERE(address, type), how, operand, order, PC); \
	}

#define COMPARES(bits, type, name) \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile type *address, type *expected, \
	    type value, int order, int failed) \
	{ \
		uint64_t found = *expected; \
		bool same = model_compare(HERE(address, type), &found, value, order, failed, PC); \
		*expected = (type)found; \
		return same; \
	}

#define ATOMIC(bits, type) \
	type __tsan_atomic##bits##_load(const volatile type *address, int order) \
	{ \
		return (type)model_load(HERE(address, type), order, PC); \
	} \
	void __tsan_atomic##bits##_store(volatile type *address, type value, int order) \
	{ \
		model_store(HERE(address, type), value, order, PC); \
	} \
	CHANGES(bits, type, exchange, put) \
	CHANGES(bits, type, fetch_add, add) \
	CHANGES(bits, type, fetch_sub, sub) \
	CHANGES(bits, type, fetch_and, and) \
	CHANGES(bits, type, fetch_or, or) \
	CHANGES(bits, type, fetch_xor, xor) \
	COMPARES(bits, type, strong) \
	COMPARES(bits, type, weak) \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *address, type expected, type value, \
	    int order, int failed) \
	{ \
		uint64_t found = expected; \
		(void)model_compare(HERE(address, type), &found, value, order, failed, PC); \
		return (type)found; \
	}

    ATOMIC(8, uint8_t) ATOMIC(16, uint16_t) ATOMIC(32, uint32_t) ATOMIC(64, uint64_t)

	void __tsan_atomic_thread_fence(int order)
{
	(void)order;
	model_fail("fences are not modelled", __FILE__, __LINE__);
}

void
__tsan_atomic_signal_fence(int order)
{
	(void)order;
}
