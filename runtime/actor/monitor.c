/* SPDX-License-Identifier: MIT */
#include "runtime/actor/monitor.h"

#include "runtime/actor/error.h"
#include "runtime/actor/post.h"
#include "runtime/actor/report.h"

#include <inttypes.h>

typedef struct tr_watcher {
	troupe_msg msg;
	tr_tail tail;        /* holds the texts of the notice */
	troupe_down down;    /* its body */
	troupe_ref watcher;
	uint32_t newer, older;
	uint32_t spare;      /* an extra, on the way to the watched actor */
	bool is_link;
} tr_watcher;

#define WATCHER_CLASS 1
_Static_assert(sizeof(tr_watcher) <= TR_UNIT << WATCHER_CLASS, "a watcher fits its slot");

typedef struct monitoring_cell {
	tr_cell cell;
	troupe_ref who;
	uint32_t watcher; /* its unit: a name for it, to be read only by the watched actor */
} monitoring_cell;

_Static_assert(sizeof(monitoring_cell) <= TR_LARGE_CELL_USE, "a monitoring fits a large cell");

static tr_watcher *
watcher_at(uint32_t unit)
{
	return tr_message_at(unit);
}

/* --- The watched actor. --- */

void
tr_monitor_add(tr_context *context, troupe_actor *actor, troupe_msg *msg)
{
	tr_watcher *watcher = (tr_watcher *)msg;

	if (actor->extra == 0) {
		*(tr_extra *)tr_message_at(watcher->spare) = (tr_extra){ .msg.flag_bits = TR_EXTRA_CLASS };
		actor->extra = watcher->spare;
	} else {
		tr_cache_give_message(&context->cache, TR_EXTRA_CLASS, watcher->spare);
	}
	tr_extra *extra = tr_actor_extra(actor);

	watcher->newer = 0;
	watcher->older = extra->watchers;
	if (extra->watchers != 0)
		watcher_at(extra->watchers)->newer = tr_message_unit(msg);
	extra->watchers = tr_message_unit(msg);
}

/* A watcher leaves the list, and goes. */
static void
remove_watcher(tr_context *context, tr_extra *extra, tr_watcher *watcher)
{
	if (watcher->newer != 0)
		watcher_at(watcher->newer)->older = watcher->older;
	else
		extra->watchers = watcher->older;
	if (watcher->older != 0)
		watcher_at(watcher->older)->newer = watcher->newer;
	tr_cache_give_message(&context->cache, WATCHER_CLASS, tr_message_unit(&watcher->msg));
}

void
tr_monitor_remove(tr_context *context, troupe_actor *actor, const troupe_msg *msg)
{
	/* It came after the watcher, from the same actor: so that is in the list. */
	remove_watcher(context, tr_actor_extra(actor), watcher_at(tr_message_ticket(msg)->inner));
}

/* The texts of the notices, which share them; NULL when there are none, or no memory. */
static troupe_shared *
take_texts(tr_context *context, const char *name, const char *text)
{
	size_t name_size = strlen(name) + 1, text_size = strlen(text) + 1;

	if (name_size + text_size <= 2)
		return NULL;
	troupe_shared *texts = tr_shared_take(&context->cache, name_size + text_size, NULL);
	if (texts != NULL) {
		memcpy(tr_shared_bytes(texts), name, name_size);
		memcpy((char *)tr_shared_bytes(texts) + name_size, text, text_size);
	}
	return texts;
}

/* The watcher becomes the notice. */
static void
tell_watcher(tr_context *context, tr_watcher *watcher, troupe_down down, troupe_shared *texts)
{
	down.monitoring = watcher->down.monitoring;
	watcher->down = down;
	watcher->msg = (troupe_msg){
		.flag_bits = WATCHER_CLASS | TR_MSG_REPLY,
		.type = TROUPE_DOWN,
		.size = sizeof watcher->down,
		.sender = down.who,
		.body = &watcher->down,
	};
	if (watcher->is_link) {
		watcher->msg.flag_bits = WATCHER_CLASS | TR_MSG_CONTROL;
		watcher->msg.type = TR_TYPE_LINK_DOWN;
	} else if (texts != NULL) {
		tr_shared_retain(texts);
		watcher->tail.owner = texts;
		watcher->msg.flag_bits |= TR_MSG_SHARED;
	}
	if (tr_post(context, watcher->watcher, &watcher->msg) != TROUPE_OK)
		tr_message_release(&context->cache, &watcher->msg);
}

