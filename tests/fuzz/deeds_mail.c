/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/program.h"

#include <string.h>

/*
 * deeds_mail -- the calls that send, keep and set aside.
 */

/* --- Arguments. --- */

fuzz_target
fuzz_pick(fuzz_input *in)
{
	uint8_t which = fuzz_byte(in);
	unsigned number = ref.actors > 0 ? ref.actors - which % ref.actors : 0;
	troupe_ref newest = ref.actor[number].ref;

	if (which < 0xf8)
		return (fuzz_target){ number, newest };
	/* Nobody, what never is a handle, and a generation that is far from being born. */
	return (fuzz_target){ 0, which == 0xf8   ? 0
				 : which == 0xf9 ? newest + (UINT64_C(1) << 32)
				 : newest != 0   ? newest + (UINT64_C(0x40000000) << 32)
						 : 0 };
}

uint32_t
fuzz_size(fuzz_input *in)
{
	static const uint32_t sizes[] = { 0, 8, 32, 33, 100, 8, 900, 5000 };

	return sizes[fuzz_below(in, 8)];
}

static fuzz_input
take_script(fuzz_input *in)
{
	return fuzz_slice(in, fuzz_below(in, 24));
}

static char bytes[5000];

/* A message with a destructor; its number, or 0 with nothing made. */
static unsigned
make_owned(ref_kind kind, uint32_t size, troupe_lane lane, fuzz_input script, troupe_msg **made)
{
	unsigned payload = size > 0 ? ref_new_payload() : 0;
	unsigned number = size == 0 || payload != 0 ? ref_new_message(kind, size, lane, payload, script) : 0;

	if (number == 0) {
		ref.payloads -= payload != 0;
		return 0;
	}
	*made = troupe_msg_new(REF_TYPE + number, size, size > 0 ? fuzz_destroy : NULL);
	if (*made == NULL) {
		ref_expect(ref_may_lack_memory(), "sends: no message of %u bytes, and there is memory",
		    (unsigned)size);
		ref_end_message(number);
		ref.payloads -= payload != 0;
		return 0;
	}
	ref_fill_body(number, troupe_msg_fill(*made));
	troupe_msg_set_lane(*made, lane);
	ref.message[number].place = REF_OWNED;
	return number;
}

static void
free_owned(unsigned number, troupe_msg **msg)
{
	ref_end_message(number);
	troupe_msg_free(msg);
	ref_expect(*msg == NULL, "sends: message %u was freed, and the pointer stays", number);
}

/* --- Sending. --- */

static void
send_owned(fuzz_target to, uint32_t size, troupe_lane lane, fuzz_input script)
{
	troupe_msg *msg;
	unsigned number = make_owned(REF_NOTE, size, lane, script, &msg);

	if (number == 0)
		return;
	troupe_status status = troupe_send_msg(to.ref, &msg);
	ref_expect((status == TROUPE_OK) == (msg == NULL), "sends: message %u, %s, is at %p", number,
	    troupe_status_name(status), (void *)msg);
	ref_note_send(number, to.number, to.ref, status, false);
	if (msg != NULL)
		free_owned(number, &msg);
}

static void
send_copy(fuzz_target to, uint32_t size, troupe_lane lane, fuzz_input script)
{
	unsigned number = ref_new_message(REF_NOTE, size, lane, 0, script);

	if (number == 0)
		return;
	ref_fill_body(number, bytes);
	ref_note_send(number, to.number, to.ref,
	    lane == TROUPE_LANE_URGENT ? troupe_send_urgent(to.ref, REF_TYPE + number, bytes, size)
				       : troupe_send(to.ref, REF_TYPE + number, bytes, size),
	    true);
}

void
fuzz_send(troupe_actor *self, fuzz_input *in)
{
	uint8_t way = fuzz_byte(in);
	fuzz_target to = fuzz_pick(in);
	troupe_lane lane = way & 1 ? TROUPE_LANE_URGENT : TROUPE_LANE_NORMAL;
	uint32_t size = way & 4 ? fuzz_size(in) : 8;
	fuzz_input script = take_script(in);

	(void)self;
	if (way & 2)
		send_owned(to, size, lane, script);
	else
		send_copy(to, size, lane, script);
}

