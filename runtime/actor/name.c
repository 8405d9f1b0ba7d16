/* SPDX-License-Identifier: MIT */
#include "runtime/actor/name.h"

#include "runtime/actor/error.h"
#include "runtime/memory/fault.h"

#include <string.h>

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;

static void
show(tr_context *context, const char *name)
{
	/* CX-none: the lock orders it. */
	atomic_store_explicit(&context->running_name, name, memory_order_relaxed);
}

void
tr_name_show(tr_context *context, const troupe_actor *actor)
{
	const tr_extra *extra = tr_actor_extra(actor);

	if (extra == NULL || extra->name == NULL)
		return;
	pthread_mutex_lock(&names_lock);
	show(context, extra->name);
	pthread_mutex_unlock(&names_lock);
}

void
tr_name_hide(tr_context *context)
{
	/* CX-none: only this thread writes it. */
	if (TR_LIKELY(atomic_load_explicit(&context->running_name, memory_order_relaxed) == NULL))
		return;
	pthread_mutex_lock(&names_lock);
	show(context, NULL);
	pthread_mutex_unlock(&names_lock);
}

static void
replace(tr_context *context, tr_extra *extra, char *name)
{
	pthread_mutex_lock(&names_lock);
	char *before = extra->name;
	extra->name = name;
	show(context, name);
	pthread_mutex_unlock(&names_lock);
	tr_heap_give(before);
}

void
tr_name_drop(tr_context *context, troupe_actor *actor)
{
	tr_extra *extra = tr_actor_extra(actor);

	if (extra != NULL && extra->name != NULL)
		replace(context, extra, NULL);
}

void
tr_name_copy_running(tr_context *context, char name[TROUPE_NAME_MAX + 1])
{
	pthread_mutex_lock(&names_lock);
	/* CX-none: the lock orders it. */
	const char *running = atomic_load_explicit(&context->running_name, memory_order_relaxed);
	strcpy(name, running != NULL ? running : "");
	pthread_mutex_unlock(&names_lock);
}

const char *
tr_actor_name(const troupe_actor *actor)
{
	const tr_extra *extra = tr_actor_extra(actor);

	return extra != NULL && extra->name != NULL ? extra->name : "";
}

troupe_status
troupe_set_name(troupe_actor *self, const char *name)
{
	tr_context *context = tr_require_self(self, __func__);
	size_t length = name != NULL ? strnlen(name, TROUPE_NAME_MAX + 1) : 0;

	if (length > TROUPE_NAME_MAX)
		return tr_fail(TROUPE_INVALID, "an actor's name has at most %d bytes", TROUPE_NAME_MAX);
	if (length == 0) {
		tr_name_drop(context, self);
		return TROUPE_OK;
	}
	tr_extra *extra = tr_actor_make_extra(&context->cache, self);
	char *copy = extra != NULL ? tr_heap_take(length + 1) : NULL;

	if (copy == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for an actor's name");
	memcpy(copy, name, length + 1);
	replace(context, extra, copy);
	context->after |= TR_AFTER_FULL; /* so that the turn hides it when it is over (INV-NM-1) */
	return TROUPE_OK;
}

const char *
troupe_name(const troupe_actor *self)
{
	tr_require_self(self, __func__);
	return tr_actor_name(self);
}
