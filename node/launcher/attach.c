/* SPDX-License-Identifier: Apache-2.0 */
#include "attach.h"

#include <string.h>

#include "base/log.h"
#include "disklink.h"
#include "hotplug.h"
#include "settle.h"

/* One attach under way. */
struct attach {
	const struct fl_op *op;
	struct vm *vm;
	const struct attach_request *request;
	struct diskpass pass; /* when the request has one */
	const char *source;
	struct medium medium;
	bool readonly;
};

static int attach_resolve(struct attach *a, struct fl_error *err)
{
	const struct attach_request *request = a->request;

	if (!request->pass == !request->path)
		return fl_error_set(err, FL_INVALID, "a disk has either a pass or a path");
	if (request->path && request->path[0] != '/')
		return fl_error_set(err, FL_INVALID, "%s is no absolute path", request->path);
	if (request->serial && request->pass)
		return fl_error_set(err, FL_INVALID, "a volume's serial follows from its id");
	if (request->serial && !fl_text_is_safe_name(request->serial, VM_SERIAL_MAX))
		return fl_error_set(err, FL_INVALID,
				    "a serial has 1 to %d characters of A-Z a-z 0-9 . _ -",
				    VM_SERIAL_MAX);
	if (request->bus && strcmp(request->bus, "scsi") != 0 &&
	    strcmp(request->bus, "virtio") != 0)
		return fl_error_set(err, FL_INVALID, "bus \"%.20s\" is neither scsi nor virtio",
				    request->bus);
	a->source = request->path;
	if (request->path)
		return 0;
	if (diskpass_read(a->op->arena, request->pass, a->vm->spec.name, &a->pass, err) < 0)
		return -1;
	a->source = a->pass.volume;
	return 0;
}

/* The disk is plugged in: in the way that is asked for? */
static int attach_again(const struct attach *a, const struct disk *disk, struct fl_error *err)
{
	const struct attach_request *request = a->request;

	if (request->serial && strcmp(request->serial, disk->serial) != 0)
		return fl_error_set(err, FL_EXISTS, "%s is plugged in with serial %s", a->source,
				    disk->serial);
	if (strcmp(request->bus ? request->bus : "scsi", disk->bus) != 0)
		return fl_error_set(err, FL_EXISTS, "%s is plugged in on bus %s", a->source,
				    disk->bus);
	if (request->readonly && !disk->readonly)
		return fl_error_set(err, FL_EXISTS, "%s is plugged in writable", a->source);
	return 0;
}

static int attach_open(struct attach *a, struct fl_error *err)
{
	a->readonly = a->request->readonly;
	if (!a->request->pass)
		return medium_open(a->source, a->readonly, &a->medium, err);
	if (disklink_attach(a->op, a->vm->disklink, &a->pass, &a->medium, &a->readonly, err) < 0)
		return -1;
	a->readonly = a->readonly || a->request->readonly;
	return 0;
}

static int attach_check_others(const struct attach *a, const char *serial, struct fl_error *err)
{
	if (a->vm->stopping)
		return fl_error_set(err, FL_IN_USE, "VM %s is being stopped", a->vm->spec.name);
	for (const struct disk *d = a->vm->disks; d; d = d->next) {
		if (strcmp(d->serial, serial) == 0)
			return fl_error_set(err, FL_EXISTS, "serial %s belongs to disk %s", serial,
					    d->source);
		if (strcmp(d->image, a->medium.identity) == 0)
			return fl_error_set(err, FL_IN_USE, "%s is the same image as disk %s",
					    a->source, d->source);
	}
	return 0;
}

