/* SPDX-License-Identifier: MIT */
/*
 * check_on_musl -- what a libcheck.a and libsubunit.a that were built with
 * glibc ask of it by name, for a static program on musl (x86-64, where both
 * lay out what these pass in the same way).
 *
 * For the tests alone: cases fail by siglongjmp or exit, never by a thread
 * that is cancelled, so the cleanup handlers of cancellation may be no-ops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __printf_chk(int flag, const char *format, ...);
int __snprintf_chk(char *text, size_t most, int flag, size_t size, const char *format, ...);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list arguments);
int __vsnprintf_chk(char *text, size_t most, int flag, size_t size, const char *format, va_list arguments);
_Noreturn void __longjmp_chk(sigjmp_buf where, int value);
void __pthread_register_cancel(void *buffer);
void __pthread_unregister_cancel(void *buffer);

int
__vfprintf_chk(FILE *file, int flag, const char *format, va_list arguments)
{
	(void)flag;
	return vfprintf(file, format, arguments);
}

int
__fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const int length = __vfprintf_chk(file, flag, format, arguments);
	va_end(arguments);
	return length;
}

int
__printf_chk(int flag, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const int length = __vfprintf_chk(stdout, flag, format, arguments);
	va_end(arguments);
	return length;
}

int
__vsnprintf_chk(char *text, size_t most, int flag, size_t size, const char *format, va_list arguments)
{
	(void)flag;
	if (most > size)
		abort();
	return vsnprintf(text, most, format, arguments);
}

int
__snprintf_chk(char *text, size_t most, int flag, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const int length = __vsnprintf_chk(text, most, flag, size, format, arguments);
	va_end(arguments);
	return length;
}

_Noreturn void
__longjmp_chk(sigjmp_buf where, int value)
{
	siglongjmp(where, value);
}

void
__pthread_register_cancel(void *buffer)
{
	(void)buffer;
}

void
__pthread_unregister_cancel(void *buffer)
{
	(void)buffer;
}
