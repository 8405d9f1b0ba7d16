/* SPDX-License-Identifier: MIT */
#include "runtime/actor/registry.h"

#include "runtime/actor/error.h"
#include "runtime/actor/post.h"
#include "runtime/actor/runtime.h"
#include "runtime/memory/fault.h"

#include <pthread.h>

#define BUCKETS 256

/* A name that somebody has. */
typedef struct entry {
	struct entry *next;
	troupe_ref owner;
	char name[];
} entry;

/* Somebody who waits for a name. */
typedef struct waiter {
	struct waiter *next;
	uint64_t token;     /* of the ask */
	troupe_ref asker;
	troupe_msg *reply;  /* made beforehand, so that telling cannot fail */
	char name[];
} waiter;

struct tr_registry {
	pthread_mutex_t lock;
	entry *entries[BUCKETS];
	waiter *waiters;
};

/* A cell of the owner's that holds a name. */
typedef struct name_cell {
	tr_cell cell;
	entry *entry;
} name_cell;

_Static_assert(sizeof(name_cell) <= TR_LARGE_CELL_USE, "a name fits a large cell");

/* FNV-1a (Fowler, Noll and Vo). */
static unsigned
bucket_of(const char *name)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
	return (hash ^ hash >> 16) % BUCKETS;
}

tr_registry *
tr_registry_create(void)
{
	tr_registry *registry = tr_heap_take_zeroed(sizeof *registry);

	if (registry != NULL && pthread_mutex_init(&registry->lock, NULL) != 0) {
		tr_heap_give(registry);
		return NULL;
	}
	return registry;
}

void
tr_registry_destroy(tr_registry *registry)
{
	pthread_mutex_destroy(&registry->lock);
	tr_heap_give(registry);
}

/* Length of a name that can be registered; 0 when it cannot. */
static size_t
length_of(const char *name)
{
	size_t length = name != NULL ? strnlen(name, TROUPE_NAME_MAX + 1) : 0;

	return length <= TROUPE_NAME_MAX ? length : 0;
}

static troupe_status
refuse_name(const char *call)
{
	return tr_fail(TROUPE_INVALID, "%s: a name has 1 to %d bytes, and an actor that registers one goes on", call,
	    TROUPE_NAME_MAX);
}

/* --- Under the lock. --- */

