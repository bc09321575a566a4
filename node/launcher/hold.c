/* SPDX-License-Identifier: Apache-2.0 */
#include "hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "machine.h"

#define HOLD_RECORD "hold.json"
#define HOLD_RECORD_MAX 4096
#define HOLD_RESUME_MS 5000 /* for one attempt to let the guest go on */
#define HOLD_AGAIN_MS 200   /* until the next one */
#define HOLD_LOOK_MS 1000   /* at whether QEMU is still there */

enum hold_state {
	HOLD_NONE,
	HOLD_DOUBTFUL, /* the guest may be stopped, but that it was all the time is not known */
	HOLD_STANDS,
};

struct hold {
	/* Held over what is asked of QEMU, always for a bounded time: so the guest is never stopped
	 * after the thread has looked whether it has to go on. */
	pthread_mutex_t acting;
	pthread_mutex_t
		lock; /* of the rest; taken last.  The state leaves HOLD_NONE, and returns to
			       * it, only under both. */
	pthread_cond_t changed;
	enum hold_state state;
	char id[HOLD_ID_MAX + 1];
	struct timespec until;
	bool resume; /* the guest was running */
};

static void hold_unlock(pthread_mutex_t **mutex)
{
	if (*mutex)
		pthread_mutex_unlock(*mutex);
}

static void hold_set(struct hold *hold, enum hold_state state)
{
	pthread_mutex_lock(&hold->lock);
	hold->state = state;
	pthread_cond_broadcast(&hold->changed);
	pthread_mutex_unlock(&hold->lock);
}

/* If there is a hold, its time has come. */
static void hold_hurry(struct hold *hold)
{
	pthread_mutex_lock(&hold->lock);
	if (hold->state == HOLD_STANDS)
		hold->state = HOLD_DOUBTFUL;
	hold->until = fl_clock_after_ms(0);
	pthread_cond_broadcast(&hold->changed);
	pthread_mutex_unlock(&hold->lock);
}

static int hold_write(struct vm *vm, const char *id, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_json_release) json_t *json = json_pack("{s:s}", "hold", id);
	const char *text = fl_json_dump(arena, json);

	if (fl_file_replace(vm->dir_fd, HOLD_RECORD, text, strlen(text), 0600, err) < 0)
		return fl_error_prefix(err, "noting that VM %s is held", vm->spec.name);
	return 0;
}

static int hold_forget(struct vm *vm, struct fl_error *err)
{
	if (unlinkat(vm->dir_fd, HOLD_RECORD, 0) < 0 && errno != ENOENT)
		return fl_error_sys(err, errno, "removing %s", HOLD_RECORD);
	return 0;
}

/* Lets the guest go on, if it is we who stopped it: "paused" is what `stop` leaves, and an error of
 * a disk or a power-off is another word. */
static int hold_resume(const struct fl_op *op, struct vm *vm, bool resume, struct fl_error *err)
{
	const char *state;

	if (machine_state(op, vm, &state, err) < 0)
		return -1;
	if (resume && strcmp(state, "paused") == 0 &&
	    qmp_call(op, vm->qmp, "cont", NULL, NULL, err) < 0)
		return -1;
	return hold_forget(vm, err);
}

/* The lock is held. */
static bool hold_is_due(const struct hold *hold)
{
	return hold->state != HOLD_NONE && fl_clock_passed(hold->until);
}

/* The state, and whether the hold's time has come. */
static enum hold_state hold_look(struct hold *hold, bool *ret_due)
{
	fl_cleanup(hold_unlock) pthread_mutex_t *lock = &hold->lock;

	pthread_mutex_lock(lock);
	*ret_due = hold_is_due(hold);
	return hold->state;
}

/* Waits until the time of a hold has come; false when QEMU is gone. */
static bool hold_wait(struct vm *vm)
{
	struct hold *hold = vm->hold;

	pthread_mutex_lock(&hold->lock);
	while (!hold_is_due(hold) && !qmp_is_gone(vm->qmp)) {
		struct timespec until = fl_clock_after_ms(HOLD_LOOK_MS);

		if (hold->state != HOLD_NONE)
			until = fl_clock_earlier(until, hold->until);
		pthread_cond_timedwait(&hold->changed, &hold->lock, &until);
	}
	pthread_mutex_unlock(&hold->lock);
	return !qmp_is_gone(vm->qmp);
}

