/* SPDX-License-Identifier: MIT */
#include "runtime/engine/choices.h"

#include "runtime/memory/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WANTED      "must be ranks such as 0*12,3,0*5,1, or @ and the name of a file that has them"
#define FILE_WANTED "must name a file that can be read"
#define LESS_WANTED "must be short enough for the memory that there is"

/* Bytes that a run takes as text, at most: two numbers, '*' and ','. */
#define TEXT_BYTES ((size_t)22)

void
tr_choices_fini(tr_choices *choices)
{
	free(choices->list);
	*choices = (tr_choices){ 0 };
}

static bool
make_room(tr_choices *choices)
{
	size_t room = choices->room > 0 ? choices->room * 2 : 64;
	tr_choice *list = tr_fault_due() ? NULL : realloc(choices->list, room * sizeof *list);

	if (list == NULL)
		return false;
	choices->list = list;
	choices->room = room;
	return true;
}

void
tr_choices_append(tr_choices *choices, uint32_t rank, uint32_t times)
{
	tr_choice *last = choices->count > 0 ? &choices->list[choices->count - 1] : NULL;

	if (choices->is_cut || times == 0)
		return;
	if (last != NULL && last->rank == rank && last->times <= UINT32_MAX - times) {
		last->times += times;
		return;
	}
	if (choices->count == choices->room && !make_room(choices)) {
		choices->is_cut = true;
		return;
	}
	choices->list[choices->count++] = (tr_choice){ rank, times };
}

/* --- Reading. --- */

/* A number at *text, which goes on behind it. */
static bool
read_number(const char **text, uint32_t *number)
{
	uint64_t value = 0;
	const char *at = *text;

	for (; *at >= '0' && *at <= '9' && value <= UINT32_MAX; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	if (at == *text || value > UINT32_MAX)
		return false;
	*text = at;
	*number = (uint32_t)value;
	return true;
}

static const char *
skip_blanks(const char *text, const char *blanks)
{
	return text + strspn(text, blanks);
}

/* What may stand between ranks besides a comma is in `blanks`. */
static const char *
read_text(tr_choices *choices, const char *text, const char *blanks)
{
	text = skip_blanks(text, blanks);
	while (*text != '\0') {
		uint32_t rank, times = 1;

		if (!read_number(&text, &rank))
			return WANTED;
		if (*text == '*') {
			text++;
			if (!read_number(&text, &times) || times == 0)
				return WANTED;
		}
		tr_choices_append(choices, rank, times);
		text = skip_blanks(text, blanks);
		if (*text == '\0')
			break;
		if (*text != ',')
			return WANTED;
		text = skip_blanks(text + 1, blanks);
		/* A comma announces one more. */
		if (*text == '\0')
			return WANTED;
	}
	return choices->is_cut ? LESS_WANTED : NULL;
}

/* All of a file, from malloc; NULL: it cannot be read. */
static char *
slurp(FILE *file)
{
	size_t room = 4096, length = 0, got;
	char *bytes = tr_fault_due() ? NULL : malloc(room);

	while (bytes != NULL && (got = fread(bytes + length, 1, room - 1 - length, file)) > 0) {
		length += got;
		if (length < room - 1)
			continue;
		char *more = tr_fault_due() ? NULL : realloc(bytes, room * 2);

		if (more == NULL) {
			free(bytes);
			return NULL;
		}
		bytes = more;
		room *= 2;
	}
	if (bytes == NULL || ferror(file)) {
		free(bytes);
		return NULL;
	}
	bytes[length] = '\0';
	return bytes;
}

static const char *
read_file(tr_choices *choices, const char *name)
{
	FILE *file = fopen(name, "re");
	char *bytes = file != NULL ? slurp(file) : NULL;
	const char *wrong = bytes != NULL ? read_text(choices, bytes, " \t\r\n") : FILE_WANTED;

	free(bytes);
	if (file != NULL)
		fclose(file);
	return wrong;
}

const char *
tr_choices_read(tr_choices *choices, const char *text)
{
	*choices = (tr_choices){ 0 };
	const char *wrong = *text == '@' ? read_file(choices, text + 1) : read_text(choices, text, "");

	if (wrong != NULL)
		tr_choices_fini(choices);
	return wrong;
}

/* --- Writing. --- */

char *
tr_choices_write(const tr_choices *choices)
{
	size_t count = choices->count;

	if (count > 0 && choices->list[count - 1].rank == 0)
		count--;
	char *text = tr_fault_due() ? NULL : malloc(count * TEXT_BYTES + 1), *at = text;

	if (text == NULL)
		return NULL;
	*at = '\0';
	for (size_t i = 0; i < count; i++) {
		const tr_choice *choice = &choices->list[i];

		at += sprintf(at, "%s%" PRIu32, i > 0 ? "," : "", choice->rank);
		if (choice->times > 1)
			at += sprintf(at, "*%" PRIu32, choice->times);
	}
	return text;
}

uint32_t
tr_choices_next(const tr_choices *choices, tr_choices_cursor *cursor)
{
	if (cursor->at == choices->count)
		return 0;
	const tr_choice *choice = &choices->list[cursor->at];

	if (++cursor->used == choice->times)
		*cursor = (tr_choices_cursor){ .at = cursor->at + 1 };
	return choice->rank;
}
