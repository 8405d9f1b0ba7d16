/* SPDX-License-Identifier: MIT */
#include "runtime/actor/crash.h"

#include "runtime/actor/actor.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

/* Systems that tell a thread's signal to itself from a process's. */
#ifndef SI_LWP
#define SI_LWP SI_USER
#endif

/* A fault that is found later by somebody else's reading, not by the instruction that the signal interrupts. */
#ifndef BUS_MCEERR_AO
#define BUS_MCEERR_AO SI_USER
#endif

/*
 * The longest line: a name, what is kept of a class's name, and under 200
 * bytes for the rest.  All of it lies on the handler's stack.
 */
#define CLASS_NAME_KEPT 128
#define LINE_SIZE       (TROUPE_NAME_MAX + CLASS_NAME_KEPT + 200)
#define REMARK_KEPT     (LINE_SIZE - 20)

static struct fault {
	int number;
	const char *name;
	struct sigaction before;
} faults[] = {
	{ .number = SIGSEGV, .name = "SIGSEGV" },
	{ .number = SIGBUS, .name = "SIGBUS" },
	{ .number = SIGFPE, .name = "SIGFPE" },
	{ .number = SIGILL, .name = "SIGILL" },
	{ .number = SIGABRT, .name = "SIGABRT" },
};
#define FAULTS (sizeof faults / sizeof *faults)

_Thread_local const char *tr_crash_remark;

static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool saved; /* the actions before; nobody changes them after that */

/* --- A line of text. --- */

typedef struct tr_line {
	size_t length;
	char text[LINE_SIZE];
} tr_line;

static void
add_byte(tr_line *line, char byte)
{
	/* One is kept for the end of the line. */
	if (line->length < sizeof line->text - 1)
		line->text[line->length++] = byte;
}

static void
add_text(tr_line *line, const char *text)
{
	while (*text != '\0')
		add_byte(line, *text++);
}

/* The program's own text: it shall not break the line or play with a terminal. */
static void
add_foreign_text(tr_line *line, const char *text, size_t most)
{
	for (size_t i = 0; i < most && text[i] != '\0'; i++)
		add_byte(line, (unsigned char)text[i] < ' ' || text[i] == '\x7f' ? '?' : text[i]);
}

static void
add_number(tr_line *line, uint64_t number, unsigned base)
{
	char digits[20];
	size_t count = 0;

	do
		digits[count++] = "0123456789abcdef"[number % base];
	while ((number /= base) != 0);
	while (count > 0)
		add_byte(line, digits[--count]);
}

static void
write_line(tr_line *line)
{
	line->text[line->length++] = '\n';
	for (size_t done = 0; done < line->length;) {
		ssize_t wrote = write(STDERR_FILENO, line->text + done, line->length - done);

		if (wrote > 0)
			done += (size_t)wrote;
		else if (wrote == 0 || errno != EINTR)
			return;
	}
}

/* --- What the thread was doing. --- */

/* The actor whose callback the thread runs. */
typedef struct tr_scene {
	troupe_ref self;
	const troupe_class *class_;
	const char *name; /* NULL or "" is none */
	const troupe_msg *msg;
	troupe_ref sender; /* of msg */
	uint32_t type;     /* of the message that was handed to it last; 0 in start */
	bool stops;
} tr_scene;

static bool
is_asleep(const tr_context *context)
{
	/* WK-none: this thread's own; what others change in it says that they wake it. */
	uint32_t word = atomic_load_explicit(&context->worker.parker.word, memory_order_relaxed);

	return word == TR_PARKED || word == TR_BENCHED;
}

/*
 * Between two turns a worker's context still says what ran last, and that
 * may be gone, its message too: then this reads what it has no business
 * with.  It is always mapped and is only printed, so it does no harm, but a
 * sanitizer would cut the report short.
 */
static __attribute__((noinline, no_sanitize_address, no_sanitize_thread)) bool
look_at_actor(const troupe_actor *actor, tr_scene *scene)
{
	/* MB-none: as it comes. */
	uint64_t word = atomic_load_explicit(&actor->mailbox.word, memory_order_relaxed);
	uint32_t lives_since = (uint32_t)(word >> 32) - (uint32_t)(scene->self >> 32);

	/*
	 * A mailbox that closes counts one up, before stop is called; one that
	 * opens in its slot, another.  An idle actor is in nobody's hands.
	 */
	if (lives_since > 1 || (lives_since == 0 && (word & TR_MAILBOX_NEWEST) == TR_MAILBOX_IDLE))
		return false;
	scene->stops = actor->flags & TR_ACTOR_STOPPING;
	/* AC-none: constant while the actor lives. */
	scene->class_ = atomic_load_explicit(&actor->kind, memory_order_relaxed);
	/* What an actor that stops had in hand last has had its end. */
	if (scene->msg != NULL && !scene->stops)
		scene->sender = scene->msg->sender;
	return true;
}