static entry **
find_entry(tr_registry *registry, const char *name)
{
	entry **at = &registry->entries[bucket_of(name)];

	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

/* Those who wait for the name leave the list; returned linked by next. */
static waiter *
take_waiters(tr_registry *registry, const char *name)
{
	waiter *taken = NULL, **end = &taken;

	for (waiter **at = &registry->waiters; *at != NULL;) {
		waiter *one = *at;

		if (strcmp(one->name, name) != 0) {
			at = &one->next;
			continue;
		}
		*at = one->next;
		one->next = NULL;
		*end = one;
		end = &one->next;
	}
	return taken;
}

/* --- Telling. --- */

static void
tell_waiter(tr_context *context, waiter *one, troupe_ref owner)
{
	tr_message_ticket(one->reply)->token = one->token;
	one->reply->sender = owner;
	if (tr_post(context, one->asker, one->reply) != TROUPE_OK)
		tr_message_release(&context->cache, one->reply);
	tr_heap_give(one);
}

static void
tell_all(tr_context *context, troupe *t, waiter *waiters, troupe_ref owner)
{
	for (waiter *next; waiters != NULL; waiters = next) {
		next = waiters->next;
		tell_waiter(context, waiters, owner);
	}
	tr_runtime_notify(t);
}

/* --- Names. --- */

/* Allocated and not yet in the table; NULL: out of memory. */
static name_cell *
take_name(tr_context *context, troupe_actor *self, const char *name, size_t length)
{
	entry *fresh = tr_heap_take(sizeof *fresh + length + 1);
	name_cell *cell = fresh != NULL ? (name_cell *)tr_cells_take(context, self, TR_LARGE_CELL, TR_TYPE_NAME) : NULL;

	if (cell == NULL) {
		tr_heap_give(fresh);
		return NULL;
	}
	fresh->owner = tr_context_self(context);
	memcpy(fresh->name, name, length + 1);
	cell->entry = fresh;
	return cell;
}

static void
give_name(tr_context *context, troupe_actor *actor, name_cell *cell)
{
	tr_heap_give(cell->entry);
	tr_cells_remove(context, actor, &cell->cell);
}

troupe_status
troupe_register(troupe_actor *self, const char *name)
{
	tr_context *context = tr_require_self(self, __func__);
	troupe *t = context->current_runtime;
	size_t length = length_of(name);

	if (length == 0 || tr_actor_is_ending(self))
		return refuse_name(__func__);
	name_cell *cell = take_name(context, self, name, length);
	if (cell == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory for a name");

	pthread_mutex_lock(&t->registry->lock);
	entry **at = find_entry(t->registry, name);
	troupe_ref owner = *at != NULL ? (*at)->owner : 0;
	waiter *waiters = owner == 0 ? take_waiters(t->registry, name) : NULL;
	cell->entry->next = NULL;
	if (owner == 0)
		*at = cell->entry;
	pthread_mutex_unlock(&t->registry->lock);

	if (owner == 0) {
		tell_all(context, t, waiters, tr_context_self(context));
		return TROUPE_OK;
	}
	give_name(context, self, cell);
	return owner == tr_context_self(context) ? TROUPE_OK
	                                         : tr_fail(TROUPE_TAKEN, "the name \"%.60s\" is taken", name);
}

void
tr_registry_end_name(tr_context *context, troupe *t, troupe_actor *actor, tr_cell *which)
{
	name_cell *cell = (name_cell *)which;

	pthread_mutex_lock(&t->registry->lock);
	entry **at = find_entry(t->registry, cell->entry->name);
	*at = cell->entry->next;
	pthread_mutex_unlock(&t->registry->lock);
	give_name(context, actor, cell);
}

troupe_status
troupe_unregister(troupe_actor *self, const char *name)
{
	tr_context *context = tr_require_self(self, __func__);
	const tr_extra *extra = tr_actor_extra(self);

	for (uint32_t unit = extra != NULL ? extra->cells : 0; unit != 0; unit = tr_cell_at(unit)->older) {
		const name_cell *cell = (const name_cell *)tr_cell_at(unit);

		if (cell->cell.msg.type != TR_TYPE_NAME || name == NULL || strcmp(cell->entry->name, name) != 0)
			continue;
		tr_registry_end_name(context, context->current_runtime, self, tr_cell_at(unit));
		return TROUPE_OK;
	}
	return tr_fail(TROUPE_INVALID, "%s: the name is not this actor's", __func__);
}

troupe_ref
troupe_lookup(troupe *t, const char *name)
{
	if (t == NULL || tr_process_is_forked() || length_of(name) == 0)
		return 0;
	pthread_mutex_lock(&t->registry->lock);
	const entry *found = *find_entry(t->registry, name);
	troupe_ref owner = found != NULL ? found->owner : 0;
	pthread_mutex_unlock(&t->registry->lock);
	return owner;
}

/* --- Waiting for one. --- */

/* NULL: out of memory. */
static waiter *
take_waiter(tr_context *context, const char *name, size_t length)
{
	troupe_msg *reply = tr_message_take_ticket(&context->cache, 0, NULL, 0);
	waiter *fresh = reply != NULL ? tr_heap_take(sizeof *fresh + length + 1) : NULL;

	if (fresh == NULL) {
		if (reply != NULL)
			tr_message_discard(&context->cache, reply);
		return NULL;
	}
	reply->flag_bits |= TR_MSG_REPLY;
	*fresh = (waiter){ .asker = tr_context_self(context), .reply = reply };
	memcpy(fresh->name, name, length + 1);
	return fresh;
}

static void
give_waiter(tr_context *context, waiter *one)
{
	tr_message_release(&context->cache, one->reply);
	tr_heap_give(one);
}

troupe_status
troupe_await_name(troupe_actor *self, const char *name, int64_t timeout_ns, troupe_on_answer *on_answer, void *user)
{
	tr_context *context = tr_require_self(self, __func__);
	tr_registry *registry = context->current_runtime->registry;
	size_t length = length_of(name);

	if (length == 0)
		return refuse_name(__func__);
	waiter *fresh = take_waiter(context, name, length);
	if (fresh == NULL)
		return tr_fail(TROUPE_NOMEM, "no memory to wait for a name");
	tr_ask *ask = tr_ask_begin(context, self, TR_TYPE_AWAIT, timeout_ns, on_answer, user);
	if (ask == NULL) {
		give_waiter(context, fresh);
		return troupe_last_error();
	}
	fresh->token = tr_cell_token(&ask->cell, fresh->asker);

	pthread_mutex_lock(&registry->lock);
	const entry *found = *find_entry(registry, name);
	troupe_ref owner = found != NULL ? found->owner : 0;
	if (owner == 0) {
		fresh->next = registry->waiters;
		registry->waiters = fresh;
	}
	pthread_mutex_unlock(&registry->lock);
	if (owner != 0)
		tell_waiter(context, fresh, owner);
	return TROUPE_OK;
}

void
tr_registry_end_wait(tr_context *context, troupe *t, const tr_ask *ask, char *name)
{
	uint64_t token = tr_cell_token(&ask->cell, ask->cell.msg.sender);
	waiter *found;

	pthread_mutex_lock(&t->registry->lock);
	waiter **at = &t->registry->waiters;
	while (*at != NULL && (*at)->token != token)
		at = &(*at)->next;
	found = *at;
	if (found != NULL)
		*at = found->next;
	pthread_mutex_unlock(&t->registry->lock);
	if (name != NULL)
		strcpy(name, found != NULL ? found->name : "");
	/* Else it has been told, and the reply is on its way. */
	if (found != NULL)
		give_waiter(context, found);
}

typedef struct search {
	troupe *t;
	const char *name;
	troupe_ref found;
} search;

static bool
is_found(void *argument)
{
	search *what = argument;

	what->found = troupe_lookup(what->t, what->name);
	return what->found != 0;
}

/* A dedicated actor may wait where workers go on; anybody else as for silence. */
static troupe_status
check_waiter(const troupe *t, const char *call)
{
	const tr_context *context = tr_current_context;

	if (t != NULL && context != NULL && context->current != NULL && tr_context_may_wait(context) &&
	    !tr_runtime_is_driven(t))
		return TROUPE_OK;
	return tr_runtime_check_call(t, call);
}

troupe_status
troupe_wait_for(troupe *t, const char *name, int64_t timeout_ns, troupe_ref *found)
{
	search what = { .t = t, .name = name };

	if (tr_process_init() != TROUPE_OK)
		return troupe_last_error();
	if (length_of(name) == 0 || found == NULL)
		return refuse_name(__func__);
	troupe_status status = check_waiter(t, __func__);
	if (status == TROUPE_OK)
		status = tr_runtime_wait_until(t, is_found, &what, timeout_ns);
	if (status == TROUPE_OK && what.found == 0)
		return tr_fail(TROUPE_CLOSING, "%s: the runtime is shut down", __func__);
	if (status == TROUPE_OK)
		*found = what.found;
	return status;
}
