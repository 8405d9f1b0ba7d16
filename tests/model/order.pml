/* SPDX-License-Identifier: MIT */
/*
 * order -- what a thread may rely on: happens-before, for models.
 *
 * Spin interleaves whole steps, and alone would not tell a release from a
 * relaxed store.  So the models count knowledge.  Each plain (not atomic)
 * piece of data is a bit; each thread and each atomic location has the set of
 * those whose last access is ordered before what it does next, or before what
 * who acquires the location does next.  A plain access asserts that the
 * thread has the bit, and takes it from everybody else: two accesses that no
 * edge orders fail the assertion, in whichever order they happen to come.
 *
 * The model that includes this defines ENTITIES, how many threads and
 * locations there are, threads first, and FACTS, all bits.  These are for use
 * inside d_step.
 *
 *   touch            a plain access that conflicts with later ones
 *   look             a plain access that conflicts with nothing but touch, and
 *                    that whoever touches next knows to be over by itself
 *   acquire          a load, or the load of an exchange
 *   release          a store: it begins a release sequence
 *   release_change   a read-modify-write: it continues those before it
 *   relaxed_store    a store that ends them; a relaxed change is no step here
 */

int knows[ENTITIES];
hidden byte each_;

inline everybody_knows()
{
	each_ = 0;
	do
	:: each_ < ENTITIES -> knows[each_] = FACTS; each_++
	:: else -> break
	od;
	each_ = 0
}

inline look(who, what)
{
	assert((knows[who] & (what)) == (what))
}

inline touch(who, what)
{
	look(who, what);
	each_ = 0;
	do
	:: each_ < ENTITIES && each_ != (who) -> knows[each_] = knows[each_] & ~(what); each_++
	:: each_ < ENTITIES && each_ == (who) -> each_++
	:: each_ >= ENTITIES -> break
	od;
	each_ = 0
}

#define acquire(who, at)        knows[who] = knows[who] | knows[at]
#define release(who, at)        knows[at] = knows[who]
#define release_change(who, at) knows[at] = knows[at] | knows[who]
#define relaxed_store(at)       knows[at] = 0
