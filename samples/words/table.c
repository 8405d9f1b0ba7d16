/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM  1024
#define CHUNK_BYTES (64u * 1024)

/* Texts are put one behind the other into chunks, which stay where they are. */
struct text_chunk {
	struct text_chunk *older;
	size_t used;
	size_t room;
	unsigned char bytes[];
};

static struct text_chunk *
add_chunk(struct table *t, size_t room)
{
	struct text_chunk *chunk = malloc(sizeof *chunk + room);

	if (chunk == NULL)
		return NULL;
	*chunk = (struct text_chunk){ t->texts, 0, room };
	t->texts = chunk;
	return chunk;
}

static const unsigned char *
copy_text(struct table *t, const unsigned char *text, size_t length)
{
	struct text_chunk *chunk = t->texts;

	if (chunk == NULL || chunk->room - chunk->used < length)
		chunk = add_chunk(t, length > CHUNK_BYTES ? length : CHUNK_BYTES);
	if (chunk == NULL)
		return NULL;

	unsigned char *copy = chunk->bytes + chunk->used;
	memcpy(copy, text, length);
	chunk->used += length;
	return copy;
}

/* Where an entry is looked for first.  The lowest bits of the hash chose the table, and tell nothing in it. */
static size_t
first_place(const struct table *t, uint32_t hash)
{
	return (hash / COUNTERS) & t->place_mask;
}

static size_t
next_place(const struct table *t, size_t place)
{
	return (place + 1) & t->place_mask;
}

static size_t
empty_place(const struct table *t, uint32_t hash)
{
	size_t place = first_place(t, hash);

	while (t->places[place] != 0)
		place = next_place(t, place);
	return place;
}

static bool
grow_places(struct table *t, size_t count)
{
	uint32_t *places = calloc(count, sizeof *places);

	if (places == NULL)
		return false;
	free(t->places);
	t->places = places;
	t->place_mask = count - 1;
	for (size_t i = 0; i < t->used; i++)
		places[empty_place(t, t->entries[i].hash)] = (uint32_t)(i + 1);
	return true;
}

static bool
grow_table(struct table *t)
{
	const size_t room = t->room == 0 ? FIRST_ROOM : 2 * t->room;

	if (room > UINT32_MAX / 2)
		return false;

	struct entry *entries = realloc(t->entries, room * sizeof *entries);

	if (entries == NULL)
		return false;
	t->entries = entries;
	if (!grow_places(t, 2 * room))
		return false;
	t->room = room;
	return true;
}

static bool
is_entry_of(const struct entry *e, const struct item *item, const unsigned char *word)
{
	if (e->head != item->head || e->length != item->length)
		return false;
	return e->length <= sizeof e->head || memcmp(e->word, word, e->length) == 0;
}

static struct entry *
find_entry(const struct table *t, const struct item *item, const unsigned char *word)
{
	if (t->used == 0)
		return NULL;
	for (size_t i = first_place(t, item->hash); t->places[i] != 0; i = next_place(t, i)) {
		struct entry *e = &t->entries[t->places[i] - 1];

		if (is_entry_of(e, item, word))
			return e;
	}
	return NULL;
}

static bool
add_entry(struct table *t, const struct item *item, const unsigned char *word)
{
	if (t->used == t->room && !grow_table(t))
		return false;

	const unsigned char *copy = copy_text(t, word, item->length);

	if (copy == NULL)
		return false;
	t->entries[t->used++] = (struct entry){ item->head, item->count, copy, item->length, item->hash };
	t->places[empty_place(t, item->hash)] = (uint32_t)t->used;
	return true;
}

bool
table_add(struct table *t, const struct item *item, const unsigned char *word)
{
	struct entry *e = find_entry(t, item, word);

	if (e == NULL)
		return add_entry(t, item, word);
	e->count += item->count;
	return true;
}

void
table_expect(const struct table *t, const struct item *item)
{
	if (t->used > 0)
		__builtin_prefetch(&t->places[first_place(t, item->hash)]);
}

static int
compare_words(const struct entry *a, const struct entry *b)
{
	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;

	const int order = memcmp(a->word, b->word, a->length < b->length ? a->length : b->length);

	if (order != 0)
		return order;
	return (a->length > b->length) - (a->length < b->length);
}

int
table_compare(const struct entry *a, const struct entry *b)
{
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return compare_words(b, a);
}

static int
compare_entries(const void *a, const void *b)
{
	return table_compare(a, b);
}

void
table_sort(struct table *t)
{
	if (t->used > 1)
		qsort(t->entries, t->used, sizeof *t->entries, compare_entries);
}

void
table_fini(struct table *t)
{
	for (struct text_chunk *chunk = t->texts, *older; chunk != NULL; chunk = older) {
		older = chunk->older;
		free(chunk);
	}
	free(t->entries);
	free(t->places);
	*t = (struct table){ 0 };
}