/* Puts the disk on record; the lock is held. */
static int attach_enter(struct attach *a, struct disk **ret, struct fl_error *err)
{
	const struct attach_request *request = a->request;
	struct disk_wanted wanted = {
		.source = a->source,
		.pass = request->pass,
		.serial = a->medium.serial ? a->medium.serial : request->serial,
		.bus = request->bus ? request->bus : "scsi",
		.boot = request->boot,
		.readonly = a->readonly,
	};
	int slot = disk_free_slot(a->vm->disks, wanted.bus);

	if (!wanted.serial)
		wanted.serial = disk_path_serial(a->op->arena, a->source);
	if (attach_check_others(a, wanted.serial, err) < 0)
		return -1;
	if (slot < 0)
		return fl_error_set(err, FL_OUT_OF_RANGE, "all places on bus %s are taken",
				    wanted.bus);
	*ret = disk_new(&wanted);
	(*ret)->slot = (unsigned)slot;
	(*ret)->limits = a->medium.limits;
	(*ret)->image = fl_arena_strdup((*ret)->arena, a->medium.identity);
	vm_add_disk(a->vm, *ret);
	return vm_save(a->vm, err);
}

static int attach_plug(struct attach *a, struct disk **ret, struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;

	if (vm_lock(a->op, a->vm, err) < 0)
		return -1;
	locked = a->vm;
	if (attach_enter(a, ret, err) < 0 ||
	    hotplug_plug(a->op, a->vm, *ret, &a->medium, err) < 0 ||
	    throttle_begin(a->op, a->vm, *ret, err) < 0)
		return -1;
	(*ret)->phase = DISK_PLUGGED;
	if (vm_save(a->vm, err) < 0)
		return -1;
	(*ret)->fd = fl_take_fd(&a->medium.ro);
	return 0;
}

/* After a failure: what is in QEMU comes out again, or the keeper goes on with that. */
static void attach_undo(struct attach *a, struct disk *disk, struct fl_error *err)
{
	struct fl_error why;
	enum settled settled;

	medium_release(&a->medium);
	if (!disk) {
		if (a->request->pass &&
		    disklink_release(a->op, a->vm->disklink, &a->pass, &why) < 0)
			fl_log(FL_LOG_WARNING, "attach", "%s", why.text);
		return;
	}
	/* A disk that did get in after all comes out again: its request has failed. */
	if (disk->phase == DISK_PLUGGED)
		disk->phase = DISK_UNPLUGGING;
	if (settle_disk(a->op, a->vm, disk, &settled, &why) < 0 && err->code != FL_TIMEOUT)
		err->code = FL_UNAVAILABLE;
}

static int attach_fresh(struct attach *a, struct fl_error *err)
{
	struct disk *disk = NULL;

	if (attach_open(a, err) < 0)
		return -1;
	if (attach_plug(a, &disk, err) == 0) {
		fl_log(FL_LOG_INFO, "disk", "%s is plugged in as %s", a->source, disk->serial);
		return 0;
	}
	attach_undo(a, disk, err);
	return fl_error_prefix(err, "plugging %s in", a->source);
}

int attach_disk(const struct fl_op *op, struct vm *vm, const struct attach_request *request,
		const char **ret_source, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { .set = NULL };
	struct attach a = { .op = op, .vm = vm, .request = request, .medium = MEDIUM_NONE };
	enum settled settled = SETTLED_GONE;
	struct disk *disk;
	int failed;

	if (attach_resolve(&a, err) < 0 ||
	    fl_busy_try(vm->busy, a.source, "attach", &mark, err) < 0 || vm_lock(op, vm, err) < 0)
		return -1;
	disk = disk_find(vm->disks, a.source);
	vm_unlock(&vm);
	if (disk && disk->phase == DISK_PLUGGED)
		settled = SETTLED_PLUGGED;
	else if (disk && settle_disk(op, vm, disk, &settled, err) < 0)
		return -1;
	failed = settled == SETTLED_PLUGGED ? attach_again(&a, disk, err) : attach_fresh(&a, err);
	medium_release(&a.medium);
	if (failed == 0)
		*ret_source = fl_arena_strdup(op->arena, a.source);
	return failed;
}
