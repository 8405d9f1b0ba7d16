/* SPDX-License-Identifier: MIT */
#include "tests/model/checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/*
 * search -- the threads as coroutines, the choices, and their search: depth
 * first, by running the case again with the same choices up to the last that
 * has an alternative.
 */

checker *model_checker;
#define m model_checker

/* The program's own data, from the linker; all of it is put back before each execution. */
extern char __data_start, _end;

enum { NEVER_EXPLORED = -1 };

/* --- Choices. --- */

static void
record(char kind, unsigned first, unsigned second)
{
	if (m->choices == STEPS)
		model_report("an execution does not end", __FILE__, __LINE__);
	m->choice[m->choices++] = (choice){ kind, (uint8_t)first, (uint16_t)second };
}

/* The next number of the choices on the command line. */
static unsigned
next_replayed(char kind)
{
	char *end = NULL;

	if (*m->replay != kind || (strtoul(m->replay + 1, &end, 10), end == m->replay + 1)) {
		fprintf(stderr, "these choices do not belong to this case: %s\n", m->replay);
		exit(2);
	}
	unsigned number = (unsigned)strtoul(m->replay + 1, NULL, 10);
	m->replay = end;
	return number;
}

static unsigned
highest(uint64_t mask)
{
	return 63u - (unsigned)__builtin_clzll(mask);
}

/* The node of this choice: one that is run again, or a new one. */
static node *
next_node(bool is_thread, uint64_t mask, unsigned first)
{
	if (m->depth == NODES)
		model_report("an execution has more choices than the checker keeps", __FILE__, __LINE__);
	node *n = &m->node[m->depth++];

	if (m->depth <= m->nodes)
		return n;
	m->nodes = m->depth;
	*n = (node){ .is_thread = is_thread,
		.chosen = (uint8_t)first,
		.left = mask & ~(UINT64_C(1) << first) };
	for (unsigned i = 0; is_thread && i < m->threads; i++) {
		n->explored[i] = m->thread[i].explored;
		n->stamp[i] = (int)model_stamp(&m->thread[i]);
	}
	return n;
}

unsigned
model_pick(uint64_t mask, uint64_t all)
{
	bool is_open = (all & (all - 1)) != 0;

	if (m->is_settling)
		return highest(all);
	if (m->replays)
		return is_open ? next_replayed('=') : highest(all);
	unsigned chosen = highest(mask);

	if ((mask & (mask - 1)) != 0)
		chosen = next_node(false, mask, chosen)->chosen;
	if (is_open)
		record('=', 0, chosen);
	return chosen;
}

/* Grows whenever something is done that the thread's next operation could notice. */
unsigned
model_stamp(const thread *t)
{
	return (t->at != NULL ? t->at->count : 0) + (t->and_at != NULL ? t->and_at->count : 0);
}

/* Begin the next choice, if there is one that has an alternative. */
static bool
go_back(void)
{
	for (; m->nodes > 0; m->nodes--) {
		node *n = &m->node[m->nodes - 1];

		if (n->left == 0)
			continue;
		if (n->is_thread)
			n->explored[n->chosen] = n->stamp[n->chosen];
		n->chosen = (uint8_t)highest(n->left);
		n->left &= ~(UINT64_C(1) << n->chosen);
		return true;
	}
	return false;
}

/* --- Coroutines. --- */

static void
run_thread(void)
{
	thread *t = &m->thread[m->running];

	/* Each execution begins here again; what was left on the stack is forgotten. */
	(void)_setjmp(t->begin);
	m->what->threads[m->running].work();
	t = &m->thread[m->running];
	t->has_ended = true;
	t->next = NOTHING;
	t->at = t->and_at = NULL;
	_longjmp(m->search, 1);
}

static void
begin_thread(thread *t)
{
	static ucontext_t from, to;

	if (t->stack != NULL)
		_longjmp(t->begin, 1);
	t->stack = calloc(1, STACK);
	if (t->stack == NULL || getcontext(&to) != 0)
		abort();
	to.uc_stack.ss_sp = t->stack;
	to.uc_stack.ss_size = STACK;
	to.uc_link = NULL;
	makecontext(&to, run_thread, 0);
	swapcontext(&from, &to);
}

