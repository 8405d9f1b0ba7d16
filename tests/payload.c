/* SPDX-License-Identifier: MIT */
#include "tests/payload.h"

static void
destroy_payload(void *body, size_t size)
{
	payload *p = body;
	const unsigned char *rest = (const unsigned char *)(p + 1);
	bool right = p->size == size;

	for (size_t i = 0; right && i < size - sizeof *p; i++)
		right = rest[i] == (unsigned char)size;
	sys_add(&p->fate->destroyed, 1);
	if (!right)
		sys_add(&p->fate->wrong, 1);
	/* Whoever destroys it twice, or reads it later, is to notice. */
	memset(body, 0xdd, sizeof *p);
}

static void
fill_payload(void *body, size_t size, payload_fate *fate)
{
	payload *p = body;

	*p = (payload){ fate, size };
	memset(p + 1, (int)(unsigned char)size, size - sizeof *p);
}

const size_t payload_sizes[PAYLOAD_SIZES] = { sizeof(payload), 17, 100, 5000, 65536, 300000 };

troupe_msg *
payload_message(uint32_t type, size_t size, payload_fate *fate)
{
	troupe_msg *msg = troupe_msg_new(type, size, destroy_payload);

	if (msg != NULL)
		fill_payload(troupe_msg_fill(msg), size, fate);
	return msg;
}

troupe_shared *
payload_block(size_t size, payload_fate *fate)
{
	troupe_shared *block = troupe_shared_new(size, destroy_payload);

	if (block != NULL)
		fill_payload(troupe_shared_bytes(block), size, fate);
	return block;
}

void
payload_send(troupe_ref to, uint32_t type, size_t size, payload_fate *fate)
{
	troupe_msg *msg = payload_message(type, size, fate);

	ck_assert_ptr_nonnull(msg);
	sys_assert_status(troupe_send_msg(to, &msg), TROUPE_OK);
}

static void
check_done(payload_doer *d, bool worked)
{
	if (!worked)
		sys_add(&d->failed, 1);
}

static void
do_with_block(payload_doer *d, const troupe_msg *msg)
{
	troupe_shared *block = troupe_msg_shared(msg);

	check_done(d, block != NULL && troupe_shared_bytes(block) == msg->body);
	if (msg->type == RETAIN_BLOCK) {
		troupe_shared_retain(block);
		d->block = block;
	} else {
		check_done(d, troupe_send_shared(d->next, JUST_HANDLE, block) == TROUPE_OK);
	}
}

static void
keep_and_send(troupe_actor *self, payload_doer *d)
{
	troupe_msg *kept = troupe_keep(self);

	check_done(d, kept != NULL && troupe_send_msg(d->next, &kept) == TROUPE_OK && kept == NULL);
	troupe_msg_free(&kept);
}

static void
do_it(troupe_actor *self, void *state, const troupe_msg *msg)
{
	payload_doer *d = *(payload_doer **)state;
	troupe_msg *kept;

	switch (msg->type) {
	case KEEP_AND_FREE:
		kept = troupe_keep(self);
		check_done(d, kept == msg);
		troupe_msg_free(&kept);
		break;
	case KEEP_FOR_LATER:
		check_done(d, d->kept == NULL);
		d->kept = troupe_keep(self);
		break;
	case DROP_KEPT:
		troupe_msg_free(&d->kept);
		break;
	case KEEP_AND_SEND:
		keep_and_send(self, d);
		break;
	case FORWARD:
		if (troupe_forward(self, d->next) == TROUPE_OK)
			check_done(d,
			    troupe_keep(self) == NULL && troupe_forward(self, d->next) == TROUPE_INVALID);
		else
			check_done(d, false);
		break;
	case FORWARD_TO_NOBODY:
		check_done(d, troupe_forward(self, 0) == TROUPE_INVALID);
		check_done(d, troupe_forward(self, d->next) == TROUPE_DEAD);
		break;
	case DO_NOT_KNOW:
		troupe_unhandled(self, msg);
		break;
	case HOLD_UP:
		sys_gate_pass(d->gate);
		break;
	case STOP_NOW:
		troupe_stop_self(self, TROUPE_STOP_NOW);
		break;
	case KEEP_TWICE:
		kept = troupe_keep(self);
		check_done(d, troupe_keep(self) == NULL);
		troupe_msg_free(&kept);
		break;
	case RETAIN_BLOCK:
	case SEND_BLOCK_ON:
		do_with_block(d, msg);
		break;
	default:
		break;
	}
}

static void
stop_doer(troupe_actor *self, void *state, troupe_reason reason)
{
	payload_doer *d = *(payload_doer **)state;

	(void)self;
	(void)reason;
	troupe_msg_free(&d->kept);
}

const troupe_class doer_class = {
	.name = "doer",
	.state_size = sizeof(payload_doer *),
	.start = sys_start_with_pointer,
	.receive = do_it,
	.stop = stop_doer,
};

const troupe_class careless_class = {
	.name = "careless doer",
	.state_size = sizeof(payload_doer *),
	.start = sys_start_with_pointer,
	.receive = do_it,
};

static void
count_it(troupe_actor *self, void *state, const troupe_msg *msg)
{
	payload_doer *d = *(payload_doer **)state;
	const payload *p = msg->body;

	(void)self;
	sys_add(&d->failed, sys_get(&p->fate->destroyed) != 0);
}

const troupe_class end_class = {
	.name = "end",
	.state_size = sizeof(payload_doer *),
	.start = sys_start_with_pointer,
	.receive = count_it,
};
