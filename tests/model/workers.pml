/* SPDX-License-Identifier: MIT */
/*
 * workers -- the workers of a pool, the idle word and the overflow queue, as
 * park.pml says; for models that include this.
 *
 * A loop of compare-and-exchange on the idle word is one step: what it does
 * depends on the word's value alone, and it takes effect at the exchange that
 * succeeds or at the load that ends it.  Rings are proved in ring.pml: here
 * each push, pop and steal is one step.
 *
 * The model that includes this defines WORKERS, run_actor(me) and
 * on_all_parked(), before_park(); and its workers' variables got, is_searching, ticket, early,
 * early_count, early_stop, last, i, seen.
 */

#ifndef RINGS
#define RINGS 1
#endif

#define MOST_SEARCH 1 /* of 2 or 3 workers */

#define RUNNING 0
#define PARKED  1
#define SEARCH  2

byte searching, parked;    /* the idle word */
byte count;                /* the overflow queue */
bit locked;
bit stopping;
byte parker[WORKERS] = RUNNING;
bit in_kernel[WORKERS];
byte ring[WORKERS];        /* entries */
hidden byte i_;

#define check_idle_word() assert(searching + parked <= WORKERS)

/* --- Waking. --- */

inline use_ticket()
{
	i = 0;
	do
	:: d_step { /* WK-A */
			ticket = (parker[i] == PARKED);
#ifdef USE_TICKET_WITHOUT_COMPARE
			ticket = 1;
			parker[i] = SEARCH;
#endif
			if
			:: ticket ->
#ifdef WAKE_BEFORE_SEARCH
				in_kernel[i] = 0
#else
				parker[i] = SEARCH
#endif
			:: else -> i = (i + 1 < WORKERS -> i + 1 : 0)
			fi
		}
		if
		:: ticket ->
#ifdef WAKE_BEFORE_SEARCH
			parker[i] = SEARCH;
#else
			in_kernel[i] = 0;
#endif
			break
		:: else
		fi
	od;
	atomic { i = 0; ticket = 0 }
}

#define wants_wake (parked > 0 && searching == 0)

inline wake_one()
{
	d_step { /* OV-B */
		ticket = wants_wake;
		if
		:: ticket -> parked--; searching++; check_idle_word()
		:: else
		fi
	}
	if
	:: ticket -> use_ticket()
	:: else
	fi
}

/* A ticket whoever searches. */
inline take_any_ticket()
{
	d_step { /* OV-B */
		ticket = (parked > 0);
		if
		:: ticket -> parked--; searching++; check_idle_word()
		:: else
		fi
	}
}

inline wake_all()
{
	do
	:: take_any_ticket();
		if
		:: ticket -> use_ticket()
		:: else -> break
		fi
	od
}

/* --- The overflow queue. --- */

#ifdef WEAK_OV_B_PUT
/* One store of a count, and the unlock that must come after it. */
bit buffered;

proctype store_buffer()
{
end:	do
	:: d_step { buffered -> buffered = 0; count++; locked = 0 }
	od
}
#endif

inline tr_pool_put()
{
#ifdef WEAK_OV_B_WORD
	if /* the load trades places with the store */
	:: early = !wants_wake
	:: skip
	fi;
#endif
	d_step { !locked -> locked = 1 } /* OV-A */
#ifdef WEAK_OV_B_PUT
	buffered = 1;
	early = !wants_wake;
	if
	:: early
	:: !early -> !buffered /* an exchange empties the buffer */
	fi;
#else
	count++; /* OV-B */
	locked = 0;
#endif
	if
	:: early
	:: else ->
#ifdef PUTTER_IS_SILENT
		skip
#else
		wake_one()
#endif
	fi
}

/* One actor. */
inline tr_overflow_take()
{
	if
	:: count == 0 /* OV-none */
	:: else ->
		d_step { !locked -> locked = 1; got = (count > 0) } /* OV-A */
		count = count - got; /* OV-B */
		locked = 0
	fi
}

/* --- Choosing. --- */

inline try_next(me)
{
#if RINGS
	d_step {
		got = (ring[me] > 0);
		ring[me] = ring[me] - got
	}
	if
	:: got
	:: else -> tr_overflow_take()
	fi
#else
	tr_overflow_take()
#endif
}

inline begin_search()
{
	d_step { /* OV-B */
		is_searching = (searching < MOST_SEARCH);
		searching = searching + is_searching
	}
}