/* Let the thread go on until it is about to do something that others could notice. */
static void
resume(unsigned number)
{
	thread *t = &m->thread[number];

	m->running = (int)number;
	m->last = (int)number;
	if (_setjmp(m->search) == 0) {
		if (t->has_begun)
			_longjmp(t->here, 1);
		t->has_begun = true;
		begin_thread(t);
	}
	m->running = -1;
	record('t', number, t->operations);
}

void
model_pause(enum operation next, place *at, place *and_at, bool writes_sc)
{
	thread *t = &m->thread[m->running];

	t->next = next;
	t->at = at;
	t->and_at = and_at;
	t->writes_sc = writes_sc;
	if (_setjmp(t->here) == 0)
		_longjmp(m->search, 1);
}

void
model_leave(enum outcome outcome)
{
	m->outcome = outcome;
	_longjmp(m->search, 1);
}

/* --- One execution. --- */

static bool
has_news(const thread *t)
{
	for (unsigned i = 0; i < t->reads_before; i++)
		if (m->place[t->before[i].place].count - 1 > t->before[i].index)
			return true;
	return false;
}

static bool
can_go_on(const thread *t)
{
	bool waits = t->next == NOTHING || t->next == SPIN || t->next == WAIT_ASLEEP;

	return !waits && !(t->next == TAKE_LOCK && t->at->holder >= 0);
}

/* Those that nobody can notice going on: who has begun to spin and would see something new, or was roused. */
static void
run_unnoticed(void)
{
	for (unsigned i = 0; i < m->threads && m->outcome == GOES_ON; i++) {
		thread *t = &m->thread[i];

		if ((t->next == SPIN && has_news(t)) || t->next == ROUSED)
			resume(i);
	}
}

static uint64_t
able_threads(bool awake)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < m->threads; i++) {
		const thread *t = &m->thread[i];

		if (can_go_on(t) && !(awake && m->leaves_out && t->explored != NEVER_EXPLORED &&
					t->explored == (int)model_stamp(t)))
			mask |= UINT64_C(1) << i;
	}
	return mask;
}

/* Who may go on: only the last, if he can and has been preempted as often as the case allows. */
static uint64_t
within_bound(uint64_t mask)
{
	bool last_can = m->last >= 0 && (mask >> m->last & 1) != 0;

	return last_can && m->what->preemptions != 0 && m->preempted == m->what->preemptions
		   ? UINT64_C(1) << m->last
		   : mask;
}

/* The thread to go on. */
static unsigned
choose_thread(uint64_t mask)
{
	unsigned chosen = m->last >= 0 && (mask >> m->last & 1) != 0 ? (unsigned)m->last : highest(mask);

	if ((mask & (mask - 1)) != 0) {
		const node *n = next_node(true, mask, chosen);

		chosen = n->chosen;
		for (unsigned i = 0; i < m->threads; i++)
			m->thread[i].explored = n->explored[i];
	}
	return chosen;
}

/* Nobody can go on: the wait that ends first ends by time. */
static bool
let_time_pass(void)
{
	thread *first = NULL;

	for (unsigned i = 0; m->what->times_out && i < m->threads; i++) {
		thread *t = &m->thread[i];

		if (t->next == WAIT_ASLEEP && t->may_time_out &&
		    (first == NULL || t->deadline < first->deadline))
			first = t;
	}
	if (first == NULL)
		return false;
	if (m->now < first->deadline)
		m->now = first->deadline;
	model_rouse(first, true);
	record('~', 0, 0);
	return true;
}

/* All wait or have ended. */
static void
come_to_rest(void)
{
	unsigned ended = 0, spin = 0, may_give_up = 0;

	for (unsigned i = 0; i < m->threads; i++) {
		ended += m->thread[i].has_ended;
		spin += m->thread[i].next == SPIN;
		may_give_up += m->thread[i].next == SPIN && m->thread[i].may_give_up;
	}
	m->outcome = ENDED;
	/* Its waiting in vain is what giving up is for: that is another choice. */
	if (may_give_up > 0) {
		m->outcome = REDUNDANT;
		return;
	}
	if (spin > 0 || (ended < m->threads && m->what->at_rest == NULL))
		model_report("threads wait for ever", __FILE__, __LINE__);
	if (ended < m->threads)
		m->what->at_rest();
	if (m->what->at_end != NULL)
		m->what->at_end();
}

