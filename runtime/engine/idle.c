/* SPDX-License-Identifier: MIT */
#include "runtime/engine/idle.h"

void
tr_idle_init(tr_idle *idle)
{
	/* ID-none: nobody else knows it yet. */
	atomic_store_explicit(&idle->word, 0, memory_order_relaxed);
}

uint64_t
tr_idle_load(const tr_idle *idle)
{
	/* OV-B: seq_cst, after the seq_cst store of the overflow count.  ID-A: acquire. */
	return atomic_load_explicit(&idle->word, memory_order_seq_cst);
}

static bool
take_ticket_while(tr_idle *idle, bool also_if_searching)
{
	uint64_t word = tr_idle_load(idle);

	while (tr_idle_parked(word) > 0 && (also_if_searching || tr_idle_searching(word) == 0)) {
		uint64_t after = word - TR_IDLE_PARKED + TR_IDLE_SEARCHING;

		/* OV-B: seq_cst, so that no load reads older than this; a failure re-reads and decides anew. */
		if (atomic_compare_exchange_weak_explicit(&idle->word, &word, after, memory_order_seq_cst,
		        memory_order_seq_cst))
			return true;
	}
	return false;
}

bool
tr_idle_take_ticket(tr_idle *idle)
{
	return take_ticket_while(idle, false);
}

bool
tr_idle_take_any_ticket(tr_idle *idle)
{
	return take_ticket_while(idle, true);
}

bool
tr_idle_begin_search(tr_idle *idle, uint32_t most)
{
	/* ID-none: a first guess, validated by the exchange. */
	uint64_t word = atomic_load_explicit(&idle->word, memory_order_relaxed);

	while (tr_idle_searching(word) < most)
		/* OV-B: seq_cst, as in take_ticket_while. */
		if (atomic_compare_exchange_weak_explicit(&idle->word, &word, word + TR_IDLE_SEARCHING,
		        memory_order_seq_cst, memory_order_relaxed))
			return true;
	return false;
}

bool
tr_idle_end_search(tr_idle *idle)
{
	/* OV-B: seq_cst; the caller looks at the queues after it (case ii). */
	uint64_t before = atomic_fetch_sub_explicit(&idle->word, TR_IDLE_SEARCHING, memory_order_seq_cst);

	return tr_idle_searching(before) == 1 && tr_idle_parked(before) > 0;
}

uint64_t
tr_idle_park(tr_idle *idle, bool was_searching)
{
	uint64_t change = TR_IDLE_PARKED - (was_searching ? TR_IDLE_SEARCHING : 0);

	/* OV-B: seq_cst; the caller looks at the queues after it.  ID-A: release, all that it did. */
	return atomic_fetch_add_explicit(&idle->word, change, memory_order_seq_cst) + change;
}
