/* SPDX-License-Identifier: Apache-2.0 */
#include "resize.h"

#include <inttypes.h>

#include "backup.h"
#include "base/text.h"
#include "hotplug.h"
#include "medium.h"

/* QEMU would cut a file off without a word: the new size is never below what the image has. */
static int resize_choose(struct fl_arena *arena, const struct disk *disk, uint64_t wanted,
			 uint64_t *ret, struct fl_error *err)
{
	bool file = !disk->pass && disk->image[0] == 'f';
	uint64_t real;

	if (medium_size(disk->fd, &real, err) < 0)
		return -1;
	if (wanted > real && !file)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "disk %s cannot grow to %s: its storage has %s; expand that "
				    "first",
				    disk->source, fl_text_format_size(arena, wanted),
				    fl_text_format_size(arena, real));
	*ret = wanted > real ? wanted : real;
	return 0;
}

static int resize_tell(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		       uint64_t size, uint64_t *ret, struct fl_error *err)
{
	json_t *arguments =
		json_pack("{s:s, s:I}", "node-name", disk->node, "size", (json_int_t)size);

	if (qmp_call(op, vm->qmp, "block_resize", arguments, NULL, err) < 0) {
		/* QEMU changes no size under a copy's feet; that ends. */
		if (err->code == FL_INTERNAL && backup_is_of(vm, disk))
			return fl_error_set(err, FL_BUSY, "disk %s is being copied: ask again",
					    disk->serial);
		return -1;
	}
	if (hotplug_size(op, vm, disk, ret, err) < 0)
		return -1;
	if (*ret < size)
		return fl_error_set(err, FL_UNAVAILABLE,
				    "disk %s has %" PRIu64 " bytes after growing to %" PRIu64,
				    disk->source, *ret, size);
	return 0;
}

static int resize_locked(const struct fl_op *op, struct vm *vm, const struct disk *disk,
			 uint64_t wanted, uint64_t *ret, struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;
	uint64_t now = 0, size = 0;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	if (hotplug_size(op, vm, disk, &now, err) < 0)
		return -1;
	if (wanted != 0 && wanted < now)
		return fl_error_set(err, FL_OUT_OF_RANGE,
				    "disk %s has %" PRIu64 " bytes and is never made smaller",
				    disk->source, now);
	if (resize_choose(op->arena, disk, wanted, &size, err) < 0)
		return -1;
	if (size > now)
		return resize_tell(op, vm, disk, size, ret, err);
	*ret = now;
	return 0;
}

int resize_disk(const struct fl_op *op, struct vm *vm, const char *source_or_serial,
		uint64_t size_bytes, uint64_t *ret, struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { .set = NULL };
	struct disk *disk;

	if (size_bytes % 512 != 0 || size_bytes > INT64_MAX)
		return fl_error_set(err, FL_INVALID, "a disk's size is a multiple of 512 bytes");
	if (vm_claim_disk(op, vm, source_or_serial, "resize", &mark, &disk, err) < 0)
		return -1;
	if (!disk)
		return fl_error_set(err, FL_NOT_FOUND, "VM %s has no disk %s", vm->spec.name,
				    source_or_serial);
	if (disk->phase != DISK_PLUGGED)
		return fl_error_set(err, FL_BUSY, "disk %s is %s", source_or_serial,
				    disk_phase_name(disk->phase));
	if (disk->readonly)
		return fl_error_set(err, FL_IN_USE, "disk %s is write-protected", source_or_serial);
	/* The disk service may be who asks: it is not asked back from here. */
	if (disk->fd < 0 && !disk->pass && medium_reopen(disk, &disk->fd, err) < 0)
		return -1;
	if (disk->fd < 0)
		return fl_error_set(err, FL_BUSY,
				    "disk %s has not been opened again since the launcher was "
				    "restarted: ask again",
				    source_or_serial);
	return resize_locked(op, vm, disk, size_bytes, ret, err);
}