/* --- Blocks. --- */

void
fuzz_new_block(troupe_actor *self, fuzz_input *in)
{
	unsigned slot = fuzz_below(in, FUZZ_BLOCKS);
	uint32_t size = fuzz_size(in) + 8;

	(void)self;
	if (program.block[slot] != NULL)
		return;
	unsigned payload = ref_new_payload();
	if (payload == 0)
		return;
	program.block[slot] = troupe_shared_new(size, fuzz_destroy);
	if (program.block[slot] == NULL) {
		ref_expect(ref_may_lack_memory(), "blocks: none of %u bytes, and there is memory",
		    (unsigned)size);
		ref.payloads--;
		return;
	}
	uint32_t mark[2] = { payload, payload * UINT32_C(2654435761) };

	memcpy(troupe_shared_bytes(program.block[slot]), mark, sizeof mark);
	memcpy((char *)troupe_shared_bytes(program.block[slot]) + size - sizeof mark, mark, sizeof mark);
	program.block_payload[slot] = payload;
	program.block_size[slot] = size;
	ref.payload[payload].holders = 1;
}

void
fuzz_release_block(troupe_actor *self, fuzz_input *in)
{
	unsigned slot = fuzz_below(in, FUZZ_BLOCKS);

	(void)self;
	if (program.block[slot] == NULL)
		return;
	ref.payload[program.block_payload[slot]].holders--;
	troupe_shared_release(&program.block[slot]);
	ref_expect(program.block[slot] == NULL, "blocks: one was released, and the pointer stays");
}

void
fuzz_send_block(troupe_actor *self, fuzz_input *in)
{
	unsigned slot = fuzz_below(in, FUZZ_BLOCKS);
	fuzz_target to = fuzz_pick(in);
	fuzz_input script = take_script(in);
	unsigned number;

	(void)self;
	if (program.block[slot] == NULL ||
	    (number = ref_new_message(REF_NOTE, program.block_size[slot], TROUPE_LANE_NORMAL,
		 program.block_payload[slot], script)) == 0)
		return;
	ref_note_send(number, to.number, to.ref,
	    troupe_send_shared(to.ref, REF_TYPE + number, program.block[slot]), true);
}

/* --- What is in hand. --- */

/* Its number; 0: none, or one that the model cannot tell from another. */
static unsigned
in_hand(void)
{
	return ref.now->in_hand && !ref.now->untracked ? ref.now->message : 0;
}

void
fuzz_keep(troupe_actor *self, fuzz_input *in)
{
	unsigned slot = fuzz_below(in, FUZZ_KEPT), number = in_hand();
	bool is_once = ref.message[number].kind != REF_TICK ||
		       ref.timer[ref.message[number].timer].period == 0;

	if (ref.now->in_hand && (number == 0 || program.kept[slot] != NULL || !is_once))
		return;
	troupe_msg *kept = troupe_keep(self);
	ref_expect((kept != NULL) == (number != 0), "keep: actor %u has message %u in hand, and keeps %p",
	    ref.now->actor, number, (void *)kept);
	if (kept == NULL)
		return;
	ref.now->in_hand = false;
	ref.message[number].place = REF_OWNED;
	program.kept[slot] = kept;
	program.kept_number[slot] = number;
}

void
fuzz_forward(troupe_actor *self, fuzz_input *in)
{
	fuzz_target to = fuzz_pick(in);
	unsigned number = in_hand();
	bool is_once = ref.message[number].kind != REF_TICK ||
		       ref.timer[ref.message[number].timer].period == 0;

	if (ref.now->in_hand && (number == 0 || !is_once))
		return;
	troupe_status status = troupe_forward(self, to.ref);
	if (number == 0) {
		ref_expect(status == TROUPE_INVALID,
		    "forward: actor %u has nothing in hand, and forwards it: %s", ref.now->actor,
		    troupe_status_name(status));
		return;
	}
	ref_note_send(number, to.number, to.ref, status, false);
	ref.now->in_hand = status != TROUPE_OK;
}

