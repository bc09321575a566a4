/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "hold.h"
#include "schema.h"
#include "uring.h"

#define MACHINE_ASK_MS 5000   /* a guest that boots does not hear the power button */
#define MACHINE_QUIT_MS 15000 /* for flushing what is under way */
#define MACHINE_KILL_MS 10000
#define MACHINE_RELEASE_MS 15000

pid_t machine_pid(const struct vm *vm, int64_t *ret_since_ns)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_error none;
	const char *text;
	struct stat st;

	if (fstatat(vm->dir_fd, "qemu.pid", &st, 0) < 0 ||
	    fl_file_read(arena, vm->dir_fd, "qemu.pid", 32, &text, NULL, &none) < 0)
		return -1;
	if (ret_since_ns)
		*ret_since_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return (pid_t)strtol(text, NULL, 10);
}

bool machine_has_ended(const struct vm *vm)
{
	return faccessat(vm->dir_fd, "qemu.pid", F_OK, 0) < 0 && errno == ENOENT;
}

static int machine_open(const struct fl_op *op, struct vm *vm, struct fl_error *err)
{
	const char *path = fl_arena_printf(op->arena, "%s/qmp.sock", vm->dir);

	while (qmp_open(op, path, &vm->qmp, err) < 0) {
		if (machine_has_ended(vm))
			return fl_error_set(err, FL_NOT_FOUND, "QEMU has ended");
		if (err->code != FL_UNAVAILABLE || fl_clock_passed(op->deadline))
			return -1;
		fl_clock_sleep_ms(10);
	}
	return 0;
}

int machine_connect(const struct fl_op *op, struct vm *vm, struct fl_error *err)
{
	struct schema schema;
	const char *lacks;

	if (machine_open(op, vm, err) < 0 || schema_read(op, vm->qmp, &schema, err) < 0)
		return -1;
	lacks = schema.io_uring ? uring_lacks() : "this QEMU was built without it";
	vm->io_uring = !lacks;
	if (lacks)
		fl_log(FL_LOG_INFO, "io", "threads: io_uring: %s", lacks);
	else
		fl_log(FL_LOG_INFO, "io", "io_uring");
	return 0;
}

int machine_state(const struct fl_op *op, struct vm *vm, const char **ret, struct fl_error *err)
{
	fl_cleanup(fl_json_release) json_t *answer = NULL;
	const char *state;

	if (qmp_call(op, vm->qmp, "query-status", NULL, &answer, err) < 0)
		return -1;
	if (fl_json_text(answer, "status", "unknown", &state, err) < 0)
		return -1;
	*ret = fl_arena_strdup(op->arena, state);
	return 0;
}

int machine_start(const struct fl_op *op, struct vm *vm, struct fl_error *err)
{
	const char *state;

	if (qmp_call(op, vm->qmp, "cont", NULL, NULL, err) < 0 ||
	    machine_state(op, vm, &state, err) < 0)
		return -1;
	if (strcmp(state, "prelaunch") == 0)
		return fl_error_set(err, FL_INTERNAL, "QEMU stays in prelaunch after cont");
	return 0;
}

/* Waits until the connection ends; false when `until` passes before. */
static bool machine_wait_end(struct vm *vm, struct timespec until)
{
	while (!qmp_is_gone(vm->qmp)) {
		uint64_t seen = qmp_events(vm->qmp);

		if (!qmp_wait(vm->qmp, &seen, until))
			return qmp_is_gone(vm->qmp);
	}
	return true;
}

/* Only a running guest can hear the button. */
static bool machine_power_down(const struct fl_op *op, struct vm *vm, struct timespec until)
{
	while (!fl_clock_passed(until)) {
		struct timespec again = fl_clock_earlier(until, fl_clock_after_ms(MACHINE_ASK_MS));
		struct fl_error err = { .code = FL_OK };
		struct fl_op step = { op->id, again, op->arena, NULL };
		const char *state = "running";

		if ((machine_state(&step, vm, &state, &err) < 0 || strcmp(state, "running") != 0 ||
		     qmp_call(&step, vm->qmp, "system_powerdown", NULL, NULL, &err) < 0) &&
		    !qmp_is_gone(vm->qmp)) {
			fl_log(FL_LOG_WARNING, "stop", "the guest is not asked to power down: %s",
			       err.code ? err.text : state);
			return false;
		}
		if (machine_wait_end(vm, again))
			return true;
	}
	return false;
}

static bool machine_quit(const struct fl_op *op, struct vm *vm)
{
	struct fl_op step = { op->id, fl_clock_after_ms(MACHINE_ASK_MS), op->arena, NULL };
	struct fl_error err;

	if (qmp_call(&step, vm->qmp, "quit", NULL, NULL, &err) < 0 && !qmp_is_gone(vm->qmp))
		fl_log(FL_LOG_WARNING, "stop", "%s", err.text);
	return machine_wait_end(vm, fl_clock_after_ms(MACHINE_QUIT_MS));
}

/* The supervisor is QEMU's parent: it knows for sure which process that is. */
static bool machine_kill(struct vm *vm)
{
	fl_log(FL_LOG_ERROR, "stop", "QEMU does not quit and is killed");
	kill(getppid(), SIGUSR1);
	return machine_wait_end(vm, fl_clock_after_ms(MACHINE_KILL_MS));
}

/* A guest that is held for a snapshot would not hear the button. */
static void machine_go_on(const struct fl_op *op, struct vm *vm)
{
	const struct fl_op step = { op->id, fl_clock_after_ms(MACHINE_ASK_MS), op->arena, NULL };

	hold_break(&step, vm);
}

int machine_stop(const struct fl_op *op, struct vm *vm, uint64_t timeout_ms, bool force,
		 const char **ret_how, struct fl_error *err)
{
	struct timespec until = fl_clock_after_ms(timeout_ms);

	pthread_mutex_lock(&vm->lock);
	vm->stopping = true;
	pthread_mutex_unlock(&vm->lock);
	if (!force)
		machine_go_on(op, vm);
	if (!force && machine_power_down(op, vm, until))
		*ret_how = "guest";
	else if (machine_quit(op, vm))
		*ret_how = "quit";
	else if (machine_kill(vm))
		*ret_how = "killed";
	else
		return fl_error_set(err, FL_TIMEOUT, "QEMU of VM %s does not end", vm->spec.name);
	/* Who waits for the end wants to use the disks next. */
	until = fl_clock_after_ms(MACHINE_RELEASE_MS);
	while (!vm->released && !fl_clock_passed(until))
		fl_clock_sleep_ms(10);
	return 0;
}