void
tr_monitor_tell(tr_context *context, troupe_actor *actor, troupe_ref self, troupe_reason reason)
{
	tr_extra *extra = tr_actor_extra(actor);
	bool failed = reason == TROUPE_REASON_FAILED && extra->report != 0;
	const tr_report *report = failed ? tr_report_at(extra->report) : NULL;
	troupe_shared *texts = take_texts(context, tr_actor_name(actor), failed ? tr_report_text(report) : "");
	const char *name = texts != NULL ? tr_shared_bytes(texts) : "";
	troupe_down down = {
		.who = self,
		.class_name = tr_class_name(tr_actor_class(actor)),
		.actor_name = name,
		.text = texts != NULL ? name + strlen(name) + 1 : "",
		.code = failed ? report->code : 0,
		.reason = reason,
	};
	uint32_t oldest = extra->watchers;

	while (oldest != 0 && watcher_at(oldest)->older != 0)
		oldest = watcher_at(oldest)->older;
	extra->watchers = 0;
	/* In the order in which they came. */
	for (uint32_t unit = oldest, next; unit != 0; unit = next) {
		next = watcher_at(unit)->newer;
		tell_watcher(context, watcher_at(unit), down, texts);
	}
	if (texts != NULL)
		tr_shared_release(&context->cache, texts);
}

/* The other end of a link, whose actor has stopped. */
static void
forget_link(tr_context *context, tr_extra *extra, troupe_ref other)
{
	uint32_t unit = extra != NULL ? extra->watchers : 0;

	while (unit != 0 && !(watcher_at(unit)->is_link && watcher_at(unit)->watcher == other))
		unit = watcher_at(unit)->older;
	if (unit != 0)
		remove_watcher(context, extra, watcher_at(unit));
}

void
tr_monitor_link_down(tr_context *context, troupe_actor *actor, const troupe_msg *msg)
{
	troupe_reason reason = ((const tr_watcher *)msg)->down.reason;

	forget_link(context, tr_actor_extra(actor), ((const tr_watcher *)msg)->down.who);

	if (reason != TROUPE_REASON_FAILED && reason != TROUPE_REASON_LINKED)
		return;
	tr_actor_set_reason(actor, TROUPE_REASON_LINKED);
	context->after |= TR_AFTER_STOP_NOW;
}

/* --- The actor that watches. --- */

/* With the extra that it brings; NULL: out of memory. */
static tr_watcher *
take_watcher(tr_context *context)
{
	uint32_t unit = tr_cache_take_message(&context->cache, WATCHER_CLASS);
	uint32_t spare = unit != 0 ? tr_cache_take_message(&context->cache, TR_EXTRA_CLASS) : 0;

	if (spare == 0) {
		if (unit != 0)
			tr_cache_give_message(&context->cache, WATCHER_CLASS, unit);
		return NULL;
	}
	tr_watcher *watcher = watcher_at(unit);

	*watcher = (tr_watcher){
		.msg = { .flag_bits = WATCHER_CLASS | TR_MSG_CONTROL, .type = TR_TYPE_MONITOR },
		.watcher = tr_context_self(context),
		.spare = spare,
	};
	return watcher;
}

static void
give_watcher(tr_context *context, tr_watcher *watcher)
{
	tr_cache_give_message(&context->cache, TR_EXTRA_CLASS, watcher->spare);
	tr_cache_give_message(&context->cache, WATCHER_CLASS, tr_message_unit(&watcher->msg));
}

void
tr_monitor_drop(tr_context *context, troupe_msg *msg)
{
	give_watcher(context, (tr_watcher *)msg);
}

/* Nobody is there to be watched. */
static void
tell_gone(tr_context *context, tr_watcher *watcher, troupe_ref who, troupe_reason reason)
{
	tr_cache_give_message(&context->cache, TR_EXTRA_CLASS, watcher->spare);
	tell_watcher(context, watcher,
	    (troupe_down){ .who = who, .class_name = "", .actor_name = "", .text = "", .reason = reason }, NULL);
}

void
tr_monitor_tell_closed(tr_context *context, troupe_msg *msg, troupe_ref who)
{
	tell_gone(context, (tr_watcher *)msg, who, TROUPE_REASON_CLOSING);
}

static monitoring_cell *
take_monitoring(tr_context *context, troupe_actor *self, tr_watcher *watcher)
{
	return watcher != NULL
	           ? (monitoring_cell *)tr_cells_take(context, self, TR_LARGE_CELL, TR_TYPE_MONITORING)
	           : NULL;
}