/*
 * Why the name can be read without the lock of names: the lock orders this
 * thread's changes against a closer's reading.  A change is one store of a
 * pointer, by this very thread, so this handler finds the name before or the
 * name after it; and a name is freed only when it is shown no more (INV-NM-1).
 */
static const char *
name_of(const tr_context *context, const troupe_actor *actor)
{
	/* CX-none: only this thread writes it. */
	const char *name = atomic_load_explicit(&context->running_name, memory_order_relaxed);

	/* A closer does not show whom it stops: no other thread has that actor, and none reports a closer. */
	return name == NULL && context->runtime == NULL ? tr_actor_name(actor) : name;
}

/* false: the thread is not in a callback. */
static bool
look_at_scene(const tr_context *context, tr_scene *scene)
{
	*scene = (tr_scene){ 0 };
	if (context == NULL || context->current == NULL || is_asleep(context))
		return false;
	scene->self = tr_context_self(context);
	scene->msg = context->msg;
	/* CX-none: only this thread writes it. */
	scene->type = atomic_load_explicit(&context->running_type, memory_order_relaxed);
	if (scene->self == 0 || !look_at_actor(tr_ref_slot(scene->self), scene))
		return false;
	scene->name = name_of(context, tr_ref_slot(scene->self));
	return true;
}

/* --- The report. --- */

static void
add_thread(tr_line *line, const tr_context *context, bool in_callback)
{
	if (context != NULL && context->worker.pool != NULL) {
		add_text(line, "worker ");
		add_number(line, context->worker.index, 10);
	} else if (context != NULL && context->runtime != NULL) {
		add_text(line, "the thread of a dedicated actor");
	} else {
		/* From outside: it spawns or closes. */
		add_text(line, in_callback ? "a thread of the program's own" : "a thread that runs no actor");
		return;
	}
	if (!in_callback)
		add_text(line, ", between two callbacks");
}

static void
add_actor(tr_line *line, const tr_scene *scene)
{
	add_text(line, ": actor ");
	add_number(line, scene->self, 16);
	if (scene->name != NULL && *scene->name != '\0') {
		add_text(line, " \"");
		add_foreign_text(line, scene->name, TROUPE_NAME_MAX);
		add_text(line, "\"");
	}
	add_text(line, " of class ");
	add_foreign_text(line, tr_class_name(scene->class_), CLASS_NAME_KEPT);
}

static void
add_message(tr_line *line, const tr_scene *scene)
{
	if (scene->stops) {
		add_text(line, ", while it stops");
		return;
	}
	/* So says a message of type 0, too, that was kept or forwarded: that is told from a start by nothing. */
	if (scene->msg == NULL && scene->type == 0) {
		add_text(line, ", while it starts");
		return;
	}
	add_text(line, ", handling type ");
	add_number(line, scene->type, 10);
	/* Kept or forwarded, it may be anybody's by now. */
	if (scene->msg == NULL)
		return;
	add_text(line, " from ");
	if (scene->sender != 0)
		add_number(line, scene->sender, 16);
	else
		add_text(line, "outside");
}

/* Whether a process sent the signal; if not, the instruction that was interrupted will raise it again. */
static bool
is_sent(int number, const siginfo_t *info)
{
	int code = info->si_code;

	return number == SIGABRT || code <= 0 || code == SI_USER || code == SI_QUEUE || code == SI_LWP ||
	       (number == SIGBUS && code == BUS_MCEERR_AO);
}

static void
write_remark(const char *remark)
{
	tr_line line = { .length = 0 };

	add_text(&line, "troupe: ");
	add_foreign_text(&line, remark, REMARK_KEPT);
	write_line(&line);
}

