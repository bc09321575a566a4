/* SPDX-License-Identifier: Apache-2.0 */
#include "settle.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "disklink.h"
#include "hotplug.h"

/* How long after the n-th request the guest is asked again; the last one repeats. */
static const uint64_t settle_pauses_ms[] = { 10000, 30000, 60000 };

static void settle_say(struct disk *disk, const char *text)
{
	snprintf(disk->reason, sizeof(disk->reason), "%s", text);
}

static int settle_set(struct vm *vm, struct disk *disk, enum disk_phase phase, struct fl_error *err)
{
	disk->phase = phase;
	disk->reason[0] = '\0';
	return vm_save(vm, err);
}

/* The device is gone; QEMU drops what hung on it a moment later, and says "in use" until then. */
static int settle_closed(const struct fl_op *op, struct vm *vm, struct disk *disk,
			 struct fl_error *err)
{
	if (hotplug_close(op, vm, disk, err) < 0) {
		if (err->code != FL_IN_USE)
			return -1;
		settle_say(disk, err->text);
		err->code = FL_TIMEOUT;
		return -1;
	}
	fl_close(&disk->fd);
	return settle_set(vm, disk, DISK_RELEASING, err);
}

static int settle_plugging(const struct fl_op *op, struct vm *vm, struct disk *disk,
			   struct fl_error *err)
{
	bool there;

	if (hotplug_has_device(op, vm, disk, &there, err) < 0)
		return -1;
	if (there)
		return settle_set(vm, disk, DISK_PLUGGED, err);
	return settle_closed(op, vm, disk, err);
}

static bool settle_is_due(const struct disk *disk)
{
	size_t n = disk->unplug_asked;
	uint64_t pause_ms;

	if (n == 0)
		return true;
	if (n > FL_COUNT(settle_pauses_ms))
		n = FL_COUNT(settle_pauses_ms);
	pause_ms = settle_pauses_ms[n - 1];
	return fl_clock_us() - disk->unplug_asked_us >= pause_ms * 1000;
}

static int settle_ask(const struct fl_op *op, struct vm *vm, struct disk *disk,
		      struct fl_error *err)
{
	if (!settle_is_due(disk))
		return 0;
	if (disk->unplug_since_us == 0)
		disk->unplug_since_us = fl_clock_us();
	disk->unplug_asked_us = fl_clock_us();
	disk->unplug_asked++;
	return hotplug_ask_unplug(op, vm, disk, err);
}

static int settle_unplugging(const struct fl_op *op, struct vm *vm, struct disk *disk,
			     struct fl_error *err)
{
	struct fl_error refused;
	uint64_t s;
	bool there;

	if (hotplug_has_device(op, vm, disk, &there, err) < 0)
		return -1;
	if (!there)
		return settle_closed(op, vm, disk, err);
	/* A refusal (such as "already in the process of unplug") is no end: it is asked again. */
	if (settle_ask(op, vm, disk, &refused) < 0) {
		settle_say(disk, refused.text);
		return fl_error_set(err, FL_TIMEOUT, "%s", refused.text);
	}
	/* SCSI disks are gone at once: no need to come again. */
	if (hotplug_has_device(op, vm, disk, &there, err) < 0)
		return -1;
	if (!there)
		return settle_closed(op, vm, disk, err);
	s = (fl_clock_us() - disk->unplug_since_us) / 1000000;
	snprintf(disk->reason, sizeof(disk->reason),
		 "the guest has not acknowledged for %" PRIu64 " s", s);
	return fl_error_set(
		err, FL_TIMEOUT,
		"disk %s is still in the VM: %s; it is released as soon as the guest lets "
		"go",
		disk->serial, disk->reason);
}

/* Tells the disk service; a pass that is not there any more was taken back by the node, which then
 * has proven by itself that the volume is closed. */
static int settle_tell(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		       struct fl_error *err)
{
	struct diskpass pass;
	struct fl_error why;

	if (!disk->pass)
		return 0;
	if (diskpass_read(op->arena, disk->pass, vm->spec.name, &pass, &why) < 0) {
		if (why.code == FL_NOT_FOUND)
			return 0;
		*err = why;
		return -1;
	}
	return disklink_release(op, vm->disklink, &pass, err);
}

static int settle_releasing(const struct fl_op *op, struct vm *vm, struct disk *disk,
			    struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	int failed = settle_tell(op, vm, disk, err);
	struct fl_error busy;

	if (vm_lock(op, vm, failed ? &busy : err) < 0)
		return -1;
	locked = vm;
	if (failed) {
		settle_say(disk, err->text);
		fl_error_prefix(err, "disk %s is out of the VM, but", disk->serial);
		err->code = FL_UNAVAILABLE;
		return -1;
	}
	fl_log(FL_LOG_INFO, "disk", "%s (%s) is released", disk->source, disk->serial);
	vm_drop_disk(vm, disk);
	return vm_save(vm, err);
}

static int settle_in_qemu(const struct fl_op *op, struct vm *vm, struct disk *disk,
			  struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	if (disk->phase == DISK_PLUGGING)
		return settle_plugging(op, vm, disk, err);
	if (disk->phase == DISK_UNPLUGGING)
		return settle_unplugging(op, vm, disk, err);
	return 0;
}

int settle_disk(const struct fl_op *op, struct vm *vm, struct disk *disk, enum settled *ret,
		struct fl_error *err)
{
	if (settle_in_qemu(op, vm, disk, err) < 0)
		return -1;
	*ret = disk->phase == DISK_PLUGGED ? SETTLED_PLUGGED : SETTLED_GONE;
	if (disk->phase == DISK_PLUGGED)
		return 0;
	return settle_releasing(op, vm, disk, err);
}

int settle_after_end(const struct fl_op *op, struct vm *vm, struct disk *disk, struct fl_error *err)
{
	if (vm_lock(op, vm, err) < 0)
		return -1;
	fl_close(&disk->fd);
	disk->phase = DISK_RELEASING;
	pthread_mutex_unlock(&vm->lock);
	return settle_releasing(op, vm, disk, err);
}
