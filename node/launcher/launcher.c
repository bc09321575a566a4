/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher proper: it may die at any point and is started again by the supervisor. */
#include "launcher.h"

#include <signal.h>
#include <string.h>

#include "backup.h"
#include "base/clock.h"
#include "base/log.h"
#include "console.h"
#include "control.h"
#include "disklink.h"
#include "exit.h"
#include "hold.h"
#include "keeper.h"
#include "machine.h"
#include "settle.h"

#define LAUNCHER_CONNECT_MS 30000
#define LAUNCHER_END_MS 10000 /* from the connection's end until the supervisor has seen QEMU's */
#define LAUNCHER_RELEASE_MS 3000 /* for telling the disk service of one disk */
#define LAUNCHER_RELEASE_ALL_MS 10000
#define LAUNCHER_ANSWER_MS 2000

/* SIGTERM and SIGINT: power the guest down.  SIGUSR1, from the keeper: the connection has ended.
 * The supervisor starts us with the first two blocked, so that none is lost before we listen. */
static void launcher_block(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, ret, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void *launcher_stop(void *cookie)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct vm *vm = cookie;
	struct fl_op op = { "stop", fl_clock_after_ms(vm->spec.stop_timeout_ms), arena, NULL };
	struct fl_error err;
	const char *how;

	if (machine_stop(&op, vm, vm->spec.stop_timeout_ms, false, &how, &err) < 0)
		fl_log(FL_LOG_ERROR, "stop", "%s", err.text);
	else
		fl_log(FL_LOG_INFO, "stop", "VM %s has ended: %s", vm->spec.name, how);
	return NULL;
}

static void launcher_begin_stop(struct vm *vm)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, launcher_stop, vm) == 0)
		pthread_detach(thread);
	else
		fl_log(FL_LOG_ERROR, "stop", "no thread for stopping VM %s", vm->spec.name);
}

/* Serves until the connection to QEMU ends. */
static void launcher_serve(struct vm *vm, const sigset_t *signals)
{
	bool stopping = false;

	for (;;) {
		int number = sigwaitinfo(signals, NULL);

		if (number == SIGUSR1)
			return;
		if (number > 0 && !stopping)
			launcher_begin_stop(vm);
		stopping = stopping || number > 0;
	}
}

/* Releases one disk; false when there is none any more. */
static bool launcher_release_one(struct vm *vm, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { .set = NULL };
	struct fl_op op = { "end", fl_clock_after_ms(LAUNCHER_RELEASE_MS), arena, NULL };
	const char *source = NULL;
	struct disk *disk;

	pthread_mutex_lock(&vm->lock);
	if (vm->disks)
		source = fl_arena_strdup(arena, vm->disks->source);
	pthread_mutex_unlock(&vm->lock);
	if (source && vm_claim_disk(&op, vm, source, "end", &mark, &disk, err) == 0 && disk)
		(void)(settle_after_end(&op, vm, disk, err) == 0);
	return source != NULL;
}

/* QEMU is proven gone: nothing can use the disks any more.  Requests under way fail soon, and let
 * go of the disks that they hold. */
static int launcher_release_all(struct vm *vm)
{
	struct timespec until = fl_clock_after_ms(LAUNCHER_RELEASE_ALL_MS);
	struct fl_error err = { .code = FL_OK };

	while (launcher_release_one(vm, &err)) {
		if (fl_clock_passed(until)) {
			fl_log(FL_LOG_ERROR, "end", "%s", err.text);
			return -1;
		}
		if (err.code != FL_OK)
			fl_clock_sleep_ms(20);
		err.code = FL_OK;
	}
	return 0;
}

static bool launcher_wait_end(const struct vm *vm)
{
	struct timespec until = fl_clock_after_ms(LAUNCHER_END_MS);

	while (!machine_has_ended(vm)) {
		if (fl_clock_passed(until))
			return false;
		fl_clock_sleep_ms(10);
	}
	return true;
}

static int launcher_finish(struct vm *vm, struct control *control)
{
	bool failed, unfinished;

	pthread_mutex_lock(&vm->lock);
	vm->stopping = true;
	while (vm->backups) /* they went with QEMU */
		backup_drop(vm, vm->backups);
	failed = vm->failed;
	pthread_mutex_unlock(&vm->lock);
	unfinished = launcher_release_all(vm) < 0;
	vm->released = true;
	if (control)
		control_drain(control, fl_clock_after_ms(LAUNCHER_ANSWER_MS));
	if (unfinished)
		return EXIT_LAUNCHER_UNFINISHED;
	return failed ? EXIT_LAUNCHER_NOT_STARTED : EXIT_LAUNCHER_DONE;
}

static int launcher_run(struct vm *vm, const sigset_t *signals, struct fl_error *err)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op op = { "start", fl_clock_after_ms(LAUNCHER_CONNECT_MS), arena, NULL };
	struct control *control;
	bool ended = machine_connect(&op, vm, err) < 0;

	if (ended && err->code != FL_NOT_FOUND)
		return -1;
	/* Not before: the disk service may ask at once. */
	if ((!ended && hold_start(vm, err) < 0) || disklink_start(vm, err) < 0)
		return -1;
	if (ended)
		return launcher_finish(vm, NULL);
	if (console_start(vm, err) < 0 || control_start(vm, &control, err) < 0 ||
	    keeper_start(vm, err) < 0)
		return -1;
	launcher_serve(vm, signals);
	if (!launcher_wait_end(vm))
		return fl_error_set(err, FL_UNAVAILABLE,
				    "the connection to QEMU has ended, but QEMU has not");
	return launcher_finish(vm, control);
}

int launcher_main(const char *dir)
{
	struct vm *vm = NULL;
	struct fl_error err;
	sigset_t signals;
	int status;

	launcher_block(&signals);
	if (vm_open(dir, &vm, &err) < 0) {
		fl_log(FL_LOG_ERROR, "launcher", "%s", err.text);
		return EXIT_LAUNCHER_FAULT;
	}
	status = launcher_run(vm, &signals, &err);
	if (status < 0) {
		fl_log(FL_LOG_ERROR, "launcher", "%s", err.text);
		return EXIT_LAUNCHER_FAULT;
	}
	return status;
}
