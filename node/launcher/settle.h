/* SPDX-License-Identifier: Apache-2.0 */
/* Settle: brings a disk that is between two states to one where it can stay.
 *
 * What a failed request, a silent guest or a dead launcher has left is finished or undone by asking
 * QEMU what is there.  The caller holds the disk's mark and not the lock; every call may be
 * repeated. */
#pragma once

#include "vm.h"

enum settled {
	SETTLED_PLUGGED,
	SETTLED_GONE, /* the disk has been freed */
};

/* FL_TIMEOUT when the guest has not let go yet (disk->reason says so); any other error: ask
 * again. */
int settle_disk(const struct fl_op *op, struct vm *vm, struct disk *disk, enum settled *ret,
		struct fl_error *err) fl_must_check;

/* QEMU is proven gone: the disk's source is told. */
int settle_after_end(const struct fl_op *op, struct vm *vm, struct disk *disk, struct fl_error *err)
	fl_must_check;
