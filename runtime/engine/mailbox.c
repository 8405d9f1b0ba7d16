/* SPDX-License-Identifier: MIT */
#include "runtime/engine/mailbox.h"

uint32_t
tr_mailbox_seize(tr_mailbox *mailbox, uint32_t generation)
{
	/* MB-none: a first guess, validated by the exchange. */
	uint64_t word = atomic_load_explicit(&mailbox->word, memory_order_relaxed);

	for (;;) {
		uint32_t newest = (uint32_t)word & TR_MAILBOX_NEWEST;

		if (tr_mailbox_generation(word) != generation || newest == TR_MAILBOX_EMPTY || newest >= TR_MAILBOX_CLOSED)
			return 0;
		/* MB-A: acquire, receives the messages. */
		if (atomic_compare_exchange_weak_explicit(&mailbox->word, &word,
		        tr_mailbox_word(generation, TR_MAILBOX_EMPTY), memory_order_acquire, memory_order_relaxed))
			return (uint32_t)word;
	}
}

bool
tr_mailbox_try_close(tr_mailbox *mailbox, uint32_t generation)
{
	uint64_t empty = tr_mailbox_word(generation, TR_MAILBOX_EMPTY);

	/* MB-none: nothing is received, and nobody can own the slot through this word any more. */
	return atomic_compare_exchange_strong_explicit(&mailbox->word, &empty,
	    tr_mailbox_word(generation + 1, TR_MAILBOX_CLOSED), memory_order_relaxed, memory_order_relaxed);
}