inline end_search(was_last)
{
	d_step { /* OV-B */
		assert(searching > 0);
		was_last = (searching == 1 && parked > 0);
		searching--
	}
}

#if WORKERS == 1
#define any_ring_has_work (ring[0] > 0)
#elif WORKERS == 2
#define any_ring_has_work (ring[0] + ring[1] > 0)
#else
#define any_ring_has_work (ring[0] + ring[1] + ring[2] > 0)
#endif

inline search(me)
{
#if RINGS
	i = 0;
	do
	:: i < WORKERS && !got ->
		d_step {
			got = (i != me && ring[i] > 0);
			ring[i] = ring[i] - got;
			i++
		}
	:: else -> break
	od;
	i = 0;
	if
	:: got
	:: else -> tr_overflow_take()
	fi;
#else
	tr_overflow_take();
#endif
	if
	:: got ->
		end_search(early);
		if
#ifndef LAST_SEARCHER_IS_SILENT
		:: early -> early = 0;
			if
			:: count > 0 || any_ring_has_work -> wake_one() /* OV-B */
			:: else
			fi
#endif
		:: else -> early = 0
		fi
	:: else
	fi
}

/* --- Parking. --- */

inline unpark_self(me)
{
	take_any_ticket();
	if
	:: ticket ->
		d_step { /* WK-A */
			if
			:: parker[me] == PARKED -> parker[me] = RUNNING; ticket = 0
			:: else
			fi
		}
		if
		:: ticket ->
#ifdef TICKET_NOT_PASSED_ON
			ticket = 0
#else
			use_ticket()
#endif
		:: else
		fi;
		seen = 1
	:: else -> seen = 0
	fi
}

/* seen: it is a searcher again. */
inline begin_park(me)
{
	assert(ring[me] == 0); /* INV-WK-1 */
	parker[me] = PARKED;   /* WK-none */
#ifdef WEAK_OV_B_PARK
	if /* the load trades places with the exchange */
	:: early_count = (count == 0)
	:: skip
	fi;
#endif
#ifdef WEAK_WK_B_LOOK
	if
	:: early_stop = !stopping
	:: skip
	fi;
#endif
#ifdef PARK_LOOKS_FIRST
	d_step { early_count = (count == 0); early_stop = !stopping }
#endif
	before_park();
	d_step { /* OV-B */
		parked++;
#ifndef PARK_COUNTS_BUT_SEARCHES
		searching = searching - is_searching;
#endif
		is_searching = 0;
		last = (parked == WORKERS);
		check_idle_word()
	}
	seen = 0;
#ifndef PARK_WITHOUT_LOOK
	seen = (count > 0 && !early_count); /* OV-B */
#endif
	if
	:: seen
	:: else -> seen = (stopping && !early_stop) /* WK-B */
	fi;
	d_step { early_count = 0; early_stop = 0 }
	if
	:: seen -> unpark_self(me)
	:: else
	fi;
	if
	:: !seen && last -> on_all_parked()
	:: else
	fi;
	last = 0
}

inline park(me)
{
	begin_park(me);
	if
	:: seen
	:: else ->
		early = 1; /* the first sleep is short */
		do
		:: parker[me] != PARKED -> break /* WK-A */
		:: else ->
#ifdef SLEEP_WITHOUT_COMPARE
			in_kernel[me] = 1;
#else
			d_step { in_kernel[me] = (parker[me] == PARKED) }
#endif
end_asleep:		if
			:: !in_kernel[me]
			:: early && in_kernel[me] -> in_kernel[me] = 0
			fi;
#if RINGS
			if
			:: early && parker[me] == PARKED && any_ring_has_work ->
				unpark_self(me);
				if
				:: seen -> break
				:: else
				fi
			:: else
			fi;
#endif
			early = 0
		od
	fi;
	parker[me] = RUNNING; /* WK-none */
	d_step { early = 0; seen = 0; is_searching = 1 }
}

inline next_slow(me)
{
	do
	:: stopping -> break /* WK-none */
	:: !stopping ->
		try_next(me);
		if
		:: got
		:: else ->
			begin_search();
			do
			:: stopping -> break /* WK-B */
			:: !stopping ->
				if
				:: is_searching -> search(me)
				:: else
				fi;
				if
				:: got -> is_searching = 0; break
				:: else -> park(me)
				fi
			od;
			if
			:: !got && is_searching -> d_step { assert(searching > 0); searching--; is_searching = 0 } /* OV-B */
			:: else
			fi
		fi;
		if
		:: got -> run_actor(me)
		:: else
		fi
	od
}
