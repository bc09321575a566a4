/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "backup.h"
#include "base/clock.h"
#include "base/log.h"
#include "boot.h"
#include "disklink.h"
#include "settle.h"

#define KEEPER_LOOK_MS 1000
#define KEEPER_STEP_MS 10000

/* After a restart we have no descriptor to ask a disk's size by, and QEMU may keep to limits that
 * were changed while nobody could tell us. */
static int keeper_reopen(const struct fl_op *op, struct vm *vm, struct disk *disk,
			 struct fl_error *err)
{
	fl_cleanup(medium_release) struct medium medium = MEDIUM_NONE;
	struct diskpass pass;
	bool readonly;

	if (!disk->pass)
		return medium_reopen(disk, &disk->fd, err);
	if (diskpass_read(op->arena, disk->pass, vm->spec.name, &pass, err) < 0 ||
	    disklink_attach(op, vm->disklink, &pass, &medium, &readonly, err) < 0)
		return -1;
	if (throttle_give(op, vm, disk, &medium.limits, err) < 0)
		return -1;
	disk->fd = fl_take_fd(&medium.ro);
	return 0;
}

static void keeper_look_at(const struct fl_op *op, struct vm *vm, const char *source)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { .set = NULL };
	struct fl_error err = { .code = FL_OK };
	struct disk *disk;
	enum settled settled;
	int failed;

	/* A disk that a request works on is in good hands. */
	if (vm_claim_disk(op, vm, source, "settle", &mark, &disk, &err) < 0 || !disk)
		return;
	if (disk->phase == DISK_PLUGGED && disk->fd >= 0)
		return;
	if (disk->phase == DISK_PLUGGED)
		failed = keeper_reopen(op, vm, disk, &err);
	else
		failed = settle_disk(op, vm, disk, &settled, &err);
	if (failed && err.code != FL_TIMEOUT)
		fl_log(FL_LOG_WARNING, "keeper", "%s", err.text);
}

/* The sources of all disks that are not as they should be. */
static const char **keeper_list(const struct fl_op *op, struct vm *vm, size_t *ret_n)
{
	const char **sources = NULL;
	size_t n = 0, capacity = 0;
	struct fl_error busy;

	*ret_n = 0;
	if (vm_lock(op, vm, &busy) < 0)
		return NULL;
	for (const struct disk *d = vm->disks; d; d = d->next) {
		if (d->phase == DISK_PLUGGED && d->fd >= 0)
			continue;
		sources = fl_arena_grow(op->arena, sources, n, &capacity, sizeof(*sources));
		sources[n++] = fl_arena_strdup(op->arena, d->source);
	}
	vm_unlock(&vm);
	*ret_n = n;
	return sources;
}

static void keeper_look(struct vm *vm)
{
	fl_cleanup(fl_arena_release) struct fl_arena *arena = fl_arena_new(0);
	struct fl_op op = { "keeper", fl_clock_after_ms(KEEPER_STEP_MS), arena, NULL };
	struct fl_error err = { .code = FL_OK };
	const char **sources;
	size_t n;

	sources = keeper_list(&op, vm, &n);
	for (size_t i = 0; i < n && !qmp_is_gone(vm->qmp); i++) {
		op.deadline = fl_clock_after_ms(KEEPER_STEP_MS);
		keeper_look_at(&op, vm, sources[i]);
	}
	op.deadline = fl_clock_after_ms(KEEPER_STEP_MS);
	if (!qmp_is_gone(vm->qmp) && backup_end_orphans(&op, vm, &err) < 0)
		fl_log(FL_LOG_WARNING, "keeper", "%s", err.text);
}

static void *keeper_run(void *cookie)
{
	struct vm *vm = cookie;

	boot_vm(vm);
	while (!qmp_is_gone(vm->qmp)) {
		uint64_t seen = qmp_events(vm->qmp);

		keeper_look(vm);
		qmp_wait(vm->qmp, &seen, fl_clock_after_ms(KEEPER_LOOK_MS));
	}
	kill(getpid(), SIGUSR1);
	return NULL;
}

int keeper_start(struct vm *vm, struct fl_error *err)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, keeper_run, vm);
	if (errno != 0)
		return fl_error_sys(err, errno, "starting the keeper's thread");
	pthread_detach(thread);
	return 0;
}
