/* SPDX-License-Identifier: MIT */
/* Its list of contexts is its own; here they are not allocated. */
#include "runtime/actor/context.c"

#include "tests/model/model.h"

/*
 * Going inside a runtime: threads that enter it by its number and leave it,
 * while another opens it, or bars it and destroys it.
 *
 * What a thread does inside is plain, and so is what the closer does when
 * nobody is inside: whoever overlaps with it is a race.
 */

enum { NUMBER = TR_RUNTIMES - 1, CONTEXTS = 2 };

static tr_context contexts[CONTEXTS];
static tr_visit visits[CONTEXTS][TR_RUNTIMES];
static troupe runtime;
static uint32_t done_by[CONTEXTS];

static void
list_contexts(void)
{
	for (int i = 0; i < CONTEXTS; i++) {
		contexts[i].visits = visits[i];
		contexts[i].after_it = all_contexts;
		all_contexts = &contexts[i];
		model_name(&visits[i][NUMBER].inside, sizeof visits[i][NUMBER].inside, "inside");
	}
	model_name(&enterable[NUMBER], sizeof enterable[NUMBER], "table");
	model_name(&runtime, sizeof runtime, "runtime");
}

static void
open_runtime(void)
{
	list_contexts();
	runtime.options.workers = 7;
	MODEL_CHECK(tr_runtime_publish(&runtime) == NUMBER);
}

static void
enter(unsigned index)
{
	const troupe *t = tr_runtime_enter(&contexts[index], NUMBER);

	model_outcome(t != NULL ? 0 : 1);
	if (t == NULL)
		return;
	MODEL_CHECK(t->options.workers == 7);
	done_by[index]++;
	tr_runtime_leave(&contexts[index], NUMBER);
}

static void
enter_1(void)
{
	enter(0);
}

static void
enter_2(void)
{
	enter(1);
}

static void
enter_twice(void)
{
	enter(0);
	enter(0);
}

static void
enter_nested(void)
{
	if (tr_runtime_enter(&contexts[0], NUMBER) == NULL)
		return;
	enter(0);
	done_by[0]++;
	tr_runtime_leave(&contexts[0], NUMBER);
}

static void
publish(void)
{
	runtime.options.workers = 7;
	MODEL_CHECK(tr_runtime_publish(&runtime) == NUMBER);
}

/* It looks twice; in close.c, until nobody is inside. */
static void
destroy(void)
{
	tr_runtime_bar(NUMBER);
	if (tr_runtime_is_entered(NUMBER) && tr_runtime_is_entered(NUMBER))
		return;
	model_outcome(2);
	runtime.options.workers = 0;
	done_by[0] = done_by[1] = 0;
	tr_runtime_forget(NUMBER);
}

#define NOBODY_INSIDE "a runtime is destroyed when nobody is inside it, and nobody enters it after"

static const model_case cases[] = {
	{
	    .name = "enter",
	    .proves = NOBODY_INSIDE,
	    .bounds = "2 threads that enter once; 1 closer, which looks twice",
	    .set_up = open_runtime,
	    .threads = { { "thread 1", enter_1 }, { "thread 2", enter_2 }, { "closer", destroy } },
	    .outcomes = 0x7,
	},
	{
	    .name = "again",
	    .proves = NOBODY_INSIDE,
	    .bounds = "1 thread that enters twice; 1 closer, which looks twice",
	    .set_up = open_runtime,
	    .threads = { { "thread", enter_twice }, { "closer", destroy } },
	    .outcomes = 0x7,
	},
	{
	    .name = "nested",
	    .proves = NOBODY_INSIDE,
	    .bounds = "1 thread that enters while it is inside; 1 closer, which looks twice",
	    .set_up = open_runtime,
	    .threads = { { "thread", enter_nested }, { "closer", destroy } },
	    .outcomes = 0x7,
	},
	{
	    .name = "publish",
	    .proves = "who enters a runtime sees how it was opened",
	    .bounds = "1 thread that enters; 1 that opens",
	    .set_up = list_contexts,
	    .threads = { { "thread", enter_1 }, { "opener", publish } },
	    .outcomes = 0x3,
	},
};

int
main(int argc, char **argv)
{
	return model_main(argc, argv, "enter", cases, sizeof cases / sizeof *cases);
}