void
fuzz_unhandled(troupe_actor *self, fuzz_input *in)
{
	(void)in;
	if (in_hand() != 0 && ref.now->where == REF_RECEIVE)
		troupe_unhandled(self, ref.hand);
}

void
fuzz_stash(troupe_actor *self, fuzz_input *in)
{
	(void)in;
	if (!ref.now->in_hand || in_hand() != 0)
		ref_note_stash(troupe_stash(self));
}

void
fuzz_unstash(troupe_actor *self, fuzz_input *in)
{
	size_t most = fuzz_below(in, 4);

	most = most == 3 ? SIZE_MAX : most;
	ref_note_unstash(most, troupe_unstash(self, most));
}

/* --- What is kept. --- */

void
fuzz_send_kept(troupe_actor *self, fuzz_input *in)
{
	unsigned slot = fuzz_below(in, FUZZ_KEPT);
	fuzz_target to = fuzz_pick(in);

	(void)self;
	if (program.kept[slot] == NULL)
		return;
	troupe_status status = troupe_send_msg(to.ref, &program.kept[slot]);
	ref_expect((status == TROUPE_OK) == (program.kept[slot] == NULL),
	    "sends: kept message %u, %s, is at %p", program.kept_number[slot], troupe_status_name(status),
	    (void *)program.kept[slot]);
	ref_note_send(program.kept_number[slot], to.number, to.ref, status, false);
}

void
fuzz_free_kept(troupe_actor *self, fuzz_input *in)
{
	unsigned slot = fuzz_below(in, FUZZ_KEPT);

	(void)self;
	if (program.kept[slot] != NULL)
		free_owned(program.kept_number[slot], &program.kept[slot]);
}

/* --- Answers. --- */

/* What became of an answer with a message, or of an error (answer 0). */
static void
note_reply(unsigned request, unsigned answer, int code, troupe_status status)
{
	const ref_ask *ask = &ref.ask[ref.message[request].ask];
	bool is_call = ask->kind == REF_CALL;

	if (status == TROUPE_NOMEM) {
		ref_expect(ref_may_lack_memory(), "asks: request %u cannot be answered, and there is memory",
		    request);
		if (answer != 0)
			ref_end_message(answer);
		return;
	}
	ref.message[answer].ask = ref.message[request].ask;
	ref.message[answer].is_loose = is_call || ask->part_of != 0;
	if (is_call && answer != 0 && !(status == TROUPE_OK && ask->open))
		ref_end_message(answer);
	else if (is_call && answer != 0)
		ref.message[answer].place = REF_WAITING;
	else if (!is_call && answer != 0)
		ref_note_send(answer, ask->asker, ref.actor[ask->asker].ref, status, true);
	else if (!is_call)
		ref_check_status("an answer", ask->asker, ref.actor[ask->asker].ref, status);
	if (ask->open)
		ref_note_reply(request, answer, code, status);
	else
		ref.message[request].is_answered = true;
}

static void
reply_copy(troupe_actor *self, unsigned request, fuzz_input script)
{
	unsigned answer = ref_new_message(REF_REPLY, 32, TROUPE_LANE_NORMAL, 0, script);

	if (answer == 0)
		return;
	ref_fill_body(answer, bytes);
	note_reply(request, answer, 0, troupe_reply(self, REF_TYPE + answer, bytes, 32));
}

static void
reply_owned(troupe_actor *self, unsigned request, fuzz_input script)
{
	troupe_msg *msg;
	unsigned answer = make_owned(REF_REPLY, 64, TROUPE_LANE_NORMAL, script, &msg);

	if (answer == 0)
		return;
	troupe_status status = troupe_reply_msg(self, &msg);
	ref_expect((status == TROUPE_OK) == (msg == NULL), "asks: answer %u, %s, is at %p", answer,
	    troupe_status_name(status), (void *)msg);
	note_reply(request, answer, 0, status);
	troupe_msg_free(&msg);
}