/* Ends the hold whose time has come.  hold_end may have been faster. */
static int hold_end_due(struct vm *vm, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(hold_unlock) pthread_mutex_t *acting = &vm->hold->acting;
	struct fl_op op = { "hold", { 0 }, arena, NULL };
	struct hold *hold = vm->hold;
	bool due;

	pthread_mutex_lock(acting);
	if (hold_look(hold, &due) == HOLD_NONE || !due)
		return 0;
	op.deadline = fl_clock_after_ms(HOLD_RESUME_MS);
	if (hold_resume(&op, vm, hold->resume, err) < 0)
		return -1;
	fl_log(FL_LOG_WARNING, "hold", "VM %s goes on, and hold %s is void", vm->spec.name,
	       hold->id);
	hold_set(hold, HOLD_NONE);
	return 0;
}

static void *hold_run(void *cookie)
{
	struct vm *vm = cookie;
	struct fl_error err;

	while (hold_wait(vm)) {
		if (hold_end_due(vm, &err) == 0)
			continue;
		fl_log(FL_LOG_ERROR, "hold", "VM %s does not go on: %s", vm->spec.name, err.text);
		fl_clock_sleep_ms(HOLD_AGAIN_MS);
	}
	return NULL;
}

/* What an earlier launcher has noted.  A note that cannot be read is one, too: it is replaced as a
 * whole and so was written by nobody else. */
static int hold_read(struct vm *vm, struct hold *hold, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_json_release) json_t *json = NULL;
	const char *text, *id = "unknown";
	struct fl_error why;
	size_t size;

	if (fl_file_read(arena, vm->dir_fd, HOLD_RECORD, HOLD_RECORD_MAX, &text, &size, &why) < 0) {
		if (why.code == FL_NOT_FOUND)
			return 0;
		*err = why;
		return fl_error_prefix(err, "reading %s", HOLD_RECORD);
	}
	if (fl_json_parse(text, size, HOLD_RECORD, &json, &why) < 0 ||
	    fl_json_text(json, "hold", "unknown", &id, &why) < 0)
		fl_log(FL_LOG_WARNING, "hold", "%s", why.text);
	snprintf(hold->id, sizeof(hold->id), "%s", id);
	hold->state = HOLD_DOUBTFUL;
	hold->resume = true;
	hold->until = fl_clock_after_ms(0);
	return 0;
}