static void
go_on(void)
{
	while (run_unnoticed(), m->outcome == GOES_ON) {
		uint64_t mask = able_threads(true);

		if (mask == 0 && able_threads(false) != 0) {
			m->outcome = REDUNDANT;
		} else if (mask == 0) {
			if (!let_time_pass())
				come_to_rest();
		} else {
			unsigned last = (unsigned)m->last, chosen = choose_thread(within_bound(mask));
			thread *t = &m->thread[chosen];

			m->preempted += m->last >= 0 && chosen != last && (mask >> last & 1) != 0;

			t->begin_at = t->next == LOAD || t->next == COMPARE
					  ? (unsigned)(t->explored > 0 && m->leaves_out ? t->explored : 0)
					  : 0;
			t->explored = NEVER_EXPLORED;
			m->steps++;
			resume((unsigned)(t - m->thread));
		}
	}
}

/* The execution that a report told of: what is picked on the way stands before each thread's way. */
static void
replay_all(void)
{
	while (*m->replay != '\0') {
		const char *picks = m->replay;

		m->replay += strspn(m->replay, "=0123456789");
		if (*m->replay == '~') {
			m->replay++;
			(void)let_time_pass();
			continue;
		}
		unsigned number = next_replayed('t') % m->threads;
		unsigned until = next_replayed(':');
		const char *rest = m->replay;

		m->replay = picks;
		do
			resume(number);
		while (m->thread[number].operations < until && !m->thread[number].has_ended);
		m->replay = rest;
	}
	come_to_rest();
}

static void
begin_execution(void)
{
	memmove(&__data_start, m->snapshot, (size_t)(&_end - &__data_start));
	memset(m->heap, 0, m->heap_used);
	m->heap_used = 0;
	m->execution++;
	m->outcome = GOES_ON;
	m->running = m->last = -1;
	m->depth = m->choices = m->events = m->names = 0;
	m->early = m->what->early;
	m->preempted = 0;
	m->leaves_out = !m->is_plain && m->what->preemptions == 0;
	m->now = 0;
	for (unsigned i = 0; i < m->threads; i++) {
		thread *t = &m->thread[i];

		memset(&t->clock, 0, sizeof *t - offsetof(thread, clock));
		t->has_begun = t->has_ended = false;
		t->clock[i] = 1;
		t->explored = NEVER_EXPLORED;
	}
}

static void
settle(void)
{
	m->is_settling = true;
	for (unsigned i = 0; i < m->what->settled; i++)
		do
			resume(i);
		while (m->outcome == GOES_ON && can_go_on(&m->thread[i]));
	m->is_settling = false;
	m->choices = 0;
}

static void
run_execution(void)
{
	begin_execution();
	if (m->what->set_up != NULL)
		m->what->set_up();
	/* What the harness touched alone is where the threads begin. */
	m->execution++;
	settle();
	if (m->replays) {
		replay_all();
		return;
	}
	for (unsigned i = m->what->settled; i < m->threads && m->outcome == GOES_ON; i++)
		resume(i);
	go_on();
}

/* --- A case. --- */