static void
write_report(const struct fault *fault, const siginfo_t *info)
{
	const tr_context *context = tr_current_context;
	tr_line line = { .length = 0 };
	tr_scene scene;
	bool in_callback = look_at_scene(context, &scene);

	add_text(&line, "troupe: ");
	add_text(&line, fault->name);
	if (!is_sent(fault->number, info)) {
		add_text(&line, " at 0x");
		add_number(&line, (uintptr_t)info->si_addr, 16);
	}
	add_text(&line, " in ");
	add_thread(&line, context, in_callback);
	if (in_callback) {
		add_actor(&line, &scene);
		add_message(&line, &scene);
	}
	write_line(&line);
	if (tr_crash_remark != NULL)
		write_remark(tr_crash_remark);
}

/* --- What comes after it. --- */

static void
take_default(int number)
{
	struct sigaction action = { .sa_flags = 0 };

	action.sa_handler = SIG_DFL;
	sigemptyset(&action.sa_mask);
	(void)sigaction(number, &action, NULL);
}

/* Block what the earlier handler would have found blocked, and no more. */
static void
block_for(const struct fault *fault, const sigset_t *interrupted)
{
	const struct sigaction *before = &fault->before;
	sigset_t open;

	sigemptyset(&open);
	for (size_t i = 0; i < FAULTS; i++) {
		int number = faults[i].number;
		bool own = number == fault->number && !(before->sa_flags & SA_NODEFER);

		if (!own && sigismember(&before->sa_mask, number) == 0 &&
		    sigismember(interrupted, number) == 0)
			sigaddset(&open, number);
	}
	(void)pthread_sigmask(SIG_BLOCK, &before->sa_mask, NULL);
	(void)pthread_sigmask(SIG_UNBLOCK, &open, NULL);
}

static void
call_earlier(const struct fault *fault, siginfo_t *info, void *interrupted)
{
	const struct sigaction *before = &fault->before;

	if ((unsigned)before->sa_flags & SA_RESETHAND)
		take_default(fault->number);
	block_for(fault, &((const ucontext_t *)interrupted)->uc_sigmask);
	if (before->sa_flags & SA_SIGINFO)
		before->sa_sigaction(fault->number, info, interrupted);
	else
		before->sa_handler(fault->number);
}

/*
 * The default action: what raised the signal does so again when this handler
 * returns, be it the instruction, or the signal that is sent once more and
 * waits until then.  So a core dump shows the place of the crash, not this one.
 */
static void
crash_again(const struct fault *fault, const siginfo_t *info)
{
	take_default(fault->number);
	if (is_sent(fault->number, info))
		(void)raise(fault->number);
}

static const struct fault *
fault_of(int number)
{
	size_t i = 0;

	while (faults[i].number != number)
		i++;
	return &faults[i];
}

/*
 * All signals of the table are blocked in here: if this raises one, the
 * system ends the process with its default action.
 */
static void
handle_fault(int number, siginfo_t *info, void *interrupted)
{
	int error = errno;
	const struct fault *fault = fault_of(number);

	/* CR-A: acquire.  It is true: the handler is installed after that. */
	(void)atomic_load_explicit(&saved, memory_order_acquire);
	bool ignored = fault->before.sa_handler == SIG_IGN;

	/* The system lets nobody ignore a fault of an instruction. */
	if (!ignored || !is_sent(number, info)) {
		write_report(fault, info);
		errno = error;
		if (ignored || fault->before.sa_handler == SIG_DFL)
			crash_again(fault, info);
		else
			call_earlier(fault, info, interrupted);
	}
	errno = error;
}

/* --- Installing. --- */

/* So that calls which a signal interrupts go on as they would without this handler. */
static int
restart_flag(const struct fault *fault)
{
	return fault->before.sa_handler == SIG_IGN ? SA_RESTART : fault->before.sa_flags & SA_RESTART;
}

static void
install_handlers(void)
{
	struct sigaction action = { .sa_flags = 0 };

	action.sa_sigaction = handle_fault;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FAULTS; i++) {
		sigaddset(&action.sa_mask, faults[i].number);
		(void)sigaction(faults[i].number, NULL, &faults[i].before);
	}
	/* CR-A: release, before any thread can come to the handler. */
	atomic_store_explicit(&saved, true, memory_order_release);
	for (size_t i = 0; i < FAULTS; i++) {
		action.sa_flags = SA_SIGINFO | SA_ONSTACK | restart_flag(&faults[i]);
		(void)sigaction(faults[i].number, &action, NULL);
	}
}

void
tr_crash_install(void)
{
	pthread_mutex_lock(&install_lock);
	/* CR-none: under the lock. */
	if (!atomic_load_explicit(&saved, memory_order_relaxed))
		install_handlers();
	pthread_mutex_unlock(&install_lock);
}
