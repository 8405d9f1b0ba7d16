/* SPDX-License-Identifier: MIT */
#include "tests/model/checker.h"

#include <stdlib.h>

/*
 * classes -- the executions that are not the same again, by what each thread
 * did and which stores it read: to see that what the search leaves out is.
 */

#define m model_checker

/* false: it is there. */
static bool
put_class(uint64_t digest)
{
	size_t at = digest % m->room;

	for (; m->classes[at] != 0; at = (at + 1) % m->room)
		if (m->classes[at] == digest)
			return false;
	m->classes[at] = digest;
	return true;
}

/* For --plain: keep the execution, if none like it was kept. */
void
model_keep_class(void)
{
	uint64_t digest = 1;

	for (unsigned i = 0; i < m->threads; i++)
		digest = (digest ^ m->thread[i].digest) * UINT64_C(0xd6e8feb86659fd93);
	if (m->distinct * 2 >= m->room) {
		size_t before = m->room;
		uint64_t *old = m->classes;

		m->room = before != 0 ? before * 2 : 1024;
		m->classes = calloc(m->room, sizeof *m->classes);
		if (m->classes == NULL)
			exit(2);
		for (size_t i = 0; i < before; i++)
			if (old[i] != 0)
				put_class(old[i]);
		free(old);
	}
	m->distinct += put_class(digest);
}