static double
seconds_now(void)
{
	struct timespec now;

	(void)timespec_get(&now, TIME_UTC);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void
show_progress(double began)
{
	if (m->complete % 65536 == 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "\r    %" PRIu64 " executions, %.0f s \r", m->complete,
		    seconds_now() - began);
}

static void
search_case(const model_case *what, double began)
{
	m->what = what;
	m->complete = m->redundant = m->steps = 0;
	m->nodes = m->places = 0;
	m->outcomes = m->distinct = m->room = 0;
	free(m->classes);
	m->classes = NULL;
	memset(m->index, 0, sizeof m->index);
	for (m->threads = 0; m->threads < MODEL_THREADS && what->threads[m->threads].name != NULL;)
		m->threads++;
	do {
		run_execution();
		if (m->outcome == SHARED_MORE) {
			/* One more place to choose at: from the beginning. */
			m->complete = m->redundant = m->steps = m->outcomes = 0;
			m->nodes = 0;
		}
		if (m->is_plain && m->outcome == ENDED)
			model_keep_class();
		m->complete += m->outcome == ENDED;
		m->redundant += m->outcome == REDUNDANT;
		show_progress(began);
	} while (m->outcome == SHARED_MORE || (!m->replays && go_back()));
}

static void
run_case(const char *core, const model_case *what)
{
	double began = seconds_now();

	printf("%s/%s: %s\n    within: %s\n", core, what->name, what->proves, what->bounds);
	fflush(stdout);
	if (_setjmp(m->failed) != 0) {
		printf("    failed as it must, after %" PRIu64 " executions\n", m->complete);
		return;
	}
	search_case(what, began);
	if (!m->replays && what->fails != NULL)
		model_report("no error was found where there is one", __FILE__, __LINE__);
	if (!m->replays && m->outcomes != what->outcomes) {
		fprintf(stderr, "    FAILED: came to the outcomes %#" PRIx64 ", not to %#" PRIx64 "\n",
		    m->outcomes, what->outcomes);
		exit(1);
	}
	if (m->is_plain)
		printf("    of the executions that follow, %zu are distinct\n", m->distinct);
	printf("    held in %" PRIu64 " executions (%" PRIu64 " more cut short as the same again), %" PRIu64
	       " steps, %u places; %.2f s\n",
	    m->complete, m->redundant, m->steps, m->places, seconds_now() - began);
}

static void
show_usage(const char *program)
{
	printf("usage: %s [--deep] [--plain] [CASE...] [--replay CHOICES]\n"
	       "       %s --list\n\n"
	       "Runs the named cases, or those that end within some seconds, and with --deep all.\n"
	       "  --plain   leave nothing out that is the same again, to test the checker (slow)\n"
	       "  --replay  run one case once, with the choices that a report gives\n",
	    program, program);
}

static void
begin_checker(void)
{
	m = calloc(1, sizeof *m);
	if (m != NULL) {
		m->heap = aligned_alloc(4096, HEAP);
		m->shadow = calloc(SHADOWS, sizeof *m->shadow);
		m->snapshot = malloc((size_t)(&_end - &__data_start));
	}
	if (m == NULL || m->heap == NULL || m->shadow == NULL || m->snapshot == NULL) {
		fprintf(stderr, "no memory for the checker\n");
		exit(2);
	}
	memset(m->heap, 0, HEAP);
	m->running = -1;
	memmove(m->snapshot, &__data_start, (size_t)(&_end - &__data_start));
}

static const model_case *
find_case(const char *name, const model_case *cases, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	fprintf(stderr, "no case is named %s: see --list\n", name);
	exit(2);
}

int
model_main(int argc, char **argv, const char *core, const model_case *cases, unsigned count)
{
	bool is_deep = false;
	unsigned named = 0;
	const model_case *chosen[64];

	begin_checker();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--deep") == 0) {
			is_deep = true;
		} else if (strcmp(argv[i], "--replay") == 0 && i + 1 < argc) {
			m->replay = argv[++i];
			m->replays = true;
		} else if (strcmp(argv[i], "--plain") == 0) {
			m->is_plain = true;
		} else if (strcmp(argv[i], "--list") == 0) {
			for (unsigned at = 0; at < count; at++)
				printf("%s%s\n", cases[at].name, cases[at].is_deep ? " (deep)" : "");
			return 0;
		} else if (argv[i][0] == '-' || named == 64) {
			show_usage(argv[0]);
			return strcmp(argv[i], "--help") == 0 ? 0 : 2;
		} else {
			chosen[named++] = find_case(argv[i], cases, count);
		}
	}
	for (unsigned i = 0; named == 0 && i < count; i++)
		if (is_deep || !cases[i].is_deep)
			run_case(core, &cases[i]);
	for (unsigned i = 0; i < named; i++)
		run_case(core, chosen[i]);
	return 0;
}
