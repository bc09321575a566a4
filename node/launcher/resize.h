/* SPDX-License-Identifier: Apache-2.0 */
/* Resize: tells the guest that a disk has grown. */
#pragma once

#include "vm.h"

/* Brings the disk (source or serial) to at least size_bytes; 0: to what its image has.  A file
 * given by path is grown; a block device and a volume have been grown before, else FL_OUT_OF_RANGE.
 * Never shrinks: a smaller size than the guest has is FL_OUT_OF_RANGE, the same is success.  *ret
 * is what the guest has now. */
int resize_disk(const struct fl_op *op, struct vm *vm, const char *source_or_serial,
		uint64_t size_bytes, uint64_t *ret, struct fl_error *err) fl_must_check;
