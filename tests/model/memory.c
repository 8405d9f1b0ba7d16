/* SPDX-License-Identifier: MIT */
#include "tests/model/checker.h"

#include <string.h>

/*
 * memory -- places and their stores, what each thread may read of them, and
 * whether plain accesses are ordered.
 */

enum { RELAXED, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };

#define m model_checker

static bool
acquires(int order)
{
	return order != RELAXED && order != RELEASE;
}

static bool
releases(int order)
{
	return order >= RELEASE;
}

static thread *
self(void)
{
	return &m->thread[m->running];
}

/* --- What is plain. --- */

static shadow *
find_shadow(uintptr_t word)
{
	size_t at = (size_t)((word >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> 40) % SHADOWS;

	for (unsigned looks = 0; looks < SHADOWS / 2; looks++, at = (at + 1) % SHADOWS) {
		shadow *s = &m->shadow[at];

		if (s->execution != m->execution) {
			memset(s, 0, sizeof *s);
			s->execution = m->execution;
			s->word = word;
		}
		if (s->word == word)
			return s;
	}
	model_report("the threads use too much memory for the checker", __FILE__, __LINE__);
	return NULL;
}

/* What another thread did to these bytes is ordered before what this one does, or it is a race. */
static void
check_order(const shadow *s, uint8_t bytes, bool writes, const char *how, const void *pc)
{
	for (unsigned other = 0; other < m->threads; other++) {
		if (other == (unsigned)m->running)
			continue;
		if ((s->wrote_bytes[other] & bytes) != 0 && s->wrote[other] > self()->clock[other])
			model_report_race(s->word, how, pc, "written", s->wrote_at[other]);
		if (writes && (s->read_bytes[other] & bytes) != 0 &&
		    s->has_read[other] > self()->clock[other])
			model_report_race(s->word, how, pc, "read", s->read_at[other]);
	}
}

static uint8_t
bytes_of_word(uintptr_t word, uintptr_t from, uintptr_t to)
{
	uint8_t bytes = 0;

	for (unsigned i = 0; i < 4; i++)
		if (word + i >= from && word + i < to)
			bytes |= (uint8_t)(1u << i);
	return bytes;
}

static void
remember(shadow *s, uint8_t bytes, bool writes, const void *pc)
{
	unsigned by = (unsigned)m->running;
	uint32_t *when = writes ? s->wrote : s->has_read;
	uint8_t *which = writes ? s->wrote_bytes : s->read_bytes;

	which[by] = when[by] == self()->clock[by] ? which[by] | bytes : bytes;
	when[by] = self()->clock[by];
	(writes ? s->wrote_at : s->read_at)[by] = pc;
}

/* Every store of it by another thread happens before what this one does next. */
static bool
follows_all_stores(const place *p)
{
	for (unsigned other = 0; other < m->threads; other++)
		if (other != (unsigned)m->running && p->stored[other] > self()->clock[other])
			return false;
	return true;
}

/* A variable that is otherwise atomic: only after all that was done to it. */
static void
plain_in_place(place *p, bool writes, const void *pc)
{
	unsigned number = (unsigned)(p - m->place);

	if ((self()->view[number] != p->count - 1 && p->is_written) || !follows_all_stores(p))
		model_report_race(p->address, writes ? "written plainly" : "read plainly", pc,
		    "stored atomically", NULL);
	if (!writes || p->is_dirty)
		return;
	if (p->count == MESSAGES)
		model_report("more stores of one place than the checker keeps", __FILE__, __LINE__);
	memset(&p->messages[p->count], 0, sizeof *p->messages);
	self()->view[number] = (uint8_t)p->count++;
	p->is_dirty = true;
}

static place *
place_at(uintptr_t word)
{
	for (unsigned i = 0; i < m->places; i++)
		if (m->place[i].kind == VARIABLE && m->place[i].execution == m->execution &&
		    m->place[i].address <= word && word < m->place[i].address + m->place[i].size)
			return &m->place[i];
	return NULL;
}

void
model_plain(uintptr_t address, size_t size, bool writes, const void *pc)
{
	if (m->running < 0 || self()->gives_up)
		return;
	for (uintptr_t word = address & ~(uintptr_t)3; word < address + size; word += 4) {
		uint8_t bytes = bytes_of_word(word, address, address + size);
		shadow *s = find_shadow(word);

		check_order(s, bytes, writes, writes ? "written" : "read", pc);
		remember(s, bytes, writes, pc);
		place *p = s->has_place ? place_at(word) : NULL;
		if (p != NULL)
			plain_in_place(p, writes, pc);
	}
}

static void
check_atomic(const place *p, bool writes, const void *pc)
{
	for (uintptr_t word = p->address & ~(uintptr_t)3; word < p->address + p->size; word += 4)
		check_order(find_shadow(word), bytes_of_word(word, p->address, p->address + p->size), writes,
		    writes ? "stored atomically" : "loaded atomically", pc);
}

/* --- Places. --- */

static uint64_t
read_memory(const place *p)
{
	uint64_t value = 0;

	memmove(&value, (const void *)p->address, p->size);
	return value;
}

static void
write_memory(const place *p, uint64_t value)
{
	memmove((void *)p->address, &value, p->size);
}

static void
begin_place(place *p)
{
	p->execution = m->execution;
	p->count = 1;
	p->last_sc = 0;
	p->is_dirty = false;
	p->holder = -1;
	p->floor = 0;
	memset(p->counts, 0, sizeof p->counts);
	memset(p->stored, 0, sizeof p->stored);
	memset(&p->messages[0], 0, sizeof p->messages[0]);
	if (p->kind != VARIABLE)
		return;
	p->messages[0].value = read_memory(p);
	for (uintptr_t word = p->address & ~(uintptr_t)3; word < p->address + p->size; word += 4)
		find_shadow(word)->has_place = true;
}

static place *
add_place(uintptr_t address, enum place_kind kind, unsigned size)
{
	if (m->places == PLACES)
		model_report("more atomic variables than the checker keeps", __FILE__, __LINE__);
	place *p = &m->place[m->places++];

	*p = (place){ .address = address, .kind = kind, .size = (uint8_t)size };
	p->messages = m->message[p - m->place];
	return p;
}

place *
model_place(const volatile void *address, enum place_kind kind, unsigned size)
{
	uintptr_t at = (uintptr_t)address;
	size_t slot = (size_t)((at >> 2 ^ (uintptr_t)kind) * UINT64_C(0x9e3779b97f4a7c15) >> 50) %
		      (sizeof m->index / sizeof *m->index);
	place *p;

	for (;; slot = (slot + 1) % (sizeof m->index / sizeof *m->index)) {
		if (m->index[slot] == 0) {
			p = add_place(at, kind, size);
			m->index[slot] = (uint16_t)m->places;
			break;
		}
		p = &m->place[m->index[slot] - 1];
		if (p->address == at && p->kind == kind)
			break;
	}
	if (kind == VARIABLE && p->size != size)
		model_report("a place is atomic with two sizes", __FILE__, __LINE__);
	if (p->execution != m->execution)
		begin_place(p);
	if (p->is_dirty) {
		p->is_dirty = false;
		p->messages[p->count - 1].value = read_memory(p);
	}
	return p;
}

static bool
is_shared(const place *p)
{
	return m->replays || ((p->users & (p->users - 1)) != 0 && p->is_written);
}

bool
model_is_shared(place *p, bool writes)
{
	uint8_t users = (uint8_t)(p->users | 1u << m->running);
	bool was_shared = is_shared(p);

	p->users = users;
	p->is_written |= writes;
	if (!was_shared && is_shared(p))
		model_leave(SHARED_MORE);
	return was_shared;
}

/* --- Views. --- */

void
model_acquire(const message *from)
{
	thread *t = self();

	for (unsigned i = 0; i < m->threads; i++)
		if (t->clock[i] < from->clock[i])
			t->clock[i] = from->clock[i];
	for (unsigned i = 0; i < m->places; i++)
		if (t->view[i] < from->view[i])
			t->view[i] = from->view[i];
}

/* `joins`: beside what is there already. */
void
model_release(message *to, bool joins)
{
	thread *t = self();

	for (unsigned i = 0; i < m->threads; i++)
		if (!joins || to->clock[i] < t->clock[i])
			to->clock[i] = t->clock[i];
	for (unsigned i = 0; i < m->places; i++)
		if (!joins || to->view[i] < t->view[i])
			to->view[i] = t->view[i];
	t->clock[m->running]++;
}

static void
look_at(place *p, unsigned index)
{
	unsigned number = (unsigned)(p - m->place);
	thread *t = self();

	if (t->view[number] < index)
		t->view[number] = (uint8_t)index;
}

/* --- Guarded places. --- */

void
model_guard(const volatile void *address)
{
	model_place(address, VARIABLE, 4)->is_guarded = true;
}

/* The running thread's reads count, or do not. */
static void
settle_reads(bool they_count)
{
	thread *t = self();

	for (unsigned i = 0; they_count && i < t->guarded; i++) {
		const look *read = &t->guarded_reads[i];
		place *p = &m->place[read->place];

		p->counts[m->running] = read->when;
		for (unsigned later = read->index + 1; later < p->count; later++)
			if (p->messages[later].made[m->running] < read->when)
				model_report(
				    "a read that counts does not happen before what it read was stored over",
				    __FILE__, __LINE__);
	}
	t->guarded = 0;
}

static void
check_guard(const place *p)
{
	for (unsigned i = 0; p->is_guarded && i < m->threads; i++)
		if ((int)i != m->running && p->counts[i] > self()->clock[i])
			model_report(
			    "what was read is stored over, and the read, which counts, does not happen before",
			    __FILE__, __LINE__);
}

static void
remember_read(const place *p, unsigned index)
{
	thread *t = self();
	unsigned number = (unsigned)(p - m->place), i = 0;

	if (!is_shared(p))
		return;
	while (i < t->reads && t->now[i].place != number)
		i++;
	if (i == READS) {
		t->has_written = true; /* no loop that only looks */
		return;
	}
	if (i == t->reads)
		t->reads++;
	t->now[i] = (look){ .place = number, .index = index };
}

/* The store that the running thread has read there in the last round of its spin loop, or -1. */
static int
read_before(const place *p)
{
	const thread *t = self();

	for (unsigned i = 0; i < t->reads_before; i++)
		if (t->before[i].place == (unsigned)(p - m->place))
			return (int)t->before[i].index;
	return -1;
}

static void
forget_reads(void)
{
	self()->reads = self()->reads_before = self()->fails = 0;
	self()->has_written = true;
}

/* The oldest store that the running thread may read. */
static unsigned
oldest_for(const place *p, int order)
{
	unsigned oldest = self()->view[p - m->place];

	return order == SEQ_CST && oldest < p->last_sc ? p->last_sc : oldest;
}

/* The oldest that it need read: others were explored. */
static unsigned
oldest_new(const place *p)
{
	const thread *t = self();
	unsigned oldest = t->begin_at;

	/* Another round of a loop that reads this place alone, and something new. */
	if (t->reads == 0 && t->reads_before == 1 && t->before[0].place == (unsigned)(p - m->place) &&
	    oldest <= t->before[0].index)
		oldest = t->before[0].index + 1;
	return oldest;
}

static uint64_t
mask_from(const place *p, unsigned oldest)
{
	if (oldest >= p->count)
		oldest = p->count - 1;
	return ((UINT64_C(1) << p->count) - 1) & ~((UINT64_C(1) << oldest) - 1);
}

static unsigned
pick_store(const place *p, uint64_t may)
{
	uint64_t new = may &mask_from(p, oldest_new(p));

	return model_pick(new, may);
}

static uint64_t
read_from(place *p, unsigned index, int order)
{
	thread *t = self();

	look_at(p, index);
	remember_read(p, index);
	if (p->is_guarded && t->guarded < READS)
		t->guarded_reads[t->guarded++] = (look){ .place = (unsigned)(p - m->place),
			.index = index,
			.when = t->clock[m->running] };
	if (acquires(order))
		model_acquire(&p->messages[index]);
	return p->messages[index].value;
}

/* A seq_cst store of another thread that waits to be made is no longer the same before and after a seq_cst load. */
static void
wake_sc_stores(const place *p)
{
	for (unsigned i = 0; i < m->threads; i++)
		if ((int)i != m->running && m->thread[i].at == p && m->thread[i].writes_sc)
			m->thread[i].explored = -1;
}

static void
append(place *p, uint64_t value, int order, const message *continues)
{
	if (p->count == MESSAGES)
		model_report("more stores of one place than the checker keeps", __FILE__, __LINE__);
	message *new = &p->messages[p->count++];

	check_guard(p);

	look_at(p, p->count - 1);
	if (continues != NULL)
		*new = *continues;
	else
		memset(new, 0, sizeof *new);
	new->value = value &(~UINT64_C(0) >> (64 - 8 * p->size));
	memmove(new->made, self()->clock, sizeof new->made);
	p->stored[m->running] = self()->clock[m->running];
	if (releases(order))
		model_release(new, continues != NULL);
	if (order == SEQ_CST)
		p->last_sc = p->count - 1;
	write_memory(p, value);
	forget_reads();
}

static void
pause_at(place *p, enum operation operation, int order)
{
	bool writes = operation != LOAD;

	self()->operations++;
	if (self()->gives_up) {
		self()->gives_up = false;
		self()->reads_before = 0;
	}
	if (model_is_shared(p, writes))
		model_pause(operation, p, NULL, writes && order == SEQ_CST);
	else
		self()->begin_at = 0;
}

uint64_t
model_load(place *p, int order, const void *pc)
{
	if (m->running < 0)
		return read_memory(p);
	/* Who gives up reads again what it has read, and received. */
	if (self()->gives_up && (!is_shared(p) || read_before(p) >= 0))
		return p->messages[is_shared(p) ? (unsigned)read_before(p) : p->count - 1].value;
	pause_at(p, LOAD, order);
	check_atomic(p, false, pc);
	unsigned index = pick_store(p, mask_from(p, oldest_for(p, order)));

	if (order == SEQ_CST)
		wake_sc_stores(p);
	uint64_t value = read_from(p, index, order);
	model_note(LOAD, p, order, index, value, pc);
	return value;
}

void
model_store(place *p, uint64_t value, int order, const void *pc)
{
	if (m->running < 0) {
		write_memory(p, value);
		return;
	}
	pause_at(p, STORE, order);
	check_atomic(p, true, pc);
	append(p, value, order, NULL);
	model_note(STORE, p, order, p->count - 1, value, pc);
}

uint64_t
model_change(place *p, uint64_t (*change)(uint64_t, uint64_t), uint64_t operand, int order, const void *pc)
{
	uint64_t before = read_memory(p);

	if (m->running < 0) {
		write_memory(p, change(before, operand));
		return before;
	}
	pause_at(p, CHANGE, order);
	check_atomic(p, true, pc);
	before = read_from(p, p->count - 1, order);
	settle_reads(true);
	append(p, change(before, operand), order, &p->messages[p->count - 1]);
	model_note(CHANGE, p, order, p->count - 1, p->messages[p->count - 1].value, pc);
	return before;
}

/* The stores that an exchange may read: the newest, and older ones that make it fail. */
static uint64_t
mask_of_compare(const place *p, uint64_t expected, int order_of_failure)
{
	uint64_t mask = mask_from(p, oldest_for(p, order_of_failure));

	for (unsigned i = 0; i + 1 < p->count; i++)
		if (p->messages[i].value == expected)
			mask &= ~(UINT64_C(1) << i);
	return mask;
}

/* An exchange that fails again by reading the same: a loop that waits for others, without saying so. */
static void
note_failure(const place *p, unsigned index, const void *pc)
{
	thread *t = self();
	unsigned number = (unsigned)(p - m->place);

	for (unsigned i = 0; i < t->fails; i++)
		if (t->failed[i].place == number && t->failed[i].index == index && t->failed[i].pc == pc) {
			t->fails = 0;
			model_round(false);
			return;
		}
	if (t->fails < READS)
		t->failed[t->fails++] = (look){ .place = number, .index = index, .pc = pc };
}

bool
model_compare(place *p, uint64_t *expected, uint64_t value, int order, int order_of_failure, const void *pc)
{
	if (m->running < 0) {
		uint64_t found = read_memory(p);

		if (found == *expected)
			write_memory(p, value);
		bool same = found == *expected;
		*expected = found;
		return same;
	}
	pause_at(p, COMPARE, order);
	check_atomic(p, true, pc);
	unsigned index = pick_store(p, mask_of_compare(p, *expected, order_of_failure));

	if (p->messages[index].value != *expected) {
		if (order_of_failure == SEQ_CST)
			wake_sc_stores(p);
		settle_reads(false);
		*expected = read_from(p, index, order_of_failure);
		model_note(COMPARE, p, -1 - order_of_failure, index, *expected, pc);
		note_failure(p, index, pc);
		return false;
	}
	settle_reads(true);
	*expected = read_from(p, index, order);
	append(p, value, order, &p->messages[index]);
	model_note(COMPARE, p, order, p->count - 1, value, pc);
	return true;
}
