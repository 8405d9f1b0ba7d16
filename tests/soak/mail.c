/* SPDX-License-Identifier: MIT */
#include "tests/soak/mail.h"

#define ENDED UINT64_C(0xdead1e77e2dead11)

static sys_counter made, ended;

static uint64_t
canary_of(uint32_t from, uint32_t number, size_t size)
{
	sys_random random = { (uint64_t)from << 32 ^ number ^ (uint64_t)size << 20 };

	return sys_next(&random);
}

/* Bytes behind the letter that are written and looked at: all of a short one, both ends of a long one. */
#define LOOKED_AT 64

static unsigned char
byte_at(uint64_t canary, size_t at)
{
	return (unsigned char)(canary >> 8 * (at % 8));
}

static void
fill_letter(void *body, size_t size, uint32_t from, uint32_t number)
{
	soak_letter letter = { canary_of(from, number, size), from, number };
	unsigned char *bytes = body;

	memcpy(body, &letter, sizeof letter);
	for (size_t i = sizeof letter; i < size; i++)
		bytes[i] = byte_at(letter.canary, i);
}

static bool
is_whole(const void *body, size_t size)
{
	const soak_letter *letter = body;
	const unsigned char *bytes = body;

	if (letter->canary != canary_of(letter->from, letter->number, size))
		return false;
	for (size_t i = sizeof *letter; i < size; i++) {
		if (i == sizeof *letter + LOOKED_AT && size > sizeof *letter + 2 * LOOKED_AT)
			i = size - LOOKED_AT;
		if (bytes[i] != byte_at(letter->canary, i))
			return false;
	}
	return true;
}

static void
end_letter(void *body, size_t size)
{
	soak_letter *letter = body;

	soak_expect(letter->canary != ENDED);
	soak_expect(is_whole(body, size));
	letter->canary = ENDED;
	sys_add(&ended, 1);
}

static size_t
draw_size(sys_random *random)
{
	static const size_t sizes[] = { 16, 16, 24, 32, 100, 1000, 5000 };

	return sizes[sys_below(random, sizeof sizes / sizeof *sizes)];
}

troupe_msg *
soak_write(sys_random *random, uint32_t type, uint32_t from, uint32_t number)
{
	size_t size = draw_size(random);
	troupe_msg *msg = troupe_msg_new(type, size, end_letter);

	if (msg == NULL)
		return NULL;
	fill_letter(troupe_msg_fill(msg), size, from, number);
	sys_add(&made, 1);
	return msg;
}

static troupe_status
post_block(sys_random *random, troupe_ref to, uint32_t type, uint32_t from, uint32_t number)
{
	size_t size = draw_size(random);
	troupe_shared *block = troupe_shared_new(size, end_letter);

	if (block == NULL)
		return troupe_last_error();
	fill_letter(troupe_shared_bytes(block), size, from, number);
	sys_add(&made, 1);
	troupe_status status = troupe_send_shared(to, type, block);
	troupe_shared_release(&block);
	return status;
}

static troupe_status
post_copy(size_t size, troupe_ref to, uint32_t type, uint32_t from, uint32_t number)
{
	_Alignas(soak_letter) unsigned char bytes[100];

	fill_letter(bytes, size, from, number);
	return troupe_send(to, type, bytes, size);
}

troupe_status
soak_post(sys_random *random, troupe_ref to, uint32_t type, uint32_t from, uint32_t number)
{
	troupe_msg *msg;
	troupe_status status;

	switch (sys_below(random, 16)) {
	case 0:
		return post_block(random, to, type, from, number);
	case 1:
		return post_copy(100, to, type, from, number);
	case 2:
	case 3:
		msg = soak_write(random, type, from, number);
		if (msg == NULL)
			return troupe_last_error();
		status = troupe_send_msg(to, &msg);
		soak_expect((status == TROUPE_OK) == (msg == NULL));
		troupe_msg_free(&msg);
		return status;
	default:
		return post_copy(sizeof(soak_letter), to, type, from, number);
	}
}

bool
soak_read(const troupe_msg *msg, soak_letter *letter)
{
	if (msg->size < sizeof *letter || !is_whole(msg->body, msg->size)) {
		soak_complain(__FILE__, __LINE__, "a message was damaged");
		return false;
	}
	memcpy(letter, msg->body, sizeof *letter);
	return true;
}

uint64_t
soak_letters_made(void)
{
	return sys_get(&made);
}

uint64_t
soak_letters_ended(void)
{
	return sys_get(&ended);
}