int hold_start(struct vm *vm, struct fl_error *err)
{
	struct hold *hold = fl_arena_alloc(vm->arena, sizeof(*hold));
	pthread_condattr_t attributes;
	pthread_t thread;

	pthread_mutex_init(&hold->acting, NULL);
	pthread_mutex_init(&hold->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&hold->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (hold_read(vm, hold, err) < 0)
		return -1;
	vm->hold = hold;
	errno = pthread_create(&thread, NULL, hold_run, vm);
	if (errno != 0)
		return fl_error_sys(err, errno, "starting the thread that ends holds");
	pthread_detach(thread);
	return 0;
}

/* Of a guest in one of these states nobody writes; in the first one it has to be stopped. */
static int hold_choose(const struct fl_op *op, struct vm *vm, bool *ret_running,
		       struct fl_error *err)
{
	static const char *const still[] = { "paused", "io-error", "shutdown", "guest-panicked",
					     "internal-error" };
	const char *state;

	if (machine_state(op, vm, &state, err) < 0)
		return -1;
	*ret_running = strcmp(state, "running") == 0;
	for (size_t i = 0; !*ret_running && i < FL_COUNT(still); i++)
		if (strcmp(state, still[i]) == 0)
			return 0;
	if (!*ret_running || vm->stopping)
		return fl_error_set(err, FL_BUSY, "VM %s cannot be held in state %s: ask again",
				    vm->spec.name, vm->stopping ? "shutting down" : state);
	return 0;
}

/* 1: a hold has been entered that may stop the guest from now on; 0: this one is there already. */
static int hold_enter(struct hold *hold, const char *id, struct timespec until, bool running,
		      struct fl_error *err)
{
	fl_cleanup(hold_unlock) pthread_mutex_t *lock = &hold->lock;

	pthread_mutex_lock(lock);
	if (hold->state == HOLD_STANDS && strcmp(hold->id, id) == 0 && !hold_is_due(hold))
		return 0;
	if (hold->state != HOLD_NONE)
		return fl_error_set(err, FL_BUSY, "hold %s is being ended: ask again", hold->id);
	snprintf(hold->id, sizeof(hold->id), "%s", id);
	hold->state = HOLD_DOUBTFUL;
	hold->until = until;
	hold->resume = running;
	pthread_cond_broadcast(&hold->changed);
	return 1;
}

static int hold_stop(const struct fl_op *op, struct vm *vm, bool running, struct fl_error *err)
{
	const char *state;

	if (running && qmp_call(op, vm->qmp, "stop", NULL, NULL, err) < 0)
		return -1;
	if (machine_state(op, vm, &state, err) < 0)
		return -1;
	if (strcmp(state, "running") == 0)
		return fl_error_set(err, FL_BUSY, "VM %s runs on after QEMU's `stop`: ask again",
				    vm->spec.name);
	return 0;
}

static int hold_check(struct vm *vm, const char *volume, const char *id, uint64_t ms,
		      struct fl_error *err)
{
	const struct disk *disk = disk_find(vm->disks, volume);

	if (ms == 0 || ms > HOLD_MS_MAX)
		return fl_error_set(err, FL_INVALID, "a hold lasts 1 to %d ms", HOLD_MS_MAX);
	if (!fl_text_is_safe_name(id, HOLD_ID_MAX))
		return fl_error_set(err, FL_INVALID, "that is no name of a hold");
	if (!disk)
		return fl_error_set(err, FL_NOT_FOUND, "VM %s has no disk %s", vm->spec.name,
				    volume);
	if (disk->phase != DISK_PLUGGED)
		return fl_error_set(err, FL_BUSY, "disk %s is %s", volume,
				    disk_phase_name(disk->phase));
	return 0;
}

static int hold_make(const struct fl_op *op, struct vm *vm, const char *id, bool running,
		     struct fl_error *err)
{
	bool due;

	if (running && hold_write(vm, id, err) < 0)
		return -1;
	if (hold_stop(op, vm, running, err) < 0)
		return -1;
	hold_look(vm->hold, &due);
	if (due)
		return fl_error_set(err, FL_BUSY, "VM %s did not stand still in time: ask again",
				    vm->spec.name);
	hold_set(vm->hold, HOLD_STANDS);
	return 0;
}

int hold_begin(const struct fl_op *op, struct vm *vm, const char *volume, const char *id,
	       uint64_t ms, struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	fl_cleanup(hold_unlock) pthread_mutex_t *acting = NULL;
	struct fl_op bounded = *op;
	bool running;
	int entered;

	bounded.deadline = fl_clock_earlier(op->deadline, fl_clock_after_ms(ms));
	if (vm_lock(&bounded, vm, err) < 0)
		return -1;
	locked = vm;
	acting = &vm->hold->acting;
	pthread_mutex_lock(acting);
	if (hold_check(vm, volume, id, ms, err) < 0 || hold_choose(&bounded, vm, &running, err) < 0)
		return -1;
	entered = hold_enter(vm->hold, id, bounded.deadline, running, err);
	if (entered <= 0)
		return entered;
	if (hold_make(&bounded, vm, id, running, err) == 0)
		return 0;
	/* Whatever QEMU still does, the thread looks after it. */
	hold_hurry(vm->hold);
	return -1;
}

int hold_end(const struct fl_op *op, struct vm *vm, const char *id, bool *ret_stood,
	     struct fl_error *err)
{
	fl_cleanup(hold_unlock) pthread_mutex_t *acting = &vm->hold->acting;
	struct hold *hold = vm->hold;
	struct fl_op bounded = *op;
	enum hold_state was;
	struct fl_error why;
	const char *state;
	bool due;

	pthread_mutex_lock(acting);
	*ret_stood = false;
	was = hold_look(hold, &due);
	if (was == HOLD_NONE || strcmp(hold->id, id) != 0)
		return 0;
	bounded.deadline = fl_clock_earlier(op->deadline, fl_clock_after_ms(HOLD_RESUME_MS));
	if (machine_state(&bounded, vm, &state, err) < 0) {
		hold_hurry(hold);
		return -1;
	}
	was = hold_look(hold, &due);
	/* Somebody at the rescue socket may have let the guest go on. */
	*ret_stood = was == HOLD_STANDS && !due && strcmp(state, "running") != 0;
	if (hold_resume(&bounded, vm, hold->resume, &why) == 0) {
		hold_set(hold, HOLD_NONE);
		return 0;
	}
	fl_log(FL_LOG_WARNING, "hold", "VM %s does not go on yet: %s", vm->spec.name, why.text);
	hold_hurry(hold);
	return 0;
}

void hold_break(const struct fl_op *op, struct vm *vm)
{
	struct hold *hold = vm->hold;

	hold_hurry(hold);
	pthread_mutex_lock(&hold->lock);
	while (hold->state != HOLD_NONE && !fl_clock_passed(op->deadline) &&
	       !qmp_is_gone(vm->qmp)) {
		struct timespec until =
			fl_clock_earlier(op->deadline, fl_clock_after_ms(HOLD_AGAIN_MS));

		pthread_cond_timedwait(&hold->changed, &hold->lock, &until);
	}
	pthread_mutex_unlock(&hold->lock);
}

bool hold_is_on(struct vm *vm)
{
	bool on;

	pthread_mutex_lock(&vm->hold->lock);
	on = vm->hold->state != HOLD_NONE;
	pthread_mutex_unlock(&vm->hold->lock);
	return on;
}
