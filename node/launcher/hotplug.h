/* SPDX-License-Identifier: Apache-2.0 */
/* Hotplug: the QMP steps that put a disk into QEMU and take it out, and the questions about it.
 *
 * The VM's lock is held by the caller; the record is the caller's business.  Every step but
 * hotplug_plug may be repeated.  FL_TIMEOUT and FL_UNAVAILABLE mean that QEMU may still do it. */
#pragma once

#include "medium.h"
#include "vm.h"

/* Puts the image's descriptors, the block nodes and the device in, and checks by query that the
 * device has the image.  For a disk that was put on record just now, so that nothing of it is in
 * QEMU: a disk leaves the record only after hotplug_close.  After a failure a part of it may be
 * there. */
int hotplug_plug(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		 const struct medium *medium, struct fl_error *err) fl_must_check;

/* Whether QEMU has the disk's device, and whether it sits on the disk's block node. */
int hotplug_has_device(const struct fl_op *op, struct vm *vm, const struct disk *disk, bool *ret,
		       struct fl_error *err) fl_must_check;
/* Asks the guest to let go; a device that is not there is success. */
int hotplug_ask_unplug(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		       struct fl_error *err) fl_must_check;
/* The device is gone: deletes the block nodes, which QEMU refuses while anybody uses them, and
 * closes the descriptors.  Success is the proof that QEMU has let the image go. */
int hotplug_close(const struct fl_op *op, struct vm *vm, const struct disk *disk,
		  struct fl_error *err) fl_must_check;

/* The size of the disk's block node, as the guest is told. */
int hotplug_size(const struct fl_op *op, struct vm *vm, const struct disk *disk, uint64_t *ret,
		 struct fl_error *err) fl_must_check;
