/* SPDX-License-Identifier: Apache-2.0 */
#include "attach.h"
#include "backup.h"
#include "base/clock.h"
#include "settle.h"

/* An event may be lost: QEMU is asked at least this often. */
#define DETACH_LOOK_MS 100

static int detach_begin(const struct fl_op *op, struct vm *vm, struct disk *disk,
			struct fl_error *err)
{
	fl_cleanup(vm_unlock) struct vm *locked = NULL;

	if (vm_lock(op, vm, err) < 0)
		return -1;
	locked = vm;
	if (backup_is_of(vm, disk))
		return fl_error_set(err, FL_BUSY,
				    "disk %s is being copied: ask again when its snapshot or clone "
				    "is ready (fairlead snapshot list)",
				    disk->serial);
	/* The caller asks anew, so the guest is asked anew. */
	disk->unplug_asked = 0;
	if (disk->phase != DISK_PLUGGED)
		return 0;
	disk->phase = DISK_UNPLUGGING;
	disk->unplug_since_us = 0;
	return vm_save(vm, err);
}

int detach_disk(const struct fl_op *op, struct vm *vm, const char *source_or_serial,
		struct fl_error *err)
{
	fl_cleanup(fl_busy_release) struct fl_busy_mark mark = { .set = NULL };
	struct disk *disk;

	if (vm_claim_disk(op, vm, source_or_serial, "detach", &mark, &disk, err) < 0)
		return -1;
	if (!disk)
		return 0;
	if (detach_begin(op, vm, disk, err) < 0)
		return -1;
	for (;;) {
		/* Each look has its own deadline: the last one still needs time to be made. */
		struct fl_op look = *op;
		uint64_t seen = qmp_events(vm->qmp);
		enum settled settled;

		look.deadline = fl_clock_after_ms(10000);
		if (settle_disk(&look, vm, disk, &settled, err) == 0)
			return settled == SETTLED_GONE
				       ? 0
				       : fl_error_set(err, FL_BUSY, "disk %s was just plugged in",
						      source_or_serial);
		if (err->code != FL_TIMEOUT && err->code != FL_BUSY)
			err->code = FL_UNAVAILABLE; /* the keeper goes on with it */
		if (err->code != FL_TIMEOUT || fl_clock_passed(op->deadline))
			return -1;
		qmp_wait(vm->qmp, &seen,
			 fl_clock_earlier(op->deadline, fl_clock_after_ms(DETACH_LOOK_MS)));
	}
}