/* The message in hand is no request, or was answered before. */
static void
reply_to_note(troupe_actor *self, unsigned number, fuzz_input script)
{
	const ref_message *m = &ref.message[number];
	bool may = number != 0 && m->sender != 0 && m->kind != REF_REQUEST;
	unsigned answer = ref_new_message(REF_NOTE, 8, TROUPE_LANE_NORMAL, 0, script);

	if (answer == 0)
		return;
	ref_fill_body(answer, bytes);
	troupe_status status = troupe_reply(self, REF_TYPE + answer, bytes, 8);
	if (may) {
		ref_note_send(answer, ref_find(m->sender), m->sender, status, true);
		return;
	}
	ref_expect(status == TROUPE_INVALID,
	    "asks: actor %u answers message %u, which cannot be answered: %s", ref.now->actor, number,
	    troupe_status_name(status));
	ref_end_message(answer);
}

static bool
is_open_request(unsigned number)
{
	return ref.message[number].kind == REF_REQUEST && !ref.message[number].is_answered;
}

void
fuzz_reply(troupe_actor *self, fuzz_input *in)
{
	uint8_t way = fuzz_byte(in);
	fuzz_input script = take_script(in);
	unsigned number = in_hand();

	if (ref.now->in_hand && number == 0)
		return;
	if (way % 3 == 2) {
		troupe_status status = troupe_reply_error(self, way, "no %u", number);

		if (is_open_request(number))
			note_reply(number, 0, way, status);
		else
			ref_expect(status == TROUPE_INVALID,
			    "asks: message %u, no request, is answered with an error: %s", number,
			    troupe_status_name(status));
	} else if (!is_open_request(number)) {
		reply_to_note(self, number, script);
	} else if (way % 3 == 1 && ref.ask[ref.message[number].ask].open) {
		reply_owned(self, number, script);
	} else {
		reply_copy(self, number, script);
	}
}

/* The request comes to its end within the call; unless that fails, and then it has not. */
static troupe_status
answer_kept_now(troupe_msg **kept, unsigned request, unsigned answer, int code)
{
	ref_message *m = &ref.message[request];
	unsigned payload = m->payload;

	ref_end_message(request);
	ref_fill_body(answer, bytes);
	troupe_status status = answer != 0 ? troupe_answer_kept(kept, REF_TYPE + answer, bytes, 8)
					   : troupe_answer_kept_error(kept, code, "kept %u", request);
	if (*kept == NULL)
		return status;
	m->place = REF_OWNED;
	m->payload = payload;
	ref.payload[payload].holders += payload != 0;
	return status;
}

void
fuzz_answer_kept(troupe_actor *self, fuzz_input *in)
{
	unsigned slot = fuzz_below(in, FUZZ_KEPT), request = program.kept_number[slot], answer = 0;
	uint8_t way = fuzz_byte(in);

	(void)self;
	if (program.kept[slot] == NULL)
		return;
	ref_expect(troupe_is_request(program.kept[slot]) == is_open_request(request),
	    "asks: message %u is a request: %d", request, (int)is_open_request(request));
	if (!is_open_request(request)) {
		troupe_status status = troupe_answer_kept(&program.kept[slot], REF_TYPE, NULL, 0);

		ref_expect(status == TROUPE_INVALID, "asks: kept message %u, no request, is answered: %s",
		    request, troupe_status_name(status));
		return;
	}
	if (way % 3 != 2 &&
	    (answer = ref_new_message(REF_REPLY, 8, TROUPE_LANE_NORMAL, 0, take_script(in))) == 0)
		return;
	troupe_status status = answer_kept_now(&program.kept[slot], request, answer, way);
	ref_expect((program.kept[slot] == NULL) == (status != TROUPE_NOMEM),
	    "asks: kept request %u, %s, is at %p", request, troupe_status_name(status),
	    (void *)program.kept[slot]);
	note_reply(request, answer, way, status);
}