troupe_monitoring
troupe_monitor(troupe_actor *self, troupe_ref who)
{
	tr_context *context = tr_require_self(self, __func__);

	if (!tr_ref_is_handle(who) || tr_actor_is_ending(self)) {
		tr_fail(TROUPE_INVALID, "cannot monitor handle %" PRIx64 ", or the actor is stopping", who);
		return 0;
	}
	tr_watcher *watcher = take_watcher(context);
	monitoring_cell *cell = take_monitoring(context, self, watcher);
	if (cell == NULL) {
		if (watcher != NULL)
			give_watcher(context, watcher);
		tr_fail(TROUPE_NOMEM, "no memory to monitor an actor");
		return 0;
	}
	troupe_monitoring monitoring = tr_cell_token(&cell->cell, tr_context_self(context));

	cell->who = who;
	cell->watcher = tr_message_unit(&watcher->msg);
	watcher->down.monitoring = monitoring;
	troupe_status status = tr_post(context, who, &watcher->msg);

	if (status == TROUPE_CLOSING) {
		give_watcher(context, watcher);
		tr_cells_remove(context, self, &cell->cell);
		tr_fail(TROUPE_CLOSING, "the runtime is being closed");
		return 0;
	}
	if (status != TROUPE_OK)
		tell_gone(context, watcher, who, TROUPE_REASON_GONE);
	return monitoring;
}

troupe_msg *
tr_monitor_open(tr_context *context, troupe_actor *actor, troupe_msg *msg)
{
	tr_cell *cell = tr_cell_find(((const tr_watcher *)msg)->down.monitoring, tr_context_self(context));

	if (cell == NULL) {
		tr_message_release(&context->cache, msg);
		return NULL;
	}
	tr_cells_remove(context, actor, cell);
	msg->flag_bits &= ~(uint32_t)TR_MSG_REPLY;
	return msg;
}

void
tr_monitor_end(tr_context *context, troupe_actor *actor, tr_cell *which)
{
	const monitoring_cell *cell = (const monitoring_cell *)which;
	troupe_msg *msg = tr_message_take_ticket(&context->cache, TR_TYPE_DEMONITOR, NULL, 0);

	/* Without memory the watcher stays where it is, and its notice will find no cell. */
	if (msg != NULL) {
		msg->flag_bits |= TR_MSG_CONTROL;
		tr_message_ticket(msg)->inner = cell->watcher;
		if (tr_post(context, cell->who, msg) != TROUPE_OK)
			tr_message_discard(&context->cache, msg);
	}
	tr_cells_remove(context, actor, which);
}

bool
troupe_demonitor(troupe_actor *self, troupe_monitoring monitoring)
{
	tr_context *context = tr_require_self(self, __func__);
	tr_cell *cell = tr_cell_find(monitoring, tr_context_self(context));

	if (cell == NULL || cell->msg.type != TR_TYPE_MONITORING)
		return false;
	tr_monitor_end(context, self, cell);
	return true;
}

/* --- Links. --- */

static tr_watcher *
take_link(tr_context *context, troupe_ref teller)
{
	tr_watcher *watcher = take_watcher(context);

	if (watcher != NULL) {
		watcher->watcher = teller;
		watcher->is_link = true;
	}
	return watcher;
}

troupe_status
troupe_link(troupe_actor *self, troupe_ref other)
{
	tr_context *context = tr_require_self(self, __func__);

	if (!tr_ref_is_handle(other) || other == tr_context_self(context) || tr_actor_is_ending(self))
		return tr_fail(TROUPE_INVALID, "cannot link to handle %" PRIx64 ", or the actor is stopping", other);
	tr_watcher *theirs = take_link(context, tr_context_self(context));
	tr_watcher *ours = theirs != NULL ? take_link(context, other) : NULL;
	if (ours == NULL) {
		if (theirs != NULL)
			give_watcher(context, theirs);
		return tr_fail(TROUPE_NOMEM, "no memory to link to an actor");
	}
	troupe_status status = tr_post(context, other, &theirs->msg);
	if (status != TROUPE_OK) {
		give_watcher(context, theirs);
		give_watcher(context, ours);
		return status;
	}
	tr_monitor_add(context, self, &ours->msg);
	context->after |= TR_AFTER_FULL; /* the turn has an extra to look at now */
	return TROUPE_OK;
}
